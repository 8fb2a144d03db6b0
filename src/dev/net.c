/* SPDX-License-Identifier: MIT */
/*
 * Both directions begin with a header of 12 bytes, which says what the receiver has to finish of
 * the frame (net_header.c), and, on receipt, over how many chains it is spread.
 *
 * Receiving. The back end calls with a frame. Chains are popped until they hold it (one, without
 * MRG_RXBUF), filled, and pushed together. When there are too few, all are given back, kicks are
 * asked for, and the frame is refused: the next kick says that frames are wanted again. A frame
 * that no number of chains can hold is dropped, since it would block all that follow.
 *
 * Sending is done within the kick: the frame goes to the back end as it lies in guest memory, with
 * a header of ours in front if offloads are in use.
 */
#include "dev/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net.h"
#include "base/endian.h"
#include "base/iov.h"
#include "dev/net_header.h"
#include "virtio/vdev.h"

/* 5.1.3, 5.1.4 */
#define NET_F_MTU       BIT(3)
#define NET_F_MAC       BIT(5)
#define NET_F_MRG_RXBUF BIT(15)
#define NET_F_STATUS    BIT(16)

#define NET_CONFIG_MAC    0
#define NET_CONFIG_STATUS 6
#define NET_CONFIG_MTU    10
#define NET_CONFIG_LEN    12
#define NET_S_LINK_UP     1u

#define ETHERNET_HEADER 14u

enum { RX, TX };

#define QUEUE_SIZE 256u
#define RX_CHAINS  64u              /* that one frame may be spread over */
#define PARTS      (2 * QUEUE_SIZE) /* of all chains of one frame */

struct netdev {
	struct vdev vdev;
	struct net_queue *nq;
	bool wanted;       /* what the back end was told last */
	unsigned offloads; /* the same */
	struct virtq_chain tx;
	struct iovec tx_iov[PARTS + 1];   /* our header and a frame */
	struct virtq_chain arena;         /* its arrays are shared out to rx[] */
	struct virtq_chain rx[RX_CHAINS]; /* of the frame at hand */
};

static struct netdev *netdev_of(struct vdev *dev)
{
	return container_of(dev, struct netdev, vdev);
}

static void want_frames(struct netdev *nd, bool want)
{
	if (nd->wanted == want)
		return;
	nd->wanted = want;
	nd->nq->ops->want_recv(nd->nq, want);
}

/* ---- receiving ---- */

enum rx_result { RX_READY, RX_NO_ROOM, RX_TOO_LARGE };

static void rx_give_back(struct netdev *nd, struct vdev_queue *q, unsigned n)
{
	while (n)
		virtq_unpop(&q->ring, &nd->rx[--n]);
}

/* Pops one chain into c. 1, or 0: none, with kicks asked for; or the device is broken. */
static int rx_pop(struct vdev_queue *q, struct virtq_chain *c, uint32_t min_len)
{
	int r;

	do {
		r = vdev_pop(q, c);
	} while (!r && virtq_enable_kicks(&q->ring));
	if (r <= 0)
		return 0;
	if (!c->n_read && c->write_len >= min_len)
		return 1;
	virtq_unpop(&q->ring, c);
	vdev_broken(q->dev, "a receive buffer that is readable or too small");
	return 0;
}

/* Pops as many chains as `need` bytes take into rx[0 .. *n). */
static enum rx_result rx_gather(struct netdev *nd, struct vdev_queue *q, uint64_t need, unsigned *n)
{
	bool mergeable = virtq_features(&q->ring) & NET_F_MRG_RXBUF;
	unsigned max = mergeable ? RX_CHAINS : 1, parts = 0;
	uint64_t room = 0;

