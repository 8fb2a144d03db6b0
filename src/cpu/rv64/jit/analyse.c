/* SPDX-License-Identifier: MIT */
/*
 * What a block's instructions have to do with each other, before they are lowered.
 *
 * Groups of accesses. Loads and stores off one base register, to which nothing but constants is
 * added in between, mostly lie in one page: a frame on the stack, a structure, some words of a
 * copy. The first of them asks the TLB about the whole range, and the others need not ask. When the
 * answer is no (nothing in the TLB yet, two pages, a device, a page with code), the interpreter
 * does the rest of the block. Where that happens often, as to a frame that always lies in two
 * pages, the rest is compiled once more, without groups: a way around.
 *
 * Carried groups. In a loop within the block, a base register which changes by a constant in each
 * round stays in its page for many of them: then the TLB is asked before the loop, and for so many
 * rounds nothing needs to be looked at. The rounds are counted by `left`, which counts down anyway.
 *
 * Skips. A branch forwards to a place in the block need not leave it, if everything is in the same
 * place on both ways: in a loop, registers. What holds along a block, groups and narrow results,
 * ends where such ways meet, unless it cannot differ between them.
 *
 * Narrow results. Instructions on 32 bits leave their result sign-extended. That is not done as
 * long as only other such instructions read it.
 *
 * Rounds. A short loop out of which nothing leads but its last branch is lowered for several rounds
 * at a time: one look at `left` for all of them, and one addition for a register that only
 * addresses are made of.
 *
 * NaNs. A computed NaN becomes the canonical one only where somebody could tell it from others: not
 * before it is an operand of more arithmetic and then overwritten.
 *
 * A translation that the first access found holds to the end of the group, or of the loop: what
 * could change it (requests of other harts, CSRs, fences) leaves the block, or is not in a group.
 */
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/jit/dump.h"
#include "cpu/rv64/jit/native.h"

#define MAX_SPAN 2048 /* of a group, and what is added to its base register in between */

/* Loops of at most so many instructions are lowered for so many rounds at a time. */
#define SHORT_LOOP 12
#define ROUNDS     4

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

static bool is_access(const struct rv64_insn *in)
{
	unsigned size;

	return access_of(in, &size) != NO_ACCESS;
}

/* After it nothing that was known of translations holds. */
static bool forgets(const struct rv64_insn *in)
{
	switch (rv64_insn_info[in->id].ext) {
	case RV64_EXT_ZICSR:
	case RV64_EXT_ZIFENCEI:
	case RV64_EXT_S:
	case RV64_EXT_SVINVAL: return true;
	default: return in->id == RV64_fence || in->id == RV64_ILLEGAL_INSN;
	}
}

static bool adds_to(const struct rv64_insn *in, unsigned reg)
{
	return in->id == RV64_addi && in->rd == reg && in->rs1 == reg;
}

int32_t jit_added(const struct jit_source *s, unsigned reg, unsigned first, unsigned end)
{
	int32_t sum = 0;

	for (unsigned i = first; i < end; i++)
		if (adds_to(&s->insn[i], reg))
			sum += s->insn[i].imm;
	return sum;
}

static bool writes(const struct rv64_insn *in, unsigned reg)
{
	return in->rd == reg && rv64_insn_writes_x(in->id);
}

/* The access at `delta` joins the group; false: that would make it too wide. */
static bool join(struct jit_group *g, const struct rv64_insn *in, int32_t delta)
{
	unsigned size;
	bool store = access_of(in, &size) == STORE;
	int32_t at = in->imm + delta, end = at + (int32_t)size;
	int32_t low = g->n && g->low < at ? g->low : at;
	int32_t high = g->n && g->high > end ? g->high : end;

	if (high - low > MAX_SPAN)
		return false;
	g->low = low;
	g->high = high;
	g->store |= store;
	g->n++;
	return true;
}

/* Whether a way to instruction k that leaves some out meets the others there, and what is known of
 * a group since instruction `first` differs on it: the base register has moved by delta[]. */
static bool differs(const struct jit_source *s, unsigned first, unsigned k, const int32_t *delta)
{
	if (!s->joined[k])
		return false;
	for (unsigned b = 0; b < k; b++)
		if ((b < first || delta[b] != delta[k]) && s->skips_to[b] == k)
			return true;
	return false;
}

/* The group that begins with instruction i. */
static struct jit_group group_at(const struct jit_source *s, unsigned i)
{
	struct jit_group g = {.base = s->insn[i].rs1, .first = i, .last = i};
	unsigned end = i < s->loop ? s->loop : i < s->loop_end ? s->loop_end : s->n;
	int32_t delta[RV64_BLOCK_INSNS + 1]; /* what was added before each instruction */

