/* SPDX-License-Identifier: MIT */
/* The archive of --file and --modules that is added to the initial RAM disk. Main thread. */
#ifndef CMD_RUN_INITRD_H
#define CMD_RUN_INITRD_H

#include <stddef.h>

struct err;
struct run_options;

/* *data is malloc'd and the caller's. 0, or -errno with the message in e. */
int run_initrd_pack(const struct run_options *o, void **data, size_t *len, struct err *e);

#endif
