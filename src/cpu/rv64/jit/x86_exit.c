/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: branches, jumps, and the ways out of a block.
 *
 * Every way out counts the instructions and leaves when `left` is used up, just where the
 * interpreter does. Attention is looked at where a program can go in circles: before a jump
 * backwards, or through a register. A loop of one block alone, or of compact ones, does not look:
 * `left` ends it soon enough (SLICE_JIT in engine.c).
 */
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/jit/x86_lower.h"
#include "mem/gmem.h"

static enum x86_cond condition(unsigned id)
{
	switch (id) {
	case RV64_beq: return X86_E;
	case RV64_bne: return X86_NE;
	case RV64_blt: return X86_LT;
	case RV64_bge: return X86_GE;
	case RV64_bltu: return X86_C;
	default: return X86_NC;
	}
}

/* The same when the operands have changed places. */
static enum x86_cond mirrored(enum x86_cond cond)
{
	switch (cond) {
	case X86_LT: return X86_GT;
	case X86_GE: return X86_LE;
	case X86_C: return X86_A;
	case X86_NC: return X86_BE;
	default: return cond;
	}
}

/* Sets the host's flags; returns which of them to branch by. */
static enum x86_cond compare(struct jit_lower *l, const struct rv64_insn *in)
{
	unsigned a = l->reg[in->rs1];
	enum x86_cond cond = condition(in->id);

	if (!in->rs2 && in->rs1 && in->rs1 == l->was_tested && (cond == X86_E || cond == X86_NE))
		return cond;
	if (!in->rs2 && a != JIT_NONE) {
		x86_rr(&l->e, X86_TEST, l->narrow & BIT(in->rs1) ? X86_L : X86_Q, a, a);
	} else if (!in->rs2 && in->rs1) {
		x86_alu_imm_mem(&l->e, X86_G_CMP, X86_Q, REG_HART, jit_off_x(in->rs1), 0);
	} else if (in->rs1 && a == JIT_NONE && l->reg[in->rs2] != JIT_NONE) {
		jit_op_x(l, X86_CMP, X86_Q, l->reg[in->rs2], in->rs1);
		return mirrored(cond);
	} else {
		a = jit_get(l, in->rs1, RAX);
		jit_op_x(l, X86_CMP, X86_Q, a, in->rs2);
	}
	return cond;
}

/* Whether the jump can be patched: what it leads to lies in this page. An instruction that reaches
 * into the next page does not. */
static bool same_page(const struct jit_lower *l, int32_t target)
{
	if (target < 0 || target >= (int32_t)GMEM_PAGE_SIZE || l->s->crosses)
		return false;
	return target < (int32_t)GMEM_PAGE_SIZE - 2 ||
	       rv64_insn_len(rv64_code_read(l->s->page + target)) == 2;
}

static void taken_exit(struct jit_lower *l, const struct rv64_insn *in, uint8_t *from)
{
	struct jit_ool *o = jit_ool(l, JIT_OOL_EXIT, from);

	o->info = l->s->index + 1;
	o->offset = (uint16_t)l->s->offset;
	o->target = (int32_t)l->s->offset + in->imm;
}

/* The branch is taken, to a place in the block. `left` gets what the way there leaves out; where it
 * does not count all, the rest of it does. When it is used up the way leads outside, as it would
 * for the interpreter. */
static void skip(struct jit_lower *l, const struct rv64_insn *in)
{
	const unsigned to = l->s->skips_to[l->s->index];
	const int32_t left_out = (int32_t)(to - l->s->index - 1);
	struct x86 *e = &l->e;

	x86_alu_imm(e, X86_G_CMP, X86_Q, REG_LEFT, (int32_t)jit_counted(l, l->s->index + 1));
	taken_exit(l, in, x86_jcc(e, X86_LE));
	if (left_out && l->state & JIT_COUNTED)
		x86_alu_imm_mem(e, X86_G_ADD, X86_Q, REG_HART, JIT_OFF(native_rest), left_out);
	else if (left_out)
		x86_alu_imm(e, X86_G_ADD, X86_Q, REG_LEFT, left_out);
	l->skip[l->n_skips].from = x86_jmp(e);
	l->skip[l->n_skips].to = (uint8_t)to;
	l->skip[l->n_skips].fp_live = l->fp_live;
	l->skip[l->n_skips++].boxed = l->boxed;
}

void jit_join(struct jit_lower *l)
{
	for (unsigned i = 0; i < l->n_skips; i++) {
		if (l->skip[i].to != l->s->index)
			continue;
		x86_here(&l->e, l->skip[i].from);
		l->fp_live &= l->skip[i].fp_live;
		l->boxed &= l->skip[i].boxed;
	}
	memset(l->known, JIT_UNKNOWN, sizeof(l->known));
	l->was_tested = 0;
}

void jit_lower_branch(struct jit_lower *l, const struct rv64_insn *in)
{
	enum x86_cond cond = compare(l, in);
	uint8_t *past;

	if (jit_at_round_end(l)) {
		jit_round_end(l, cond);
		return;
	}
	if (l->s->skips_to[l->s->index]) {
		past = x86_jcc(&l->e, (enum x86_cond)(cond ^ 1));
		skip(l, in);
		x86_here(&l->e, past);
		return;
	}
	if (l->s->compact && !(l->nan_s | l->nan_d)) { /* few bytes, so that the jump is short */
		past = x86_jcc_short(&l->e, (enum x86_cond)(cond ^ 1));
		jit_exit_to(l, (int32_t)l->s->offset + in->imm, l->s->index + 1);
		x86_here_short(&l->e, past);
		return;
	}
	if (in->imm < 0 && same_page(l, (int32_t)l->s->offset + in->imm)) { /* mostly taken */
		past = x86_jcc(&l->e, (enum x86_cond)(cond ^ 1));
		jit_exit_to(l, (int32_t)l->s->offset + in->imm, l->s->index + 1);
		x86_here(&l->e, past);
		return;
	}
	taken_exit(l, in, x86_jcc(&l->e, cond));
}

