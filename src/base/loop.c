/* SPDX-License-Identifier: MIT */
/*
 * epoll for descriptors, a sorted list for timers, a lock-free stack for posted tasks.
 *
 * Descriptors. A watch has a slot; the epoll entry carries the slot and the slot's generation,
 * which grows with each removal. An event taken from the kernel for a watch that a callback has
 * removed meanwhile (its slot perhaps given to another) is thereby known as stale. A quiet watch
 * stays in epoll with EPOLLONESHOT alone: the kernel reports a hang-up at most once, which is
 * dropped, and waking the watch up again cannot fail for want of memory as adding it anew could.
 *
 * Timers. A round first moves what is due from `timers` to `due`, so that a timer armed for the
 * past by a callback waits for the next round and cannot keep descriptors from their turn.
 *
 * Tasks. loop_post() pushes onto `posted`; the owner takes the whole stack with one exchange, turns
 * it round and keeps it in `ready`. Taking all at once has no ABA problem. Whoever pushes onto an
 * empty stack wakes the owner, if the owner has said that it is about to sleep: the poster writes
 * `posted` and reads `asleep`, the owner writes `asleep` and reads `posted`, all sequentially
 * consistent, so at least one of them sees the other.
 *
 * Polling. Before it says that it is about to sleep the owner may look for work for some time:
 * whoever posts then has no need to wake it, and it none to be woken.
 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fd.h"
#include "base/poll_window.h"

#define BATCH     64         /* kernel events taken at once */
#define WAKE_SLOT UINT32_MAX /* the slot number of the wake-up eventfd */
#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull
#define LOOKS     32 /* at `posted`, between two at the clock */

struct slot {
	struct loop_fd *w; /* NULL: free */
	uint32_t gen;
};

struct loop {
	int epoll_fd;
	int wake_fd;
	_Atomic pthread_t owner;
	struct slot *slots;
	uint32_t n_slots;
	struct loop_timer *timers; /* by deadline */
	struct loop_timer *due;    /* taken for this round, by deadline */
	struct loop_task *_Atomic posted;
	struct loop_task *ready; /* in the order of posting, linked by next */
	atomic_bool asleep;
	atomic_bool stop;
	uint64_t (*now)(void *arg);
	void *now_arg;
	struct poll_window window;
	bool coarse; /* the host has no epoll_pwait2: sleep in whole milliseconds */
};

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WAKE_SLOT};
	int ret;

	if (!loop)
		return -ENOMEM;
	loop->wake_fd = -1;
	atomic_init(&loop->owner, pthread_self());
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		ret = -errno;
		goto fail;
	}
	ret = eventfd_new(&loop->wake_fd);
	if (ret)
		goto fail;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &ev) < 0) {
		ret = -errno;
		goto fail;
	}
	*out = loop;
	return 0;
fail:
	loop_free(loop);
	return ret;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	fd_close(&loop->wake_fd);
	fd_close(&loop->epoll_fd);
	free(loop->slots);
	free(loop);
}

bool loop_is_mine(const struct loop *loop)
{
	/* Relaxed: only the caller's own writes can make this true for the caller. */
	return pthread_equal(atomic_load_explicit(&loop->owner, memory_order_relaxed),
			     pthread_self());
}

void loop_adopt(struct loop *loop)
{
	atomic_store_explicit(&loop->owner, pthread_self(), memory_order_relaxed);
}

/* ---- posted tasks ---- */

