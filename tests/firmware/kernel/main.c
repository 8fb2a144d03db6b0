/* SPDX-License-Identifier: MIT */
/* Runs all tests of the kernel, and ends the machine by HTIF: status 0, or 1 with a line for each
 * thing that does not hold. */
#include "guest/firmware/board/board.h"
#include "test.h"

#define STACK     4096
#define MAX_MARKS 64

volatile uint64_t tohost __attribute__((aligned(8)));

TX_THREAD worker[N_WORKERS];
static UCHAR stacks[N_WORKERS][STACK] __attribute__((aligned(16)));
static UINT is_started[N_WORKERS];

static TX_THREAD main_thread;
static UCHAR main_stack[STACK] __attribute__((aligned(16)));

static char marks[MAX_MARKS];
static volatile unsigned n_marks, n_failed;

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"threads", test_threads},         {"suspension", test_suspension},
	{"semaphores", test_semaphores},   {"mutexes", test_mutexes},
	{"inheritance", test_inheritance}, {"queues", test_queues},
	{"event flags", test_event_flags}, {"block pools", test_block_pools},
	{"timers", test_timers},           {"interrupts", test_interrupts},
};

void test_failed(const char *file, int line, const char *condition)
{
	board_say("%s:%d: %s", file, line, condition);
	n_failed++;
}

void test_status(const char *file, int line, const char *call, UINT status, UINT expected)
{
	if (status == expected)
		return;
	board_say("%s:%d: %s is 0x%x, not 0x%x", file, line, call, status, expected);
	n_failed++;
}

void mark(char letter)
{
	if (n_marks < MAX_MARKS)
		marks[n_marks++] = letter;
}

int order_is(const char *letters)
{
	unsigned i = 0;

	while (i < n_marks && letters[i] == marks[i])
		i++;
	if (i == n_marks && !letters[i]) {
		n_marks = 0;
		return 1;
	}
	marks[n_marks < MAX_MARKS ? n_marks : MAX_MARKS - 1] = '\0';
	board_say("it was: %s", marks);
	n_marks = 0;
	return 0;
}

void start_worker(UINT i, VOID (*entry)(ULONG), UINT priority, UINT threshold, ULONG slice)
{
	is_started[i] = 1;
	CHECK_OK(tx_thread_create(&worker[i], "worker", entry, i, stacks[i], STACK, priority,
				  threshold, slice, TX_AUTO_START));
}

void start(UINT i, VOID (*entry)(ULONG), UINT priority)
{
	start_worker(i, entry, priority, priority, TX_NO_TIME_SLICE);
}

void end_workers(void)
{
	for (UINT i = 0; i < N_WORKERS; i++) {
		if (!is_started[i])
			continue;
		CHECK_OK(tx_thread_terminate(&worker[i]));
		CHECK_OK(tx_thread_delete(&worker[i]));
		is_started[i] = 0;
	}
}

UINT state_of(UINT i)
{
	UINT state = ~0u;

	CHECK_OK(tx_thread_info_get(&worker[i], TX_NULL, &state, TX_NULL, TX_NULL, TX_NULL, TX_NULL,
				    TX_NULL, TX_NULL));
	return state;
}

UINT priority_of(TX_THREAD *thread)
{
	UINT priority = ~0u;

	CHECK_OK(tx_thread_info_get(thread, TX_NULL, TX_NULL, TX_NULL, &priority, TX_NULL, TX_NULL,
				    TX_NULL, TX_NULL));
	return priority;
}

void in_interrupt(void (*function)(void))
{
	board_on_soft(function);
	board_raise_soft();
	__asm__ volatile("nop" ::: "memory");
}

static VOID run_tests(ULONG unused)
{
	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		unsigned before = n_failed;

		tests[i].run();
		end_workers();
		n_marks = 0;
		board_say("%s: %s", tests[i].name, n_failed == before ? "ok" : "FAILED");
	}
	tohost = n_failed ? 3 : 1;
}

VOID tx_application_define(VOID *unused)
{
	/* Before threads run there is nobody who could wait, or own anything. */
	static TX_MUTEX m;

	CHECK(!tx_thread_identify());
	CHECK_STATUS(tx_thread_sleep(1), TX_CALLER_ERROR);
	CHECK_OK(tx_mutex_create(&m, "early", TX_INHERIT));
	CHECK_STATUS(tx_mutex_get(&m, TX_NO_WAIT), TX_CALLER_ERROR);
	CHECK_OK(tx_thread_create(&main_thread, "main", run_tests, 0, main_stack, STACK,
				  TEST_PRIORITY, TEST_PRIORITY, TX_NO_TIME_SLICE, TX_AUTO_START));
}

int main(void)
{
	tx_kernel_enter();
}
