/* SPDX-License-Identifier: MIT */
/* Descriptor helpers on real files and pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static void test_close(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int was = fd;

	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(was, F_GETFD), -1);
	fd_close(&fd);
	assert_int_equal(fd, -1);
}

static void test_nonblock(void **state)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fd_set_nonblock(p[0], true), 0);
	assert_true(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_nonblock(p[0], false), 0);
	assert_false(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	close(p[0]);
	close(p[1]);
	assert_int_equal(fd_set_nonblock(p[0], true), -EBADF);
}

struct reader {
	int fd;
	uint8_t *buf;
	size_t len;
	ssize_t got;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;

	r->got = fd_read_full(r->fd, r->buf, r->len);
	return NULL;
}

/* More than a pipe holds, through a non-blocking end: the writer has to wait. */
static void test_write_all_waits(void **state)
{
	const size_t len = 1 << 20;
	uint8_t *src = malloc(len), *dst = malloc(len);
	struct reader r = {.buf = dst, .len = len};
	pthread_t thread;
	int p[2];

	assert_non_null(src);
	assert_non_null(dst);
	for (size_t i = 0; i < len; i++)
		src[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fd_set_nonblock(p[1], true), 0);
	r.fd = p[0];
	assert_int_equal(pthread_create(&thread, NULL, reader_main, &r), 0);
	assert_int_equal(fd_write_all(p[1], src, len), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(r.got, len);
	assert_memory_equal(src, dst, len);
	close(p[0]);
	close(p[1]);
	free(src);
	free(dst);
}

static void test_write_all_error(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, "x", 1), -ENOSPC);
	close(fd);
}

static void make_file(char *path, const void *data, size_t len)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, data, len), 0);
	close(fd);
}

static void test_read_file(void **state)
{
	char path[] = "/tmp/linnet-fd-XXXXXX";
	uint8_t *out;
	size_t len;

	make_file(path, "hello", 5);
	assert_int_equal(fd_read_file(path, 5, &out, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(out, "hello", 5);
	free(out);
	assert_int_equal(fd_read_file(path, 4, &out, &len), -EFBIG);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(fd_read_file(path, 4, &out, &len), 0);
	assert_int_equal(len, 0);
	assert_non_null(out);
	free(out);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fd_read_file(path, 4, &out, &len), -ENOENT);
	assert_int_equal(fd_read_file("/tmp", 4, &out, &len), -EISDIR);
}

/* Files whose size is not known before: /proc says 0, a device has no end. */
static void test_read_file_of_unknown_size(void **state)
{
	uint8_t *out;
	size_t len;

	assert_int_equal(fd_read_file("/proc/self/stat", 1 << 20, &out, &len), 0);
	assert_in_range(len, 10, 10000);
	free(out);
	assert_int_equal(fd_read_file("/dev/zero", 1 << 20, &out, &len), -EFBIG);
	assert_int_equal(fd_read_file("/dev/null", 0, &out, &len), 0);
	assert_int_equal(len, 0);
	free(out);
}

static void test_eventfd(void **state)
{
	uint64_t count;
	int fd;

	assert_int_equal(eventfd_new(&fd), 0);
	eventfd_clear(fd);
	eventfd_raise(fd);
	eventfd_raise(fd);
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 2);
	eventfd_raise(fd);
	eventfd_clear(fd);
	assert_int_equal(read(fd, &count, sizeof(count)), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

static void test_clock_moves(void **state)
{
	uint64_t before = host_now_ns();

	assert_true(before > 0);
	assert_true(host_now_ns() >= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_nonblock),
		cmocka_unit_test(test_write_all_waits),
		cmocka_unit_test(test_write_all_error),
		cmocka_unit_test(test_read_file),
		cmocka_unit_test(test_read_file_of_unknown_size),
		cmocka_unit_test(test_eventfd),
		cmocka_unit_test(test_clock_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
