/* SPDX-License-Identifier: MIT */
/* The guest's network: --net. Main thread. */
#ifndef CMD_RUN_NET_H
#define CMD_RUN_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/net_user.h"
#include "base/opt.h"

struct err;
struct machine_net;

#define RUN_MAX_FORWARDS 16

enum run_net_kind { RUN_NET_USER, RUN_NET_TAP, RUN_NET_SWITCH, RUN_NET_PASST, RUN_NET_NONE };

struct run_net {
	bool given;
	unsigned kind; /* enum run_net_kind */
	struct net_user_forward forward[RUN_MAX_FORWARDS];
	unsigned n_forwards;
	const char *ifname;
	const char *path;  /* of a switch's socket, or passt's */
	uint8_t mac[6];    /* zero: the default */
	unsigned mtu;      /* 0: not told to the guest */
	unsigned speed;    /* Mbit/s; 0: the same */
	unsigned queues;   /* 0: one */
	unsigned conns;    /* of a user network, at most; 0: the default */
	unsigned iothread; /* IOTHREADS_ANY: not said */
	const char *pcap;  /* a file to record into, or NULL */
};

/* By enum run_net_kind; ends with NULL. */
extern const char *const run_net_kinds[];
/* The keys of all kinds, for manuals and the like. */
extern const struct opt run_net_keys[];

/* The option's value: points into `value`, which is changed. 0 or -EINVAL with a message. */
int run_net_parse(struct run_net *n, const char *label, char *value, struct err *e);

/* The address of a card at a switch: the user's, or a random one. 0, or -errno with a message. */
int run_net_address(const struct run_net *n, uint8_t mac[6], struct err *e);

/* Opens one that is neither RUN_NET_NONE nor RUN_NET_SWITCH (for that see cmd/run_remote.h);
 * out->net is the caller's to free. 0, or -errno with a message. */
int run_net_open(const struct run_net *n, struct machine_net *out, struct err *e);

#endif
