/* SPDX-License-Identifier: MIT */
#ifndef CPU_RV64_FPU_H
#define CPU_RV64_FPU_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The arithmetic of the F and D extensions (RISC-V Unprivileged ISA, "F" and "D" chapters, 2.2 and
 * later): IEEE 754-2008 binary32 and binary64, exact in value and in flags.
 *
 * Operands and results are bit patterns: uint32_t for single precision without the NaN box,
 * uint64_t for double precision. A suffix _s or _d names the format. Every NaN that is computed is
 * the canonical one, tininess is detected after rounding, and an invalid conversion to an integer
 * saturates.
 *
 * rm is a rounding mode of enum fpu_rounding: the caller has replaced DYN by frm and has trapped on
 * a reserved value. The exceptions that an operation raises are OR-ed into *flags, whose other bits
 * stay. It pays to pass the accumulated fflags rather than a cleared word: where FPU_NX is set
 * already, most operations in FPU_RNE run on the host's floating-point unit.
 *
 * Functions are pure but for *flags and may be called on any thread, whose floating-point
 * environment must round to nearest. No function fails.
 */

enum fpu_rounding { FPU_RNE, FPU_RTZ, FPU_RDN, FPU_RUP, FPU_RMM };

/* Exceptions, at their places in fflags. */
#define FPU_NX 1u  /* inexact */
#define FPU_UF 2u  /* underflow */
#define FPU_OF 4u  /* overflow */
#define FPU_DZ 8u  /* divide by zero */
#define FPU_NV 16u /* invalid operation */

#define FPU_NAN_S UINT32_C(0x7fc00000)
#define FPU_NAN_D UINT64_C(0x7ff8000000000000)

uint32_t fpu_add_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags);
uint64_t fpu_add_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags);
uint32_t fpu_sub_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags);
uint64_t fpu_sub_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags);
uint32_t fpu_mul_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags);
uint64_t fpu_mul_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags);
uint32_t fpu_div_s(uint32_t a, uint32_t b, unsigned rm, unsigned *flags);
uint64_t fpu_div_d(uint64_t a, uint64_t b, unsigned rm, unsigned *flags);
uint32_t fpu_sqrt_s(uint32_t a, unsigned rm, unsigned *flags);
uint64_t fpu_sqrt_d(uint64_t a, unsigned rm, unsigned *flags);

/*
 * a * b + c, rounded once. The other three of the family are this one with the sign of a, of c, or
 * of both flipped. Infinity times zero is invalid even if c is a quiet NaN.
 */
uint32_t fpu_fma_s(uint32_t a, uint32_t b, uint32_t c, unsigned rm, unsigned *flags);
uint64_t fpu_fma_d(uint64_t a, uint64_t b, uint64_t c, unsigned rm, unsigned *flags);

/*
 * minimumNumber and maximumNumber: -0 is less than +0, and of a NaN and a number the number is
 * returned. A signaling NaN raises FPU_NV in either case.
 */
uint32_t fpu_min_s(uint32_t a, uint32_t b, unsigned *flags);
uint64_t fpu_min_d(uint64_t a, uint64_t b, unsigned *flags);
uint32_t fpu_max_s(uint32_t a, uint32_t b, unsigned *flags);
uint64_t fpu_max_d(uint64_t a, uint64_t b, unsigned *flags);

/* False with a NaN. eq raises FPU_NV for a signaling NaN only, lt and le for any NaN. */
bool fpu_eq_s(uint32_t a, uint32_t b, unsigned *flags);
bool fpu_eq_d(uint64_t a, uint64_t b, unsigned *flags);
bool fpu_lt_s(uint32_t a, uint32_t b, unsigned *flags);
bool fpu_lt_d(uint64_t a, uint64_t b, unsigned *flags);
bool fpu_le_s(uint32_t a, uint32_t b, unsigned *flags);
bool fpu_le_d(uint64_t a, uint64_t b, unsigned *flags);

/*
 * Zfa. minimum and maximum: a NaN if one operand is one; the quiet comparisons: FPU_NV for a
 * signaling NaN only.
 */
