/* SPDX-License-Identifier: MIT */
/* Disk images in raw files, block devices, and qcow2 files (those for reading). */
#ifndef BACKEND_BLOCK_FILE_H
#define BACKEND_BLOCK_FILE_H

#include <stdbool.h>

struct block;
struct err;

enum block_file_format { BLOCK_FILE_RAW, BLOCK_FILE_QCOW2 };

enum block_file_io { BLOCK_FILE_AUTO, BLOCK_FILE_URING, BLOCK_FILE_THREADS };

enum block_file_cache {
	BLOCK_FILE_WRITEBACK, /* the host's page cache; the guest's flushes reach the storage */
	BLOCK_FILE_DIRECT,    /* "none": past the host's page cache (O_DIRECT) */
	BLOCK_FILE_UNSAFE,    /* a flush does nothing: fast, and lost if the host goes down */
};

struct block_file_config {
	const char *path;
	bool read_only;
	bool snapshot;                 /* writes are private to this run and gone after it */
	enum block_file_format format; /* QCOW2: with read_only or snapshot; see qcow2.h */
	enum block_file_io io;
	enum block_file_cache cache;
	bool verbose;         /* log when io_uring would be used but cannot be had */
	bool sync;            /* for repeatable machines: requests run on the loop, in order */
	const char *temp_dir; /* for a snapshot's data; NULL: $TMPDIR, or else /var/tmp */
};

/*
 * Opens the image. Its size is rounded down to whole sectors of 512 bytes, with a warning. It stays
 * locked: by one who writes against all others, by those who only read (read_only, snapshot)
 * against one who writes; the lock is also seen by other programs that use open-file-description or
 * POSIX record locks. On a file system without locks there is only a warning.
 *
 * 0 and a block to be freed through its ops; or -errno with a message: -ENOENT, -EACCES, -EISDIR,
 * -EINVAL (no file; empty; broken; no O_DIRECT here), -EBUSY (locked), -ENOSYS (no io_uring),
 * others. Any thread.
 */
int block_file_open(const struct block_file_config *config, struct block **out, struct err *e);

#endif
