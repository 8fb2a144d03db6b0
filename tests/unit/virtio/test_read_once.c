/* SPDX-License-Identifier: MIT */
/*
 * A guest that changes what the device has read already: no byte of guest memory, of a descriptor
 * or of anything else, is read twice while a chain is popped. And with a second thread that flips
 * bits all the time, what comes out is a chain in RAM or -EPROTO.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/guest_packed.h"
#include "lib/rand.h"
#include "virtio/virtq.h"
#include "watched.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE (1u << 18)
#define RING_LEN 0x400u               /* the ring's areas lie in the first bytes of RAM */
#define TABLES   (RAM_BASE + 0x1c000) /* three bits away: a flip does not make it the ring */
#define DATA     (RAM_BASE + 0x4000)
#define SIZE     16u
#define PARTS    8u
#define POPS     20000u

struct world {
	uint64_t rng, features;
	struct gmem *mem;
	uint8_t *ram;
	struct guest_ring split;
	struct guest_packed packed;
	struct virtq_waiting waiting[SIZE];
	struct virtq vq;
	struct virtq_chain c;
	atomic_bool stop;
};

static bool is_packed(const struct world *w)
{
	return w->features & VIRTIO_F_RING_PACKED;
}

static void ring_init(struct world *w)
{
	struct virtq_setup s = {.size = SIZE, .features = w->features, .waiting = w->waiting};

	if (is_packed(w)) {
		guest_packed_init(&w->packed, w->mem, RAM_BASE, SIZE, (struct guest_place){0, true},
				  false);
		s.desc = w->packed.desc;
		s.driver = w->packed.driver;
		s.device = w->packed.device;
	} else {
		guest_ring_init(&w->split, w->mem, RAM_BASE, SIZE, 0, false);
		s.desc = w->split.desc;
		s.driver = w->split.avail;
		s.device = w->split.used;
	}
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
}

static void ring_fini(struct world *w)
{
	if (is_packed(w))
		guest_packed_fini(&w->packed);
	else
		guest_ring_fini(&w->split);
}

static void world_init(struct world *w, uint64_t features)
{
	memset(w, 0, sizeof(*w));
	w->features = features;
	w->rng = features + 1;
	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	w->ram = gmem_map(w->mem, RAM_BASE, RAM_SIZE);
	assert_int_equal(virtq_chain_init(&w->c, 2 * SIZE), 0);
	ring_init(w);
	watch_begin(w->ram, RAM_SIZE);
}

static void world_fini(struct world *w)
{
	watch_end();
	ring_fini(w);
	virtq_chain_fini(&w->c);
	gmem_free(w->mem);
}

/* A chain of one to PARTS parts, every other one with a table. */
static void add(struct world *w)
{
	struct guest_part part[PARTS];
	unsigned n = 1 + rand_below(&w->rng, PARTS), n_read = rand_below(&w->rng, n + 1);
	uint64_t table = rand_below(&w->rng, 2) ? TABLES + 0x100ull * rand_below(&w->rng, 4) : 0;

	for (unsigned i = 0; i < n; i++)
		part[i] = (struct guest_part){DATA + 0x100 * i, 1 + rand_below(&w->rng, 99),
					      i >= n_read};
	if (is_packed(w)) {
		assert_true(guest_packed_add(&w->packed, part, n, table) >= 0);
	} else {
		assert_true(guest_ring_add(&w->split, part, n, table, 0) >= 0);
		guest_ring_publish(&w->split);
	}
}

static void reap(struct world *w)
{
	uint32_t id, len;
	uint16_t id16;

	if (is_packed(w))
		assert_true(guest_packed_reap(&w->packed, &id16, &len));
	else
		assert_true(guest_ring_reap(&w->split, &id, &len));
}

static const uint64_t formats[] = {
	VIRTIO_F_INDIRECT_DESC, VIRTIO_F_INDIRECT_DESC | VIRTIO_F_RING_PACKED,
	VIRTIO_F_INDIRECT_DESC | VIRTIO_F_IN_ORDER | VIRTIO_F_EVENT_IDX,
	VIRTIO_F_INDIRECT_DESC | VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER | VIRTIO_F_EVENT_IDX};

