/* SPDX-License-Identifier: MIT */
/*
 * An event loop: file descriptors, timers, and work posted from other threads.
 *
 * One thread owns a loop: the one in loop_run(), or the one that last called loop_turn() or
 * loop_adopt(); else the creating thread. Every function here belongs to the owner except
 * loop_post(), loop_stop() and loop_is_mine(), which any thread may call. Callbacks run on the
 * owner, one after the other, and never nest: nothing here calls back before it returns. In a
 * round, due timers run first (earliest first, equal ones in the order of arming), then posted
 * tasks in their order, then file descriptors.
 *
 * Memory: the caller embeds the watch, timer and task structures and keeps them alive while they
 * are added, armed or queued. Removing one from inside any callback is allowed and takes effect at
 * once: its callback is not called again, even if it was already due.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/* A file descriptor to watch. `events` are EPOLLIN and EPOLLOUT (level triggered); the callback
 * also gets EPOLLHUP and EPOLLERR. events == 0 keeps it added but quiet (not even EPOLLHUP). Zero
 * it once, and remove it before the descriptor is closed. */
struct loop_fd {
	void (*fn)(struct loop_fd *w, uint32_t events);
	void *arg; /* the caller's */
	int fd;
	uint32_t events;
	struct loop *loop; /* private */
	unsigned slot;     /* private */
};

/* A one-shot timer. Zero it once. */
struct loop_timer {
	void (*fn)(struct loop_timer *t);
	void *arg;               /* the caller's */
	uint64_t deadline;       /* private: ns on the loop's clock */
	struct loop *loop;       /* private: NULL when not armed */
	struct loop_timer *next; /* private */
};

/* Work to run on the loop's thread. Zero it once, then set fn and arg. */
struct loop_task {
	void (*fn)(struct loop_task *t);
	void *arg;                      /* the caller's */
	struct loop_task *_Atomic next; /* private */
	atomic_bool queued;             /* private */
};

/* 0, or -errno (-EMFILE, -ENOMEM). */
int loop_new(struct loop **out);

/* Nothing may be running in it. What is still added or queued is forgotten. NULL is allowed. */
void loop_free(struct loop *loop);

/* Runs callbacks until loop_stop(); returns 0, or -errno when waiting itself failed. A stop that
 * came before the run ends it at once, and is thereby used up. */
int loop_run(struct loop *loop);

/* One round: waits at most timeout_ns (0: not at all, -1: for ever) for something to be due, runs
 * what is due, returns the number of callbacks run or -errno. For a thread that interleaves the
 * loop with other work; not from inside a callback. */
int loop_turn(struct loop *loop, int64_t timeout_ns);

/* Any thread, also a signal handler. Ends loop_run() after the callback that is running now; what
 * else was due is run by the next run. Only wakes a loop_turn(). */
void loop_stop(struct loop *loop);

/* Any thread: whether the caller is the loop's owner. */
bool loop_is_mine(const struct loop *loop);

/* Makes the caller the owner. The owner so far has stopped using the loop and said so. */
void loop_adopt(struct loop *loop);

/* Any thread, lock-free, one eventfd write only when the loop may be asleep. A task that is
 * queued already is not queued twice; it may be posted again from its own callback on. Memory
 * written before the post is visible to the callback. A task posted from a callback runs in the
 * next round. */
void loop_post(struct loop *loop, struct loop_task *task);
/* Takes a task back if it is queued. No other thread may be posting it. */
void loop_task_cancel(struct loop *loop, struct loop_task *task);

/* The owner: before the loop sleeps it looks for work for up to max_ns, as long as that pays
 * (base/poll_window.h). Who posts meanwhile need not wake it. 0, as at first: it sleeps at once. */
void loop_set_poll(struct loop *loop, uint64_t max_ns);

/* Adds w (fn, arg, fd, events set by the caller). 0 or -errno: -EPERM for a
 * regular file, which cannot be watched; -EEXIST for a descriptor that is watched already. */
int loop_fd_add(struct loop *loop, struct loop_fd *w);
/* Changes the events of w, at once if it is added. */
void loop_fd_set(struct loop_fd *w, uint32_t events);
/* Removes w; the descriptor stays open. Removing one that is not added does nothing. */
void loop_fd_del(struct loop_fd *w);

/* Arms t (fn and arg set by the caller) for the time `deadline`; arming again moves it. */
void loop_timer_arm(struct loop *loop, struct loop_timer *t, uint64_t deadline_ns);
void loop_timer_cancel(struct loop_timer *t);
/* The earliest deadline that is armed, or UINT64_MAX. */
uint64_t loop_next_deadline(const struct loop *loop);

/* The loop's clock in ns: the host's monotonic one unless loop_set_clock() gave another. With
 * another clock loop_turn() never sleeps for a timer: its owner moves the clock. */
uint64_t loop_now(const struct loop *loop);
/* The owner, while nothing else uses the clock; a NULL `now` brings back the host's. */
void loop_set_clock(struct loop *loop, uint64_t (*now)(void *arg), void *arg);

#endif
