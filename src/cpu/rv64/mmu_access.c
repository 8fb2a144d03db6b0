/* SPDX-License-Identifier: MIT */
/*
 * The slow paths of memory accesses: what happens when the inline look-up of mem_fast.h fails.
 *
 * Each asks data_page() for the page: translation, PMP, what is there; as a side effect RAM enters
 * the TLB. An access that crosses into another page is checked in both before the first byte moves,
 * so a fault leaves nothing half done; tval is then the first address of the part that faults.
 * Misaligned accesses of RAM just work; those of devices and misaligned atomics fault.
 *
 * Code. A store to a page whose code word says that an engine has code of it clears the flag and
 * moves the generation first, then writes; only then may the page have a store tag again. mmu.h
 * says why that order is enough. No barrier is needed: what another hart can learn from is either
 * the store itself, which comes after the change of the word, or this hart's answer to a request to
 * protect the page, which comes after the whole instruction.
 */
#include "cpu/rv64/mmu_private.h"

#include <errno.h>

#include "bus/bus.h"
#include "cpu/rv64/points.h"
#include "mem/gmem.h"

#define PAGE_MASK  0xfffull
#define PAGE_SIZE  0x1000u
#define ALL_RIGHTS ((uint8_t)(PTE_R | PTE_W | PTE_X | PTE_A | PTE_D))

/* One part of an access, within a page. */
struct place {
	uint64_t pa;
	uint8_t *host; /* NULL: no RAM */
};

static const struct gmem *mem_of(const struct rv64_hart *h)
{
	return h->cpu.vm->cfg.mem;
}

static enum rv64_cause access_fault(enum rv64_access access)
{
	switch (access) {
	case RV64_FETCH: return RV64_INSN_ACCESS;
	case RV64_LOAD: return RV64_LOAD_ACCESS;
	case RV64_STORE: break;
	}
	return RV64_STORE_ACCESS;
}

static enum rv64_cause walk_fault(enum mmu_walk_result r, enum rv64_access access)
{
	if (r == MMU_WALK_ACCESS_FAULT)
		return access_fault(access);
	switch (access) {
	case RV64_FETCH: return RV64_INSN_PAGE;
	case RV64_LOAD: return RV64_LOAD_PAGE;
	case RV64_STORE: break;
	}
	return RV64_STORE_PAGE;
}

/* The page of va and its rights. 0, or a cause + 1. */
static int find_page(struct rv64_hart *h, uint64_t va, unsigned len, enum rv64_access access,
		     const struct mmu_view *view, struct mmu_leaf *leaf, unsigned *rights)
{
	static const unsigned need[] = {
		[RV64_FETCH] = PMP_X, [RV64_LOAD] = PMP_R, [RV64_STORE] = PMP_W};
	const struct mmu_pmp *pmp = &h->mmu.own->pmp;

	if (view->paging) {
		enum mmu_walk_result r = rv64_walk(h, va, access, view, leaf);

		h->happened[RV64_EVENT_WALK + access]++;
		if (r != MMU_WALK_OK)
			return (int)walk_fault(r, access) + 1;
	} else {
		*leaf = (struct mmu_leaf){
			.pa = va & ~PAGE_MASK, .flags = ALL_RIGHTS, .cached = true};
	}
	*rights = rv64_pmp_page(pmp, leaf->pa, view->priv);
	if (likely(*rights & need[access]))
		return 0;
	if (*rights == MMU_PMP_MIXED &&
	    rv64_pmp_allows(pmp, leaf->pa | (va & PAGE_MASK), len, view->priv, need[access]))
		return 0;
	return (int)access_fault(access) + 1;
}

/* Whether the machine leaves the page to this hart. */
static bool may_touch(struct rv64_hart *h, uint64_t pa, enum rv64_access access)
{
	static const enum cpu_touch how[] = {[RV64_FETCH] = CPU_TOUCH_FETCH,
					     [RV64_LOAD] = CPU_TOUCH_LOAD,
					     [RV64_STORE] = CPU_TOUCH_STORE};
	const struct cpu_env *env = &h->cpu.vm->cfg.env;

	return likely(!env->may_touch) || env->may_touch(env->arg, &h->cpu, pa, how[access]);
}

