/* SPDX-License-Identifier: MIT */
/*
 * What programs without a system share on the small core of the Duo boards: the start, registers,
 * lines of text, and answers in the mailbox. To be included once, by the file that has main().
 */
#ifndef DUO_BARE_H
#define DUO_BARE_H

#include <stdint.h>

#define UART    0x04140000ul
#define MAILBOX 0x01900000ul
#define PLIC    0x70000000ul
#define CLINT   0x74000000ul

#define BIG         1u
#define SMALL       2u
#define MAILBOX_IRQ 61u

#define REG8(a)  (*(volatile uint8_t *)(a))
#define REG16(a) (*(volatile uint16_t *)(a))
#define REG32(a) (*(volatile uint32_t *)(a))
#define REG64(a) (*(volatile uint64_t *)(a))

__asm__(".section .text.start, \"ax\"\n"
	".globl _start\n"
	"_start:\n"
	"	csrr t0, mhartid\n"
	"	bnez t0, _start\n"
	"	la sp, stack_end\n"
	"	csrw mie, zero\n"
	"	csrw mip, zero\n"
	"	li t0, 0x30013\n"
	"	csrs 0x7c2, t0\n" /* mcor: caches and predictors are void */
	"	li t0, 0x7f\n"
	"	csrs 0x7c1, t0\n" /* mhcr: on */
	"	li t0, 0x610c\n"
	"	csrs 0x7c5, t0\n" /* mhint */
	"	li t0, 0x2000\n"
	"	csrs mstatus, t0\n" /* FS */
	"	call main\n"
	"1:	wfi\n"
	"	j 1b\n");

static uint8_t stack[4096] __attribute__((aligned(16), used));
__asm__(".globl stack_end\n.set stack_end, stack + 4096\n");

static void put(char c)
{
	while (!(REG32(UART + 5 * 4) & 0x20))
		;
	REG32(UART) = (uint8_t)c;
}

static void print(void (*out)(char), const char *text, unsigned n)
{
	char digits[10];
	int i = 0;

	while (*text)
		out(*text++);
	do {
		digits[i++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (i)
		out(digits[--i]);
}

/* A line of its own, beside the other core's. */
static void say(const char *text, unsigned n)
{
	do {
		REG16(MAILBOX + 0xc0) = 0x52;
	} while (REG16(MAILBOX + 0xc0) != 0x52);
	for (const char *p = "RT: "; *p; p++)
		put(*p);
	print(put, text, n);
	put('\r');
	put('\n');
	REG16(MAILBOX + 0xc0) = 0x52;
}

#define CMD_LED  0x13u
#define LED_ON   2u
#define LED_OFF  3u
#define LED_DONE 4u

static void reply(unsigned channel, uint32_t word, uint32_t value)
{
	uint64_t context = MAILBOX + 0x400 + 8 * channel;

	REG32(context) = (word & 0xffff) | 1u << 24; /* valid for Linux: rtos_valid */
	REG32(context + 4) = value;
	REG8(MAILBOX + 4 * BIG) = (uint8_t)(REG8(MAILBOX + 4 * BIG) | 1u << channel);
	REG8(MAILBOX + 0x60) = (uint8_t)(1u << channel);
}

#endif
