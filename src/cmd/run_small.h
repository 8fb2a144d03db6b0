/* SPDX-License-Identifier: MIT */
/* The small core of a board that has one: --small-core and the options named after it. Main thread.
 */
#ifndef CMD_RUN_SMALL_H
#define CMD_RUN_SMALL_H

#include <stdint.h>

#include "cmd/run_console.h"
#include "machine/machine.h"
#include "machine/windows.h"

struct cpu_engine;
struct machine_type;
struct run_options;
struct run_parts;

/* Whom the core starts behind: the boot loader that comes before Linux, or Linux itself. */
enum run_small_after { RUN_SMALL_AFTER_LOADER, RUN_SMALL_AFTER_LINUX };
extern const char *const run_small_after_names[];

struct run_small_core {
	const char *path; /* NULL: none */
	uint64_t at;      /* 0: it is ELF */
	struct windows windows;
	unsigned after; /* enum run_small_after */
	uint64_t rings; /* --rings; 0: not given */
	bool check_coherence;
	const char *symbols[MACHINE_MAX_SYMBOLS]; /* --symbols */
	unsigned n_symbols;
	struct run_console console;
};

/* F, or F@ADDRESS for what is not ELF; changes `value`, which `s` points into. 0 or -EINVAL with a
 * message. */
int run_small_core_parse(struct run_small_core *s, const char *label, char *value, struct err *e);

/* The options: ctx is the struct run_options. 0 or -EINVAL with a message. */
int run_small_core_option(void *ctx, const char *label, char *value, struct err *e);
int run_small_window_option(void *ctx, const char *label, char *value, struct err *e);
int run_small_rings_option(void *ctx, const char *label, char *value, struct err *e);
int run_small_symbols_option(void *ctx, const char *label, char *value, struct err *e);
int run_small_console_option(void *ctx, const char *label, char *value, struct err *e);

/* Whether what the options say fits together. 0 or -EINVAL with a message. */
int run_small_check(const struct run_options *o, struct err *e);

/* Whether one of the options is given although the machine has no such core; says so. */
bool run_small_misplaced(const struct run_options *o, const struct machine_type *type,
			 struct err *e);

/* The engine when none is named: the fastest, or one that --check-coherence works with, and a line
 * that says so. */
const struct cpu_engine *run_small_engine(const struct run_options *o);

/* Opens its console: one of its own, or lines between those of p->config.console. 0, or -errno with
 * a message; run_small_close() is due in any case. */
int run_small_open(struct run_parts *p, const struct run_options *o, struct loop *loop,
		   struct err *e);
/* Before the machine's console is closed. */
void run_small_close(struct run_parts *p);

#endif
