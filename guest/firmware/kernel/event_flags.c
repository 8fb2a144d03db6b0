/* SPDX-License-Identifier: MIT */
/* Groups of event flags. */
#include "rt.h"

static bool is_satisfied(ULONG flags, ULONG requested, UINT option)
{
	ULONG found = flags & requested;

	return option & TX_AND ? found == requested : found != 0;
}

static bool clears(UINT option)
{
	return option & TX_OR_CLEAR;
}

UINT tx_event_flags_create(TX_EVENT_FLAGS_GROUP *g, CHAR *name)
{
	if (!g)
		return TX_GROUP_ERROR;
	if (!rt_may_create())
		return TX_CALLER_ERROR;
	if (!rt_object_add(g, RT_EVENTS, name))
		return TX_GROUP_ERROR;
	rt_waiters_init(&g->waiters);
	g->flags = 0;
	return TX_SUCCESS;
}

UINT tx_event_flags_delete(TX_EVENT_FLAGS_GROUP *g)
{
	ULONG lock;

	if (!rt_is(g, RT_EVENTS))
		return TX_GROUP_ERROR;
	if (!rt_in_thread())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	rt_object_remove(g);
	rt_wake_all(&g->waiters);
	rt_leave(lock);
	return TX_SUCCESS;
}

static void wake_satisfied(TX_EVENT_FLAGS_GROUP *g)
{
	ULONG flags = g->flags;
	struct rt_link *next;

	for (struct rt_link *l = g->waiters.list.next; l != &g->waiters.list; l = next) {
		TX_THREAD *t = RT_OF(TX_THREAD, queue, l);

		next = l->next;
		if (!is_satisfied(flags, t->wanted, t->option))
			continue;
		*(ULONG *)t->data = flags;
		if (clears(t->option))
			g->flags &= ~t->wanted;
		rt_wake(t, TX_SUCCESS);
	}
}

UINT tx_event_flags_set(TX_EVENT_FLAGS_GROUP *g, ULONG flags, UINT option)
{
	ULONG lock;

	if (!rt_is(g, RT_EVENTS))
		return TX_GROUP_ERROR;
	if (option != TX_OR && option != TX_AND)
		return TX_OPTION_ERROR;
	lock = rt_lock();
	if (option == TX_AND) {
		g->flags &= flags;
	} else {
		g->flags |= flags & 0xffffffff;
		wake_satisfied(g);
	}
	rt_leave(lock);
	return TX_SUCCESS;
}

static UINT wait_for(TX_EVENT_FLAGS_GROUP *g, ULONG requested, UINT option, ULONG *actual,
		     ULONG wait)
{
	TX_THREAD *t = rt.current;

	t->wanted = requested;
	t->option = option;
	t->data = actual;
	return rt_wait(&g->waiters, TX_EVENT_FLAG, wait, TX_NO_EVENTS);
}

UINT tx_event_flags_get(TX_EVENT_FLAGS_GROUP *g, ULONG requested, UINT option, ULONG *actual,
			ULONG wait)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(g, RT_EVENTS))
		return TX_GROUP_ERROR;
	if (!actual)
		return TX_PTR_ERROR;
	if (option > TX_AND_CLEAR)
		return TX_OPTION_ERROR;
	if (!rt_may_wait(wait))
		return TX_WAIT_ERROR;
	lock = rt_lock();
	if (is_satisfied(g->flags, requested, option)) {
		*actual = g->flags;
		if (clears(option))
			g->flags &= ~requested;
	} else if (wait == TX_NO_WAIT) {
		status = TX_NO_EVENTS;
	} else {
		status = wait_for(g, requested, option, actual, wait);
	}
	rt_unlock(lock);
	return status;
}

UINT tx_event_flags_info_get(TX_EVENT_FLAGS_GROUP *g, CHAR **name, ULONG *flags, TX_THREAD **first,
			     ULONG *n_waiting, TX_EVENT_FLAGS_GROUP **next)
{
	ULONG lock;

	if (!rt_is(g, RT_EVENTS))
		return TX_GROUP_ERROR;
	lock = rt_lock();
	RT_TELL(name, g->object.name);
	RT_TELL(flags, g->flags);
	RT_TELL(next, rt_object_next(g));
	rt_waiters_info(&g->waiters, first, n_waiting);
	rt_unlock(lock);
	return TX_SUCCESS;
}
