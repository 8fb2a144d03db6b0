/* SPDX-License-Identifier: MIT */
/*
 * A few threads for calls that block. A job's work runs on one of them, its end is told on the loop
 * of the client that gave it.
 *
 * pool_new(), pool_free() and a client's functions belong to the thread that owns the client's
 * loop; clients of one pool may be on several loops.
 */
#ifndef BACKEND_POOL_H
#define BACKEND_POOL_H

#include "base/loop.h"

struct pool;
struct pool_client;

/* Embedded in the caller's request, which stays alive until `done`. */
struct pool_job {
	void (*work)(struct pool_job *j); /* on a thread of the pool */
	void (*done)(struct pool_job *j); /* on the client's loop, after work */
	struct pool_client *client;       /* private */
	struct pool_job *next;            /* private */
};

/* One source of jobs, on one loop. Embedded by the caller. */
struct pool_client {
	struct pool *pool;       /* private */
	struct loop *loop;       /* private */
	struct loop_task task;   /* private */
	struct pool_job *ended;  /* private: newest first */
	struct pool_job *unsent; /* private: no thread could be had for them; newest first */
};

/* Threads are started when there is work for them, at most max_threads, and stay. 0 or -ENOMEM. */
int pool_new(unsigned max_threads, struct pool **out);
/* No client may be left. Ends the threads and waits for them. NULL is allowed. */
void pool_free(struct pool *p);

void pool_client_init(struct pool_client *c, struct pool *p, struct loop *loop);
/* No job of the client may be under way. */
void pool_client_fini(struct pool_client *c);

/* work and done are set by the caller. Jobs begin in order and end in any. Where the host refuses
 * to start even one thread, the work is done on the loop. */
void pool_submit(struct pool_client *c, struct pool_job *j);

#endif
