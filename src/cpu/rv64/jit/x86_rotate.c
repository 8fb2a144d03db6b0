/* SPDX-License-Identifier: MIT */
/* Lowering to x86-64: rotations that are made of shifts (rotate.c). */
#include "base/bits.h"
#include "cpu/rv64/jit/x86_lower.h"

#define RORX X86_OP(0xf2, 3, 0xf0)

static enum x86_width width_of(const struct rv64_insn *shift)
{
	return shift->id == RV64_srliw || shift->id == RV64_slliw ? X86_L : X86_Q;
}

/* x[rd] = what `shift` shifts to the right, rotated. */
static void rotate(struct jit_lower *l, unsigned rd, const struct rv64_insn *shift)
{
	const unsigned from = shift->rs1, d = jit_dst(l, rd);
	const enum x86_width w = width_of(shift);
	struct x86 *e = &l->e;

	if (!l->jit->bmi2) {
		jit_load(l, d, from);
		x86_shift_imm(e, X86_G_ROR, w, d, (unsigned)shift->imm);
	} else {
		if (l->reg[from] != JIT_NONE)
			x86_vex_rr(e, RORX, w, d, 0, l->reg[from]);
		else
			x86_vex_rm(e, RORX, w, d, 0, REG_HART, jit_off_x(from));
		x86_byte(e, (uint8_t)shift->imm);
	}
	jit_sign_extend_w(l, w, rd, d);
	jit_put(l, rd, d);
}

bool jit_lower_rotation(struct jit_lower *l, const struct rv64_insn *in)
{
	const struct jit_source *s = l->s;

	if (s->unseen[s->index]) {
		l->narrow |= (uint32_t)BIT(in->rd);
		l->made_narrow = true;
	} else if (s->rotates[s->index]) {
		rotate(l, in->rd, &s->insn[s->rotates[s->index] - 1]);
	} else {
		return false;
	}
	return true;
}

/* One shift of the 64 bits in d, or in memory at x[rd] if that is JIT_NONE. */
static void shift_by(struct x86 *e, unsigned group, unsigned d, unsigned rd, unsigned count)
{
	if (d != JIT_NONE) {
		x86_shift_imm(e, group, X86_Q, d, count);
		return;
	}
	x86_rm(e, 0xc1, X86_Q, group, REG_HART, jit_off_x(rd));
	x86_byte(e, (uint8_t)count);
}

void jit_complete_shift(struct jit_lower *l, const struct rv64_insn *shift)
{
	const unsigned rd = shift->rd, from = shift->rs1, d = l->reg[rd];
	const unsigned count = (unsigned)shift->imm;
	struct x86 *e = &l->e;

	if (d != JIT_NONE) {
		jit_load(l, d, from);
	} else if (l->reg[from] != JIT_NONE) {
		x86_rm(e, X86_MOV_TO, X86_Q, l->reg[from], REG_HART, jit_off_x(rd));
	} else {
		x86_rm(e, 0xff, X86_L, 6, REG_HART, jit_off_x(from)); /* push */
		x86_rm(e, 0x8f, X86_L, 0, REG_HART, jit_off_x(rd));   /* pop */
	}
	switch (shift->id) {
	case RV64_srliw:
		shift_by(e, X86_G_SHL, d, rd, 32);
		shift_by(e, X86_G_SHR, d, rd, 32 + count);
		break;
	case RV64_slliw:
		shift_by(e, X86_G_SHL, d, rd, 32 + count);
		shift_by(e, X86_G_SAR, d, rd, 32);
		break;
	case RV64_srli: shift_by(e, X86_G_SHR, d, rd, count); break;
	default: shift_by(e, X86_G_SHL, d, rd, count); break;
	}
}
