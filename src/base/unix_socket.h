/* SPDX-License-Identifier: MIT */
/* A UNIX socket that has a name: its file is made, told from others', removed. */
#ifndef BASE_UNIX_SOCKET_H
#define BASE_UNIX_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

struct err;

struct unix_socket {
	int fd; /* listens, does not block; -1: there is none */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev;
	ino_t ino;
};

/* Listens at `path`, with mode 0600; type: SOCK_STREAM or SOCK_SEQPACKET. What a process that was
 * killed has left there is replaced. `label` is what the message starts with: "--control unix:". 0,
 * or -errno with the message in e: -EADDRINUSE when somebody listens there or the path is no
 * socket. */
int unix_socket_open(struct unix_socket *s, int type, const char *label, const char *path,
		     struct err *e);
/* Closes it, and removes the file if it still is ours. */
void unix_socket_close(struct unix_socket *s);

/* Connects to a socket; type: as above, perhaps with SOCK_NONBLOCK. The descriptor, or -errno:
 * -ENAMETOOLONG, or what connect() gave. */
int unix_socket_connect(const char *path, int type);

#endif
