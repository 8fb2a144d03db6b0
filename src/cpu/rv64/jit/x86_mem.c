/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: loads and stores.
 *
 * The look-up of mem_fast.h inline; accesses of a group (x86_group.c) need none. What the TLB does
 * not let through goes to C, from code behind the block. An access of a program does not look into
 * the TLB but remembers its page (recall.c); when it is another one, code behind the block looks.
 * Where that happens all the time it ends: the access is patched. The scratch registers: rax the
 * address (or the guest register itself, when there is nothing to add), rcx the slot of the TLB and
 * then the distance to host memory, rdx the tag.
 */
#include <string.h>

#include "cpu/rv64/jit/x86_fp.h"
#include "mem/gmem.h"

struct jit_va jit_va(struct jit_lower *l, unsigned g, int32_t disp)
{
	if (!l->s->compact && l->reg[g] != JIT_NONE)
		return (struct jit_va){.reg = l->reg[g], .disp = disp};
	jit_add(l, RAX, g, disp);
	return (struct jit_va){.reg = RAX};
}

void jit_va_load(struct x86 *e, unsigned dst, struct jit_va va)
{
	if (va.disp)
		x86_lea(e, X86_Q, dst, va.reg, va.disp);
	else
		x86_mov(e, dst, va.reg);
}

uint8_t *jit_tlb_ask(struct x86 *e, unsigned va, unsigned size, int32_t tag)
{
	x86_mov(e, RDX, va);
	x86_alu_imm(e, X86_G_AND, X86_Q, RDX, ~0xfff | (int32_t)(size - 1));
	x86_rm(e, X86_OR, X86_Q, RDX, REG_HART, JIT_OFF(run.hart.mmu.ctx));
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX, tag);
	return x86_jcc(e, X86_NE);
}

/* rcx = the distance that the slot rcx has. A list is walked: the next address waits for this load,
 * and this load for the TLB. A guess that is the same as the TLB's answer breaks the wait. */
static void guess(struct x86 *e)
{
	uint8_t *right;

	x86_rm(e, X86_MOV, X86_Q, RDX, REG_HART, JIT_OFF(native_guess));
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX, JIT_TLB(addend));
	right = x86_jcc_short(e, X86_E);
	x86_rx(e, X86_MOV, X86_Q, RDX, REG_HART, RCX, JIT_TLB(addend));
	x86_rm(e, X86_MOV_TO, X86_Q, RDX, REG_HART, JIT_OFF(native_guess));
	x86_here_short(e, right);
	x86_mov(e, RCX, RDX);
}

/* ---- remembered pages ---- */

uint8_t *jit_site(struct jit_lower *l, struct jit_va va, unsigned dst, unsigned span, bool store,
		  struct jit_remembered *site)
{
	struct x86 *e = &l->e;
	uint8_t *other;
	int32_t at;
	unsigned n;

	if (l->s->kernel || !jit_site_new(l->jit, &n))
		return NULL;
	at = JIT_SITE_DISTANCE(n);
	jit_va_load(e, RDX, va);
	x86_rm(e, X86_SUB, X86_Q, RDX, REG_HART, JIT_SITE(page) + at);
	x86_rm(e, X86_CMP, X86_Q, RDX, REG_HART, JIT_SITE(limit) + at);
	other = x86_jcc(e, X86_NC);
	*site = (struct jit_remembered){.found = e->p, .va = va, .dst = (uint8_t)dst};
	x86_rm(e, X86_MOV, X86_Q, dst, REG_HART, JIT_SITE(addend) + at);
	site->back = e->p;
	site->what = n | ((uint32_t)GMEM_PAGE_SIZE + 1 - span) << JIT_SITE_LIMIT |
		     (store ? JIT_SITE_STORE : 0);
	return other;
}

/* For a site that was wrong too often: what it wants by the TLB. Returns the jump to take if that
 * does not say. */
static uint8_t *look_further(struct jit_lower *l, const struct jit_remembered *site)
{
	const int32_t tag = site->what & JIT_SITE_STORE ? JIT_TLB(store_tag) : JIT_TLB(load_tag);
	const uint32_t limit = (site->what & ~JIT_SITE_STORE) >> JIT_SITE_LIMIT;
	struct x86 *e = &l->e;
	uint8_t *differs, *beyond;

	jit_va_load(e, RAX, site->va);
	x86_rr(e, X86_MOV, X86_L, RDX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_L, RDX, (int32_t)GMEM_PAGE_SIZE - 1);
	x86_alu_imm(e, X86_G_CMP, X86_L, RDX, (int32_t)limit);
	beyond = x86_jcc_short(e, X86_NC);
	jit_emit_slot(e, l->jit->bmi2, RAX);
	differs = jit_tlb_ask(e, RAX, 1, tag);
	if (site->walks)
		guess(e);
	else
		x86_rx(e, X86_MOV, X86_Q, RCX, REG_HART, RCX, JIT_TLB(addend));
	x86_mov(e, site->dst, RCX);
	x86_jmp_to(e, site->back);
	x86_here_short(e, beyond);
	return differs;
}

