/* SPDX-License-Identifier: MIT */
/* The source of random bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "lib/driver.h"
#include "dev/rng.h"
#include "dev/types.h"

static void bring_up(struct driver *d, bool repeatable, uint64_t seed)
{
	struct rng_config config = {.repeatable = repeatable, .seed = seed};
	struct vdev *dev;

	driver_init(d);
	config.loop = d->loop;
	assert_int_equal(rng_new(&config, &dev), 0);
	driver_plug(d, dev);
	assert_true(driver_negotiate(d, VIRTIO_F_EVENT_IDX));
	driver_queue(d, 0, 8, true);
	driver_ok(d);
}

/* Asks for len bytes into out, over two parts. */
static uint32_t ask(struct driver *d, uint8_t *out, uint32_t len)
{
	uint64_t gpa = driver_alloc(d, len);
	struct guest_part p[2] = {{gpa, len / 3, true}, {gpa + len / 3, len - len / 3, true}};
	uint32_t used;

	memset(driver_ptr(d, gpa, len), 0, len);
	used = driver_wait(d, 0, driver_submit(d, 0, p, 2));
	memcpy(out, driver_ptr(d, gpa, len), len);
	return used;
}

static void test_host(void **state)
{
	struct driver d;
	uint8_t a[64], b[64], zero[64] = {0};

	bring_up(&d, false, 0);
	assert_int_equal(driver_read(&d, VIRTIO_MMIO_DEVICE_ID), 4);
	assert_int_equal(driver_config(&d, 0, 8), 0);
	assert_int_equal(ask(&d, a, 64), 64);
	assert_int_equal(ask(&d, b, 64), 64);
	assert_memory_not_equal(a, b, 64);
	assert_memory_not_equal(a + 48, zero, 16);
	driver_fini(&d);
}

static void test_repeatable(void **state)
{
	struct driver d;
	uint8_t a[2][100], other[100];

	for (unsigned i = 0; i < 2; i++) {
		bring_up(&d, true, 7);
		assert_int_equal(ask(&d, a[i], 50), 50);
		assert_int_equal(ask(&d, a[i] + 50, 50), 50);
		driver_fini(&d);
	}
	assert_memory_equal(a[0], a[1], 100);
	assert_memory_not_equal(a[0], a[0] + 50, 50);
	bring_up(&d, true, 8);
	assert_int_equal(ask(&d, other, 100), 100);
	assert_memory_not_equal(a[0], other, 50);
	driver_fini(&d);
}

/* A huge request is answered in part, and what was not written is left alone. */
static void test_at_most(void **state)
{
	static uint8_t buf[100000];
	struct driver d;
	uint32_t used;

	bring_up(&d, false, 0);
	used = ask(&d, buf, sizeof(buf));
	assert_in_range(used, 1, sizeof(buf) - 1);
	for (uint32_t i = used; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	driver_fini(&d);
}

static uint64_t clock_of(void *arg)
{
	return *(uint64_t *)arg;
}

/* With a clock of ours: what a second brings, and not a byte more. */
static void test_rate(void **state)
{
	struct rng_config config = {.rate = 1000};
	uint64_t now = 5000000000u;
	struct guest_part p;
	struct driver d;
	struct vdev *dev;
	uint32_t id, len, got = 0;

	driver_init(&d);
	loop_set_clock(d.loop, clock_of, &now);
	config.loop = d.loop;
	assert_int_equal(rng_new(&config, &dev), 0);
	driver_plug(&d, dev);
	assert_true(driver_negotiate(&d, 0));
	driver_queue(&d, 0, 8, false);
	driver_ok(&d);
	p = (struct guest_part){driver_alloc(&d, 4096), 4096, true};
	for (unsigned ms = 0; ms < 10000; ms += 10) {
		while (guest_ring_add(&d.ring[0], &p, 1, 0, 0) >= 0)
			continue;
		if (guest_ring_publish(&d.ring[0]))
			driver_kick(&d, 0);
		driver_settle(&d);
		while (guest_ring_reap(&d.ring[0], &id, &len))
			got += len;
		if (ms == 0)
			assert_int_equal(got, 4096); /* a full bucket */
		now += 10000000;
	}
	assert_in_range(got, 4096 + 9800, 4096 + 10000);
	/* A reset while requests wait. */
	driver_reset(&d);
	now += 1000000000;
	driver_settle(&d);
	loop_set_clock(d.loop, NULL, NULL);
	driver_fini(&d);
}

static void test_nothing_to_write(void **state)
{
	struct driver d;
	struct guest_part p = {DRIVER_RAM + 0x100000, 64, false};

	bring_up(&d, false, 0);
	driver_submit(&d, 0, &p, 1);
	driver_settle(&d);
	assert_true(driver_read(&d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	driver_fini(&d);
}

static void test_types(void **state)
{
	unsigned n = 0;

	for (const struct vdev_type *t = vdev_types; t->name; t++, n++) {
		assert_true(t->device_id && *t->help);
		for (const struct vdev_type *o = vdev_types; o < t; o++)
			assert_true(o->device_id != t->device_id && strcmp(o->name, t->name) != 0);
	}
	assert_true(n > 1);
}

/* Faults on purpose: no byte, and one. */
static void test_faults(void **state)
{
	static const struct fault_kind kind = {.name = "rng",
					       .what = {[FAULT_READ] = FAULT_ERROR | FAULT_SHORT}};
	struct rng_config config = {.repeatable = true};
	struct fault_device *device;
	struct faults *f;
	struct driver d;
	struct vdev *dev;
	uint8_t a[64];

	driver_init(&d);
	config.loop = d.loop;
	assert_int_equal(faults_new(d.loop, &f), 0);
	assert_int_equal(faults_device_new(f, &kind, "rng0", &device), 0);
	config.fault = fault_point(device, FAULT_READ);
	assert_int_equal(rng_new(&config, &dev), 0);
	driver_plug(&d, dev);
	assert_true(driver_negotiate(&d, 0));
	driver_queue(&d, 0, 8, false);
	driver_ok(&d);
	assert_int_equal(faults_add(f, "", "rng0:read,nth=2,error", NULL), 0);
	assert_int_equal(faults_add(f, "", "rng0:read,nth=3,short", NULL), 0);
	faults_power_on(f);
	assert_int_equal(ask(&d, a, 64), 64);
	assert_int_equal(ask(&d, a, 64), 0);
	assert_int_equal(ask(&d, a, 64), 1);
	assert_int_equal(ask(&d, a, 64), 64);
	driver_unplug(&d);
	faults_free(f);
	driver_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_repeatable),
		cmocka_unit_test(test_at_most),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_nothing_to_write),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
