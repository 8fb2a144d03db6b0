/* SPDX-License-Identifier: MIT */
/*
 * The connections of a user network, and a policy for those that come to nothing.
 *
 * slirp has a host's socket for each connection and no limit. Here they are counted, by the
 * descriptors that slirp opens and closes and by the IPv4 packets that pass:
 *
 *	half-open	TCP whose other side has not answered for 30 s: ended
 *	stalled		TCP whose guest owes an answer (or the end) and was silent for 2 min: ended
 *	too many	a new one ends the one that has been half-open, or stalled for more than
 *			5 s, longest, else one that was quiet for a minute; if there is none, it is
 *			refused
 *
 * Ended means for both sides, with a reset; refused, by a reset too. UDP is counted, refused beyond
 * the limit, and ended by slirp itself after some minutes. All functions on the network's loop.
 */
#ifndef BACKEND_NET_CONNS_H
#define BACKEND_NET_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"

struct net_conns;

#define NET_CONNS_MAX       60000u
#define NET_CONNS_DEFAULT   512u
#define NET_CONNS_HALF_NS   (30ull * 1000000000ull)
#define NET_CONNS_DEAD_NS   (120ull * 1000000000ull)
#define NET_CONNS_SILENT_NS (5ull * 1000000000ull)
#define NET_CONNS_IDLE_NS   (60ull * 1000000000ull)
#define NET_CONNS_STEP_NS   (5ull * 1000000000ull) /* how often net_conns_tidy() is due */

/* A packet of the policy's own. Called from net_conns_from_guest() and net_conns_tidy() only. */
struct net_conns_ops {
	void (*to_slirp)(void *arg, const uint8_t *frame, size_t len);
	void (*to_guest)(void *arg, const uint8_t *frame, size_t len);
};

struct net_conns_stats {
	struct counter opened;
	struct counter half_open, stalled, displaced; /* ended, for that reason */
	struct counter refused;
};

extern const struct stats_row net_conns_rows[];

/* max: 1 to NET_CONNS_MAX. 0 or -ENOMEM. */
int net_conns_new(unsigned max, const struct net_conns_ops *ops, void *arg, struct net_conns **out);
void net_conns_free(struct net_conns *c);

const struct net_conns_stats *net_conns_stats(const struct net_conns *c);
/* How many there are. */
unsigned net_conns_count(const struct net_conns *c);

/* A frame of the guest's, before slirp gets it. False: it is not to get it. Sockets that are
 * opened until net_conns_done() are this frame's. */
bool net_conns_from_guest(struct net_conns *c, const uint8_t *frame, size_t len, uint64_t now_ns);
void net_conns_done(struct net_conns *c);

/* A frame for the guest. */
void net_conns_to_guest(struct net_conns *c, const uint8_t *frame, size_t len, uint64_t now_ns);

/* slirp has opened a socket; it is about to close one. */
void net_conns_opened(struct net_conns *c, int fd, uint64_t now_ns);
void net_conns_closed(struct net_conns *c, int fd);

/* Ends what is due. Not from inside slirp. */
void net_conns_tidy(struct net_conns *c, uint64_t now_ns);

#endif
