/* SPDX-License-Identifier: MIT */
/*
 * Fused multiply-add: a * b + c with one rounding.
 *
 * The product of two significands is kept whole, in 128 bits, and c is brought to the same point.
 * The smaller of the two is shifted right with a sticky bit. The product's lowest 20 bits are zero
 * and those of c more, so a shift of 0 or 1, the only ones after which a difference may lose more
 * than one leading bit, loses nothing; with larger shifts the sticky bit stays far below the
 * rounding bit.
 */
#include "cpu/rv64/fpu_host.h"
#include "cpu/rv64/fpu_internal.h"

#define WIDE_POINT (2 * FPU_POINT + 1)

FPU_INLINE fpu_u128 shift_sticky_wide(fpu_u128 v, int n)
{
	if (n > 127)
		return v != 0;
	return v >> n | ((v & (((fpu_u128)1 << n) - 1)) != 0);
}

FPU_INLINE int clz_wide(fpu_u128 v)
{
	uint64_t high = (uint64_t)(v >> 64);

	return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

/* a * b + c where at least one of them is zero, infinite or a NaN. */
FPU_INLINE uint64_t fma_special(const struct fpu_format *f, uint64_t a, uint64_t b, uint64_t c,
				unsigned rm, unsigned *flags)
{
	enum fpu_kind ka = fpu_kind(f, a);
	enum fpu_kind kb = fpu_kind(f, b);
	enum fpu_kind kc = fpu_kind(f, c);
	bool sign = (a ^ b) >> f->sign_shift & 1;

	if ((ka == FPU_INF && kb == FPU_ZERO) || (ka == FPU_ZERO && kb == FPU_INF))
		return fpu_invalid(f, flags);
	if (fpu_is_nan(ka) || fpu_is_nan(kb) || fpu_is_nan(kc))
		return fpu_propagate(f, ka == FPU_SNAN ? ka : kb, kc, flags);
	if (ka == FPU_INF || kb == FPU_INF) {
		if (kc == FPU_INF && c != fpu_inf(f, sign))
			return fpu_invalid(f, flags);
		return fpu_inf(f, sign);
	}
	/* What is left: c is infinite or the product is zero. */
	if (kc != FPU_ZERO || c == fpu_zero(f, sign))
		return c;
	return fpu_zero(f, rm == FPU_RDN);
}

/* The sum of two numbers with the leading one at WIDE_POINT, or of one and zero. */
FPU_INLINE uint64_t round_wide(const struct fpu_format *f, bool sign, int exp, fpu_u128 sum,
			       unsigned rm, unsigned *flags)
{
	int shift;

	if (!sum)
		return fpu_zero(f, rm == FPU_RDN);
	shift = (127 - WIDE_POINT) -
		clz_wide(sum); /* 1 after a carry, negative if bits cancelled */
	exp += shift;
	shift += WIDE_POINT - FPU_POINT;
	if (shift < 0)
		sum <<= -shift;
	else
		sum = shift_sticky_wide(sum, shift);
	return fpu_round(f, sign, exp, (uint64_t)sum, rm, flags);
}

FPU_INLINE uint64_t soft_fma(const struct fpu_format *f, uint64_t a, uint64_t b, uint64_t c,
			     unsigned rm, unsigned *flags)
{
	struct fpu_num x = fpu_unpack(f, a);
	struct fpu_num y = fpu_unpack(f, b);
	struct fpu_num z = fpu_unpack(f, c);
	bool sign = x.sign != y.sign;
	bool subtract;
	int exp = x.exp + y.exp + 1;
	fpu_u128 big, small;

	if (x.kind != FPU_FINITE || y.kind != FPU_FINITE || z.kind > FPU_FINITE)
		return fma_special(f, a, b, c, rm, flags);
	big = (fpu_u128)x.sig * y.sig;
	if (!(big >> WIDE_POINT)) {
		big <<= 1;
		exp--;
	}
	if (z.kind == FPU_ZERO)
		return round_wide(f, sign, exp, big, rm, flags);
	small = (fpu_u128)z.sig << (WIDE_POINT - FPU_POINT);
	subtract = sign != z.sign;
	if (exp < z.exp || (exp == z.exp && big < small)) {
		fpu_u128 product = big;
		int product_exp = exp;

		big = small;
		exp = z.exp;
		sign = z.sign;
		small = product;
		z.exp = product_exp;
	}
	small = shift_sticky_wide(small, exp - z.exp);
	return round_wide(f, sign, exp, subtract ? big - small : big + small, rm, flags);
}

uint32_t fpu_fma_s(uint32_t a, uint32_t b, uint32_t c, unsigned rm, unsigned *flags)
{
	uint32_t r;

	if (fpu_host_fma_s(a, b, c, rm, *flags, &r))
		return r;
	return (uint32_t)soft_fma(&fpu_single, a, b, c, rm, flags);
}

uint64_t fpu_fma_d(uint64_t a, uint64_t b, uint64_t c, unsigned rm, unsigned *flags)
{
	uint64_t r;

	if (fpu_host_fma_d(a, b, c, rm, *flags, &r))
		return r;
	return soft_fma(&fpu_double, a, b, c, rm, flags);
}
