/* SPDX-License-Identifier: MIT */
/*
 * The transports with a thread on each side: the driver sleeps on nothing but the interrupt, so
 * that a lost kick or interrupt ends the test. The device's queues live on one loop, the carrier on
 * another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/rand.h"
#include "lib/toy.h"
#include "base/fd.h"

struct world {
	struct driver d;
	struct toy *toy;
	bool freed;
	struct loop *queue_loop;
	pthread_t queue_thread;
	sem_t adopted; /* the thread has the loop */
	struct loop_task release;
	atomic_bool stop;
};

static void *queue_thread(void *arg)
{
	struct world *w = arg;

	loop_adopt(w->queue_loop);
	sem_post(&w->adopted);
	(void)loop_run(w->queue_loop);
	return NULL;
}

static void release_task(struct loop_task *t)
{
	struct world *w = t->arg;

	toy_release(w->toy, 0);
}

static int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	assert_int_equal(loop_new(&w.queue_loop), 0);
	w.toy = toy_new(w.queue_loop, &w.freed);
	vdev_offer_ring(&w.toy->vdev, VIRTQ_FEATURES | VIRTIO_F_RING_RESET);
	w.release = (struct loop_task){.fn = release_task, .arg = &w};
	driver_plug(&w.d, &w.toy->vdev);
	driver_thread_start(&w.d);
	sem_init(&w.adopted, 0, 0);
	assert_int_equal(pthread_create(&w.queue_thread, NULL, queue_thread, &w), 0);
	sem_wait(&w.adopted);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_reset(&w->d);
	loop_stop(w->queue_loop);
	pthread_join(w->queue_thread, NULL);
	loop_adopt(w->queue_loop);
	driver_fini(&w->d);
	assert_true(w->freed);
	loop_free(w->queue_loop);
	sem_destroy(&w->adopted);
	return 0;
}

static void bring_up(struct world *w, bool event_idx)
{
	assert_true(driver_negotiate(&w->d,
				     VIRTIO_F_RING_RESET | (event_idx ? VIRTIO_F_EVENT_IDX : 0)));
	w->d.next_gpa = DRIVER_RAM + 0x10000;
	driver_queue(&w->d, 0, 8, event_idx);
	driver_queue(&w->d, 1, 8, event_idx);
	driver_ok(&w->d);
}

/* Bursts of one to eight chains, each burst waited for. */
static void test_nothing_is_lost(void **state)
{
	struct world *w = *state;
	struct guest_part p = {DRIVER_RAM, 32, true};
	uint64_t rng = 3;

	for (unsigned e = 0; e < 2; e++) {
		bring_up(w, e);
		for (unsigned i = 0; i < 4000; i++) {
			unsigned q = rand_below(&rng, 2), n = 1 + rand_below(&rng, 8);

			for (unsigned k = 0; k < n; k++)
				driver_submit(&w->d, q, &p, 1);
			for (unsigned k = 0; k < n; k++)
				assert_int_equal(driver_wait(&w->d, q, -1), 32);
		}
	}
}

/* As the transport has it: by disabling the selected queue, or by its reset. */
static void take_queue_back(struct world *w)
{
	if (!w->d.use_pci) {
		driver_write(&w->d, VIRTIO_MMIO_QUEUE_READY, 0);
		return;
	}
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_RESET, 1);
	driver_await(&w->d, VIRTIO_MMIO_QUEUE_RESET, 0);
}

/* The driver resets at any moment, with chains in flight that complete meanwhile. */
static void test_reset_at_any_time(void **state)
{
	struct world *w = *state;
	struct guest_part p = {DRIVER_RAM, 32, true};
	uint64_t rng = 4;

	for (unsigned i = 0; i < 300; i++) {
		bring_up(w, i & 1);
		atomic_store(&w->toy->hold, rand_below(&rng, 2));
		for (unsigned k = rand_below(&rng, 8); k; k--)
			driver_submit(&w->d, 0, &p, 1);
		atomic_store(&w->toy->hold, false);
		loop_post(w->queue_loop, &w->release);
		driver_kick(&w->d, 0);
		if (rand_below(&rng, 2)) {
			driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, 0);
			take_queue_back(w);
			assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_READY), 0);
		}
	}
	bring_up(w, true);
	driver_submit(&w->d, 0, &p, 1);
	assert_int_equal(driver_wait(&w->d, 0, -1), 32);
}

static void *config_writer(void *arg)
{
	struct world *w = arg;
	uint8_t bytes[TOY_CONFIG];

	for (unsigned i = 1; !atomic_load(&w->stop); i++) {
		memset(bytes, (uint8_t)i, sizeof(bytes));
		vdev_config_set(&w->toy->vdev, 0, bytes, sizeof(bytes));
	}
	return NULL;
}

/* One access is a snapshot; several are one if the generation did not move. */
static void test_config_snapshots(void **state)
{
	struct world *w = *state;
	uint64_t end = host_now_ns() + 1000000000;
	uint32_t generation;
	pthread_t thread;
	uint64_t a, b;
	bool unmoved;

	bring_up(w, true);
	assert_int_equal(pthread_create(&thread, NULL, config_writer, w), 0);
	/* Until the two have met often enough, or, on a busy host, for a while. */
	for (unsigned met = 0; met < 3000 && host_now_ns() < end;) {
		generation = vdev_config_generation(&w->toy->vdev);
		if (vdev_config_read(&w->toy->vdev, 4, 8, &a))
			assert_int_equal(a, (a & 0xff) * 0x0101010101010101);
		met += vdev_config_generation(&w->toy->vdev) != generation;
	}
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t changes = vdev_config_generation(&w->toy->vdev);
		uint32_t before = driver_read(&w->d, VIRTIO_MMIO_CONFIG_GENERATION);

		a = driver_config(&w->d, 0, 8);
		b = driver_config(&w->d, 8, 8);
		assert_int_equal(a, (a & 0xff) * 0x0101010101010101);
		assert_int_equal(b, (b & 0xff) * 0x0101010101010101);
		unmoved = driver_read(&w->d, VIRTIO_MMIO_CONFIG_GENERATION) == before;
		/* PCI shows eight bits: a reader that slept meanwhile may see them come round. */
		changes = vdev_config_generation(&w->toy->vdev) - changes;
		if (unmoved && changes < 256)
			assert_int_equal(a, b);
	}
	atomic_store(&w->stop, true);
	pthread_join(thread, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nothing_is_lost),
		T(test_reset_at_any_time),
		T(test_config_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
