/* SPDX-License-Identifier: MIT */
/* virtio-pci: capabilities, the common configuration, notifications, config space, and access by
 * configuration space. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "virtio_pci_rig.h"

#include "bus/pci.h"
#include "transport/carrier.h"
#include "transport/virtio_pci.h"

/* ---- what a driver finds ---- */

static void test_identification(void **state)
{
	struct world *w = *state;

	assert_int_equal(driver_pci_config_read(&w->d, 0, 2), 0x1af4);
	assert_int_equal(driver_pci_config_read(&w->d, 2, 2), 0x1040 + TOY_ID);
	assert_int_equal(driver_pci_config_read(&w->d, 8, 1), 1);
	assert_true(driver_pci_config_read(&w->d, 0x2e, 2) >= 0x40);
}

static void test_capabilities(void **state)
{
	struct world *w = *state;
	static const struct {
		uint8_t type, len;
		uint32_t offset, least;
	} caps[] = {
		{VIRTIO_PCI_CAP_COMMON, 16, 0, VIRTIO_PCI_QUEUE_RESET + 2},
		{VIRTIO_PCI_CAP_ISR, 16, 0x1000, 1},
		{VIRTIO_PCI_CAP_DEVICE, 16, 0x2000, TOY_CONFIG},
		{VIRTIO_PCI_CAP_NOTIFY, 20, 0x3000, 4 * TOY_QUEUES},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(caps); i++) {
		unsigned at = driver_pci_capability(&w->d, PCI_CAP_VENDOR, caps[i].type);

		assert_true(at);
		assert_int_equal(driver_pci_config_read(&w->d, at + 2, 1), caps[i].len);
		assert_int_equal(driver_pci_config_read(&w->d, at + 4, 4), 0); /* BAR 0 */
		assert_int_equal(driver_pci_config_read(&w->d, at + 8, 4), caps[i].offset);
		assert_true(driver_pci_config_read(&w->d, at + 12, 4) >= caps[i].least);
		if (caps[i].type == VIRTIO_PCI_CAP_NOTIFY)
			assert_int_equal(driver_pci_config_read(&w->d, at + 16, 4), 4);
	}
	assert_true(driver_pci_capability(&w->d, PCI_CAP_VENDOR, VIRTIO_PCI_CAP_PCI));
	assert_int_equal(driver_pci_capability(&w->d, PCI_CAP_MSIX, 0), 0);
}

static void test_slot_taken(void **state)
{
	struct world *w = *state;
	struct virtio_pci_config config = {.pci = w->d.pci_bus,
					   .slot = DRIVER_PCI_SLOT,
					   .loop = w->d.loop,
					   .mem = w->d.mem,
					   .dev = &w->toy->vdev};
	struct virtio_pci *t;

	assert_int_equal(virtio_pci_new(&config, &t), -EEXIST);
	config.slot = PCI_SLOTS;
	assert_int_equal(virtio_pci_new(&config, &t), -EINVAL);
}

/* ---- the common configuration ---- */

/* Each field answers in its own width and is 0 in any other; a write of another width is lost. */
static void test_widths(void **state)
{
	struct world *w = *state;
	static const uint8_t width[64] = {
		[0] = 4,  [4] = 4,  [8] = 4,  [12] = 4, [16] = 2, [18] = 2, [20] = 1,
		[21] = 1, [22] = 2, [24] = 2, [26] = 2, [28] = 2, [30] = 2, [32] = 4,
		[36] = 4, [40] = 4, [44] = 4, [48] = 4, [52] = 4, [56] = 2, [58] = 2};

	put(w, COMMON, 4, 1);
	for (unsigned at = 0; at < 64; at++)
		for (unsigned size = 1; size <= 8; size *= 2) {
			if (size == width[at])
				continue;
			put(w, COMMON + at, size, ~0ull);
			assert_int_equal(common(w, at, size), 0);
		}
	assert_int_equal(common(w, VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4), 1);
	assert_int_equal(status(w), 0);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_SELECT, 2), 0);
	/* Behind the structure there is nothing, up to the next page. */
	for (unsigned at = 64; at < 0x1000; at += 4) {
		put(w, COMMON + at, 4, ~0u);
		assert_int_equal(common(w, at, 4), 0);
	}
}

