/* SPDX-License-Identifier: MIT */
/*
 * `linnet run --gdb`: a gdb server (debug/gdb.h) for the machine at hand. The loop's thread.
 */
#ifndef CMD_RUN_GDB_H
#define CMD_RUN_GDB_H

#include <stdbool.h>

#include "cmd/run_options.h"

struct err;
struct loop;
struct machine;
struct run_gdb;

struct run_gdb_config {
	const struct run_gdb_options *options;
	const struct cpu_engine *engine; /* of all the machines to come */
	struct loop *loop;
	void (*kill)(void *arg); /* gdb wants the run to end */
	void *arg;
};

/* Begins to listen, and says where. *out is NULL when the options ask for no gdb; the others allow
 * for that. 0, or -errno with the message in e. */
int run_gdb_open(const struct run_gdb_config *cfg, struct run_gdb **out, struct err *e);
void run_gdb_close(struct run_gdb *g);

/* Before and after machine_run(). What `status` is, an exit status or a signal, gdb is told. */
void run_gdb_begin(struct run_gdb *g, struct machine *m);
void run_gdb_end(struct run_gdb *g, bool by_signal, unsigned status);

#endif
