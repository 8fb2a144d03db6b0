/* SPDX-License-Identifier: MIT */
/*
 * A chain is popped from the guest's ring, kept in a request, and added to the ring that the back
 * end sees; when it comes back there, it is pushed. A request's number is its slot in that ring.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "remote/parts.h"
#include "remote/record.h"

/* Room for n parts in a request's own arrays. */
static int request_reserve(struct request *r, unsigned n)
{
	unsigned max = r->chain.max ? r->chain.max : 4;

	if (n <= r->chain.max)
		return 0;
	while (max < n)
		max *= 2;
	virtq_chain_fini(&r->chain);
	return virtq_chain_init(&r->chain, max);
}

/* Keeps a popped chain until it comes back. */
static void request_keep(struct request *r, const struct virtq_chain *c)
{
	unsigned n = c->n_read + c->n_write, max = r->chain.max;
	struct iovec *iov = r->chain.iov;
	struct virtq_seg *seg = r->chain.seg;

	memcpy(iov, c->iov, n * sizeof(*iov));
	memcpy(seg, c->seg, n * sizeof(*seg));
	r->chain = *c;
	r->chain.iov = iov;
	r->chain.seg = seg;
	r->chain.max = max;
}

static void request_free(struct remote_queue *rq, unsigned i)
{
	rq->request[i].next_free = rq->first_free;
	rq->first_free = i;
}

/* ---- a chain's way ---- */

static enum vdev_taken stall(struct remote_queue *rq, const struct virtq_chain *c)
{
	virtq_unpop(&rq->q->ring, c);
	rq->stalled = true;
	return VDEV_STALLED;
}

static enum vdev_taken take_failing(struct remote *r, struct vdev_queue *q)
{
	if (!r->kind->answer_failed)
		return VDEV_STALLED;
	if (vdev_pop(q, &r->scratch) <= 0)
		return VDEV_NONE;
	vdev_count_error(&r->vdev);
	virtq_push(&q->ring, &r->scratch, r->kind->answer_failed(&r->scratch));
	return VDEV_TAKEN;
}

/* A frame that goes nowhere. */
static enum vdev_taken take_lost(struct remote *r, struct vdev_queue *q)
{
	if (vdev_pop(q, &r->scratch) <= 0)
		return VDEV_NONE;
	virtq_push(&q->ring, &r->scratch, 0);
	return VDEV_TAKEN;
}

static enum vdev_taken remote_take(struct vdev_queue *q)
{
	struct remote *r = remote_of(q->dev);
	struct remote_queue *rq = remote_queue_of(q);
	struct virtq_chain *c = &r->scratch;
	unsigned n, slot = rq->first_free;

	if (unlikely(r->down || r->unplugged) && remote_is_net_tx(r, q))
		return take_lost(r, q);
	if (r->down && r->reconnect)
		return VDEV_STALLED;
	if (r->down)
		return take_failing(r, q);
	if (slot == rq->n_requests) {
		rq->stalled = true;
		return VDEV_STALLED;
	}
	if (vdev_pop(q, c) <= 0)
		return VDEV_NONE;
	n = c->n_read + c->n_write;
	if (!n) {
		virtq_push(&q->ring, c, 0);
		return VDEV_TAKEN;
	}
	if (!shadow_has_room(&rq->shadow, n) || request_reserve(&rq->request[slot], n))
		return stall(rq, c);
	if (unlikely(r->record) && remote_is_net_tx(r, q))
		record_sent(r->record, c);
	request_keep(&rq->request[slot], c);
	rq->request[slot].age = rq->n_kept++;
	rq->first_free = rq->request[slot].next_free;
	shadow_add(&rq->shadow, slot, c);
	return VDEV_TAKEN;
}

static void publish(struct remote_queue *rq)
{
	if (shadow_publish(&rq->shadow))
		eventfd_raise(rq->kick_fd);
}

void relay_kick(struct vdev_queue *q)
{
	struct remote_queue *rq = remote_queue_of(q);

	rq->stalled = false;
	vdev_drain(q, remote_take);
	publish(rq);
}

static int by_age(const void *a, const void *b)
{
	const struct request *const *x = a, *const *y = b;

	return (*x)->age < (*y)->age ? -1 : (*x)->age > (*y)->age;
}

void relay_again(struct remote_queue *rq)
{
	struct request *again[REMOTE_SIZE_MAX] = {0};
	unsigned n = 0;

	for (unsigned i = 0; i < rq->n_requests; i++)
		if (rq->request[i].again)
			again[n++] = &rq->request[i];
	/* In the order in which the guest offered them, which it may count on (IN_ORDER). */
	qsort(again, n, sizeof(void *), by_age);
	for (unsigned i = 0; i < n; i++) {
		again[i]->again = false;
		shadow_add(&rq->shadow, (unsigned)(again[i] - rq->request), &again[i]->chain);
	}
	publish(rq);
}

/* A frame for a guest without a cable is lost. Its buffer goes back to the back end, behind all
 * others; or to the guest, empty, if that counts on their order. */
static bool goes_back(const struct remote *r, const struct remote_queue *rq)
{
	return r->unplugged && !remote_is_net_tx(r, rq->q) && !rq->stop_wanted &&
	       !(virtq_features(&rq->q->ring) & VIRTIO_F_IN_ORDER);
}

/* Pushes what has come back. */
void relay_collect(struct remote_queue *rq)
{
	const struct remote *r = remote_of(rq->q->dev);
	bool back = goes_back(r, rq);
	unsigned slot;
	uint32_t written;
	int ret;

	while ((ret = shadow_take(&rq->shadow, &slot, &written)) > 0) {
		if (unlikely(back)) {
			rq->request[slot].again = true;
			continue;
		}
		if (unlikely(r->unplugged))
			written = 0;
		if (unlikely(r->record) && !remote_is_net_tx(r, rq->q))
			record_received(r->record, &rq->request[slot].chain, written);
		virtq_push(&rq->q->ring, &rq->request[slot].chain, written);
		request_free(rq, slot);
	}
	if (unlikely(back))
		relay_again(rq);
	vdev_flush(rq->q);
	if (ret < 0)
		remote_lost(remote_of(rq->q->dev), "the back end broke the rules of the ring");
	else if (rq->stalled)
		vdev_go_on(rq->q);
}

void relay_give_up(struct remote_queue *rq, uint32_t (*fail)(const struct virtq_chain *c))
{
	for (unsigned i = 0; i < rq->n_requests; i++) {
		const struct virtq_chain *c = &rq->request[i].chain;

		if (!rq->shadow.slot[i].used)
			continue;
		vdev_count_error(rq->q->dev);
		virtq_push(&rq->q->ring, c, fail ? fail(c) : 0);
		request_free(rq, i);
	}
	shadow_reset(&rq->shadow);
}

void relay_keep(struct remote_queue *rq)
{
	for (unsigned i = 0; i < rq->n_requests; i++)
		rq->request[i].again = rq->shadow.slot[i].used;
	shadow_reset(&rq->shadow);
}
