/* SPDX-License-Identifier: MIT */
/*
 * Address translation and guest memory access for one RV64 hart.
 *
 * A software TLB, direct mapped, of 4 KiB pages (a large page enters piecewise). An entry holds the
 * virtual page with the hart's current context in the low bits as its tag, once for loads and once
 * for stores, and the distance to host memory. A context stands for (ASID, privilege, SUM, MXR,
 * translation on or off); a change of satp or privilege changes only the number `ctx`, so entries
 * of other contexts stay; flushing hands out new numbers instead of clearing.
 *
 * A page has a store tag only while no engine holds code of it (mem/gmem.h); stores to a page with
 * code go through the slow path, which notes them. This is what an engine has to do in return
 * before it reads code of a page whose flag was clear:
 *   1. set the flag in the page's code word;
 *   2. have rv64_mmu_protect_page() done for every hart of the machine, and wait for that;
 *   3. read the bytes.
 * Whoever finds the flag set while another hart is between 1 and 3 does the same.
 * A hart does its share of 2 between two instructions, so a store that found the flag clear has
 * ended by then and its bytes are read in 3, and every later one notes itself in the code word
 * before it writes. Hence a fence.i that the guest has ordered behind a store, by whatever means,
 * finds that the generation has moved, or code that was decoded from the new bytes.
 *
 * All functions belong to the hart's thread, or to one that keeps the hart from running.
 */
#ifndef CPU_RV64_MMU_H
#define CPU_RV64_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"

struct rv64_hart;

#define RV64_TLB_BITS 10
#define RV64_TLB_SIZE (1u << RV64_TLB_BITS)
#define RV64_TLB_NONE UINT64_MAX /* a tag that never matches */
/* Tag: virtual page number << 12 | context << 3. Bits 2..0 stay zero, so that an address whose bits
 * 11..3 were replaced by the context equals it only when aligned. Contexts: 1 to 510. */
#define RV64_CTX_MAX  510

/* The slot of a page in context ctx (struct rv64_mmu). Three bits of the context take part, so that
 * what U mode, S mode and S mode with SUM know about one page does not collide; and higher bits of
 * the page number, so that arrays a power of two apart do not, nor those a page more apart, as
 * malloc() has them: that is why it is not RV64_TLB_BITS by which they are folded. */
#define RV64_TLB_FOLD 8
#define RV64_TLB_INDEX(ctx, va) \
	((((va) >> 12) ^ ((va) >> (12 + RV64_TLB_FOLD)) ^ ((ctx) << 4)) & (RV64_TLB_SIZE - 1))

struct rv64_tlb_entry {
	uint64_t load_tag;
	uint64_t store_tag;
	uintptr_t addend; /* host address = va + addend */
	uint64_t pa;      /* guest physical page address */
};

/* The same as a distance in bytes: from va by a shift, xor the context's share (rv64_mmu.slot). */
#define RV64_TLB_ENTRY_SHIFT   5
#define RV64_TLB_SLOT_MASK     ((uint64_t)(RV64_TLB_SIZE - 1) << RV64_TLB_ENTRY_SHIFT)
#define RV64_TLB_CTX_SLOT(ctx) (RV64_TLB_INDEX(ctx, 0) << RV64_TLB_ENTRY_SHIFT)

_Static_assert(sizeof(struct rv64_tlb_entry) == 1u << RV64_TLB_ENTRY_SHIFT, "see above");

enum rv64_access { RV64_FETCH, RV64_LOAD, RV64_STORE };

#define RV64_FETCH_SPREAD       8u
#define RV64_FETCH_SPREAD_SHIFT 11

struct rv64_mmu {
	uint64_t ctx;  /* the current context of loads and stores << 3 */
	uint64_t slot; /* RV64_TLB_CTX_SLOT(ctx) */
	/* What engines remember of data that they found by virtual addresses, also when the TLB has
	 * it no more, holds while this number is the same: ctx + a count of what makes such things
	 * void, see rv64_mmu_void_data(). */
	uint64_t data_key, data_voids;

	/* The context of fetches << 3, which differs under MPRV and is the same for each SUM and
	 * MXR. For engines that remember where a virtual pc leads: what rv64_fetch_translate() said
	 * about (va, fetch_ctx) holds until rv64_fetch_flush() is called. */
	uint64_t fetch_ctx;
	/* The same for tags of code (rv64_code_tag()), for addresses whose bit 63 is 0 and 1. Code
	 * of the upper half is known by one number to all ASIDs as long as S mode only finds global
	 * pages there, which is how operating systems map themselves. */
	uint64_t fetch_tag[2];
	/* What engines remember of code that they found by virtual addresses holds while the number
	 * for that half is the same: the tag + a count of what makes such things void, see
	 * rv64_mmu_void_code(). */
	uint64_t fetch_key[2], fetch_voids[2];
	/* Some bits of the same contexts, for engines whose caches of code are indexed by address:
	 * a number below RV64_FETCH_SPREAD << RV64_FETCH_SPREAD_SHIFT. */
	uint64_t fetch_spread[2];

