/* SPDX-License-Identifier: MIT */
/*
 * What the F and D instructions do to the hart: operands out of f registers (narrow ones unboxed),
 * fpu.h, result and flags back. The caller has checked that FP is on, that rm is valid, and marks
 * the state dirty.
 */
#ifndef CPU_RV64_OP_FP_H
#define CPU_RV64_OP_FP_H

#include "cpu/rv64/fpu.h"
#include "cpu/rv64/hart.h"
#include "cpu/rv64/op.h"

/* fp_*_s and fp_*_d differ in the type, and in how a register holds it. */
static inline uint32_t fp_get_s(const struct rv64_hart *h, unsigned r)
{
	return fpu_unbox_s(h->f[r]);
}

static inline uint64_t fp_get_d(const struct rv64_hart *h, unsigned r)
{
	return h->f[r];
}

static inline void fp_set_s(struct rv64_hart *h, unsigned r, uint32_t v)
{
	h->f[r] = fpu_box_s(v);
}

static inline void fp_set_d(struct rv64_hart *h, unsigned r, uint64_t v)
{
	h->f[r] = v;
}

/* An operation whose statement `does` computes with a, b (and c), rm and &flags. */
#define FP_ROUNDED(name, does)                                                                   \
	static inline void fp_##name(struct rv64_hart *h, const struct rv64_op *op, unsigned rm) \
	{                                                                                        \
		unsigned flags = h->fflags;                                                      \
                                                                                                 \
		does;                                                                            \
		h->fflags = (uint8_t)flags;                                                      \
	}
#define FP_EXACT(name, does)                                                        \
	static inline void fp_##name(struct rv64_hart *h, const struct rv64_op *op) \
	{                                                                           \
		unsigned flags = h->fflags;                                         \
                                                                                    \
		does;                                                               \
		h->fflags = (uint8_t)flags;                                         \
	}

#define A_(s)  fp_get_##s(h, op->rs1)
#define B_(s)  fp_get_##s(h, op->rs2)
#define C_(s)  fp_get_##s(h, (unsigned)op->imm & 31)
#define SIGN_s UINT32_C(0x80000000)
#define SIGN_d UINT64_C(0x8000000000000000)

