/* SPDX-License-Identifier: MIT */
/*
 * Zfa ("Additional Floating-Point Instructions"): rounding in the format, the modular conversion,
 * constants. Its comparisons are with the others in fpu_compare.c.
 */
#include "cpu/rv64/fpu_internal.h"

/* The number's distance from zero as a fixed-point number: 64 bits before the point, and behind it
 * `fraction` in units of 2^-64. Below a half, any fraction stands for all: no rounding mode tells
 * them apart. exp is at most 63. */
FPU_INLINE uint64_t integral(const struct fpu_num *x, uint64_t *fraction)
{
	fpu_u128 fixed;

	if (x->exp < -1) {
		*fraction = 1;
		return 0;
	}
	fixed = ((fpu_u128)x->sig << (127 - FPU_POINT)) >> (63 - x->exp);
	*fraction = (uint64_t)fixed;
	return (uint64_t)(fixed >> 64);
}

FPU_INLINE uint64_t round_in_format(const struct fpu_format *f, uint64_t a, unsigned rm, bool nx,
				    unsigned *flags)
{
	struct fpu_num x = fpu_unpack(f, a);
	uint64_t magnitude, fraction;
	unsigned unused = 0;
	int shift;

	if (fpu_is_nan(x.kind))
		return fpu_propagate(f, x.kind, x.kind, flags);
	if (x.kind != FPU_FINITE || x.exp >= f->frac_bits)
		return a;
	magnitude = integral(&x, &fraction);
	magnitude += fpu_round_up(rm, x.sign, magnitude & 1, fraction);
	if (fraction && nx)
		*flags |= FPU_NX;
	if (!magnitude)
		return fpu_zero(f, x.sign);
	shift = __builtin_clzll(magnitude);
	return fpu_round(f, x.sign, 63 - shift, magnitude << shift >> (63 - FPU_POINT), FPU_RTZ,
			 &unused);
}

uint32_t fpu_round_s(uint32_t a, unsigned rm, bool nx, unsigned *flags)
{
	return (uint32_t)round_in_format(&fpu_single, a, rm, nx, flags);
}

uint64_t fpu_round_d(uint64_t a, unsigned rm, bool nx, unsigned *flags)
{
	return round_in_format(&fpu_double, a, rm, nx, flags);
}

/* What to_int() of fpu_convert.c raises, but with the low bits of whatever comes out. A finite
 * number of 2^84 and more has only zeros in its lowest 32 bits. */
uint64_t fpu_d_to_i32_modular(uint64_t a, unsigned *flags)
{
	struct fpu_num x = fpu_unpack(&fpu_double, a);
	uint64_t magnitude = 0, fraction = 0;
	uint32_t low;

	if (x.kind == FPU_ZERO)
		return 0;
	if (x.kind == FPU_FINITE && x.exp <= 63) {
		magnitude = integral(&x, &fraction);
		if (magnitude <= (x.sign ? UINT64_C(1) << 31 : INT32_MAX))
			*flags |= fraction ? FPU_NX : 0;
		else
			*flags |= FPU_NV;
	} else {
		*flags |= FPU_NV;
		if (x.kind == FPU_FINITE && x.exp - FPU_POINT < 32)
			magnitude = x.sig << (x.exp - FPU_POINT);
	}
	low = (uint32_t)(x.sign ? -magnitude : magnitude);
	return (uint64_t)(int64_t)(int32_t)low;
}

#define FIRST_RATIO 2u

/* Constants FIRST_RATIO to 29: (1 + quarters / 4) * 2^exp. */
static const struct {
	int8_t exp;
	uint8_t quarters;
} ratio[] = {
	{-16, 0}, {-15, 0}, {-8, 0}, {-7, 0}, {-4, 0}, {-3, 0}, {-2, 0}, {-2, 1}, {-2, 2}, {-2, 3},
	{-1, 0},  {-1, 1},  {-1, 2}, {-1, 3}, {0, 0},  {0, 1},  {0, 2},  {0, 3},  {1, 0},  {1, 1},
	{1, 2},   {2, 0},   {3, 0},  {4, 0},  {7, 0},  {8, 0},  {15, 0}, {16, 0},
};

FPU_INLINE uint64_t constant(const struct fpu_format *f, unsigned index)
{
	const uint64_t one = (uint64_t)fpu_bias(f) << f->frac_bits;
	int field;

	switch (index & 31) {
	case 0: return fpu_zero(f, true) | one;
	case 1: return UINT64_C(1) << f->frac_bits; /* the smallest normal number */
	case 30: return fpu_inf(f, false);
	case 31: return fpu_nan(f);
	default: break;
	}
	index = (index & 31) - FIRST_RATIO;
	field = fpu_bias(f) + ratio[index].exp;
	return (uint64_t)field << f->frac_bits | (uint64_t)ratio[index].quarters
							 << (f->frac_bits - 2);
}

uint32_t fpu_const_s(unsigned index)
{
	return (uint32_t)constant(&fpu_single, index);
}

uint64_t fpu_const_d(unsigned index)
{
	return constant(&fpu_double, index);
}
