/* SPDX-License-Identifier: MIT */
/* When a hart looks before it sleeps, and for how long; and what ends a look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cpu/halt_poll.h"

#define SHORT_NS 50000u
#define IRQ      1u

/* A short wait's window, or 0: it is slept through. */
static uint64_t short_wait(struct halt_wait *w)
{
	uint64_t ns = halt_wait_begin(w);

	halt_wait_end(w, SHORT_NS, true);
	return ns;
}

static void test_window(void **state)
{
	struct halt_wait w;

	halt_wait_init(&w);
	assert_int_equal(short_wait(&w), 0);
	assert_in_range(short_wait(&w), SHORT_NS, HALT_POLL_MAX_NS);
	/* A long one, as an idle guest's, closes it. */
	halt_wait_end(&w, HALT_POLL_MAX_NS + 1, true);
	assert_int_equal(short_wait(&w), 0);
	assert_in_range(short_wait(&w), SHORT_NS, HALT_POLL_MAX_NS);
	/* So does one that ended at its own time, however short. */
	halt_wait_end(&w, SHORT_NS, false);
	assert_int_equal(halt_wait_begin(&w), 0);
}

/* The short waits until it looks again. */
static unsigned rest_of(struct halt_wait *w)
{
	unsigned n = 0;

	while (!short_wait(w))
		n++;
	return n;
}

static void test_rest(void **state)
{
	struct halt_wait w;

	halt_wait_init(&w);
	(void)short_wait(&w);
	for (unsigned rest = 1; rest <= HALT_POLL_MAX_REST; rest *= 2) {
		halt_wait_looked(&w, false);
		assert_int_equal(rest_of(&w), rest);
	}
	halt_wait_looked(&w, false);
	assert_int_equal(rest_of(&w), HALT_POLL_MAX_REST);
	/* One success, and it goes on at once; the next failure costs as much as the last. */
	halt_wait_looked(&w, true);
	assert_int_equal(rest_of(&w), 0);
	halt_wait_looked(&w, false);
	assert_int_equal(rest_of(&w), HALT_POLL_MAX_REST);
	for (unsigned i = 0; i < 9; i++)
		halt_wait_looked(&w, true);
	halt_wait_looked(&w, false);
	assert_int_equal(rest_of(&w), 1);
}

/* A hart that has had a short wait. */
static struct halt_wait eager(void)
{
	struct halt_wait w;

	halt_wait_init(&w);
	(void)short_wait(&w);
	return w;
}

static void test_poll(void **state)
{
	struct halt_poll all = {.room = 1};
	struct halt_wait w = eager();
	_Atomic uint32_t word = 2 | IRQ;
	uint64_t now = host_now_ns();

	assert_true(halt_poll(&all, &w, &word, IRQ, now, UINT64_MAX));
	assert_int_equal(w.rests, 0);
	word = 2;
	assert_false(halt_poll(&all, &w, &word, IRQ, now, UINT64_MAX));
	assert_true(host_now_ns() - now >= SHORT_NS);
	assert_int_equal(w.rests, 1);
	/* The hart's own time is up before the window: one look. */
	w = eager();
	word = IRQ;
	assert_true(halt_poll(&all, &w, &word, IRQ, now, now));
	assert_int_equal(all.looking, 0);
}

/* With a bit set, whoever looks at all finds it. */
static void test_nobody_looks(void **state)
{
	struct halt_poll all = {.room = 1, .looking = 1};
	struct halt_wait w = eager();
	_Atomic uint32_t word = IRQ;

	assert_false(halt_poll(NULL, &w, &word, IRQ, host_now_ns(), UINT64_MAX));
	assert_false(halt_poll(&all, &w, &word, IRQ, host_now_ns(), UINT64_MAX));
	assert_int_equal(all.looking, 1);
	assert_int_equal(w.rests, 0);
	all.looking = 0;
	assert_true(halt_poll(&all, &w, &word, IRQ, host_now_ns(), UINT64_MAX));
	halt_wait_init(&w);
	assert_false(halt_poll(&all, &w, &word, IRQ, host_now_ns(), UINT64_MAX));
}

static void test_room(void **state)
{
	struct halt_poll all;

	halt_poll_init(&all);
	assert_int_equal(all.room, host_cpus() - 1);
	assert_int_equal(all.looking, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window), cmocka_unit_test(test_rest),
		cmocka_unit_test(test_poll),   cmocka_unit_test(test_nobody_looks),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
