/* SPDX-License-Identifier: MIT */
/* DesignWare's GPIO controller: directions, levels and edges, as Linux's driver sets them up. */
#include "hw_test.h"

#include "hw/dw_gpio.h"

#define BASE 0x3020000u

enum {
	DR = BASE,
	DDR = BASE + 0x04,
	INTEN = BASE + 0x30,
	INTMASK = BASE + 0x34,
	EDGES = BASE + 0x38,
	POLARITY = BASE + 0x3c,
	STATUS = BASE + 0x40,
	RAW = BASE + 0x44,
	DEBOUNCE = BASE + 0x48,
	EOI = BASE + 0x4c,
	EXT = BASE + 0x50,
	LS_SYNC = BASE + 0x60,
	VERSION = BASE + 0x6c,
};

struct fixture {
	struct bus *bus;
	struct dw_gpio *g;
	struct wires wires;
	unsigned n_moved;
	struct dw_gpio_pins out;
};

static void moved(void *arg, unsigned port)
{
	struct fixture *f = arg;

	assert_int_equal(port, 3);
	f->n_moved++;
	f->out = dw_gpio_outputs(f->g);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct dw_gpio_config cfg = {.base = BASE, .moved = moved, .arg = f, .port = 3};

	*state = f;
	if (bus_new(&f->bus))
		return -1;
	cfg.bus = f->bus;
	cfg.irq = wires_irq(&f->wires, 0);
	return dw_gpio_new(&cfg, &f->g);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dw_gpio_free(f->g);
	bus_free(f->bus);
	free(f);
	return 0;
}

static void test_pins(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, DR, 4, 0x0f);
	assert_int_equal(f->n_moved, 0);
	assert_int_equal(rd(f->bus, EXT, 4), 0);
	wr(f->bus, DDR, 4, 0x05);
	assert_int_equal(f->n_moved, 1);
	assert_int_equal(f->out.driven, 5);
	assert_int_equal(f->out.level, 5);
	dw_gpio_input(f->g, 0, false); /* an output does not care */
	dw_gpio_input(f->g, 1, true);
	dw_gpio_input(f->g, 31, true);
	assert_int_equal(f->n_moved, 1);
	assert_int_equal(rd(f->bus, EXT, 4), 0x80000007);
	assert_int_equal(rd(f->bus, EXT, 2), 7);
	assert_int_equal(rd(f->bus, DR, 4), 0x0f);
	assert_int_equal(rd(f->bus, DDR, 4), 5);
	wr(f->bus, DDR, 4, 0);
	assert_int_equal(f->n_moved, 2);
	assert_int_equal(rd(f->bus, EXT, 4), 0x80000002);
	assert_int_equal(rd(f->bus, VERSION, 4), 0x3231322a);
	wr(f->bus, DEBOUNCE, 4, 3);
	wr(f->bus, LS_SYNC, 4, 3);
	assert_int_equal(rd(f->bus, DEBOUNCE, 4), 3);
	assert_int_equal(rd(f->bus, LS_SYNC, 4), 1);
	assert_int_equal(rd(f->bus, BASE + 0x800, 4), 0);
	assert_faults(f->bus, DR, 8);
	assert_faults(f->bus, DR + 2, 2);
}

static void test_level(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, POLARITY, 4, 1 << 4);
	wr(f->bus, INTEN, 4, 1 << 4 | 1 << 5); /* 4 high, 5 low */
	assert_int_equal(rd(f->bus, RAW, 4), 1 << 5);
	assert_int_equal(f->wires.level, 1);
	wr(f->bus, INTMASK, 4, 1 << 5);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(rd(f->bus, STATUS, 4), 0);
	dw_gpio_input(f->g, 4, true);
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(rd(f->bus, STATUS, 4), 1 << 4);
	wr(f->bus, EOI, 4, ~0u); /* a level stays */
	assert_int_equal(f->wires.level, 1);
	dw_gpio_input(f->g, 4, false);
	assert_int_equal(f->wires.level, 0);
	dw_gpio_input(f->g, 4, true);
	wr(f->bus, DDR, 4, 1 << 4); /* an output does not interrupt */
	assert_int_equal(f->wires.level, 0);
}

static void test_edges(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, EDGES, 4, 3);
	wr(f->bus, POLARITY, 4, 1); /* 0 rising, 1 falling */
	dw_gpio_input(f->g, 0, true);
	dw_gpio_input(f->g, 0, false);
	wr(f->bus, INTEN, 4, 3);
	assert_int_equal(f->wires.level, 0); /* what was before does not count */
	dw_gpio_input(f->g, 0, true);
	assert_int_equal(f->wires.level, 1);
	dw_gpio_input(f->g, 0, false);
	assert_int_equal(rd(f->bus, STATUS, 4), 1);
	wr(f->bus, EOI, 4, 2);
	assert_int_equal(f->wires.level, 1);
	wr(f->bus, EOI, 4, 1);
	assert_int_equal(f->wires.level, 0);
	dw_gpio_input(f->g, 1, true);
	assert_int_equal(f->wires.level, 0);
	/* Seen while it is masked, told afterwards. */
	wr(f->bus, INTMASK, 4, 2);
	dw_gpio_input(f->g, 1, false);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(rd(f->bus, RAW, 4), 2);
	wr(f->bus, INTMASK, 4, 0);
	assert_int_equal(f->wires.level, 1);
	wr(f->bus, INTEN, 4, 1);
	assert_int_equal(f->wires.level, 0);
	wr(f->bus, INTEN, 4, 3);
	assert_int_equal(f->wires.level, 0);
}

/* The wire is as the status says, whatever is written. */
static void test_hostile(void **state)
{
	struct fixture *f = *state;
	uint32_t seed = 3;

	for (unsigned n = 0; n < 20000; n++) {
		seed = seed * 1664525 + 1013904223;
		if (seed & 0x80)
			dw_gpio_input(f->g, seed >> 20 & 31, seed >> 25 & 1);
		else
			wr(f->bus, BASE + (seed >> 20 & 0xfc), 4, seed << 11 | seed >> 13);
		assert_int_equal(f->wires.level, rd(f->bus, STATUS, 4) != 0);
		assert_int_equal(f->out.level & ~f->out.driven, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_level, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
