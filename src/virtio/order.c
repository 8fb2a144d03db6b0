/* SPDX-License-Identifier: MIT */
/*
 * IN_ORDER (specification 2.7.9, 2.8.9), for both formats: chains are used in the order in which
 * they were made available, and one used entry may stand for many.
 *
 * A device ends its chains in any order, so the ring keeps those in flight in a circle, in the
 * order of popping; each chain knows its place in it (`turn`). A push marks the place. When the
 * oldest is marked, it and all marked ones that follow it are used.
 *
 * Using is put off too, until the batch is published: the entry names the last chain of the batch,
 * and the index moves on by all of it. The driver takes the chains that were passed over for
 * written in full, so that a chain of which less was written ends its batch.
 */
#include <errno.h>

#include "virtio/ring.h"

int order_init(struct virtq *vq, const struct virtq_setup *setup)
{
	if (!(vq->features & VIRTIO_F_IN_ORDER))
		return 0;
	if (!setup->waiting)
		return -EINVAL;
	vq->order.waiting = setup->waiting;
	return 0;
}

/* The circle's place that is i behind the oldest, i at most a round. */
static uint32_t place(const struct virtq *vq, uint32_t i)
{
	i += vq->order.first;
	return i < vq->size ? i : i - vq->size;
}

bool order_pop(struct virtq *vq, struct virtq_chain *c)
{
	if (!vq->order.waiting)
		return true;
	if (vq->order.n == vq->size)
		return false;
	c->turn = (uint16_t)place(vq, vq->order.n++);
	vq->order.waiting[c->turn].pushed = false;
	return true;
}

void order_unpop(struct virtq *vq)
{
	if (vq->order.waiting)
		vq->order.n--;
}

/* Writes the used entry of the batch. */
static void batch_close(struct virtq *vq)
{
	const struct virtq_waiting *last = &vq->order.batch;

	if (vq->order.n_batch)
		ring_use(vq, last->head, last->written, vq->order.n_batch);
	vq->order.n_batch = 0;
}

/* The oldest chain that is not used yet, or NULL. */
static const struct virtq_waiting *oldest(const struct virtq *vq)
{
	return vq->order.n ? &vq->order.waiting[vq->order.first] : NULL;
}

void order_push(struct virtq *vq, const struct virtq_chain *c, uint32_t written)
{
	const struct virtq_waiting *w;

	vq->order.waiting[c->turn] = (struct virtq_waiting){.written = written,
							    .head = c->head,
							    .n_slots = c->n_slots,
							    .pushed = true,
							    .whole = written == c->write_len};
	for (w = oldest(vq); w && w->pushed; w = oldest(vq)) {
		if (!vq->order.batch.whole)
			batch_close(vq);
		vq->order.batch = *w;
		vq->order.n_batch += w->n_slots;
		vq->order.first = place(vq, 1);
		vq->order.n--;
	}
}

void order_publish(struct virtq *vq)
{
	batch_close(vq);
}
