/* SPDX-License-Identifier: MIT */
/* Stream sockets in the file system. Any thread. */
#ifndef BASE_UNIX_SOCKET_H
#define BASE_UNIX_SOCKET_H

/* Listens at `path` without blocking; the file has mode 0600. What a process that was killed has
 * left there is replaced. 0 with the socket in *fd; -ENAMETOOLONG; -EADDRINUSE: somebody listens,
 * or the path is no socket; or another -errno. The caller unlinks the path in the end. */
int unix_socket_listen(const char *path, int backlog, int *fd);

/* Connects to `path`: a non-blocking socket in *fd. 0, or -errno; never waits. */
int unix_socket_connect(const char *path, int *fd);

#endif
