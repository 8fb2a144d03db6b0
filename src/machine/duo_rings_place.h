/* SPDX-License-Identifier: MIT */
/*
 * Where RPMsg's rings are in memory, found by what Linux writes there when it sets them up: each
 * descriptor of the first ring is a buffer to receive into, one behind the other. Pure functions;
 * what they read may be written meanwhile.
 */
#ifndef MACHINE_DUO_RINGS_PLACE_H
#define MACHINE_DUO_RINGS_PLACE_H

#include <stdint.h>

struct gmem;

#define RINGS_NUM_MAX   1024u
#define RINGS_DESC_SIZE UINT64_C(16)

/* Offsets into a ring of `num` entries whose used ring is aligned to `align`, and its length. */
uint64_t rings_avail_at(uint32_t num);
uint64_t rings_used_at(uint32_t num, uint32_t align);
uint64_t rings_length(uint32_t num);

/* How many entries the first ring has, if it is at `base`; 0: it is not. */
uint32_t rings_num_at(const struct gmem *mem, uint64_t base);
/* The first place in [base, base + size), both multiples of a page, that has a ring, with its
 * entries in *num; 0: none. */
uint64_t rings_find(const struct gmem *mem, uint64_t base, uint64_t size, uint32_t *num);

/* Whether the other side has written the used index of the ring at `base`, of `num` entries, where
 * it is with another alignment, or another number of entries (duo_link.h); 0: no. */
uint32_t rings_other_align(const struct gmem *mem, uint64_t base, uint32_t num);
uint32_t rings_other_num(const struct gmem *mem, uint64_t base, uint32_t num);
/* How many of the used entries are below the used index and were never written. */
unsigned rings_unwritten(const struct gmem *mem, uint64_t base, uint32_t num);

#endif
