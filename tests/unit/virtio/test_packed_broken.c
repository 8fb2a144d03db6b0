/* SPDX-License-Identifier: MIT */
/*
 * Packed rings that break the specification, one class a test: each is -EPROTO, once and for good,
 * and leaves what is in flight alone. And set-ups that virtq_init() must refuse.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/guest_packed.h"
#include "virtio/virtq.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE (2u << 20)
#define HOLE     (RAM_BASE + RAM_SIZE)
#define DATA     (RAM_BASE + 0x40000)
#define TABLE    (RAM_BASE + 0x80000)
#define SIZE     8u
#define MAX      (2 * SIZE)

enum { NEXT = VIRTQ_DESC_F_NEXT, WRITE = VIRTQ_DESC_F_WRITE, INDIRECT = VIRTQ_DESC_F_INDIRECT };

struct world {
	struct gmem *mem;
	struct guest_packed g;
	struct virtq vq;
	struct virtq_chain c;
	uint32_t slot; /* the next to write */
};

static struct virtq_setup setup_of(const struct world *w, uint64_t features)
{
	return (struct virtq_setup){.size = SIZE,
				    .desc = w->g.desc,
				    .driver = w->g.driver,
				    .device = w->g.device,
				    .features = features | VIRTIO_F_RING_PACKED};
}

static int start(void **state)
{
	static struct world w;
	struct virtq_setup s;

	memset(&w, 0, sizeof(w));
	assert_int_equal(gmem_new(&w.mem), 0);
	assert_int_equal(gmem_add_ram(w.mem, RAM_BASE, RAM_SIZE), 0);
	guest_packed_init(&w.g, w.mem, RAM_BASE, SIZE, (struct guest_place){0, true}, false);
	s = setup_of(&w, VIRTIO_F_INDIRECT_DESC);
	assert_int_equal(virtq_init(&w.vq, w.mem, &s), 0);
	assert_int_equal(virtq_chain_init(&w.c, MAX), 0);
	*state = &w;
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;

	virtq_chain_fini(&w->c);
	guest_packed_fini(&w->g);
	gmem_free(w->mem);
	return 0;
}

/* The next descriptor of the first round. */
static void desc(struct world *w, uint64_t gpa, uint32_t len, unsigned flags)
{
	guest_packed_write(&w->g, w->slot, true, (struct guest_part){.gpa = gpa, .len = len},
			   (uint16_t)flags, (uint16_t)w->slot);
	w->slot++;
}

/* An entry of the indirect table: in a packed ring the flags stand where a split one has `next`. */
static void table(struct world *w, uint32_t i, uint64_t gpa, uint32_t len, unsigned flags)
{
	guest_desc_write(w->mem, TABLE, i, gpa, len, 0, (uint16_t)flags);
}

/* Refused, also when asked again. */
static void refused(struct world *w)
{
	uint32_t in_flight = virtq_in_flight(&w->vq);

	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
	assert_int_equal(virtq_pop(&w->vq, &w->c), -EPROTO);
	assert_int_equal(virtq_in_flight(&w->vq), in_flight);
}

static void accepted(struct world *w, unsigned n_read, unsigned n_write)
{
	assert_int_equal(virtq_pop(&w->vq, &w->c), 1);
	assert_int_equal(w->c.n_read, n_read);
	assert_int_equal(w->c.n_write, n_write);
}

static void test_chain_without_end(void **state)
{
	for (unsigned i = 0; i < SIZE; i++)
		desc(*state, DATA, 4, NEXT);
	refused(*state);
}

/* A driver must not write this; taken for available it would be given back twice. */
static void test_used_bits(void **state)
{
	struct world *w = *state;

	desc(w, DATA, 4, PACKED_F_AVAIL | PACKED_F_USED);
	assert_int_equal(virtq_pop(&w->vq, &w->c), 0);
}

/* A chain as long as the ring is the longest. */
static void test_chain_of_all(void **state)
{
	for (unsigned i = 0; i < SIZE; i++)
		desc(*state, DATA, 4, i + 1 < SIZE ? NEXT : 0);
	accepted(*state, SIZE, 0);
}

/* A chain that runs on into slots of one in flight, which is given back all the same. */
static void test_slots_in_flight(void **state)
{
	struct world *w = *state;
	struct guest_part part[6];
	struct virtq_chain next;
	uint32_t len;
	uint16_t id;
	int made;

	for (unsigned i = 0; i < 6; i++)
		part[i] = (struct guest_part){.gpa = DATA, .len = 4, .write = true};
	made = guest_packed_add(&w->g, part, 6, 0);
	assert_true(made >= 0);
	accepted(w, 0, 6);
	w->slot = 6;
	desc(w, DATA, 4, NEXT);
	desc(w, DATA, 4, NEXT);
	assert_int_equal(virtq_chain_init(&next, MAX), 0);
	assert_int_equal(virtq_pop(&w->vq, &next), -EPROTO);
	virtq_chain_fini(&next);
	assert_int_equal(virtq_in_flight(&w->vq), 1);
	virtq_push(&w->vq, &w->c, 24);
	virtq_publish(&w->vq);
	assert_true(guest_packed_reap(&w->g, &id, &len));
	assert_int_equal(id, made);
	assert_int_equal(len, 24);
}

static void test_more_than_size_in_flight(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < SIZE; i++) {
		desc(w, DATA, 4, 0);
		accepted(w, 1, 0);
	}
	guest_packed_write(&w->g, 0, false, (struct guest_part){.gpa = DATA, .len = 4}, 0, 0);
	refused(w);
}

