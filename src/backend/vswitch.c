/* SPDX-License-Identifier: MIT */
/*
 * A frame on its way is a list of pieces of its sender's memory, which may change at any time: of
 * it only its addresses are looked at, once. It is given to one port or, one after the other, to
 * all others; what these do with it in their recv() is the only copy there is. A frame that waits
 * is given before any that comes later, by a task, when its port wants frames again.
 *
 * Port 0 is the uplink, 1 to VSWITCH_PORTS are places for others.
 */
#include "backend/vswitch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/frame_list.h"
#include "backend/mac_table.h"
#include "backend/net.h"
#include "backend/net_finish.h"
#include "base/bits.h"
#include "base/iov.h"
#include "base/loop.h"

#define BATCH     64u
#define UPLINK    0u
#define ETHERNET  14u
#define HEADER    sizeof(struct net_header)
#define PARTS_MAX 600u /* of a frame */
#define AGE_STEP  (30ull * 1000000000ull)

#define OFFLOADS_SEND                                                            \
	(NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_SEND_TSO4 | NET_OFFLOAD_SEND_TSO6 | \
	 NET_OFFLOAD_SEND_USO)
#define OFFLOADS_RECV                                                            \
	(NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_RECV_TSO6 | \
	 NET_OFFLOAD_RECV_USO)
#define RECV_OF_SEND 4u /* as many bits further on */

_Static_assert(VSWITCH_PORTS + 1 == MAC_TABLE_PORTS, "the uplink is a port, too");
_Static_assert(OFFLOADS_RECV == OFFLOADS_SEND << RECV_OF_SEND, "one bit for each, in this order");

struct port {
	struct net net;
	struct net_queue queue;
	struct vswitch *s;
	unsigned index;
	bool taken;
	const struct net_user_ops *ops; /* NULL: nobody is there */
	void *user;
	bool started; /* it has wanted frames, and did not say otherwise since */
	bool wanted;  /* ... and has room */
	unsigned offloads;
	struct frame_list waiting; /* with a header in front of each */
	struct loop_task task;     /* gives what waits */
};

struct vswitch {
	struct loop *loop;
	struct loop_timer age;
	struct net_queue *uplink; /* or NULL */
	struct vswitch_stats stats;
	struct port port[VSWITCH_PORTS + 1];
	struct mac_table macs;
	/* The frame on its way: its header is iov[0], in front of its pieces. */
	struct net_header header;
	struct iovec iov[PARTS_MAX + 1];
	unsigned n_iov;
	uint8_t copy[NET_FRAME_MAX];
};

static struct port *port_of(struct net_queue *q)
{
	return container_of(q, struct port, queue);
}

/* ---- giving a frame to a port ---- */

/* iov: header and frame; goes without the header to who has no offloads. False: no room now. */
static bool give(struct port *p, const struct iovec *iov, unsigned n)
{
	unsigned skip = !p->offloads;

	if (p->index == UPLINK)
		return !p->s->uplink->ops->send(p->s->uplink, iov + skip, n - skip);
	if (p->wanted)
		p->wanted = p->ops->recv(p->user, iov + skip, n - skip);
	return p->wanted;
}

static void give_or_keep(struct port *p, const struct iovec *iov, unsigned n)
{
	struct vswitch_stats *stats = &p->s->stats;

	if (!p->waiting.first && give(p, iov, n))
		return;
	if (p->index != UPLINK && frame_list_add(&p->waiting, iov, n, 0))
		counter_add(&stats->waited, 1);
	else
		counter_add(&stats->dropped, 1);
}

static void give_waiting(struct loop_task *t)
{
	struct port *p = t->arg;
	struct frame *f = NULL;

	for (unsigned i = 0; i < BATCH && (f = frame_list_take(&p->waiting)); i++) {
		const struct iovec iov[2] = {{f->bytes, HEADER},
					     {f->bytes + HEADER, f->len - HEADER}};

		if (!give(p, iov, 2)) {
			frame_list_put_back(&p->waiting, f);
			return;
		}
		free(f);
	}
	if (f)
		loop_post(p->s->loop, t);
}

