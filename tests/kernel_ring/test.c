/* SPDX-License-Identifier: MIT */
/*
 * Rings against Linux' own driver of them (kring.h), in this process.
 *
 *	kernel_ring KRING.SO
 *
 * What must hold: the device reads what the driver wrote and the reverse, each chain is given back
 * once and with its length, and whoever asked to be told, and saw nothing pending, is told. First
 * one thread plays both sides by dice; then each side is a thread that sleeps.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "kernel_ring/load.h"
#include "lib/rand.h"
#include "virtio/virtq.h"

#define RAM       0x80000000ull
#define RAM_SIZE  (32u << 20)
#define DRIVERS   (16u << 20) /* bytes of it that are the driver's own */
#define SLOT_SIZE 1024u       /* of guest memory for a chain's buffers */
#define SLOTS     1024u
#define PART_MAX  (SLOT_SIZE / KRING_PARTS)
#define HELD      32u /* chains that the device holds at most */
#define PATIENCE  30  /* seconds, then a wake-up is lost */

/* A chain of the driver's, by the slot where its buffers lie. */
struct made {
	unsigned n_out, n_in, out_len, in_len;
	uint32_t written; /* by the device, before it pushes */
	bool in_use;
};

struct world {
	const struct kring_ops *k;
	uint64_t features, rng;
	struct gmem *mem;
	uint8_t *data; /* slots */
	struct virtq vq;
	struct made made[SLOTS];
	struct virtq_chain held[HELD];
	unsigned n_held, n_in_use;
	uint64_t n_added, n_done, n_recycled;
	bool kicked, driver_waits, driver_deaf, device_waits;
	uint32_t notified; /* the last word of a notification */

	/* with a thread for each side */
	sem_t kick, interrupt;
	uint64_t target;
	bool failed;
};

/* A line, and the end of the test, if x does not hold. */
#define require(x) require_at(x, #x, __LINE__)

static void require_at(bool holds, const char *what, int line)
{
	if (holds)
		return;
	(void)fprintf(stderr, "test.c:%d: not true: %s\n", line, what);
	exit(1);
}

static const char *library;

/* ---- the ring's life ---- */

static void ring_start(void *arg)
{
	struct world *w = arg;
	struct virtq_setup s = {.features = w->features};

	w->k->where(&s.desc, &s.driver, &s.device, &s.size);
	require(virtq_init(&w->vq, w->mem, &s) == 0);
	w->device_waits = !virtq_enable_kicks(&w->vq);
}

static void device_push(struct world *w, unsigned n);

/* As the reset of a queue does: what was popped ends first. */
static void ring_stop(void *arg)
{
	struct world *w = arg;

	device_push(w, w->n_held);
}

static void notify(void *arg, uint32_t data)
{
	struct world *w = arg;

	w->kicked = true;
	w->notified = data;
	sem_post(&w->kick);
}

static struct world *world_new(uint32_t size, uint64_t features)
{
	struct world *w = calloc(1, sizeof(*w));
	struct kring_config config = {.gpa = RAM,
				      .len = DRIVERS,
				      .size = size,
				      .features = features | VIRTIO_F_VERSION_1,
				      .notify = notify,
				      .stop = ring_stop,
				      .start = ring_start,
				      .arg = w};

	require(w);
	w->k = kring_load(library);
	require(w->k);
	w->features = config.features;
	w->rng = size + features;
	require(gmem_new(&w->mem) == 0);
	require(gmem_add_ram(w->mem, RAM, RAM_SIZE) == 0);
	config.host = gmem_map(w->mem, RAM, RAM_SIZE);
	w->data = config.host + DRIVERS;
	for (unsigned i = 0; i < HELD; i++)
		require(virtq_chain_init(&w->held[i], KRING_PARTS) == 0);
	sem_init(&w->kick, 0, 0);
	sem_init(&w->interrupt, 0, 0);
	require(w->k->open(&config) == 0);
	ring_start(w);
	return w;
}

static void world_free(struct world *w)
{
	require(!w->k->is_broken());
	w->k->close();
	for (unsigned i = 0; i < HELD; i++)
		virtq_chain_fini(&w->held[i]);
	sem_destroy(&w->kick);
	sem_destroy(&w->interrupt);
	gmem_free(w->mem);
	free(w);
}

/* What is written where: different for each byte of a slot, and for each side. */
static uint8_t pattern(const struct world *w, const uint8_t *p, bool device)
{
	return (uint8_t)((p - w->data) * 7 + device);
}

/* ---- the driver ---- */

