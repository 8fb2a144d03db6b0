/* SPDX-License-Identifier: MIT */
/*
 * A virtio device of ours for a driver in another process's guest: vhost-user, with us as the back
 * end. To its device this is a carrier, as virtio-mmio is; what has registers and an interrupt
 * controller is on the other side of a socket: Linnet (src/remote), QEMU, or others.
 *
 *	front end --- messages, memory, eventfds ---> vhost.c --- vdev_*() ---> a device
 *
 * The device's rings are the front end's, split or packed, in its guest's memory, which is mapped.
 * The front end may be hostile: whatever it says or stores, it harms its own device alone.
 *
 * One loop: that of the connection and of all queues of the device.
 */
#ifndef VHOST_VHOST_H
#define VHOST_VHOST_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct vdev;
struct vhost;

struct vhost_ops {
	/* Once, from the loop and never inside a call of ours: the front end has gone (why is
	 * NULL), or broke the rules, or vhost_close() was called. The device stands still, and all
	 * of it waits for vhost_free(), which may be called here. */
	void (*ended)(void *arg, const char *why);
	/* The driver is told of an MTU; 0 or -errno. NULL: not for this device. */
	int (*set_mtu)(void *arg, uint16_t mtu);
};

struct vhost_config {
	struct loop *loop;
	struct vdev *dev;  /* all of its queues on that loop; not attached */
	int fd;            /* a connected stream socket */
	unsigned n_queues; /* as the protocol counts them: pairs for a network card */
	bool has_config;   /* its config space is the front end's too: not that of a network card */
	const struct vhost_ops *ops;
	void *arg;
};

/* Begins to serve. 0 or -errno; then device and socket belong to it, else they stay the caller's.
 */
int vhost_new(const struct vhost_config *cfg, struct vhost **out);

/* Whether the front end has given its memory: a mere connection has not. */
bool vhost_is_attached(const struct vhost *v);

/* Ends the connection: ended() follows. Once it has ended by itself, nothing. */
void vhost_close(struct vhost *v);

/* Frees it and the device, after ended() was called. */
void vhost_free(struct vhost *v);

#endif
