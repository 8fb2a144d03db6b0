/* SPDX-License-Identifier: MIT */
/*
 * Message queues: a ring of messages in the caller's memory. Receivers wait only while it is
 * empty, senders only while it is full, so a message passes from one to the other directly or
 * through the place that has just become free.
 */
#include "rt.h"

static ULONG *message_at(const TX_QUEUE *q, ULONG index)
{
	return q->start + (q->first + index) % q->capacity * q->words;
}

static void copy(ULONG *to, const ULONG *from, ULONG words)
{
	for (ULONG i = 0; i < words; i++)
		to[i] = from[i];
}

/* There is a place. */
static void enqueue(TX_QUEUE *q, const ULONG *message, bool in_front)
{
	if (in_front)
		q->first = (q->first + q->capacity - 1) % q->capacity;
	copy(message_at(q, in_front ? 0 : q->count), message, q->words);
	q->count++;
}

UINT tx_queue_create(TX_QUEUE *q, CHAR *name, UINT words, VOID *start, ULONG size)
{
	if (!q)
		return TX_QUEUE_ERROR;
	if (!start)
		return TX_PTR_ERROR;
	if (!words || words > TX_16_ULONG || size < words * sizeof(ULONG))
		return TX_SIZE_ERROR;
	if (!rt_may_create())
		return TX_CALLER_ERROR;
	if (!rt_object_add(q, RT_QUEUE, name))
		return TX_QUEUE_ERROR;
	rt_waiters_init(&q->senders);
	rt_waiters_init(&q->receivers);
	q->start = start;
	q->words = words;
	q->capacity = size / (words * sizeof(ULONG));
	q->count = q->first = 0;
	return TX_SUCCESS;
}

UINT tx_queue_delete(TX_QUEUE *q)
{
	ULONG lock;

	if (!rt_is(q, RT_QUEUE))
		return TX_QUEUE_ERROR;
	if (!rt_in_thread())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	rt_object_remove(q);
	rt_wake_all(&q->senders);
	rt_wake_all(&q->receivers);
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_queue_flush(TX_QUEUE *q)
{
	TX_THREAD *t;
	ULONG lock;

	if (!rt_is(q, RT_QUEUE))
		return TX_QUEUE_ERROR;
	lock = rt_lock();
	q->count = 0;
	while ((t = rt_first_waiter(&q->senders)))
		rt_wake(t, TX_SUCCESS);
	rt_leave(lock);
	return TX_SUCCESS;
}

/* ---- messages ---- */

static UINT wait_to_send(TX_QUEUE *q, VOID *message, ULONG wait, bool in_front)
{
	TX_THREAD *t = rt.current;

	t->data = message;
	t->option = in_front;
	return rt_wait(&q->senders, TX_QUEUE_SUSP, wait, TX_QUEUE_FULL);
}

static UINT send(TX_QUEUE *q, VOID *message, ULONG wait, bool in_front)
{
	UINT status = TX_SUCCESS;
	TX_THREAD *receiver;
	ULONG lock;

	if (!rt_is(q, RT_QUEUE))
		return TX_QUEUE_ERROR;
	if (!message)
		return TX_PTR_ERROR;
	if (!rt_may_wait(wait))
		return TX_WAIT_ERROR;
	lock = rt_lock();
	receiver = rt_first_waiter(&q->receivers);
	if (receiver) {
		copy(receiver->data, message, q->words);
		rt_wake(receiver, TX_SUCCESS);
	} else if (q->count < q->capacity) {
		enqueue(q, message, in_front);
	} else if (wait == TX_NO_WAIT) {
		status = TX_QUEUE_FULL;
	} else {
		status = wait_to_send(q, message, wait, in_front);
	}
	rt_leave(lock);
	return status;
}

UINT tx_queue_send(TX_QUEUE *q, VOID *message, ULONG wait)
{
	return send(q, message, wait, false);
}

UINT tx_queue_front_send(TX_QUEUE *q, VOID *message, ULONG wait)
{
	return send(q, message, wait, true);
}

static void take_first(TX_QUEUE *q, VOID *message)
{
	TX_THREAD *sender = rt_first_waiter(&q->senders);

	copy(message, message_at(q, 0), q->words);
	q->first = (q->first + 1) % q->capacity;
	q->count--;
	if (sender) {
		enqueue(q, sender->data, sender->option);
		rt_wake(sender, TX_SUCCESS);
	}
}

UINT tx_queue_receive(TX_QUEUE *q, VOID *message, ULONG wait)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(q, RT_QUEUE))
		return TX_QUEUE_ERROR;
	if (!message)
		return TX_PTR_ERROR;
	if (!rt_may_wait(wait))
		return TX_WAIT_ERROR;
	lock = rt_lock();
	if (q->count) {
		take_first(q, message);
	} else if (wait == TX_NO_WAIT) {
		status = TX_QUEUE_EMPTY;
	} else {
		rt.current->data = message;
		status = rt_wait(&q->receivers, TX_QUEUE_SUSP, wait, TX_QUEUE_EMPTY);
	}
	rt_leave(lock);
	return status;
}

UINT tx_queue_prioritize(TX_QUEUE *q)
{
	ULONG lock;

	if (!rt_is(q, RT_QUEUE))
		return TX_QUEUE_ERROR;
	lock = rt_lock();
	rt_prioritize(&q->senders);
	rt_prioritize(&q->receivers);
	rt_unlock(lock);
	return TX_SUCCESS;
}

UINT tx_queue_info_get(TX_QUEUE *q, CHAR **name, ULONG *enqueued, ULONG *available,
		       TX_THREAD **first, ULONG *n_waiting, TX_QUEUE **next)
{
	ULONG lock;

	if (!rt_is(q, RT_QUEUE))
		return TX_QUEUE_ERROR;
	lock = rt_lock();
	RT_TELL(name, q->object.name);
	RT_TELL(enqueued, q->count);
	RT_TELL(available, q->capacity - q->count);
	RT_TELL(next, rt_object_next(q));
	rt_waiters_info(q->senders.count ? &q->senders : &q->receivers, first, n_waiting);
	rt_unlock(lock);
	return TX_SUCCESS;
}
