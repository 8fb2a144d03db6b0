/* SPDX-License-Identifier: MIT */
/*
 * Who runs, and how a thread waits.
 *
 * There is a list of ready threads for each level of urgency; the first of the most urgent one
 * runs, and stays in the list meanwhile. A thread that has become ready stands at the end of the
 * level of its priority. Once it runs it moves to the front of the level of its preemption
 * threshold and stays there until it waits or gives way, even when a more urgent one takes the
 * hart: so the order of the lists alone says who may preempt whom, and who goes on after that.
 */
#include "rt.h"

struct rt_kernel rt;

static struct rt_link ready[TX_MAX_PRIORITIES];
static uint32_t levels; /* bit n: ready[n] is not empty */

void rt_sched_init(void)
{
	for (unsigned i = 0; i < TX_MAX_PRIORITIES; i++)
		rt_ring_init(&ready[i]);
}

bool rt_in_thread(void)
{
	return rt.running && !rt.in_interrupt && rt.current && rt.current != &rt.timer_thread;
}

bool rt_may_create(void)
{
	return rt_in_thread() || !rt.running;
}

/* ---- the ready ---- */

static void enter(TX_THREAD *t)
{
	struct rt_link *list;

	t->level = t->started ? t->threshold : t->priority;
	list = &ready[t->level];
	rt_ring_add(t->started ? list->next : list, &t->queue);
	levels |= 1u << t->level;
}

static void leave(TX_THREAD *t)
{
	rt_ring_remove(&t->queue);
	if (rt_ring_empty(&ready[t->level]))
		levels &= ~(1u << t->level);
}

void rt_make_ready(TX_THREAD *t)
{
	t->state = TX_READY;
	t->started = 0;
	t->slice_left = t->slice;
	enter(t);
}

void rt_make_unready(TX_THREAD *t)
{
	leave(t);
}

void rt_give_way(TX_THREAD *t)
{
	leave(t);
	rt_make_ready(t);
}

bool rt_follow_priority(TX_THREAD *t)
{
	UINT priority = t->own_priority < t->inherited ? t->own_priority : t->inherited;
	UINT threshold = t->own_threshold < priority ? t->own_threshold : priority;

	if (priority == t->priority && threshold == t->threshold)
		return false;
	if (t->state == TX_READY)
		leave(t);
	t->priority = priority;
	t->threshold = threshold;
	if (t->state == TX_READY)
		enter(t);
	return true;
}

static TX_THREAD *first_ready(void)
{
	return levels ? RT_OF(TX_THREAD, queue, ready[__builtin_ctz(levels)].next) : NULL;
}

void rt_schedule(void)
{
	TX_THREAD *from = rt.current, *to = first_ready();

	if (to && !to->started) {
		leave(to);
		to->started = 1;
		enter(to);
	}
	if (to == from)
		return;
	if (to)
		to->run_count++;
	rt.current = to;
	rt_port_switch(from ? &from->sp : &rt.idle_sp, to ? to->sp : rt.idle_sp);
}

void rt_leave(ULONG lock)
{
	if (rt.running && !rt.in_interrupt)
		rt_schedule();
	rt_unlock(lock);
}

/* ---- waiting ---- */

UINT rt_wait(struct rt_waiters *w, UINT state, ULONG ticks, UINT timed_out)
{
	TX_THREAD *t = rt.current;

	leave(t);
	t->state = state;
	t->timed_out = timed_out;
	t->waiters = w;
	if (w) {
		rt_ring_add(&w->list, &t->queue);
		w->count++;
	}
	if (t->mutex)
		rt_inherit(t->mutex->owner);
	if (ticks != TX_WAIT_FOREVER)
		rt_thread_alarm(t, ticks);
	rt_schedule();
	return t->status;
}

void rt_stop_waiting(TX_THREAD *t)
{
	TX_MUTEX *m = t->mutex;

	rt_alarm_cancel(&t->alarm);
	if (t->waiters) {
		rt_ring_remove(&t->queue);
		t->waiters->count--;
		t->waiters = NULL;
	}
	t->mutex = NULL;
	if (m && m->owner)
		rt_inherit(m->owner);
}

void rt_wake(TX_THREAD *t, UINT status)
{
	rt_stop_waiting(t);
	t->status = status;
	if (t->suspending) {
		t->suspending = 0;
		t->state = TX_SUSPENDED;
	} else {
		rt_make_ready(t);
	}
}

void rt_wake_all(struct rt_waiters *w)
{
	TX_THREAD *t;

	while ((t = rt_first_waiter(w)))
		rt_wake(t, TX_DELETED);
}

void rt_prioritize(struct rt_waiters *w)
{
	TX_THREAD *best = rt_first_waiter(w), *t;

	if (!best)
		return;
	for (struct rt_link *l = w->list.next; l != &w->list; l = l->next) {
		t = RT_OF(TX_THREAD, queue, l);
		if (t->priority < best->priority)
			best = t;
	}
	rt_ring_remove(&best->queue);
	rt_ring_add(w->list.next, &best->queue);
}

void rt_waiters_info(const struct rt_waiters *w, TX_THREAD **first, ULONG *n_waiting)
{
	RT_TELL(first, rt_first_waiter(w));
	RT_TELL(n_waiting, w->count);
}
