/* SPDX-License-Identifier: MIT */
/*
 * Looking for an interrupt before a hart goes to sleep for it.
 *
 * Waking a thread takes its waker a system call, and some 50 us where the host's CPU has gone to
 * sleep too. Who answers sooner than that is better waited for awake. How long to look is learned
 * from how long the waits were (base/poll_window.h), and whether to look at all from whether it
 * helped: where harts share a CPU with each other or with strangers, who looks keeps those away
 * that it waits for, and finds nothing. One of the host's CPUs at least is left to those who work.
 */
#ifndef CPU_HALT_POLL_H
#define CPU_HALT_POLL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/poll_window.h"

/* Twice what is worth waiting for: as long as both sides sleep, waits hold the wake-ups as well. */
#define HALT_POLL_MAX_NS   400000u
#define HALT_POLL_MAX_REST 256u

/* Of a machine. */
struct halt_poll {
	unsigned room;            /* harts that may look at the same time */
	_Atomic unsigned looking; /* who do, or are about to find that there is no room */
};

/* A hart's own. What halt_wait_*() do depends on their arguments alone, and on no clock; all that
 * takes one belongs to the hart's thread. */
struct halt_wait {
	struct poll_window window;
	unsigned rests; /* waits to sleep through when looking has found nothing */
	unsigned rest;  /* that are left of them */
};

/* Room for one hart less than the process may use CPUs. Before any hart runs. */
void halt_poll_init(struct halt_poll *p);

/* Looks at *word from `from`, which is now, until one of `bits` is set or the host's clock is at
 * `until` (ns), if it is worth it. Whether one is set. p may be NULL: not worth it. */
bool halt_poll(struct halt_poll *p, struct halt_wait *w, const _Atomic uint32_t *word,
	       uint32_t bits, uint64_t from, uint64_t until);

void halt_wait_init(struct halt_wait *w);

/* A wait begins: for how many ns to look. */
uint64_t halt_wait_begin(struct halt_wait *w);
/* What looking has brought: each failure doubles the rest after it, each success halves it. */
void halt_wait_looked(struct halt_wait *w, bool found);
/* The wait has taken waited_ns, looking and sleeping, and somebody has ended it; not `woken`: the
 * time has, which was known before. */
void halt_wait_end(struct halt_wait *w, uint64_t waited_ns, bool woken);

#endif
