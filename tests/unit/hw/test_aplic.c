/* SPDX-License-Identifier: MIT */
/* The APLIC: each mode of a source, what makes it pending, and the messages that it sends. */
#include "hw_test.h"

#include "base/bits.h"
#include "hw/aplic.h"

#define BASE    0xd000000u
#define FILES   0x28000000u
#define SOURCES 70u
#define HARTS   4u

enum {
	DOMAINCFG = 0x0000,
	SETIP = 0x1c00,
	SETIPNUM = 0x1cdc,
	IN_CLRIP = 0x1d00,
	CLRIPNUM = 0x1ddc,
	SETIE = 0x1e00,
	SETIENUM = 0x1edc,
	CLRIE = 0x1f00,
	CLRIENUM = 0x1fdc,
	SETIPNUM_LE = 0x2000,
	SETIPNUM_BE = 0x2004,
	GENMSI = 0x3000,
};
#define SOURCECFG(n) (4 * (n))
#define TARGET(n)    (0x3000 + 4 * (n))

enum { DETACHED = 1, RISE = 4, FALL, HIGH, LOW };

struct fixture {
	struct bus *bus;
	struct aplic *a;
	unsigned n_sent;
	uint64_t addr; /* of the last message */
	uint32_t data;
};

static void sent(void *controller, uint64_t addr, uint32_t data)
{
	struct fixture *f = controller;

	f->n_sent++;
	f->addr = addr;
	f->data = data;
}

static void put(struct fixture *f, unsigned reg, uint32_t v)
{
	wr(f->bus, BASE + reg, 4, v);
}

static uint32_t get(struct fixture *f, unsigned reg)
{
	return (uint32_t)rd(f->bus, BASE + reg, 4);
}

static void wire(struct fixture *f, unsigned source, bool level)
{
	irq_set(aplic_irq(f->a, source), level);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct aplic_config cfg = {
		.base = BASE, .n_sources = SOURCES, .n_harts = HARTS, .files = FILES};

	*state = f;
	if (bus_new(&f->bus))
		return -1;
	cfg.bus = f->bus;
	cfg.sink = (struct msi_sink){.send = sent, .controller = f};
	return aplic_new(&cfg, &f->a);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	aplic_free(f->a);
	aplic_free(NULL);
	assert_faults(f->bus, BASE, 4);
	bus_free(f->bus);
	free(f);
	return 0;
}

/* Source n as Linux sets one up: to hart 2, as number 33. */
static void use(struct fixture *f, unsigned n, unsigned mode)
{
	put(f, DOMAINCFG, 0x104);
	put(f, SOURCECFG(n), mode);
	put(f, TARGET(n), 2u << 18 | 33);
	put(f, SETIENUM, n);
}

#define assert_sent(f, n) assert_int_equal((f)->n_sent, (n))

static void test_level(void **state)
{
	struct fixture *f = *state;

	use(f, 7, HIGH);
	wire(f, 7, true);
	assert_sent(f, 1);
	assert_int_equal(f->addr, FILES + 0x2000);
	assert_int_equal(f->data, 33);
	assert_int_equal(get(f, IN_CLRIP), BIT(7));
	assert_int_equal(get(f, SETIP), 0);
	put(f, SETIPNUM_LE, 7); /* the driver is done, and it is still there */
	assert_sent(f, 2);
	wire(f, 7, false);
	put(f, SETIPNUM_LE, 7);
	put(f, SETIP, ~0u);
	assert_sent(f, 2);

	/* What goes away before it is enabled was never there. */
	put(f, CLRIENUM, 7);
	wire(f, 7, true);
	assert_int_equal(get(f, SETIP), BIT(7));
	wire(f, 7, false);
	assert_int_equal(get(f, SETIP), 0);
	put(f, SETIE, BIT(7));
	assert_sent(f, 2);

	use(f, 8, LOW); /* and it is low */
	assert_sent(f, 3);
	wire(f, 8, true);
	wire(f, 8, false);
	assert_sent(f, 4);
}

static void test_edges(void **state)
{
	struct fixture *f = *state;

	use(f, 69, RISE);
	wire(f, 69, true);
	wire(f, 69, true);
	wire(f, 69, false);
	assert_sent(f, 1);
	put(f, CLRIE + 8, BIT(69 - 64));
	for (unsigned i = 0; i < 5; i++) {
		wire(f, 69, true);
		wire(f, 69, false);
	}
	assert_int_equal(get(f, SETIP + 8), BIT(69 - 64)); /* it stays, once */
	put(f, SETIE + 8, BIT(69 - 64));
	assert_sent(f, 2);
	put(f, SETIPNUM, 69); /* by software, whatever the wire is */
	assert_sent(f, 3);

	wire(f, 1, true);
	use(f, 1, FALL);
	assert_sent(f, 3);
	wire(f, 1, false);
	assert_sent(f, 4);
	use(f, 2, DETACHED);
	wire(f, 2, true);
	assert_sent(f, 4);
	put(f, SETIPNUM_BE, 2u << 24);
	assert_sent(f, 5);
}

