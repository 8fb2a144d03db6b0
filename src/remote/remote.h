/* SPDX-License-Identifier: MIT */
/*
 * A virtio device whose requests another process serves, reached by vhost-user: we are the front
 * end. To the rest of Linnet it is a device like any other.
 *
 * The back end gets guest memory (by its memfd) and rings of ours, never the guest's rings: see
 * remote.c. It may end or misbehave at any time. Its device is then marked as in need of a reset,
 * all requests, those in flight and those to come, are answered with an error where the kind of
 * device has one (a file system's and a disk's do), and the guest lives on.
 */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct gmem;
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
	unsigned n_queues;      /* blk: up to REMOTE_QUEUES_MAX; 0: one */
};

/* The loop's thread. Talks to the back end and waits for it, a few seconds for each answer. fd
 * belongs to the device from now on, or is closed. 0, or -errno with the message in e. */
int remote_new(const struct remote_config *cfg, struct vdev **out, struct err *e);

/* The loop's thread: the reason why the back end serves no more, or NULL while it does. */
const char *remote_down(struct vdev *dev);

/* Whether dev is a remote device. */
bool remote_is(const struct vdev *dev);

#endif
