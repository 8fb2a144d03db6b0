/* SPDX-License-Identifier: MIT */
/*
 * Rings that break the specification, one class a test: each is -EPROTO, once and for good, and
 * leaves what is in flight alone. And set-ups that virtq_init() must refuse.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/guest_ring.h"
#include "virtio/virtq.h"

#define RAM_BASE  0x80000000ull
#define RAM_SIZE  (1u << 20)
#define RAM2_BASE (RAM_BASE + RAM_SIZE) /* a second region right behind the first */
#define HOLE      (RAM2_BASE + RAM_SIZE)
#define DATA      (RAM_BASE + 0x40000)
#define TABLE     (RAM_BASE + 0x80000)
#define SIZE      8u

enum { NEXT = VIRTQ_DESC_F_NEXT, WRITE = VIRTQ_DESC_F_WRITE, INDIRECT = VIRTQ_DESC_F_INDIRECT };

struct world {
	struct gmem *mem;
	struct guest_ring g;
	struct virtq vq;
	struct virtq_chain c;
};

static void start(struct world *w, uint64_t features)
{
	struct virtq_setup s = {.size = SIZE, .features = features};

	assert_int_equal(gmem_new(&w->mem), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE), 0);
	assert_int_equal(gmem_add_ram(w->mem, RAM2_BASE, RAM_SIZE), 0);
	guest_ring_init(&w->g, w->mem, RAM_BASE, SIZE, 0, false);
	s.desc = w->g.desc;
	s.driver = w->g.avail;
	s.device = w->g.used;
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	assert_int_equal(virtq_chain_init(&w->c, 2 * SIZE), 0);
}

static int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	start(&w, VIRTIO_F_INDIRECT_DESC);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	virtq_chain_fini(&w->c);
	guest_ring_fini(&w->g);
	gmem_free(w->mem);
	return 0;
}

static void desc(struct world *w, uint32_t i, uint64_t addr, uint32_t len, unsigned flags,
		 uint16_t next)
{
	guest_desc_write(w->mem, w->g.desc, i, addr, len, (uint16_t)flags, next);
}

static void table(struct world *w, uint32_t i, uint64_t addr, uint32_t len, unsigned flags,
		  uint16_t next)
{
	guest_desc_write(w->mem, TABLE, i, addr, len, (uint16_t)flags, next);
}

/* Offers the chain at 0 and expects it refused, also when asked again. */
static void refused(struct world *w)
{
	guest_ring_offer(&w->g, 0);
	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
	desc(w, 0, DATA, 4, 0, 0);
	guest_ring_offer(&w->g, 0);
	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
	assert_int_equal(virtq_in_flight(&w->vq), 0);
}

static void accepted(struct world *w, unsigned n_read, unsigned n_write)
{
	guest_ring_offer(&w->g, 0);
	assert_int_equal(virtq_pop(&w->vq, &w->c), 1);
	assert_int_equal(w->c.n_read, n_read);
	assert_int_equal(w->c.n_write, n_write);
}

static void test_head_out_of_range(void **state)
{
	struct world *w = *state;

	guest_ring_offer(&w->g, SIZE);
	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
}

static void test_next_out_of_range(void **state)
{
	desc(*state, 0, DATA, 4, NEXT, SIZE);
	refused(*state);
}

static void test_loop_to_itself(void **state)
{
	desc(*state, 0, DATA, 4, NEXT, 0);
	refused(*state);
}

static void test_loop_of_empty_descriptors(void **state)
{
	desc(*state, 0, DATA, 0, NEXT, 1);
	desc(*state, 1, DATA, 0, NEXT, 0);
	refused(*state);
}

static void test_avail_jump(void **state)
{
	struct world *w = *state;

	desc(w, 0, DATA, 4, 0, 0);
	w->g.next_avail = SIZE + 1;
	guest_ring_publish(&w->g);
	assert_true(virtq_enable_kicks(&w->vq)); /* left for pop to find */
	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
}

static void test_avail_backwards(void **state)
{
	struct world *w = *state;

	w->g.next_avail = 0xffff;
	guest_ring_publish(&w->g);
	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
}

