/* SPDX-License-Identifier: MIT */
/* For board/like_threadx.c: an LED command before it has its buffers, its channel, the command's
 * reply, which had to wait, the counter; then the other command, and ten seconds for its threads.
 */
#include <assert.h>

#include "big.h"
#include "channel.h"
#include "guest/firmware/board/mailbox.h"
#include "guest/firmware/kernel/tx_api.h"

/* Within a second. */
static void expect_led(uint32_t pins)
{
	for (ULONG n = 0; n < TX_TIMER_TICKS_PER_SECOND && !big_other.command; n++) {
		big_exchange();
		(void)tx_thread_sleep(1);
	}
	assert(big_other.command == MAIL_LED && big_other.param == MAIL_LED_DONE);
	big_other.command = 0;
	assert(*(volatile uint32_t *)0x5021000 == pins);
}

int big_main(void)
{
	(void)big_mail(MAIL_LED, MAIL_LED_ON);
	(void)tx_thread_sleep(2);
	big_probe();
	big_announced("rpmsg-sg2002-c906l-channel", BIG_COUNTER);
	expect_led(4);
	big_ping_pong();
	(void)big_mail(MAIL_LED, MAIL_LED_OFF);
	expect_led(0);
	(void)tx_thread_sleep(10 * TX_TIMER_TICKS_PER_SECOND);
	return 0;
}
