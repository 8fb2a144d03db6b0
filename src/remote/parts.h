/* SPDX-License-Identifier: MIT */
/*
 * What the files of a remote device share: remote.c (its life, queues, the back end's end and
 * return) and relay.c (each chain's way). Private to them; the loop's thread.
 */
#ifndef REMOTE_PARTS_H
#define REMOTE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/loop.h"
#include "remote/handshake.h"
#include "remote/kind.h"
#include "remote/remote.h"
#include "remote/shadow.h"
#include "remote/vu_conn.h"
#include "virtio/vdev.h"

#define REMOTE_SIZE_MAX 256u /* of the guest's ring */

struct reconnect;
struct record;

/* A chain of the guest's that the back end has. */
struct request {
	struct virtq_chain chain; /* with arrays of its own, which grow as needed */
	unsigned next_free;
	uint64_t age; /* the number of those before it */
	bool again;   /* to be made available to the next back end */
};

struct remote_queue {
	struct vdev_queue *q;
	struct shadow shadow;
	int kick_fd, call_fd;
	struct loop_fd call;
	struct request *request; /* one for each entry that the guest's ring can have */
	uint64_t n_kept;
	unsigned first_free, n_requests;
	bool running;
	bool stop_wanted, stop_asked;
	bool stalled; /* no room in our ring: goes on when something comes back */
};

struct remote {
	struct vdev vdev;
	const struct remote_kind_info *kind;
	struct loop *loop;
	struct vu_conn conn;
	struct handshake peer;
	struct gmem *rings;
	struct remote_queue queue[REMOTE_QUEUES_MAX];
	unsigned n_queues;
	struct virtq_chain scratch;
	bool features_sent;
	const char *down; /* why; NULL while the back end serves */
	struct remote_config cfg;
	struct reconnect *reconnect; /* NULL: there is no coming back */
	struct record *record;       /* NULL: nobody records */
	bool unplugged;              /* a network card's cable */
};

static inline struct remote *remote_of(struct vdev *dev)
{
	return container_of(dev, struct remote, vdev);
}

static inline struct remote_queue *remote_queue_of(const struct vdev_queue *q)
{
	return &remote_of(q->dev)->queue[q->index];
}

static inline bool remote_is_net_tx(const struct remote *r, const struct vdev_queue *q)
{
	return r->kind->is_net && (q->index & 1);
}

/* The back end has gone, or broke the rules. */
void remote_lost(struct remote *r, const char *why);

/* vdev_ops.queue_kick: takes what the guest has made available. */
void relay_kick(struct vdev_queue *q);

/* Pushes what the back end has used. */
void relay_collect(struct remote_queue *rq);

/* Pushes what the back end has not finished, and empties the ring. `fail` as in the kind; NULL: as
 * if nothing was written. */
void relay_give_up(struct remote_queue *rq, uint32_t (*fail)(const struct virtq_chain *c));

/* For another back end: relay_keep() empties the ring but remembers what is unfinished, which
 * relay_again() then makes available. */
void relay_keep(struct remote_queue *rq);
void relay_again(struct remote_queue *rq);

#endif
