/* SPDX-License-Identifier: MIT */
/* Counting semaphores. While threads wait the count is 0: what is put goes to the first of them. */
#include "rt.h"

UINT tx_semaphore_create(TX_SEMAPHORE *s, CHAR *name, ULONG count)
{
	if (!s)
		return TX_SEMAPHORE_ERROR;
	if (!rt_may_create())
		return TX_CALLER_ERROR;
	if (!rt_object_add(s, RT_SEMAPHORE, name))
		return TX_SEMAPHORE_ERROR;
	rt_waiters_init(&s->waiters);
	s->count = count;
	return TX_SUCCESS;
}

UINT tx_semaphore_delete(TX_SEMAPHORE *s)
{
	ULONG lock;

	if (!rt_is(s, RT_SEMAPHORE))
		return TX_SEMAPHORE_ERROR;
	if (!rt_in_thread())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	rt_object_remove(s);
	rt_wake_all(&s->waiters);
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_semaphore_get(TX_SEMAPHORE *s, ULONG wait)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(s, RT_SEMAPHORE))
		return TX_SEMAPHORE_ERROR;
	if (!rt_may_wait(wait))
		return TX_WAIT_ERROR;
	lock = rt_lock();
	if (s->count)
		s->count--;
	else if (wait == TX_NO_WAIT)
		status = TX_NO_INSTANCE;
	else
		status = rt_wait(&s->waiters, TX_SEMAPHORE_SUSP, wait, TX_NO_INSTANCE);
	rt_unlock(lock);
	return status;
}

static UINT put(TX_SEMAPHORE *s, ULONG ceiling)
{
	UINT status = TX_SUCCESS;
	ULONG lock = rt_lock();

	if (s->waiters.count)
		rt_wake(rt_first_waiter(&s->waiters), TX_SUCCESS);
	else if (s->count >= ceiling)
		status = TX_CEILING_EXCEEDED;
	else
		s->count++;
	rt_leave(lock);
	return status;
}

UINT tx_semaphore_put(TX_SEMAPHORE *s)
{
	if (!rt_is(s, RT_SEMAPHORE))
		return TX_SEMAPHORE_ERROR;
	return put(s, ~0ul);
}

UINT tx_semaphore_ceiling_put(TX_SEMAPHORE *s, ULONG ceiling)
{
	if (!rt_is(s, RT_SEMAPHORE))
		return TX_SEMAPHORE_ERROR;
	if (!ceiling)
		return TX_INVALID_CEILING;
	return put(s, ceiling);
}

UINT tx_semaphore_prioritize(TX_SEMAPHORE *s)
{
	ULONG lock;

	if (!rt_is(s, RT_SEMAPHORE))
		return TX_SEMAPHORE_ERROR;
	lock = rt_lock();
	rt_prioritize(&s->waiters);
	rt_unlock(lock);
	return TX_SUCCESS;
}

UINT tx_semaphore_info_get(TX_SEMAPHORE *s, CHAR **name, ULONG *count, TX_THREAD **first,
			   ULONG *n_waiting, TX_SEMAPHORE **next)
{
	ULONG lock;

	if (!rt_is(s, RT_SEMAPHORE))
		return TX_SEMAPHORE_ERROR;
	lock = rt_lock();
	RT_TELL(name, s->object.name);
	RT_TELL(count, s->count);
	RT_TELL(next, rt_object_next(s));
	rt_waiters_info(&s->waiters, first, n_waiting);
	rt_unlock(lock);
	return TX_SUCCESS;
}
