/* SPDX-License-Identifier: MIT */
/*
 * The ring that a back end in another process sees: a split one, of which we are the driver. The
 * guest's ring stays ours: see remote.c for why.
 *
 * The ring lies in memory that is shared with the back end, which may be hostile. What we have to
 * know about it is kept beside it, nothing is read back but the used ring, and each word of that
 * once: an entry that names nothing in flight, or more bytes than there was room for, is -EPROTO.
 *
 * A chain is made of one descriptor a part, without indirect tables. It takes a `slot`, a number
 * below the maximum that the owner chooses at the beginning and by which it knows its requests.
 *
 * One thread.
 */
#ifndef REMOTE_SHADOW_H
#define REMOTE_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHADOW_SIZE  1024u /* descriptors: as many as libvhost-user takes */
/* Of one ring in the shared memory, rounded up so that each is aligned. */
#define SHADOW_BYTES 32768u
#define SHADOW_AVAIL 16384u /* where its parts are */
#define SHADOW_USED  20480u

struct virtq_chain;

struct shadow_slot {
	bool used;
	uint16_t head;
	uint16_t n;
	uint32_t write_len;
};

struct shadow {
	uint8_t *mem;
	uint16_t next[SHADOW_SIZE];    /* free descriptors, and those of a chain, linked */
	uint16_t slot_of[SHADOW_SIZE]; /* of a chain's head */
	uint16_t first_free;
	unsigned n_free;
	struct shadow_slot *slot;
	unsigned n_slots, n_in_flight;
	uint16_t avail_idx; /* ours; what the back end sees is behind it until shadow_publish() */
	uint16_t published;
	uint16_t used_idx; /* the next entry to take */
};

/* mem: SHADOW_BYTES, zeroed by shadow_reset(). 0 or -ENOMEM. */
int shadow_init(struct shadow *s, uint8_t *mem, unsigned n_slots);
void shadow_fini(struct shadow *s);
/* A new ring, empty. The back end does not use it now. */
void shadow_reset(struct shadow *s);

/* Whether a chain of n parts has room now. */
static inline bool shadow_has_room(const struct shadow *s, unsigned n)
{
	return n <= s->n_free;
}

/* Makes a chain, of at least one part and with room, available; `slot` is free. */
void shadow_add(struct shadow *s, unsigned slot, const struct virtq_chain *c);

/* Makes visible what was added. True: the back end wants to be kicked. */
bool shadow_publish(struct shadow *s);

/* Takes the next used chain: 1 with its slot and the bytes written, 0 when there is none, -EPROTO.
 */
int shadow_take(struct shadow *s, unsigned *slot, uint32_t *written);

#endif
