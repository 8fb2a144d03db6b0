/* SPDX-License-Identifier: MIT */
/*
 * A network over a TAP device of the host: an Ethernet cable between the guest and the host's
 * kernel, for bridges, routes and speed. Whoever may administer the host makes it once and says
 * whose it is; its owner needs no rights.
 */
#ifndef BACKEND_NET_TAP_H
#define BACKEND_NET_TAP_H

struct err;
struct net;

/*
 * Takes n_queues (at least 1) queues of the TAP device `ifname`, which has to exist and, for more
 * than one, to have been made with multi_queue; nothing of the host's configuration is changed.
 * Queues may be on several loops, and send on others still (split), with all offloads that the
 * kernel knows. Frames for the guest wait in the kernel's queues for as long as it takes none,
 * which drop what is too much.
 *
 * 0, or -errno with a message that names what to do about it: -ENODEV (no such interface), -EPERM
 * (another user's), -EBUSY (in use), -EINVAL (no TAP device, not one with several queues, or no
 * name for one), -ENOENT and -EACCES (of /dev/net/tun).
 */
int net_tap_open(const char *ifname, unsigned n_queues, struct net **out, struct err *e);

#endif
