/* SPDX-License-Identifier: MIT */
/* Arithmetic on scatter lists. Pure: any thread; the caller owns all memory. */
#ifndef BASE_IOV_H
#define BASE_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* Total bytes; the caller guarantees that the sum fits. */
size_t iov_len(const struct iovec *iov, unsigned n);

/* Copies between flat memory and the list, starting `offset` bytes into the list; returns how many
 * bytes were copied: fewer than len when the list ends. */
size_t iov_to_buf(const struct iovec *iov, unsigned n, size_t offset, void *buf, size_t len);
size_t iov_from_buf(const struct iovec *iov, unsigned n, size_t offset, const void *buf,
		    size_t len);
size_t iov_fill(const struct iovec *iov, unsigned n, size_t offset, int byte, size_t len);

/* The part [offset, offset + len) of src as entries in dst (at most max); returns the number of
 * entries, or 0 when max is too small or the part does not lie within src. */
unsigned iov_slice(struct iovec *dst, unsigned max, const struct iovec *src, unsigned n,
		   size_t offset, size_t len);

#endif
