/* SPDX-License-Identifier: MIT */
/*
 * One stream for two devices, such as the consoles of two cores on one terminal: the main one's
 * bytes pass, and get the input; of the other whole lines are put between the main one's, each
 * behind a prefix.
 *
 * A line waits until the main stream is at the beginning of one. If that has stopped in the middle
 * of a line (a prompt), for CHR_MERGE_QUIET_NS, the line comes all the same, and what stood there
 * is repeated below it.
 */
#ifndef BACKEND_CHR_MERGE_H
#define BACKEND_CHR_MERGE_H

#define CHR_MERGE_QUIET_NS 50000000u

struct chr;
struct loop;

/* `below` and `prefix` stay the caller's and outlive both; all three streams belong to the loop.
 * Each of the two is freed on its own; flushing one writes what there is of both. The side one has
 * no input. 0 or -ENOMEM. */
int chr_merge_new(struct loop *loop, struct chr *below, const char *prefix, struct chr **main_side,
		  struct chr **side);

#endif