/* One that was made of the frame on its way. */
static void give_made(void *arg, const struct iovec *iov, unsigned n)
{
	struct port *p = arg;
	struct net_header none = {0};
	struct iovec out[3] = {{&none, HEADER}};

	memcpy(out + 1, iov, n * sizeof(*iov));
	counter_add(&p->s->stats.made, 1);
	give_or_keep(p, out, n + 1);
}

static void deliver(struct vswitch *s, unsigned to)
{
	struct port *p = &s->port[to];

	if (!p->started)
		return;
	if (!net_finish_needed(&s->header, p->offloads)) {
		give_or_keep(p, s->iov, s->n_iov);
		return;
	}
	/* Finishing writes to the frame, and has to find it unchanged while it does. */
	if (!net_finish(&s->header, s->copy,
			iov_to_buf(s->iov + 1, s->n_iov - 1, 0, s->copy, sizeof(s->copy)),
			give_made, p))
		counter_add(&s->stats.bad, 1);
}

/* ---- switching ---- */

/* Takes the frame of `iov`, with a header in front or without. 0 or -errno: it is none. */
static int take_up(struct vswitch *s, const struct iovec *iov, unsigned n, bool has_header)
{
	size_t skip = has_header ? HEADER : 0, len = iov_len(iov, n);

	s->header = (struct net_header){0};
	if (len < skip + ETHERNET)
		return -EINVAL;
	len -= skip;
	if (len > NET_FRAME_MAX)
		return -EMSGSIZE;
	(void)iov_to_buf(iov, n, 0, &s->header, skip);
	if (!net_finish_sane(&s->header, len))
		return -EINVAL;
	s->iov[0] = (struct iovec){&s->header, HEADER};
	s->n_iov = 1 + iov_slice(s->iov + 1, PARTS_MAX, iov, n, skip, len);
	return s->n_iov > 1 ? 0 : -EMSGSIZE;
}

/* A frame that comes in by port `from`. */
static int forward(struct vswitch *s, unsigned from, const struct iovec *iov, unsigned n)
{
	uint64_t now = loop_now(s->loop);
	uint8_t head[ETHERNET];
	int ret = take_up(s, iov, n, s->port[from].offloads), to;

	if (!ret) {
		(void)iov_to_buf(s->iov + 1, s->n_iov - 1, 0, head, sizeof(head));
		if (head[6] & 1)
			ret = -EINVAL;
	}
	if (ret) {
		counter_add(&s->stats.bad, 1);
		return ret;
	}
	counter_add(&s->stats.frames, 1);
	mac_table_learn(&s->macs, head + 6, from, now);
	to = head[0] & 1 ? -1 : mac_table_find(&s->macs, head, now);
	if (to >= 0) {
		if ((unsigned)to != from)
			deliver(s, (unsigned)to);
		return 0;
	}
	counter_add(&s->stats.flooded, 1);
	for (unsigned i = 0; i <= VSWITCH_PORTS; i++)
		if (i != from)
			deliver(s, i);
	return 0;
}

static void on_age(struct loop_timer *t)
{
	struct vswitch *s = t->arg;

	mac_table_age(&s->macs, loop_now(s->loop));
	loop_timer_arm(s->loop, t, loop_now(s->loop) + AGE_STEP);
}

/* ---- a port as a network ---- */

static int port_send(struct net_queue *q, const struct iovec *iov, unsigned n)
{
	struct port *p = port_of(q);

	return forward(p->s, p->index, iov, n);
}

static void port_want_recv(struct net_queue *q, bool want)
{
	struct port *p = port_of(q);

	p->started = want;
	p->wanted = want;
	if (!want)
		frame_list_clear(&p->waiting);
	else if (p->waiting.first)
		loop_post(p->s->loop, &p->task);
}

static void port_set_offloads(struct net_queue *q, unsigned offloads)
{
	struct port *p = port_of(q);

	p->offloads = offloads;
	frame_list_clear(&p->waiting);
}

