/* SPDX-License-Identifier: MIT */
/*
 * What compiled code may remember of translations: a program runs long enough to be compiled well,
 * with an access alone, a group and a call to another page, or a loop through a page; then its pages
 * are others, or somebody else executes the same instructions.
 */
#include "check.inc"

#define ROUNDS  30000
#define DATA    0x40000000
#define FAR     0x40001000
#define WALK    0x40002000
#define STEP    64
#define ALIAS   0x40000000 /* from the program's pages to the same ones without U */
#define MODE_U  0
#define MODE_S  (1 << 11)
#define SUM     (1 << 18)
#define LEAF(f) ((RAM >> 2) | (f))
#define RAM     0x80000000
#define UXWR    0xdf /* with A, D and V */
#define XWR     0xcf
#define UWR     0xd7
#define UXR     0xdb

/* Executes in that mode from t0 on, until a trap, whose cause and pc are in s8 and s7. */
#define RUN(mode)              \
	csrw mepc, t0;         \
	li t0, mode;           \
	csrw mstatus, t0;      \
	la s11, 8f;            \
	li s3, 0;              \
	li s4, 0;              \
	mret;                  \
	.balign 4;             \
8:
#define PROGRAM(value)              \
	la t0, program;             \
	li s2, ROUNDS;              \
	RUN(MODE_U)                 \
	EXPECT(s8, 8)               \
	EXPECT(s3, ROUNDS * value)  \
	EXPECT(s4, ROUNDS * value)

/* Through the page at WALK, whose first dword is `value` and the others 0. */
#define WALKED(value)      \
	la t0, walk;       \
	li s2, ROUNDS;     \
	RUN(MODE_U)        \
	EXPECT(s8, 8)      \
	EXPECT(s3, ROUNDS * value)

/* The page table entry `pte` leads to `page`. */
#define MAP(pte, page, flags) \
	la t0, page;          \
	srli t0, t0, 2;       \
	ori t0, t0, flags;    \
	la t1, pte;           \
	sd t0, 0(t1)
/* How often the group has counted in that page. */
#define COUNTED(page, want) \
	la t0, page;        \
	ld a3, 16(t0);      \
	EXPECT(a3, want);   \
	ld a3, 24(t0);      \
	EXPECT(a3, want)