static void test_features(void **state)
{
	struct world *w = *state;
	struct driver *d = &w->d;

	assert_int_equal(driver_offered(d), TOY_FEATURE | VIRTQ_FEATURES | VIRTIO_F_RING_RESET |
						    VIRTIO_F_NOTIFICATION_DATA);
	put(w, COMMON + VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4, 2);
	assert_int_equal(common(w, VIRTIO_PCI_DEVICE_FEATURE, 4), 0);
	assert_false(driver_negotiate(d, BIT(0)));
	assert_true(driver_negotiate(d, TOY_FEATURE));
	put(w, COMMON + VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, 1);
	assert_int_equal(common(w, VIRTIO_PCI_DRIVER_FEATURE, 4), VIRTIO_F_VERSION_1 >> 32);
	/* Frozen. */
	put(w, COMMON + VIRTIO_PCI_DRIVER_FEATURE, 4, 0);
	assert_int_equal(common(w, VIRTIO_PCI_DRIVER_FEATURE, 4), VIRTIO_F_VERSION_1 >> 32);
}

static void test_queue_fields(void **state)
{
	struct world *w = *state;

	assert_int_equal(common(w, VIRTIO_PCI_NUM_QUEUES, 2), TOY_QUEUES);
	assert_true(driver_negotiate(&w->d, 0));
	for (unsigned i = 0; i < TOY_QUEUES; i++) {
		put(w, COMMON + VIRTIO_PCI_QUEUE_SELECT, 2, i);
		assert_int_equal(common(w, VIRTIO_PCI_QUEUE_SIZE, 2), TOY_SIZE);
		assert_int_equal(common(w, VIRTIO_PCI_QUEUE_NOTIFY_OFF, 2), i);
		assert_int_equal(common(w, VIRTIO_PCI_QUEUE_ENABLE, 2), 0);
		for (unsigned at = VIRTIO_PCI_QUEUE_DESC; at < VIRTIO_PCI_QUEUE_NOTIFY_DATA;
		     at += 4) {
			put(w, COMMON + at, 4, 0xabcd0000 + at);
			assert_int_equal(common(w, at, 4), 0xabcd0000 + at);
		}
	}
	/* Queues that are not there: size 0, and nothing can be set. */
	for (unsigned i = TOY_QUEUES; i < 0x10000; i = i * 2 + 1) {
		put(w, COMMON + VIRTIO_PCI_QUEUE_SELECT, 2, i);
		for (unsigned at = VIRTIO_PCI_QUEUE_SIZE; at <= VIRTIO_PCI_QUEUE_RESET; at += 2) {
			put(w, COMMON + at, at >= 32 && at < 56 ? 4 : 2, 1);
			assert_int_equal(common(w, at, 2),
					 at == VIRTIO_PCI_QUEUE_VECTOR ? NONE : 0);
		}
	}
	assert_int_equal(status(w) & VIRTIO_STATUS_NEEDS_RESET, 0);
}

static void test_queue_size_is_kept(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	bring_up(w, 0);
	put(w, COMMON + VIRTIO_PCI_QUEUE_SELECT, 2, 0);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_SIZE, 2), 8);
	put(w, COMMON + VIRTIO_PCI_QUEUE_SIZE, 2, 4);
	put(w, COMMON + VIRTIO_PCI_QUEUE_ENABLE, 2, 0); /* must not be, and does nothing */
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_SIZE, 2), 8);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_ENABLE, 2), 1);
	assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, &p, 1)), 64);
	driver_reset(&w->d);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_SIZE, 2), TOY_SIZE);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_ENABLE, 2), 0);
}

