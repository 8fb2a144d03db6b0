/* SPDX-License-Identifier: MIT */
/*
 * Conversion between the two formats, and between them and integers.
 *
 * To an integer: the number becomes a fixed-point number of 64 bits before and 64 behind the point,
 * the second half decides the rounding of the first, and only then is the range of the type
 * checked, because what rounds into the range is in it. The rest is unpacking, normalizing and
 * rounding.
 */
#include "cpu/rv64/fpu_internal.h"

/* An integer type by its limits, as magnitudes. */
struct int_type {
	uint64_t max;
	uint64_t min; /* of the most negative number */
};

static const struct int_type type_i32 = {.max = INT32_MAX, .min = UINT64_C(1) << 31};
static const struct int_type type_u32 = {.max = UINT32_MAX, .min = 0};
static const struct int_type type_i64 = {.max = INT64_MAX, .min = UINT64_C(1) << 63};
static const struct int_type type_u64 = {.max = UINT64_MAX, .min = 0};

FPU_INLINE uint64_t saturate(const struct int_type *t, bool negative, unsigned *flags)
{
	*flags |= FPU_NV;
	return negative ? -t->min : t->max;
}

FPU_INLINE uint64_t to_int(const struct fpu_format *f, const struct int_type *t, uint64_t a,
			   unsigned rm, unsigned *flags)
{
	struct fpu_num x = fpu_unpack(f, a);
	uint64_t magnitude, fraction;

	if (x.kind == FPU_ZERO)
		return 0;
	if (x.kind != FPU_FINITE || x.exp > 63)
		return saturate(t, x.sign && !fpu_is_nan(x.kind), flags);
	if (x.exp < -1) {
		/* Less than a half: all the same to every mode. */
		magnitude = 0;
		fraction = 1;
	} else {
		fpu_u128 fixed = ((fpu_u128)x.sig << (127 - FPU_POINT)) >> (63 - x.exp);

		magnitude = (uint64_t)(fixed >> 64);
		fraction = (uint64_t)fixed;
	}
	/* Cannot wrap: a number with all 64 bits before the point has none behind it. */
	magnitude += fpu_round_up(rm, x.sign, magnitude & 1, fraction);
	if (magnitude > (x.sign ? t->min : t->max))
		return saturate(t, x.sign, flags);
	if (fraction)
		*flags |= FPU_NX;
	return x.sign ? -magnitude : magnitude;
}

FPU_INLINE uint64_t from_magnitude(const struct fpu_format *f, bool sign, uint64_t v, unsigned rm,
				   unsigned *flags)
{
	int shift;

	if (!v)
		return 0;
	shift = __builtin_clzll(v);
	return fpu_round(f, sign, 63 - shift, fpu_shift_sticky(v << shift, 63 - FPU_POINT), rm,
			 flags);
}

FPU_INLINE uint64_t from_signed(const struct fpu_format *f, int64_t v, unsigned rm, unsigned *flags)
{
	return from_magnitude(f, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v, rm, flags);
}

FPU_INLINE uint64_t convert(const struct fpu_format *from, const struct fpu_format *to, uint64_t a,
			    unsigned rm, unsigned *flags)
{
	struct fpu_num x = fpu_unpack(from, a);

	if (fpu_is_nan(x.kind))
		return fpu_propagate(to, x.kind, x.kind, flags);
	if (x.kind == FPU_INF)
		return fpu_inf(to, x.sign);
	if (x.kind == FPU_ZERO)
		return fpu_zero(to, x.sign);
	return fpu_round(to, x.sign, x.exp, x.sig, rm, flags);
}

/* A 32-bit result in an x register, as every RV64 instruction on words leaves it. */
FPU_INLINE uint64_t sign_extend(uint64_t v)
{
	return (uint64_t)(int64_t)(int32_t)(uint32_t)v;
}

uint64_t fpu_s_to_d(uint32_t a, unsigned *flags)
{
	return convert(&fpu_single, &fpu_double, a, FPU_RTZ, flags);
}

uint32_t fpu_d_to_s(uint64_t a, unsigned rm, unsigned *flags)
{
	return (uint32_t)convert(&fpu_double, &fpu_single, a, rm, flags);
}

uint64_t fpu_s_to_i32(uint32_t a, unsigned rm, unsigned *flags)
{
	return sign_extend(to_int(&fpu_single, &type_i32, a, rm, flags));
}

uint64_t fpu_s_to_u32(uint32_t a, unsigned rm, unsigned *flags)
{
	return sign_extend(to_int(&fpu_single, &type_u32, a, rm, flags));
}

uint64_t fpu_s_to_i64(uint32_t a, unsigned rm, unsigned *flags)
{
	return to_int(&fpu_single, &type_i64, a, rm, flags);
}

uint64_t fpu_s_to_u64(uint32_t a, unsigned rm, unsigned *flags)
{
	return to_int(&fpu_single, &type_u64, a, rm, flags);
}

uint64_t fpu_d_to_i32(uint64_t a, unsigned rm, unsigned *flags)
{
	return sign_extend(to_int(&fpu_double, &type_i32, a, rm, flags));
}

uint64_t fpu_d_to_u32(uint64_t a, unsigned rm, unsigned *flags)
{
	return sign_extend(to_int(&fpu_double, &type_u32, a, rm, flags));
}

uint64_t fpu_d_to_i64(uint64_t a, unsigned rm, unsigned *flags)
{
	return to_int(&fpu_double, &type_i64, a, rm, flags);
}

uint64_t fpu_d_to_u64(uint64_t a, unsigned rm, unsigned *flags)
{
	return to_int(&fpu_double, &type_u64, a, rm, flags);
}

uint32_t fpu_i32_to_s(int32_t v, unsigned rm, unsigned *flags)
{
	return (uint32_t)from_signed(&fpu_single, v, rm, flags);
}

uint32_t fpu_u32_to_s(uint32_t v, unsigned rm, unsigned *flags)
{
	return (uint32_t)from_magnitude(&fpu_single, false, v, rm, flags);
}

uint32_t fpu_i64_to_s(int64_t v, unsigned rm, unsigned *flags)
{
	return (uint32_t)from_signed(&fpu_single, v, rm, flags);
}

uint32_t fpu_u64_to_s(uint64_t v, unsigned rm, unsigned *flags)
{
	return (uint32_t)from_magnitude(&fpu_single, false, v, rm, flags);
}

uint64_t fpu_i32_to_d(int32_t v, unsigned rm, unsigned *flags)
{
	return from_signed(&fpu_double, v, rm, flags);
}

uint64_t fpu_u32_to_d(uint32_t v, unsigned rm, unsigned *flags)
{
	return from_magnitude(&fpu_double, false, v, rm, flags);
}

uint64_t fpu_i64_to_d(int64_t v, unsigned rm, unsigned *flags)
{
	return from_signed(&fpu_double, v, rm, flags);
}

uint64_t fpu_u64_to_d(uint64_t v, unsigned rm, unsigned *flags)
{
	return from_magnitude(&fpu_double, false, v, rm, flags);
}
