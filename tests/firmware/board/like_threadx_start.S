/* SPDX-License-Identifier: MIT */
/* How real firmware begins, takes interrupts, and is idle. */
	.section .text.start, "ax"
	.globl	_start
_start:
	csrr	t0, mhartid
	bnez	t0, secondary
	csrw	mie, zero
	csrw	mip, zero
	la	t0, trap
	csrw	mtvec, t0
	li	t0, 0x30013
	csrs	0x7c2, t0
	li	t0, 0x7f
	csrs	0x7c1, t0
	li	t0, 0x610c
	csrs	0x7c5, t0
	li	t0, 0x2000
	csrs	mstatus, t0
	fscsr	zero
	la	sp, stack_end
	la	t0, board_bss
	la	t1, stack_begin
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b
	call	main
secondary:
	wfi
	j	secondary

	/* What a kernel without anything to do does: it looks at one word, with interrupts on. */
	.text
	.globl	idle_until
idle_until:
	csrsi	mstatus, 8
1:	lw	t0, 0(a0)
	beqz	t0, 1b
	ret

	.macro	each op
	\op	ra, 0(sp)
	\op	t0, 8(sp)
	\op	t1, 16(sp)
	\op	t2, 24(sp)
	\op	t3, 32(sp)
	\op	t4, 40(sp)
	\op	t5, 48(sp)
	\op	t6, 56(sp)
	\op	a0, 64(sp)
	\op	a1, 72(sp)
	\op	a2, 80(sp)
	\op	a3, 88(sp)
	\op	a4, 96(sp)
	\op	a5, 104(sp)
	\op	a6, 112(sp)
	\op	a7, 120(sp)
	.endm
	.macro	each_float op
	\op	ft0, 160(sp)
	\op	ft1, 168(sp)
	\op	ft2, 176(sp)
	\op	ft3, 184(sp)
	\op	ft4, 192(sp)
	\op	ft5, 200(sp)
	\op	ft6, 208(sp)
	\op	ft7, 216(sp)
	\op	ft8, 224(sp)
	\op	ft9, 232(sp)
	\op	ft10, 240(sp)
	\op	ft11, 248(sp)
	\op	fa0, 256(sp)
	\op	fa1, 264(sp)
	\op	fa2, 272(sp)
	\op	fa3, 280(sp)
	\op	fa4, 288(sp)
	\op	fa5, 296(sp)
	\op	fa6, 304(sp)
	\op	fa7, 312(sp)
	.endm

	.balign	256
trap:
	addi	sp, sp, -320
	each	sd
	each_float fsd
	csrr	t0, mepc
	sd	t0, 128(sp)
	frcsr	t0
	sd	t0, 136(sp)
	csrr	t0, mstatus
	sd	t0, 144(sp)
	csrr	a0, mcause
	call	interrupt
	ld	t0, 144(sp)
	csrw	mstatus, t0
	ld	t0, 136(sp)
	fscsr	t0
	ld	t0, 128(sp)
	csrw	mepc, t0
	each_float fld
	each	ld
	addi	sp, sp, 320
	mret

	.section .stack, "aw", @nobits
	.balign	16
stack_begin:
	.space	8192
stack_end:
