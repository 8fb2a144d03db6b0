/* SPDX-License-Identifier: MIT */
/*
 * Signals on the loop, and a terminal that is put back whatever happens. Each terminal test runs a
 * child with a pseudo-terminal as its controlling one; the parent looks at the attributes through
 * the other end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/sig.h"

static int seen[65];
static unsigned n_seen;
static struct loop *the_loop;

static void on_signal(void *arg, int signo)
{
	assert_ptr_equal(arg, &n_seen);
	assert_in_range(signo, 1, 64);
	seen[signo]++;
	n_seen++;
}

static void test_delivery(void **state)
{
	static const int sent[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	sigset_t before, after;

	assert_int_equal(loop_new(&the_loop), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &before), 0);
	assert_int_equal(sig_init(the_loop, on_signal, &n_seen), 0);
	assert_int_equal(sig_init(the_loop, on_signal, &n_seen), -EBUSY);
	for (int i = 0; i < 4; i++)
		assert_int_equal(kill(getpid(), sent[i]), 0);
	assert_int_equal(raise(SIGPIPE), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(loop_turn(the_loop, -1), 1);
	assert_int_equal(n_seen, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen[sent[i]], 1);
	sig_fini();
	sig_fini();
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (int i = 1; i < 32; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&after, i));
	loop_free(the_loop);
}

static void test_no_terminal(void **state)
{
	unsigned columns, rows;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(sig_term_raw(p[0]), -ENOTTY);
	assert_int_equal(sig_term_size(p[0], &columns, &rows), -ENOTTY);
	sig_term_restore();
	close(p[0]);
	close(p[1]);
}

/* A child on a pseudo-terminal of its own, and a pipe on which it says how far it is. */
struct child {
	pid_t pid;
	int master, slave, said;
	struct termios at_first;
};

static void say(int fd, char c)
{
	if (write(fd, &c, 1) != 1)
		_exit(99);
}

static void child_start(struct child *c, void (*body)(int tty, int say_fd))
{
	struct winsize size = {.ws_col = 91, .ws_row = 37};
	int p[2];

	c->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(c->master >= 0);
	assert_int_equal(grantpt(c->master), 0);
	assert_int_equal(unlockpt(c->master), 0);
	c->slave = open(ptsname(c->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(c->slave >= 0);
	assert_int_equal(ioctl(c->slave, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(c->slave, &c->at_first), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		/* Where the test hangs, the child at least does not outlive it for long. */
		alarm(60);
		if (setsid() < 0 || ioctl(c->slave, TIOCSCTTY, 0) < 0)
			_exit(98);
		body(c->slave, p[1]);
		_exit(97);
	}
	close(p[1]);
	c->said = p[0];
}

static void child_says(struct child *c, char want)
{
	char got = 0;

	assert_int_equal(read(c->said, &got, 1), 1);
	assert_int_equal(got, want);
}

static void child_finish(struct child *c)
{
	close(c->master);
	close(c->slave);
	close(c->said);
}

static void assert_raw(struct child *c, int raw)
{
	struct termios now;

	assert_int_equal(tcgetattr(c->slave, &now), 0);
	if (raw) {
		assert_int_equal(now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0);
		assert_int_equal(now.c_iflag & (ICRNL | IXON), 0);
		assert_true(now.c_oflag & OPOST);
	} else {
		assert_int_equal(now.c_lflag, c->at_first.c_lflag);
		assert_int_equal(now.c_iflag, c->at_first.c_iflag);
		assert_int_equal(now.c_oflag, c->at_first.c_oflag);
		assert_int_equal(now.c_cflag, c->at_first.c_cflag);
	}
}

static void go_raw(int tty, int say_fd)
{
	unsigned columns, rows;

	if (sig_term_raw(tty) || sig_term_raw(tty))
		_exit(96);
	if (sig_term_raw(tty + 1000) != -EBUSY)
		_exit(95);
	if (sig_term_size(tty, &columns, &rows) || columns != 91 || rows != 37)
		_exit(94);
	say(say_fd, 'r');
}

static void wait_for_master(int tty)
{
	char c;

	if (read(tty, &c, 1) != 1)
		_exit(93);
}

static void body_restore(int tty, int say_fd)
{
	go_raw(tty, say_fd);
	wait_for_master(tty);
	sig_term_restore();
	say(say_fd, 'd');
	pause();
}

static void test_restore(void **state)
{
	struct child c;

	child_start(&c, body_restore);
	child_says(&c, 'r');
	assert_raw(&c, 1);
	assert_int_equal(write(c.master, "\x03", 1), 1); /* Ctrl-C is a byte like others */
	child_says(&c, 'd');
	assert_raw(&c, 0);
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	child_finish(&c);
}

static void body_exit(int tty, int say_fd)
{
	go_raw(tty, say_fd);
	wait_for_master(tty);
	exit(5);
}

static void body_fault(int tty, int say_fd)
{
	volatile char *page = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	go_raw(tty, say_fd);
	wait_for_master(tty);
	*page = 1;
}

static void body_abort(int tty, int say_fd)
{
	go_raw(tty, say_fd);
	wait_for_master(tty);
	abort();
}

static void body_wait(int tty, int say_fd)
{
	go_raw(tty, say_fd);
	wait_for_master(tty);
	pause();
}

/* Ends the child by its own doing, or by `signo` from outside; returns the status. */
static int dies(void (*body)(int tty, int say_fd), int signo)
{
	struct child c;
	int status;

	child_start(&c, body);
	child_says(&c, 'r');
	assert_raw(&c, 1);
	if (signo)
		assert_int_equal(kill(c.pid, signo), 0);
	else
		assert_int_equal(write(c.master, "x", 1), 1);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_raw(&c, 0);
	child_finish(&c);
	return status;
}

static void test_deaths(void **state)
{
	int status;

	status = dies(body_exit, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
	status = dies(body_abort, 0);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 97);
	status = dies(body_wait, SIGQUIT);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGQUIT);
	status = dies(body_wait, SIGSEGV);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 97);
	/* A sanitizer turns this into an exit of its own. */
	status = dies(body_fault, 0);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 97);
}

static int body_say_fd;

static void on_child_signal(void *arg, int signo)
{
	say(body_say_fd, signo == SIGWINCH ? 'w' : '?');
	if (signo == SIGTERM)
		loop_stop(the_loop);
}

static void body_loop(int tty, int say_fd)
{
	body_say_fd = say_fd;
	if (loop_new(&the_loop) || sig_init(the_loop, on_child_signal, NULL))
		_exit(92);
	go_raw(tty, say_fd);
	if (loop_run(the_loop))
		_exit(91);
	sig_fini();
	loop_free(the_loop);
	exit(0);
}

static void test_stop_and_continue(void **state)
{
	struct child c;
	int status;

	child_start(&c, body_loop);
	child_says(&c, 'r');
	assert_int_equal(kill(c.pid, SIGTSTP), 0);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
	assert_true(WIFSTOPPED(status));
	assert_raw(&c, 0);
	assert_int_equal(kill(c.pid, SIGCONT), 0);
	/* SIGCONT has a lower number than SIGWINCH and is read before it. */
	assert_int_equal(kill(c.pid, SIGWINCH), 0);
	child_says(&c, 'w');
	assert_raw(&c, 1);
	assert_int_equal(kill(c.pid, SIGTERM), 0);
	child_says(&c, '?');
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_raw(&c, 0);
	child_finish(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery),          cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_restore),           cmocka_unit_test(test_deaths),
		cmocka_unit_test(test_stop_and_continue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
