/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the kernel share. They run as one thread of priority TEST_PRIORITY, with
 * workers of any priority beside it; all of it on the hart that the firmware was started on.
 */
#ifndef TEST_H
#define TEST_H

#include "guest/firmware/kernel/tx_api.h"

#define TEST_PRIORITY 16u
#define N_WORKERS     6u

/* Counts and prints what does not hold, and goes on. */
#define CHECK(condition)                                             \
	do {                                                         \
		if (!(condition))                                    \
			test_failed(__FILE__, __LINE__, #condition); \
	} while (0)
#define CHECK_STATUS(call, expected) test_status(__FILE__, __LINE__, #call, call, expected)
#define CHECK_OK(call)               CHECK_STATUS(call, TX_SUCCESS)

void test_failed(const char *file, int line, const char *condition);
void test_status(const char *file, int line, const char *call, UINT status, UINT expected);

/* What happened, in order: a letter each. order_is() compares and forgets. */
void mark(char letter);
int order_is(const char *letters);
#define CHECK_ORDER(letters)                                                \
	do {                                                                \
		if (!order_is(letters))                                     \
			test_failed(__FILE__, __LINE__, "order: " letters); \
	} while (0)

extern TX_THREAD worker[N_WORKERS];
/* Worker i begins, with its number as input. */
void start_worker(UINT i, VOID (*entry)(ULONG), UINT priority, UINT threshold, ULONG slice);
void start(UINT i, VOID (*entry)(ULONG), UINT priority);
/* Ends and deletes those that were started. */
void end_workers(void);
UINT state_of(UINT i);
UINT priority_of(TX_THREAD *thread);

/* Runs as an interrupt, at once. */
void in_interrupt(void (*function)(void));

void test_threads(void);
void test_suspension(void);
void test_semaphores(void);
void test_mutexes(void);
void test_inheritance(void);
void test_queues(void);
void test_event_flags(void);
void test_block_pools(void);
void test_timers(void);
void test_interrupts(void);

#endif
