/* SPDX-License-Identifier: MIT */
/*
 * An encoder for the x86-64 instructions that the translator uses. Nothing in it knows RISC-V.
 *
 * Code is written at `p` and runs at `p + exec`, since it is mapped twice. When it does not fit
 * before `end`, nothing more is written and `full` is set; whoever emits looks at that once, in the
 * end.
 */
#ifndef CPU_RV64_JIT_X86_H
#define CPU_RV64_JIT_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum x86_reg {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
};

struct x86 {
	uint8_t *p, *end;
	ptrdiff_t exec;
	bool full;
};

/* An opcode with its mandatory prefix (0, 0x66, 0xf2, 0xf3) and map (0: one byte, 1: 0f, 2: 0f 38,
 * 3: 0f 3a). */
#define X86_OP(prefix, map, op) ((uint32_t)(prefix) << 24 | (uint32_t)(map) << 16 | (op))

/* Operand width: X86_B is for instructions on bytes, so that sil and dil are what is meant. */
enum x86_width { X86_L, X86_Q, X86_B };

/* op reg, r/m, in either direction as the opcode says. */
enum {
	X86_ADD = 0x03,
	X86_OR = 0x0b,
	X86_AND = 0x23,
	X86_SUB = 0x2b,
	X86_XOR = 0x33,
	X86_IMUL_IMM = 0x69, /* the immediate follows */
	X86_CMP = 0x3b,
	X86_TEST = 0x85,
	X86_MOV = 0x8b,
	X86_MOV_TO = 0x89,
	X86_MOV_TO_B = 0x88,
	X86_LEA = 0x8d,
	X86_MOVSXD = 0x63,
	X86_MOVZX_B = X86_OP(0, 1, 0xb6),
	X86_MOVZX_W = X86_OP(0, 1, 0xb7),
	X86_MOVSX_B = X86_OP(0, 1, 0xbe),
	X86_MOVSX_W = X86_OP(0, 1, 0xbf),
	X86_IMUL = X86_OP(0, 1, 0xaf),
	X86_POPCNT = X86_OP(0xf3, 1, 0xb8),
	X86_MOV_TO_W = X86_OP(0x66, 0, 0x89),
	X86_CMOV = X86_OP(0, 1, 0x40), /* + condition */
};

/* Of xmm registers: scalars... */
#define X86_MOVSS     X86_OP(0xf3, 1, 0x10)
#define X86_MOVSS_TO  X86_OP(0xf3, 1, 0x11)
#define X86_MOVSD     X86_OP(0xf2, 1, 0x10)
#define X86_MOVSD_TO  X86_OP(0xf2, 1, 0x11)
#define X86_MOVQ      X86_OP(0x66, 1, 0x6e) /* from a general register */
#define X86_MOVQ_TO   X86_OP(0x66, 1, 0x7e)
/* ... and all 128 bits. */
#define X86_MOVAPS    X86_OP(0, 1, 0x28)
#define X86_MOVAPS_TO X86_OP(0, 1, 0x29)
#define X86_ANDPS     X86_OP(0, 1, 0x54)
#define X86_ANDNPS    X86_OP(0, 1, 0x55)
#define X86_ORPS      X86_OP(0, 1, 0x56)
#define X86_XORPS     X86_OP(0, 1, 0x57)
#define X86_PCMPEQD   X86_OP(0x66, 1, 0x76)

/* The second opcode field of groups. */
enum {
	X86_G_ADD = 0,
	X86_G_OR = 1,
	X86_G_AND = 4,
	X86_G_SUB = 5,
	X86_G_XOR = 6,
	X86_G_CMP = 7,
	X86_G_ROL = 0,
	X86_G_ROR = 1,
	X86_G_SHL = 4,
	X86_G_SHR = 5,
	X86_G_SAR = 7,
	X86_G_NOT = 2,
	X86_G_NEG = 3,
	X86_G_MUL = 4,
	X86_G_IMUL = 5,
	X86_G_DIV = 6,
	X86_G_IDIV = 7,
	X86_G_PSRLQ = 2,
	X86_G_PSLLQ = 6,
	X86_G_BT = 4,
	X86_G_BTS = 5,
	X86_G_BTR = 6,
	X86_G_BTC = 7,
};