void loop_post(struct loop *loop, struct loop_task *task)
{
	struct loop_task *head;

	/* An exchange even when it is queued already: the callback's own exchange then reads this
	 * one, and with it what the caller wrote before. */
	if (atomic_exchange_explicit(&task->queued, true, memory_order_acq_rel))
		return;
	head = atomic_load_explicit(&loop->posted, memory_order_relaxed);
	do {
		atomic_store_explicit(&task->next, head, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak(&loop->posted, &head, task));
	if (!head && atomic_load(&loop->asleep))
		eventfd_raise(loop->wake_fd);
}

/* Appends what was posted to `ready`, oldest first. */
static void take_posted(struct loop *loop)
{
	struct loop_task *stack = atomic_exchange(&loop->posted, NULL);
	struct loop_task *oldest = NULL, *next;

	while (stack) {
		next = atomic_load_explicit(&stack->next, memory_order_relaxed);
		atomic_store_explicit(&stack->next, oldest, memory_order_relaxed);
		oldest = stack;
		stack = next;
	}
	if (!loop->ready) {
		loop->ready = oldest;
	} else if (oldest) {
		struct loop_task *last = loop->ready;

		while ((next = atomic_load_explicit(&last->next, memory_order_relaxed)))
			last = next;
		atomic_store_explicit(&last->next, oldest, memory_order_relaxed);
	}
}

void loop_task_cancel(struct loop *loop, struct loop_task *task)
{
	struct loop_task *t, *next, *prev = NULL;

	if (!atomic_load_explicit(&task->queued, memory_order_acquire))
		return;
	take_posted(loop);
	for (t = loop->ready; t && t != task; t = next) {
		next = atomic_load_explicit(&t->next, memory_order_relaxed);
		prev = t;
	}
	assert(t); /* queued on another loop, or still being posted */
	next = atomic_load_explicit(&task->next, memory_order_relaxed);
	if (prev)
		atomic_store_explicit(&prev->next, next, memory_order_relaxed);
	else
		loop->ready = next;
	atomic_store_explicit(&task->queued, false, memory_order_release);
}

/* ---- timers ---- */

static void timer_unlink(struct loop_timer **list, struct loop_timer *t)
{
	while (*list && *list != t)
		list = &(*list)->next;
	if (*list)
		*list = t->next;
}

void loop_timer_cancel(struct loop_timer *t)
{
	if (!t->loop)
		return;
	timer_unlink(&t->loop->timers, t);
	timer_unlink(&t->loop->due, t);
	t->loop = NULL;
}

void loop_timer_arm(struct loop *loop, struct loop_timer *t, uint64_t deadline_ns)
{
	struct loop_timer **at = &loop->timers;

	loop_timer_cancel(t);
	while (*at && (*at)->deadline <= deadline_ns)
		at = &(*at)->next;
	t->deadline = deadline_ns;
	t->loop = loop;
	t->next = *at;
	*at = t;
}

uint64_t loop_next_deadline(const struct loop *loop)
{
	uint64_t due = loop->due ? loop->due->deadline : UINT64_MAX;

	return min_u64(due, loop->timers ? loop->timers->deadline : UINT64_MAX);
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now ? loop->now(loop->now_arg) : host_now_ns();
}

void loop_set_clock(struct loop *loop, uint64_t (*now)(void *arg), void *arg)
{
	loop->now = now;
	loop->now_arg = arg;
}

/* What is left over from an interrupted round runs before anything newer. */
static void take_due_timers(struct loop *loop)
{
	struct loop_timer **end = &loop->timers;
	uint64_t now;

	if (loop->due || !loop->timers)
		return;
	now = loop_now(loop);
	while (*end && (*end)->deadline <= now)
		end = &(*end)->next;
	if (end == &loop->timers)
		return;
	loop->due = loop->timers;
	loop->timers = *end;
	*end = NULL;
}

/* ---- descriptors ---- */

static int slot_find_free(struct loop *loop, uint32_t *out)
{
	struct slot *grown;
	uint32_t i, n;

	for (i = 0; i < loop->n_slots; i++) {
		if (!loop->slots[i].w) {
			*out = i;
			return 0;
		}
	}
	n = loop->n_slots ? loop->n_slots * 2 : 16;
	grown = realloc(loop->slots, n * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (i = loop->n_slots; i < n; i++)
		grown[i] = (struct slot){0};
	*out = loop->n_slots;
	loop->slots = grown;
	loop->n_slots = n;
	return 0;
}

static int watch_ctl(const struct loop_fd *w, int op)
{
	struct epoll_event ev = {
		.events = w->events ? w->events : (uint32_t)EPOLLONESHOT,
		.data.u64 = (uint64_t)w->loop->slots[w->slot].gen << 32 | w->slot,
	};

	return epoll_ctl(w->loop->epoll_fd, op, w->fd, &ev) < 0 ? -errno : 0;
}

int loop_fd_add(struct loop *loop, struct loop_fd *w)
{
	uint32_t slot;
	int ret;

	assert(!w->loop);
	ret = slot_find_free(loop, &slot);
	if (ret)
		return ret;
	w->loop = loop;
	w->slot = slot;
	ret = watch_ctl(w, EPOLL_CTL_ADD);
	if (ret) {
		w->loop = NULL;
		return ret;
	}
	loop->slots[slot].w = w;
	return 0;
}

void loop_fd_set(struct loop_fd *w, uint32_t events)
{
	int ret;

	if (w->events == events)
		return;
	w->events = events;
	if (!w->loop)
		return;
	ret = watch_ctl(w, EPOLL_CTL_MOD);
	assert(!ret); /* fails only for a descriptor that was closed too early */
	(void)ret;
}

void loop_fd_del(struct loop_fd *w)
{
	struct slot *slot;

	if (!w->loop)
		return;
	slot = &w->loop->slots[w->slot];
	(void)watch_ctl(w, EPOLL_CTL_DEL);
	slot->w = NULL;
	slot->gen++;
	w->loop = NULL;
}

/* ---- rounds ---- */

void loop_set_poll(struct loop *loop, uint64_t max_ns)
{
	loop->window = (struct poll_window){.max_ns = max_ns};
}

/* How long to sleep in ns, -1 for ever. */
static int64_t sleep_time(const struct loop *loop, int64_t timeout_ns)
{
	uint64_t deadline = loop_next_deadline(loop);
	uint64_t now;

	if (loop->ready || loop->due)
		return 0;
	if (!timeout_ns || deadline == UINT64_MAX)
		return timeout_ns;
	now = loop_now(loop);
	if (deadline <= now)
		return 0;
	if (loop->now)
		return timeout_ns;
	if (timeout_ns < 0)
		return (int64_t)min_u64(deadline - now, INT64_MAX);
	return (int64_t)min_u64(deadline - now, (uint64_t)timeout_ns);
}

static int wait_events(struct loop *loop, struct epoll_event *evs, int64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)((uint64_t)ns / NS_PER_S),
		.tv_nsec = (long)((uint64_t)ns % NS_PER_S),
	};
	uint64_t ms;
	int n;

	if (!loop->coarse) {
		n = epoll_pwait2(loop->epoll_fd, evs, BATCH, ns < 0 ? NULL : &ts, NULL);
		if (n >= 0 || errno == EINTR)
			return n < 0 ? 0 : n;
		/* An older kernel, or a container's filter that does not know the call. */
		if (errno != ENOSYS && errno != EPERM)
			return -errno;
		loop->coarse = true;
	}
	/* Rounded up, since waking too early would only mean another round. */
	ms = ns < 0 ? 0 : min_u64(((uint64_t)ns + NS_PER_MS - 1) / NS_PER_MS, INT32_MAX);
	n = epoll_wait(loop->epoll_fd, evs, BATCH, ns < 0 ? -1 : (int)ms);
	return n >= 0 ? n : errno == EINTR ? 0 : -errno;
}

