/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CPU_FPU_RANDOM_H
#define TESTS_UNIT_CPU_FPU_RANDOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "lib/rand.h"
#include "cpu/rv64/fpu.h"

/*
 * Random operands for the floating-point tests, and numbers as the host sees them.
 *
 * Half of the operands are corners of their format, a quarter is random, and a quarter random and
 * of similar magnitude. The seed is fixed, so that a failure repeats.
 */

#define SEED         UINT64_C(0x6c696e6e65743634)
#define SETS         200000 /* of operands, per operation */
#define MODES        5
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum format { SINGLE, DOUBLE, INTEGER };

struct result {
	uint64_t bits;
	unsigned flags;
};

static inline uint64_t random_corner(uint64_t *state, uint64_t frac_bits, uint64_t exp_max)
{
	const uint64_t bias = exp_max / 2;
	const uint64_t ones = (UINT64_C(1) << frac_bits) - 1;
	const uint64_t top = UINT64_C(1) << (frac_bits - 1);
	/* The last two, of a double, lie half-way between singles. */
	const uint64_t frac[] = {0,
				 1,
				 2,
				 top - 1,
				 top,
				 top + 1,
				 ones - 1,
				 ones,
				 UINT64_C(1) << 28 & ones,
				 UINT64_C(3) << 28 & ones};
	const uint64_t exp[] = {0,
				1,
				2,
				bias - frac_bits - 1,
				bias - frac_bits,
				bias - 1,
				bias,
				bias + 1,
				bias + frac_bits,
				bias + 31,
				bias + 63,
				exp_max - 2,
				exp_max - 1,
				exp_max};
	uint64_t r = rand_next(state);

	return exp[(r >> 8) % COUNT(exp)] << frac_bits | frac[r % COUNT(frac)];
}

/* Of any length, or next to a power of two. */
static inline uint64_t random_integer(uint64_t *state)
{
	uint64_t kind = rand_next(state);
	uint64_t r = rand_next(state);

	r = kind & 1 ? (UINT64_C(1) << r % 64) + (r >> 8) % 5 - 2 : r >> (kind >> 8) % 64;
	return kind & 2 ? -r : r;
}

static inline uint64_t random_operand(uint64_t *state, enum format format)
{
	const uint64_t frac_bits = format == SINGLE ? 23 : 52;
	const uint64_t exp_max = format == SINGLE ? 0xff : 0x7ff;
	uint64_t r = rand_next(state);
	uint64_t sign = (r >> 63) << (format == SINGLE ? 31 : 63);
	uint64_t frac = r & ((UINT64_C(1) << frac_bits) - 1);

	if (format == INTEGER)
		return random_integer(state);
	switch (rand_next(state) % 4) {
	case 0: return sign | rand_next(state) % exp_max << frac_bits | frac;
	case 1: return sign | (exp_max / 2 - 32 + (r >> 52) % 64) << frac_bits | frac;
	default: return sign | random_corner(state, frac_bits, exp_max);
	}
}

/* Three operands; now and then two of them are alike, for sums that cancel. */
static inline void random_set(uint64_t *state, enum format format, uint64_t v[3])
{
	uint64_t r = rand_next(state);

	for (int i = 0; i < 3; i++)
		v[i] = random_operand(state, format);
	if (r % 8 == 0)
		v[1] = v[0] ^ (r >> 8 & 1) << (format == SINGLE ? 31 : 63) ^ (r >> 9 & 3);
}

static inline float to_float(uint64_t bits)
{
	uint32_t word = (uint32_t)bits;
	float v;

	memcpy(&v, &word, sizeof(v));
	return v;
}

static inline double to_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline uint64_t from_float(float v)
{
	uint32_t word;

	memcpy(&word, &v, sizeof(word));
	return isnan(v) ? FPU_NAN_S : word;
}

static inline uint64_t from_double(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return isnan(v) ? FPU_NAN_D : bits;
}

static inline long double value(enum format format, uint64_t bits)
{
	return format == SINGLE ? (long double)to_float(bits) : (long double)to_double(bits);
}

static inline bool is_snan(enum format format, uint64_t bits)
{
	return isnan(value(format, bits)) && !(bits >> (format == SINGLE ? 22 : 51) & 1);
}

static inline void check(const char *name, const uint64_t *v, unsigned rm, struct result got,
			 struct result want)
{
	if (got.bits == want.bits && got.flags == want.flags)
		return;
	fail_msg("%s(%#llx, %#llx, %#llx) in mode %u: got %#llx %#x, want %#llx %#x", name,
		 (unsigned long long)v[0], (unsigned long long)v[1], (unsigned long long)v[2], rm,
		 (unsigned long long)got.bits, got.flags, (unsigned long long)want.bits,
		 want.flags);
}

#endif
