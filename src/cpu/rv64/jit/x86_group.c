/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: groups of accesses (analyse.c).
 *
 * A group keeps what is to be added to a guest address of its page, in a register or in a slot of
 * struct interp; the operand of each access is that plus base register plus offset. In compact
 * blocks it keeps the host address of its first byte, and the operand is that plus a distance.
 *
 * Carried groups ask the TLB before the loop. How many rounds their pages last is known then, and
 * what `left` has beyond these is put aside (`native_rest`): when it has run down to 0 the loop
 * takes it back and begins anew.
 */
#include "cpu/rv64/jit/x86_lower.h"
#include "mem/gmem.h"

#define PAGE_SIZE ((int32_t)GMEM_PAGE_SIZE)

int32_t jit_slot(unsigned slot)
{
	return JIT_OFF(native_slot) +
	       (int32_t)(slot * sizeof(((struct interp *)0)->native_slot[0]));
}

/* The register that the group has for its distance. */
static unsigned own_register(const struct jit_lower *l, const struct jit_group *g)
{
	return g->in_register ? REG_GROUP : l->group_reg[g->slot];
}

void jit_at(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned reg,
	    const struct jit_place *at)
{
	if (at->indexed)
		x86_rx(&l->e, op, w, reg, at->base, at->index, at->disp);
	else
		x86_rm(&l->e, op, w, reg, at->base, at->disp);
}

static bool goes_down(const struct jit_group *g)
{
	return g->carried && g->step < 0;
}

/* edx = how many bytes the group whose first byte is at va has left in its page behind itself, or
 * before itself if it goes down. It may be less than what is beyond its first byte: then it is not
 * all in that page, and the flags say so to the condition that is returned. */
static enum x86_cond room_of(struct jit_lower *l, const struct jit_group *g, struct jit_va va)
{
	const int32_t beyond = g->high - g->low - 1;
	const bool down = goes_down(g);
	struct x86 *e = &l->e;

	jit_va_load(e, RDX, va);
	if (!down)
		x86_unary(e, X86_G_NOT, X86_L, RDX);
	x86_alu_imm(e, X86_G_AND, X86_L, RDX, PAGE_SIZE - 1);
	if (beyond)
		x86_alu_imm(e, down ? X86_G_CMP : X86_G_SUB, X86_L, RDX,
			    down ? PAGE_SIZE - 1 - beyond : beyond);
	return down ? X86_A : X86_C;
}

/* The distance is in `addend`, and stays where the group keeps it. */
static void keep(struct jit_lower *l, const struct jit_group *g, unsigned addend)
{
	if (!g->in_register)
		x86_rm(&l->e, X86_MOV_TO, X86_Q, addend, REG_HART, jit_slot(g->slot));
}

/* Leaves the distance to host memory where the group keeps it, and in edx the room that the page
 * has in the direction of the group's step, if all of it is in one page of the TLB; else gives
 * up. Its base register has yet to grow by `before`. */
static void ask(struct jit_lower *l, const struct jit_group *g, int32_t before)
{
	struct x86 *e = &l->e;
	unsigned own = own_register(l, g), addend = own != JIT_NONE ? own : RCX;
	const unsigned first = g->carried ? l->s->loop : g->first;
	struct jit_remembered site;
	struct jit_ool *o;
	uint8_t *differs;
	struct jit_va va = jit_va(l, g->base, g->low + before);

	if (l->s->compact) {
		jit_compact_group(l, g);
		x86_mov(e, addend, RAX);
		keep(l, g, addend);
		return;
	}
	differs = jit_site(l, va, addend, (unsigned)(g->high - g->low), g->store, &site);
	if (differs) {
		o = jit_ool(l, JIT_OOL_GROUP, differs);
		o->index = (uint8_t)(first | JIT_GAVE_UP_GROUP);
		o->site = site;
		keep(l, g, addend);
		if (g->step)
			room_of(l, g, va);
		return;
	}
	jit_va_load(e, RAX, va);
	jit_emit_slot(&l->e, l->jit->bmi2, RAX);
	differs = jit_tlb_ask(e, RAX, 1, g->store ? JIT_TLB(store_tag) : JIT_TLB(load_tag));
	jit_give_up_group(l, differs, first);
	if (g->high - g->low > 1)
		jit_give_up_group(l, x86_jcc(e, room_of(l, g, (struct jit_va){.reg = RAX})), first);
	else if (g->step)
		room_of(l, g, (struct jit_va){.reg = RAX});
	x86_rx(e, X86_MOV, X86_Q, addend, REG_HART, RCX, JIT_TLB(addend));
	keep(l, g, addend);
}

void jit_ool_group(struct jit_lower *l, const struct jit_ool *o)
{
	jit_site_again(l, &o->site, 0);
	jit_move_out(l);
	jit_leave_to_interp(l, o->index);
}

