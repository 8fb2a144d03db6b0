/* SPDX-License-Identifier: MIT */
/*
 * A disk without an image: each request ends at the loop's next round, and nothing is moved. What
 * ring, device and loop take of all the others. At most 128 requests in flight on a queue; queues
 * may be on any loops.
 */
#ifndef BENCH_NULL_BLOCK_H
#define BENCH_NULL_BLOCK_H

#include <stdint.h>

struct block;

/* NULL: not enough memory. */
struct block *null_block_new(uint64_t size);

#endif
