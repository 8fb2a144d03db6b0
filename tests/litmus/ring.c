/* SPDX-License-Identifier: MIT */
/*
 * Sleep against kick: one side makes up its mind to sleep, and says so, while the other one makes
 * work for it and looks whether it sleeps. If each misses the other, the work waits for ever.
 *
 *	ring ROUNDS		loses none in ROUNDS of each kind, or fails
 *	ring --lose ROUNDS	fails if none is lost, again and again: for a ring without
 *				fences (no_fence.h)
 *
 * A round has two meetings of a device thread and a driver thread, each within some nanoseconds:
 * virtq_enable_kicks() against a chain made available, and a chain used against the driver's wish
 * for an interrupt. In each, one side must have seen the other's store. Between the meetings both
 * clear up. Formats: split and packed, with and without the event index.
 *
 * Then the same with real sleep, as on an I/O thread: a device on a loop of its own, which sleeps
 * whenever it can, or looks for work for a while before it does (loop_set_poll()), and a driver
 * that waits until each chain is used. What is lost there ends the test by its limit.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "lib/guest_packed.h"
#include "lib/rand.h"
#include "lib/toy.h"
#include "virtio/virtq.h"

#define RAM      0x80000000ull
#define RAM_SIZE (1u << 20)
#define DATA     (RAM + 0x10000)
#define SIZE     256u /* what the two sides write lies in lines of the cache of its own */
#define PATIENCE 30   /* seconds */
#define TRIES    100  /* to lose one */
#define POLL_NS  8000 /* about as long as the driver waits between two chains */

struct world {
	uint64_t features;
	struct gmem *mem;
	struct guest_ring split;
	struct guest_packed packed;
	struct virtq vq;
	struct virtq_chain c;
	uint64_t rounds;
	_Alignas(64) atomic_ullong arrived; /* at meetings, both sides together */
	/* What each side saw, of a meeting that both have left. */
	_Alignas(64) bool device_saw;
	_Alignas(64) bool driver_saw;
	uint64_t n_lost;
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "litmus/ring: %s\n", what);
	exit(1);
}

static bool is_packed(const struct world *w)
{
	return w->features & VIRTIO_F_RING_PACKED;
}

/* ---- the driver's side of either format ---- */

static void make(struct world *w)
{
	struct guest_part p = {DATA, 16, true};

	if ((is_packed(w) ? guest_packed_add(&w->packed, &p, 1, 0)
			  : guest_ring_add(&w->split, &p, 1, 0, 0)) < 0)
		die("the ring is full");
}

static bool announce(struct world *w)
{
	return is_packed(w) ? guest_packed_announce(&w->packed) : guest_ring_publish(&w->split);
}

static bool reap(struct world *w)
{
	uint32_t id, len;
	uint16_t id16;

	return is_packed(w) ? guest_packed_reap(&w->packed, &id16, &len)
			    : guest_ring_reap(&w->split, &id, &len);
}

static bool arm(struct world *w)
{
	return is_packed(w) ? guest_packed_arm(&w->packed) : guest_ring_arm(&w->split);
}

static void disarm(struct world *w)
{
	if (is_packed(w))
		guest_packed_disarm(&w->packed);
	else
		guest_ring_disarm(&w->split);
}

static struct virtq_setup lay_out(struct world *w, uint32_t size)
{
	bool event_idx = w->features & VIRTIO_F_EVENT_IDX;

	if (is_packed(w)) {
		guest_packed_init(&w->packed, w->mem, RAM, size, (struct guest_place){0, true},
				  event_idx);
		return (struct virtq_setup){.size = size,
					    .features = w->features,
					    .desc = w->packed.desc,
					    .driver = w->packed.driver,
					    .device = w->packed.device};
	}
	guest_ring_init(&w->split, w->mem, RAM, size, 0, event_idx);
	return (struct virtq_setup){.size = size,
				    .features = w->features,
				    .desc = w->split.desc,
				    .driver = w->split.avail,
				    .device = w->split.used};
}

static void world_init(struct world *w, uint64_t features, uint64_t rounds)
{
	memset(w, 0, sizeof(*w));
	w->features = features;
	w->rounds = rounds;
	if (gmem_new(&w->mem) || gmem_add_ram(w->mem, RAM, RAM_SIZE) || virtq_chain_init(&w->c, 2))
		die("not enough memory");
}

static void world_fini(struct world *w)
{
	virtq_chain_fini(&w->c);
	if (is_packed(w))
		guest_packed_fini(&w->packed);
	else
		guest_ring_fini(&w->split);
	gmem_free(w->mem);
}

/* ---- meetings ---- */

/* Returns when both have called it n times, at about the same moment. */
static void meet(struct world *w, uint64_t n, uint64_t *rng)
{
	atomic_fetch_add(&w->arrived, 1);
	for (unsigned i = 1; atomic_load(&w->arrived) < 2 * n; i++)
		if (i % 4096 == 0)
			(void)sched_yield(); /* the other side has no CPU */
	for (unsigned i = rand_below(rng, 64); i; i--)
		atomic_signal_fence(memory_order_seq_cst);
}

static void *device_thread(void *arg)
{
	struct world *w = arg;
	uint64_t n = 0, rng = 1;

	for (uint64_t i = 0; i < w->rounds; i++) {
		virtq_disable_kicks(&w->vq);
		meet(w, ++n, &rng);
		w->device_saw = virtq_enable_kicks(&w->vq);
		meet(w, ++n, &rng);
		if (virtq_pop(&w->vq, &w->c) != 1)
			die("no chain");
		virtq_push(&w->vq, &w->c, 16);
		meet(w, ++n, &rng);
		virtq_publish(&w->vq);
		w->device_saw = virtq_wants_interrupt(&w->vq);
		meet(w, ++n, &rng);
	}
	return NULL;
}

