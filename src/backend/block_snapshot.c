/* SPDX-License-Identifier: MIT */
/*
 * A filter over two blocks. One bit for each sector tells whether it has been written and is
 * therefore in the overlay. Since a request is whole sectors, nothing has ever to be copied from
 * the base, and two writes at the same time cannot disturb each other, as they would with larger
 * units that are read, changed and written back. The price is 1/4096 of the disk's size in bits,
 * and that only in address space: a page of bits exists once something is written in its 16 MiB.
 *
 * A request becomes a chain of requests below, one for each run of sectors on the same side, one
 * after the other: nearly always just one. A write's bits are set when its data is in place, so
 * that nobody reads what is not yet there; zeroes are a write. A discard can only give back what
 * the overlay holds: such sectors read as zero after it, those of the base do not change.
 *
 * Queues may be on several loops, since all that they share is the bits, which are only ever set:
 * with release order, so that who sees one on another loop also finds the data.
 */
#include "backend/block_snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "backend/block.h"
#include "base/bits.h"
#include "base/iov.h"
#include "base/loop.h"

#define SECTOR BLOCK_SECTOR

struct snapshot {
	struct block block;
	struct block *base, *overlay;
	_Atomic uint64_t *written; /* one bit a sector */
	size_t written_len;
};

struct snap_queue {
	struct block_queue queue;
	struct loop *loop;
	struct block_queue *base, *overlay;
	struct loop_task task;
	unsigned in_flight;
	void (*drained)(void *arg);
	void *drained_arg;
};

/* A request on its way. */
struct chain {
	struct block_request below;
	struct snap_queue *q;
	struct block_request *r;
	uint64_t pos, run, len; /* bytes: done, being done, in all */
	struct iovec iov[];     /* of the run */
};

static struct snapshot *snapshot_of(const struct snap_queue *q)
{
	return container_of(q->queue.block, struct snapshot, block);
}

static bool is_written(const struct snapshot *s, uint64_t sector)
{
	return atomic_load_explicit(&s->written[sector / 64], memory_order_acquire) &
	       BIT(sector % 64);
}

static void set_written(struct snapshot *s, uint64_t offset, uint64_t len)
{
	uint64_t n = offset / SECTOR, end = (offset + len) / SECTOR, mask;

	for (; n < end; n = (n / 64 + 1) * 64) {
		mask = ~0ull << n % 64;
		if (end / 64 == n / 64)
			mask &= BIT(end % 64) - 1;
		atomic_fetch_or_explicit(&s->written[n / 64], mask, memory_order_release);
	}
}

/* How many of the bytes at `offset` are on the same side as the first. */
static uint64_t run_length(const struct snapshot *s, uint64_t offset, uint64_t len)
{
	bool side = is_written(s, offset / SECTOR);
	uint64_t run = SECTOR;

	while (run < len && is_written(s, (offset + run) / SECTOR) == side)
		run += SECTOR;
	return run;
}

static void chain_next(struct block_request *below, int result);

/* Sends the next run down. 0 or -errno. */
static int chain_submit(struct chain *c)
{
	struct snapshot *s = snapshot_of(c->q);
	struct block_queue *to = c->q->overlay;
	uint64_t offset = c->r->offset + c->pos;

	c->below = (struct block_request){
		.op = c->r->op,
		.unmap = c->r->unmap,
		.offset = offset,
		.iov = c->iov,
		.done = chain_next,
		.arg = c,
	};
	c->run = c->len - c->pos;
	if (c->r->op == BLOCK_READ && c->run) {
		c->run = run_length(s, offset, c->run);
		if (!is_written(s, offset / SECTOR))
			to = c->q->base;
	}
	c->below.length = c->run;
	if (c->r->op == BLOCK_READ || c->r->op == BLOCK_WRITE)
		c->below.n_iov = iov_slice(c->iov, c->r->n_iov, c->r->iov, c->r->n_iov, c->pos,
					   c->run);
	return to->ops->submit(to, &c->below);
}

