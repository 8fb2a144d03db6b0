/* SPDX-License-Identifier: MIT */
/*
 * The commands of the control queue (specification 5.1.6.5): read, held against what was
 * negotiated, and carried out, on the filter here, all else by the card through ops.
 *
 * The caller has the chain; a command is its readable part, and its answer one byte. Memory of the
 * command is the guest's: each byte is read once. One thread at a time.
 */
#ifndef DEV_NET_CTRL_H
#define DEV_NET_CTRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "dev/net_filter.h"

/* What the card does. Those with a result: false refuses the command. */
struct net_ctrl_ops {
	/* Any number; 1 to what config space says are right. */
	bool (*set_pairs)(void *arg, unsigned n);
	/* Feature bits of what it may be given, all of them negotiated. */
	void (*set_guest_offloads)(void *arg, uint64_t features);
	/* The card has a new address, which is in the filter. */
	void (*mac_changed)(void *arg);
	void (*announced)(void *arg);
	/* Of all queues that send (or receive): an interrupt for so many frames, or so late. */
	void (*coalesce)(void *arg, bool tx, uint32_t max_frames, uint32_t max_us);
};

struct net_ctrl {
	const struct net_ctrl_ops *ops;
	void *arg;
	uint64_t features; /* negotiated */
	struct net_filter filter;
};

/* Begins anew, as after a reset. */
void net_ctrl_init(struct net_ctrl *c, const struct net_ctrl_ops *ops, void *arg, uint64_t features,
		   const uint8_t mac[NET_MAC_SIZE]);

/* Carries out the command in the first `len` bytes of iov. False: there is no such command, it was
 * not negotiated, or its data is not what it has to be; then nothing has changed. */
bool net_ctrl_run(struct net_ctrl *c, const struct iovec *iov, unsigned n, size_t len);

#endif
