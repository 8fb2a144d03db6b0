/* SPDX-License-Identifier: MIT */
/* Counters and lists of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/stats.h"

struct things {
	int other;
	struct counter first, second;
};

static const struct stats_row rows[] = {
	{.group = "thing",
	 .name = "first",
	 .help = "One",
	 .offset = offsetof(struct things, first)},
	{.group = "thing",
	 .name = "second",
	 .help = "Two",
	 .unit = STATS_BYTES,
	 .offset = offsetof(struct things, second)},
	{0},
};

static void test_counter(void **state)
{
	struct counter c = {0};

	assert_int_equal(counter_read(&c), 0);
	counter_add(&c, 5);
	counter_add_shared(&c, UINT64_MAX - 7);
	assert_true(counter_read(&c) == UINT64_MAX - 2);
	counter_add(&c, 4);
	assert_int_equal(counter_read(&c), 1);
}

static void test_list(void **state)
{
	struct stats_list l = {0};
	struct things t = {.other = 9};

	counter_add(&t.second, 70);
	for (int i = 0; i < 100; i++) {
		struct stats_labels labels = {.device = "thing0", .queue = i, .hart = STATS_NONE};

		counter_add(&t.first, 1);
		assert_int_equal(stats_add_table(&l, rows, labels, &t), 0);
	}
	assert_int_equal(l.n, 200);
	for (size_t i = 0; i < l.n; i++) {
		assert_ptr_equal(l.sample[i].row, &rows[i % 2]);
		assert_int_equal(l.sample[i].labels.queue, i / 2);
		assert_int_equal(l.sample[i].value, i % 2 ? 70 : i / 2 + 1);
	}
	stats_fini(&l);
	assert_int_equal(l.n, 0);
	stats_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
