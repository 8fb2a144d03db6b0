/* SPDX-License-Identifier: MIT */
/*
 * The card: what its pairs of queues (net_pair.c) have in common. Queues are numbered rx0, tx0,
 * rx1, tx1, ..., and the control queue comes last: behind all pairs if the driver chose MQ, else
 * behind the first one (5.1.2), so what a queue is depends on the features.
 *
 * A reset brings back all that control commands have changed: one pair is active, the filter lets
 * everything pass, the address is the first one. The cable stays as it is.
 *
 * Queues may live on several loops. What a command has changed is published (net_rules.c), and the
 * command is answered when all queues go by it: a driver that has its answer may rely on it
 * (5.1.6.5.5). Until then the command is held, and the control queue takes no other.
 */
#include "dev/net.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net.h"
#include "base/endian.h"
#include "base/iov.h"
#include "dev/net_ctrl.h"
#include "dev/net_header.h"
#include "dev/net_pair.h"
#include "dev/net_rules.h"
#include "dev/net_spec.h"
#include "virtio/vdev.h"

#define CTRL_QUEUE_SIZE 64u
#define NS_PER_US       1000ull

#define FEATURES                                                                              \
	(NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF | NET_F_CTRL_VQ | NET_F_CTRL_RX |         \
	 NET_F_CTRL_RX_EXTRA | NET_F_CTRL_VLAN | NET_F_CTRL_MAC_ADDR | NET_F_GUEST_ANNOUNCE | \
	 NET_F_NOTF_COAL)

/* A queue that can be the control queue, on its loop. */
struct ctrl_queue {
	struct netdev *nd;
	struct vdev_queue *q;
	struct loop *loop;
	struct loop_task told;
	bool held;     /* nd->command waits for all queues to follow */
	bool stopping; /* and the end of the queue for that */
	uint8_t ack;
};

struct netdev {
	struct vdev vdev;
	struct net_ctrl ctrl;   /* of whose turn it is: home without queues, the control queue */
	struct net_rules rules; /* the same; what is published next */
	struct net_board board;
	struct virtq_chain command;
	struct ctrl_queue ctrl_queue[2]; /* without MQ, and with */
	uint8_t mac[NET_MAC_SIZE];       /* the first one */
	uint16_t mtu;
	bool data_only;
	pthread_mutex_t status_lock; /* who publishes the status has looked at the latest */
	atomic_bool link_up;
	atomic_bool announce; /* asked of the driver and not yet done */
	unsigned n_pairs;
	struct net_pair *pair;
};

static struct netdev *netdev_of(struct vdev *dev)
{
	return container_of(dev, struct netdev, vdev);
}

static bool has_mq(const struct netdev *nd)
{
	return nd->ctrl.features & NET_F_MQ;
}

/* The pair to which a queue belongs; NULL: none, by what the driver chose. */
static struct net_pair *pair_of(struct netdev *nd, const struct vdev_queue *q)
{
	unsigned n = has_mq(nd) ? nd->n_pairs : 1;

	return q->index < 2 * n ? &nd->pair[q->index / 2] : NULL;
}

static bool is_tx(const struct vdev_queue *q)
{
	return q->index & 1;
}

/* NULL: it is not the control queue, by what the driver chose. */
static struct ctrl_queue *ctrl_of(struct netdev *nd, const struct vdev_queue *q)
{
	struct ctrl_queue *c = &nd->ctrl_queue[has_mq(nd)];

	return q == c->q && (nd->ctrl.features & NET_F_CTRL_VQ) ? c : NULL;
}

static void publish_status(struct netdev *nd)
{
	uint8_t status[2];

	pthread_mutex_lock(&nd->status_lock);
	le16_store(status, (uint16_t)((atomic_load(&nd->link_up) ? NET_S_LINK_UP : 0) |
				      (atomic_load(&nd->announce) ? NET_S_ANNOUNCE : 0)));
	vdev_config_set(&nd->vdev, NET_CONFIG_STATUS, status, sizeof(status));
	pthread_mutex_unlock(&nd->status_lock);
}

