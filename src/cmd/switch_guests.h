/* SPDX-License-Identifier: MIT */
/*
 * Guests at a switch's socket: each connection is a vhost-user front end, for which a network card
 * of its own (dev/net.h) is plugged into the switch. The loop's thread.
 */
#ifndef CMD_SWITCH_GUESTS_H
#define CMD_SWITCH_GUESTS_H

#include "base/stats.h"

struct loop;
struct switch_guests;
struct vswitch;

struct switch_guests_stats {
	struct counter came;    /* connections that were served */
	struct counter refused; /* ... that were not, or ended for what they said */
};

/*
 * Serves those who connect to listen_fd, a listening SOCK_STREAM socket that does not block; both
 * stay the caller's, as does the switch. When all of its places are taken, one who has not given
 * its memory makes way for the next. 0 or -errno.
 */
int switch_guests_new(struct loop *loop, int listen_fd, struct vswitch *s,
		      struct switch_guests **out);

/* Ends all connections. Turns the loop until that is done, so not from a callback. NULL is allowed.
 */
void switch_guests_free(struct switch_guests *g);

const struct switch_guests_stats *switch_guests_stats(const struct switch_guests *g);

#endif
