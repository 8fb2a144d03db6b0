/* SPDX-License-Identifier: MIT */
/*
 * A request is a chain: a header of 16 readable bytes, data, and one writable byte of status, cut
 * into descriptors wherever the driver likes. Parsing takes the header off the front of the
 * readable parts and the status off the end of the writable ones; what is left is the data, which
 * goes to the back end as it lies.
 *
 * Each chain in flight has a slot. There is one slot more than the largest ring has entries, so
 * there is always one to pop into. A slot may need the back end more than once: for each range of a
 * discard, and for the flush that a write-through cache is made of.
 *
 * A slot that the back end has no room for (-EAGAIN), or whose next step is due, waits in the
 * queue's list; no more chains are popped, and the next completion goes on with it; from a task,
 * since the back end may not have taken that completion off its own books yet.
 *
 * The used length of a chain is always all of its writable bytes. Whatever a failed request did not
 * write is zeroed, so that a driver which trusts the length sees no stale memory of its own.
 */
#include "dev/blk.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block.h"
#include "base/endian.h"
#include "base/iov.h"
#include "dev/blk_ranges.h"
#include "dev/blk_spec.h"
#include "virtio/vdev.h"

#define SECTOR_SIZE   BLOCK_SECTOR
#define PHYSICAL_EXP  3u /* of what any host's file system likes best: 4 KiB */
#define SIZE_MAX_PART (1u << 20)

#define QUEUE_SIZE 128u
#define N_SLOTS    (QUEUE_SIZE + 1)
#define SEG_MAX    (QUEUE_SIZE - 2)
/* Header and status may each be parts of their own, a header cut into bytes sixteen of them. */
#define PARTS_MAX  (SEG_MAX + BLK_HEADER_SIZE + 1)

struct slot {
	struct blk_queue *queue;
	struct slot *next; /* in the list of free or of waiting ones */
	struct virtq_chain chain;
	struct block_request req;
	uint8_t *status;
	bool flush_after; /* the cache writes through */
	unsigned range, n_ranges;
	struct blk_range ranges[BLK_RANGES_MAX];
};

struct blk_queue {
	struct blk *blk;
	struct vdev_queue *q;
	struct block_queue *bq;
	struct slot *free;
	struct slot *waiting, **waiting_end; /* for the back end to take them, in order */
	unsigned n_waiting;
	bool stopping;
	struct loop *loop;
	struct loop_task retry;
	struct slot slots[N_SLOTS];
	struct iovec *iov;     /* the slots' */
	struct virtq_seg *seg; /* the slots' */
};

struct blk {
	struct vdev vdev;
	struct block *block;
	atomic_bool writeback; /* CONFIG_WCE: relaxed, for it orders nothing */
	uint64_t features;     /* home */
	char serial[BLK_SERIAL_MAX];
	uint32_t seg_max;
	unsigned n_queues;
	struct blk_queue *queues;
};

static struct blk *blk_of(struct vdev *dev)
{
	return container_of(dev, struct blk, vdev);
}

static struct blk_queue *queue_of(struct vdev_queue *q)
{
	return &blk_of(q->dev)->queues[q->index];
}

/* ---- completing ---- */

/* `filled`: all data bytes that the device is to write have been written. */
static void finish(struct slot *s, unsigned status, bool filled)
{
	struct blk_queue *b = s->queue;
	struct virtq_chain *c = &s->chain;

	if (status != BLK_S_OK)
		vdev_count_error(&b->blk->vdev);
	if (!filled)
		iov_fill(virtq_chain_writable(c), c->n_write, 0, 0, c->write_len - 1);
	*s->status = (uint8_t)status;
	virtq_push(&b->q->ring, c, c->write_len);
	s->next = b->free;
	b->free = s;
}

static void wait_for_room(struct slot *s)
{
	struct blk_queue *b = s->queue;

	s->next = NULL;
	*b->waiting_end = s;
	b->waiting_end = &s->next;
	b->n_waiting++;
}

static struct slot *next_waiting(struct blk_queue *b)
{
	struct slot *s = b->waiting;

	b->waiting = s->next;
	if (!b->waiting)
		b->waiting_end = &b->waiting;
	b->n_waiting--;
	return s;
}

/* Gives the slot's request to the back end. False: there is no room for it. */
static bool submit(struct slot *s)
{
	struct blk_queue *b = s->queue;
	int r = b->bq->ops->submit(b->bq, &s->req);

	/* -EAGAIN promises a completion; without any in flight there is none to wait for. */
	if (r == -EAGAIN && virtq_in_flight(&b->q->ring) > b->n_waiting + 1)
		return false;
	if (r)
		finish(s, BLK_S_IOERR, false);
	return true;
}

