/* SPDX-License-Identifier: MIT */
/* What irqlab takes for a storm: the work item that waits in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "guest/drivers/irqlab/storm.h"
#include "lib/rand.h"

/* The hart gets to nothing else. */
static void test_in_vain(void **state)
{
	static const unsigned limits[] = {1, 2, 3, 100, 1000, 1001};

	for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct irqlab_row row = {0};

		for (unsigned n = 1; n <= limits[i]; n++)
			assert_int_equal(irqlab_row_add(&row, limits[i]),
					 n == (limits[i] + 1) / 2 ? IRQLAB_ROW_ASK
								  : IRQLAB_ROW_CALM);
		assert_int_equal(irqlab_row_add(&row, limits[i]), IRQLAB_ROW_STORM);
		assert_int_equal(irqlab_row_add(&row, limits[i]), IRQLAB_ROW_STORM);
		irqlab_row_end(&row);
		assert_int_equal(irqlab_row_add(&row, limits[i]),
				 limits[i] < 3 ? IRQLAB_ROW_ASK : IRQLAB_ROW_CALM);
	}
}

/* The work item comes at the last moment, each time: that is no storm, however long it goes on. */
static void test_just_in_time(void **state)
{
	struct irqlab_row row = {0};
	unsigned asked = 0;

	for (unsigned n = 1; n <= 100000; n++) {
		enum irqlab_verdict v = irqlab_row_add(&row, 100);

		assert_int_not_equal(v, IRQLAB_ROW_STORM);
		asked += v == IRQLAB_ROW_ASK;
		if (n % 100 == 0)
			irqlab_row_end(&row);
	}
	assert_int_equal(asked, 1000);
}

/* No limit, and one that is out of reach. */
static void test_never(void **state)
{
	struct irqlab_row row = {0};

	for (unsigned n = 0; n < 10000; n++) {
		assert_int_equal(irqlab_row_add(&row, 0), IRQLAB_ROW_CALM);
		assert_int_equal(irqlab_row_add(&row, UINT_MAX), IRQLAB_ROW_CALM);
	}
	row.n = UINT_MAX - 1;
	assert_int_equal(irqlab_row_add(&row, UINT_MAX), IRQLAB_ROW_CALM);
	assert_int_equal(irqlab_row_add(&row, UINT_MAX), IRQLAB_ROW_STORM);
	row.n = UINT_MAX / 2;
	assert_int_equal(irqlab_row_add(&row, UINT_MAX), IRQLAB_ROW_ASK);
}

/* A hart at random: the work item, once asked for, runs sooner or later, or a limit is set anew,
 * which begins a row. It is a storm exactly when more than the limit have come since. */
static void test_model(void **state)
{
	struct irqlab_row row = {0};
	unsigned limit = 10, since = 0, storms = 0, waited = 0;
	bool asked = false;
	uint64_t r = 7;

	for (unsigned i = 0; i < 200000; i++) {
		enum irqlab_verdict v = irqlab_row_add(&row, limit);

		since++;
		assert_int_equal(v == IRQLAB_ROW_STORM, limit && since > limit);
		if (v == IRQLAB_ROW_ASK) {
			assert_false(asked);
			assert_int_equal(since, (limit + 1) / 2);
			asked = true;
		}
		storms += v == IRQLAB_ROW_STORM;
		waited += asked;
		if ((asked && !rand_below(&r, limit)) || !rand_below(&r, 100)) {
			irqlab_row_end(&row);
			since = 0;
			asked = false;
			if (!rand_below(&r, 10))
				limit = rand_below(&r, 40);
		}
	}
	assert_true(storms > 1000 && waited > storms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_vain),
		cmocka_unit_test(test_just_in_time),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
