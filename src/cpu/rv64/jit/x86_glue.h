/* SPDX-License-Identifier: MIT */
/*
 * How generated code uses the host's registers, for the files that generate it.
 *
 *	rbp       the hart's struct interp, moved so that x1 to x31 and x[RV64_X_PAGE] have short
 *	          displacements
 *	r15       within a group of accesses (analyse.c): where their base register points to in
 *	          host memory
 *	r14       `left` of struct interp, as it was at the block's entry
 *	rax, rcx, rdx   scratch; xmm0 and xmm1 too
 *	others    guest registers, see jit_pinned; in a loop maybe others (x86_alloc.c)
 *	xmm2 to xmm15   f registers, see jit_pinned_f, while `native_fp` of struct interp is set
 *
 * The virtual page that the running code lies in is in x[RV64_X_PAGE]; code is thus independent of
 * where its page is mapped. rsp is a multiple of 16 within blocks.
 *
 * The end of a block that leads to a known place in the same page is
 *	call link; .int16 offset of the target in the page; .int16 the page's record
 * and becomes `jmp target` when the target is compiled.
 *
 * The entry of a block whose code is given up becomes such an end; so none that is a block's own
 * may stand in its first JIT_LINK_SIZE bytes.
 */
#ifndef CPU_RV64_JIT_X86_GLUE_H
#define CPU_RV64_JIT_X86_GLUE_H

#include "cpu/rv64/jit/native.h"
#include "cpu/rv64/jit/x86.h"

#define JIT_BASE   ((int32_t)offsetof(struct interp, run.hart.x[1]) + 128)
#define JIT_OFF(f) ((int32_t)offsetof(struct interp, f) - JIT_BASE)

/* The virtual page that the running code lies in. */
#define JIT_PAGE_AT JIT_OFF(run.hart.x[RV64_X_PAGE])

enum { REG_HART = RBP, REG_GROUP = R15, REG_LEFT = R14 };

#define JIT_LINK_SIZE 9 /* of a call of link with its data */

#define JIT_NONE 0xff /* a guest register that lives in memory */

/* The host register of each x register between blocks, and in those that have no others. */
#define JIT_N_PINNED 9
extern const uint8_t jit_pinned[32];
/* The same of f registers. */
extern const uint8_t jit_pinned_f[32];

#define JIT_TLB(field)       (JIT_OFF(run.hart.mmu.tlb) + (int32_t)offsetof(struct rv64_tlb_entry, field))
#define JIT_SITE(field)      (JIT_OFF(native_site) + (int32_t)offsetof(struct interp_site, field))
#define JIT_SITE_DISTANCE(n) ((int32_t)((n) * sizeof(struct interp_site)))

/* What `site` is told: the number of the site, its limit, and the uppermost bit for a store. */
#define JIT_SITE_LIMIT 13
#define JIT_SITES_MAX  (1 << JIT_SITE_LIMIT)
#define JIT_SITE_STORE 0x80000000u

/* The bytes of what a site asks, with the address in rdx. Behind the call of `site` stand `je` to
 * where that ends, `jmp` to what is done when the page is not in the TLB, and what looks into the
 * TLB; the latter begins JIT_SITE_COMPUTES bytes behind where the call returns to. */
#define JIT_SITE_SIZE     20
#define JIT_SITE_COMPUTES 11

/* rcx = the slot of the TLB for the address in register va, as a distance; rdx is used. */
void jit_emit_slot(struct x86 *e, bool bmi2, unsigned va);
/* Goes on at pc = rax but for its bit 0, inline; the flags are those of `left`. With `look`, looks
 * at attention too. */
void jit_emit_near(struct x86 *e, const struct jit_glue *g, enum interp_space space, bool look);
/* The same by element `n` of native_far; bit 0 is clear. Returns the jump to take when that does
 * not know. */
uint8_t *jit_emit_far(struct x86 *e, const struct jit_glue *g, unsigned n, bool look);
/* Where that leads. */
void jit_emit_far_slow(struct x86 *e, const struct jit_glue *g, unsigned n,
		       enum interp_space space);

void jit_emit_status(struct x86 *e, struct jit_glue *g);

/* What compact blocks share. */
void jit_emit_compact(struct x86 *e, struct jit_glue *g, bool bmi2);

static inline int32_t jit_off_x(unsigned g)
{
	return JIT_OFF(run.hart.x) + 8 * (int32_t)g;
}

static inline int32_t jit_off_f(unsigned g)
{
	return JIT_OFF(run.hart.f) + 8 * (int32_t)g;
}

#endif
