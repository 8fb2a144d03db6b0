/* SPDX-License-Identifier: MIT */
/* Faults that every device has, as a driver sees them: interrupts lost and without reason, a device
 * that asks for a reset, and one that is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "lib/driver.h"
#include "lib/toy.h"
#include "transport/mmio.h"

static const struct fault_kind kind = {
	.name = "toy",
	.what = {[FAULT_IRQ] = FAULT_LOST | FAULT_SPURIOUS,
		 [FAULT_GONE] = FAULT_HAPPENS,
		 [FAULT_BROKEN] = FAULT_HAPPENS},
};

struct world {
	struct driver d;
	struct toy *toy;
	struct faults *f;
	uint64_t now;
	bool freed;
};

static uint64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static int setup(void **state)
{
	static struct world w;
	struct fault_device *device;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	loop_set_clock(w.d.loop, now_of, &w);
	assert_int_equal(faults_new(w.d.loop, &w.f), 0);
	assert_int_equal(faults_device_new(w.f, &kind, "toy0", &device), 0);
	w.toy = toy_new(w.d.loop, &w.freed);
	driver_plug(&w.d, &w.toy->vdev);
	vdev_set_faults(&w.toy->vdev, device);
	faults_power_on(w.f);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->toy->hold = false;
	toy_release(w->toy, 0);
	driver_unplug(&w->d);
	assert_true(w->freed);
	faults_free(w->f);
	driver_fini(&w->d);
	return 0;
}

static void add(struct world *w, const char *text)
{
	assert_int_equal(faults_add(w->f, "", text, NULL), 0);
}

static void bring_up(struct world *w)
{
	assert_true(driver_negotiate(&w->d, TOY_FEATURE));
	driver_queue(&w->d, 0, 8, false);
	driver_ok(&w->d);
	driver_settle(&w->d);
}

/* One request; whether it was answered. */
static bool request(struct world *w)
{
	struct guest_part p = {.gpa = driver_alloc(&w->d, 64), .len = 64, .write = true};
	uint32_t id, len;
	int head = driver_submit(&w->d, 0, &p, 1);

	driver_settle(&w->d);
	return guest_ring_reap(&w->d.ring[0], &id, &len) && (int)id == head;
}

static void acknowledge(struct world *w)
{
	driver_write(&w->d, VIRTIO_MMIO_INTERRUPT_ACK,
		     driver_read(&w->d, VIRTIO_MMIO_INTERRUPT_STATUS));
	assert_false(w->d.level);
}

static void test_lost(void **state)
{
	struct world *w = *state;

	add(w, "toy0:irq,nth=2,lost");
	bring_up(w);
	assert_true(request(w));
	assert_true(w->d.level);
	acknowledge(w);
	assert_true(request(w)); /* it is in the ring, but nobody was told */
	assert_false(w->d.level);
	assert_true(request(w));
	assert_true(w->d.level);
}

static void test_spurious(void **state)
{
	struct world *w = *state;

	add(w, "toy0:irq,after=5ms,spurious");
	bring_up(w);
	w->now += 4999999;
	driver_settle(&w->d);
	assert_false(w->d.level);
	w->now += 1;
	driver_settle(&w->d);
	assert_true(w->d.level);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_RING);
	acknowledge(w);
	assert_true(request(w));
}

static void test_broken(void **state)
{
	struct world *w = *state;

	add(w, "toy0:broken,nth=3");
	bring_up(w);
	assert_true(request(w));
	assert_true(request(w));
	acknowledge(w);
	assert_false(request(w));
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(virtq_in_flight(&w->toy->vdev.queues[0].ring), 0);
	bring_up(w); /* which begins with a reset */
	assert_true(request(w));
	faults_clear(w->f);
	add(w, "toy0:broken,after=1ms");
	w->now += 1000000;
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void check_empty(struct world *w)
{
	assert_false(w->d.level);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_MAGIC), VIRTIO_MMIO_MAGIC_VALUE);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_DEVICE_ID), 0);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	assert_int_equal(driver_config(&w->d, 0, 4), 0);
}

static void test_gone(void **state)
{
	struct world *w = *state;
	uint8_t config[TOY_CONFIG];

	memset(config, 0x77, sizeof(config));
	vdev_config_set(&w->toy->vdev, 0, config, sizeof(config));
	add(w, "toy0:gone,nth=2");
	bring_up(w);
	assert_true(request(w));
	assert_true(w->d.level);
	assert_false(request(w));
	check_empty(w);
	/* No reset brings it back, and it says nothing any more. */
	driver_write(&w->d, VIRTIO_MMIO_STATUS, 0);
	driver_write(&w->d, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	vdev_config_changed(&w->toy->vdev);
	vdev_broken(&w->toy->vdev, "a test");
	vdev_gone(&w->toy->vdev);
	check_empty(w);
}

/* What is in flight when the device goes is not answered, and does not keep it from being freed. */
static void test_gone_in_flight(void **state)
{
	struct guest_part p;
	struct world *w = *state;
	uint32_t id, len;

	add(w, "toy0:gone,after=1ms");
	bring_up(w);
	p = (struct guest_part){.gpa = driver_alloc(&w->d, 64), .len = 64, .write = true};
	w->toy->hold = true;
	driver_submit(&w->d, 0, &p, 1);
	driver_settle(&w->d);
	w->now += 1000000;
	driver_settle(&w->d);
	check_empty(w);
	toy_release(w->toy, 0);
	driver_settle(&w->d);
	assert_false(guest_ring_reap(&w->d.ring[0], &id, &len));
	check_empty(w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lost), T(test_spurious),       T(test_broken),
		T(test_gone), T(test_gone_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
