/* SPDX-License-Identifier: MIT */
#ifndef CPU_RV64_FPU_INTERNAL_H
#define CPU_RV64_FPU_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/rv64/fpu.h"

/*
 * What the fpu_*.c files share: numbers taken apart, and rounding. Private to them.
 *
 * Every operation is written once for both formats. It takes a constant struct fpu_format and bit
 * patterns in a uint64_t, and is forced inline into its _s and its _d entry, where the compiler
 * folds the format away.
 *
 * A finite number that is not zero is
 *
 *	(sign ? -1 : 1) * sig * 2^(exp - FPU_POINT)
 *
 * with the leading one of sig at bit FPU_POINT, for subnormals too. That leaves one bit above for
 * the carry of an addition, and below the format's last bit it leaves 10 bits (double) or 39
 * (single). Of an inexact result those hold the rounding bit and, in bit 0, whether anything was
 * lost ("sticky"): enough to round correctly, once, in every mode.
 */

#define FPU_INLINE static inline __attribute__((always_inline))
#define FPU_POINT  62

typedef unsigned __int128 fpu_u128;

struct fpu_format {
	int frac_bits;  /* stored bits of the significand */
	int exp_max;    /* exponent field of infinities and NaNs, all ones */
	int sign_shift; /* place of the sign bit */
};

static const struct fpu_format fpu_single = {.frac_bits = 23, .exp_max = 0xff, .sign_shift = 31};
static const struct fpu_format fpu_double = {.frac_bits = 52, .exp_max = 0x7ff, .sign_shift = 63};

/* In this order: those at and above FPU_QNAN are NaNs. */
enum fpu_kind { FPU_ZERO, FPU_FINITE, FPU_INF, FPU_QNAN, FPU_SNAN };

struct fpu_num {
	enum fpu_kind kind;
	bool sign;
	int exp;      /* unbiased; only of FPU_FINITE */
	uint64_t sig; /* only of FPU_FINITE */
};

FPU_INLINE int fpu_bias(const struct fpu_format *f)
{
	return f->exp_max >> 1;
}

FPU_INLINE uint64_t fpu_zero(const struct fpu_format *f, bool sign)
{
	return sign ? UINT64_C(1) << f->sign_shift : 0;
}

FPU_INLINE uint64_t fpu_inf(const struct fpu_format *f, bool sign)
{
	return fpu_zero(f, sign) | (uint64_t)f->exp_max << f->frac_bits;
}

FPU_INLINE uint64_t fpu_nan(const struct fpu_format *f)
{
	return fpu_inf(f, false) | UINT64_C(1) << (f->frac_bits - 1);
}

/* The result of an invalid operation. */
FPU_INLINE uint64_t fpu_invalid(const struct fpu_format *f, unsigned *flags)
{
	*flags |= FPU_NV;
	return fpu_nan(f);
}

FPU_INLINE bool fpu_is_nan(enum fpu_kind kind)
{
	return kind >= FPU_QNAN;
}

/* The result of an operation with at least one NaN among its operands. */
FPU_INLINE uint64_t fpu_propagate(const struct fpu_format *f, enum fpu_kind a, enum fpu_kind b,
				  unsigned *flags)
{
	if (a == FPU_SNAN || b == FPU_SNAN)
		*flags |= FPU_NV;
	return fpu_nan(f);
}

/* v >> n, with bit 0 set too if a one was shifted out. */
FPU_INLINE uint64_t fpu_shift_sticky(uint64_t v, int n)
{
	if (n > 63)
		return v != 0;
	return v >> n | ((v & ((UINT64_C(1) << n) - 1)) != 0);
}

FPU_INLINE enum fpu_kind fpu_kind(const struct fpu_format *f, uint64_t bits)
{
	uint64_t frac = bits & ((UINT64_C(1) << f->frac_bits) - 1);
	int exp = (int)(bits >> f->frac_bits) & f->exp_max;

	if (exp == f->exp_max) {
		if (!frac)
			return FPU_INF;
		return bits & UINT64_C(1) << (f->frac_bits - 1) ? FPU_QNAN : FPU_SNAN;
	}
	return exp || frac ? FPU_FINITE : FPU_ZERO;
}

FPU_INLINE struct fpu_num fpu_unpack(const struct fpu_format *f, uint64_t bits)
{
	uint64_t frac = bits & ((UINT64_C(1) << f->frac_bits) - 1);
	int exp = (int)(bits >> f->frac_bits) & f->exp_max;
	struct fpu_num n = {
		.kind = fpu_kind(f, bits),
		.sign = bits >> f->sign_shift & 1,
	};

	if (exp) {
		n.sig = (UINT64_C(1) << f->frac_bits | frac) << (FPU_POINT - f->frac_bits);
		n.exp = exp - fpu_bias(f);
	} else if (frac) {
		int shift = __builtin_clzll(frac) - (63 - FPU_POINT);

		n.sig = frac << shift;
		n.exp = 1 - fpu_bias(f) - (shift - (FPU_POINT - f->frac_bits));
	}
	return n;
}

/* What to add before cutting off the bits of mask; ties to even need a correction after it. */
FPU_INLINE uint64_t fpu_round_increment(unsigned rm, bool sign, uint64_t mask)
{
	switch (rm) {
	case FPU_RNE:
	case FPU_RMM: return (mask >> 1) + 1;
	case FPU_RDN: return sign ? mask : 0;
	case FPU_RUP: return sign ? 0 : mask;
	default: return 0;
	}
}

/* Whether to step away from zero, over a fraction in units of 2^-64. */
FPU_INLINE bool fpu_round_up(unsigned rm, bool sign, bool odd, uint64_t fraction)
{
	const uint64_t half = UINT64_C(1) << 63;

	switch (rm) {
	case FPU_RNE: return fraction > half || (fraction == half && odd);
	case FPU_RMM: return fraction >= half;
	case FPU_RDN: return sign && fraction;
	case FPU_RUP: return !sign && fraction;
	default: return false;
	}
}

/* Round a number that is not zero into the format and raise what follows: NX, UF, OF. */
FPU_INLINE uint64_t fpu_round(const struct fpu_format *f, bool sign, int exp, uint64_t sig,
			      unsigned rm, unsigned *flags)
{
	const int drop = FPU_POINT - f->frac_bits;
	const uint64_t mask = (UINT64_C(1) << drop) - 1;
	const uint64_t inf = fpu_inf(f, false);
	uint64_t inc = fpu_round_increment(rm, sign, mask);
	int field = exp + fpu_bias(f);
	unsigned raised = FPU_NX;
	uint64_t lost, r;

	if (field <= 0) {
		/*
		 * Tiny means: below the smallest normal number even if rounded with an unbounded
		 * exponent. Only what lies in the binade just below can be lifted out of it.
		 */
		if (field < 0 || !((sig + inc) >> (FPU_POINT + 1)))
			raised |= FPU_UF;
		sig = fpu_shift_sticky(sig, 1 - field);
		field = 1;
	}
	lost = sig & mask;
	r = (sig + inc) >> drop;
	if (rm == FPU_RNE && lost == (mask >> 1) + 1)
		r &= ~UINT64_C(1);
	/* The leading one adds 1 to the field, a subnormal has none, and a carry adds 1 more. */
	r += (uint64_t)(field - 1) << f->frac_bits;
	if (field >= f->exp_max || r >= inf) {
		*flags |= FPU_OF | FPU_NX;
		/* Modes that do not add in this direction stop at the largest finite number. */
		return fpu_zero(f, sign) | (inc ? inf : inf - 1);
	}
	if (lost)
		*flags |= raised;
	return fpu_zero(f, sign) | r;
}

#endif
