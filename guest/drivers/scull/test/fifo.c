// SPDX-License-Identifier: GPL-2.0
/*
 * scull-fifo PATH SEED OPERATIONS: does things with a FIFO and prints what comes of each, for a
 * comparison of what it prints of two FIFOs. It knows nothing of what is right, and it prints
 * nothing that depends on time: where somebody has to be seen waiting, it looks for a while, and
 * a FIFO that does not make them wait is found only if it is quick; one that does is never
 * blamed.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <testing/check.h>

#define CAPACITY 65536
#define BIG      (4 * CAPACITY)

static const char *path;
static uint8_t out[BIG], in[BIG];
static uint64_t random_state;
static volatile sig_atomic_t n_sigpipe, n_sigio, n_sigusr;

static void on_signal(int signo)
{
	if (signo == SIGPIPE)
		n_sigpipe++;
	else if (signo == SIGIO)
		n_sigio++;
	else
		n_sigusr++;
}

static uint32_t next(uint32_t below)
{
	return random_below(&random_state, below);
}

static long say(const char *what, long result)
{
	printf("%s: %ld", what, result);
	if (result < 0)
		printf(" %s", strerror(errno));
	printf("\n");
	fflush(stdout); /* before a fork */
	return result;
}

/* Bytes that tell their place in the stream, so that a sum of what is read tells its order. */
static void fill(size_t n)
{
	static uint32_t place;

	for (size_t i = 0; i < n; i++) {
		out[i] = (uint8_t)(place ^ place >> 8);
		place = place * 5 + 12345;
	}
}

static void say_read(int fd, size_t n)
{
	ssize_t got = read(fd, in, n);
	uint32_t sum = 0;

	say("read", got);
	for (ssize_t i = 0; i < got; i++)
		sum = sum * 31 + in[i];
	printf("  sum %08x\n", sum);
}

static void say_write(int fd, size_t n)
{
	fill(n);
	say("write", write(fd, out, n));
}

static void say_poll(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM};
	int n = -1;

	CHECK(poll(&p, 1, 0) >= 0 && !ioctl(fd, FIONREAD, &n));
	printf("poll: %#x, %d to read\n", p.revents, n);
}

static int say_open(const char *what, int flags)
{
	int fd = open(path, flags);

	say(what, fd < 0 ? fd : 0);
	return fd;
}

static void without_other_side(void)
{
	int r, w, rw;

	puts("# no other side");
	say_open("write-only, non-blocking", O_WRONLY | O_NONBLOCK);
	r = say_open("read-only, non-blocking", O_RDONLY | O_NONBLOCK);
	say_poll(r);
	say_read(r, 10);
	w = say_open("a writer", O_WRONLY | O_NONBLOCK);
	say_poll(r);
	say_read(r, 10);
	say_write(w, 5);
	say_poll(r);
	say_poll(w);
	say_read(r, 3);
	close(w);
	say_poll(r);
	say_read(r, 10);
	say_read(r, 10);
	w = say_open("a writer again", O_WRONLY);
	say_poll(r);
	say_read(r, 10);
	close(r);
	say_poll(w);
	n_sigpipe = 0;
	say_write(w, 10);
	say("write nothing", write(w, out, 0));
	say("SIGPIPE", n_sigpipe);
	r = say_open("a reader again", O_RDONLY);
	say_poll(w);
	say_write(w, 10);
	close(w);
	close(r);
	rw = say_open("both ways", O_RDWR | O_NONBLOCK);
	say_poll(rw); /* what nobody read is gone */
	say_read(rw, 10);
	close(rw);
}

/* Until it is full, in pieces of n bytes; then empty it, in other pieces. */
static void fill_up(size_t n, size_t piece)
{
	int fd = open(path, O_RDWR | O_NONBLOCK);
	ssize_t done;

	CHECK(fd >= 0);
	printf("# full by pieces of %zu, empty by %zu\n", n, piece);
	fill(n);
	while ((done = write(fd, out, n)) == (ssize_t)n)
		;
	say("the last", done);
	say_poll(fd);
	say("one more byte", write(fd, out, 1));
	say("a page", write(fd, out, 4096));
	for (int i = 0; i < 10; i++) {
		say_read(fd, piece);
		say_poll(fd);
		say("one more byte", write(fd, out, 1));
	}
	while (read(fd, in, piece) > 0)
		;
	say_poll(fd);
	close(fd);
}

