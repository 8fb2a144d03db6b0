/* SPDX-License-Identifier: MIT */
/* Branches, jumps, loads and stores, atomics: one hart. */
#include "check.inc"

#define PAT 0x0123456789abcdef

/* Whether a branch is taken. */
#define BR(insn, a, b, want) \
	li a1, a;            \
	li a2, b;            \
	li a3, 1;            \
	insn a1, a2, 2f;     \
	li a3, 0;            \
2:	EXPECT(a3, want)

#define LOAD(insn, offset, want)  \
	insn a3, offset(s0);      \
	EXPECT(a3, want)

/* An AMO gives the old value and leaves `then`. */
#define AMO(insn, width, old, arg, then, seen) \
	li a1, old;                \
	sd a1, 0(s0);              \
	li a2, arg;                \
	insn a3, a2, (s0);         \
	EXPECT(a3, seen)           \
	l##width a3, 0(s0);        \
	EXPECT(a3, then)

_start:
	BR(beq, 1, 1, 1)
	BR(beq, 1, 2, 0)
	BR(bne, 1, 2, 1)
	BR(bne, 1, 1, 0)
	BR(blt, -1, 0, 1)
	BR(blt, 0, -1, 0)
	BR(bge, 0, 0, 1)
	BR(bge, -1, 0, 0)
	BR(bltu, 0, -1, 1)
	BR(bltu, -1, 0, 0)
	BR(bgeu, -1, 0, 1)
	BR(bgeu, 0, -1, 0)

	/* A loop backwards, in one page, over and over. */
	li a1, 100000
	li a3, 0
3:	addi a3, a3, 3
	addi a1, a1, -1
	bnez a1, 3b
	EXPECT(a3, 300000)

	/* Calls: link values of long and short jumps, to other pages and back. */
	jal t0, far
4:	la a2, 4b
	sub a3, t0, a2
	EXPECT(a3, 0)
	EXPECT(s1, 77)
	la t1, far_ra
	c.jalr t1
5:	la a2, 5b
	sub a3, ra, a2
	EXPECT(a3, 0)
	la t1, far + 1 /* bit 0 is cleared */
	jalr t0, 0(t1)
	c.li a1, 0
	c.li a3, 1
	c.beqz a1, 6f
	c.li a3, 0
6:	EXPECT(a3, 1)
	c.bnez a1, 7f
	c.li a3, 2
	c.j 8f
7:	c.li a3, 3
8:	EXPECT(a3, 2)
	/* jalr with rd = rs1 */
	la t0, far
	jalr t0, t0
9:	la a2, 9b
	sub a3, t0, a2
	EXPECT(a3, 0)

	la s0, data
	LOAD(lb, 0, -17)
	LOAD(lbu, 0, 0xef)
	LOAD(lh, 0, -0x3211)
	LOAD(lhu, 0, 0xcdef)
	LOAD(lw, 0, -0x76543211)
	LOAD(lwu, 0, 0x89abcdef)
	LOAD(ld, 0, PAT)
	/* Misaligned, within a page and across two. */
	LOAD(ld, 1, 0xfe0123456789abcd)
	LOAD(lw, 2, 0x456789ab)
	LOAD(lhu, 7, 0xfe01)
	la s0, page - 3
	li a1, PAT
	sd a1, 0(s0)
	LOAD(ld, 0, PAT)
	LOAD(lhu, 2, 0x89ab)
	sh a1, 2(s0)
	LOAD(lhu, 2, 0xcdef)
	la s0, data
	li a1, -1
	sb a1, 0(s0)
	LOAD(ld, 0, 0x0123456789abcdff)
	sh a1, 2(s0)
	LOAD(ld, 0, 0x01234567ffffcdff)
	sw zero, 4(s0)
	LOAD(ld, 0, 0xffffcdff)

	AMO(amoswap.w, w, 5, 7, 7, 5)
	AMO(amoadd.w, w, 0x7fffffff, 1, -0x80000000, 0x7fffffff)
	AMO(amoxor.w, w, 0xff, 0x0f, 0xf0, 0xff)
	AMO(amoand.w, w, 0xff, 0x0f, 0x0f, 0xff)
	AMO(amoor.w, w, 0xf0, 0x0f, 0xff, 0xf0)
	AMO(amomin.w, w, 1, -1, -1, 1)
	AMO(amomax.w, w, 1, -1, 1, 1)
	AMO(amominu.w, w, 1, -1, 1, 1)
	AMO(amomaxu.w, w, 1, -1, -1, 1)
	AMO(amoswap.d, d, PAT, 7, 7, PAT)
	AMO(amoadd.d, d, -1, 1, 0, -1)
	AMO(amoxor.d, d, 0xff, 0x0f, 0xf0, 0xff)
	AMO(amoand.d, d, 0xff, 0x0f, 0x0f, 0xff)
	AMO(amoor.d, d, 0xf0, 0x0f, 0xff, 0xf0)
	AMO(amomin.d, d, 1, -1, -1, 1)
	AMO(amomax.d, d, 1, -1, 1, 1)
	AMO(amominu.d, d, 1, -1, 1, 1)
	AMO(amomaxu.d, d, 1, -1, -1, 1)
	/* A word's AMO leaves the other word alone. */
	li a1, PAT
	sd a1, 0(s0)
	amoadd.w.aqrl zero, a1, (s0)
	LOAD(ld, 0, 0x0123456713579bde)
	/* rd and rs2 the same. */
	li a2, 3
	amoadd.d a2, a2, (s0)
	EXPECT(a2, 0x0123456713579bde)
	LOAD(ld, 0, 0x0123456713579be1)

	/* LR/SC */
	lr.d a1, (s0)
	li a2, 9
	sc.d a3, a2, (s0)
	EXPECT(a3, 0)
	LOAD(ld, 0, 9)
	sc.d a3, a2, (s0) /* no reservation is left */
	EXPECT(a3, 1)
	lr.w a1, (s0)
	EXPECT(a1, 9)
	li a2, 10
	sw a2, 0(s0) /* changed in between */
	sc.w a3, zero, (s0)
	EXPECT(a3, 1)
	lr.w a1, (s0)
	addi a2, s0, 8
	sc.w a3, zero, (a2) /* elsewhere */
	EXPECT(a3, 1)
	lr.d a1, (s0)
	sc.w a3, zero, (s0) /* another width */
	EXPECT(a3, 1)
	LOAD(ld, 0, 10)
	lr.w.aq a1, (s0)
	li a2, -5
	sc.w.rl a3, a2, (s0)
	EXPECT(a3, 0)
	LOAD(lw, 0, -5)

	/* Blocks of 64 bytes; hints. */
	la s0, page + 64
	li a1, -1
	sd a1, -8(s0)
	sd a1, 0(s0)
	sd a1, 56(s0)
	sd a1, 64(s0)
	addi a2, s0, 13
	cbo.zero (a2)
	LOAD(ld, -8, -1)
	LOAD(ld, 0, 0)
	LOAD(ld, 56, 0)
	LOAD(ld, 64, -1)
	cbo.clean (s0)
	cbo.flush (s0)
	prefetch.i 32(zero)
	prefetch.r 0(zero)
	prefetch.w -2048(zero)
	fence rw, rw
	fence w, r
	fence.tso
	sfence.w.inval
	sfence.inval.ir
	sinval.vma a1, a2
	EXPECT(zero, 0)
	PASS

	.balign 4096
far:
	li s1, 77
	jr t0
	.balign 4096
far_ra:
	ret

	.balign 16
data:
	.dword PAT, 0xfffefdfcfbfaf9fe
	.balign 4096
page:
	.space 4096
