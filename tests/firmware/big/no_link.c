/* SPDX-License-Identifier: MIT */
/* Linux' part of RPMsg with one thing wrong, FAULT of no_link.h, on this side or on the other. */
#include "big.h"
#include "guest/firmware/board/regs.h"
#include "guest/firmware/kernel/tx_api.h"
#include "tests/firmware/no_link.h"
#include "tests/unit/rpmsg/linux_side.h"

#define SMALL      2u
#define EN         (MAILBOX_BASE + 4 * SMALL)
#define INT_MASK   (MAILBOX_BASE + 0x14 + 16 * SMALL)
#define SET        (MAILBOX_BASE + 0x60)
#define MESSAGE    (MAILBOX_BASE + 0x400)
#define RESET_CPU  0x03003024ul
#define SMALL_CORE (1u << 6)
#define A_WHILE    4 /* ticks: the small core has done what it wanted to */

static struct linux_side *side = (struct linux_side *)(uintptr_t)LINUX_BASE;

static void kick(void)
{
	(void)big_mail(0, 0);
	(void)tx_thread_sleep(A_WHILE);
}

static void probe(void)
{
	linux_probe(side, FAULT == NO_LINK_COUNT ? 64 : LINUX_NUM_MAX);
	kick();
}

/* What Linux does in its interrupt. False: nothing came. */
static bool receive(void)
{
	struct big_message message;
	struct linux_message m;
	bool any = false;

	while (big_take(&message))
		;
	while (linux_recv(side, &m, false))
		any = true;
	return any;
}

static void restart_small(void)
{
	REG32(RESET_CPU) &= ~SMALL_CORE;
	REG32(RESET_CPU) |= SMALL_CORE;
	(void)tx_thread_sleep(A_WHILE * 5);
}

/* Sent, but not as it must be. */
static void send_badly(void)
{
	linux_probe(side, LINUX_NUM_MAX);
	REG32(MESSAGE) = 1u << 16;
	REG32(MESSAGE + 4) = 0;
	if (FAULT == NO_LINK_INT_MASK)
		REG8(INT_MASK) = 0xff;
	if (FAULT != NO_LINK_LOST)
		REG8(EN) = 1;
	REG8(SET) = 1;
	if (FAULT == NO_LINK_EN)
		REG8(EN) = 0xfe;
	(void)tx_thread_sleep(A_WHILE);
}

/* Nothing is wrong until one of both begins anew: some messages have come, and were read. */
static int begin_anew(void)
{
	probe();
	for (unsigned i = 0; i < 3; i++) {
		if (!receive() && FAULT != NO_LINK_STALE_BOTH)
			return 1;
		kick();
	}
	(void)receive();
	if (FAULT == NO_LINK_STALE_BIG) {
		probe();
	} else {
		restart_small();
		kick();
	}
	return 0;
}

int big_main(void)
{
	REG32(NO_LINK_WORD) = FAULT + 1;
	(void)tx_thread_sleep(A_WHILE);
	switch (FAULT) {
	case NO_LINK_NO_RINGS: break;
	case NO_LINK_STALE_SMALL:
	case NO_LINK_STALE_BIG:
	case NO_LINK_STALE_BOTH: return begin_anew();
	case NO_LINK_EN:
	case NO_LINK_INT_MASK:
	case NO_LINK_LOST: send_badly(); break;
	case NO_LINK_NO_KICK_BIG: linux_probe(side, LINUX_NUM_MAX); break;
	case NO_LINK_ADDRESS_BIG:
		side = (struct linux_side *)(uintptr_t)NO_LINK_OTHER;
		probe();
		break;
	case NO_LINK_UNREAD: {
		struct big_message message;

		probe();
		while (big_take(&message))
			;
		break;
	}
	case NO_LINK_NO_KICK_SMALL:
	case NO_LINK_DEAF_BIG: probe(); break;
	default:
		probe();
		(void)receive();
		break;
	}
	return 0;
}
