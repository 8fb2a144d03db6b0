/* SPDX-License-Identifier: MIT */
/*
 * The packed ring against an independent driver: random chains, in bursts, completed out of order,
 * over many ring sizes and places to begin at. What must hold:
 *   - chains come out as they went in, part by part, in order;
 *   - used descriptors name them, with the length written;
 *   - a side that asked to be told (and saw nothing pending) is told.
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
	uint32_t written;
};

struct world {
	uint64_t rng;
	struct gmem *mem;
	struct guest_packed g;
	struct virtq vq;
	bool indirect;
	struct made *made;  /* by id */
	uint16_t *expected; /* ids in the order of making, by index modulo 2^16 */
	uint16_t n_made, n_popped;
	struct virtq_chain held[HELD];
	unsigned n_held;
	bool driver_waits, driver_deaf, device_waits;
};

static void world_init(struct world *w, uint32_t size, struct guest_place start, uint64_t features)
{
	struct virtq_setup s = {.size = size, .features = features | VIRTIO_F_RING_PACKED};

	memset(w, 0, sizeof(*w));
	w->rng = size * 77 + start.slot * 2 + start.wrap + features;
	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	guest_packed_init(&w->g, w->mem, RAM_BASE, size, start, features & VIRTIO_F_EVENT_IDX);
	w->indirect = features & VIRTIO_F_INDIRECT_DESC;
	s.desc = w->g.desc;
	s.driver = w->g.driver;
	s.device = w->g.device;
	s.next_avail = s.next_used = guest_packed_state(start);
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	w->made = calloc(size, sizeof(*w->made));
	w->expected = calloc(65536, sizeof(*w->expected));
	for (unsigned i = 0; i < HELD; i++)
		assert_int_equal(virtq_chain_init(&w->held[i], PARTS), 0);
	w->driver_waits = w->device_waits = true;
	assert_false(virtq_enable_kicks(&w->vq));
	assert_false(guest_packed_arm(&w->g));
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < HELD; i++)
		virtq_chain_fini(&w->held[i]);
	free(w->made);
	free(w->expected);
	guest_packed_fini(&w->g);
	gmem_free(w->mem);
}

/* ---- the driver ---- */

static bool driver_make(struct world *w)
{
	unsigned n = 1 + rand_below(&w->rng, PARTS), n_read = rand_below(&w->rng, n + 1);
	struct guest_part part[PARTS];
	uint64_t table = 0;
	int id;

	for (unsigned i = 0; i < n; i++) {
		part[i].len = rand_below(&w->rng, 8) ? 1 + rand_below(&w->rng, 300) : 0;
		part[i].gpa = DATA + rand_below(&w->rng, DATA_SIZE - 300);
		part[i].write = i >= n_read;
	}
	if (w->indirect && rand_below(&w->rng, 2))
		table = TABLES + 16ull * PARTS * w->g.avail.slot;
	else if (n > w->g.size)
		n = w->g.size;
	id = guest_packed_add(&w->g, part, n, table);
	if (id < 0)
		return false;
	memcpy(w->made[id].part, part, sizeof(part));
	w->made[id].n = n;
	w->expected[w->n_made++] = (uint16_t)id;
	return true;
}

static void driver_step(struct world *w)
{
	uint32_t len;
	uint16_t id;

	for (unsigned burst = rand_below(&w->rng, 6); burst && driver_make(w); burst--)
		continue;
	if (rand_below(&w->rng, 4)) {
		bool pending = w->g.n_unannounced;
		bool kick = guest_packed_announce(&w->g);

		if (w->device_waits && pending) {
			assert_true(kick);
			w->device_waits = false;
		}
	}
	if (rand_below(&w->rng, 2))
		return;
	while (guest_packed_reap(&w->g, &id, &len))
		assert_int_equal(len, w->made[id].written);
	w->driver_deaf = rand_below(&w->rng, 2);
	if (w->driver_deaf)
		guest_packed_disarm(&w->g);
	w->driver_waits = !w->driver_deaf && !guest_packed_arm(&w->g);
}

/* ---- the device ---- */

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
			w->g.n_unannounced = 0;
			return;
		}
		check_chain(w, &w->held[w->n_held]);
		if (!rand_below(&w->rng, 5)) {
			virtq_unpop(&w->vq, &w->held[w->n_held]);
			return;
		}
		w->n_popped++;
		w->n_held++;
	}
}

