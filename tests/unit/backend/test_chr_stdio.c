/* SPDX-License-Identifier: MIT */
/* The user's terminal: escape keys and raw mode on a pseudo-terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chr.h"
#include "backend/chr_stdio.h"
#include "base/loop.h"
#include "chr_user.h"

struct terminal {
	struct loop *loop;
	int master, slave;
	struct termios before;
	struct chr_user u;
	unsigned quits;
};

static void on_quit(void *arg)
{
	++*(unsigned *)arg;
}

static void setup(struct terminal *t, size_t room)
{
	struct chr *c;

	memset(t, 0, sizeof(*t));
	assert_int_equal(loop_new(&t->loop), 0);
	t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(t->master >= 0);
	assert_int_equal(grantpt(t->master), 0);
	assert_int_equal(unlockpt(t->master), 0);
	t->slave = open(ptsname(t->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(t->slave >= 0);
	assert_int_equal(tcgetattr(t->slave, &t->before), 0);
	assert_int_equal(chr_stdio_new(t->loop, t->slave, t->slave, on_quit, &t->quits, &c), 0);
	chr_user_init(&t->u, t->loop, c, room);
}

static void teardown(struct terminal *t)
{
	struct termios after;

	chr_user_fini(&t->u);
	assert_int_equal(tcgetattr(t->slave, &after), 0);
	assert_int_equal(after.c_lflag, t->before.c_lflag);
	assert_int_equal(after.c_iflag, t->before.c_iflag);
	close(t->slave);
	close(t->master);
	loop_free(t->loop);
}

static void type(struct terminal *t, const char *keys, size_t len)
{
	assert_int_equal(write(t->master, keys, len), len);
}

static void wait_quits(struct terminal *t, unsigned n)
{
	while (t->quits < n)
		assert_true(loop_turn(t->loop, -1) >= 0);
	assert_int_equal(t->quits, n);
}

static void test_plain_and_escaped(void **state)
{
	struct termios raw;
	struct terminal t;

	setup(&t, 100);
	assert_int_equal(tcgetattr(t.slave, &raw), 0);
	assert_int_equal(raw.c_lflag & (ICANON | ECHO | ISIG), 0);
	type(&t, "ls\r\x03", 4);
	chr_user_wait(&t.u, 4);
	assert_memory_equal(t.u.got, "ls\r\x03", 4);
	type(&t, "\x01\x01", 2); /* one Ctrl-A */
	chr_user_wait(&t.u, 5);
	assert_int_equal(t.u.got[4], 1);
	type(&t, "\x01", 1); /* over two reads */
	assert_true(loop_turn(t.loop, -1) >= 0);
	type(&t, "zx", 2); /* the z belongs to the escape, the x does not */
	chr_user_wait(&t.u, 6);
	assert_int_equal(t.u.got[5], 'x');
	assert_int_equal(t.quits, 0);
	type(&t, "\x01x", 2);
	wait_quits(&t, 1);
	assert_int_equal(t.u.n_got, 6);
	teardown(&t);
}

static void test_help(void **state)
{
	struct pollfd p;
	char got[200];
	struct terminal t;
	ssize_t n;

	setup(&t, 100);
	type(&t, "\x01h", 2);
	p = (struct pollfd){.fd = t.master, .events = POLLIN};
	while (!poll(&p, 1, 0))
		assert_true(loop_turn(t.loop, 10000000) >= 0);
	n = read(t.master, got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_non_null(strstr(got, "Ctrl-A x: end the machine"));
	assert_int_equal(t.u.n_got, 0);
	teardown(&t);
}

/* A guest that takes nothing: the escape works, keys wait, and too many are dropped. */
static void test_keys_wait(void **state)
{
	static char many[3000];
	struct terminal t;

	memset(many, 'k', sizeof(many));
	setup(&t, 0);
	type(&t, "early\x01x", 7);
	wait_quits(&t, 1);
	free(t.u.got);
	t.u.got = malloc(10000);
	assert_non_null(t.u.got);
	t.u.room = 10000;
	t.u.limit = 3;
	chr_want_input(t.u.chr, true);
	loop_settle(t.loop);
	assert_int_equal(t.u.n_got, 3);
	for (unsigned i = 0; i < 3; i++) {
		type(&t, many, sizeof(many));
		type(&t, "\x01x", 2);
		wait_quits(&t, 2 + i);
	}
	t.u.limit = 0;
	chr_user_wait(&t.u, 3 + 4096);
	assert_memory_equal(t.u.got, "earlykkk", 8);
	loop_settle(t.loop);
	assert_int_equal(t.u.n_got, 3 + 4096);
	teardown(&t);
}

static void test_hang_up(void **state)
{
	struct terminal t;

	setup(&t, 100);
	assert_int_equal(write(t.master, "bye", 3), 3);
	close(t.master);
	chr_user_wait_end(&t.u);
	assert_int_equal(chr_flush(t.u.chr, -1), 0);
	t.master = open("/dev/null", O_RDONLY | O_CLOEXEC);
	chr_user_fini(&t.u);
	close(t.master);
	close(t.slave);
	loop_free(t.loop);
}

/* Without a terminal nothing is an escape, and nothing is read before it is wanted. */
static void test_pipe(void **state)
{
	struct loop *loop;
	struct chr_user u = {0};
	unsigned quits = 0;
	struct chr *c;
	char got[8];
	int in[2], out[2];

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(chr_stdio_new(loop, in[0], out[1], on_quit, &quits, &c), 0);
	assert_int_equal(write(in[1], "\x01xa", 3), 3);
	loop_settle(loop);
	chr_user_init(&u, loop, c, 100);
	close(in[1]);
	chr_user_wait_end(&u);
	assert_int_equal(u.n_got, 3);
	assert_memory_equal(u.got, "\x01xa", 3);
	assert_int_equal(quits, 0);
	assert_int_equal(chr_user_write(&u, "out", 3), 0);
	assert_int_equal(chr_flush(c, -1), 0);
	assert_int_equal(read(out[0], got, sizeof(got)), 3);
	chr_user_fini(&u);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_and_escaped),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_keys_wait),
		cmocka_unit_test(test_hang_up),
		cmocka_unit_test(test_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
