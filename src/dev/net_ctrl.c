/* SPDX-License-Identifier: MIT */
/*
 * A table says for each command what has to be negotiated and how long its data is. Only the table
 * of addresses has no fixed length: two lists, each with its number in front, that have to fill the
 * data exactly. A list that is longer than we keep is no error: we then accept all of its kind.
 */
#include "dev/net_ctrl.h"

#include <string.h>

#include "base/endian.h"
#include "base/iov.h"
#include "dev/net_spec.h"

#define ANY_LENGTH SIZE_MAX
#define DATA_MAX   8u /* of those with a fixed length */

/* The data of a command. */
struct data {
	const struct iovec *iov;
	unsigned n;
	size_t len;
	uint8_t flat[DATA_MAX]; /* all of it, when its length is fixed */
};

#define GUEST_OFFLOADS                                                               \
	(NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | NET_F_GUEST_USO4 | \
	 NET_F_GUEST_USO6)

/* ---- receive modes ---- */

static bool to_mode(bool *mode, const struct data *d)
{
	if (d->flat[0] > 1)
		return false;
	*mode = d->flat[0];
	return true;
}

static bool promisc(struct net_ctrl *c, const struct data *d)
{
	return to_mode(&c->filter.promisc, d);
}

static bool allmulti(struct net_ctrl *c, const struct data *d)
{
	return to_mode(&c->filter.allmulti, d);
}

static bool alluni(struct net_ctrl *c, const struct data *d)
{
	return to_mode(&c->filter.alluni, d);
}

static bool nomulti(struct net_ctrl *c, const struct data *d)
{
	return to_mode(&c->filter.nomulti, d);
}

static bool nouni(struct net_ctrl *c, const struct data *d)
{
	return to_mode(&c->filter.nouni, d);
}

static bool nobcast(struct net_ctrl *c, const struct data *d)
{
	return to_mode(&c->filter.nobcast, d);
}

/* ---- addresses and VLANs ---- */

/* Reads one list from *at on, and moves *at behind it. */
static bool read_list(const struct data *d, size_t *at, struct net_filter_table *t)
{
	uint8_t count[4];
	size_t n;

	if (d->len - *at < sizeof(count))
		return false;
	(void)iov_to_buf(d->iov, d->n, NET_CTRL_HEADER + *at, count, sizeof(count));
	*at += sizeof(count);
	n = le32_load(count);
	if (n > (d->len - *at) / NET_MAC_SIZE)
		return false;
	t->overflow = n > NET_FILTER_ADDRESSES;
	t->n = t->overflow ? 0 : (unsigned)n;
	(void)iov_to_buf(d->iov, d->n, NET_CTRL_HEADER + *at, t->mac, (size_t)t->n * NET_MAC_SIZE);
	*at += n * NET_MAC_SIZE;
	return true;
}

static bool mac_table(struct net_ctrl *c, const struct data *d)
{
	struct net_filter_table uni, multi;
	size_t at = 0;

	if (!read_list(d, &at, &uni) || !read_list(d, &at, &multi) || at != d->len)
		return false;
	c->filter.uni = uni;
	c->filter.multi = multi;
	return true;
}

static bool mac_address(struct net_ctrl *c, const struct data *d)
{
	if (d->flat[0] & 1)
		return false;
	memcpy(c->filter.mac, d->flat, NET_MAC_SIZE);
	c->ops->mac_changed(c->arg);
	return true;
}

static bool set_vlan(struct net_ctrl *c, const struct data *d, bool take)
{
	unsigned vid = le16_load(d->flat);

	if (vid >= NET_FILTER_VLANS)
		return false;
	net_filter_vlan(&c->filter, vid, take);
	return true;
}

static bool vlan_add(struct net_ctrl *c, const struct data *d)
{
	return set_vlan(c, d, true);
}

static bool vlan_del(struct net_ctrl *c, const struct data *d)
{
	return set_vlan(c, d, false);
}

/* ---- what the card does ---- */

static bool announce_ack(struct net_ctrl *c, const struct data *d)
{
	c->ops->announced(c->arg);
	return true;
}

static bool mq_pairs(struct net_ctrl *c, const struct data *d)
{
	return c->ops->set_pairs(c->arg, le16_load(d->flat));
}

