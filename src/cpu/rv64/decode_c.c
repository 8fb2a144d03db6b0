/* SPDX-License-Identifier: MIT */
/*
 * Decoding of 16-bit instructions (the C extension of RV64GC) into their expansions.
 *
 * The table of insn.def is searched in order; a format then takes the operands apart and may find
 * that the code point is reserved. Code points that are hints (a write to x0) decode like any
 * other: their expansion has no effect.
 */
#include "cpu/rv64/decode.h"

#include <stdbool.h>

#include "base/bits.h"

const struct rv64_cinsn_info rv64_cinsn_info[] = {
#define CINSN(id, text, match, mask, format, to) {text, match, mask, RV64_##format, RV64_##to},
#include "cpu/rv64/insn.def"
#undef CINSN
};

const unsigned rv64_n_cinsns = ARRAY_SIZE(rv64_cinsn_info);

/* Bits [hi:lo] of the instruction, moved to bit `to` of an immediate. */
static uint32_t field(uint16_t bits, unsigned hi, unsigned lo, unsigned to)
{
	return (uint32_t)bits_get(bits, hi, lo) << to;
}

static uint8_t reg_low(uint16_t bits, unsigned lo)
{
	return (uint8_t)(8 + bits_get(bits, lo + 2, lo));
}

static int32_t imm6(uint16_t bits)
{
	return (int32_t)sign_extend(field(bits, 12, 12, 5) | field(bits, 6, 2, 0), 6);
}

static int32_t imm_jump(uint16_t b)
{
	return (int32_t)sign_extend(field(b, 12, 12, 11) | field(b, 11, 11, 4) |
					    field(b, 10, 9, 8) | field(b, 8, 8, 10) |
					    field(b, 7, 7, 6) | field(b, 6, 6, 7) |
					    field(b, 5, 3, 1) | field(b, 2, 2, 5),
				    12);
}

static int32_t imm_branch(uint16_t b)
{
	return (int32_t)sign_extend(field(b, 12, 12, 8) | field(b, 11, 10, 3) | field(b, 6, 5, 6) |
					    field(b, 4, 3, 1) | field(b, 2, 2, 5),
				    9);
}

/* Loads and stores by a register of x8 to x15; the f registers have the same places. */
static void operands_memory(enum rv64_cformat f, uint16_t b, struct rv64_insn *out)
{
	bool word = f == RV64_CL4 || f == RV64_CS4;

	out->rs1 = reg_low(b, 7);
	out->imm = (int32_t)field(b, 12, 10, 3);
	out->imm |= (int32_t)(word ? field(b, 6, 6, 2) | field(b, 5, 5, 6) : field(b, 6, 5, 6));
	if (f == RV64_CL4 || f == RV64_CL8)
		out->rd = reg_low(b, 2);
	else
		out->rs2 = reg_low(b, 2);
}

/* Loads and stores by the stack pointer; false: reserved. */
static bool operands_stack(enum rv64_cformat f, uint16_t b, struct rv64_insn *out)
{
	out->rs1 = 2;
	switch (f) {
	case RV64_CI4:
		out->imm = (int32_t)(field(b, 12, 12, 5) | field(b, 6, 4, 2) | field(b, 3, 2, 6));
		break;
	case RV64_CI8:
	case RV64_CI8F:
		out->imm = (int32_t)(field(b, 12, 12, 5) | field(b, 6, 5, 3) | field(b, 4, 2, 6));
		break;
	case RV64_CSS4: out->imm = (int32_t)(field(b, 12, 9, 2) | field(b, 8, 7, 6)); break;
	default: out->imm = (int32_t)(field(b, 12, 10, 3) | field(b, 9, 7, 6)); break;
	}
	if (f == RV64_CSS4 || f == RV64_CSS8) {
		out->rs2 = (uint8_t)bits_get(b, 6, 2);
		return true;
	}
	out->rd = (uint8_t)bits_get(b, 11, 7);
	return f == RV64_CI8F || out->rd;
}

