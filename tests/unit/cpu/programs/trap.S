/* SPDX-License-Identifier: MIT */
/*
 * Traps in the middle of a block: mepc, mcause, mtval and the count of retired instructions are
 * exact, and nothing of what comes behind has happened.
 */
#include "check.inc"

/* minstret + n, and where the trap is to be. */
#define BEFORE(n)      \
	la s5, 9f;     \
	li s4, n;      \
	csrr s6, minstret
#define AFTER(cause, tval)      \
	EXPECT(s7, 0)           \
	EXPECT(s8, cause)       \
	li a1, tval;            \
	sub a3, s9, a1;         \
	EXPECT(a3, 0)           \
	sub a3, s10, s6;        \
	sub a3, a3, s4;         \
	EXPECT(a3, 0)

_start:
	la t0, handler
	csrw mtvec, t0
	la s0, data
	li s1, 0x40000000 /* nothing is there */

	/* The counter itself: instructions from the one read to the other. */
	csrr a1, minstret
	nop
	c.nop
	csrr a3, minstret
	sub a3, a3, a1
	EXPECT(a3, 3)
	csrr a1, minstret
	beq a1, a1, 2f
	nop
2:	csrr a3, minstret
	sub a3, a3, a1
	EXPECT(a3, 2)

	/* (n: the instructions from the csrr, with it, to the one that traps.) */
	BEFORE(4)
	nop
	c.nop
	beq zero, s0, 3f
9:	ld a3, 16(s1)
	li s7, 1 /* skipped */
3:	AFTER(5, 0x40000010)

	BEFORE(2)
	c.li a2, 5
9:	sd a2, 8(s1)
	li s7, 1
	AFTER(7, 0x40000008)

	BEFORE(1)
9:	amoadd.w a1, a1, (s1)
	li s7, 1
	AFTER(7, 0x40000000)

	BEFORE(2)
	addi a1, s0, 2
9:	lr.w a1, (a1)
	li s7, 1
	la s11, data + 2
	sub s9, s9, s11
	AFTER(4, 0)

	BEFORE(2)
	addi a1, s0, 4
9:	amoswap.d a1, a1, (a1)
	li s7, 1
	la s11, data + 4
	sub s9, s9, s11
	AFTER(6, 0)

	BEFORE(2)
	nop
9:	.4byte 0xffffffff
	li s7, 1
	AFTER(2, 0xffffffff)

	BEFORE(1)
9:	.2byte 0
	li s7, 1
	AFTER(2, 0)

	BEFORE(1)
9:	csrw cycle, zero /* read-only */
	li s7, 1
	AFTER(2, 0xc0001073)

	BEFORE(1)
9:	csrr a1, 0x7ff /* does not exist */
	li s7, 1
	AFTER(2, 0x7ff025f3)

	BEFORE(3)
	nop
	nop
9:	ecall
	li s7, 1
	AFTER(11, 0)

	BEFORE(1)
9:	ebreak
	li s7, 1
	la s11, 9b
	sub s9, s9, s11
	AFTER(3, 0)

	BEFORE(1)
9:	cbo.zero (s1)
	li s7, 1
	AFTER(7, 0x40000000)

	/* A jump to where no memory is: the jump retires, its target traps. */
	BEFORE(3)
	la s5, 0x40000000
	csrr s6, minstret
	la s11, 4f
	jr s1
	li s7, 1
4:	EXPECT(s8, 1)
	li a1, 0x40000000
	sub a3, s9, a1
	EXPECT(a3, 0)
	sub a3, s10, s6
	EXPECT(a3, 4)

	/* What traps leaves rd alone. */
	li a5, 123
	la s5, 9f
9:	ld a5, 0(s1)
	li s7, 1
	mv a3, a5
	EXPECT(a3, 123)

	/* U mode: ecall, and what is not allowed there. */
	li t0, 0x1f
	csrw pmpcfg0, t0
	li t0, -1
	csrw pmpaddr0, t0
	csrw mstatus, zero
	la t0, 5f
	csrw mepc, t0
	mret
5:	la s5, 9f
9:
	csrr a1, mscratch
	li s7, 1
	EXPECT(s8, 2)
	la s5, 9f
9:	mret
	li s7, 1
	EXPECT(s8, 2)
	la s5, 9f
9:	sret
	li s7, 1
	EXPECT(s8, 2)
	la s5, 9f
9:	sfence.vma
	li s7, 1
	EXPECT(s8, 2)
	la s5, 9f
9:	cbo.zero (s0)
	li s7, 1
	EXPECT(s8, 2)
	la s5, 9f
9:	sfence.w.inval
	li s7, 1
	EXPECT(s8, 2)
	la s5, 9f
	li a7, 1
9:	ecall
	li s7, 1
	EXPECT(s8, 8)
	la s5, pass
	ecall /* the handler goes to s5 + 4 */

	/* Skips the instruction at s5, which must be the one that trapped, and the one behind. s7 = 0,
	 * or mepc if that is wrong; s8 cause, s9 tval, s10 instructions retired before the handler. */
	.balign 4
handler:
	csrr s10, minstret
	csrr s7, mepc
	sub s7, s7, s5
	csrr s8, mcause
	csrr s9, mtval
	li t1, 1
	beq s8, t1, 6f
	la t1, pass
	beq s5, t1, 7f
	mv t0, s5
	.rept 2
	lhu t1, 0(t0)
	andi t1, t1, 3
	addi t1, t1, -3
	seqz t1, t1
	slli t1, t1, 1
	add t0, t0, t1
	addi t0, t0, 2
	.endr
	csrw mepc, t0
	mret
6:	csrw mepc, s11
	mret
7:	addi s5, s5, 4
	jr s5

pass:
	.4byte 0
	PASS

	.balign 16
data:
	.dword 0, 0
