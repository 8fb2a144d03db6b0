/* SPDX-License-Identifier: MIT */
/* Interrupt files: messages by store and by sink, the registers behind sireg, what is first. */
#include "hw_test.h"

#include "base/bits.h"
#include "hw/imsic.h"

#define BASE  0x28000000u
#define HARTS 3u

#define EIDELIVERY  0x70u
#define EITHRESHOLD 0x72u
#define EIP0        0x80u
#define EIP2        0x82u
#define EIE0        0xc0u
#define EIE6        0xc6u

struct fixture {
	struct bus *bus;
	struct imsic *s;
	struct wires wires;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct irq out[HARTS];
	struct imsic_config cfg = {.base = BASE, .n_harts = HARTS, .outputs = out};

	*state = f;
	if (bus_new(&f->bus))
		return -1;
	for (unsigned i = 0; i < HARTS; i++)
		out[i] = wires_irq(&f->wires, i);
	cfg.bus = f->bus;
	return imsic_new(&cfg, &f->s);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	imsic_free(f->s);
	imsic_free(NULL);
	assert_faults(f->bus, BASE, 4);
	bus_free(f->bus);
	free(f);
	return 0;
}

static uint64_t get(struct fixture *f, unsigned hart, unsigned reg)
{
	return imsic_change(f->s, hart, reg, 0, 0);
}

static void put(struct fixture *f, unsigned hart, unsigned reg, uint64_t v)
{
	(void)imsic_change(f->s, hart, reg, ~0ull, v);
}

static void test_messages(void **state)
{
	struct fixture *f = *state;
	struct msi_sink sink = imsic_sink(f->s);

	wr(f->bus, BASE + 0x1000, 4, 5);
	wr(f->bus, BASE + 0x1004, 4, __builtin_bswap32(70));
	sink.send(sink.controller, BASE + 0x1000, IMSIC_IDS);
	assert_int_equal(get(f, 1, EIP0), BIT(5));
	assert_int_equal(get(f, 1, EIP2), BIT(6));
	assert_int_equal(get(f, 1, EIP0 + 6), BIT(63));
	assert_int_equal(get(f, 0, EIP0) | get(f, 2, EIP0), 0);
	assert_int_equal(f->wires.level, 0); /* nothing is enabled */

	put(f, 1, EIE0, BIT(5));
	put(f, 1, EIE6, BIT(63));
	assert_int_equal(imsic_top(f->s, 1, false), 0x50005);
	assert_int_equal(f->wires.level, 0); /* not delivered */
	put(f, 1, EIDELIVERY, 1);
	assert_int_equal(f->wires.level, BIT(1));
	assert_int_equal(imsic_top(f->s, 1, true), 0x50005);
	assert_int_equal(f->wires.level, BIT(1));
	assert_int_equal(imsic_top(f->s, 1, true), 0xff00ff);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(imsic_top(f->s, 1, true), 0);
	assert_int_equal(get(f, 1, EIP2), BIT(6));
}

/* To nowhere, or as nothing. */
static void test_lost(void **state)
{
	struct fixture *f = *state;
	struct msi_sink sink = imsic_sink(f->s);
	static const uint64_t nowhere[] = {
		0,        BASE - 4,  BASE + HARTS * IMSIC_PAGE, BASE + 8, BASE + IMSIC_PAGE - 4,
		BASE + 2, UINT64_MAX};
	uint64_t v;

	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++)
		sink.send(sink.controller, nowhere[i], 3);
	sink.send(sink.controller, BASE, 0);
	sink.send(sink.controller, BASE, IMSIC_IDS + 1);
	sink.send(sink.controller, BASE, UINT32_MAX);
	for (unsigned hart = 0; hart < HARTS; hart++)
		for (unsigned reg = EIP0; reg < EIE0; reg += 2)
			assert_int_equal(get(f, hart, reg), 0);
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned at = 0; at < 8; at++)
			if (size != 4 || at % 4)
				assert_faults(f->bus, BASE + at, size);
	assert_int_equal(rd(f->bus, BASE, 4), 0);
	assert_int_equal(bus_read(f->bus, BASE + HARTS * IMSIC_PAGE, 4, &v), -ENXIO);
}

static void test_registers(void **state)
{
	struct fixture *f = *state;

	for (unsigned reg = 0x70; reg <= 0xff; reg += reg < EIP0 ? 1 : 2) {
		bool bits = (reg >= EIP0 && reg < EIP0 + 8) || (reg >= EIE0 && reg < EIE0 + 8);
		uint64_t all = reg == EIP0 || reg == EIE0 ? ~1ull : ~0ull;

		put(f, 0, reg, ~0ull);
		assert_int_equal(get(f, 0, reg), bits ? all : 0);
		put(f, 0, reg, 0);
		assert_int_equal(get(f, 0, reg), 0);
	}
	put(f, 0, EIDELIVERY, 1);
	put(f, 0, EIDELIVERY, 0x40000000); /* there is no other controller */
	assert_int_equal(get(f, 0, EIDELIVERY), 1);
	assert_int_equal(imsic_change(f->s, 0, EIE0, 0, 0xf0), 0);
	assert_int_equal(imsic_change(f->s, 0, EIE0, 0x30, 0x100), 0xf0);
	assert_int_equal(get(f, 0, EIE0), 0x1c0);
}

static void test_threshold(void **state)
{
	struct fixture *f = *state;

	put(f, 2, EIDELIVERY, 1);
	put(f, 2, EIE0, ~0ull);
	put(f, 2, EITHRESHOLD, 10);
	wr(f->bus, BASE + 0x2000, 4, 10);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(imsic_top(f->s, 2, true), 0);
	put(f, 2, EITHRESHOLD, 11);
	assert_int_equal(f->wires.level, BIT(2));
	put(f, 2, EITHRESHOLD, IMSIC_IDS + 1);
	assert_int_equal(get(f, 2, EITHRESHOLD), 11);
	put(f, 2, EIE0, 0);
	assert_int_equal(f->wires.level, 0);
}

static void test_configurations(void **state)
{
	struct fixture *f = *state;
	struct irq out[IMSIC_MAX_HARTS + 1] = {0};
	struct imsic_config cfg = {.bus = f->bus, .base = BASE, .n_harts = 1, .outputs = out};
	struct imsic *s;

	assert_int_equal(imsic_new(&cfg, &s), -EEXIST);
	cfg.n_harts = 0;
	assert_int_equal(imsic_new(&cfg, &s), -EINVAL);
	cfg.n_harts = IMSIC_MAX_HARTS + 1;
	assert_int_equal(imsic_new(&cfg, &s), -EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_messages), T(test_lost), T(test_registers),
					   T(test_threshold), T(test_configurations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
