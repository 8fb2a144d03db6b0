/* SPDX-License-Identifier: MIT */
/* A kernel for tests, linked as ELF: writes "up" to SBI's debug console (SBI 2.0, chapter 12) and powers
 * off (chapter 10, SRST). */
	.globl _start
_start:
	li a0, 2
	lla a1, text
	li a2, 0
	li a7, 0x4442434e
	li a6, 0
	ecall
	li a0, 0
	li a1, 0
	li a7, 0x53525354
	li a6, 0
	ecall
1:	j 1b
text:
	.ascii "up\n"
