/* SPDX-License-Identifier: MIT */
/*
 * Back to a back end that has gone: a new connection and a new handshake, tried once a second until
 * one works. Each try is made on a thread of its own, since a handshake waits for the other side.
 *
 * All functions on the loop's thread.
 */
#ifndef REMOTE_RECONNECT_H
#define REMOTE_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "remote/handshake.h"

struct reconnect;

struct reconnect_config {
	const struct remote_config *remote; /* with `reconnect`; used from the thread, as what it
					     * points at */
	const struct remote_kind_info *kind;
	const struct gmem *rings;
	unsigned n_queues;
	/* From the loop: fd is connected and shaken hands with, and the callee's. config: as of
	 * handshake(). False: this one will not do, try again. */
	bool (*back)(void *arg, int fd, const struct handshake *peer, uint8_t *config);
	void *arg;
};

/* 0 or -ENOMEM. */
int reconnect_new(const struct reconnect_config *cfg, struct reconnect **out);
/* Begins to try; back() follows when that has worked, and then nothing more until this is called
 * again. Not while it tries. */
void reconnect_begin(struct reconnect *r);
/* Gives up what is under way, without waiting for the back end. NULL is allowed. */
void reconnect_free(struct reconnect *r);

#endif