static void test_more_than_size_in_flight(void **state)
{
	struct world *w = *state;

	desc(w, 0, DATA, 4, WRITE, 0);
	for (unsigned i = 0; i < SIZE; i++)
		accepted(w, 0, 1);
	guest_ring_offer(&w->g, 0);
	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
	/* What was popped can still be pushed. */
	for (unsigned i = 0; i < SIZE; i++)
		virtq_push(&w->vq, &w->c, 0);
	assert_int_equal(virtq_in_flight(&w->vq), 0);
}

static void test_address_outside(void **state)
{
	desc(*state, 0, HOLE, 4, 0, 0);
	refused(*state);
}

static void test_length_crosses_the_end(void **state)
{
	desc(*state, 0, HOLE - 2, 4, 0, 0);
	refused(*state);
}

static void test_address_wraps(void **state)
{
	desc(*state, 0, UINT64_MAX - 1, 4, 0, 0);
	refused(*state);
}

static void test_length_crosses_regions(void **state)
{
	desc(*state, 0, RAM2_BASE - 2, 4, 0, 0);
	refused(*state);
}

static void test_length_huge(void **state)
{
	desc(*state, 0, DATA, UINT32_MAX, 0, 0);
	refused(*state);
}

static void test_regions_alternate(void **state)
{
	struct world *w = *state;

	desc(w, 0, RAM2_BASE, 4, NEXT, 1);
	desc(w, 1, RAM_BASE, 4, NEXT, 2);
	desc(w, 2, RAM2_BASE - 4, 4, NEXT | WRITE, 3);
	desc(w, 3, HOLE - 4, 4, WRITE, 0);
	accepted(w, 2, 2);
	assert_ptr_equal(w->c.iov[0].iov_base, gmem_map(w->mem, RAM2_BASE, 4));
	assert_ptr_equal(w->c.iov[3].iov_base, gmem_map(w->mem, HOLE - 4, 4));
}

static void test_readable_after_writable(void **state)
{
	desc(*state, 0, DATA, 4, NEXT | WRITE, 1);
	desc(*state, 1, DATA, 4, 0, 0);
	refused(*state);
}

static void test_too_many_parts(void **state)
{
	struct world *w = *state;

	w->c.max = 2;
	for (uint16_t i = 0; i < 3; i++)
		desc(w, i, DATA, 4, i < 2 ? NEXT : 0, (uint16_t)(i + 1));
	refused(w);
}

/* 4096 times all of a megabyte is one byte more than lengths can say. */
static void test_total_length(void **state)
{
	struct world *w = *state;

	virtq_chain_fini(&w->c);
	assert_int_equal(virtq_chain_init(&w->c, 5000), 0);
	desc(w, 0, RAM2_BASE, 16 * 4096, INDIRECT, 0);
	for (unsigned i = 0; i < 4096; i++)
		guest_desc_write(w->mem, RAM2_BASE, i, RAM_BASE, RAM_SIZE - (i == 4095),
				 i < 4095 ? NEXT : 0, (uint16_t)(i + 1));
	accepted(w, 4096, 0);
	assert_int_equal(w->c.read_len, UINT32_MAX);
	virtq_unpop(&w->vq, &w->c);
	guest_desc_write(w->mem, RAM2_BASE, 4095, RAM_BASE, RAM_SIZE, 0, 0);
	refused(w);
}

static void test_empty_chain(void **state)
{
	desc(*state, 0, DATA, 0, 0, 0);
	accepted(*state, 0, 0);
}

static void test_indirect(void **state)
{
	struct world *w = *state;

	/* The write flag of the descriptor that names the table means nothing (2.7.5.3.2). */
	desc(w, 0, DATA, 4, NEXT, 1);
	desc(w, 1, TABLE + 1, 32, INDIRECT | WRITE, 0);
	guest_desc_write(w->mem, TABLE + 1, 0, DATA, 4, NEXT, 1);
	guest_desc_write(w->mem, TABLE + 1, 1, DATA, 4, WRITE, 0);
	accepted(w, 2, 1);
}

static void test_indirect_nested(void **state)
{
	desc(*state, 0, TABLE, 32, INDIRECT, 0);
	table(*state, 0, TABLE, 32, INDIRECT, 0);
	refused(*state);
}

static void test_indirect_with_next(void **state)
{
	desc(*state, 0, TABLE, 16, INDIRECT | NEXT, 1);
	desc(*state, 1, DATA, 4, 0, 0);
	table(*state, 0, DATA, 4, 0, 0);
	refused(*state);
}