static void test_bad_queue(void **state)
{
	struct world *w = *state;
	static const struct {
		unsigned at, size;
		uint32_t v;
	} bad[] = {{VIRTIO_PCI_QUEUE_SIZE, 2, 7},
		   {VIRTIO_PCI_QUEUE_SIZE, 2, 2 * TOY_SIZE},
		   {VIRTIO_PCI_QUEUE_SIZE, 2, 0xffff},
		   {VIRTIO_PCI_QUEUE_DESC, 4, (uint32_t)DRIVER_RAM + 4},
		   {VIRTIO_PCI_QUEUE_DRIVER, 4, (uint32_t)DRIVER_PCI_BAR},
		   {VIRTIO_PCI_QUEUE_DEVICE + 4, 4, 1}};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(driver_negotiate(&w->d, 0));
		put(w, COMMON + VIRTIO_PCI_QUEUE_DESC, 4, DRIVER_RAM);
		put(w, COMMON + VIRTIO_PCI_QUEUE_DRIVER, 4, DRIVER_RAM + 0x4000);
		put(w, COMMON + VIRTIO_PCI_QUEUE_DEVICE, 4, DRIVER_RAM + 0x8000);
		put(w, COMMON + bad[i].at, bad[i].size, bad[i].v);
		put(w, COMMON + VIRTIO_PCI_QUEUE_ENABLE, 2, 1);
		driver_ok(&w->d);
		assert_true(status(w) & VIRTIO_STATUS_NEEDS_RESET);
		assert_true(w->d.level);
		assert_int_equal(get(w, ISR, 1), VIRTIO_PCI_ISR_CONFIG);
		assert_false(w->d.level);
	}
}

/* ---- notifications ---- */

static void test_notify(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	bring_up(w, VIRTIO_F_NOTIFICATION_DATA);
	/* The address names the queue; what is written may say anything. */
	(void)guest_ring_add(&w->d.ring[1], &p, 1, 0, 0);
	(void)guest_ring_publish(&w->d.ring[1]);
	driver_settle(&w->d);
	put(w, NOTIFY + 4, 4, 0xffff0000);
	driver_settle(&w->d);
	assert_int_equal(driver_wait(&w->d, 1, -1), 64);
	/* Elsewhere. */
	for (unsigned at = 0; at < 0x1000; at++)
		for (unsigned size = 1; size <= 8 && at + size <= 0x1000; size *= 2)
			put(w, NOTIFY + at, size, ~0ull);
	assert_int_equal(get(w, NOTIFY, 4), 0);
	driver_settle(&w->d);
	assert_int_equal(status(w) & VIRTIO_STATUS_NEEDS_RESET, 0);
}

static void test_notify_before_driver_ok(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	put(w, NOTIFY, 2, 0);
	assert_true(driver_negotiate(&w->d, 0));
	driver_queue(&w->d, 0, 8, false);
	driver_submit(&w->d, 0, &p, 1);
	driver_settle(&w->d);
	assert_int_equal(w->toy->q[0].n_started, 0);
	driver_ok(&w->d);
	assert_int_equal(driver_wait(&w->d, 0, -1), 64);
}

/* ---- config space, and access by configuration space ---- */

