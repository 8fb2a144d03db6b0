/* SPDX-License-Identifier: MIT */
/* Sophgo's mailbox: as firmware and Linux send and receive, and what their authors stumbled
 * over. */
#include "hw_test.h"

#include <pthread.h>

#include "hw/cv_mailbox.h"

#define BASE  0x1900000u
#define BIG   1u /* cores */
#define SMALL 2u

#define EN(c)       (BASE + 4 * (c))
#define DONE_EN(c)  (BASE + 2 + 4 * (c))
#define INT_CLR(c)  (BASE + 0x10 + 16 * (c))
#define INT_MASK(c) (BASE + 0x14 + 16 * (c))
#define INT(c)      (BASE + 0x18 + 16 * (c))
#define INT_RAW(c)  (BASE + 0x1c + 16 * (c))
#define SET         (BASE + 0x60)
#define LOCK(f)     (BASE + 0xc0 + 4 * (f))
#define MEMORY(i)   (BASE + 0x400 + 8 * (i))

struct fixture {
	struct bus *bus;
	struct cv_mailbox *m;
	struct wires wires;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct cv_mailbox_config cfg = {.base = BASE};

	*state = f;
	if (bus_new(&f->bus))
		return -1;
	cfg.bus = f->bus;
	for (unsigned i = 0; i < CV_MAILBOX_CORES; i++)
		cfg.irq[i] = wires_irq(&f->wires, i);
	return cv_mailbox_new(&cfg, &f->m);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cv_mailbox_free(f->m);
	bus_free(f->bus);
	free(f);
	return 0;
}

/* A command and its reply, in the order of accesses that the boards' sources have. */
static void test_round(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, MEMORY(3), 4, 0x00010093); /* Linux's command */
	wr(f->bus, MEMORY(3) + 4, 4, 2);
	wr(f->bus, INT_CLR(SMALL), 1, 1 << 3);
	wr(f->bus, EN(SMALL), 1, rd(f->bus, EN(SMALL), 1) | 1 << 3);
	assert_int_equal(f->wires.level, 0);
	wr(f->bus, SET, 1, 1 << 3);
	assert_int_equal(f->wires.level, 1 << SMALL);
	assert_int_equal(rd(f->bus, INT(SMALL), 1), 1 << 3);
	assert_int_equal(rd(f->bus, INT(BIG), 1), 0);

	wr(f->bus, INT_CLR(SMALL), 1, 1 << 3);
	assert_int_equal(f->wires.level, 0);
	wr(f->bus, EN(SMALL), 1, rd(f->bus, EN(SMALL), 1) & ~(1 << 3));
	assert_int_equal(rd(f->bus, MEMORY(3), 8), 0x0000000200010093);
	wr(f->bus, MEMORY(3), 8, 0);
	assert_int_equal(rd(f->bus, MEMORY(3) + 4, 4), 0);

	wr(f->bus, EN(BIG), 4, 1 << 3);
	wr(f->bus, SET, 4, 1 << 3);
	assert_int_equal(f->wires.level, 1 << BIG);
	wr(f->bus, INT_CLR(BIG), 4, 0xff);
	assert_int_equal(f->wires.level, 0);
}

