/* SPDX-License-Identifier: MIT */
/*
 * Two threads that count, every four and every eight seconds, and say how late or early they were,
 * in counts of the 25 MHz clock: at most so much since the start, against the time that their
 * number of periods should have taken. A tick that got lost would be 125000.
 */
#include "board/board.h"
#include "kernel/tx_api.h"

#define STACK 2048

static const struct {
	ULONG seconds;
	UINT priority;
} threads[] = {{4, 10}, {8, 11}};

#define N_THREADS (sizeof(threads) / sizeof(threads[0]))

static TX_THREAD thread[N_THREADS];
static UCHAR stacks[N_THREADS][STACK] __attribute__((aligned(16)));

static VOID count(ULONG i)
{
	ULONG period = threads[i].seconds * TX_TIMER_TICKS_PER_SECOND;
	ULONG first_tick, missed;
	uint64_t first, worst = 0;

	(void)tx_thread_sleep(1); /* into step with the ticks */
	first_tick = tx_time_get();
	first = board_time();
	for (ULONG n = 1;; n++) {
		uint64_t due = first + n * period * BOARD_TIME_PER_TICK, now, off;

		(void)tx_thread_sleep(first_tick + n * period - tx_time_get());
		now = board_time();
		off = now > due ? now - due : due - now;
		worst = off > worst ? off : worst;
		missed = (now - first + BOARD_TIME_PER_TICK / 2) / BOARD_TIME_PER_TICK -
			 (tx_time_get() - first_tick);
		board_say("thread %lu running: %lu, ticks missed %lu, jitter %lu", i, n, missed,
			  worst);
	}
}

VOID tx_application_define(VOID *unused)
{
	board_say("up");
	for (ULONG i = 0; i < N_THREADS; i++)
		(void)tx_thread_create(&thread[i], "count", count, i, stacks[i], STACK,
				       threads[i].priority, threads[i].priority, TX_NO_TIME_SLICE,
				       TX_AUTO_START);
}

int main(void)
{
	tx_kernel_enter();
}
