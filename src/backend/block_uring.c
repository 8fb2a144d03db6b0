/* SPDX-License-Identifier: MIT */
/*
 * Adding a request only fills in an entry of the submission ring and posts a task. The task comes
 * when the loop has run what is due, such as a device that drains its queue: it submits all of them
 * with one call, and then takes the completions that are there already, which is the usual case
 * for what lies in the page cache. Later ones make the ring's descriptor readable.
 *
 * There are as many entries as requests may be in flight, so an entry is always free, and twice as
 * many for completions, so none is ever dropped. When the kernel cannot take submissions for want
 * of memory they stay in the ring, and a timer tries again.
 */
#include "backend/block_uring.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "backend/block.h"
#include "base/bits.h"
#include "base/iov.h"
#include "base/loop.h"

#define BATCH    32
#define RETRY_NS 1000000u

/* What the kernel takes as one registered buffer, and how many of them there may be here. */
#define BUFFER_MAX  (1ull << 30)
#define MAX_BUFFERS 64u

struct block_uring {
	struct io_uring ring;
	struct block_uring_config config;
	bool fixed;                       /* the file is registered as number 0 */
	struct iovec buffer[MAX_BUFFERS]; /* registered, by their numbers */
	unsigned n_buffers;
	unsigned in_flight;
	struct loop_task submit;
	struct loop_timer retry;
	struct loop_fd watch;
};

/* Cooperative: completions of ours need not interrupt this thread, which enters the kernel often
 * enough. Older kernels do not know the flag. */
static int ring_init(struct io_uring *ring)
{
	int ret = io_uring_queue_init(BLOCK_URING_DEPTH, ring, IORING_SETUP_COOP_TASKRUN);

	if (ret == -EINVAL)
		ret = io_uring_queue_init(BLOCK_URING_DEPTH, ring, 0);
	return ret;
}

int block_uring_probe(void)
{
	static const int wanted[] = {IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC};
	struct io_uring_probe *probe;
	struct io_uring ring;
	int ret = ring_init(&ring);

	if (ret)
		return ret;
	/* A kernel that cannot be asked is too old. */
	probe = io_uring_get_probe_ring(&ring);
	if (!probe)
		ret = -ENOSYS;
	for (unsigned i = 0; i < ARRAY_SIZE(wanted) && !ret; i++)
		if (!io_uring_opcode_supported(probe, wanted[i]))
			ret = -EOPNOTSUPP;
	io_uring_free_probe(probe);
	io_uring_queue_exit(&ring);
	return ret;
}

static int result_of(const struct block_request *r, int res)
{
	if (res == -EINTR)
		return -EAGAIN;
	if (res < 0)
		return res;
	return (uint64_t)res == block_request_len(r) ? 0 : -EAGAIN;
}

/* `done` may free the ring with the last request, so nothing of it is looked at after that. */
static void reap(struct block_uring *u)
{
	struct io_uring_cqe *cqe[BATCH];
	struct {
		struct block_request *r;
		int res;
	} ended[BATCH];
	unsigned n;
	bool last = !u->in_flight;

	while (!last && (n = io_uring_peek_batch_cqe(&u->ring, cqe, BATCH))) {
		for (unsigned i = 0; i < n; i++) {
			ended[i].r = io_uring_cqe_get_data(cqe[i]);
			ended[i].res = cqe[i]->res;
		}
		io_uring_cq_advance(&u->ring, n);
		for (unsigned i = 0; i < n; i++) {
			last = !--u->in_flight;
			u->config.done(u->config.arg, ended[i].r,
				       result_of(ended[i].r, ended[i].res));
		}
	}
}

static void submit_and_reap(struct block_uring *u)
{
	int ret;

	do {
		ret = io_uring_submit(&u->ring);
	} while (ret == -EINTR);
	if (io_uring_sq_ready(&u->ring))
		loop_timer_arm(u->config.loop, &u->retry, loop_now(u->config.loop) + RETRY_NS);
	reap(u);
}

static void submit_task(struct loop_task *t)
{
	submit_and_reap(t->arg);
}

