/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: loads and stores.
 *
 * The look-up of mem_fast.h inline. What the TLB does not let through goes to C, from code behind
 * the block. The scratch registers: rax the address (or the guest register itself, when there is
 * nothing to add), rcx the slot of the TLB and then the distance to host memory, rdx the tag.
 */
#include "cpu/rv64/jit/x86_lower.h"
#include "mem/gmem.h"

#define TLB(field) (JIT_OFF(run.hart.mmu.tlb) + (int32_t)offsetof(struct rv64_tlb_entry, field))

/* Where the address is: a pinned register, or rax. */
static unsigned address(struct jit_lower *l, const struct rv64_insn *in)
{
	if (!in->imm && jit_pinned[in->rs1] != JIT_NONE)
		return jit_pinned[in->rs1];
	jit_add(l, RAX, in->rs1, in->imm);
	return RAX;
}

/* Leaves in rcx what to add to `va`; `info` is completed for the slow path, which goes on at what
 * is to be put into the result's `back`. */
static struct jit_ool *look_up(struct jit_lower *l, const struct rv64_insn *in, unsigned va,
			       unsigned log2_size, int32_t tag, uint32_t info)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;

	if (l->jit->bmi2) {
		x86_vex_rr(e, X86_OP(0xf2, 3, 0xf0), X86_Q, RCX, 0, va); /* rorx */
		x86_byte(e, GMEM_PAGE_SHIFT - RV64_TLB_ENTRY_SHIFT);
	} else {
		x86_mov(e, RCX, va);
		x86_shift_imm(e, X86_G_SHR, X86_Q, RCX, GMEM_PAGE_SHIFT - RV64_TLB_ENTRY_SHIFT);
	}
	x86_rm(e, X86_XOR, X86_L, RCX, REG_HART, JIT_OFF(run.hart.mmu.slot));
	x86_alu_imm(e, X86_G_AND, X86_L, RCX, (RV64_TLB_SIZE - 1) << RV64_TLB_ENTRY_SHIFT);
	x86_mov(e, RDX, va);
	x86_alu_imm(e, X86_G_AND, X86_Q, RDX, ~0xfff | ((1 << log2_size) - 1));
	x86_rm(e, X86_OR, X86_Q, RDX, REG_HART, JIT_OFF(run.hart.mmu.ctx));
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX, tag);
	o = jit_ool(l, JIT_OOL_MEM, x86_jcc(e, X86_NE));
	o->reg = (uint8_t)va;
	o->info = info | (uint32_t)l->s->offset / 2 << JIT_MEM_OFFSET |
		  (uint32_t)l->s->index << JIT_MEM_INDEX | log2_size << JIT_MEM_SIZE |
		  (in->len == 4 ? JIT_MEM_LONG : 0);
	x86_rx(e, X86_MOV, X86_Q, RCX, REG_HART, RCX, TLB(addend));
	return o;
}

void jit_ool_mem(struct jit_lower *l, const struct jit_ool *o)
{
	x86_mov(&l->e, RAX, o->reg);
	x86_mov_imm(&l->e, RCX, o->info);
	x86_call_to(&l->e, l->jit->glue.mem);
	x86_jmp_to(&l->e, o->back);
}

void jit_lower_load(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned va = address(l, in);
	unsigned d = in->rd ? jit_dst(in->rd) : RAX;
	struct jit_ool *o = look_up(l, in, va, r->w, TLB(load_tag),
				    (uint32_t)in->rd << JIT_MEM_REG |
					    (r->flag ? JIT_MEM_UNSIGNED : 0));

	x86_rx(&l->e, r->op, r->op == X86_MOV && r->w == 2 ? X86_L : X86_Q, d, va, RCX, 0);
	jit_put(l, in->rd, d);
	o->back = l->e.p;
}

void jit_lower_store(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	static const uint8_t widths[] = {X86_B, X86_L, X86_L, X86_Q};
	unsigned va = address(l, in);
	struct jit_ool *o = look_up(l, in, va, r->w, TLB(store_tag),
				    (uint32_t)in->rs2 << JIT_MEM_REG | JIT_MEM_STORE);
	unsigned v = jit_get(l, in->rs2, RDX);

	x86_rx(&l->e, r->op, (enum x86_width)widths[r->w], v, va, RCX, 0);
	o->back = l->e.p;
}

void jit_lower_fload(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;
	unsigned va;

	jit_fp_need(l, in, true);
	va = address(l, in);
	o = look_up(l, in, va, r->w, TLB(load_tag), (uint32_t)in->rd << JIT_MEM_REG | JIT_MEM_FP);
	x86_rx(e, r->op, r->w == 2 ? X86_L : X86_Q, RAX, va, RCX, 0);
	if (r->w == 2) {
		x86_rm(e, X86_MOV_TO, X86_L, RAX, REG_HART, jit_off_f(in->rd));
		x86_rm(e, 0xc7, X86_L, 0, REG_HART, jit_off_f(in->rd) + 4);
		x86_u32(e, UINT32_MAX); /* the box */
	} else {
		x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, jit_off_f(in->rd));
	}
	o->back = e->p;
}

void jit_lower_fstore(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;
	unsigned va;

	jit_fp_need(l, in, false);
	va = address(l, in);
	o = look_up(l, in, va, r->w, TLB(store_tag),
		    (uint32_t)in->rs2 << JIT_MEM_REG | JIT_MEM_STORE | JIT_MEM_FP);
	x86_rm(e, X86_MOV, X86_Q, RDX, REG_HART, jit_off_f(in->rs2));
	x86_rx(e, r->op, r->w == 2 ? X86_L : X86_Q, RDX, va, RCX, 0);
	o->back = e->p;
}
