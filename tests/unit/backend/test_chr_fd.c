/* SPDX-License-Identifier: MIT */
/* Streams over pipes, sockets, files, devices and a pseudo-terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chr.h"
#include "backend/chr_fd.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "chr_user.h"

static struct loop *new_loop(void)
{
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	return loop;
}

static struct chr *new_chr(struct loop *loop, int in, int out)
{
	struct chr *c;

	assert_int_equal(chr_fd_new(loop, in, out, &c), 0);
	return c;
}

static void test_pipe_input(void **state)
{
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	chr_user_init(&u, loop, new_chr(loop, p[0], -1), 100);
	assert_int_equal(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0);
	close(p[0]); /* it has its own */
	assert_int_equal(write(p[1], "hello", 5), 5);
	chr_user_wait(&u, 5);
	assert_memory_equal(u.got, "hello", 5);
	/* Not while it is not wanted. */
	chr_want_input(u.chr, false);
	assert_int_equal(write(p[1], "abc", 3), 3);
	loop_settle(loop);
	assert_int_equal(u.n_got, 5);
	/* In bits, each after it was asked for. */
	u.limit = 1;
	chr_want_input(u.chr, true);
	loop_settle(loop);
	assert_int_equal(u.n_got, 6);
	close(p[1]);
	loop_settle(loop);
	assert_int_equal(u.n_got, 6);
	assert_int_equal(u.ends, 0);
	chr_user_wait_end(&u);
	assert_int_equal(u.n_got, 8);
	assert_memory_equal(u.got, "helloabc", 8);
	chr_user_fini(&u);
	loop_free(loop);
}

struct drain {
	int fd;
	uint8_t *got;
	size_t max;
	ssize_t n;
};

static void *drain_main(void *arg)
{
	struct drain *d = arg;

	d->n = fd_read_full(d->fd, d->got, d->max);
	return NULL;
}

/* More than any buffer holds, against a slow reader; through both kinds of ends that can be full.
 */
static void write_much(int out, int back)
{
	const size_t len = 1 << 20;
	struct loop *loop = new_loop();
	struct drain d = {.fd = back, .got = malloc(len + 1), .max = len + 1};
	uint8_t *src = malloc(len);
	struct chr_user u = {0};
	pthread_t thread;

	assert_non_null(src);
	assert_non_null(d.got);
	for (size_t i = 0; i < len; i++)
		src[i] = (uint8_t)(i * 31 + i / 4096);
	chr_user_init(&u, loop, new_chr(loop, -1, out), 0);
	assert_int_equal(fcntl(out, F_GETFL) & O_NONBLOCK, 0);
	close(out);
	/* Nobody reads: it takes some, then says so instead of blocking. */
	assert_in_range(chr_write(u.chr, src, len), 1, len - 1);
	assert_int_equal(chr_flush(u.chr, 1), -ETIMEDOUT);
	chr_free(u.chr);
	loop_settle(loop);
	assert_int_equal(u.writables, 0);
	free(u.got);
	loop_free(loop);

	assert_int_equal(pthread_create(&thread, NULL, drain_main, &d), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_in_range(d.n, 1, len - 1);
	assert_memory_equal(d.got, src, (size_t)d.n);
	free(src);
	free(d.got);
}

static void test_full_pipe(void **state)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	write_much(p[1], p[0]);
	close(p[0]);
}

static void test_full_socket(void **state)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	write_much(s[1], s[0]);
	close(s[0]);
}

static void transfer(int out, int back)
{
	const size_t len = 1 << 20;
	struct loop *loop = new_loop();
	struct drain d = {.fd = back, .got = malloc(len + 1), .max = len + 1};
	uint8_t *src = malloc(len);
	struct chr_user u = {0};
	pthread_t thread;

	assert_non_null(src);
	assert_non_null(d.got);
	for (size_t i = 0; i < len; i++)
		src[i] = (uint8_t)(i * 31 + i / 4096);
	chr_user_init(&u, loop, new_chr(loop, -1, out), 0);
	close(out);
	assert_int_equal(pthread_create(&thread, NULL, drain_main, &d), 0);
	assert_int_equal(chr_user_write(&u, src, len), 0);
	assert_int_equal(chr_flush(u.chr, -1), 0);
	chr_user_fini(&u);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(d.n, len);
	assert_memory_equal(d.got, src, len);
	free(src);
	free(d.got);
	loop_free(loop);
}

static void test_transfer(void **state)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	transfer(p[1], p[0]);
	close(p[0]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p), 0);
	transfer(p[1], p[0]);
	close(p[0]);
}

