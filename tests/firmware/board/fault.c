/* SPDX-License-Identifier: MIT */
/* On the small core: a thread that jumps to what is no instruction. */
#include "guest/firmware/board/board.h"
#include "guest/firmware/kernel/tx_api.h"

#define STACK 2048

static TX_THREAD thread;
static UCHAR stack[STACK] __attribute__((aligned(16)));

static VOID fault(ULONG unused)
{
	static const uint32_t zero[2];

	((void (*)(void))(uintptr_t)zero)();
}

VOID tx_application_define(VOID *unused)
{
	(void)tx_thread_create(&thread, "fault", fault, 0, stack, STACK, 5, 5, TX_NO_TIME_SLICE,
			       TX_AUTO_START);
}

int main(void)
{
	tx_kernel_enter();
}
