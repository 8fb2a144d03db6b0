/* SPDX-License-Identifier: MIT */
/* Software interrupts and timers: layout, halves, what does not exist. */
#include "hw_test.h"

#include "hw/aclint.h"

#define BASE    0x2000000u
#define N_HARTS 3u

struct fixture {
	struct bus *bus;
	struct aclint *a;
	struct wires wires;
	uint64_t now;
	uint64_t deadline[N_HARTS], s_deadline[N_HARTS];
	unsigned n_timers;
};

static uint64_t now(void *arg)
{
	return ((struct fixture *)arg)->now;
}

static void set_timer(void *arg, unsigned hart, uint64_t deadline)
{
	struct fixture *f = arg;

	f->n_timers++;
	f->deadline[hart] = deadline;
}

static void set_stimer(void *arg, unsigned hart, uint64_t deadline)
{
	((struct fixture *)arg)->s_deadline[hart] = deadline;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct irq msip[N_HARTS];
	struct aclint_config cfg = {.base = BASE,
				    .n_harts = N_HARTS,
				    .msip = msip,
				    .time_now = now,
				    .set_timer = set_timer,
				    .arg = f};

	for (unsigned i = 0; i < N_HARTS; i++)
		msip[i] = wires_irq(&f->wires, i);
	*state = f;
	if (bus_new(&f->bus))
		return -1;
	cfg.bus = f->bus;
	return aclint_new(&cfg, &f->a);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	aclint_free(f->a);
	bus_free(f->bus);
	free(f);
	return 0;
}

static void test_msip(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, BASE + 4, 4, 0xffffffff);
	assert_int_equal(f->wires.level, 2);
	assert_int_equal(rd(f->bus, BASE + 4, 4), 1);
	assert_int_equal(rd(f->bus, BASE, 4), 0);
	wr(f->bus, BASE, 4, 1);
	wr(f->bus, BASE + 4, 4, 0xfffffffe);
	assert_int_equal(f->wires.level, 1);
	wr(f->bus, BASE + 4 * N_HARTS, 4, 1); /* no such hart */
	assert_int_equal(rd(f->bus, BASE + 4 * N_HARTS, 4), 0);
	assert_int_equal(f->wires.level, 1);
	aclint_reset(f->a);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(rd(f->bus, BASE, 4), 0);
}

static void test_mtimecmp(void **state)
{
	struct fixture *f = *state;
	const uint64_t reg = BASE + 0x4000 + 8 * 2;

	assert_int_equal(rd(f->bus, reg, 8), UINT64_MAX);
	wr(f->bus, reg, 8, 0x123456789abcdef0);
	assert_int_equal(f->deadline[2], 0x123456789abcdef0);
	assert_int_equal(rd(f->bus, reg, 4), 0x9abcdef0);
	assert_int_equal(rd(f->bus, reg + 4, 4), 0x12345678);
	wr(f->bus, reg + 4, 4, 0xffffffff);
	assert_int_equal(f->deadline[2], 0xffffffff9abcdef0);
	wr(f->bus, reg, 4, 5);
	assert_int_equal(f->deadline[2], 0xffffffff00000005);
	assert_int_equal(f->n_timers, 3);
	wr(f->bus, BASE + 0x4000 + 8 * N_HARTS, 8, 1);
	assert_int_equal(f->n_timers, 3);
	assert_int_equal(rd(f->bus, BASE + 0x4000 + 8 * N_HARTS, 8), 0);
	aclint_reset(f->a);
	assert_int_equal(f->deadline[2], UINT64_MAX);
	assert_int_equal(rd(f->bus, reg, 8), UINT64_MAX);
}

static void test_mtime(void **state)
{
	struct fixture *f = *state;

	f->now = 0x1122334455667788;
	assert_int_equal(rd(f->bus, BASE + 0xbff8, 8), f->now);
	assert_int_equal(rd(f->bus, BASE + 0xbff8, 4), 0x55667788);
	assert_int_equal(rd(f->bus, BASE + 0xbffc, 4), 0x11223344);
	wr(f->bus, BASE + 0xbff8, 8, 0);
	assert_int_equal(rd(f->bus, BASE + 0xbff8, 8), f->now);
	assert_int_equal(rd(f->bus, BASE + 0xc000, 8), 0);
	assert_int_equal(f->n_timers, 0);
}

static void test_faults(void **state)
{
	struct fixture *f = *state;

	assert_faults(f->bus, BASE, 1);
	assert_faults(f->bus, BASE + 0x4000, 2);
	assert_faults(f->bus, BASE + 0x4004, 8);
	assert_faults(f->bus, BASE + 2, 4);
}

/* T-Head's: registers for S mode, words only, and no mtime. */
static void test_c900(void **state)
{
	struct fixture *f = *state;
	struct irq msip[] = {wires_irq(&f->wires, 0), wires_irq(&f->wires, 1)};
	struct irq ssip[] = {wires_irq(&f->wires, 8), wires_irq(&f->wires, 9)};
	const struct aclint_config cfg = {.bus = f->bus,
					  .base = BASE,
					  .n_harts = 2,
					  .msip = msip,
					  .c900 = true,
					  .ssip = ssip,
					  .set_timer = set_timer,
					  .set_stimer = set_stimer,
					  .arg = f};

	aclint_free(f->a);
	assert_int_equal(aclint_new(&cfg, &f->a), 0);
	wr(f->bus, BASE + 0xc004, 4, 1);
	assert_int_equal(f->wires.level, 0x200);
	wr(f->bus, BASE, 4, 1);
	assert_int_equal(f->wires.level, 0x201);
	wr(f->bus, BASE + 0xd008, 4, 5);
	assert_int_equal(f->s_deadline[1], 0xffffffff00000005);
	wr(f->bus, BASE + 0xd00c, 4, 0);
	assert_int_equal(f->s_deadline[1], 5);
	assert_int_equal(rd(f->bus, BASE + 0xd008, 4), 5);
	wr(f->bus, BASE + 0x4004, 4, 0);
	assert_int_equal(f->deadline[0], 0xffffffff);
	assert_int_equal(rd(f->bus, BASE + 0xbff8, 4), 0);
	assert_int_equal(bus_write(f->bus, BASE + 0x4000, 8, 1), -ENXIO);
	aclint_reset(f->a);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(f->s_deadline[1], UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_msip), TEST(test_mtimecmp), TEST(test_mtime),
					   TEST(test_faults), TEST(test_c900)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