/* The detector sees what the ring reads, and finds a byte that is read twice. */
static void test_detector(void **state)
{
	for (unsigned f = 0; f < 2; f++) {
		struct world w;

		world_init(&w, formats[f]);
		add(&w);
		watch_again();
		assert_false(watch_saw(w.ram, 16));
		assert_int_equal(virtq_pop(&w.vq, &w.c), 1);
		assert_true(watch_saw(w.ram, 16)); /* the first descriptor */
		assert_int_equal(watch_n_twice(), 0);
		(void)watched_twice(w.ram + 0x1234);
		assert_int_equal(watch_n_twice(), 1);
		world_fini(&w);
	}
}

static void test_read_once(void **state)
{
	for (unsigned f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		struct world w;

		world_init(&w, formats[f] & ~VIRTIO_F_IN_ORDER);
		for (unsigned i = 0; i < POPS; i++) {
			add(&w);
			watch_again();
			assert_int_equal(virtq_pop(&w.vq, &w.c), 1);
			assert_int_equal(watch_n_twice(), 0);
			virtq_push(&w.vq, &w.c, w.c.write_len);
			virtq_publish(&w.vq);
			reap(&w);
		}
		world_fini(&w);
	}
}

static void *flipper(void *arg)
{
	struct world *w = arg;
	uint64_t rng = 99;

	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		uint8_t *p = w->ram + rand_below(&rng, RING_LEN);

		if (rand_below(&rng, 2))
			p += TABLES - RAM_BASE;
		(void)__atomic_fetch_xor(p, (uint8_t)(1u << rand_below(&rng, 8)), __ATOMIC_RELAXED);
	}
	return NULL;
}

static void check_chain(const struct world *w)
{
	const struct virtq_chain *c = &w->c;
	uint64_t len = 0;

	for (unsigned i = 0; i < c->n_read + c->n_write; i++) {
		assert_int_equal(c->iov[i].iov_len, c->seg[i].len);
		assert_ptr_equal(c->iov[i].iov_base,
				 gmem_map(w->mem, c->seg[i].gpa, c->seg[i].len));
		assert_non_null(c->iov[i].iov_base);
		len += c->seg[i].len;
	}
	assert_int_equal(len, (uint64_t)c->read_len + c->write_len);
}

/* One chain of random bits, most of which make some sense: with the descriptors and tables all
 * over the place, the flipper does the rest. */
static void scatter(struct world *w)
{
	for (unsigned i = 0; i < SIZE; i++) {
		uint64_t gpa = rand_below(&w->rng, 4) ? DATA : TABLES;
		uint16_t flags = (uint16_t)rand_below(&w->rng, 8);

		if (is_packed(w))
			guest_packed_write(&w->packed, i, true, (struct guest_part){gpa, 32, false},
					   flags, 0);
		else
			guest_desc_write(w->mem, w->split.desc, i, gpa, 32, flags,
					 (uint16_t)rand_below(&w->rng, SIZE));
		guest_desc_write(w->mem, TABLES, i, DATA, 8, flags, flags);
	}
	if (!is_packed(w))
		guest_ring_offer(&w->split, (uint16_t)rand_below(&w->rng, SIZE));
}

static void test_flipped(void **state)
{
	for (unsigned f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		unsigned served = 0, broken = 0;
		struct world w;
		pthread_t thread;

		world_init(&w, formats[f]);
		assert_int_equal(pthread_create(&thread, NULL, flipper, &w), 0);
		for (unsigned i = 0; i < POPS; i++) {
			int r;

			scatter(&w);
			watch_again();
			r = virtq_pop(&w.vq, &w.c);
			/* A split chain that is a loop comes by again, and a flip may end it. */
			assert_true(r == -EPROTO || !is_packed(&w) || !watch_n_twice());
			if (r > 0) {
				check_chain(&w);
				virtq_push(&w.vq, &w.c, w.c.write_len);
				virtq_publish(&w.vq);
				(void)virtq_wants_interrupt(&w.vq);
				served++;
			}
			broken += r < 0;
			if (r < 0 || i % 8 == 7) {
				ring_fini(&w);
				ring_init(&w);
			}
		}
		atomic_store(&w.stop, true);
		pthread_join(thread, NULL);
		assert_true(served > POPS / 50 && broken > POPS / 50);
		world_fini(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detector),
		cmocka_unit_test(test_read_once),
		cmocka_unit_test(test_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