/* Finds bytes [va, va + len), which lie in one page, for a load or store; a store is noted for
 * engines. Fills the TLB. 0, or a cause + 1. */
static int data_page(struct rv64_hart *h, uint64_t va, unsigned len, enum rv64_access access,
		     struct place *at)
{
	const struct mmu_view *view = &h->mmu.own->data;
	struct mmu_page page;
	struct mmu_leaf leaf;
	_Atomic uint32_t *code;
	bool known;
	unsigned rights = 0;
	int fault = find_page(h, va, len, access, view, &leaf, &rights);

	if (fault)
		return fault;
	at->pa = leaf.pa | (va & PAGE_MASK);
	page.host = gmem_map(mem_of(h), leaf.pa, PAGE_SIZE);
	at->host = page.host ? page.host + (va & PAGE_MASK) : NULL;
	if (!page.host)
		return 0;
	if (!may_touch(h, at->pa, access))
		return (int)access_fault(access) + 1;
	known = rv64_coherent_access(h, &(struct mmu_access){.pa = at->pa,
							     .len = len,
							     .write = access == RV64_STORE,
							     .cached = leaf.cached});
	code = gmem_code_word(mem_of(h), leaf.pa);
	if (access == RV64_STORE &&
	    (atomic_load_explicit(code, memory_order_relaxed) & GMEM_HAS_CODE))
		gmem_code_written(code);
	if (!known || rights == MMU_PMP_MIXED || rv64_watch_in_page(h, va))
		return 0;
	page.pa = leaf.pa;
	page.level = leaf.level;
	page.load = (rights & PMP_R) &&
		    ((leaf.flags & PTE_R) || (view->mxr && (leaf.flags & PTE_X)));
	page.store = (rights & PMP_W) && (leaf.flags & PTE_W) && (leaf.flags & PTE_D) &&
		     !(atomic_load_explicit(code, memory_order_relaxed) & GMEM_HAS_CODE) &&
		     (access == RV64_STORE || !h->cpu.vm->cfg.coherence);
	rv64_tlb_fill(h, va, &page);
	return 0;
}

/* The bytes of [va, va + size) that lie in va's page. */
static unsigned first_part(uint64_t va, unsigned size)
{
	unsigned left = PAGE_SIZE - (unsigned)(va & PAGE_MASK);

	return size < left ? size : left;
}

/* Both parts of an access across two pages, which must be RAM: no device takes a misaligned access.
 * 0, or 1 when the exception was taken. */
static int cross_pages(struct rv64_hart *h, uint64_t va, unsigned size, enum rv64_access access,
		       struct place at[2])
{
	unsigned n = first_part(va, size);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t part = i ? va + n : va;
		int fault = data_page(h, part, i ? size - n : n, access, &at[i]);

		if (!fault && !at[i].host)
			fault = (int)access_fault(access) + 1;
		if (fault) {
			rv64_exception(h, (enum rv64_cause)(fault - 1), part);
			return 1;
		}
	}
	return 0;
}

/*
 * Guest memory is shared: one access of its size where it is aligned. What harts do to each other
 * there is the guest's affair, so TSan does not watch.
 */
__attribute__((no_sanitize("thread"))) static uint64_t read_ram(const uint8_t *p, unsigned size)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (size) {
	case 1: return *(const volatile uint8_t *)p;
	case 2: memcpy(&v16, p, 2); return v16;
	case 4: memcpy(&v32, p, 4); return v32;
	default: memcpy(&v64, p, 8); return v64;
	}
}

__attribute__((no_sanitize("thread"))) static void write_ram(uint8_t *p, unsigned size,
							     uint64_t value)
{
	uint16_t v16 = (uint16_t)value;
	uint32_t v32 = (uint32_t)value;

	switch (size) {
	case 1: *(volatile uint8_t *)p = (uint8_t)value; break;
	case 2: memcpy(p, &v16, 2); break;
	case 4: memcpy(p, &v32, 4); break;
	default: memcpy(p, &value, 8); break;
	}
}

