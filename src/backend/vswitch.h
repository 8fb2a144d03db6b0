/* SPDX-License-Identifier: MIT */
/*
 * A learning switch, with an uplink to another network.
 *
 * Each place on it is a struct net, for whatever has a network's end: a card that a guest's process
 * attaches to (src/vhost), say. A frame is handed from who sends it to who receives it within one
 * call, without being copied in between. Only what finds no room at its receiver waits here, as
 * a copy, up to VSWITCH_WAIT_MAX bytes for each; what does not fit is dropped for it alone, so that
 * who takes nothing keeps up nobody else. For a receiver that has not agreed to a sender's offloads
 * checksums and segments are finished, in a copy as well.
 *
 * Users may be hostile: a frame that is too short, comes from a group's address, or has a header
 * that does not fit it is dropped and counted; for addresses see backend/mac_table.h.
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

struct vswitch_stats {
	struct counter frames;  /* that came in */
	struct counter flooded; /* of these, to all others */
	struct counter waited;  /* for one port each: it had no room, and they were copied */
	struct counter made;    /* for one port each: finished in a copy, or made of one that was */
	struct counter dropped; /* for one port each: it does not keep up */
	struct counter bad;     /* frames that are none */
};

/* uplink: a network, for the switch as long as it lives and with all offloads that it has, or NULL;
 * stays the caller's. 0 or -errno. */
int vswitch_new(struct loop *loop, struct net *uplink, struct vswitch **out);
/* No place on it is taken any more. NULL is allowed. */
void vswitch_free(struct vswitch *s);

/* A free place: a network of one queue, on the switch's loop, with all offloads. Frames that come
 * before it wants any are lost. Its free() gives the place back. 0; -EBUSY: all are taken. */
int vswitch_plug(struct vswitch *s, struct net **out);

const struct vswitch_stats *vswitch_stats(const struct vswitch *s);
/* How many places are taken. */
unsigned vswitch_ports(const struct vswitch *s);

#endif
