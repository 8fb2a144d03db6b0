/* SPDX-License-Identifier: MIT */
/* Load averages against what they approximate. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "guest/drivers/kxo/user/load.h"

static const double over[3] = {12, 60, 180};

/* Rounding shifts an average by less than a place in each sample: in the end by at most over[i]. */
static void test_against_exponential(void **state)
{
	struct load load = {{0}};
	double exact[3] = {0};
	uint32_t active = 0;

	for (unsigned int i = 0; i < 5000; i++) {
		if (i % 100 == 0)
			active = (i / 100 * 37 % 5) * LOAD_ONE / 4;
		load_sample(&load, active);
		for (unsigned int j = 0; j < 3; j++) {
			exact[j] = active + (exact[j] - active) * exp(-1 / over[j]);
			assert_true(fabs(exact[j] - load.average[j]) < 1.2 * over[j] + 2);
		}
	}
}

static void test_ends(void **state)
{
	struct load load = {{0}};

	for (unsigned int i = 0; i < 3000; i++)
		load_sample(&load, LOAD_ONE);
	for (unsigned int j = 0; j < 3; j++)
		assert_int_equal(load.average[j], LOAD_ONE);
	for (unsigned int i = 0; i < 3000; i++)
		load_sample(&load, 0);
	for (unsigned int j = 0; j < 3; j++)
		assert_int_equal(load.average[j], 0);
	for (unsigned int i = 0; i < 3000; i++)
		load_sample(&load, 16 * LOAD_ONE);
	for (unsigned int j = 0; j < 3; j++)
		assert_int_equal(load.average[j], 16 * LOAD_ONE);
}

static void test_decimals(void **state)
{
	assert_int_equal(load_whole(0), 0);
	assert_int_equal(load_hundredths(LOAD_ONE / 4), 25);
	assert_int_equal(load_whole(LOAD_ONE - 1), 1); /* 0.9995 is 1.00 */
	assert_int_equal(load_hundredths(LOAD_ONE - 1), 0);
	assert_int_equal(load_whole(3 * LOAD_ONE + LOAD_ONE / 2), 3);
	assert_int_equal(load_hundredths(3 * LOAD_ONE + LOAD_ONE / 2), 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_exponential),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
