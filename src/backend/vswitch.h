/* SPDX-License-Identifier: MIT */
/*
 * A learning switch for guests in processes of their own, with an uplink to another network.
 *
 * Each guest is a connection (SOCK_SEQPACKET). Both sides begin with a struct vswitch_hello; the
 * switch's has an address for the guest's card. From then on a message is a struct net_header and a
 * frame. Peers may be hostile: a first message that is no hello, or one that is longer than any
 * frame, ends the connection; a frame that is too short or comes from a group's address is dropped
 * and counted. What a peer makes the switch keep is bounded: frames that wait for it
 * (VSWITCH_WAIT_MAX bytes) and addresses (backend/mac_table.h). What does not fit is dropped for it
 * alone: a peer that does not read keeps up nobody else.
 *
 * One loop, and all functions on it.
 */
#ifndef BACKEND_VSWITCH_H
#define BACKEND_VSWITCH_H

#include <stdint.h>

#include "base/stats.h"

struct loop;
struct net;
struct vswitch;

#define VSWITCH_PORTS    64u
#define VSWITCH_WAIT_MAX (4u << 20)
#define VSWITCH_MAGIC    0x4c6e5357u /* of the byte order of both: they share a host */
#define VSWITCH_VERSION  1u

struct vswitch_hello {
	uint32_t magic, version;
	uint8_t mac[6]; /* switch to guest; else zero */
	uint8_t zero[2];
};

struct vswitch_stats {
	struct counter frames;  /* that came in */
	struct counter flooded; /* of these, to all others */
	struct counter dropped; /* for one port each: it does not keep up */
	struct counter bad;     /* frames that are none */
	struct counter refused; /* connections: no hello, a message too long, no port left */
};

/*
 * Serves those who connect to listen_fd, a listening SOCK_SEQPACKET socket that does not block and
 * stays the caller's. uplink: a network, for the switch as long as it lives and with all offloads
 * that it has, or NULL; stays the caller's, too. `seed` makes the addresses of this switch
 * differ from those of others. 0 or -errno.
 */
int vswitch_new(struct loop *loop, int listen_fd, struct net *uplink, uint32_t seed,
		struct vswitch **out);
void vswitch_free(struct vswitch *s);

const struct vswitch_stats *vswitch_stats(const struct vswitch *s);
/* Guests that are connected and have said hello. */
unsigned vswitch_ports(const struct vswitch *s);

#endif
