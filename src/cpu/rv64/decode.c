/* SPDX-License-Identifier: MIT */
/*
 * Decoding of 32-bit instructions from the table in insn.def.
 *
 * The rows of one major opcode stand together, so that an index of 32 entries leads to the first
 * row; from there the rows are compared in order. The longest group has 70 rows, which is cheap
 * enough: an engine decodes an instruction once and executes it many times.
 */
#include "cpu/rv64/insn.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/decode.h"

const struct rv64_insn_info rv64_insn_info[RV64_N_INSNS] = {
#define INSN(id, text, match, mask, format, ext, kind) \
	[RV64_##id] = {text, match, mask, RV64_FMT_##format, RV64_EXT_##ext},
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
	[RV64_ILLEGAL_INSN] = {"illegal", 0xffffffff, 0, RV64_FMT_N, RV64_EXT_I},
};

/* For each GROUP the id of the row behind it: an enumerator that does not move the count. */
enum {
#define INSN(id, text, match, mask, format, ext, kind) ROW_##id,
#define GROUP(opcode)                                  FIRST_##opcode, BEFORE_##opcode = FIRST_##opcode - 1,
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
};

/* By bits 6 to 2; an opcode without rows leads to the illegal one. */
static const uint8_t first_row[32] = {
#define INSN(id, text, match, mask, format, ext, kind)
#define GROUP(opcode) [opcode >> 2] = FIRST_##opcode + 1,
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
};

static unsigned find_row(uint32_t bits)
{
	unsigned id = first_row[bits >> 2 & 31];

	if (!id--)
		return RV64_ILLEGAL_INSN;
	for (; (rv64_insn_info[id].match & 0x7f) == (bits & 0x7f); id++)
		if ((bits & rv64_insn_info[id].mask) == rv64_insn_info[id].match)
			return id;
	return RV64_ILLEGAL_INSN;
}

static int32_t imm_s(uint32_t bits)
{
	return (int32_t)sign_extend(bits_get(bits, 31, 25) << 5 | bits_get(bits, 11, 7), 12);
}

static int32_t imm_b(uint32_t bits)
{
	uint64_t v = bits_get(bits, 31, 31) << 12 | bits_get(bits, 7, 7) << 11 |
		     bits_get(bits, 30, 25) << 5 | bits_get(bits, 11, 8) << 1;

	return (int32_t)sign_extend(v, 13);
}

static int32_t imm_j(uint32_t bits)
{
	uint64_t v = bits_get(bits, 31, 31) << 20 | bits_get(bits, 19, 12) << 12 |
		     bits_get(bits, 20, 20) << 11 | bits_get(bits, 30, 21) << 1;

	return (int32_t)sign_extend(v, 21);
}

static int32_t immediate(enum rv64_format format, uint32_t bits)
{
	switch (format) {
	case RV64_FMT_I:
	case RV64_FMT_FLD: return (int32_t)bits >> 20;
	case RV64_FMT_SH: return (int32_t)(bits >> 20 & 63);
	case RV64_FMT_S: return imm_s(bits);
	case RV64_FMT_B: return imm_b(bits);
	case RV64_FMT_U: return (int32_t)(bits & 0xfffff000);
	case RV64_FMT_J: return imm_j(bits);
	case RV64_FMT_CSR: return (int32_t)(bits >> 20);
	default: return 0;
	}
}

void rv64_decode(uint32_t bits, struct rv64_insn *out)
{
	memset(out, 0, sizeof(*out));
	out->len = (uint8_t)rv64_insn_len((uint16_t)bits);
	if (out->len == 2) {
		out->bits = bits & 0xffff;
		rv64_decode_c((uint16_t)bits, out);
		return;
	}
	out->bits = bits;
	out->id = (uint16_t)find_row(bits);
	out->rd = bits >> 7 & 31;
	out->rs1 = bits >> 15 & 31;
	out->rs2 = bits >> 20 & 31;
	out->rs3 = (uint8_t)(bits >> 27);
	out->rm = bits >> 12 & 7;
	out->imm = immediate(rv64_insn_info[out->id].format, bits);
}