enum x86_cond {
	X86_O,
	X86_NO,
	X86_C,
	X86_NC,
	X86_E,
	X86_NE,
	X86_BE,
	X86_A,
	X86_S,
	X86_NS,
	X86_P,
	X86_NP,
	X86_LT,
	X86_GE,
	X86_LE,
	X86_GT,
};

void x86_byte(struct x86 *e, uint8_t b);
void x86_u32(struct x86 *e, uint32_t v);
void x86_u64(struct x86 *e, uint64_t v);

/* op reg, rm; op reg, [base + disp]; op reg, [base + index + disp]. */
void x86_rr(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned rm);
void x86_rm(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned base,
	    int32_t disp);
void x86_rx(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned base,
	    unsigned index, int32_t disp);
/* op reg, [base + (index << scale) + disp] */
void x86_rxs(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned base,
	     unsigned index, unsigned scale, int32_t disp);

/* The same with VEX: op reg, v, rm. */
void x86_vex_rr(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned v,
		unsigned rm);
void x86_vex_rm(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned v,
		unsigned base, int32_t disp);

void x86_mov(struct x86 *e, unsigned dst, unsigned src);       /* nothing when they are the same */
void x86_movaps(struct x86 *e, unsigned dst, unsigned src);    /* the same */
void x86_mov_imm(struct x86 *e, unsigned dst, uint64_t value); /* keeps the flags */
void x86_zero(struct x86 *e, unsigned dst);                    /* does not */
/* dst = src + imm with lea. */
void x86_lea(struct x86 *e, enum x86_width w, unsigned dst, unsigned src, int32_t imm);
/* add, or, and, sub, xor, cmp (X86_G_*) with an immediate. */
void x86_alu_imm(struct x86 *e, unsigned group, enum x86_width w, unsigned rm, int32_t imm);
void x86_alu_imm_mem(struct x86 *e, unsigned group, enum x86_width w, unsigned base, int32_t disp,
		     int32_t imm);
/* Shifts and rotations by an immediate, and by cl. */
void x86_shift_imm(struct x86 *e, unsigned group, enum x86_width w, unsigned rm, unsigned count);
/* psllq and psrlq (X86_G_PSLLQ, ...) of an xmm register by an immediate. */
void x86_pshift_imm(struct x86 *e, unsigned group, unsigned xmm, unsigned count);
void x86_shift_cl(struct x86 *e, unsigned group, enum x86_width w, unsigned rm);
/* not, neg, mul, imul, div, idiv of rdx:rax. */
void x86_unary(struct x86 *e, unsigned group, enum x86_width w, unsigned rm);
void x86_setcc(struct x86 *e, enum x86_cond cond, unsigned reg);

/* Jumps. They return where their 32-bit distance stands, for x86_here(). */
uint8_t *x86_jcc(struct x86 *e, enum x86_cond cond);
uint8_t *x86_jmp(struct x86 *e);
/* One whose distance has 8 bits, for x86_here_short(). */
uint8_t *x86_jcc_short(struct x86 *e, enum x86_cond cond);
/* Makes the jump whose distance stands at `at` lead here. */
void x86_here(struct x86 *e, uint8_t *at);
void x86_here_short(struct x86 *e, uint8_t *at);
/* jmp and call to where code is already, by its place of writing. */
void x86_jmp_to(struct x86 *e, const uint8_t *target);
void x86_call_to(struct x86 *e, const uint8_t *target);
void x86_jcc_to(struct x86 *e, enum x86_cond cond, const uint8_t *target);
/* The distance at `at` (the end of a jmp or call) to `target`. */
void x86_patch(uint8_t *at, const uint8_t *target);

#endif