/* Only who has enabled a channel hears of it, and only after. */
static void test_enable_and_mask(void **state)
{
	struct fixture *f = *state;
	struct cv_mailbox_state look;

	wr(f->bus, SET, 1, 0xff);
	wr(f->bus, EN(SMALL), 1, 0xff);
	assert_int_equal(f->wires.level, 0);
	wr(f->bus, EN(BIG), 1, 1);
	wr(f->bus, SET, 1, 3);
	assert_int_equal(f->wires.level, 1 << BIG | 1 << SMALL);
	assert_int_equal(rd(f->bus, INT_RAW(SMALL), 1), 3);
	assert_int_equal(rd(f->bus, INT_RAW(BIG), 1), 1);
	wr(f->bus, INT_MASK(SMALL), 1, 3);
	look = cv_mailbox_look(f->m, SMALL);
	assert_true(look.pending == 3 && look.enabled == 0xff && look.masked == 3);
	assert_int_equal(f->wires.level, 1 << BIG);
	assert_int_equal(rd(f->bus, INT(SMALL), 1), 0);
	assert_int_equal(rd(f->bus, INT_RAW(SMALL), 1), 3);
	wr(f->bus, INT_MASK(SMALL), 1, 0);
	assert_int_equal(f->wires.level, 1 << BIG | 1 << SMALL);
	wr(f->bus, EN(BIG), 1, 0); /* pending stays, the wire falls */
	assert_int_equal(f->wires.level, 1 << SMALL);
	wr(f->bus, DONE_EN(BIG), 1, 0x55);
	assert_int_equal(rd(f->bus, EN(BIG), 4), 0x550000);
	cv_mailbox_reset(f->m);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(rd(f->bus, INT_RAW(SMALL), 4), 0);
}

static void test_spinlock(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f->bus, LOCK(4), 2), 0);
	wr(f->bus, LOCK(4), 2, 0x1234);
	assert_int_equal(rd(f->bus, LOCK(4), 2), 0x1234);
	wr(f->bus, LOCK(4), 2, 0x77); /* another's */
	assert_int_equal(rd(f->bus, LOCK(4), 2), 0x1234);
	assert_int_equal(rd(f->bus, LOCK(5), 2), 0);
	wr(f->bus, LOCK(4), 2, 0x1234);
	assert_int_equal(rd(f->bus, LOCK(4), 4), 0);
	wr(f->bus, LOCK(4), 1, 1); /* not by bytes */
	assert_int_equal(rd(f->bus, LOCK(4), 2), 0);
}

/* Stores of bytes are lost, as people have found out. */
static void test_memory(void **state)
{
	struct fixture *f = *state;

	wr(f->bus, MEMORY(0), 4, 0x11223344);
	wr(f->bus, MEMORY(0), 1, 0xff);
	wr(f->bus, MEMORY(0) + 2, 2, 0xffff);
	assert_int_equal(rd(f->bus, MEMORY(0), 4), 0x11223344);
	assert_int_equal(rd(f->bus, MEMORY(0) + 1, 1), 0x33);
	wr(f->bus, MEMORY(7) + 4, 4, 5);
	assert_int_equal(rd(f->bus, MEMORY(7), 8), 5ull << 32);
	wr(f->bus, MEMORY(8), 4, 5); /* behind it */
	assert_int_equal(rd(f->bus, MEMORY(8), 4), 0);
	assert_faults(f->bus, MEMORY(0) + 1, 4);
	assert_faults(f->bus, MEMORY(0) + 4, 8);
	assert_int_equal(rd(f->bus, BASE + CV_MAILBOX_SIZE - 8, 8), 0);
}

/* Two threads that take turns by a spinlock count together. */
#define ROUNDS 20000

struct counter {
	struct fixture *f;
	uint16_t id;
	unsigned *sum;
};

static void *count(void *arg)
{
	struct counter *c = arg;

	for (unsigned i = 0; i < ROUNDS;) {
		wr(c->f->bus, LOCK(0), 2, c->id);
		if (rd(c->f->bus, LOCK(0), 2) != c->id)
			continue;
		++*c->sum;
		i++;
		wr(c->f->bus, LOCK(0), 2, c->id);
	}
	return NULL;
}

static void test_lock_threads(void **state)
{
	struct fixture *f = *state;
	unsigned sum = 0;
	struct counter a = {f, 1, &sum}, b = {f, 2, &sum};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, count, &b), 0);
	count(&a);
	pthread_join(thread, NULL);
	assert_int_equal(sum, 2 * ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_round), TEST(test_enable_and_mask),
					   TEST(test_spinlock), TEST(test_memory),
					   TEST(test_lock_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
