/* SPDX-License-Identifier: MIT */
/*
 * A byte stream between a console port and one of the host's descriptors that counts what has gone
 * through: only the counts tell when a command's output is complete, since each port has a queue of
 * its own. Belongs to one loop's thread.
 */
#ifndef CMD_EXEC_STREAM_H
#define CMD_EXEC_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/chr.h"

struct exec_stream {
	struct chr chr;     /* what the console port uses */
	struct chr *inner;  /* a chr_fd, the host's side; owned */
	uint64_t from_host; /* bytes that the port has taken */
	uint64_t to_host;   /* bytes that the host has taken */
	bool ended;         /* the host's input is at its end */
	bool broken;        /* the host takes no more output */
	/* A count or a state has changed. On the loop. */
	void (*changed)(void *arg);
	void *arg;
};

/* Takes over `inner`, a chr_fd. */
void exec_stream_init(struct exec_stream *s, struct chr *inner, void (*changed)(void *arg),
		      void *arg);
void exec_stream_fini(struct exec_stream *s);

#endif
