/* SPDX-License-Identifier: MIT */
/*
 * A request is a chain: a header of 16 readable bytes, data, and one writable byte of status, cut
 * into descriptors wherever the driver likes. Parsing takes the header off the front of the
 * readable parts and the status off the end of the writable ones; what is left is the data, which
 * goes to the back end as it lies.
 *
 * Each chain in flight has a slot. There is one slot more than the largest ring has entries, so
 * there is always one to pop into. A back end that answers -EAGAIN stalls the queue: that one slot
 * waits, no more chains are popped, and the next completion goes on with it; from a task, since the
 * back end may not have taken that completion off its own books yet.
 *
 * The used length of a chain is always all of its writable bytes. Whatever a failed request did not
 * write is zeroed, so that a driver which trusts the length sees no stale memory of its own.
 */
#include "dev/blk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block.h"
#include "base/endian.h"
#include "base/iov.h"
#include "virtio/vdev.h"

/* 5.2.3, 5.2.4, 5.2.6 */
#define BLK_F_SEG_MAX  BIT(2)
#define BLK_F_RO       BIT(5)
#define BLK_F_BLK_SIZE BIT(6)
#define BLK_F_FLUSH    BIT(9)

#define BLK_CONFIG_CAPACITY 0
#define BLK_CONFIG_SEG_MAX  12
#define BLK_CONFIG_BLK_SIZE 20
#define BLK_CONFIG_LEN      24

#define BLK_T_IN     0u
#define BLK_T_OUT    1u
#define BLK_T_FLUSH  4u
#define BLK_T_GET_ID 8u

#define BLK_S_OK     0u
#define BLK_S_IOERR  1u
#define BLK_S_UNSUPP 2u

#define HEADER_SIZE 16u
#define SECTOR_SIZE 512u

#define QUEUE_SIZE 128u
#define N_SLOTS    (QUEUE_SIZE + 1)
#define SEG_MAX    (QUEUE_SIZE - 2)
/* Header and status may each be parts of their own, a header cut into bytes sixteen of them. */
#define PARTS_MAX  (SEG_MAX + HEADER_SIZE + 1)

struct slot {
	struct blk *blk;
	struct slot *next; /* in the free list */
	struct virtq_chain chain;
	struct block_request req;
	uint8_t *status;
};

struct blk {
	struct vdev vdev;
	struct block *block;
	struct block_queue *bq;
	struct slot *free;
	struct slot *stalled; /* waits for the back end to take it */
	bool stopping;
	struct loop *loop;
	struct loop_task retry;
	char serial[BLK_SERIAL_MAX];
	struct slot slots[N_SLOTS];
	struct iovec *iov;     /* the slots' */
	struct virtq_seg *seg; /* the slots' */
};

static struct blk *blk_of(struct vdev *dev)
{
	return container_of(dev, struct blk, vdev);
}

static struct vdev_queue *blk_queue(struct blk *b)
{
	return &b->vdev.queues[0];
}

/* ---- completing ---- */

/* `filled`: all data bytes that the device is to write have been written. */
static void finish(struct slot *s, unsigned status, bool filled)
{
	struct blk *b = s->blk;
	struct virtq_chain *c = &s->chain;

	if (status != BLK_S_OK)
		vdev_count_error(&b->vdev);
	if (!filled)
		iov_fill(virtq_chain_writable(c), c->n_write, 0, 0, c->write_len - 1);
	*s->status = (uint8_t)status;
	virtq_push(&blk_queue(b)->ring, c, c->write_len);
	s->next = b->free;
	b->free = s;
}

/* Gives the slot's request to the back end. False: it has to wait. */
static bool submit(struct slot *s)
{
	struct blk *b = s->blk;
	int r = b->bq->ops->submit(b->bq, &s->req);

	/* -EAGAIN promises a completion; without any in flight there is none to wait for. */
	if (r == -EAGAIN && virtq_in_flight(&blk_queue(b)->ring) > 1)
		return false;
	if (r)
		finish(s, BLK_S_IOERR, false);
	return true;
}

