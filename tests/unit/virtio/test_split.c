/* SPDX-License-Identifier: MIT */
/*
 * The split ring against an independent driver: random chains, in bursts, completed out of order,
 * over every ring size and start index. What must hold:
 *   - chains come out as they went in, part by part, in order;
 *   - used entries name them, with the length written;
 *   - a side that asked to be told (and saw nothing pending) is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/guest_ring.h"
#include "lib/rand.h"
#include "virtio/virtq.h"

#define RAM_BASE  0x80000000ull
#define RAM_SIZE  (12u << 20)
#define DATA      (RAM_BASE + (2u << 20)) /* where parts lie */
#define DATA_SIZE (2u << 20)
#define TABLES    (RAM_BASE + (4u << 20)) /* an indirect table for each descriptor */
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
	struct guest_ring g;
	struct virtq vq;
	bool indirect;
	struct made *made;  /* by head */
	uint16_t *expected; /* heads in the order of making, by index modulo 2^16 */
	uint16_t n_made, n_popped;
	struct virtq_chain held[HELD];
	unsigned n_held;
	unsigned outstanding; /* made, not reaped */
	bool kick_due, interrupt_due;
	bool driver_waits, device_waits;
};

static void world_init(struct world *w, uint32_t size, uint16_t start, uint64_t features)
{
	struct virtq_setup s = {.size = size, .next_avail = start, .next_used = start};

	memset(w, 0, sizeof(*w));
	w->rng = size * 77 + start + features;
	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	guest_ring_init(&w->g, w->mem, RAM_BASE, size, start, features & VIRTIO_F_EVENT_IDX);
	w->indirect = features & VIRTIO_F_INDIRECT_DESC;
	s.desc = w->g.desc;
	s.driver = w->g.avail;
	s.device = w->g.used;
	s.features = features;
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	w->made = calloc(size, sizeof(*w->made));
	w->expected = calloc(65536, sizeof(*w->expected));
	for (unsigned i = 0; i < HELD; i++)
		assert_int_equal(virtq_chain_init(&w->held[i], PARTS), 0);
	w->driver_waits = w->device_waits = true;
	assert_false(virtq_enable_kicks(&w->vq));
	assert_false(guest_ring_arm(&w->g));
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < HELD; i++)
		virtq_chain_fini(&w->held[i]);
	free(w->made);
	free(w->expected);
	guest_ring_fini(&w->g);
	gmem_free(w->mem);
}

/* ---- the driver ---- */

static bool driver_make(struct world *w)
{
	unsigned n = 1 + rand_below(&w->rng, PARTS), n_read = rand_below(&w->rng, n + 1);
	struct guest_part part[PARTS];
	uint64_t table = 0;
	unsigned direct = 0;
	int head;

	if (w->outstanding == w->g.size)
		return false;
	for (unsigned i = 0; i < n; i++) {
		part[i].len = rand_below(&w->rng, 8) ? 1 + rand_below(&w->rng, 300) : 0;
		part[i].gpa = DATA + rand_below(&w->rng, DATA_SIZE - 300);
		part[i].write = i >= n_read;
	}
	if (w->indirect && rand_below(&w->rng, 2)) {
		table = TABLES + 16ull * PARTS * w->g.free_head;
		direct = rand_below(&w->rng, 2) ? 0 : rand_below(&w->rng, n);
	}
	if (n > w->g.size && !table)
		n = w->g.size;
	if (table && direct >= w->g.size)
		direct = 0;
	head = guest_ring_add(&w->g, part, n, table, direct);
	if (head < 0)
		return false;
	memcpy(w->made[head].part, part, sizeof(part));
	w->made[head].n = n;
	w->expected[w->n_made++] = (uint16_t)head;
	w->outstanding++;
	return true;
}

static void driver_step(struct world *w)
{
	uint32_t id, len;

	for (unsigned burst = rand_below(&w->rng, 6); burst && driver_make(w); burst--)
		continue;
	if (rand_below(&w->rng, 4)) {
		bool pending = w->g.published != w->g.next_avail;
		bool kick = guest_ring_publish(&w->g);

		if (w->device_waits && pending) {
			assert_true(kick);
			w->device_waits = false;
		}
	}
	if (rand_below(&w->rng, 2))
		return;
	while (guest_ring_reap(&w->g, &id, &len)) {
		assert_int_equal(len, w->made[id].written);
		w->outstanding--;
	}
	if (rand_below(&w->rng, 2)) {
		w->driver_waits = !guest_ring_arm(&w->g);
	} else {
		guest_ring_disarm(&w->g);
		w->driver_waits = false;
	}
}

/* ---- the device ---- */

