/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: the frame around a block, calls of C, and code behind the block.
 *
 * One pass, one instruction at a time; guest registers have fixed places (x86_glue.h) except in a
 * loop, for which others may be chosen before (x86_alloc.c). A rule says for each instruction which
 * function lowers it (x86_int.c, x86_fp.c); without a rule it is called in C.
 *
 * Code is emitted for a state (JIT_MOVED, ...): where registers are and what `left` counts. What
 * stands behind the block belongs to the state in which it is entered.
 */
#include "cpu/rv64/jit/x86_lower.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* ---- registers ---- */

unsigned jit_get(struct jit_lower *l, unsigned g, unsigned scratch)
{
	if (l->reg[g] != JIT_NONE)
		return l->reg[g];
	jit_load(l, scratch, g);
	return scratch;
}

void jit_load(struct jit_lower *l, unsigned dst, unsigned g)
{
	if (!g)
		x86_zero(&l->e, dst);
	else if (l->reg[g] != JIT_NONE)
		x86_mov(&l->e, dst, l->reg[g]);
	else
		x86_rm(&l->e, X86_MOV, X86_Q, dst, REG_HART, jit_off_x(g));
}

unsigned jit_dst(const struct jit_lower *l, unsigned g)
{
	return l->reg[g] != JIT_NONE ? l->reg[g] : RAX;
}

void jit_put(struct jit_lower *l, unsigned g, unsigned reg)
{
	if (!g)
		return;
	if (l->reg[g] != JIT_NONE)
		x86_mov(&l->e, l->reg[g], reg);
	else
		x86_rm(&l->e, X86_MOV_TO, X86_Q, reg, REG_HART, jit_off_x(g));
}

void jit_op_x(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned reg, unsigned g)
{
	if (!g) {
		x86_zero(&l->e, RCX);
		x86_rr(&l->e, op, w, reg, RCX);
	} else if (l->reg[g] != JIT_NONE) {
		x86_rr(&l->e, op, w, reg, l->reg[g]);
	} else {
		x86_rm(&l->e, op, w, reg, REG_HART, jit_off_x(g));
	}
}

void jit_add(struct jit_lower *l, unsigned dst, unsigned g, int32_t imm)
{
	if (!imm || !g) {
		jit_load(l, dst, g);
		if (imm)
			x86_mov_imm(&l->e, dst, (uint64_t)(int64_t)imm);
	} else if (l->reg[g] != JIT_NONE && l->reg[g] != dst) {
		x86_lea(&l->e, X86_Q, dst, l->reg[g], imm);
	} else {
		jit_load(l, dst, g);
		x86_alu_imm(&l->e, X86_G_ADD, X86_Q, dst, imm);
	}
}

void jit_set_known(struct jit_lower *l, unsigned g, enum jit_known kind, int64_t value)
{
	l->known[g] = (uint8_t)kind;
	l->value[g] = value;
	l->made_known = true;
}

bool jit_dies(const struct jit_lower *l, unsigned g)
{
	const struct rv64_insn *next = &l->s->insn[l->s->index + 1];

	return l->s->index + 1 < l->s->n && l->s->index + 1 != l->s->loop &&
	       !l->s->joined[l->s->index + 1] && next->rd == g && next->rs1 == g &&
	       (next->id == RV64_addi || next->id == RV64_addiw);
}

void jit_pc(struct jit_lower *l, unsigned reg, int32_t offset)
{
	x86_rm(&l->e, X86_MOV, X86_Q, reg, REG_HART, JIT_PAGE_AT);
	if (offset)
		x86_alu_imm(&l->e, X86_G_ADD, X86_Q, reg, offset);
}

unsigned jit_counted(const struct jit_lower *l, unsigned index)
{
	return l->state & JIT_REACHED ? index - l->s->loop : index;
}

/* ---- calls ---- */

/* As the interpreter's builder fills it (op.h), as far as what is called looks at it. */
static struct rv64_op op_of(const struct rv64_insn *in)
{
	struct rv64_op op = {.imm = in->imm, .rd = in->rd, .rs1 = in->rs1, .rs2 = in->rs2};
	const uint8_t format = rv64_insn_info[in->id].format;

	if (!op.rd && rv64_insn_writes_x(in->id))
		op.rd = RV64_X_SINK;
	if (format == RV64_FMT_CSR || format == RV64_FMT_N || in->id == RV64_sfence_vma ||
	    in->id == RV64_sinval_vma)
		op.imm = (int32_t)in->bits;
	else if (rv64_insn_is_fp(in->id))
		op.imm = in->rs3 | in->rm << 8;
	return op;
}

