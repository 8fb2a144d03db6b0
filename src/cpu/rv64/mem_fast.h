/* SPDX-License-Identifier: MIT */
/*
 * The inline half of guest memory accesses: whether the TLB lets an aligned access through, and
 * where it goes in host memory. When it does not, the slow paths of mmu.h take the access.
 *
 * Guest memory is shared with other harts and devices: it is read and written by single accesses of
 * their natural size, which are atomics so that no compiler tears or repeats them.
 */
#ifndef CPU_RV64_MEM_FAST_H
#define CPU_RV64_MEM_FAST_H

#include "cpu/rv64/hart.h"

/* What a tag must be for an access of `size` bytes, a power of two. The bits of the offset that
 * must be zero stay in, so that a misaligned address matches nothing. */
static inline uint64_t rv64_fast_tag(const struct rv64_hart *h, uint64_t va, unsigned size)
{
	return (va & (~0xfffull | (size - 1))) | h->mmu.ctx;
}

static inline const struct rv64_tlb_entry *rv64_fast_entry(const struct rv64_hart *h, uint64_t va)
{
	uint64_t folded = va ^ va >> RV64_TLB_FOLD;
	size_t offset = ((folded >> (12 - RV64_TLB_ENTRY_SHIFT)) & RV64_TLB_SLOT_MASK) ^
			h->mmu.slot;

	return (const struct rv64_tlb_entry *)(const void *)((const char *)h->mmu.tlb + offset);
}

/* True: the access may go to *host at once. */
static inline bool rv64_fast_load(const struct rv64_hart *h, uint64_t va, unsigned size,
				  uintptr_t *host)
{
	const struct rv64_tlb_entry *e = rv64_fast_entry(h, va);

	if (unlikely(rv64_fast_tag(h, va, size) != e->load_tag))
		return false;
	*host = (uintptr_t)va + e->addend;
	return true;
}

static inline bool rv64_fast_store(const struct rv64_hart *h, uint64_t va, unsigned size,
				   uintptr_t *host)
{
	const struct rv64_tlb_entry *e = rv64_fast_entry(h, va);

	if (unlikely(rv64_fast_tag(h, va, size) != e->store_tag))
		return false;
	*host = (uintptr_t)va + e->addend;
	return true;
}

/* Whole accesses: 0, or 1 when an exception was taken. h->pc must be the instruction's own. */
#define RV64_MEM_FAST(bits)                                                                        \
	static inline int rv64_load##bits(struct rv64_hart *h, uint64_t va, uint64_t *value)       \
	{                                                                                          \
		uintptr_t host;                                                                    \
                                                                                                   \
		if (!rv64_fast_load(h, va, bits / 8, &host))                                       \
			return rv64_load_slow(h, va, bits / 8, value);                             \
		*value = __atomic_load_n((const uint##bits##_t *)host, __ATOMIC_RELAXED);          \
		return 0;                                                                          \
	}                                                                                          \
	static inline int rv64_store##bits(struct rv64_hart *h, uint64_t va, uint64_t value)       \
	{                                                                                          \
		uintptr_t host;                                                                    \
                                                                                                   \
		if (!rv64_fast_store(h, va, bits / 8, &host))                                      \
			return rv64_store_slow(h, va, bits / 8, value);                            \
		__atomic_store_n((uint##bits##_t *)host, (uint##bits##_t)value, __ATOMIC_RELAXED); \
		return 0;                                                                          \
	}

RV64_MEM_FAST(8)
RV64_MEM_FAST(16)
RV64_MEM_FAST(32)
RV64_MEM_FAST(64)

#endif
