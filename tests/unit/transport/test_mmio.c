/* SPDX-License-Identifier: MIT */
/* The register window of virtio-mmio: identification, negotiation, queues, interrupts, reset. */
#include <errno.h>

#include "mmio_world.h"

static void test_identification(void **state)
{
	struct world *w = *state;
	uint64_t v = 1;

	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_MAGIC), 0x74726976);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_DEVICE_ID), TOY_ID);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_VENDOR_ID) != 0);
	/* Only 32-bit accesses mean anything below config space. */
	assert_int_equal(bus_read(w->d.bus, DRIVER_MMIO, 2, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(bus_read(w->d.bus, DRIVER_MMIO, 8, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(bus_write(w->d.bus, DRIVER_MMIO + VIRTIO_MMIO_STATUS, 1, 1), 0);
	assert_int_equal(status(w), 0);
	/* No shared memory: length and base are -1. */
	for (unsigned at = VIRTIO_MMIO_SHM_LEN_LOW; at <= VIRTIO_MMIO_SHM_BASE_HIGH; at += 4)
		assert_int_equal(driver_read(&w->d, at), UINT32_MAX);
}

static void test_empty_slot(void **state)
{
	struct world *w = *state;
	struct virtio_mmio_config config = {.bus = w->d.bus, .base = DRIVER_MMIO + 0x1000};
	struct virtio_mmio *t;
	uint64_t v;

	assert_int_equal(virtio_mmio_new(&config, &t), 0);
	for (unsigned at = 0; at < VIRTIO_MMIO_SIZE; at += 4) {
		assert_int_equal(bus_write(config.bus, config.base + at, 4, ~0u), 0);
		assert_int_equal(bus_read(config.bus, config.base + at, 4, &v), 0);
		assert_int_equal(v, at == 0 ? 0x74726976 : at == 4 ? 2 : 0);
	}
	virtio_mmio_free(t);
	assert_int_equal(bus_read(config.bus, config.base, 4, &v), -ENXIO);
}

static void test_window_taken(void **state)
{
	struct world *w = *state;
	struct virtio_mmio_config config = {.bus = w->d.bus, .base = DRIVER_MMIO + 0x100};
	struct virtio_mmio *t;

	assert_int_equal(virtio_mmio_new(&config, &t), -EEXIST);
}

static void test_features(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;

	assert_int_equal(driver_offered(d), TOY_FEATURE | VIRTIO_F_VERSION_1 |
						    VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
						    VIRTIO_F_RING_RESET |
						    VIRTIO_F_NOTIFICATION_DATA);
	driver_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	assert_false(driver_negotiate(d, BIT(0)));
	assert_false(driver_negotiate(d, VIRTIO_F_RING_PACKED));
	assert_true(driver_negotiate(d, TOY_FEATURE));
	/* Without VERSION_1. */
	driver_reset(d);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)TOY_FEATURE);
	driver_write(d, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
	assert_int_equal(status(w), 0);
	/* Bits beyond the 64 that exist. */
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	driver_write(d, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
	assert_int_equal(status(w), 0);
}

static void test_features_are_frozen(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;

	assert_true(driver_negotiate(d, 0));
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)VIRTIO_F_EVENT_IDX);
	driver_queue(d, 0, 8, false);
	driver_ok(d);
	driver_settle(d);
	assert_int_equal(virtq_features(&w->toy->vdev.queues[0].ring), VIRTIO_F_VERSION_1);
}

static void test_driver_ok_needs_features_ok(void **state)
{
	struct world *w = *state;

	driver_write(&w->d, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK);
	assert_int_equal(status(w), VIRTIO_STATUS_DRIVER);
	/* Nor may a driver claim that the device is broken. */
	driver_write(&w->d, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_NEEDS_RESET | 0x30);
	assert_int_equal(status(w), VIRTIO_STATUS_DRIVER);
}

static void test_queue_registers(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;

	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, TOY_QUEUES);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	driver_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
	driver_write(d, VIRTIO_MMIO_QUEUE_NUM, 8);
	driver_write(d, VIRTIO_MMIO_QUEUE_DESC_HIGH, 8);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	driver_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX), TOY_SIZE);
	/* Not before FEATURES_OK. */
	driver_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_READY), 0);
}

