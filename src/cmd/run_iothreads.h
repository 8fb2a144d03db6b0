/* SPDX-License-Identifier: MIT */
/* Loops on threads of their own, and which devices live there: --iothreads, iothread=K. Main
 * thread. */
#ifndef CMD_RUN_IOTHREADS_H
#define CMD_RUN_IOTHREADS_H

#include "base/opt.h"

struct err;
struct run_options;

struct run_iothreads {
	unsigned n; /* 0: none */
};

extern const struct opt run_iothreads_keys[];

/* The option's value: points into `value`, which is changed. 0 or -EINVAL with a message. */
int run_iothreads_parse(struct run_iothreads *t, const char *label, char *value, struct err *e);

/* Whether what all options say of I/O threads fits together. 0 or -EINVAL with a message. */
int run_iothreads_check(const struct run_options *o, struct err *e);

#endif
