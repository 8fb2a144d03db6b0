/* SPDX-License-Identifier: MIT */
/*
 * RV64 instructions, decoded: what every engine, the disassembler and the tests share.
 *
 * Decoding is a pure function of the bits and total: whatever is no instruction here decodes to
 * RV64_ILLEGAL_INSN. Compressed instructions decode to the instruction that they abbreviate, with
 * len 2. Any thread.
 */
#ifndef CPU_RV64_INSN_H
#define CPU_RV64_INSN_H

#include <stdbool.h>
#include <stdint.h>

enum rv64_insn_id {
#define INSN(id, text, match, mask, format, ext, kind) RV64_##id,
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
	RV64_ILLEGAL_INSN,
	RV64_N_INSNS
};

/* Where the operands are. The letters of FP formats name the register files: rd first. */
enum rv64_format {
	RV64_FMT_N,   /* none */
	RV64_FMT_R,   /* rd, rs1, rs2 */
	RV64_FMT_R1,  /* rd, rs1 */
	RV64_FMT_I,   /* rd, rs1, signed 12 bits */
	RV64_FMT_SH,  /* rd, rs1, shift amount of 6 bits (5 where the mask says so) */
	RV64_FMT_S,   /* rs1, rs2, signed 12 bits */
	RV64_FMT_B,   /* rs1, rs2, pc-relative 13 bits */
	RV64_FMT_U,   /* rd, upper 20 bits */
	RV64_FMT_J,   /* rd, pc-relative 21 bits */
	RV64_FMT_CSR, /* rd, rs1 or a 5-bit number, CSR number in imm */
	RV64_FMT_FLD, /* f rd, rs1, signed 12 bits */
	RV64_FMT_FF,  /* f rd, f rs1, f rs2 */
	RV64_FMT_FF1, /* f rd, f rs1 */
	RV64_FMT_F4,  /* f rd, f rs1, f rs2, f rs3 */
	RV64_FMT_XFF, /* rd, f rs1, f rs2 */
	RV64_FMT_XF,  /* rd, f rs1 */
	RV64_FMT_FX,  /* f rd, rs1 */
	RV64_FMT_FI,  /* f rd, a number where rs1 would be */
};

enum rv64_ext {
	RV64_EXT_I,
	RV64_EXT_M,
	RV64_EXT_A,
	RV64_EXT_F,
	RV64_EXT_D,
	RV64_EXT_ZICSR,
	RV64_EXT_ZIFENCEI,
	RV64_EXT_ZBA,
	RV64_EXT_ZBB,
	RV64_EXT_ZBC,
	RV64_EXT_ZBS,
	RV64_EXT_ZICOND,
	RV64_EXT_ZAWRS,
	RV64_EXT_ZFA,
	RV64_EXT_ZICBOM,
	RV64_EXT_ZICBOP,
	RV64_EXT_ZICBOZ,
	RV64_EXT_S,
	RV64_EXT_SVINVAL,
	RV64_EXT_XTHEAD, /* xtheadcmo and xtheadsync */
};

struct rv64_insn_info {
	const char *text; /* the mnemonic */
	uint32_t match, mask;
	uint8_t format; /* enum rv64_format */
	uint8_t ext;    /* enum rv64_ext */
};

/* By enum rv64_insn_id; RV64_ILLEGAL_INSN has the text "illegal" and matches nothing. */
extern const struct rv64_insn_info rv64_insn_info[RV64_N_INSNS];

/* The compressed ones, for tests that want to cover each. */
struct rv64_cinsn_info {
	const char *text;
	uint16_t match, mask;
	uint8_t format; /* private to the decoder */
	uint16_t id;    /* the expansion */
};

extern const struct rv64_cinsn_info rv64_cinsn_info[];
extern const unsigned rv64_n_cinsns;

struct rv64_insn {
	uint32_t bits; /* as fetched; only the low 16 when len is 2 */
	int32_t imm;   /* sign-extended; U format: shifted already; R4: unused */
	uint16_t id;
	uint8_t len; /* 2 or 4 */
	uint8_t rd, rs1, rs2, rs3;
	uint8_t rm; /* rounding mode field; meaningful where the operation rounds */
};

/* Bytes of the instruction that starts with these 16 bits: 2 or 4. Longer encodings, which this
 * machine does not have, count as 4. */
static inline unsigned rv64_insn_len(uint16_t low)
{
	return (low & 3) == 3 ? 4 : 2;
}

/* Whether rd, when it is not 0, is an x register that the instruction writes. */
static inline bool rv64_insn_writes_x(unsigned id)
{
	switch (rv64_insn_info[id].format) {
	case RV64_FMT_R:
	case RV64_FMT_R1:
	case RV64_FMT_I:
	case RV64_FMT_SH:
	case RV64_FMT_U:
	case RV64_FMT_J:
	case RV64_FMT_CSR:
	case RV64_FMT_XFF:
	case RV64_FMT_XF: return true;
	default: return false;
	}
}

/* Whether it is a conditional branch backwards. A block ends behind it: then what follows a loop is
 * in the same block whether the loop was entered from before or jumped to, and what a jump forwards
 * within a block leads to ends where that block does. */
static inline bool rv64_insn_goes_back(const struct rv64_insn *in)
{
	return rv64_insn_info[in->id].format == RV64_FMT_B && in->imm < 0;
}

/* Whether it works on f registers by arithmetic or moves (loads and stores included), so that it is
 * illegal while FP is off and has rs3 and rm. */
static inline bool rv64_insn_is_fp(unsigned id)
{
	const unsigned ext = rv64_insn_info[id].ext;

	return ext == RV64_EXT_F || ext == RV64_EXT_D || ext == RV64_EXT_ZFA;
}

/* Decodes; the upper half of `bits` is ignored for a 16-bit instruction. */
void rv64_decode(uint32_t bits, struct rv64_insn *out);

#endif
