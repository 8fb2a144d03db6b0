/* SPDX-License-Identifier: MIT */
#include "test.h"

static TX_MUTEX m, other;
static volatile UINT result;

static VOID get(ULONG i)
{
	result = tx_mutex_get(&m, TX_WAIT_FOREVER);
	mark((char)('a' + i));
	if (result == TX_SUCCESS)
		CHECK_OK(tx_mutex_put(&m));
}

static VOID try(ULONG i)
{
	result = tx_mutex_get(&m, TX_NO_WAIT);
	CHECK_STATUS(tx_mutex_put(&m), TX_NOT_OWNED);
}

static VOID get_and_stay(ULONG i)
{
	CHECK_OK(tx_mutex_get(&m, TX_WAIT_FOREVER));
	(void)tx_thread_suspend(&worker[i]);
}

static void own(void)
{
	TX_THREAD *owner, *first;
	ULONG count, n;

	CHECK_STATUS(tx_mutex_get(&m, TX_NO_WAIT), TX_MUTEX_ERROR);
	CHECK_STATUS(tx_mutex_create(TX_NULL, TX_NULL, TX_INHERIT), TX_MUTEX_ERROR);
	CHECK_STATUS(tx_mutex_create(&m, TX_NULL, 2), TX_INHERIT_ERROR);
	CHECK_OK(tx_mutex_create(&m, "m", TX_NO_INHERIT));
	CHECK_STATUS(tx_mutex_create(&m, "m", TX_NO_INHERIT), TX_MUTEX_ERROR);
	CHECK_STATUS(tx_mutex_put(&m), TX_NOT_OWNED);
	CHECK_OK(tx_mutex_get(&m, TX_NO_WAIT));
	CHECK_OK(tx_mutex_get(&m, TX_NO_WAIT)); /* again */
	start(0, try, 5);
	CHECK(result == TX_NOT_AVAILABLE);
	CHECK_OK(tx_mutex_put(&m));
	CHECK_OK(tx_mutex_info_get(&m, TX_NULL, &count, &owner, &first, &n, TX_NULL));
	CHECK(count == 1 && owner == tx_thread_identify() && !first && !n);
	start(1, get, 5);
	start(2, get, 4);
	CHECK_ORDER("");
	CHECK_OK(tx_mutex_put(&m));
	CHECK_ORDER("bc"); /* as they came */
	CHECK_STATUS(tx_mutex_put(&m), TX_NOT_OWNED);
	end_workers();
}

static void ends(void)
{
	ULONG t;

	start(0, get_and_stay, 10);
	CHECK_OK(tx_thread_sleep(1));
	t = tx_time_get();
	CHECK_STATUS(tx_mutex_get(&m, 3), TX_NOT_AVAILABLE);
	CHECK(tx_time_get() == t + 3);
	start(1, get, 10);
	start(2, get, 9);
	CHECK_OK(tx_mutex_prioritize(&m));
	CHECK_OK(tx_thread_terminate(&worker[0])); /* gives back what it has */
	CHECK_ORDER("cb");
	end_workers();
	CHECK_OK(tx_mutex_get(&m, TX_NO_WAIT));
	start(0, get, 10);
	CHECK_OK(tx_thread_wait_abort(&worker[0]));
	CHECK(result == TX_WAIT_ABORTED);
	start(1, get, 10);
	CHECK_OK(tx_mutex_delete(&m));
	CHECK(result == TX_DELETED);
	CHECK_ORDER("ab");
	CHECK_STATUS(tx_mutex_delete(&m), TX_MUTEX_ERROR);
	end_workers();
}

void test_mutexes(void)
{
	own();
	ends();
}

/* ---- inheritance: m and other, both with it ---- */

static VOID low(ULONG i)
{
	CHECK_OK(tx_mutex_get(&m, TX_WAIT_FOREVER));
	(void)tx_thread_sleep(5);
	mark((char)('a' + i));
	CHECK_OK(tx_mutex_put(&m));
	mark((char)('A' + i));
}

