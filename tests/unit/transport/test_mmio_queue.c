/* SPDX-License-Identifier: MIT */
/* What drivers may agree on about their queues: RING_RESET and NOTIFICATION_DATA over mmio. */
#include "mmio_world.h"

static void reset_queue(struct world *w, unsigned index)
{
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, index);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_RESET), 0);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_READY), 0);
}

/* RING_RESET, with a chain in flight: it ends first, the other queue never notices, and the queue
 * can be another one afterwards. */
static void test_queue_reset(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	struct guest_part p;

	assert_true(driver_negotiate(d, VIRTIO_F_RING_RESET));
	driver_queue(d, 0, 8, false);
	driver_queue(d, 1, 8, false);
	driver_ok(d);
	driver_settle(d);
	put_in_flight(w);
	w->resets_queue = true;
	reset_queue(w, 0);
	assert_true(w->released);
	assert_true(w->saw_reset);
	assert_int_equal(w->toy->q[1].n_stopped, 0);
	driver_wait(d, 0, -1);
	p = buffer(w);
	assert_int_equal(driver_wait(d, 1, driver_submit(d, 1, &p, 1)), 64);
	/* The registers are as at first: a size must be given again. */
	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, 0);
	driver_queue(d, 0, 32, false);
	assert_int_equal(driver_wait(d, 0, driver_submit(d, 0, &p, 1)), 64);
	assert_int_equal(virtq_size(&w->toy->vdev.queues[0].ring), 32);
	/* Of a queue that is not started, that is not there, and with no bit set. */
	reset_queue(w, 0);
	reset_queue(w, 0);
	driver_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_true(status(w) & VIRTIO_STATUS_NEEDS_RESET);
	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, 1);
	driver_write(d, VIRTIO_MMIO_QUEUE_RESET, 2);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_READY), 1);
	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, TOY_QUEUES);
	driver_write(d, VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_RESET), 0);
}

static void test_queue_reset_not_negotiated(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	bring_up(w);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, 0);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_RESET, 1);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_READY), 1);
	assert_int_equal(w->toy->q[0].n_stopped, 0);
	assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, &p, 1)), 64);
}

/* The upper half of a notification is data when that was agreed on, else part of the number. */
static void test_notification_data(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	struct guest_part p = buffer(w);

	for (unsigned with = 0; with < 2; with++) {
		assert_true(driver_negotiate(d, with ? VIRTIO_F_NOTIFICATION_DATA : 0));
		driver_queue(d, 1, 8, false);
		driver_ok(d);
		driver_settle(d);
		assert_true(guest_ring_add(&d->ring[1], &p, 1, 0, 0) >= 0);
		assert_true(guest_ring_publish(&d->ring[1]));
		driver_kick(d, 1 | 1u << 16);
		driver_settle(d);
		/* What it says of the ring is not believed, and a queue must be there. */
		driver_kick(d, 1 | 0xfffeu << 16);
		driver_kick(d, TOY_QUEUES | 1u << 16);
		driver_kick(d, UINT32_MAX);
		driver_settle(d);
		assert_int_equal(d->level, with);
		assert_int_equal(status(w) & VIRTIO_STATUS_NEEDS_RESET, 0);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_queue_reset),
		T(test_queue_reset_not_negotiated),
		T(test_notification_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
