/* SPDX-License-Identifier: MIT */
/*
 * The generator's frame, and the slots that need no address; see gen.h.
 *
 * Operands of floating-point instructions come half from registers that still hold a corner of the
 * case's initial state. After most such instructions, fflags are taken down and set anew: flags are
 * sticky, so that a wrong one would soon go unnoticed. They are not always cleared, since an engine
 * may go another way when the flag to raise is there already.
 */
#include "gen.h"

#include <assert.h>
#include <string.h>

#include "base/bits.h"
#include "encode.h"
#include "gen_internal.h"
#include "operands.h"

#define RM_DYNAMIC 7

unsigned gen_register(struct gen *g)
{
	unsigned reg;

	do
		reg = 1 + rng_below(&g->rng, 31);
	while (gen_is_reserved(g, reg));
	return reg;
}

uint32_t gen_sample(struct gen *g, unsigned row)
{
	uint32_t unused = row_is_compressed(row) ? 0xffff0000 : 0;
	struct rv64_insn insn;
	uint32_t bits;

	do
		bits = row_match(row) | ((uint32_t)rng_next(&g->rng) & ~row_mask(row) & ~unused);
	while (row_of(bits, &insn) != row || (row_writes_x(&insn) && gen_is_reserved(g, insn.rd)));
	return bits;
}

static void track(struct gen *g, const struct rv64_insn *insn)
{
	if (row_writes_f(insn))
		g->f[insn->rd] = F_RESULT;
	if (!row_writes_x(insn) || !insn->rd)
		return;
	if (insn->id == RV64_addi && g->based >> insn->rs1 & 1) {
		g->based |= 1u << insn->rd;
		g->offset[insn->rd] = g->offset[insn->rs1] + insn->imm;
	} else {
		g->based &= ~(1u << insn->rd);
	}
}

void gen_emit(struct gen *g, uint32_t bits)
{
	struct rv64_insn insn;
	unsigned row = row_of(bits, &insn);

	assert(row != ROW_NONE);
	program_add(g->p, bits);
	if (!g->maybe)
		g->cov->rows[row]++;
	track(g, &insn);
}

/* An f register for an operand of this width, mostly a corner. */
static unsigned pick_f(struct gen *g, enum width w)
{
	bool corner = rng_below(&g->rng, 8) < 5;
	unsigned want = w * 2 + corner;
	unsigned reg = rng_below(&g->rng, 32);

	for (unsigned n = 0; n < 32; n++, reg = (reg + 1) & 31)
		if (g->f[reg] == want || (!corner && g->f[reg] == F_RESULT))
			break;
	return reg;
}

/* The operands rs1, rs2, rs3 of an instruction that takes n of them. */
static void pick_operands(struct gen *g, enum width w, unsigned n, unsigned reg[3])
{
	const uint8_t *related = g->related[w];

	if (n > 1 && rng_one_in(&g->rng, 5)) {
		reg[0] = related[0];
		reg[1] = related[n == 2 ? 2 : 1];
		reg[2] = related[2];
	} else {
		for (unsigned i = 0; i < n; i++)
			reg[i] = pick_f(g, w);
	}
	for (unsigned i = 0; i < n; i++)
		g->cov->corners += g->f[reg[i]] == w * 2 + 1;
	g->cov->operands += n;
}

/* The fmt field of OP-FP says the width, of what is read but in fcvt.d.s. */
static bool reads_singles(unsigned row)
{
	return rv64_insn_is_fp(row) &&
	       (!(rv64_insn_info[row].match >> 25 & 3) || row == RV64_fcvt_d_s);
}

static uint32_t with_operands(struct gen *g, unsigned row, uint32_t bits)
{
	enum rv64_format format = rv64_insn_info[row].format;
	enum width w = WIDTH_D;
	unsigned reg[3] = {0};
	unsigned n = 1;

	if (reads_singles(row))
		w = WIDTH_S;
	if (format == RV64_FMT_FX || format == RV64_FMT_FI)
		return bits;
	if (format == RV64_FMT_F4)
		n = 3;
	else if (format == RV64_FMT_FF || format == RV64_FMT_XFF)
		n = 2;
	pick_operands(g, w, n, reg);
	bits = put(bits, 15, 5, reg[0]);
	if (n > 1)
		bits = put(bits, 20, 5, reg[1]);
	if (n > 2)
		bits = put(bits, 27, 5, reg[2]);
	return bits;
}