static void check_stopped(struct blk *b)
{
	if (b->stopping && !virtq_in_flight(&blk_queue(b)->ring)) {
		b->stopping = false;
		vdev_queue_stopped(blk_queue(b));
	}
}

static void request_done(struct block_request *r, int result)
{
	struct slot *s = r->arg;
	struct blk *b = s->blk;

	finish(s, result ? BLK_S_IOERR : BLK_S_OK, !result && r->op == BLOCK_READ);
	vdev_flush_soon(blk_queue(b));
	if (b->stalled)
		loop_post(b->loop, &b->retry);
	check_stopped(b);
}

static void retry_task(struct loop_task *t)
{
	struct blk *b = t->arg;

	if (!b->stalled || !submit(b->stalled))
		return;
	b->stalled = NULL;
	vdev_go_on(blk_queue(b));
	vdev_flush_soon(blk_queue(b));
	check_stopped(b);
}

/* ---- parsing ---- */

static void begin_io(struct slot *s, enum block_op op, uint64_t sector, uint64_t len)
{
	uint64_t capacity = s->blk->block->size / SECTOR_SIZE;

	if (len % SECTOR_SIZE || sector > capacity || len / SECTOR_SIZE > capacity - sector ||
	    (op == BLOCK_WRITE && s->blk->block->read_only)) {
		finish(s, BLK_S_IOERR, false);
		return;
	}
	if (!len && op != BLOCK_FLUSH) {
		finish(s, BLK_S_OK, op == BLOCK_READ);
		return;
	}
	s->req.op = op;
	s->req.offset = sector * SECTOR_SIZE;
	if (!submit(s))
		s->blk->stalled = s;
}

static void get_id(struct slot *s)
{
	struct virtq_chain *c = &s->chain;
	struct iovec *iov = virtq_chain_writable(c);

	iov_fill(iov, c->n_write, 0, 0, c->write_len - 1);
	iov_from_buf(iov, c->n_write, 0, s->blk->serial, BLK_SERIAL_MAX);
	finish(s, BLK_S_OK, true);
}

/* The chain is popped. False: it is no request at all, and the device is broken. */
static bool begin(struct slot *s)
{
	struct virtq_chain *c = &s->chain;
	struct iovec *write_iov = virtq_chain_writable(c);
	uint8_t header[HEADER_SIZE];
	struct iovec *read_iov, *last;
	unsigned n_read;
	uint64_t sector;

	if (c->read_len < HEADER_SIZE || !c->write_len)
		return false;
	iov_to_buf(c->iov, c->n_read, 0, header, sizeof(header));
	read_iov = virtq_chain_skip(c, sizeof(header), &n_read);
	last = &write_iov[c->n_write - 1];
	s->status = (uint8_t *)last->iov_base + --last->iov_len;
	sector = le64_load(header + 8);
	switch (le32_load(header)) {
	case BLK_T_IN:
		s->req.iov = write_iov;
		s->req.n_iov = c->n_write - !last->iov_len;
		begin_io(s, BLOCK_READ, sector, c->write_len - 1);
		break;
	case BLK_T_OUT:
		s->req.iov = read_iov;
		s->req.n_iov = n_read;
		begin_io(s, BLOCK_WRITE, sector, c->read_len - HEADER_SIZE);
		break;
	case BLK_T_FLUSH:
		s->req.iov = NULL;
		s->req.n_iov = 0;
		begin_io(s, BLOCK_FLUSH, 0, 0);
		break;
	case BLK_T_GET_ID: get_id(s); break;
	default: finish(s, BLK_S_UNSUPP, false); break;
	}
	return true;
}

/* ---- the queue ---- */

static int blk_queue_start(struct vdev_queue *q)
{
	return 0;
}

