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
#include "dev/net_pair.h"

#include <errno.h>
#include <string.h>

#include "backend/net.h"
#include "base/iov.h"
#include "dev/net_header.h"
#include "dev/net_spec.h"

static void want_frames(struct net_pair *p, bool want)
{
	if (p->wanted == want)
		return;
	p->wanted = want;
	p->nq->ops->want_recv(p->nq, want);
}

/* ---- receiving ---- */

enum rx_result { RX_READY, RX_NO_ROOM, RX_TOO_LARGE };

static void rx_give_back(struct net_pair *p, unsigned n)
{
	while (n)
		virtq_unpop(&p->rx->ring, &p->got[--n]);
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
static enum rx_result rx_gather(struct net_pair *p, uint64_t need, unsigned *n)
{
	struct vdev_queue *q = p->rx;
	bool mergeable = virtq_features(&q->ring) & NET_F_MRG_RXBUF;
	unsigned max = mergeable ? NET_RX_CHAINS : 1, parts = 0;
	uint64_t room = 0;

	if (max > virtq_size(&q->ring))
		max = virtq_size(&q->ring);
	for (*n = 0; room < need; ++*n) {
		struct virtq_chain *c = &p->got[*n];

		if (*n == max) {
			rx_give_back(p, *n);
			return RX_TOO_LARGE;
		}
		c->iov = p->arena.iov + parts;
		c->seg = p->arena.seg + parts;
		c->max = NET_PARTS - parts;
		if (!rx_pop(q, c, *n ? 1 : NET_HEADER_SIZE)) {
			rx_give_back(p, *n);
			return RX_NO_ROOM;
		}
		parts += c->n_write;
		room += c->write_len;
	}
	return RX_READY;
}

/* Copies header and frame, which begins `skip` bytes into iov, into the chains and pushes them. */
static void rx_fill(struct net_pair *p, const uint8_t header[NET_HEADER_SIZE],
		    const struct iovec *iov, unsigned n_iov, size_t skip)
{
	struct virtq_chain *c = p->got;
	struct virtq *ring = &p->rx->ring;
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
				virtq_push(ring, c++, at);
				at = 0;
			}
			k = iov_from_buf(c->iov, c->n_write, at, from, left);
			at += (uint32_t)k;
			from += k;
			left -= k;
		}
	}
	virtq_push(ring, c, at);
}

/* Whether the card takes a frame of `len` bytes, which begins `skip` bytes into iov. */
static bool rx_wants(const struct net_pair *p, const struct net_header *h, const struct iovec *iov,
		     unsigned n_iov, size_t skip, size_t len)
{
	const struct net_rules *r = p->rules;
	uint8_t head[NET_ETHERNET_SIZE + NET_VLAN_SIZE];

	if (!r->link_up || len < NET_ETHERNET_SIZE || len > NET_FRAME_MAX ||
	    (h->gso_type == NET_GSO_NONE && len > r->frame_max))
		return false;
	(void)iov_to_buf(iov, n_iov, skip, head, sizeof(head));
	return net_filter_takes(r->filter, head, len);
}

static bool rx_recv(void *user, const struct iovec *iov, unsigned n_iov)
{
	struct net_pair *p = user;
	uint8_t guest_header[NET_HEADER_SIZE];
	struct net_header header = {0};
	size_t skip = p->offloads ? sizeof(header) : 0;
	size_t len = iov_len(iov, n_iov);
	enum rx_result r = RX_NO_ROOM;
	unsigned n;

	if (len < skip)
		return true;
	len -= skip;
	(void)iov_to_buf(iov, n_iov, 0, &header, skip);
	if (!rx_wants(p, &header, iov, n_iov, skip, len) ||
	    !net_header_to_guest(&header, p->offloads, guest_header))
		return true;
	if (vdev_queue_live(p->rx))
		r = rx_gather(p, NET_HEADER_SIZE + len, &n);
	if (r == RX_READY) {
		net_header_set_buffers(guest_header, n);
		rx_fill(p, guest_header, iov, n_iov, skip);
		vdev_flush_soon(p->rx);
	}
	p->wanted = r != RX_NO_ROOM;
	return p->wanted;
}

static const struct net_user_ops user_ops = {.recv = rx_recv};

void net_pair_rx_kick(struct net_pair *p)
{
	virtq_disable_kicks(&p->rx->ring);
	if (p->active)
		want_frames(p, true);
}

void net_pair_rx_stop(struct net_pair *p)
{
	want_frames(p, false);
}

/* ---- sending ---- */

/* False: the chain is no packet, and the device is broken. */
static bool tx_send(struct net_pair *p, struct virtq_chain *c)
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
	if (!p->rules->link_up || !net_header_from_guest(guest_header, p->offloads,
							 c->read_len - NET_HEADER_SIZE, &header))
		return true;
	iov = virtq_chain_skip(c, NET_HEADER_SIZE, &n);
	if (n && p->offloads) {
		p->sent_iov[0] = (struct iovec){&header, sizeof(header)};
		memcpy(p->sent_iov + 1, iov, n * sizeof(*iov));
		(void)p->nq->ops->send(p->nq, p->sent_iov, n + 1);
	} else if (n) {
		(void)p->nq->ops->send(p->nq, iov, n);
	}
	return true;
}

enum vdev_taken net_pair_tx_take(struct net_pair *p)
{
	if (vdev_pop(p->tx, &p->sent) <= 0)
		return VDEV_NONE;
	if (!tx_send(p, &p->sent)) {
		virtq_unpop(&p->tx->ring, &p->sent);
		vdev_broken(p->tx->dev, "a packet without header");
		return VDEV_NONE;
	}
	virtq_push(&p->tx->ring, &p->sent, 0);
	return VDEV_TAKEN;
}

/* ---- a pair ---- */

void net_pair_activate(struct net_pair *p, bool active)
{
	p->active = active;
	if (p->nq->ops->set_active)
		p->nq->ops->set_active(p->nq, active);
	if (!active)
		want_frames(p, false);
	else if (vdev_queue_live(p->rx))
		vdev_go_on(p->rx);
}

void net_pair_offloads(struct net_pair *p, unsigned offloads)
{
	if (offloads != p->offloads)
		p->nq->ops->set_offloads(p->nq, offloads);
	p->offloads = offloads;
}

int net_pair_init(struct net_pair *p, struct net *net, struct loop *loop,
		  const struct net_rules *rules)
{
	p->rules = rules;
	if (virtq_chain_init(&p->sent, NET_PARTS) || virtq_chain_init(&p->arena, NET_PARTS))
		return -ENOMEM;
	return net->ops->open_queue(net, loop, &user_ops, p, &p->nq);
}

void net_pair_fini(struct net_pair *p)
{
	if (p->nq)
		p->nq->ops->close(p->nq);
	virtq_chain_fini(&p->sent);
	virtq_chain_fini(&p->arena);
}