static void test_clear(void **state)
{
	struct fixture *f = *state;

	use(f, 3, RISE);
	put(f, DOMAINCFG, 0);
	wire(f, 3, true);
	assert_int_equal(get(f, SETIP), BIT(3)); /* the domain is off */
	put(f, CLRIPNUM, 3);
	assert_int_equal(get(f, SETIP), 0);
	wire(f, 3, false);
	wire(f, 3, true);
	put(f, IN_CLRIP, ~0u);
	put(f, DOMAINCFG, 0x100);
	assert_sent(f, 0);
	put(f, SETIPNUM, 3);
	assert_sent(f, 1);
	/* One that is not in use forgets everything. */
	put(f, SOURCECFG(3), 0);
	assert_int_equal(get(f, SETIE) | get(f, TARGET(3)) | get(f, SETIP) | get(f, IN_CLRIP), 0);
	put(f, SETIENUM, 3);
	put(f, SETIPNUM, 3);
	put(f, TARGET(3), ~0u);
	assert_int_equal(get(f, SETIE) | get(f, TARGET(3)) | get(f, SETIP), 0);
	put(f, SOURCECFG(3), 0x400 | HIGH); /* there is nobody to delegate it to */
	assert_int_equal(get(f, SOURCECFG(3)), 0);
	put(f, SOURCECFG(3), 2); /* reserved */
	assert_int_equal(get(f, SOURCECFG(3)), 0);
}

static void test_genmsi(void **state)
{
	struct fixture *f = *state;

	put(f, GENMSI, 3u << 18 | 0x1000 | 5);
	assert_sent(f, 1);
	assert_int_equal(f->addr, FILES + 0x3000);
	assert_int_equal(f->data, 5);
	assert_int_equal(get(f, GENMSI), 3u << 18 | 5);
	put(f, GENMSI, HARTS << 18 | 5); /* there is no such hart */
	put(f, GENMSI, ~0u);
	assert_sent(f, 1);
}

static void test_domain(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, DOMAINCFG), 0x80000004);
	put(f, DOMAINCFG, ~0u);
	assert_int_equal(get(f, DOMAINCFG), 0x80000104);
	put(f, SOURCECFG(1), HIGH);
	put(f, TARGET(1), ~0u);
	assert_int_equal(get(f, TARGET(1)), 0xfffc07ff);
}

/* All ones into each register: only sources that exist are there, and widths other than 4 fault. */
static void test_accesses(void **state)
{
	struct fixture *f = *state;

	for (unsigned at = 0; at < APLIC_SIZE; at++)
		for (unsigned size = 1; size <= 8; size *= 2)
			if (size != 4 || at % 4)
				assert_faults(f->bus, BASE + at, size);
	for (unsigned n = 1; n <= 1023; n++) {
		put(f, SOURCECFG(n), DETACHED);
		assert_int_equal(get(f, SOURCECFG(n)), n <= SOURCES ? DETACHED : 0);
	}
	for (unsigned n = 0; n <= 1100; n++)
		put(f, SETIENUM, n);
	for (unsigned n = 0; n < 8; n++) {
		static const uint32_t in_use[] = {~1u, ~0u, 0x7f};

		put(f, SETIP + 4 * n, ~0u);
		assert_int_equal(get(f, SETIP + 4 * n), n < 3 ? in_use[n] : 0);
		assert_int_equal(get(f, SETIE + 4 * n), n < 3 ? in_use[n] : 0);
	}
	put(f, SETIPNUM, UINT32_MAX);
	put(f, SETIPNUM_BE, 1);
	for (unsigned at = 0; at < APLIC_SIZE; at += 4)
		put(f, at, ~0u);
	for (unsigned at = 0; at < APLIC_SIZE; at += 4)
		(void)get(f, at);
}

static void test_configurations(void **state)
{
	struct fixture *f = *state;
	struct aplic_config cfg = {.bus = f->bus, .base = BASE, .n_sources = 1, .n_harts = 1};
	struct aplic *a;

	assert_int_equal(aplic_new(&cfg, &a), -EEXIST);
	cfg.n_sources = APLIC_MAX_SOURCES + 1;
	assert_int_equal(aplic_new(&cfg, &a), -EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_level),         T(test_edges),  T(test_clear),
					   T(test_genmsi),        T(test_domain), T(test_accesses),
					   T(test_configurations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
