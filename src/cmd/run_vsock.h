/* SPDX-License-Identifier: MIT */
/* Streams between guest and host: --vsock. Main thread. */
#ifndef CMD_RUN_VSOCK_H
#define CMD_RUN_VSOCK_H

#include <stdbool.h>

#include "base/opt.h"
#include "base/unix_socket.h"
#include "machine/machine.h"

struct err;

struct run_vsock_options {
	unsigned cid;
	const char *path; /* NULL: there is none */
};

extern const struct opt run_vsock_keys[];

/* The option's value: points into `value`, which is changed. 0 or -EINVAL with a message. */
int run_vsock_parse(struct run_vsock_options *o, const char *label, char *value, struct err *e);

struct run_vsock {
	struct unix_socket socket;
	bool open;
};

/* Listens, if there is a path, and tells the machine. 0, or -errno with the message in e. */
int run_vsock_open(struct run_vsock *v, const struct run_vsock_options *o, struct machine_vsock *m,
		   struct err *e);
/* Zeroed is allowed. */
void run_vsock_close(struct run_vsock *v);

#endif
