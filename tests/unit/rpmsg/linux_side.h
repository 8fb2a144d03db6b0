/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of RPMsg as Linux does it, for tests: it owns descriptors and available rings
 * of both rings, gives the first one buffers to receive into, and counts the notifications that it
 * gets. Written from the layout alone; it shares no code with src/rpmsg.
 */
#ifndef LINUX_SIDE_H
#define LINUX_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#define LINUX_NUM_MAX 256u
#define LINUX_BASE    UINT64_C(0x8fc00000) /* what the rings call the first byte of memory */
#define LINUX_RING1   0x8000u              /* where the second ring lies */
#define LINUX_BUFFERS 0x10000u             /* where the buffers lie */
#define LINUX_MEMORY  (LINUX_BUFFERS + 2 * LINUX_NUM_MAX * 512u)

struct linux_ring {
	uint8_t *p;
	uint32_t buffers; /* where its buffers lie in memory */
	uint16_t avail;
	uint16_t seen;  /* of the used index */
	uint16_t fresh; /* buffers that were never used */
};

struct linux_side {
	_Alignas(16) uint8_t memory[LINUX_MEMORY];
	uint32_t num;
	struct linux_ring ring[2];
	bool kicked[2];   /* we told the remote */
	unsigned told[2]; /* the remote told us */
};

/* One message as it was received. */
struct linux_message {
	uint32_t src, dst;
	uint16_t len, flags;
	uint8_t data[496];
};

/* Begins, or restarts: clears the rings, gives all buffers to receive into, and kicks. */
void linux_probe(struct linux_side *l, uint32_t num);
/* Takes one message that the remote has sent, and gives its buffer back unless `keep`. */
bool linux_recv(struct linux_side *l, struct linux_message *m, bool keep);
/* Gives back the oldest buffer that was kept: they come back in order. */
void linux_give(struct linux_side *l, uint16_t id);
/* False: no buffer is free. */
bool linux_send(struct linux_side *l, uint32_t src, uint32_t dst, uint16_t flags, const void *data,
		uint16_t len);
/* Whether the remote shall tell when it has used a buffer of ring 1: Linux wants that while a
 * sender sleeps. */
void linux_want_told(struct linux_side *l, bool want);

/* For what breaks the rules. ring: 0 or 1. */
void linux_make_available(struct linux_side *l, unsigned ring, uint16_t id);
void linux_desc(struct linux_side *l, unsigned ring, uint16_t id, uint64_t addr, uint32_t len,
		uint16_t flags);
uint16_t linux_used_idx(const struct linux_side *l, unsigned ring);
uint16_t linux_used_flags(const struct linux_side *l, unsigned ring);
void linux_set16(uint8_t *p, uint16_t v);
/* Where a ring's available and used rings begin. */
uint8_t *linux_avail(struct linux_side *l, unsigned ring);
uint8_t *linux_used(struct linux_side *l, unsigned ring);

#endif
