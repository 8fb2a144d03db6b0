/* SPDX-License-Identifier: MIT */
/*
 * What carries RPMsg's buffers: the contract between endpoints (rpmsg.h), which know messages and
 * addresses, and what is below them, which knows rings. There are two carriers: vrings in memory
 * shared by two cores (vring.h), and a virtio device's queues in the monitor (src/dev/rpmsg.c).
 *
 * A buffer that was taken is the caller's until it is given back, and is named by its first byte.
 * All functions but notify are called with the instance's lock held (struct rpmsg_env), so that a
 * carrier needs none, and must not wait.
 */
#ifndef RPMSG_CARRIER_H
#define RPMSG_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

struct rpmsg_carrier;

/* The two directions, and the numbers of the rings and queues that they are. */
enum rpmsg_ring {
	RPMSG_RING_TX, /* to the driver's side: "vring0", virtio queue 0 */
	RPMSG_RING_RX, /* from it */
};

struct rpmsg_carrier_ops {
	/* 0 as long as nothing can be sent because the driver's side has given no buffers;
	 * otherwise a number that is another one after each restart of the driver's side. */
	uint32_t (*epoch)(struct rpmsg_carrier *c);

	/* The next message's buffer, header first, and its length: at least RPMSG_HEADER_SIZE.
	 * NULL: there is none. */
	void *(*rx_take)(struct rpmsg_carrier *c, uint32_t *len);
	/* Gives it back. True: call notify(RPMSG_RING_RX) afterwards. A buffer that is not taken,
	 * because the rings were restarted say, is ignored: *known is false then. */
	bool (*rx_give)(struct rpmsg_carrier *c, void *buffer, bool *known);

	/* A buffer of at least `buffer_size` bytes to write a message to. NULL: there is none; the
	 * driver's side has then been asked to say so when there is. */
	void *(*tx_take)(struct rpmsg_carrier *c);
	/* Sends its first `len` bytes. As rx_give. */
	bool (*tx_give)(struct rpmsg_carrier *c, void *buffer, uint32_t len, bool *known);

	/* Without the lock: tells the driver's side to look at a ring. */
	void (*notify)(struct rpmsg_carrier *c, enum rpmsg_ring ring);
};

struct rpmsg_carrier {
	const struct rpmsg_carrier_ops *ops;
	uint32_t buffer_size; /* the largest message with its header */
};

#endif