static void check_stopped(struct blk_queue *b)
{
	if (b->stopping && !virtq_in_flight(&b->q->ring)) {
		b->stopping = false;
		vdev_queue_stopped(b->q);
	}
}

/* Prepares the next range that is not empty. False: there is none. */
static bool next_range(struct slot *s)
{
	const struct blk_range *r;

	while (s->range < s->n_ranges) {
		r = &s->ranges[s->range++];
		if (!r->n_sectors)
			continue;
		s->req.offset = r->sector * SECTOR_SIZE;
		s->req.length = (uint64_t)r->n_sectors * SECTOR_SIZE;
		s->req.unmap = r->unmap;
		return true;
	}
	return false;
}

/* What is left to do of a request whose last step succeeded. False: nothing. */
static bool next_step(struct slot *s)
{
	if (next_range(s))
		return true;
	if (!s->flush_after)
		return false;
	s->flush_after = false;
	s->req.op = BLOCK_FLUSH;
	return true;
}

static void request_done(struct block_request *r, int result)
{
	struct slot *s = r->arg;
	struct blk_queue *b = s->queue;

	if (!result && next_step(s)) {
		wait_for_room(s);
	} else {
		finish(s, result ? BLK_S_IOERR : BLK_S_OK, !result && r->op == BLOCK_READ);
		vdev_flush_soon(b->q);
	}
	if (b->waiting)
		loop_post(b->loop, &b->retry);
	check_stopped(b);
}

static void retry_task(struct loop_task *t)
{
	struct blk_queue *b = t->arg;
	unsigned n = b->n_waiting;

	if (!n)
		return;
	while (n--) {
		struct slot *s = next_waiting(b);

		if (!submit(s)) {
			/* Back to the head: what came first goes first. */
			s->next = b->waiting;
			if (!b->waiting)
				b->waiting_end = &s->next;
			b->waiting = s;
			b->n_waiting++;
			break;
		}
	}
	if (!b->waiting)
		vdev_go_on(b->q);
	vdev_flush_soon(b->q);
	check_stopped(b);
}

/* ---- parsing ---- */

/* 5.2.6.2: when a write that is completed has to be stable. */
static bool writes_through(const struct blk_queue *b)
{
	uint64_t features = virtq_features(&b->q->ring);

	if (features & BLK_F_CONFIG_WCE)
		return !atomic_load_explicit(&b->blk->writeback, memory_order_relaxed);
	return !(features & BLK_F_FLUSH);
}

/* 5.2.6.1: what the driver agreed to keep to. */
static bool parts_allowed(const struct slot *s)
{
	uint64_t features = virtq_features(&s->queue->q->ring);

	if (features & BLK_F_SEG_MAX && s->req.n_iov > s->queue->blk->seg_max)
		return false;
	for (unsigned i = 0; i < s->req.n_iov && features & BLK_F_SIZE_MAX; i++)
		if (s->req.iov[i].iov_len > SIZE_MAX_PART)
			return false;
	return true;
}

static void begin_step(struct slot *s)
{
	if (!submit(s))
		wait_for_room(s);
}

/* `other`: bytes of the chain in the direction that such a request does not have. */
static void begin_io(struct slot *s, enum block_op op, uint64_t sector, uint64_t len,
		     uint64_t other)
{
	const struct block *block = s->queue->blk->block;
	uint64_t capacity = block->size / SECTOR_SIZE;

	if (other || len % SECTOR_SIZE || sector > capacity ||
	    len / SECTOR_SIZE > capacity - sector || (op == BLOCK_WRITE && block->read_only) ||
	    !parts_allowed(s)) {
		finish(s, BLK_S_IOERR, false);
		return;
	}
	if (!len) {
		finish(s, BLK_S_OK, op == BLOCK_READ);
		return;
	}
	s->req.op = op;
	s->req.offset = sector * SECTOR_SIZE;
	s->flush_after = op == BLOCK_WRITE && writes_through(s->queue);
	begin_step(s);
}

static void begin_ranges(struct slot *s, uint32_t type, const struct iovec *iov, unsigned n_iov)
{
	const struct blk *blk = s->queue->blk;
	uint64_t feature = type == BLK_T_DISCARD ? BLK_F_DISCARD : BLK_F_WRITE_ZEROES;
	uint32_t len = s->chain.read_len - BLK_HEADER_SIZE;
	uint8_t bytes[BLK_RANGES_MAX * BLK_RANGE_SIZE];
	unsigned status;

	if (!(virtq_features(&s->queue->q->ring) & feature)) {
		finish(s, BLK_S_UNSUPP, false);
		return;
	}
	if (!len || len % BLK_RANGE_SIZE || len > sizeof(bytes) || s->chain.write_len > 1) {
		finish(s, BLK_S_IOERR, false);
		return;
	}
	iov_to_buf(iov, n_iov, 0, bytes, len);
	s->n_ranges = len / BLK_RANGE_SIZE;
	status = blk_ranges_parse(type, bytes, s->n_ranges, blk->block->size / SECTOR_SIZE,
				  s->ranges);
	s->req.op = type == BLK_T_DISCARD ? BLOCK_DISCARD : BLOCK_ZERO;
	s->flush_after = writes_through(s->queue);
	if (status != BLK_S_OK || !next_range(s))
		finish(s, status, false);
	else
		begin_step(s);
}

