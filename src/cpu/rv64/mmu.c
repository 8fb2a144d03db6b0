/* SPDX-License-Identifier: MIT */
/*
 * The software TLB: contexts, filling, flushing. What an access does when the TLB has no answer is
 * in mmu_access.c, the page table walk in mmu_walk.c.
 *
 * Contexts. A number stands for everything that decides what a virtual page means: the ASID,
 * whether translation is on, the privilege, SUM and MXR. Numbers are handed out in rising order
 * and never taken back: to forget an address space is to forget which numbers it had, and entries
 * with them can no longer match. When the numbers run out, everything is cleared and they begin
 * again. An ASID needs about three (U, S, S with SUM), so that happens once in 170 new address
 * spaces and costs a memset of 32 KiB. The ASIDs that have numbers are in a direct-mapped table;
 * who is displaced from it has to get new numbers. Global pages enter once for each ASID, which is
 * always right.
 *
 * The three states that a kernel goes to and fro between are kept as a whole (struct mmu_known),
 * until a number may have been taken back or satp is another.
 *
 * Flushing one page. All contexts use one of only eight slots for a page (RV64_TLB_INDEX), so these
 * are looked at, whatever ASID is asked for. The exception is a page within a large page: it
 * entered in pieces of 4 KiB, and an sfence.vma with any of its addresses has to drop all of
 * them. To know that without a search, hashed sets remember which 2 MiB and 1 GiB stretches have
 * such pieces; only on a hit all entries are looked at.
 */
#include "cpu/rv64/mmu_private.h"

#include <errno.h>
#include <stdlib.h>

#define FLUSH_PAGES_MAX 64u
#define PAGE_MASK       0xfffull

/* A multiplicative hash to `bits` bits: neighbours must not fall together with strides of a power
 * of two apart. */
static unsigned set_hash(uint64_t x, unsigned bits)
{
	return (unsigned)((x * 0x9e3779b97f4a7c15ull) >> (64 - bits));
}

static void set_add(uint64_t *set, unsigned bits, uint64_t x)
{
	unsigned i = set_hash(x, bits);

	set[i / 64] |= BIT(i % 64);
}

static bool set_has(const uint64_t *set, unsigned bits, uint64_t x)
{
	unsigned i = set_hash(x, bits);

	return set[i / 64] & BIT(i % 64);
}

#define LARGE_2M_BITS 10 /* as many as rv64_mmu_private has */
#define LARGE_1G_BITS 6

static void forget_known(struct rv64_mmu_private *p)
{
	for (unsigned i = 0; i < MMU_N_STATES; i++)
		p->known[i].ctx = 0;
}

/* No context has a number, so no large page has pieces that could match. */
static void forget_contexts(struct rv64_mmu_private *p)
{
	for (unsigned i = 0; i < MMU_ASID_SLOTS; i++)
		p->asid[i].asid = MMU_ASID_NONE;
	memset(p->bare, 0, sizeof(p->bare));
	forget_known(p);
	p->global = 0;
	memset(p->large_2m, 0, sizeof(p->large_2m));
	memset(p->large_1g, 0, sizeof(p->large_1g));
	p->large_512g = false;
}

/* All numbers become free, which needs the TLB to be empty. */
static void clear(struct rv64_hart *h)
{
	struct rv64_mmu_private *p = h->mmu.own;

	for (unsigned i = 0; i < RV64_TLB_SIZE; i++) {
		h->mmu.tlb[i].load_tag = RV64_TLB_NONE;
		h->mmu.tlb[i].store_tag = RV64_TLB_NONE;
	}
	forget_contexts(p);
	p->next_ctx = 1;
	rv64_mmu_void_data(&h->mmu);
}

int rv64_mmu_init(struct rv64_hart *h)
{
	h->mmu.own = calloc(1, sizeof(*h->mmu.own));
	if (!h->mmu.own)
		return -ENOMEM;
	clear(h);
	return 0;
}

void rv64_mmu_fini(struct rv64_hart *h)
{
	free(h->mmu.own);
	h->mmu.own = NULL;
}

static unsigned current_asid(const struct rv64_hart *h)
{
	return (h->csr.satp >> SATP_ASID_SHIFT) & 0xffff;
}

static struct mmu_asid *asid_slot(struct rv64_mmu_private *p, unsigned asid)
{
	struct mmu_asid *a = &p->asid[asid & (MMU_ASID_SLOTS - 1)];

	if (unlikely(a->asid != asid)) {
		a->asid = asid;
		memset(a->ctx, 0, sizeof(a->ctx));
	}
	return a;
}

