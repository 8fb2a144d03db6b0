/* SPDX-License-Identifier: MIT */
/*
 * A block back end in memory whose behaviour a test commands: requests wait until they are
 * released, fail, or are refused with -EAGAIN.
 */
#ifndef TESTS_MEM_BLOCK_H
#define TESTS_MEM_BLOCK_H

#include <stddef.h>

#include "backend/block.h"
#include "base/loop.h"

#define MEM_BLOCK_WAITING 256u

struct mem_block {
	struct block block;
	struct block_queue queue;
	struct loop *loop;
	struct loop_task task;
	uint8_t *data;
	struct block_request *waiting[MEM_BLOCK_WAITING];
	unsigned n_waiting;
	unsigned room;     /* requests it takes at a time; more is -EAGAIN */
	unsigned n_eagain; /* how often it said so */
	unsigned n_flush;
	bool hold;   /* requests wait for mem_block_release() */
	int failure; /* every request ends with this */
};

/* `size` bytes, each byte of sector s being s + 1 modulo 256. */
void mem_block_init(struct mem_block *m, uint64_t size, bool read_only);
void mem_block_fini(struct mem_block *m);

/* On the loop: lets what waits complete, the newest first, from a callback of the loop. */
void mem_block_release(struct mem_block *m);

#endif
