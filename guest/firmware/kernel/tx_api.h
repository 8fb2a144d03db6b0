/* SPDX-License-Identifier: MIT */
/*
 * A small real-time kernel for one hart, with the services of Eclipse ThreadX that applications use
 * under the names, values and types that its User Guide (chapters 3 and 4) gives them, so that
 * such an application is compiled unchanged. That is why types have typedefs and capitals here.
 * Members of the structures are the kernel's own.
 *
 * Who may call: what creates and deletes, and what may wait with a limit other than TX_NO_WAIT, is
 * for threads (creating also for tx_application_define()), else TX_CALLER_ERROR or TX_WAIT_ERROR;
 * the rest is also for interrupt handlers and timers' functions. A structure belongs to the
 * caller, who keeps it until it is deleted; names are kept by reference.
 *
 * Every waiting service returns TX_DELETED when its object was deleted, TX_WAIT_ABORTED after
 * tx_thread_wait_abort(), and what it returns without waiting when its time is over.
 */
#ifndef TX_API_H
#define TX_API_H

#include <stdint.h>

typedef void VOID;
typedef char CHAR;
typedef unsigned char UCHAR;
typedef int INT;
typedef unsigned int UINT;
typedef long LONG;
typedef unsigned long ULONG;
typedef short SHORT;
typedef unsigned short USHORT;

#define TX_NULL  ((void *)0)
#define TX_TRUE  1u
#define TX_FALSE 0u

#define TX_TIMER_TICKS_PER_SECOND 200ul
#define TX_MAX_PRIORITIES         32u /* 0 is the most urgent */
#define TX_MINIMUM_STACK          1024u

/* Limits of waiting; everything else is a number of ticks. */
#define TX_NO_WAIT      0ul
#define TX_WAIT_FOREVER 0xfffffffful

#define TX_NO_TIME_SLICE 0ul
#define TX_DONT_START    0u
#define TX_AUTO_START    1u
#define TX_NO_ACTIVATE   0u
#define TX_AUTO_ACTIVATE 1u
#define TX_NO_INHERIT    0u
#define TX_INHERIT       1u
#define TX_OR            0u
#define TX_OR_CLEAR      1u
#define TX_AND           2u
#define TX_AND_CLEAR     3u
#define TX_INT_DISABLE   0u
#define TX_INT_ENABLE    8u

/* Sizes of a queue's messages, in ULONGs; 1 to 16 are allowed. */
#define TX_1_ULONG  1u
#define TX_2_ULONG  2u
#define TX_4_ULONG  4u
#define TX_8_ULONG  8u
#define TX_16_ULONG 16u

enum {
	TX_SUCCESS = 0x00,
	TX_DELETED = 0x01,
	TX_POOL_ERROR = 0x02,
	TX_PTR_ERROR = 0x03,
	TX_WAIT_ERROR = 0x04,
	TX_SIZE_ERROR = 0x05,
	TX_GROUP_ERROR = 0x06,
	TX_NO_EVENTS = 0x07,
	TX_OPTION_ERROR = 0x08,
	TX_QUEUE_ERROR = 0x09,
	TX_QUEUE_EMPTY = 0x0a,
	TX_QUEUE_FULL = 0x0b,
	TX_SEMAPHORE_ERROR = 0x0c,
	TX_NO_INSTANCE = 0x0d,
	TX_THREAD_ERROR = 0x0e,
	TX_PRIORITY_ERROR = 0x0f,
	TX_NO_MEMORY = 0x10,
	TX_START_ERROR = 0x10,
	TX_DELETE_ERROR = 0x11,
	TX_RESUME_ERROR = 0x12,
	TX_CALLER_ERROR = 0x13,
	TX_SUSPEND_ERROR = 0x14,
	TX_TIMER_ERROR = 0x15,
	TX_TICK_ERROR = 0x16,
	TX_ACTIVATE_ERROR = 0x17,
	TX_THRESH_ERROR = 0x18,
	TX_SUSPEND_LIFTED = 0x19,
	TX_WAIT_ABORTED = 0x1a,
	TX_WAIT_ABORT_ERROR = 0x1b,
	TX_MUTEX_ERROR = 0x1c,
	TX_NOT_AVAILABLE = 0x1d,
	TX_NOT_OWNED = 0x1e,
	TX_INHERIT_ERROR = 0x1f,
	TX_NOT_DONE = 0x20,
	TX_CEILING_EXCEEDED = 0x21,
	TX_INVALID_CEILING = 0x22,
};

