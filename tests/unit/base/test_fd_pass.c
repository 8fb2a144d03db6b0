/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fd_pass.h"

struct world {
	int a, b;
};

static int setup(void **state)
{
	static struct world w;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	w = (struct world){pair[0], pair[1]};
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	fd_close(&w->a);
	fd_close(&w->b);
	return 0;
}

static ssize_t send_text(struct world *w, const char *text, unsigned n_fds)
{
	const struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	int fds[FD_PASS_MAX];

	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = w->a;
	return fd_pass_send(w->a, &iov, 1, fds, n_fds);
}

/* How many descriptors this process has, by the number that the next one would get. */
static int lowest_free(void)
{
	int fd = dup(0);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static void test_bytes_and_fds(void **state)
{
	struct world *w = *state;
	unsigned n = 1;
	int fd[4] = {-7};
	char buf[8];

	assert_int_equal(fd_pass_recv(w->b, buf, 8, fd, 4, &n), -EAGAIN);
	assert_int_equal(send_text(w, "abc", 2), 3);
	assert_int_equal(send_text(w, "def", 1), 3);
	/* They come with the first byte; who reads no further has only those. */
	assert_int_equal(fd_pass_recv(w->b, buf, 1, fd, 4, &n), 1);
	assert_int_equal(n, 3);
	assert_int_equal(fd_pass_recv(w->b, buf, 2, fd, 4, &n), 2);
	assert_int_equal(n, 3);
	assert_int_equal(write(fd[2], "x", 1), 1);
	assert_int_equal(fd_pass_recv(w->b, buf, 3, fd, 4, &n), 3);
	assert_memory_equal(buf, "def", 3);
	assert_int_equal(n, 4);
	assert_int_equal(fd[0], -7);
	for (unsigned i = 1; i < 4; i++)
		fd_close(&fd[i]);
	assert_int_equal(fd_pass_recv(w->b, buf, 8, fd, 4, &n), 1);
	assert_int_equal(buf[0], 'x');
	fd_close(&w->a);
	assert_int_equal(fd_pass_recv(w->b, buf, 8, fd, 4, &n), 0);
	assert_true(fd_pass_send(w->b, &(struct iovec){buf, 1}, 1, NULL, 0) < 0);
}

/* More than there is room for: nothing stays open that the caller does not know of. */
static void test_too_many(void **state)
{
	struct world *w = *state;
	int fd[FD_PASS_MAX], before = lowest_free();
	unsigned n = 0;
	char buf[8];

	assert_int_equal(send_text(w, "a", 3), 1);
	assert_int_equal(fd_pass_recv(w->b, buf, 8, fd, 2, &n), -EPROTO);
	assert_int_equal(n, 2);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	n = 0;
	assert_int_equal(send_text(w, "a", FD_PASS_MAX), 1);
	assert_int_equal(fd_pass_recv(w->b, buf, 8, NULL, 0, &n), -EPROTO);
	assert_int_equal(n, 0);
	assert_int_equal(lowest_free(), before);
}

static void test_full(void **state)
{
	static char much[4 << 20];
	struct world *w = *state;
	const struct iovec iov = {much, sizeof(much)};
	ssize_t n, total = 0;

	while ((n = fd_pass_send(w->a, &iov, 1, NULL, 0)) > 0)
		total += n;
	assert_int_equal(n, -EAGAIN);
	assert_true(total > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_bytes_and_fds), T(test_too_many), T(test_full)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