static void driver(struct world *w)
{
	uint64_t n = 0, rng = 2;

	for (uint64_t i = 0; i < w->rounds; i++) {
		disarm(w);
		if (!is_packed(w))
			make(w);
		meet(w, ++n, &rng);
		if (is_packed(w))
			make(w); /* which makes it visible, too */
		w->driver_saw = announce(w);
		meet(w, ++n, &rng);
		w->n_lost += !w->driver_saw && !w->device_saw;
		meet(w, ++n, &rng);
		w->driver_saw = arm(w);
		meet(w, ++n, &rng);
		w->n_lost += !w->driver_saw && !w->device_saw;
		if (!reap(w))
			die("nothing was used");
	}
}

static uint64_t run_meetings(uint64_t features, uint64_t rounds)
{
	struct world w;
	struct virtq_setup s;
	pthread_t thread;

	world_init(&w, features, rounds);
	s = lay_out(&w, SIZE);
	if (virtq_init(&w.vq, w.mem, &s) || pthread_create(&thread, NULL, device_thread, &w))
		die("cannot begin");
	driver(&w);
	pthread_join(thread, NULL);
	world_fini(&w);
	return w.n_lost;
}

/* ---- real sleep ---- */

static void port_nothing(void *port)
{
}

static void port_interrupt(void *port, unsigned queue)
{
}

static void *loop_thread(void *arg)
{
	struct loop *loop = arg;

	loop_adopt(loop);
	(void)loop_run(loop);
	return NULL;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* False: a chain is not served. */
static bool wait_used(struct world *w)
{
	time_t end = now() + PATIENCE;

	for (unsigned i = 1; !reap(w); i++) {
		if (i % 256)
			continue;
		(void)sched_yield();
		if (i % 65536 == 0 && now() > end)
			return false;
	}
	return true;
}

static void on_reset(void *arg)
{
	*(bool *)arg = true;
}

static uint64_t sleep_and_kick(uint64_t features, uint64_t rounds, uint64_t poll_ns)
{
	static const struct vdev_port_ops port_ops = {.interrupt = port_interrupt,
						      .config_changed = port_nothing,
						      .broken = port_nothing};
	struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};
	bool reset = false, freed;
	uint64_t i, rng = 3;
	struct loop *loop;
	struct world w;
	struct vdev *dev;
	pthread_t thread;

	world_init(&w, features, rounds);
	setup.ring = lay_out(&w, TOY_SIZE);
	disarm(&w);
	if (loop_new(&loop))
		die("no loop");
	loop_set_poll(loop, poll_ns);
	dev = &toy_new(loop, &freed)->vdev;
	vdev_offer_ring(dev, VIRTQ_FEATURES_ALL);
	vdev_attach(dev, &port_ops, NULL, loop, w.mem);
	if (vdev_set_features(dev, features | VIRTIO_F_VERSION_1) ||
	    vdev_queue_start(dev, 0, &setup) || pthread_create(&thread, NULL, loop_thread, loop))
		die("cannot begin");
	for (i = 0; i < rounds; i++) {
		make(&w);
		if (announce(&w))
			vdev_kick(dev, 0);
		if (!wait_used(&w))
			break;
		/* Long enough to fall asleep, or about to, or not. */
		for (unsigned k = rand_below(&rng, 4000); k; k--)
			atomic_signal_fence(memory_order_seq_cst);
	}
	loop_stop(loop);
	pthread_join(thread, NULL);
	loop_adopt(loop);
	vdev_reset(dev, on_reset, &reset);
	while (!reset)
		loop_turn(loop, -1);
	vdev_free(dev);
	loop_free(loop);
	world_fini(&w);
	return rounds - i;
}

static uint64_t run_sleep(uint64_t features, uint64_t rounds)
{
	return sleep_and_kick(features, rounds, 0);
}

static uint64_t run_polling(uint64_t features, uint64_t rounds)
{
	return sleep_and_kick(features, rounds, POLL_NS);
}

/* ---- all of them ---- */

static uint64_t run(const char *name, uint64_t (*run_one)(uint64_t features, uint64_t rounds),
		    uint64_t rounds)
{
	static const uint64_t features[] = {0, VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_PACKED,
					    VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX};
	uint64_t sum = 0;

	for (unsigned f = 0; f < 4; f++) {
		uint64_t lost = run_one(features[f], rounds);

		printf("%s, %s%s: %llu lost of %llu\n", name, f & 2 ? "packed" : "split",
		       f & 1 ? ", event index" : "", (unsigned long long)lost,
		       (unsigned long long)rounds);
		sum += lost;
	}
	return sum;
}

int main(int argc, char **argv)
{
	bool lose = argc == 3 && !strcmp(argv[1], "--lose");
	uint64_t rounds = argc > 1 ? strtoull(argv[argc - 1], NULL, 10) : 0;

	if (!rounds || argc > 2 + lose) {
		(void)fprintf(stderr, "usage: ring [--lose] ROUNDS\n");
		return 2;
	}
	if (lose && sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		puts("one CPU loses nothing");
		return 77;
	}
	for (unsigned i = 0; lose && i < TRIES; i++)
		if (run("without fences", run_meetings, rounds))
			return 0;
	if (lose)
		return 1;
	return run("meetings", run_meetings, rounds) || run("asleep", run_sleep, rounds / 2) ||
	       run("polling", run_polling, rounds / 2);
}
