/* SPDX-License-Identifier: MIT */
/* The packed ring, one step at a time; test_properties.c has the random runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/guest_packed.h"
#include "virtio/virtq.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE (12u << 20)
#define DATA     (RAM_BASE + (2u << 20)) /* where parts lie */
#define PARTS    12u
#define HELD     4u /* chains that the device holds at most */

struct world {
	struct gmem *mem;
	struct guest_packed g;
	struct virtq vq;
	struct virtq_chain held[HELD];
};

static void world_init(struct world *w, uint32_t size, struct guest_place start, uint64_t features)
{
	struct virtq_setup s = {.size = size, .features = features | VIRTIO_F_RING_PACKED};

	memset(w, 0, sizeof(*w));
	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	guest_packed_init(&w->g, w->mem, RAM_BASE, size, start, features & VIRTIO_F_EVENT_IDX);
	s.desc = w->g.desc;
	s.driver = w->g.driver;
	s.device = w->g.device;
	s.next_avail = s.next_used = guest_packed_state(start);
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	for (unsigned i = 0; i < HELD; i++)
		assert_int_equal(virtq_chain_init(&w->held[i], PARTS), 0);
	assert_false(virtq_enable_kicks(&w->vq));
	assert_false(guest_packed_arm(&w->g));
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < HELD; i++)
		virtq_chain_fini(&w->held[i]);
	guest_packed_fini(&w->g);
	gmem_free(w->mem);
}

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
		cmocka_unit_test(test_recheck),         cmocka_unit_test(test_batch),
		cmocka_unit_test(test_event_far_ahead), cmocka_unit_test(test_event_nonsense),
		cmocka_unit_test(test_code_tracking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
