/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: the state of floating point, and where f registers are.
 *
 * Native floating point begins at the entry of a block that has any instruction of F or D, when frm
 * is a mode that the host has and FS is dirty; if not, the interpreter does the block. From then on
 * most f registers are in xmm registers, also across blocks, and the flags pile up in MXCSR. It
 * ends when C computes, when CSRs are read and when native code is left (rv64_jit_fp_end()); after
 * a call of C, which stores and loads the registers as needed (x86_glue.c), it begins again.
 *
 * Singles. A register that is read as a single before the block has written it must have its box:
 * those that are read before the first branch are looked at together at the block's entry, the
 * others where they are read. Without a box the interpreter goes on.
 */
#include "cpu/rv64/jit/x86_fp.h"

#include "base/bits.h"
#include "cpu/rv64/fpu.h"

/* ---- registers ---- */

unsigned jit_f_get(struct jit_lower *l, unsigned g, unsigned scratch)
{
	if (jit_pinned_f[g] != JIT_NONE)
		return jit_pinned_f[g];
	jit_f_load(l, scratch, g);
	return scratch;
}

void jit_f_load(struct jit_lower *l, unsigned xmm, unsigned g)
{
	if (jit_pinned_f[g] != JIT_NONE)
		x86_movaps(&l->e, xmm, jit_pinned_f[g]);
	else
		x86_rm(&l->e, X86_MOVSD, X86_L, xmm, REG_HART, jit_off_f(g));
}

unsigned jit_f_dst(unsigned g)
{
	return jit_pinned_f[g] != JIT_NONE ? jit_pinned_f[g] : XMM0;
}

void jit_f_put(struct jit_lower *l, unsigned g, unsigned xmm)
{
	if (jit_pinned_f[g] != JIT_NONE)
		x86_movaps(&l->e, jit_pinned_f[g], xmm);
	else
		x86_rm(&l->e, X86_MOVSD_TO, X86_L, xmm, REG_HART, jit_off_f(g));
}

void jit_f_op(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned reg, unsigned g)
{
	if (jit_pinned_f[g] != JIT_NONE)
		x86_rr(&l->e, op, w, reg, jit_pinned_f[g]);
	else
		x86_rm(&l->e, op, w, reg, REG_HART, jit_off_f(g));
}

void jit_f_op3(struct jit_lower *l, uint32_t op, unsigned xmm, unsigned a, unsigned g)
{
	if (!l->jit->fma) {
		x86_movaps(&l->e, xmm, a);
		jit_f_op(l, op, X86_L, xmm, g);
	} else if (jit_pinned_f[g] != JIT_NONE) {
		x86_vex_rr(&l->e, op, X86_L, xmm, a, jit_pinned_f[g]);
	} else {
		x86_vex_rm(&l->e, op, X86_L, xmm, a, REG_HART, jit_off_f(g));
	}
}

void jit_f_box(struct jit_lower *l, unsigned xmm)
{
	x86_rm(&l->e, X86_ORPS, X86_L, xmm, REG_HART, JIT_OFF(native_box));
}

/* ---- boxes ---- */

static void check_upper(struct jit_lower *l, unsigned xmm)
{
	struct x86 *e = &l->e;

	x86_rr(e, X86_MOVQ_TO, X86_Q, xmm, RAX);
	x86_shift_imm(e, X86_G_SHR, X86_Q, RAX, 32);
	x86_alu_imm(e, X86_G_CMP, X86_L, RAX, -1);
	jit_give_up(l, x86_jcc(e, X86_NE));
}

void jit_f_check_box(struct jit_lower *l, unsigned g)
{
	if (l->boxed & BIT(g))
		return;
	l->boxed |= (uint32_t)BIT(g);
	if (jit_pinned_f[g] != JIT_NONE) {
		check_upper(l, jit_pinned_f[g]);
		return;
	}
	x86_alu_imm_mem(&l->e, X86_G_CMP, X86_L, REG_HART, jit_off_f(g) + 4, -1);
	jit_give_up(l, x86_jcc(&l->e, X86_NE));
}

/* Of several at once. */
static void check_boxes(struct jit_lower *l, uint32_t set)
{
	bool begun = false;

	for (unsigned f = 0; f < 32; f++) {
		if (!(set & BIT(f)))
			continue;
		if (begun)
			x86_rr(&l->e, X86_ANDPS, X86_L, XMM0, jit_f_get(l, f, XMM1));
		else
			jit_f_load(l, XMM0, f);
		begun = true;
	}
	if (begun)
		check_upper(l, XMM0);
	l->boxed |= set;
}

