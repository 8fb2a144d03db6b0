/* SPDX-License-Identifier: MIT */
/*
 * Where code comes from: code that is overwritten, instructions that cross into a page which lies
 * elsewhere, address spaces with different code at one address.
 */
#include "check.inc"

#define ADDI_A5(imm) (0x00078793 | (imm) << 20) /* addi a5, a5, imm */
#define RET          0x8082
#define LEAF         0xcf /* V R W X A D */
#define VA           0x10000

/* The entry `slot` of a table: a page of the program. */
#define MAP(table, slot, page, flags) \
	la t0, table;                 \
	la t1, page;                  \
	srli t1, t1, 2;               \
	addi t1, t1, flags;           \
	sd t1, 8 * (slot)(t0)

#define SATP(root, asid)          \
	la t0, root;              \
	srli t0, t0, 12;          \
	li t1, (8 << 60) | ((asid) << 44); \
	or t0, t0, t1;            \
	csrw satp, t0

/* a5 = 0, call what is at va, expect a5. */
#define CALL(va, want)  \
	li a5, 0;       \
	li t2, va;      \
	jalr t2;        \
	mv a3, a5;      \
	EXPECT(a3, want)

/* The same n times, often enough to be compiled; expects the sum. */
#define CALLS(n, va, want)   \
	li a5, 0;            \
	li s4, n;            \
20:	li t2, va;           \
	jalr t2;             \
	addi s4, s4, -1;     \
	bnez s4, 20b;        \
	mv a3, a5;           \
	EXPECT(a3, want)

_start:
	/* A routine elsewhere is rewritten again and again. */
	la s0, page_a
	li s1, 100
	li s2, 0
1:	slli t0, s1, 20
	li t1, 0x00078793
	or t0, t0, t1
	sw t0, 0(s0)
	li t0, RET
	sh t0, 4(s0)
	fence.i
	li a5, 0
	jalr s0
	bne a5, s1, 2f
	addi s1, s1, -1
	bnez s1, 1b
2:	mv a3, s1
	EXPECT(a3, 0)

	/* The instruction right behind the fence.i, in a loop that runs over it each time. */
	li s1, 5
	li a5, 0
	la s0, 4f
3:	slli t0, s1, 20
	li t1, 0x00078793
	or t0, t0, t1
	sw t0, 0(s0)
	fence.i
	.balign 4
	.option push
	.option norvc
4:	addi a5, a5, 0
	.option pop
	addi s1, s1, -1
	bnez s1, 3b
	mv a3, a5
	EXPECT(a3, 15)

	/* Address space 1: VA is page_a, VA + 4096 is page_b. Address space 2 has page_c there. The
	 * program itself is at its own address in both. */
	la t0, handler
	csrw mtvec, t0
	MAP(root1, 0, mid1, 1)
	MAP(mid1, 0, low1, 1)
	MAP(low1, VA >> 12, page_a, LEAF)
	MAP(low1, (VA >> 12) + 1, page_b, LEAF)
	MAP(root2, 0, mid2, 1)
	MAP(mid2, 0, low2, 1)
	MAP(low2, VA >> 12, page_a, LEAF)
	MAP(low2, (VA >> 12) + 1, page_c, LEAF)
	la t0, root1
	li t1, 0x20000000 | LEAF /* 1 GiB at 0x80000000 */
	sd t1, 16(t0)
	la t0, root2
	sd t1, 16(t0)
	ALL_MEMORY
	SATP(root1, 1)
	li t0, 1 << 11 /* MPP = S */
	csrw mstatus, t0
	la t0, 5f
	csrw mepc, t0
	mret
5:
	/* The instruction's first half is the last of page_a, the second the first of page_b. */
	la s0, page_a
	la s1, page_b
	la s2, page_c
	li t0, 4094
	add s3, s0, t0
	li t0, ADDI_A5(1) & 0xffff
	sh t0, 0(s3)
	li t0, ADDI_A5(1) >> 16
	sh t0, 0(s1)
	li t0, RET
	sh t0, 2(s1)
	li t0, ADDI_A5(2) >> 16
	sh t0, 0(s2)
	li t0, RET
	sh t0, 2(s2)
	fence.i
	CALL(VA + 4094, 1)
	CALL(VA + 4094, 1)
	SATP(root2, 2)
	CALL(VA + 4094, 2)
	CALL(VA + 4096 + 2, 0)
	SATP(root1, 1)
	CALL(VA + 4094, 1)

	/* Either half may be overwritten. */
	li t0, ADDI_A5(3) >> 16
	sh t0, 0(s1)
	fence.i
	CALL(VA + 4094, 3)
	li t0, 0x0793 /* addi a5, x0, 3 */
	sh t0, 0(s3)
	li t0, 0x0030
	sh t0, 0(s1)
	fence.i
	li a5, 9
	CALL(VA + 4094, 3)
	li t0, ADDI_A5(3) & 0xffff
	sh t0, 0(s3)
	li t0, ADDI_A5(3) >> 16
	sh t0, 0(s1)
	fence.i
	CALL(VA + 4094, 3)

	/* Another page behind it, with an sfence.vma that names just that page. */
	MAP(low1, (VA >> 12) + 1, page_c, LEAF)
	li t0, VA + 4096
	li t1, 1
	sfence.vma t0, t1
	CALL(VA + 4094, 2)
	MAP(low1, (VA >> 12) + 1, page_b, LEAF)
	sfence.vma
	CALL(VA + 4094, 3)

	/* No page behind it: mepc is the instruction, mtval its second half. */
	la t0, low1
	sd zero, 8 * ((VA >> 12) + 1)(t0)
	li t0, VA + 4096
	sfence.vma t0
	li s10, 0
	la s11, 6f
	li t2, VA + 4094
	jr t2
