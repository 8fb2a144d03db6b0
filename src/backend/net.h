/* SPDX-License-Identifier: MIT */
/*
 * A network's end: what a network device stands on. Frames are whole Ethernet frames without FCS.
 *
 * `struct net` holds what is shared; a `struct net_queue` is one pair of directions and belongs to
 * one loop. Nothing here blocks. No offloads unless set_offloads() agreed to them.
 */
#ifndef BACKEND_NET_H
#define BACKEND_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct loop;
struct net;
struct net_queue;

#define NET_FRAME_MAX 65550 /* the largest frame that may cross, with its Ethernet header */

struct net_user_ops {
	/* A frame has arrived; only while frames are wanted, on the loop, never inside a net_ call.
	 * Memory is borrowed for the call. False: no room; the frame is kept or dropped as the back
	 * end's nature is, and nothing more comes until want_recv(true). */
	bool (*recv)(void *user, const struct iovec *iov, unsigned n);
};

struct net_ops {
	int (*open_queue)(struct net *n, struct loop *loop, const struct net_user_ops *ops,
			  void *user, struct net_queue **out);
	void (*free)(struct net *n);
};

struct net_queue_ops {
	/* Sends one frame; memory is borrowed for the call. 0; -EAGAIN: not now, drop or retry;
	 * other -errno: the frame is refused (too short, too long). */
	int (*send)(struct net_queue *q, const struct iovec *iov, unsigned n);
	void (*want_recv)(struct net_queue *q, bool want);
	/* After this, recv is not called any more. */
	void (*close)(struct net_queue *q);
};

struct net {
	const struct net_ops *ops;
	bool single_loop;
};

struct net_queue {
	const struct net_queue_ops *ops;
	struct net *net;
};

#endif
