/* SPDX-License-Identifier: MIT */
/* The clock: latched reads, setting, alarms, on a loop whose time the test moves. */
#include "hw_test.h"

#include <time.h>

#include "base/loop.h"
#include "hw/rtc_goldfish.h"

#define BASE 0x101000u

enum {
	TIME_LOW,
	TIME_HIGH,
	ALARM_LOW,
	ALARM_HIGH,
	IRQ_ENABLED,
	CLEAR_ALARM,
	ALARM_STATUS,
	CLEAR_INTERRUPT
};

struct fixture {
	struct bus *bus;
	struct loop *loop;
	struct rtc_goldfish *r;
	struct wires wires;
	uint64_t wall, mono;
};

static uint64_t wall_ns(void *arg)
{
	return ((struct fixture *)arg)->wall;
}

static uint64_t mono_ns(void *arg)
{
	return ((struct fixture *)arg)->mono;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rtc_goldfish_config cfg = {.base = BASE, .wall_ns = wall_ns, .arg = f};

	*state = f;
	if (bus_new(&f->bus) || loop_new(&f->loop))
		return -1;
	loop_set_clock(f->loop, mono_ns, f);
	f->wall = 1700000000123456789;
	cfg.bus = f->bus;
	cfg.loop = f->loop;
	cfg.irq = wires_irq(&f->wires, 0);
	return rtc_goldfish_new(&cfg, &f->r);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rtc_goldfish_free(f->r);
	bus_free(f->bus);
	loop_free(f->loop);
	free(f);
	return 0;
}

static uint32_t reg(struct fixture *f, unsigned i)
{
	return (uint32_t)rd(f->bus, BASE + 4 * i, 4);
}

static void set_reg(struct fixture *f, unsigned i, uint64_t v)
{
	wr(f->bus, BASE + 4 * i, 4, (uint32_t)v);
}

static uint64_t guest_time(struct fixture *f)
{
	uint64_t low = reg(f, TIME_LOW);

	return (uint64_t)reg(f, TIME_HIGH) << 32 | low;
}

static void set_alarm(struct fixture *f, uint64_t at)
{
	set_reg(f, ALARM_HIGH, at >> 32);
	set_reg(f, ALARM_LOW, at);
}

static void test_time(void **state)
{
	struct fixture *f = *state;
	uint64_t low;

	assert_int_equal(guest_time(f), f->wall);
	f->wall = 0x1ffffffff;
	low = reg(f, TIME_LOW);
	f->wall++; /* carries into the upper half between the two reads */
	assert_int_equal((uint64_t)reg(f, TIME_HIGH) << 32 | low, 0x1ffffffff);

	set_reg(f, TIME_HIGH, 0x1000);
	set_reg(f, TIME_LOW, 5);
	assert_int_equal(guest_time(f), 0x100000000005);
	f->wall += 10;
	assert_int_equal(guest_time(f), 0x10000000000f);
	rtc_goldfish_reset(f->r);
	assert_int_equal(guest_time(f), f->wall);
}

static void test_alarm(void **state)
{
	struct fixture *f = *state;

	set_reg(f, IRQ_ENABLED, 1);
	set_alarm(f, f->wall + 1000);
	assert_int_equal(reg(f, ALARM_STATUS), 1);
	assert_int_equal(loop_next_deadline(f->loop), 1000);
	f->mono = 1000;
	f->wall += 900; /* was set back by 100: not yet */
	loop_turn(f->loop, 0);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(loop_next_deadline(f->loop), 1100);
	f->mono = 1100;
	f->wall += 100;
	loop_turn(f->loop, 0);
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(reg(f, ALARM_STATUS), 0);
	set_reg(f, CLEAR_INTERRUPT, 1);
	assert_int_equal(f->wires.level, 0);

	set_alarm(f, f->wall); /* now */
	assert_int_equal(f->wires.level, 1);
	set_reg(f, IRQ_ENABLED, 0);
	assert_int_equal(f->wires.level, 0);
	set_reg(f, CLEAR_INTERRUPT, 1);

	set_alarm(f, f->wall + 1000);
	set_reg(f, CLEAR_ALARM, 1);
	assert_int_equal(reg(f, ALARM_STATUS), 0);
	assert_int_equal(loop_next_deadline(f->loop), UINT64_MAX);

	set_alarm(f, UINT64_MAX); /* does not come in our time */
	assert_int_equal(reg(f, ALARM_STATUS), 1);
	assert_int_equal(reg(f, ALARM_LOW), 0xffffffff);
	/* Setting the clock past the alarm sets it off. */
	set_alarm(f, f->wall + 1000);
	set_reg(f, IRQ_ENABLED, 1);
	set_reg(f, TIME_HIGH, (f->wall + 2000) >> 32);
	set_reg(f, TIME_LOW, f->wall + 2000);
	assert_int_equal(f->wires.level, 1);
	rtc_goldfish_reset(f->r);
	assert_int_equal(f->wires.level, 0);
}

static void test_accesses(void **state)
{
	struct fixture *f = *state;

	assert_faults(f->bus, BASE, 1);
	assert_faults(f->bus, BASE, 8);
	assert_faults(f->bus, BASE + 2, 4);
	set_reg(f, 100, 1);
	assert_int_equal(reg(f, 100), 0);
}

static void test_host_time(void **state)
{
	struct fixture *f = *state;
	struct rtc_goldfish_config cfg = {.bus = f->bus, .base = 0x200000, .loop = f->loop};
	struct rtc_goldfish *r;
	uint64_t low, t;
	time_t before = time(NULL);

	assert_int_equal(rtc_goldfish_new(&cfg, &r), 0);
	low = rd(f->bus, 0x200000, 4);
	t = (rd(f->bus, 0x200004, 4) << 32 | low) / 1000000000;
	assert_in_range(t, before - 1, time(NULL) + 1);
	rtc_goldfish_free(r);
	rtc_goldfish_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_time), TEST(test_alarm), TEST(test_accesses),
					   TEST(test_host_time)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
