/* SPDX-License-Identifier: MIT */
/*
 * Block storage: what a disk device stands on.
 *
 * `struct block` holds what is shared (the image, its size, its lock); a `struct block_queue` is
 * one stream of requests and belongs to one loop. A request's `done` fires exactly once, on that
 * loop, never inside submit. If submit fails, `done` never fires. A block may have queues on
 * several loops unless `single_loop` is set. Requests of one queue complete in any order; a flush
 * covers the writes that were completed before it was submitted.
 */
#ifndef BACKEND_BLOCK_H
#define BACKEND_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct block;
struct block_queue;
struct loop;

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

/* The caller owns the request, its iov and the memory beneath until done. */
struct block_request {
	enum block_op op;
	uint64_t offset; /* bytes; a multiple of the block's sector size (512) */
	const struct iovec *iov;
	unsigned n_iov;
	/* result: 0 when all bytes were moved, or -errno. */
	void (*done)(struct block_request *r, int result);
	void *arg;            /* the caller's */
	uint64_t private_[6]; /* the back end's */
};

struct block_ops {
	int (*open_queue)(struct block *b, struct loop *loop, struct block_queue **out);
	void (*free)(struct block *b);
};

struct block_queue_ops {
	/* 0; -EINVAL when offset or length is unaligned or past the end; -EROFS; -EAGAIN when the
	 * queue can take no more until a request is done. */
	int (*submit)(struct block_queue *q, struct block_request *r);
	/* Calls cb on the loop once, when nothing submitted before is in flight. Never inside
	 * drain. */
	void (*drain)(struct block_queue *q, void (*cb)(void *arg), void *arg);
	/* Nothing may be in flight. */
	void (*close)(struct block_queue *q);
};

struct block {
	const struct block_ops *ops;
	uint64_t size; /* bytes, a multiple of 512 */
	bool read_only;
	bool single_loop;
};

struct block_queue {
	const struct block_queue_ops *ops;
	struct block *block;
};

#endif
