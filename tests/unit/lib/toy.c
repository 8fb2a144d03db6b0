/* SPDX-License-Identifier: MIT */
#include "toy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct toy *toy_of(struct vdev *dev)
{
	return container_of(dev, struct toy, vdev);
}

void toy_release(struct toy *t, unsigned queue)
{
	struct toy_queue *tq = &t->q[queue];
	struct vdev_queue *q = &t->vdev.queues[queue];

	while (tq->n_held) {
		struct virtq_chain *c = &tq->held[--tq->n_held];
		const struct iovec *iov = virtq_chain_writable(c);

		for (unsigned i = 0; i < c->n_write; i++)
			memset(iov[i].iov_base, 0xa0 + (int)queue, iov[i].iov_len);
		virtq_push(&q->ring, c, c->write_len);
	}
	if (tq->stopping) {
		tq->stopping = false;
		vdev_queue_stopped(q);
	} else if (q->running) {
		vdev_flush(q);
	}
}

static int toy_start(struct vdev_queue *q)
{
	struct toy *t = toy_of(q->dev);

	t->q[q->index].n_started++;
	return t->start_error;
}

static void toy_stop(struct vdev_queue *q)
{
	struct toy *t = toy_of(q->dev);

	t->q[q->index].n_stopped++;
	t->q[q->index].stopping = true;
	if (!t->q[q->index].n_held)
		toy_release(t, q->index);
}

static void toy_kick(struct vdev_queue *q)
{
	struct toy *t = toy_of(q->dev);
	struct toy_queue *tq = &t->q[q->index];

	do {
		virtq_disable_kicks(&q->ring);
		while (vdev_queue_live(q) && vdev_pop(q, &tq->held[tq->n_held]) > 0) {
			tq->n_held++;
			if (!t->hold)
				toy_release(t, q->index);
		}
	} while (vdev_queue_live(q) && virtq_enable_kicks(&q->ring));
}

static void toy_config_written(struct vdev *dev, unsigned offset, unsigned size, uint64_t value)
{
	vdev_config_set(dev, offset, &value, size);
}

static void toy_free(struct vdev *dev)
{
	struct toy *t = toy_of(dev);

	vdev_fini(dev);
	for (unsigned i = 0; i < TOY_QUEUES; i++)
		for (unsigned k = 0; k <= TOY_SIZE; k++)
			virtq_chain_fini(&t->q[i].held[k]);
	*t->freed = true;
	free(t);
}

static const struct vdev_ops toy_ops = {
	.name = "toy",
	.device_id = TOY_ID,
	.queue_start = toy_start,
	.queue_stop = toy_stop,
	.queue_kick = toy_kick,
	.config_written = toy_config_written,
	.free = toy_free,
};

struct toy *toy_new(struct loop *loop, bool *freed)
{
	struct toy *t = calloc(1, sizeof(*t));
	int r;

	assert(t);
	r = vdev_init(&t->vdev, &toy_ops, TOY_FEATURE, TOY_QUEUES, TOY_CONFIG);
	assert(!r);
	t->freed = freed;
	*freed = false;
	for (unsigned i = 0; i < TOY_QUEUES; i++) {
		vdev_queue_config(&t->vdev, i, TOY_SIZE, loop);
		for (unsigned k = 0; k <= TOY_SIZE; k++)
			r |= virtq_chain_init(&t->q[i].held[k], TOY_PARTS);
	}
	assert(!r);
	return t;
}
