/* SPDX-License-Identifier: MIT */
/*
 * First the VLAN, then the address. Tables are short and searched from the front: the driver puts
 * few addresses there, and a frame that is for the card itself is not looked for in them.
 */
#include "dev/net_filter.h"

#include <string.h>

#include "dev/net_spec.h"

#define ETHERTYPE   12u /* offset */
#define VLAN_TYPE   0x8100u
#define VLAN_TAG_AT 14u
#define VID_MASK    0xfffu

void net_filter_init(struct net_filter *f, const uint8_t mac[NET_MAC_SIZE], bool by_vlan)
{
	memset(f, 0, sizeof(*f));
	f->promisc = true;
	f->by_vlan = by_vlan;
	memcpy(f->mac, mac, NET_MAC_SIZE);
}

void net_filter_vlan(struct net_filter *f, unsigned vid, bool take)
{
	if (take)
		f->vlan[vid / 64] |= BIT(vid % 64);
	else
		f->vlan[vid / 64] &= ~BIT(vid % 64);
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool takes_vlan(const struct net_filter *f, const uint8_t *head, size_t len)
{
	unsigned vid;

	if (!f->by_vlan || len < NET_ETHERNET_SIZE + NET_VLAN_SIZE ||
	    be16(head + ETHERTYPE) != VLAN_TYPE)
		return true;
	vid = be16(head + VLAN_TAG_AT) & VID_MASK;
	return f->vlan[vid / 64] & BIT(vid % 64);
}

static bool has(const struct net_filter_table *t, const uint8_t *mac)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!memcmp(t->mac[i], mac, NET_MAC_SIZE))
			return true;
	return t->overflow;
}

bool net_filter_takes(const struct net_filter *f, const uint8_t *head, size_t len)
{
	static const uint8_t broadcast[NET_MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (f->promisc)
		return true;
	if (!takes_vlan(f, head, len))
		return false;
	if (!memcmp(head, broadcast, NET_MAC_SIZE))
		return !f->nobcast;
	if (head[0] & 1)
		return !f->nomulti && (f->allmulti || has(&f->multi, head));
	if (f->nouni)
		return false;
	return f->alluni || !memcmp(head, f->mac, NET_MAC_SIZE) || has(&f->uni, head);
}
