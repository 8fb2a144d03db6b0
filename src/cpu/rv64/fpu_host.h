/* SPDX-License-Identifier: MIT */
#ifndef CPU_RV64_FPU_HOST_H
#define CPU_RV64_FPU_HOST_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cpu/rv64/fpu.h"

/*
 * The fast path: operations on the host's floating-point unit. Private to the fpu_*.c files.
 *
 * A host whose float and double are the IEEE formats, without excess precision, rounds to nearest
 * even just as RISC-V does; only flags, NaNs and tiny or huge results need care. So a function
 * here does the operation and returns true if
 *
 *	- rm is FPU_RNE, and
 *	- FPU_NX is set already, so that it does not matter whether this result is inexact, and
 *	- the exponents show that neither the operands nor the result is subnormal, infinite or
 *	  a NaN. Then nothing else can be raised, and a process that flushes subnormals to zero
 *	  does no harm either.
 *
 * Otherwise it returns false and leaves the operation to the integer code. Programs seldom clear
 * fflags, so that FPU_NX is set nearly always.
 */

#if FLT_EVAL_METHOD == 0 && FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53 && !defined(__FAST_MATH__)
#define FPU_HOST_EXACT true
#else
#define FPU_HOST_EXACT false
#endif

/*
 * Sums take exponent fields in [FPU_HOST_MARGIN, all ones - FPU_HOST_MARGIN]: if all bits but the
 * last cancel, what is left is still normal, in double with the 106 bits of a product too.
 */
#define FPU_HOST_MARGIN_S 32
#define FPU_HOST_MARGIN_D 120

static inline bool fpu_host_ready(unsigned rm, unsigned flags)
{
	return FPU_HOST_EXACT && rm == FPU_RNE && (flags & FPU_NX);
}