/* Makes a chain in a free slot. False: no slot or no room. */
static bool driver_add(struct world *w)
{
	unsigned i = rand_below(&w->rng, SLOTS), n = 1 + rand_below(&w->rng, KRING_PARTS);
	struct made m = {.n_out = rand_below(&w->rng, n + 1), .in_use = true};
	uint8_t *p = w->data + i * SLOT_SIZE;
	struct kring_part part[KRING_PARTS];

	m.n_in = n - m.n_out;
	if (w->made[i].in_use)
		return false;
	for (unsigned k = 0; k < n; k++) {
		part[k] = (struct kring_part){p, 1 + rand_below(&w->rng, PART_MAX)};
		*(k < m.n_out ? &m.out_len : &m.in_len) += part[k].len;
		for (unsigned b = 0; b < part[k].len; b++)
			p[b] = k < m.n_out ? pattern(w, p + b, false) : 0;
		p += PART_MAX;
	}
	w->made[i] = m; /* before the other side can see it */
	if (w->k->add(part, m.n_out, m.n_in, &w->made[i])) {
		w->made[i].in_use = false;
		return false;
	}
	w->n_in_use++;
	w->n_added++;
	return true;
}

/* The writable parts lie behind the readable ones; each begins at a fixed place. */
static void check_written(struct world *w, const struct made *m, const struct virtq_chain *c)
{
	uint32_t left = m->written;

	for (unsigned i = 0; i < c->n_write && left; i++) {
		const struct iovec *iov = &virtq_chain_writable(c)[i];
		const uint8_t *p = iov->iov_base;

		for (size_t b = 0; b < iov->iov_len && left; b++, left--)
			if (p[b] != pattern(w, p + b, true))
				w->failed = true;
	}
}

static unsigned driver_reap(struct world *w)
{
	unsigned len, n = 0;
	struct made *m;

	while ((m = w->k->get(&len))) {
		if (!m->in_use || len != m->written)
			w->failed = true;
		m->in_use = false;
		w->n_in_use--;
		w->n_done++;
		n++;
	}
	return n;
}

/* ---- the device ---- */

static struct made *made_of(struct world *w, const struct virtq_chain *c)
{
	return &w->made[((uint8_t *)c->iov[0].iov_base - w->data) / SLOT_SIZE];
}

static void check_readable(struct world *w, const struct virtq_chain *c)
{
	const struct made *m = made_of(w, c);

	if (c->n_read != m->n_out || c->n_write != m->n_in || c->read_len != m->out_len ||
	    c->write_len != m->in_len)
		w->failed = true;
	for (unsigned i = 0; i < c->n_read; i++) {
		const uint8_t *p = c->iov[i].iov_base;

		for (size_t b = 0; b < c->iov[i].iov_len; b++)
			if (p[b] != pattern(w, p + b, false))
				w->failed = true;
	}
}

/* Pops one chain. False: none. */
static bool device_pop(struct world *w)
{
	struct virtq_chain *c = &w->held[w->n_held];
	int r = virtq_pop(&w->vq, c);

	if (r < 0)
		w->failed = true;
	if (r <= 0)
		return false;
	check_readable(w, c);
	w->n_held++;
	return true;
}

/* Ends n of the chains that it holds, in any order. */
static void device_push(struct world *w, unsigned n)
{
	while (n--) {
		unsigned i = rand_below(&w->rng, w->n_held);
		struct virtq_chain c = w->held[i];
		struct made *m = made_of(w, &c);

		m->written = c.write_len ? rand_below(&w->rng, c.write_len + 1) : 0;
		for (unsigned k = 0; k < c.n_write; k++) {
			uint8_t *p = virtq_chain_writable(&c)[k].iov_base;

			for (size_t b = 0; b < virtq_chain_writable(&c)[k].iov_len; b++)
				p[b] = pattern(w, p + b, true);
		}
		check_written(w, m, &c);
		virtq_push(&w->vq, &c, m->written);
		w->held[i] = w->held[--w->n_held];
		w->held[w->n_held] = c;
	}
	virtq_publish(&w->vq);
}

/* ---- one thread plays both ---- */

static void driver_step(struct world *w)
{
	bool news = false;

	for (unsigned burst = rand_below(&w->rng, 8); burst && driver_add(w); burst--)
		news = true;
	w->kicked = false;
	w->k->kick();
	if (w->device_waits && news) {
		require(w->kicked);
		w->device_waits = false;
	}
	if (rand_below(&w->rng, 2))
		return;
	(void)driver_reap(w);
	w->driver_waits = w->driver_deaf = false;
	switch (rand_below(&w->rng, 3)) {
	case 0: w->driver_waits = w->k->enable_interrupts(); break;
	case 1: (void)w->k->enable_interrupts_delayed(); break;
	default:
		w->k->disable_interrupts();
		w->driver_deaf = true;
		break;
	}
}

/* What NOTIFICATION_DATA says, when all that was made available has been popped. */
static void check_notification(const struct world *w)
{
	uint32_t where = w->features & VIRTIO_F_RING_PACKED
				 ? w->vq.packed.avail.slot | (uint32_t)w->vq.packed.avail.wrap << 15
				 : w->vq.split.next_avail;

	if (w->kicked)
		require(w->notified == where << 16);
}

