/* SPDX-License-Identifier: MIT */
/* On the small core: the first time that it is started, it never returns from the interrupt of the
 * first message; after that it sends each message back. */
#include "guest/firmware/board/board.h"
#include "guest/firmware/board/mailbox.h"
#include "guest/firmware/kernel/tx_api.h"

/* Not cleared at a start, since it is part of the image. */
static volatile unsigned starts __attribute__((section(".data")));

static void arrived(const struct mail *mail)
{
	while (starts == 1)
		;
	(void)mailbox_send(mail);
}

VOID tx_application_define(VOID *unused)
{
	starts++;
	board_say("start %u", starts);
	mailbox_init(arrived);
}

int main(void)
{
	tx_kernel_enter();
}
