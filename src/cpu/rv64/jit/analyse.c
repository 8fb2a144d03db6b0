/* SPDX-License-Identifier: MIT */
/*
 * What a block's instructions have to do with each other, before they are lowered.
 *
 * Groups of accesses. Loads and stores off one base register, which does not change in between,
 * mostly lie in one page: a frame on the stack, a structure, some words of a copy. The first of
 * them asks the TLB about the whole range, and the others need not ask. When the answer is no
 * (nothing in the TLB yet, two pages, a device, a page with code), the rest of the block is done by
 * a second version of its code, without groups.
 *
 * A translation that the first access found holds to the end of the group: what could change it
 * (requests of other harts, CSRs, fences) leaves the block, or ends the group here.
 */
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/jit/native.h"

#define MAX_SPAN 2048

enum access { NO_ACCESS, LOAD, STORE };

static enum access access_of(const struct rv64_insn *in, unsigned *size)
{
	switch (in->id) {
	case RV64_lb:
	case RV64_lbu: *size = 1; return LOAD;
	case RV64_lh:
	case RV64_lhu: *size = 2; return LOAD;
	case RV64_lw:
	case RV64_lwu:
	case RV64_flw: *size = 4; return LOAD;
	case RV64_ld:
	case RV64_fld: *size = 8; return LOAD;
	case RV64_sb: *size = 1; return STORE;
	case RV64_sh: *size = 2; return STORE;
	case RV64_sw:
	case RV64_fsw: *size = 4; return STORE;
	case RV64_sd:
	case RV64_fsd: *size = 8; return STORE;
	default: return NO_ACCESS;
	}
}

/* After it nothing that was known of translations holds. */
static bool forgets(const struct rv64_insn *in)
{
	switch (rv64_insn_info[in->id].ext) {
	case RV64_EXT_ZICSR:
	case RV64_EXT_ZIFENCEI:
	case RV64_EXT_S:
	case RV64_EXT_SVINVAL: return true;
	default: return in->id == RV64_ILLEGAL_INSN;
	}
}

/* The group that begins with instruction i; its `n` is 0 when it would be alone. */
static struct jit_group group_at(const struct jit_source *s, unsigned i)
{
	const struct rv64_insn *first = &s->insn[i];
	struct jit_group g = {.base = first->rs1, .low = first->imm, .high = first->imm, .last = i};

	if (!g.base)
		return g;
	for (unsigned k = i; k < s->n && !forgets(&s->insn[k]); k++) {
		const struct rv64_insn *in = &s->insn[k];
		unsigned size;
		enum access a = access_of(in, &size);

		if (a != NO_ACCESS && in->rs1 == g.base) {
			int32_t low = in->imm < g.low ? in->imm : g.low;
			int32_t end = in->imm + (int32_t)size;
			int32_t high = end > g.high ? end : g.high;

			if (high - low > MAX_SPAN)
				break;
			g.low = low;
			g.high = high;
			g.store |= a == STORE;
			g.last = k;
			g.n++;
		}
		if (in->rd == g.base && rv64_insn_writes_x(in->id))
			break;
	}
	if (g.n < 2)
		g.n = 0;
	return g;
}

void jit_find_groups(struct jit_source *s)
{
	memset(s->role, JIT_ALONE, sizeof(s->role));
	s->n_groups = 0;
	for (unsigned i = 0; i < s->n; i++) {
		unsigned size;
		struct jit_group g;

		if (access_of(&s->insn[i], &size) == NO_ACCESS)
			continue;
		g = group_at(s, i);
		if (!g.n)
			continue;
		s->group[s->n_groups++] = g;
		s->role[i] = JIT_LEADS;
		for (unsigned k = i + 1; k <= g.last; k++)
			if (access_of(&s->insn[k], &size) != NO_ACCESS && s->insn[k].rs1 == g.base)
				s->role[k] = JIT_FOLLOWS;
		i = g.last;
	}
}
