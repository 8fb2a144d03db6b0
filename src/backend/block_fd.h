/* SPDX-License-Identifier: MIT */
/* A block back end over an open file or block device. Internal to the block back ends; users open
 * an image with block_file_open(). */
#ifndef BACKEND_BLOCK_FD_H
#define BACKEND_BLOCK_FD_H

#include <stdbool.h>
#include <stdint.h>

struct block;
struct qcow2;

#define BLOCK_FD_NAME_MAX 255

struct block_fd_config {
	const char *name; /* for messages; at most BLOCK_FD_NAME_MAX bytes of it. Copied. */
	int fd;
	struct qcow2 *image; /* what fd holds if it is not raw, for reading only; or NULL */
	int lock_fd;         /* what the image's lock hangs on, or -1 */
	uint64_t size;       /* bytes, a multiple of 512 */
	bool read_only;
	bool sync;          /* every request is executed on its loop, in the order of submission */
	bool uring;         /* by io_uring where a queue can have one; else by threads */
	bool no_flush;      /* the data need not outlive the host: a flush does nothing */
	bool device;        /* fd is a block device */
	unsigned mem_align; /* with O_DIRECT: what memory must be aligned to; else 0 */
};

/* Takes fd, lock_fd and image over on success. Reading what lies behind the end of a file that has
 * become shorter fails. 0 or -ENOMEM. */
int block_fd_new(const struct block_fd_config *config, struct block **out);

#endif
