/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: F and D.
 */
#include "cpu/rv64/jit/x86_lower.h"

#include "cpu/rv64/csr.h"

#define FS_BYTE ((int32_t)(JIT_OFF(run.hart.csr.mstatus) + 1)) /* bits 14 and 13 of mstatus */
#define FS_BITS 0x60

/* Leaves to the interpreter at the instruction at hand. */
static void give_up(struct jit_lower *l, uint8_t *from)
{
	struct jit_ool *o = jit_ool(l, JIT_OOL_FP, from);

	o->offset = (uint16_t)l->s->offset;
	o->index = (uint8_t)l->s->index;
}

void jit_fp_need(struct jit_lower *l, const struct rv64_insn *in, bool dirty)
{
	struct x86 *e = &l->e;

	(void)in;
	if (l->fp == JIT_FP_UNKNOWN) {
		x86_rm(e, 0xf6, X86_L, 0, REG_HART, FS_BYTE); /* test byte */
		x86_byte(e, FS_BITS);
		give_up(l, x86_jcc(e, X86_E));
		l->fp = JIT_FP_ON;
	}
	if (dirty && l->fp < JIT_FP_DIRTY) {
		x86_rm(e, 0x80, X86_L, X86_G_OR, REG_HART, FS_BYTE);
		x86_byte(e, FS_BITS);
		l->fp = JIT_FP_DIRTY;
	}
}

void jit_ool_fp(struct jit_lower *l, const struct jit_ool *o)
{
	struct x86 *e = &l->e;

	if (o->index)
		x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, o->index);
	x86_lea(e, X86_Q, RAX, REG_PAGE, o->offset);
	x86_jmp_to(e, l->jit->glue.exit_interp);
}

const struct jit_rule jit_fp_rules[RV64_N_INSNS] = {
	[RV64_ILLEGAL_INSN] = {NULL, 0, 0, 0},
};
