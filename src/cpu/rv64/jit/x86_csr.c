/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: accesses of the CSRs that a kernel's entry, exit and interrupt flag are made
 * of. The rest, and whatever has consequences, goes to C. A hart in U mode gives up, so that the
 * interpreter takes the trap; higher privileges may do all that is done here. What a write of
 * sstatus does is glue (x86_trap.c).
 */
#include "cpu/rv64/csr.h"
#include "cpu/rv64/jit/x86_lower.h"

#define MSTATUS JIT_OFF(run.hart.csr.mstatus)

/* Registers that are no more than a variable. */
static int32_t variable(unsigned num)
{
	switch (num) {
	case CSR_SSCRATCH: return JIT_OFF(run.hart.csr.sscratch);
	case CSR_SEPC: return JIT_OFF(run.hart.csr.sepc);
	case CSR_SCAUSE: return JIT_OFF(run.hart.csr.scause);
	case CSR_STVAL: return JIT_OFF(run.hart.csr.stval);
	default: return 0;
	}
}

static void need_supervisor(struct jit_lower *l)
{
	struct x86 *e = &l->e;

	if (l->s->kernel)
		return;
	x86_rm(e, 0x80, X86_L, X86_G_CMP, REG_HART, JIT_OFF(run.hart.priv));
	x86_byte(e, RV64_U);
	jit_give_up(l, x86_jcc(e, X86_E));
}

static void swap_variable(struct jit_lower *l, const struct rv64_insn *in, int32_t at)
{
	struct x86 *e = &l->e;
	unsigned value = jit_get(l, in->rs1, RCX);

	if (in->rd)
		x86_rm(e, X86_MOV, X86_Q, RAX, REG_HART, at);
	if (in->imm == CSR_SEPC) {
		x86_mov(e, RCX, value);
		x86_alu_imm(e, X86_G_AND, X86_Q, RCX, -2);
		value = RCX;
	}
	x86_rm(e, X86_MOV_TO, X86_Q, value, REG_HART, at);
	if (in->rd)
		jit_put(l, in->rd, RAX);
}

/* rd = sstatus, of which mstatus is in rax. */
static void put_status(struct jit_lower *l, unsigned rd)
{
	struct x86 *e = &l->e;

	x86_rr(e, X86_MOV, X86_L, RCX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_L, RCX, MSTATUS_FS);
	x86_alu_imm(e, X86_G_ADD, X86_L, RCX, MSTATUS_FS / 3); /* bit 15: FS was 3 */
	x86_shift_imm(e, X86_G_SHR, X86_L, RCX, 15);
	x86_shift_imm(e, X86_G_SHL, X86_Q, RCX, 63); /* SD */
	x86_alu_imm(e, X86_G_AND, X86_L, RAX, SSTATUS_WRITABLE);
	x86_rr(e, X86_OP(0, 1, 0xba), X86_Q, X86_G_BTS, RAX);
	x86_byte(e, 33); /* UXL is 2 */
	x86_rr(e, X86_OR, X86_Q, RAX, RCX);
	jit_put(l, rd, RAX);
}

static void read_status(struct jit_lower *l, unsigned rd)
{
	if (!rd)
		return;
	x86_rm(&l->e, X86_MOV, X86_Q, RAX, REG_HART, MSTATUS);
	put_status(l, rd);
}

/* rax = what sstatus is to be, as far as it can be written. */
static void new_status(struct jit_lower *l, const struct rv64_insn *in)
{
	struct x86 *e = &l->e;

	switch (in->id) {
	case RV64_csrrwi:
	case RV64_csrrsi: x86_mov_imm(e, RAX, in->rs1); break;
	case RV64_csrrci: x86_mov_imm(e, RAX, ~(uint64_t)in->rs1); break;
	default: jit_load(l, RAX, in->rs1); break;
	}
	if (in->id == RV64_csrrc)
		x86_unary(e, X86_G_NOT, X86_Q, RAX);
	if (in->id == RV64_csrrc || in->id == RV64_csrrci)
		x86_rm(e, X86_AND, X86_Q, RAX, REG_HART, MSTATUS);
	else if (in->id == RV64_csrrs || in->id == RV64_csrrsi)
		x86_rm(e, X86_OR, X86_Q, RAX, REG_HART, MSTATUS);
}

static void change_status(struct jit_lower *l, const struct rv64_insn *in)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;

	if (in->id == RV64_csrrci && in->rs1 == MSTATUS_SIE) {
		read_status(l, in->rd);
		x86_alu_imm_mem(e, X86_G_AND, X86_Q, REG_HART, MSTATUS, ~(int32_t)MSTATUS_SIE);
		return;
	}
	new_status(l, in);
	x86_call_to(e, l->jit->glue.status);
	o = jit_ool_call(l, in, x86_jcc(e, X86_NE));
	if (in->rd) {
		x86_mov(e, RAX, RCX);
		put_status(l, in->rd);
	}
	o->back = e->p;
}

bool jit_lower_csr(struct jit_lower *l, const struct rv64_insn *in)
{
	bool sets = in->id == RV64_csrrs || in->id == RV64_csrrsi || in->id == RV64_csrrc ||
		    in->id == RV64_csrrci;
	bool reads = sets && !in->rs1;
	int32_t at = variable((unsigned)in->imm);

	if (in->imm != CSR_SSTATUS && (!at || (!reads && in->id != RV64_csrrw)))
		return false;
	need_supervisor(l);
	if (in->imm == CSR_SSTATUS && !reads) {
		change_status(l, in);
	} else if (in->imm == CSR_SSTATUS) {
		read_status(l, in->rd);
	} else if (!reads) {
		swap_variable(l, in, at);
	} else if (in->rd) {
		x86_rm(&l->e, X86_MOV, X86_Q, RAX, REG_HART, at);
		jit_put(l, in->rd, RAX);
	}
	return true;
}
