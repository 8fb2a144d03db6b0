/* SPDX-License-Identifier: MIT */
/*
 * Messages of a vhost-user front end, and our replies. The front end may be hostile: a message has
 * one fixed size at most, and its descriptors are closed unless somebody takes them.
 */
#ifndef VHOST_MESSAGE_H
#define VHOST_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "remote/vhost_user.h"

struct vhost_message {
	struct vu_header header;
	union vu_payload payload;
	int fd[VU_REGIONS_MAX]; /* -1: taken */
	unsigned n_fds;
	size_t have; /* bytes that have come; private */
};

/* Goes on with reading m, zeroed at first: 1 when it is complete, 0 when more has to come,
 * -ECONNRESET at the end, -EPROTO: no message of this protocol, or -errno of the socket. Does not
 * wait. */
int vhost_message_read(int fd, struct vhost_message *m);

/* Closes what was not taken, and makes m ready for the next one. */
void vhost_message_done(struct vhost_message *m);

/* Takes a descriptor; -1 when it has none left. */
int vhost_message_take_fd(struct vhost_message *m);

/* Sends the reply to m. 0 or -errno: who does not read replies cannot be served. */
int vhost_message_reply(int fd, const struct vhost_message *m, const void *payload, uint32_t len);

#endif
