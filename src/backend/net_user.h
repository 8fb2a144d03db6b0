/* SPDX-License-Identifier: MIT */
/*
 * A network without privileges: libslirp is the router of a small private net and opens ordinary
 * sockets on the host for what the guest sends.
 *
 *	10.0.2.0/24	the net; the guest gets 10.0.2.15 by DHCP
 *	10.0.2.2	the router; also the host's own loopback as the guest sees it
 *	10.0.2.3	DNS, passed on to the host's resolver
 *
 * A guest can reach every service that listens on the host's loopback, as with other machines that
 * use libslirp. With `ipv6`, fec0::/64 with router fec0::2 and DNS fec0::3 besides.
 */
#ifndef BACKEND_NET_USER_H
#define BACKEND_NET_USER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct net;

/* A port of the host that leads into the guest. */
struct net_user_forward {
	bool udp;
	struct in_addr host_addr; /* network byte order */
	uint16_t host_port;
	struct in_addr guest_addr;
	uint16_t guest_port;
};

struct net_user_config {
	const struct net_user_forward *forwards;
	unsigned n_forwards;
	bool ipv6;
	unsigned max_conns; /* 0: NET_CONNS_DEFAULT; see backend/net_conns.h for what it means */
};

/* Reads "tcp:127.0.0.1:2222-:22", or udp. An empty host address is 127.0.0.1 (0.0.0.0 has to be
 * asked for), an empty guest address 10.0.2.15. `label` is such as "--net hostfwd=". 0, or -EINVAL
 * with a message. */
int net_user_parse_forward(const char *label, const char *text, struct net_user_forward *out,
			   struct err *e);

/*
 * Makes the network and listens on the forwarded ports. One queue (single_loop); frames for the
 * guest wait in the queue while it takes none, up to 4 MiB, and are dropped beyond. 0, or -errno
 * with a message: -EADDRINUSE, -EACCES, -EADDRNOTAVAIL, -ENOENT (no libslirp), -ENOMEM.
 */
int net_user_open(const struct net_user_config *config, struct net **out, struct err *e);

#endif
