/* SPDX-License-Identifier: MIT */
/*
 * The page table walk of Sv39 and Sv48, by pointers into guest memory.
 *
 * Each entry is loaded once; it may change under us at any time. Setting A and D is a compare and
 * swap with the value that was checked: when it fails, another hart has changed the entry and the
 * walk starts again, so no permission is granted by an entry that no longer holds. It cannot go on
 * for ever without somebody else making progress.
 *
 * Svnapot: 16 entries that are alike make one page of 64 KiB. Each is a leaf of its own here, and
 * whoever asks is told that it is part of something larger. Svpbmt: memory types mean nothing to
 * memory that is always coherent; only whether an entry may have one is checked. Of T-Head's types
 * cpu/coherence.h wants to know whether a page is cached.
 */
#include "cpu/rv64/mmu_private.h"
#include "mem/gmem.h"

#define PTE_N             BIT(63)
#define PTE_PBMT          (3ull << 61)
#define PTE_RESERVED      0x1fc0000000000000ull
#define PTE_PPN           ((1ull << 54) - 1)
#define PTE_PPN_SHIFT     10
#define PTE_TABLE_ILLEGAL (PTE_A | PTE_D | PTE_U) /* reserved in an entry that is no leaf */

static bool leaf_allows(uint64_t pte, enum rv64_access access, const struct mmu_view *view)
{
	if (pte & PTE_U) {
		if (view->priv == RV64_S && (access == RV64_FETCH || !view->sum))
			return false;
	} else if (view->priv == RV64_U) {
		return false;
	}
	switch (access) {
	case RV64_FETCH: return pte & PTE_X;
	case RV64_LOAD: return (pte & PTE_R) || (view->mxr && (pte & PTE_X));
	case RV64_STORE: return pte & PTE_W;
	}
	return false;
}

/* Svnapot: the low four bits of the page number say how large the page is; 64 KiB is all there is
 * (privileged specification, chapter "Svnapot"). */
#define NAPOT_64K_MASK 15ull
#define NAPOT_64K      8ull

/* Whether the bits above the page number are as they may be. */
static bool upper_bits_valid(const struct rv64_hart *h, uint64_t pte, bool leaf, unsigned level)
{
	if (likely(!(pte & ~PTE_PPN)))
		return true;
	if (h->cpu.vm->cfg.model == CPU_MODEL_THEAD_C906)
		return !(pte & ~(PTE_PPN | THEAD_PTE_TYPE)) &&
		       (h->thead.mxstatus & THEAD_MXSTATUS_MAEE);
	if ((pte & PTE_RESERVED) || !leaf)
		return false;
	if ((pte & PTE_PBMT) == PTE_PBMT || ((pte & PTE_PBMT) && !(h->csr.menvcfg & MENVCFG_PBMTE)))
		return false;
	return !(pte & PTE_N) || (!level && (pte >> PTE_PPN_SHIFT & NAPOT_64K_MASK) == NAPOT_64K);
}

/* The leaf entry of va: where it is and what it was. */
struct found {
	_Atomic uint64_t *host;
	uint64_t pa;
	uint64_t pte;
	unsigned level;
};

static enum mmu_walk_result find_leaf(struct rv64_hart *h, uint64_t va, struct found *f)
{
	const struct gmem *mem = h->cpu.vm->cfg.mem;
	uint64_t table = (h->csr.satp & SATP_PPN) << 12;
	unsigned levels = rv64_satp_levels(h->csr.satp);

