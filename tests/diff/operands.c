/* SPDX-License-Identifier: MIT */
/*
 * Values that tell implementations apart. Random floating-point numbers are near each other or near
 * the ends of their range more often than chance would have it, and often short: that is where sums
 * cancel, products underflow, and results lie halfway between two numbers.
 */
#include "operands.h"

#include <string.h>

#include "base/bits.h"

#define BOXED(v) (UINT64_C(0xffffffff00000000) | (v))

static const uint32_t corners_s[] = {
	0x00000000, 0x00000001, 0x00000002, 0x00400000, 0x007fffff, /* zero, subnormals */
	0x00800000, 0x00800001, 0x00ffffff, 0x01000000, 0x01000001, /* the smallest */
	0x20000000, 0x1fffffff, 0x33800000, 0x34000000, 0x337fffff, /* 2^-63, 2^-24, 2^-23 */
	0x3e800000, 0x3f000000, 0x3effffff, 0x3f7fffff, 0x3f800000, /* to 1 */
	0x3f800001, 0x3fc00000, 0x40000000, 0x40200000, 0x40400000, /* 1.5, 2, 2.5, 3 */
	0x4affffff, 0x4b000000, 0x4b7fffff, 0x4b800000,             /* 2^23, 2^24 */
	0x4effffff, 0x4f000000, 0x4f000001, 0x4f7fffff, 0x4f800000, /* 2^31, 2^32 */
	0x5effffff, 0x5f000000, 0x5f7fffff, 0x5f800000,             /* 2^63, 2^64 */
	0x7effffff, 0x7f000000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000, /* the largest, infinity */
	0x7fc00000, 0x7fffffff, 0x7fc12345, 0x7f800001, 0x7fbfffff, /* NaNs: quiet, signalling */
};

static const uint64_t corners_d[] = {
	0x0000000000000000, 0x0000000000000001,
	0x0000000000000002, /* zero, subnormals */
	0x0008000000000000, 0x000fffffffffffff,
	0x0010000000000000, /* to the smallest */
	0x0010000000000001, 0x001fffffffffffff,
	0x0020000000000000, /* and beyond */
	0x2000000000000000, 0x1fffffffffffffff,
	0x3ca0000000000000, /* 2^-511, 2^-53 */
	0x3690000000000000, 0x3690000000000001,
	0x36a0000000000000, /* subnormal as a single */
	0x380fffffc0000000, 0x380fffffe0000000,
	0x380fffffffffffff, /* nearly */
	0x3810000000000000, 0x47efffffe0000000,
	0x47efffffefffffff, /* a single's smallest, largest */
	0x47effffff0000000, 0x47f0000000000000,
	0x3ff0000010000000, /* not quite singles */
	0x3ff0000030000000, 0x3fd0000000000000,
	0x3fe0000000000000, /* to 1 */
	0x3fdfffffffffffff, 0x3fefffffffffffff,
	0x3ff0000000000000, /* 1 */
	0x3ff0000000000001, 0x3ff8000000000000,
	0x4000000000000000, /* 1.5, 2 */
	0x4004000000000000, 0x4008000000000000,
	0x41dfffffffc00000, /* 2.5, 3, to 2^31 */
	0x41dfffffffe00000, 0x41e0000000000000,
	0x41e0000000100000, /* 2^31 */
	0x41e0000000200000, 0x41efffffffe00000,
	0x41effffffff00000, /* to 2^32 */
	0x41f0000000000000, 0x432fffffffffffff,
	0x4330000000000000, /* 2^32, 2^52 */
	0x433fffffffffffff, 0x4340000000000000,
	0x43dfffffffffffff, /* 2^53 */
	0x43e0000000000000, 0x43efffffffffffff,
	0x43f0000000000000, /* 2^63, 2^64 */
	0x7fdfffffffffffff, 0x7fe0000000000000,
	0x7feffffffffffffe, /* to the largest */
	0x7fefffffffffffff, 0x7ff0000000000000,
	0x7ff0000000000001, /* infinity, signalling NaNs */
	0x7ff7ffffffffffff, 0x7ff8000000000000,
	0x7ff8000012345678, /* quiet NaNs */
	0x7fffffffffffffff, /* another */
};

/* Registers that hold no single, though their lower halves would be fine ones. */
static const uint64_t badly_boxed[] = {
	0x000000003f800000, 0xfffffffe3f800000, 0x7fffffff40000000, 0xffff7fff00000001,
	0xfffffffeff800000, 0x00000000ffc00000, 0x0000000000000000, 0xfffffffe7f800001,
};

