/* SPDX-License-Identifier: MIT */
/*
 * What the integer instructions compute: I, M, Zba, Zbb, Zbc, Zbs and Zicond. Pure functions of
 * the operands; an immediate comes sign-extended as b. Instructions on words (w) take the low
 * halves and sign-extend their result.
 */
#ifndef CPU_RV64_OP_INT_H
#define CPU_RV64_OP_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"

#define OP_RR(name, expr)                                        \
	static inline uint64_t op_##name(uint64_t a, uint64_t b) \
	{                                                        \
		return expr;                                     \
	}
#define OP_R1(name, expr)                            \
	static inline uint64_t op_##name(uint64_t a) \
	{                                            \
		return expr;                         \
	}
#define OP_TEST(name, expr)                                  \
	static inline bool op_##name(uint64_t a, uint64_t b) \
	{                                                    \
		return expr;                                 \
	}

static inline uint64_t sext_w(uint64_t v)
{
	return (uint64_t)(int64_t)(int32_t)(uint32_t)v;
}

static inline uint32_t low_w(uint64_t v)
{
	return (uint32_t)v;
}

OP_RR(add, a + b)
OP_RR(sub, a - b)
OP_RR(sll, a << (b & 63))
OP_RR(srl, a >> (b & 63))
OP_RR(sra, (uint64_t)((int64_t)a >> (b & 63)))
OP_RR(slt, (int64_t)a < (int64_t)b)
OP_RR(sltu, a < b)
OP_RR(xor, a ^ b)
OP_RR(or, a | b)
OP_RR(and, a &b)

OP_RR(addw, sext_w(a + b))
OP_RR(subw, sext_w(a - b))
OP_RR(sllw, sext_w(a << (b & 31)))
OP_RR(srlw, sext_w(low_w(a) >> (b & 31)))
OP_RR(sraw, (uint64_t)(int64_t)((int32_t)low_w(a) >> (b & 31)))

OP_TEST(beq, a == b)
OP_TEST(bne, a != b)
OP_TEST(blt, (int64_t)a < (int64_t)b)
OP_TEST(bge, (int64_t)a >= (int64_t)b)
OP_TEST(bltu, a < b)
OP_TEST(bgeu, a >= b)

/* M. Division by zero gives all ones and the dividend; overflow gives the dividend and zero. */
__extension__ typedef __int128 op_int128;
__extension__ typedef unsigned __int128 op_uint128;

OP_RR(mul, a *b)
OP_RR(mulh, (uint64_t)((op_int128)(int64_t)a *(int64_t)b >> 64))
OP_RR(mulhsu, (uint64_t)((op_int128)(int64_t)a *(op_int128)b >> 64))
OP_RR(mulhu, (uint64_t)((op_uint128)a *b >> 64))
OP_RR(divu, b ? a / b : UINT64_MAX)
OP_RR(remu, b ? a % b : a)
OP_RR(mulw, sext_w(a *b))
OP_RR(divuw, low_w(b) ? sext_w(low_w(a) / low_w(b)) : UINT64_MAX)
OP_RR(remuw, low_w(b) ? sext_w(low_w(a) % low_w(b)) : sext_w(a))

