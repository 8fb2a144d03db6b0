/* SPDX-License-Identifier: MIT */
/* What all block back ends have to know about a request. */
#include "backend/block.h"

#include <errno.h>

#include "base/iov.h"

bool block_request_writes(const struct block_request *r)
{
	return r->op == BLOCK_WRITE || r->op == BLOCK_DISCARD || r->op == BLOCK_ZERO;
}

uint64_t block_request_len(const struct block_request *r)
{
	switch (r->op) {
	case BLOCK_READ:
	case BLOCK_WRITE: return iov_len(r->iov, r->n_iov);
	case BLOCK_DISCARD:
	case BLOCK_ZERO: return r->length;
	case BLOCK_FLUSH: break;
	}
	return 0;
}

int block_request_check(const struct block *b, const struct block_request *r)
{
	uint64_t len = block_request_len(r);

	if (r->op == BLOCK_FLUSH)
		return 0;
	if (r->offset % BLOCK_SECTOR || len % BLOCK_SECTOR || r->offset > b->size ||
	    len > b->size - r->offset)
		return -EINVAL;
	return b->read_only && block_request_writes(r) ? -EROFS : 0;
}

void block_use_memory(struct block *b, const struct iovec *region, unsigned n)
{
	if (b->ops->use_memory)
		b->ops->use_memory(b, region, n);
}
