/* SPDX-License-Identifier: MIT */
/*
 * Bytes over a UNIX socket, and descriptors along with them. Nothing here waits, whatever the
 * socket's mode is. The other side may be hostile: no descriptor that it sends stays open unseen.
 * Any thread; one at a time for a socket.
 */
#ifndef BASE_FD_PASS_H
#define BASE_FD_PASS_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define FD_PASS_MAX 16u /* descriptors in one message, in either direction */

/* Sends what iov holds, with n_fds descriptors, which stay the caller's, along with its first byte.
 * How many bytes the socket took, or -errno: -EAGAIN when it is full. */
ssize_t fd_pass_send(int fd, const struct iovec *iov, unsigned n, const int *fds, unsigned n_fds);

/*
 * Reads up to len bytes: how many, 0 at the end, or -errno: -EAGAIN when nothing is there. The
 * descriptors that came along are put into fds[*n_fds] and on, and *n_fds moves; they are the
 * caller's, close-on-exec. When there are more than fit into `max`, those are closed and the answer
 * is -EPROTO.
 */
ssize_t fd_pass_recv(int fd, void *buf, size_t len, int *fds, unsigned max, unsigned *n_fds);

#endif