uint32_t fpu_minm_s(uint32_t a, uint32_t b, unsigned *flags);
uint64_t fpu_minm_d(uint64_t a, uint64_t b, unsigned *flags);
uint32_t fpu_maxm_s(uint32_t a, uint32_t b, unsigned *flags);
uint64_t fpu_maxm_d(uint64_t a, uint64_t b, unsigned *flags);
bool fpu_ltq_s(uint32_t a, uint32_t b, unsigned *flags);
bool fpu_ltq_d(uint64_t a, uint64_t b, unsigned *flags);
bool fpu_leq_s(uint32_t a, uint32_t b, unsigned *flags);
bool fpu_leq_d(uint64_t a, uint64_t b, unsigned *flags);

/* To an integral value of the same format; with nx, FPU_NX where that changes the value. A zero
 * keeps the operand's sign. */
uint32_t fpu_round_s(uint32_t a, unsigned rm, bool nx, unsigned *flags);
uint64_t fpu_round_d(uint64_t a, unsigned rm, bool nx, unsigned *flags);

/* Constant `index` (0 to 31) of FLI. */
uint32_t fpu_const_s(unsigned index);
uint64_t fpu_const_d(unsigned index);

/* Towards zero, modulo 2^32, sign-extended; the flags are those of fpu_d_to_i32(). NaN and
 * infinities give 0. */
uint64_t fpu_d_to_i32_modular(uint64_t a, unsigned *flags);

/*
 * The result of FCLASS: one bit of ten. From bit 0: -infinity, -normal, -subnormal, -0, +0,
 * +subnormal, +normal, +infinity, signaling NaN, quiet NaN.
 */
unsigned fpu_class_s(uint32_t a);
unsigned fpu_class_d(uint64_t a);

/* Between the formats. Widening is exact, so it takes no rounding mode. */
uint64_t fpu_s_to_d(uint32_t a, unsigned *flags);
uint32_t fpu_d_to_s(uint64_t a, unsigned rm, unsigned *flags);

/*
 * To an integer, as the value of an x register: 32-bit results, the unsigned ones too, are
 * sign-extended. What does not fit after rounding raises FPU_NV alone and gives the nearest value
 * of the type; a NaN gives the largest.
 */
uint64_t fpu_s_to_i32(uint32_t a, unsigned rm, unsigned *flags);
uint64_t fpu_s_to_u32(uint32_t a, unsigned rm, unsigned *flags);
uint64_t fpu_s_to_i64(uint32_t a, unsigned rm, unsigned *flags);
uint64_t fpu_s_to_u64(uint32_t a, unsigned rm, unsigned *flags);
uint64_t fpu_d_to_i32(uint64_t a, unsigned rm, unsigned *flags);
uint64_t fpu_d_to_u32(uint64_t a, unsigned rm, unsigned *flags);
uint64_t fpu_d_to_i64(uint64_t a, unsigned rm, unsigned *flags);
uint64_t fpu_d_to_u64(uint64_t a, unsigned rm, unsigned *flags);

/* From an integer. The two from 32 bits to double are exact and take rm and flags for symmetry. */
uint32_t fpu_i32_to_s(int32_t v, unsigned rm, unsigned *flags);
uint32_t fpu_u32_to_s(uint32_t v, unsigned rm, unsigned *flags);
uint32_t fpu_i64_to_s(int64_t v, unsigned rm, unsigned *flags);
uint32_t fpu_u64_to_s(uint64_t v, unsigned rm, unsigned *flags);
uint64_t fpu_i32_to_d(int32_t v, unsigned rm, unsigned *flags);
uint64_t fpu_u32_to_d(uint32_t v, unsigned rm, unsigned *flags);
uint64_t fpu_i64_to_d(int64_t v, unsigned rm, unsigned *flags);
uint64_t fpu_u64_to_d(uint64_t v, unsigned rm, unsigned *flags);

/*
 * A single in a 64-bit f register has all upper bits set ("NaN Boxing of Narrower Values"). Reading
 * one that has not gives the canonical NaN.
 */
static inline uint32_t fpu_unbox_s(uint64_t reg)
{
	return reg >> 32 == UINT32_MAX ? (uint32_t)reg : FPU_NAN_S;
}

static inline uint64_t fpu_box_s(uint32_t value)
{
	return UINT64_C(0xffffffff00000000) | value;
}

#endif
