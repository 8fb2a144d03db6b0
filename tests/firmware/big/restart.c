/* SPDX-License-Identifier: MIT */
/* With board/stuck.c: the small core is started again while it serves an interrupt, which its
 * controller, that no reset reaches, takes for being served still. */
#include "big.h"
#include "guest/firmware/board/regs.h"
#include "guest/firmware/kernel/tx_api.h"

#define RESET_CPU  0x03003024ul
#define SMALL_CORE (1u << 6)
#define COMMAND    0x10u

int big_main(void)
{
	uint32_t param;

	if (big_mail(COMMAND, 1))
		return 1;
	if (!big_reply(COMMAND, &param))
		return 2;
	REG32(RESET_CPU) &= ~SMALL_CORE;
	REG32(RESET_CPU) |= SMALL_CORE;
	(void)tx_thread_sleep(4);
	for (uint32_t i = 0; i < 3; i++)
		if (big_mail(COMMAND, i) || big_reply(COMMAND, &param) || param != i)
			return 3;
	return 0;
}
