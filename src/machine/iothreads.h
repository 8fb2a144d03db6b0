/* SPDX-License-Identifier: MIT */
/*
 * The I/O threads of a machine: loops beside the main one, each on a thread of its own, on which
 * queues of disks and networks live (--iothreads).
 *
 * All functions belong to the thread of the main loop. Which queue lives where is settled while the
 * board is built; a queue never moves. Between iothreads_start() and iothreads_stop() each loop is
 * its thread's, otherwise the caller's, so that devices may be made and freed.
 */
#ifndef MACHINE_IOTHREADS_H
#define MACHINE_IOTHREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define IOTHREADS_MAX 16u
#define IOTHREADS_ANY (~0u)

struct err;
struct loop;

struct iothread {
	struct loop *loop;
	pthread_t thread;
	bool started;
	char name[24]; /* "iothread0" */
};

struct iothreads {
	unsigned n;
	unsigned next; /* who gets the next queue */
	struct iothread thread[IOTHREADS_MAX];
};

/* Makes n loops, at most IOTHREADS_MAX, without threads yet; poll_ns: of loop_set_poll(). *t is
 * zeroed; iothreads_fini() is due in any case. 0 or -errno. */
int iothreads_init(struct iothreads *t, unsigned n, uint64_t poll_ns);
/* No thread runs and nothing uses the loops any more. Also of a zeroed one. */
void iothreads_fini(struct iothreads *t);

/*
 * Chooses the loops of a device's n queues. which: the number of a thread for all of them, less
 * than t->n, or IOTHREADS_ANY: then the threads take turns, from queue to queue and from device to
 * device, or, with `together`, from device to device only. Without I/O threads all are `home`.
 */
void iothreads_place(struct iothreads *t, struct loop *home, unsigned which, bool together,
		     struct loop **out, unsigned n);

/* Starts a thread for each loop. 0, or -errno with the message in e; iothreads_stop() is due in any
 * case. */
int iothreads_start(struct iothreads *t, struct err *e);
/* When no queue is started any more: waits for the threads' ends. Those that do not run are left
 * alone. */
void iothreads_stop(struct iothreads *t);

/* CPU time that thread i has used, in ns; 0 when it does not run. */
uint64_t iothreads_cpu_ns(const struct iothreads *t, unsigned i);

#endif