/* Owns `other` while it waits for m. */
static VOID between(ULONG i)
{
	CHECK_OK(tx_mutex_get(&other, TX_WAIT_FOREVER));
	CHECK_OK(tx_mutex_get(&m, TX_WAIT_FOREVER));
	mark((char)('a' + i));
	CHECK_OK(tx_mutex_put(&m));
	CHECK_OK(tx_mutex_put(&other));
	mark((char)('A' + i));
}

static VOID high(ULONG i)
{
	result = tx_mutex_get(&other, 3);
	mark((char)('a' + i));
	if (result == TX_SUCCESS)
		CHECK_OK(tx_mutex_put(&other));
}

static VOID plain(ULONG i)
{
	mark((char)('a' + i));
}

/* A low one owns what a high one waits for: nobody of a priority between runs before. */
static void inherit(void)
{
	start(0, low, 20);
	CHECK_OK(tx_thread_sleep(1));
	CHECK(priority_of(&worker[0]) == 20);
	start(1, get, 8);
	CHECK(priority_of(&worker[0]) == 8);
	CHECK(worker[0].own_priority == 20);
	CHECK_OK(tx_thread_sleep(5));
	CHECK_ORDER("abA");
	CHECK(priority_of(&worker[0]) == 20);
	end_workers();
}

static void chain(void)
{
	start(0, low, 22);
	CHECK_OK(tx_thread_sleep(1));
	start(1, between, 15);
	CHECK(priority_of(&worker[0]) == 15);
	start(2, high, 3);
	CHECK(priority_of(&worker[1]) == 3 && priority_of(&worker[0]) == 3);
	CHECK_OK(tx_thread_sleep(3)); /* the high one's time is over */
	CHECK_ORDER("c");
	CHECK(result == TX_NOT_AVAILABLE);
	CHECK(priority_of(&worker[1]) == 15 && priority_of(&worker[0]) == 15);
	CHECK_OK(tx_thread_sleep(3));
	CHECK_ORDER("abBA");
	end_workers();
}

/* A waiter whose priority changes takes the owner along; the most urgent is the next owner. */
static void changes(void)
{
	UINT old;

	start(0, low, 22);
	CHECK_OK(tx_thread_sleep(1));
	start(1, get, 12);
	start(2, get, 11);
	CHECK(priority_of(&worker[0]) == 11);
	CHECK_OK(tx_thread_priority_change(&worker[1], 6, &old));
	CHECK(priority_of(&worker[0]) == 6);
	CHECK_OK(tx_thread_priority_change(&worker[0], 21, &old)); /* its own */
	CHECK(old == 22 && priority_of(&worker[0]) == 6);
	start(3, plain, TEST_PRIORITY + 1);
	CHECK_OK(tx_thread_sleep(10));
	CHECK_ORDER("dabcA");
	CHECK(priority_of(&worker[0]) == 21);
	end_workers();
}

/* Two that wait for each other: a mistake of theirs, at which the kernel does not hang. */
static VOID embrace(ULONG i)
{
	CHECK_OK(tx_mutex_get(i ? &m : &other, TX_WAIT_FOREVER));
	(void)tx_thread_sleep(2);
	CHECK_STATUS(tx_mutex_get(i ? &other : &m, 5 + i), i ? TX_SUCCESS : TX_NOT_AVAILABLE);
	mark((char)('a' + i));
	if (!i)
		CHECK_OK(tx_mutex_put(&other));
}

static void deadlock(void)
{
	start(0, embrace, 14);
	start(1, embrace, 13);
	CHECK_OK(tx_thread_sleep(4));
	CHECK(priority_of(&worker[0]) == 13 && priority_of(&worker[1]) == 13);
	CHECK_OK(tx_thread_sleep(6));
	CHECK_ORDER("ab");
	end_workers();
}

void test_inheritance(void)
{
	CHECK_OK(tx_mutex_create(&m, "m", TX_INHERIT));
	CHECK_OK(tx_mutex_create(&other, "other", TX_INHERIT));
	inherit();
	chain();
	changes();
	deadlock();
	CHECK_OK(tx_mutex_delete(&m));
	CHECK_OK(tx_mutex_delete(&other));
}
