/* SPDX-License-Identifier: MIT */
/*
 * What waits because a fault delays it. One loop's thread.
 *
 * Entries come out by their time, equal ones in the order in which they went in, one per callback
 * of the loop and never inside fault_line_add(). When rules are cleared or the machine goes off,
 * all come out at once.
 */
#ifndef BASE_FAULT_LINE_H
#define BASE_FAULT_LINE_H

#include "base/loop.h"

struct faults;

/* The caller embeds it and keeps it until fn. fn may end the line. */
struct fault_waiting {
	void (*fn)(struct fault_waiting *w);
	uint64_t due_ns;            /* private */
	struct fault_waiting *next; /* private */
};

struct fault_line {
	struct faults *set;
	struct loop *loop;
	struct fault_waiting *first, *last;
	struct loop_timer timer;
	struct loop_task hurry;
	struct fault_line *next_line; /* in the set; under its lock */
};

void fault_line_init(struct fault_line *l, struct faults *set, struct loop *loop);
/* Nothing waits. */
void fault_line_fini(struct fault_line *l);

/* Takes out all that waits, and hands it to `drop` instead of to its fn. */
void fault_line_drop(struct fault_line *l, void (*drop)(struct fault_waiting *w));

/* w->fn is set. due_ns: on the loop's clock; what is past comes out next. epoch: of the hit that
 * caused the delay; if all delays have been called off since, there is none. */
void fault_line_add(struct fault_line *l, struct fault_waiting *w, uint64_t due_ns, unsigned epoch);

/* Of the set: joins and leaves it; the present epoch. */
unsigned faults_epoch(const struct faults *f);
void faults_line_join(struct faults *f, struct fault_line *l);
void faults_line_leave(struct faults *f, struct fault_line *l);

#endif
