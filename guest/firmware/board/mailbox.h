/* SPDX-License-Identifier: MIT */
/*
 * The mailbox between both cores: eight channels, each with a message of eight bytes, in the form
 * that the vendor's software for both sides gives it. Message ids: MAIL_TEST_A to MAIL_LED.
 */
#ifndef BOARD_MAILBOX_H
#define BOARD_MAILBOX_H

#include <stdint.h>

#include "kernel/tx_api.h"

#define MAIL_TEST_A   0x10u
#define MAIL_TEST_B   0x11u
#define MAIL_TEST_C   0x12u
#define MAIL_LED      0x13u
#define MAIL_LED_ON   2u
#define MAIL_LED_OFF  3u
#define MAIL_LED_DONE 4u

struct mail {
	uint8_t ip;
	uint8_t command; /* of 7 bits */
	uint32_t param;
};

/* Messages that arrive from now on are passed to the handler, as an interrupt. Before the threads
 * run. */
void mailbox_init(void (*handler)(const struct mail *mail));
/* Into a free channel; any caller. TX_SUCCESS, or TX_QUEUE_FULL: none is free. */
UINT mailbox_send(const struct mail *mail);
/* The same, for a message that only says "look": while Linux has not taken one like it, that one
 * does as well, since Linux looks after it has taken it. */
UINT mailbox_ring(const struct mail *mail);

#endif
