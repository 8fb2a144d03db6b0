/* SPDX-License-Identifier: MIT */
/* The split ring, one step at a time; test_properties.c has the random runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/guest_ring.h"
#include "virtio/virtq.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE (12u << 20)
#define DATA     (RAM_BASE + (2u << 20)) /* where parts lie */
#define PARTS    12u
#define HELD     4u /* chains that the device holds at most */

struct world {
	struct gmem *mem;
	struct guest_ring g;
	struct virtq vq;
	struct virtq_chain held[HELD];
};

static void world_init(struct world *w, uint32_t size, uint16_t start, uint64_t features)
{
	struct virtq_setup s = {.size = size, .next_avail = start, .next_used = start};

	memset(w, 0, sizeof(*w));
	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	guest_ring_init(&w->g, w->mem, RAM_BASE, size, start, features & VIRTIO_F_EVENT_IDX);
	s.desc = w->g.desc;
	s.driver = w->g.avail;
	s.device = w->g.used;
	s.features = features;
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	for (unsigned i = 0; i < HELD; i++)
		assert_int_equal(virtq_chain_init(&w->held[i], PARTS), 0);
	assert_false(virtq_enable_kicks(&w->vq));
	assert_false(guest_ring_arm(&w->g));
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < HELD; i++)
		virtq_chain_fini(&w->held[i]);
	guest_ring_fini(&w->g);
	gmem_free(w->mem);
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
	virtq_publish(&w.vq);
	assert_false(*word[0] & GMEM_HAS_CODE);
	assert_false(*word[1] & GMEM_HAS_CODE);
	assert_true(*word[2] & GMEM_HAS_CODE);
	assert_false(*word[3] & GMEM_HAS_CODE);
	world_fini(&w);
}

/* Of a batch of more parts than the ring keeps in mind, none is forgotten. */
static void test_code_in_batch(void **state)
{
	enum { CHAINS = 100 };
	struct world w;

	world_init(&w, 128, 0, 0);
	for (uint64_t i = 0; i < CHAINS; i++) {
		struct guest_part p = {DATA + i * 4096, 8, true};

		*gmem_code_word(w.mem, p.gpa) |= GMEM_HAS_CODE;
		guest_ring_add(&w.g, &p, 1, 0, 0);
	}
	guest_ring_publish(&w.g);
	for (unsigned i = 0; i < CHAINS; i++) {
		assert_int_equal(virtq_pop(&w.vq, &w.held[0]), 1);
		virtq_push(&w.vq, &w.held[0], 8);
	}
	virtq_publish(&w.vq);
	for (uint64_t i = 0; i < CHAINS; i++)
		assert_false(*gmem_code_word(w.mem, DATA + i * 4096) & GMEM_HAS_CODE);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recheck),
		cmocka_unit_test(test_event_far_ahead),
		cmocka_unit_test(test_code_tracking),
		cmocka_unit_test(test_code_in_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
