/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: loads and stores.
 *
 * The look-up of mem_fast.h inline; accesses of a group (x86_group.c) need none. What the TLB does
 * not let through goes to C, from code behind the block. An access of a program does not compute
 * its slot of the TLB but tries the last one; if the tag there is not its own, code behind the
 * block computes it. Where that happens all the time it ends: the access is patched. The scratch
 * registers: rax the address (or the guest register itself, when there is nothing to add), rcx the
 * slot of the TLB and then the distance to host memory, rdx the tag.
 */
#include <string.h>

#include "cpu/rv64/jit/x86_fp.h"
#include "mem/gmem.h"

/* Where the address is: a pinned register, or rax. */
static unsigned address(struct jit_lower *l, const struct rv64_insn *in)
{
	if (!l->s->compact && !in->imm && l->reg[in->rs1] != JIT_NONE)
		return l->reg[in->rs1];
	jit_add(l, RAX, in->rs1, in->imm);
	return RAX;
}

uint8_t *jit_tlb_ask(struct x86 *e, unsigned va, unsigned size, int32_t tag)
{
	x86_mov(e, RDX, va);
	x86_alu_imm(e, X86_G_AND, X86_Q, RDX, ~0xfff | (int32_t)(size - 1));
	x86_rm(e, X86_OR, X86_Q, RDX, REG_HART, JIT_OFF(run.hart.mmu.ctx));
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX, tag);
	return x86_jcc(e, X86_NE);
}

/* ---- remembered slots ---- */

#define SITE_SIZE 6 /* mov ecx, [rbp + distance] */

bool jit_site(struct jit_lower *l, unsigned va, struct jit_remembered *site)
{
	if (l->s->kernel)
		return false;
	*site = (struct jit_remembered){
		.begin = l->e.p, .n = l->jit->n_sites++ % INTERP_NATIVE_SITES, .va = (uint8_t)va};
	x86_rm(&l->e, X86_MOV, X86_L, RCX, REG_HART, JIT_SITE(slot) + JIT_SITE_DISTANCE(site->n));
	return true;
}

void jit_site_again(struct jit_lower *l, const struct jit_remembered *site, uint32_t info)
{
	const uint8_t *asks = site->begin + SITE_SIZE;
	struct x86 *e = &l->e;
	uint8_t *absent;

	x86_mov(e, RAX, site->va);
	x86_mov_imm(e, RCX, info);
	x86_mov_imm(e, RDX, (uint32_t)JIT_SITE_DISTANCE(site->n));
	x86_call_to(e, l->jit->glue.site);
	x86_jcc_to(e, X86_E, asks);
	absent = x86_jmp(e); /* what follows is for a site that was wrong too often */
	jit_emit_slot(e, l->jit->bmi2, site->va);
	x86_jmp_to(e, asks);
	x86_here(e, absent);
}

/* Leaves in rcx the slot for `va`; the slow path goes on at what is to be put into the result's
 * `back`. */
static struct jit_ool *ask(struct jit_lower *l, unsigned va, unsigned log2_size, uint32_t info)
{
	const int32_t tag = info & JIT_MEM_STORE ? JIT_TLB(store_tag) : JIT_TLB(load_tag);
	struct jit_remembered site;
	const bool remembers = jit_site(l, va, &site);
	struct jit_ool *o;

	if (!remembers)
		jit_emit_slot(&l->e, l->jit->bmi2, va);
	o = jit_ool(l, remembers ? JIT_OOL_SITE : JIT_OOL_MEM,
		    jit_tlb_ask(&l->e, va, 1u << log2_size, tag));
	if (remembers)
		o->site = site;
	o->reg = (uint8_t)va;
	o->info = info;
	return o;
}

/* `info` completed. */
static uint32_t mem_info(const struct jit_lower *l, const struct rv64_insn *in, unsigned log2_size,
			 uint32_t info)
{
	return info | (uint32_t)l->s->offset / 2 << JIT_MEM_OFFSET |
	       jit_counted(l, l->s->index) << JIT_MEM_INDEX | log2_size << JIT_MEM_SIZE |
	       (in->len == 4 ? JIT_MEM_LONG : 0);
}

/* *at = the host's operand for the address `va`. What is returned is for settle(). */
static struct jit_ool *look_up(struct jit_lower *l, const struct rv64_insn *in, unsigned va,
			       unsigned log2_size, uint32_t info, struct jit_place *at)
{
	struct jit_ool *o;

	info = mem_info(l, in, log2_size, info);
	if (l->s->compact) {
		jit_compact_access(l, info);
		*at = (struct jit_place){.base = RAX};
		return NULL;
	}
	o = ask(l, va, log2_size, info);
	x86_rx(&l->e, X86_MOV, X86_Q, RCX, REG_HART, RCX, JIT_TLB(addend));
	*at = (struct jit_place){.base = (uint8_t)va, .index = RCX, .indexed = true};
	return o;
}

/* The access is complete: here goes on what C has done. */
static void settle(struct jit_lower *l, struct jit_ool *o)
{
	if (o)
		o->back = l->e.p;
}

