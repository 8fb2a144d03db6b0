/* SPDX-License-Identifier: MIT */
/*
 * What crosses a remote network card, for who records it: frames as they lie in guest memory, put
 * together from the chains that the relay sees. Private to the relay; the loop's thread.
 */
#ifndef REMOTE_RECORD_H
#define REMOTE_RECORD_H

#include <stdint.h>
#include <sys/uio.h>

#include "virtio/virtq.h"

#define RECORD_PARTS 1024u /* of a frame; what has more is not recorded */

struct record {
	void (*frame)(void *arg, const struct iovec *iov, unsigned n);
	void *arg;
	unsigned left; /* chains of the frame for the guest that have yet to come */
	unsigned n;
	struct iovec iov[RECORD_PARTS];
};

/* A chain that the guest sends. */
void record_sent(struct record *r, const struct virtq_chain *c);
/* One that comes back with `written` bytes for it; a frame may be spread over several. */
void record_received(struct record *r, const struct virtq_chain *c, uint32_t written);

#endif
