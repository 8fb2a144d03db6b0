/* SPDX-License-Identifier: MIT */
/* Loads and stores of aligned guest memory that is in the TLB, inline; everything else goes to the
 * slow paths of mmu.h. Return 0, or 1 when an exception was taken. */
#ifndef CPU_RV64_MEM_FAST_H
#define CPU_RV64_MEM_FAST_H

#include "cpu/rv64/hart.h"

/* Guest memory is shared with other harts and devices: single accesses of their natural size, which
 * compilers do not tear. TSan does not watch these. */
#define RV64_MEM_FAST(bits)                                                                   \
	static inline __attribute__((always_inline)) int rv64_load##bits(                     \
		struct rv64_hart *h, uint64_t va, uint64_t *value)                            \
	{                                                                                     \
		struct rv64_tlb_entry *e = &h->mmu.tlb[RV64_TLB_INDEX(h->mmu.ctx, va)];       \
                                                                                              \
		if (likely(((va & ~(0xfffull & ~(bits / 8 - 1ull))) | h->mmu.ctx) ==          \
			   e->load_tag)) {                                                    \
			*value = *(volatile uint##bits##_t *)(va + e->addend);                \
			return 0;                                                             \
		}                                                                             \
		return rv64_load_slow(h, va, bits / 8, value);                                \
	}                                                                                     \
	static inline __attribute__((always_inline)) int rv64_store##bits(                    \
		struct rv64_hart *h, uint64_t va, uint64_t value)                             \
	{                                                                                     \
		struct rv64_tlb_entry *e = &h->mmu.tlb[RV64_TLB_INDEX(h->mmu.ctx, va)];       \
                                                                                              \
		if (likely(((va & ~(0xfffull & ~(bits / 8 - 1ull))) | h->mmu.ctx) ==          \
			   e->store_tag)) {                                                   \
			*(volatile uint##bits##_t *)(va + e->addend) = (uint##bits##_t)value; \
			return 0;                                                             \
		}                                                                             \
		return rv64_store_slow(h, va, bits / 8, value);                               \
	}

RV64_MEM_FAST(8)
RV64_MEM_FAST(16)
RV64_MEM_FAST(32)
RV64_MEM_FAST(64)

#endif
