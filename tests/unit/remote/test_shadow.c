/* SPDX-License-Identifier: MIT */
/* The driver's side of a ring whose device may lie, against the device's side of src/virtio. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "lib/rand.h"
#include "mem/gmem.h"
#include "remote/shadow.h"
#include "virtio/virtq.h"

#define RINGS 0x40000000ull
#define RAM   0x80000000ull
#define SLOTS 32u

struct world {
	struct gmem *mem;
	uint8_t *ring;
	struct shadow s;
	struct virtq device;
	struct virtq_chain out, in; /* what we offer, what the device sees */
};

static int setup(void **state)
{
	static struct world w;
	struct virtq_setup v = {.size = SHADOW_SIZE,
				.desc = RINGS,
				.driver = RINGS + SHADOW_AVAIL,
				.device = RINGS + SHADOW_USED,
				.features = VIRTIO_F_VERSION_1};

	memset(&w, 0, sizeof(w));
	assert_int_equal(gmem_new(&w.mem), 0);
	assert_int_equal(gmem_add_ram(w.mem, RINGS, SHADOW_BYTES), 0);
	assert_int_equal(gmem_add_ram(w.mem, RAM, 1 << 20), 0);
	w.ring = gmem_map(w.mem, RINGS, SHADOW_BYTES);
	assert_int_equal(shadow_init(&w.s, w.ring, SLOTS), 0);
	assert_int_equal(virtq_init(&w.device, w.mem, &v), 0);
	assert_int_equal(virtq_chain_init(&w.out, SHADOW_SIZE), 0);
	assert_int_equal(virtq_chain_init(&w.in, SHADOW_SIZE), 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	virtq_chain_fini(&w->in);
	virtq_chain_fini(&w->out);
	shadow_fini(&w->s);
	gmem_free(w->mem);
	return 0;
}

/* A chain of so many parts of 16 bytes each. */
static void make(struct world *w, unsigned n_read, unsigned n_write, uint64_t gpa)
{
	struct virtq_chain *c = &w->out;

	c->n_read = n_read;
	c->n_write = n_write;
	c->read_len = 16 * n_read;
	c->write_len = 16 * n_write;
	for (unsigned i = 0; i < n_read + n_write; i++)
		c->seg[i] = (struct virtq_seg){.gpa = gpa + 32ull * i, .len = 16};
}

static void expect(struct world *w, unsigned slot, uint32_t written)
{
	unsigned got;
	uint32_t len;

	assert_int_equal(shadow_take(&w->s, &got, &len), 1);
	assert_int_equal(got, slot);
	assert_int_equal(len, written);
}

/* 200,000 chains of any shape, returned in any order, come back whole. */
static void test_many(void **state)
{
	struct world *w = *state;
	struct virtq_chain held[4];
	uint64_t seed = 1;
	uint32_t len;
	unsigned n_held = 0, slot_of[4], n = 0, got, next_slot = 0;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(virtq_chain_init(&held[i], SHADOW_SIZE), 0);
	while (n < 200000) {
		unsigned reads = rand_below(&seed, 5), writes = rand_below(&seed, 250) + 1;

		if (n_held == 4 || (n_held && rand_below(&seed, 2))) {
			unsigned pick = rand_below(&seed, n_held);
			struct virtq_chain done = held[pick];

			virtq_push(&w->device, &done, done.write_len - 1);
			virtq_publish(&w->device);
			assert_int_equal(shadow_take(&w->s, &got, &len), 1);
			assert_int_equal(got, slot_of[pick]);
			assert_int_equal(len, done.write_len - 1);
			assert_int_equal(shadow_take(&w->s, &got, &len), 0);
			held[pick] = held[--n_held];
			held[n_held] = done;
			slot_of[pick] = slot_of[n_held];
			n++;
			continue;
		}
		if (!shadow_has_room(&w->s, reads + writes))
			continue;
		do {
			next_slot = (next_slot + 1) % SLOTS;
		} while (w->s.slot[next_slot].used);
		make(w, reads, writes, RAM + 16 * n_held);
		shadow_add(&w->s, next_slot, &w->out);
		assert_true(shadow_publish(&w->s));
		assert_int_equal(virtq_pop(&w->device, &held[n_held]), 1);
		assert_int_equal(held[n_held].n_read, reads);
		assert_int_equal(held[n_held].n_write, writes);
		assert_memory_equal(held[n_held].seg, w->out.seg,
				    (reads + writes) * sizeof(w->out.seg[0]));
		slot_of[n_held++] = next_slot;
	}
	for (unsigned i = 0; i < 4; i++)
		virtq_chain_fini(&held[i]);
}

static void test_full(void **state)
{
	struct world *w = *state;

	assert_true(shadow_has_room(&w->s, SHADOW_SIZE));
	make(w, SHADOW_SIZE - 1, 1, RAM);
	shadow_add(&w->s, 3, &w->out);
	assert_false(shadow_has_room(&w->s, 1));
	assert_true(shadow_publish(&w->s));
	assert_false(shadow_publish(&w->s));
	assert_int_equal(virtq_pop(&w->device, &w->in), 1);
	assert_int_equal(w->in.n_read, SHADOW_SIZE - 1);
	virtq_push(&w->device, &w->in, 16);
	virtq_publish(&w->device);
	expect(w, 3, 16);
	assert_true(shadow_has_room(&w->s, SHADOW_SIZE));
}

static void test_no_kicks_wanted(void **state)
{
	struct world *w = *state;

	virtq_disable_kicks(&w->device);
	make(w, 1, 1, RAM);
	shadow_add(&w->s, 0, &w->out);
	assert_false(shadow_publish(&w->s));
	assert_true(virtq_enable_kicks(&w->device));
	make(w, 1, 1, RAM);
	shadow_add(&w->s, 1, &w->out);
	assert_true(shadow_publish(&w->s));
}

/* What the device says is used while one chain of two parts, at descriptor 0, is in flight. */
static int take_after(struct world *w, uint16_t idx, uint32_t id, uint32_t len)
{
	uint8_t *used = w->ring + SHADOW_USED;
	unsigned slot = 99;

	make(w, 1, 1, RAM);
	shadow_add(&w->s, 7, &w->out);
	le16_store(used + 2, idx);
	le32_store(used + 4, id);
	le32_store(used + 8, len);
	return shadow_take(&w->s, &slot, &len);
}

static void test_lies(void **state)
{
	static const struct {
		uint16_t idx;
		uint32_t id, len;
		int ret;
	} lies[] = {
		{0, 0, 0, 0},
		{1, 0, 16, 1},
		{1, 0, 17, -EPROTO},
		{1, 1, 0, -EPROTO},
		{1, 2, 0, -EPROTO},
		{1, SHADOW_SIZE, 0, -EPROTO},
		{1, UINT32_MAX, 0, -EPROTO},
		{1, 0x10000, 0, -EPROTO},
		{1, 0, UINT32_MAX, -EPROTO},
	};
	struct world *w = *state;

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		shadow_reset(&w->s);
		assert_int_equal(take_after(w, lies[i].idx, lies[i].id, lies[i].len), lies[i].ret);
	}
}

/* However far the index goes, a chain comes back once. */
static void test_twice(void **state)
{
	struct world *w = *state;
	unsigned slot;
	uint32_t len;

	assert_int_equal(take_after(w, 30000, 0, 16), 1);
	assert_int_equal(shadow_take(&w->s, &slot, &len), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_kicks_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
