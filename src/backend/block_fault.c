/* SPDX-License-Identifier: MIT */
/*
 * A request that a rule has hit becomes a `held`: what is sent below in its stead, if anything is,
 * and its place in the line of those whose end is not told yet. Even an end without delay is told
 * by way of that line, since it may not come inside submit.
 *
 * A delay holds back the end and not the beginning, so that a full queue below (-EAGAIN) is told
 * where it can be, by submit. The guest cannot tell the difference.
 */
#include "backend/block_fault.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "backend/block.h"
#include "base/bits.h"
#include "base/fault.h"
#include "base/fault_line.h"
#include "base/iov.h"

struct fault_block {
	struct block block;
	struct block *inner;
	struct faults *set;
	struct fault_point *read, *write, *flush;
};

struct fault_queue {
	struct block_queue queue;
	struct loop *loop;
	struct block_queue *below;
	struct fault_line line;
	unsigned n_held;
	bool below_drained;
	void (*drained)(void *arg);
	void *drained_arg;
	struct loop_task task;
};

struct held {
	struct fault_waiting waiting;
	struct block_request below;
	struct fault_queue *q;
	struct block_request *r;
	struct fault_hit hit;
	uint64_t due_ns;
	int result;
	void *bounce; /* a write's data, changed; malloc'd */
	struct iovec iov[];
};

static struct fault_queue *queue_of(struct block_queue *bq)
{
	return container_of(bq, struct fault_queue, queue);
}

/* What is neither read nor flush changes what is stored. */
static struct fault_point *point_of(const struct fault_block *fb, const struct block_request *r)
{
	switch (r->op) {
	case BLOCK_READ: return fb->read;
	case BLOCK_FLUSH: return fb->flush;
	default: return fb->write;
	}
}

/* Only these two carry data. */
static unsigned n_iov_of(const struct block_request *r)
{
	return r->op == BLOCK_READ || r->op == BLOCK_WRITE ? r->n_iov : 0;
}

/* ---- ends ---- */

static void look_drained(struct fault_queue *q)
{
	if (q->drained && q->below_drained && !q->n_held)
		loop_post(q->loop, &q->task);
}

static void tell_drained(struct loop_task *t)
{
	struct fault_queue *q = t->arg;
	void (*cb)(void *arg) = q->drained;

	if (!cb || q->n_held)
		return;
	q->drained = NULL;
	cb(q->drained_arg);
}

static void held_end(struct fault_waiting *w)
{
	struct held *h = container_of(w, struct held, waiting);
	struct block_request *r = h->r;
	int result = h->result;

	h->q->n_held--;
	look_drained(h->q);
	free(h->bounce);
	free(h);
	/* Last: it may close the queue. */
	r->done(r, result);
}

/* The first data byte that `random` chooses is changed where it lies. */
static void corrupt_iov(const struct iovec *iov, unsigned n, uint64_t random)
{
	size_t len = iov_len(iov, n);
	uint8_t byte;

	if (!len)
		return;
	iov_to_buf(iov, n, (size_t)((random >> 8) % len), &byte, 1);
	fault_corrupt(&byte, 1, random);
	iov_from_buf(iov, n, (size_t)((random >> 8) % len), &byte, 1);
}

static void below_done(struct block_request *below, int result)
{
	struct held *h = below->arg;

	h->result = result;
	if (!result && h->hit.what & FAULT_SHORT)
		h->result = -EIO;
	else if (!result && h->hit.what & FAULT_CORRUPT && below->op == BLOCK_READ)
		corrupt_iov(h->r->iov, h->r->n_iov, h->hit.random);
	if (h->hit.what & FAULT_DELAY)
		fault_line_add(&h->q->line, &h->waiting, h->due_ns, h->hit.epoch);
	else
		held_end(&h->waiting);
}

/* ---- beginnings ---- */

/* Nothing is sent below. */
static void end_with(struct held *h, int result)
{
	h->result = result;
	h->q->n_held++;
	fault_line_add(&h->q->line, &h->waiting, h->due_ns, h->hit.epoch);
}

/* The data of a write in memory of our own, one byte of it changed. */
static int make_bounce(struct held *h, size_t len)
{
	h->bounce = malloc(len + 1);
	if (!h->bounce)
		return -ENOMEM;
	iov_to_buf(h->r->iov, h->r->n_iov, 0, h->bounce, len);
	h->iov[0] = (struct iovec){.iov_base = h->bounce, .iov_len = len};
	h->below.n_iov = 1;
	corrupt_iov(h->iov, 1, h->hit.random);
	return 0;
}

