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

#define BLOCK_SECTOR 512u /* what offsets and lengths are multiples of */

enum block_op {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,
	BLOCK_DISCARD, /* what is in the range is not needed any more: a hint, that never fails for
			  want of support */
	BLOCK_ZERO,    /* the range reads as zero from now on */
};

/* The caller owns the request, its iov and the memory beneath until done. */
struct block_request {
	enum block_op op;
	bool unmap;              /* ZERO: the range need not keep its space on the storage */
	uint64_t offset;         /* bytes; but for FLUSH */
	uint64_t length;         /* bytes; DISCARD and ZERO only */
	const struct iovec *iov; /* READ and WRITE only */
	unsigned n_iov;
	/* result: 0 when all bytes were moved, or -errno. */
	void (*done)(struct block_request *r, int result);
	void *arg;            /* the caller's */
	uint64_t private_[8]; /* the back end's */
};

struct block_ops {
	int (*open_queue)(struct block *b, struct loop *loop, struct block_queue **out);
	void (*free)(struct block *b);
	/* See block_use_memory(). NULL: it makes no difference. */
	void (*use_memory)(struct block *b, const struct iovec *region, unsigned n);
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

#define BLOCK_MEMORY_MAX 8u

/* Requests of the queues that are opened after this will mostly move bytes of these n regions, at
 * most BLOCK_MEMORY_MAX, whose pages are there and stay the same as long as the queues are open. A
 * back end may spare itself the looking up of pages. No queue is open. */
void block_use_memory(struct block *b, const struct iovec *region, unsigned n);

/* Whether the request changes what is stored. Any thread, as the next two. */
bool block_request_writes(const struct block_request *r);
/* How many bytes it is about; 0 for a flush. */
uint64_t block_request_len(const struct block_request *r);
/* What every submit checks first: 0, -EINVAL or -EROFS. */
int block_request_check(const struct block *b, const struct block_request *r);

#endif
