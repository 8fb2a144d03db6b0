/* SPDX-License-Identifier: MIT */
/*
 * RPMsg's carrier over the two queues of a virtio device (rpmsg/carrier.h): what src/rpmsg/vring.c
 * is between two cores. Queue 0 has the driver's buffers to send into, queue 1 its messages.
 *
 * All on the loop of the queues, so that no lock is needed. One message of each direction is
 * outside of the rings at a time, in a copy: what the guest does to its memory afterwards does not
 * matter, and a driver may cut its buffers into as many parts as it likes.
 */
#ifndef DEV_RPMSG_QUEUES_H
#define DEV_RPMSG_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

#include "rpmsg/carrier.h"
#include "rpmsg/proto.h"
#include "virtio/vdev.h"

/* A message outside of its ring. */
struct rpmsg_copy {
	bool taken;
	uint8_t bytes[RPMSG_BUFFER_SIZE];
};

/* Private but carrier. */
struct rpmsg_queues {
	struct rpmsg_carrier carrier;
	struct vdev *dev;
	struct virtq_chain rx_chain, tx_chain;
	struct rpmsg_copy rx, tx;
	uint32_t epoch;
	bool up;      /* the driver has given buffers since queue 0 was started */
	bool stalled; /* messages wait for q->rx */
};

/* `dev` has queues 0 and 1, and outlives it. 0 or -ENOMEM. */
int rpmsg_queues_init(struct rpmsg_queues *q, struct vdev *dev);
void rpmsg_queues_fini(struct rpmsg_queues *q);

/* What the device does when queue 0 was started, and first thing when it was kicked. */
void rpmsg_queues_started(struct rpmsg_queues *q);
void rpmsg_queues_kicked(struct rpmsg_queues *q);
/* Whether a message can be taken off queue 1: no other one is held. If not, the queue is kicked
 * when that is given back. */
bool rpmsg_queues_can_take(struct rpmsg_queues *q);

#endif
