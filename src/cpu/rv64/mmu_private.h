/* SPDX-License-Identifier: MIT */
/* What mmu.c, mmu_walk.c, mmu_access.c and pmp.c share with nobody else. All of it belongs to the
 * hart's thread. */
#ifndef CPU_RV64_MMU_PRIVATE_H
#define CPU_RV64_MMU_PRIVATE_H

#include "cpu/rv64/csr.h"
#include "cpu/rv64/hart.h"

/* ---- contexts (mmu.c) ---- */

#define MMU_ASID_SLOTS 128 /* power of two */
#define MMU_ASID_NONE  UINT32_MAX

/* What decides a context beside the ASID. The order of the first two is that of enum rv64_priv. */
#define MMU_N_COMBOS 6 /* U, U+MXR, S, S+SUM, S+MXR, S+SUM+MXR */

/* The context numbers that an ASID has; 0: none yet. */
struct mmu_asid {
	uint32_t asid;
	uint16_t ctx[MMU_N_COMBOS];
};

/* ---- PMP (pmp.c) ---- */

/* An active entry, ready to compare. */
struct mmu_pmp_range {
	uint64_t first, last; /* inclusive */
	uint8_t perm_su;      /* PMP_R | PMP_W | PMP_X for S and U */
	uint8_t perm_m;
};

struct mmu_pmp {
	bool open; /* no PMP at all: there is no M mode to set it up */
	unsigned n;
	struct mmu_pmp_range range[RV64_PMP_ENTRIES];
};

/* Rights that are not the same for a whole page. */
#define MMU_PMP_MIXED 0x80u
#define MMU_PMP_RWX   (PMP_R | PMP_W | PMP_X)

/* Rebuilds the ranges from the CSRs; the caller flushes. */
void rv64_pmp_update(struct rv64_hart *h);
/* The rights in the page at pa, or MMU_PMP_MIXED. */
unsigned rv64_pmp_page_slow(const struct mmu_pmp *p, uint64_t pa, enum rv64_priv priv);
/* Whether all of [pa, pa + len) may be accessed as `need` (PMP_R, ...) says. */
bool rv64_pmp_allows_slow(const struct mmu_pmp *p, uint64_t pa, unsigned len, enum rv64_priv priv,
			  unsigned need);

static inline unsigned rv64_pmp_page(const struct mmu_pmp *p, uint64_t pa, enum rv64_priv priv)
{
	return p->open ? MMU_PMP_RWX : rv64_pmp_page_slow(p, pa, priv);
}

static inline bool rv64_pmp_allows(const struct mmu_pmp *p, uint64_t pa, unsigned len,
				   enum rv64_priv priv, unsigned need)
{
	return p->open || rv64_pmp_allows_slow(p, pa, len, priv, need);
}

/* The CSRs. n is 0 or 8 for pmpcfg0 and pmpcfg2, 0 to 15 for pmpaddr. */
uint64_t rv64_pmpcfg_read(const struct rv64_hart *h, unsigned n);
void rv64_pmpcfg_write(struct rv64_hart *h, unsigned n, uint64_t value);
void rv64_pmpaddr_write(struct rv64_hart *h, unsigned n, uint64_t value);

/* ---- the walk (mmu_walk.c) ---- */

/* The low byte of a page table entry. */
#define PTE_V 1u
#define PTE_R 2u
#define PTE_W 4u
#define PTE_X 8u
#define PTE_U 16u
#define PTE_G 32u
#define PTE_A 64u
#define PTE_D 128u

/* Levels of page tables; 0: no translation. */
static inline unsigned rv64_satp_levels(uint64_t satp)
{
	switch (satp >> SATP_MODE_SHIFT) {
	case SATP_MODE_SV39: return 3;
	case SATP_MODE_SV48: return 4;
	default: return 0;
	}
}

/* As whom memory is accessed. */
struct mmu_view {
	enum rv64_priv priv;
	bool paging;
	bool sum, mxr;
};

struct mmu_leaf {
	uint64_t pa;   /* of the 4 KiB page that holds the address */
	uint8_t flags; /* the entry's low byte, after A and D were set */
	uint8_t level; /* at most 0: 4 KiB, 1: 2 MiB, 2: 1 GiB, 3: 512 GiB long */
	bool cached;   /* by its type of memory */
};

