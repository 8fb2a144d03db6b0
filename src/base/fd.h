/* SPDX-License-Identifier: MIT */
/* File descriptors and host time: the few calls that everything needs. Any thread. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes *fd unless it is -1, and sets it to -1. */
void fd_close(int *fd);

/* 0 or -errno. */
int fd_set_nonblock(int fd, bool on);

/* Writes all of buf, retrying after EINTR and short writes; waits where fd is non-blocking and
 * full. 0 or -errno. */
int fd_write_all(int fd, const void *buf, size_t len);

/* Reads up to len bytes until end of file, retrying after EINTR. The number read, or -errno. */
ssize_t fd_read_full(int fd, void *buf, size_t len);

/* A whole file in memory, up to `max` bytes: *out is malloc'd and owned by the caller. 0, -EFBIG,
 * or -errno. A file that is empty gives *len == 0 and a non-NULL *out. */
int fd_read_file(const char *path, size_t max, uint8_t **out, size_t *len);

/* An eventfd that never blocks: make, raise, and take the count down to zero. Taking it down does
 * not block either if it is another process's, who could make it wait; false: it is nothing that
 * can be read so. */
int eventfd_new(int *out);
void eventfd_raise(int fd);
bool eventfd_clear(int fd);

/* The host's monotonic clock in ns. */
uint64_t host_now_ns(void);

/* How many of the host's CPUs this process may use, at least 1. */
unsigned host_cpus(void);

#endif
