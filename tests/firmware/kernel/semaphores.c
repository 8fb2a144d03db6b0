/* SPDX-License-Identifier: MIT */
#include "test.h"

static TX_SEMAPHORE sem;
static volatile UINT results[N_WORKERS];

static VOID get(ULONG i)
{
	results[i] = tx_semaphore_get(&sem, TX_WAIT_FOREVER);
	mark((char)('a' + i));
}

static VOID get_for_10(ULONG i)
{
	results[i] = tx_semaphore_get(&sem, 10);
	mark((char)('a' + i));
}

static void counts(void)
{
	CHAR *name;
	ULONG count, n;
	TX_SEMAPHORE *next;

	CHECK_STATUS(tx_semaphore_get(&sem, TX_NO_WAIT), TX_SEMAPHORE_ERROR);
	CHECK_STATUS(tx_semaphore_create(TX_NULL, TX_NULL, 0), TX_SEMAPHORE_ERROR);
	CHECK_OK(tx_semaphore_create(&sem, "sem", 2));
	CHECK_STATUS(tx_semaphore_create(&sem, "sem", 2), TX_SEMAPHORE_ERROR);
	CHECK_OK(tx_semaphore_get(&sem, TX_NO_WAIT));
	CHECK_OK(tx_semaphore_get(&sem, TX_WAIT_FOREVER));
	CHECK_STATUS(tx_semaphore_get(&sem, TX_NO_WAIT), TX_NO_INSTANCE);
	CHECK_OK(tx_semaphore_ceiling_put(&sem, 1));
	CHECK_STATUS(tx_semaphore_ceiling_put(&sem, 1), TX_CEILING_EXCEEDED);
	CHECK_STATUS(tx_semaphore_ceiling_put(&sem, 0), TX_INVALID_CEILING);
	CHECK_OK(tx_semaphore_put(&sem));
	CHECK_OK(tx_semaphore_info_get(&sem, &name, &count, TX_NULL, &n, &next));
	CHECK(count == 2 && n == 0 && name[0] == 's' && next);
	CHECK_OK(tx_semaphore_get(&sem, TX_NO_WAIT));
	CHECK_OK(tx_semaphore_get(&sem, TX_NO_WAIT));
}

static void order(void)
{
	TX_THREAD *first;
	ULONG n;

	start(0, get, 12);
	start(1, get, 10);
	start(2, get, 11);
	CHECK_OK(tx_semaphore_info_get(&sem, TX_NULL, TX_NULL, &first, &n, TX_NULL));
	CHECK(first == &worker[0] && n == 3);
	CHECK_OK(tx_semaphore_prioritize(&sem)); /* b is the first now, then as they came */
	for (int i = 0; i < 3; i++)
		CHECK_OK(tx_semaphore_put(&sem));
	CHECK_ORDER("bac");
	end_workers();
}

static void time_out(void)
{
	ULONG t;

	CHECK_OK(tx_thread_sleep(1));
	t = tx_time_get();
	CHECK_STATUS(tx_semaphore_get(&sem, 7), TX_NO_INSTANCE);
	CHECK(tx_time_get() == t + 7);
	start(0, get_for_10, 10);
	CHECK_OK(tx_thread_sleep(9));
	CHECK_ORDER("");
	CHECK_OK(tx_thread_sleep(2));
	CHECK_ORDER("a");
	CHECK(results[0] == TX_NO_INSTANCE);
	end_workers();
	start(0, get_for_10, 10);
	CHECK_OK(tx_semaphore_put(&sem));
	CHECK_OK(tx_thread_sleep(20)); /* the alarm is off */
	CHECK_ORDER("a");
	CHECK(results[0] == TX_SUCCESS);
	end_workers();
}

static void ends(void)
{
	start(0, get, 10);
	start(1, get, 11);
	CHECK_OK(tx_thread_wait_abort(&worker[1]));
	CHECK_OK(tx_semaphore_delete(&sem));
	CHECK_ORDER("ba");
	CHECK(results[0] == TX_DELETED && results[1] == TX_WAIT_ABORTED);
	CHECK_STATUS(tx_semaphore_delete(&sem), TX_SEMAPHORE_ERROR);
	CHECK_STATUS(tx_semaphore_put(&sem), TX_SEMAPHORE_ERROR);
	CHECK_STATUS(tx_semaphore_prioritize(&sem), TX_SEMAPHORE_ERROR);
}

void test_semaphores(void)
{
	counts();
	order();
	time_out();
	ends();
}