static void random_traffic(int operations)
{
	static const uint32_t edges[] = {1,    4095, 4096,  4097,  8191,
					 8192, 8193, 65535, 65536, 65537};
	int fd = open(path, O_RDWR | O_NONBLOCK);
	uint32_t n;

	CHECK(fd >= 0);
	puts("# random traffic");
	while (operations--) {
		switch (next(3)) {
		case 0:
			n = edges[next(10)];
			break;
		case 1:
			n = 1 + next(9000);
			break;
		default:
			n = 1 + next(200);
		}
		if (next(100) < 55)
			say_write(fd, n);
		else
			say_read(fd, n);
		say_poll(fd);
	}
	close(fd);
}

static void parts(void)
{
	int fd = open(path, O_RDWR | O_NONBLOCK);
	struct iovec v[3] = {{out, 4000}, {out + 5000, 95}, {out + 6000, 1}};

	CHECK(fd >= 0);
	puts("# in parts");
	fill(10000);
	for (int i = 0; i < 20; i++)
		say("writev", writev(fd, v, 3));
	v[0].iov_base = in;
	v[1].iov_base = in + 4000;
	v[2].iov_base = in + 4095;
	for (int i = 0; i < 20; i++)
		say("readv", readv(fd, v, 3));
	say("lseek", lseek(fd, 0, SEEK_CUR));
	say("pread", pread(fd, in, 1, 0));
	say("pwrite", pwrite(fd, in, 1, 0));
	say("mmap", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	say("read nothing", read(fd, in, 0));
	say("write from nowhere", write(fd, nowhere(), 10));
	close(fd);
}

/* --- with two processes ----------------------------------------------------------------------- */

/* A child that does something and sends what came of it. */
struct child {
	pid_t pid;
	int result; /* to be read from */
};

static struct child start(int (*act)(int arg), int arg)
{
	struct child c;
	int through[2];
	long result;

	fflush(stdout);
	CHECK(!pipe(through));
	c.pid = fork();
	CHECK(c.pid >= 0);
	if (!c.pid) {
		close(through[0]);
		errno = 0;
		result = act(arg);
		result = result < 0 ? -errno : result;
		CHECK(write(through[1], &result, sizeof(result)) == sizeof(result));
		_exit(0);
	}
	close(through[1]);
	c.result = through[0];
	return c;
}

static void say_waits(struct child c)
{
	struct pollfd p = {.fd = c.result, .events = POLLIN};

	say("somebody waits", poll(&p, 1, 60) == 0);
}

static void say_result(struct child c)
{
	long result;

	CHECK(read(c.result, &result, sizeof(result)) == sizeof(result));
	errno = result < 0 ? (int)-result : 0;
	say("the other one", result < 0 ? -1 : result);
	close(c.result);
	CHECK(waitpid(c.pid, NULL, 0) == c.pid);
}

/* Opens, and says whether that went well. */
static int act_open(int flags)
{
	return open(path, flags) < 0 ? -1 : 0;
}

/* Opens for writing with a reader there, and writes n bytes. */
static int act_write(int n)
{
	int fd = open(path, O_WRONLY);

	CHECK(fd >= 0);
	fill((size_t)n);
	return (int)write(fd, out, (size_t)n);
}

static int act_read(int n)
{
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0);
	return (int)read(fd, in, (size_t)n);
}

/* An open that waits, and another one that it waits for. */
static void meet(int waits, const char *other, int comes)
{
	struct child c = start(act_open, waits);
	int fd;

	say_waits(c);
	fd = say_open(other, comes);
	say_result(c);
	if (comes == O_RDONLY)
		say_read(fd, 10);
	close(fd);
}

static void meetings(void)
{
	struct child c;

	puts("# an open waits for the other side");
	meet(O_RDONLY, "the writer", O_WRONLY);
	meet(O_WRONLY, "the reader", O_RDONLY);
	meet(O_RDONLY, "both ways", O_RDWR);
	/* By a signal: again and again, as it may come before the other one waits. */
	c = start(act_open, O_WRONLY);
	say_waits(c);
	while (poll(&(struct pollfd){.fd = c.result, .events = POLLIN}, 1, 20) == 0)
		kill(c.pid, SIGUSR1);
	say_result(c);
	say_open("write-only, non-blocking", O_WRONLY | O_NONBLOCK);
}