/* For `ns`, -1 for ever, unless something is posted; the events found, or -errno. */
static int loop_sleep(struct loop *loop, struct epoll_event *evs, int64_t ns)
{
	int n;

	if (ns) {
		atomic_store(&loop->asleep, true);
		if (atomic_load(&loop->posted))
			ns = 0;
	}
	n = wait_events(loop, evs, ns);
	/* Relaxed: a late write of this costs a poster one needless wake-up. */
	atomic_store_explicit(&loop->asleep, false, memory_order_relaxed);
	return n;
}

static bool any_posted(struct loop *loop)
{
	return atomic_load_explicit(&loop->posted, memory_order_relaxed);
}

/* Looks for tasks and events until `end`; as loop_sleep(). */
static int look_for_work(struct loop *loop, struct epoll_event *evs, uint64_t end)
{
	int n = 0;

	do {
		for (unsigned i = 0; i < LOOKS && !any_posted(loop); i++)
			cpu_relax();
		n = wait_events(loop, evs, 0);
	} while (!n && !any_posted(loop) && host_now_ns() < end);
	return n;
}

static int loop_poll(struct loop *loop, struct epoll_event *evs, int64_t timeout_ns)
{
	int64_t ns = sleep_time(loop, timeout_ns);
	uint64_t from, limit = loop->window.ns;
	int n = 0;

	if (!ns || any_posted(loop))
		return loop_sleep(loop, evs, ns);
	from = host_now_ns();
	if (ns > 0)
		limit = min_u64(limit, (uint64_t)ns);
	if (limit)
		n = look_for_work(loop, evs, from + limit);
	if (!n && !any_posted(loop))
		n = loop_sleep(loop, evs, sleep_time(loop, timeout_ns));
	poll_window_learn(&loop->window, host_now_ns() - from);
	return n;
}

