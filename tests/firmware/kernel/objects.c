/* SPDX-License-Identifier: MIT */
/* Event flags, block pools and timers. */
#include "test.h"

/* ---- event flags ---- */

static TX_EVENT_FLAGS_GROUP g;
static volatile UINT results[N_WORKERS];
static ULONG actual[N_WORKERS];
static const UINT options[] = {TX_OR, TX_AND, TX_OR_CLEAR, TX_AND_CLEAR};

/* Worker i waits for flags 1 and 2 with option i. */
static VOID get_flags(ULONG i)
{
	results[i] = tx_event_flags_get(&g, 3, options[i], &actual[i], TX_WAIT_FOREVER);
	mark((char)('a' + i));
}

static ULONG flags_now(void)
{
	ULONG flags;

	CHECK_OK(tx_event_flags_info_get(&g, TX_NULL, &flags, TX_NULL, TX_NULL, TX_NULL));
	return flags;
}

static void flags_alone(void)
{
	ULONG f = 0, t;

	CHECK_STATUS(tx_event_flags_set(&g, 1, TX_OR), TX_GROUP_ERROR);
	CHECK_STATUS(tx_event_flags_create(TX_NULL, TX_NULL), TX_GROUP_ERROR);
	CHECK_OK(tx_event_flags_create(&g, "g"));
	CHECK_STATUS(tx_event_flags_create(&g, "g"), TX_GROUP_ERROR);
	CHECK_STATUS(tx_event_flags_set(&g, 1, TX_OR_CLEAR), TX_OPTION_ERROR);
	CHECK_STATUS(tx_event_flags_get(&g, 1, 4, &f, TX_NO_WAIT), TX_OPTION_ERROR);
	CHECK_STATUS(tx_event_flags_get(&g, 1, TX_OR, TX_NULL, TX_NO_WAIT), TX_PTR_ERROR);
	CHECK_STATUS(tx_event_flags_get(&g, 1, TX_OR, &f, TX_NO_WAIT), TX_NO_EVENTS);
	CHECK_OK(tx_event_flags_set(&g, 5, TX_OR));
	CHECK_OK(tx_event_flags_get(&g, 3, TX_OR, &f, TX_NO_WAIT));
	CHECK(f == 5);
	CHECK_STATUS(tx_event_flags_get(&g, 3, TX_AND, &f, TX_NO_WAIT), TX_NO_EVENTS);
	CHECK_OK(tx_event_flags_get(&g, 3, TX_OR_CLEAR, &f, TX_NO_WAIT));
	CHECK(f == 5 && flags_now() == 4);
	CHECK_OK(tx_event_flags_set(&g, 3, TX_OR));
	CHECK_OK(tx_event_flags_get(&g, 6, TX_AND_CLEAR, &f, TX_NO_WAIT));
	CHECK(f == 7 && flags_now() == 1);
	CHECK_OK(tx_event_flags_set(&g, ~1ul, TX_AND));
	CHECK(flags_now() == 0);
	CHECK_OK(tx_thread_sleep(1));
	t = tx_time_get();
	CHECK_STATUS(tx_event_flags_get(&g, 3, TX_OR, &f, 6), TX_NO_EVENTS);
	CHECK(tx_time_get() == t + 6);
}

void test_event_flags(void)
{
	flags_alone();
	for (UINT i = 0; i < 4; i++)
		start(i, get_flags, 10);
	CHECK_OK(tx_event_flags_set(&g, 1, TX_OR)); /* for both kinds of OR */
	CHECK_ORDER("ac");
	CHECK(actual[0] == 1 && actual[2] == 1 && flags_now() == 0);
	CHECK_OK(tx_event_flags_set(&g, 2, TX_OR));
	CHECK_ORDER("");
	CHECK_OK(tx_event_flags_set(&g, 9, TX_OR)); /* for both kinds of AND */
	CHECK_ORDER("bd");
	CHECK(actual[1] == 11 && actual[3] == 11 && flags_now() == 8);
	end_workers();
	start(0, get_flags, 10);
	start(1, get_flags, 10);
	CHECK_OK(tx_thread_wait_abort(&worker[0]));
	CHECK_OK(tx_event_flags_delete(&g));
	CHECK_ORDER("ab");
	CHECK(results[0] == TX_WAIT_ABORTED && results[1] == TX_DELETED);
	CHECK_STATUS(tx_event_flags_delete(&g), TX_GROUP_ERROR);
}

