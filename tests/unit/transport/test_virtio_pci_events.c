/* SPDX-License-Identifier: MIT */
/* virtio-pci: interrupts by wire and by message, resets that are waited for by reading, and a
 * function that is pulled out. */
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

/* ---- interrupts ---- */

static void test_isr(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	bring_up(w, 0);
	driver_submit(&w->d, 1, &p, 1);
	driver_settle(&w->d);
	assert_true(w->d.level);
	vdev_config_changed(&w->toy->vdev);
	put(w, ISR, 1, 0xff); /* read-only */
	assert_int_equal(get(w, ISR, 1), VIRTIO_PCI_ISR_RING | VIRTIO_PCI_ISR_CONFIG);
	assert_false(w->d.level);
	assert_int_equal(get(w, ISR, 1), 0);
	assert_int_equal(get(w, ISR + 1, 1), 0);
	vdev_config_changed(&w->toy->vdev);
	assert_true(w->d.level);
	/* INTx disabled, and a reset. */
	driver_pci_config_write(&w->d, PCI_COMMAND, 2,
				PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
	assert_false(w->d.level);
	driver_pci_config_write(&w->d, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_true(w->d.level);
	driver_reset(&w->d);
	assert_false(w->d.level);
}

static void test_vectors(void **state)
{
	struct world *w = *state;
	static const unsigned at[] = {VIRTIO_PCI_CONFIG_VECTOR, VIRTIO_PCI_QUEUE_VECTOR};

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		assert_int_equal(common(w, at[i], 2), NONE);
		put(w, COMMON + at[i], 2, TOY_QUEUES); /* the last there is */
		assert_int_equal(common(w, at[i], 2), TOY_QUEUES);
		put(w, COMMON + at[i], 2, TOY_QUEUES + 1);
		assert_int_equal(common(w, at[i], 2), NONE);
		put(w, COMMON + at[i], 2, 0);
	}
	driver_reset(&w->d);
	assert_int_equal(common(w, at[0], 2), NONE);
	assert_int_equal(common(w, at[1], 2), NONE);
}

static void test_no_vectors(void **state)
{
	struct world *w = *state;

	put(w, COMMON + VIRTIO_PCI_CONFIG_VECTOR, 2, 0);
	assert_int_equal(common(w, VIRTIO_PCI_CONFIG_VECTOR, 2), NONE);
}

/* Vector i has the message (0x1000 * i, i). */
static void messages_on(struct world *w)
{
	unsigned cap = driver_pci_capability(&w->d, PCI_CAP_MSIX, 0);

	assert_true(cap);
	for (unsigned i = 0; i <= TOY_QUEUES; i++) {
		put(w, DRIVER_PCI_MSIX + 16 * i, 8, 0x1000 * i);
		put(w, DRIVER_PCI_MSIX + 16 * i + 8, 8, i);
	}
	driver_pci_config_write(&w->d, cap + 2, 2, 0x8000);
}

static void test_messages(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	messages_on(w);
	bring_up(w, 0);
	put(w, COMMON + VIRTIO_PCI_QUEUE_SELECT, 2, 1);
	put(w, COMMON + VIRTIO_PCI_QUEUE_VECTOR, 2, 2);
	driver_submit(&w->d, 1, &p, 1);
	driver_settle(&w->d);
	assert_int_equal(atomic_load(&w->d.n_messages), 1);
	assert_int_equal(atomic_load(&w->d.message_data), 2);
	assert_int_equal(w->d.message_addr, 0x2000);
	assert_false(w->d.level);
	assert_int_equal(get(w, ISR, 1), 0);
	/* A queue without a vector is silent. */
	driver_submit(&w->d, 0, &p, 1);
	driver_settle(&w->d);
	vdev_config_changed(&w->toy->vdev);
	assert_int_equal(atomic_load(&w->d.n_messages), 1);
	put(w, COMMON + VIRTIO_PCI_CONFIG_VECTOR, 2, 0);
	vdev_config_changed(&w->toy->vdev);
	assert_int_equal(atomic_load(&w->d.n_messages), 2);
	assert_int_equal(atomic_load(&w->d.message_data), 0);
	assert_int_equal(atomic_load(&w->d.n_raised), 0);
}

/* ---- resets ---- */

static void release_timer(struct loop_timer *t)
{
	struct world *w = t->arg;

	w->toy->hold = false;
	toy_release(w->toy, 0);
}

static void put_in_flight(struct world *w)
{
	struct guest_part p = buffer(w);

	w->toy->hold = true;
	driver_submit(&w->d, 0, &p, 1);
	driver_settle(&w->d);
	assert_int_equal(w->toy->q[0].n_held, 1);
	w->release = (struct loop_timer){.fn = release_timer, .arg = w};
	loop_timer_arm(w->d.loop, &w->release, loop_now(w->d.loop) + 5000000);
}

static void test_reset_is_read(void **state)
{
	struct world *w = *state;
	struct guest_part p;

	bring_up(w, 0);
	put_in_flight(w);
	put(w, COMMON + VIRTIO_PCI_DEVICE_STATUS, 1, 0);
	assert_int_not_equal(status(w), 0);
	/* What is written meanwhile is lost. */
	put(w, COMMON + VIRTIO_PCI_DEVICE_STATUS, 1, 0);
	put(w, COMMON + VIRTIO_PCI_DEVICE_STATUS, 1, VIRTIO_STATUS_FAILED);
	put(w, COMMON + VIRTIO_PCI_QUEUE_SELECT, 2, 1);
	put(w, CONFIG, 4, 0);
	driver_await(&w->d, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(w->toy->q[0].n_stopped, 1);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_SELECT, 2), 0);
	assert_false(w->d.level);
	bring_up(w, 0);
	p = buffer(w);
	assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, &p, 1)), 64);
}

