/* SPDX-License-Identifier: MIT */
/* Every command that apps/led.c knows, and one that it does not. */
#include "big.h"
#include "guest/firmware/board/board.h"
#include "guest/firmware/board/mailbox.h"
#include "guest/firmware/kernel/tx_api.h"

static const struct {
	uint8_t command;
	uint32_t param, reply;
} mails[] = {
	{MAIL_LED, MAIL_LED_ON, MAIL_LED_DONE},
	{MAIL_LED, MAIL_LED_OFF, MAIL_LED_DONE},
	{MAIL_TEST_A, 1, 0x12345678},
	{MAIL_TEST_C, 2, 0x55aa},
};

#define N_MAILS (sizeof(mails) / sizeof(mails[0]))

int big_main(void)
{
	uint32_t reply;

	for (unsigned i = 0; i < N_MAILS; i++)
		if (big_mail(mails[i].command, mails[i].param) ||
		    big_reply(mails[i].command, &reply) || reply != mails[i].reply)
			return (int)i + 1;
	if (!big_mail_locked(MAIL_TEST_C, 3) || big_reply(MAIL_TEST_C, &reply) || reply != 0x55aa)
		return 9;
	/* Several at once, and neither is answered. */
	if (big_mail(MAIL_TEST_B, 77) || big_mail(0x7f, 0))
		return 10;
	if (!big_reply(MAIL_TEST_B, &reply))
		return 11;
	/* All eight channels at once: each reply needs one that has become free. */
	for (unsigned i = 0; i < 8; i++)
		if (big_mail(MAIL_LED, MAIL_LED_ON))
			return 12;
	for (unsigned i = 0; i < 8; i++)
		if (big_reply(MAIL_LED, &reply) || reply != MAIL_LED_DONE)
			return 13;
	return 0;
}