static const uint64_t corners_x[] = {
	0x0000000000000000, 0x0000000000000001, 0x0000000000000002, /* short ones */
	0x0000000000000003, 0x000000000000001f, 0x0000000000000020, /* shift amounts */
	0x000000000000003f, 0x0000000000000040, 0x000000000000007f, /* bytes */
	0x0000000000000080, 0x00000000000000ff, 0xffffffffffffff80, /* bytes */
	0x0000000000007fff, 0x0000000000008000, 0x000000000000ffff, /* halves */
	0xffffffffffff8000, 0x000000007fffffff, 0x0000000080000000, /* words */
	0x0000000080000001, 0x00000000ffffffff, 0x0000000100000000, /* words */
	0xffffffff80000000, 0xffffffff7fffffff, 0x7fffffffffffffff, /* the ends */
	0x8000000000000000, 0x8000000000000001, 0xfffffffffffffffe, /* the ends */
	0xffffffffffffffff, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, /* patterns */
	0x0000000000ffffff, 0x0000000001000001, 0x0020000000000001, /* too long for a float */
	0x1000000000000001, 0x7fffff4000000000, 0x7fffffbfffffffff, /* the same */
};

/* Near the ends; anywhere; where products of two underflow; around 1; where integers are. */
static unsigned random_exponent(struct rng *r, unsigned max)
{
	unsigned middle = max / 2;

	switch (rng_below(r, 6)) {
	case 0: return rng_below(r, 8);
	case 1: return max - 1 - rng_below(r, 8);
	case 2: return rng_below(r, max);
	case 3: return middle / 2 + rng_below(r, 8);
	case 4: return middle - 3 + rng_below(r, 6);
	default: return middle + rng_below(r, 66);
	}
}

/* Random, or few bits at the top, or few at the bottom, or a long run of ones. */
static uint64_t random_fraction(struct rng *r, unsigned bits)
{
	uint64_t all = BIT(bits) - 1;
	uint64_t v = rng_next(r) & all;

	switch (rng_below(r, 4)) {
	case 0: return v;
	case 1: return v & ~(all >> rng_below(r, bits));
	case 2: return v & all >> rng_below(r, bits);
	default: return all & ~(all >> rng_below(r, bits)) & ~(BIT(rng_below(r, bits)) - 1);
	}
}

static uint64_t operand_s(struct rng *r, bool corner)
{
	uint32_t sign = (uint32_t)(rng_next(r) & BIT(31));

	if (!corner)
		return BOXED(sign | random_exponent(r, 255) << 23 |
			     (uint32_t)random_fraction(r, 23));
	if (rng_one_in(r, 8))
		return badly_boxed[rng_below(r, ARRAY_SIZE(badly_boxed))];
	return BOXED(sign | corners_s[rng_below(r, ARRAY_SIZE(corners_s))]);
}

static uint64_t operand_d(struct rng *r, bool corner)
{
	uint64_t sign = rng_next(r) & BIT(63);

	if (!corner)
		return sign | (uint64_t)random_exponent(r, 2047) << 52 | random_fraction(r, 52);
	return sign | corners_d[rng_below(r, ARRAY_SIZE(corners_d))];
}

uint64_t operand_f(struct rng *r, enum width w, bool corner)
{
	return w == WIDTH_S ? operand_s(r, corner) : operand_d(r, corner);
}

/* With the host's arithmetic, whose rounding does not matter here. */
static uint64_t product(enum width w, uint64_t a, uint64_t b)
{
	uint64_t v = 0;

	if (w == WIDTH_S) {
		float x, y;

		memcpy(&x, &a, sizeof(x));
		memcpy(&y, &b, sizeof(y));
		x *= y;
		memcpy(&v, &x, sizeof(x));
		return BOXED(v);
	}
	double x, y;

	memcpy(&x, &a, sizeof(x));
	memcpy(&y, &b, sizeof(y));
	x *= y;
	memcpy(&v, &x, sizeof(x));
	return v;
}

uint64_t operand_near(struct rng *r, enum width w, uint64_t a, uint64_t b)
{
	uint64_t v = rng_one_in(r, 2) ? a : product(w, a, b);

	if (rng_one_in(r, 2))
		v ^= BIT(w == WIDTH_S ? 31 : 63);
	return rng_one_in(r, 2) ? v : v ^ rng_below(r, 4);
}

uint64_t operand_x(struct rng *r)
{
	if (rng_one_in(r, 2))
		return corners_x[rng_below(r, ARRAY_SIZE(corners_x))];
	if (rng_one_in(r, 2)) /* of any length */
		return rng_next(r) >> rng_below(r, 64);
	return rng_next(r);
}
