/* SPDX-License-Identifier: MIT */
/*
 * On the small core: announces a channel by RPMsg as soon as Linux kicks, and sends nothing else,
 * but for what no_link.h says is to be wrong.
 */
#include <stdbool.h>

#include "guest/firmware/bare/bare.h"
#include "tests/firmware/no_link.h"

#define RINGS 0x8fc00000ul
#define PAGE  4096u
#define NS    53u

static enum no_link fault;
static struct {
	uint64_t at;
	uint32_t num, align;
	uint16_t next;
} ring = {.at = RINGS, .num = 256, .align = PAGE};

static void kick(void)
{
	unsigned channel = 0;

	while (REG32(MAILBOX + 0x400 + 8 * channel) >> 16)
		channel = (channel + 1) % 8;
	reply(channel, 0, 0xf);
}

static bool announce(void)
{
	static const char message[40] =
		"rpmsg-raw\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1e";
	uint64_t avail = ring.at + 16ul * ring.num, buffer;
	uint64_t used = (avail + 6 + 2ul * ring.num + ring.align - 1) & ~(ring.align - 1ul);
	uint16_t id;

	if (REG16(avail + 2) == 0)
		return false;
	id = REG16(avail + 4 + 2ul * (ring.next % ring.num));
	buffer = REG64(ring.at + 16ul * id);
	REG32(buffer) = 30;
	REG32(buffer + 4) = NS;
	REG32(buffer + 8) = 0;
	REG32(buffer + 12) = sizeof(message);
	for (unsigned i = 0; i < sizeof(message); i++)
		REG8(buffer + 16 + i) = (uint8_t)message[i];
	REG32(used + 4 + 8ul * (ring.next % ring.num)) = id;
	REG32(used + 8 + 8ul * (ring.next % ring.num)) = 16 + sizeof(message);
	__asm__ volatile("fence" ::: "memory");
	REG16(used + 2) = ++ring.next;
	return true;
}

static void kicked(void)
{
	if (fault == NO_LINK_SILENT || fault == NO_LINK_EARLY) {
		(void)REG16(ring.at + PAGE + 2);
		return;
	}
	if (announce() && fault != NO_LINK_NO_KICK_SMALL)
		kick();
}

static void mailbox(void)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t bit = (uint8_t)(1u << i);

		if (!(REG8(MAILBOX + 0x18 + 16 * SMALL) & bit))
			continue;
		REG8(MAILBOX + 0x10 + 16 * SMALL) = bit;
		REG8(MAILBOX + 4 * SMALL) = (uint8_t)(REG8(MAILBOX + 4 * SMALL) & ~bit);
		REG64(MAILBOX + 0x400 + 8 * i) = 0;
		kicked();
	}
}

__attribute__((interrupt("machine"), aligned(256))) static void trap(void)
{
	uint32_t source;

	while ((source = REG32(PLIC + 0x200004))) {
		while (fault == NO_LINK_CLAIMED)
			;
		mailbox();
		REG32(PLIC + 0x200004) = source;
	}
}

static void listen(void)
{
	__asm__ volatile("csrw mtvec, %0" ::"r"(trap));
	REG32(PLIC + 4 * MAILBOX_IRQ) = fault != NO_LINK_PRIORITY;
	REG32(PLIC + 0x2004) = fault == NO_LINK_PLIC ? 0 : 1u << (MAILBOX_IRQ - 32);
	REG32(PLIC + 0x200000) = 0;
	if (fault == NO_LINK_MIE)
		return;
	__asm__ volatile("csrs mie, %0" ::"r"(0x800));
	__asm__ volatile("csrs mstatus, %0" ::"r"(8));
}

static void go_wrong(void)
{
	switch (fault) {
	case NO_LINK_EARLY:
	case NO_LINK_NO_RINGS: kick(); break;
	case NO_LINK_ADDRESS_SMALL: ring.at = NO_LINK_OTHER; break;
	case NO_LINK_ALIGN: ring.align = 16; break;
	case NO_LINK_FEWER: ring.num = 64; break;
	case NO_LINK_MORE: ring.num = 512; break;
	case NO_LINK_CRASH: __asm__ volatile("csrw mtvec, zero; ebreak");
	default: break;
	}
}

int main(void)
{
	ring.next = 0;
	while (!REG32(NO_LINK_WORD))
		;
	fault = (enum no_link)(REG32(NO_LINK_WORD) - 1);
	say("fault ", fault);
	go_wrong();
	listen();
	for (;;)
		__asm__ volatile("wfi");
}
