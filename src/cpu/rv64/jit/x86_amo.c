/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: AMOs, lr and sc, where the TLB lets an aligned store through (lr: a load);
 * everything else is done in C. Locked instructions of the host are sequentially consistent, as is
 * what C does (op_atomic.h). rcx is the host address, rax the old value.
 */
#include "cpu/rv64/hart.h"
#include "cpu/rv64/jit/x86_lower.h"

#define RESERVED_ADDR  JIT_OFF(run.hart.reserved_addr)
#define RESERVED_VALUE JIT_OFF(run.hart.reserved_value)

enum {
	XCHG = 0x87,
	XADD = X86_OP(0, 1, 0xc1),
	CMPXCHG = X86_OP(0, 1, 0xb1),
};

static bool is_double(const struct rv64_insn *in)
{
	return in->bits >> 12 & 1;
}

static enum x86_width width(const struct rv64_insn *in)
{
	return is_double(in) ? X86_Q : X86_L;
}

/* rcx = the host address of x[rs1], or the instruction is done in C. */
static struct jit_ool *host_address(struct jit_lower *l, const struct rv64_insn *in, int32_t tag)
{
	const unsigned size = is_double(in) ? 8 : 4;
	struct x86 *e = &l->e;
	struct jit_ool *o;
	unsigned va;

	if (!in->rs1)
		jit_load(l, RAX, 0);
	va = in->rs1 ? jit_get(l, in->rs1, RAX) : RAX;
	jit_emit_slot(&l->e, l->jit->bmi2, va);
	o = jit_ool_call(l, in, jit_tlb_ask(e, va, size, tag));
	x86_rx(e, X86_MOV, X86_Q, RCX, REG_HART, RCX, JIT_TLB(addend));
	x86_rr(e, X86_ADD, X86_Q, RCX, va);
	return o;
}

static void put_old(struct jit_lower *l, const struct rv64_insn *in)
{
	if (!in->rd)
		return;
	if (!is_double(in))
		x86_rr(&l->e, X86_MOVSXD, X86_Q, RAX, RAX);
	jit_put(l, in->rd, RAX);
}

static void locked(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg)
{
	x86_byte(e, 0xf0);
	x86_rm(e, op, w, reg, RCX, 0);
}

/* r->op: xchg, which is locked anyway, or xadd. */
void jit_lower_amo_host(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	struct jit_ool *o = host_address(l, in, JIT_TLB(store_tag));

	jit_load(l, RAX, in->rs2);
	locked(&l->e, r->op == JIT_AMO_SWAP ? XCHG : XADD, width(in), RAX);
	put_old(l, in);
	o->back = l->e.p;
}

/* By compare and swap; r->op is the operation, or, with flag, the condition under which the old
 * value stays. */
void jit_lower_amo_loop(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	struct jit_ool *o = host_address(l, in, JIT_TLB(store_tag));
	const enum x86_width w = width(in);
	struct x86 *e = &l->e;
	const uint8_t *again;

	x86_rm(e, X86_MOV, w, RAX, RCX, 0);
	again = e->p;
	jit_load(l, RDX, in->rs2);
	if (r->flag) {
		x86_rr(e, X86_CMP, w, RAX, RDX);
		x86_rr(e, X86_CMOV + r->op, w, RDX, RAX);
	} else {
		x86_rr(e, r->op, w, RDX, RAX);
	}
	locked(e, CMPXCHG, w, RDX);
	x86_jcc_to(e, X86_NE, again);
	put_old(l, in);
	o->back = e->p;
}

void jit_lower_lr(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	struct jit_ool *o = host_address(l, in, JIT_TLB(load_tag));
	struct x86 *e = &l->e;

	(void)r;
	x86_rm(e, is_double(in) ? X86_MOV : X86_MOVSXD, X86_Q, RAX, RCX, 0);
	if (is_double(in))
		x86_alu_imm(e, X86_G_OR, X86_Q, RCX, 1);
	x86_rm(e, X86_MOV_TO, X86_Q, RCX, REG_HART, RESERVED_ADDR);
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, RESERVED_VALUE);
	jit_put(l, in->rd, RAX);
	o->back = e->p;
}

void jit_lower_sc(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	struct jit_ool *o = host_address(l, in, JIT_TLB(store_tag));
	struct x86 *e = &l->e;
	uint8_t *fails;

	(void)r;
	x86_lea(e, X86_Q, RDX, RCX, is_double(in) ? 1 : 0);
	x86_rm(e, X86_CMP, X86_Q, RDX, REG_HART, RESERVED_ADDR);
	fails = x86_jcc(e, X86_NE);
	jit_load(l, RDX, in->rs2);
	x86_rm(e, X86_MOV, X86_Q, RAX, REG_HART, RESERVED_VALUE);
	locked(e, CMPXCHG, width(in), RDX);
	x86_here(e, fails);
	x86_setcc(e, X86_NE, RAX);
	x86_rr(e, X86_MOVZX_B, X86_L, RAX, RAX);
	x86_rm(e, 0xc7, X86_Q, 0, REG_HART, RESERVED_ADDR); /* mov */
	x86_u32(e, UINT32_MAX);
	jit_put(l, in->rd, RAX);
	o->back = e->p;
}