/* An access that is no RAM. 0, or 1 when the exception was taken. */
static int device(struct rv64_hart *h, uint64_t va, uint64_t pa, unsigned size,
		  enum rv64_access access, uint64_t *value)
{
	struct bus *bus = h->cpu.vm->cfg.bus;
	int r = -EFAULT;

	if (!(pa & (size - 1))) {
		rv64_park(h);
		rv64_coherent_device(h, pa, access == RV64_STORE);
		h->happened[access == RV64_STORE ? RV64_EVENT_DEVICE_WRITE
						 : RV64_EVENT_DEVICE_READ]++;
		r = access == RV64_STORE ? bus_write(bus, pa, size, *value)
					 : bus_read(bus, pa, size, value);
		rv64_unpark(h);
	}
	if (!r)
		return 0;
	rv64_exception(h, access_fault(access), va);
	return 1;
}

static struct rv64_tlb_entry *entry_of(struct rv64_hart *h, uint64_t va)
{
	return &h->mmu.tlb[RV64_TLB_INDEX(h->mmu.ctx, va)];
}

int rv64_load_slow(struct rv64_hart *h, uint64_t va, unsigned size, uint64_t *value)
{
	const struct rv64_tlb_entry *e = entry_of(h, va);
	struct place at[2];
	unsigned n = first_part(va, size);
	int fault;

	if (rv64_watch_meet(h, va, size, RV64_LOAD))
		return 1;
	if (n < size) {
		if (cross_pages(h, va, size, RV64_LOAD, at))
			return 1;
		*value = 0;
		memcpy(value, at[0].host, n);
		memcpy((uint8_t *)value + n, at[1].host, size - n);
		return 0;
	}
	if (((va & ~PAGE_MASK) | h->mmu.ctx) == e->load_tag) { /* misaligned */
		*value = read_ram((const uint8_t *)(va + e->addend), size);
		return 0;
	}
	fault = data_page(h, va, size, RV64_LOAD, at);
	if (unlikely(fault)) {
		rv64_exception(h, (enum rv64_cause)(fault - 1), va);
		return 1;
	}
	if (unlikely(!at->host))
		return device(h, va, at->pa, size, RV64_LOAD, value);
	*value = read_ram(at->host, size);
	return 0;
}

int rv64_store_slow(struct rv64_hart *h, uint64_t va, unsigned size, uint64_t value)
{
	const struct rv64_tlb_entry *e = entry_of(h, va);
	struct place at[2];
	unsigned n = first_part(va, size);
	int fault;

	if (rv64_watch_meet(h, va, size, RV64_STORE))
		return 1;
	if (n < size) {
		if (cross_pages(h, va, size, RV64_STORE, at))
			return 1;
		memcpy(at[0].host, &value, n);
		memcpy(at[1].host, (const uint8_t *)&value + n, size - n);
		return 0;
	}
	if (((va & ~PAGE_MASK) | h->mmu.ctx) == e->store_tag) { /* misaligned */
		write_ram((uint8_t *)(va + e->addend), size, value);
		return 0;
	}
	fault = data_page(h, va, size, RV64_STORE, at);
	if (unlikely(fault)) {
		rv64_exception(h, (enum rv64_cause)(fault - 1), va);
		return 1;
	}
	if (unlikely(!at->host))
		return device(h, va, at->pa, size, RV64_STORE, &value);
	write_ram(at->host, size, value);
	return 0;
}

int rv64_atomic_ptr(struct rv64_hart *h, uint64_t va, unsigned size, bool is_lr, void **host)
{
	const struct rv64_tlb_entry *e = entry_of(h, va);
	enum rv64_access access = is_lr ? RV64_LOAD : RV64_STORE;
	struct place at;
	int fault;

	if (unlikely(va & (size - 1))) {
		rv64_exception(h, is_lr ? RV64_LOAD_MISALIGNED : RV64_STORE_MISALIGNED, va);
		return 1;
	}
	if (likely(((va & ~PAGE_MASK) | h->mmu.ctx) == (is_lr ? e->load_tag : e->store_tag))) {
		*host = (void *)(va + e->addend);
		return 0;
	}
	if (rv64_watch_meet(h, va, size, access))
		return 1;
	if (unlikely(h->cpu.vm->cfg.coherence) && !is_lr) /* it reads, too */
		(void)data_page(h, va, size, RV64_LOAD, &at);
	fault = data_page(h, va, size, access, &at);
	if (!fault && !at.host)
		fault = (int)access_fault(access) + 1;
	if (unlikely(fault)) {
		rv64_exception(h, (enum rv64_cause)(fault - 1), va);
		return 1;
	}
	*host = at.host;
	return 0;
}

