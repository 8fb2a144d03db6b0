/* SPDX-License-Identifier: MIT */
#include "test.h"

#define WORDS 2u
#define N     3u

static TX_QUEUE q;
static ULONG memory[N * WORDS + 1]; /* one word too many for N, too few for N + 1 */
static volatile UINT result;
static ULONG got[N_WORKERS][WORDS];

static UINT send(ULONG value, ULONG wait)
{
	ULONG message[WORDS] = {value, ~value};

	return tx_queue_send(&q, message, wait);
}

static UINT send_front(ULONG value, ULONG wait)
{
	ULONG message[WORDS] = {value, ~value};

	return tx_queue_front_send(&q, message, wait);
}

static void expect(ULONG value)
{
	ULONG message[WORDS] = {0, 0};

	CHECK_OK(tx_queue_receive(&q, message, TX_NO_WAIT));
	CHECK(message[0] == value && message[1] == ~value);
}

static VOID receive(ULONG i)
{
	result = tx_queue_receive(&q, got[i], TX_WAIT_FOREVER);
	mark((char)('a' + i));
}

static VOID send_own(ULONG i)
{
	result = send(100 + i, TX_WAIT_FOREVER);
	mark((char)('a' + i));
}

static VOID send_own_front(ULONG i)
{
	result = send_front(100 + i, TX_WAIT_FOREVER);
	mark((char)('a' + i));
}

static void create(void)
{
	CHECK_STATUS(send(1, TX_NO_WAIT), TX_QUEUE_ERROR);
	CHECK_STATUS(tx_queue_create(TX_NULL, TX_NULL, 1, memory, 8), TX_QUEUE_ERROR);
	CHECK_STATUS(tx_queue_create(&q, TX_NULL, 1, TX_NULL, 8), TX_PTR_ERROR);
	CHECK_STATUS(tx_queue_create(&q, TX_NULL, 0, memory, 8), TX_SIZE_ERROR);
	CHECK_STATUS(tx_queue_create(&q, TX_NULL, 17, memory, sizeof(memory)), TX_SIZE_ERROR);
	CHECK_STATUS(tx_queue_create(&q, TX_NULL, 2, memory, 15), TX_SIZE_ERROR);
	CHECK_OK(tx_queue_create(&q, "q", WORDS, memory, sizeof(memory)));
	CHECK_STATUS(tx_queue_create(&q, "q", WORDS, memory, sizeof(memory)), TX_QUEUE_ERROR);
	CHECK_STATUS(tx_queue_send(&q, TX_NULL, TX_NO_WAIT), TX_PTR_ERROR);
	CHECK_STATUS(tx_queue_receive(&q, TX_NULL, TX_NO_WAIT), TX_PTR_ERROR);
}

static void order(void)
{
	ULONG message[WORDS], enqueued, available;

	CHECK_STATUS(tx_queue_receive(&q, message, TX_NO_WAIT), TX_QUEUE_EMPTY);
	CHECK_OK(send(1, TX_NO_WAIT));
	CHECK_OK(send(2, TX_NO_WAIT));
	CHECK_OK(send_front(3, TX_NO_WAIT));
	CHECK_STATUS(send(4, TX_NO_WAIT), TX_QUEUE_FULL);
	CHECK_STATUS(send_front(4, TX_NO_WAIT), TX_QUEUE_FULL);
	CHECK_OK(tx_queue_info_get(&q, TX_NULL, &enqueued, &available, TX_NULL, TX_NULL, TX_NULL));
	CHECK(enqueued == N && available == 0);
	expect(3);
	CHECK_OK(send(5, TX_NO_WAIT)); /* around the end */
	expect(1);
	expect(2);
	expect(5);
}

static void time_out(void)
{
	ULONG message[WORDS], t;

	CHECK_OK(tx_thread_sleep(1));
	t = tx_time_get();
	CHECK_STATUS(tx_queue_receive(&q, message, 4), TX_QUEUE_EMPTY);
	CHECK(tx_time_get() == t + 4);
	for (ULONG i = 0; i < N; i++)
		CHECK_OK(send(i, TX_NO_WAIT));
	CHECK_STATUS(send(9, 4), TX_QUEUE_FULL);
	CHECK(tx_time_get() == t + 8);
	CHECK_OK(tx_queue_flush(&q));
	CHECK_STATUS(tx_queue_receive(&q, message, TX_NO_WAIT), TX_QUEUE_EMPTY);
}

static void wait(void)
{
	start(0, receive, 12);
	start(1, receive, 10);
	start(2, receive, 11);
	CHECK_OK(tx_queue_prioritize(&q));
	for (ULONG i = 7; i < 10; i++)
		CHECK_OK(send(i, TX_NO_WAIT));
	CHECK_ORDER("bac");
	CHECK(got[1][0] == 7 && got[0][0] == 8 && got[2][0] == 9 && got[0][1] == ~8ul);
	end_workers();

	for (ULONG i = 0; i < N; i++)
		CHECK_OK(send(i, TX_NO_WAIT));
	start(0, send_own, 10);
	start(1, send_own, 10);
	CHECK(state_of(0) == TX_QUEUE_SUSP);
	expect(0);
	CHECK_ORDER("a");
	expect(1);
	CHECK_ORDER("b");
	expect(2);
	expect(100);
	expect(101);
	end_workers();

	for (ULONG i = 0; i < N; i++)
		CHECK_OK(send(i, TX_NO_WAIT));
	start(0, send_own_front, 10);
	expect(0);
	expect(100); /* before those that were there */
	expect(1);
	expect(2);
	CHECK_ORDER("a");
	end_workers();
}

static void ends(void)
{
	for (ULONG i = 0; i < N; i++)
		CHECK_OK(send(i, TX_NO_WAIT));
	start(0, send_own, 10);
	CHECK_OK(tx_queue_flush(&q));
	CHECK(result == TX_SUCCESS);
	CHECK_ORDER("a");
	start(1, receive, 10);
	CHECK_OK(tx_thread_wait_abort(&worker[1]));
	CHECK(result == TX_WAIT_ABORTED);
	start(2, receive, 10);
	CHECK_OK(tx_queue_delete(&q));
	CHECK(result == TX_DELETED);
	CHECK_ORDER("bc");
	CHECK_STATUS(tx_queue_flush(&q), TX_QUEUE_ERROR);
	CHECK_STATUS(tx_queue_delete(&q), TX_QUEUE_ERROR);
	end_workers();
	CHECK_OK(tx_queue_create(&q, "q", WORDS, memory, sizeof(memory)));
	for (ULONG i = 0; i < N; i++)
		CHECK_OK(send(i, TX_NO_WAIT));
	start(0, send_own, 10);
	CHECK_OK(tx_queue_delete(&q));
	CHECK(result == TX_DELETED);
	end_workers();
}

void test_queues(void)
{
	create();
	order();
	time_out();
	wait();
	ends();
}
