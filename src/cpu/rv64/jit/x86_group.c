/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: groups of accesses (analyse.c).
 *
 * A group keeps what is to be added to a guest address of its page, in r15 or in a slot of struct
 * interp; the operand of each access is that plus base register plus offset. The slot of a carried
 * group has a limit too: the TLB is asked when the base register is not below it (a register that
 * moves up), or not above it (down). Limits are chosen so that at the begin, when nothing is known,
 * no value passes.
 */
#include "cpu/rv64/jit/x86_lower.h"
#include "mem/gmem.h"

#define PAGE_SIZE ((int32_t)GMEM_PAGE_SIZE)

static int32_t slot_addend(const struct jit_group *g)
{
	return JIT_OFF(native_slot) +
	       (int32_t)(g->slot * sizeof(((struct interp *)0)->native_slot[0]) + sizeof(uint64_t));
}

static int32_t slot_limit(const struct jit_group *g)
{
	return slot_addend(g) - (int32_t)sizeof(uint64_t);
}

void jit_at(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned reg,
	    const struct jit_place *at)
{
	if (at->indexed)
		x86_rx(&l->e, op, w, reg, at->base, at->index, at->disp);
	else
		x86_rm(&l->e, op, w, reg, at->base, at->disp);
}

static void to_plain(struct jit_lower *l, uint8_t *from, unsigned first)
{
	jit_ool(l, JIT_OOL_PLAIN, from)->index = (uint8_t)first;
}

/* Leaves the address of the group's first byte in rax and the distance to host memory where the
 * group keeps it, if all of the group is in one page of the TLB; else on to the plain version. */
static void ask(struct jit_lower *l, const struct jit_group *g)
{
	struct x86 *e = &l->e;
	unsigned addend = g->in_register ? REG_GROUP : RCX;

	jit_add(l, RAX, g->base, g->low);
	jit_tlb_slot(l, RAX);
	x86_mov(e, RDX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_Q, RDX, -PAGE_SIZE);
	x86_rm(e, X86_OR, X86_Q, RDX, REG_HART, JIT_OFF(run.hart.mmu.ctx));
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX,
	       g->store ? JIT_TLB(store_tag) : JIT_TLB(load_tag));
	to_plain(l, x86_jcc(e, X86_NE), g->first);
	x86_rr(e, X86_MOV, X86_L, RDX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_L, RDX, PAGE_SIZE - 1);
	x86_alu_imm(e, X86_G_CMP, X86_L, RDX, PAGE_SIZE - (g->high - g->low));
	to_plain(l, x86_jcc(e, X86_A), g->first);
	x86_rx(e, X86_MOV, X86_Q, addend, REG_HART, RCX, JIT_TLB(addend));
	if (!g->in_register)
		x86_rm(e, X86_MOV_TO, X86_Q, RCX, REG_HART, slot_addend(g));
}

/*
 * The limit. Up: base + high <= page + 4096, so base < page + 4097 - high. Down: base + low >=
 * page, so base > page - low - 1. Either may wrap around, and then says no more often than it must;
 * only going down from page 0 might it say yes wrongly, so that page is left to the plain version.
 */
void jit_ool_keep(struct jit_lower *l, const struct jit_ool *o)
{
	const struct jit_group *g = &l->s->group[o->info];
	struct x86 *e = &l->e;

	ask(l, g);
	x86_alu_imm(e, X86_G_AND, X86_Q, RAX, -PAGE_SIZE);
	if (g->down)
		to_plain(l, x86_jcc(e, X86_E), g->first);
	x86_alu_imm(e, X86_G_ADD, X86_Q, RAX, g->down ? -g->low - 1 : PAGE_SIZE + 1 - g->high);
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, slot_limit(g));
	x86_jmp_to(e, o->back);
}

static void lead(struct jit_lower *l, unsigned number)
{
	const struct jit_group *g = &l->s->group[number];
	struct x86 *e = &l->e;
	struct jit_ool *o;

	if (l->plain_from == l->s->n)
		l->plain_from = l->s->index;
	if (!g->carried) {
		ask(l, g);
		return;
	}
	x86_rm(e, X86_CMP, X86_Q, jit_get(l, g->base, RAX), REG_HART, slot_limit(g));
	o = jit_ool(l, JIT_OOL_KEEP, x86_jcc(e, g->down ? X86_BE : X86_NC));
	o->info = number;
	o->back = e->p;
}

void jit_group_enter(struct jit_lower *l)
{
	for (unsigned i = 0; i < l->s->n_groups; i++) {
		const struct jit_group *g = &l->s->group[i];

		if (!g->carried)
			continue;
		x86_rm(&l->e, 0xc7, X86_Q, 0, REG_HART, slot_limit(g)); /* mov */
		x86_u32(&l->e, g->down ? UINT32_MAX : 0);
	}
}

bool jit_in_group(struct jit_lower *l, const struct rv64_insn *in, struct jit_place *at)
{
	const struct jit_source *s = l->s;
	const struct jit_group *g = &s->group[s->group_of[s->index]];
	unsigned base = jit_pinned[in->rs1];

	if (l->plain || s->role[s->index] == JIT_ALONE)
		return false;
	if (s->role[s->index] == JIT_LEADS)
		lead(l, s->group_of[s->index]);
	*at = (struct jit_place){
		.base = REG_GROUP, .index = (uint8_t)base, .indexed = true, .disp = in->imm};
	if (g->in_register && base == JIT_NONE) {
		jit_load(l, RAX, in->rs1);
		at->index = RAX;
	} else if (!g->in_register) {
		at->base = RCX;
		x86_rm(&l->e, X86_MOV, X86_Q, RCX, REG_HART, slot_addend(g));
		if (base == JIT_NONE) {
			at->indexed = false;
			jit_op_x(l, X86_ADD, X86_Q, RCX, in->rs1);
		}
	}
	return true;
}
