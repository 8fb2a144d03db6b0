/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a split ring, for tests: written from the specification (2.7) without a look
 * at src/virtio/split.c, so that the two can be tested against each other.
 *
 * One thread, the guest's. Everything it shares with the device is read and written with atomics.
 */
#ifndef TESTS_GUEST_RING_H
#define TESTS_GUEST_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/gmem.h"

struct guest_part {
	uint64_t gpa;
	uint32_t len;
	bool write;
};

struct guest_ring {
	const struct gmem *mem;
	uint32_t size;
	uint64_t desc, avail, used; /* guest addresses */
	bool event_idx;
	uint16_t next_avail; /* made, perhaps not yet published */
	uint16_t published;
	uint16_t next_used;
	uint16_t n_free;
	uint16_t *next; /* free list and chains, by descriptor */
	uint16_t free_head;
	uint16_t *n_desc; /* by head */
	bool in_order;
	uint16_t *fifo; /* IN_ORDER: heads that are not reaped, a circle */
	uint32_t fifo_first, fifo_n;
	uint32_t batch; /* of those, used by the entry that was read last */
	uint32_t batch_len;
};

/* What guest_ring_reap() gives for the length of a chain that was passed over: all of it. */
#define GUEST_WHOLE UINT32_MAX

/* Lays out a zeroed ring at gpa (4 KiB aligned) that begins at index `start`; returns the first
 * guest address after it. */
uint64_t guest_ring_init(struct guest_ring *g, const struct gmem *mem, uint64_t gpa, uint32_t size,
			 uint16_t start, bool event_idx);
void guest_ring_fini(struct guest_ring *g);

/* After guest_ring_init(): IN_ORDER was negotiated. Descriptors are then taken in the order of the
 * table, and chains are reaped in the order in which they were made. */
void guest_ring_in_order(struct guest_ring *g);

/* Makes one chain of n parts and its entry in the available ring; with indirect != 0 all but the
 * first `direct` parts go into a table there. The head, or -1 when there is no room. */
int guest_ring_add(struct guest_ring *g, const struct guest_part *part, unsigned n,
		   uint64_t indirect, unsigned direct);

/* Makes the entries visible; true: the device asked for a kick. */
bool guest_ring_publish(struct guest_ring *g);

/* Takes one used entry, if there is one. */
bool guest_ring_reap(struct guest_ring *g, uint32_t *id, uint32_t *len);

/* Asks for an interrupt with the next used entry; true: there is one already. */
bool guest_ring_arm(struct guest_ring *g);
void guest_ring_disarm(struct guest_ring *g);

/* Writes one descriptor as it stands, for tests that break rules. */
void guest_desc_write(const struct gmem *mem, uint64_t table, uint32_t i, uint64_t addr,
		      uint32_t len, uint16_t flags, uint16_t next);
/* Puts `head` into the available ring and publishes. */
void guest_ring_offer(struct guest_ring *g, uint16_t head);

#endif
