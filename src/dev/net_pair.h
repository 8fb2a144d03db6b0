/* SPDX-License-Identifier: MIT */
/*
 * A pair of a network card's queues: one that receives, one that sends, over one queue of a
 * network's. All is done on the loop of both.
 */
#ifndef DEV_NET_PAIR_H
#define DEV_NET_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dev/net_filter.h"
#include "virtio/vdev.h"
#include "virtio/virtq.h"

struct loop;
struct net;
struct net_queue;

#define NET_QUEUE_SIZE 256u
#define NET_RX_CHAINS  64u                  /* that one frame may be spread over */
#define NET_PARTS      (2 * NET_QUEUE_SIZE) /* of all chains of one frame */

/* What all pairs of a card go by. */
struct net_rules {
	const struct net_filter *filter;
	bool link_up;     /* otherwise frames are lost, both ways */
	size_t frame_max; /* of a frame for the guest that is not to be cut */
};

/* Private but for rx and tx. */
struct net_pair {
	struct vdev_queue *rx, *tx;
	const struct net_rules *rules;
	struct net_queue *nq;
	bool active;
	bool wanted;       /* what the back end was told last */
	unsigned offloads; /* the same */
	struct virtq_chain sent;
	struct iovec sent_iov[NET_PARTS + 1];  /* our header and a frame */
	struct virtq_chain arena;              /* its arrays are shared out to got[] */
	struct virtq_chain got[NET_RX_CHAINS]; /* of the frame at hand */
};

/* Opens a queue of `net` on loop. *p is zeroed but for rx and tx; what it points at outlives it.
 * Not active. 0, -ENOMEM, or what opening the queue gave; net_pair_fini() is due in any case. */
int net_pair_init(struct net_pair *p, struct net *net, struct loop *loop,
		  const struct net_rules *rules);
void net_pair_fini(struct net_pair *p);

/* Whether it gets a share of what arrives. */
void net_pair_activate(struct net_pair *p, bool active);

/* NET_OFFLOAD_*, of what the net offers. */
void net_pair_offloads(struct net_pair *p, unsigned offloads);

/* The rx queue was kicked; it is about to stop. */
void net_pair_rx_kick(struct net_pair *p);
void net_pair_rx_stop(struct net_pair *p);

/* Takes one chain of the tx queue: for vdev_drain(). */
enum vdev_taken net_pair_tx_take(struct net_pair *p);

#endif