	struct rv64_mmu_private *own; /* mmu_private.h */
	struct rv64_tlb_entry tlb[RV64_TLB_SIZE];
};

/* What was remembered of code by its virtual address does not hold any more, where bit 63 of that
 * address is `upper`; anywhere. */
static inline void rv64_mmu_void_half(struct rv64_mmu *m, unsigned upper)
{
	m->fetch_voids[upper]++;
	m->fetch_key[upper]++;
}

static inline void rv64_mmu_void_code(struct rv64_mmu *m)
{
	rv64_mmu_void_half(m, 0);
	rv64_mmu_void_half(m, 1);
}

/* The same of data. */
#define RV64_DATA_VOID ((uint64_t)(RV64_CTX_MAX + 1) << 3)

static inline void rv64_mmu_void_data(struct rv64_mmu *m)
{
	m->data_voids += RV64_DATA_VOID;
	m->data_key = m->ctx + m->data_voids;
}

/* 0 or -ENOMEM; called once per hart before rv64_hart_reset. */
int rv64_mmu_init(struct rv64_hart *h);
void rv64_mmu_fini(struct rv64_hart *h);

/* After a change of satp, mstatus (SUM, MXR, MPRV, MPP), menvcfg.ADUE or privilege: selects the
 * contexts. */
void rv64_mmu_context(struct rv64_hart *h);

/* Forget everything; forget [va, va + size) of one ASID (or of all with asid == UINT64_MAX). More
 * than what was asked for may go. For sfence.vma with rs1 = x0 and an ASID: va 0, size UINT64_MAX;
 * with an address: the page that holds it. */
void rv64_mmu_flush(struct rv64_hart *h);
void rv64_mmu_flush_range(struct rv64_hart *h, uint64_t va, uint64_t size, uint64_t asid);
/* Drop the store tag of every entry that maps the 4 KiB page of guest physical address pa. */
void rv64_mmu_protect_page(struct rv64_hart *h, uint64_t pa);

/*
 * The slow paths. They return 0, or 1 after the exception was taken with rv64_exception(): then
 * h->pc is the handler and the instruction is over. 1 too when a debugger watches the address: then
 * h->pc has not moved, nothing is done yet and RV64_ATTN_DEBUG asks for attention (points.h). h->pc
 * must be the instruction's own before the call. They do translation, PMP, A and D bits, misaligned
 * and page-crossing accesses, MMIO through the bus, and code tracking.
 */
int rv64_load_slow(struct rv64_hart *h, uint64_t va, unsigned size, uint64_t *value);
int rv64_store_slow(struct rv64_hart *h, uint64_t va, unsigned size, uint64_t value);
/* The host address for an atomic of `size` bytes (4 or 8), checked for load and store (lr: load
 * only, with is_lr). Misaligned: address-misaligned, before anything else; not in RAM: access
 * fault. What the caller is going to store is noted in advance, so it stores before the hart does
 * anything for other harts. */
int rv64_atomic_ptr(struct rv64_hart *h, uint64_t va, unsigned size, bool is_lr, void **host);
#define RV64_CBO_BLOCK 64u
/* cbo.zero of the block that holds va; cbo.inval, clean and flush only check access.
 * Whether the instruction is legal is rv64_cbo_legal(). */
int rv64_cbo_zero(struct rv64_hart *h, uint64_t va);
int rv64_cbo_check(struct rv64_hart *h, uint64_t va);

/* Translates an instruction address; *host points at guest memory (valid up to the end of the 4
 * KiB page), *pa is its physical address. 0, or a positive exception cause + 1 without taking it:
 * the caller sets tval. Code outside RAM is an access fault. Where PMP regions cut a page, or
 * cpu/coherence.h has to know of each fetch, *whole is false: the answer is for the two bytes at
 * va alone and must not be remembered. */
int rv64_fetch_translate(struct rv64_hart *h, uint64_t va, const uint8_t **host, uint64_t *pa,
			 bool *whole);

/* Translation for debuggers: no side effects, no A/D update. 0 or -EFAULT. */
int rv64_debug_translate(struct rv64_hart *h, uint64_t va, uint64_t *pa);

/* The same for loads and stores as the hart makes them now. */
int rv64_data_translate(struct rv64_hart *h, uint64_t va, uint64_t *pa);

/* The inline fast paths are in mem_fast.h, which needs struct rv64_hart. */

#endif
