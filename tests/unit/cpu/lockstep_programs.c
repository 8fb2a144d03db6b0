/* SPDX-License-Identifier: MIT */
/* Random programs for test_lockstep.c. */
#include "lockstep_programs.h"

#include <stdbool.h>
#include <stddef.h>

#include "cpu/rv64/insn.h"

uint64_t seed = 1;

uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

uint32_t below(uint32_t n)
{
	return (uint32_t)(next_random() >> 20) % n;
}

static bool has_role(unsigned reg)
{
	return reg == SP || reg == S0 || reg == S1 || reg == S2;
}

static uint32_t with(uint32_t bits, unsigned value, unsigned shift, unsigned width)
{
	uint32_t mask = ((1u << width) - 1) << shift;

	return (bits & ~mask) | ((value << shift) & mask);
}

static uint32_t with_branch(uint32_t bits, int32_t distance)
{
	uint32_t d = (uint32_t)distance;

	bits = with(bits, d >> 12, 31, 1);
	bits = with(bits, d >> 5, 25, 6);
	bits = with(bits, d >> 1, 8, 4);
	return with(bits, d >> 11, 7, 1);
}

static uint32_t with_jump(uint32_t bits, int32_t distance)
{
	uint32_t d = (uint32_t)distance;

	bits = with(bits, d >> 20, 31, 1);
	bits = with(bits, d >> 1, 21, 10);
	bits = with(bits, d >> 11, 20, 1);
	return with(bits, d >> 12, 12, 8);
}

/* CSRs without consequences, and two that are read-only or absent. */
static unsigned some_csr(void)
{
	static const uint16_t csrs[] = {0x001, 0x002, 0x003, 0x340, 0xb02, 0xc02, 0x140,
					0x141, 0x142, 0x143, 0x100, 0xf14, 0x5ff};

	return csrs[below(sizeof(csrs) / sizeof(csrs[0]))];
}

static unsigned base_register(void)
{
	static const uint8_t bases[] = {SP, SP, SP, SP, SP, SP, S1};

	return bases[below(sizeof(bases))];
}

static int32_t near_distance(void)
{
	return ((int32_t)below(64) - 24) * 4;
}

/* Rows that end a run or change what everything means. */
static bool unwanted(unsigned id)
{
	switch (id) {
	case RV64_wfi:
	case RV64_mret:
	case RV64_sret: return true;
	default: return rv64_insn_info[id].match == 0;
	}
}

static uint32_t random_insn(void)
{
	const struct rv64_insn_info *info;
	uint32_t bits;
	unsigned id;

	do
		id = below(RV64_ILLEGAL_INSN);
	while (unwanted(id));
	info = &rv64_insn_info[id];
	bits = ((uint32_t)next_random() & ~info->mask) | info->match;
	if (info->format != RV64_FMT_B && info->format != RV64_FMT_S && has_role(bits >> 7 & 31))
		bits = with(bits, 10 + below(6), 7, 5);
	switch (bits & 0x7f) {
	case 0x03: /* loads, stores, atomics */
	case 0x07:
	case 0x23:
	case 0x27:
	case 0x2f: return with(bits, base_register(), 15, 5);
	case 0x0f: return info->mask >> 12 & 0xfff ? with(bits, SP, 15, 5) : bits;
	case 0x63: return with_branch(bits, near_distance());
	case 0x6f: return with_jump(bits, near_distance() * 8);
	case 0x67: return with(with(bits, S2, 15, 5), below(1024) * 4, 20, 12);
	case 0x73: return bits & 0x3000 ? with(bits, some_csr(), 20, 12) : bits;
	case 0x43: /* rounding modes that exist, mostly the one that programs use */
	case 0x47:
	case 0x4b:
	case 0x4f: return with(bits, below(4) ? 7 : below(5), 12, 3);
	case 0x53: return info->mask & 0x7000 ? bits : with(bits, below(4) ? 7 : below(5), 12, 3);
	default: return bits;
	}
}