	if (max > virtq_size(&q->ring))
		max = virtq_size(&q->ring);
	for (*n = 0; room < need; ++*n) {
		struct virtq_chain *c = &nd->rx[*n];

		if (*n == max) {
			rx_give_back(nd, q, *n);
			return RX_TOO_LARGE;
		}
		c->iov = nd->arena.iov + parts;
		c->seg = nd->arena.seg + parts;
		c->max = PARTS - parts;
		if (!rx_pop(q, c, *n ? 1 : NET_HEADER_SIZE)) {
			rx_give_back(nd, q, *n);
			return RX_NO_ROOM;
		}
		parts += c->n_write;
		room += c->write_len;
	}
	return RX_READY;
}

/* Copies header and frame, which begins `skip` bytes into iov, into the chains and pushes them. */
static void rx_fill(struct netdev *nd, struct vdev_queue *q, const uint8_t header[NET_HEADER_SIZE],
		    const struct iovec *iov, unsigned n_iov, size_t skip)
{
	struct virtq_chain *c = nd->rx;
	uint32_t at = NET_HEADER_SIZE; /* in c */

	iov_from_buf(c->iov, c->n_write, 0, header, NET_HEADER_SIZE);
	for (unsigned i = 0; i < n_iov; i++) {
		size_t skipped = skip < iov[i].iov_len ? skip : iov[i].iov_len;
		const uint8_t *from = (const uint8_t *)iov[i].iov_base + skipped;
		size_t left = iov[i].iov_len - skipped;

		skip -= skipped;
		while (left) {
			size_t k;

			if (at == c->write_len) {
				virtq_push(&q->ring, c++, at);
				at = 0;
			}
			k = iov_from_buf(c->iov, c->n_write, at, from, left);
			at += (uint32_t)k;
			from += k;
			left -= k;
		}
	}
	virtq_push(&q->ring, c, at);
}

static bool rx_recv(void *user, const struct iovec *iov, unsigned n_iov)
{
	struct netdev *nd = user;
	struct vdev_queue *q = &nd->vdev.queues[RX];
	uint8_t guest_header[NET_HEADER_SIZE];
	struct net_header header = {0};
	size_t skip = nd->offloads ? sizeof(header) : 0;
	size_t len = iov_len(iov, n_iov);
	enum rx_result r = RX_NO_ROOM;
	unsigned n;

	if (len < skip + ETHERNET_HEADER || len > skip + NET_FRAME_MAX)
		return true;
	(void)iov_to_buf(iov, n_iov, 0, &header, skip);
	if (!net_header_to_guest(&header, nd->offloads, guest_header))
		return true;
	if (vdev_queue_live(q))
		r = rx_gather(nd, q, NET_HEADER_SIZE + len - skip, &n);
	if (r == RX_READY) {
		net_header_set_buffers(guest_header, n);
		rx_fill(nd, q, guest_header, iov, n_iov, skip);
		vdev_flush_soon(q);
	}
	nd->wanted = r != RX_NO_ROOM;
	return nd->wanted;
}

static const struct net_user_ops user_ops = {.recv = rx_recv};

/* ---- sending ---- */

/* False: the chain is no packet, and the device is broken. */
static bool tx_send(struct netdev *nd, struct virtq_chain *c)
{
	uint8_t guest_header[NET_HEADER_SIZE];
	struct net_header header;
	const struct iovec *iov;
	unsigned n;

	if (c->read_len < NET_HEADER_SIZE)
		return false;
	iov_to_buf(c->iov, c->n_read, 0, guest_header, sizeof(guest_header));
	/* What needs an offload that was not offered cannot be sent; nor can an empty frame. What
	 * the back end does not take now is lost: networks lose frames. */
	if (!net_header_from_guest(guest_header, nd->offloads, c->read_len - NET_HEADER_SIZE,
				   &header))
		return true;
	iov = virtq_chain_skip(c, NET_HEADER_SIZE, &n);
	if (n && nd->offloads) {
		nd->tx_iov[0] = (struct iovec){&header, sizeof(header)};
		memcpy(nd->tx_iov + 1, iov, n * sizeof(*iov));
		(void)nd->nq->ops->send(nd->nq, nd->tx_iov, n + 1);
	} else if (n) {
		(void)nd->nq->ops->send(nd->nq, iov, n);
	}
	return true;
}