/* A thread's states, as tx_thread_info_get() tells them. */
enum {
	TX_READY = 0,
	TX_COMPLETED = 1,
	TX_TERMINATED = 2,
	TX_SUSPENDED = 3,
	TX_SLEEP = 4,
	TX_QUEUE_SUSP = 5,
	TX_SEMAPHORE_SUSP = 6,
	TX_EVENT_FLAG = 7,
	TX_BLOCK_MEMORY = 8,
	TX_MUTEX_SUSP = 13,
};

/* ---- structures; what they hold is the kernel's ---- */

struct rt_link {
	struct rt_link *next, *prev;
};

struct rt_object {
	struct rt_link link; /* in the ring of all objects of a kind */
	ULONG id;
	CHAR *name;
};

struct rt_alarm {
	struct rt_link link;
	uint64_t expiry; /* in ticks since the start */
	UINT active;
};

struct rt_waiters {
	struct rt_link list;
	ULONG count;
};

typedef struct TX_MUTEX_STRUCT TX_MUTEX;

typedef struct TX_THREAD_STRUCT {
	struct rt_object object;
	VOID *sp;
	VOID *stack;
	ULONG stack_size;
	VOID (*entry)(ULONG);
	ULONG input;
	UINT state;
	UINT priority, threshold;         /* in force, with what is inherited */
	UINT own_priority, own_threshold; /* as the application set them */
	UINT inherited;                   /* TX_MAX_PRIORITIES: nothing */
	UINT level;                       /* of the ready list that holds it */
	UINT started;                     /* it has run since it became ready */
	UINT suspending;                  /* to be suspended when it stops waiting */
	ULONG slice, slice_left;
	ULONG run_count;
	struct rt_link queue; /* among the ready, or among an object's waiters */
	struct rt_link owned; /* its mutexes */
	struct rt_alarm alarm;
	struct rt_waiters *waiters; /* where it waits */
	TX_MUTEX *mutex;            /* the same, for a mutex */
	UINT status, timed_out;     /* what its waiting service returns; when time is over */
	UINT option;                /* of that service, with the next two */
	ULONG wanted;
	VOID *data;
} TX_THREAD;

typedef struct TX_SEMAPHORE_STRUCT {
	struct rt_object object;
	struct rt_waiters waiters;
	ULONG count;
} TX_SEMAPHORE;

struct TX_MUTEX_STRUCT {
	struct rt_object object;
	struct rt_waiters waiters;
	struct rt_link owned; /* among its owner's */
	TX_THREAD *owner;
	ULONG count;
	UINT inherit;
};

typedef struct TX_QUEUE_STRUCT {
	struct rt_object object;
	struct rt_waiters senders, receivers;
	ULONG *start;
	ULONG words;    /* of a message */
	ULONG capacity; /* in messages, like the next two */
	ULONG count, first;
} TX_QUEUE;

typedef struct TX_EVENT_FLAGS_GROUP_STRUCT {
	struct rt_object object;
	struct rt_waiters waiters;
	ULONG flags;
} TX_EVENT_FLAGS_GROUP;

typedef struct TX_BLOCK_POOL_STRUCT {
	struct rt_object object;
	struct rt_waiters waiters;
	VOID *free; /* the first of a chain */
	ULONG available, total;
} TX_BLOCK_POOL;

typedef struct TX_TIMER_STRUCT {
	struct rt_object object;
	struct rt_alarm alarm;
	VOID (*function)(ULONG);
	ULONG input;
	ULONG remaining; /* while it is not active */
	ULONG again;
} TX_TIMER;

/* ---- the kernel ---- */

/* Calls tx_application_define() with interrupts off, then runs threads. Does not return. */
VOID tx_kernel_enter(VOID) __attribute__((noreturn));
/* The application's; unused is the first address behind what the image occupies. */
VOID tx_application_define(VOID *unused);
/* TX_INT_DISABLE or TX_INT_ENABLE; returns what held before, to be handed back. */
UINT tx_interrupt_control(UINT posture);

/* Ticks since the start, or since a value was set. */
ULONG tx_time_get(VOID);
VOID tx_time_set(ULONG ticks);

/* ---- threads ---- */

/* TX_THREAD_ERROR (NULL, or created already), TX_PTR_ERROR, TX_SIZE_ERROR, TX_PRIORITY_ERROR,
 * TX_THRESH_ERROR (less urgent than the priority), TX_START_ERROR, TX_CALLER_ERROR. Only threads
 * more urgent than the threshold preempt it; with one other than its priority it has no slices. */
UINT tx_thread_create(TX_THREAD *thread, CHAR *name, VOID (*entry)(ULONG), ULONG input, VOID *stack,
		      ULONG stack_size, UINT priority, UINT threshold, ULONG slice,
		      UINT auto_start);