/* Where opening anew fails, as for a pipe of another user: then poll() is asked before each write.
 */
static void test_full_shared_pipe(void **state)
{
	const size_t len = 1 << 20;
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	uint8_t *src = calloc(1, len), *got = malloc(len);
	bool root = geteuid() == 0; /* to whom everything is allowed */
	ssize_t took, n, sum = 0;
	int p[2];

	assert_non_null(src);
	assert_non_null(got);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fchmod(p[1], 0), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	chr_user_init(&u, loop, new_chr(loop, p[0], p[1]), 0);
	if (root)
		assert_int_equal(seteuid(0), 0);
	took = chr_write(u.chr, src, len);
	assert_in_range(took, 4096, len - 1);
	assert_int_equal(chr_write(u.chr, src, 1), 0);
	u.room = 1 << 20;
	free(u.got);
	u.got = got;
	while (sum < took) {
		chr_want_input(u.chr, true);
		n = loop_turn(loop, -1);
		assert_true(n >= 0);
		sum = (ssize_t)u.n_got;
	}
	assert_int_equal(sum, took);
	assert_int_equal(u.writables, 1);
	close(p[0]);
	close(p[1]);
	chr_user_fini(&u);
	free(src);
	loop_free(loop);
}

static void test_broken_pipe(void **state)
{
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	uint8_t big[8192] = {0};
	ssize_t n = 1;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	chr_user_init(&u, loop, new_chr(loop, -1, p[1]), 0);
	close(p[1]);
	while (n > 0)
		n = chr_write(u.chr, big, sizeof(big));
	assert_int_equal(n, 0);
	close(p[0]);
	while (!u.writables)
		assert_true(loop_turn(loop, -1) >= 0);
	assert_int_equal(chr_write(u.chr, big, 1), -EPIPE);
	assert_int_equal(chr_write(u.chr, big, 1), -EPIPE);
	assert_int_equal(chr_flush(u.chr, -1), -EPIPE);
	loop_settle(loop);
	assert_int_equal(u.writables, 1);
	chr_user_fini(&u);
	loop_free(loop);
}

static void test_file_input(void **state)
{
	char path[] = "/tmp/linnet-chr-XXXXXX";
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	uint8_t bytes[10000];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / 7);
	assert_int_equal(fd_write_all(fd, bytes, sizeof(bytes)), 0);
	assert_int_equal(lseek(fd, 100, SEEK_SET), 100); /* it goes on where the file is */
	chr_user_init(&u, loop, new_chr(loop, fd, -1), sizeof(bytes));
	chr_user_wait_end(&u);
	assert_int_equal(u.n_got, sizeof(bytes) - 100);
	assert_memory_equal(u.got, bytes + 100, u.n_got);
	chr_user_fini(&u);
	close(fd);
	unlink(path);
	loop_free(loop);
}

static void test_dev_null(void **state)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	uint8_t big[100000] = {0};

	assert_true(fd >= 0);
	chr_user_init(&u, loop, new_chr(loop, fd, fd), 10);
	assert_int_equal(chr_write(u.chr, big, sizeof(big)), sizeof(big));
	chr_user_wait_end(&u);
	assert_int_equal(u.n_got, 0);
	chr_user_fini(&u);
	close(fd);
	/* And with nothing at all on either side. */
	u = (struct chr_user){0};
	chr_user_init(&u, loop, new_chr(loop, -1, -1), 10);
	assert_int_equal(chr_write(u.chr, big, sizeof(big)), sizeof(big));
	loop_settle(loop);
	assert_int_equal(u.ends, 0);
	assert_int_equal(chr_flush(u.chr, -1), 0);
	chr_user_fini(&u);
	loop_free(loop);
}

static void test_full_device(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct loop *loop = new_loop();
	struct chr_user u = {0};

	assert_true(fd >= 0);
	chr_user_init(&u, loop, new_chr(loop, -1, fd), 0);
	assert_int_equal(chr_write(u.chr, (const uint8_t *)"x", 1), 1);
	loop_settle(loop);
	assert_int_equal(chr_write(u.chr, (const uint8_t *)"x", 1), -EPIPE);
	chr_user_fini(&u);
	close(fd);
	loop_free(loop);
}