/* Also makes sure that frm holds a rounding mode where it is to be used. */
static uint32_t with_rounding(struct gen *g, uint32_t bits)
{
	unsigned rm = rng_below(&g->rng, 7);

	if (rm <= 4) {
		g->cov->rounded[rm]++;
		return put(bits, 12, 3, rm);
	}
	if (g->frm < 0 || rng_one_in(&g->rng, 4)) {
		g->frm = (int)rng_below(&g->rng, 5);
		gen_emit(g, enc_i(OP_CSRRWI, gen_register(g), (unsigned)g->frm, CSR_FRM));
	}
	g->cov->rounded_dynamic[g->frm]++;
	return put(bits, 12, 3, RM_DYNAMIC);
}

static void note_flags(struct gen *g)
{
	unsigned reg = gen_register(g);
	unsigned next = rng_one_in(&g->rng, 2) ? 0 : rng_below(&g->rng, 32);

	if (g->n_flags == RECORD_FLAGS || rng_one_in(&g->rng, 8))
		return;
	gen_emit(g, enc_i(OP_CSRRWI, reg, next, CSR_FFLAGS));
	gen_emit(g, enc_s(OP_SB, g->reserved.anchor, reg, FROM_ANCHOR(flags) + (int)g->n_flags++));
}

/* The peer takes these for functions without side effects: where the result is overwritten before
 * its block of code ends, it drops them and the flags that they raise. A CSR access ends one. */
static bool peer_drops(unsigned row)
{
	return row == RV64_fround_s || row == RV64_fround_d || row == RV64_froundnx_s ||
	       row == RV64_froundnx_d;
}

static void gen_fp(struct gen *g, unsigned row)
{
	uint32_t bits = with_operands(g, row, gen_sample(g, row));

	if (row_kind(row)->class == ROW_FP_ROUNDED)
		bits = with_rounding(g, bits);
	gen_emit(g, bits);
	if (peer_drops(row))
		gen_emit(g, enc_i(OP_CSRRWI, gen_register(g), 0, CSR_FFLAGS));
	else
		note_flags(g);
}

/* Of the CSRs, only those of floating point are open to user mode and the same everywhere. */
static void gen_csr(struct gen *g, unsigned row)
{
	unsigned csr = (unsigned)rng_between(&g->rng, CSR_FFLAGS, CSR_FCSR);

	if (csr != CSR_FFLAGS)
		g->frm = -1;
	gen_emit(g, put(gen_sample(g, row), 20, 12, csr));
}

static void gen_slot(struct gen *g, unsigned row)
{
	switch ((enum row_class)row_kind(row)->class) {
	case ROW_PLAIN: gen_emit(g, gen_sample(g, row)); break;
	case ROW_FP:
	case ROW_FP_ROUNDED: gen_fp(g, row); break;
	case ROW_MEMORY: gen_memory(g, row); break;
	case ROW_ATOMIC: gen_atomic(g, row); break;
	case ROW_LR: gen_lr(g, row); break;
	case ROW_SC: gen_sc(g, row); break;
	case ROW_BLOCK: gen_block(g, row); break;
	case ROW_BRANCH:
	case ROW_JAL:
	case ROW_JALR: gen_jump(g, row); break;
	case ROW_CSR: gen_csr(g, row); break;
	case ROW_ELSEWHERE: break;
	}
}