static void begin_flush(struct slot *s)
{
	s->req.op = BLOCK_FLUSH;
	begin_step(s);
}

static void get_id(struct slot *s)
{
	struct virtq_chain *c = &s->chain;
	struct iovec *iov = virtq_chain_writable(c);

	iov_fill(iov, c->n_write, 0, 0, c->write_len - 1);
	iov_from_buf(iov, c->n_write, 0, s->queue->blk->serial, BLK_SERIAL_MAX);
	finish(s, BLK_S_OK, true);
}

/* The chain is popped. False: it is no request at all, and the device is broken. */
static bool begin(struct slot *s)
{
	struct virtq_chain *c = &s->chain;
	struct iovec *write_iov = virtq_chain_writable(c);
	uint8_t header[BLK_HEADER_SIZE];
	struct iovec *read_iov, *last;
	uint32_t type, n_data;
	uint64_t sector;
	unsigned n_read;

	if (c->read_len < BLK_HEADER_SIZE || !c->write_len)
		return false;
	iov_to_buf(c->iov, c->n_read, 0, header, sizeof(header));
	read_iov = virtq_chain_skip(c, sizeof(header), &n_read);
	last = &write_iov[c->n_write - 1];
	s->status = (uint8_t *)last->iov_base + --last->iov_len;
	s->flush_after = false;
	s->range = s->n_ranges = 0;
	type = le32_load(header);
	sector = le64_load(header + 8);
	n_data = c->read_len - BLK_HEADER_SIZE;
	switch (type) {
	case BLK_T_IN:
		s->req.iov = write_iov;
		s->req.n_iov = c->n_write - !last->iov_len;
		begin_io(s, BLOCK_READ, sector, c->write_len - 1, n_data);
		break;
	case BLK_T_OUT:
		s->req.iov = read_iov;
		s->req.n_iov = n_read;
		begin_io(s, BLOCK_WRITE, sector, n_data, c->write_len - 1);
		break;
	case BLK_T_FLUSH: begin_flush(s); break;
	case BLK_T_GET_ID: get_id(s); break;
	case BLK_T_DISCARD:
	case BLK_T_WRITE_ZEROES: begin_ranges(s, type, read_iov, n_read); break;
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
	struct blk_queue *b = queue_of(q);

	b->stopping = true;
	check_stopped(b);
}

static enum vdev_taken blk_take(struct vdev_queue *q)
{
	struct blk_queue *b = queue_of(q);
	struct slot *s = b->free;

	if (b->waiting)
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

/* ---- configuration ---- */

static void publish_writeback(struct blk *b, bool on)
{
	uint8_t byte = on;

	atomic_store_explicit(&b->writeback, on, memory_order_relaxed);
	vdev_config_set(&b->vdev, BLK_CONFIG_WRITEBACK, &byte, 1);
}

/* 5.2.5.2: a driver that may choose the cache but cannot flush begins with write-through. */
static void blk_features_set(struct vdev *dev, uint64_t features)
{
	struct blk *b = blk_of(dev);

	b->features = features;
	publish_writeback(b, !(features & BLK_F_CONFIG_WCE) || features & BLK_F_FLUSH);
}

static void blk_config_written(struct vdev *dev, unsigned offset, unsigned size, uint64_t value)
{
	struct blk *b = blk_of(dev);

	if (offset == BLK_CONFIG_WRITEBACK && size == 1 && b->features & BLK_F_CONFIG_WCE)
		publish_writeback(b, value & 1);
}

static void publish_config(struct blk *b)
{
	uint8_t config[BLK_CONFIG_LEN] = {0};

	le64_store(config + BLK_CONFIG_CAPACITY, b->block->size / SECTOR_SIZE);
	le32_store(config + BLK_CONFIG_SIZE_MAX, SIZE_MAX_PART);
	le32_store(config + BLK_CONFIG_SEG_MAX, b->seg_max);
	le32_store(config + BLK_CONFIG_BLK_SIZE, SECTOR_SIZE);
	config[BLK_CONFIG_PHYSICAL_EXP] = PHYSICAL_EXP;
	le16_store(config + BLK_CONFIG_MIN_IO, 1u << PHYSICAL_EXP);
	le16_store(config + BLK_CONFIG_NUM_QUEUES, (uint16_t)b->n_queues);
	if (!b->block->read_only) {
		le32_store(config + BLK_CONFIG_DISCARD_MAX, BLK_DISCARD_MAX);
		le32_store(config + BLK_CONFIG_DISCARD_SEGS, BLK_RANGES_MAX);
		le32_store(config + BLK_CONFIG_DISCARD_ALIGN, 1u << PHYSICAL_EXP);
		le32_store(config + BLK_CONFIG_ZERO_MAX, BLK_ZERO_MAX);
		le32_store(config + BLK_CONFIG_ZERO_SEGS, BLK_RANGES_MAX);
		config[BLK_CONFIG_ZERO_UNMAP] = 1;
	}
	vdev_config_set(&b->vdev, 0, config, sizeof(config));
	publish_writeback(b, true);
}

static uint64_t features_of(const struct blk *b)
{
	uint64_t features = BLK_F_SIZE_MAX | BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH |
			    BLK_F_TOPOLOGY | BLK_F_CONFIG_WCE;

	if (b->n_queues > 1)
		features |= BLK_F_MQ;
	return features | (b->block->read_only ? BLK_F_RO : BLK_F_DISCARD | BLK_F_WRITE_ZEROES);
}

/* ---- making and freeing ---- */

static void queue_fini(struct blk_queue *b)
{
	if (!b->bq)
		return;
	loop_task_cancel(b->loop, &b->retry);
	b->bq->ops->close(b->bq);
	free(b->iov);
	free(b->seg);
}

static int queue_init(struct blk *blk, struct blk_queue *b, struct loop *loop)
{
	int r = -ENOMEM;

	b->blk = blk;
	b->loop = loop;
	b->waiting_end = &b->waiting;
	b->retry = (struct loop_task){.fn = retry_task, .arg = b};
	b->iov = calloc((size_t)N_SLOTS * PARTS_MAX, sizeof(*b->iov));
	b->seg = calloc((size_t)N_SLOTS * PARTS_MAX, sizeof(*b->seg));
	if (b->iov && b->seg)
		r = blk->block->ops->open_queue(blk->block, loop, &b->bq);
	if (r) {
		free(b->iov);
		free(b->seg);
		return r;
	}
	for (unsigned i = 0; i < N_SLOTS; i++) {
		struct slot *s = &b->slots[i];

		s->queue = b;
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

static void free_all(struct blk *b)
{
	for (unsigned i = 0; i < b->n_queues; i++)
		queue_fini(&b->queues[i]);
	free(b->queues);
	free(b);
}

static void blk_free(struct vdev *dev)
{
	vdev_fini(dev);
	free_all(blk_of(dev));
}

static const struct vdev_ops blk_ops = {
	.name = "blk",
	.device_id = VIRTIO_ID_BLOCK,
	.queue_start = blk_queue_start,
	.queue_stop = blk_queue_stop,
	.queue_kick = blk_queue_kick,
	.features_set = blk_features_set,
	.config_written = blk_config_written,
	.free = blk_free,
};

/* A request's data, so that it fits a ring of this size beside header and status. */
static uint32_t seg_max(uint32_t ring_size)
{
	if (!ring_size || ring_size > QUEUE_SIZE)
		return SEG_MAX;
	return ring_size > 2 ? ring_size - 2 : 1;
}

static struct loop *loop_of(const struct blk_config *config, unsigned queue)
{
	return config->queue_loop ? config->queue_loop[queue] : config->loop;
}

int blk_new(const struct blk_config *config, struct vdev **out)
{
	unsigned n_queues = config->n_queues ? config->n_queues : 1;
	struct blk *b = calloc(1, sizeof(*b));
	int r = -ENOMEM;

	assert(n_queues <= BLK_QUEUES_MAX);
	if (!b)
		return -ENOMEM;
	b->block = config->block;
	b->seg_max = seg_max(config->ring_size);
	if (config->serial)
		memcpy(b->serial, config->serial, strnlen(config->serial, BLK_SERIAL_MAX));
	b->queues = calloc(n_queues, sizeof(*b->queues));
	if (!b->queues)
		goto fail;
	b->n_queues = n_queues;
	for (unsigned i = 0; i < n_queues; i++) {
		r = queue_init(b, &b->queues[i], loop_of(config, i));
		if (r)
			goto fail;
	}
	r = vdev_init(&b->vdev, &blk_ops, features_of(b), n_queues, BLK_CONFIG_LEN);
	if (r)
		goto fail;
	for (unsigned i = 0; i < n_queues; i++) {
		b->queues[i].q = &b->vdev.queues[i];
		vdev_queue_config(&b->vdev, i, QUEUE_SIZE, loop_of(config, i));
	}
	publish_config(b);
	*out = &b->vdev;
	return 0;
fail:
	free_all(b);
	return r;
}