static enum vdev_taken tx_take(struct vdev_queue *q)
{
	struct netdev *nd = netdev_of(q->dev);

	if (vdev_pop(q, &nd->tx) <= 0)
		return VDEV_NONE;
	if (!tx_send(nd, &nd->tx)) {
		virtq_unpop(&q->ring, &nd->tx);
		vdev_broken(q->dev, "a packet without header");
		return VDEV_NONE;
	}
	virtq_push(&q->ring, &nd->tx, 0);
	return VDEV_TAKEN;
}

/* ---- the queues ---- */

/* Both queues have been given the same features, so the first one settles it. */
static int netdev_queue_start(struct vdev_queue *q)
{
	struct netdev *nd = netdev_of(q->dev);
	unsigned offloads = net_header_offloads(virtq_features(&q->ring));

	if (offloads != nd->offloads)
		nd->nq->ops->set_offloads(nd->nq, offloads);
	nd->offloads = offloads;
	return 0;
}

static void netdev_queue_stop(struct vdev_queue *q)
{
	if (q->index == RX)
		want_frames(netdev_of(q->dev), false);
	vdev_queue_stopped(q);
}

static void netdev_queue_kick(struct vdev_queue *q)
{
	if (q->index == TX) {
		vdev_drain(q, tx_take);
	} else {
		virtq_disable_kicks(&q->ring);
		want_frames(netdev_of(q->dev), true);
	}
}

static void netdev_free(struct vdev *dev)
{
	struct netdev *nd = netdev_of(dev);

	vdev_fini(dev);
	nd->nq->ops->close(nd->nq);
	virtq_chain_fini(&nd->tx);
	virtq_chain_fini(&nd->arena);
	free(nd);
}

static const struct vdev_ops netdev_ops = {
	.name = "net",
	.device_id = VIRTIO_ID_NET,
	.queue_start = netdev_queue_start,
	.queue_stop = netdev_queue_stop,
	.queue_kick = netdev_queue_kick,
	.free = netdev_free,
};

/* ---- making ---- */

static void publish_config(struct netdev *nd, const struct netdev_config *config)
{
	uint8_t bytes[NET_CONFIG_LEN] = {0};

	memcpy(bytes + NET_CONFIG_MAC, config->mac, sizeof(config->mac));
	le16_store(bytes + NET_CONFIG_STATUS, NET_S_LINK_UP);
	le16_store(bytes + NET_CONFIG_MTU, config->mtu);
	vdev_config_set(&nd->vdev, 0, bytes, sizeof(bytes));
}

int netdev_new(const struct netdev_config *config, struct vdev **out)
{
	struct netdev *nd = calloc(1, sizeof(*nd));
	uint64_t features = NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF;
	int r = -ENOMEM;

	if (!nd)
		return -ENOMEM;
	features |= net_header_features(config->net->offloads);
	if (config->mtu)
		features |= NET_F_MTU;
	if (virtq_chain_init(&nd->tx, PARTS) || virtq_chain_init(&nd->arena, PARTS))
		goto fail;
	r = vdev_init(&nd->vdev, &netdev_ops, features, 2, NET_CONFIG_LEN);
	if (r)
		goto fail;
	vdev_queue_config(&nd->vdev, RX, QUEUE_SIZE, config->loop);
	vdev_queue_config(&nd->vdev, TX, QUEUE_SIZE, config->loop);
	publish_config(nd, config);
	r = config->net->ops->open_queue(config->net, config->loop, &user_ops, nd, &nd->nq);
	if (r)
		goto fail_vdev;
	*out = &nd->vdev;
	return 0;
fail_vdev:
	vdev_fini(&nd->vdev);
fail:
	virtq_chain_fini(&nd->tx);
	virtq_chain_fini(&nd->arena);
	free(nd);
	return r;
}
