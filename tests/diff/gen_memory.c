/* SPDX-License-Identifier: MIT */
/*
 * Slots of the instructions that access memory. The generator knows which registers hold addresses
 * in the case's memory, and makes such a register (one more addi) where none will do. Addresses are
 * often misaligned, and often near the page's end in the middle of the record; atomics are aligned,
 * since what they do otherwise is up to the implementation.
 */
#include "gen_internal.h"

#include "encode.h"

static bool in_memory(int offset, unsigned bytes)
{
	return offset >= MEMORY_BEGIN && offset + (int)bytes <= MEMORY_END;
}

static int random_offset(struct gen *g, unsigned bytes, unsigned align)
{
	int last = MEMORY_END - (int)bytes;
	int offset;

	if (rng_one_in(&g->rng, 4))
		offset = rng_between(&g->rng, -16, 15);
	else
		offset = rng_between(&g->rng, MEMORY_BEGIN, last);
	return offset & -(int)align;
}

static void make_base(struct gen *g, unsigned reg, unsigned align)
{
	gen_emit(g, enc_i(OP_ADDI, reg, g->reserved.anchor, random_offset(g, align, align)));
}

/* A register with an aligned address of `bytes` bytes, mostly one that is there already. */
static unsigned pick_base(struct gen *g, unsigned bytes, unsigned align)
{
	unsigned reg = rng_below(&g->rng, 32);

	for (unsigned n = 0; n < 32; n++, reg = (reg + 1) & 31) {
		int at = g->offset[reg] & (align == 1 ? -(int)bytes : -1);

		if (g->based >> reg & 1 && !(at & (int)(align - 1)) && in_memory(at, bytes) &&
		    rng_below(&g->rng, 4))
			return reg;
	}
	reg = gen_register(g);
	make_base(g, reg, bytes);
	return reg;
}

static void memory_32(struct gen *g, unsigned row)
{
	unsigned bytes = row_kind(row)->bytes;
	uint32_t bits = gen_sample(g, row);
	unsigned align = rng_one_in(&g->rng, 2) ? bytes : 1;
	int target = random_offset(g, bytes, align);
	unsigned base = rng_below(&g->rng, 32);
	int imm;

	if (rng_one_in(&g->rng, 4)) {
		base = gen_register(g);
		make_base(g, base, 1);
	}
	imm = target - g->offset[base];
	if (!(g->based >> base & 1) || imm < -2048 || imm > 2047) {
		base = g->reserved.anchor;
		imm = target;
	}
	bits = put(bits, 15, 5, base);
	if (rv64_insn_info[row].format == RV64_FMT_S)
		bits = put(put(bits, 7, 5, (uint32_t)imm), 25, 7, (uint32_t)imm >> 5);
	else
		bits = put(bits, 20, 12, (uint32_t)imm);
	gen_emit(g, bits);
}

/* Tries until the bits happen to have a good address, which they soon do. */
static void memory_compressed(struct gen *g, unsigned row)
{
	struct rv64_insn insn;
	uint32_t bits;

	for (unsigned n = 1;; n++) {
		bits = gen_sample(g, row);
		rv64_decode(bits, &insn);
		if (g->based >> insn.rs1 & 1 &&
		    in_memory(g->offset[insn.rs1] + insn.imm, row_kind(row)->bytes))
			break;
		if (n % 32 == 0)
			make_base(g, insn.rs1, 1);
	}
	gen_emit(g, bits);
}

void gen_memory(struct gen *g, unsigned row)
{
	if (row_is_compressed(row))
		memory_compressed(g, row);
	else
		memory_32(g, row);
}

void gen_block(struct gen *g, unsigned row)
{
	unsigned base = pick_base(g, row_kind(row)->bytes, 1);

	gen_emit(g, put(gen_sample(g, row), 15, 5, base));
}

void gen_atomic(struct gen *g, unsigned row)
{
	unsigned bytes = row_kind(row)->bytes;
	unsigned base = pick_base(g, bytes, bytes);

	gen_emit(g, put(gen_sample(g, row), 15, 5, base));
}

/* The row of a class with as many bytes as `row`. */
static unsigned partner(unsigned row, enum row_class class)
{
	unsigned other = 0;

	while (row_kind(other)->class != class || row_kind(other)->bytes != row_kind(row)->bytes)
		other++;
	return other;
}

/* Emits lr from `base`; it does not write `keep`. */
static void load_reserved(struct gen *g, unsigned row, unsigned base, unsigned keep)
{
	uint32_t bits = gen_sample(g, row);

	if ((bits >> 7 & 31) == keep)
		bits = put(bits, 7, 5, 0);
	gen_emit(g, put(bits, 15, 5, base));
}

/* Always followed by its sc: how long a reservation lives is up to the implementation. */
void gen_lr(struct gen *g, unsigned row)
{
	unsigned bytes = row_kind(row)->bytes;
	unsigned base = pick_base(g, bytes, bytes);
	unsigned sc = partner(row, ROW_SC);

	load_reserved(g, row, base, base);
	gen_emit(g, put(gen_sample(g, sc), 15, 5, base));
}

/* After lr; without a reservation; with one of an address that is far away. */
void gen_sc(struct gen *g, unsigned row)
{
	unsigned bytes = row_kind(row)->bytes;
	unsigned base = pick_base(g, bytes, bytes);
	unsigned lr = partner(row, ROW_LR);

	if (rng_one_in(&g->rng, 2)) {
		load_reserved(g, lr, base, base);
	} else if (rng_one_in(&g->rng, 2)) {
		unsigned far = gen_register(g);
		int away = g->offset[base] < MEMORY_END / 2 ? 512 : -512;

		if (far != base) {
			gen_emit(g, enc_i(OP_ADDI, far, base, away));
			load_reserved(g, lr, far, base);
		}
	}
	gen_emit(g, put(gen_sample(g, row), 15, 5, base));
}
