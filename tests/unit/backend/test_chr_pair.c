/* SPDX-License-Identifier: MIT */
/* Two joined streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "backend/chr.h"
#include "backend/chr_pair.h"
#include "base/loop.h"
#include "chr_user.h"

struct pair_test {
	struct loop *loop;
	struct chr_user a, b;
};

static void setup(struct pair_test *t, size_t room_a, size_t room_b)
{
	struct chr *a, *b;

	memset(t, 0, sizeof(*t));
	assert_int_equal(loop_new(&t->loop), 0);
	assert_int_equal(chr_pair_new(t->loop, &a, &b), 0);
	chr_user_init(&t->a, t->loop, a, room_a);
	chr_user_init(&t->b, t->loop, b, room_b);
}

static void test_both_ways(void **state)
{
	struct pair_test t;

	setup(&t, 100, 100);
	assert_int_equal(chr_user_write(&t.a, "ping", 4), 0);
	assert_int_equal(t.b.n_got, 0); /* by way of the loop */
	assert_int_equal(chr_user_write(&t.b, "pong!", 5), 0);
	assert_int_equal(chr_pair_unread(t.a.chr), 4);
	loop_settle(t.loop);
	assert_int_equal(chr_pair_unread(t.a.chr), 0);
	assert_int_equal(t.b.n_got, 4);
	assert_memory_equal(t.b.got, "ping", 4);
	assert_int_equal(t.a.n_got, 5);
	assert_memory_equal(t.a.got, "pong!", 5);
	chr_user_fini(&t.a);
	chr_user_fini(&t.b);
	loop_free(t.loop);
}

/* 1 MB through 64 KB, with a reader that takes odd amounts and has to be asked again and again. */
static void test_flow_control(void **state)
{
	const size_t len = 1 << 20;
	uint8_t *src = malloc(len);
	struct pair_test t;
	size_t sent = 0, at_most = 0;
	ssize_t n;

	assert_non_null(src);
	for (size_t i = 0; i < len; i++)
		src[i] = (uint8_t)(i * 17 + i / 1000);
	setup(&t, 0, len);
	t.b.limit = 7777;
	while (t.b.n_got < len) {
		n = chr_write(t.a.chr, src + sent, len - sent);
		assert_true(n >= 0);
		sent += (size_t)n;
		if (chr_pair_unread(t.a.chr) > at_most)
			at_most = chr_pair_unread(t.a.chr);
		chr_want_input(t.b.chr, true);
		assert_true(loop_turn(t.loop, 0) >= 0);
	}
	assert_int_equal(at_most, CHR_PAIR_BUFFER);
	assert_memory_equal(t.b.got, src, len);
	assert_true(t.a.writables > 0);
	chr_user_fini(&t.a);
	chr_user_fini(&t.b);
	loop_free(t.loop);
	free(src);
}

static void test_full_then_writable(void **state)
{
	uint8_t *big = calloc(1, CHR_PAIR_BUFFER + 1);
	struct pair_test t;

	assert_non_null(big);
	setup(&t, 0, 0);
	assert_int_equal(chr_write(t.a.chr, big, CHR_PAIR_BUFFER), CHR_PAIR_BUFFER);
	loop_settle(t.loop);
	assert_int_equal(t.a.writables, 0);
	assert_int_equal(chr_write(t.a.chr, big, 1), 0);
	loop_settle(t.loop);
	assert_int_equal(t.a.writables, 0);
	free(t.b.got);
	t.b.got = big;
	t.b.room = CHR_PAIR_BUFFER + 1;
	t.b.limit = 1;
	chr_want_input(t.b.chr, true);
	loop_settle(t.loop);
	assert_int_equal(t.b.n_got, 1);
	assert_int_equal(t.a.writables, 1);
	chr_user_fini(&t.a);
	chr_user_fini(&t.b);
	loop_free(t.loop);
}

/* What was written before the end is read before the end. */
static void test_free_one(void **state)
{
	struct pair_test t;

	setup(&t, 100, 100);
	t.b.limit = 2;
	assert_int_equal(chr_user_write(&t.a, "last", 4), 0);
	chr_user_fini(&t.a);
	assert_int_equal(chr_write(t.b.chr, (const uint8_t *)"x", 1), -EPIPE);
	loop_settle(t.loop);
	assert_int_equal(t.b.n_got, 2);
	assert_int_equal(t.b.ends, 0);
	chr_user_wait_end(&t.b);
	assert_memory_equal(t.b.got, "last", 4);
	chr_user_fini(&t.b);
	loop_free(t.loop);
}

static void test_shut_write(void **state)
{
	struct pair_test t;

	setup(&t, 100, 100);
	assert_int_equal(chr_user_write(&t.a, "eof", 3), 0);
	chr_pair_shut_write(t.a.chr);
	assert_int_equal(chr_write(t.a.chr, (const uint8_t *)"x", 1), -EPIPE);
	chr_user_wait_end(&t.b);
	assert_int_equal(t.b.n_got, 3);
	/* The way back is open. */
	assert_int_equal(chr_user_write(&t.b, "reply", 5), 0);
	chr_user_wait(&t.a, 5);
	assert_int_equal(t.a.ends, 0);
	chr_user_fini(&t.b);
	chr_user_wait_end(&t.a);
	chr_user_fini(&t.a);
	loop_free(t.loop);
}

/* A writer that waits for room learns that the other side has gone. */
static void test_starved_writer_is_told(void **state)
{
	uint8_t *big = calloc(1, CHR_PAIR_BUFFER + 1);
	struct pair_test t;

	assert_non_null(big);
	setup(&t, 0, 0);
	assert_int_equal(chr_write(t.a.chr, big, CHR_PAIR_BUFFER + 1), CHR_PAIR_BUFFER);
	chr_user_fini(&t.b);
	loop_settle(t.loop);
	assert_int_equal(t.a.writables, 1);
	assert_int_equal(chr_write(t.a.chr, big, 1), -EPIPE);
	chr_user_fini(&t.a);
	loop_free(t.loop);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_flow_control),
		cmocka_unit_test(test_full_then_writable),
		cmocka_unit_test(test_free_one),
		cmocka_unit_test(test_shut_write),
		cmocka_unit_test(test_starved_writer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
