/* SPDX-License-Identifier: MIT */
/* A disk of the guest's, as given: --disk. Main thread. */
#ifndef CMD_RUN_DISK_H
#define CMD_RUN_DISK_H

#include <stdbool.h>

#include "base/opt.h"

struct err;

struct run_disk {
	const char *path;
	const char *serial;
	bool read_only;
	bool snapshot;
	unsigned format, cache, io; /* enum block_file_format, ..._cache, ..._io */
	unsigned queues;            /* 0: one */
	unsigned iothread;          /* IOTHREADS_ANY: not said */
};

extern const struct opt run_disk_keys[];

/* The option's value: points into `value`, which is changed. 0 or -EINVAL with a message. */
int run_disk_parse(struct run_disk *d, const char *label, char *value, struct err *e);

#endif
