/* SPDX-License-Identifier: MIT */
/* Blocks of plain registers: widths, reset, who is told, what is not there. */
#include "hw_test.h"

#include "hw/regs.h"

#define BASE 0x3002000u
#define SIZE 0x1000u

struct fixture {
	struct bus *bus;
	struct regs *r;
	unsigned n_written;
	uint32_t offset, old, value;
	uint32_t touched_at;
	bool touched_by_write;
};

static const struct regs_value reset[] = {{0x10, 0x11223344}, {0xffc, 7}};

static void written(void *arg, uint32_t offset, uint32_t old, uint32_t value)
{
	struct fixture *f = arg;

	f->n_written++;
	f->offset = offset;
	f->old = old;
	f->value = value;
}

static void touched(void *arg, uint32_t offset, bool is_write)
{
	struct fixture *f = arg;

	f->touched_at = offset;
	f->touched_by_write = is_write;
}

static int make(struct fixture *f, bool absent)
{
	const struct regs_config cfg = {.bus = f->bus,
					.base = BASE,
					.size = SIZE,
					.name = "test",
					.reset = reset,
					.n_reset = 2,
					.absent = absent,
					.touched = touched,
					.written = written,
					.arg = f};

	return regs_new(&cfg, &f->r);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return bus_new(&f->bus) ? -1 : make(f, false);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	regs_free(f->r);
	bus_free(f->bus);
	free(f);
	return 0;
}

static void widths(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f->bus, BASE + 0x10, 4), 0x11223344);
	assert_int_equal(rd(f->bus, BASE + 0x12, 2), 0x1122);
	assert_int_equal(rd(f->bus, BASE + 0x11, 1), 0x33);
	wr(f->bus, BASE + 0x13, 1, 0xff);
	assert_int_equal(rd(f->bus, BASE + 0x10, 4), 0xff223344);
	assert_int_equal(f->offset, 0x10);
	assert_int_equal(f->old, 0x11223344);
	assert_int_equal(f->value, 0xff223344);
	wr(f->bus, BASE + 0x10, 2, 0xabcd);
	assert_int_equal(rd(f->bus, BASE + 0x10, 4), 0xff22abcd);
	assert_int_equal(f->n_written, 2);
	wr(f->bus, BASE + 0x10, 8, 0x0123456789abcdef);
	assert_int_equal(rd(f->bus, BASE + 0x10, 8), 0x0123456789abcdef);
	assert_int_equal(rd(f->bus, BASE + 0x14, 4), 0x01234567);
	assert_int_equal(f->n_written, 4);
	assert_int_equal(regs_get(f->r, 0x14), 0x01234567);
	assert_faults(f->bus, BASE + 0x12, 4);
	assert_faults(f->bus, BASE + 0x14, 8);
	assert_faults(f->bus, BASE + SIZE, 4);
}

static void touches(void **state)
{
	struct fixture *f = *state;

	(void)rd(f->bus, BASE + 0x11, 1);
	assert_int_equal(f->touched_at, 0x10);
	assert_false(f->touched_by_write);
	wr(f->bus, BASE + 0x26, 2, 5);
	assert_int_equal(f->touched_at, 0x24);
	assert_true(f->touched_by_write);
}

static void reset_values(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, BASE + 0x10, 4, 0);
	wr(f->bus, BASE + 0x20, 4, 5);
	regs_reset(f->r);
	assert_int_equal(rd(f->bus, BASE + 0x10, 4), 0x11223344);
	assert_int_equal(rd(f->bus, BASE + 0xffc, 4), 7);
	assert_int_equal(rd(f->bus, BASE + 0x20, 4), 0);
}

static void absent(void **state)
{
	struct fixture *f = *state;

	regs_free(f->r);
	assert_int_equal(make(f, true), 0);
	wr(f->bus, BASE + 0x10, 4, 5);
	assert_int_equal(rd(f->bus, BASE + 0x10, 8), 0);
	assert_faults(f->bus, BASE + 2, 4);
	regs_reset(f->r);
	assert_int_equal(f->n_written, 0);
}

static void refused(void **state)
{
	struct fixture *f = *state;
	struct regs_config cfg = {.bus = f->bus, .base = BASE, .size = SIZE, .name = "again"};
	struct regs *r = NULL;

	assert_int_equal(regs_new(&cfg, &r), -EEXIST);
	cfg.base += SIZE;
	cfg.size = 12;
	assert_int_equal(regs_new(&cfg, &r), -EINVAL);
	regs_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(widths), TEST(touches), TEST(reset_values),
					   TEST(absent), TEST(refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
