/* SPDX-License-Identifier: MIT */
/*
 * IN_ORDER, one step at a time and in both formats: what is pushed too early waits, one used entry
 * stands for a batch, and a chain that was not written in full ends its batch.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "lib/guest_packed.h"
#include "virtio/virtq.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE (1u << 20)
#define DATA     (RAM_BASE + 0x40000)
#define SIZE     8u
#define LEN      16u

struct world {
	struct gmem *mem;
	struct guest_ring split;
	struct guest_packed packed;
	bool is_packed;
	struct virtq vq;
	struct virtq_waiting waiting[SIZE];
	struct virtq_chain c[SIZE];
};

static void init(struct world *w, bool packed)
{
	struct virtq_setup s = {.size = SIZE, .features = VIRTIO_F_IN_ORDER, .waiting = w->waiting};

	memset(w, 0, sizeof(*w));
	w->is_packed = packed;
	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	if (packed) {
		guest_packed_init(&w->packed, w->mem, RAM_BASE, SIZE, (struct guest_place){0, true},
				  false);
		guest_packed_in_order(&w->packed);
		s.features |= VIRTIO_F_RING_PACKED;
		s.desc = w->packed.desc;
		s.driver = w->packed.driver;
		s.device = w->packed.device;
	} else {
		guest_ring_init(&w->split, w->mem, RAM_BASE, SIZE, 0, false);
		guest_ring_in_order(&w->split);
		s.desc = w->split.desc;
		s.driver = w->split.avail;
		s.device = w->split.used;
	}
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(virtq_chain_init(&w->c[i], 2), 0);
}

static void fini(struct world *w)
{
	for (unsigned i = 0; i < SIZE; i++)
		virtq_chain_fini(&w->c[i]);
	if (w->is_packed)
		guest_packed_fini(&w->packed);
	else
		guest_ring_fini(&w->split);
	gmem_free(w->mem);
}

/* Makes n chains of LEN writable bytes available and pops them. */
static void pop(struct world *w, unsigned n)
{
	struct guest_part part = {DATA, LEN, true};

	for (unsigned i = 0; i < n; i++) {
		if (w->is_packed) {
			assert_true(guest_packed_add(&w->packed, &part, 1, 0) >= 0);
		} else {
			assert_true(guest_ring_add(&w->split, &part, 1, 0, 0) >= 0);
			guest_ring_publish(&w->split);
		}
		assert_int_equal(virtq_pop(&w->vq, &w->c[i]), 1);
	}
}

/* How many used entries lie in the first n places: an entry names a chain and its length, while a
 * place that was passed over is as before, zero or available. */
static unsigned n_entries(const struct world *w, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p;

		if (w->is_packed) {
			p = gmem_map(w->mem, w->packed.desc + 16ull * i, 16);
			found += (le16_load(p + 14) & 0x8080) == 0x8080;
		} else {
			p = gmem_map(w->mem, w->split.used + 4 + 8ull * i, 8);
			found += le32_load(p + 4) != 0;
		}
	}
	return found;
}

static void expect_reaped(struct world *w, unsigned from, unsigned n, uint32_t last_len)
{
	for (unsigned i = from; i < from + n; i++) {
		uint32_t id, len;
		uint16_t id16;

		if (w->is_packed) {
			assert_true(guest_packed_reap(&w->packed, &id16, &len));
			id = id16;
		} else {
			assert_true(guest_ring_reap(&w->split, &id, &len));
		}
		assert_int_equal(id, w->c[i].head);
		assert_int_equal(len, i + 1 < from + n ? GUEST_WHOLE : last_len);
	}
}

static void expect_nothing(struct world *w)
{
	uint32_t id, len;
	uint16_t id16;

	if (w->is_packed)
		assert_false(guest_packed_reap(&w->packed, &id16, &len));
	else
		assert_false(guest_ring_reap(&w->split, &id, &len));
	assert_false(virtq_wants_interrupt(&w->vq));
}