/* Sleeps as long as nothing is due; the events found, or -errno. */
static int loop_wait(struct loop *loop, struct epoll_event *evs, int64_t timeout_ns)
{
	if (loop->window.max_ns)
		return loop_poll(loop, evs, timeout_ns);
	return loop_sleep(loop, evs, sleep_time(loop, timeout_ns));
}
static bool stopped(const struct loop *loop, bool heed_stop)
{
	return heed_stop && atomic_load_explicit(&loop->stop, memory_order_relaxed);
}

static int run_timers(struct loop *loop, bool heed_stop)
{
	struct loop_timer *t;
	int count = 0;

	take_due_timers(loop);
	while ((t = loop->due) && !stopped(loop, heed_stop)) {
		loop->due = t->next;
		t->loop = NULL;
		t->fn(t);
		count++;
	}
	return count;
}

static int run_tasks(struct loop *loop, bool heed_stop)
{
	struct loop_task *t;
	int count = 0;

	if (!loop->ready && !atomic_load_explicit(&loop->posted, memory_order_relaxed))
		return 0;
	take_posted(loop);
	while ((t = loop->ready) && !stopped(loop, heed_stop)) {
		loop->ready = atomic_load_explicit(&t->next, memory_order_relaxed);
		/* Acquires what every poster wrote; from here on it may be posted again. */
		(void)atomic_exchange_explicit(&t->queued, false, memory_order_acq_rel);
		t->fn(t);
		count++;
	}
	return count;
}

/* The callback for one kernel event, or 0 when it is stale or not wanted any more. */
static int run_event(struct loop *loop, const struct epoll_event *ev)
{
	uint32_t slot = (uint32_t)ev->data.u64;
	uint32_t gen = (uint32_t)(ev->data.u64 >> 32);
	struct loop_fd *w;
	uint32_t events;

	if (slot == WAKE_SLOT) {
		eventfd_clear(loop->wake_fd);
		return 0;
	}
	w = loop->slots[slot].w;
	if (!w || loop->slots[slot].gen != gen || !w->events)
		return 0;
	events = ev->events & (w->events | EPOLLHUP | EPOLLERR);
	if (!events)
		return 0;
	w->fn(w, events);
	return 1;
}

static int run_round(struct loop *loop, int64_t timeout_ns, bool heed_stop)
{
	struct epoll_event evs[BATCH];
	int n = loop_wait(loop, evs, timeout_ns);
	int count;

	if (n < 0)
		return n;
	count = run_timers(loop, heed_stop);
	count += run_tasks(loop, heed_stop);
	for (int i = 0; i < n && !stopped(loop, heed_stop); i++)
		count += run_event(loop, &evs[i]);
	return count;
}

int loop_turn(struct loop *loop, int64_t timeout_ns)
{
	loop_adopt(loop);
	return run_round(loop, timeout_ns, false);
}

int loop_run(struct loop *loop)
{
	pthread_t before = atomic_load_explicit(&loop->owner, memory_order_relaxed);
	int ret = 0;

	loop_adopt(loop);
	/* Acquire: what the stopping thread wrote before is visible after the run. */
	while (ret >= 0 && !atomic_exchange_explicit(&loop->stop, false, memory_order_acquire))
		ret = run_round(loop, -1, true);
	atomic_store_explicit(&loop->owner, before, memory_order_relaxed);
	return ret < 0 ? ret : 0;
}

void loop_stop(struct loop *loop)
{
	atomic_store_explicit(&loop->stop, true, memory_order_release);
	eventfd_raise(loop->wake_fd);
}