/* TX_THREAD_ERROR, TX_DELETE_ERROR (neither completed nor terminated), TX_CALLER_ERROR. */
UINT tx_thread_delete(TX_THREAD *thread);
/* The one that runs or was interrupted; TX_NULL without one. */
TX_THREAD *tx_thread_identify(VOID);
/* Each pointer may be TX_NULL. */
UINT tx_thread_info_get(TX_THREAD *thread, CHAR **name, UINT *state, ULONG *run_count,
			UINT *priority, UINT *threshold, ULONG *slice, TX_THREAD **next,
			TX_THREAD **next_suspended);
/* TX_THREAD_ERROR, TX_THRESH_ERROR, TX_PTR_ERROR, TX_CALLER_ERROR. */
UINT tx_thread_preemption_change(TX_THREAD *thread, UINT threshold, UINT *old);
/* The threshold becomes the same. TX_THREAD_ERROR, TX_PRIORITY_ERROR, TX_PTR_ERROR,
 * TX_CALLER_ERROR. */
UINT tx_thread_priority_change(TX_THREAD *thread, UINT priority, UINT *old);
/* Behind all that are ready with the same priority. */
VOID tx_thread_relinquish(VOID);
/* To begin anew after tx_thread_resume(). TX_THREAD_ERROR, TX_NOT_DONE, TX_CALLER_ERROR. */
UINT tx_thread_reset(TX_THREAD *thread);
/* TX_SUSPEND_LIFTED (it waits and was to be suspended), TX_THREAD_ERROR, TX_RESUME_ERROR. */
UINT tx_thread_resume(TX_THREAD *thread);
/* TX_CALLER_ERROR. */
UINT tx_thread_sleep(ULONG ticks);
/* One that waits is suspended when it stops waiting. TX_THREAD_ERROR, TX_SUSPEND_ERROR (ended),
 * TX_CALLER_ERROR (the interrupted thread, by a handler). */
UINT tx_thread_suspend(TX_THREAD *thread);
/* Releases its mutexes. TX_THREAD_ERROR, TX_CALLER_ERROR. */
UINT tx_thread_terminate(TX_THREAD *thread);
/* TX_THREAD_ERROR, TX_PTR_ERROR, TX_CALLER_ERROR. */
UINT tx_thread_time_slice_change(TX_THREAD *thread, ULONG slice, ULONG *old);
/* TX_THREAD_ERROR, TX_WAIT_ABORT_ERROR (it does not wait). */
UINT tx_thread_wait_abort(TX_THREAD *thread);

/* ---- counting semaphores: TX_SEMAPHORE_ERROR, TX_CALLER_ERROR, TX_WAIT_ERROR ---- */

UINT tx_semaphore_create(TX_SEMAPHORE *semaphore, CHAR *name, ULONG count);
UINT tx_semaphore_delete(TX_SEMAPHORE *semaphore);
/* TX_NO_INSTANCE. */
UINT tx_semaphore_get(TX_SEMAPHORE *semaphore, ULONG wait);
UINT tx_semaphore_put(TX_SEMAPHORE *semaphore);
/* TX_CEILING_EXCEEDED, TX_INVALID_CEILING (0). */
UINT tx_semaphore_ceiling_put(TX_SEMAPHORE *semaphore, ULONG ceiling);
/* The most urgent waiter is the next; the others stay in order of arrival. So for all kinds. */
UINT tx_semaphore_prioritize(TX_SEMAPHORE *semaphore);
UINT tx_semaphore_info_get(TX_SEMAPHORE *semaphore, CHAR **name, ULONG *count, TX_THREAD **first,
			   ULONG *n_waiting, TX_SEMAPHORE **next);

/* ---- mutexes, which their owner may take again ----
 *
 * TX_MUTEX_ERROR, TX_CALLER_ERROR, TX_WAIT_ERROR. */

/* With TX_INHERIT the owner is at least as urgent as each that waits, and so is the owner of what
 * it waits for itself; the most urgent waiter is the next owner. TX_INHERIT_ERROR. */
UINT tx_mutex_create(TX_MUTEX *mutex, CHAR *name, UINT inherit);
UINT tx_mutex_delete(TX_MUTEX *mutex);
/* TX_NOT_AVAILABLE. */
UINT tx_mutex_get(TX_MUTEX *mutex, ULONG wait);
/* TX_NOT_OWNED. */
UINT tx_mutex_put(TX_MUTEX *mutex);
UINT tx_mutex_prioritize(TX_MUTEX *mutex);
UINT tx_mutex_info_get(TX_MUTEX *mutex, CHAR **name, ULONG *count, TX_THREAD **owner,
		       TX_THREAD **first, ULONG *n_waiting, TX_MUTEX **next);

