/* SPDX-License-Identifier: MIT */
/*
 * The network card (specification 5.1): pairs of queues over a struct net, and a control queue.
 *
 * Offers MAC, STATUS, MRG_RXBUF, CTRL_VQ with receive modes, address and VLAN filters, and
 * NOTF_COAL; MQ with more than one pair; MTU and SPEED_DUPLEX when they are given; and of CSUM,
 * TSO4, TSO6 and USO, in both directions, what the network can do. A frame for which the driver has
 * no buffers waits in the back end; one that the back end cannot take is dropped, as on a wire.
 */
#ifndef DEV_NET_H
#define DEV_NET_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct net;
struct vdev;

struct netdev_config {
	struct net *net; /* stays the caller's; must outlive the device */
	struct loop
		*loop; /* where the control queue is served, and all others but for queue_loop */
	/* Of rx0, tx0, rx1, ...: two of each pair; copied. All rx ones the same if the net is
	 * single_loop, and both of a pair unless it is split. NULL: `loop` for all. */
	struct loop *const *queue_loop;
	uint8_t mac[6];
	uint16_t mtu;     /* 0: not told to the driver */
	uint32_t speed;   /* Mbit/s; 0: not told to the driver */
	unsigned n_pairs; /* 0: one; at most NET_PAIRS_MAX (dev/net_spec.h) and net->n_queues */
	/* Config space, the control queue and all that they bring are somebody else's, who has the
	 * driver (a vhost-user front end): of features there are offloads and MRG_RXBUF. */
	bool data_only;
	uint32_t ring_size; /* of the pairs' queues at most; 0: NET_QUEUE_SIZE (dev/net_pair.h) */
};

/* Control thread, while the loop does not run or from the loop. The device is freed by vdev_free()
 * or by its carrier. 0, -ENOMEM, or what opening a queue of the network gave. */
int netdev_new(const struct netdev_config *config, struct vdev **out);

/* On the loop, of a data_only device: the driver was told of an MTU by who has it. 0, or -EINVAL:
 * below NET_MTU_MIN. */
int netdev_set_mtu(struct vdev *dev, uint16_t mtu);

/* On config->loop: pulls the card's cable out or plugs it in; it begins plugged in. Frames are lost
 * while it is out. A driver is told; one that knows ANNOUNCE also when to make itself known anew.
 * dev: of netdev_new(). */
void netdev_set_link(struct vdev *dev, bool up);

#endif
