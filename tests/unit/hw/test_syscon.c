/* SPDX-License-Identifier: MIT */
/* The power switch. */
#include "hw_test.h"

#include "hw/syscon.h"

#define BASE 0x100000u

struct seen {
	unsigned n;
	enum syscon_event event;
	unsigned code;
};

static void on_event(void *arg, enum syscon_event event, unsigned code)
{
	struct seen *s = arg;

	s->n++;
	s->event = event;
	s->code = code;
}

static void test_events(void **state)
{
	struct seen seen = {0};
	struct syscon_config cfg = {.base = BASE, .event = on_event, .arg = &seen};
	struct syscon *s, *second;

	assert_int_equal(bus_new(&cfg.bus), 0);
	assert_int_equal(syscon_new(&cfg, &s), 0);
	assert_int_equal(syscon_new(&cfg, &second), -EEXIST);

	wr(cfg.bus, BASE, 4, 0x5555);
	assert_int_equal(seen.event, SYSCON_POWEROFF);
	wr(cfg.bus, BASE, 2, 0x7777);
	assert_int_equal(seen.event, SYSCON_RESET);
	wr(cfg.bus, BASE, 4, 0x00123333);
	assert_int_equal(seen.event, SYSCON_FAIL);
	assert_int_equal(seen.code, 0x12);
	assert_int_equal(seen.n, 3);
	wr(cfg.bus, BASE, 4, 0);
	wr(cfg.bus, BASE, 1, 0x55);
	wr(cfg.bus, BASE + 4, 4, 0x5555);
	wr(cfg.bus, BASE + 0xffc, 4, 0x5555);
	assert_int_equal(seen.n, 3);
	assert_int_equal(rd(cfg.bus, BASE, 4), 0);

	syscon_free(s);
	assert_faults(cfg.bus, BASE, 4);
	syscon_free(NULL);
	bus_free(cfg.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_events)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
