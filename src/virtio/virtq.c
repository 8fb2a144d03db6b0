/* SPDX-License-Identifier: MIT */
/*
 * What all ring formats share. The formats themselves (split.c, packed.c) sit behind ring.h;
 * nothing above virtq.h can tell which one a ring has.
 *
 * The count of chains in flight is a check too: every chain in flight holds at least one
 * descriptor, so that a driver which makes more chains available than its ring has entries is
 * broken, and a device needs no more request slots than entries.
 */
#include "virtio/virtq.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/ring.h"

int virtq_chain_init(struct virtq_chain *c, unsigned max)
{
	memset(c, 0, sizeof(*c));
	c->iov = calloc(max, sizeof(*c->iov));
	c->seg = calloc(max, sizeof(*c->seg));
	if (!c->iov || !c->seg) {
		virtq_chain_fini(c);
		return -ENOMEM;
	}
	c->max = max;
	return 0;
}

void virtq_chain_fini(struct virtq_chain *c)
{
	free(c->iov);
	free(c->seg);
	memset(c, 0, sizeof(*c));
}

struct iovec *virtq_chain_skip(struct virtq_chain *c, uint32_t len, unsigned *n)
{
	struct iovec *iov = c->iov;
	struct iovec *end = c->iov + c->n_read;

	while (iov < end && len >= iov->iov_len) {
		len -= (uint32_t)iov->iov_len;
		iov++;
	}
	if (len) {
		iov->iov_base = (uint8_t *)iov->iov_base + len;
		iov->iov_len -= len;
	}
	*n = (unsigned)(end - iov);
	return iov;
}

int virtq_init(struct virtq *vq, const struct gmem *mem, const struct virtq_setup *setup)
{
	memset(vq, 0, sizeof(*vq));
	if (!mem->n || !setup->size || setup->size > VIRTQ_SIZE_MAX)
		return -EINVAL;
	vq->mem = mem;
	vq->region = &mem->region[0];
	vq->features = setup->features;
	vq->size = setup->size;
	vq->stats = setup->stats;
	if (order_init(vq, setup))
		return -EINVAL;
	return ring_is_packed(vq) ? packed_init(vq, setup) : split_init(vq, setup);
}

/* By the ring's own thread alone, so no exchange is needed. */
static void set_in_flight(struct virtq *vq, uint32_t n)
{
	atomic_store_explicit(&vq->in_flight, n, memory_order_relaxed);
}

int virtq_pop(struct virtq *vq, struct virtq_chain *c)
{
	uint32_t in_flight = virtq_in_flight(vq);
	int r;

	if (unlikely(vq->broken))
		return -EPROTO;
	c->n_read = 0;
	c->n_write = 0;
	c->read_len = 0;
	c->write_len = 0;
	r = ring_is_packed(vq) ? packed_pop(vq, c) : split_pop(vq, c);
	if (r > 0 && unlikely(in_flight == vq->size || !order_pop(vq, c)))
		r = -EPROTO;
	if (r > 0)
		set_in_flight(vq, in_flight + 1);
	else if (r < 0)
		vq->broken = true;
	return r;
}

void virtq_unpop(struct virtq *vq, const struct virtq_chain *c)
{
	uint32_t in_flight = virtq_in_flight(vq);

	assert(in_flight);
	set_in_flight(vq, in_flight - 1);
	order_unpop(vq);
	if (ring_is_packed(vq))
		packed_unpop(vq, c);
	else
		split_unpop(vq);
}

/* Tells code tracking about what pushed chains have written. Before the driver hears of them. */
static void note_written(struct virtq *vq)
{
	if (!vq->written.n)
		return;
	gmem_note_fence();
	for (unsigned i = 0; i < vq->written.n; i++)
		gmem_note_fenced(vq->mem, vq->written.seg[i].gpa, vq->written.seg[i].len);
	vq->written.n = 0;
}

/* Remembers the first `written` bytes of the writable parts for that: the fence, which waits for
 * all that was written, is dear. */
static void add_written(struct virtq *vq, const struct virtq_chain *c, uint32_t written)
{
	for (const struct virtq_seg *s = c->seg + c->n_read; written; s++) {
		uint32_t len = s->len < written ? s->len : written;

		if (vq->written.n == ARRAY_SIZE(vq->written.seg))
			note_written(vq);
		vq->written.seg[vq->written.n++] = (struct virtq_seg){s->gpa, len};
		written -= len;
	}
}

void virtq_push(struct virtq *vq, const struct virtq_chain *c, uint32_t written)
{
	uint32_t in_flight = virtq_in_flight(vq);

	assert(in_flight && written <= c->write_len);
	set_in_flight(vq, in_flight - 1);
	if (vq->stats) {
		counter_add(&vq->stats->chains, 1);
		counter_add(&vq->stats->read, c->read_len);
		counter_add(&vq->stats->written, written);
	}
	add_written(vq, c, written);
	if (unlikely(vq->order.waiting))
		order_push(vq, c, written);
	else
		ring_use(vq, c->head, written, c->n_slots);
}

void virtq_publish(struct virtq *vq)
{
	note_written(vq);
	order_publish(vq);
	if (ring_is_packed(vq))
		packed_publish(vq);
	else
		split_publish(vq);
}

bool virtq_wants_interrupt(struct virtq *vq)
{
	return ring_is_packed(vq) ? packed_wants_interrupt(vq) : split_wants_interrupt(vq);
}

void virtq_disable_kicks(struct virtq *vq)
{
	if (ring_is_packed(vq))
		packed_disable_kicks(vq);
	else
		split_disable_kicks(vq);
}

bool virtq_enable_kicks(struct virtq *vq)
{
	return ring_is_packed(vq) ? packed_enable_kicks(vq) : split_enable_kicks(vq);
}

uint16_t virtq_position(const struct virtq *vq)
{
	assert(!vq->in_flight);
	return ring_is_packed(vq) ? packed_position(vq) : vq->split.next_avail;
}
