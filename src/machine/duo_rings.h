/* SPDX-License-Identifier: MIT */
/*
 * RPMsg as a bystander sees it: each time that a core kicks by the mailbox, what has become visible
 * in the rings between both cores since the last time is counted, and told to the trace
 * (rpmsg/proto.h, rpmsg/vring.h). Reads only, and trusts nothing that it reads.
 */
#ifndef MACHINE_DUO_RINGS_H
#define MACHINE_DUO_RINGS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/duo_link.h"

struct gmem;
struct trace;

#define DUO_RINGS_STEP 0x8000u /* from the first ring to the second */

struct duo_rings {
	const struct gmem *mem;
	struct trace *trace; /* or NULL */
	uint64_t usual, size;
	pthread_mutex_t lock; /* for all below */
	uint64_t base;        /* where they are, as far as is known */
	uint32_t num;         /* entries, or 0: Linux has not made them, as far as is known */
	uint16_t seen[2];     /* of the used ring of the first, the available ring of the second */
	uint16_t given;       /* Linux' index of the first */
	struct link_ring ring[2];
	unsigned early, announced;
	bool was_up;
};

/* The first ring is looked for at `usual`, and then in the `size` bytes from there on. mem and
 * trace outlive it. */
void duo_rings_init(struct duo_rings *r, const struct gmem *mem, struct trace *trace,
		    uint64_t usual, uint64_t size);
void duo_rings_fini(struct duo_rings *r);

/* Any thread, also under a leaf lock: a message with these 8 bytes rings at a core, or, not
 * `heard`, was to. Anything but a kick is none of ours. */
void duo_rings_rung(struct duo_rings *r, enum link_way way, bool heard, uint64_t message);

/* Any thread: the small core begins. */
void duo_rings_started(struct duo_rings *r);

/* Any thread: what is to be seen of the rings, which are looked for in all of the memory, in f.
 * True: there was a channel at some time. */
bool duo_rings_look(struct duo_rings *r, struct link_facts *f);

#endif
