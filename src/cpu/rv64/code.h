/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's code cache of one hart: blocks by physical address, and shortcuts from virtual
 * addresses to them. Everything belongs to the hart's thread.
 */
#ifndef CPU_RV64_CODE_H
#define CPU_RV64_CODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/rv64/hart.h"
#include "cpu/rv64/op.h"

/* The jump cache. */
#define RV64_JUMP_BITS  14
#define RV64_JUMP_MIX   0x9e3779b1u /* to spread pages */
#define RV64_JUMP_SIZE  (1u << RV64_JUMP_BITS)
#define RV64_JUMP_SLOTS 2048u /* in a group: the halfwords of a page */

#define RV64_CODE_PAGES 8192              /* pages with code, at most */
#define RV64_CODE_ROOM  ((size_t)8 << 20) /* bytes of blocks */
#define RV64_FETCH_SIZE 256               /* translations of code pages */
#define RV64_CODE_NOTES 65536u            /* bits */
#define RV64_CODE_NONE  UINT64_MAX        /* a tag that matches nothing: tags are even */

/* Guest physical addresses must lie below, so that a context number fits above (rv64_code_tag). */
#define RV64_CODE_PA_BITS   48
#define RV64_CODE_TAG_SHIFT 52 /* where a tag has the context, above the bits of the address */

struct rv64_jump {
	uint64_t tag; /* rv64_code_tag() */
	struct rv64_block *block;
};

struct rv64_fetch {
	uint64_t tag;  /* rv64_code_tag() of the page */
	uint16_t page; /* record */
};

/* A page with code. */
struct rv64_code_page {
	uint64_t pa;
	const uint8_t *host;
	_Atomic uint32_t *word; /* its code word (gmem.h) */
	uint32_t seen;          /* the word when code was last read after it */
	uint32_t serial;        /* moves when the page's blocks become void */
	uint16_t next;          /* in the hash, or RV64_PAGE_NONE */
};

/* Blocks whose physical addresses have one hash. */
struct rv64_bucket {
	struct rv64_block *first;
};

struct rv64_code {
	struct rv64_hart *hart;
	const void *const *handlers;
	/* Has every hart drop its store tags of the page; returns when all have. It may serve
	 * requests of others. */
	void (*protect)(struct rv64_hart *h, uint64_t pa);
	_Atomic unsigned *claiming; /* how many harts of the memory are about to protect a page */
	int32_t hot;                /* executions after which a block is hot; 0: nobody asks */
	const void *not_native;     /* rv64_block.native of a block that is not compiled */
	uint64_t flushes;           /* counts what makes translations void */
	uint64_t resets;            /* counts how often all blocks were dropped */
	uint64_t moves;             /* counts what makes pointers to blocks void; resets do too */

	/* Of virtual pages that were looked up since all was forgotten: a hash of the number; a
	 * clear bit proves absence. `n_noted` counts. */
	uint64_t noted[RV64_CODE_NOTES / 64];
	unsigned n_noted;

	bool stepping; /* each block is one instruction, without breakpoints */
	/* Of the look-up in progress: the points in the page of its pc, or NULL. */
	const struct rv64_points *points;
	struct rv64_block *single; /* for code that must not be remembered */
	struct rv64_bucket *hash;
	struct rv64_code_page *page;
	uint16_t *page_hash;
	unsigned n_pages;
	uint8_t *arena;
	size_t used, room; /* room: at most RV64_CODE_ROOM */

	struct rv64_fetch fetch[RV64_FETCH_SIZE];
	struct rv64_jump jump[RV64_JUMP_SIZE];
};

/* 0 or -ENOMEM. fini may follow a failed init. */
int rv64_code_init(struct rv64_code *c, struct rv64_hart *hart, const void *const *handlers);
void rv64_code_fini(struct rv64_code *c);

/* The block for pc in the hart's present state, which is entered into the jump cache. 0, or an
 * exception's cause + 1, with *tval set: nothing was taken. */
int rv64_code_find(struct rv64_code *c, uint64_t pc, struct rv64_block **out, uint64_t *tval);

/* fence.i: drops the blocks of pages that were written since. */
void rv64_code_fence_i(struct rv64_code *c);
/* Virtual addresses [va, va + size) mean something else now, or may. */
void rv64_code_flush(struct rv64_code *c, uint64_t va, uint64_t size);
/* Drops everything. No block may be in use afterwards. */
void rv64_code_reset(struct rv64_code *c);
/* Empties the jump cache. */
void rv64_code_forget_jumps(struct rv64_code *c);
/* The block at a physical address with this compiled code, or NULL. */
struct rv64_block *rv64_code_of_native(const struct rv64_code *c, uint64_t pa, const void *native);
/* The compiled code of b is no more: b counts again, or leads to a new look-up. b stays in use. */
void rv64_code_not_native(struct rv64_code *c, struct rv64_block *b);

/* Whether there can be code at pc: Sv48 only translates addresses whose bits 63 to 47 are equal,
 * Sv39 fewer, and without translation there is code only below 2^48. */
static inline bool rv64_code_possible(uint64_t pc)
{
	return (uint64_t)((int64_t)(pc << 16) >> 16) == pc;
}

/* What is looked up for a pc in the present fetch context. Unique where rv64_code_possible(): what
 * xor changes in bits 60 to 52 never turns one such address into another. A pc that a guest has
 * computed can be anything, and has to be looked at first. */
static inline uint64_t rv64_code_tag(const struct rv64_hart *h, uint64_t pc)
{
	return pc ^ h->mmu.fetch_tag[pc >> 63];
}

/* The entries of a page are in one group of RV64_JUMP_SLOTS, each halfword in a place of its own:
 * what is called within a page does not drive each other out. Nor do two processes, whose programs
 * have the same addresses: the context takes part. */
static inline unsigned rv64_jump_index(const struct rv64_hart *h, uint64_t pc)
{
	uint64_t place = pc >> 1 ^ (pc >> 12) * RV64_JUMP_MIX / sizeof(struct rv64_jump);

	place ^= h->mmu.fetch_spread[pc >> 63] / sizeof(struct rv64_jump);
	return (unsigned)(place % RV64_JUMP_SIZE);
}

#endif
