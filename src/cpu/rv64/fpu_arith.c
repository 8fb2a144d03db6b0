/* SPDX-License-Identifier: MIT */
/*
 * Addition, subtraction, multiplication, division and square root.
 *
 * Each is one function for both formats (see fpu_internal.h): take the operands apart, deal with
 * everything that is not a pair of finite numbers, compute the significand to more bits than the
 * format has with a sticky bit below, and round once. The entries at the end first try the host's
 * floating-point unit (fpu_host.h).
 */
#include "cpu/rv64/fpu_host.h"
#include "cpu/rv64/fpu_internal.h"

/* a + b where at least one of them is zero, infinite or a NaN. */
FPU_INLINE uint64_t add_special(const struct fpu_format *f, uint64_t a, uint64_t b, unsigned rm,
				unsigned *flags)
{
	enum fpu_kind ka = fpu_kind(f, a);
	enum fpu_kind kb = fpu_kind(f, b);

	if (fpu_is_nan(ka) || fpu_is_nan(kb))
		return fpu_propagate(f, ka, kb, flags);
	if (ka == FPU_INF)
		return kb == FPU_INF && a != b ? fpu_invalid(f, flags) : a;
	if (kb == FPU_INF)
		return b;
	if (ka != FPU_ZERO)
		return a;
	if (kb != FPU_ZERO || a == b)
		return b;
	return fpu_zero(f, rm == FPU_RDN);
}

FPU_INLINE uint64_t soft_add(const struct fpu_format *f, uint64_t a, uint64_t b, unsigned rm,
			     unsigned *flags)
{
	struct fpu_num x = fpu_unpack(f, a);
	struct fpu_num y = fpu_unpack(f, b);
	uint64_t sig;

	if (x.kind != FPU_FINITE || y.kind != FPU_FINITE)
		return add_special(f, a, b, rm, flags);
	if (x.exp < y.exp || (x.exp == y.exp && x.sig < y.sig)) {
		struct fpu_num t = x;

		x = y;
		y = t;
	}
	sig = fpu_shift_sticky(y.sig, x.exp - y.exp);
	if (x.sign == y.sign) {
		sig += x.sig;
		if (sig >> (FPU_POINT + 1)) {
			sig = fpu_shift_sticky(sig, 1);
			x.exp++;
		}
	} else {
		int shift;

		sig = x.sig - sig;
		if (!sig)
			return fpu_zero(f, rm == FPU_RDN);
		/* By more than 1 only if y was shifted by at most 1, when no bit is sticky. */
		shift = __builtin_clzll(sig) - (63 - FPU_POINT);
		sig <<= shift;
		x.exp -= shift;
	}
	return fpu_round(f, x.sign, x.exp, sig, rm, flags);
}

FPU_INLINE uint64_t soft_mul(const struct fpu_format *f, uint64_t a, uint64_t b, unsigned rm,
			     unsigned *flags)
{
	struct fpu_num x = fpu_unpack(f, a);
	struct fpu_num y = fpu_unpack(f, b);
	bool sign = x.sign != y.sign;
	fpu_u128 product;
	uint64_t sig;
	int carry;

	if (x.kind != FPU_FINITE || y.kind != FPU_FINITE) {
		if (fpu_is_nan(x.kind) || fpu_is_nan(y.kind))
			return fpu_propagate(f, x.kind, y.kind, flags);
		if (x.kind != FPU_INF && y.kind != FPU_INF)
			return fpu_zero(f, sign);
		if (x.kind == FPU_ZERO || y.kind == FPU_ZERO)
			return fpu_invalid(f, flags);
		return fpu_inf(f, sign);
	}
	/* In [1, 4), with 2 * FPU_POINT bits behind the point. */
	product = (fpu_u128)x.sig * y.sig;
	carry = (int)(product >> (2 * FPU_POINT + 1));
	product >>= carry; /* the last bit is zero in either format */
	sig = (uint64_t)(product >> FPU_POINT) |
	      ((product & ((UINT64_C(1) << FPU_POINT) - 1)) != 0);
	return fpu_round(f, sign, x.exp + y.exp + carry, sig, rm, flags);
}

/* x / y of two significands, with a sticky bit; the leading one is at FPU_POINT or one below. */
FPU_INLINE uint64_t divide_sig(const struct fpu_format *f, uint64_t x, uint64_t y)
{
	fpu_u128 n = (fpu_u128)x << FPU_POINT;
	uint64_t q;

	if (f->frac_bits == fpu_single.frac_bits) {
		/* The divisor's tail is zero: a division of 64 bits gives 39 bits, which do. */
		int tail = FPU_POINT - f->frac_bits;

		y >>= tail;
		q = x / y; /* NOLINT(clang-analyzer-core.DivideZero): y has its leading one */
		return q << (FPU_POINT - tail) | (x != q * y);
	}
	q = (uint64_t)(n / y); /* NOLINT(clang-analyzer-core.DivideZero): y has its leading one */
	return q | ((uint64_t)n != q * y);
}

