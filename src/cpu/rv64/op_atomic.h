/* SPDX-License-Identifier: MIT */
/*
 * What the atomic instructions do to host memory: always sequentially consistent, which satisfies
 * every aq and rl. They return the old value.
 */
#ifndef CPU_RV64_OP_ATOMIC_H
#define CPU_RV64_OP_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define OP_AMO_BUILTIN(bits, name, builtin)                                                     \
	static inline uint##bits##_t op_amo##name##_##bits(uint##bits##_t *p, uint##bits##_t v) \
	{                                                                                       \
		return builtin(p, v, __ATOMIC_SEQ_CST);                                         \
	}

/* Those that no host has: by compare and swap. */
#define OP_AMO_CHOICE(bits, name, type, cmp)                                                    \
	static inline uint##bits##_t op_amo##name##_##bits(uint##bits##_t *p, uint##bits##_t v) \
	{                                                                                       \
		uint##bits##_t old = __atomic_load_n(p, __ATOMIC_RELAXED);                      \
                                                                                                \
		while (!__atomic_compare_exchange_n(p, &old, (type)old cmp(type) v ? old : v,   \
						    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) \
			;                                                                       \
		return old;                                                                     \
	}

#define OP_AMO_ALL(bits)                                \
	OP_AMO_BUILTIN(bits, swap, __atomic_exchange_n) \
	OP_AMO_BUILTIN(bits, add, __atomic_fetch_add)   \
	OP_AMO_BUILTIN(bits, xor, __atomic_fetch_xor)   \
	OP_AMO_BUILTIN(bits, and, __atomic_fetch_and)   \
	OP_AMO_BUILTIN(bits, or, __atomic_fetch_or)     \
	OP_AMO_CHOICE(bits, min, int##bits##_t, <)      \
	OP_AMO_CHOICE(bits, max, int##bits##_t, >)      \
	OP_AMO_CHOICE(bits, minu, uint##bits##_t, <)    \
	OP_AMO_CHOICE(bits, maxu, uint##bits##_t, >)

OP_AMO_ALL(32)
OP_AMO_ALL(64)

#endif