static void device_push(struct world *w)
{
	unsigned n = rand_below(&w->rng, w->n_held + 1);
	bool wants;

	for (unsigned k = 0; k < n; k++) {
		unsigned i = rand_below(&w->rng, w->n_held);
		struct virtq_chain c = w->held[i];
		uint32_t written = c.write_len ? rand_below(&w->rng, c.write_len + 1) : 0;

		w->made[c.head].written = written;
		virtq_push(&w->vq, &c, written);
		w->held[i] = w->held[--w->n_held];
		w->held[w->n_held] = c;
	}
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

static void run(uint32_t size, struct guest_place start, uint64_t features, uint32_t chains)
{
	struct world w;
	uint32_t done = 0;

	world_init(&w, size, start, features);
	for (uint32_t step = 0; done < chains && step < 20 * chains; step++) {
		uint16_t before = w.n_popped;

		driver_step(&w);
		device_pop(&w);
		done += (uint16_t)(w.n_popped - before);
		device_push(&w);
	}
	assert_true(done >= chains);
	world_fini(&w);
}

static void test_sizes(void **state)
{
	static const uint64_t features[] = {0, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC,
					    VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC};
	/* A packed ring's size need not be a power of two. */
	static const uint32_t size[] = {1, 2, 3, 5, 16, 63, 256, 1000, 4096, VIRTQ_SIZE_MAX};

	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		for (unsigned f = 0; f < 4; f++) {
			struct guest_place fresh = {.slot = 0, .wrap = true};
			struct guest_place late = {.slot = size[i] - 1, .wrap = f & 1};

			run(size[i], f & 2 ? late : fresh, features[f],
			    size[i] < 4096 ? 3000 : size[i] / 4);
		}
}

/* ---- single steps ---- */

static const struct guest_part word = {.gpa = DATA, .len = 4, .write = true};

/* A chain that comes between the last pop and the wish for kicks is not forgotten. */
static void test_recheck(void **state)
{
	for (unsigned f = 0; f < 2; f++) {
		struct world w;

		world_init(&w, 4, (struct guest_place){3, false}, f ? VIRTIO_F_EVENT_IDX : 0);
		virtq_disable_kicks(&w.vq);
		assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 0);
		assert_true(guest_packed_add(&w.g, &word, 1, 0) >= 0);
		assert_false(guest_packed_announce(&w.g));
		assert_true(virtq_enable_kicks(&w.vq));
		assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 1);
		assert_false(virtq_enable_kicks(&w.vq));
		assert_true(guest_packed_add(&w.g, &word, 1, 0) >= 0);
		assert_true(guest_packed_announce(&w.g));
		world_fini(&w);
	}
}

/* Nothing of a batch is to be seen before it is published, not even what was pushed second. */
static void test_batch(void **state)
{
	struct world w;
	uint32_t len;
	uint16_t id;

	world_init(&w, 4, (struct guest_place){3, true}, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(guest_packed_add(&w.g, &word, 1, 0) >= 0);
		assert_int_equal(virtq_pop(&w.vq, &w.held[i]), 1);
	}
	for (unsigned i = 3; i-- > 0;) {
		virtq_push(&w.vq, &w.held[i], i + 1);
		assert_false(guest_packed_reap(&w.g, &id, &len));
		assert_false(virtq_wants_interrupt(&w.vq));
	}
	virtq_publish(&w.vq);
	for (unsigned i = 3; i-- > 0;) {
		assert_true(guest_packed_reap(&w.g, &id, &len));
		assert_int_equal(id, w.held[i].head);
		assert_int_equal(len, i + 1);
	}
	assert_false(guest_packed_reap(&w.g, &id, &len));
	assert_true(virtq_wants_interrupt(&w.vq));
	assert_false(virtq_wants_interrupt(&w.vq));
	world_fini(&w);
}

/* A driver that looks only for the last of several gets one interrupt, also across the wrap. */
static void test_event_far_ahead(void **state)
{
	struct world w;

	world_init(&w, 8, (struct guest_place){6, true}, VIRTIO_F_EVENT_IDX);
	for (unsigned i = 0; i < 4; i++)
		assert_true(guest_packed_add(&w.g, &word, 1, 0) >= 0);
	guest_packed_event(&w.g, 0, 2); /* slot 0 with the counter 0: the third from here */
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 1);
		virtq_push(&w.vq, &w.held[0], 4);
		virtq_publish(&w.vq);
		assert_int_equal(virtq_wants_interrupt(&w.vq), i == 2);
	}
	world_fini(&w);
}

/* Event words that mean nothing cost an interrupt, never one that is missed. */
static void test_event_nonsense(void **state)
{
	static const struct {
		uint64_t features;
		uint16_t off_wrap, flags;
	} odd[] = {
		{VIRTIO_F_EVENT_IDX, 0x8000, 3},
		{VIRTIO_F_EVENT_IDX, 0xffff, 0xffff},
		{VIRTIO_F_EVENT_IDX, 0x8000 | 8, 2},
		{VIRTIO_F_EVENT_IDX, 0x7fff, 2},
		{0, 0x8000 | 5, 2}, /* the event index was not negotiated */
	};

	for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct world w;

		world_init(&w, 8, (struct guest_place){0, true}, odd[i].features);
		guest_packed_event(&w.g, odd[i].off_wrap, odd[i].flags);
		assert_true(guest_packed_add(&w.g, &word, 1, 0) >= 0);
		assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 1);
		virtq_push(&w.vq, &w.held[0], 4);
		virtq_publish(&w.vq);
		assert_true(virtq_wants_interrupt(&w.vq));
		world_fini(&w);
	}
}

/* What the device writes, and the ring itself, invalidate code that lies there. */
static void test_code_tracking(void **state)
{
	struct world w;
	_Atomic uint32_t *data, *ring;

	world_init(&w, 4, (struct guest_place){0, true}, 0);
	data = gmem_code_word(w.mem, DATA);
	ring = gmem_code_word(w.mem, w.g.desc);
	guest_packed_add(&w.g, &word, 1, 0);
	assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 1);
	*data |= GMEM_HAS_CODE;
	*ring |= GMEM_HAS_CODE;
	virtq_push(&w.vq, &w.held[0], 4);
	virtq_publish(&w.vq);
	assert_false(*data & GMEM_HAS_CODE);
	assert_false(*ring & GMEM_HAS_CODE);
	*ring |= GMEM_HAS_CODE;
	virtq_disable_kicks(&w.vq);
	assert_false(*ring & GMEM_HAS_CODE);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),          cmocka_unit_test(test_recheck),
		cmocka_unit_test(test_batch),          cmocka_unit_test(test_event_far_ahead),
		cmocka_unit_test(test_event_nonsense), cmocka_unit_test(test_code_tracking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
