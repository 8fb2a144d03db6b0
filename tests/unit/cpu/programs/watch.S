/* SPDX-License-Identifier: MIT */
/* Blocks of several kinds, for those who look at compiled code: each part runs a few times. */
	.option nopic
	.globl _start
	.option norelax
_start:
	li	s0, 3
	la	sp, words + 0x1000
again:
	la	a0, words
	li	a1, 4
	jal	ra, sum
	jal	ra, frame
	jal	ra, mixed
	jal	ra, across
	addi	s0, s0, -1
	bnez	s0, again
	la	a0, across + 6
	li	s1, 10
1:	jal	ra, border
	addi	s1, s1, -1
	bnez	s1, 1b
end:
	wfi
	j	end

	.balign 64
sum:	/* a loop with a load that is carried from round to round */
	li	a2, 0
1:	ld	a3, 0(a0)
	add	a2, a2, a3
	addi	a0, a0, 8
	addi	a1, a1, -1
	bnez	a1, 1b
	ret

	.balign 64
frame:	/* a group of accesses off the stack pointer */
	addi	sp, sp, -32
	sd	s0, 16(sp)
	sd	s1, 8(sp)
	ld	s1, 8(sp)
	ld	s0, 16(sp)
	addi	sp, sp, 32
	ret

	.balign 64
mixed:	/* what is compiled, what is called in C */
	xor	a4, a4, a5
	sltu	a5, a4, a3
	amoadd.d a5, a4, (sp)
	fence.i
	ret

	.balign 64
border:	/* a group that is never in one page: it is compiled again without */
	ld	a3, -8(a0)
	ld	a4, 0(a0)
	ret

	.balign 64
words:	.dword	1, 2, 3, 4

	.balign 4096
	.skip	4096 - 6
across:	/* an instruction of two pages: no jump within the page leads to it */
	xori	a5, a5, -1
	xori	a5, a5, -1
	ret
