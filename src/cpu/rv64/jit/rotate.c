/* SPDX-License-Identifier: MIT */
/*
 * Rotations. Without Zbb a rotation by a constant is three instructions: a shift to each side, and
 * an `or` of both results. That `or` becomes a rotation of what was shifted. A shift whose result
 * nobody else reads before it is overwritten is left out; whoever leaves the block in between, or
 * calls C, makes up for it, for which what was shifted must still be there.
 */
#include "base/bits.h"
#include "cpu/rv64/jit/native.h"

static bool shifts_right(const struct rv64_insn *in)
{
	return in->id == RV64_srli || in->id == RV64_srliw;
}

/* Whether the results of both together are what is shifted, rotated. */
static bool are_halves(const struct rv64_insn *right, const struct rv64_insn *left)
{
	const int32_t width = right->id == RV64_srliw ? 32 : 64;

	return shifts_right(right) && left->id == (width == 32 ? RV64_slliw : RV64_slli) &&
	       right->rs1 == left->rs1 && right->imm && right->imm + left->imm == width;
}

/* Whether all who come to instruction i come from the one before it. */
static bool only_from_before(const struct jit_source *s, unsigned i)
{
	return i && i != s->loop && i != s->loop_end && !s->joined[i];
}

/* The last instruction before i, on a straight way to it, that writes one of these registers; i:
 * none is known. */
static unsigned writer_of(const struct jit_source *s, unsigned i, uint32_t regs)
{
	for (unsigned k = i; only_from_before(s, k);) {
		const struct rv64_insn *in = &s->insn[--k];

		if (rv64_insn_writes_x(in->id) && regs & BIT(in->rd))
			return k;
	}
	return i;
}

/* Instruction i as a rotation: the number of its shift to the right, and one more; 0: none. */
static unsigned rotation(const struct jit_source *s, unsigned i)
{
	const struct rv64_insn *in = &s->insn[i];
	unsigned right, left, first, from, changed;

	if (in->id != RV64_or || !in->rd || !in->rs1 || !in->rs2)
		return 0;
	right = writer_of(s, i, (uint32_t)BIT(in->rs1));
	left = writer_of(s, i, (uint32_t)BIT(in->rs2));
	if (!shifts_right(&s->insn[right])) {
		unsigned other = left;

		left = right;
		right = other;
	}
	if (right == i || left == i || !are_halves(&s->insn[right], &s->insn[left]))
		return 0;
	from = s->insn[right].rs1;
	first = right < left ? right : left;
	/* What is shifted is the same at both, and still there. */
	changed = writer_of(s, i, (uint32_t)BIT(from));
	if (from == in->rs1 || from == in->rs2 || (changed != i && changed > first))
		return 0;
	return right + 1;
}

/* Whether the result of shift i is overwritten before anybody but rotations reads it; in a loop
 * that may be in the next round, of which nobody leaves before that. */
static bool is_unseen(const struct jit_source *s, unsigned i)
{
	const unsigned rd = s->insn[i].rd, from = s->insn[i].rs1;
	const bool loop = jit_in_loop(s, i);
	const unsigned end = loop ? s->loop_end : i < s->loop ? s->loop : s->n;
	bool wrapped = false, gone = false;

	for (unsigned n = 0; n < s->n; n++) {
		const struct rv64_insn *in;

		if (++i == end) {
			if (!loop || s->rounds > 1) /* which may be left before any round */
				return false;
			i = s->loop;
			wrapped = true;
		}
		in = &s->insn[i];
		if ((wrapped || gone) && !jit_just_goes_on(s, i))
			return false;
		if (in->id == RV64_jal || in->id == RV64_jalr || in->id == RV64_fence ||
		    s->joined[i] || s->skips_to[i])
			return false;
		if (!s->rotates[i] && jit_x_read(in) & BIT(rd))
			return false;
		if (rv64_insn_writes_x(in->id) && in->rd == rd)
			return true;
		gone |= rv64_insn_writes_x(in->id) && in->rd == from;
	}
	return false;
}

void jit_find_rotations(struct jit_source *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		s->rotates[i] = s->compact ? 0 : (uint8_t)rotation(s, i);
		s->unseen[i] = false;
	}
	for (unsigned i = 0; i < s->n; i++) {
		const struct rv64_insn *in = &s->insn[i];

		if (!s->rotates[i])
			continue;
		for (unsigned half = 0; half < 2; half++) {
			unsigned k = writer_of(s, i, (uint32_t)BIT(half ? in->rs2 : in->rs1));

			s->unseen[k] = is_unseen(s, k);
		}
	}
}

const struct rv64_insn *jit_left_out(const struct jit_source *s, unsigned i, unsigned reg)
{
	unsigned k = writer_of(s, i, (uint32_t)BIT(reg));

	return k < i && s->unseen[k] ? &s->insn[k] : NULL;
}
