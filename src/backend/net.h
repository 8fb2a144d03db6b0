/* SPDX-License-Identifier: MIT */
/*
 * A network's end: what a network device stands on. Frames are whole Ethernet frames without FCS.
 *
 * `struct net` holds what is shared; a `struct net_queue` is one pair of directions and belongs to
 * one loop. Nothing here blocks. A net with several queues spreads what arrives over those that are
 * active, each flow to one of them; at first only the queue that was opened first is.
 *
 * Offloads: unfinished checksums and TCP segments larger than a frame may cross when both sides can
 * deal with them. A back end says what it can (net->offloads), its user what of that is to be used
 * (set_offloads), and from then on each frame, in both directions, has a struct net_header in front
 * of it. Who only passes frames on need not look at it.
 *
 * Threads: all of a queue is done on its loop, but for `send` where send_from() has said otherwise.
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
struct stats_row;

/* The largest frame that may cross, with its Ethernet header and without a struct net_header. */
#define NET_FRAME_MAX 65550

/* One for each direction, seen from the user. RECV: the user takes such frames. */
#define NET_OFFLOAD_SEND_CSUM 0x01u
#define NET_OFFLOAD_SEND_TSO4 0x02u /* TCP over IPv4 */
#define NET_OFFLOAD_SEND_TSO6 0x04u
#define NET_OFFLOAD_SEND_USO  0x08u /* UDP, cut into datagrams, over either */
#define NET_OFFLOAD_RECV_CSUM 0x10u
#define NET_OFFLOAD_RECV_TSO4 0x20u
#define NET_OFFLOAD_RECV_TSO6 0x40u
#define NET_OFFLOAD_RECV_USO  0x80u
#define NET_OFFLOAD_HEADER    0x100u /* none, but a header in front of each frame */

#define NET_HEADER_NEEDS_CSUM 1u /* csum_start and csum_offset say how */
#define NET_HEADER_DATA_VALID 2u /* checksums were found right */

#define NET_GSO_NONE  0u
#define NET_GSO_TCPV4 1u
#define NET_GSO_TCPV6 4u
#define NET_GSO_UDP   5u /* the kernel's UDP_L4 */

/* The host's byte order. What the kernel's TAP devices use, so its numbers are theirs. */
struct net_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;     /* of all headers: a hint; only with gso_type */
	uint16_t gso_size;    /* payload of a segment */
	uint16_t csum_start;  /* from where in the frame to sum up ... */
	uint16_t csum_offset; /* ... and where the sum goes, from there */
};

struct net_user_ops {
	/* A frame has arrived; only while frames are wanted, on the loop, never inside a call to
	 * this queue (but perhaps inside another one's send()).
	 * Memory is borrowed for the call. False: no room; the frame is kept or dropped as the back
	 * end's nature is, and nothing more comes until want_recv(true). */
	bool (*recv)(void *user, const struct iovec *iov, unsigned n);
};

struct net_ops {
	/* The next of its queues; -EBUSY: all are open. */
	int (*open_queue)(struct net *n, struct loop *loop, const struct net_user_ops *ops,
			  void *user, struct net_queue **out);
	void (*free)(struct net *n);
};

struct net_queue_ops {
	/* Sends one frame; memory is borrowed for the call. 0; -EAGAIN: not now, drop or retry;
	 * other -errno: the frame is refused (too short, too long). */
	int (*send)(struct net_queue *q, const struct iovec *iov, unsigned n);
	void (*want_recv)(struct net_queue *q, bool want);
	/* Which of net->offloads are to be used; none at first. Frames that were on their way may
	 * be dropped. NULL if there are none. */
	void (*set_offloads)(struct net_queue *q, unsigned offloads);
	/* Whether it gets a share of what arrives. NULL where there is only one queue. */
	void (*set_active)(struct net_queue *q, bool active);
	/* Only with net->split, before the first frame and while both loops are the caller's:
	 * `send` is called on `loop` from now on, at any time beside what the queue's own loop
	 * does; all frames then have the header that was chosen by set_offloads before, or none.
	 * NULL: that makes no difference to it. */
	void (*send_from)(struct net_queue *q, struct loop *loop);
	/* After this, recv is not called any more. */
	void (*close)(struct net_queue *q);
};

struct net {
	const struct net_ops *ops;
	bool single_loop;  /* all its queues have to be opened on one loop */
	bool split;        /* sends may come from another loop: net_queue_ops.send_from */
	unsigned offloads; /* NET_OFFLOAD_* */
	unsigned n_queues; /* 0: one */
	/* What it counts besides, or NULL: a table and what that describes (base/stats.h). */
	const struct stats_row *stats_rows;
	const void *stats;
};

struct net_queue {
	const struct net_queue_ops *ops;
	struct net *net;
};

#endif
