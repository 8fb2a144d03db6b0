/* SPDX-License-Identifier: MIT */
/* The machine's time, with harts that only count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "machine/clock.h"

#define HZ             25000000u
#define NS_PER_TICK    40u
#define INSNS_PER_TICK (NS_PER_TICK / CLOCK_NS_PER_INSN)

struct counting {
	struct cpu cpu;
	uint64_t retired;
};

static uint64_t counting_retired(const struct cpu *cpu)
{
	return ((const struct counting *)cpu)->retired;
}

static const struct cpu_engine engine = {.retired = counting_retired};
static struct cpu_vm vm = {.engine = &engine};

/* The harts' instructions add up, and only those of turns count. */
static void test_counted(void **state)
{
	struct counting a = {{.vm = &vm}, 500}, b = {{.vm = &vm, .id = 1}, 0};
	struct clock c;

	clock_init(&c, HZ, true);
	assert_int_equal(clock_ticks(&c), 0);
	clock_turn_begin(&c, &a.cpu);
	assert_int_equal(clock_ticks(&c), 0);
	a.retired += 10 * INSNS_PER_TICK;
	assert_int_equal(clock_ticks(&c), 10);
	a.retired += INSNS_PER_TICK / 2;
	clock_turn_end(&c);
	a.retired += 1000000;
	assert_int_equal(clock_ticks(&c), 10);
	clock_turn_begin(&c, &b.cpu);
	b.retired += INSNS_PER_TICK - INSNS_PER_TICK / 2;
	assert_int_equal(clock_ticks(&c), 11);
	clock_turn_end(&c);
	assert_int_equal(clock_ticks(&c), 11);
	assert_int_equal(clock_loop_ns(&c), 11 * NS_PER_TICK);
}

static void test_skip(void **state)
{
	struct counting a = {{.vm = &vm}, 0};
	struct clock c;

	clock_init(&c, HZ, true);
	clock_skip_to(&c, 1000);
	assert_int_equal(clock_ticks(&c), 1000);
	clock_skip_to(&c, 999); /* never back */
	assert_int_equal(clock_ticks(&c), 1000);
	clock_turn_begin(&c, &a.cpu);
	a.retired += INSNS_PER_TICK;
	assert_int_equal(clock_ticks(&c), 1001);
	clock_turn_end(&c);
	clock_skip_to(&c, UINT64_MAX); /* more than the count can hold: as far as it goes */
	assert_int_equal(clock_ticks(&c), UINT64_MAX / INSNS_PER_TICK);
}

static void test_host(void **state)
{
	struct clock c;
	uint64_t before, after;

	clock_init(&c, HZ, false);
	before = clock_ticks(&c);
	do
		after = clock_ticks(&c);
	while (after == before);
	assert_true(after > before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