void jit_call_c(struct jit_lower *l, const struct rv64_insn *in, unsigned offset, unsigned index)
{
	struct jit_call call = {
		.op = op_of(in),
		.fn = jit_call_fns[in->id],
		.offset = (uint16_t)offset,
		.index = (uint8_t)jit_counted(l, index),
		.len = in->len,
	};
	struct x86 *e = &l->e;
	uint8_t *over, *record;

	jit_move_out(l);
	over = x86_jmp(e);
	while ((uintptr_t)e->p & 7 && !e->full)
		x86_byte(e, 0xcc);
	record = e->p;
	for (unsigned i = 0; i < sizeof(call); i++)
		x86_byte(e, ((const uint8_t *)&call)[i]);
	x86_here(e, over);
	/* lea rax, [rip + record] */
	x86_byte(e, 0x48);
	x86_byte(e, 0x8d);
	x86_byte(e, 0x05);
	x86_u32(e, (uint32_t)(record - (e->p + 4)));
	x86_call_to(e, l->jit->glue.call);
	jit_move_in(l);
}

struct jit_ool *jit_ool(struct jit_lower *l, enum jit_ool_kind kind, uint8_t *from)
{
	struct jit_ool *o = &l->ool[l->n_ool];

	if (l->n_ool < JIT_MAX_OOL - 1)
		l->n_ool++;
	else
		l->e.full = true;
	*o = (struct jit_ool){.kind = kind,
			      .from = from,
			      .at = (uint8_t)l->at,
			      .state = l->state,
			      .narrow = l->narrow,
			      .nan_s = l->nan_s,
			      .nan_d = l->nan_d};
	return o;
}

struct jit_ool *jit_ool_call(struct jit_lower *l, const struct rv64_insn *in, uint8_t *from)
{
	struct jit_ool *o = jit_ool(l, JIT_OOL_CALL, from);

	o->in = *in;
	o->offset = (uint16_t)l->s->offset;
	o->index = (uint8_t)l->s->index;
	o->info = l->fp_live;
	return o;
}

void jit_give_up(struct jit_lower *l, uint8_t *from)
{
	struct jit_ool *o = jit_ool(l, JIT_OOL_FP, from);

	o->offset = (uint16_t)l->s->offset;
	o->index = (uint8_t)l->s->index;
}

void jit_give_up_group(struct jit_lower *l, uint8_t *from, unsigned index)
{
	jit_ool(l, JIT_OOL_FP, from)->index = (uint8_t)(index | JIT_GAVE_UP_GROUP);
}

void jit_leave_to_interp(struct jit_lower *l, unsigned index)
{
	const uint8_t *entry = l->s->main ? l->s->main - l->e.exec : l->begin;
	struct jit_give_up why = {.what = (uint16_t)(JIT_GAVE_UP | index)};
	struct x86 *e = &l->e;

	if (l->state & JIT_REACHED && l->s->loop)
		x86_alu_imm(e, X86_G_ADD, X86_Q, REG_LEFT, (int32_t)l->s->loop);
	l->jit->gives_up = true;
	x86_call_to(e, l->jit->glue.give_up);
	why.entry = (int32_t)(entry - e->p);
	x86_u32(e, why.what);
	x86_u32(e, (uint32_t)why.entry);
}

/* ---- the block ---- */

struct jit_lower *jit_lower_new(struct rv64_jit *j)
{
	struct jit_lower *l = calloc(1, sizeof(*l));

	j->bmi2 = __builtin_cpu_supports("bmi2");
	j->popcnt = __builtin_cpu_supports("popcnt");
	j->fma = __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx");
	if (l)
		l->jit = j;
	return l;
}

void jit_lower_free(struct jit_lower *l)
{
	free(l);
}

void jit_lower_begin(struct jit_lower *l, const struct jit_source *s)
{
	struct jit_cache *m = &l->jit->cache;

	l->s = s;
	l->begin = m->write + m->used;
	l->e = (struct x86){
		.p = l->begin, .end = l->begin + jit_room(l->jit), .exec = m->exec - m->write};
	l->n_ool = 0;
	memset(l->known, JIT_UNKNOWN, sizeof(l->known));
	l->tested = 0;
	l->narrow = 0;
	l->nan_s = l->nan_d = 0;
	l->n_skips = 0;
	l->n_emitted = 0;
	jit_allocate(l);
	jit_set_state(l, 0);
	l->round = 0;
	if (s->loop_end && !s->loop)
		jit_loop_move_in(l);
	jit_fp_enter(l);
}

