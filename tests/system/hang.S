/* SPDX-License-Identifier: MIT */
/* Firmware for tests: what happens to a machine that does nothing of its own accord any more. Interrupts
 * are off after a reset. */
	.globl _start
_start:
#ifdef SLEEP
	wfi
#endif
	j _start
