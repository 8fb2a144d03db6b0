/* SPDX-License-Identifier: MIT */
/* The encoder: prefixes, opcode, ModRM, displacement, immediate (Intel SDM, volume 2, chapter
 * 2). */
#include "cpu/rv64/jit/x86.h"

#include <assert.h>
#include <string.h>

static void put(struct x86 *e, const void *bytes, size_t n)
{
	if (e->p + n > e->end) {
		e->full = true;
		return;
	}
	memcpy(e->p, bytes, n);
	e->p += n;
}

void x86_byte(struct x86 *e, uint8_t b)
{
	put(e, &b, 1);
}

void x86_u32(struct x86 *e, uint32_t v)
{
	put(e, &v, 4);
}

void x86_u64(struct x86 *e, uint64_t v)
{
	put(e, &v, 8);
}

static unsigned op_prefix(uint32_t op)
{
	return op >> 24;
}

static unsigned op_map(uint32_t op)
{
	return op >> 16 & 0xff;
}

static bool fits8(int32_t v)
{
	return v == (int8_t)v;
}

/* Everything up to and with the opcode. */
static void head(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned index,
		 unsigned base)
{
	unsigned rex = (w == X86_Q) << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;

	if (op_prefix(op))
		x86_byte(e, (uint8_t)op_prefix(op));
	if (rex || w == X86_B)
		x86_byte(e, (uint8_t)(0x40 | rex));
	if (op_map(op))
		x86_byte(e, 0x0f);
	if (op_map(op) > 1)
		x86_byte(e, op_map(op) == 2 ? 0x38 : 0x3a);
	x86_byte(e, (uint8_t)op);
}