static void retry_timer(struct loop_timer *t)
{
	submit_and_reap(t->arg);
}

static void completions(struct loop_fd *w, uint32_t events)
{
	reap(w->arg);
}

/* The number of the buffer in which all of the data lies, or -1. */
static int buffer_of(const struct block_uring *u, const struct block_request *r)
{
	if (r->n_iov != 1)
		return -1;
	for (unsigned i = 0; i < u->n_buffers; i++) {
		uint64_t at = (uintptr_t)r->iov->iov_base - (uintptr_t)u->buffer[i].iov_base;

		if (at < u->buffer[i].iov_len && r->iov->iov_len <= u->buffer[i].iov_len - at)
			return (int)i;
	}
	return -1;
}

static void prepare_move(struct io_uring_sqe *sqe, int fd, const struct block_request *r,
			 int buffer)
{
	bool reads = r->op == BLOCK_READ;

	if (buffer < 0)
		(reads ? io_uring_prep_readv : io_uring_prep_writev)(sqe, fd, r->iov, r->n_iov,
								     r->offset);
	else if (reads)
		io_uring_prep_read_fixed(sqe, fd, r->iov->iov_base, (unsigned)r->iov->iov_len,
					 r->offset, buffer);
	else
		io_uring_prep_write_fixed(sqe, fd, r->iov->iov_base, (unsigned)r->iov->iov_len,
					  r->offset, buffer);
}

bool block_uring_add(struct block_uring *u, struct block_request *r)
{
	struct io_uring_sqe *sqe;
	int fd = u->fixed ? 0 : u->config.fd;

	if (u->in_flight == BLOCK_URING_DEPTH)
		return false;
	sqe = io_uring_get_sqe(&u->ring);
	assert(sqe);
	if (r->op == BLOCK_FLUSH)
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	else
		prepare_move(sqe, fd, r, buffer_of(u, r));
	if (u->fixed)
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, r);
	u->in_flight++;
	loop_post(u->config.loop, &u->submit);
	return true;
}

/* All or nothing. What does not work (RLIMIT_MEMLOCK, too much memory) only costs time. */
static void register_memory(struct block_uring *u)
{
	const struct block_uring_config *c = &u->config;
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_memory; i++) {
		char *base = c->memory[i].iov_base;
		size_t left = c->memory[i].iov_len;

		for (; left && n < MAX_BUFFERS; n++) {
			size_t len = (size_t)min_u64(left, BUFFER_MAX);

			u->buffer[n] = (struct iovec){.iov_base = base, .iov_len = len};
			base += len;
			left -= len;
		}
		if (left)
			return;
	}
	if (n && !io_uring_register_buffers(&u->ring, u->buffer, n))
		u->n_buffers = n;
}

uint64_t block_uring_registered(const struct block_uring *u)
{
	return iov_len(u->buffer, u->n_buffers);
}

int block_uring_new(const struct block_uring_config *config, struct block_uring **out)
{
	struct block_uring *u = calloc(1, sizeof(*u));
	int ret;

	if (!u)
		return -ENOMEM;
	u->config = *config;
	u->submit = (struct loop_task){.fn = submit_task, .arg = u};
	u->retry = (struct loop_timer){.fn = retry_timer, .arg = u};
	ret = ring_init(&u->ring);
	if (ret)
		goto fail;
	u->fixed = !io_uring_register_files(&u->ring, &config->fd, 1);
	register_memory(u);
	u->watch = (struct loop_fd){
		.fn = completions, .arg = u, .fd = u->ring.ring_fd, .events = EPOLLIN};
	ret = loop_fd_add(config->loop, &u->watch);
	if (ret)
		goto fail_ring;
	*out = u;
	return 0;
fail_ring:
	io_uring_queue_exit(&u->ring);
fail:
	free(u);
	return ret;
}

void block_uring_free(struct block_uring *u)
{
	if (!u)
		return;
	assert(!u->in_flight);
	loop_task_cancel(u->config.loop, &u->submit);
	loop_timer_cancel(&u->retry);
	loop_fd_del(&u->watch);
	io_uring_queue_exit(&u->ring);
	free(u);
}