static void test_socket_both_ways(void **state)
{
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	char back[3];
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	chr_user_init(&u, loop, new_chr(loop, s[0], s[0]), 10);
	close(s[0]);
	assert_int_equal(chr_user_write(&u, "out", 3), 0);
	assert_int_equal(write(s[1], "in", 2), 2);
	chr_user_wait(&u, 2);
	assert_int_equal(fd_read_full(s[1], back, 3), 3);
	assert_memory_equal(back, "out", 3);
	close(s[1]);
	chr_user_wait_end(&u);
	assert_int_equal(chr_user_write(&u, "x", 1), 0);
	loop_settle(loop);
	assert_int_equal(chr_write(u.chr, (const uint8_t *)"x", 1), -EPIPE);
	chr_user_fini(&u);
	loop_free(loop);
}

/* Bytes written one by one leave together. */
static void test_gathers_output(void **state)
{
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	char got[16];
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	chr_user_init(&u, loop, new_chr(loop, -1, s[0]), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(chr_write(u.chr, (const uint8_t *)"0123456789" + i, 1), 1);
	loop_settle(loop);
	assert_int_equal(read(s[1], got, sizeof(got)), 10);
	assert_memory_equal(got, "0123456789", 10);
	/* What was written last goes out when the stream is freed. */
	assert_int_equal(chr_write(u.chr, (const uint8_t *)"end", 3), 3);
	chr_user_fini(&u);
	assert_int_equal(read(s[1], got, sizeof(got)), 3);
	close(s[0]);
	close(s[1]);
	loop_free(loop);
}

static void test_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	struct loop *loop = new_loop();
	struct chr_user u = {0}, m = {0};
	struct termios t;
	uint8_t big[4096];
	ssize_t n = 1;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &t), 0);
	cfmakeraw(&t);
	assert_int_equal(tcsetattr(slave, TCSANOW, &t), 0);
	chr_user_init(&u, loop, new_chr(loop, slave, slave), 10);
	chr_user_init(&m, loop, new_chr(loop, master, master), 10);
	assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(master, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(chr_user_write(&m, "in\x03", 3), 0);
	chr_user_wait(&u, 3);
	assert_memory_equal(u.got, "in\x03", 3);
	assert_int_equal(chr_user_write(&u, "out", 3), 0);
	chr_user_wait(&m, 3);
	assert_memory_equal(m.got, "out", 3);
	/* A terminal that nobody reads does not block us. */
	chr_want_input(m.chr, false);
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 1000 && n > 0; i++)
		n = chr_write(u.chr, big, sizeof(big));
	assert_int_equal(n, 0);
	chr_user_fini(&m);
	close(master);
	chr_user_wait_end(&u);
	chr_user_fini(&u);
	close(slave);
	loop_free(loop);
}

static void test_file_output(void **state)
{
	char path[] = "/tmp/linnet-chr-XXXXXX";
	struct loop *loop = new_loop();
	struct chr_user u = {0};
	struct chr *c;
	struct err e;
	uint8_t *bytes;
	size_t len;
	int fd = mkstemp(path);

	assert_int_equal(fd_write_all(fd, "what was there before", 21), 0);
	close(fd);
	assert_int_equal(chr_file_new(loop, "--console file:", path, &c, &e), 0);
	chr_user_init(&u, loop, c, 10);
	assert_int_equal(chr_write(c, (const uint8_t *)"line\n", 5), 5);
	loop_settle(loop);
	assert_int_equal(u.ends, 0);
	assert_int_equal(fd_read_file(path, 100, &bytes, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(bytes, "line\n", 5);
	free(bytes);
	chr_user_fini(&u);
	unlink(path);
	assert_int_equal(chr_file_new(loop, "--console file:", "/nonexistent/x", &c, &e), -ENOENT);
	assert_string_equal(e.text, "--console file:/nonexistent/x: cannot be opened for writing: "
				    "No such file or directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(chr_file_new(loop, "--console file:", path, &c, &e), -ENXIO);
	assert_non_null(strstr(e.text, "nobody reads this FIFO"));
	unlink(path);
	loop_free(loop);
}

static void test_bad_descriptor(void **state)
{
	struct loop *loop = new_loop();
	struct chr *c;

	assert_int_equal(chr_fd_new(loop, 12345, -1, &c), -EBADF);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_input),       cmocka_unit_test(test_full_pipe),
		cmocka_unit_test(test_full_socket),      cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_full_shared_pipe), cmocka_unit_test(test_broken_pipe),
		cmocka_unit_test(test_file_input),       cmocka_unit_test(test_dev_null),
		cmocka_unit_test(test_full_device),      cmocka_unit_test(test_socket_both_ways),
		cmocka_unit_test(test_gathers_output),   cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_file_output),      cmocka_unit_test(test_bad_descriptor),
	};

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