/* ---- block pools ---- */

static TX_BLOCK_POOL pool;
static VOID *blocks[N_WORKERS];

static VOID allocate(ULONG i)
{
	results[i] = tx_block_allocate(&pool, &blocks[i], TX_WAIT_FOREVER);
	mark((char)('a' + i));
}

void test_block_pools(void)
{
	static ULONG memory[3 * 3]; /* blocks of 10 bytes: two words and a pointer */
	ULONG available, total, t;
	VOID *b[4];

	CHECK_STATUS(tx_block_allocate(&pool, b, TX_NO_WAIT), TX_POOL_ERROR);
	CHECK_STATUS(tx_block_pool_create(TX_NULL, TX_NULL, 10, memory, 72), TX_POOL_ERROR);
	CHECK_STATUS(tx_block_pool_create(&pool, TX_NULL, 10, TX_NULL, 72), TX_PTR_ERROR);
	CHECK_STATUS(tx_block_pool_create(&pool, TX_NULL, 0, memory, 72), TX_SIZE_ERROR);
	CHECK_STATUS(tx_block_pool_create(&pool, TX_NULL, 10, memory, 23), TX_SIZE_ERROR);
	CHECK_OK(tx_block_pool_create(&pool, "pool", 10, memory, sizeof(memory)));
	CHECK_STATUS(tx_block_allocate(&pool, TX_NULL, TX_NO_WAIT), TX_PTR_ERROR);
	CHECK_STATUS(tx_block_release(TX_NULL), TX_PTR_ERROR);
	CHECK_STATUS(tx_block_release(&memory[1]), TX_PTR_ERROR); /* not in use */
	for (int i = 0; i < 3; i++)
		CHECK_OK(tx_block_allocate(&pool, &b[i], TX_NO_WAIT));
	CHECK(b[0] != b[1] && b[1] != b[2] && b[0] != b[2]);
	CHECK_STATUS(tx_block_allocate(&pool, &b[3], TX_NO_WAIT), TX_NO_MEMORY);
	CHECK_OK(tx_thread_sleep(1));
	t = tx_time_get();
	CHECK_STATUS(tx_block_allocate(&pool, &b[3], 2), TX_NO_MEMORY);
	CHECK(tx_time_get() == t + 2);
	start(0, allocate, 12);
	start(1, allocate, 10);
	start(2, allocate, 10);
	start(3, allocate, 10);
	CHECK_OK(tx_block_pool_prioritize(&pool));
	CHECK_OK(tx_block_release(b[1]));
	CHECK_OK(tx_block_release(b[0]));
	CHECK_ORDER("ba");
	CHECK(blocks[1] == b[1] && blocks[0] == b[0]);
	CHECK_OK(tx_thread_wait_abort(&worker[2]));
	CHECK_OK(tx_block_pool_info_get(&pool, TX_NULL, &available, &total, TX_NULL, &t, TX_NULL));
	CHECK(available == 0 && total == 3 && t == 1);
	CHECK_OK(tx_block_pool_delete(&pool));
	CHECK_ORDER("cd");
	CHECK(results[2] == TX_WAIT_ABORTED && results[3] == TX_DELETED);
	CHECK_STATUS(tx_block_pool_delete(&pool), TX_POOL_ERROR);
	CHECK_STATUS(tx_block_release(b[2]), TX_PTR_ERROR);
}

/* ---- timers ---- */

static TX_TIMER timer, second;
static volatile ULONG n_calls, called_at;

