/* SPDX-License-Identifier: MIT */
/*
 * What a kernel does with sstatus, and system calls, often enough to be compiled. M mode watches:
 * what traps to it ends a part.
 */
#include "check.inc"

#define ROUNDS  30000
#define PROGRAM 0x40000000 /* RAM for U mode */
#define CODE    0xc0000000 /* RAM to be executed only */
#define MODE_U  0
#define MODE_S  (1 << 11)
#define SIE     2
#define FS      0x6000
#define SUM     (1 << 18)
#define MXR     (1 << 19)
#define LEAF(f) ((0x80000000 >> 2) | (f))

/* Executes `at` in that mode, until a trap, whose cause is in s8 and whose pc is in s7. */
#define RUN(mode, at)     \
	la t0, at;        \
	RUN_AT(mode)
#define RUN_AT(mode)      \
	csrw mepc, t0;    \
	li t0, mode;      \
	csrw mstatus, t0; \
	la s11, 8f;       \
	li s2, ROUNDS;    \
	li s3, 0;         \
	li s4, 0;         \
	mret;             \
	.balign 4;        \
8:
#define EXPECT_AT(label) \
	la t0, label;    \
	sub a3, s7, t0;  \
	EXPECT(a3, 0)

_start:
	la t0, handler
	csrw mtvec, t0
	ALL_MEMORY
	li t0, 1 << 8
	csrw medeleg, t0
	la t1, root
	li t0, LEAF(0xdf)
	sd t0, 8(t1)
	li t0, LEAF(0xcf)
	sd t0, 16(t1)
	li t0, LEAF(0xc9)
	sd t0, 24(t1)
	srli s1, t1, 12
	li t0, 8 << 60
	or s1, s1, t0
	csrw satp, s1
	sfence.vma
	la t0, data
	li t1, PROGRAM - 0x80000000
	add s5, t0, t1
	li t1, CODE - 0x80000000
	add s6, t0, t1
	li t2, SUM
	li t3, MXR
	li t4, FS
	li t5, 1 << 44 /* ASID 1 */

	RUN(MODE_S, user_access)
	EXPECT(s8, 13)
	EXPECT_AT(no_access)
	EXPECT(s3, 3 * ROUNDS)
	EXPECT(s4, 2 * ROUNDS)
	RUN(MODE_S, contexts_change)
	EXPECT(s8, 13)
	EXPECT_AT(no_access_again)
	EXPECT(s3, 2 * ROUNDS)
	csrw satp, s1
	RUN(MODE_S, executable)
	EXPECT(s8, 13)
	EXPECT_AT(not_readable)
	EXPECT(s3, 2 * ROUNDS)
	RUN(MODE_S, floating_point)
	EXPECT(s8, 2)
	EXPECT_AT(fp_off)
	EXPECT(s3, ROUNDS)
	EXPECT(s4, -ROUNDS)
	RUN(MODE_S, interrupts)
	EXPECT(s8, 9)
	EXPECT(s3, ROUNDS)
	EXPECT(s4, ROUNDS)

	/* System calls, from which the kernel returns with and without SUM. */
	la t0, system_call
	csrw stvec, t0
	li t0, 77
	csrw sscratch, t0
	la t0, program
	li t1, PROGRAM - 0x80000000
	add t0, t0, t1
	RUN_AT(MODE_U)
	EXPECT(s8, 3)
	EXPECT(s3, ROUNDS)
	EXPECT(s4, ROUNDS)
	EXPECT(s9, 8)
	csrr a3, sscratch
	EXPECT(a3, 77)
	csrr a3, mstatus
	li t0, 3 << 11
	and a3, a3, t0
	EXPECT(a3, 0)
	/* M mode may change what S mode may see, and sees all. */
	li s2, 1000
1:	csrs sstatus, t2
	ld a5, data
	csrc sstatus, t2
	addi s2, s2, -1
	bnez s2, 1b
	EXPECT(a5, 1)
	PASS

	.balign 4
handler:
	csrr s8, mcause
	csrr s7, mepc
	jr s11

user_access:
	csrs sstatus, t2
	ld a5, 0(s5)
	add s3, s3, a5
	csrc sstatus, t2
	csrrs a5, sstatus, t2 /* was clear */
	and a5, a5, t2
	add s4, s4, a5
	ld a5, 0(s5)
	add s3, s3, a5
	csrrc a5, sstatus, t2 /* was set */
	srli a5, a5, 18
	andi a5, a5, 1
	add s4, s4, a5
	or a6, a5, t2
	csrw sstatus, t2
	ld a5, 0(s5)
	add s3, s3, a5
	csrrw a5, sstatus, zero /* was set */
	srli a5, a5, 18
	andi a5, a5, 1
	add s4, s4, a5
	addi s2, s2, -1
	bnez s2, user_access
no_access:
	ld a5, 0(s5)

contexts_change:
	sfence.vma
	csrs sstatus, t2
	ld a5, 0(s5)
	add s3, s3, a5
	csrc sstatus, t2
	xor s1, s1, t5
	csrw satp, s1
	csrs sstatus, t2
	ld a5, 0(s5)
	add s3, s3, a5
	csrc sstatus, t2
	addi s2, s2, -1
	bnez s2, contexts_change
no_access_again:
	ld a5, 0(s5)

executable:
	csrs sstatus, t3
	csrs sstatus, t2
	ld a5, 0(s6)
	add s3, s3, a5
	csrc sstatus, t2
	ld a5, 0(s6)
	add s3, s3, a5
	csrc sstatus, t3
	addi s2, s2, -1
	bnez s2, executable
	csrs sstatus, t2
	csrc sstatus, t2
not_readable:
	ld a5, 0(s6)

floating_point:
	csrs sstatus, t4
	fmv.d.x fa0, s3
	li a5, 1
	fcvt.d.l fa1, a5
	fadd.d fa1, fa1, fa1
	fcvt.l.d a5, fa1
	srli a5, a5, 1
	add s3, s3, a5
	csrrc a5, sstatus, t4 /* was dirty: SD is set */
	srai a5, a5, 63
	add s4, s4, a5
	addi s2, s2, -1
	bnez s2, floating_point
fp_off:
	fadd.d fa1, fa1, fa1

interrupts:
	csrsi sstatus, SIE
	csrrci a5, sstatus, SIE
	srli a6, a5, 1
	andi a6, a6, 1
	add s3, s3, a6
	csrs sstatus, a5
	csrrsi a5, sstatus, SIE
	srli a5, a5, 1
	andi a5, a5, 1
	add s4, s4, a5
	csrci sstatus, SIE
	addi s2, s2, -1
	bnez s2, interrupts
	ecall

	.balign 4
system_call:
	csrrw a6, sscratch, s4
	csrr s9, scause
	csrr t0, sepc
	addi t0, t0, 4
	csrw sepc, t0
	csrs sstatus, t2
	ld a5, 0(s5)
	add s4, s4, a5
	andi a5, s4, 1
	beqz a5, 1f
	csrc sstatus, t2
1:	csrw sscratch, a6
	sret

program:
	ecall
	ld a5, 0(s5)
	add s3, s3, a5
	addi s2, s2, -1
	bnez s2, program
	ebreak

	.balign 4096
data:
	.dword 1
	.balign 4096
root:
	.space 4096