FPU_INLINE uint64_t soft_div(const struct fpu_format *f, uint64_t a, uint64_t b, unsigned rm,
			     unsigned *flags)
{
	struct fpu_num x = fpu_unpack(f, a);
	struct fpu_num y = fpu_unpack(f, b);
	bool sign = x.sign != y.sign;
	uint64_t sig;
	int borrow;

	if (x.kind != FPU_FINITE || y.kind != FPU_FINITE) {
		if (fpu_is_nan(x.kind) || fpu_is_nan(y.kind))
			return fpu_propagate(f, x.kind, y.kind, flags);
		if (x.kind == y.kind)
			return fpu_invalid(f, flags);
		if (x.kind == FPU_ZERO || y.kind == FPU_INF)
			return fpu_zero(f, sign);
		if (x.kind == FPU_FINITE)
			*flags |= FPU_DZ;
		return fpu_inf(f, sign);
	}
	sig = divide_sig(f, x.sig, y.sig);
	borrow = !(sig >> FPU_POINT);
	return fpu_round(f, sign, x.exp - y.exp - borrow, sig << borrow, rm, flags);
}

FPU_INLINE uint64_t soft_sqrt(const struct fpu_format *f, uint64_t a, unsigned rm, unsigned *flags)
{
	struct fpu_num x = fpu_unpack(f, a);
	uint64_t rest = 0, root = 0, digits;
	int i;

	if (fpu_is_nan(x.kind))
		return fpu_propagate(f, x.kind, x.kind, flags);
	if (x.kind == FPU_ZERO)
		return a;
	if (x.sign)
		return fpu_invalid(f, flags);
	if (x.kind == FPU_INF)
		return a;
	/*
	 * By hand, as on paper: two bits of the radicand, which lies in [1, 4) with its point below
	 * bit 62, give one bit of the root. One bit more than the format has is the rounding bit.
	 */
	digits = x.sig << (x.exp & 1);
	for (i = 0; i < f->frac_bits + 2; i++) {
		uint64_t trial = root << 2 | 1;
		bool fits;

		rest = rest << 2 | digits >> 62;
		digits <<= 2;
		fits = rest >= trial;
		rest -= fits ? trial : 0;
		root = root << 1 | fits;
	}
	root = root << (FPU_POINT - f->frac_bits - 1) | (rest != 0);
	return fpu_round(f, false, (x.exp - (x.exp & 1)) / 2, root, rm, flags);
}

uint32_t fpu_add_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags)
{
	uint32_t r;

	if (fpu_host_add_s(a, b, rm, *flags, &r))
		return r;
	return (uint32_t)soft_add(&fpu_single, a, b, rm, flags);
}

uint64_t fpu_add_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
	uint64_t r;

	if (fpu_host_add_d(a, b, rm, *flags, &r))
		return r;
	return soft_add(&fpu_double, a, b, rm, flags);
}

/* A NaN keeps being one, of its kind, with the other sign; so a subtraction is an addition. */
uint32_t fpu_sub_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags)
{
	return fpu_add_s(a, b ^ UINT32_C(1) << 31, rm, flags);
}

uint64_t fpu_sub_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
	return fpu_add_d(a, b ^ UINT64_C(1) << 63, rm, flags);
}

uint32_t fpu_mul_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags)
{
	uint32_t r;

	if (fpu_host_mul_s(a, b, rm, *flags, &r))
		return r;
	return (uint32_t)soft_mul(&fpu_single, a, b, rm, flags);
}

uint64_t fpu_mul_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
	uint64_t r;

	if (fpu_host_mul_d(a, b, rm, *flags, &r))
		return r;
	return soft_mul(&fpu_double, a, b, rm, flags);
}

uint32_t fpu_div_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags)
{
	uint32_t r;

	if (fpu_host_div_s(a, b, rm, *flags, &r))
		return r;
	return (uint32_t)soft_div(&fpu_single, a, b, rm, flags);
}

uint64_t fpu_div_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
	uint64_t r;

	if (fpu_host_div_d(a, b, rm, *flags, &r))
		return r;
	return soft_div(&fpu_double, a, b, rm, flags);
}

uint32_t fpu_sqrt_s(uint32_t a, unsigned rm, unsigned *flags)
{
	uint32_t r;

	if (fpu_host_sqrt_s(a, rm, *flags, &r))
		return r;
	return (uint32_t)soft_sqrt(&fpu_single, a, rm, flags);
}

uint64_t fpu_sqrt_d(uint64_t a, unsigned rm, unsigned *flags)
{
	uint64_t r;

	if (fpu_host_sqrt_d(a, rm, *flags, &r))
		return r;
	return soft_sqrt(&fpu_double, a, rm, flags);
}
