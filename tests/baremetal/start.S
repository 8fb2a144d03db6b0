/* SPDX-License-Identifier: MIT */
/*
 * Where every hart begins, the trap entries, and the way to a lower privilege and back.
 *
 * Each hart has 16 KiB: its stack from the top; at the bottom the frame of a trap to M mode (pc, x1
 * to x31, the vector's number, a spare word) and the stack of its handler, and 8 KiB above it the
 * same for S mode. mscratch and sscratch hold the addresses of these frames.
 */
#define HART_SIZE 0x4000
#define S_AREA    0x2000 /* the same for S mode, within the hart's area */

	.section .text.start, "ax"
	.globl _start
_start:
	csrr	t0, mhartid
	la	t1, hart_areas
	li	t2, HART_SIZE
	mul	t3, t0, t2
	add	t1, t1, t3
	csrw	mscratch, t1
	add	sp, t1, t2
	li	t2, S_AREA
	add	t1, t1, t2
	csrw	sscratch, t1
	li	t3, -1
	sd	t3, 256(t1)
	csrr	t2, mscratch
	sd	t3, 256(t2)
	la	t1, m_entry
	csrw	mtvec, t1
	la	t1, s_entry
	csrw	stvec, t1
	mv	a0, t0
	bnez	t0, 1f
	call	main
	call	finish
1:	call	other_hart
2:	wfi
	j	2b

/* All registers into the frame, `handler`(frame), and back. */
	.macro entry label, scratch, epc, handler, ret
	.balign	4
	.globl	\label
\label:
	csrrw	sp, \scratch, sp
	sd	x1, 8(sp)
	.irp r, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	sd	x\r, 8*\r(sp)
	.endr
	.irp r, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	sd	x\r, 8*\r(sp)
	.endr
	csrr	t0, \epc
	sd	t0, 0(sp)
	mv	s0, sp
	csrrw	t0, \scratch, sp
	sd	t0, 16(s0)
	li	t0, 0x1000
	mv	a0, sp
	add	sp, sp, t0
	call	\handler
	mv	sp, s0
	ld	t0, 0(sp)
	csrw	\epc, t0
	ld	x1, 8(sp)
	.irp r, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	ld	x\r, 8*\r(sp)
	.endr
	.irp r, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	x\r, 8*\r(sp)
	.endr
	ld	x2, 16(sp)
	\ret
	.endm

	.text
	entry	m_entry, mscratch, mepc, m_trap, mret
	entry	s_entry, sscratch, sepc, s_trap, sret

/* Vectors for mtvec and stvec: each notes its number in the hart's area before it goes on. */
	.macro vectors name, scratch, target
	.balign	256
	.globl	\name
\name:
	.option push
	.option norvc
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	j	\name\()_\n
	.endr
	.option pop
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
\name\()_\n:
	csrrw	sp, \scratch, sp
	sd	t0, 264(sp)
	li	t0, \n
	sd	t0, 256(sp)
	ld	t0, 264(sp)
	csrrw	sp, \scratch, sp
	j	\target
	.endr
	.endm

	vectors m_vectors, mscratch, m_entry
	vectors s_vectors, sscratch, s_entry

/* uint64_t enter_lower(pc, arg, stack): mret to pc (mstatus.MPP is set by the caller); returns in M
 * mode when the trap handler sends it to enter_resume. */
	.globl	enter_lower
enter_lower:
	la	t0, lower_context
	sd	ra, 0(t0)
	sd	sp, 8(t0)
	sd	s0, 16(t0)
	sd	s1, 24(t0)
	.irp r, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	sd	s\r, 16+8*\r(t0)
	.endr
	csrw	mepc, a0
	mv	sp, a2
	mv	a0, a1
	la	ra, lower_exit
	mret

	.globl	enter_resume
enter_resume:
	li	a7, 0
	la	t0, lower_context
	ld	ra, 0(t0)
	ld	sp, 8(t0)
	ld	s0, 16(t0)
	ld	s1, 24(t0)
	.irp r, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	ld	s\r, 16+8*\r(t0)
	.endr
	ret

/* Where a function that was entered with enter_lower() returns to. */
	.globl	lower_exit
lower_exit:
	li	a7, 0x777
	ecall

	.bss
	.balign	4096
	.globl	hart_areas
hart_areas:
	.space	8 * HART_SIZE
lower_context:
	.space	14 * 8
