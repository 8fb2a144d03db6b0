/* SPDX-License-Identifier: MIT */
/* A UNIX socket with a name: its file. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/unix_socket.h"

struct place {
	char dir[40];
	char path[64];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/linnet-socket-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/s", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void test_made_and_removed(void **state)
{
	const struct place *p = *state;
	mode_t mask = umask(0);
	struct unix_socket s;
	struct err e = {0};
	struct stat st;
	int fd;

	assert_int_equal(unix_socket_open(&s, SOCK_STREAM, "--control unix:", p->path, &e), 0);
	umask(mask);
	assert_int_equal(lstat(p->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	fd = unix_socket_connect(p->path, SOCK_STREAM);
	assert_true(fd >= 0);
	fd_close(&fd);
	unix_socket_close(&s);
	assert_int_equal(access(p->path, F_OK), -1);
	unix_socket_close(&s);
	assert_int_equal(unix_socket_connect(p->path, SOCK_STREAM), -ENOENT);
}

/* Nobody listens at what a killed process has left. */
static void test_stale(void **state)
{
	const struct place *p = *state;
	struct unix_socket dead, s;
	struct err e = {0};

	assert_int_equal(unix_socket_open(&dead, SOCK_STREAM, "", p->path, &e), 0);
	fd_close(&dead.fd);
	assert_int_equal(access(p->path, F_OK), 0);
	assert_int_equal(unix_socket_open(&s, SOCK_STREAM, "", p->path, &e), 0);
	unix_socket_close(&s);
	assert_int_equal(access(p->path, F_OK), -1);
}

static void test_in_use(void **state)
{
	const struct place *p = *state;
	struct unix_socket first, second;
	struct err e = {0};

	assert_int_equal(unix_socket_open(&first, SOCK_STREAM, "", p->path, &e), 0);
	assert_int_equal(unix_socket_open(&second, SOCK_STREAM, "--control unix:", p->path, &e),
			 -EADDRINUSE);
	assert_non_null(strstr(e.text, "--control unix:"));
	assert_non_null(
		strstr(e.text, "another process listens there; end it or give another path"));
	unix_socket_close(&second);
	assert_int_equal(access(p->path, F_OK), 0);
	unix_socket_close(&first);
}

/* One that hangs, with a full queue of clients, listens all the same; nobody waits for it. */
static void test_in_use_and_full(void **state)
{
	const struct place *p = *state;
	struct unix_socket first, second;
	struct err e = {0};
	int fd[200], n = 0;

	assert_int_equal(unix_socket_open(&first, SOCK_STREAM, "", p->path, &e), 0);
	do {
		fd[n] = unix_socket_connect(p->path, SOCK_STREAM | SOCK_NONBLOCK);
	} while (fd[n] >= 0 && ++n < 200);
	assert_in_range(n, 1, 199);
	assert_int_equal(fd[n], -EAGAIN);
	assert_int_equal(unix_socket_open(&second, SOCK_STREAM, "", p->path, &e), -EADDRINUSE);
	while (n)
		fd_close(&fd[--n]);
	unix_socket_close(&first);
}

static void test_no_socket(void **state)
{
	const struct place *p = *state;
	int fd = open(p->path, O_CREAT | O_WRONLY, 0600);
	struct unix_socket s;
	struct err e = {0};

	assert_true(fd >= 0);
	fd_close(&fd);
	assert_int_equal(unix_socket_open(&s, SOCK_STREAM, "", p->path, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "no socket; remove it or give another path"));
	assert_int_equal(access(p->path, F_OK), 0);
}

static void test_bad_paths(void **state)
{
	char path[200];
	struct unix_socket s;
	struct err e = {0};

	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	assert_int_equal(unix_socket_open(&s, SOCK_STREAM, "", path, &e), -ENAMETOOLONG);
	assert_non_null(strstr(e.text, "longer than 107 bytes; give a shorter path"));
	assert_int_equal(unix_socket_connect(path, SOCK_STREAM), -ENAMETOOLONG);
	assert_int_equal(unix_socket_open(&s, SOCK_STREAM, "", "/nonexistent/s", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/s: No such file"));
}

/* The path belongs to somebody else by now. */
static void test_not_ours_any_more(void **state)
{
	const struct place *p = *state;
	struct unix_socket first, second;
	struct err e = {0};

	assert_int_equal(unix_socket_open(&first, SOCK_STREAM, "", p->path, &e), 0);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(unix_socket_open(&second, SOCK_STREAM, "", p->path, &e), 0);
	unix_socket_close(&first);
	assert_int_equal(access(p->path, F_OK), 0);
	unix_socket_close(&second);
	assert_int_equal(access(p->path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_and_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stale, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_in_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_in_use_and_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_paths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_ours_any_more, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