6:	EXPECT(s8, 12)
	EXPECT(s9, VA + 4096)
	EXPECT(s7, VA + 4094)
	/* And none at all. */
	la t0, low1
	sd zero, 8 * (VA >> 12)(t0)
	li t0, VA
	sfence.vma t0
	la s11, 7f
	li t2, VA + 4094
	jr t2
7:	EXPECT(s8, 12)
	EXPECT(s9, VA + 4094)
	/* Running off the end of a page. */
	MAP(low1, VA >> 12, page_d, LEAF)
	sfence.vma
	la s11, 8f
	li a5, 0
	li t2, VA + 4088
	jr t2
8:	EXPECT(s8, 12)
	EXPECT(s9, VA + 4096)
	EXPECT(s7, VA + 4096)
	mv a3, a5
	EXPECT(a3, 2)

	/* A page without X. */
	MAP(low1, VA >> 12, page_a, LEAF - 8)
	sfence.vma
	la s11, 9f
	li t2, VA
	jr t2
9:	EXPECT(s8, 12)
	EXPECT(s9, VA)

	/* Two addresses of one page: what is decoded at one is executed at the other, with pcs of
	 * its own. */
	MAP(low1, VA >> 12, page_e, LEAF)
	MAP(low1, (VA >> 12) + 5, page_e, LEAF)
	sfence.vma
	CALL(VA, VA)
	CALL(VA + 5 * 4096, VA + 5 * 4096)
	CALL(VA, VA)

	/* A jump from one page to the next, which becomes another one again and again: with an
	 * sfence.vma, by another address space, by being overwritten, by going away. */
	MAP(low1, VA >> 12, page_a, LEAF)
	MAP(low1, (VA >> 12) + 1, page_b, LEAF)
	sfence.vma
	li t0, ADDI_A5(1)
	sw t0, 0x100(s0)
	li t0, 0x0fc0106f /* j +0x10fc */
	sw t0, 0x104(s0)
	li t0, ADDI_A5(2)
	sw t0, 0x200(s1)
	li t0, ADDI_A5(4)
	sw t0, 0x200(s2)
	li t0, RET
	sh t0, 0x204(s1)
	sh t0, 0x204(s2)
	fence.i
	CALLS(200, VA + 0x100, 600)
	MAP(low1, (VA >> 12) + 1, page_c, LEAF)
	li t0, VA + 4096
	sfence.vma t0
	CALLS(200, VA + 0x100, 1000)
	MAP(low1, (VA >> 12) + 1, page_b, LEAF)
	sfence.vma
	CALLS(200, VA + 0x100, 600)
	SATP(root2, 2)
	CALLS(200, VA + 0x100, 1000)
	SATP(root1, 1)
	CALLS(200, VA + 0x100, 600)
	li t0, ADDI_A5(6)
	sw t0, 0x200(s1)
	fence.i
	CALLS(200, VA + 0x100, 1400)
	la t0, low1
	sd zero, 8 * ((VA >> 12) + 1)(t0)
	li t0, VA + 4096
	sfence.vma t0
	la s11, 10f
	CALLS(1, VA + 0x100, 0)
10:	EXPECT(s8, 12)
	EXPECT(s7, VA + 4096 + 0x200)
	ecall /* to M mode: pass */

	.balign 4
handler:
	csrr s8, mcause
	addi s9, s8, -9
	beqz s9, pass
	csrr s9, mtval
	csrr s7, mepc
	csrw mepc, s11
	mret
pass:
	PASS

	.balign 4096
root1:	.space 4096
mid1:	.space 4096
low1:	.space 4096
root2:	.space 4096
mid2:	.space 4096
low2:	.space 4096
page_a:	.space 4096
page_b:	.space 4096
page_c:	.space 4096
page_d:	.space 4088
	.option push
	.option norvc
	addi a5, a5, 1
	addi a5, a5, 1
page_e:
	auipc a5, 0
	beq zero, zero, 1f
	addi a5, a5, 1
1:	ret
	.option pop
	.balign 4096
