/* SPDX-License-Identifier: MIT */
/* `linnet run --jit-dump` and `--perf-map`: what the engine shows of the code that it generates;
 * and `--state-log`, what the machine holds. */
#ifndef CMD_RUN_WATCH_H
#define CMD_RUN_WATCH_H

#include "base/opt.h"
#include "cpu/watch.h"
#include "machine/state_log.h"

struct cpu_engine;
struct err;

struct run_watch_options {
	const char *dump; /* path, or NULL */
	uint64_t from, to, blocks;
	bool perf_map;
	const char *state_log; /* path, or NULL */
	uint64_t every;
};

extern const struct opt run_watch_keys[], run_state_log_keys[];

/* --jit-dump's value. 0, or -errno with the message in e. */
int run_watch_parse(struct run_watch_options *o, const char *label, char *value, struct err *e);

/* --state-log's. */
int run_state_log_parse(struct run_watch_options *o, const char *label, char *value, struct err *e);
/* Opens it, if it is asked for; to be closed in either case. */
int run_state_log_open(struct state_log *l, const struct run_watch_options *o, struct err *e);
void run_state_log_close(struct state_log *l);

/* Opens the files that are asked for, for machines with this engine. 0, or -errno with the message
 * in e. To be closed in either case. */
int run_watch_open(struct cpu_watch *w, const struct run_watch_options *o,
		   const struct cpu_engine *engine, struct err *e);
void run_watch_close(struct cpu_watch *w);

#endif
