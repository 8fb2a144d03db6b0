/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a packed ring, for tests: written from the specification (2.8) without
 * src/virtio/packed.c in mind, so that the two can be tested against each other.
 *
 * One thread, the guest's. Everything it shares with the device is read and written with atomics.
 */
#ifndef TESTS_GUEST_PACKED_H
#define TESTS_GUEST_PACKED_H

#include "guest_ring.h"

/* A slot, and the wrap counter of the round in which it is meant. */
struct guest_place {
	uint32_t slot;
	bool wrap;
};

struct guest_packed {
	const struct gmem *mem;
	uint32_t size;
	uint64_t desc, driver, device; /* guest addresses */
	bool event_idx;
	struct guest_place avail, used; /* the next to make available, to see used */
	uint32_t n_free;                /* slots */
	uint32_t n_unannounced;         /* slots since the last guest_packed_announce() */
	uint16_t *free_id;
	uint32_t n_id;
	uint16_t *n_slots; /* by id */
	bool in_order;
	uint16_t *fifo; /* IN_ORDER: ids that are not reaped, a circle */
	uint32_t fifo_first, fifo_n;
	uint32_t batch; /* of those, used by the descriptor that was read last */
	uint32_t batch_len;
};

/* Lays out a ring at gpa (4 KiB aligned) in which both sides begin at `start`. */
void guest_packed_init(struct guest_packed *g, const struct gmem *mem, uint64_t gpa, uint32_t size,
		       struct guest_place start, bool event_idx);
void guest_packed_fini(struct guest_packed *g);

/* After guest_packed_init(): IN_ORDER was negotiated, see guest_ring_in_order(). */
void guest_packed_in_order(struct guest_packed *g);

/* The place as a device is told of it: the slot, VIRTQ_PACKED_WRAP set where the counter is 0. */
uint16_t guest_packed_state(struct guest_place at);

/* Makes a chain of n parts available, with table != 0 by an indirect table there. Its id, or -1
 * when there is no room. */
int guest_packed_add(struct guest_packed *g, const struct guest_part *part, unsigned n,
		     uint64_t table);

/* Whether the device asks for a kick for what was made available since the last call. */
bool guest_packed_announce(struct guest_packed *g);

/* Takes one used chain, if there is one. */
bool guest_packed_reap(struct guest_packed *g, uint16_t *id, uint32_t *len);

/* Asks for an interrupt with the next used chain; true: there is one already. */
bool guest_packed_arm(struct guest_packed *g);
void guest_packed_disarm(struct guest_packed *g);
/* Writes the driver's event words as they stand. */
void guest_packed_event(struct guest_packed *g, uint16_t off_wrap, uint16_t flags);

/* Writes the descriptor of a slot as it stands, available in the round of `wrap`. */
void guest_packed_write(struct guest_packed *g, uint32_t slot, bool wrap, struct guest_part part,
			uint16_t flags, uint16_t id);

#endif