void jit_lower_insn(struct jit_lower *l, const struct rv64_insn *in, enum jit_kind kind)
{
	bool fp = jit_fp_rules[in->id].fn;
	const struct jit_rule *r = fp ? &jit_fp_rules[in->id] : &jit_rules[in->id];

	l->at = l->s->index;
	l->made_known = l->made_narrow = false;
	l->was_tested = l->tested;
	l->tested = 0;
	if (l->s->joined[l->s->index])
		jit_join(l);
	if (l->s->index == l->s->loop && l->s->loop_end)
		jit_loop_begin(l);
	if (jit_loop_postpones(l, in))
		return;
	switch (kind) {
	case JIT_BRANCH:
		jit_lower_branch(l, in);
		if (l->s->index + 1 == l->s->loop_end)
			jit_loop_end(l);
		return;
	case JIT_JAL: jit_lower_jal(l, in); return;
	case JIT_JALR: jit_lower_jalr(l, in); return;
	case JIT_SYS: jit_call_c(l, in, l->s->offset, l->s->index); return;
	case JIT_PLAIN: break;
	}
	if (rv64_insn_info[in->id].ext == RV64_EXT_ZICSR) {
		if (!jit_lower_csr(l, in))
			jit_call_c(l, in, l->s->offset, l->s->index);
		l->fp_live = false;
	} else if (!r->fn) {
		jit_call_c(l, in, l->s->offset, l->s->index);
		l->fp_live = false;
	} else if (jit_lower_rotation(l, in) || jit_lower_in_place(l, in, r)) {
		; /* done, or left to be done elsewhere */
	} else if (in->rd || !rv64_insn_writes_x(in->id) || r->fn == jit_lower_load || fp ||
		   r->fn == jit_lower_zero || in->id == RV64_fence ||
		   rv64_insn_info[in->id].ext == RV64_EXT_A) {
		r->fn(l, in, r);
	}
	if (rv64_insn_writes_x(in->id) && !l->made_known)
		l->known[in->rd] = JIT_UNKNOWN;
	if (rv64_insn_writes_x(in->id) && !l->made_narrow)
		l->narrow &= (uint32_t)~BIT(in->rd);
	jit_fp_wrote(l, in);
}

static void emit_ool(struct jit_lower *l)
{
	/* What is emitted may want more of it. */
	for (; l->n_emitted < l->n_ool && !l->e.full; l->n_emitted++) {
		const struct jit_ool o = l->ool[l->n_emitted];

		x86_here(&l->e, o.from);
		jit_set_state(l, o.state);
		l->at = o.at;
		l->narrow = o.narrow;
		l->nan_s = o.nan_s;
		l->nan_d = o.nan_d;
		switch (o.kind) {
		case JIT_OOL_MEM:
		case JIT_OOL_SITE: jit_ool_mem(l, &o); break;
		case JIT_OOL_GROUP: jit_ool_group(l, &o); break;
		case JIT_OOL_COMPACT: jit_ool_compact(l, &o); break;
		case JIT_OOL_FAR:
			jit_emit_far_slow(&l->e, &l->jit->glue, o.info, l->s->space);
			break;
		case JIT_OOL_EXIT: jit_ool_exit(l, &o); break;
		case JIT_OOL_DIV: jit_ool_divide(l, &o); break;
		case JIT_OOL_CALL:
			jit_call_c(l, &o.in, o.offset, o.index);
			if (o.info) /* it ended native floating point */
				jit_call_fp(l);
			x86_jmp_to(&l->e, o.back);
			break;
		case JIT_OOL_FMA: jit_ool_fma(l, &o); break;
		case JIT_OOL_NAN: jit_ool_nan(l, &o); break;
		case JIT_OOL_ROUND: jit_ool_round(l, &o); break;
		case JIT_OOL_FP: jit_ool_fp(l, &o); break;
		}
	}
}

const void *jit_lower_finish(struct jit_lower *l)
{
	struct jit_cache *m = &l->jit->cache;

	emit_ool(l);
	if (l->e.full)
		return NULL;
	while (!l->s->compact && (uintptr_t)l->e.p & 15 && !l->e.full)
		x86_byte(&l->e, 0xcc);
	m->used = (size_t)(l->e.p - m->write);
	return l->begin + l->e.exec;
}
