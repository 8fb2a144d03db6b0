/* SPDX-License-Identifier: MIT */
/* Lowering to x86-64: an x register that lives in memory is changed there, by one instruction. */
#include "cpu/rv64/jit/x86_lower.h"

/* What x[rd] is combined with by the host's `op`; JIT_NONE: something else happens to it, or that
 * is not in a host register. */
static unsigned operand(const struct jit_lower *l, const struct rv64_insn *in)
{
	switch (in->id) {
	case RV64_add:
	case RV64_and:
	case RV64_or:
	case RV64_xor:
		if (in->rd == in->rs2)
			return l->reg[in->rs1];
		break;
	case RV64_sub: break;
	default: return JIT_NONE;
	}
	return in->rd == in->rs1 ? l->reg[in->rs2] : JIT_NONE;
}

bool jit_lower_in_place(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	const int32_t at = jit_off_x(in->rd);
	unsigned other = operand(l, in);
	struct x86 *e = &l->e;

	if (l->reg[in->rd] != JIT_NONE || !in->rd)
		return false;
	if (other != JIT_NONE) {
		x86_rm(e, r->op - 2, X86_Q, other, REG_HART, at); /* the other direction */
	} else if (in->rd != in->rs1) {
		return false;
	} else if (in->id == RV64_andi || in->id == RV64_ori || in->id == RV64_xori) {
		x86_alu_imm_mem(e, r->op, X86_Q, REG_HART, at, in->imm);
	} else if ((in->id == RV64_slli || in->id == RV64_srli || in->id == RV64_srai) && in->imm) {
		x86_rm(e, 0xc1, X86_Q, r->op, REG_HART, at);
		x86_byte(e, (uint8_t)in->imm);
	} else {
		return false;
	}
	l->tested = in->rd;
	return true;
}
