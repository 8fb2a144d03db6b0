/* SPDX-License-Identifier: MIT */
/*
 * Which frames a card takes in: receive modes, addresses, VLANs (specification 5.1.6.5.1 to
 * 5.1.6.5.3). A new one is promiscuous, as a card is whose driver knows no control queue.
 * One thread at a time.
 */
#ifndef DEV_NET_FILTER_H
#define DEV_NET_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_FILTER_ADDRESSES 64u   /* that a table holds; with more, it accepts all of its kind */
#define NET_FILTER_VLANS     4096u /* there are */
#define NET_MAC_SIZE         6u

struct net_filter_table {
	bool overflow; /* the driver gave more than it holds */
	unsigned n;
	uint8_t mac[NET_FILTER_ADDRESSES][NET_MAC_SIZE];
};

struct net_filter {
	bool promisc;                 /* all of the below is not looked at */
	bool allmulti, alluni;        /* all groups, all single addresses */
	bool nomulti, nouni, nobcast; /* none; before the two above */
	bool by_vlan;                 /* tagged frames are held against vlan[] */
	uint8_t mac[NET_MAC_SIZE];    /* the card's own */
	struct net_filter_table uni, multi;
	uint64_t vlan[NET_FILTER_VLANS / 64]; /* a bit each */
};

void net_filter_init(struct net_filter *f, const uint8_t mac[NET_MAC_SIZE], bool by_vlan);

/* vid below NET_FILTER_VLANS. */
void net_filter_vlan(struct net_filter *f, unsigned vid, bool take);

/* `head`: the frame's first bytes; len: of the frame, at least 14. Of head, 18 bytes or the whole
 * frame are read. */
bool net_filter_takes(const struct net_filter *f, const uint8_t *head, size_t len);

#endif
