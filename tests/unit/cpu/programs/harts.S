/* SPDX-License-Identifier: MIT */
/*
 * Programs for several harts in S mode, a0 = hart id, a1 = argument; entries 16 bytes apart from the
 * start of RAM. They end with ecall a7 = 0, a0 = 0 or what went wrong. a7 = 1: fence.i on the other
 * harts, a7 = 2: sfence.vma on the other harts, a7 = 3: stop.
 */
#define END(value)   \
	li a7, 0;    \
	li a0, value; \
	ecall;       \
	j .
#define ENTRY(name)   \
	.balign 16;   \
	j name

	.option nopic
	.text
	.globl _start
_start:
	ENTRY(count)
	ENTRY(write_code)
	ENTRY(run_code)
	ENTRY(fences)
	ENTRY(wait_interrupts)
	ENTRY(stop_at_once)
	ENTRY(spin)
	ENTRY(exchange)
	ENTRY(exchange_back)

/* Until all harts are here: `wanted` is set by the test. */
#define MEET                     \
	la t0, ready;            \
	li t1, 1;                \
	amoadd.d zero, t1, (t0); \
	ld t2, 8(t0);            \
9:	ld t1, (t0);             \
	blt t1, t2, 9b

/* a1 times: three counters, by LR/SC, by AMO, and plain under a lock. */
count:
	MEET
	la s0, counters
1:	lr.d t0, (s0)
	addi t0, t0, 1
	sc.d t1, t0, (s0)
	bnez t1, 1b
	addi t2, s0, 8
	li t1, 1
	amoadd.w zero, t1, (t2)
	addi t2, s0, 16
2:	amoswap.w.aq t0, t1, (t2)
	bnez t0, 2b
	ld t0, 24(s0)
	addi t0, t0, 1
	sd t0, 24(s0)
	amoswap.w.rl zero, zero, (t2)
	addi a1, a1, -1
	bnez a1, 1b
	END(0)

/* Makes `routine` give 1, 2, ... a1; after each, once the other harts have done their fence.i, the
 * number is published. */
write_code:
	MEET
	la s0, routine
	la s1, published
	li s2, 0
1:	addi s2, s2, 1
	slli t0, s2, 20
	li t1, 0x00000793 /* addi a5, x0, n */
	or t0, t0, t1
	sw t0, 0(s0)
	li a7, 1
	ecall
	fence rw, w
	sd s2, 0(s1)
	bne s2, a1, 1b
	END(0)

/* Calls routine until a1 is published; it must never give less than what was published before. */
run_code:
	MEET
	la s0, routine
	la s1, published
1:	ld s2, 0(s1)
	fence r, rw
	jalr s0
	blt a5, s2, 2f
	bne s2, a1, 1b
	END(0)
2:	END(1)

/* a1 times, with another hart that does the same the other way round: makes one routine give 1, 2,
 * ..., publishes the number, and calls the routine that the other one makes, once that has published
 * as much, after a fence.i of its own. It must not give less. */
exchange:
	la s0, routine
	la s1, published
	la s2, routine_back
	la s3, published_back
	j 1f
exchange_back:
	la s0, routine_back
	la s1, published_back
	la s2, routine
	la s3, published
1:	li s4, 0
2:	addi s4, s4, 1
	slli t0, s4, 20
	li t1, 0x00000793 /* addi a5, x0, n */
	or t0, t0, t1
	sw t0, 0(s0)
	fence rw, w
	sd s4, 0(s1)
	j 4f
3:	.word 0x0100000f /* pause */
4:	ld t0, 0(s3)
	blt t0, s4, 3b
	fence r, rw
	fence.i
	jalr s2
	blt a5, s4, 5f
	bne s4, a1, 2b
	END(0)
5:	li t0, 0x7fffffff /* for the other one not to wait */
	sd t0, 0(s1)
	END(1)

/* a1 times: a fence.i and an sfence.vma on all others, who do the same. */
fences:
	MEET
1:	li a7, 1
	ecall
	li a7, 2
	ecall
	addi a1, a1, -1
	bnez a1, 1b
	END(0)

/* Waits for a1 software interrupts, one after the other; each is acknowledged in `published`. */
wait_interrupts:
	la s1, published
	csrwi sie, 2
	li s2, 0
1:	wfi
	csrr t0, sip
	andi t0, t0, 2
	beqz t0, 1b
	csrci sip, 2
	addi s2, s2, 1
	sd s2, 0(s1)
	bne s2, a1, 1b
	END(0)

stop_at_once:
	la s1, published
	sd a1, 0(s1)
	li a7, 3
	ecall
	END(1)

spin:
	addi a0, a0, 1
	j spin

	.balign 4096
routine:
	.option push
	.option norvc
	li a5, 0
	ret
	.balign 4096
routine_back:
	li a5, 0
	ret
	.option pop
	.balign 4096
counters:
	.dword 0, 0, 0, 0
ready:
	.dword 0
wanted:
	.dword 0
	.balign 64
published:
	.dword 0
	.balign 64
published_back:
	.dword 0
	.balign 64
