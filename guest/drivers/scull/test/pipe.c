// SPDX-License-Identifier: GPL-2.0
/* scull-pipe DEVICE: a scullpipe as a stream of 4096 bytes. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linnet/ioctl.h>
#include <testing/check.h>

#define SIZE 4096

static uint8_t bytes[2 * SIZE];

static short polled(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* It opens at once, takes what fits, and has no end. */
static void stream(const char *path)
{
	int r = open(path, O_RDONLY | O_NONBLOCK), w = open(path, O_WRONLY | O_NONBLOCK), n;
	fd_set set;

	CHECK(r >= 0 && w >= 0);
	FAILS(read(r, bytes, 1), EAGAIN);
	CHECK(polled(r, POLLIN) == 0 && polled(w, POLLOUT) == POLLOUT);
	CHECK(write(w, bytes, SIZE - 96) == SIZE - 96);
	CHECK(polled(r, POLLIN) == POLLIN && polled(w, POLLOUT) == POLLOUT);
	CHECK(write(w, bytes, sizeof(bytes)) == 96);
	FAILS(write(w, bytes, 1), EAGAIN);
	CHECK(polled(w, POLLOUT) == 0);
	FD_ZERO(&set);
	FD_SET(r, &set);
	CHECK(select(r + 1, &set, NULL, NULL, &(struct timeval){0}) == 1 && FD_ISSET(r, &set));
	CHECK(read(r, bytes, 96) == 96 && polled(w, POLLOUT) == POLLOUT);
	CHECK(write(w, bytes, 50) == 50); /* around the end of the ring */
	CHECK(!ioctl(r, FIONREAD, &n) && n == SIZE - 46);
	close(w);
	CHECK(read(r, bytes, sizeof(bytes)) == SIZE - 46);
	FAILS(read(r, bytes, 1), EAGAIN);
	FAILS(lseek(r, 0, SEEK_CUR), ESPIPE);
	FAILS(pread(r, bytes, 1, 0), ESPIPE);
	CHECK(read(r, bytes, 0) == 0);
	close(r);
	w = open(path, O_RDWR | O_NONBLOCK); /* what was in it went with the last */
	CHECK(w >= 0);
	FAILS(read(w, bytes, 1), EAGAIN);
	close(w);
}

/* The child blocks until the parent does the other half; SIGALRM ends a wait that does not end. */
static void blocking(const char *path)
{
	int fd = open(path, O_RDWR), status;
	pid_t child;

	CHECK(fd >= 0);
	for (int round = 0; round < 2; round++) {
		if (round == 1)
			CHECK(write(fd, bytes, SIZE) == SIZE);
		child = fork();
		CHECK(child >= 0);
		if (!child) {
			alarm(30);
			exit(round == 0 ? read(fd, bytes, 10) != 10 : write(fd, bytes, 10) != 10);
		}
		usleep(20000);
		if (round == 0)
			CHECK(write(fd, bytes, 10) == 10);
		else
			CHECK(read(fd, bytes, SIZE) >= SIZE - 10);
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
	CHECK(read(fd, bytes, 10) == 10);
	/* A signal ends it. */
	child = fork();
	CHECK(child >= 0);
	if (!child)
		exit(read(fd, bytes, 1) >= 0);
	usleep(20000);
	kill(child, SIGTERM);
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	close(fd);
}

static volatile sig_atomic_t signals;

static void on_signal(int signo)
{
	(void)signo;
	signals++;
}

static void asynchronous(const char *path)
{
	int r = open(path, O_RDONLY | O_NONBLOCK), w = open(path, O_WRONLY | O_NONBLOCK);
	int before;

	CHECK(r >= 0 && w >= 0 && signal(SIGIO, on_signal) != SIG_ERR);
	CHECK(write(w, bytes, 1) == 1 && signals == 0);
	CHECK(!fcntl(r, F_SETOWN, getpid()) && !fcntl(r, F_SETFL, O_NONBLOCK | O_ASYNC));
	CHECK(write(w, bytes, 1) == 1 && signals > 0);
	CHECK(!fcntl(r, F_SETFL, O_NONBLOCK));
	before = signals;
	CHECK(write(w, bytes, 1) == 1 && signals == before);
	CHECK(!fcntl(w, F_SETOWN, getpid()) && !fcntl(w, F_SETFL, O_NONBLOCK | O_ASYNC));
	CHECK(read(r, bytes, 3) == 3 && signals > before);
	close(r);
	close(w);
}

static void resizing(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK);
	uint8_t back[SIZE];

	CHECK(fd >= 0);
	for (int i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 5 + i / 256);
	CHECK(write(fd, bytes, 100) == 100 && read(fd, back, 100) == 100);
	CHECK(write(fd, bytes, SIZE) == SIZE); /* around the end */
	CHECK(!ioctl(fd, SCULL_P_IOCTSIZE, 4 * SIZE));
	CHECK(write(fd, bytes, SIZE) == SIZE && read(fd, back, SIZE) == SIZE);
	CHECK(!memcmp(back, bytes, SIZE));
	CHECK(write(fd, bytes, 1) == 1);
	FAILS(ioctl(fd, SCULL_P_IOCTSIZE, SIZE), EBUSY);
	CHECK(read(fd, back, 1) == 1 && !ioctl(fd, SCULL_P_IOCTSIZE, SIZE));
	CHECK(read(fd, back, SIZE) == SIZE && !memcmp(back + SIZE - 1, bytes, 1));
	CHECK(!memcmp(back, bytes + 1, SIZE - 1));
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	stream(argv[1]);
	blocking(argv[1]);
	asynchronous(argv[1]);
	resizing(argv[1]);
	return 0;
}