	if ((uint64_t)sign_extend(va, 12 + 9 * levels) != va)
		return MMU_WALK_PAGE_FAULT;
	for (unsigned level = levels; level-- > 0;) {
		bool leaf;

		f->pa = table + bits_get(va, 20 + 9 * level, 12 + 9 * level) * 8;
		f->host = gmem_map(mem, f->pa, 8);
		if (!f->host || !rv64_pmp_allows(&h->mmu.own->pmp, f->pa, 8, RV64_S, PMP_R))
			return MMU_WALK_ACCESS_FAULT;
		/* Relaxed: page table accesses are ordered only by sfence.vma. */
		f->pte = atomic_load_explicit(f->host, memory_order_relaxed);
		leaf = f->pte & (PTE_R | PTE_X);
		if (!(f->pte & PTE_V) || (f->pte & (PTE_R | PTE_W)) == PTE_W ||
		    !upper_bits_valid(h, f->pte, leaf, level))
			return MMU_WALK_PAGE_FAULT;
		table = (f->pte & PTE_PPN) >> PTE_PPN_SHIFT << 12;
		if (leaf) {
			f->level = level;
			/* A large page must be aligned to its size. */
			return bits_get(table, 11 + 9 * level, 0) ? MMU_WALK_PAGE_FAULT
								  : MMU_WALK_OK;
		}
		if (f->pte & PTE_TABLE_ILLEGAL)
			return MMU_WALK_PAGE_FAULT;
	}
	return MMU_WALK_PAGE_FAULT;
}

static void set_leaf(const struct rv64_hart *h, struct mmu_leaf *leaf, const struct found *f,
		     uint64_t va)
{
	uint64_t offset = va & (BIT(12 + 9 * f->level) - 1) & ~0xfffull;

	leaf->pa = ((f->pte & PTE_PPN) >> PTE_PPN_SHIFT << 12) | offset;
	leaf->flags = (uint8_t)f->pte;
	leaf->level = (uint8_t)f->level;
	leaf->cached = h->cpu.vm->cfg.model != CPU_MODEL_THEAD_C906 ||
		       !(h->thead.mxstatus & THEAD_MXSTATUS_MAEE) || (f->pte & THEAD_PTE_CACHED);
	/* The same bit is "strong order" on a C906, which has no Svnapot. */
	if (unlikely(f->pte & PTE_N) && h->cpu.vm->cfg.model != CPU_MODEL_THEAD_C906) {
		leaf->pa = (leaf->pa & ~(NAPOT_64K_MASK << 12)) | (va & NAPOT_64K_MASK << 12);
		leaf->level = 1; /* flushed with the 2 MiB around it */
	}
}

enum mmu_walk_result rv64_walk(struct rv64_hart *h, uint64_t va, enum rv64_access access,
			       const struct mmu_view *view, struct mmu_leaf *leaf)
{
	uint64_t need = access == RV64_STORE ? PTE_A | PTE_D : PTE_A;
	struct found f;

	for (;;) {
		enum mmu_walk_result r = find_leaf(h, va, &f);

		if (r != MMU_WALK_OK)
			return r;
		if (!leaf_allows(f.pte, access, view))
			return MMU_WALK_PAGE_FAULT;
		if (likely((f.pte & need) == need))
			break;
		if (!(h->csr.menvcfg & MENVCFG_ADUE))
			return MMU_WALK_PAGE_FAULT;
		if (!rv64_pmp_allows(&h->mmu.own->pmp, f.pa, 8, RV64_S, PMP_R | PMP_W))
			return MMU_WALK_ACCESS_FAULT;
		/* Sequentially consistent, as for any atomic of the guest. */
		if (atomic_compare_exchange_strong(f.host, &f.pte, f.pte | need)) {
			gmem_note_write(h->cpu.vm->cfg.mem, f.pa, 8);
			f.pte |= need;
			break;
		}
	}
	set_leaf(h, leaf, &f, va);
	return MMU_WALK_OK;
}

enum mmu_walk_result rv64_walk_peek(struct rv64_hart *h, uint64_t va, struct mmu_leaf *leaf)
{
	struct found f;
	enum mmu_walk_result r = find_leaf(h, va, &f);

	if (r == MMU_WALK_OK)
		set_leaf(h, leaf, &f, va);
	return r;
}
