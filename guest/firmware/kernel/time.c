/* SPDX-License-Identifier: MIT */
/*
 * Ticks, alarms, timers, and how the kernel starts.
 *
 * An alarm has an absolute time and stands in a list in order of expiry: one list for threads that
 * wait, which the tick looks through itself, and one for timers, whose functions are called by a
 * thread of the kernel that is more urgent than all others (priority 0, and first there).
 */
#include "rt.h"

#define TIMER_STACK 4096

static struct rt_link thread_alarms, timer_alarms;
static UCHAR timer_stack[TIMER_STACK] __attribute__((aligned(16)));

/* ---- alarms ---- */

void rt_alarm_set(struct rt_link *list, struct rt_alarm *a, uint64_t expiry)
{
	struct rt_link *at = list->next;

	while (at != list && RT_OF(struct rt_alarm, link, at)->expiry <= expiry)
		at = at->next;
	a->expiry = expiry;
	a->active = 1;
	rt_ring_add(at, &a->link);
}

void rt_alarm_cancel(struct rt_alarm *a)
{
	if (a->active)
		rt_ring_remove(&a->link);
	a->active = 0;
}

/* The first of the list, taken out of it, if its time has come. */
static struct rt_alarm *next_expired(struct rt_link *list)
{
	struct rt_alarm *a = RT_OF(struct rt_alarm, link, list->next);

	if (rt_ring_empty(list) || a->expiry > rt.ticks)
		return NULL;
	rt_alarm_cancel(a);
	return a;
}

void rt_thread_alarm(TX_THREAD *t, ULONG ticks)
{
	rt_alarm_set(&thread_alarms, &t->alarm, rt.ticks + ticks);
}

/* ---- the tick ---- */

static void use_slice(TX_THREAD *t)
{
	if (!t || !t->slice_left || t->threshold != t->priority || t->state != TX_READY)
		return;
	if (!--t->slice_left)
		rt_give_way(t);
}

void rt_tick(void)
{
	struct rt_alarm *a;
	TX_THREAD *t;

	rt.ticks++;
	use_slice(rt.current);
	while ((a = next_expired(&thread_alarms))) {
		t = RT_OF(TX_THREAD, alarm, a);
		rt_wake(t, t->timed_out);
	}
	if (!rt_ring_empty(&timer_alarms) &&
	    RT_OF(struct rt_alarm, link, timer_alarms.next)->expiry <= rt.ticks &&
	    rt.timer_thread.state == TX_SUSPENDED)
		rt_make_ready(&rt.timer_thread);
}

/* Timers run one after the other; they may change each other meanwhile. */
static VOID run_timers(ULONG unused)
{
	struct rt_alarm *a;

	for (;;) {
		ULONG lock = rt_lock();

		while ((a = next_expired(&timer_alarms))) {
			TX_TIMER *t = RT_OF(TX_TIMER, alarm, a);
			VOID (*function)(ULONG) = t->function;
			ULONG input = t->input;

			t->remaining = 0;
			if (t->again)
				rt_alarm_set(&timer_alarms, a, a->expiry + t->again);
			rt_unlock(lock);
			function(input);
			lock = rt_lock();
		}
		(void)rt_wait(NULL, TX_SUSPENDED, TX_WAIT_FOREVER, TX_SUCCESS);
		rt_unlock(lock);
	}
}

void rt_time_init(void)
{
	TX_THREAD *t = &rt.timer_thread;

	rt_ring_init(&thread_alarms);
	rt_ring_init(&timer_alarms);
	rt_thread_init(t, run_timers, 0, timer_stack, sizeof(timer_stack));
}

ULONG tx_time_get(VOID)
{
	return rt.ticks + rt.time_offset;
}

VOID tx_time_set(ULONG ticks)
{
	rt.time_offset = ticks - rt.ticks;
}

/* ---- timers ---- */

