/* SPDX-License-Identifier: MIT */
/*
 * A request takes one of these ways:
 *
 *	local	with `sync`: it waits in the queue's list for the posted task, which executes it;
 *		the order of everything is then that of the loop
 *	cached	a read is first tried in place with RWF_NOWAIT, which succeeds when the page cache
 *		has all of it, and told by the same task, since `done` may not fire inside submit;
 *		waking a thread costs far more than copying a few pages. With io_uring only a read
 *		that comes alone: many are cheaper together.
 *	uring	where the host has it: block_uring.c
 *	pool	all others: the ranges, memory that O_DIRECT cannot take as it is, and what
 *		io_uring has done in part; a thread executes all of it, as block_io.c does
 */
#include "backend/block_fd.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/block_io.h"
#include "backend/block_uring.h"
#include "backend/pool.h"
#include "backend/qcow2.h"
#include "base/bits.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"

#define SECTOR       BLOCK_SECTOR
#define MAX_THREADS  4
#define IN_PLACE_MAX (128 << 10) /* bytes; copying more would hold up the loop */

struct block_fd {
	struct block block;
	struct block_io io;
	int lock_fd;
	struct qcow2 *image;
	bool sync;
	bool uring;
	struct pool *pool; /* NULL with sync */
	struct iovec memory[BLOCK_MEMORY_MAX];
	unsigned n_memory;
	char name[BLOCK_FD_NAME_MAX + 1];
	struct log_limit read_log, write_log, flush_log;
};

struct fd_queue {
	struct block_queue queue;
	struct loop *loop;
	struct pool_client client; /* unused with sync */
	struct block_uring *uring; /* NULL: none */
	struct loop_task task;
	struct block_request *first, **last; /* local ones, by fd_request.next */
	unsigned in_flight;
	void (*drained)(void *arg);
	void *drained_arg;
};

/* What lies in a request's private_ words. */
struct fd_request {
	struct pool_job job; /* not used by local ones */
	struct block_request *next;
	int result;
	bool executed;
};

_Static_assert(sizeof(struct fd_request) <= sizeof(((struct block_request *)0)->private_),
	       "a request has no room for this back end");

static struct fd_request *private_of(struct block_request *r)
{
	return (struct fd_request *)(void *)r->private_;
}

static struct block_fd *file_of(const struct fd_queue *q)
{
	return container_of(q->queue.block, struct block_fd, block);
}

/* Whether all of a read came from the page cache at once. */
static bool read_in_place(const struct block_fd *b, const struct block_request *r)
{
	uint64_t len = block_request_len(r);

	if (r->op != BLOCK_READ || len > IN_PLACE_MAX || b->io.mem_align ||
	    !block_io_fits(&b->io, r))
		return false;
	return preadv2(b->io.fd, r->iov, (int)r->n_iov, (off_t)r->offset, RWF_NOWAIT) ==
	       (ssize_t)len;
}

/* ---- requests ---- */

static void log_failure(struct block_fd *b, const struct block_request *r, int result)
{
	struct log_limit *limit = &b->write_log;
	const char *what = "writing";

	if (r->op == BLOCK_READ) {
		limit = &b->read_log;
		what = "reading";
	} else if (r->op == BLOCK_FLUSH) {
		limit = &b->flush_log;
		what = "a flush of";
	}
	log_warn_limited(limit, 1, "--disk %s: %s the image failed: %s; the guest got an I/O error",
			 b->name, what,
			 result == -ENODATA ? "the file has become shorter" : strerror(-result));
}

/* `done` comes last: it may close the queue when nothing else is in flight. */
static void end_request(struct fd_queue *q, struct block_request *r, int result)
{
	if (unlikely(result))
		log_failure(file_of(q), r, result);
	q->in_flight--;
	if (!q->in_flight && q->drained)
		loop_post(q->loop, &q->task);
	r->done(r, result);
}

static void tell_drained(struct fd_queue *q)
{
	void (*cb)(void *arg) = q->drained;

	if (!cb || q->in_flight)
		return;
	q->drained = NULL;
	cb(q->drained_arg);
}

/* The local requests that were there when it began; what `done` submits waits for the next round.
 */
static void run_local(struct loop_task *t)
{
	struct fd_queue *q = t->arg;
	struct block_request *r = q->first, *next;
	struct fd_request *p;

	if (!r) {
		tell_drained(q);
		return;
	}
	q->first = NULL;
	q->last = &q->first;
	for (; r; r = next) {
		p = private_of(r);
		next = p->next;
		end_request(q, r, p->executed ? 0 : block_io_execute(&file_of(q)->io, r));
	}
}

static void add_local(struct fd_queue *q, struct block_request *r, bool executed)
{
	struct fd_request *p = private_of(r);

	p->next = NULL;
	p->executed = executed;
	*q->last = r;
	q->last = &p->next;
	loop_post(q->loop, &q->task);
}

static void job_work(struct pool_job *j)
{
	struct fd_queue *q = container_of(j->client, struct fd_queue, client);
	struct fd_request *p = container_of(j, struct fd_request, job);

	p->result = block_io_execute(&file_of(q)->io,
				     container_of(p, struct block_request, private_));
}

static void job_done(struct pool_job *j)
{
	struct fd_queue *q = container_of(j->client, struct fd_queue, client);
	struct fd_request *p = container_of(j, struct fd_request, job);

	end_request(q, container_of(p, struct block_request, private_), p->result);
}

