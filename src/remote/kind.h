/* SPDX-License-Identifier: MIT */
/*
 * What the kinds of remote devices do not share: identity, features, config space, and what a
 * request is answered when nobody is left who could serve it.
 */
#ifndef REMOTE_KIND_H
#define REMOTE_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "remote/remote.h"
#include "virtio/virtq.h"

struct remote_kind_info {
	uint64_t features; /* of the back end's, which are passed on */
	unsigned config_len;
	bool asks_config; /* config space is the back end's, by GET_CONFIG */
	unsigned n_queues;
	bool more_queues; /* n_queues is the least; the configuration may ask for more */
	uint32_t queue_size;
	bool is_net;    /* queues in pairs: one that receives, one that sends */
	bool no_return; /* another back end does not know what the guest has open */
	/* Completes config space (zeroed, or the back end's). */
	void (*config)(const struct remote_config *cfg, uint8_t *config);
	/* Answers a request with an error: the number of bytes written into it. NULL: requests wait
	 * for ever, as frames that never come. */
	uint32_t (*answer_failed)(const struct virtq_chain *c);
};

extern const struct remote_kind_info remote_kinds[]; /* by enum remote_kind */

/* What is offered beside the back end's features, since it is served here. */
uint64_t remote_kind_own(const struct remote_config *cfg);

/* Of a network card's config space: where its status is, and what that is with the cable in. */
#define KIND_NET_STATUS  6u
#define KIND_NET_LINK_UP 1u

#endif
