/* SPDX-License-Identifier: MIT */
/* Lets the small core work for SECONDS, and a bit. */
#include "big.h"
#include "guest/firmware/kernel/tx_api.h"

int big_main(void)
{
	(void)tx_thread_sleep(SECONDS * TX_TIMER_TICKS_PER_SECOND);
	return 0;
}