static void test_bad_queue(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	const struct {
		uint32_t reg, value;
	} bad[] = {
		{VIRTIO_MMIO_QUEUE_NUM, 0},
		{VIRTIO_MMIO_QUEUE_NUM, 7},
		{VIRTIO_MMIO_QUEUE_NUM, 2 * TOY_SIZE},
		{VIRTIO_MMIO_QUEUE_NUM, UINT32_MAX},
		{VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)DRIVER_RAM + 4},
		{VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)DRIVER_RAM + 1},
		{VIRTIO_MMIO_QUEUE_DEVICE_HIGH, 1},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(driver_negotiate(d, 0));
		driver_queue(d, 0, 8, false);
		driver_queue(d, 1, 8, false);
		driver_write(d, VIRTIO_MMIO_QUEUE_SEL, 0);
		driver_write(d, VIRTIO_MMIO_QUEUE_READY, 0);
		driver_write(d, bad[i].reg, bad[i].value);
		driver_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
		driver_ok(d);
		assert_true(status(w) & VIRTIO_STATUS_NEEDS_RESET);
		assert_int_equal(driver_read(d, VIRTIO_MMIO_INTERRUPT_STATUS),
				 VIRTIO_MMIO_INT_CONFIG);
		assert_true(d->level);
		assert_int_equal(driver_read(d, VIRTIO_MMIO_QUEUE_READY), 0);
	}
	driver_reset(d);
	assert_false(d->level);
}

static void test_registers_of_a_ready_queue_are_frozen(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	struct guest_part p = buffer(w);

	assert_true(driver_negotiate(d, 0));
	driver_queue(d, 0, 8, false);
	driver_write(d, VIRTIO_MMIO_QUEUE_NUM, 16);
	driver_write(d, VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	driver_ok(d);
	assert_int_equal(driver_wait(d, 0, driver_submit(d, 0, &p, 1)), 64);
	assert_int_equal(virtq_size(&w->toy->vdev.queues[0].ring), 8);
}

static void test_kick_before_driver_ok(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	struct guest_part p = buffer(w);
	int head;

	driver_kick(d, 0);
	driver_settle(d);
	assert_true(driver_negotiate(d, 0));
	driver_queue(d, 0, 8, false);
	head = driver_submit(d, 0, &p, 1);
	driver_settle(d);
	assert_int_equal(w->toy->q[0].n_started, 0);
	driver_ok(d);
	/* Served without another kick. */
	assert_int_equal(driver_wait(d, 0, head), 64);
	assert_int_equal(*(uint8_t *)driver_ptr(d, p.gpa, 1), 0xa0);
	/* A queue that does not exist, and one that is not ready. */
	driver_kick(d, 1);
	driver_kick(d, TOY_QUEUES);
	driver_kick(d, UINT32_MAX);
	driver_settle(d);
	assert_int_equal(status(w) & VIRTIO_STATUS_NEEDS_RESET, 0);
}

static void test_queue_ready_after_driver_ok(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	assert_true(driver_negotiate(&w->d, 0));
	driver_ok(&w->d);
	driver_queue(&w->d, 1, 4, false);
	assert_int_equal(driver_wait(&w->d, 1, driver_submit(&w->d, 1, &p, 1)), 64);
}

static void test_interrupt(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	struct guest_part p = buffer(w);

	bring_up(w);
	driver_submit(d, 1, &p, 1);
	driver_settle(d);
	assert_true(d->level);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_RING);
	vdev_config_changed(&w->toy->vdev);
	driver_write(d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_RING);
	assert_true(d->level);
	driver_write(d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_RING);
	assert_int_equal(driver_read(d, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	driver_write(d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_false(d->level);
	/* One that is not wanted does not come. */
	guest_ring_disarm(&d->ring[1]);
	driver_submit(d, 1, &p, 1);
	driver_settle(d);
	assert_false(d->level);
}

static void raise_again(void *arg)
{
	vdev_config_changed(&((struct world *)arg)->toy->vdev);
}

/* The device raises while the driver's acknowledgement is about to lower the wire. */
static void test_raise_against_acknowledge(void **state)
{
	struct world *w = *state;

	bring_up(w);
	vdev_config_changed(&w->toy->vdev);
	w->d.before_lower = raise_again;
	w->d.before_lower_arg = w;
	driver_write(&w->d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_null(w->d.before_lower);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	assert_true(w->d.level);
	driver_write(&w->d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_false(w->d.level);
}

static void test_reset_waits(void **state)
{
	struct world *w = *state;
	struct guest_part p;

	bring_up(w);
	put_in_flight(w);
	driver_write(&w->d, VIRTIO_MMIO_STATUS, 0);
	assert_true(w->released);
	assert_int_equal(status(w), 0);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_false(w->d.level);
	assert_int_equal(w->toy->q[0].n_stopped, 1);
	assert_int_equal(w->toy->q[1].n_stopped, 1);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_READY), 0);
	/* And it works again. */
	bring_up(w);
	p = buffer(w);
	assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, &p, 1)), 64);
}

static void machine_stopped(void *arg)
{
	(*(unsigned *)arg)++;
}

struct machine_stop {
	struct loop_task task;
	struct world *w;
	unsigned n;
	bool early; /* the callback came while a chain was in flight */
};