static void blk_queue_stop(struct vdev_queue *q)
{
	struct blk *b = blk_of(q->dev);

	b->stopping = true;
	check_stopped(b);
}

static enum vdev_taken blk_take(struct vdev_queue *q)
{
	struct blk *b = blk_of(q->dev);
	struct slot *s = b->free;

	if (b->stalled)
		return VDEV_STALLED;
	if (vdev_pop(q, &s->chain) <= 0)
		return VDEV_NONE;
	b->free = s->next;
	if (begin(s))
		return VDEV_TAKEN;
	virtq_unpop(&q->ring, &s->chain);
	s->next = b->free;
	b->free = s;
	vdev_broken(q->dev, "a request without header or status");
	return VDEV_NONE;
}

static void blk_queue_kick(struct vdev_queue *q)
{
	vdev_drain(q, blk_take);
}

static void blk_free(struct vdev *dev)
{
	struct blk *b = blk_of(dev);

	vdev_fini(dev);
	loop_task_cancel(b->loop, &b->retry);
	b->bq->ops->close(b->bq);
	free(b->iov);
	free(b->seg);
	free(b);
}

static const struct vdev_ops blk_ops = {
	.name = "blk",
	.device_id = VIRTIO_ID_BLOCK,
	.queue_start = blk_queue_start,
	.queue_stop = blk_queue_stop,
	.queue_kick = blk_queue_kick,
	.free = blk_free,
};

/* ---- making ---- */

static void publish_config(struct blk *b)
{
	uint8_t config[BLK_CONFIG_LEN] = {0};

	le64_store(config + BLK_CONFIG_CAPACITY, b->block->size / SECTOR_SIZE);
	le32_store(config + BLK_CONFIG_SEG_MAX, SEG_MAX);
	le32_store(config + BLK_CONFIG_BLK_SIZE, SECTOR_SIZE);
	vdev_config_set(&b->vdev, 0, config, sizeof(config));
}

static int make_slots(struct blk *b)
{
	b->iov = calloc((size_t)N_SLOTS * PARTS_MAX, sizeof(*b->iov));
	b->seg = calloc((size_t)N_SLOTS * PARTS_MAX, sizeof(*b->seg));
	if (!b->iov || !b->seg)
		return -ENOMEM;
	for (unsigned i = 0; i < N_SLOTS; i++) {
		struct slot *s = &b->slots[i];

		s->blk = b;
		s->req.arg = s;
		s->req.done = request_done;
		s->chain.iov = b->iov + (size_t)i * PARTS_MAX;
		s->chain.seg = b->seg + (size_t)i * PARTS_MAX;
		s->chain.max = PARTS_MAX;
		s->next = b->free;
		b->free = s;
	}
	return 0;
}

int blk_new(const struct blk_config *config, struct vdev **out)
{
	struct blk *b = calloc(1, sizeof(*b));
	uint64_t features = BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH;
	int r = -ENOMEM;

	if (!b)
		return -ENOMEM;
	b->block = config->block;
	b->loop = config->loop;
	b->retry = (struct loop_task){.fn = retry_task, .arg = b};
	if (b->block->read_only)
		features |= BLK_F_RO;
	if (config->serial)
		memcpy(b->serial, config->serial, strnlen(config->serial, BLK_SERIAL_MAX));
	if (make_slots(b))
		goto fail;
	r = config->block->ops->open_queue(config->block, config->loop, &b->bq);
	if (r)
		goto fail;
	r = vdev_init(&b->vdev, &blk_ops, features, 1, BLK_CONFIG_LEN);
	if (r)
		goto fail_queue;
	vdev_queue_config(&b->vdev, 0, QUEUE_SIZE, config->loop);
	publish_config(b);
	*out = &b->vdev;
	return 0;
fail_queue:
	b->bq->ops->close(b->bq);
fail:
	free(b->iov);
	free(b->seg);
	free(b);
	return r;
}
