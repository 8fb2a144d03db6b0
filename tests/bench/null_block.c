/* SPDX-License-Identifier: MIT */
#include "null_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block.h"
#include "base/bits.h"
#include "base/loop.h"

struct null_queue {
	struct block_queue queue;
	struct loop *loop;
	struct loop_task task;
	struct block_request *ended[128];
	unsigned n_ended;
};

static void null_task(struct loop_task *t)
{
	struct null_queue *q = t->arg;
	struct block_request *ended[128];
	unsigned n = q->n_ended;

	memcpy(ended, q->ended, sizeof(ended));
	q->n_ended = 0;
	for (unsigned i = 0; i < n; i++)
		ended[i]->done(ended[i], 0);
}

static int null_submit(struct block_queue *bq, struct block_request *r)
{
	struct null_queue *q = container_of(bq, struct null_queue, queue);

	q->ended[q->n_ended++] = r;
	loop_post(q->loop, &q->task);
	return 0;
}

static void null_close(struct block_queue *bq)
{
	struct null_queue *q = container_of(bq, struct null_queue, queue);

	loop_task_cancel(q->loop, &q->task);
	free(q);
}

static int null_open_queue(struct block *block, struct loop *loop, struct block_queue **out)
{
	static const struct block_queue_ops ops = {.submit = null_submit, .close = null_close};
	struct null_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->loop = loop;
	q->task = (struct loop_task){.fn = null_task, .arg = q};
	q->queue = (struct block_queue){.ops = &ops, .block = block};
	*out = &q->queue;
	return 0;
}

static void null_free(struct block *block)
{
	free(block);
}

struct block *null_block_new(uint64_t size)
{
	static const struct block_ops ops = {.open_queue = null_open_queue, .free = null_free};
	struct block *b = calloc(1, sizeof(*b));

	if (b)
		*b = (struct block){.ops = &ops, .size = size};
	return b;
}