/* The context of a view. There must be a free number. */
static uint64_t context_of(struct rv64_hart *h, const struct mmu_view *v)
{
	struct rv64_mmu_private *p = h->mmu.own;
	uint16_t *ctx;

	if (!v->paging)
		ctx = &p->bare[v->priv];
	else if (v->priv == RV64_U)
		ctx = &asid_slot(p, current_asid(h))->ctx[v->mxr];
	else
		ctx = &asid_slot(p, current_asid(h))->ctx[2 + v->sum + 2 * v->mxr];
	if (unlikely(!*ctx))
		*ctx = (uint16_t)p->next_ctx++;
	return (uint64_t)*ctx << 3;
}

#define TAG_SHIFT 49 /* from a context << 3 */

static uint64_t spread(uint64_t ctx)
{
	return ctx % RV64_FETCH_SPREAD << RV64_FETCH_SPREAD_SHIFT;
}

static void tag_code(struct rv64_hart *h)
{
	struct rv64_mmu_private *p = h->mmu.own;

	h->mmu.fetch_tag[0] = h->mmu.fetch_tag[1] = h->mmu.fetch_ctx << TAG_SHIFT;
	h->mmu.fetch_spread[0] = h->mmu.fetch_spread[1] = spread(h->mmu.fetch_ctx >> 3);
	if (!p->code.paging || p->code.priv != RV64_S || p->not_global)
		return;
	if (unlikely(!p->global))
		p->global = (uint16_t)p->next_ctx++;
	h->mmu.fetch_tag[1] = (uint64_t)p->global << 3 << TAG_SHIFT;
	h->mmu.fetch_spread[1] = spread(p->global);
}