/* A 16-bit instruction that goes on behind itself, keeps the roles, and accesses memory off sp. */
static bool short_is_safe(uint16_t bits)
{
	struct rv64_insn in;

	rv64_decode(bits, &in);
	if (in.len != 2 || in.id == RV64_ILLEGAL_INSN)
		return false;
	if (rv64_insn_writes_x(in.id) && has_role(in.rd))
		return false;
	switch (rv64_insn_info[in.id].match & 0x7f) {
	case 0x03:
	case 0x07:
	case 0x23:
	case 0x27: return in.rs1 == SP;
	case 0x63:
	case 0x67:
	case 0x6f: return false;
	default: return true;
	}
}

static uint16_t short_insn(void)
{
	uint16_t bits;

	do {
		const struct rv64_cinsn_info *c = &rv64_cinsn_info[below(rv64_n_cinsns)];

		bits = (uint16_t)((next_random() & ~(uint32_t)c->mask) | c->match);
	} while (!short_is_safe(bits));
	return bits;
}

/* An instruction that lies across the border before code[at], which may also be jumped to: then its
 * second half is executed as one of 16 bits. */
static void put_across(uint32_t *code, unsigned at)
{
	uint32_t bits;

	do
		bits = random_insn();
	while ((bits & 0x5f) != 0x13 || !short_is_safe((uint16_t)(bits >> 16)));
	code[at - 1] = short_insn() | bits << 16;
	code[at] = bits >> 16 | (uint32_t)short_insn() << 16;
}

static uint32_t store_to_code(void)
{
	uint32_t store = 0x00000023 | below(4) << 12 | S0 << 15 | below(32) << 20;

	store = with(store, below(64), 25, 7);
	return with(store, below(32), 7, 5);
}

/* lr, sc or any AMO. */
static uint32_t random_amo(unsigned base, unsigned rd)
{
	const struct rv64_insn_info *info =
		&rv64_insn_info[RV64_lr_w + below(RV64_amomaxu_d + 1 - RV64_lr_w)];
	uint32_t bits = ((uint32_t)next_random() & ~info->mask) | info->match;

	return with(with(bits, rd, 7, 5), base, 15, 5);
}

void make_program(uint32_t code[CODE_WORDS])
{
	for (unsigned i = 0; i < CODE_WORDS; i++)
		code[i] = below(8) ? random_insn() : short_insn() | (uint32_t)short_insn() << 16;
	for (unsigned i = 0; i < CODE_WORDS / 64; i++) { /* sb, sh, sw, sd, AMOs; fence.i */
		unsigned at = below(CODE_WORDS - 1);

		code[at] = below(4) ? store_to_code() : random_amo(S0, 10 + below(6));
		code[at + 1] = 0x0000100f;
	}
	for (unsigned at = 1024; at < CODE_WORDS; at += 1024)
		put_across(code, at);
	code[CODE_WORDS - 1] = with_jump(0x0000006f, -4 * (int32_t)(CODE_WORDS - 1));
}

/* ---- loops ---- */

enum { POINTERS = 10, N_POINTERS = 4, COUNTER = 28 };

static uint32_t addi(unsigned rd, unsigned rs1, int32_t imm)
{
	return (uint32_t)imm << 20 | rs1 << 15 | rd << 7 | 0x13;
}

/* A load or store of any kind off one of the pointers, near it and mostly aligned. */
static uint32_t random_access(void)
{
	static const uint32_t rows[] = {0x0003, 0x1003, 0x2003, 0x3003, 0x4003, 0x5003, 0x6003,
					0x2007, 0x3007, 0x2007, 0x3007, 0x0023, 0x1023, 0x2023,
					0x3023, 0x2027, 0x3027, 0x2027, 0x3027};
	uint32_t bits = rows[below(sizeof(rows) / sizeof(rows[0]))];
	uint32_t imm = (below(32) - 16) * (below(8) ? 8 : 1);
	bool store = bits & 0x20;

	bits = with(bits, POINTERS + below(N_POINTERS), 15, 5);
	if (store)
		return with(with(with(bits, imm, 7, 5), imm >> 5, 25, 7), below(32), 20, 5);
	return with(with(bits, imm, 20, 12), bits & 4 ? below(32) : 14 + below(4), 7, 5);
}