static int held_begin(struct held *h)
{
	const struct block_request *r = h->r;
	size_t len = iov_len(r->iov, n_iov_of(r));
	size_t half = len / 2 / BLOCK_SECTOR * BLOCK_SECTOR;
	int ret = 0;

	if (h->hit.what & FAULT_SHORT)
		len = half;
	if (h->hit.what & FAULT_ERROR || (h->hit.what & FAULT_SHORT && !half)) {
		end_with(h, -EIO);
		return 0;
	}
	if (h->hit.what & FAULT_DROP) {
		end_with(h, 0);
		return 0;
	}
	h->below = *r;
	h->below.iov = h->iov;
	h->below.done = below_done;
	h->below.arg = h;
	if (h->hit.what & FAULT_CORRUPT && r->op == BLOCK_WRITE && len)
		ret = make_bounce(h, len);
	else
		h->below.n_iov = iov_slice(h->iov, n_iov_of(r), r->iov, n_iov_of(r), 0, len);
	if (!ret)
		ret = h->q->below->ops->submit(h->q->below, &h->below);
	if (!ret)
		h->q->n_held++;
	return ret;
}

static bool request_hit(const struct fault_block *fb, const struct block_request *r,
			struct fault_hit *hit)
{
	uint64_t first = r->offset / BLOCK_SECTOR;
	uint64_t n = block_request_len(r) / BLOCK_SECTOR;

	return fault_ask_at(point_of(fb, r), first, n ? first + n - 1 : UINT64_MAX, hit);
}

static int fault_submit(struct block_queue *bq, struct block_request *r)
{
	struct fault_queue *q = queue_of(bq);
	struct fault_block *fb = container_of(bq->block, struct fault_block, block);
	struct fault_hit hit;
	struct held *h;
	int ret = block_request_check(bq->block, r);

	if (ret)
		return ret;
	if (!request_hit(fb, r, &hit))
		return q->below->ops->submit(q->below, r);
	h = calloc(1, sizeof(*h) + (n_iov_of(r) + 1) * sizeof(h->iov[0]));
	if (!h)
		return -ENOMEM;
	h->waiting.fn = held_end;
	h->q = q;
	h->r = r;
	h->hit = hit;
	h->due_ns = loop_now(q->loop) + hit.delay_ns;
	ret = held_begin(h);
	if (ret) {
		free(h->bounce);
		free(h);
	}
	return ret;
}

/* ---- the queue ---- */

static void below_drained(void *arg)
{
	struct fault_queue *q = arg;

	q->below_drained = true;
	look_drained(q);
}

static void fault_drain(struct block_queue *bq, void (*cb)(void *arg), void *arg)
{
	struct fault_queue *q = queue_of(bq);

	assert(!q->drained);
	q->drained = cb;
	q->drained_arg = arg;
	q->below_drained = false;
	q->below->ops->drain(q->below, below_drained, q);
}

static void fault_close(struct block_queue *bq)
{
	struct fault_queue *q = queue_of(bq);

	assert(!q->n_held);
	loop_task_cancel(q->loop, &q->task);
	fault_line_fini(&q->line);
	q->below->ops->close(q->below);
	free(q);
}

static const struct block_queue_ops queue_ops = {
	.submit = fault_submit,
	.drain = fault_drain,
	.close = fault_close,
};

static int fault_open_queue(struct block *block, struct loop *loop, struct block_queue **out)
{
	struct fault_block *fb = container_of(block, struct fault_block, block);
	struct fault_queue *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return -ENOMEM;
	ret = fb->inner->ops->open_queue(fb->inner, loop, &q->below);
	if (ret) {
		free(q);
		return ret;
	}
	q->queue = (struct block_queue){.ops = &queue_ops, .block = block};
	q->loop = loop;
	q->task.fn = tell_drained;
	q->task.arg = q;
	fault_line_init(&q->line, fb->set, loop);
	*out = &q->queue;
	return 0;
}

static void fault_free(struct block *block)
{
	free(container_of(block, struct fault_block, block));
}

static void fault_use_memory(struct block *block, const struct iovec *region, unsigned n)
{
	block_use_memory(container_of(block, struct fault_block, block)->inner, region, n);
}

static const struct block_ops fault_block_ops = {
	.open_queue = fault_open_queue,
	.free = fault_free,
	.use_memory = fault_use_memory,
};

int block_fault_new(struct block *inner, struct fault_device *device, struct block **out)
{
	struct fault_block *fb = calloc(1, sizeof(*fb));

	if (!fb)
		return -ENOMEM;
	fb->block = *inner;
	fb->block.ops = &fault_block_ops;
	fb->inner = inner;
	fb->set = fault_device_set(device);
	fb->read = fault_point(device, FAULT_READ);
	fb->write = fault_point(device, FAULT_WRITE);
	fb->flush = fault_point(device, FAULT_FLUSH);
	*out = &fb->block;
	return 0;
}
