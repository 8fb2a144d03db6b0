/* SPDX-License-Identifier: MIT */
/*
 * Reads, writes and flushes of one file by io_uring, for one queue of a block. Internal to the
 * block back ends. Everything here belongs to the loop's owner.
 */
#ifndef BACKEND_BLOCK_URING_H
#define BACKEND_BLOCK_URING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct block_request;
struct block_uring;
struct loop;

#define BLOCK_URING_DEPTH 128u /* requests in flight */

struct block_uring_config {
	int fd; /* stays the caller's */
	struct loop *loop;
	/* Where most data lies, with pages that stay: registered with the kernel if it lets us, so
	 * that it need not look them up for each request. */
	const struct iovec *memory;
	unsigned n_memory;
	/*
	 * On the loop, never inside another call: 0, -errno, or -EAGAIN when the kernel did not do
	 * all of it this way, and it is to be executed otherwise. May add requests, and free the
	 * ring when none is in flight.
	 */
	void (*done)(void *arg, struct block_request *r, int result);
	void *arg;
};

/* How many bytes of memory are registered: all of it, or 0. */
uint64_t block_uring_registered(const struct block_uring *u);

/* Whether the host can do this: 0, or -errno (-ENOSYS, -EPERM, -ENOMEM, ...). Any thread. */
int block_uring_probe(void);

/* 0 or -errno. */
int block_uring_new(const struct block_uring_config *config, struct block_uring **out);

/* Nothing may be in flight. NULL is allowed. */
void block_uring_free(struct block_uring *u);

/* Takes a READ, WRITE or FLUSH that the kernel can take as it is (block_io_fits()); the iov stays
 * until done. What is added in one round of the loop is submitted with one system call. False: as
 * many are in flight as can be. */
bool block_uring_add(struct block_uring *u, struct block_request *r);

#endif