UINT tx_timer_create(TX_TIMER *t, CHAR *name, VOID (*function)(ULONG), ULONG input, ULONG initial,
		     ULONG again, UINT auto_activate)
{
	if (!t)
		return TX_TIMER_ERROR;
	if (!initial)
		return TX_TICK_ERROR;
	if (auto_activate > TX_AUTO_ACTIVATE)
		return TX_ACTIVATE_ERROR;
	if (!rt_may_create())
		return TX_CALLER_ERROR;
	if (!rt_object_add(t, RT_TIMER, name))
		return TX_TIMER_ERROR;
	t->function = function;
	t->input = input;
	t->remaining = initial;
	t->again = again;
	t->alarm.active = 0;
	if (auto_activate)
		(void)tx_timer_activate(t);
	return TX_SUCCESS;
}

UINT tx_timer_delete(TX_TIMER *t)
{
	UINT status = TX_SUCCESS;
	ULONG lock = rt_lock();

	if (!rt_is(t, RT_TIMER)) {
		status = TX_TIMER_ERROR;
	} else if (rt.in_interrupt) {
		status = TX_CALLER_ERROR;
	} else {
		rt_alarm_cancel(&t->alarm);
		rt_object_remove(t);
	}
	rt_unlock(lock);
	return status;
}

UINT tx_timer_activate(TX_TIMER *t)
{
	UINT status = TX_SUCCESS;
	ULONG lock = rt_lock();

	if (!rt_is(t, RT_TIMER))
		status = TX_TIMER_ERROR;
	else if (t->alarm.active || !t->remaining)
		status = TX_ACTIVATE_ERROR;
	else
		rt_alarm_set(&timer_alarms, &t->alarm, rt.ticks + t->remaining);
	rt_unlock(lock);
	return status;
}

UINT tx_timer_deactivate(TX_TIMER *t)
{
	UINT status = TX_SUCCESS;
	ULONG lock = rt_lock();

	if (!rt_is(t, RT_TIMER)) {
		status = TX_TIMER_ERROR;
	} else if (t->alarm.active) {
		/* One whose time has come, but whose turn has not, has a tick left. */
		t->remaining = t->alarm.expiry > rt.ticks ? t->alarm.expiry - rt.ticks : 1;
		rt_alarm_cancel(&t->alarm);
	}
	rt_unlock(lock);
	return status;
}

UINT tx_timer_change(TX_TIMER *t, ULONG initial, ULONG again)
{
	UINT status = TX_SUCCESS;
	ULONG lock = rt_lock();

	if (!rt_is(t, RT_TIMER)) {
		status = TX_TIMER_ERROR;
	} else if (!initial) {
		status = TX_TICK_ERROR;
	} else if (!t->alarm.active) {
		t->remaining = initial;
		t->again = again;
	}
	rt_unlock(lock);
	return status;
}

UINT tx_timer_info_get(TX_TIMER *t, CHAR **name, UINT *active, ULONG *remaining, ULONG *again,
		       TX_TIMER **next)
{
	ULONG lock;

	if (!rt_is(t, RT_TIMER))
		return TX_TIMER_ERROR;
	lock = rt_lock();
	RT_TELL(name, t->object.name);
	RT_TELL(active, t->alarm.active);
	RT_TELL(remaining, t->alarm.active ? t->alarm.expiry - rt.ticks : t->remaining);
	RT_TELL(again, t->again);
	RT_TELL(next, rt_object_next(t));
	rt_unlock(lock);
	return TX_SUCCESS;
}

/* ---- the start ---- */

extern char rt_image_end[]; /* by the linker */

VOID tx_kernel_enter(VOID)
{
	(void)rt_lock();
	rt_sched_init();
	rt_time_init();
	rt_port_init();
	board_init();
	tx_application_define(rt_image_end);
	board_start_ticks();
	rt.running = true;
	for (;;) {
		rt_schedule();
		rt_port_idle();
	}
}

UINT tx_interrupt_control(UINT posture)
{
	UINT before = (UINT)rt_lock();

	rt_unlock(posture);
	return before;
}
