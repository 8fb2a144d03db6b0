/* SPDX-License-Identifier: MIT */
/* Loops on threads of their own, and which devices live there: --iothreads, iothread=K. Main
 * thread. */
#ifndef CMD_RUN_IOTHREADS_H
#define CMD_RUN_IOTHREADS_H

#include "base/opt.h"

struct err;
struct run_options;

struct run_iothreads {
	unsigned n;       /* 0: none */
	unsigned poll_us; /* how long they look for work at most before they sleep */
};

extern const struct opt run_iothreads_keys[];

/* The option: ctx is the struct run_options. 0 or -EINVAL with a message. */
int run_iothreads_option(void *ctx, const char *label, char *value, struct err *e);

/* Whether what all options say of I/O threads fits together. 0 or -EINVAL with a message. */
int run_iothreads_check(const struct run_options *o, struct err *e);

#endif