static void choose(struct rv64_hart *h)
{
	struct rv64_mmu_private *p = h->mmu.own;
	uint64_t mstatus = h->csr.mstatus;
	bool paging = rv64_satp_levels(h->csr.satp);
	enum rv64_priv data = h->priv;

	if (data == RV64_M && (mstatus & MSTATUS_MPRV))
		data = (mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
	p->data.priv = data;
	p->data.paging = paging && data != RV64_M;
	p->data.sum = mstatus & MSTATUS_SUM;
	p->data.mxr = mstatus & MSTATUS_MXR;
	p->code.priv = h->priv;
	p->code.paging = paging && h->priv != RV64_M;

	if (unlikely(p->next_ctx + 2 > RV64_CTX_MAX)) { /* each may need one */
		clear(h);
		rv64_fetch_flush(h, 0, UINT64_MAX);
	}
	h->mmu.ctx = context_of(h, &p->data);
	h->mmu.slot = RV64_TLB_CTX_SLOT(h->mmu.ctx);
	h->mmu.fetch_ctx = context_of(h, &p->code);
	tag_code(h);
}

static void make_keys(struct rv64_mmu *m)
{
	m->data_key = m->ctx + m->data_voids;
	m->fetch_key[0] = m->fetch_tag[0] + m->fetch_voids[0];
	m->fetch_key[1] = m->fetch_tag[1] + m->fetch_voids[1];
}

/* Where the present state is known, or is to be noted; NULL: nowhere. */
static struct mmu_known *find_known(struct rv64_hart *h)
{
	struct rv64_mmu_private *p = h->mmu.own;

	if (unlikely(h->priv == RV64_M || (h->csr.mstatus & MSTATUS_MXR)))
		return NULL;
	if (unlikely(p->known_satp != h->csr.satp)) {
		forget_known(p);
		p->known_satp = h->csr.satp;
	}
	if (h->priv == RV64_U)
		return &p->known[MMU_U];
	return &p->known[h->csr.mstatus & MSTATUS_SUM ? MMU_S_SUM : MMU_S];
}

static void take_known(struct rv64_mmu *m, const struct mmu_known *k)
{
	m->ctx = k->ctx;
	m->slot = k->slot;
	m->fetch_ctx = k->fetch_ctx;
	memcpy(m->fetch_tag, k->fetch_tag, sizeof(m->fetch_tag));
	memcpy(m->fetch_spread, k->fetch_spread, sizeof(m->fetch_spread));
	m->own->data = k->data;
	m->own->code = k->code;
}

static void note_known(const struct rv64_mmu *m, struct mmu_known *k)
{
	k->ctx = m->ctx;
	k->slot = m->slot;
	k->fetch_ctx = m->fetch_ctx;
	memcpy(k->fetch_tag, m->fetch_tag, sizeof(m->fetch_tag));
	memcpy(k->fetch_spread, m->fetch_spread, sizeof(m->fetch_spread));
	k->data = m->own->data;
	k->code = m->own->code;
}

void rv64_mmu_context(struct rv64_hart *h)
{
	struct mmu_known *k = find_known(h);

	if (likely(k && k->ctx)) {
		take_known(&h->mmu, k);
	} else {
		choose(h);
		if (k)
			note_known(&h->mmu, k);
	}
	make_keys(&h->mmu);
}

void rv64_mmu_upper_not_global(struct rv64_hart *h)
{
	h->mmu.own->not_global = true;
	forget_known(h->mmu.own);
	rv64_mmu_context(h);
	rv64_fetch_flush(h, 0, UINT64_MAX);
}

void rv64_mmu_flush(struct rv64_hart *h)
{
	forget_contexts(h->mmu.own);
	rv64_mmu_context(h);
}

/* Whether a tag's page is within [start, start + size). No tag is neither. */
static bool tag_within(uint64_t tag, uint64_t start, uint64_t size)
{
	return tag != RV64_TLB_NONE && (tag & ~PAGE_MASK) - start < size;
}

static void flush_stretch(struct rv64_hart *h, uint64_t start, uint64_t size)
{
	for (unsigned i = 0; i < RV64_TLB_SIZE; i++) {
		struct rv64_tlb_entry *e = &h->mmu.tlb[i];

		if (tag_within(e->load_tag, start, size))
			e->load_tag = RV64_TLB_NONE;
		if (tag_within(e->store_tag, start, size))
			e->store_tag = RV64_TLB_NONE;
	}
	rv64_fetch_flush(h, start, size);
}

static void flush_page(struct rv64_hart *h, uint64_t va)
{
	struct rv64_mmu_private *p = h->mmu.own;

	rv64_mmu_void_data(&h->mmu);
	if (unlikely(p->large_512g)) {
		flush_stretch(h, align_down(va, 1ull << 39), 1ull << 39);
		return;
	}
	if (unlikely(set_has(p->large_1g, LARGE_1G_BITS, va >> 30))) {
		flush_stretch(h, align_down(va, 1u << 30), 1u << 30);
		return;
	}
	if (unlikely(set_has(p->large_2m, LARGE_2M_BITS, va >> 21))) {
		flush_stretch(h, align_down(va, 1u << 21), 1u << 21);
		return;
	}
	for (uint64_t c = 0; c < 8; c++) {
		struct rv64_tlb_entry *e = &h->mmu.tlb[RV64_TLB_INDEX(c << 3, va)];

		if (tag_within(e->load_tag, va, 1))
			e->load_tag = RV64_TLB_NONE;
		if (tag_within(e->store_tag, va, 1))
			e->store_tag = RV64_TLB_NONE;
	}
	rv64_fetch_flush(h, va, PAGE_MASK + 1);
}

static void flush_asid(struct rv64_hart *h, unsigned asid)
{
	struct rv64_mmu_private *p = h->mmu.own;
	struct mmu_asid *a = &p->asid[asid & (MMU_ASID_SLOTS - 1)];

	if (a->asid != asid)
		return;
	a->asid = MMU_ASID_NONE;
	forget_known(p);
	rv64_mmu_context(h);
}

void rv64_mmu_flush_range(struct rv64_hart *h, uint64_t va, uint64_t size, uint64_t asid)
{
	uint64_t first = va & ~PAGE_MASK;
	uint64_t span = va - first + size;

	if (!size)
		return;
	if (size <= FLUSH_PAGES_MAX * (PAGE_MASK + 1)) {
		for (uint64_t off = 0; off < span; off += PAGE_MASK + 1)
			flush_page(h, first + off);
		return;
	}
	if (asid == UINT64_MAX)
		rv64_mmu_flush(h);
	else
		flush_asid(h, asid & 0xffff);
}

void rv64_mmu_protect_page(struct rv64_hart *h, uint64_t pa)
{
	pa &= ~PAGE_MASK;
	rv64_mmu_void_data(&h->mmu);
	for (unsigned i = 0; i < RV64_TLB_SIZE; i++)
		if (h->mmu.tlb[i].pa == pa)
			h->mmu.tlb[i].store_tag = RV64_TLB_NONE;
}

void rv64_tlb_note_large(struct rv64_hart *h, uint64_t va, unsigned level)
{
	if (level == 1)
		set_add(h->mmu.own->large_2m, LARGE_2M_BITS, va >> 21);
	else if (level == 2)
		set_add(h->mmu.own->large_1g, LARGE_1G_BITS, va >> 30);
	else
		h->mmu.own->large_512g = true;
}

void rv64_tlb_fill(struct rv64_hart *h, uint64_t va, const struct mmu_page *page)
{
	struct rv64_tlb_entry *e = &h->mmu.tlb[RV64_TLB_INDEX(h->mmu.ctx, va)];
	uint64_t tag = (va & ~PAGE_MASK) | h->mmu.ctx;

	e->load_tag = page->load ? tag : RV64_TLB_NONE;
	e->store_tag = page->store ? tag : RV64_TLB_NONE;
	e->addend = (uintptr_t)page->host - (uintptr_t)(va & ~PAGE_MASK);
	e->pa = page->pa;
	if (page->level)
		rv64_tlb_note_large(h, va, page->level);
}