/* edx, the room in the page, becomes how many more rounds than one it lasts, or less: a product
 * instead of a quotient. */
static void rounds_of(struct jit_lower *l, const struct jit_group *g)
{
	const unsigned step = g->step < 0 ? 0u - (unsigned)g->step : (unsigned)g->step;
	struct x86 *e = &l->e;

	if (step & (step - 1)) {
		x86_rr(e, X86_IMUL_IMM, X86_L, RDX, RDX);
		x86_u32(e, 0x10000 / step);
		x86_shift_imm(e, X86_G_SHR, X86_L, RDX, 16);
	} else if (step > 1) {
		x86_shift_imm(e, X86_G_SHR, X86_L, RDX, (unsigned)__builtin_ctz(step));
	}
}

/* rdx is how many rounds more than one are known of; puts aside in native_rest what `left` has
 * beyond these. */
static void put_rest_aside(struct jit_lower *l)
{
	const unsigned length = l->s->loop_end - l->s->loop;
	struct x86 *e = &l->e;

	x86_rr(e, X86_IMUL_IMM, X86_L, RDX, RDX);
	x86_u32(e, length);
	x86_lea(e, X86_Q, RAX, REG_LEFT, -(int32_t)length);
	x86_rr(e, X86_XOR, X86_L, RCX, RCX);
	x86_rr(e, X86_SUB, X86_Q, RAX, RDX);
	x86_rr(e, X86_CMOV + X86_LT, X86_Q, RAX, RCX);
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, JIT_OFF(native_rest));
	x86_rr(e, X86_SUB, X86_Q, REG_LEFT, RAX);
	jit_set_state(l, l->state | JIT_COUNTED);
}

void jit_group_enter(struct jit_lower *l)
{
	/* What the groups so far allow is in native_rest, in rdx, or not yet limited. */
	bool stored = false, in_rdx = false;
	struct x86 *e = &l->e;

	for (unsigned i = 0; i < l->s->n_groups; i++) {
		const struct jit_group *g = &l->s->group[i];

		if (!g->carried)
			continue;
		if (in_rdx)
			x86_rm(e, X86_MOV_TO, X86_L, RDX, REG_HART, JIT_OFF(native_rest));
		stored |= in_rdx;
		in_rdx = false;
		ask(l, g, g->before);
		if (!g->step)
			continue;
		rounds_of(l, g);
		if (stored) {
			x86_rm(e, X86_CMP, X86_L, RDX, REG_HART, JIT_OFF(native_rest));
			x86_rm(e, X86_CMOV + X86_A, X86_L, RDX, REG_HART, JIT_OFF(native_rest));
		}
		in_rdx = true;
	}
	if (!in_rdx && !stored)
		return;
	if (!in_rdx)
		x86_rm(e, X86_MOV, X86_L, RDX, REG_HART, JIT_OFF(native_rest));
	put_rest_aside(l);
}

/* From the group's first byte to where the access at hand begins. */
static int32_t distance(const struct jit_source *s, const struct jit_group *g)
{
	return s->insn[s->index].imm - g->low + jit_added(s, g->base, g->first, s->index);
}

bool jit_in_group(struct jit_lower *l, const struct rv64_insn *in, struct jit_place *at)
{
	const struct jit_source *s = l->s;
	const struct jit_group *g = &s->group[s->group_of[s->index]];
	unsigned base = l->reg[in->rs1], own;

	if (s->role[s->index] == JIT_ALONE)
		return false;
	if (s->role[s->index] == JIT_LEADS && !g->carried)
		ask(l, g, 0);
	own = own_register(l, g);
	if (l->s->compact) {
		*at = (struct jit_place){.base = own == JIT_NONE ? RCX : (uint8_t)own,
					 .disp = distance(s, g)};
		if (own == JIT_NONE)
			x86_rm(&l->e, X86_MOV, X86_Q, RCX, REG_HART, jit_slot(g->slot));
		return true;
	}
	*at = (struct jit_place){
		.base = (uint8_t)own,
		.index = (uint8_t)base,
		.indexed = true,
		.disp = in->imm + jit_loop_lacks(l, in->rs1),
	};
	if (own != JIT_NONE && base == JIT_NONE) {
		jit_load(l, RAX, in->rs1);
		at->index = RAX;
	} else if (own == JIT_NONE) {
		at->base = RCX;
		x86_rm(&l->e, X86_MOV, X86_Q, RCX, REG_HART, jit_slot(g->slot));
		if (base == JIT_NONE) {
			at->indexed = false;
			jit_op_x(l, X86_ADD, X86_Q, RCX, in->rs1);
		}
	}
	return true;
}