static void submit_to_pool(struct fd_queue *q, struct block_request *r)
{
	struct fd_request *p = private_of(r);

	p->job = (struct pool_job){.work = job_work, .done = job_done};
	pool_submit(&q->client, &p->job);
}

static void uring_done(void *arg, struct block_request *r, int result)
{
	if (result == -EAGAIN)
		submit_to_pool(arg, r);
	else
		end_request(arg, r, result);
}

static bool submit_to_uring(struct fd_queue *q, struct block_request *r)
{
	bool plain = r->op == BLOCK_FLUSH || ((r->op == BLOCK_READ || r->op == BLOCK_WRITE) &&
					      block_io_fits(&file_of(q)->io, r));

	return q->uring && plain && block_uring_add(q->uring, r);
}

static int fd_submit(struct block_queue *bq, struct block_request *r)
{
	struct fd_queue *q = container_of(bq, struct fd_queue, queue);
	const struct block_fd *b = file_of(q);
	int ret = block_request_check(&b->block, r);

	if (ret)
		return ret;
	q->in_flight++;
	if (b->sync)
		add_local(q, r, false);
	else if (r->op == BLOCK_FLUSH ? b->io.no_flush : !block_request_len(r))
		add_local(q, r, true);
	else if ((!q->uring || q->in_flight == 1) && read_in_place(b, r))
		add_local(q, r, true);
	else if (!submit_to_uring(q, r))
		submit_to_pool(q, r);
	return 0;
}

static void fd_drain(struct block_queue *bq, void (*cb)(void *arg), void *arg)
{
	struct fd_queue *q = container_of(bq, struct fd_queue, queue);

	assert(!q->drained);
	q->drained = cb;
	q->drained_arg = arg;
	loop_post(q->loop, &q->task);
}

static void fd_queue_close(struct block_queue *bq)
{
	struct fd_queue *q = container_of(bq, struct fd_queue, queue);

	assert(!q->in_flight);
	loop_task_cancel(q->loop, &q->task);
	block_uring_free(q->uring);
	if (file_of(q)->pool)
		pool_client_fini(&q->client);
	free(q);
}

static const struct block_queue_ops fd_queue_ops = {
	.submit = fd_submit,
	.drain = fd_drain,
	.close = fd_queue_close,
};

static int fd_open_queue(struct block *block, struct loop *loop, struct block_queue **out)
{
	struct fd_queue *q = calloc(1, sizeof(*q));
	struct block_fd *b = container_of(block, struct block_fd, block);
	struct block_uring_config uring = {.fd = b->io.fd,
					   .loop = loop,
					   .memory = b->memory,
					   .n_memory = b->n_memory,
					   .done = uring_done,
					   .arg = q};

	if (!q)
		return -ENOMEM;
	q->queue = (struct block_queue){.ops = &fd_queue_ops, .block = block};
	q->loop = loop;
	q->last = &q->first;
	q->task.fn = run_local;
	q->task.arg = q;
	if (b->pool)
		pool_client_init(&q->client, b->pool, loop);
	/* A host that has no ring to spare just now has threads. */
	if (b->uring && block_uring_new(&uring, &q->uring))
		q->uring = NULL;
	*out = &q->queue;
	return 0;
}

static void block_fd_free(struct block *block)
{
	struct block_fd *b = container_of(block, struct block_fd, block);

	pool_free(b->pool);
	/* The guest may have been stopped before it could flush what it had written. */
	if (!b->io.no_flush && !b->block.read_only && fdatasync(b->io.fd) < 0)
		log_warn("--disk %s: the image could not be written out: %s", b->name,
			 strerror(errno));
	qcow2_free(b->image);
	fd_close(&b->io.fd);
	fd_close(&b->lock_fd);
	free(b);
}

static void fd_use_memory(struct block *block, const struct iovec *region, unsigned n)
{
	struct block_fd *b = container_of(block, struct block_fd, block);

	assert(n <= BLOCK_MEMORY_MAX);
	memcpy(b->memory, region, n * sizeof(*region));
	b->n_memory = n;
}

static const struct block_ops fd_ops = {
	.open_queue = fd_open_queue,
	.free = block_fd_free,
	.use_memory = fd_use_memory,
};

int block_fd_new(const struct block_fd_config *config, struct block **out)
{
	struct block_fd *b = calloc(1, sizeof(*b));

	assert(config->size % SECTOR == 0);
	assert(!config->image || config->read_only);
	if (!b)
		return -ENOMEM;
	b->block = (struct block){
		.ops = &fd_ops,
		.size = config->size,
		.read_only = config->read_only,
	};
	b->sync = config->sync;
	b->uring = config->uring && !config->sync;
	b->io = (struct block_io){
		.fd = -1,
		.image = config->image,
		.device = config->device,
		.no_flush = config->no_flush,
		.mem_align = config->mem_align,
	};
	(void)snprintf(b->name, sizeof(b->name), "%s", config->name);
	if (!config->sync && pool_new(MAX_THREADS, &b->pool)) {
		free(b);
		return -ENOMEM;
	}
	b->io.fd = config->fd;
	b->lock_fd = config->lock_fd;
	b->image = config->image;
	*out = &b->block;
	return 0;
}
