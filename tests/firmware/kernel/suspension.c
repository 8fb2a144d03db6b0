/* SPDX-License-Identifier: MIT */
/* Sleeping, suspending, aborting a wait, terminating. */
#include "test.h"

static TX_SEMAPHORE sem;
static volatile UINT result;

static VOID sleeper(ULONG i)
{
	result = tx_thread_sleep(10);
	mark((char)('a' + i));
}

static VOID getter(ULONG i)
{
	result = tx_semaphore_get(&sem, TX_WAIT_FOREVER);
	mark((char)('a' + i));
}

static VOID suspends_itself(ULONG i)
{
	mark('a');
	CHECK_OK(tx_thread_suspend(&worker[i]));
	mark('A');
}

static void sleep(void)
{
	ULONG t = tx_time_get();

	CHECK_OK(tx_thread_sleep(0));
	CHECK(tx_time_get() == t);
	for (ULONG n = 1; n < 5; n++) {
		CHECK_OK(tx_thread_sleep(1)); /* from here on in step */
		t = tx_time_get();
		CHECK_OK(tx_thread_sleep(n));
		CHECK(tx_time_get() == t + n);
	}
	tx_time_set(1000000);
	CHECK_OK(tx_thread_sleep(3)); /* is none of the clock's business */
	CHECK(tx_time_get() == 1000003);
	start(0, sleeper, 5);
	CHECK(state_of(0) == TX_SLEEP);
	CHECK_OK(tx_thread_wait_abort(&worker[0]));
	CHECK(result == TX_WAIT_ABORTED);
	CHECK_ORDER("a");
	CHECK_STATUS(tx_thread_wait_abort(&worker[0]), TX_WAIT_ABORT_ERROR);
	CHECK_STATUS(tx_thread_wait_abort(tx_thread_identify()), TX_WAIT_ABORT_ERROR);
	end_workers();
}

static void suspend(void)
{
	start(0, suspends_itself, 5);
	CHECK_ORDER("a");
	CHECK(state_of(0) == TX_SUSPENDED);
	CHECK_OK(tx_thread_suspend(&worker[0])); /* it is */
	CHECK_STATUS(tx_thread_wait_abort(&worker[0]), TX_WAIT_ABORT_ERROR);
	CHECK_OK(tx_thread_resume(&worker[0]));
	CHECK_ORDER("A");
	end_workers();

	/* One that is ready, and is not any more. */
	start(0, sleeper, TEST_PRIORITY + 1);
	CHECK_OK(tx_thread_suspend(&worker[0]));
	CHECK_OK(tx_thread_sleep(20));
	CHECK_ORDER("");
	CHECK_STATUS(tx_thread_resume(tx_thread_identify()), TX_RESUME_ERROR);
	end_workers();

	/* One that waits: at the end of its wait, unless that is lifted before. */
	start(0, getter, 5);
	CHECK(state_of(0) == TX_SEMAPHORE_SUSP);
	CHECK_OK(tx_thread_suspend(&worker[0]));
	CHECK(state_of(0) == TX_SEMAPHORE_SUSP);
	CHECK_OK(tx_semaphore_put(&sem));
	CHECK(state_of(0) == TX_SUSPENDED);
	CHECK_OK(tx_thread_resume(&worker[0]));
	CHECK(result == TX_SUCCESS);
	CHECK_ORDER("a");
	start(1, getter, 5);
	CHECK_OK(tx_thread_suspend(&worker[1]));
	CHECK_STATUS(tx_thread_resume(&worker[1]), TX_SUSPEND_LIFTED);
	CHECK_STATUS(tx_thread_resume(&worker[1]), TX_RESUME_ERROR);
	CHECK_OK(tx_semaphore_put(&sem));
	CHECK_ORDER("b");
	end_workers();
}

static void terminate(void)
{
	ULONG n;

	start(0, getter, 5);
	start(1, getter, 5);
	CHECK_OK(tx_thread_terminate(&worker[0])); /* leaves the waiters */
	CHECK(state_of(0) == TX_TERMINATED);
	CHECK_OK(tx_semaphore_info_get(&sem, TX_NULL, TX_NULL, TX_NULL, &n, TX_NULL));
	CHECK(n == 1);
	CHECK_OK(tx_semaphore_put(&sem));
	CHECK_ORDER("b");
	CHECK_STATUS(tx_thread_resume(&worker[0]), TX_RESUME_ERROR);
	CHECK_OK(tx_thread_reset(&worker[0])); /* and from its beginning */
	CHECK_OK(tx_thread_resume(&worker[0]));
	CHECK(state_of(0) == TX_SEMAPHORE_SUSP);
	CHECK_OK(tx_semaphore_put(&sem));
	CHECK_ORDER("a");
	end_workers();
}

void test_suspension(void)
{
	CHECK_OK(tx_semaphore_create(&sem, "sem", 0));
	sleep();
	suspend();
	terminate();
	CHECK_OK(tx_semaphore_delete(&sem));
}