/* Pushed last first: all of it becomes visible with the first chain, by one entry. */
static void check_one_entry(bool packed)
{
	struct world w;

	init(&w, packed);
	pop(&w, 5);
	for (unsigned i = 5; i-- > 1;)
		virtq_push(&w.vq, &w.c[i], LEN);
	virtq_publish(&w.vq);
	expect_nothing(&w);
	assert_int_equal(virtq_in_flight(&w.vq), 1);
	virtq_push(&w.vq, &w.c[0], LEN);
	expect_nothing(&w);
	virtq_publish(&w.vq);
	assert_true(virtq_wants_interrupt(&w.vq));
	assert_false(virtq_wants_interrupt(&w.vq));
	assert_int_equal(n_entries(&w, 5), 1);
	expect_reaped(&w, 0, 5, LEN);
	expect_nothing(&w);
	fini(&w);
}

/* The driver takes what was passed over for written in full, so this must not be passed over. */
static void check_short_ends_batch(bool packed)
{
	struct world w;

	init(&w, packed);
	pop(&w, 6);
	for (unsigned i = 0; i < 6; i++)
		virtq_push(&w.vq, &w.c[i], i == 1 || i == 2 ? LEN - 1 : LEN);
	virtq_publish(&w.vq);
	assert_true(virtq_wants_interrupt(&w.vq));
	assert_int_equal(n_entries(&w, 6), 3);
	expect_reaped(&w, 0, 2, LEN - 1);
	expect_reaped(&w, 2, 1, LEN - 1);
	expect_reaped(&w, 3, 3, LEN);
	expect_nothing(&w);
	fini(&w);
}

/* A chain that is given back unserved has no place in the order. */
static void check_unpop(bool packed)
{
	struct world w;

	init(&w, packed);
	pop(&w, 3);
	virtq_unpop(&w.vq, &w.c[2]);
	virtq_unpop(&w.vq, &w.c[1]);
	virtq_push(&w.vq, &w.c[0], LEN);
	virtq_publish(&w.vq);
	expect_reaped(&w, 0, 1, LEN);
	for (unsigned i = 1; i < 3; i++)
		assert_int_equal(virtq_pop(&w.vq, &w.c[i]), 1);
	virtq_push(&w.vq, &w.c[2], LEN);
	virtq_push(&w.vq, &w.c[1], LEN);
	virtq_publish(&w.vq);
	expect_reaped(&w, 1, 2, LEN);
	fini(&w);
}

/* A batch as long as the ring, again and again. */
static void check_whole_ring(bool packed)
{
	struct world w;

	init(&w, packed);
	for (unsigned round = 0; round < 5; round++) {
		pop(&w, SIZE);
		for (unsigned i = 0; i < SIZE; i++)
			virtq_push(&w.vq, &w.c[(i + round) % SIZE], LEN);
		virtq_publish(&w.vq);
		assert_true(virtq_wants_interrupt(&w.vq));
		expect_reaped(&w, 0, SIZE, LEN);
		expect_nothing(&w);
	}
	fini(&w);
}

#define BOTH(name)                            \
	static void test_##name(void **state) \
	{                                     \
		check_##name(false);          \
		check_##name(true);           \
	}

BOTH(one_entry)
BOTH(short_ends_batch)
BOTH(unpop)
BOTH(whole_ring)

/* Chains that wait count as in flight: a driver cannot have made more than the ring holds. */
static void test_too_many(void **state)
{
	struct world w;

	init(&w, false);
	pop(&w, SIZE);
	virtq_push(&w.vq, &w.c[1], LEN);
	guest_ring_offer(&w.split, 0);
	assert_int_equal(virtq_pop(&w.vq, &w.c[1]), -EPROTO);
	fini(&w);
}

static void test_needs_room(void **state)
{
	struct virtq_setup s = {.size = SIZE, .features = VIRTIO_F_IN_ORDER};
	struct world w;

	init(&w, false);
	s.desc = w.split.desc;
	s.driver = w.split.avail;
	s.device = w.split.used;
	assert_int_equal(virtq_init(&w.vq, w.mem, &s), -EINVAL);
	fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_entry), cmocka_unit_test(test_short_ends_batch),
		cmocka_unit_test(test_unpop),     cmocka_unit_test(test_whole_ring),
		cmocka_unit_test(test_too_many),  cmocka_unit_test(test_needs_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
