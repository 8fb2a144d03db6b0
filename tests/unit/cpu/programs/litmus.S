/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests of the memory model (unprivileged specification, chapter 17): what each hart does in
 * one. a0 = hart's number, a1 = test (the order below), a2 = rounds of one batch, a3 = batches.
 *
 * A batch works on as many separate places as it has rounds, so that harts meet only before and after
 * it, and drift against each other in between. Of a round the place at s2 holds x, and on another line
 * y; results go to s3, 32 bytes a round: two doublewords for each of two readers. Between batches hart 0
 * leaves the rest to the test by ecall a7 = 1. In the end ecall a7 = 0.
 */
	.option nopic
	.equ LINE, 128 /* of a round: x at 0, y at 64 */
	.equ RESULT, 32

	.macro op, name
	.balign 4
\name:
	.endm
	/* Rounds of a test and a hart: `body`, with x at 0(s2), y at 64(s2), 1 in s5. */
	.macro rounds, body
1:	\body
	addi	s2, s2, LINE
	addi	s3, s3, RESULT
	addi	s4, s4, -1
	bnez	s4, 1b
	j	done
	.endm

	.globl _start
_start:
	mv	s0, a0
	mv	s1, a2
	mv	s6, a3
	li	s5, 1
	la	s7, table
	slli	t0, a1, 5
	add	s7, s7, t0
	slli	t0, s0, 3
	add	s7, s7, t0
	ld	s7, (s7)
batch:
	jal	ra, meet
	li	s2, 0x80400000
	li	s3, 0x83000000
	mv	s4, s1
	jr	s7
done:
	jal	ra, meet
	bnez	s0, 2f
	li	a7, 1
	ecall
2:	addi	s6, s6, -1
	bnez	s6, batch
	li	a7, 0
	ecall
	j	.

/* Until all harts are here: `wanted` is set by the test. The number of the meeting is in t3. */
meet:
	fence	rw, rw
	la	t0, arrived
	amoadd.d.aqrl t1, s5, (t0)
	ld	t2, 8(t0)
	addi	s8, s8, 1
	mul	t2, t2, s8
3:	ld	t1, (t0)
	blt	t1, t2, 3b
	fence	rw, rw
	ret

/* Message passing: y = 1 is seen, x = 1 is not. */
op mp0
	rounds "sd s5, 0(s2); fence w, w; sd s5, 64(s2)"
op mp1
	rounds "ld t0, 64(s2); fence r, r; ld t1, 0(s2); sd t0, 0(s3); sd t1, 8(s3)"
/* The same by release and acquire. */
op mpa0
	rounds "sd s5, 0(s2); addi t2, s2, 64; amoswap.d.rl zero, s5, (t2)"
op mpa1
	rounds "addi t2, s2, 64; lr.d.aq t0, (t2); ld t1, 0(s2); sd t0, 0(s3); sd t1, 8(s3)"
/* Store buffering: neither sees the other's store. */
op sb0
	rounds "sd s5, 0(s2); fence rw, rw; ld t0, 64(s2); sd t0, 0(s3)"
op sb1
	rounds "sd s5, 64(s2); fence rw, rw; ld t0, 0(s2); sd t0, 8(s3)"
/* The same with stores by AMO and by sc, that order all around them. */
op sba0
	rounds "amoswap.d.aqrl zero, s5, (s2); ld t0, 64(s2); sd t0, 0(s3)"
op sba1
	rounds "addi t2, s2, 64; 4: lr.d.aqrl t0, (t2); sc.d.aqrl t0, s5, (t2); bnez t0, 4b; lr.d.aqrl t0, (s2); sd t0, 8(s3)"
/* Without fences: allowed, and what shows that the tests can see it. */
op sbn0
	rounds "sd s5, 0(s2); ld t0, 64(s2); sd t0, 0(s3)"
op sbn1
	rounds "sd s5, 64(s2); ld t0, 0(s2); sd t0, 8(s3)"
/* Load buffering: each sees what the other stores afterwards. */
op lb0
	rounds "ld t0, 0(s2); fence r, w; sd s5, 64(s2); sd t0, 0(s3)"
op lb1
	rounds "ld t0, 64(s2); fence r, w; sd s5, 0(s2); sd t0, 8(s3)"
/* Independent reads of independent writes: the two readers see them in different orders. */
op iriw0
	rounds "sd s5, 0(s2)"
op iriw1
	rounds "sd s5, 64(s2)"
op iriw2
	rounds "ld t0, 0(s2); fence rw, rw; ld t1, 64(s2); sd t0, 0(s3); sd t1, 8(s3)"
op iriw3
	rounds "ld t0, 64(s2); fence rw, rw; ld t1, 0(s2); sd t0, 16(s3); sd t1, 24(s3)"
/* The same by AMOs. */
op iriwa0
	rounds "amoadd.d.rl zero, s5, (s2)"
op iriwa1
	rounds "addi t2, s2, 64; amoadd.d.rl zero, s5, (t2)"
op iriwa2
	rounds "lr.d.aqrl t0, (s2); addi t2, s2, 64; lr.d.aqrl t1, (t2); sd t0, 0(s3); sd t1, 8(s3)"
op iriwa3
	rounds "addi t2, s2, 64; lr.d.aqrl t0, (t2); lr.d.aqrl t1, (s2); sd t0, 16(s3); sd t1, 24(s3)"

	.balign 64
table:	.dword	mp0, mp1, 0, 0
	.dword	mpa0, mpa1, 0, 0
	.dword	sb0, sb1, 0, 0
	.dword	sba0, sba1, 0, 0
	.dword	sbn0, sbn1, 0, 0
	.dword	lb0, lb1, 0, 0
	.dword	iriw0, iriw1, iriw2, iriw3
	.dword	iriwa0, iriwa1, iriwa2, iriwa3
	.org	0x1000
arrived: .dword	0
	.org	0x1008
wanted:	.dword	0
