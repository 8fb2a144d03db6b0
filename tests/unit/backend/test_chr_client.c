/* SPDX-License-Identifier: MIT */
/* Streams whose other side comes and goes: by a socket, and by a pseudo-terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chr.h"
#include "backend/chr_client.h"
#include "backend/chr_pty.h"
#include "backend/chr_unix.h"
#include "base/err.h"
#include "base/loop.h"
#include "chr_user.h"

#define LABEL "--console x"

struct rig {
	struct loop *loop;
	struct chr_user u;
	struct err e;
	char dir[32], path[64];
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	strcpy(r->dir, "/tmp/linnet-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/x", r->dir);
	assert_int_equal(loop_new(&r->loop), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	if (r->u.chr)
		chr_user_fini(&r->u);
	loop_free(r->loop);
	assert_int_equal(rmdir(r->dir), 0); /* nothing is left behind */
	free(r);
	return 0;
}

static void open_unix(struct rig *r)
{
	struct chr *c;

	assert_int_equal(chr_unix_new(r->loop, LABEL, r->path, &c, &r->e), 0);
	chr_user_init(&r->u, r->loop, c, 1 << 20);
}

static void open_pty(struct rig *r)
{
	struct chr *c;

	assert_int_equal(chr_pty_new(r->loop, LABEL, r->path, &c, &r->e), 0);
	chr_user_init(&r->u, r->loop, c, 1 << 20);
}

static int connect_to(struct rig *r)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, r->path, sizeof(r->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	loop_settle(r->loop);
	return fd;
}

static int open_slave(struct rig *r)
{
	int fd = open(r->path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	assert_true(fd >= 0);
	loop_settle(r->loop);
	return fd;
}

static void put(struct rig *r, const char *text)
{
	assert_int_equal(chr_user_write(&r->u, text, strlen(text)), 0);
	loop_settle(r->loop);
}

static void expect(struct rig *r, int fd, const char *want)
{
	char got[64] = "";

	assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(want));
	assert_string_equal(got, want);
}

static void give(struct rig *r, int fd, const char *text)
{
	size_t before = r->u.n_got;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	chr_user_wait(&r->u, before + strlen(text));
	assert_memory_equal(r->u.got + before, text, strlen(text));
}

/* The same for both: what is written before a client comes waits for it; then it goes both ways;
 * and the next client takes up where the first has left. */
static void come_and_go(struct rig *r, int (*come)(struct rig *r))
{
	int fd;

	put(r, "early ");
	put(r, "words");
	fd = come(r);
	expect(r, fd, "early words");
	give(r, fd, "in");
	put(r, "out");
	expect(r, fd, "out");
	close(fd);
	loop_settle(r->loop);
	put(r, "meanwhile");
	assert_int_equal(r->u.ends, 0);
	fd = come(r);
	expect(r, fd, "meanwhile");
	give(r, fd, "again");
	close(fd);
	loop_settle(r->loop);
}

static void test_unix(void **state)
{
	struct rig *r = *state;
	struct stat st;

	open_unix(r);
	assert_int_equal(stat(r->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	come_and_go(r, connect_to);
}

static void test_pty(void **state)
{
	struct rig *r = *state;
	char target[64] = "";
	struct termios t;
	int fd;

	open_pty(r);
	assert_true(readlink(r->path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, chr_pty_path(r->u.chr));
	come_and_go(r, open_slave);
	fd = open_slave(r);
	assert_int_equal(tcgetattr(fd, &t), 0);
	assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG), 0);
	close(fd);
}

/* Without a client nobody is held up, and the last bytes are what is kept. */
static void test_bounded(void **state)
{
	struct rig *r = *state;
	static uint8_t text[3 * CHR_CLIENT_KEEP], got[sizeof(text)];
	size_t n = 0, step = 1;
	int fd;

	open_unix(r);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + (i >> 8));
	for (size_t i = 0; i < sizeof(text); i += step) { /* sizes that divide nothing */
		step = i % 1021 + 1 < sizeof(text) - i ? i % 1021 + 1 : sizeof(text) - i;
		assert_int_equal(chr_write(r->u.chr, text + i, step), step);
	}
	fd = connect_to(r);
	while (n < CHR_CLIENT_KEEP) {
		ssize_t k = recv(fd, got + n, sizeof(got) - n, MSG_DONTWAIT);

		assert_true(k > 0 || errno == EAGAIN);
		n += k > 0 ? (size_t)k : 0;
		loop_settle(r->loop);
	}
	assert_memory_equal(got, text + sizeof(text) - CHR_CLIENT_KEEP, CHR_CLIENT_KEEP);
	assert_int_equal(recv(fd, got, 1, MSG_DONTWAIT), -1);
	close(fd);
	loop_settle(r->loop);
	/* One write larger than all that is kept. */
	assert_int_equal(chr_write(r->u.chr, text, sizeof(text)), sizeof(text));
	fd = connect_to(r);
	assert_int_equal(recv(fd, got, 100, MSG_WAITALL), 100);
	assert_memory_equal(got, text + sizeof(text) - CHR_CLIENT_KEEP, 100);
	close(fd);
}

