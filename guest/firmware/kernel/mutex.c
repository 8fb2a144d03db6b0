/* SPDX-License-Identifier: MIT */
/*
 * Mutexes. What a thread inherits is computed anew from all that it owns whenever a waiter comes,
 * goes or changes; if that moves its own urgency and it waits for a mutex itself, the owner of that
 * one follows, and so on. Each step needs a change, so a ring of owners comes to rest.
 */
#include "rt.h"

static UINT most_urgent_waiter(const TX_THREAD *owner)
{
	UINT best = TX_MAX_PRIORITIES;

	for (struct rt_link *l = owner->owned.next; l != &owner->owned; l = l->next) {
		const TX_MUTEX *m = RT_OF(TX_MUTEX, owned, l);
		const struct rt_link *list = &m->waiters.list;

		if (!m->inherit)
			continue;
		for (struct rt_link *w = list->next; w != list; w = w->next) {
			UINT priority = RT_OF(TX_THREAD, queue, w)->priority;

			best = priority < best ? priority : best;
		}
	}
	return best;
}

void rt_inherit(TX_THREAD *t)
{
	while (t) {
		t->inherited = most_urgent_waiter(t);
		if (!rt_follow_priority(t))
			return;
		t = t->mutex ? t->mutex->owner : NULL;
	}
}

static void own(TX_MUTEX *m, TX_THREAD *t)
{
	m->owner = t;
	m->count = 1;
	rt_ring_add(&t->owned, &m->owned);
}

/* To its next owner, if there is one. */
static void release(TX_MUTEX *m)
{
	TX_THREAD *before = m->owner, *next;

	rt_ring_remove(&m->owned);
	m->owner = NULL;
	m->count = 0;
	if (m->inherit)
		rt_prioritize(&m->waiters);
	next = rt_first_waiter(&m->waiters);
	if (next) {
		own(m, next);
		rt_wake(next, TX_SUCCESS);
	}
	rt_inherit(before);
}

void rt_release_all(TX_THREAD *t)
{
	while (!rt_ring_empty(&t->owned))
		release(RT_OF(TX_MUTEX, owned, t->owned.next));
}

UINT tx_mutex_create(TX_MUTEX *m, CHAR *name, UINT inherit)
{
	if (!m)
		return TX_MUTEX_ERROR;
	if (inherit > TX_INHERIT)
		return TX_INHERIT_ERROR;
	if (!rt_may_create())
		return TX_CALLER_ERROR;
	if (!rt_object_add(m, RT_MUTEX, name))
		return TX_MUTEX_ERROR;
	rt_waiters_init(&m->waiters);
	m->owner = NULL;
	m->count = 0;
	m->inherit = inherit;
	return TX_SUCCESS;
}

UINT tx_mutex_delete(TX_MUTEX *m)
{
	TX_THREAD *owner;
	ULONG lock;

	if (!rt_is(m, RT_MUTEX))
		return TX_MUTEX_ERROR;
	if (!rt_in_thread())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	owner = m->owner;
	rt_object_remove(m);
	if (owner)
		rt_ring_remove(&m->owned);
	m->owner = NULL;
	rt_wake_all(&m->waiters);
	rt_inherit(owner);
	rt_leave(lock);
	return TX_SUCCESS;
}

static UINT wait_for(TX_MUTEX *m, ULONG wait)
{
	rt.current->mutex = m;
	return rt_wait(&m->waiters, TX_MUTEX_SUSP, wait, TX_NOT_AVAILABLE);
}

UINT tx_mutex_get(TX_MUTEX *m, ULONG wait)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(m, RT_MUTEX))
		return TX_MUTEX_ERROR;
	if (!rt_may_wait(wait))
		return TX_WAIT_ERROR;
	if (rt.in_interrupt || !rt.current)
		return TX_CALLER_ERROR;
	lock = rt_lock();
	if (!m->owner)
		own(m, rt.current);
	else if (m->owner == rt.current)
		m->count++;
	else if (wait == TX_NO_WAIT)
		status = TX_NOT_AVAILABLE;
	else
		status = wait_for(m, wait);
	rt_unlock(lock);
	return status;
}

UINT tx_mutex_put(TX_MUTEX *m)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(m, RT_MUTEX))
		return TX_MUTEX_ERROR;
	if (rt.in_interrupt || !rt.current)
		return TX_CALLER_ERROR;
	lock = rt_lock();
	if (!m->count || m->owner != rt.current)
		status = TX_NOT_OWNED;
	else if (!--m->count)
		release(m);
	rt_leave(lock);
	return status;
}

UINT tx_mutex_prioritize(TX_MUTEX *m)
{
	ULONG lock;

	if (!rt_is(m, RT_MUTEX))
		return TX_MUTEX_ERROR;
	lock = rt_lock();
	rt_prioritize(&m->waiters);
	rt_unlock(lock);
	return TX_SUCCESS;
}

UINT tx_mutex_info_get(TX_MUTEX *m, CHAR **name, ULONG *count, TX_THREAD **owner, TX_THREAD **first,
		       ULONG *n_waiting, TX_MUTEX **next)
{
	ULONG lock;

	if (!rt_is(m, RT_MUTEX))
		return TX_MUTEX_ERROR;
	lock = rt_lock();
	RT_TELL(name, m->object.name);
	RT_TELL(count, m->count);
	RT_TELL(owner, m->owner);
	RT_TELL(next, rt_object_next(m));
	rt_waiters_info(&m->waiters, first, n_waiting);
	rt_unlock(lock);
	return TX_SUCCESS;
}