/* Reads what comes until `total`, in pieces of n bytes. */
static void drain(int fd, long total, size_t n)
{
	long done = 0;
	ssize_t got;

	while (done < total) {
		got = read(fd, in, n);
		if (got <= 0) {
			say("read too early", got);
			return;
		}
		done += got;
	}
	say("all that was written", done);
}

static int to_read(int fd)
{
	int n;

	CHECK(!ioctl(fd, FIONREAD, &n));
	return n;
}

static void full_waits(void)
{
	static const int sizes[] = {1, 4095, 4096, 4097, 65536, 200000};
	struct child c;
	int fd;

	puts("# a write waits for space");
	for (unsigned int i = 0; i < COUNT_OF(sizes); i++) {
		fd = open(path, O_RDWR);
		CHECK(fd >= 0);
		say_write(fd, CAPACITY);
		c = start(act_write, sizes[i]);
		say_waits(c);
		say_read(fd, 4095);
		drain(fd, CAPACITY - 4095 + sizes[i], 3000);
		say_result(c);
		close(fd);
	}
	puts("# a signal ends the waiting");
	for (int n = 10; n < 100000; n += 70000) {
		fd = open(path, O_RDWR);
		CHECK(fd >= 0);
		if (n == 10)
			say_write(fd, CAPACITY);
		c = start(act_write, n);
		while (to_read(fd) < CAPACITY)
			usleep(1000);
		while (poll(&(struct pollfd){.fd = c.result, .events = POLLIN}, 1, 20) == 0)
			kill(c.pid, SIGUSR1);
		say_result(c);
		close(fd);
	}
	puts("# a read waits for a byte, or for the last writer");
	for (int n = 0; n < 2; n++) {
		c = start(act_read, 100);
		fd = open(path, O_WRONLY);
		CHECK(fd >= 0);
		say_waits(c);
		if (n)
			say_write(fd, 7);
		close(fd);
		say_result(c);
	}
	puts("# the last reader goes while a write waits");
	c = start(act_write, 100000); /* before there is a reader, which it would inherit */
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	while (to_read(fd) < CAPACITY)
		usleep(1000);
	say_waits(c);
	close(fd);
	say_result(c);
}

static void asynchronous(void)
{
	int r = open(path, O_RDONLY | O_NONBLOCK), w = open(path, O_WRONLY | O_NONBLOCK);

	CHECK(r >= 0 && w >= 0);
	puts("# SIGIO");
	say("F_SETOWN", fcntl(r, F_SETOWN, getpid()));
	say("O_ASYNC", fcntl(r, F_SETFL, O_NONBLOCK | O_ASYNC));
	n_sigio = 0;
	say_write(w, 10);
	say("signals", n_sigio);
	say_write(w, 10);
	say("signals", n_sigio);
	say_read(r, 100);
	say("signals", n_sigio);
	close(w);
	say("signals, the writer is gone", n_sigio);
	say("no O_ASYNC", fcntl(r, F_SETFL, O_NONBLOCK));
	w = open(path, O_WRONLY | O_NONBLOCK);
	say_write(w, 10);
	say("signals", n_sigio);
	say("F_SETOWN", fcntl(w, F_SETOWN, getpid()));
	say("O_ASYNC", fcntl(w, F_SETFL, O_NONBLOCK | O_ASYNC));
	say_read(r, 100);
	say("signals", n_sigio);
	close(r);
	say("signals, the reader is gone", n_sigio);
	close(w);
}

int main(int argc, char **argv)
{
	static const size_t pieces[] = {1000, 4095, 4096, 4097, 65535, 65536, 65537, 100000};
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */

	if (argc != 4)
		return 2;
	path = argv[1];
	random_state = strtoull(argv[2], NULL, 0);
	CHECK(!sigaction(SIGPIPE, &action, NULL) && !sigaction(SIGIO, &action, NULL) &&
	      !sigaction(SIGUSR1, &action, NULL));
	without_other_side();
	for (unsigned int i = 0; i < COUNT_OF(pieces); i++) {
		fill_up(pieces[i], 4096);
		fill_up(pieces[i], 700);
	}
	random_traffic(atoi(argv[3]));
	parts();
	meetings();
	full_waits();
	asynchronous();
	return 0;
}