static inline float fpu_host_float(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline double fpu_host_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline bool fpu_host_return_s(float v, uint32_t *r)
{
	memcpy(r, &v, sizeof(v));
	return true;
}

static inline bool fpu_host_return_d(double v, uint64_t *r)
{
	memcpy(r, &v, sizeof(v));
	return true;
}

static inline int fpu_host_exp_s(uint32_t bits)
{
	return (int)(bits >> 23 & 0xff);
}

static inline int fpu_host_exp_d(uint64_t bits)
{
	return (int)(bits >> 52 & 0x7ff);
}

/* Whether an exponent field is of a normal number at least margin away from both ends. */
static inline bool fpu_host_within_s(int exp, int margin)
{
	return (unsigned)(exp - margin) <= 0xffu - 2 * (unsigned)margin;
}

static inline bool fpu_host_within_d(int exp, int margin)
{
	return (unsigned)(exp - margin) <= 0x7ffu - 2 * (unsigned)margin;
}

static inline bool fpu_host_add_s(uint32_t a, uint32_t b, unsigned rm, unsigned flags, uint32_t *r)
{
	if (!fpu_host_ready(rm, flags) ||
	    !fpu_host_within_s(fpu_host_exp_s(a), FPU_HOST_MARGIN_S) ||
	    !fpu_host_within_s(fpu_host_exp_s(b), FPU_HOST_MARGIN_S))
		return false;
	return fpu_host_return_s(fpu_host_float(a) + fpu_host_float(b), r);
}

static inline bool fpu_host_add_d(uint64_t a, uint64_t b, unsigned rm, unsigned flags, uint64_t *r)
{
	if (!fpu_host_ready(rm, flags) ||
	    !fpu_host_within_d(fpu_host_exp_d(a), FPU_HOST_MARGIN_D) ||
	    !fpu_host_within_d(fpu_host_exp_d(b), FPU_HOST_MARGIN_D))
		return false;
	return fpu_host_return_d(fpu_host_double(a) + fpu_host_double(b), r);
}

/* The exponent field of a product or a quotient may be 1 off what the operands' fields say. */
static inline bool fpu_host_mul_s(uint32_t a, uint32_t b, unsigned rm, unsigned flags, uint32_t *r)
{
	int ea = fpu_host_exp_s(a);
	int eb = fpu_host_exp_s(b);

	if (!fpu_host_ready(rm, flags) || !fpu_host_within_s(ea, 1) || !fpu_host_within_s(eb, 1) ||
	    !fpu_host_within_s(ea + eb - 127, 2))
		return false;
	return fpu_host_return_s(fpu_host_float(a) * fpu_host_float(b), r);
}

static inline bool fpu_host_mul_d(uint64_t a, uint64_t b, unsigned rm, unsigned flags, uint64_t *r)
{
	int ea = fpu_host_exp_d(a);
	int eb = fpu_host_exp_d(b);

	if (!fpu_host_ready(rm, flags) || !fpu_host_within_d(ea, 1) || !fpu_host_within_d(eb, 1) ||
	    !fpu_host_within_d(ea + eb - 1023, 2))
		return false;
	return fpu_host_return_d(fpu_host_double(a) * fpu_host_double(b), r);
}

static inline bool fpu_host_div_s(uint32_t a, uint32_t b, unsigned rm, unsigned flags, uint32_t *r)
{
	int ea = fpu_host_exp_s(a);
	int eb = fpu_host_exp_s(b);

	if (!fpu_host_ready(rm, flags) || !fpu_host_within_s(ea, 1) || !fpu_host_within_s(eb, 1) ||
	    !fpu_host_within_s(ea - eb + 127, 2))
		return false;
	return fpu_host_return_s(fpu_host_float(a) / fpu_host_float(b), r);
}

static inline bool fpu_host_div_d(uint64_t a, uint64_t b, unsigned rm, unsigned flags, uint64_t *r)
{
	int ea = fpu_host_exp_d(a);
	int eb = fpu_host_exp_d(b);

	if (!fpu_host_ready(rm, flags) || !fpu_host_within_d(ea, 1) || !fpu_host_within_d(eb, 1) ||
	    !fpu_host_within_d(ea - eb + 1023, 2))
		return false;
	return fpu_host_return_d(fpu_host_double(a) / fpu_host_double(b), r);
}

static inline bool fpu_host_sqrt_s(uint32_t a, unsigned rm, unsigned flags, uint32_t *r)
{
	if (!fpu_host_ready(rm, flags) || a >> 31 || !fpu_host_within_s(fpu_host_exp_s(a), 1))
		return false;
	return fpu_host_return_s(sqrtf(fpu_host_float(a)), r);
}

static inline bool fpu_host_sqrt_d(uint64_t a, unsigned rm, unsigned flags, uint64_t *r)
{
	if (!fpu_host_ready(rm, flags) || a >> 63 || !fpu_host_within_d(fpu_host_exp_d(a), 1))
		return false;
	return fpu_host_return_d(sqrt(fpu_host_double(a)), r);
}

/*
 * In double precision the product of two singles is exact and the sum is rounded. Rounding that
 * again, to single, gives what one rounding gives, unless the first one ended half-way between two
 * singles: nowhere else could it have crossed from one side of such a point to the other.
 */
static inline bool fpu_host_fma_s(uint32_t a, uint32_t b, uint32_t c, unsigned rm, unsigned flags,
				  uint32_t *r)
{
	const uint64_t tail = (UINT64_C(1) << (52 - 23)) - 1;
	uint64_t bits;
	double sum;

	if (!fpu_host_ready(rm, flags) || !fpu_host_within_s(fpu_host_exp_s(a), 1) ||
	    !fpu_host_within_s(fpu_host_exp_s(b), 1) || !fpu_host_within_s(fpu_host_exp_s(c), 1))
		return false;
	sum = (double)fpu_host_float(a) * (double)fpu_host_float(b) + (double)fpu_host_float(c);
	memcpy(&bits, &sum, sizeof(bits));
	if (!fpu_host_within_s(fpu_host_exp_d(bits) - 1023 + 127, 2) ||
	    (bits & tail) == (tail >> 1) + 1)
		return false;
	return fpu_host_return_s((float)sum, r);
}

/*
 * Only an instruction will do, the C library's emulation is slower than ours. Builds for any x86-64
 * ask the processor whether it has one.
 */
#if defined(__FMA__) || defined(__FP_FAST_FMA)
static inline bool fpu_host_has_fma(void)
{
	return true;
}

static inline double fpu_host_fma(double x, double y, double z)
{
	return __builtin_fma(x, y, z);
}
#elif defined(__x86_64__)
static inline bool fpu_host_has_fma(void)
{
	return __builtin_cpu_supports("fma");
}

__attribute__((target("fma"))) static inline double fpu_host_fma(double x, double y, double z)
{
	return __builtin_fma(x, y, z);
}
#else
static inline bool fpu_host_has_fma(void)
{
	return false;
}

static inline double fpu_host_fma(double x, double y, double z)
{
	return x * y + z; /* never called */
}
#endif

static inline bool fpu_host_fma_d(uint64_t a, uint64_t b, uint64_t c, unsigned rm, unsigned flags,
				  uint64_t *r)
{
	int ea = fpu_host_exp_d(a);
	int eb = fpu_host_exp_d(b);

	if (!fpu_host_ready(rm, flags) || !fpu_host_within_d(ea, 1) || !fpu_host_within_d(eb, 1) ||
	    !fpu_host_within_d(ea + eb - 1023, FPU_HOST_MARGIN_D) ||
	    !fpu_host_within_d(fpu_host_exp_d(c), FPU_HOST_MARGIN_D) || !fpu_host_has_fma())
		return false;
	return fpu_host_return_d(
		fpu_host_fma(fpu_host_double(a), fpu_host_double(b), fpu_host_double(c)), r);
}

#endif