static void test_address_outside(void **state)
{
	desc(*state, HOLE, 4, 0);
	refused(*state);
}

static void test_length_crosses_the_end(void **state)
{
	desc(*state, HOLE - 4, 5, WRITE);
	refused(*state);
}

static void test_readable_after_writable(void **state)
{
	desc(*state, DATA, 4, NEXT | WRITE);
	desc(*state, DATA, 4, 0);
	refused(*state);
}

static void test_too_many_parts(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i <= MAX; i++)
		table(w, i, DATA, 4, 0);
	desc(w, TABLE, 16 * MAX, INDIRECT);
	accepted(w, MAX, 0);
	desc(w, TABLE, 16 * (MAX + 1), INDIRECT);
	refused(w);
}

/* All entries of a table count, whatever their NEXT says. */
static void test_indirect(void **state)
{
	table(*state, 0, DATA, 4, 0);
	table(*state, 1, DATA, 4, NEXT);
	table(*state, 2, DATA, 4, WRITE);
	desc(*state, TABLE, 48, INDIRECT);
	accepted(*state, 2, 1);
}

static void test_indirect_readable_after_writable(void **state)
{
	table(*state, 0, DATA, 4, WRITE);
	table(*state, 1, DATA, 4, 0);
	desc(*state, TABLE, 32, INDIRECT);
	refused(*state);
}

static void test_indirect_nested(void **state)
{
	table(*state, 0, TABLE, 16, INDIRECT);
	desc(*state, TABLE, 16, INDIRECT);
	refused(*state);
}

static void test_indirect_with_next(void **state)
{
	table(*state, 0, DATA, 4, 0);
	desc(*state, TABLE, 16, INDIRECT | NEXT);
	desc(*state, DATA, 4, 0);
	refused(*state);
}

/* It must be its chain's only descriptor. */
static void test_indirect_second(void **state)
{
	table(*state, 0, DATA, 4, 0);
	desc(*state, DATA, 4, NEXT);
	desc(*state, TABLE, 16, INDIRECT);
	refused(*state);
}

static void test_indirect_odd_length(void **state)
{
	table(*state, 0, DATA, 4, 0);
	desc(*state, TABLE, 17, INDIRECT);
	refused(*state);
}

static void test_indirect_empty(void **state)
{
	desc(*state, TABLE, 0, INDIRECT);
	refused(*state);
}

static void test_indirect_too_long(void **state)
{
	desc(*state, TABLE, 16 * (VIRTQ_SIZE_MAX + 1), INDIRECT);
	refused(*state);
}

static void test_indirect_outside(void **state)
{
	desc(*state, HOLE - 16, 32, INDIRECT);
	refused(*state);
}

static void test_indirect_not_negotiated(void **state)
{
	struct world *w = *state;
	struct virtq_setup s = setup_of(w, 0);

	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	table(w, 0, DATA, 4, 0);
	desc(w, TABLE, 16, INDIRECT);
	refused(w);
}

/* A ring that goes on where another stopped knows which slots are in flight. */
static void test_goes_on(void **state)
{
	struct world *w = *state;
	struct virtq_setup s = setup_of(w, 0);

	s.next_used = SIZE - 1;
	s.next_avail = 2 | VIRTQ_PACKED_WRAP; /* slots 7, 0, 1 are */
	assert_int_equal(virtq_init(&w->vq, w->mem, &s), 0);
	for (unsigned i = 2; i < SIZE; i++)
		guest_packed_write(&w->g, i, false, (struct guest_part){.gpa = DATA, .len = 4},
				   NEXT, 0);
	refused(w);
}

static void test_setups(void **state)
{
	struct world *w = *state;
	const struct virtq_setup good = setup_of(w, 0);
	struct virtq_setup bad[11];

	for (unsigned i = 0; i < 11; i++)
		bad[i] = good;
	bad[0].desc += 8;
	bad[1].driver += 2;
	bad[2].device += 2;
	bad[3].desc = HOLE - 16;
	bad[4].driver = HOLE;
	bad[5].device = HOLE;
	bad[6].next_avail = SIZE;
	bad[10].next_used = SIZE;
	bad[10].next_avail = VIRTQ_PACKED_WRAP;
	bad[7].next_used = 3; /* ahead of what is available */
	bad[8].size = 0;
	bad[9].size = VIRTQ_SIZE_MAX + 1;
	for (unsigned i = 0; i < 11; i++)
		assert_int_equal(virtq_init(&w->vq, w->mem, &bad[i]), -EINVAL);
	assert_int_equal(virtq_init(&w->vq, w->mem, &good), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_chain_without_end),
		CASE(test_used_bits),
		CASE(test_chain_of_all),
		CASE(test_slots_in_flight),
		CASE(test_more_than_size_in_flight),
		CASE(test_address_outside),
		CASE(test_length_crosses_the_end),
		CASE(test_readable_after_writable),
		CASE(test_too_many_parts),
		CASE(test_indirect),
		CASE(test_indirect_readable_after_writable),
		CASE(test_indirect_nested),
		CASE(test_indirect_with_next),
		CASE(test_indirect_second),
		CASE(test_indirect_odd_length),
		CASE(test_indirect_empty),
		CASE(test_indirect_too_long),
		CASE(test_indirect_outside),
		CASE(test_indirect_not_negotiated),
		CASE(test_goes_on),
		CASE(test_setups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
