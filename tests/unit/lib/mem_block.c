/* SPDX-License-Identifier: MIT */
#include "mem_block.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/iov.h"

static struct mem_block *of(struct block_queue *q)
{
	return container_of(q, struct mem_block, queue);
}

static int execute(struct mem_block *m, const struct block_request *r)
{
	if (m->failure)
		return m->failure;
	if (r->op == BLOCK_READ)
		iov_from_buf(r->iov, r->n_iov, 0, m->data + r->offset, iov_len(r->iov, r->n_iov));
	else if (r->op == BLOCK_WRITE)
		iov_to_buf(r->iov, r->n_iov, 0, m->data + r->offset, iov_len(r->iov, r->n_iov));
	else if (r->op == BLOCK_ZERO)
		memset(m->data + r->offset, 0, r->length);
	else if (r->op == BLOCK_DISCARD)
		memset(m->data + r->offset, 0xdd, r->length);
	else
		m->n_flush++;
	return 0;
}

static void complete_all(struct loop_task *t)
{
	struct mem_block *m = t->arg;

	/* One that is submitted by a callback may find no room: its predecessor is still here. */
	while (m->n_waiting) {
		struct block_request *r = m->waiting[m->n_waiting - 1];

		r->done(r, execute(m, r));
		for (unsigned i = 0; i < m->n_waiting; i++)
			if (m->waiting[i] == r) {
				m->waiting[i] = m->waiting[--m->n_waiting];
				break;
			}
	}
}

void mem_block_release(struct mem_block *m)
{
	m->hold = false;
	loop_post(m->loop, &m->task);
}

static int submit(struct block_queue *q, struct block_request *r)
{
	struct mem_block *m = of(q);

	assert(!block_request_check(&m->block, r));
	if (m->n_waiting == m->room) {
		m->n_eagain++;
		return -EAGAIN;
	}
	m->waiting[m->n_waiting++] = r;
	if (!m->hold)
		loop_post(m->loop, &m->task);
	return 0;
}

static void drain(struct block_queue *q, void (*cb)(void *arg), void *arg)
{
	assert(of(q) == NULL); /* devices do not use it: they know what is in flight */
}

static void close_queue(struct block_queue *q)
{
	assert(!of(q)->n_waiting);
	loop_task_cancel(of(q)->loop, &of(q)->task);
}

static const struct block_queue_ops queue_ops = {
	.submit = submit, .drain = drain, .close = close_queue};

static int open_queue(struct block *b, struct loop *loop, struct block_queue **out)
{
	struct mem_block *m = container_of(b, struct mem_block, block);

	m->loop = loop;
	m->queue = (struct block_queue){.ops = &queue_ops, .block = b};
	*out = &m->queue;
	return 0;
}

static void free_block(struct block *b)
{
}

static const struct block_ops ops = {.open_queue = open_queue, .free = free_block};

void mem_block_init(struct mem_block *m, uint64_t size, bool read_only)
{
	memset(m, 0, sizeof(*m));
	m->block = (struct block){.ops = &ops, .size = size, .read_only = read_only};
	m->task = (struct loop_task){.fn = complete_all, .arg = m};
	m->room = MEM_BLOCK_WAITING;
	m->data = malloc(size);
	assert(m->data);
	for (uint64_t i = 0; i < size; i++)
		m->data[i] = (uint8_t)(i / 512 + 1);
}

void mem_block_fini(struct mem_block *m)
{
	free(m->data);
}