static void random_x(struct gen *g, struct state *s)
{
	for (unsigned i = 1; i < 32; i++)
		s->x[i] = operand_x(&g->rng);
	g->based = 1u << g->reserved.anchor;
	for (unsigned i = 0; i < 4; i++) {
		unsigned reg = i == 0 ? 2 : i < 3 ? 8 + rng_below(&g->rng, 8) : gen_register(g);

		g->based |= 1u << reg;
		g->offset[reg] = rng_between(&g->rng, MEMORY_BEGIN, MEMORY_END - 8);
		s->x[reg] = program_anchor(g->p, (unsigned)(s->x[0] - g->p->first)) +
			    (uint64_t)(int64_t)g->offset[reg];
	}
	s->x[g->reserved.anchor] = 0;
	s->x[g->reserved.link] = 0;
}

static void random_f(struct gen *g, struct state *s)
{
	for (unsigned i = 0; i < 32; i++) {
		g->f[i] = (uint8_t)rng_below(&g->rng, 4);
		s->f[i] = operand_f(&g->rng, g->f[i] / 2, g->f[i] & 1);
	}
	for (enum width w = WIDTH_S; w <= WIDTH_D; w++) {
		unsigned first = 16 * w + rng_below(&g->rng, 14);
		uint64_t *v = &s->f[first];

		for (unsigned i = 0; i < 3; i++) {
			g->related[w][i] = (uint8_t)(first + i);
			g->f[first + i] = (uint8_t)(w * 2);
		}
		v[0] = operand_f(&g->rng, w, false);
		v[1] = operand_f(&g->rng, w, false);
		v[2] = operand_near(&g->rng, w, v[0], v[1]);
	}
	g->frm = (int)rng_below(&g->rng, 5);
	s->fcsr = (uint64_t)g->frm << 5 | (rng_one_in(&g->rng, 2) ? rng_below(&g->rng, 32) : 0);
}

static void random_record(struct gen *g, uint64_t number, struct record *r)
{
	memset(r, 0, sizeof(*r));
	r->in.x[0] = number;
	random_x(g, &r->in);
	random_f(g, &r->in);
	for (size_t i = 0; i < sizeof(r->memory); i += 8) {
		uint64_t v = rng_one_in(&g->rng, 2)
				     ? operand_x(&g->rng)
				     : operand_f(&g->rng, rng_below(&g->rng, 2), true);

		memcpy(r->memory + i, &v, 8);
	}
}

/* The rows that random streams are made of. */
static unsigned make_deck(uint16_t deck[GEN_MAX_ROWS])
{
	unsigned n = 0;

	assert(row_count() <= GEN_MAX_ROWS);
	for (unsigned row = 0; row < row_count(); row++)
		if (row_kind(row)->class != ROW_ELSEWHERE)
			deck[n++] = (uint16_t)row;
	assert(n);
	return n;
}

static unsigned shuffled_deck(uint16_t deck[GEN_MAX_ROWS], uint64_t seed, uint64_t pass)
{
	struct rng r = rng_for(~seed, pass);
	unsigned n = make_deck(deck);

	for (unsigned i = n - 1; i > 0; i--) {
		unsigned j = rng_below(&r, i + 1);
		uint16_t swapped = deck[i];

		deck[i] = deck[j];
		deck[j] = swapped;
	}
	return n;
}

uint64_t gen_cases(unsigned passes)
{
	uint16_t deck[GEN_MAX_ROWS];
	uint64_t slots = (uint64_t)passes * make_deck(deck);

	return (slots + GEN_SLOTS - 1) / GEN_SLOTS;
}

void gen_case(struct program *p, unsigned i, uint64_t seed, unsigned slots, struct coverage *cov)
{
	uint64_t number = p->first + i;
	struct gen g = {
		.p = p,
		.cov = cov,
		.rng = rng_for(seed, number),
		.reserved = program_reserved(number),
	};
	uint16_t deck[GEN_MAX_ROWS];
	unsigned n = make_deck(deck);
	uint64_t pass = UINT64_MAX;

	random_record(&g, number, program_record(p, i));
	program_case_begin(p, i);
	for (unsigned slot = 0; slot < slots; slot++) {
		uint64_t at = number * GEN_SLOTS + slot;

		if (at / n != pass) {
			pass = at / n;
			shuffled_deck(deck, seed, pass);
		}
		gen_slot(&g, deck[at % n]);
	}
	program_case_end(p, i);
}
