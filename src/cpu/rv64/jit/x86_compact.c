/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: the compact form, of blocks that are seldom executed. Look-ups of the TLB and
 * jumps to other pages are glue, of which each place only has a call or a jump and an immediate
 * that says what the glue must know. A look-up that succeeds may destroy the register that was
 * loaded with that immediate: one that fails reads it from the instruction.
 *
 * The host's access to guest memory stays in the block, so that a fault is found there. When C had
 * to do the access, the host's goes to `value` of struct interp: a load finds there what C has
 * loaded, and what a store leaves there nobody reads.
 */
#include "cpu/rv64/jit/x86_lower.h"

#include <string.h>
#include "mem/gmem.h"

/* The immediate before a call, from where the call returns to. */
#define INFO (-9)

/* A group's immediate: how many bytes it has behind its first one, and how far behind the call the
 * code is that gives up. */
#define BEYOND 0 /* 12 bits */
#define BEHIND 12

_Static_assert(GMEM_PAGE_SIZE == 1 << BEHIND, "a group fits");
_Static_assert(JIT_BLOCK_MAX <= 1ul << (32 - BEHIND), "a distance in a block fits");

/* ---- glue ---- */

static void ret(struct x86 *e)
{
	x86_byte(e, 0xc3);
}

/* rax = the host address of the one in rax, of `size` bytes, and returns. Returns the jump that is
 * taken when the TLB does not say. */
static uint8_t *emit_look_up(struct x86 *e, bool bmi2, unsigned size, bool store)
{
	uint8_t *differs;

	jit_emit_slot(e, bmi2, RAX);
	differs = jit_tlb_ask(e, RAX, size, store ? JIT_TLB(store_tag) : JIT_TLB(load_tag));
	x86_rx(e, X86_ADD, X86_Q, RAX, REG_HART, RCX, JIT_TLB(addend));
	ret(e);
	return differs;
}

/* rax is the first byte's address, ecx the group's immediate. */
static void emit_group(struct x86 *e, struct jit_glue *g, bool bmi2, bool store)
{
	uint8_t *crosses, *differs;

	g->group[store] = e->p;
	x86_rr(e, X86_MOV, X86_L, RDX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_L, RDX, (int32_t)GMEM_PAGE_SIZE - 1);
	x86_alu_imm(e, X86_G_AND, X86_L, RCX, (int32_t)GMEM_PAGE_SIZE - 1);
	x86_rr(e, X86_ADD, X86_L, RCX, RDX);
	x86_alu_imm(e, X86_G_CMP, X86_L, RCX, (int32_t)GMEM_PAGE_SIZE);
	crosses = x86_jcc(e, X86_NC);
	differs = emit_look_up(e, bmi2, 1, store);
	x86_here(e, crosses);
	x86_here(e, differs);
	x86_rr(e, 0x8f, X86_L, 0, RDX); /* pop */
	x86_rm(e, X86_MOV, X86_L, RCX, RDX, INFO);
	x86_shift_imm(e, X86_G_SHR, X86_L, RCX, BEHIND);
	x86_rr(e, X86_ADD, X86_Q, RDX, RCX);
	x86_rr(e, 0xff, X86_L, 4, RDX); /* jmp */
}

/* eax is the distance from the page of what is called, ecx how many instructions to count, and at
 * RETURNS where it returns to. */
#define RETURNS 8

static void emit_call(struct x86 *e, struct jit_glue *g, enum interp_space space)
{
	g->compact_call[space] = e->p;
	x86_rr(e, X86_MOV, X86_L, RDX, RCX);
	x86_shift_imm(e, X86_G_SHR, X86_L, RDX, RETURNS);
	x86_rm(e, X86_ADD, X86_Q, RDX, REG_HART, JIT_PAGE_AT);
	x86_rm(e, X86_MOV_TO, X86_Q, RDX, REG_HART, jit_off_x(JIT_RETURN));
	x86_rr(e, X86_MOVSXD, X86_Q, RAX, RAX);
	x86_rm(e, X86_ADD, X86_Q, RAX, REG_HART, JIT_PAGE_AT);
	x86_rr(e, X86_MOVZX_B, X86_L, RCX, RCX);
	x86_rr(e, X86_SUB, X86_Q, REG_LEFT, RCX);
	jit_emit_near(e, g, space, true);
}

