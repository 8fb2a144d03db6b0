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
 * code go through the slow path, which notes them.
 *
 * All functions belong to the hart's thread.
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
/* Tag: virtual page number << 12 | context << 3; bits 2..0 stay zero, so that a compare of
 * (va & ~(0xff8 | ...)) also finds misaligned accesses. Contexts: 0 to 510. */
#define RV64_CTX_MAX  510

struct rv64_tlb_entry {
	uint64_t load_tag;
	uint64_t store_tag;
	uintptr_t addend; /* host address = va + addend */
	uint64_t pa;      /* guest physical page address */
};

enum rv64_access { RV64_FETCH, RV64_LOAD, RV64_STORE };

struct rv64_mmu {
	struct rv64_tlb_entry tlb[RV64_TLB_SIZE];
	uint64_t ctx; /* the current context << 3 */
	/* The rest is the own of mmu.c: contexts in use, bounds of large pages. */
	struct rv64_mmu_private *priv_;
};

/* 0 or -ENOMEM; called once per hart before rv64_hart_reset. */
int rv64_mmu_init(struct rv64_hart *h);
void rv64_mmu_fini(struct rv64_hart *h);

/* After a change of satp, mstatus (SUM, MXR, MPRV, MPP), menvcfg.ADUE, pmp or privilege: selects
 * the context. pmp changes need rv64_mmu_flush(h) as well. */
void rv64_mmu_context(struct rv64_hart *h);

/* Forget everything; forget [va, va + size) of one ASID (or of all with asid == UINT64_MAX). */
void rv64_mmu_flush(struct rv64_hart *h);
void rv64_mmu_flush_range(struct rv64_hart *h, uint64_t va, uint64_t size, uint64_t asid);
/* Drop the store tag of every entry that maps guest physical page pa (4 KiB). */
void rv64_mmu_protect_page(struct rv64_hart *h, uint64_t pa);

/*
 * The slow paths. They return 0, or 1 after the exception was taken with rv64_exception(): then
 * h->pc is the handler and the instruction is over. h->pc must be the instruction's own before the
 * call. They do translation, PMP, A and D bits, misaligned and page-crossing accesses, MMIO through
 * the bus, and code tracking.
 */
int rv64_load_slow(struct rv64_hart *h, uint64_t va, unsigned size, uint64_t *value);
int rv64_store_slow(struct rv64_hart *h, uint64_t va, unsigned size, uint64_t value);
/* The host address for an atomic of `size` bytes (4 or 8), checked for load and store (lr: load
 * only, with is_lr). Misaligned or not in RAM: the exception that the specification asks for.
 * Stores by the caller are noted in advance. */
int rv64_atomic_ptr(struct rv64_hart *h, uint64_t va, unsigned size, bool is_lr, void **host);
/* cbo.zero of the 64-byte block that holds va; cbo.inval, clean and flush only check access. */
int rv64_cbo_zero(struct rv64_hart *h, uint64_t va);
int rv64_cbo_check(struct rv64_hart *h, uint64_t va);

/* Translates an instruction address; *host points at guest memory (valid up to the end of the 4 KiB
 * page), *pa is its physical address. 0, or a positive exception cause + 1 without taking it:
 * the caller sets tval. Code outside RAM is an access fault. */
int rv64_fetch_translate(struct rv64_hart *h, uint64_t va, const uint8_t **host, uint64_t *pa);

/* Translation for debuggers: no side effects, no A/D update. 0 or -EFAULT. */
int rv64_debug_translate(struct rv64_hart *h, uint64_t va, uint64_t *pa);

#define RV64_TLB_INDEX(va) (((va) >> 12) & (RV64_TLB_SIZE - 1))

/* The inline fast paths are in mem_fast.h, which needs struct rv64_hart. */

#endif
