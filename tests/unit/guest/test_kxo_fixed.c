/* SPDX-License-Identifier: MIT */
/* The error bounds that fixed.h states, against the C library's floating point. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "guest/drivers/kxo/game/fixed.h"

#define LOG_BOUND  ldexp(1, -15)
#define SQRT_BOUND ldexp(1, -16)

static void check_logs(uint32_t x)
{
	double log2_short = log2(x) - (double)xo_log2(x) / XO_ONE;
	double ln_short = log(x) - (double)xo_ln(x) / XO_ONE;

	/* The library's own last place. */
	assert_true(log2_short > -1e-12 && log2_short < LOG_BOUND);
	assert_true(ln_short > -1e-12 && ln_short < LOG_BOUND);
}

static void check_roots(uint64_t x)
{
	uint64_t root = xo_isqrt(x);

	assert_true(root * root <= x);
	assert_true(root == UINT32_MAX || (root + 1) * (root + 1) > x);
}

/* All small numbers, those around powers of 2, and some in between. */
static void for_many(void (*check)(uint32_t))
{
	for (uint32_t x = 1; x < 200000; x++)
		check(x);
	for (unsigned int shift = 1; shift < 32; shift++)
		for (int i = -3; i <= 3; i++)
			check((uint32_t)((1ll << shift) + i) | !((1ll << shift) + i));
	for (uint32_t x = 1; x < UINT32_MAX - 30011; x += 30011)
		check(x);
	check(UINT32_MAX);
}

static void test_logs(void **state)
{
	for_many(check_logs);
	assert_int_equal(xo_log2(0), 0);
	assert_int_equal(xo_ln(0), 0);
	assert_int_equal(xo_log2(1), 0);
	assert_int_equal(xo_log2(1u << 31), 31u << 16);
}

static void check_root_of_square(uint32_t x)
{
	check_roots(x);
	check_roots((uint64_t)x * x);
	check_roots((uint64_t)x * x - 1);
}

static void check_fixed_root(uint32_t x)
{
	double root_short = sqrt((double)x / XO_ONE) - (double)xo_sqrt(x) / XO_ONE;

	assert_true(root_short > -1e-12 && root_short < SQRT_BOUND);
}

static void test_roots(void **state)
{
	check_roots(0);
	check_roots(UINT64_MAX);
	for_many(check_root_of_square);
	for_many(check_fixed_root);
	assert_int_equal(xo_sqrt(4 * XO_ONE), 2 * XO_ONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logs),
		cmocka_unit_test(test_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