/* rd = rd op immediate, and what is much like it; false: reserved. */
static bool operands_immediate(enum rv64_cformat f, uint16_t b, struct rv64_insn *out)
{
	out->rd = (uint8_t)bits_get(b, 11, 7);
	out->rs1 = out->rd;
	out->imm = imm6(b);
	switch (f) {
	case RV64_CI_RD: return out->rd;
	case RV64_CLI: out->rs1 = 0; return true;
	case RV64_CLUI: out->imm = (int32_t)((uint32_t)out->imm << 12); return out->imm;
	case RV64_CISH: out->imm &= 63; return true;
	case RV64_CI16:
		out->imm = (int32_t)sign_extend(field(b, 12, 12, 9) | field(b, 6, 6, 4) |
							field(b, 5, 5, 6) | field(b, 4, 3, 7) |
							field(b, 2, 2, 5),
						10);
		return out->imm;
	case RV64_CIW:
		out->rd = reg_low(b, 2);
		out->rs1 = 2;
		out->imm = (int32_t)(field(b, 12, 11, 4) | field(b, 10, 7, 6) | field(b, 6, 6, 2) |
				     field(b, 5, 5, 3));
		return out->imm;
	case RV64_CBSH:
	case RV64_CBI:
		out->rd = reg_low(b, 7);
		out->rs1 = out->rd;
		if (f == RV64_CBSH)
			out->imm &= 63;
		return true;
	default: /* CI */ return true;
	}
}

/* Jumps and operations on two registers; false: reserved. */
static bool operands_register(enum rv64_cformat f, uint16_t b, struct rv64_insn *out)
{
	uint8_t high = (uint8_t)bits_get(b, 11, 7);
	uint8_t low = (uint8_t)bits_get(b, 6, 2);

	switch (f) {
	case RV64_CA:
		out->rd = reg_low(b, 7);
		out->rs1 = out->rd;
		out->rs2 = reg_low(b, 2);
		return true;
	case RV64_CJ: out->imm = imm_jump(b); return true;
	case RV64_CB:
		out->rs1 = reg_low(b, 7);
		out->imm = imm_branch(b);
		return true;
	case RV64_CJR:
	case RV64_CJALR:
		out->rd = f == RV64_CJALR;
		out->rs1 = high;
		return high;
	case RV64_CMV:
	case RV64_CR:
		out->rd = high;
		out->rs1 = f == RV64_CR ? high : 0;
		out->rs2 = low;
		return true;
	default: /* CN */ return true;
	}
}

static bool operands(enum rv64_cformat f, uint16_t b, struct rv64_insn *out)
{
	switch (f) {
	case RV64_CL4:
	case RV64_CL8:
	case RV64_CS4:
	case RV64_CS8: operands_memory(f, b, out); return true;
	case RV64_CI4:
	case RV64_CI8:
	case RV64_CI8F:
	case RV64_CSS4:
	case RV64_CSS8: return operands_stack(f, b, out);
	case RV64_CIW:
	case RV64_CI:
	case RV64_CI_RD:
	case RV64_CLI:
	case RV64_CI16:
	case RV64_CLUI:
	case RV64_CISH:
	case RV64_CBSH:
	case RV64_CBI: return operands_immediate(f, b, out);
	default: return operands_register(f, b, out);
	}
}

void rv64_decode_c(uint16_t bits, struct rv64_insn *out)
{
	for (unsigned i = 0; i < rv64_n_cinsns; i++) {
		const struct rv64_cinsn_info *c = &rv64_cinsn_info[i];

		if ((bits & c->mask) != c->match)
			continue;
		out->id = operands((enum rv64_cformat)c->format, bits, out) ? c->id
									    : RV64_ILLEGAL_INSN;
		return;
	}
	out->id = RV64_ILLEGAL_INSN;
}