static inline uint64_t op_div(uint64_t a, uint64_t b)
{
	if (!b)
		return UINT64_MAX;
	if (b == UINT64_MAX) /* also the overflow */
		return 0 - a;
	return (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t op_rem(uint64_t a, uint64_t b)
{
	if (!b)
		return a;
	if (b == UINT64_MAX)
		return 0;
	return (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint64_t op_divw(uint64_t a, uint64_t b)
{
	return sext_w(op_div(sext_w(a), sext_w(b)));
}

static inline uint64_t op_remw(uint64_t a, uint64_t b)
{
	return sext_w(op_rem(sext_w(a), sext_w(b)));
}

/* Zba */
OP_RR(sh1add, (a << 1) + b)
OP_RR(sh2add, (a << 2) + b)
OP_RR(sh3add, (a << 3) + b)
OP_RR(add_uw, low_w(a) + b)
OP_RR(sh1add_uw, ((uint64_t)low_w(a) << 1) + b)
OP_RR(sh2add_uw, ((uint64_t)low_w(a) << 2) + b)
OP_RR(sh3add_uw, ((uint64_t)low_w(a) << 3) + b)
OP_RR(sll_uw, (uint64_t)low_w(a) << (b & 63))

/* Zbb */
OP_RR(andn, a & ~b)
OP_RR(orn, a | ~b)
OP_RR(xnor, ~(a ^ b))
OP_RR(min, (int64_t)a < (int64_t)b ? a : b)
OP_RR(minu, a < b ? a : b)
OP_RR(max, (int64_t)a > (int64_t)b ? a : b)
OP_RR(maxu, a > b ? a : b)
OP_RR(rol, a << (b & 63) | a >> (-b & 63))
OP_RR(ror, a >> (b & 63) | a << (-b & 63))
OP_RR(rolw, sext_w(low_w(a) << (b & 31) | low_w(a) >> (-b & 31)))
OP_RR(rorw, sext_w(low_w(a) >> (b & 31) | low_w(a) << (-b & 31)))
OP_R1(clz, a ? (uint64_t)__builtin_clzll(a) : 64)
OP_R1(ctz, a ? (uint64_t)__builtin_ctzll(a) : 64)
OP_R1(cpop, (uint64_t)__builtin_popcountll(a))
OP_R1(clzw, low_w(a) ? (uint64_t)__builtin_clz(low_w(a)) : 32)
OP_R1(ctzw, low_w(a) ? (uint64_t)__builtin_ctz(low_w(a)) : 32)
OP_R1(cpopw, (uint64_t)__builtin_popcount(low_w(a)))
OP_R1(sext_b, (uint64_t)(int64_t)(int8_t)a)
OP_R1(sext_h, (uint64_t)(int64_t)(int16_t)a)
OP_R1(zext_h, (uint16_t)a)
OP_R1(rev8, __builtin_bswap64(a))

/* Each byte becomes 0xff unless it is 0: gather its bits in its lowest one, then spread that. */
static inline uint64_t op_orc_b(uint64_t a)
{
	a |= a >> 4 & 0x0f0f0f0f0f0f0f0full;
	a |= a >> 2 & 0x3333333333333333ull;
	a |= a >> 1 & 0x5555555555555555ull;
	return (a & 0x0101010101010101ull) * 0xff;
}

/* Zbs */
OP_RR(bclr, a & ~(1ull << (b & 63)))
OP_RR(bext, a >> (b & 63) & 1)
OP_RR(binv, a ^ 1ull << (b & 63))
OP_RR(bset, a | 1ull << (b & 63))

/* Zbc: carry-less product. clmulr is the product of the operands in reverse order of bits, which
 * is the whole product's bits 126 to 63. */
#if defined(__x86_64__)
typedef long long op_clmul_vec __attribute__((vector_size(16)));

__attribute__((target("pclmul,sse2"))) static inline op_uint128 op_clmul_host(uint64_t a,
									      uint64_t b)
{
	op_clmul_vec v = __builtin_ia32_pclmulqdq128((op_clmul_vec){(long long)a, 0},
						     (op_clmul_vec){(long long)b, 0}, 0);

	return (op_uint128)(uint64_t)v[1] << 64 | (uint64_t)v[0];
}
#endif

static inline op_uint128 op_clmul_whole(uint64_t a, uint64_t b)
{
	op_uint128 product = 0;

#if defined(__x86_64__)
	if (likely(__builtin_cpu_supports("pclmul")))
		return op_clmul_host(a, b);
#endif
	for (; b; b &= b - 1)
		product ^= (op_uint128)a << __builtin_ctzll(b);
	return product;
}

OP_RR(clmul, (uint64_t)op_clmul_whole(a, b))
OP_RR(clmulh, (uint64_t)(op_clmul_whole(a, b) >> 64))
OP_RR(clmulr, (uint64_t)(op_clmul_whole(a, b) >> 63))

/* Zicond */
OP_RR(czero_eqz, b ? a : 0)
OP_RR(czero_nez, b ? 0 : a)

#endif
