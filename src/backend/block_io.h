/* SPDX-License-Identifier: MIT */
/* A request as calls on a file or block device that block until it is done. Internal to the block
 * back ends. Any thread. */
#ifndef BACKEND_BLOCK_IO_H
#define BACKEND_BLOCK_IO_H

#include <stdbool.h>

struct block_request;
struct qcow2;

struct block_io {
	int fd;
	bool device;               /* a block device, else a regular file */
	bool no_flush;             /* a flush does nothing */
	const struct qcow2 *image; /* what is read, instead of fd; or NULL */
	unsigned mem_align; /* with O_DIRECT: what memory must be aligned to, a power of two; else 0
			     */
};

/* Executes a request that passed block_request_check(): 0 when all of it was done, -ENODATA when
 * the file ends before the range that is read, or -errno. */
int block_io_execute(const struct block_io *io, const struct block_request *r);

/* Whether a READ or WRITE can go to the kernel as it is: its memory is aligned well enough and in
 * no more parts than the kernel takes. */
bool block_io_fits(const struct block_io *io, const struct block_request *r);

#endif