/* c: who waits for all to follow, or NULL. */
static void publish_rules(struct netdev *nd, struct ctrl_queue *c)
{
	nd->rules.filter = nd->ctrl.filter;
	net_board_publish(&nd->board, &nd->rules, c ? c->loop : NULL, c ? &c->told : NULL);
}

/* ---- control commands ---- */

static bool set_pairs(void *arg, unsigned n)
{
	struct netdev *nd = arg;

	if (!n || n > nd->n_pairs)
		return false;
	nd->rules.n_active = n;
	return true;
}

static void set_guest_offloads(void *arg, uint64_t guest)
{
	struct netdev *nd = arg;
	const uint64_t all = NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 |
			     NET_F_GUEST_USO4 | NET_F_GUEST_USO6;

	nd->rules.offloads = net_header_offloads((nd->ctrl.features & ~all) | guest);
}

static void mac_changed(void *arg)
{
	struct netdev *nd = arg;

	vdev_config_set(&nd->vdev, NET_CONFIG_MAC, nd->ctrl.filter.mac, NET_MAC_SIZE);
}

static void announced(void *arg)
{
	struct netdev *nd = arg;

	atomic_store(&nd->announce, false);
	publish_status(nd);
}

static void coalesce(void *arg, bool tx, uint32_t max_frames, uint32_t max_us)
{
	struct netdev *nd = arg;
	struct net_coalesce *c = tx ? &nd->rules.tx : &nd->rules.rx;

	*c = (struct net_coalesce){
		.number = c->number + 1, .max_frames = max_frames, .max_ns = max_us * NS_PER_US};
}

static const struct net_ctrl_ops ctrl_ops = {
	.set_pairs = set_pairs,
	.set_guest_offloads = set_guest_offloads,
	.mac_changed = mac_changed,
	.announced = announced,
	.coalesce = coalesce,
};

static void answer(struct ctrl_queue *c)
{
	struct virtq_chain *command = &c->nd->command;

	(void)iov_from_buf(virtq_chain_writable(command), command->n_write, 0, &c->ack,
			   sizeof(c->ack));
	virtq_push(&c->q->ring, command, sizeof(c->ack));
}

/* A queue on another loop has followed the rules. */
static void told(struct loop_task *t)
{
	struct ctrl_queue *c = t->arg;

	if (!c->held || !net_board_settled(&c->nd->board))
		return;
	c->held = false;
	answer(c);
	if (c->stopping) {
		c->stopping = false;
		vdev_queue_stopped(c->q);
		return;
	}
	vdev_flush(c->q);
	vdev_go_on(c->q);
}

static enum vdev_taken ctrl_take(struct vdev_queue *q)
{
	struct netdev *nd = netdev_of(q->dev);
	struct ctrl_queue *cq = ctrl_of(nd, q);
	struct virtq_chain *c = &nd->command;

	if (cq->held)
		return VDEV_STALLED;
	if (vdev_pop(q, c) <= 0)
		return VDEV_NONE;
	if (!c->write_len) {
		virtq_unpop(&q->ring, c);
		vdev_broken(q->dev, "a control command without room for its answer");
		return VDEV_NONE;
	}
	cq->ack = NET_CTRL_ACK_ERR;
	if (net_ctrl_run(&nd->ctrl, c->iov, c->n_read, c->read_len)) {
		cq->ack = NET_CTRL_ACK_OK;
		publish_rules(nd, cq);
		cq->held = !net_board_settled(&nd->board);
	}
	if (cq->held)
		return VDEV_STALLED;
	answer(cq);
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
	nd->rules.offloads = net_header_offloads(features);
	nd->rules.n_active = 1;
	/* On each loop before the queues that the driver will start there. */
	publish_rules(nd, NULL);
	atomic_store(&nd->announce, false);
	mac_changed(nd);
	publish_status(nd);
}

static int netdev_queue_start(struct vdev_queue *q)
{
	struct net_pair *p = pair_of(netdev_of(q->dev), q);

	if (p && is_tx(q))
		net_pair_tx_start(p);
	return 0;
}

