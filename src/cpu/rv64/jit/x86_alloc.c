/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: which x registers are in host registers.
 *
 * Between blocks it is always the same ones, and mostly within them too. A loop in a block
 * moves in others that it has more use for, and moves them out wherever it is left or
 * calls C: code behind the block for the most part. Host registers that are left over go to its
 * groups of accesses.
 */
#include "cpu/rv64/jit/x86_lower.h"

#include <string.h>

#include "base/bits.h"

#define LEAST_GAIN 1 /* instructions, for a register to be moved in and another one out */

static void count_uses(const struct jit_source *s, unsigned uses[32], uint32_t *written)
{
	*written = 0;
	for (unsigned i = s->loop; i < s->loop_end; i++) {
		const struct rv64_insn *in = &s->insn[i];
		uint32_t set = jit_x_read(in);

		if (rv64_insn_writes_x(in->id)) {
			set |= 1u << in->rd;
			*written |= 1u << in->rd;
		}
		for (unsigned g = 1; g < 32; g++)
			if (set & BIT(g))
				uses[g]++;
	}
}

static struct jit_move *add_move(struct jit_lower *l, unsigned usual, unsigned guest)
{
	struct jit_move *m = &l->move[l->n_moves++];

	*m = (struct jit_move){
		.host = jit_pinned[usual], .usual = (uint8_t)usual, .guest = (uint8_t)guest};
	l->loop_reg[usual] = JIT_NONE;
	return m;
}

/* The register that is where it usually is and used least; 0: none is there. */
static unsigned least_used(const struct jit_lower *l, const unsigned uses[32])
{
	unsigned best = 0;

	for (unsigned g = 1; g < 32; g++)
		if (l->loop_reg[g] != JIT_NONE && l->loop_reg[g] == jit_pinned[g] &&
		    (!best || uses[g] < uses[best]))
			best = g;
	return best;
}

static unsigned most_used(const struct jit_lower *l, const unsigned uses[32])
{
	unsigned best = 0;

	for (unsigned g = 1; g < 32; g++)
		if (l->loop_reg[g] == JIT_NONE && jit_pinned[g] == JIT_NONE &&
		    (!best || uses[g] > uses[best]))
			best = g;
	return best;
}

static void place_groups(struct jit_lower *l, const unsigned uses[32])
{
	for (unsigned i = 0; i < l->s->n_groups; i++) {
		const struct jit_group *g = &l->s->group[i];
		unsigned usual = least_used(l, uses);

		if (g->in_register || !g->carried || !usual || uses[usual])
			continue;
		l->group_reg[i] = jit_pinned[usual];
		add_move(l, usual, 0)->slot = (uint8_t)g->slot;
	}
}

void jit_allocate(struct jit_lower *l)
{
	unsigned uses[32] = {0}, in, out;
	uint32_t written;

	memcpy(l->loop_reg, jit_pinned, sizeof(l->loop_reg));
	memset(l->group_reg, JIT_NONE, sizeof(l->group_reg));
	l->n_moves = 0;
	count_uses(l->s, uses, &written);
	for (;;) {
		struct jit_move *m;

		in = most_used(l, uses);
		out = least_used(l, uses);
		if (!in || !out || uses[in] < uses[out] + LEAST_GAIN)
			break;
		m = add_move(l, out, in);
		m->write = written >> in & 1;
		l->loop_reg[in] = m->host;
	}
	place_groups(l, uses);
}

void jit_set_state(struct jit_lower *l, uint8_t state)
{
	l->state = state;
	l->reg = state & JIT_MOVED ? l->loop_reg : jit_pinned;
}

void jit_extend(struct jit_lower *l)
{
	for (unsigned g = 1; g < 32; g++) {
		const struct rv64_insn *shift;

		if (!(l->narrow & BIT(g)))
			continue;
		shift = jit_left_out(l->s, l->at, g);
		if (shift)
			jit_complete_shift(l, shift);
		else
			x86_rr(&l->e, X86_MOVSXD, X86_Q, l->reg[g], l->reg[g]);
	}
	jit_complete_nans(l);
}

void jit_move_in(struct jit_lower *l)
{
	struct x86 *e = &l->e;

	for (unsigned i = 0; i < l->n_moves && l->state & JIT_MOVED; i++) {
		const struct jit_move *m = &l->move[i];

		x86_rm(e, X86_MOV_TO, X86_Q, m->host, REG_HART, jit_off_x(m->usual));
		x86_rm(e, X86_MOV, X86_Q, m->host, REG_HART,
		       m->guest ? jit_off_x(m->guest) : jit_slot(m->slot));
	}
	if (l->state & JIT_COUNTED)
		x86_rm(e, X86_SUB, X86_Q, REG_LEFT, REG_HART, JIT_OFF(native_rest));
}

void jit_move_out(struct jit_lower *l)
{
	struct x86 *e = &l->e;

	jit_extend(l);
	for (unsigned i = 0; i < l->n_moves && l->state & JIT_MOVED; i++) {
		const struct jit_move *m = &l->move[i];

		if (m->write)
			x86_rm(e, X86_MOV_TO, X86_Q, m->host, REG_HART, jit_off_x(m->guest));
		x86_rm(e, X86_MOV, X86_Q, m->host, REG_HART, jit_off_x(m->usual));
	}
	if (l->state & JIT_COUNTED)
		x86_rm(e, X86_ADD, X86_Q, REG_LEFT, REG_HART, JIT_OFF(native_rest));
}