static void test_config(void **state)
{
	struct world *w = *state;
	uint8_t bytes[TOY_CONFIG];
	uint64_t generation = common(w, VIRTIO_PCI_CONFIG_GENERATION, 1);

	for (unsigned i = 0; i < TOY_CONFIG; i++)
		bytes[i] = (uint8_t)(i + 1);
	vdev_config_set(&w->toy->vdev, 0, bytes, TOY_CONFIG);
	assert_int_not_equal(common(w, VIRTIO_PCI_CONFIG_GENERATION, 1), generation);
	assert_int_equal(get(w, CONFIG + 3, 1), 4);
	assert_int_equal(get(w, CONFIG + 3, 4), 0x07060504);
	assert_int_equal(get(w, CONFIG + 8, 8), 0x100f0e0d0c0b0a09);
	for (unsigned at = TOY_CONFIG; at <= 0xff8; at++)
		assert_int_equal(get(w, CONFIG + at, 8), 0);
	put(w, CONFIG + 4, 4, 0xdeadbeef);
	assert_int_equal(get(w, CONFIG + 4, 4), 0xdeadbeef);
	put(w, CONFIG + TOY_CONFIG - 2, 4, 0);
	put(w, CONFIG + 0xff8, 8, 0);
	assert_int_equal(get(w, CONFIG + 12, 4), 0x100f0e0d);
}

static unsigned aim(struct world *w, uint32_t bar, uint32_t offset, uint32_t length)
{
	unsigned at = driver_pci_capability(&w->d, PCI_CAP_VENDOR, VIRTIO_PCI_CAP_PCI);

	driver_pci_config_write(&w->d, at + 4, 1, bar);
	driver_pci_config_write(&w->d, at + 8, 4, offset);
	driver_pci_config_write(&w->d, at + 12, 4, length);
	return at + 16;
}

/* A driver that has no memory of the device's mapped, and memory decode off. */
static void test_access_by_config(void **state)
{
	struct world *w = *state;
	unsigned data;

	driver_pci_config_write(&w->d, PCI_COMMAND, 2, 0);
	data = aim(w, 0, VIRTIO_PCI_DEVICE_STATUS, 1);
	driver_pci_config_write(&w->d, data, 4, VIRTIO_STATUS_ACKNOWLEDGE);
	assert_int_equal(driver_pci_config_read(&w->d, data, 4), VIRTIO_STATUS_ACKNOWLEDGE);
	aim(w, 0, VIRTIO_PCI_NUM_QUEUES, 2);
	assert_int_equal(driver_pci_config_read(&w->d, data, 2), TOY_QUEUES);
	aim(w, 0, VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4);
	driver_pci_config_write(&w->d, data, 4, 1);
	aim(w, 0, VIRTIO_PCI_DEVICE_FEATURE, 4);
	assert_int_equal(driver_pci_config_read(&w->d, data, 4), w->toy->vdev.offered >> 32);
	aim(w, 0, 0x1000, 1);
	assert_int_equal(driver_pci_config_read(&w->d, data, 1), 0);
}

static void test_access_by_config_abused(void **state)
{
	struct world *w = *state;
	static const struct {
		uint32_t bar, offset, length;
	} bad[] = {{0, 20, 0},     {0, 20, 3},  {0, 20, 8},         {0, 20, ~0u}, {0, 0x4000, 1},
		   {0, 0x3fff, 2}, {0, ~0u, 1}, {0, 0xfffffffc, 4}, {0, 21, 4},   {1, 20, 1},
		   {2, 20, 1},     {5, 20, 1},  {6, 20, 1},         {255, 20, 1}};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		unsigned data = aim(w, bad[i].bar, bad[i].offset, bad[i].length);

		for (unsigned size = 1; size <= 4; size *= 2)
			driver_pci_config_write(&w->d, data, size, VIRTIO_STATUS_ACKNOWLEDGE);
		assert_int_equal(driver_pci_config_read(&w->d, data, 4), 0);
		assert_int_equal(status(w), 0);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define M(name) cmocka_unit_test_setup_teardown(name, setup_messages, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_identification),
		T(test_capabilities),
		T(test_slot_taken),
		T(test_widths),
		T(test_features),
		T(test_queue_fields),
		T(test_queue_size_is_kept),
		T(test_bad_queue),
		T(test_notify),
		T(test_notify_before_driver_ok),
		T(test_config),
		T(test_access_by_config),
		M(test_access_by_config),
		T(test_access_by_config_abused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