/* Arithmetic that keeps the pointers and the counter: into f registers or x14 to x17. */
static uint32_t random_arithmetic(bool fp)
{
	for (;;) {
		const struct rv64_insn_info *info = &rv64_insn_info[below(RV64_ILLEGAL_INSN)];
		bool is_fp = info->ext == RV64_EXT_F || info->ext == RV64_EXT_D;
		bool writes_f = info->format >= RV64_FMT_FLD && info->format <= RV64_FMT_F4;
		uint32_t bits = ((uint32_t)next_random() & ~info->mask) | info->match;

		if (is_fp != fp || info->format == RV64_FMT_S || info->format == RV64_FMT_FLD ||
		    (!fp && info->ext != RV64_EXT_I && info->ext != RV64_EXT_M) ||
		    (bits & 0x7f) == 0x03 || (bits & 0x7f) == 0x73 || (bits & 0x7f) == 0x0f ||
		    info->format == RV64_FMT_B || info->format == RV64_FMT_J || info->match == 0x67)
			continue;
		if (!writes_f && info->format != RV64_FMT_FX)
			bits = with(bits, 14 + below(4), 7, 5);
		if (fp && !(info->mask & 0x7000))
			bits = with(bits, below(4) ? 7 * below(2) : below(6), 12, 3);
		return bits;
	}
}

#define MOST_SKIPPED 4

/* A branch over some of the next instructions, by what arithmetic leaves. */
static uint32_t way_out(void)
{
	static const uint8_t rows[] = {0, 1, 4, 5, 6, 7};
	uint32_t branch = 0x63 | (uint32_t)rows[below(sizeof(rows))] << 12;

	branch |= (14 + below(4)) << 15 | (below(2) ? 0 : 14 + below(4)) << 20;
	return with_branch(branch, 8 + 4 * (int32_t)below(MOST_SKIPPED));
}

/* A register that lives in the host's, or in memory. */
static unsigned any_of_four(void)
{
	return 14 + below(4);
}

#define ROTATION_MOST 6

/* Two shifts and an `or`, mostly a rotation, with an access between them or not; returns where they
 * end. */
static unsigned put_rotation(uint32_t *code, unsigned at)
{
	const uint32_t width = below(3) ? 32 : 64, count = 1 + below(width - 1);
	const uint32_t opcode = width == 32 ? 0x1b : 0x13;
	const uint32_t from = (below(4) ? any_of_four() : 18 + below(2)) << 15;
	/* Nobody else writes the fifth and the sixth: they hold it until the next round. */
	const unsigned half[2] = {below(3) ? any_of_four() : 20 + below(2), any_of_four()};
	const unsigned first = below(2);

	for (unsigned i = 0; i < 2; i++) {
		bool right = i == first;
		uint32_t by = right ? count : width - count - !below(16);

		code[at++] = opcode | half[i] << 7 | (right ? 5u : 1u) << 12 | from | by << 20;
		if (!below(3))
			code[at++] = random_access();
	}
	if (!below(4))
		code[at++] = below(2) ? random_arithmetic(false) : addi(any_of_four(), 14, 0);
	code[at++] = (below(8) ? 0x6033u : 0x003bu) | any_of_four() << 7 | half[0] << 15 |
		     half[1] << 20;
	return at;
}

/* A loop at code[at]; returns where it ends. */
static unsigned make_loop(uint32_t *code, unsigned at)
{
	const bool is_short = !below(3); /* and nothing leads out of it but its end */
	unsigned top, n = 1 + below(is_short ? 9 : 14), ways_out = is_short ? 0 : 2 + below(3);
	int32_t step[N_POINTERS];
	bool fp = !is_short && below(3);

	for (unsigned i = 0; i < N_POINTERS; i++) {
		unsigned from = below(2) ? SP : below(2) ? S0 : S1;

		code[at++] = addi(POINTERS + i, from, ((int32_t)below(512) - 256) * 8);
		step[i] = below(4) ? ((int32_t)below(9) - 4) * 8 : (int32_t)below(64) - 32;
	}
	code[at++] = addi(COUNTER, 0, 1 + (int32_t)below(80));
	top = at;
	while (n--) {
		unsigned p = below(N_POINTERS);

		if (below(16) < ways_out) {
			code[at++] = way_out();
			continue;
		}
		switch (below(14)) {
		case 0:
		case 1: code[at++] = addi(POINTERS + p, POINTERS + p, step[p]); break;
		case 2:
			code[at++] = is_short ? addi(14, 14, step[p])
					      : random_amo(POINTERS + p, 14 + below(4));
			break;
		case 3:
		case 4:
		case 5: code[at++] = random_arithmetic(fp); break;
		case 6: at = put_rotation(code, at); break;
		default: code[at++] = random_access(); break;
		}
	}
	for (unsigned i = 0; ways_out && i < MOST_SKIPPED; i++) /* no way leads past the counter */
		code[at++] = addi(0, 0, 0);
	if (!below(8))
		code[at++] = addi(POINTERS, POINTERS, 8 - 16 * (int32_t)below(2));
	code[at++] = addi(COUNTER, COUNTER, -1);
	code[at] = with_branch(0x00001063 | COUNTER << 15, 4 * ((int32_t)top - (int32_t)at));
	return at + 1;
}

