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
 * a header of ours in front if the back end knows offloads.
 */
#include "dev/net_pair.h"

#include <errno.h>
#include <string.h>

#include "backend/net.h"
#include "base/iov.h"
#include "dev/net_header.h"
#include "dev/net_spec.h"
#include "virtio/coalesce.h"

static void want_frames(struct net_pair *p, bool want)
{
	if (p->in.wanted == want)
		return;
	p->in.wanted = want;
	p->nq->ops->want_recv(p->nq, want);
}

static bool link_up(const struct net_pair *p)
{
	return atomic_load_explicit(p->link_up, memory_order_relaxed);
}

/* ---- receiving ---- */

enum rx_result { RX_READY, RX_NO_ROOM, RX_TOO_LARGE };

static void rx_give_back(struct net_pair *p, unsigned n)
{
	while (n)
		virtq_unpop(&p->rx->ring, &p->in.got[--n]);
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
		struct virtq_chain *c = &p->in.got[*n];

		if (*n == max) {
			rx_give_back(p, *n);
			return RX_TOO_LARGE;
		}
		c->iov = p->in.arena.iov + parts;
		c->seg = p->in.arena.seg + parts;
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
	struct virtq_chain *c = p->in.got;
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
	const struct net_rules *r = &p->rx_follower->rules;
	uint8_t head[NET_ETHERNET_SIZE + NET_VLAN_SIZE];

	if (!link_up(p) || len < NET_ETHERNET_SIZE || len > NET_FRAME_MAX ||
	    (h->gso_type == NET_GSO_NONE && len > r->frame_max))
		return false;
	(void)iov_to_buf(iov, n_iov, skip, head, sizeof(head));
	return net_filter_takes(&r->filter, head, len);
}

static bool rx_recv(void *user, const struct iovec *iov, unsigned n_iov)
{
	struct net_pair *p = user;
	uint8_t guest_header[NET_HEADER_SIZE];
	struct net_header header = {0};
	size_t skip = p->header ? sizeof(header) : 0;
	size_t len = iov_len(iov, n_iov);
	enum rx_result r = RX_NO_ROOM;
	unsigned n;

	if (len < skip)
		return true;
	len -= skip;
	(void)iov_to_buf(iov, n_iov, 0, &header, skip);
	if (!rx_wants(p, &header, iov, n_iov, skip, len) ||
	    !net_header_to_guest(&header, p->in.offloads, guest_header))
		return true;
	if (vdev_queue_live(p->rx))
		r = rx_gather(p, NET_HEADER_SIZE + len, &n);
	if (r == RX_READY) {
		net_header_set_buffers(guest_header, n);
		rx_fill(p, guest_header, iov, n_iov, skip);
		vdev_flush_soon(p->rx);
	}
	p->in.wanted = r != RX_NO_ROOM;
	return p->in.wanted;
}

static const struct net_user_ops user_ops = {.recv = rx_recv};

void net_pair_rx_kick(struct net_pair *p)
{
	virtq_disable_kicks(&p->rx->ring);
	if (p->in.active)
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
	if (!link_up(p) || !net_header_from_guest(guest_header, p->out.offloads,
						  c->read_len - NET_HEADER_SIZE, &header))
		return true;
	iov = virtq_chain_skip(c, NET_HEADER_SIZE, &n);
	if (n && p->header) {
		p->out.iov[0] = (struct iovec){&header, sizeof(header)};
		memcpy(p->out.iov + 1, iov, n * sizeof(*iov));
		(void)p->nq->ops->send(p->nq, p->out.iov, n + 1);
	} else if (n) {
		(void)p->nq->ops->send(p->nq, iov, n);
	}
	return true;
}

void net_pair_tx_start(struct net_pair *p)
{
	p->out.offloads = net_header_offloads(virtq_features(&p->tx->ring));
}

enum vdev_taken net_pair_tx_take(struct net_pair *p)
{
	if (vdev_pop(p->tx, &p->out.chain) <= 0)
		return VDEV_NONE;
	if (!tx_send(p, &p->out.chain)) {
		virtq_unpop(&p->tx->ring, &p->out.chain);
		vdev_broken(p->tx->dev, "a packet without header");
		return VDEV_NONE;
	}
	virtq_push(&p->tx->ring, &p->out.chain, 0);
	return VDEV_TAKEN;
}

/* ---- following the card's rules ---- */

static void coalesce(struct vdev_queue *q, const struct net_coalesce *c, uint64_t *number)
{
	if (*number != c->number && vdev_queue_live(q))
		vdev_queue_coalesce(q, c->max_frames, c->max_ns);
	*number = c->number;
}

static void activate(struct net_pair *p, bool active)
{
	if (p->in.active == active)
		return;
	p->in.active = active;
	if (p->nq->ops->set_active)
		p->nq->ops->set_active(p->nq, active);
	if (!active)
		want_frames(p, false);
	else if (vdev_queue_live(p->rx))
		vdev_go_on(p->rx);
}

static void rx_apply(struct net_follower *f)
{
	struct net_pair *p = f->arg;
	const struct net_rules *r = &f->rules;

	if (r->offloads != p->in.offloads)
		p->nq->ops->set_offloads(p->nq, r->offloads | NET_OFFLOAD_HEADER);
	p->in.offloads = r->offloads;
	activate(p, p->number < r->n_active);
	coalesce(p->rx, &r->rx, &p->in.coalesce);
}

static void tx_apply(struct net_follower *f)
{
	struct net_pair *p = f->arg;

	coalesce(p->tx, &f->rules.tx, &p->out.coalesce);
}

/* ---- a pair ---- */

/* With offloads in reach each frame has a header from the start: then it need not come or go while
 * the other loop sends. */
static int open_queue(struct net_pair *p, struct net *net)
{
	struct loop *in = p->rx_follower->loop, *out = p->tx_follower->loop;
	int r = net->ops->open_queue(net, in, &user_ops, p, &p->nq);

	if (r)
		return r;
	p->header = net->offloads;
	if (p->header)
		p->nq->ops->set_offloads(p->nq, NET_OFFLOAD_HEADER);
	if (out != in && p->nq->ops->send_from)
		p->nq->ops->send_from(p->nq, out);
	return 0;
}

int net_pair_init(struct net_pair *p, struct net *net)
{
	p->rx_follower->apply = rx_apply;
	p->tx_follower->apply = tx_apply;
	p->rx_follower->arg = p->tx_follower->arg = p;
	if (virtq_chain_init(&p->out.chain, NET_PARTS) || virtq_chain_init(&p->in.arena, NET_PARTS))
		return -ENOMEM;
	return open_queue(p, net);
}

void net_pair_fini(struct net_pair *p)
{
	if (p->nq)
		p->nq->ops->close(p->nq);
	virtq_chain_fini(&p->out.chain);
	virtq_chain_fini(&p->in.arena);
}
