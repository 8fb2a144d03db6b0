/* SPDX-License-Identifier: MIT */
/* What the tests of this folder share: register accesses, and a wire that can be looked at. */
#ifndef HW_TEST_H
#define HW_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/irq.h"

/* Whoever holds this as `controller` sees line n as bit n. */
struct wires {
	_Atomic uint64_t level;
	atomic_uint n_sets;
};

static inline void wires_set(void *controller, unsigned line, bool level)
{
	struct wires *w = controller;

	atomic_fetch_add(&w->n_sets, 1);
	if (level)
		atomic_fetch_or(&w->level, 1ull << line);
	else
		atomic_fetch_and(&w->level, ~(1ull << line));
}

static inline struct irq wires_irq(struct wires *w, unsigned line)
{
	return (struct irq){.set = wires_set, .controller = w, .line = line};
}

static inline uint64_t rd(struct bus *bus, uint64_t addr, unsigned size)
{
	uint64_t v;

	assert_int_equal(bus_read(bus, addr, size, &v), 0);
	return v;
}

static inline void wr(struct bus *bus, uint64_t addr, unsigned size, uint64_t v)
{
	assert_int_equal(bus_write(bus, addr, size, v), 0);
}

static inline void assert_faults(struct bus *bus, uint64_t addr, unsigned size)
{
	uint64_t v;

	assert_int_equal(bus_read(bus, addr, size, &v), -ENXIO);
	assert_int_equal(bus_write(bus, addr, size, 0), -ENXIO);
}

#endif