/* Loops one behind the other, and all of them again, in at least `least` words. */
static void fill_with_loops(uint32_t *code, unsigned least)
{
	unsigned at = 0;

	while (at < least)
		at = make_loop(code, at);
	code[at] = with_jump(0x0000006f, -4 * (int32_t)at);
	while (++at < CODE_WORDS)
		code[at] = 0;
}

void make_loops(uint32_t code[CODE_WORDS])
{
	fill_with_loops(code, CODE_WORDS - 64 - 15 * ROTATION_MOST);
}

void make_few_loops(uint32_t code[CODE_WORDS])
{
	fill_with_loops(code, 1 + below(40));
}

/* One of four f registers = something of x14 to x17, or of others of the four. */
static uint32_t random_float(bool dbl)
{
	static const uint16_t rows[][2] = {
		{RV64_fmv_w_x, RV64_fmv_d_x},   {RV64_fsqrt_s, RV64_fsqrt_d},
		{RV64_fadd_s, RV64_fadd_d},     {RV64_fsub_s, RV64_fsub_d},
		{RV64_fmul_s, RV64_fmul_d},     {RV64_fdiv_s, RV64_fdiv_d},
		{RV64_fmadd_s, RV64_fmadd_d},   {RV64_fnmsub_s, RV64_fnmsub_d},
		{RV64_fsgnjn_s, RV64_fsgnjn_d},
	};
	const struct rv64_insn_info *info =
		&rv64_insn_info[rows[below(sizeof(rows) / sizeof(rows[0]))][dbl]];
	uint32_t bits = info->match;

	if (info->match == rv64_insn_info[rows[0][dbl]].match)
		return with(with(bits, 10 + below(4), 7, 5), 14 + below(4), 15, 5);
	if (!(info->mask & 0x7000))
		bits = with(bits, 7, 12, 3);
	if (!(info->mask & 0x1f00000))
		bits = with(bits, 10 + below(4), 20, 5);
	if (info->format == RV64_FMT_F4)
		bits = with(bits, 10 + below(4), 27, 5);
	return with(with(bits, 10 + below(4), 7, 5), 10 + below(4), 15, 5);
}

void make_nans(uint32_t code[CODE_WORDS])
{
	for (unsigned at = 0; at < CODE_WORDS; at++) {
		const unsigned place = at % 64;

		if (place < N_POINTERS)
			code[at] = addi(POINTERS + place, below(4) ? SP : S0,
					((int32_t)below(512) - 256) * 8);
		else if (place < N_POINTERS + 4) /* fmv.w.x: all have a box */
			code[at] = 0xf0000053 | (10 + place % 4) << 7 | (14 + place % 4) << 15;
		else
			code[at] = below(3) ? random_float(at & 64) : random_access();
	}
	code[CODE_WORDS - 1] = with_jump(0x6f, -4 * (int32_t)(CODE_WORDS - 1));
}

void make_rotations(uint32_t code[CODE_WORDS])
{
	unsigned at = 0;

	while (at < CODE_WORDS - N_POINTERS - ROTATION_MOST - 2) {
		if (!below(16))
			for (unsigned i = 0; i < N_POINTERS; i++)
				code[at++] = addi(POINTERS + i, below(4) ? SP : S0,
						  ((int32_t)below(512) - 256) * 8);
		else if (below(3))
			at = put_rotation(code, at);
		else
			code[at++] = below(2) ? random_access() : random_arithmetic(false);
	}
	code[at] = with_jump(0x6f, -4 * (int32_t)at);
	while (++at < CODE_WORDS)
		code[at] = 0;
}