void jit_emit_compact(struct x86 *e, struct jit_glue *g, bool bmi2)
{
	uint8_t *differs[2][4];

	for (unsigned i = 0; i < INTERP_N_SPACES; i++) {
		g->compact_far[i] = e->p;
		x86_rr(e, X86_MOVSXD, X86_Q, RAX, RAX);
		x86_rm(e, X86_MOV, X86_Q, RDX, REG_HART, JIT_PAGE_AT);
		x86_rx(e, X86_LEA, X86_Q, RAX, RAX, RDX, 0); /* the flags stay */
		g->compact_near[i] = e->p;
		jit_emit_near(e, g, (enum interp_space)i, true);
		emit_call(e, g, (enum interp_space)i);
	}
	for (unsigned store = 0; store < 2; store++) {
		for (unsigned i = 0; i < 4; i++) {
			g->access[store][i] = e->p;
			differs[store][i] = emit_look_up(e, bmi2, 1u << i, store);
		}
		emit_group(e, g, bmi2, store);
	}
	for (unsigned i = 0; i < 8; i++)
		x86_here(e, differs[i / 4][i % 4]);
	x86_rm(e, X86_MOV, X86_Q, RCX, RSP, 0);
	x86_rm(e, X86_MOV, X86_L, RCX, RCX, INFO);
	x86_jmp_to(e, g->mem);
}

/* ---- what stands in a block ---- */

/* All registers become what C may see, and are that from here on. */
static void make_whole(struct jit_lower *l)
{
	jit_extend(l);
	l->narrow = 0;
	l->nan_s = l->nan_d = 0;
}

void jit_compact_access(struct jit_lower *l, uint32_t info)
{
	make_whole(l);
	x86_mov_imm(&l->e, RCX, info);
	x86_call_to(&l->e, l->jit->glue.access[!!(info & JIT_MEM_STORE)][info >> JIT_MEM_SIZE & 3]);
}

void jit_compact_group(struct jit_lower *l, const struct jit_group *g)
{
	const uint32_t beyond = (uint32_t)(g->high - g->low - 1);
	struct jit_ool *o;

	make_whole(l);
	x86_mov_imm(&l->e, RCX, beyond << BEYOND);
	o = jit_ool(l, JIT_OOL_COMPACT, l->e.p - sizeof(uint32_t));
	o->info = beyond << BEYOND;
	o->index = (uint8_t)(g->first | JIT_GAVE_UP_GROUP);
	x86_call_to(&l->e, l->jit->glue.group[g->store]);
}

void jit_ool_compact(struct jit_lower *l, const struct jit_ool *o)
{
	const uint32_t info = o->info | (uint32_t)(l->e.p - (o->from - INFO)) << BEHIND;

	memcpy(o->from, &info, sizeof(info));
	jit_leave_to_interp(l, o->index);
}

void jit_compact_near(struct jit_lower *l)
{
	x86_jmp_to(&l->e, l->jit->glue.compact_near[l->s->space]);
}

void jit_compact_far(struct jit_lower *l, int32_t target)
{
	x86_mov_imm(&l->e, RAX, (uint32_t)target);
	x86_jmp_to(&l->e, l->jit->glue.compact_far[l->s->space]);
}

void jit_compact_call(struct jit_lower *l, int32_t target, unsigned behind, unsigned count)
{
	x86_mov_imm(&l->e, RAX, (uint32_t)target);
	x86_mov_imm(&l->e, RCX, count | behind << RETURNS);
	x86_jmp_to(&l->e, l->jit->glue.compact_call[l->s->space]);
}
