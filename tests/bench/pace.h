/* SPDX-License-Identifier: MIT */
/*
 * How fast a CPU is at the moment. Where a host's CPUs are shared with others that it cannot see,
 * as hyperthreads of other machines, the same work takes up to twice the CPU time from one minute
 * to the next. A process that repeats one piece of work beside who is measured, on the same CPU and
 * in turn with it by the host's scheduler, meets the same, so a cost in such pieces stays the same.
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

struct pace;

/* Starts that process; it ends with this one, or by stop(). NULL: errno says why not. */
struct pace *pace_start(void);
void pace_stop(struct pace *p);

/* The calling process, with all that it will start, runs on that CPU from now on. 0 or -1. */
int pace_follow(const struct pace *p);

struct pace_mark {
	double pieces, seconds; /* of CPU */
};

struct pace_mark pace_now(const struct pace *p);
/* Pieces in a CPU second since then, or since the start where none has ended meanwhile. */
double pace_since(const struct pace *p, struct pace_mark then);

#endif
