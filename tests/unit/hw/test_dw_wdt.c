/* SPDX-License-Identifier: MIT */
/* DesignWare's watchdog, with a clock that the test moves; the guest's may stand. */
#include "hw_test.h"

#include "base/loop.h"
#include "hw/dw_wdt.h"

#define BASE 0x3010000u
#define HZ   25000000u
#define NS   (1000000000ull / HZ) /* a tick */

enum {
	CR = BASE,
	TORR = BASE + 0x04,
	CCVR = BASE + 0x08,
	CRR = BASE + 0x0c,
	STAT = BASE + 0x10,
	EOI = BASE + 0x14,
	PARAMS = BASE + 0xf4,
	TYPE = BASE + 0xfc,
};

struct fixture {
	struct bus *bus;
	struct loop *loop;
	struct dw_wdt *w;
	struct wires wires;
	uint64_t host, guest; /* ns */
	unsigned n_expired;
};

static uint64_t host_now(void *arg)
{
	return ((struct fixture *)arg)->host;
}

static uint64_t guest_now(void *arg)
{
	return ((struct fixture *)arg)->guest;
}

static void expired(void *arg)
{
	((struct fixture *)arg)->n_expired++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct dw_wdt_config cfg = {
		.base = BASE, .hz = HZ, .now = guest_now, .expired = expired, .arg = f};

	*state = f;
	if (bus_new(&f->bus) || loop_new(&f->loop))
		return -1;
	loop_set_clock(f->loop, host_now, f);
	cfg.bus = f->bus;
	cfg.loop = f->loop;
	cfg.irq = wires_irq(&f->wires, 0);
	return dw_wdt_new(&cfg, &f->w);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dw_wdt_free(f->w);
	bus_free(f->bus);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void ticks(struct fixture *f, uint64_t n)
{
	f->host += n * NS;
	f->guest += n * NS;
	assert_true(loop_turn(f->loop, 0) >= 0);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f->bus, CCVR, 4), 0xffff);
	ticks(f, 1 << 20);
	wr(f->bus, TORR, 4, 1);
	wr(f->bus, CR, 4, 1);
	ticks(f, 0x1ffff);
	assert_int_equal(rd(f->bus, CCVR, 4), 1);
	wr(f->bus, CRR, 4, 0x75);
	assert_int_equal(rd(f->bus, CCVR, 4), 1);
	wr(f->bus, CRR, 4, 0x76);
	assert_int_equal(rd(f->bus, CCVR, 4), 0x20000);
	wr(f->bus, CR, 4, 0); /* it stays enabled */
	assert_int_equal(rd(f->bus, CR, 4), 1);
	ticks(f, 0x1ffff);
	assert_int_equal(f->n_expired, 0);
	ticks(f, 1);
	assert_int_equal(f->n_expired, 1);
	wr(f->bus, CRR, 4, 0x76); /* too late */
	ticks(f, 0x40000);
	assert_int_equal(f->n_expired, 1);
}

static void test_interrupt(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, CR, 4, 3);
	ticks(f, 0x10000);
	assert_int_equal(f->n_expired, 0);
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(rd(f->bus, STAT, 4), 1);
	assert_int_equal(rd(f->bus, EOI, 4), 0);
	assert_int_equal(f->wires.level, 0);
	ticks(f, 0x10000); /* cleared in time: an interrupt again */
	assert_int_equal(f->wires.level, 1);
	wr(f->bus, CRR, 4, 0x76);
	assert_int_equal(f->wires.level, 0);
	ticks(f, 0x10000);
	ticks(f, 0xffff);
	assert_int_equal(f->n_expired, 0);
	ticks(f, 1);
	assert_int_equal(f->n_expired, 1);
}

/* While a debugger holds the guest, its time stands, and nothing expires. */
static void test_held(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, CR, 4, 1);
	ticks(f, 0xffff);
	f->host += 1000000000;
	assert_int_equal(loop_turn(f->loop, 0), 1);
	assert_int_equal(loop_turn(f->loop, 0), 0);
	assert_int_equal(f->n_expired, 0);
	assert_int_equal(rd(f->bus, CCVR, 4), 1);
	f->host += 1000000;
	f->guest += NS;
	assert_int_equal(loop_turn(f->loop, 0), 1);
	assert_int_equal(f->n_expired, 1);
}

static void test_registers(void **state)
{
	struct fixture *f = *state;
	uint32_t seed = 5;

	assert_int_equal(rd(f->bus, PARAMS, 4), 0x40);
	assert_int_equal(rd(f->bus, TYPE, 4), 0x44570120);
	wr(f->bus, TORR, 4, 0xfff);
	assert_int_equal(rd(f->bus, TORR, 4), 0xff);
	wr(f->bus, CR, 4, 1);
	assert_int_equal(rd(f->bus, CCVR, 4), 0x80000000);
	assert_faults(f->bus, CR, 8);
	for (unsigned n = 0; n < 5000; n++) {
		seed = seed * 1664525 + 1013904223;
		wr(f->bus, BASE + (seed >> 20 & 0xfc), 4, seed >> 3);
		ticks(f, seed >> 18);
		assert_int_equal(f->wires.level, rd(f->bus, STAT, 4));
		assert_true(f->n_expired <= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_registers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