static VOID call(ULONG input)
{
	TX_SEMAPHORE *none = TX_NULL;

	n_calls++;
	called_at = tx_time_get();
	mark((char)input);
	CHECK_STATUS(tx_thread_sleep(1), TX_CALLER_ERROR); /* no place to wait */
	CHECK_STATUS(tx_semaphore_get(none, TX_NO_WAIT), TX_SEMAPHORE_ERROR);
	if (input == 's')
		CHECK_OK(tx_timer_deactivate(&timer));
}

static void timer_errors(void)
{
	CHECK_STATUS(tx_timer_activate(&timer), TX_TIMER_ERROR);
	CHECK_STATUS(tx_timer_create(TX_NULL, TX_NULL, call, 0, 1, 0, 0), TX_TIMER_ERROR);
	CHECK_STATUS(tx_timer_create(&timer, TX_NULL, call, 0, 0, 0, 0), TX_TICK_ERROR);
	CHECK_STATUS(tx_timer_create(&timer, TX_NULL, call, 0, 1, 0, 2), TX_ACTIVATE_ERROR);
}

static void once(void)
{
	ULONG t;

	CHECK_OK(tx_thread_sleep(1));
	t = tx_time_get();
	CHECK_OK(tx_timer_create(&timer, "timer", call, 't', 3, 0, TX_AUTO_ACTIVATE));
	CHECK_STATUS(tx_timer_create(&timer, TX_NULL, call, 0, 1, 0, 0), TX_TIMER_ERROR);
	CHECK_STATUS(tx_timer_activate(&timer), TX_ACTIVATE_ERROR);
	CHECK_OK(tx_thread_sleep(10));
	CHECK(n_calls == 1 && called_at == t + 3);
	CHECK_STATUS(tx_timer_activate(&timer), TX_ACTIVATE_ERROR); /* its one time is over */
	CHECK_STATUS(tx_timer_change(&timer, 0, 2), TX_TICK_ERROR);
	CHECK_OK(tx_timer_change(&timer, 4, 2));
	CHECK_OK(tx_thread_sleep(10));
	CHECK_ORDER("t");
}

/* As `once` left it: first after 4 ticks, then every 2. */
static void periodic(void)
{
	ULONG remaining, again, t = tx_time_get();
	UINT active;

	n_calls = 0;
	CHECK_OK(tx_timer_activate(&timer));
	CHECK_OK(tx_timer_change(&timer, 100, 100)); /* no effect */
	CHECK_OK(tx_thread_sleep(8));
	CHECK(n_calls == 3 && called_at == t + 8);
	CHECK_OK(tx_thread_sleep(1));
	CHECK_OK(tx_timer_deactivate(&timer));
	CHECK_OK(tx_timer_deactivate(&timer));
	CHECK_OK(tx_timer_info_get(&timer, TX_NULL, &active, &remaining, &again, TX_NULL));
	CHECK(!active && remaining == 1 && again == 2);
	CHECK_OK(tx_thread_sleep(5));
	CHECK(n_calls == 3);
	CHECK_OK(tx_timer_activate(&timer)); /* goes on with the one that was left */
	CHECK_OK(tx_thread_sleep(1));
	CHECK(n_calls == 4);
	CHECK_ORDER("tttt");
}

void test_timers(void)
{
	n_calls = 0;
	timer_errors();
	once();
	periodic();
	/* One stops the other in the same tick. */
	CHECK_OK(tx_timer_deactivate(&timer));
	CHECK_OK(tx_timer_create(&second, "second", call, 's', 2, 0, TX_AUTO_ACTIVATE));
	CHECK_OK(tx_timer_change(&timer, 2, 2));
	CHECK_OK(tx_timer_activate(&timer));
	CHECK_OK(tx_thread_sleep(5));
	CHECK_ORDER("s");
	CHECK_OK(tx_timer_delete(&timer));
	CHECK_OK(tx_timer_delete(&second));
	CHECK_STATUS(tx_timer_delete(&timer), TX_TIMER_ERROR);
}