#define FP_BOTH_WIDTHS(s)                                                                          \
	FP_ROUNDED(fadd_##s, fp_set_##s(h, op->rd, fpu_add_##s(A_(s), B_(s), rm, &flags)))         \
	FP_ROUNDED(fsub_##s, fp_set_##s(h, op->rd, fpu_sub_##s(A_(s), B_(s), rm, &flags)))         \
	FP_ROUNDED(fmul_##s, fp_set_##s(h, op->rd, fpu_mul_##s(A_(s), B_(s), rm, &flags)))         \
	FP_ROUNDED(fdiv_##s, fp_set_##s(h, op->rd, fpu_div_##s(A_(s), B_(s), rm, &flags)))         \
	FP_ROUNDED(fsqrt_##s, fp_set_##s(h, op->rd, fpu_sqrt_##s(A_(s), rm, &flags)))              \
	FP_ROUNDED(fmadd_##s, fp_set_##s(h, op->rd, fpu_fma_##s(A_(s), B_(s), C_(s), rm, &flags))) \
	FP_ROUNDED(fmsub_##s,                                                                      \
		   fp_set_##s(h, op->rd, fpu_fma_##s(A_(s), B_(s), C_(s) ^ SIGN_##s, rm, &flags))) \
	FP_ROUNDED(fnmsub_##s,                                                                     \
		   fp_set_##s(h, op->rd, fpu_fma_##s(A_(s) ^ SIGN_##s, B_(s), C_(s), rm, &flags))) \
	FP_ROUNDED(fnmadd_##s,                                                                     \
		   fp_set_##s(h, op->rd,                                                           \
			      fpu_fma_##s(A_(s) ^ SIGN_##s, B_(s), C_(s) ^ SIGN_##s, rm, &flags))) \
	FP_ROUNDED(fcvt_w_##s, h->x[op->rd] = fpu_##s##_to_i32(A_(s), rm, &flags))                 \
	FP_ROUNDED(fcvt_wu_##s, h->x[op->rd] = fpu_##s##_to_u32(A_(s), rm, &flags))                \
	FP_ROUNDED(fcvt_l_##s, h->x[op->rd] = fpu_##s##_to_i64(A_(s), rm, &flags))                 \
	FP_ROUNDED(fcvt_lu_##s, h->x[op->rd] = fpu_##s##_to_u64(A_(s), rm, &flags))                \
	FP_ROUNDED(fcvt_##s##_w,                                                                   \
		   fp_set_##s(h, op->rd, fpu_i32_to_##s((int32_t)h->x[op->rs1], rm, &flags)))      \
	FP_ROUNDED(fcvt_##s##_wu,                                                                  \
		   fp_set_##s(h, op->rd, fpu_u32_to_##s((uint32_t)h->x[op->rs1], rm, &flags)))     \
	FP_ROUNDED(fcvt_##s##_l,                                                                   \
		   fp_set_##s(h, op->rd, fpu_i64_to_##s((int64_t)h->x[op->rs1], rm, &flags)))      \
	FP_ROUNDED(fcvt_##s##_lu,                                                                  \
		   fp_set_##s(h, op->rd, fpu_u64_to_##s(h->x[op->rs1], rm, &flags)))               \
	FP_EXACT(fmin_##s, fp_set_##s(h, op->rd, fpu_min_##s(A_(s), B_(s), &flags)))               \
	FP_EXACT(fmax_##s, fp_set_##s(h, op->rd, fpu_max_##s(A_(s), B_(s), &flags)))               \
	FP_EXACT(feq_##s, h->x[op->rd] = fpu_eq_##s(A_(s), B_(s), &flags))                         \
	FP_EXACT(flt_##s, h->x[op->rd] = fpu_lt_##s(A_(s), B_(s), &flags))                         \
	FP_EXACT(fle_##s, h->x[op->rd] = fpu_le_##s(A_(s), B_(s), &flags))                         \
	FP_EXACT(fminm_##s, fp_set_##s(h, op->rd, fpu_minm_##s(A_(s), B_(s), &flags)))             \
	FP_EXACT(fmaxm_##s, fp_set_##s(h, op->rd, fpu_maxm_##s(A_(s), B_(s), &flags)))             \
	FP_EXACT(fltq_##s, h->x[op->rd] = fpu_ltq_##s(A_(s), B_(s), &flags))                       \
	FP_EXACT(fleq_##s, h->x[op->rd] = fpu_leq_##s(A_(s), B_(s), &flags))                       \
	FP_ROUNDED(fround_##s, fp_set_##s(h, op->rd, fpu_round_##s(A_(s), rm, false, &flags)))     \
	FP_ROUNDED(froundnx_##s, fp_set_##s(h, op->rd, fpu_round_##s(A_(s), rm, true, &flags)))    \
	FP_EXACT(fli_##s, fp_set_##s(h, op->rd, fpu_const_##s(op->rs1)))                           \
	FP_EXACT(fclass_##s, h->x[op->rd] = fpu_class_##s(A_(s)))                                  \
	FP_EXACT(fsgnj_##s, fp_set_##s(h, op->rd, (A_(s) & ~SIGN_##s) | (B_(s) & SIGN_##s)))       \
	FP_EXACT(fsgnjn_##s, fp_set_##s(h, op->rd, (A_(s) & ~SIGN_##s) | (~B_(s) & SIGN_##s)))     \
	FP_EXACT(fsgnjx_##s, fp_set_##s(h, op->rd, A_(s) ^ (B_(s) & SIGN_##s)))

FP_BOTH_WIDTHS(s)
FP_BOTH_WIDTHS(d)

FP_ROUNDED(fcvt_s_d, fp_set_s(h, op->rd, fpu_d_to_s(A_(d), rm, &flags)))
/* Widening is exact whatever rm is. */
FP_ROUNDED(fcvt_d_s, (void)rm; fp_set_d(h, op->rd, fpu_s_to_d(A_(s), &flags)))

FP_EXACT(fcvtmod_w_d, h->x[op->rd] = fpu_d_to_i32_modular(A_(d), &flags))

/* Moves of bits, boxed or not. */
FP_EXACT(fmv_x_w, h->x[op->rd] = (uint64_t)(int64_t)(int32_t)h->f[op->rs1])
FP_EXACT(fmv_w_x, fp_set_s(h, op->rd, (uint32_t)h->x[op->rs1]))
FP_EXACT(fmv_x_d, h->x[op->rd] = h->f[op->rs1])
FP_EXACT(fmv_d_x, h->f[op->rd] = h->x[op->rs1])

#undef A_
#undef B_
#undef C_

#endif
