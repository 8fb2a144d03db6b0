/* SPDX-License-Identifier: MIT */
/*
 * Physical memory protection (privileged specification, 3.7): 16 entries, granularity 4 bytes.
 *
 * A write of a PMP CSR compiles the active entries to a list of ranges in order of priority. The
 * TLB asks once a page: the first range that touches the page decides if it covers all of it;
 * otherwise the page is "mixed", never enters the TLB, and each access is checked by itself.
 */
#include "cpu/rv64/mmu_private.h"

static unsigned entry_mode(uint8_t cfg)
{
	return (cfg >> PMP_A_SHIFT) & 3;
}

/* The bytes that entry i matches; false: none. */
static bool entry_range(const struct rv64_csrs *c, unsigned i, uint64_t *first, uint64_t *last)
{
	uint64_t addr = c->pmpaddr[i];
	uint64_t below, size;

	switch (entry_mode(c->pmpcfg[i])) {
	case PMP_A_TOR:
		below = i ? c->pmpaddr[i - 1] : 0;
		if (below >= addr)
			return false;
		*first = below << 2;
		*last = (addr << 2) - 1;
		return true;
	case PMP_A_NA4:
		*first = addr << 2;
		*last = *first + 3;
		return true;
	case PMP_A_NAPOT:
		/* The trailing ones of pmpaddr and the zero above them are the size; with 54 ones
		 * the sum leaves the 56-bit address space, which is meant to be all of it. */
		size = ((addr ^ (addr + 1)) + 1) << 2;
		*first = (addr << 2) & ~(size - 1);
		*last = *first + size - 1;
		return true;
	default: return false;
	}
}

void rv64_pmp_update(struct rv64_hart *h)
{
	struct mmu_pmp *p = &h->mmu.own->pmp;

	p->open = h->cpu.vm->cfg.env.ecall;
	p->n = 0;
	for (unsigned i = 0; i < RV64_PMP_ENTRIES; i++) {
		struct mmu_pmp_range *r = &p->range[p->n];
		uint8_t cfg = h->csr.pmpcfg[i];

		if (!entry_range(&h->csr, i, &r->first, &r->last))
			continue;
		r->perm_su = cfg & MMU_PMP_RWX;
		r->perm_m = cfg & PMP_L ? r->perm_su : MMU_PMP_RWX;
		p->n++;
	}
}

unsigned rv64_pmp_page_slow(const struct mmu_pmp *p, uint64_t pa, enum rv64_priv priv)
{
	uint64_t first = pa & ~0xfffull, last = first | 0xfff;

	for (unsigned i = 0; i < p->n; i++) {
		const struct mmu_pmp_range *r = &p->range[i];

		if (r->last < first || r->first > last)
			continue;
		if (r->first > first || r->last < last)
			return MMU_PMP_MIXED;
		return priv == RV64_M ? r->perm_m : r->perm_su;
	}
	return priv == RV64_M ? MMU_PMP_RWX : 0;
}

bool rv64_pmp_allows_slow(const struct mmu_pmp *p, uint64_t pa, unsigned len, enum rv64_priv priv,
			  unsigned need)
{
	uint64_t last = pa + len - 1;

	for (unsigned i = 0; i < p->n; i++) {
		const struct mmu_pmp_range *r = &p->range[i];
		unsigned perm = priv == RV64_M ? r->perm_m : r->perm_su;

		if (r->last < pa || r->first > last)
			continue;
		/* An access that the deciding entry covers in part fails, in M mode as well. */
		return r->first <= pa && r->last >= last && (perm & need) == need;
	}
	return priv == RV64_M;
}

uint64_t rv64_pmpcfg_read(const struct rv64_hart *h, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (uint64_t)h->csr.pmpcfg[n + i] << (8 * i);
	return v;
}

static void changed(struct rv64_hart *h)
{
	rv64_pmp_update(h);
	rv64_mmu_flush(h);
}

void rv64_pmpcfg_write(struct rv64_hart *h, unsigned n, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t *cfg = &h->csr.pmpcfg[n + i];
		uint8_t v = (uint8_t)(value >> (8 * i)) & (PMP_L | 0x18 | MMU_PMP_RWX);

		if (*cfg & PMP_L)
			continue;
		/* Writable but not readable is reserved; it becomes neither. */
		if ((v & (PMP_R | PMP_W)) == PMP_W)
			v &= (uint8_t)~PMP_W;
		*cfg = v;
	}
	changed(h);
}

void rv64_pmpaddr_write(struct rv64_hart *h, unsigned n, uint64_t value)
{
	const uint8_t *cfg = h->csr.pmpcfg;

	if (cfg[n] & PMP_L)
		return;
	/* A locked TOR entry locks its lower bound too. */
	if (n + 1 < RV64_PMP_ENTRIES && (cfg[n + 1] & PMP_L) && entry_mode(cfg[n + 1]) == PMP_A_TOR)
		return;
	h->csr.pmpaddr[n] = value & PMP_ADDR_ALL;
	changed(h);
}
