/* SPDX-License-Identifier: MIT */
/*
 * A virtio device whose requests another process serves, reached by vhost-user: we are the front
 * end. To the rest of Linnet it is a device like any other.
 *
 * The back end gets guest memory (by its memfd) and rings of ours, never the guest's rings: see
 * remote.c. It may end or misbehave at any time. Then the guest lives on, and
 *
 * - without `reconnect` its device is marked as in need of a reset, and all requests, those in
 *   flight and those to come, are answered with an error where the kind of device has one (a file
 *   system's and a disk's do);
 * - with it the device is connected to again, once a second until that works. Meanwhile a disk's
 *   requests wait, and are made again, those in flight too; a network card has no link. Not for
 *   file systems: what a guest has open there is known to the back end that has gone.
 */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct gmem;
struct iovec;
struct loop;
struct vdev;

enum remote_kind { REMOTE_FS, REMOTE_BLK, REMOTE_NET };

#define REMOTE_TAG_MAX    36u /* bytes of a file system's tag */
#define REMOTE_QUEUES_MAX 16u

struct remote_config {
	enum remote_kind kind;
	struct loop *loop;      /* where it lives */
	const struct gmem *mem; /* complete: what is added later the back end cannot see */
	int fd;                 /* a stream socket, connected to the back end */
	const char *label;      /* what messages start with: "--share DIR" */
	const char *tag;        /* fs: 1 to REMOTE_TAG_MAX bytes */
	uint8_t mac[6];         /* net */
	unsigned mtu, speed;    /* net: told to the guest, speed in Mbit/s; 0: not told */
	unsigned n_queues;      /* blk: up to REMOTE_QUEUES_MAX; 0: one */
	/* Gives a new connection to the back end, on a thread of ours and without waiting for
	 * anybody: 0, or -errno with the message in e. NULL: there is no coming back. */
	int (*reconnect)(void *arg, int *fd, struct err *e);
	void *arg;
	/* net: is shown each frame that crosses, either way, without a header; or NULL. */
	void (*record)(void *arg, const struct iovec *iov, unsigned n);
	void *record_arg;
};

/* The loop's thread. Talks to the back end and waits for it, a few seconds for each answer. *cfg is
 * copied, what it points at is borrowed. fd belongs to the device from now on, or is closed. 0, or
 * -errno with the message in e. */
int remote_new(const struct remote_config *cfg, struct vdev **out, struct err *e);

/* The loop's thread: the reason why the back end serves no more, or NULL while it does. */
const char *remote_down(struct vdev *dev);

/* The loop's thread, of a network card: pulls the cable out or plugs it in, as netdev_set_link().
 */
void remote_set_link(struct vdev *dev, bool up);

/* Whether dev is a remote device. */
bool remote_is(const struct vdev *dev);

#endif
