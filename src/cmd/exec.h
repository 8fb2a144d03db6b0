/* SPDX-License-Identifier: MIT */
/*
 * The host's side of `linnet run --exec CMD`: four ports of the guest's virtio console carry CMD's
 * standard input, output and error, and the control protocol of guest/image/exec_protocol.h.
 *
 * Everything belongs to the loop's thread.
 */
#ifndef CMD_EXEC_H
#define CMD_EXEC_H

#include <stdbool.h>

#include "machine/machine.h"

struct err;
struct exec;
struct loop;

struct exec_config {
	const char *command;    /* for sh -c; borrowed, as what follows */
	const char *cwd;        /* a directory of the guest; NULL: /root */
	const char *const *env; /* NAME=VALUE, n_env of them */
	unsigned n_env;
	struct loop *loop;
	int in, out, err; /* the host's descriptors, borrowed */
	/* CMD has ended and all its output is written, or the guest broke the protocol:
	 * exec_status() says which. Called once, on the loop. */
	void (*done)(void *arg);
	void *arg;
};

#define EXEC_N_PORTS   4
#define EXEC_NO_STATUS (-1)

int exec_new(const struct exec_config *cfg, struct exec **out, struct err *e);

/* The ports for the machine's console; x owns the streams. */
void exec_ports(struct exec *x, struct machine_port port[EXEC_N_PORTS]);

/* Sends a signal to CMD's process group (none while CMD has not started: it is sent afterwards). */
void exec_signal(struct exec *x, int signo);

/* From now on nobody waits for a reader of CMD's output. */
void exec_abandon(struct exec *x);

/* CMD's exit status, 128 + n when signal n ended it, or EXEC_NO_STATUS. */
int exec_status(const struct exec *x);

/* After the machine is gone. Runs the loop until CMD's output is written, or exec_abandon() is
 * called there. NULL is allowed. */
void exec_free(struct exec *x);

#endif