/* The f registers that the instruction reads as singles. */
static uint32_t singles_read(const struct rv64_insn *in)
{
	if (in->id == RV64_fcvt_d_s)
		return (uint32_t)BIT(in->rs1);
	if (rv64_insn_info[in->id].ext != RV64_EXT_F || in->id == RV64_fmv_x_w)
		return 0;
	switch (rv64_insn_info[in->id].format) {
	case RV64_FMT_F4: return (uint32_t)(BIT(in->rs1) | BIT(in->rs2) | BIT(in->rs3));
	case RV64_FMT_FF:
	case RV64_FMT_XFF: return (uint32_t)(BIT(in->rs1) | BIT(in->rs2));
	case RV64_FMT_FF1:
	case RV64_FMT_XF: return (uint32_t)BIT(in->rs1);
	default: return 0;
	}
}

void jit_fp_wrote(struct jit_lower *l, const struct rv64_insn *in)
{
	if (!rv64_insn_is_fp(in->id) || rv64_insn_writes_x(in->id) ||
	    rv64_insn_info[in->id].format == RV64_FMT_S)
		return;
	l->boxed &= (uint32_t)~BIT(in->rd);
	l->nan_s &= (uint32_t)~BIT(in->rd);
	l->nan_d &= (uint32_t)~BIT(in->rd);
	if (l->s->any_nan[l->s->index] && jit_pinned_f[in->rd] != JIT_NONE)
		*(rv64_insn_info[in->id].ext == RV64_EXT_F ? &l->nan_s
							   : &l->nan_d) |= (uint32_t)BIT(in->rd);
	if (rv64_insn_info[in->id].ext == RV64_EXT_F || in->id == RV64_fcvt_s_d)
		l->boxed |= (uint32_t)BIT(in->rd);
}

/* ---- beginning ---- */

static void begin_live(struct jit_lower *l)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;

	x86_rm(e, 0x80, X86_L, X86_G_CMP, REG_HART, JIT_OFF(native_fp));
	x86_byte(e, 0);
	o = jit_ool(l, JIT_OOL_FP, x86_jcc(e, X86_E));
	o->offset = (uint16_t)l->s->offset;
	o->index = (uint8_t)l->s->index;
	o->back = e->p;
	l->fp_live = true;
}

void jit_fp_need(struct jit_lower *l)
{
	if (!l->fp_live)
		begin_live(l);
}

void jit_fp_enter(struct jit_lower *l)
{
	uint32_t written = 0, read = 0;
	bool any = false, straight = true;

	l->fp_live = false;
	l->boxed = 0;
	for (unsigned i = 0; i < l->s->n; i++) {
		const struct rv64_insn *in = &l->s->insn[i];

		straight &= rv64_insn_info[in->id].format != RV64_FMT_B;
		if (!rv64_insn_is_fp(in->id))
			continue;
		any = true;
		if (straight)
			read |= singles_read(in) & ~written;
		written |= (uint32_t)BIT(in->rd);
	}
	if (!any)
		return;
	begin_live(l);
	check_boxes(l, read);
}

void jit_call_fp(struct jit_lower *l)
{
	const uint32_t narrow = l->narrow;

	l->narrow = 0; /* it keeps all registers, and never traps */
	jit_move_out(l);
	x86_call_to(&l->e, l->jit->glue.fp);
	jit_move_in(l);
	l->narrow = narrow;
}

void jit_ool_fp(struct jit_lower *l, const struct jit_ool *o)
{
	struct x86 *e = &l->e;

	if (o->back) {
		jit_call_fp(l);
		x86_rr(e, X86_TEST, X86_L, RAX, RAX);
		x86_jcc_to(e, X86_E, o->back);
	}
	jit_move_out(l);
	jit_leave_to_interp(l, o->index);
}

void jit_nan(struct jit_lower *l, unsigned xmm, bool dbl)
{
	x86_mov_imm(&l->e, RAX, dbl ? FPU_NAN_D : 0xffffffff00000000ull | FPU_NAN_S);
	x86_rr(&l->e, X86_MOVQ, X86_Q, xmm, RAX);
}

void jit_ool_nan(struct jit_lower *l, const struct jit_ool *o)
{
	jit_nan(l, o->reg, o->info);
	x86_jmp_to(&l->e, o->back);
}

/* The same without rax: shifted ones. */
static void complete_nan(struct jit_lower *l, unsigned xmm, bool dbl)
{
	struct x86 *e = &l->e;
	uint8_t *past;

	x86_rr(e, jit_ucomis(dbl), X86_L, xmm, xmm);
	past = x86_jcc(e, X86_NP);
	x86_rr(e, X86_PCMPEQD, X86_L, xmm, xmm);
	x86_pshift_imm(e, X86_G_PSRLQ, xmm, dbl ? 52 : 55);
	x86_pshift_imm(e, X86_G_PSLLQ, xmm, dbl ? 51 : 22);
	if (!dbl)
		jit_f_box(l, xmm);
	x86_here(e, past);
}

void jit_complete_nans(struct jit_lower *l)
{
	for (unsigned f = 0; f < 32; f++)
		if ((l->nan_s | l->nan_d) & BIT(f))
			complete_nan(l, jit_pinned_f[f], l->nan_d & BIT(f));
}