static bool guest_offloads(struct net_ctrl *c, const struct data *d)
{
	uint64_t wanted = le64_load(d->flat);

	if (wanted & ~(c->features & GUEST_OFFLOADS))
		return false;
	c->ops->set_guest_offloads(c->arg, wanted);
	return true;
}

static bool coalesce_tx(struct net_ctrl *c, const struct data *d)
{
	c->ops->coalesce(c->arg, true, le32_load(d->flat), le32_load(d->flat + 4));
	return true;
}

static bool coalesce_rx(struct net_ctrl *c, const struct data *d)
{
	c->ops->coalesce(c->arg, false, le32_load(d->flat), le32_load(d->flat + 4));
	return true;
}

/* ---- the table ---- */

static const struct command {
	uint8_t class, command;
	uint64_t feature;
	size_t len; /* of the data */
	bool (*run)(struct net_ctrl *c, const struct data *d);
} commands[] = {
	{NET_CTRL_RX, NET_CTRL_RX_PROMISC, NET_F_CTRL_RX, 1, promisc},
	{NET_CTRL_RX, NET_CTRL_RX_ALLMULTI, NET_F_CTRL_RX, 1, allmulti},
	{NET_CTRL_RX, NET_CTRL_RX_ALLUNI, NET_F_CTRL_RX_EXTRA, 1, alluni},
	{NET_CTRL_RX, NET_CTRL_RX_NOMULTI, NET_F_CTRL_RX_EXTRA, 1, nomulti},
	{NET_CTRL_RX, NET_CTRL_RX_NOUNI, NET_F_CTRL_RX_EXTRA, 1, nouni},
	{NET_CTRL_RX, NET_CTRL_RX_NOBCAST, NET_F_CTRL_RX_EXTRA, 1, nobcast},
	{NET_CTRL_MAC, NET_CTRL_MAC_TABLE, NET_F_CTRL_RX, ANY_LENGTH, mac_table},
	{NET_CTRL_MAC, NET_CTRL_MAC_ADDR, NET_F_CTRL_MAC_ADDR, NET_MAC_SIZE, mac_address},
	{NET_CTRL_VLAN, NET_CTRL_VLAN_ADD, NET_F_CTRL_VLAN, 2, vlan_add},
	{NET_CTRL_VLAN, NET_CTRL_VLAN_DEL, NET_F_CTRL_VLAN, 2, vlan_del},
	{NET_CTRL_ANNOUNCE, NET_CTRL_ANNOUNCE_ACK, NET_F_GUEST_ANNOUNCE, 0, announce_ack},
	{NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, NET_F_MQ, 2, mq_pairs},
	{NET_CTRL_OFFLOADS, NET_CTRL_OFFLOADS_SET, NET_F_CTRL_GUEST_OFFLOADS, 8, guest_offloads},
	{NET_CTRL_NOTF_COAL, NET_CTRL_NOTF_COAL_TX, NET_F_NOTF_COAL, 8, coalesce_tx},
	{NET_CTRL_NOTF_COAL, NET_CTRL_NOTF_COAL_RX, NET_F_NOTF_COAL, 8, coalesce_rx},
};

void net_ctrl_init(struct net_ctrl *c, const struct net_ctrl_ops *ops, void *arg, uint64_t features,
		   const uint8_t mac[NET_MAC_SIZE])
{
	c->ops = ops;
	c->arg = arg;
	c->features = features;
	net_filter_init(&c->filter, mac, features & NET_F_CTRL_VLAN);
}

bool net_ctrl_run(struct net_ctrl *c, const struct iovec *iov, unsigned n, size_t len)
{
	struct data d = {.iov = iov, .n = n};
	uint8_t header[NET_CTRL_HEADER];

	if (len < sizeof(header))
		return false;
	d.len = len - sizeof(header);
	(void)iov_to_buf(iov, n, 0, header, sizeof(header));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *k = &commands[i];

		if (k->class != header[0] || k->command != header[1])
			continue;
		if (!(c->features & k->feature) || (k->len != ANY_LENGTH && k->len != d.len))
			return false;
		if (k->len != ANY_LENGTH)
			(void)iov_to_buf(iov, n, sizeof(header), d.flat, d.len);
		return k->run(c, &d);
	}
	return false;
}