static void chain_next(struct block_request *below, int result)
{
	struct chain *c = below->arg;
	struct snap_queue *q = c->q;
	struct block_request *r = c->r;

	/* A discard leaves the bits: what was in the overlay is zero there now. */
	if (!result && (r->op == BLOCK_WRITE || r->op == BLOCK_ZERO))
		set_written(snapshot_of(q), below->offset, c->run);
	c->pos += c->run;
	if (!result && c->pos < c->len) {
		result = chain_submit(c);
		if (!result)
			return;
	}
	free(c);
	q->in_flight--;
	if (!q->in_flight && q->drained)
		loop_post(q->loop, &q->task);
	/* Last: it may close the queue. */
	r->done(r, result);
}

static int snap_submit(struct block_queue *bq, struct block_request *r)
{
	struct snap_queue *q = container_of(bq, struct snap_queue, queue);
	unsigned n_iov = r->op == BLOCK_READ || r->op == BLOCK_WRITE ? r->n_iov : 0;
	struct chain *c;
	int ret = block_request_check(bq->block, r);

	if (ret)
		return ret;
	c = malloc(sizeof(*c) + n_iov * sizeof(c->iov[0]));
	if (!c)
		return -ENOMEM;
	c->q = q;
	c->r = r;
	c->pos = 0;
	c->len = block_request_len(r);
	ret = chain_submit(c);
	if (ret) {
		free(c);
		return ret;
	}
	q->in_flight++;
	return 0;
}

static void tell_drained(struct loop_task *t)
{
	struct snap_queue *q = t->arg;
	void (*cb)(void *arg) = q->drained;

	if (!cb || q->in_flight)
		return;
	q->drained = NULL;
	cb(q->drained_arg);
}

static void snap_drain(struct block_queue *bq, void (*cb)(void *arg), void *arg)
{
	struct snap_queue *q = container_of(bq, struct snap_queue, queue);

	assert(!q->drained);
	q->drained = cb;
	q->drained_arg = arg;
	loop_post(q->loop, &q->task);
}

static void snap_queue_close(struct block_queue *bq)
{
	struct snap_queue *q = container_of(bq, struct snap_queue, queue);

	assert(!q->in_flight);
	loop_task_cancel(q->loop, &q->task);
	q->overlay->ops->close(q->overlay);
	q->base->ops->close(q->base);
	free(q);
}

static const struct block_queue_ops snap_queue_ops = {
	.submit = snap_submit,
	.drain = snap_drain,
	.close = snap_queue_close,
};

static int snap_open_queue(struct block *block, struct loop *loop, struct block_queue **out)
{
	struct snapshot *s = container_of(block, struct snapshot, block);
	struct snap_queue *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return -ENOMEM;
	ret = s->base->ops->open_queue(s->base, loop, &q->base);
	if (ret)
		goto fail;
	ret = s->overlay->ops->open_queue(s->overlay, loop, &q->overlay);
	if (ret)
		goto fail_base;
	q->queue = (struct block_queue){.ops = &snap_queue_ops, .block = block};
	q->loop = loop;
	q->task.fn = tell_drained;
	q->task.arg = q;
	*out = &q->queue;
	return 0;
fail_base:
	q->base->ops->close(q->base);
fail:
	free(q);
	return ret;
}

static void snapshot_free(struct block *block)
{
	struct snapshot *s = container_of(block, struct snapshot, block);

	s->overlay->ops->free(s->overlay);
	s->base->ops->free(s->base);
	(void)munmap(s->written, s->written_len);
	free(s);
}

static void snapshot_use_memory(struct block *block, const struct iovec *region, unsigned n)
{
	struct snapshot *s = container_of(block, struct snapshot, block);

	block_use_memory(s->base, region, n);
	block_use_memory(s->overlay, region, n);
}

static const struct block_ops snapshot_ops = {
	.open_queue = snap_open_queue,
	.free = snapshot_free,
	.use_memory = snapshot_use_memory,
};

int block_snapshot_new(struct block *base, struct block *overlay, bool read_only,
		       struct block **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	assert(base->size == overlay->size);
	if (!s)
		return -ENOMEM;
	s->written_len = (size_t)align_up(base->size / SECTOR / 8 + 1, sizeof(uint64_t));
	s->written = mmap(NULL, s->written_len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->written == MAP_FAILED) {
		free(s);
		return -ENOMEM;
	}
	s->block = (struct block){
		.ops = &snapshot_ops,
		.size = base->size,
		.read_only = read_only,
		.single_loop = base->single_loop || overlay->single_loop,
	};
	s->base = base;
	s->overlay = overlay;
	*out = &s->block;
	return 0;
}
