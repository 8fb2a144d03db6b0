/* SPDX-License-Identifier: MIT */
/* A trace of the Duo boards: times and cores of its events (base/trace.h). On the thread that
 * builds and frees the machine. */
#ifndef MACHINE_DUO_TRACE_H
#define MACHINE_DUO_TRACE_H

struct machine;

/* The names of the cores in traces. */
#define DUO_BIG_NAME   "big"
#define DUO_SMALL_NAME "small"

/* Both cores are there. Does nothing without m->cfg.trace. */
void duo_trace_begin(struct machine *m);
void duo_trace_end(struct machine *m);

#endif
