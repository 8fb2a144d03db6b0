/* SPDX-License-Identifier: MIT */
/*
 * The card: what its pairs of queues (net_pair.c) have in common. Queues are numbered rx0, tx0,
 * rx1, tx1, ..., and the control queue comes last: behind all pairs if the driver chose MQ, else
 * behind the first one (5.1.2), so what a queue is depends on the features.
 *
 * A reset brings back all that control commands have changed: one pair is active, the filter lets
 * everything pass, the address is the first one. The cable stays as it is.
 */
#include "dev/net.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net.h"
#include "base/endian.h"
#include "base/iov.h"
#include "dev/net_ctrl.h"
#include "dev/net_header.h"
#include "dev/net_pair.h"
#include "dev/net_spec.h"
#include "virtio/coalesce.h"
#include "virtio/vdev.h"

#define CTRL_QUEUE_SIZE 64u
#define NS_PER_US       1000ull

#define FEATURES                                                                              \
	(NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF | NET_F_CTRL_VQ | NET_F_CTRL_RX |         \
	 NET_F_CTRL_RX_EXTRA | NET_F_CTRL_VLAN | NET_F_CTRL_MAC_ADDR | NET_F_GUEST_ANNOUNCE | \
	 NET_F_NOTF_COAL)

struct netdev {
	struct vdev vdev;
	struct net_rules rules;
	struct net_ctrl ctrl;
	struct virtq_chain command;
	uint8_t mac[NET_MAC_SIZE]; /* the first one */
	uint16_t mtu;
	bool data_only;
	bool announce; /* asked of the driver and not yet done */
	unsigned n_pairs, n_active;
	struct net_pair *pair;
};

static struct netdev *netdev_of(struct vdev *dev)
{
	return container_of(dev, struct netdev, vdev);
}

/* The pair to which a queue belongs; NULL: none, by what the driver chose. */
static struct net_pair *pair_of(struct netdev *nd, const struct vdev_queue *q)
{
	unsigned n = nd->ctrl.features & NET_F_MQ ? nd->n_pairs : 1;

	return q->index < 2 * n ? &nd->pair[q->index / 2] : NULL;
}

static bool is_tx(const struct vdev_queue *q)
{
	return q->index & 1;
}

static bool is_ctrl(const struct netdev *nd, const struct vdev_queue *q)
{
	unsigned n = nd->ctrl.features & NET_F_MQ ? nd->n_pairs : 1;

	return q->index == 2 * n && (nd->ctrl.features & NET_F_CTRL_VQ);
}

static void publish_status(struct netdev *nd)
{
	uint8_t status[2];

	le16_store(status, (uint16_t)((nd->rules.link_up ? NET_S_LINK_UP : 0) |
				      (nd->announce ? NET_S_ANNOUNCE : 0)));
	vdev_config_set(&nd->vdev, NET_CONFIG_STATUS, status, sizeof(status));
}

/* ---- control commands ---- */

static bool set_pairs(void *arg, unsigned n)
{
	struct netdev *nd = arg;

	if (!n || n > nd->n_pairs)
		return false;
	for (unsigned i = 0; i < nd->n_pairs; i++)
		if ((i < n) != (i < nd->n_active))
			net_pair_activate(&nd->pair[i], i < n);
	nd->n_active = n;
	return true;
}

static void set_guest_offloads(void *arg, uint64_t guest)
{
	struct netdev *nd = arg;
	const uint64_t all = NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 |
			     NET_F_GUEST_USO4 | NET_F_GUEST_USO6;
	unsigned offloads = net_header_offloads((nd->ctrl.features & ~all) | guest);

	for (unsigned i = 0; i < nd->n_pairs; i++)
		net_pair_offloads(&nd->pair[i], offloads);
}

static void mac_changed(void *arg)
{
	struct netdev *nd = arg;

	vdev_config_set(&nd->vdev, NET_CONFIG_MAC, nd->ctrl.filter.mac, NET_MAC_SIZE);
}

static void announced(void *arg)
{
	struct netdev *nd = arg;

	nd->announce = false;
	publish_status(nd);
}

static void coalesce(void *arg, bool tx, uint32_t max_frames, uint32_t max_us)
{
	struct netdev *nd = arg;

	for (unsigned i = 0; i < nd->n_pairs; i++) {
		struct vdev_queue *q = tx ? nd->pair[i].tx : nd->pair[i].rx;

		if (vdev_queue_live(q))
			vdev_queue_coalesce(q, max_frames, max_us * NS_PER_US);
	}
}

static const struct net_ctrl_ops ctrl_ops = {
	.set_pairs = set_pairs,
	.set_guest_offloads = set_guest_offloads,
	.mac_changed = mac_changed,
	.announced = announced,
	.coalesce = coalesce,
};

static enum vdev_taken ctrl_take(struct vdev_queue *q)
{
	struct netdev *nd = netdev_of(q->dev);
	struct virtq_chain *c = &nd->command;
	uint8_t ack = NET_CTRL_ACK_OK;

	if (vdev_pop(q, c) <= 0)
		return VDEV_NONE;
	if (!c->write_len) {
		virtq_unpop(&q->ring, c);
		vdev_broken(q->dev, "a control command without room for its answer");
		return VDEV_NONE;
	}
	if (!net_ctrl_run(&nd->ctrl, c->iov, c->n_read, c->read_len))
		ack = NET_CTRL_ACK_ERR;
	(void)iov_from_buf(virtq_chain_writable(c), c->n_write, 0, &ack, sizeof(ack));
	virtq_push(&q->ring, c, sizeof(ack));
	return VDEV_TAKEN;
}

/* ---- the queues ---- */

static void features_set(struct vdev *dev, uint64_t features)
{
	struct netdev *nd = netdev_of(dev);

	net_ctrl_init(&nd->ctrl, &ctrl_ops, nd, features, nd->mac);
	nd->rules.frame_max = NET_FRAME_MAX;
	if ((features & NET_F_MTU) || (nd->data_only && nd->mtu))
		nd->rules.frame_max = nd->mtu + NET_ETHERNET_SIZE + NET_VLAN_SIZE;
	nd->announce = false;
	(void)set_pairs(nd, 1);
	mac_changed(nd);
	publish_status(nd);
}

static int netdev_queue_start(struct vdev_queue *q)
{
	struct netdev *nd = netdev_of(q->dev);
	struct net_pair *p = pair_of(nd, q);

	/* Of whichever of the two comes first. */
	if (p && !vdev_queue_live(p->rx) && !vdev_queue_live(p->tx))
		net_pair_offloads(p, net_header_offloads(nd->ctrl.features));
	return 0;
}

static void netdev_queue_stop(struct vdev_queue *q)
{
	struct net_pair *p = pair_of(netdev_of(q->dev), q);

	if (p && !is_tx(q))
		net_pair_rx_stop(p);
	vdev_queue_stopped(q);
}

static enum vdev_taken tx_take(struct vdev_queue *q)
{
	return net_pair_tx_take(pair_of(netdev_of(q->dev), q));
}

static void netdev_queue_kick(struct vdev_queue *q)
{
	struct netdev *nd = netdev_of(q->dev);
	struct net_pair *p = pair_of(nd, q);

	if (p && is_tx(q))
		vdev_drain(q, tx_take);
	else if (p)
		net_pair_rx_kick(p);
	else if (is_ctrl(nd, q))
		vdev_drain(q, ctrl_take);
}

/* Also of one that is half made. */
static void release(struct netdev *nd)
{
	for (unsigned i = 0; nd->pair && i < nd->n_pairs; i++)
		net_pair_fini(&nd->pair[i]);
	free(nd->pair);
	virtq_chain_fini(&nd->command);
	free(nd);
}

static void netdev_free(struct vdev *dev)
{
	vdev_fini(dev);
	release(netdev_of(dev));
}

static const struct vdev_ops netdev_ops = {
	.name = "net",
	.device_id = VIRTIO_ID_NET,
	.queue_start = netdev_queue_start,
	.queue_stop = netdev_queue_stop,
	.queue_kick = netdev_queue_kick,
	.features_set = features_set,
	.free = netdev_free,
};

/* ---- the cable ---- */

void netdev_set_link(struct vdev *dev, bool up)
{
	struct netdev *nd = netdev_of(dev);

	assert(dev->ops == &netdev_ops);
	if (nd->rules.link_up == up)
		return;
	nd->rules.link_up = up;
	nd->announce = up && (nd->ctrl.features & NET_F_GUEST_ANNOUNCE);
	publish_status(nd);
	vdev_config_changed(dev);
}

int netdev_set_mtu(struct vdev *dev, uint16_t mtu)
{
	struct netdev *nd = netdev_of(dev);

	assert(dev->ops == &netdev_ops && nd->data_only);
	if (mtu < NET_MTU_MIN)
		return -EINVAL;
	nd->mtu = mtu;
	nd->rules.frame_max = mtu + NET_ETHERNET_SIZE + NET_VLAN_SIZE;
	return 0;
}

/* ---- making ---- */

static void publish_config(struct netdev *nd, const struct netdev_config *config)
{
	uint8_t bytes[NET_CONFIG_LEN] = {0};

	memcpy(bytes + NET_CONFIG_MAC, config->mac, sizeof(config->mac));
	le16_store(bytes + NET_CONFIG_STATUS, NET_S_LINK_UP);
	le16_store(bytes + NET_CONFIG_MAX_PAIRS, (uint16_t)nd->n_pairs);
	le16_store(bytes + NET_CONFIG_MTU, config->mtu);
	le32_store(bytes + NET_CONFIG_SPEED, config->speed);
	bytes[NET_CONFIG_DUPLEX] = NET_DUPLEX_FULL;
	vdev_config_set(&nd->vdev, 0, bytes, sizeof(bytes));
}

static uint64_t features_of(const struct netdev_config *config, unsigned n_pairs)
{
	const uint64_t guest = NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6;
	uint64_t features = net_header_features(config->net->offloads);

	if (config->data_only)
		return features | NET_F_MRG_RXBUF;
	features |= FEATURES;
	if (features & guest)
		features |= NET_F_CTRL_GUEST_OFFLOADS;
	if (config->mtu)
		features |= NET_F_MTU;
	if (config->speed)
		features |= NET_F_SPEED_DUPLEX;
	if (n_pairs > 1)
		features |= NET_F_MQ;
	return features;
}

static int pairs_init(struct netdev *nd, const struct netdev_config *config)
{
	uint32_t size = config->ring_size ? config->ring_size : NET_QUEUE_SIZE;
	int r = 0;

	for (unsigned i = 0; i < nd->n_pairs && !r; i++) {
		struct net_pair *p = &nd->pair[i];

		p->rx = nd->vdev.queues + (size_t)2 * i;
		p->tx = p->rx + 1;
		vdev_queue_config(&nd->vdev, p->rx->index, size, config->loop);
		vdev_queue_config(&nd->vdev, p->tx->index, size, config->loop);
		r = net_pair_init(p, config->net, config->loop, &nd->rules);
	}
	return r;
}

int netdev_new(const struct netdev_config *config, struct vdev **out)
{
	struct netdev *nd = calloc(1, sizeof(*nd));
	int r = -ENOMEM;

	if (!nd)
		return -ENOMEM;
	nd->n_pairs = config->n_pairs ? config->n_pairs : 1;
	assert(nd->n_pairs <= NET_PAIRS_MAX);
	nd->mtu = config->mtu;
	nd->data_only = config->data_only;
	nd->rules = (struct net_rules){.filter = &nd->ctrl.filter, .link_up = true};
	memcpy(nd->mac, config->mac, sizeof(nd->mac));
	nd->pair = calloc(nd->n_pairs, sizeof(*nd->pair));
	if (!nd->pair || virtq_chain_init(&nd->command, CTRL_QUEUE_SIZE))
		goto fail;
	r = vdev_init(&nd->vdev, &netdev_ops, features_of(config, nd->n_pairs), 2 * nd->n_pairs + 1,
		      NET_CONFIG_LEN);
	if (r)
		goto fail;
	vdev_queue_config(&nd->vdev, 2 * nd->n_pairs, CTRL_QUEUE_SIZE, config->loop);
	publish_config(nd, config);
	r = pairs_init(nd, config);
	if (r)
		goto fail_vdev;
	(void)set_pairs(nd, 1);
	net_ctrl_init(&nd->ctrl, &ctrl_ops, nd, 0, nd->mac);
	*out = &nd->vdev;
	return 0;
fail_vdev:
	vdev_fini(&nd->vdev);
fail:
	release(nd);
	return r;
}
