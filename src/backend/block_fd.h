/* SPDX-License-Identifier: MIT */
/* A block back end over an open file or block device. Internal to the block back ends; users open
 * an image with block_file_open(). */
#ifndef BACKEND_BLOCK_FD_H
#define BACKEND_BLOCK_FD_H

#include <stdbool.h>
#include <stdint.h>

struct block;

struct block_fd_config {
	int fd;
	uint64_t size; /* bytes, a multiple of 512 */
	bool read_only;
	bool sync;      /* every request is executed on its loop, in the order of submission */
	bool temporary; /* the data need not outlive the process: a flush does nothing */
};

/* Takes fd over on success. Reading what lies behind the end of a file that has become shorter
 * fails. 0 or -ENOMEM. */
int block_fd_new(const struct block_fd_config *config, struct block **out);

#endif