static void check_chain(struct world *w, const struct virtq_chain *c)
{
	uint16_t head = w->expected[w->n_popped];
	const struct made *m = &w->made[head];
	unsigned at = 0, read = 0, write = 0;

	assert_int_equal(c->head, head);
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
	if (!n)
		assert_false(wants);
	else if (w->driver_waits)
		assert_true(wants);
	else if (!w->g.event_idx &&
		 __atomic_load_n((uint8_t *)gmem_map(w->mem, w->g.avail, 1), __ATOMIC_RELAXED))
		assert_false(wants);
	if (n && w->driver_waits)
		w->driver_waits = false;
	assert_int_equal(virtq_in_flight(&w->vq), w->n_held);
}

static void run(uint32_t size, uint16_t start, uint64_t features, uint32_t chains)
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

static void test_every_size(void **state)
{
	static const uint64_t features[] = {0, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC,
					    VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC};
	static const uint16_t start[] = {0, 1, 0x7fff, 65500, 65535};

	for (uint32_t size = 1; size <= VIRTQ_SIZE_MAX; size *= 2)
		for (unsigned f = 0; f < 4; f++)
			run(size, start[rand_below(&(uint64_t){size + f}, 5)], features[f],
			    size < 8192 ? 3000 : size + 3000);
}

static void test_index_wraps(void **state)
{
	run(2, 65000, VIRTIO_F_EVENT_IDX, 1u << 17);
	run(256, 0, VIRTIO_F_INDIRECT_DESC, 1u << 17);
	run(1024, 65530, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC, 1u << 17);
}

/* A chain that comes between the last pop and the wish for kicks is not forgotten. */
static void test_recheck(void **state)
{
	struct guest_part p = {.gpa = DATA, .len = 4, .write = true};

	for (unsigned f = 0; f < 2; f++) {
		struct world w;

		world_init(&w, 4, 65535, f ? VIRTIO_F_EVENT_IDX : 0);
		virtq_disable_kicks(&w.vq);
		assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 0);
		assert_true(guest_ring_add(&w.g, &p, 1, 0, 0) >= 0);
		guest_ring_publish(&w.g);
		assert_true(virtq_enable_kicks(&w.vq));
		assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 1);
		assert_false(virtq_enable_kicks(&w.vq));
		world_fini(&w);
	}
}

/* With the event index a driver that looks only for the last of a batch gets one interrupt. */
static void test_event_far_ahead(void **state)
{
	struct world w;
	struct virtq_chain *c;
	struct guest_part p = {.gpa = DATA, .len = 4, .write = true};

	world_init(&w, 16, 65534, VIRTIO_F_EVENT_IDX);
	c = &w.held[0];
	for (unsigned i = 0; i < 4; i++)
		assert_true(guest_ring_add(&w.g, &p, 1, 0, 0) >= 0);
	assert_true(guest_ring_publish(&w.g));
	/* used_event: the index of the entry that is to raise it, here the third: 65536 % 2^16. */
	*(uint16_t *)gmem_map(w.mem, w.g.avail + 4 + 2 * 16, 2) = 0;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(virtq_pop(&w.vq, c), 1);
		virtq_push(&w.vq, c, 4);
		assert_false(virtq_wants_interrupt(&w.vq));
		virtq_publish(&w.vq);
		assert_int_equal(virtq_wants_interrupt(&w.vq), i == 2);
	}
	world_fini(&w);
}

/* What the device writes, and the used ring itself, invalidate code that lies there. */
static void test_code_tracking(void **state)
{
	struct world w;
	struct guest_part p[2] = {{DATA + 4090, 10, true}, {DATA + 3 * 4096, 8, true}};
	_Atomic uint32_t *word[4];

	world_init(&w, 4, 0, 0);
	for (unsigned i = 0; i < 4; i++) {
		word[i] = gmem_code_word(w.mem, i == 3 ? w.g.used : DATA + i * 4096);
		*word[i] |= GMEM_HAS_CODE;
	}
	guest_ring_add(&w.g, p, 2, 0, 0);
	guest_ring_publish(&w.g);
	assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 1);
	virtq_push(&w.vq, &w.held[0], 10);
	assert_false(*word[0] & GMEM_HAS_CODE);
	assert_false(*word[1] & GMEM_HAS_CODE);
	assert_true(*word[2] & GMEM_HAS_CODE);
	assert_true(*word[3] & GMEM_HAS_CODE);
	virtq_publish(&w.vq);
	assert_false(*word[3] & GMEM_HAS_CODE);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_size),    cmocka_unit_test(test_index_wraps),
		cmocka_unit_test(test_recheck),       cmocka_unit_test(test_event_far_ahead),
		cmocka_unit_test(test_code_tracking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
