/* SPDX-License-Identifier: MIT */
/*
 * f registers in the host's xmm registers, for the files that lower F and D.
 *
 * All of it holds between jit_fp_need(), which native floating point has begun after, and the next
 * call of C. A pinned register holds all 64 bits of its f register, so a single has its box there.
 */
#ifndef CPU_RV64_JIT_X86_FP_H
#define CPU_RV64_JIT_X86_FP_H

#include "cpu/rv64/jit/x86_lower.h"

enum { XMM0, XMM1 }; /* scratch */

/* The bits of MXCSR for a rounding mode that the host has. (x86_mxcsr.c) */
uint32_t jit_mxcsr_rounding(unsigned rm);

/* Opcodes in their forms for singles and doubles. */
static inline uint32_t jit_scalar(uint32_t op, bool dbl)
{
	return X86_OP(dbl ? 0xf2 : 0xf3, 1, op);
}

/* Where f[g] is: its xmm register, or `scratch` after loading it. */
unsigned jit_f_get(struct jit_lower *l, unsigned g, unsigned scratch);
/* The same, always in xmm. */
void jit_f_load(struct jit_lower *l, unsigned xmm, unsigned g);
/* The register to compute f[g] in: its own, or xmm0. */
unsigned jit_f_dst(unsigned g);
/* f[g] = xmm, 64 bits. */
void jit_f_put(struct jit_lower *l, unsigned g, unsigned xmm);
/* op reg, f[g] */
void jit_f_op(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned reg, unsigned g);
/* xmm = a op f[g]; xmm is not f[g]'s unless a is as well, or there is AVX. */
void jit_f_op3(struct jit_lower *l, uint32_t op, unsigned xmm, unsigned a, unsigned g);
/* A single in xmm whose upper half is 0 gets its box. */
void jit_f_box(struct jit_lower *l, unsigned xmm);
/* f[g] is used as a single: leaves to the interpreter when it has no box. */
void jit_f_check_box(struct jit_lower *l, unsigned g);

/* As x86_fp_op.c compares: ucomiss, ucomisd. */
static inline uint32_t jit_ucomis(bool dbl)
{
	return X86_OP(dbl ? 0x66 : 0, 1, 0x2e);
}

/* xmm = the canonical NaN. */
void jit_nan(struct jit_lower *l, unsigned xmm, bool dbl);

/* The rule's result has the format D. */
#define JIT_FP_DOUBLE 1u

#endif
