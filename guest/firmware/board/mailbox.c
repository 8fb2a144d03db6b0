/* SPDX-License-Identifier: MIT */
/*
 * A sender puts its message into a channel whose both marks of validity are clear, enables the
 * channel for the other core and rings. The receiver clears the latch, disables the channel, by
 * which the sender can tell, and takes the message. Registers are bytes with a bit for each
 * channel; a channel's memory takes no bytes.
 *
 * The line to this core may be high since before this firmware began, and only a rise is noticed:
 * so whatever is latched is taken once at the start.
 */
#include "mailbox.h"

#include <stdbool.h>

#include "board.h"
#include "kernel/port.h"
#include "regs.h"

#define BIG        1u
#define SMALL      2u
#define N_CHANNELS 8u

#define EN(core)      (MAILBOX_BASE + 4 * (core))
#define INT_CLR(core) (MAILBOX_BASE + 0x10 + 16 * (core))
#define INT(core)     (MAILBOX_BASE + 0x18 + 16 * (core))
#define SET           (MAILBOX_BASE + 0x60)
#define MESSAGE(i)    (MAILBOX_BASE + 0x400 + 8 * (i))

#define LINUX_VALID (0xffu << 16) /* Linux has written it */
#define RTOS_VALID  (0xffu << 24) /* and we have */
#define RTOS_WROTE  (1u << 24)

static void (*received)(const struct mail *mail);

/* In the same byte Linux enables the other channels. */
static void disable(uint8_t bit)
{
	board_lock(BOARD_LOCK_MAILBOX);
	REG8(EN(SMALL)) = (uint8_t)(REG8(EN(SMALL)) & ~bit);
	board_unlock(BOARD_LOCK_MAILBOX);
}

static void take(unsigned channel)
{
	uint8_t bit = (uint8_t)(1u << channel);
	uint64_t message;
	struct mail mail;

	REG8(INT_CLR(SMALL)) = bit;
	disable(bit);
	message = REG64(MESSAGE(channel));
	if (!(message & LINUX_VALID))
		return; /* ours, on its way */
	REG64(MESSAGE(channel)) = 0;
	mail.ip = (uint8_t)message;
	mail.command = message >> 8 & 0x7f;
	mail.param = (uint32_t)(message >> 32);
	received(&mail);
}

static void interrupt(void)
{
	uint8_t pending = REG8(INT(SMALL));

	for (unsigned i = 0; i < N_CHANNELS; i++)
		if (pending & 1u << i)
			take(i);
}

void mailbox_init(void (*handler)(const struct mail *mail))
{
	received = handler;
	board_on_interrupt(MAILBOX_IRQ, interrupt);
	interrupt();
}

static void put(unsigned channel, uint32_t word, uint32_t param)
{
	uint8_t bit = (uint8_t)(1u << channel);

	REG32(MESSAGE(channel)) = word;
	REG32(MESSAGE(channel) + 4) = param;
	REG8(INT_CLR(BIG)) = bit;
	REG8(EN(BIG)) = (uint8_t)(REG8(EN(BIG)) | bit);
	REG8(SET) = bit;
}

/* Under the lock: whether this message is on its way. */
static bool waits(uint32_t word, uint32_t param)
{
	for (unsigned i = 0; i < N_CHANNELS; i++)
		if (REG32(MESSAGE(i)) == word && REG32(MESSAGE(i) + 4) == param)
			return true;
	return false;
}

static UINT send(const struct mail *mail, bool once)
{
	uint32_t word = mail->ip | (mail->command & 0x7fu) << 8 | RTOS_WROTE;
	unsigned long lock = rt_lock();
	UINT status;

	board_lock(BOARD_LOCK_MAILBOX);
	status = once && waits(word, mail->param) ? TX_SUCCESS : TX_QUEUE_FULL;
	for (unsigned i = 0; i < N_CHANNELS && status; i++) {
		if (REG32(MESSAGE(i)) & (LINUX_VALID | RTOS_VALID))
			continue;
		put(i, word, mail->param);
		status = TX_SUCCESS;
	}
	board_unlock(BOARD_LOCK_MAILBOX);
	rt_unlock(lock);
	return status;
}

UINT mailbox_send(const struct mail *mail)
{
	return send(mail, false);
}

UINT mailbox_ring(const struct mail *mail)
{
	return send(mail, true);
}
