/* SPDX-License-Identifier: MIT */
/*
 * Slots of the instructions that jump: forward or backward by a random distance of up to the
 * instruction's whole range, over a gap that holds no instructions, to a place where one more is
 * executed. Where a branch is not taken, one instruction behind it is executed instead.
 *
 *	forward				backward
 *		[set-up]			jal x0, set-up
 *		jump to landing		landing: filler
 *		filler (branch only)		jal x0, join
 *		jal x0, join (the same)		gap
 *		gap			set-up: [set-up]
 *	landing: filler				jump to landing
 *	join:					filler (branch only)
 *					join:
 */
#include "gen_internal.h"

#include "base/bits.h"
#include "encode.h"

#define FILLER 4 /* bytes */

struct jump {
	uint32_t bits; /* its offset is 0 */
	unsigned row;
	enum row_class class;
	unsigned setup, len; /* bytes before the jump, and its own */
	unsigned reg;        /* ROW_JALR: holds the target */
	unsigned range;      /* bytes, backward; forward two less */
};

/* Something that may or may not be executed; returns the register that it writes. */
static unsigned add_filler(struct gen *g)
{
	static const unsigned rows[] = {RV64_add, RV64_sub, RV64_xor, RV64_sltu};
	uint32_t bits = gen_sample(g, rows[rng_below(&g->rng, ARRAY_SIZE(rows))]);
	bool maybe = g->maybe;

	g->maybe = true;
	gen_emit(g, bits);
	g->maybe = maybe;
	return bits >> 7 & 31;
}

static void add_connection(struct gen *g, uint64_t to)
{
	bool maybe = g->maybe;

	g->maybe = true;
	gen_emit(g, OP_JAL | enc_offset_j((int)(to - program_pc(g->p))));
	g->maybe = maybe;
}

static struct jump plan(struct gen *g, unsigned row)
{
	struct jump j = {.row = row, .class = row_kind(row)->class, .bits = gen_sample(g, row)};
	bool compressed = row_is_compressed(row);

	j.len = compressed ? 2 : 4;
	switch (j.class) {
	case ROW_BRANCH:
		j.bits &= compressed ? 0xe383 : 0x01fff07f;
		j.range = compressed ? 256 : 4096;
		j.setup = rng_one_in(&g->rng, 4) ? 4 : 0;
		break;
	case ROW_JAL:
		j.bits &= compressed ? 0xe003 : 0xfff;
		/* The connections around it have the same range; megabytes are rare. */
		j.range = compressed ? 2048 : rng_one_in(&g->rng, 100) ? (1 << 20) - 16 : 8192;
		break;
	default:
		j.reg = gen_register(g);
		j.bits = put(j.bits, compressed ? 7 : 15, 5, j.reg);
		j.range = compressed ? 2000 : 3000;
		j.setup = 8;
		break;
	}
	return j;
}

/* An even number of bytes from min to max, short ones more often. */
static unsigned random_distance(struct gen *g, unsigned min, unsigned max)
{
	unsigned d;

	do
		d = min + (unsigned)(rng_next(&g->rng) & (BIT(rng_between(&g->rng, 1, 20)) - 2));
	while (d > max);
	return d;
}

/* rs1 = rs2, so that beq and its like are taken as often as not. */
static void make_equal(struct gen *g, const struct jump *j)
{
	struct rv64_insn insn;
	unsigned rd;

	rv64_decode(j->bits, &insn);
	rd = gen_is_reserved(g, insn.rs1) ? 0 : insn.rs1;
	gen_emit(g, enc_i(OP_ADDI, rd, insn.rs2, 0));
}

static void emit_jalr(struct gen *g, const struct jump *j, uint64_t target)
{
	int distance = (int)(target - program_pc(g->p)) + (int)rng_below(&g->rng, 2);
	int imm = 0;

	if (!row_is_compressed(j->row))
		do
			imm = rng_between(&g->rng, -2048, 2047);
		while (distance - imm < -2048 || distance - imm > 2047);
	gen_emit(g, enc_u(OP_AUIPC, j->reg, 0));
	gen_emit(g, enc_i(OP_ADDI, j->reg, j->reg, distance - imm));
	gen_emit(g, row_is_compressed(j->row) ? j->bits : put(j->bits, 20, 12, (uint32_t)imm));
}

/* With its set-up. */
static void emit_jump(struct gen *g, const struct jump *j, uint64_t target)
{
	bool compressed = row_is_compressed(j->row);
	int offset;

	if (j->class == ROW_JALR) {
		emit_jalr(g, j, target);
		return;
	}
	if (j->setup)
		make_equal(g, j);
	offset = (int)(target - program_pc(g->p));
	if (j->class == ROW_BRANCH)
		gen_emit(g, j->bits | (compressed ? enc_offset_cb : enc_offset_b)(offset));
	else
		gen_emit(g, j->bits | (compressed ? enc_offset_cj : enc_offset_j)(offset));
}

static void forward(struct gen *g, const struct jump *j)
{
	bool branch = j->class == ROW_BRANCH;
	unsigned least = j->len + (branch ? FILLER + 4 : 0);
	uint64_t target = program_pc(g->p) + j->setup + random_distance(g, least, j->range - 2);

	emit_jump(g, j, target);
	if (branch) {
		add_filler(g);
		add_connection(g, target + FILLER);
	}
	program_fill_to(g->p, target);
	add_filler(g);
}

static void backward(struct gen *g, const struct jump *j)
{
	bool branch = j->class == ROW_BRANCH;
	uint64_t target = program_pc(g->p) + 4;
	uint64_t at = target + random_distance(g, FILLER + 4 + j->setup, j->range);
	unsigned written;

	add_connection(g, at - j->setup);
	written = add_filler(g);
	add_connection(g, at + j->len + (branch ? FILLER : 0));
	program_fill_to(g->p, at - j->setup);
	emit_jump(g, j, target);
	if (branch)
		add_filler(g);
	/* The landing is executed after the set-up, which stands behind it. */
	g->based &= ~(1u << written);
}

void gen_jump(struct gen *g, unsigned row)
{
	struct jump j = plan(g, row);

	if (rng_one_in(&g->rng, 2))
		forward(g, &j);
	else
		backward(g, &j);
}