	delta[i] = 0;
	for (unsigned k = i; k < end && !forgets(&s->insn[k]); k++) {
		const struct rv64_insn *in = &s->insn[k];

		if (k > i && differs(s, i, k, delta))
			break;
		if (is_access(in) && in->rs1 == g.base) {
			if (!join(&g, in, delta[k]))
				break;
			g.last = k;
		}
		delta[k + 1] = delta[k];
		if (adds_to(in, g.base)) {
			delta[k + 1] += in->imm;
			if (delta[k + 1] > MAX_SPAN || delta[k + 1] < -MAX_SPAN)
				break;
		} else if (writes(in, g.base)) {
			break;
		}
	}
	return g;
}

/* ---- loops ---- */

/* The instruction's distance to where it jumps back to, or 0. A function that calls itself has few
 * rounds at a time. */
static int32_t jump_back(const struct rv64_insn *in)
{
	bool jumps = (in->id == RV64_jal && !in->rd) || rv64_insn_info[in->id].format == RV64_FMT_B;

	return jumps && in->imm < 0 ? in->imm : 0;
}

/* From the target of the first jump backwards up to that, if the target is in the block, and
 * nothing forgets translations between. */
static void find_loop(struct jit_source *s)
{
	unsigned last = 0, offset = s->start, first;
	int32_t back = 0;

	while (!s->crosses && last < s->n && !(back = jump_back(&s->insn[last])))
		offset += s->insn[last++].len;
	if (!back || (int32_t)offset + back < (int32_t)s->start)
		return;
	for (first = last; back < 0 && !forgets(&s->insn[first - 1]); first--)
		back += s->insn[first - 1].len;
	if (back)
		return;
	s->loop = first;
	s->loop_end = last + 1;
	s->loop_offset = offset + (uint32_t)s->insn[last].imm;
}

/* ---- skips ---- */

static unsigned part_of(const struct jit_source *s, unsigned i)
{
	return i < s->loop ? 0 : i < s->loop_end ? 1 : 2;
}

/* The instruction that the branch i leads forwards to, or 0. */
static unsigned target_of(const struct jit_source *s, unsigned i)
{
	int32_t distance = s->insn[i].imm;
	unsigned k = i;

	if (rv64_insn_info[s->insn[i].id].format != RV64_FMT_B || distance <= 0)
		return 0;
	for (; k < s->n && distance > 0; k++)
		distance -= s->insn[k].len;
	return !distance && k < s->n && part_of(s, k) == part_of(s, i) ? k : 0;
}

/* Blocks end at the same place for all who come in, but for those that grew too long: there a skip
 * would go on past where the interpreter looks around. */
static void find_skips(struct jit_source *s)
{
	unsigned n = 0;

	memset(s->skips_to, 0, sizeof(s->skips_to));
	memset(s->joined, 0, sizeof(s->joined));
	for (unsigned i = 0; i < s->n && s->n < RV64_BLOCK_INSNS && n < JIT_MAX_SKIPS; i++) {
		unsigned to = target_of(s, i);

		s->skips_to[i] = (uint8_t)to;
		if (to) {
			s->joined[to] = true;
			n++;
		}
	}
}

/* Whether some branch leaves out instruction i. */
static bool is_skipped(const struct jit_source *s, unsigned i)
{
	for (unsigned b = 0; b < i; b++)
		if (s->skips_to[b] > i)
			return true;
	return false;
}

/* ---- carried groups ---- */

/* Whether the group has all accesses of the loop off its base register, which moves one way, and
 * in each round. */
static bool can_be_carried(const struct jit_source *s, struct jit_group *g)
{
	int32_t up = 0, down = 0;

	g->before = 0;
	for (unsigned i = s->loop; i < s->loop_end; i++) {
		const struct rv64_insn *in = &s->insn[i];

		if (is_access(in) && in->rs1 == g->base && (i < g->first || i > g->last))
			return false;
		if (i == g->first)
			g->before = up - down;
		if (writes(in, g->base) && is_skipped(s, i))
			return false;
		if (adds_to(in, g->base) && in->imm > 0)
			up += in->imm;
		else if (adds_to(in, g->base))
			down -= in->imm;
		else if (writes(in, g->base))
			return false;
	}
	g->step = up - down;
	return (!up || !down) && up <= MAX_SPAN && down <= MAX_SPAN;
}

/* ---- all of it ---- */

/* Whether the group can have the register that is meant for them: no other has it meanwhile. */
static bool register_free(const struct jit_source *s, const struct jit_group *g)
{
	for (unsigned i = 0; i < s->n_groups; i++) {
		const struct jit_group *o = &s->group[i];

		bool loop = (o->carried && jit_in_loop(s, g->first)) ||
			    (g->carried && jit_in_loop(s, o->first));

		if (o->in_register && (loop || (o->first <= g->last && g->first <= o->last)))
			return false;
	}
	return true;
}