static void stop_task(struct loop_task *t)
{
	struct machine_stop *s = t->arg;

	carrier_reset(virtio_mmio_carrier(s->w->d.mmio), machine_stopped, &s->n);
	s->early = s->n != 0;
}

/* The machine stops while the driver waits for its own reset. */
static void test_reset_joins_the_drivers(void **state)
{
	struct world *w = *state;
	struct machine_stop s = {.w = w};

	bring_up(w);
	put_in_flight(w);
	s.task = (struct loop_task){.fn = stop_task, .arg = &s};
	loop_post(w->d.loop, &s.task);
	driver_write(&w->d, VIRTIO_MMIO_STATUS, 0);
	assert_true(w->released);
	assert_int_equal(s.n, 1);
	assert_false(s.early);
	assert_int_equal(w->toy->q[0].n_stopped, 1);
}

static void test_queue_stop_waits(void **state)
{
	struct world *w = *state;
	struct guest_part p;

	bring_up(w);
	put_in_flight(w);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, 0);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_true(w->released);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(w->toy->q[1].n_stopped, 0);
	/* It completed before it stopped, and the driver was told. */
	assert_true(w->d.level);
	driver_wait(&w->d, 0, -1);
	driver_queue(&w->d, 0, 4, false);
	p = buffer(w);
	assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, &p, 1)), 64);
}

static void test_broken_ring(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	struct guest_part p = buffer(w);

	bring_up(w);
	guest_ring_offer(&d->ring[0], 99);
	driver_kick(d, 0);
	driver_settle(d);
	assert_true(status(w) & VIRTIO_STATUS_NEEDS_RESET);
	assert_true(driver_read(d, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	/* Its other queue is not served either, until a reset. */
	driver_submit(d, 1, &p, 1);
	driver_settle(d);
	assert_true(guest_ring_arm(&d->ring[1]) == false);
	bring_up(w);
	assert_false(status(w) & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(driver_wait(d, 0, driver_submit(d, 0, &p, 1)), 64);
}

static void test_start_fails(void **state)
{
	struct world *w = *state;

	w->toy->start_error = -EIO;
	bring_up(w);
	assert_true(status(w) & VIRTIO_STATUS_NEEDS_RESET);
	driver_reset(&w->d);
	assert_int_equal(w->toy->q[0].n_stopped, 0);
	w->toy->start_error = 0;
	bring_up(w);
	assert_false(status(w) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_config(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;
	uint8_t bytes[TOY_CONFIG];
	uint32_t generation;
	uint64_t v = 1;

	for (unsigned i = 0; i < TOY_CONFIG; i++)
		bytes[i] = (uint8_t)(i + 1);
	generation = driver_read(d, VIRTIO_MMIO_CONFIG_GENERATION);
	vdev_config_set(&w->toy->vdev, 0, bytes, TOY_CONFIG);
	assert_int_not_equal(driver_read(d, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	assert_int_equal(driver_config(d, 3, 1), 4);
	assert_int_equal(driver_config(d, 3, 2), 0x0504);
	assert_int_equal(driver_config(d, 4, 4), 0x08070605);
	assert_int_equal(driver_config(d, 8, 8), 0x100f0e0d0c0b0a09);
	/* What lies beyond the end is zero, also in part. */
	assert_int_equal(driver_config(d, 14, 4), 0x100f);
	assert_int_equal(driver_config(d, TOY_CONFIG, 4), 0);
	assert_int_equal(driver_config(d, 0xfc, 4), 0);
	assert_int_equal(driver_config(d, 0xf8, 8), 0);
	assert_int_equal(bus_read(d->bus, DRIVER_MMIO + 0x1fc, 8, &v), -ENXIO);
	/* Writes reach the device only within. */
	driver_write(d, VIRTIO_MMIO_CONFIG + 4, 0xdeadbeef);
	assert_int_equal(driver_config(d, 4, 4), 0xdeadbeef);
	driver_write(d, VIRTIO_MMIO_CONFIG + 14, 0);
	driver_write(d, VIRTIO_MMIO_CONFIG + 0xfc, 0);
	assert_int_equal(driver_config(d, 12, 4), 0x100f0e0d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_identification),
		T(test_empty_slot),
		T(test_window_taken),
		T(test_features),
		T(test_features_are_frozen),
		T(test_driver_ok_needs_features_ok),
		T(test_queue_registers),
		T(test_bad_queue),
		T(test_registers_of_a_ready_queue_are_frozen),
		T(test_kick_before_driver_ok),
		T(test_queue_ready_after_driver_ok),
		T(test_interrupt),
		T(test_raise_against_acknowledge),
		T(test_reset_waits),
		T(test_reset_joins_the_drivers),
		T(test_queue_stop_waits),
		T(test_broken_ring),
		T(test_start_fails),
		T(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