static void mod_reg(struct x86 *e, unsigned reg, unsigned rm)
{
	x86_byte(e, (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

/* ModRM for [base + disp]; rsp and r12 need an index byte, rbp and r13 a displacement. */
static void mod_mem(struct x86 *e, unsigned reg, unsigned base, int32_t disp)
{
	unsigned mod = !disp && (base & 7) != RBP ? 0 : fits8(disp) ? 1 : 2;

	x86_byte(e, (uint8_t)(mod << 6 | (reg & 7) << 3 | (base & 7)));
	if ((base & 7) == RSP)
		x86_byte(e, 0x24);
	if (mod == 1)
		x86_byte(e, (uint8_t)disp);
	else if (mod == 2)
		x86_u32(e, (uint32_t)disp);
}

void x86_rr(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned rm)
{
	head(e, op, w, reg, 0, rm);
	mod_reg(e, reg, rm);
}

void x86_rm(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned base, int32_t disp)
{
	head(e, op, w, reg, 0, base);
	mod_mem(e, reg, base, disp);
}

void x86_rx(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned base,
	    unsigned index, int32_t disp)
{
	x86_rxs(e, op, w, reg, base, index, 0, disp);
}

void x86_rxs(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned base,
	     unsigned index, unsigned scale, int32_t disp)
{
	unsigned mod = !disp && (base & 7) != RBP ? 0 : fits8(disp) ? 1 : 2;

	head(e, op, w, reg, index, base);
	x86_byte(e, (uint8_t)(mod << 6 | (reg & 7) << 3 | 4));
	x86_byte(e, (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7)));
	if (mod == 1)
		x86_byte(e, (uint8_t)disp);
	else if (mod == 2)
		x86_u32(e, (uint32_t)disp);
}

/* The three-byte form does for all. */
static void vex(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned v,
		unsigned base)
{
	static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};
	unsigned pp = 0;

	while (prefixes[pp] != op_prefix(op))
		pp++;
	x86_byte(e, 0xc4);
	x86_byte(e, (uint8_t)((~reg & 8) << 4 | 0x40 | (~base & 8) << 2 | op_map(op)));
	x86_byte(e, (uint8_t)((w == X86_Q) << 7 | (~v & 15) << 3 | pp));
	x86_byte(e, (uint8_t)op);
}

void x86_vex_rr(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned v, unsigned rm)
{
	vex(e, op, w, reg, v, rm);
	mod_reg(e, reg, rm);
}

void x86_vex_rm(struct x86 *e, uint32_t op, enum x86_width w, unsigned reg, unsigned v,
		unsigned base, int32_t disp)
{
	vex(e, op, w, reg, v, base);
	mod_mem(e, reg, base, disp);
}

void x86_mov(struct x86 *e, unsigned dst, unsigned src)
{
	if (dst != src)
		x86_rr(e, X86_MOV, X86_Q, dst, src);
}

void x86_movaps(struct x86 *e, unsigned dst, unsigned src)
{
	if (dst != src)
		x86_rr(e, X86_MOVAPS, X86_L, dst, src);
}

void x86_mov_imm(struct x86 *e, unsigned dst, uint64_t value)
{
	if (value <= UINT32_MAX) {
		head(e, 0xb8 | (dst & 7), X86_L, 0, 0, dst);
		x86_u32(e, (uint32_t)value);
	} else if ((int64_t)value == (int32_t)value) {
		x86_rr(e, 0xc7, X86_Q, 0, dst);
		x86_u32(e, (uint32_t)value);
	} else {
		head(e, 0xb8 | (dst & 7), X86_Q, 0, 0, dst);
		x86_u64(e, value);
	}
}

void x86_zero(struct x86 *e, unsigned dst)
{
	x86_rr(e, X86_XOR, X86_L, dst, dst);
}

void x86_lea(struct x86 *e, enum x86_width w, unsigned dst, unsigned src, int32_t imm)
{
	x86_rm(e, X86_LEA, w, dst, src, imm);
}

static void group_imm(struct x86 *e, int32_t imm)
{
	if (fits8(imm))
		x86_byte(e, (uint8_t)imm);
	else
		x86_u32(e, (uint32_t)imm);
}

void x86_alu_imm(struct x86 *e, unsigned group, enum x86_width w, unsigned rm, int32_t imm)
{
	if (rm == RAX && !fits8(imm))
		head(e, group << 3 | 5, w, 0, 0, 0);
	else
		x86_rr(e, fits8(imm) ? 0x83 : 0x81, w, group, rm);
	group_imm(e, imm);
}

void x86_alu_imm_mem(struct x86 *e, unsigned group, enum x86_width w, unsigned base, int32_t disp,
		     int32_t imm)
{
	x86_rm(e, fits8(imm) ? 0x83 : 0x81, w, group, base, disp);
	group_imm(e, imm);
}

void x86_shift_imm(struct x86 *e, unsigned group, enum x86_width w, unsigned rm, unsigned count)
{
	x86_rr(e, 0xc1, w, group, rm);
	x86_byte(e, (uint8_t)count);
}

void x86_pshift_imm(struct x86 *e, unsigned group, unsigned xmm, unsigned count)
{
	x86_rr(e, X86_OP(0x66, 1, 0x73), X86_L, group, xmm);
	x86_byte(e, (uint8_t)count);
}

void x86_shift_cl(struct x86 *e, unsigned group, enum x86_width w, unsigned rm)
{
	x86_rr(e, 0xd3, w, group, rm);
}

void x86_unary(struct x86 *e, unsigned group, enum x86_width w, unsigned rm)
{
	x86_rr(e, 0xf7, w, group, rm);
}

void x86_setcc(struct x86 *e, enum x86_cond cond, unsigned reg)
{
	x86_rr(e, X86_OP(0, 1, 0x90 | cond), X86_B, 0, reg);
}

uint8_t *x86_jcc(struct x86 *e, enum x86_cond cond)
{
	x86_byte(e, 0x0f);
	x86_byte(e, (uint8_t)(0x80 | cond));
	x86_u32(e, 0);
	return e->p - 4;
}

uint8_t *x86_jmp(struct x86 *e)
{
	x86_byte(e, 0xe9);
	x86_u32(e, 0);
	return e->p - 4;
}

void x86_patch(uint8_t *at, const uint8_t *target)
{
	int32_t distance = (int32_t)(target - (at + 4));

	memcpy(at, &distance, 4);
}

void x86_here(struct x86 *e, uint8_t *at)
{
	if (!e->full)
		x86_patch(at, e->p);
}

uint8_t *x86_jcc_short(struct x86 *e, enum x86_cond cond)
{
	x86_byte(e, (uint8_t)(0x70 | cond));
	x86_byte(e, 0);
	return e->p - 1;
}

void x86_here_short(struct x86 *e, uint8_t *at)
{
	assert(e->full || e->p - (at + 1) <= INT8_MAX);
	if (!e->full)
		*at = (uint8_t)(e->p - (at + 1));
}

static void distance_to(struct x86 *e, const uint8_t *target)
{
	x86_u32(e, (uint32_t)(target - (e->p + 4)));
}

void x86_jmp_to(struct x86 *e, const uint8_t *target)
{
	x86_byte(e, 0xe9);
	distance_to(e, target);
}

void x86_call_to(struct x86 *e, const uint8_t *target)
{
	x86_byte(e, 0xe8);
	distance_to(e, target);
}

void x86_jcc_to(struct x86 *e, enum x86_cond cond, const uint8_t *target)
{
	x86_byte(e, 0x0f);
	x86_byte(e, (uint8_t)(0x80 | cond));
	distance_to(e, target);
}
