/* SPDX-License-Identifier: MIT */
/*
 * Comparison, minimum, maximum and classification.
 *
 * Numbers that are not NaNs are ordered by their bit patterns read as sign and magnitude, so all of
 * this is integer work: order() maps a pattern to a signed integer of the same order, with -0 just
 * below +0.
 */
#include "cpu/rv64/fpu_internal.h"

FPU_INLINE int64_t order(const struct fpu_format *f, uint64_t bits)
{
	int64_t magnitude = (int64_t)(bits & ~fpu_zero(f, true));

	return bits >> f->sign_shift & 1 ? ~magnitude : magnitude;
}

/* Whether a comparison ends here, because one of the two is a NaN; raises what that raises. */
FPU_INLINE bool unordered(const struct fpu_format *f, uint64_t a, uint64_t b, bool signaling,
			  unsigned *flags)
{
	enum fpu_kind ka = fpu_kind(f, a);
	enum fpu_kind kb = fpu_kind(f, b);

	if (!fpu_is_nan(ka) && !fpu_is_nan(kb))
		return false;
	if (signaling || ka == FPU_SNAN || kb == FPU_SNAN)
		*flags |= FPU_NV;
	return true;
}

FPU_INLINE bool equal(const struct fpu_format *f, uint64_t a, uint64_t b)
{
	return a == b || ((a | b) & ~fpu_zero(f, true)) == 0;
}

FPU_INLINE bool compare_eq(const struct fpu_format *f, uint64_t a, uint64_t b, unsigned *flags)
{
	return !unordered(f, a, b, false, flags) && equal(f, a, b);
}

FPU_INLINE bool compare_lt(const struct fpu_format *f, uint64_t a, uint64_t b, bool signaling,
			   unsigned *flags)
{
	return !unordered(f, a, b, signaling, flags) && !equal(f, a, b) &&
	       order(f, a) < order(f, b);
}

FPU_INLINE bool compare_le(const struct fpu_format *f, uint64_t a, uint64_t b, bool signaling,
			   unsigned *flags)
{
	return !unordered(f, a, b, signaling, flags) &&
	       (equal(f, a, b) || order(f, a) < order(f, b));
}

/* The NaN of two operands wins if `nan`, else the other one does. */
FPU_INLINE uint64_t select(const struct fpu_format *f, uint64_t a, uint64_t b, bool max, bool nan,
			   unsigned *flags)
{
	if (unordered(f, a, b, false, flags)) {
		if (nan)
			return fpu_nan(f);
		if (!fpu_is_nan(fpu_kind(f, a)))
			return a;
		return fpu_is_nan(fpu_kind(f, b)) ? fpu_nan(f) : b;
	}
	return (order(f, a) < order(f, b)) != max ? a : b;
}

FPU_INLINE unsigned classify(const struct fpu_format *f, uint64_t a)
{
	bool negative = a >> f->sign_shift & 1;
	bool normal = a >> f->frac_bits & (unsigned)f->exp_max;

	switch (fpu_kind(f, a)) {
	case FPU_INF: return negative ? 1u << 0 : 1u << 7;
	case FPU_ZERO: return negative ? 1u << 3 : 1u << 4;
	case FPU_SNAN: return 1u << 8;
	case FPU_QNAN: return 1u << 9;
	default: break;
	}
	if (normal)
		return negative ? 1u << 1 : 1u << 6;
	return negative ? 1u << 2 : 1u << 5;
}

uint32_t fpu_min_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return (uint32_t)select(&fpu_single, a, b, false, false, flags);
}

uint64_t fpu_min_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return select(&fpu_double, a, b, false, false, flags);
}

uint32_t fpu_max_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return (uint32_t)select(&fpu_single, a, b, true, false, flags);
}

uint64_t fpu_max_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return select(&fpu_double, a, b, true, false, flags);
}

bool fpu_eq_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return compare_eq(&fpu_single, a, b, flags);
}

bool fpu_eq_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return compare_eq(&fpu_double, a, b, flags);
}

bool fpu_lt_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return compare_lt(&fpu_single, a, b, true, flags);
}

bool fpu_lt_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return compare_lt(&fpu_double, a, b, true, flags);
}

bool fpu_le_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return compare_le(&fpu_single, a, b, true, flags);
}

bool fpu_le_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return compare_le(&fpu_double, a, b, true, flags);
}

uint32_t fpu_minm_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return (uint32_t)select(&fpu_single, a, b, false, true, flags);
}

uint64_t fpu_minm_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return select(&fpu_double, a, b, false, true, flags);
}

uint32_t fpu_maxm_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return (uint32_t)select(&fpu_single, a, b, true, true, flags);
}

uint64_t fpu_maxm_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return select(&fpu_double, a, b, true, true, flags);
}

bool fpu_ltq_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return compare_lt(&fpu_single, a, b, false, flags);
}

bool fpu_ltq_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return compare_lt(&fpu_double, a, b, false, flags);
}

bool fpu_leq_s(uint32_t a, uint32_t b, unsigned *flags)
{
	return compare_le(&fpu_single, a, b, false, flags);
}

bool fpu_leq_d(uint64_t a, uint64_t b, unsigned *flags)
{
	return compare_le(&fpu_double, a, b, false, flags);
}

unsigned fpu_class_s(uint32_t a)
{
	return classify(&fpu_single, a);
}

unsigned fpu_class_d(uint64_t a)
{
	return classify(&fpu_double, a);
}
