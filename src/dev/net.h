/* SPDX-License-Identifier: MIT */
/*
 * The network card (specification 5.1): one pair of queues over a struct net.
 *
 * Offers MAC, STATUS (the link is always up), MRG_RXBUF, MTU when one is given, and of CSUM, TSO4
 * and TSO6, in both directions, what the network can do.
 * A frame for which the driver has no buffers waits in the back end; one that the back end cannot
 * take is dropped, as on a wire.
 */
#ifndef DEV_NET_H
#define DEV_NET_H

#include <stdint.h>

struct loop;
struct net;
struct vdev;

struct netdev_config {
	struct net *net;   /* stays the caller's; must outlive the device */
	struct loop *loop; /* where both queues are served */
	uint8_t mac[6];
	uint16_t mtu; /* 0: not told to the driver */
};

/* Control thread, while the loop does not run or from the loop. The device is freed by vdev_free()
 * or by its carrier. 0, -ENOMEM, or what opening a queue of the network gave. */
int netdev_new(const struct netdev_config *config, struct vdev **out);

#endif
