/* SPDX-License-Identifier: MIT */
/* Fetches where a PMP region cuts a page: S mode without translation. */
#include "check.inc"

#define ALL_RWX  0x1f /* NAPOT */
#define EIGHT_RW 0x1b /* NAPOT, no X */

/* Goes to S mode at `to` and expects a trap with mepc = pc. */
#define RUN_S(to, cause, pc) \
	la t0, to;           \
	csrw mepc, t0;       \
	li t0, 1 << 11;      \
	csrw mstatus, t0;    \
	la s11, 8f;          \
	li a5, 0;            \
	mret;                \
	.balign 4;           \
8:	EXPECT(s8, cause)    \
	la a4, pc;           \
	sub a3, s7, a4;      \
	EXPECT(a3, 0)
#define TVAL(where)     \
	la a4, where;   \
	sub a3, s9, a4; \
	EXPECT(a3, 0)

_start:
	la t0, handler
	csrw mtvec, t0
	la t0, closed
	srli t0, t0, 2
	csrw pmpaddr0, t0
	li t0, -1
	csrw pmpaddr1, t0
	li t0, ALL_RWX << 8 | EIGHT_RW
	csrw pmpcfg0, t0

	RUN_S(before, 1, closed)
	TVAL(closed)
	EXPECT(a5, 7)
	RUN_S(before + 6, 1, before + 6)
	TVAL(closed)
	RUN_S(closed + 4, 1, closed + 4)
	TVAL(closed + 4)
	RUN_S(behind, 9, at_ecall)
	EXPECT(a5, 110) /* ten times round */

	/* In M mode the region does not bind; opened, it does not bind S mode either. */
	li a5, 0
	la t0, before
	la s11, 9f
	jr t0
9:	EXPECT(s8, 11)
	EXPECT(a5, 118)
	li t0, ALL_RWX << 8
	csrw pmpcfg0, t0
	RUN_S(before, 9, at_ecall)
	EXPECT(a5, 118)
	/* And closed again. */
	li t0, ALL_RWX << 8 | EIGHT_RW
	csrw pmpcfg0, t0
	RUN_S(before, 1, closed)
	PASS

	.balign 4
handler:
	csrr s8, mcause
	csrr s9, mtval
	csrr s7, mepc
	jr s11

	.balign 4096
	.option push
	.option norvc
before:
	addi a5, a5, 3
	addi a5, a5, 4 /* its second half looks like the first one of a long instruction */
closed:
	addi a5, a5, 1
	nop
behind:
	addi a5, a5, 11
	li a4, 110
	blt a5, a4, behind
at_ecall:
	ecall
	.option pop
	.balign 4096