static void test_indirect_odd_length(void **state)
{
	desc(*state, 0, TABLE, 17, INDIRECT, 0);
	table(*state, 0, DATA, 4, 0, 0);
	refused(*state);
}

static void test_indirect_empty(void **state)
{
	desc(*state, 0, TABLE, 0, INDIRECT, 0);
	refused(*state);
}

static void test_indirect_too_long(void **state)
{
	/* One entry more than any ring may have, all of them in RAM. */
	desc(*state, 0, RAM_BASE, 16 * (VIRTQ_SIZE_MAX + 1), INDIRECT, 0);
	refused(*state);
}

static void test_indirect_outside(void **state)
{
	desc(*state, 0, HOLE - 16, 32, INDIRECT, 0);
	refused(*state);
}

static void test_indirect_loop(void **state)
{
	desc(*state, 0, TABLE, 32, INDIRECT, 0);
	table(*state, 0, DATA, 0, NEXT, 1);
	table(*state, 1, DATA, 0, NEXT, 0);
	refused(*state);
}

static void test_indirect_next_out_of_range(void **state)
{
	desc(*state, 0, TABLE, 32, INDIRECT, 0);
	table(*state, 0, DATA, 4, NEXT, 2);
	refused(*state);
}

static void test_indirect_not_negotiated(void **state)
{
	struct world *w = *state;

	teardown(state);
	start(w, 0);
	desc(w, 0, TABLE, 16, INDIRECT, 0);
	table(w, 0, DATA, 4, 0, 0);
	refused(w);
}

static void test_setups(void **state)
{
	struct world *w = *state;
	const struct virtq_setup good = {.size = SIZE,
					 .desc = RAM_BASE,
					 .driver = RAM_BASE + 0x1000,
					 .device = RAM_BASE + 0x2000,
					 .features = VIRTQ_FEATURES};
	const struct {
		size_t offset;
		uint64_t value;
	} bad[] = {
		{offsetof(struct virtq_setup, desc), RAM_BASE + 8},
		{offsetof(struct virtq_setup, desc), HOLE - 16 * SIZE + 16},
		{offsetof(struct virtq_setup, desc), RAM2_BASE - 16},
		{offsetof(struct virtq_setup, desc), 0},
		{offsetof(struct virtq_setup, driver), RAM_BASE + 1},
		{offsetof(struct virtq_setup, driver), HOLE - 4 - 2 * SIZE},
		{offsetof(struct virtq_setup, device), RAM_BASE + 2},
		{offsetof(struct virtq_setup, device), HOLE - 4 - 8 * SIZE},
		{offsetof(struct virtq_setup, device), UINT64_MAX - 3},
	};
	const uint32_t bad_size[] = {0, 3, SIZE + 1, 2 * VIRTQ_SIZE_MAX, UINT32_MAX};
	struct virtq_setup s = good;

	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		s = good;
		memcpy((char *)&s + bad[i].offset, &bad[i].value, sizeof(bad[i].value));
		assert_int_equal(virtq_init(&w->vq, w->mem, &s), -EINVAL);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad_size); i++) {
		s = good;
		s.size = bad_size[i];
		assert_int_equal(virtq_init(&w->vq, w->mem, &s), -EINVAL);
	}
	/* The last byte of RAM is usable. */
	s = good;
	s.device = HOLE - 8 - 8 * SIZE;
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_head_out_of_range),
		T(test_next_out_of_range),
		T(test_loop_to_itself),
		T(test_loop_of_empty_descriptors),
		T(test_avail_jump),
		T(test_avail_backwards),
		T(test_more_than_size_in_flight),
		T(test_address_outside),
		T(test_length_crosses_the_end),
		T(test_address_wraps),
		T(test_length_crosses_regions),
		T(test_length_huge),
		T(test_regions_alternate),
		T(test_readable_after_writable),
		T(test_too_many_parts),
		T(test_total_length),
		T(test_empty_chain),
		T(test_indirect),
		T(test_indirect_nested),
		T(test_indirect_with_next),
		T(test_indirect_odd_length),
		T(test_indirect_empty),
		T(test_indirect_too_long),
		T(test_indirect_outside),
		T(test_indirect_loop),
		T(test_indirect_next_out_of_range),
		T(test_indirect_not_negotiated),
		T(test_setups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