_start:
	la t0, handler
	csrw mtvec, t0
	ALL_MEMORY
	MAP(root + 8, middle, 1)
	MAP(middle, last, 1)
	la t1, root
	li t0, LEAF(UXWR)
	sd t0, 16(t1)
	li t0, LEAF(XWR)
	sd t0, 24(t1)
	MAP(last, data_1, UWR)
	MAP(last + 8, far_1, UXR)
	la t0, root
	srli t0, t0, 12
	li t1, 8 << 60
	or t0, t0, t1
	csrw satp, t0
	sfence.vma
	li s0, DATA
	li s1, FAR
	li s5, DATA

	/* The loop; with another page, and without any. */
	MAP(last + 16, data_1, UWR)
	sfence.vma
	li s6, WALK
	li s9, WALK + 32 * STEP
	WALKED(1)
	MAP(last + 16, data_2, UWR)
	sfence.vma s6
	WALKED(2)
	la t0, last
	sd zero, 16(t0)
	sfence.vma s6
	la t0, walk
	RUN(MODE_U)
	EXPECT(s8, 13)
	EXPECT(s3, 0)

	PROGRAM(1)
	COUNTED(data_1, ROUNDS)
	COUNTED(data_2, 0)

	/* Other pages, one after the other. */
	MAP(last, data_2, UWR)
	li t0, DATA
	sfence.vma t0
	MAP(last + 8, far_2, UXR)
	li t0, FAR
	sfence.vma t0
	PROGRAM(2)
	COUNTED(data_1, ROUNDS)
	COUNTED(data_2, ROUNDS)

	/* Back, and all is forgotten. */
	MAP(last, data_1, UWR)
	MAP(last + 8, far_1, UXR)
	sfence.vma
	PROGRAM(1)
	COUNTED(data_1, 2 * ROUNDS)
	COUNTED(data_2, ROUNDS)

	/* S mode gives the program another page, and then goes the same way, which it may not. */
	li t0, 1 << 8
	csrw medeleg, t0
	li t1, ALIAS
	la t0, supervisor
	add t0, t0, t1
	csrw stvec, t0
	la t0, program
	add a7, t0, t1
	la t0, last
	add s6, t0, t1
	la s9, data_2
	srli s9, s9, 2
	ori s9, s9, UWR
	la t0, program
	li s2, ROUNDS
	li s10, ROUNDS
	RUN(MODE_U)
	EXPECT(s8, 13)
	EXPECT(s3, 3 * ROUNDS)
	EXPECT(s4, 2 * ROUNDS)
	COUNTED(data_1, 3 * ROUNDS)
	COUNTED(data_2, 2 * ROUNDS)
	csrw medeleg, zero
	MAP(last, data_1, UWR)
	sfence.vma

	/* S mode may not read there, */
	la t0, program
	li t1, ALIAS
	add t0, t0, t1
	li s2, ROUNDS
	RUN(MODE_S)
	EXPECT(s8, 13)
	/* unless it says so; nor fetch. */
	la t0, program
	li t1, ALIAS
	add t0, t0, t1
	RUN(MODE_S | SUM)
	EXPECT(s8, 12)
	EXPECT(s3, 1)
	EXPECT(s4, 0)
	/* And M mode has no memory there. */
	la s11, 1f
	la t0, program
	li s3, 0
	jr t0
	.balign 4
1:	EXPECT(s8, 5)
	EXPECT(s3, 0)
	COUNTED(data_1, 3 * ROUNDS + 1)

	/* The page is read-only, */
	MAP(last, data_1, (UWR & ~4))
	li t0, DATA
	sfence.vma t0
	la t0, program
	li s2, ROUNDS
	RUN(MODE_U)
	EXPECT(s8, 15)
	EXPECT(s3, 1)
	COUNTED(data_1, 3 * ROUNDS + 1)
	/* and it is gone. */
	la t0, last
	sd zero, 0(t0)
	li t0, DATA
	sfence.vma t0
	la t0, program
	RUN(MODE_U)
	EXPECT(s8, 13)
	EXPECT(s3, 0)
	PASS

	.balign 4
handler:
	csrr s8, mcause
	csrr s7, mepc
	jr s11

program:
	ld a5, 0(s5)
	add s3, s3, a5
	ld a5, 16(s0)
	ld a6, 24(s0)
	addi a5, a5, 1
	addi a6, a6, 1
	sd a5, 16(s0)
	sd a6, 24(s0)
	jalr s1
	add s4, s4, a5
	addi s2, s2, -1
	bnez s2, program
	mv s2, s10
	li s10, 0
	ecall
	bnez s2, program
	ecall

walk:
	mv a4, s6
1:	ld a5, 0(a4)
	add s3, s3, a5
	addi a4, a4, STEP
	bne a4, s9, 1b
	addi s2, s2, -1
	bnez s2, walk
	ecall

	.balign 4
supervisor:
	beqz s2, 1f
	sd s9, 0(s6)
	sfence.vma s0
	csrr t0, sepc
	addi t0, t0, 4
	csrw sepc, t0
	sret
1:	jr a7

	.balign 4096
far_1:
	li a5, 1
	ret
	.balign 4096
far_2:
	li a5, 2
	ret
	.balign 4096
data_1:
	.dword 1, 0, 0, 0
	.space 4096 - 32
	.balign 4096
data_2:
	.dword 2, 0, 0, 0
	.space 4096 - 32
	.balign 4096
root:
	.space 4096
middle:
	.space 4096
last:
	.space 4096
