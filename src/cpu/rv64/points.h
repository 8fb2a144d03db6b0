/* SPDX-License-Identifier: MIT */
/*
 * Break- and watchpoints, as the code cache and the slow paths of memory accesses see them. The set
 * belongs to the VM and changes only while no hart runs; a hart's `points` is NULL when there are
 * none, and that is all that is ever looked at then.
 *
 * Breakpoints are operations in decoded blocks (code.c), watchpoints keep their pages out of the
 * TLB, so that each access comes by the slow path.
 */
#ifndef CPU_RV64_POINTS_H
#define CPU_RV64_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "cpu/debug.h"
#include "cpu/rv64/hart.h"

struct rv64_points {
	uint32_t serial; /* not 0, and another for each set */
	unsigned n_breaks, n_watches;
	struct cpu_point brk[CPU_MAX_POINTS];
	struct cpu_point watch[CPU_MAX_POINTS];
};

/* Whether a breakpoint lies in the virtual page of pc. */
bool rv64_points_in_page(const struct rv64_points *p, uint64_t pc);
/* Whether one lies at `offset` of whatever page: blocks know no virtual addresses. */
bool rv64_points_at_offset(const struct rv64_points *p, unsigned offset);

/* The hart is about to execute at pc. True: there is a breakpoint, and it was noted. */
bool rv64_points_meet(struct rv64_hart *h, uint64_t pc);

bool rv64_watch_in_page_slow(const struct rv64_points *p, uint64_t va);
bool rv64_watch_meet_slow(struct rv64_hart *h, uint64_t va, unsigned size, enum rv64_access access);

/* Whether the page of va must stay out of the TLB. */
static inline bool rv64_watch_in_page(const struct rv64_hart *h, uint64_t va)
{
	return unlikely(h->points) && rv64_watch_in_page_slow(h->points, va);
}

/* The hart is about to access memory. True: somebody watches that, it was noted, and the
 * instruction must not be done. */
static inline bool rv64_watch_meet(struct rv64_hart *h, uint64_t va, unsigned size,
				   enum rv64_access access)
{
	return unlikely(h->points) && rv64_watch_meet_slow(h, va, size, access);
}

#endif
