/* SPDX-License-Identifier: MIT */
/* The guest's network: a DHCP client (RFC 2131) for one Ethernet interface. */
#ifndef LINNET_GUEST_DHCP_H
#define LINNET_GUEST_DHCP_H

#include <sys/types.h>

/*
 * Brings up the interface "lo", and starts a child process that configures the first Ethernet
 * interface (address, default route, /etc/resolv.conf) and keeps its lease. The child runs beside
 * its caller.
 *
 * Returns a descriptor that becomes readable when the first lease is there, or when it is certain
 * that there will be none, to be given to network_wait; or -ENODEV if there is no interface;
 * or -errno.
 */
int network_start(void);

/*
 * Waits until the network is up, at most @ms milliseconds (the child goes on trying after that),
 * and closes @fd. A negative @fd, as network_start returns it, is nothing to wait for. Says on the
 * console what came of it.
 */
void network_wait(int fd, int ms);

#endif
