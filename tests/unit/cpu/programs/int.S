/* SPDX-License-Identifier: MIT */
/* Integer arithmetic: I, M, Zba, Zbb, Zbc, Zbs, Zicond, and its compressed forms. */
#include "check.inc"

#define MIN  0x8000000000000000
#define MAX  0x7fffffffffffffff
#define PAT  0x0123456789abcdef
#define NEG  -2

#define ZICOND(funct3, a, b, want)       \
	li a1, a;                        \
	li a2, b;                        \
	.insn r 0x33, funct3, 7, a3, a1, a2; \
	EXPECT(a3, want)

_start:
	RR(add, MAX, 1, MIN)
	RR(sub, 0, 1, -1)
	RR(sll, 1, 127, MIN)
	RR(srl, MIN, 63, 1)
	RR(sra, MIN, 63, -1)
	RR(slt, NEG, 1, 1)
	RR(slt, 1, NEG, 0)
	RR(sltu, NEG, 1, 0)
	RR(sltu, 1, NEG, 1)
	RR(xor, PAT, -1, 0xfedcba9876543210)
	RR(or, 0xf0, 0x0f, 0xff)
	RR(and, PAT, 0xff00ff, 0xab00ef)
	RR(addw, 0x7fffffff, 1, -0x80000000)
	RR(subw, -0x80000000, 1, 0x7fffffff)
	RR(sllw, 1, 31, -0x80000000)
	RR(sllw, 3, 32, 3)
	RR(srlw, -1, 4, 0x0fffffff)
	RR(srlw, 0x80000000, 32, -0x80000000)
	RR(sraw, 0x80000000, 4, -0x8000000)

	RI(addi, 5, -2048, -2043)
	RI(slti, -2049, -2048, 1)
	RI(slti, -2048, -2048, 0)
	RI(sltiu, 5, -1, 1)
	RI(sltiu, -1, -1, 0)
	RI(xori, PAT, -1, 0xfedcba9876543210)
	RI(ori, 0, -1, -1)
	RI(andi, PAT, -16, 0x0123456789abcde0)
	RI(slli, 1, 63, MIN)
	RI(srli, MIN, 63, 1)
	RI(srai, MIN, 63, -1)
	RI(addiw, 0x7fffffff, 1, -0x80000000)
	RI(slliw, 1, 31, -0x80000000)
	RI(srliw, -1, 31, 1)
	RI(sraiw, 0x80000000, 31, -1)

	RR(mul, PAT, PAT, 0xdca5e20890f2a521)
	RR(mulh, MIN, MIN, 0x4000000000000000)
	RR(mulh, -1, 1, -1)
	RR(mulhsu, -1, -1, -1)
	RR(mulhsu, MIN, -1, 0x8000000000000000)
	RR(mulhu, -1, -1, -2)
	RR(div, 7, -2, -3)
	RR(div, 7, 0, -1)
	RR(div, MIN, -1, MIN)
	RR(divu, -1, 2, MAX)
	RR(divu, 7, 0, -1)
	RR(rem, -7, 2, -1)
	RR(rem, 7, 0, 7)
	RR(rem, MIN, -1, 0)
	RR(remu, -1, 10, 5)
	RR(remu, 7, 0, 7)
	RR(mulw, 0x7fffffff, 2, -2)
	RR(divw, 0x80000000, -1, -0x80000000)
	RR(divw, 0x100000007, 0x500000002, 3)
	RR(divw, 1, 0, -1)
	RR(divuw, 0xffffffff, 1, -1)
	RR(divuw, 0x100000007, 0, -1)
	RR(remw, 0x80000000, -1, 0)
	RR(remw, -7, 2, -1)
	RR(remw, 0x80000001, 0, -0x7fffffff)
	RR(remuw, 0xffffffff, 0x80000000, 0x7fffffff)
	RR(remuw, 0x80000001, 0, -0x7fffffff)

	RR(sh1add, MIN, 3, 3)
	RR(sh2add, 3, 1, 13)
	RR(sh3add, -1, 1, -7)
	RR(add.uw, -1, 1, 0x100000000)
	RR(sh1add.uw, 0x1ffffffff, 1, 0x1ffffffff)
	RR(sh2add.uw, -1, 0, 0x3fffffffc)
	RR(sh3add.uw, -1, 0, 0x7fffffff8)
	RI(slli.uw, -1, 36, 0xfffffff000000000)

	RR(andn, PAT, 0xff, 0x0123456789abcd00)
	RR(orn, 0, PAT, 0xfedcba9876543210)
	RR(xnor, PAT, PAT, -1)
	RR(min, NEG, 1, NEG)
	RR(minu, NEG, 1, 1)
	RR(max, NEG, 1, 1)
	RR(maxu, NEG, 1, NEG)
	RR(rol, PAT, 8, 0x23456789abcdef01)
	RR(rol, PAT, 64, PAT)
	RR(ror, PAT, 8, 0xef0123456789abcd)
	RI(rori, PAT, 60, 0x123456789abcdef0)
	RR(rolw, 0x1234567880000001, 1, 3)
	RR(rorw, 1, 1, -0x80000000)
	RI(roriw, 0x12345678, 4, -0x7edcba99)
	R1(clz, 0, 64)
	R1(clz, 1, 63)
	R1(ctz, 0, 64)
	R1(ctz, MIN, 63)
	R1(cpop, PAT, 32)
	R1(clzw, 0xffffffff00000000, 32)
	R1(clzw, 0x00010000, 15)
	R1(ctzw, 0xffffffff00000000, 32)
	R1(ctzw, 0x80000000, 31)
	R1(cpopw, -1, 32)
	R1(sext.b, 0x180, -128)
	R1(sext.h, 0x18000, -32768)
	R1(zext.h, -1, 0xffff)
	R1(rev8, PAT, 0xefcdab8967452301)
	R1(orc.b, 0x0100800000400002, 0xff00ff0000ff00ff)

	RR(clmul, PAT, 1, PAT)
	RR(clmul, 3, 3, 5)
	RR(clmul, -1, -1, 0x5555555555555555)
	RR(clmulh, -1, -1, 0x5555555555555555)
	RR(clmulh, MIN, 3, 1)
	RR(clmulr, MIN, 3, 3)
	RR(clmulr, -1, -1, -0x5555555555555556)

	RR(bclr, -1, 63, MAX)
	RR(bext, MIN, 127, 1)
	RR(binv, MIN, 63, 0)
	RR(bset, 0, 65, 2)
	RI(bclri, 3, 0, 2)
	RI(bexti, 2, 1, 1)
	RI(binvi, 0, 63, MIN)
	RI(bseti, 0, 40, 0x10000000000)

	ZICOND(5, 42, 0, 0)
	ZICOND(5, 42, 7, 42)
	ZICOND(7, 42, 0, 42)
	ZICOND(7, 42, 7, 0)

	/* x0 stays 0, whoever writes it. */
	li a1, 5
	add x0, a1, a1
	lui x0, 0x12345
	auipc x0, 1
	addi x0, a1, 1
	mul x0, a1, a1
	mv a3, x0
	EXPECT(a3, 0)

	/* pc-relative */
	auipc a3, 0
	auipc a2, 0x80000
	sub a3, a2, a3
	EXPECT(a3, -0x7ffffffc)
	lui a3, 0x80000
	EXPECT(a3, -0x80000000)

	/* Compressed: each form once. (The assembler picks them where the operands allow.) */
	.option push
	.option rvc
	la sp, data
	c.addi4spn a3, sp, 1020
	sub a3, a3, sp
	EXPECT(a3, 1020)
	mv a2, sp
	c.addi16sp sp, -512
	sub a3, sp, a2
	EXPECT(a3, -512)
	c.addi16sp sp, 496
	sub a3, sp, a2
	EXPECT(a3, -16)
	mv sp, a2
	c.li a3, -32
	EXPECT(a3, -32)
	c.lui a3, 0xfffe1
	EXPECT(a3, -0x1f000)
	c.li a3, 31
	c.addi a3, -32
	EXPECT(a3, -1)
	c.addiw a3, 2
	EXPECT(a3, 1)
	c.slli a3, 63
	EXPECT(a3, MIN)
	c.srli a3, 62
	EXPECT(a3, 2)
	c.li a3, -8
	c.srai a3, 33
	EXPECT(a3, -1)
	c.andi a3, -4
	EXPECT(a3, -4)
	c.li a2, 6
	c.sub a3, a2
	EXPECT(a3, -10)
	c.xor a3, a2
	EXPECT(a3, -16)
	c.or a3, a2
	EXPECT(a3, -10)
	c.and a3, a2
	EXPECT(a3, 6)
	c.subw a3, a2
	c.subw a3, a2
	EXPECT(a3, -6)
	c.addw a3, a2
	c.addw a3, a2
	EXPECT(a3, 6)
	c.mv a3, sp
	c.add a3, a2
	sub a3, a3, sp
	EXPECT(a3, 6)
	li a3, PAT
	c.sdsp a3, 504(sp)
	c.ldsp a2, 504(sp)
	EXPECT(a2, PAT)
	c.lwsp a2, 252(sp)
	EXPECT(a2, 0)
	c.swsp a3, 252(sp)
	c.lwsp a2, 252(sp)
	EXPECT(a2, -0x76543211)
	mv a1, sp
	c.sd a3, 248(a1)
	c.ld a2, 248(a1)
	EXPECT(a2, PAT)
	c.sw a3, 124(a1)
	c.lw a2, 124(a1)
	EXPECT(a2, -0x76543211)
	.option pop
	PASS

	.balign 16
data:
	.space 1040
