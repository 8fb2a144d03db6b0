/* SPDX-License-Identifier: MIT */
/*
 * An RPMsg remote that exists in the host alone (virtio device 7: Linux' virtio_rpmsg_bus is its
 * driver). It announces a channel for each of Linux' own drivers and sends back what it is sent:
 *
 *	rpmsg-raw		Linux makes it a device file, /dev/rpmsg0
 *	rpmsg-tty		Linux makes it a terminal, /dev/ttyRPMSG0
 *	rpmsg-client-sample	the kernel's sample, which says hello 100 times
 *	linnet-slow		nobody's: takes 1 ms for a message, so that senders wait
 *
 * Messages to an address that nobody has are dropped. When the driver gives no buffers to answer
 * into, its messages stay in their queue.
 */
#ifndef DEV_RPMSG_ECHO_H
#define DEV_RPMSG_ECHO_H

struct loop;
struct vdev;

/* Control thread, while the loop does not run or from the loop. 0 or -ENOMEM. */
int rpmsg_echo_new(struct loop *loop, struct vdev **out);

#endif
