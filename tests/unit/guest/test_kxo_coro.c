/* SPDX-License-Identifier: MIT */
/* Coroutines: they go on where they were, with all they had, and do not see each other's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "guest/drivers/kxo/user/coro.h"

struct counter {
	int from, to, now;
};

static void count(struct coro *self, void *arg)
{
	struct counter *c = arg;

	for (int i = c->from; i < c->to; i++) {
		c->now = i;
		coro_yield(self);
	}
}

static void test_turns(void **state)
{
	struct counter a = {.from = 0, .to = 5}, b = {.from = 100, .to = 103};
	struct coro *first = coro_new(count, &a), *second = coro_new(count, &b);

	assert_non_null(first);
	assert_non_null(second);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(coro_resume(first), i < 5);
		assert_int_equal(coro_resume(second), i < 3);
		assert_int_equal(a.now, i < 5 ? i : 4);
		assert_int_equal(b.now, i < 3 ? 100 + i : 102);
	}
	assert_int_equal(coro_resume(first), 0);
	coro_free(first);
	coro_free(second);
}

/* Yields from deep inside, with values in registers, floating-point ones too, and on each stack. */
static double descend(struct coro *self, unsigned int depth, uint64_t seed)
{
	uint64_t a = seed * 3, b = seed * 5, c = seed * 7, d = seed * 11, e = seed * 13;
	double x = (double)seed / 3;
	char fill[64];
	double below;

	memset(fill, (int)(seed & 0x7f), sizeof(fill));
	below = depth ? descend(self, depth - 1, seed + 1) : 0;
	coro_yield(self);
	assert_true(a == seed * 3 && b == seed * 5 && c == seed * 7 && d == seed * 11 &&
		    e == seed * 13);
	for (size_t i = 0; i < sizeof(fill); i++)
		assert_int_equal(fill[i], seed & 0x7f);
	return below + x;
}

static void deep(struct coro *self, void *arg)
{
	double *sum = arg;

	*sum = descend(self, 40, (uint64_t)*sum);
}

static void test_deep(void **state)
{
	double sums[8];
	struct coro *coros[8];
	unsigned int running = 8, rounds = 0;

	for (int i = 0; i < 8; i++) {
		sums[i] = i;
		coros[i] = coro_new(deep, &sums[i]);
		assert_non_null(coros[i]);
	}
	for (; running; rounds++) {
		running = 0;
		for (int i = 0; i < 8; i++)
			running += (unsigned int)coro_resume(coros[i]);
	}
	assert_int_equal(rounds, 42);
	for (int i = 0; i < 8; i++) {
		double sum = 0;

		for (int j = 40; j >= 0; j--)
			sum += (double)(i + j) / 3;
		assert_true(sums[i] == sum);
		coro_free(coros[i]);
	}
}

/* One that has not returned, and one that has never run. */
static void test_freed(void **state)
{
	struct counter c = {.from = 1, .to = 3};

	for (int i = 0; i < 1000; i++) {
		struct coro *coro = coro_new(count, &c);

		assert_non_null(coro);
		if (i % 2)
			coro_resume(coro);
		coro_free(coro);
	}
	coro_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
