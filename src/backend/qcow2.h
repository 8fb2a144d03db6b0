/* SPDX-License-Identifier: MIT */
/*
 * Disk images in the format qcow2 (versions 2 and 3), with their backing files: read only.
 *
 * Compressed clusters by zlib are read; encryption, external data files, extended L2 entries and
 * zstd are refused. Internal snapshots are ignored: what is read is the current state. An image is
 * opened with all its tables, 8 bytes for each cluster of data, so that it never changes after that
 * and can be read from any number of threads without a lock.
 */
#ifndef BACKEND_QCOW2_H
#define BACKEND_QCOW2_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct err;
struct qcow2;

/* Whether the file begins like one. */
bool qcow2_is_magic(int fd);

/*
 * Opens the image in fd, which is borrowed until qcow2_free(); `path` is where its backing file is
 * looked for, and what messages name. Backing files are opened here, and locked against writers.
 * 0 and an image; or -errno with a message: -EINVAL (no qcow2, or broken), -ENOTSUP (a feature that
 * is not supported, too deep a chain, too large tables), -EBUSY, and what opening a file gave.
 */
int qcow2_open(const char *path, int fd, struct qcow2 **out, struct err *e);

/* NULL is allowed. */
void qcow2_free(struct qcow2 *q);

/* Bytes of the disk. */
uint64_t qcow2_size(const struct qcow2 *q);

/* Fills the list from `offset` of the disk on; what lies behind its end is zero. Any thread; it
 * blocks. 0, -ENODATA when a file ends before data it should have, -EIO for a compressed cluster
 * that is damaged, or -errno. */
int qcow2_read(const struct qcow2 *q, const struct iovec *iov, unsigned n_iov, uint64_t offset);

#endif
