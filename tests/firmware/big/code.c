/* SPDX-License-Identifier: MIT */
/*
 * Code that one core writes and the other executes: a program is put into the small core's memory
 * through the cache, written back, and started; then a function of it is replaced while it runs,
 * which the small core is told by the mailbox' memory. LEFT_OUT says what is forgotten.
 */
#include <assert.h>
#include <string.h>

#include "big.h"
#include "guest/firmware/board/regs.h"

#define NOTHING 0
#define CLEAN   1 /* of the program */
#define REPLACE 2 /* of the function */
#define DROP    3 /* the small core's copies of code */

#define PLACE      0x8fe00000ul
#define FUNCTION   (PLACE + 0x100)
#define SAID       (MAILBOX_BASE + 0x400) /* by the small core: what the function returned */
#define REPLACED   (MAILBOX_BASE + 0x408)
#define SAID_AGAIN (MAILBOX_BASE + 0x40c)
#define LINE       64u

#if LEFT_OUT == DROP
#define FENCE "nop\n"
#else
#define FENCE "fence.i\n"
#endif

extern const uint8_t code_of_small[], code_of_small_end[], code_instead[];
__asm__(".section .rodata\n"
	".balign 8\n"
	"	.option push\n"
	"	.option norelax\n"
	"code_of_small:\n"
	"	li t0, 0x11\n"
	"	csrs 0x7c2, t0\n" /* mcor: no copies of code */
	"	li t0, 1\n"
	"	csrs 0x7c1, t0\n" /* mhcr: that cache is on */
	"	li s0, 0x01900400\n"
	"	jal code_function\n"
	"	sw a0, 0(s0)\n"
	"1:	lw t0, 8(s0)\n"
	"	beqz t0, 1b\n"
	"	" FENCE "	jal code_function\n"
	"	sw a0, 12(s0)\n"
	"2:	wfi\n"
	"	j 2b\n"
	"	.org code_of_small + 0x100\n"
	"code_function:\n"
	"	.option norvc\n"
	"	li a0, 1\n"
	"	ret\n"
	"code_of_small_end:\n"
	"code_instead:\n"
	"	li a0, 2\n"
	"	.option pop\n"
	".text\n");

static void write_back(uintptr_t from, uintptr_t len)
{
	for (uintptr_t at = from; at < from + len; at += LINE) {
		register uintptr_t a0 __asm__("a0") = at;

		__asm__ volatile(".word 0x0295000b" ::"r"(a0) : "memory"); /* th.dcache.cpa a0 */
	}
	__asm__ volatile(".word 0x0180000b" ::: "memory"); /* th.sync */
}

static void start(void)
{
	REG32(0x020b0004) |= 1u << 13;
	REG32(0x020b0020) = (uint32_t)PLACE;
	REG32(0x020b0024) = 0;
	REG32(0x03003024) &= ~(1u << 6);
	REG32(0x03003024) |= 1u << 6;
}

int big_main(void)
{
	uintptr_t len = (uintptr_t)(code_of_small_end - code_of_small);

	__asm__ volatile("csrs 0x7c1, %0" ::"r"(2)); /* mhcr: the data cache */
	memcpy((void *)PLACE, code_of_small, len);
	if (LEFT_OUT != CLEAN)
		write_back(PLACE, len);
	REG32(SAID) = REG32(REPLACED) = REG32(SAID_AGAIN) = 0;
	start();
	while (!REG32(SAID))
		;
	assert(REG32(SAID) == 1);
	memcpy((void *)FUNCTION, code_instead, 4);
	if (LEFT_OUT != REPLACE)
		write_back(FUNCTION, 4);
	REG32(REPLACED) = 1;
	while (!REG32(SAID_AGAIN))
		;
	assert(REG32(SAID_AGAIN) == 2);
	return 0;
}