static void port_close(struct net_queue *q)
{
	struct port *p = port_of(q);

	port_want_recv(q, false);
	loop_task_cancel(p->s->loop, &p->task);
	mac_table_forget(&p->s->macs, p->index);
	p->ops = NULL;
	p->offloads = 0;
}

static const struct net_queue_ops port_queue_ops = {
	.send = port_send,
	.want_recv = port_want_recv,
	.set_offloads = port_set_offloads,
	.close = port_close,
};

static int port_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			   void *user, struct net_queue **out)
{
	struct port *p = container_of(net, struct port, net);

	assert(loop == p->s->loop);
	if (p->ops)
		return -EBUSY;
	p->ops = ops;
	p->user = user;
	p->queue = (struct net_queue){.ops = &port_queue_ops, .net = net};
	*out = &p->queue;
	return 0;
}

static void port_free(struct net *net)
{
	struct port *p = container_of(net, struct port, net);

	assert(!p->ops);
	p->taken = false;
}

static const struct net_ops port_ops = {.open_queue = port_open_queue, .free = port_free};

int vswitch_plug(struct vswitch *s, struct net **out)
{
	for (unsigned i = 1; i <= VSWITCH_PORTS; i++) {
		struct port *p = &s->port[i];

		if (p->taken)
			continue;
		p->taken = true;
		p->net = (struct net){.ops = &port_ops,
				      .single_loop = true,
				      .offloads = OFFLOADS_SEND | OFFLOADS_RECV};
		*out = &p->net;
		return 0;
	}
	return -EBUSY;
}

/* ---- the uplink ---- */

static bool uplink_recv(void *user, const struct iovec *iov, unsigned n)
{
	(void)forward(user, UPLINK, iov, n);
	return true;
}

static const struct net_user_ops uplink_ops = {.recv = uplink_recv};

static int open_uplink(struct vswitch *s, struct net *uplink)
{
	struct port *p = &s->port[UPLINK];
	int ret = uplink->ops->open_queue(uplink, s->loop, &uplink_ops, s, &s->uplink);

	if (ret)
		return ret;
	/* What it can be sent is what it takes. */
	p->offloads = uplink->offloads | (uplink->offloads & OFFLOADS_SEND) << RECV_OF_SEND;
	p->started = true;
	if (uplink->offloads)
		s->uplink->ops->set_offloads(s->uplink, uplink->offloads);
	if (s->uplink->ops->set_active)
		s->uplink->ops->set_active(s->uplink, true);
	s->uplink->ops->want_recv(s->uplink, true);
	return 0;
}

/* ---- life ---- */

int vswitch_new(struct loop *loop, struct net *uplink, struct vswitch **out)
{
	struct vswitch *s = calloc(1, sizeof(*s));
	int ret = 0;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	mac_table_init(&s->macs);
	for (unsigned i = 0; i <= VSWITCH_PORTS; i++) {
		struct port *p = &s->port[i];

		p->s = s;
		p->index = i;
		p->task = (struct loop_task){.fn = give_waiting, .arg = p};
		frame_list_init(&p->waiting, VSWITCH_WAIT_MAX);
	}
	s->age = (struct loop_timer){.fn = on_age, .arg = s};
	if (uplink)
		ret = open_uplink(s, uplink);
	if (ret) {
		vswitch_free(s);
		return ret;
	}
	loop_timer_arm(loop, &s->age, loop_now(loop) + AGE_STEP);
	*out = s;
	return 0;
}

void vswitch_free(struct vswitch *s)
{
	if (!s)
		return;
	assert(!vswitch_ports(s));
	loop_timer_cancel(&s->age);
	if (s->uplink)
		s->uplink->ops->close(s->uplink);
	free(s);
}

const struct vswitch_stats *vswitch_stats(const struct vswitch *s)
{
	return &s->stats;
}

unsigned vswitch_ports(const struct vswitch *s)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= VSWITCH_PORTS; i++)
		n += s->port[i].taken;
	return n;
}