static void test_queue_reset(void **state)
{
	struct world *w = *state;
	struct guest_part p;

	bring_up(w, VIRTIO_F_RING_RESET);
	put_in_flight(w);
	put(w, COMMON + VIRTIO_PCI_QUEUE_SELECT, 2, 0);
	put(w, COMMON + VIRTIO_PCI_QUEUE_RESET, 2, 1);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_RESET, 2), 1);
	put(w, COMMON + VIRTIO_PCI_QUEUE_RESET, 2, 1);
	driver_await(&w->d, VIRTIO_MMIO_QUEUE_RESET, 0);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_ENABLE, 2), 0);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_SIZE, 2), TOY_SIZE);
	assert_int_equal(w->toy->q[1].n_stopped, 0);
	driver_wait(&w->d, 0, -1);
	driver_queue(&w->d, 0, 4, false);
	p = buffer(w);
	assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, &p, 1)), 64);
	assert_int_equal(driver_wait(&w->d, 1, driver_submit(&w->d, 1, &p, 1)), 64);
}

static void test_queue_reset_is_refused(void **state)
{
	struct world *w = *state;
	struct guest_part p = buffer(w);

	bring_up(w, 0);
	put(w, COMMON + VIRTIO_PCI_QUEUE_RESET, 2, 1);
	driver_settle(&w->d);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_RESET, 2), 0);
	put(w, COMMON + VIRTIO_PCI_QUEUE_SELECT, 2, 0);
	assert_int_equal(common(w, VIRTIO_PCI_QUEUE_ENABLE, 2), 1);
	assert_int_equal(driver_wait(&w->d, 0, driver_submit(&w->d, 0, &p, 1)), 64);
}

static void set_true(void *arg)
{
	*(bool *)arg = true;
}

static void test_machine_reset_joins(void **state)
{
	struct world *w = *state;
	bool done = false;

	bring_up(w, 0);
	put_in_flight(w);
	put(w, COMMON + VIRTIO_PCI_DEVICE_STATUS, 1, 0);
	carrier_reset(virtio_pci_carrier(w->d.pci), set_true, &done);
	assert_false(done);
	driver_await(&w->d, VIRTIO_MMIO_STATUS, 0);
	assert_true(done);
	assert_int_equal(w->toy->q[0].n_stopped, 1);
}

static void test_gone(void **state)
{
	struct world *w = *state;

	bring_up(w, 0);
	vdev_config_changed(&w->toy->vdev);
	assert_true(w->d.level);
	vdev_gone(&w->toy->vdev);
	assert_false(w->d.level);
	assert_int_equal(driver_pci_config_read(&w->d, 0, 4), UINT32_MAX);
	assert_int_equal(status(w), 0xff);
	assert_int_equal(get(w, ISR, 1), 0xff);
	assert_int_equal(get(w, CONFIG, 8), ~0ull);
	put(w, COMMON + VIRTIO_PCI_DEVICE_STATUS, 1, 0);
	put(w, NOTIFY, 2, 0);
	put(w, CONFIG, 4, 0);
	driver_settle(&w->d);
	assert_false(w->d.level);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define M(name) cmocka_unit_test_setup_teardown(name, setup_messages, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_isr),
		M(test_vectors),
		T(test_no_vectors),
		M(test_messages),
		T(test_reset_is_read),
		T(test_queue_reset),
		T(test_queue_reset_is_refused),
		T(test_machine_reset_joins),
		T(test_gone),
		M(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
