/* SPDX-License-Identifier: MIT */
/*
 * A disk image in a directory of its own, opened with one queue, for the tests of block backends.
 * What fails, fails the test.
 */
#ifndef TESTS_UNIT_BACKEND_DISK_H
#define TESTS_UNIT_BACKEND_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backend/block.h"
#include "backend/block_file.h"

struct loop;

/* Paths; the directory is there between the two functions, which cmocka calls around all tests. */
extern char disk_dir[], disk_image[];
int disk_group_setup(void **state);
int disk_group_teardown(void **state);

/* Writes an image of len bytes: byte n is n / 512 + n % 512. */
void disk_make_image(size_t len);

/* Whether the image's file system has O_DIRECT. */
bool disk_has_direct(void);

struct disk {
	struct loop *loop;
	struct block *block;
	struct block_queue *q;
};

/* Opens the image; path and temp_dir of `config` are filled in. */
void disk_open(struct disk *d, struct block_file_config config);
void disk_close(struct disk *d);

/* One request from beginning to end: its result, or what submit() said. */
int disk_io(struct disk *d, enum block_op op, uint64_t offset, const struct iovec *iov,
	    unsigned n_iov);
int disk_range(struct disk *d, enum block_op op, bool unmap, uint64_t offset, uint64_t length);
int disk_read(struct disk *d, uint64_t offset, void *buf, size_t len);
int disk_write(struct disk *d, uint64_t offset, void *buf, size_t len);

#endif