/* rd = the pc behind the instruction */
static void link_register(struct jit_lower *l, const struct rv64_insn *in)
{
	unsigned d = jit_dst(l, in->rd);

	if (!in->rd)
		return;
	jit_pc(l, d, (int32_t)(l->s->offset + in->len));
	jit_put(l, in->rd, d);
	l->narrow &= (uint32_t)~BIT(in->rd);
}

/* rd = the pc behind the instruction, which jumps to `target` from the page's begin. */
static void link_and_exit(struct jit_lower *l, const struct rv64_insn *in, int32_t target)
{
	if (l->s->compact && in->rd == JIT_RETURN && !same_page(l, target)) {
		jit_move_out(l);
		jit_compact_call(l, target, l->s->offset + in->len, l->s->index + 1);
		return;
	}
	link_register(l, in);
	jit_exit_to(l, target, l->s->index + 1);
}

void jit_lower_jal(struct jit_lower *l, const struct rv64_insn *in)
{
	link_and_exit(l, in, (int32_t)l->s->offset + in->imm);
}

void jit_lower_jalr(struct jit_lower *l, const struct rv64_insn *in)
{
	struct x86 *e = &l->e;

	if (l->known[in->rs1] == JIT_PAGE) {
		int64_t target = (l->value[in->rs1] + in->imm) & ~1ll;

		if (target == (int32_t)target) {
			link_and_exit(l, in, (int32_t)target);
			return;
		}
	}
	jit_add(l, RAX, in->rs1, in->imm);
	if (in->rd) {
		jit_pc(l, RCX, (int32_t)(l->s->offset + in->len));
		jit_put(l, in->rd, RCX);
		l->narrow &= (uint32_t)~BIT(in->rd);
	}
	jit_move_out(l);
	x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)jit_counted(l, l->s->index + 1));
	if (l->s->compact)
		jit_compact_near(l);
	else
		jit_emit_near(e, &l->jit->glue, l->s->space, true);
}

void jit_bound(struct jit_lower *l, int32_t target)
{
	x86_call_to(&l->e, l->jit->glue.bound);
	x86_u32(&l->e, (uint32_t)target);
}

/* To a place in this page; `from` is where the jump stands. */
static void exit_near(struct jit_lower *l, int32_t target, unsigned count, unsigned from)
{
	uint8_t *used_up, *asked = NULL;
	struct x86 *e = &l->e;

	jit_move_out(l);
	x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)count);
	if (target == (int32_t)l->s->start && !l->s->main) {
		x86_jcc_to(e, X86_GT, l->begin);
		jit_bound(l, target);
		return;
	}
	used_up = x86_jcc_short(e, X86_LE);
	if (target <= (int32_t)from && !l->s->compact) {
		x86_alu_imm_mem(e, X86_G_CMP, X86_L, REG_HART, JIT_OFF(run.hart.attention), 0);
		asked = x86_jcc_short(e, X86_NE);
	}
	while (e->p < l->begin + JIT_LINK_SIZE && !e->full)
		x86_byte(e, 0x90); /* nop */
	x86_call_to(e, l->jit->glue.link);
	x86_u32(e, (uint32_t)target | (uint32_t)l->s->block->page[0] << 16);
	x86_here_short(e, used_up);
	if (asked)
		x86_here_short(e, asked);
	x86_call_to(e, l->jit->glue.bound_link);
}

static void exit_far(struct jit_lower *l, unsigned n, bool back)
{
	uint8_t *slow = jit_emit_far(&l->e, &l->jit->glue, n, back);

	jit_ool(l, JIT_OOL_FAR, slow)->info = n;
}

static void exit_from(struct jit_lower *l, int32_t target, unsigned count, unsigned from)
{
	struct x86 *e = &l->e;
	unsigned n;

	count = jit_counted(l, count);
	if (same_page(l, target)) {
		exit_near(l, target, count, from);
		return;
	}
	jit_move_out(l);
	if (l->s->compact || !jit_far_new(l->jit, &n)) {
		x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)count);
		jit_compact_far(l, target);
		return;
	}
	jit_pc(l, RAX, target);
	x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)count);
	exit_far(l, n, target <= (int32_t)from);
}

void jit_exit_to(struct jit_lower *l, int32_t target, unsigned count)
{
	if (count == l->s->loop_end && target == (int32_t)l->s->loop_offset && jit_loop_stays(l))
		jit_loop_next(l, jit_counted(l, count));
	else
		exit_from(l, target, count, l->s->offset);
}

void jit_lower_end(struct jit_lower *l)
{
	const unsigned here = l->s->offset;

	l->at = l->s->index;
	exit_from(l, (int32_t)here, l->s->index, here - 1);
}

void jit_ool_exit(struct jit_lower *l, const struct jit_ool *o)
{
	exit_from(l, o->target, o->info, o->offset);
}