static void add_group(struct jit_source *s, struct jit_group *g)
{
	g->in_register = register_free(s, g);
	g->slot = s->n_groups;
	for (unsigned k = g->first; k <= g->last; k++)
		if (is_access(&s->insn[k]) && s->insn[k].rs1 == g->base) {
			s->role[k] = k == g->first ? JIT_LEADS : JIT_FOLLOWS;
			s->group_of[k] = (uint8_t)s->n_groups;
		}
	s->group[s->n_groups++] = *g;
	s->any_carried |= g->carried;
}

/* Whether the group's code is faster than that of its accesses alone; in a compact block, where a
 * group without a register loads its distance each time, whether it is shorter. */
static bool is_worth_it(const struct jit_source *s, const struct jit_group *g)
{
	if (!s->compact)
		return g->n > 1;
	return g->n > (register_free(s, g) ? 2 : 4);
}

static void find_groups(struct jit_source *s, unsigned limit)
{
	memset(s->role, JIT_ALONE, sizeof(s->role));
	s->n_groups = 0;
	s->any_carried = false;
	for (unsigned i = 0; i < s->n && s->n_groups < limit; i++) {
		struct jit_group g;

		if (s->role[i] != JIT_ALONE || !is_access(&s->insn[i]) || !s->insn[i].rs1)
			continue;
		g = group_at(s, i);
		g.carried = jit_in_loop(s, i) && can_be_carried(s, &g);
		if (g.carried || is_worth_it(s, &g))
			add_group(s, &g);
	}
}

/* ---- narrow results ---- */

uint32_t jit_x_read(const struct rv64_insn *in)
{
	uint32_t first = 1u << in->rs1, second = 1u << in->rs2;

	switch ((enum rv64_format)rv64_insn_info[in->id].format) {
	case RV64_FMT_R:
	case RV64_FMT_B: return first | second;
	case RV64_FMT_S: return rv64_insn_is_fp(in->id) ? first : first | second;
	case RV64_FMT_R1:
	case RV64_FMT_I:
	case RV64_FMT_SH:
	case RV64_FMT_CSR:
	case RV64_FMT_FLD:
	case RV64_FMT_FX: return first;
	default: return 0;
	}
}

/* Whether the instruction would do the same if x[reg], which it reads, had another upper half. */
static bool reads_low(const struct rv64_insn *in, unsigned reg)
{
	switch (in->id) {
	case RV64_addw:
	case RV64_subw:
	case RV64_mulw:
	case RV64_sllw:
	case RV64_srlw:
	case RV64_sraw:
	case RV64_divw:
	case RV64_divuw:
	case RV64_remw:
	case RV64_remuw:
	case RV64_addiw:
	case RV64_slliw:
	case RV64_srliw:
	case RV64_sraiw:
	case RV64_roriw:
	case RV64_slli_uw:
	case RV64_sext_b:
	case RV64_sext_h:
	case RV64_zext_h: return true;
	case RV64_sb:
	case RV64_sh:
	case RV64_sw: return in->rs1 != reg;
	case RV64_slli: return in->imm >= 32;
	case RV64_andi: return in->imm >= 0;
	case RV64_beq:
	case RV64_bne: return !in->rs2;
	default: return false;
	}
}

bool jit_just_goes_on(const struct jit_source *s, unsigned i)
{
	const struct rv64_insn *in = &s->insn[i];

	if (is_access(in))
		return s->role[i] != JIT_ALONE && s->group[s->group_of[i]].carried &&
		       !rv64_insn_is_fp(in->id);
	switch (rv64_insn_info[in->id].ext) {
	case RV64_EXT_I: return rv64_insn_info[in->id].format != RV64_FMT_B && in->id != RV64_fence;
	case RV64_EXT_M:
	case RV64_EXT_ZBA: return jit_host_lowers(in);
	default: return false;
	}
}

/* Whether only the lower half of what instruction i writes is read before it is written again,
 * which it is; in a loop that may be in the next round. Who leaves the block on the way, or calls
 * C, has to complete it; so at the begin of a round, where it need not be such a result yet,
 * nothing must do that. */
