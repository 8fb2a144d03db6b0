/* SPDX-License-Identifier: MIT */
/* The toy device on the register window of virtio-mmio, for the tests of the window. */
#ifndef TESTS_MMIO_WORLD_H
#define TESTS_MMIO_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/toy.h"
#include "transport/carrier.h"
#include "transport/mmio.h"

struct world {
	struct driver d;
	struct toy *toy;
	bool freed;
	struct loop_timer release; /* fires release_timer() */
	bool released;
	bool resets_queue, saw_reset; /* queue 0 is to read as being reset when it is released */
};

static inline int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	w.toy = toy_new(w.d.loop, &w.freed);
	vdev_offer_ring(&w.toy->vdev, VIRTQ_FEATURES | VIRTIO_F_NOTIFICATION_DATA);
	driver_plug(&w.d, &w.toy->vdev);
	*state = &w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	w->toy->hold = false;
	toy_release(w->toy, 0);
	toy_release(w->toy, 1);
	driver_fini(&w->d);
	assert_true(w->freed);
	return 0;
}

static inline uint32_t status(struct world *w)
{
	return driver_read(&w->d, VIRTIO_MMIO_STATUS);
}

/* All up to DRIVER_OK, with both queues. */
static inline void bring_up(struct world *w)
{
	assert_true(driver_negotiate(&w->d, TOY_FEATURE));
	driver_queue(&w->d, 0, 8, false);
	driver_queue(&w->d, 1, 8, false);
	driver_ok(&w->d);
	driver_settle(&w->d);
}

static inline struct guest_part buffer(struct world *w)
{
	return (struct guest_part){.gpa = driver_alloc(&w->d, 64), .len = 64, .write = true};
}

static inline void release_timer(struct loop_timer *t)
{
	struct world *w = t->arg;

	w->released = true;
	w->saw_reset = w->resets_queue && driver_read(&w->d, VIRTIO_MMIO_QUEUE_RESET) == 1;
	w->toy->hold = false;
	toy_release(w->toy, 0);
}

/* Puts one chain in flight and has it completed a little later, from the loop. */
static inline void put_in_flight(struct world *w)
{
	struct guest_part p = buffer(w);

	w->toy->hold = true;
	driver_submit(&w->d, 0, &p, 1);
	driver_settle(&w->d);
	assert_int_equal(w->toy->q[0].n_held, 1);
	w->release = (struct loop_timer){.fn = release_timer, .arg = w};
	loop_timer_arm(w->d.loop, &w->release, loop_now(w->d.loop) + 5000000);
}

#endif
