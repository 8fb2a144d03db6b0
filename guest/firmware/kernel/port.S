/* SPDX-License-Identifier: MIT */
/*
 * Contexts of the hart. A thread changes to another by calling rt_port_switch(), which saves what a
 * call preserves. An interrupt saves what a call may destroy on the thread's stack, does its work
 * on a stack of its own, and calls rt_schedule() as if the thread had called it: if that switches,
 * the rest of the interrupt's exit waits until the thread goes on.
 *
 * Floating-point registers are saved only if the thread has written one since it began: mstatus.FS
 * is Initial until then, and bit 14 of mstatus says that it is more.
 */
#define FS_USED 0x4000

	.macro	each_saved op
	\op	ra, 8(sp)
	\op	s0, 16(sp)
	\op	s1, 24(sp)
	\op	s2, 32(sp)
	\op	s3, 40(sp)
	\op	s4, 48(sp)
	\op	s5, 56(sp)
	\op	s6, 64(sp)
	\op	s7, 72(sp)
	\op	s8, 80(sp)
	\op	s9, 88(sp)
	\op	s10, 96(sp)
	\op	s11, 104(sp)
	.endm

	.macro	each_saved_float op
	\op	fs0, 120(sp)
	\op	fs1, 128(sp)
	\op	fs2, 136(sp)
	\op	fs3, 144(sp)
	\op	fs4, 152(sp)
	\op	fs5, 160(sp)
	\op	fs6, 168(sp)
	\op	fs7, 176(sp)
	\op	fs8, 184(sp)
	\op	fs9, 192(sp)
	\op	fs10, 200(sp)
	\op	fs11, 208(sp)
	.endm

#define CONTEXT 224 /* mstatus, each_saved, fcsr, each_saved_float */

	.text
	.globl	rt_port_switch
rt_port_switch:
	addi	sp, sp, -CONTEXT
	csrr	t0, mstatus
	sd	t0, 0(sp)
	each_saved sd
	li	t1, FS_USED
	and	t2, t0, t1
	beqz	t2, 1f
	frcsr	t2
	sd	t2, 112(sp)
	each_saved_float fsd
1:	sd	sp, 0(a0)
	mv	sp, a1
	ld	t0, 0(sp)
	and	t2, t0, t1
	li	t1, 0
	beqz	t2, 2f
	each_saved_float fld
	ld	t1, 112(sp)
2:	fscsr	t1
	csrw	mstatus, t0
	each_saved ld
	addi	sp, sp, CONTEXT
	ret

	/* Where a new thread begins: rt_port_context() makes rt_port_switch() return to here. */
	.globl	rt_port_begin
rt_port_begin:
	csrsi	mstatus, 8
	call	rt_thread_begin

	.macro	each_destroyed op
	\op	ra, 16(sp)
	\op	t0, 24(sp)
	\op	t1, 32(sp)
	\op	t2, 40(sp)
	\op	t3, 48(sp)
	\op	t4, 56(sp)
	\op	t5, 64(sp)
	\op	t6, 72(sp)
	\op	a0, 80(sp)
	\op	a1, 88(sp)
	\op	a2, 96(sp)
	\op	a3, 104(sp)
	\op	a4, 112(sp)
	\op	a5, 120(sp)
	\op	a6, 128(sp)
	\op	a7, 136(sp)
	\op	s0, 144(sp)
	.endm

	.macro	each_destroyed_float op
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

#define FRAME 320 /* mstatus, mepc, each_destroyed (with s0), fcsr, each_destroyed_float */

	.balign	256
	.globl	rt_port_trap
rt_port_trap:
	addi	sp, sp, -FRAME
	each_destroyed sd
	csrr	t0, mstatus
	csrr	t1, mepc
	sd	t0, 0(sp)
	sd	t1, 8(sp)
	li	t2, FS_USED
	and	t0, t0, t2
	beqz	t0, 1f
	frcsr	t0
	sd	t0, 152(sp)
	each_destroyed_float fsd
1:	csrr	a0, mcause
	mv	s0, sp
	la	sp, rt_port_stack_end
	bgez	a0, 3f
	slli	a0, a0, 1	/* without the highest bit */
	srli	a0, a0, 1
	call	rt_interrupt
	mv	sp, s0
	call	rt_schedule
	ld	t0, 0(sp)
	ld	t1, 8(sp)
	li	t2, FS_USED
	and	t2, t0, t2
	beqz	t2, 2f
	each_destroyed_float fld
	ld	t2, 152(sp)
	fscsr	t2
2:	csrw	mstatus, t0
	csrw	mepc, t1
	each_destroyed ld
	addi	sp, sp, FRAME
	mret
3:	csrr	a1, mepc
	csrr	a2, mtval
	call	board_fault

	.bss
	.balign	16
	.space	4096
rt_port_stack_end:
