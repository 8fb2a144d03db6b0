/* SPDX-License-Identifier: MIT */
/*
 * Rings against independent drivers (lib/guest_ring.c, lib/guest_packed.c): random chains, in
 * bursts, completed in any order, for each size and start and with each set of features.
 *
 *	test_virtio_properties [OPERATIONS]
 *
 * What must hold:
 *   - chains come out as they went in, part by part, in order;
 *   - used entries name them, with the length written; with IN_ORDER in the order of making, and
 *     those that an entry passes over were written in full;
 *   - a side that asked to be told (and saw nothing pending) is told, and one that asked not to be
 *     is not.
 * An operation is a chain made, popped, given back unserved, pushed, or reaped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/guest_packed.h"
#include "lib/rand.h"
#include "virtio/virtq.h"

#define RAM_BASE  0x80000000ull
#define RAM_SIZE  (12u << 20)
#define DATA      (RAM_BASE + (2u << 20)) /* where parts lie */
#define DATA_SIZE (2u << 20)
#define TABLES    (RAM_BASE + (4u << 20)) /* an indirect table for each slot */
#define PARTS     12u
#define HELD      64u /* chains that the device holds at most */

struct made {
	struct guest_part part[PARTS];
	unsigned n;
	uint32_t write_len, written;
	bool pushed;
};

struct world {
	uint64_t rng, features;
	uint32_t size;
	struct gmem *mem;
	struct guest_ring split;
	struct guest_packed packed;
	struct virtq vq;
	struct virtq_waiting *waiting;
	struct made *made;  /* by what names a chain: head or id */
	uint16_t *expected; /* those names in the order of making, by index modulo 2^16 */
	uint16_t n_made, n_popped, n_used, n_reaped;
	uint64_t operations;
	struct virtq_chain held[HELD];
	unsigned n_held;
	unsigned outstanding; /* made, not reaped */
	bool driver_waits, driver_deaf, device_waits;
};

static bool is_packed(const struct world *w)
{
	return w->features & VIRTIO_F_RING_PACKED;
}

static bool in_order(const struct world *w)
{
	return w->features & VIRTIO_F_IN_ORDER;
}

/* ---- the driver's side of either format ---- */

/* start: the index at which a split ring begins; of a packed one the slot, and the wrap counter. */
static struct virtq_setup lay_out(struct world *w, uint16_t start)
{
	struct guest_place place = {.slot = (start & 0x7fff) % w->size, .wrap = start >> 15};
	bool event_idx = w->features & VIRTIO_F_EVENT_IDX;

	if (is_packed(w)) {
		guest_packed_init(&w->packed, w->mem, RAM_BASE, w->size, place, event_idx);
		if (in_order(w))
			guest_packed_in_order(&w->packed);
		start = guest_packed_state(place);
		return (struct virtq_setup){.desc = w->packed.desc,
					    .driver = w->packed.driver,
					    .device = w->packed.device,
					    .next_avail = start,
					    .next_used = start};
	}
	guest_ring_init(&w->split, w->mem, RAM_BASE, w->size, start, event_idx);
	if (in_order(w))
		guest_ring_in_order(&w->split);
	return (struct virtq_setup){.desc = w->split.desc,
				    .driver = w->split.avail,
				    .device = w->split.used,
				    .next_avail = start,
				    .next_used = start};
}

static int add(struct world *w, const struct guest_part *part, unsigned n)
{
	uint32_t slot = is_packed(w) ? w->packed.avail.slot : w->split.free_head;
	uint64_t table = TABLES + 16ull * PARTS * slot;
	unsigned direct = 0;

	if (!(w->features & VIRTIO_F_INDIRECT_DESC) || rand_below(&w->rng, 2))
		table = 0;
	if (is_packed(w))
		return guest_packed_add(&w->packed, part, n, table);
	if (table && rand_below(&w->rng, 2))
		direct = rand_below(&w->rng, n);
	return guest_ring_add(&w->split, part, n, table, direct < w->size ? direct : 0);
}

/* Publishes. Sets *news if there was something to; whether the device asked for a kick. */
static bool announce(struct world *w, bool *news)
{
	*news = is_packed(w) ? w->packed.n_unannounced : w->split.published != w->split.next_avail;
	return is_packed(w) ? guest_packed_announce(&w->packed) : guest_ring_publish(&w->split);
}

static bool reap(struct world *w, uint32_t *id, uint32_t *len)
{
	uint16_t id16;

	if (!is_packed(w))
		return guest_ring_reap(&w->split, id, len);
	if (!guest_packed_reap(&w->packed, &id16, len))
		return false;
	*id = id16;
	return true;
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

/* ---- the world ---- */

static void world_init(struct world *w, uint32_t size, uint16_t start, uint64_t features)
{
	struct virtq_setup s;

	memset(w, 0, sizeof(*w));
	w->rng = size * 77 + start + features;
	w->size = size;
	w->features = features;
	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	w->waiting = calloc(size, sizeof(*w->waiting));
	w->made = calloc(size, sizeof(*w->made));
	w->expected = calloc(65536, sizeof(*w->expected));
	s = lay_out(w, start);
	s.size = size;
	s.features = features;
	s.waiting = w->waiting;
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	for (unsigned i = 0; i < HELD; i++)
		assert_int_equal(virtq_chain_init(&w->held[i], PARTS), 0);
	w->driver_waits = w->device_waits = true;
	assert_false(virtq_enable_kicks(&w->vq));
	assert_false(arm(w));
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < HELD; i++)
		virtq_chain_fini(&w->held[i]);
	free(w->waiting);
	free(w->made);
	free(w->expected);
	if (is_packed(w))
		guest_packed_fini(&w->packed);
	else
		guest_ring_fini(&w->split);
	gmem_free(w->mem);
}

/* ---- what the driver does ---- */

static bool driver_make(struct world *w)
{
	unsigned n = 1 + rand_below(&w->rng, w->size < PARTS ? w->size : PARTS);
	unsigned n_read = rand_below(&w->rng, n + 1);
	struct made m = {.n = n};
	int id;

	if (w->outstanding == w->size)
		return false;
	for (unsigned i = 0; i < n; i++) {
		m.part[i].len = rand_below(&w->rng, 8) ? 1 + rand_below(&w->rng, 300) : 0;
		m.part[i].gpa = DATA + rand_below(&w->rng, DATA_SIZE - 300);
		m.part[i].write = i >= n_read;
		m.write_len += i >= n_read ? m.part[i].len : 0;
	}
	id = add(w, m.part, n);
	if (id < 0)
		return false;
	w->made[id] = m;
	w->expected[w->n_made++] = (uint16_t)id;
	w->outstanding++;
	w->operations++;
	return true;
}

static void driver_reap(struct world *w)
{
	uint32_t id, len;

	while (reap(w, &id, &len)) {
		const struct made *m = &w->made[id];

		assert_true(m->pushed);
		assert_int_equal(len == GUEST_WHOLE ? m->write_len : len, m->written);
		if (in_order(w))
			assert_int_equal(id, w->expected[w->n_reaped]);
		w->n_reaped++;
		w->outstanding--;
		w->operations++;
	}
}

static void driver_step(struct world *w)
{
	for (unsigned burst = rand_below(&w->rng, 6); burst && driver_make(w); burst--)
		continue;
	if (rand_below(&w->rng, 4)) {
		bool news, kick = announce(w, &news);

		if (w->device_waits && news) {
			assert_true(kick);
			w->device_waits = false;
		}
	}
	if (rand_below(&w->rng, 2))
		return;
	driver_reap(w);
	w->driver_deaf = rand_below(&w->rng, 2);
	if (w->driver_deaf)
		disarm(w);
	w->driver_waits = !w->driver_deaf && !arm(w);
}

/* ---- what the device does ---- */

static void check_chain(struct world *w, const struct virtq_chain *c)
{
	uint16_t id = w->expected[w->n_popped];
	const struct made *m = &w->made[id];
	unsigned at = 0, read = 0, write = 0;

	assert_int_equal(c->head, id);
	for (unsigned i = 0; i < m->n; i++) {
		if (!m->part[i].len)
			continue;
		assert_ptr_equal(c->iov[at].iov_base, gmem_map(w->mem, m->part[i].gpa, 1));
		assert_int_equal(c->iov[at].iov_len, m->part[i].len);
		at++;
		*(m->part[i].write ? &write : &read) += m->part[i].len;
		assert_true(m->part[i].write == (at > c->n_read));
	}
	assert_int_equal(at, c->n_read + c->n_write);
	assert_int_equal(read, c->read_len);
	assert_int_equal(write, c->write_len);
}

static void device_pop(struct world *w)
{
	virtq_disable_kicks(&w->vq);
	w->device_waits = false;
	while (w->n_held < HELD) {
		int r = virtq_pop(&w->vq, &w->held[w->n_held]);

		assert_true(r >= 0);
		if (!r) {
			w->device_waits = !virtq_enable_kicks(&w->vq);
			/* What it has seen it need not be told of. */
			w->packed.n_unannounced = 0;
			return;
		}
		check_chain(w, &w->held[w->n_held]);
		w->operations++;
		if (!rand_below(&w->rng, 5)) {
			virtq_unpop(&w->vq, &w->held[w->n_held]);
			return;
		}
		w->n_popped++;
		w->n_held++;
	}
}

static void push_one(struct world *w)
{
	unsigned i = rand_below(&w->rng, w->n_held);
	struct virtq_chain c = w->held[i];
	struct made *m = &w->made[c.head];

	/* Often all of it, as devices do, so that IN_ORDER has batches. */
	m->written = rand_below(&w->rng, 4) ? c.write_len : rand_below(&w->rng, c.write_len + 1);
	m->pushed = true;
	virtq_push(&w->vq, &c, m->written);
	w->held[i] = w->held[--w->n_held];
	w->held[w->n_held] = c;
	w->operations++;
}

/* How many chains become visible to the driver when all n that were pushed are published. */
static unsigned n_visible(struct world *w, unsigned n)
{
	if (!in_order(w))
		return n;
	for (n = 0; w->n_used != w->n_popped && w->made[w->expected[w->n_used]].pushed; n++)
		w->n_used++;
	return n;
}

static void device_push(struct world *w)
{
	unsigned n = rand_below(&w->rng, w->n_held + 1);
	bool wants;

	for (unsigned k = 0; k < n; k++)
		push_one(w);
	n = n_visible(w, n);
	virtq_publish(&w->vq);
	wants = virtq_wants_interrupt(&w->vq);
	if (!n || w->driver_deaf)
		assert_false(wants);
	else if (w->driver_waits)
		assert_true(wants);
	if (n)
		w->driver_waits = false;
	assert_int_equal(virtq_in_flight(&w->vq), w->n_held);
}

/* ---- runs ---- */

static void run(uint32_t size, uint16_t start, uint64_t features, uint64_t operations)
{
	struct world w;

	world_init(&w, size, start, features);
	for (uint64_t step = 0; w.operations < operations; step++) {
		assert_true(step < 20 * operations);
		driver_step(&w);
		device_pop(&w);
		device_push(&w);
	}
	world_fini(&w);
}

/* With and without each feature; close to where indices wrap. */
static void run_size(uint32_t size, uint64_t format, uint64_t operations)
{
	for (unsigned f = 0; f < 8; f++) {
		uint64_t features = format | (f & 1 ? VIRTIO_F_EVENT_IDX : 0) |
				    (f & 2 ? VIRTIO_F_INDIRECT_DESC : 0) |
				    (f & 4 ? VIRTIO_F_IN_ORDER : 0);
		uint16_t start = (uint16_t)(65535 - f * 37);

		if (format) /* a slot close to the end of the ring, in a round of either kind */
			start = (uint16_t)((f & 1) << 15 | (size - 1 - (f >> 1) % size));
		run(size, start, features, operations);
	}
}

static uint64_t operations_wanted = 4000;

static void test_split(void **state)
{
	for (uint32_t size = 1; size <= VIRTQ_SIZE_MAX; size *= 2)
		run_size(size, 0, operations_wanted);
}

static void test_packed(void **state)
{
	/* A packed ring's size need not be a power of two. */
	static const uint32_t size[] = {1,   2,   3,    7,    8,     255,
					256, 257, 1000, 1024, 32767, VIRTQ_SIZE_MAX};

	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		run_size(size[i], VIRTIO_F_RING_PACKED, operations_wanted);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_packed),
	};

	if (argc > 1)
		operations_wanted = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
