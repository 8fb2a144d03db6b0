/* SPDX-License-Identifier: MIT */
/* A block back end that reads from one block and writes to another. */
#ifndef BACKEND_BLOCK_SNAPSHOT_H
#define BACKEND_BLOCK_SNAPSHOT_H

#include <stdbool.h>

struct block;

/* Reads come from `base` until they have been written; writes go to `overlay`, which is as large
 * and of which nothing is read that was not written before. Takes both over on success. The result
 * is single_loop only if one of them is. 0 or -ENOMEM. */
int block_snapshot_new(struct block *base, struct block *overlay, bool read_only,
		       struct block **out);

#endif