static bool is_narrow(const struct jit_source *s, unsigned i)
{
	const unsigned reg = s->insn[i].rd;
	const bool loop = jit_in_loop(s, i);
	bool wrapped = false;

	if (!reg || !rv64_insn_writes_x(s->insn[i].id))
		return false;
	for (unsigned n = 0; n < s->n; n++) {
		const struct rv64_insn *in;

		if (++i == (loop ? s->loop_end : s->n)) {
			if (!loop)
				return false;
			i = s->loop;
			wrapped = true;
		}
		in = &s->insn[i];
		if ((wrapped && !jit_just_goes_on(s, i)) || in->id == RV64_fence)
			return false; /* fences have an rd that they do not write */
		if (s->joined[i] || s->skips_to[i])
			return false;
		if (jit_x_read(in) & BIT(reg) && !reads_low(in, reg))
			return false;
		if (writes(in, reg))
			return true;
	}
	return false;
}

/* ---- NaNs ---- */

/* Whether the instruction does the same with any quiet NaN: its result is a NaN that is seen to. */
static bool takes_any_nan(const struct rv64_insn *in)
{
	switch (in->id) {
	case RV64_fadd_s:
	case RV64_fsub_s:
	case RV64_fmul_s:
	case RV64_fdiv_s:
	case RV64_fsqrt_s:
	case RV64_fmadd_s:
	case RV64_fmsub_s:
	case RV64_fnmsub_s:
	case RV64_fnmadd_s:
	case RV64_fadd_d:
	case RV64_fsub_d:
	case RV64_fmul_d:
	case RV64_fdiv_d:
	case RV64_fsqrt_d:
	case RV64_fmadd_d:
	case RV64_fmsub_d:
	case RV64_fnmsub_d:
	case RV64_fnmadd_d: return true;
	default: return false;
	}
}

/* The f registers that the instruction reads, or more. */
static uint32_t f_read(const struct rv64_insn *in)
{
	return (uint32_t)(BIT(in->rs1) | BIT(in->rs2) | BIT(in->rs3));
}

/* Whether only such instructions of one format see the result of instruction i before it is
 * overwritten, on a straight way. Who leaves the block on it has to complete the result. */
static bool keeps_any_nan(const struct jit_source *s, unsigned i)
{
	const struct rv64_insn *def = &s->insn[i];

	if (!takes_any_nan(def))
		return false;
	while (++i < s->n && i != s->loop && i != s->loop_end && !s->joined[i]) {
		const struct rv64_insn *in = &s->insn[i];

		if (rv64_insn_info[in->id].format == RV64_FMT_B)
			return false;
		if (!rv64_insn_is_fp(in->id))
			continue;
		if (!takes_any_nan(in) ||
		    rv64_insn_info[in->id].ext != rv64_insn_info[def->id].ext) {
			if (f_read(in) & BIT(def->rd) || in->rd == def->rd)
				return false;
			continue;
		}
		if (in->rd == def->rd)
			return true;
	}
	return false;
}

/* ---- rounds ---- */

/* Whether all that happens to x[reg] in the loop is that constants are added, and all that is done
 * with it is that carried groups use it as an address. */
static bool can_be_postponed(const struct jit_source *s, unsigned reg)
{
	bool added = false;

	for (unsigned i = s->loop; i < s->loop_end; i++) {
		const struct rv64_insn *in = &s->insn[i];
		const bool address = is_access(in) && in->rs1 == reg;

		if (adds_to(in, reg)) {
			added = true;
			continue;
		}
		if (writes(in, reg) || (jit_x_read(in) & BIT(reg) && !address))
			return false;
		if (address && access_of(in, &(unsigned){0}) == STORE && in->rs2 == reg)
			return false;
	}
	return added;
}

/* A round costs a look at `left`, and an addition for each pointer. In a short loop from which
 * nothing leads out but its last branch several of them can be looked at, and added, at once. */
static void find_rounds(struct jit_source *s)
{
	s->rounds = 1;
	s->postponed = 0;
	if (!s->loop_end || s->loop_end - s->loop > SHORT_LOOP ||
	    rv64_insn_info[s->insn[s->loop_end - 1].id].format != RV64_FMT_B)
		return;
	for (unsigned i = s->loop; i + 1 < s->loop_end; i++)
		if (!jit_just_goes_on(s, i))
			return;
	s->rounds = ROUNDS;
	for (unsigned g = 1; g < 32; g++)
		if (can_be_postponed(s, g))
			s->postponed |= (uint32_t)BIT(g);
}

void jit_analyse(struct jit_source *s)
{
	s->loop = s->loop_end = 0;
	if (!s->main && !s->compact)
		find_loop(s);
	find_skips(s);
	find_groups(s, s->main ? 0 : JIT_MAX_GROUPS);
	find_rounds(s);
	jit_find_rotations(s);
	for (unsigned i = 0; i < s->n; i++) {
		s->narrow[i] = is_narrow(s, i);
		s->any_nan[i] = keeps_any_nan(s, i);
	}
}