/* ---- message queues ----
 *
 * TX_QUEUE_ERROR, TX_PTR_ERROR, TX_CALLER_ERROR, TX_WAIT_ERROR. */

/* words: ULONGs of a message; size: bytes at start. TX_SIZE_ERROR. */
UINT tx_queue_create(TX_QUEUE *queue, CHAR *name, UINT words, VOID *start, ULONG size);
UINT tx_queue_delete(TX_QUEUE *queue);
/* Empties it; waiting senders go on as if they had sent. */
UINT tx_queue_flush(TX_QUEUE *queue);
/* TX_QUEUE_FULL. */
UINT tx_queue_send(TX_QUEUE *queue, VOID *message, ULONG wait);
UINT tx_queue_front_send(TX_QUEUE *queue, VOID *message, ULONG wait);
/* TX_QUEUE_EMPTY. */
UINT tx_queue_receive(TX_QUEUE *queue, VOID *message, ULONG wait);
UINT tx_queue_prioritize(TX_QUEUE *queue);
UINT tx_queue_info_get(TX_QUEUE *queue, CHAR **name, ULONG *enqueued, ULONG *available,
		       TX_THREAD **first, ULONG *n_waiting, TX_QUEUE **next);

/* ---- groups of 32 event flags ----
 *
 * TX_GROUP_ERROR, TX_OPTION_ERROR, TX_CALLER_ERROR, TX_WAIT_ERROR. */

UINT tx_event_flags_create(TX_EVENT_FLAGS_GROUP *group, CHAR *name);
UINT tx_event_flags_delete(TX_EVENT_FLAGS_GROUP *group);
/* TX_OR sets, TX_AND keeps only these. Every waiter is asked with the same flags; what the
 * satisfied ones clear is cleared then. */
UINT tx_event_flags_set(TX_EVENT_FLAGS_GROUP *group, ULONG flags, UINT option);
/* *actual: the flags before they were cleared. TX_NO_EVENTS, TX_PTR_ERROR. */
UINT tx_event_flags_get(TX_EVENT_FLAGS_GROUP *group, ULONG requested, UINT option, ULONG *actual,
			ULONG wait);
UINT tx_event_flags_info_get(TX_EVENT_FLAGS_GROUP *group, CHAR **name, ULONG *flags,
			     TX_THREAD **first, ULONG *n_waiting, TX_EVENT_FLAGS_GROUP **next);

/* ---- pools of blocks of one size ----
 *
 * TX_POOL_ERROR, TX_PTR_ERROR, TX_CALLER_ERROR, TX_WAIT_ERROR. */

/* Each block costs a pointer besides. TX_SIZE_ERROR. */
UINT tx_block_pool_create(TX_BLOCK_POOL *pool, CHAR *name, ULONG block_size, VOID *start,
			  ULONG size);
UINT tx_block_pool_delete(TX_BLOCK_POOL *pool);
/* TX_NO_MEMORY. */
UINT tx_block_allocate(TX_BLOCK_POOL *pool, VOID **block, ULONG wait);
UINT tx_block_release(VOID *block);
UINT tx_block_pool_prioritize(TX_BLOCK_POOL *pool);
UINT tx_block_pool_info_get(TX_BLOCK_POOL *pool, CHAR **name, ULONG *available, ULONG *total,
			    TX_THREAD **first, ULONG *n_waiting, TX_BLOCK_POOL **next);

/* ---- timers, whose functions run one after the other and may not wait: TX_TIMER_ERROR ---- */

/* First after `initial` ticks, then every `again` (0: once). TX_TICK_ERROR (initial is 0),
 * TX_ACTIVATE_ERROR (auto_activate), TX_CALLER_ERROR. */
UINT tx_timer_create(TX_TIMER *timer, CHAR *name, VOID (*function)(ULONG), ULONG input,
		     ULONG initial, ULONG again, UINT auto_activate);
UINT tx_timer_delete(TX_TIMER *timer);
/* Goes on where it was deactivated. TX_ACTIVATE_ERROR: it is active, or has run its one time. */
UINT tx_timer_activate(TX_TIMER *timer);
UINT tx_timer_deactivate(TX_TIMER *timer);
/* While it is not active; without effect otherwise. TX_TICK_ERROR. */
UINT tx_timer_change(TX_TIMER *timer, ULONG initial, ULONG again);
UINT tx_timer_info_get(TX_TIMER *timer, CHAR **name, UINT *active, ULONG *remaining, ULONG *again,
		       TX_TIMER **next);

#endif
