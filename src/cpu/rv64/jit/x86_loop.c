/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: the loop in a block.
 *
 * It is entered once by code that moves registers to where the loop wants them, and asks the TLB
 * for its carried groups (x86_group.c). Each round then ends with the branch and with a look at
 * `left`.
 *
 * Rounds that are lowered together (analyse.c) end with their branches alone, but for the last of
 * them. `left` is less by what all but one of them count meanwhile, so that the look at it after
 * the last one says whether there is enough for as many again:
 *
 *		too few left: to `next`
 *		left -= (rounds - 1) * length
 *	head:	round 0; the branch is not taken: to `leave`, with `left` as behind `next`
 *		...
 *		round 3; the branch is not taken: ...
 *		left -= rounds * length
 *		enough: to `head`
 *		left += (rounds - 1) * length
 *		used up: out
 *	next:	a round; the branch is not taken: to `leave`
 *		left -= length
 *		not used up: to `next`
 *	out:
 */
#include "cpu/rv64/jit/x86_lower.h"

#include <string.h>

#include "base/bits.h"

static int32_t length(const struct jit_lower *l)
{
	return (int32_t)(l->s->loop_end - l->s->loop);
}

/* What `left` is less by in rounds that are lowered together. */
static int32_t withheld(const struct jit_lower *l)
{
	return (int32_t)(l->s->rounds - 1) * length(l);
}

/* Whether the round at hand is one of these. */
static bool in_rounds(const struct jit_lower *l)
{
	return l->s->rounds > 1 && l->round < l->s->rounds && jit_in_loop(l->s, l->s->index);
}

/* ---- the begin ---- */

/* What will be narrow at the end of the loop, and thus at its begin. */
static uint32_t narrow_at_end(const struct jit_source *s, const uint8_t *reg)
{
	uint32_t set = 0;

	for (unsigned i = s->loop; i < s->loop_end; i++) {
		const struct rv64_insn *in = &s->insn[i];

		if (!rv64_insn_writes_x(in->id))
			continue;
		set &= (uint32_t)~BIT(in->rd);
		if (s->narrow[i] && reg[in->rd] != JIT_NONE &&
		    (jit_leaves_open(in) || s->rotates[i]))
			set |= (uint32_t)BIT(in->rd);
	}
	return set;
}

void jit_loop_move_in(struct jit_lower *l)
{
	jit_set_state(l, JIT_MOVED | JIT_REACHED);
	jit_move_in(l);
	l->moved_in = l->e.p;
}

/* The code from here on is come to from the end of a round as well. */
static void round_head(struct jit_lower *l)
{
	memset(l->known, JIT_UNKNOWN, sizeof(l->known));
	l->tested = l->was_tested = 0;
	l->narrow = narrow_at_end(l->s, l->loop_reg);
}

static void enter(struct jit_lower *l)
{
	const struct jit_source *s = l->s;

	jit_extend(l);
	if (!(l->state & JIT_REACHED)) {
		x86_alu_imm(&l->e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)s->loop);
		jit_loop_move_in(l);
	}
	l->narrow = 0;
	l->loop_boxed = l->boxed;
	l->fp_entered = l->fp_live;
	jit_group_enter(l);
	round_head(l);
	if (s->rounds == 1) {
		l->loop_head = l->e.p;
		return;
	}
	/* A round is to come even if `left` was used up on the way here. */
	x86_alu_imm(&l->e, X86_G_CMP, X86_Q, REG_LEFT, withheld(l));
	l->too_few = x86_jcc(&l->e, X86_LE);
	x86_alu_imm(&l->e, X86_G_SUB, X86_Q, REG_LEFT, withheld(l));
	l->rounds_head = l->e.p;
}

void jit_loop_begin(struct jit_lower *l)
{
	if (!l->round)
		enter(l);
	else if (l->round == l->s->rounds)
		round_head(l);
}

/* ---- rounds that are lowered together ---- */

bool jit_loop_postpones(const struct jit_lower *l, const struct rv64_insn *in)
{
	return in_rounds(l) && in->id == RV64_addi && in->rd == in->rs1 &&
	       l->s->postponed & BIT(in->rd) && l->loop_reg[in->rd] != JIT_NONE;
}

int32_t jit_loop_lacks(const struct jit_lower *l, unsigned g)
{
	const struct jit_source *s = l->s;

	if (!in_rounds(l) || !(s->postponed & BIT(g)) || l->loop_reg[g] == JIT_NONE)
		return 0;
	return (int32_t)l->round * jit_added(s, g, s->loop, s->loop_end) +
	       jit_added(s, g, s->loop, s->index);
}

/* The postponed registers get what `rounds` rounds add to them; the flags stay. */
static void catch_up(struct jit_lower *l, unsigned rounds)
{
	for (unsigned g = 1; g < 32; g++)
		if (l->s->postponed & BIT(g) && l->loop_reg[g] != JIT_NONE)
			x86_lea(&l->e, X86_Q, l->loop_reg[g], l->loop_reg[g],
				(int32_t)rounds * jit_added(l->s, g, l->s->loop, l->s->loop_end));
}

bool jit_at_round_end(const struct jit_lower *l)
{
	return in_rounds(l) && l->s->index + 1 == l->s->loop_end;
}

void jit_round_end(struct jit_lower *l, enum x86_cond cond)
{
	struct x86 *e = &l->e;

	jit_ool(l, JIT_OOL_ROUND, x86_jcc(e, (enum x86_cond)(cond ^ 1)))->info = l->round;
	if (l->round + 1 < l->s->rounds)
		return;
	catch_up(l, l->s->rounds);
	x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)l->s->rounds * length(l));
	x86_jcc_to(e, X86_GT, l->rounds_head);
	x86_alu_imm(e, X86_G_ADD, X86_Q, REG_LEFT, withheld(l));
	l->rounds_used_up = x86_jcc(e, X86_LE);
	x86_here(e, l->too_few);
	l->loop_head = e->p;
}

void jit_ool_round(struct jit_lower *l, const struct jit_ool *o)
{
	catch_up(l, o->info + 1);
	x86_alu_imm(&l->e, X86_G_ADD, X86_Q, REG_LEFT, withheld(l) - (int32_t)o->info * length(l));
	x86_jmp_to(&l->e, l->loop_left);
}

bool jit_lower_again(struct jit_lower *l)
{
	return l->s->rounds > 1 && l->round++ < l->s->rounds;
}

/* ---- the end ---- */

/* Whether the code at the loop's begin can be gone on with: native floating point is as it was. */
static bool fp_same(const struct jit_lower *l)
{
	return l->fp_live == l->fp_entered && (l->boxed & l->loop_boxed) == l->loop_boxed;
}

/* The code that looks at the entry whether floating point is native is behind moved_in only where
 * the loop is what the block begins with. */
bool jit_loop_stays(const struct jit_lower *l)
{
	return fp_same(l) || !l->s->loop;
}

/* To the next round of the loop, unless `left` is used up. When it counts it may be that only the
 * rounds are used up for which translations are known. */
void jit_loop_next(struct jit_lower *l, unsigned count)
{
	const uint32_t narrow = l->narrow;
	const uint8_t state = l->state;
	struct x86 *e = &l->e;

	if (fp_same(l)) {
		x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)count);
		x86_jcc_to(e, X86_GT, l->loop_head);
		if (l->s->rounds > 1)
			x86_here(e, l->rounds_used_up);
		jit_extend(l);
		if (state & JIT_COUNTED) {
			x86_rm(e, X86_ADD, X86_Q, REG_LEFT, REG_HART, JIT_OFF(native_rest));
			x86_jcc_to(e, X86_GT, l->moved_in);
		}
	} else {
		jit_extend(l);
		if (state & JIT_COUNTED)
			x86_rm(e, X86_ADD, X86_Q, REG_LEFT, REG_HART, JIT_OFF(native_rest));
		x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, (int32_t)count);
		x86_jcc_to(e, X86_GT, l->moved_in);
	}
	jit_set_state(l, state & (uint8_t)~JIT_COUNTED);
	l->narrow = 0;
	jit_move_out(l);
	jit_bound(l, (int32_t)l->s->loop_offset);
	jit_set_state(l, state);
	l->narrow = narrow;
}

void jit_loop_end(struct jit_lower *l)
{
	if (l->round < l->s->rounds && l->s->rounds > 1)
		return;
	l->loop_left = l->e.p;
	jit_move_out(l);
	jit_set_state(l, JIT_REACHED);
	l->tested = 0;
	l->narrow = 0;
}