enum mmu_walk_result { MMU_WALK_OK, MMU_WALK_PAGE_FAULT, MMU_WALK_ACCESS_FAULT };

/* Sv39 or Sv48 (privileged specification, 12.3.2 and 12.4), whatever view->paging says. Sets A and
 * D. */
enum mmu_walk_result rv64_walk(struct rv64_hart *h, uint64_t va, enum rv64_access access,
			       const struct mmu_view *view, struct mmu_leaf *leaf);
/* Without permissions and without changes. */
enum mmu_walk_result rv64_walk_peek(struct rv64_hart *h, uint64_t va, struct mmu_leaf *leaf);

/* ---- the whole ---- */

/* What rv64_mmu_context() chose in one state under the present satp; ctx 0: it is to be found out.
 * A kernel goes to and fro between these three. */
enum mmu_state { MMU_U, MMU_S, MMU_S_SUM, MMU_N_STATES }; /* all without MXR */
struct mmu_known {
	uint64_t ctx, slot, fetch_ctx, fetch_tag[2], fetch_spread[2];
	struct mmu_view data, code;
};

struct rv64_mmu_private {
	struct mmu_view data; /* loads and stores, with MPRV taken into account */
	struct mmu_view code;
	struct mmu_known known[MMU_N_STATES];
	uint64_t known_satp;

	unsigned next_ctx; /* numbers from here to RV64_CTX_MAX are free */
	uint16_t bare[4];  /* contexts without translation, by privilege */
	uint16_t global;   /* the context of global code in the upper half, in S mode */
	bool not_global;   /* there is other code in it */
	struct mmu_asid asid[MMU_ASID_SLOTS];

	/* Hashed sets, a clear bit proves absence: the 2 MiB and 1 GiB stretches of which the TLB,
	 * or what an engine remembers, has pieces. Of the largest pages that a machine has only
	 * whether there are any. */
	uint64_t large_2m[16];
	uint64_t large_1g[1];
	bool large_512g;

	struct mmu_pmp pmp;
};

/* A page of RAM on its way into the TLB. */
struct mmu_page {
	uint64_t pa;
	uint8_t *host;
	uint8_t level;
	bool load, store; /* what the TLB may let through */
};

/* coherent.c: tells cpu/coherence.h of an access of RAM that is about to be made, if the VM has a
 * check. False: the page must stay out of the TLB. */
struct mmu_access {
	uint64_t pa;
	unsigned len; /* within a page */
	bool write, cached;
};

bool rv64_coherent_access_slow(struct rv64_hart *h, const struct mmu_access *a);

static inline bool rv64_coherent_access(struct rv64_hart *h, const struct mmu_access *a)
{
	return likely(!h->cpu.vm->cfg.coherence) || rv64_coherent_access_slow(h, a);
}

/* The same of the two bytes that an instruction begins or ends with. False: the next instruction
 * has to ask again. */
#define RV64_FETCH_STEP 2u
bool rv64_coherent_fetch_slow(struct rv64_hart *h, uint64_t pa, bool cached);

static inline bool rv64_coherent_fetch(struct rv64_hart *h, uint64_t pa, bool cached)
{
	return likely(!h->cpu.vm->cfg.coherence) || rv64_coherent_fetch_slow(h, pa, cached);
}

/* The same of an access of registers. */
void rv64_coherent_device_slow(struct rv64_hart *h, uint64_t pa, bool write);

static inline void rv64_coherent_device(struct rv64_hart *h, uint64_t pa, bool write)
{
	if (unlikely(h->cpu.vm->cfg.coherence))
		rv64_coherent_device_slow(h, pa, write);
}

/* mmu.c, for mmu_access.c. Fills the slot of va in the current context. */
void rv64_tlb_fill(struct rv64_hart *h, uint64_t va, const struct mmu_page *page);
/* S mode has code in the upper half that is not global: contexts tell it apart from now on. */
void rv64_mmu_upper_not_global(struct rv64_hart *h);
/* The stretch of a large page (level 1 or 2) that holds va has left pieces behind. */
void rv64_tlb_note_large(struct rv64_hart *h, uint64_t va, unsigned level);

#endif
