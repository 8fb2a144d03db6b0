/* SPDX-License-Identifier: MIT */
/* The file of the control socket: made, told from others', removed. */
#ifndef CONTROL_CONTROL_SOCKET_H
#define CONTROL_CONTROL_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

struct err;

struct control_socket {
	int fd; /* listens, does not block; -1: there is none */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev;
	ino_t ino;
};

/* See control_listen(). */
int control_socket_open(struct control_socket *s, const char *label, const char *path,
			struct err *e);
/* Closes it, and removes the file if it still is ours. */
void control_socket_close(struct control_socket *s);

/* Connects to a socket; flags: 0 or SOCK_NONBLOCK. The descriptor, or -errno: -ENAMETOOLONG, or
 * what connect() gave. */
int control_socket_connect(const char *path, int flags);

#endif
