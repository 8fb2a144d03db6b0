/* SPDX-License-Identifier: MIT */
/*
 * A program that knows of no board: it prints and ends by HTIF alone. Every answer is compared; the
 * status is STATUS when all are right, else the number of the first that is not.
 */
#ifndef STATUS
#define STATUS 42
#endif
#define REPEAT 2000 /* of a line: more than the console takes at once */

	/* Calls number `a1` with the arguments a2 to a4 and expects `result`. */
	.macro	call number, result
	li	a1, \number
	li	s1, \result
	jal	system_call
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	csrr	t0, mhartid
	bnez	t0, park
	la	s0, block
	li	s2, 0		/* the check's number */

	la	s3, greeting	/* one character after the other */
1:	lbu	t0, 0(s3)
	beqz	t0, 2f
	li	t1, 0x0101 << 48
	or	a0, t0, t1
	jal	to_host
	addi	s3, s3, 1
	j	1b

2:	li	a2, 1
	la	a3, lines
	la	a4, lines_end
	sub	a4, a4, a3
	mv	s4, a4
	li	a1, 64
	mv	s1, s4
	jal	system_call
	li	a2, 2
	la	a3, last
	li	a4, 5
	call	64, 5
	li	a2, 1
	li	a4, 0
	call	64, 0		/* nothing */
	li	a2, 3
	call	64, -9		/* no such descriptor: EBADF */
	li	a2, 1
	li	a3, 0x1000
	li	a4, 1
	call	64, -14		/* no memory there: EFAULT */
	la	a3, last
	li	a4, -1
	call	64, -14
	call	1234, -38	/* no such call: ENOSYS */
	li	a0, 0x0202 << 48	/* no such device: nothing happens */
	jal	to_host
	li	s2, STATUS
finish:
	slli	a0, s2, 1
	ori	a0, a0, 1
	jal	to_host
park:	wfi
	j	park

/* a0 is the command; returns when it has been taken. */
to_host:
	la	t0, tohost
	fence
	sd	a0, 0(t0)
1:	ld	t1, 0(t0)
	bnez	t1, 1b
	ret

/* a1: number, a2 to a4: arguments, s1: the result that is right. */
system_call:
	mv	s5, ra
	addi	s2, s2, 1
	sd	a1, 0(s0)
	sd	a2, 8(s0)
	sd	a3, 16(s0)
	sd	a4, 24(s0)
	mv	a0, s0
	jal	to_host
	la	t0, fromhost
1:	ld	t1, 0(t0)
	beqz	t1, 1b
	sd	zero, 0(t0)
	fence
	ld	t0, 0(s0)
	bne	t0, s1, finish
	jr	s5

	.section .rodata
greeting:
	.asciz	"by character\n"
last:	.ascii	"last\n"
lines:
	.rept	REPEAT
	.ascii	"a line by write\n"
	.endr
lines_end:

	.data
	.balign	8
	.globl	tohost, fromhost
tohost:
	.dword	0
fromhost:
	.dword	0
block:	.zero	64
