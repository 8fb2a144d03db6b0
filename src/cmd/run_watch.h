/* SPDX-License-Identifier: MIT */
/* `linnet run --jit-dump` and `--perf-map`: what the engine shows of the code that it generates. */
#ifndef CMD_RUN_WATCH_H
#define CMD_RUN_WATCH_H

#include "base/opt.h"
#include "cpu/watch.h"

struct cpu_engine;
struct err;

struct run_watch_options {
	const char *dump; /* path, or NULL */
	uint64_t from, to, blocks;
	bool perf_map;
};

extern const struct opt run_watch_keys[];

/* --jit-dump's value. 0, or -errno with the message in e. */
int run_watch_parse(struct run_watch_options *o, const char *label, char *value, struct err *e);

/* Opens the files that are asked for, for machines with this engine. 0, or -errno with the message
 * in e. To be closed in either case. */
int run_watch_open(struct cpu_watch *w, const struct run_watch_options *o,
		   const struct cpu_engine *engine, struct err *e);
void run_watch_close(struct cpu_watch *w);

#endif
