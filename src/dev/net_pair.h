/* SPDX-License-Identifier: MIT */
/*
 * A pair of a network card's queues: one that receives, one that sends, over one queue of a
 * network's. The two sides may live on a loop each: then the network's queue is the receiving
 * side's, and the sending one calls nothing of it but `send`.
 */
#ifndef DEV_NET_PAIR_H
#define DEV_NET_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dev/net_rules.h"
#include "virtio/vdev.h"
#include "virtio/virtq.h"

struct loop;
struct net;
struct net_queue;

#define NET_QUEUE_SIZE 256u
#define NET_RX_CHAINS  64u                  /* that one frame may be spread over */
#define NET_PARTS      (2 * NET_QUEUE_SIZE) /* of all chains of one frame */

/* Private but for what net_pair_init() asks for. */
struct net_pair {
	unsigned number;
	struct vdev_queue *rx, *tx;
	struct net_follower *rx_follower, *tx_follower;
	const atomic_bool *link_up; /* otherwise frames are lost, both ways; relaxed */
	struct net_queue *nq;
	bool header; /* struct net_header in front of what crosses nq, from beginning to end */
	struct {     /* the receiving loop's */
		bool active;
		bool wanted;                           /* what the back end was told last */
		unsigned offloads;                     /* the same */
		uint64_t coalesce;                     /* the number of the last command */
		struct virtq_chain arena;              /* its arrays are shared out to got[] */
		struct virtq_chain got[NET_RX_CHAINS]; /* of the frame at hand */
	} in;
	struct { /* the sending loop's */
		unsigned offloads;
		uint64_t coalesce;
		struct virtq_chain chain;
		struct iovec iov[NET_PARTS + 1]; /* our header and a frame */
	} out;
};

/* Opens a queue of `net` on the receiving side's loop. *p is zeroed but for number, rx, tx, link_up
 * and the followers, whose loops are set; what it points at outlives it. Not active before it
 * follows. 0, -ENOMEM, or what opening the queue gave; net_pair_fini() is due in any case. */
int net_pair_init(struct net_pair *p, struct net *net);
/* The caller owns the loops of both sides. */
void net_pair_fini(struct net_pair *p);

/* Receiving loop: the rx queue was kicked; it is about to stop. */
void net_pair_rx_kick(struct net_pair *p);
void net_pair_rx_stop(struct net_pair *p);

/* Sending loop: the tx queue is about to start. */
void net_pair_tx_start(struct net_pair *p);
/* Sending loop: takes one chain of the tx queue, for vdev_drain(). */
enum vdev_taken net_pair_tx_take(struct net_pair *p);

#endif