/* A client that does not read holds the writer up; when it leaves, the writer is told. */
static void test_slow_client(void **state)
{
	struct rig *r = *state;
	static uint8_t text[CHR_CLIENT_KEEP];
	ssize_t n;
	int fd;

	open_unix(r);
	fd = connect_to(r);
	for (int i = 0; i < 1000; i++) {
		n = chr_write(r->u.chr, text, sizeof(text));
		loop_settle(r->loop);
		if (n < (ssize_t)sizeof(text))
			break;
	}
	assert_true(n < (ssize_t)sizeof(text));
	n = chr_write(r->u.chr, text, sizeof(text));
	assert_int_equal(n, 0);
	r->u.writables = 0;
	assert_int_equal(chr_flush(r->u.chr, 1), -ETIMEDOUT);
	assert_int_equal(r->u.writables, 0);
	close(fd);
	loop_settle(r->loop);
	assert_int_equal(r->u.writables, 1);
	assert_int_equal(chr_write(r->u.chr, text, sizeof(text)), sizeof(text));
	assert_int_equal(chr_flush(r->u.chr, -1), 0); /* there is nobody to wait for */
}

/* Input that is not wanted waits, also when its writer has left; the next client waits too. */
static void test_input_waits(void **state)
{
	struct rig *r = *state;
	int first, second;

	open_unix(r);
	chr_want_input(r->u.chr, false);
	first = connect_to(r);
	second = connect_to(r);
	put(r, "to the first");
	assert_int_equal(write(second, "2", 1), 1);
	assert_int_equal(write(first, "1", 1), 1);
	close(first);
	loop_settle(r->loop);
	assert_int_equal(r->u.n_got, 0);
	chr_user_wait(&r->u, 2);
	assert_memory_equal(r->u.got, "12", 2);
	put(r, "to the second");
	expect(r, second, "to the second");
	close(second);
}

static void test_flush(void **state)
{
	struct rig *r = *state;
	int fd;

	open_unix(r);
	fd = connect_to(r);
	assert_int_equal(chr_write(r->u.chr, (const uint8_t *)"bye", 3), 3);
	assert_int_equal(chr_flush(r->u.chr, -1), 0);
	expect(r, fd, "bye");
	close(fd);
	assert_int_equal(chr_write(r->u.chr, (const uint8_t *)"bye", 3), 3);
	assert_int_equal(chr_flush(r->u.chr, -1), -EPIPE);
}

static void test_unix_paths(void **state)
{
	struct rig *r = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char longest[200];
	struct chr *c;
	int fd;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(chr_unix_new(r->loop, LABEL, longest, &c, &r->e), -ENAMETOOLONG);
	assert_int_equal(chr_unix_new(r->loop, LABEL, "/nonexistent/x", &c, &r->e), -ENOENT);
	assert_non_null(strstr(r->e.text, LABEL "/nonexistent/x: No such file"));
	/* A file is nobody's to remove. */
	close(open(r->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(chr_unix_new(r->loop, LABEL, r->path, &c, &r->e), -EADDRINUSE);
	assert_int_equal(unlink(r->path), 0);
	/* What a killed run has left is. */
	memcpy(addr.sun_path, r->path, sizeof(r->path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	open_unix(r);
	/* And what is in use is not. */
	assert_int_equal(chr_unix_new(r->loop, LABEL, r->path, &c, &r->e), -EADDRINUSE);
	assert_non_null(strstr(r->e.text, "choose another path"));
	close(connect_to(r));
}

static void test_pty_links(void **state)
{
	struct rig *r = *state;
	char target[64] = "";
	struct chr *c;

	close(open(r->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(chr_pty_new(r->loop, LABEL, r->path, &c, &r->e), -EEXIST);
	assert_non_null(strstr(r->e.text, LABEL ",link="));
	assert_int_equal(unlink(r->path), 0);
	assert_int_equal(symlink("/etc/passwd", r->path), 0);
	assert_int_equal(chr_pty_new(r->loop, LABEL, r->path, &c, &r->e), -EEXIST);
	assert_int_equal(unlink(r->path), 0);
	assert_int_equal(symlink("/dev/pts/999999", r->path), 0);
	open_pty(r);
	/* Who takes the name over keeps it. */
	assert_int_equal(unlink(r->path), 0);
	assert_int_equal(symlink("/dev/pts/999999", r->path), 0);
	chr_user_fini(&r->u);
	r->u = (struct chr_user){0};
	assert_true(readlink(r->path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/dev/pts/999999");
	assert_int_equal(unlink(r->path), 0);
	assert_int_equal(chr_pty_new(r->loop, LABEL, "/nonexistent/x", &c, &r->e), -ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unix),        TEST(test_pty),         TEST(test_bounded),
		TEST(test_slow_client), TEST(test_input_waits), TEST(test_flush),
		TEST(test_unix_paths),  TEST(test_pty_links),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