static void device_step(struct world *w)
{
	unsigned n;
	bool wants;

	if (rand_below(&w->rng, 4)) {
		virtq_disable_kicks(&w->vq);
		w->device_waits = false;
		while (w->n_held < HELD && device_pop(w))
			continue;
		if (w->n_held < HELD) {
			check_notification(w);
			w->device_waits = !virtq_enable_kicks(&w->vq);
			require(w->device_waits);
		}
	}
	n = rand_below(&w->rng, w->n_held + 1);
	device_push(w, n);
	wants = virtq_wants_interrupt(&w->vq);
	if (n && w->driver_waits)
		require(wants);
	if (!n)
		require(!wants);
	if (wants)
		require(w->k->interrupt());
	if (n)
		w->driver_waits = false;
}

static uint64_t features_of(unsigned i)
{
	return (i & 1 ? VIRTIO_F_RING_PACKED : 0) | (i & 2 ? VIRTIO_F_EVENT_IDX : 0) |
	       (i & 4 ? VIRTIO_F_INDIRECT_DESC : 0) | (i & 8 ? VIRTIO_F_ACCESS_PLATFORM : 0);
}

static void test_dice(void)
{
	/* Split rings take the power of two below. A driver whose ring is too small for a chain
	 * without a table is told so by its own code. */
	static const uint32_t size[] = {16, 37, 256, 1000};

	for (unsigned f = 0; f < 16; f++)
		for (unsigned i = 0; i < ARRAY_SIZE(size); i++) {
			uint32_t n = size[i];
			struct world *w;

			while (!(f & 1) && n & (n - 1))
				n &= n - 1;
			w = world_new(n, features_of(f));
			for (unsigned step = 0; step < 3000; step++) {
				driver_step(w);
				device_step(w);
				require(!w->failed);
			}
			require(w->n_done > 1000);
			world_free(w);
		}
}

static void recycle(void *arg, void *token)
{
	struct world *w = arg;
	struct made *m = token;

	require(m->in_use);
	m->in_use = false;
	w->n_in_use--;
	w->n_recycled++;
}

/* The driver resets its ring with chains in every state, and goes on with another size. */
static void test_reset(void)
{
	for (unsigned f = 0; f < 8; f++) {
		struct world *w = world_new(256, features_of(f) | VIRTIO_F_RING_RESET);

		for (unsigned step = 0; step < 4000; step++) {
			driver_step(w);
			device_step(w);
			if (step % 100 == 99) {
				uint32_t size = 32u << step / 100 % 4;

				require(w->k->resize(size, recycle) == 0);
				require(virtq_size(&w->vq) == size);
				require(w->n_in_use == 0);
				w->driver_waits = w->driver_deaf = false;
			}
			require(!w->failed);
		}
		require(w->n_recycled > 100);
		require(w->n_done + w->n_recycled == w->n_added);
		world_free(w);
	}
}

/* ---- a thread for each ---- */

static bool sleep_on(sem_t *s)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += PATIENCE;
	return !sem_timedwait(s, &ts);
}

static void *device_thread(void *arg)
{
	struct world *w = arg;
	uint64_t done = 0;

	while (done < w->target) {
		unsigned n;

		virtq_disable_kicks(&w->vq);
		while (w->n_held < HELD && device_pop(w))
			continue;
		n = w->n_held;
		device_push(w, n);
		done += n;
		if (virtq_wants_interrupt(&w->vq))
			sem_post(&w->interrupt);
		if (!n && !virtq_enable_kicks(&w->vq) && !sleep_on(&w->kick)) {
			w->failed = true;
			break;
		}
	}
	return NULL;
}

static void run_threads(uint64_t features)
{
	struct world *w = world_new(64, features);
	uint64_t rng = features;
	pthread_t device;
	bool lost = false;

	w->target = 40000;
	require(pthread_create(&device, NULL, device_thread, w) == 0);
	while (w->n_done < w->target && !lost) {
		unsigned burst = 1 + rand_below(&rng, 8);

		while (burst-- && w->n_added < w->target && driver_add(w))
			continue;
		w->k->kick();
		w->k->disable_interrupts();
		if (!driver_reap(w) && w->k->enable_interrupts())
			lost = !sleep_on(&w->interrupt);
	}
	pthread_join(device, NULL);
	require(!lost);
	require(!w->failed);
	world_free(w);
}

static void test_threads(void)
{
	for (unsigned f = 0; f < 8; f++)
		run_threads(features_of(f));
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	library = argv[1];
	test_dice();
	puts("dice: ok");
	test_reset();
	puts("reset: ok");
	test_threads();
	puts("threads: ok");
	return 0;
}