/* A list is walked: the next address waits for this load, and this load for the TLB. A guess that
 * is the same as the TLB's answer breaks the wait: rdx = what to add. */
static void guess(struct jit_lower *l)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;

	x86_rm(e, X86_MOV, X86_Q, RDX, REG_HART, JIT_OFF(native_guess));
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX, JIT_TLB(addend));
	o = jit_ool(l, JIT_OOL_GUESS, x86_jcc(e, X86_NE));
	o->back = e->p;
}

void jit_ool_guess(struct jit_lower *l, const struct jit_ool *o)
{
	struct x86 *e = &l->e;

	x86_rx(e, X86_MOV, X86_Q, RDX, REG_HART, RCX, JIT_TLB(addend));
	x86_rm(e, X86_MOV_TO, X86_Q, RDX, REG_HART, JIT_OFF(native_guess));
	x86_jmp_to(e, o->back);
}

void jit_ool_mem(struct jit_lower *l, const struct jit_ool *o)
{
	if (o->kind == JIT_OOL_SITE) {
		jit_site_again(l, &o->site, o->info);
	} else {
		x86_mov(&l->e, RAX, o->reg);
		x86_mov_imm(&l->e, RCX, o->info);
	}
	jit_move_out(l);
	x86_call_to(&l->e, l->jit->glue.mem);
	jit_move_in(l);
	x86_jmp_to(&l->e, o->back);
}

/* ---- instructions ---- */

void jit_lower_load(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	enum x86_width w = r->op == X86_MOV && r->w == 2 ? X86_L : X86_Q;
	unsigned d = in->rd ? jit_dst(l, in->rd) : RAX;
	struct jit_place at;
	bool walks = in->id == RV64_ld && in->rd == in->rs1 && jit_in_loop(l->s, l->s->index);
	struct jit_ool *o;
	uint32_t info;
	unsigned va;

	if (jit_in_group(l, in, &at)) {
		jit_at(l, r->op, w, d, &at);
		jit_put(l, in->rd, d);
		return;
	}
	va = address(l, in);
	info = (uint32_t)in->rd << JIT_MEM_REG | (r->flag ? JIT_MEM_UNSIGNED : 0);
	if (walks) {
		o = ask(l, va, r->w, mem_info(l, in, r->w, info));
		guess(l);
		at = (struct jit_place){.base = (uint8_t)va, .index = RDX, .indexed = true};
	} else {
		o = look_up(l, in, va, r->w, info, &at);
	}
	jit_at(l, r->op, w, d, &at);
	jit_put(l, in->rd, d);
	settle(l, o);
}

void jit_lower_store(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	static const uint8_t widths[] = {X86_B, X86_L, X86_L, X86_Q};
	enum x86_width w = (enum x86_width)widths[r->w];
	struct jit_place at;
	struct jit_ool *o;
	unsigned va;

	if (jit_in_group(l, in, &at)) {
		jit_at(l, r->op, w, jit_get(l, in->rs2, RDX), &at);
		return;
	}
	va = address(l, in);
	o = look_up(l, in, va, r->w, (uint32_t)in->rs2 << JIT_MEM_REG | JIT_MEM_STORE, &at);
	jit_at(l, r->op, w, jit_get(l, in->rs2, RDX), &at);
	settle(l, o);
}

void jit_lower_fload(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	uint32_t op = r->w == 2 ? X86_MOVSS : X86_MOVSD;
	unsigned va, d = jit_f_dst(in->rd);
	struct jit_ool *o = NULL;
	struct jit_place at;

	jit_fp_need(l);
	if (!jit_in_group(l, in, &at)) {
		va = address(l, in);
		o = look_up(l, in, va, r->w, (uint32_t)in->rd << JIT_MEM_REG | JIT_MEM_FP, &at);
	}
	jit_at(l, op, X86_L, d, &at);
	if (r->w == 2)
		jit_f_box(l, d);
	jit_f_put(l, in->rd, d);
	settle(l, o);
}

void jit_lower_fstore(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	uint32_t op = r->w == 2 ? X86_MOVSS_TO : X86_MOVSD_TO;
	struct jit_place at;
	struct jit_ool *o;
	unsigned va;

	jit_fp_need(l);
	if (jit_in_group(l, in, &at)) {
		jit_at(l, op, X86_L, jit_f_get(l, in->rs2, XMM0), &at);
		return;
	}
	va = address(l, in);
	o = look_up(l, in, va, r->w, (uint32_t)in->rs2 << JIT_MEM_REG | JIT_MEM_STORE | JIT_MEM_FP,
		    &at);
	jit_at(l, op, X86_L, jit_f_get(l, in->rs2, XMM0), &at);
	settle(l, o);
}

void jit_lower_zero(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	struct jit_ool *o;

	(void)r;
	jit_load(l, RAX, in->rs1);
	x86_call_to(&l->e, l->jit->glue.zero);
	o = jit_ool_call(l, in, x86_jcc(&l->e, X86_NE));
	o->back = l->e.p;
}
