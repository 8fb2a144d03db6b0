/* SPDX-License-Identifier: MIT */
/*
 * A firmware for the small core of the Duo boards, as small as one can be: it counts its ticks of
 * 5 ms and answers LED commands in the mailbox, with the accesses of those that people run there;
 * some more commands make it fail. One line for each second and each command. Linked at 0x8fe00000,
 * where the Duo 256M has its place.
 */
#include "guest/firmware/bare/bare.h"

#define TICK 125000u /* 5 ms of 25 MHz */

#define CMD_JUMP 0x10u /* to the parameter, with no trap handler */
#define CMD_POKE 0x11u /* stores there */
#define CMD_PEEK 0x12u /* loads from there */

static uint64_t now(void)
{
	uint64_t t;

	__asm__ volatile("rdtime %0" : "=r"(t));
	return t;
}

static void next_tick(void)
{
	static uint64_t at;

	at = (at ? at : now()) + TICK;
	REG32(CLINT + 0x4004) = ~0u;
	REG32(CLINT + 0x4000) = (uint32_t)at;
	REG32(CLINT + 0x4004) = (uint32_t)(at >> 32);
}

static void mail(unsigned channel)
{
	uint64_t message;

	REG8(MAILBOX + 0x10 + 16 * SMALL) = (uint8_t)(1u << channel);
	REG8(MAILBOX + 4 * SMALL) = (uint8_t)(REG8(MAILBOX + 4 * SMALL) & ~(1u << channel));
	message = REG64(MAILBOX + 0x400 + 8 * channel);
	REG64(MAILBOX + 0x400 + 8 * channel) = 0;
	if (!(message >> 16 & 0xff))
		return;
	switch (message >> 8 & 0x7f) {
	case CMD_LED: break;
	case CMD_JUMP: __asm__ volatile("csrw mtvec, zero; jr %0" ::"r"(message >> 32)); return;
	case CMD_POKE: REG32(message >> 32) = 0x504f4b45; return;
	case CMD_PEEK: (void)REG32(message >> 32); return;
	default: return;
	}
	say(message >> 32 == LED_ON ? "LED on " : "LED off ", channel);
	reply(channel, (uint32_t)message, LED_DONE);
}

static void external(void)
{
	uint32_t source;

	while ((source = REG32(PLIC + 0x200004))) {
		if (source == MAILBOX_IRQ)
			for (unsigned i = 0; i < 8; i++)
				if (REG8(MAILBOX + 0x18 + 16 * SMALL) & 1u << i)
					mail(i);
		REG32(PLIC + 0x200004) = source;
	}
}

static unsigned ticks;

__attribute__((interrupt("machine"), aligned(256))) static void trap(void)
{
	uint64_t cause;

	__asm__ volatile("csrr %0, mcause" : "=r"(cause));
	if (cause == (1ull << 63 | 7)) {
		next_tick();
		if (++ticks % 200 == 0)
			say("seconds ", ticks / 200);
	} else if (cause == (1ull << 63 | 11)) {
		external();
	} else {
		say("trap ", (unsigned)cause);
		for (;;)
			;
	}
}

int main(void)
{
	say("up ", 0);
	__asm__ volatile("csrw mtvec, %0" ::"r"(trap));
	for (unsigned w = 0; w < 2; w++)
		REG32(PLIC + 0x1000 + 4 * w) = 0;
	REG32(PLIC + 4 * MAILBOX_IRQ) = 1;
	REG32(PLIC + 0x2004) = 1u << (MAILBOX_IRQ - 32);
	REG32(PLIC + 0x200000) = 0;
	REG32(PLIC + 0x200004) = MAILBOX_IRQ; /* claimed by one that crashed, it would stay so */
	next_tick();
	__asm__ volatile("csrs mie, %0" ::"r"(0x880));
	__asm__ volatile("csrs mstatus, %0" ::"r"(8));
	for (;;) /* as an RTOS with nothing to do, that knows no wfi */
		;
}
