/* SPDX-License-Identifier: MIT */
/*
 * The harts of a machine at work: a thread each, or in turns on the loop's own thread.
 *
 * All functions belong to the loop's thread.
 */
#ifndef MACHINE_VCPUS_H
#define MACHINE_VCPUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/loop.h"
#include "cpu/cpu.h"
#include "machine/clock.h"
#include "machine/state_log.h"

struct err;

/* Somebody who wants the harts to stand still: see vcpus_hold(). Zeroed but for held and arg. */
struct vcpus_hold {
	void (*held)(void *arg); /* may be NULL */
	void *arg;

	/* private */
	struct vcpus_hold *next;
	bool told;
};

/* A debugger: met() is called on the loop when a hart's run() has ended with CPU_EXIT_DEBUG. */
struct vcpus_debugger {
	void (*met)(void *arg);
	void *arg;
};

struct vcpu {
	struct vcpus *all;
	struct cpu *cpu;
	atomic_bool barred;  /* does not run: see vcpus_let_run() */
	atomic_bool ordered; /* vcpus_power() wants something of it: */
	bool power;          /* under the lock, as the next */
	uint64_t start;
	pthread_t thread;
	bool started;
	int64_t owed;           /* interleaved: instructions that it has not done of its share */
	struct loop_task ended; /* posted by the thread as its last act */
};

struct vcpus {
	struct cpu_vm *vm;
	struct loop *loop;
	struct clock *clock;
	struct vcpu vcpu[CPU_MAX_HARTS];
	unsigned n;
	unsigned running; /* threads not yet joined */
	atomic_bool quit;
	void (*stopped)(void *arg);
	void *arg;

	/* Holding: the threads wait for `go` as long as somebody holds them. */
	struct vcpus_hold *holds; /* loop */
	pthread_mutex_t lock;
	pthread_cond_t go;
	atomic_bool hold; /* holds is not empty */
	unsigned waiting; /* threads at `go`; under the lock */
	struct loop_task all_wait;

	pthread_key_t self; /* of a hart's thread: its struct vcpu */

	/* In turns, of random length, in which harts but the first do 7 for its 10 instructions:
	 * see vcpus_interleave(). */
	bool interleaved;
	uint64_t random;
	uint64_t since_loop; /* instructions */

	struct state_log *log; /* in turns: looks after each; or NULL */

	const struct vcpus_debugger *debugger;
	struct loop_task met;
};

/* vm, loop and clock stay the caller's and outlive v. 0 or -errno; vcpus_fini() after 0 only. */
int vcpus_init(struct vcpus *v, struct cpu_vm *vm, struct loop *loop, struct clock *clock);
void vcpus_fini(struct vcpus *v);

/* A further hart, of another vm that outlives v, before anything runs. Its number, or -ENOSPC. */
int vcpus_add(struct vcpus *v, struct cpu *cpu);

/* Any thread: the hart that runs on it, as its devices see it; NULL: none. */
struct cpu *vcpus_current(const struct vcpus *v);

/* Any thread: hart i is reset and, with `on`, starts at pc; otherwise it is stopped. It happens
 * soon, on the hart's thread; of several orders that come before the last counts. */
void vcpus_power(struct vcpus *v, unsigned i, bool on, uint64_t pc);

/* Starts a thread for each hart. 0, or -errno with the message in e; some may have been started
 * then, and vcpus_stop() ends those. */
int vcpus_start(struct vcpus *v, struct err *e);

/* Before they run in turns: some 1000 instructions of the first hart at a time, and 700 of each
 * other, as their clocks are on the Duo boards. How many it is each time follows from the seed. */
void vcpus_interleave(struct vcpus *v, uint64_t seed);

/* Runs the harts and the loop in turns until vcpus_stop() is called from one of their callbacks. */
void vcpus_run_in_turns(struct vcpus *v);

/* One step of a machine whose harts are all idle or stopped, with counted time: moves the time to
 * the next event and runs it, or waits for one from outside. */
void vcpus_idle(struct vcpus *v);

/* CPU time that the hart's thread has used, in ns; 0 when it has no thread. */
uint64_t vcpus_cpu_ns(const struct vcpus *v, unsigned hart);

/* Asks all harts to leave run(); `stopped` is called on the loop when the last one has, also when
 * none was running. Waits for nothing. */
void vcpus_stop(struct vcpus *v, void (*stopped)(void *arg), void *arg);

/*
 * Makes all harts leave run() and stay out of it; h->held(h->arg) follows once, on the loop and
 * never inside the call, when they stand still. The time of the machine stands from then on. Before
 * vcpus_start(): they do not begin. h is the caller's and stays where it is until vcpus_release()
 * or the end of the run, whichever is first. Any number may hold; the harts go on when nobody does.
 */
void vcpus_hold(struct vcpus *v, struct vcpus_hold *h);
/* held() is not called any more. Nothing happens when h does not hold. */
void vcpus_release(struct vcpus *v, struct vcpus_hold *h);

/* d is the caller's and outlives v; NULL: none any more, and its met() is not called again. While
 * the harts stand still or have not begun. */
void vcpus_debug(struct vcpus *v, const struct vcpus_debugger *d);

/* Of the harts of `vm`, only those of the mask run when nobody holds them. While they stand still
 * or have not begun, and a debugger is there. A hart that met something bars itself, until it is
 * let run again. */
void vcpus_let_run(struct vcpus *v, uint64_t harts);

#endif
