/* SPDX-License-Identifier: MIT */
/*
 * Queue 1: a chain is copied and pushed at once. Queue 0: a chain is popped when a message is
 * begun, filled and pushed when it is sent; between the two nothing else runs, so that a queue that
 * stops has nothing in flight.
 *
 * The driver is asked for kicks of queue 0 only while it has given no buffers: it would kick for
 * each one that it gives back.
 */
#include "dev/rpmsg_queues.h"

#include <errno.h>

#include "base/bits.h"
#include "base/iov.h"

#define MAX_PARTS 64u

static struct rpmsg_queues *queues_of(struct rpmsg_carrier *c)
{
	return container_of(c, struct rpmsg_queues, carrier);
}

static struct vdev_queue *queue_of(const struct rpmsg_queues *q, enum rpmsg_ring ring)
{
	return &q->dev->queues[ring];
}

static uint32_t queues_epoch(struct rpmsg_carrier *c)
{
	const struct rpmsg_queues *q = queues_of(c);

	return q->up && vdev_queue_live(queue_of(q, RPMSG_RING_TX)) ? q->epoch : 0;
}

static void *queues_rx_take(struct rpmsg_carrier *c, uint32_t *len)
{
	struct rpmsg_queues *q = queues_of(c);
	struct vdev_queue *queue = queue_of(q, RPMSG_RING_RX);

	if (q->rx.taken || !vdev_queue_live(queue) || vdev_pop(queue, &q->rx_chain) <= 0)
		return NULL;
	if (q->rx_chain.read_len < RPMSG_HEADER_SIZE) {
		virtq_unpop(&queue->ring, &q->rx_chain);
		vdev_broken(q->dev, "a message that is shorter than its header");
		return NULL;
	}
	*len = (uint32_t)iov_to_buf(q->rx_chain.iov, q->rx_chain.n_read, 0, q->rx.bytes,
				    sizeof(q->rx.bytes));
	virtq_push(&queue->ring, &q->rx_chain, 0);
	q->rx.taken = true;
	return q->rx.bytes;
}

static bool queues_rx_give(struct rpmsg_carrier *c, void *buffer, bool *known)
{
	struct rpmsg_queues *q = queues_of(c);
	bool stalled = q->stalled;

	*known = buffer == q->rx.bytes && q->rx.taken;
	if (!*known)
		return false;
	q->rx.taken = false;
	q->stalled = false;
	return stalled;
}

static bool pop_room(struct rpmsg_queues *q, struct vdev_queue *queue)
{
	if (!vdev_queue_live(queue) || vdev_pop(queue, &q->tx_chain) <= 0)
		return false;
	if (q->tx_chain.write_len >= RPMSG_BUFFER_SIZE)
		return true;
	virtq_unpop(&queue->ring, &q->tx_chain);
	vdev_broken(q->dev, "a buffer that is too small for a message");
	return false;
}

static void *queues_tx_take(struct rpmsg_carrier *c)
{
	struct rpmsg_queues *q = queues_of(c);
	struct vdev_queue *queue = queue_of(q, RPMSG_RING_TX);

	if (q->tx.taken)
		return NULL;
	if (!pop_room(q, queue)) {
		if (!vdev_queue_live(queue) || !virtq_enable_kicks(&queue->ring) ||
		    !pop_room(q, queue))
			return NULL;
	}
	virtq_disable_kicks(&queue->ring);
	q->tx.taken = true;
	return q->tx.bytes;
}

static bool queues_tx_give(struct rpmsg_carrier *c, void *buffer, uint32_t len, bool *known)
{
	struct rpmsg_queues *q = queues_of(c);
	struct vdev_queue *queue = queue_of(q, RPMSG_RING_TX);

	*known = buffer == q->tx.bytes && q->tx.taken;
	if (!*known)
		return false;
	q->tx.taken = false;
	iov_from_buf(virtq_chain_writable(&q->tx_chain), q->tx_chain.n_write, 0, buffer, len);
	virtq_push(&queue->ring, &q->tx_chain, len);
	return true;
}

static void queues_notify(struct rpmsg_carrier *c, enum rpmsg_ring ring)
{
	struct rpmsg_queues *q = queues_of(c);

	if (ring == RPMSG_RING_TX)
		vdev_flush_soon(queue_of(q, ring));
	else
		vdev_go_on(queue_of(q, ring));
}

static const struct rpmsg_carrier_ops queues_ops = {
	.epoch = queues_epoch,
	.rx_take = queues_rx_take,
	.rx_give = queues_rx_give,
	.tx_take = queues_tx_take,
	.tx_give = queues_tx_give,
	.notify = queues_notify,
};

void rpmsg_queues_started(struct rpmsg_queues *q)
{
	q->up = false;
	q->tx.taken = false;
	q->epoch = q->epoch == UINT32_MAX ? 1 : q->epoch + 1;
}

void rpmsg_queues_kicked(struct rpmsg_queues *q)
{
	if (!q->up)
		q->up = virtq_enable_kicks(&queue_of(q, RPMSG_RING_TX)->ring);
}

bool rpmsg_queues_can_take(struct rpmsg_queues *q)
{
	q->stalled = q->rx.taken;
	return !q->stalled;
}

int rpmsg_queues_init(struct rpmsg_queues *q, struct vdev *dev)
{
	*q = (struct rpmsg_queues){
		.carrier = {.ops = &queues_ops, .buffer_size = RPMSG_BUFFER_SIZE}, .dev = dev};
	if (virtq_chain_init(&q->rx_chain, MAX_PARTS) ||
	    virtq_chain_init(&q->tx_chain, MAX_PARTS)) {
		rpmsg_queues_fini(q);
		return -ENOMEM;
	}
	return 0;
}

void rpmsg_queues_fini(struct rpmsg_queues *q)
{
	virtq_chain_fini(&q->rx_chain);
	virtq_chain_fini(&q->tx_chain);
}