static void netdev_queue_stop(struct vdev_queue *q)
{
	struct netdev *nd = netdev_of(q->dev);
	struct net_pair *p = pair_of(nd, q);
	struct ctrl_queue *c = ctrl_of(nd, q);

	if (p && !is_tx(q))
		net_pair_rx_stop(p);
	if (c && c->held)
		c->stopping = true;
	else
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
	else if (ctrl_of(nd, q))
		vdev_drain(q, ctrl_take);
}

/* Also of one that is half made. */
static void release(struct netdev *nd)
{
	for (unsigned i = 0; nd->pair && i < nd->n_pairs; i++)
		net_pair_fini(&nd->pair[i]);
	net_board_fini(&nd->board);
	for (unsigned i = 0; i < 2; i++)
		if (nd->ctrl_queue[i].loop)
			loop_task_cancel(nd->ctrl_queue[i].loop, &nd->ctrl_queue[i].told);
	pthread_mutex_destroy(&nd->status_lock);
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
	if (atomic_exchange(&nd->link_up, up) == up)
		return;
	atomic_store(&nd->announce, up && (nd->ctrl.features & NET_F_GUEST_ANNOUNCE));
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
	publish_rules(nd, NULL);
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

static struct loop *loop_of(const struct netdev_config *config, unsigned queue, unsigned n_pairs)
{
	return config->queue_loop && queue < 2 * n_pairs ? config->queue_loop[queue] : config->loop;
}

static int pairs_init(struct netdev *nd, const struct netdev_config *config)
{
	uint32_t size = config->ring_size ? config->ring_size : NET_QUEUE_SIZE;
	int r = 0;

	for (unsigned i = 0; i < 2 * nd->n_pairs; i++) {
		struct net_follower *f = &nd->board.follower[i];

		f->loop = loop_of(config, i, nd->n_pairs);
		vdev_queue_config(&nd->vdev, i, size, f->loop);
	}
	for (unsigned i = 0; i < nd->n_pairs && !r; i++) {
		struct net_pair *p = &nd->pair[i];

		p->number = i;
		p->rx = nd->vdev.queues + (size_t)2 * i;
		p->tx = p->rx + 1;
		p->rx_follower = nd->board.follower + (size_t)2 * i;
		p->tx_follower = p->rx_follower + 1;
		p->link_up = &nd->link_up;
		r = net_pair_init(p, config->net);
	}
	return r;
}

static void ctrl_queues_init(struct netdev *nd, const struct netdev_config *config)
{
	vdev_queue_config(&nd->vdev, 2 * nd->n_pairs, CTRL_QUEUE_SIZE, config->loop);
	for (unsigned mq = 0; mq < 2; mq++) {
		struct ctrl_queue *c = &nd->ctrl_queue[mq];

		c->nd = nd;
		c->q = nd->vdev.queues + (size_t)2 * (mq ? nd->n_pairs : 1);
		c->loop = loop_of(config, c->q->index, nd->n_pairs);
		c->told = (struct loop_task){.fn = told, .arg = c};
	}
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
	(void)pthread_mutex_init(&nd->status_lock, NULL);
	atomic_init(&nd->link_up, true);
	memcpy(nd->mac, config->mac, sizeof(nd->mac));
	nd->pair = calloc(nd->n_pairs, sizeof(*nd->pair));
	if (!nd->pair || virtq_chain_init(&nd->command, CTRL_QUEUE_SIZE) ||
	    net_board_init(&nd->board, 2 * nd->n_pairs))
		goto fail;
	r = vdev_init(&nd->vdev, &netdev_ops, features_of(config, nd->n_pairs), 2 * nd->n_pairs + 1,
		      NET_CONFIG_LEN);
	if (r)
		goto fail;
	publish_config(nd, config);
	ctrl_queues_init(nd, config);
	r = pairs_init(nd, config);
	if (r)
		goto fail_vdev;
	features_set(&nd->vdev, 0);
	*out = &nd->vdev;
	return 0;
fail_vdev:
	vdev_fini(&nd->vdev);
fail:
	release(nd);
	return r;
}
