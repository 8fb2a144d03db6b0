/* SPDX-License-Identifier: MIT */
/*
 * Instructions as bits, for the tests' own use. Written from the specification's encoding tables
 * and apart from the decoder, which they test.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdint.h>

/* `bits` with its `n` bits from `low` on replaced by those of v. */
static inline uint32_t put(uint32_t bits, unsigned low, unsigned n, uint32_t v)
{
	uint32_t mask = ((1u << n) - 1) << low;

	return (bits & ~mask) | (v << low & mask);
}

/* Bits [hi:lo] of v at place `to`. */
static inline uint32_t moved(uint32_t v, unsigned hi, unsigned lo, unsigned to)
{
	return (v >> lo & ((2u << (hi - lo)) - 1)) << to;
}

static inline uint32_t enc_i(uint32_t op, unsigned rd, unsigned rs1, int imm)
{
	return op | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

static inline uint32_t enc_s(uint32_t op, unsigned rs1, unsigned rs2, int imm)
{
	return put(op | rs1 << 15 | rs2 << 20 | moved((uint32_t)imm, 11, 5, 25), 7, 5,
		   (uint32_t)imm);
}

static inline uint32_t enc_u(uint32_t op, unsigned rd, uint32_t imm)
{
	return op | rd << 7 | (imm & 0xfffff000);
}

/* The jumps' offsets, or-ed into an instruction whose offset is 0. */
static inline uint32_t enc_offset_b(int off)
{
	uint32_t v = (uint32_t)off;

	return moved(v, 12, 12, 31) | moved(v, 10, 5, 25) | moved(v, 4, 1, 8) | moved(v, 11, 11, 7);
}

static inline uint32_t enc_offset_j(int off)
{
	uint32_t v = (uint32_t)off;

	return moved(v, 20, 20, 31) | moved(v, 10, 1, 21) | moved(v, 11, 11, 20) |
	       moved(v, 19, 12, 12);
}

static inline uint32_t enc_offset_cb(int off)
{
	uint32_t v = (uint32_t)off;

	return moved(v, 8, 8, 12) | moved(v, 4, 3, 10) | moved(v, 7, 6, 5) | moved(v, 2, 1, 3) |
	       moved(v, 5, 5, 2);
}

static inline uint32_t enc_offset_cj(int off)
{
	uint32_t v = (uint32_t)off;

	return moved(v, 11, 11, 12) | moved(v, 4, 4, 11) | moved(v, 9, 8, 9) | moved(v, 10, 10, 8) |
	       moved(v, 6, 6, 7) | moved(v, 7, 7, 6) | moved(v, 3, 1, 3) | moved(v, 5, 5, 2);
}

/* Opcodes with funct3. */
#define OP_ADDI   0x00000013u
#define OP_AUIPC  0x00000017u
#define OP_LUI    0x00000037u
#define OP_LD     0x00003003u
#define OP_SD     0x00003023u
#define OP_SB     0x00000023u
#define OP_FLD    0x00003007u
#define OP_FSD    0x00003027u
#define OP_BEQ    0x00000063u
#define OP_BNE    0x00001063u
#define OP_JALR   0x00000067u
#define OP_JAL    0x0000006fu
#define OP_ECALL  0x00000073u
#define OP_CSRRW  0x00001073u
#define OP_CSRRS  0x00002073u
#define OP_CSRRWI 0x00005073u
#define OP_SUB    0x40000033u
#define OP_SLTU   0x00003033u

#define CSR_FFLAGS 1
#define CSR_FRM    2
#define CSR_FCSR   3

#endif
