/* SPDX-License-Identifier: MIT */
/* From reset to main(): M mode, caches off, memory as the last firmware left it. */
	.section .text.start, "ax"
	.globl	_start
_start:
	csrr	t0, mhartid
	bnez	t0, park
	csrw	mie, zero
	csrw	mip, zero
	li	t0, 0x30013	/* mcor: what caches and predictors hold is void */
	csrs	0x7c2, t0
	li	t0, 0x7f	/* mhcr: all of them on */
	csrs	0x7c1, t0
	li	t0, 0x610c	/* mhint: prefetch */
	csrs	0x7c5, t0
	li	t0, 0x6000	/* mstatus.FS: Dirty, since that is what writing makes it, */
	csrs	mstatus, t0
	csrw	fcsr, zero
	li	t0, 0x4000	/* and Initial again */
	csrc	mstatus, t0
	la	sp, board_stack_end
	la	t0, board_bss
	la	t1, rt_image_end
1:	bgeu	t0, t1, 2f
	sd	zero, 0(t0)
	addi	t0, t0, 8
	j	1b
2:	call	main
park:	wfi
	j	park

	.section .stack, "aw", @nobits
	.balign	16
	.space	4096
board_stack_end:
