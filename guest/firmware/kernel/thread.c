/* SPDX-License-Identifier: MIT */
/* The services for threads. A thread whose entry returns is completed; it can be deleted, or begin
 * anew after a reset. */
#include "rt.h"

void rt_thread_begin(void)
{
	TX_THREAD *t = rt.current;

	t->entry(t->input);
	(void)rt_lock();
	rt_release_all(t);
	rt_make_unready(t);
	t->state = TX_COMPLETED;
	rt_schedule(); /* for the last time */
}

static bool has_ended(const TX_THREAD *t)
{
	return t->state == TX_COMPLETED || t->state == TX_TERMINATED;
}

void rt_thread_init(TX_THREAD *t, VOID (*entry)(ULONG), ULONG input, VOID *stack, ULONG size)
{
	t->entry = entry;
	t->input = input;
	t->stack = stack;
	t->stack_size = size;
	t->sp = rt_port_context(stack, size);
	t->state = TX_SUSPENDED;
	t->inherited = TX_MAX_PRIORITIES;
	t->suspending = 0;
	t->run_count = 0;
	t->alarm.active = 0;
	t->waiters = NULL;
	t->mutex = NULL;
	rt_ring_init(&t->owned);
}

UINT tx_thread_create(TX_THREAD *t, CHAR *name, VOID (*entry)(ULONG), ULONG input, VOID *stack,
		      ULONG stack_size, UINT priority, UINT threshold, ULONG slice, UINT auto_start)
{
	ULONG lock;

	if (!t)
		return TX_THREAD_ERROR;
	if (!entry || !stack)
		return TX_PTR_ERROR;
	if (stack_size < TX_MINIMUM_STACK)
		return TX_SIZE_ERROR;
	if (priority >= TX_MAX_PRIORITIES)
		return TX_PRIORITY_ERROR;
	if (threshold > priority)
		return TX_THRESH_ERROR;
	if (auto_start > TX_AUTO_START)
		return TX_START_ERROR;
	if (!rt_may_create())
		return TX_CALLER_ERROR;
	if (!rt_object_add(t, RT_THREAD, name))
		return TX_THREAD_ERROR;
	rt_thread_init(t, entry, input, stack, stack_size);
	t->priority = t->own_priority = priority;
	t->threshold = t->own_threshold = threshold;
	t->slice = slice;
	lock = rt_lock();
	if (auto_start)
		rt_make_ready(t);
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_thread_delete(TX_THREAD *t)
{
	UINT status = TX_SUCCESS;
	ULONG lock = rt_lock();

	if (!rt_is(t, RT_THREAD))
		status = TX_THREAD_ERROR;
	else if (rt.in_interrupt)
		status = TX_CALLER_ERROR;
	else if (!has_ended(t))
		status = TX_DELETE_ERROR;
	else
		rt_object_remove(t);
	rt_unlock(lock);
	return status;
}

TX_THREAD *tx_thread_identify(VOID)
{
	return rt.current;
}

UINT tx_thread_info_get(TX_THREAD *t, CHAR **name, UINT *state, ULONG *run_count, UINT *priority,
			UINT *threshold, ULONG *slice, TX_THREAD **next, TX_THREAD **next_suspended)
{
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	lock = rt_lock();
	RT_TELL(name, t->object.name);
	RT_TELL(state, t->state);
	RT_TELL(run_count, t->run_count);
	RT_TELL(priority, t->priority);
	RT_TELL(threshold, t->threshold);
	RT_TELL(slice, t->slice);
	RT_TELL(next, rt_object_next(t));
	if (next_suspended) {
		*next_suspended = NULL;
		if (t->waiters)
			*next_suspended = t->queue.next == &t->waiters->list
						  ? rt_first_waiter(t->waiters)
						  : RT_OF(TX_THREAD, queue, t->queue.next);
	}
	rt_unlock(lock);
	return TX_SUCCESS;
}

/* ---- urgency ---- */

static bool may_change(void)
{
	return !rt.in_interrupt && rt.running;
}

/* To be called with the lock: its own values have changed. */
static void follow(TX_THREAD *t, ULONG lock)
{
	if (rt_follow_priority(t) && t->mutex && t->mutex->owner)
		rt_inherit(t->mutex->owner);
	rt_leave(lock);
}

UINT tx_thread_preemption_change(TX_THREAD *t, UINT threshold, UINT *old)
{
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	if (!old)
		return TX_PTR_ERROR;
	if (!may_change())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	if (threshold > t->own_priority) {
		rt_unlock(lock);
		return TX_THRESH_ERROR;
	}
	*old = t->own_threshold;
	t->own_threshold = threshold;
	follow(t, lock);
	return TX_SUCCESS;
}

UINT tx_thread_priority_change(TX_THREAD *t, UINT priority, UINT *old)
{
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	if (!old)
		return TX_PTR_ERROR;
	if (priority >= TX_MAX_PRIORITIES)
		return TX_PRIORITY_ERROR;
	if (!may_change())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	*old = t->own_priority;
	t->own_priority = t->own_threshold = priority;
	if (t->state == TX_READY)
		rt_give_way(t); /* behind the others there */
	follow(t, lock);
	return TX_SUCCESS;
}

UINT tx_thread_time_slice_change(TX_THREAD *t, ULONG slice, ULONG *old)
{
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	if (!old)
		return TX_PTR_ERROR;
	if (!may_change())
		return TX_CALLER_ERROR;
	lock = rt_lock();
	*old = t->slice;
	t->slice = t->slice_left = slice;
	rt_unlock(lock);
	return TX_SUCCESS;
}

VOID tx_thread_relinquish(VOID)
{
	ULONG lock = rt_lock();

	if (rt_in_thread()) {
		rt_give_way(rt.current);
		rt_schedule();
	}
	rt_unlock(lock);
}

/* ---- to stop and to go on ---- */

UINT tx_thread_suspend(TX_THREAD *t)
{
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	if (rt.in_interrupt && t == rt.current)
		return TX_CALLER_ERROR;
	lock = rt_lock();
	if (has_ended(t)) {
		rt_unlock(lock);
		return TX_SUSPEND_ERROR;
	}
	if (t->state == TX_READY) {
		rt_make_unready(t);
		t->state = TX_SUSPENDED;
	} else if (t->state != TX_SUSPENDED) {
		t->suspending = 1;
	}
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_thread_resume(TX_THREAD *t)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	lock = rt_lock();
	if (t->state == TX_SUSPENDED) {
		rt_make_ready(t);
	} else if (t->suspending) {
		t->suspending = 0;
		status = TX_SUSPEND_LIFTED;
	} else {
		status = TX_RESUME_ERROR;
	}
	rt_leave(lock);
	return status;
}

UINT tx_thread_sleep(ULONG ticks)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_in_thread())
		return TX_CALLER_ERROR;
	if (!ticks)
		return TX_SUCCESS;
	lock = rt_lock();
	status = rt_wait(NULL, TX_SLEEP, ticks, TX_SUCCESS);
	rt_unlock(lock);
	return status;
}

UINT tx_thread_wait_abort(TX_THREAD *t)
{
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	lock = rt_lock();
	if (has_ended(t) || t->state == TX_READY || t->state == TX_SUSPENDED) {
		rt_unlock(lock);
		return TX_WAIT_ABORT_ERROR;
	}
	rt_wake(t, TX_WAIT_ABORTED);
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_thread_terminate(TX_THREAD *t)
{
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	if (rt.in_interrupt)
		return TX_CALLER_ERROR;
	lock = rt_lock();
	if (!has_ended(t)) {
		if (t->state == TX_READY)
			rt_make_unready(t);
		else
			rt_stop_waiting(t);
		t->state = TX_TERMINATED;
		t->suspending = 0;
		rt_release_all(t);
	}
	rt_leave(lock);
	return TX_SUCCESS;
}

UINT tx_thread_reset(TX_THREAD *t)
{
	UINT status = TX_SUCCESS;
	ULONG lock;

	if (!rt_is(t, RT_THREAD))
		return TX_THREAD_ERROR;
	if (rt.in_interrupt)
		return TX_CALLER_ERROR;
	lock = rt_lock();
	if (has_ended(t)) {
		rt_thread_init(t, t->entry, t->input, t->stack, t->stack_size);
		t->priority = t->own_priority;
		t->threshold = t->own_threshold;
	} else {
		status = TX_NOT_DONE;
	}
	rt_unlock(lock);
	return status;
}
