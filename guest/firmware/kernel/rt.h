/* SPDX-License-Identifier: MIT */
/*
 * What the files of the kernel share. Everything here is called with interrupts off (rt_lock()),
 * where nothing else is said: that is the kernel's only lock.
 */
#ifndef RT_H
#define RT_H

#include <stdbool.h>
#include <stddef.h>

#include "port.h"
#include "tx_api.h"

#define RT_OF(type, member, pointer) ((type *)((char *)(pointer)-offsetof(type, member)))

/* ---- rings with a head ---- */

static inline void rt_ring_init(struct rt_link *head)
{
	head->next = head->prev = head;
}

static inline bool rt_ring_empty(const struct rt_link *head)
{
	return head->next == head;
}

/* Before `at`; before the head means last, before the head's next means first. */
static inline void rt_ring_add(struct rt_link *at, struct rt_link *link)
{
	link->next = at;
	link->prev = at->prev;
	at->prev->next = link;
	at->prev = link;
}

static inline void rt_ring_remove(struct rt_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
}

/* ---- objects ---- */

enum rt_kind {
	RT_THREAD,
	RT_SEMAPHORE,
	RT_MUTEX,
	RT_QUEUE,
	RT_EVENTS,
	RT_POOL,
	RT_TIMER,
	RT_KINDS
};

/* An object begins with its struct rt_object. Returns whether it is one of this kind; NULL is
 * not. */
bool rt_is(const void *object, enum rt_kind kind);
/* False when it is NULL or there already. Takes the lock itself. */
bool rt_object_add(void *object, enum rt_kind kind, CHAR *name);
void rt_object_remove(void *object);
/* The one created after it; after the last comes the first. */
void *rt_object_next(void *object);

/* ---- who is calling ---- */

/* A thread of the application. */
bool rt_in_thread(void);
/* That, or tx_application_define(): who may create and delete. */
bool rt_may_create(void);
static inline bool rt_may_wait(ULONG wait)
{
	return wait == TX_NO_WAIT || rt_in_thread();
}

/* ---- scheduling (sched.c) ---- */

struct rt_kernel {
	TX_THREAD *current; /* NULL: idle, or before the start */
	bool running;       /* threads do */
	bool in_interrupt;
	uint64_t ticks; /* since the start */
	ULONG time_offset;
	VOID *idle_sp;
	TX_THREAD timer_thread;
};
extern struct rt_kernel rt;

void rt_sched_init(void);
/* Ends a service that may have made a thread ready: runs it now, if we are a thread and it is
 * more urgent, and gives interrupts back. */
void rt_leave(ULONG lock);
/* Of a thread, an idle hart, or at the end of an interrupt: goes on with the first one. */
void rt_schedule(void);
void rt_make_ready(TX_THREAD *thread);
/* For one that is ready: it no longer is; the caller sets its state. */
void rt_make_unready(TX_THREAD *thread);
/* Behind those of its priority. */
void rt_give_way(TX_THREAD *thread);
/* After a change of own_priority, own_threshold or inherited: whether what is in force moved. */
bool rt_follow_priority(TX_THREAD *thread);

/* ---- waiting ---- */

static inline void rt_waiters_init(struct rt_waiters *w)
{
	rt_ring_init(&w->list);
	w->count = 0;
}

static inline TX_THREAD *rt_first_waiter(const struct rt_waiters *w)
{
	return rt_ring_empty(&w->list) ? NULL : RT_OF(TX_THREAD, queue, w->list.next);
}

/* The current thread waits among w (NULL: alone) in this state; returns what rt_wake() says, or
 * timed_out after so many ticks. */
UINT rt_wait(struct rt_waiters *w, UINT state, ULONG ticks, UINT timed_out);
/* Ends its wait, with that result. */
void rt_wake(TX_THREAD *thread, UINT status);
/* The same for all, with TX_DELETED. */
void rt_wake_all(struct rt_waiters *w);
/* It does not wait any more, and is not ready either. */
void rt_stop_waiting(TX_THREAD *thread);
void rt_prioritize(struct rt_waiters *w);
/* For the services that inform; each pointer may be NULL. */
void rt_waiters_info(const struct rt_waiters *w, TX_THREAD **first, ULONG *n_waiting);

/* ---- mutexes (mutex.c) ---- */

/* Follows the waiters of what it owns, and so does the owner of what it waits for. */
void rt_inherit(TX_THREAD *thread);
void rt_release_all(TX_THREAD *thread);

/* ---- time (time.c) ---- */

void rt_time_init(void);
void rt_alarm_set(struct rt_link *list, struct rt_alarm *alarm, uint64_t expiry);
void rt_alarm_cancel(struct rt_alarm *alarm);
/* The alarm of a thread that waits. */
void rt_thread_alarm(TX_THREAD *thread, ULONG ticks);

/* Sets a thread up, suspended. */
void rt_thread_init(TX_THREAD *thread, VOID (*entry)(ULONG), ULONG input, VOID *stack, ULONG size);

#define RT_TELL(pointer, value)               \
	do {                                  \
		if (pointer)                  \
			*(pointer) = (value); \
	} while (0)

#endif
