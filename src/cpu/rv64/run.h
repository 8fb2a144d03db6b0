/* SPDX-License-Identifier: MIT */
/*
 * A hart among other threads: what every engine needs that runs harts on threads of their own.
 *
 * - Requests. Another hart, or a thread outside, wants something done on a hart: a fence, or that
 *   it drops its right to store quickly into a page that is about to be decoded. The one who asks
 *   waits until it is done, or until the hart is parked (hart.h): a parked hart does it before it
 *   goes on. Who waits is parked itself, so two harts may ask each other at the same time.
 * - Sleep. wfi and stopped harts sleep on a condition variable, those that are likely to wait for
 *   a moment only after a look (cpu/halt_poll.h); rv64_run_notify() wakes them.
 * - Starting and stopping, which other harts do through SBI.
 *
 * An engine embeds struct rv64_run at the head of its CPU and struct rv64_run_vm at the head of its
 * VM.
 */
#ifndef CPU_RV64_RUN_H
#define CPU_RV64_RUN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "cpu/halt_poll.h"
#include "cpu/rv64/hart.h"
#include "cpu/rv64/points.h"

/* What the shared part wants of an engine; on the hart's own thread. */
struct rv64_run_ops {
	/* Brings h->retired up to date, also in the middle of a block. */
	void (*sync)(struct rv64_hart *h);
	/* Instruction fetches from now on see all stores made so far. */
	void (*fence_i)(struct rv64_hart *h);
	/* See rv64_fetch_flush() in hart.h. */
	void (*fetch_flush)(struct rv64_hart *h, uint64_t va, uint64_t size);
};

enum rv64_request_kind { RV64_REQ_FENCE_I, RV64_REQ_VMA, RV64_REQ_PROTECT };

struct rv64_request {
	enum rv64_request_kind kind;
	uint64_t start, size, asid; /* PROTECT: start is the page's physical address */
};

#define RV64_MAX_REQUESTS 16 /* more at a time become a flush of everything */

struct rv64_run_vm {
	struct cpu_vm vm;
	pthread_mutex_t lock;       /* guards all requests */
	pthread_cond_t served;      /* a hart has served its requests, or was parked */
	_Atomic unsigned claiming;  /* harts on their way to protect a page, see code.c */
	struct rv64_run_vm *beside; /* uses the same memory; changes only while no hart runs */
	struct rv64_points points;  /* of the debugger; changes only while no hart runs */
};

struct rv64_run {
	struct rv64_hart hart;
	const struct rv64_run_ops *ops;
	uint64_t served; /* counts served batches; the hart's own thread */

	_Atomic bool parked;

	/* Under the VM's lock. */
	pthread_t thread; /* of run(), while `running` */
	bool running;
	unsigned n_requests;
	struct rv64_request request[RV64_MAX_REQUESTS];
	uint64_t asked, done; /* numbers of the last request made and the last one served */

	/* Sleep, and the message of start(). */
	pthread_mutex_t sleep_lock;
	pthread_cond_t wake;
	_Atomic bool asleep;
	struct halt_wait halt; /* the hart's own thread */
	bool start_given;      /* under sleep_lock */
	uint64_t start_pc, start_opaque;
};

static inline struct rv64_run *rv64_run_of(struct rv64_hart *h)
{
	return (struct rv64_run *)(void *)h;
}

/* hart.retired, which other threads may read to see how far the hart is. */
static inline void rv64_set_retired(struct rv64_hart *h, uint64_t n)
{
	__atomic_store_n(&h->retired, n, __ATOMIC_RELAXED);
}

/* 0 or -errno. fini undoes a successful init. The VM's `vm` is the caller's to fill in. */
int rv64_run_vm_init(struct rv64_run_vm *vm);
void rv64_run_vm_fini(struct rv64_run_vm *vm);
int rv64_run_init(struct rv64_run *r, const struct rv64_run_ops *ops);
void rv64_run_fini(struct rv64_run *r);

/* At the beginning and end of run(), on its thread: outside of run() a hart is parked. */
void rv64_run_enter(struct rv64_run *r);
void rv64_run_leave(struct rv64_run *r);

/* Does what others asked for and clears RV64_ATTN_FENCE. The hart's thread, not parked. */
void rv64_run_serve(struct rv64_run *r);

/* Has every hart in the mask do it, and waits as described above. Any thread. */
void rv64_run_request(struct rv64_run_vm *vm, uint64_t hart_mask, const struct rv64_request *req);

/* Whether there is no other hart with the same memory. */
bool rv64_run_is_alone(const struct rv64_run *r);

/* The same for all harts of r's VM and of the one beside it. r's own thread, not parked. */
void rv64_run_request_all(struct rv64_run *r, const struct rv64_request *req);

/* Sets bits in attention and wakes the hart when it sleeps. Any thread. */
void rv64_run_notify(struct rv64_run *r, uint32_t bits);

/* Sleeps until attention holds one of `bits` or the time `deadline` has come (UINT64_MAX: never).
 * The hart's thread. */
void rv64_run_sleep(struct rv64_run *r, uint32_t bits, uint64_t deadline);

/* cpu_engine.start and .stop; take_start carries out on the hart's thread (or while it does not
 * run) what start() left, and returns whether there was something. */
int rv64_run_start(struct rv64_run *r, uint64_t pc, uint64_t opaque);
void rv64_run_stop(struct rv64_run *r);
bool rv64_run_take_start(struct rv64_run *r);

#endif
