// SPDX-License-Identifier: GPL-2.0
/* scull-access: who may open scullsingle, sculluid, scullwuid and scullpriv. As root. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <testing/check.h>

#define ANN 1001
#define BOB 1002

/* 0 or the errno of an open by that user, in a process of its own. */
static int open_as(uid_t user, const char *path, int flags)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (!child) {
		if (user)
			become(user);
		exit(open(path, flags) < 0 ? errno : 0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A process of that user that has the device open until it is let go. */
struct holder {
	pid_t pid;
	int let_go;
};

static struct holder hold_as(uid_t user, const char *path)
{
	struct holder h;
	int ready[2], wait[2];
	char c;

	CHECK(!pipe(ready) && !pipe(wait));
	h.pid = fork();
	CHECK(h.pid >= 0);
	if (!h.pid) {
		close(wait[1]);
		become(user);
		CHECK(open(path, O_RDWR) >= 0);
		CHECK(write(ready[1], "r", 1) == 1);
		exit(read(wait[0], &c, 1) != 1);
	}
	close(ready[1]);
	close(wait[0]);
	CHECK(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	h.let_go = wait[1];
	return h;
}

static void let_go(struct holder h)
{
	int status;

	CHECK(write(h.let_go, "g", 1) == 1);
	close(h.let_go);
	CHECK(waitpid(h.pid, &status, 0) == h.pid && status == 0);
}

static void single(void)
{
	int fd = open("/dev/scullsingle", O_RDWR), copy;

	CHECK(fd >= 0);
	CHECK(open_as(0, "/dev/scullsingle", O_RDONLY) == EBUSY);
	CHECK(open_as(ANN, "/dev/scullsingle", O_RDONLY) == EBUSY);
	FAILS(open("/dev/scullsingle", O_RDWR), EBUSY);
	copy = dup(fd); /* the same open file */
	close(fd);
	CHECK(open_as(0, "/dev/scullsingle", O_RDONLY) == EBUSY);
	close(copy);
	CHECK(open_as(ANN, "/dev/scullsingle", O_RDWR) == 0);
	CHECK(open_as(0, "/dev/scullsingle", O_RDWR) == 0);
}

static void by_user(void)
{
	struct holder ann = hold_as(ANN, "/dev/sculluid"), again;

	CHECK(open_as(BOB, "/dev/sculluid", O_RDONLY) == EBUSY);
	CHECK(open_as(ANN, "/dev/sculluid", O_RDONLY) == 0);
	CHECK(open_as(0, "/dev/sculluid", O_RDONLY) == 0);
	again = hold_as(ANN, "/dev/sculluid");
	let_go(ann);
	CHECK(open_as(BOB, "/dev/sculluid", O_RDONLY) == EBUSY);
	let_go(again);
	CHECK(open_as(BOB, "/dev/sculluid", O_RDONLY) == 0);
}

/* Bob waits, and gets in when Ann is out; a signal ends his waiting. */
static void by_user_waiting(void)
{
	struct holder ann = hold_as(ANN, "/dev/scullwuid");
	int status, through[2];
	pid_t bob;
	char c = 0;

	CHECK(open_as(BOB, "/dev/scullwuid", O_RDONLY | O_NONBLOCK) == EAGAIN);
	CHECK(open_as(ANN, "/dev/scullwuid", O_RDONLY | O_NONBLOCK) == 0);
	CHECK(open_as(0, "/dev/scullwuid", O_RDONLY) == 0);
	for (int round = 0; round < 2; round++) {
		CHECK(!pipe(through));
		bob = fork();
		CHECK(bob >= 0);
		if (!bob) {
			become(BOB);
			CHECK(write(through[1], "b", 1) == 1);
			CHECK(open("/dev/scullwuid", O_RDONLY) >= 0);
			CHECK(write(through[1], "o", 1) == 1);
			exit(0);
		}
		close(through[1]);
		CHECK(read(through[0], &c, 1) == 1 && c == 'b');
		usleep(50000); /* most likely he waits by now; if not, the test is easier */
		CHECK(waitpid(bob, &status, WNOHANG) == 0);
		if (round == 0)
			kill(bob, SIGTERM);
		else
			let_go(ann);
		CHECK(waitpid(bob, &status, 0) == bob);
		CHECK(round == 0 ? WIFSIGNALED(status) : status == 0);
		CHECK(read(through[0], &c, 1) == (round == 0 ? 0 : 1));
		close(through[0]);
	}
	CHECK(open_as(ANN, "/dev/scullwuid", O_RDONLY | O_NONBLOCK) == 0);
}

/* In a session of its own with this terminal (NULL: with none): what its device holds is sent to
 * the caller, and replaced.
 */
static void on_terminal(const char *terminal, uid_t user, const char *text, const char *found)
{
	pid_t child = fork();
	char bytes[100] = "";
	int status, fd, tty;

	CHECK(child >= 0);
	if (child) {
		CHECK(waitpid(child, &status, 0) == child && status == 0);
		return;
	}
	CHECK(setsid() > 0);
	if (!terminal) {
		FAILS(open("/dev/scullpriv", O_RDWR), ENXIO);
		exit(0);
	}
	tty = open(terminal, O_RDWR);
	CHECK(tty >= 0 && !ioctl(tty, TIOCSCTTY, 0));
	if (user)
		become(user);
	fd = open("/dev/scullpriv", O_RDWR);
	CHECK(fd >= 0 && read(fd, bytes, sizeof(bytes) - 1) == (ssize_t)strlen(found));
	CHECK(!strcmp(bytes, found));
	close(fd);
	fd = open("/dev/scullpriv", O_WRONLY);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	signal(SIGHUP, SIG_IGN); /* as the terminal goes */
	exit(0);
}

static void by_terminal(void)
{
	char a[50], b[50];
	int pty_a = posix_openpt(O_RDWR | O_NOCTTY), pty_b = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK(pty_a >= 0 && !unlockpt(pty_a) && !ptsname_r(pty_a, a, sizeof(a)));
	CHECK(pty_b >= 0 && !unlockpt(pty_b) && !ptsname_r(pty_b, b, sizeof(b)));
	on_terminal(NULL, 0, "", "");
	on_terminal(a, 0, "of a", "");
	on_terminal(b, 0, "of b", "");
	on_terminal(a, 0, "", "of a");
	on_terminal(b, 0, "still", "of b");
	on_terminal(a, 0, "", "");
	on_terminal(b, ANN, "of Ann", "");
	on_terminal(b, 0, "", "still");
	on_terminal(b, ANN, "", "of Ann");
}

int main(void)
{
	single();
	by_user();
	by_user_waiting();
	by_terminal();
	return 0;
}
