/* SPDX-License-Identifier: MIT */
/* Firmware for tests of --gdb: hart 0 counts five times in memory, takes a trap, prints "end" and powers
 * off; with REBOOT it starts the machine again instead, with LOOP it counts for ever. */
	.globl _start
_start:
	csrr	a0, mhartid
	la	t0, handler
	csrw	mtvec, t0
	csrw	mie, zero
common:
	bnez	a0, others
	li	s0, 5
	la	s1, counter
loop:
	ld	s2, 0(s1)
	addi	s2, s2, 1
stored:
	sd	s2, 0(s1)
	addi	s0, s0, -1
#ifdef LOOP
	j	loop
#endif
	bnez	s0, loop
trap:
	ecall
after:
	lui	t0, 0x10000		/* the serial port */
	li	t1, 'e'
	sb	t1, 0(t0)
	li	t1, 'n'
	sb	t1, 0(t0)
	li	t1, 'd'
	sb	t1, 0(t0)
	li	t1, '\n'
	sb	t1, 0(t0)
	lui	t0, 0x100		/* the power switch: poweroff or reset */
#ifdef REBOOT
	lui	t1, 7
	addi	t1, t1, 0x777
#else
	lui	t1, 5
	addi	t1, t1, 0x555
#endif
	sw	t1, 0(t0)
others:
	wfi
	j	others

	.balign 4
handler:
	csrr	t0, mepc
	addi	t0, t0, 4
	csrw	mepc, t0
	mret

	.data
	.balign 8
	.globl counter
	.type counter, @object
	.size counter, 8
counter:
	.dword	0
