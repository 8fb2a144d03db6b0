/* SPDX-License-Identifier: MIT */
/*
 * The beginning of a vhost-user connection: who can do what, config space, and guest memory. Waits
 * for the back end, so it belongs before the machine runs.
 */
#ifndef REMOTE_HANDSHAKE_H
#define REMOTE_HANDSHAKE_H

#include <stdint.h>

#include "remote/kind.h"
#include "remote/vu_conn.h"

struct err;
struct gmem;

/* The guest address at which a back end sees our rings: far above any guest's memory. */
#define HANDSHAKE_RINGS (1ull << 52)

/* What the back end can do. */
struct handshake {
	uint64_t features;
	uint64_t protocol; /* of those that we know */
};

/* rings: its one region is at HANDSHAKE_RINGS. config: VU_CONFIG_MAX bytes, of which the kind's
 * config_len are filled in where it asks the back end for them. 0, or -errno with the message in e.
 */
int handshake(struct vu_conn *c, const struct remote_kind_info *kind,
	      const struct remote_config *cfg, const struct gmem *rings, unsigned n_queues,
	      struct handshake *out, uint8_t *config, struct err *e);

#endif