void jit_site_again(struct jit_lower *l, const struct jit_remembered *site, uint32_t info)
{
	struct x86 *e = &l->e;
	uint8_t *absent, *differs;

	jit_va_load(e, RAX, site->va);
	x86_mov_imm(e, RCX, info);
	x86_mov_imm(e, RDX, site->what);
	x86_call_to(e, l->jit->glue.site);
	x86_jcc_to(e, X86_E, site->found);
	absent = x86_jmp(e);
	differs = look_further(l, site);
	x86_here(e, differs);
	x86_mov_imm(e, RCX, info);
	x86_here(e, absent);
}

/* `info` completed. */
static uint32_t mem_info(const struct jit_lower *l, const struct rv64_insn *in, unsigned log2_size,
			 uint32_t info)
{
	return info | (uint32_t)l->s->offset / 2 << JIT_MEM_OFFSET |
	       jit_counted(l, l->s->index) << JIT_MEM_INDEX | log2_size << JIT_MEM_SIZE |
	       (in->len == 4 ? JIT_MEM_LONG : 0);
}

/* *at = the host's operand for the address va, whose value `walks` on. What is returned is for
 * settle(). */
static struct jit_ool *look_up(struct jit_lower *l, const struct rv64_insn *in, struct jit_va va,
			       unsigned log2_size, uint32_t info, bool walks, struct jit_place *at)
{
	const int32_t tag = info & JIT_MEM_STORE ? JIT_TLB(store_tag) : JIT_TLB(load_tag);
	const unsigned size = 1u << log2_size;
	struct jit_remembered site;
	struct x86 *e = &l->e;
	struct jit_ool *o;
	uint8_t *differs;

	info = mem_info(l, in, log2_size, info);
	if (l->s->compact) {
		jit_compact_access(l, info);
		*at = (struct jit_place){.base = RAX};
		return NULL;
	}
	differs = jit_site(l, va, RCX, size, info & JIT_MEM_STORE, &site);
	if (differs) {
		o = jit_ool(l, JIT_OOL_SITE, differs);
		o->site = site;
		o->site.walks = walks;
	} else {
		if (va.disp) {
			jit_va_load(e, RAX, va);
			va = (struct jit_va){.reg = RAX};
		}
		jit_emit_slot(e, l->jit->bmi2, va.reg);
		o = jit_ool(l, JIT_OOL_MEM, jit_tlb_ask(e, va.reg, size, tag));
		if (walks)
			guess(e);
		else
			x86_rx(e, X86_MOV, X86_Q, RCX, REG_HART, RCX, JIT_TLB(addend));
	}
	o->reg = va.reg;
	o->info = info;
	*at = (struct jit_place){.base = va.reg, .index = RCX, .indexed = true, .disp = va.disp};
	return o;
}

/* The access is complete: here goes on what C has done. */
static void settle(struct jit_lower *l, struct jit_ool *o)
{
	if (o)
		o->back = l->e.p;
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
	struct jit_va va;

	if (jit_in_group(l, in, &at)) {
		jit_at(l, r->op, w, d, &at);
		jit_put(l, in->rd, d);
		return;
	}
	va = jit_va(l, in->rs1, in->imm);
	info = (uint32_t)in->rd << JIT_MEM_REG | (r->flag ? JIT_MEM_UNSIGNED : 0);
	o = look_up(l, in, va, r->w, info, walks, &at);
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
	struct jit_va va;

	if (jit_in_group(l, in, &at)) {
		jit_at(l, r->op, w, jit_get(l, in->rs2, RDX), &at);
		return;
	}
	va = jit_va(l, in->rs1, in->imm);
	o = look_up(l, in, va, r->w, (uint32_t)in->rs2 << JIT_MEM_REG | JIT_MEM_STORE, false, &at);
	jit_at(l, r->op, w, jit_get(l, in->rs2, RDX), &at);
	settle(l, o);
}

void jit_lower_fload(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	uint32_t op = r->w == 2 ? X86_MOVSS : X86_MOVSD;
	unsigned d = jit_f_dst(in->rd);
	struct jit_va va;
	struct jit_ool *o = NULL;
	struct jit_place at;

	jit_fp_need(l);
	if (!jit_in_group(l, in, &at)) {
		va = jit_va(l, in->rs1, in->imm);
		o = look_up(l, in, va, r->w, (uint32_t)in->rd << JIT_MEM_REG | JIT_MEM_FP, false,
			    &at);
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
	struct jit_va va;

	jit_fp_need(l);
	if (jit_in_group(l, in, &at)) {
		jit_at(l, op, X86_L, jit_f_get(l, in->rs2, XMM0), &at);
		return;
	}
	va = jit_va(l, in->rs1, in->imm);
	o = look_up(l, in, va, r->w, (uint32_t)in->rs2 << JIT_MEM_REG | JIT_MEM_STORE | JIT_MEM_FP,
		    false, &at);
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