int rv64_cbo_zero(struct rv64_hart *h, uint64_t va)
{
	const struct rv64_tlb_entry *e = entry_of(h, va);
	uint64_t block = align_down(va, RV64_CBO_BLOCK);
	struct place at;
	int fault;

	if (likely(((va & ~PAGE_MASK) | h->mmu.ctx) == e->store_tag)) {
		memset((void *)(block + e->addend), 0, RV64_CBO_BLOCK);
		return 0;
	}
	if (rv64_watch_meet(h, block, RV64_CBO_BLOCK, RV64_STORE))
		return 1;
	fault = data_page(h, block, RV64_CBO_BLOCK, RV64_STORE, &at);
	if (!fault && !at.host)
		fault = RV64_STORE_ACCESS + 1;
	if (unlikely(fault)) {
		rv64_exception(h, (enum rv64_cause)(fault - 1), va);
		return 1;
	}
	memset(at.host, 0, RV64_CBO_BLOCK);
	return 0;
}

/* Managing a block is allowed to whom a load or a store is (unprivileged specification,
 * CMO, 2.5.2); there are no caches to manage. A store permission without that to load exists
 * nowhere here. */
int rv64_cbo_check(struct rv64_hart *h, uint64_t va)
{
	uint64_t block = align_down(va, RV64_CBO_BLOCK);
	struct place at;
	int fault = data_page(h, block, RV64_CBO_BLOCK, RV64_LOAD, &at);

	if (!fault)
		return 0;
	rv64_exception(h, fault == RV64_LOAD_PAGE + 1 ? RV64_STORE_PAGE : RV64_STORE_ACCESS, va);
	return 1;
}

int rv64_fetch_translate(struct rv64_hart *h, uint64_t va, const uint8_t **host, uint64_t *pa,
			 bool *whole)
{
	struct mmu_leaf leaf;
	unsigned rights = 0;
	const uint8_t *page;
	int fault = find_page(h, va, RV64_FETCH_STEP, RV64_FETCH, &h->mmu.own->code, &leaf,
			      &rights);

	if (fault)
		return fault;
	page = gmem_map(mem_of(h), leaf.pa, PAGE_SIZE);
	if (!page || !may_touch(h, leaf.pa | (va & PAGE_MASK), RV64_FETCH))
		return RV64_INSN_ACCESS + 1;
	if (unlikely(h->mmu.fetch_tag[va >> 63] != h->mmu.fetch_tag[0] && !(leaf.flags & PTE_G)))
		rv64_mmu_upper_not_global(h);
	*host = page + (va & PAGE_MASK);
	*pa = leaf.pa | (va & PAGE_MASK);
	*whole = rv64_coherent_fetch(h, *pa, leaf.cached) && rights != MMU_PMP_MIXED;
	if (leaf.level)
		rv64_tlb_note_large(h, va, leaf.level);
	return 0;
}

static int translate(struct rv64_hart *h, const struct mmu_view *view, uint64_t va, uint64_t *pa)
{
	struct mmu_leaf leaf;

	if (!view->paging) {
		*pa = va;
		return 0;
	}
	if (rv64_walk_peek(h, va, &leaf) != MMU_WALK_OK)
		return -EFAULT;
	*pa = leaf.pa | (va & PAGE_MASK);
	return 0;
}

int rv64_debug_translate(struct rv64_hart *h, uint64_t va, uint64_t *pa)
{
	return translate(h, &h->mmu.own->code, va, pa);
}

int rv64_data_translate(struct rv64_hart *h, uint64_t va, uint64_t *pa)
{
	return translate(h, &h->mmu.own->data, va, pa);
}
