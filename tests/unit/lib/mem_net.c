/* SPDX-License-Identifier: MIT */
#include "mem_net.h"

#include <assert.h>
#include <string.h>

#include "base/bits.h"
#include "base/iov.h"

/* Bytes in front of each frame that say nothing. */
static size_t bare_header(const struct mem_net *m)
{
	return m->header && !m->offloads ? sizeof(struct net_header) : 0;
}

static int send_frame(struct net_queue *q, const struct iovec *iov, unsigned n)
{
	struct mem_net *m = container_of(q, struct mem_net, queue);

	m->n_sent++;
	m->last_len = iov_to_buf(iov, n, bare_header(m), m->last, sizeof(m->last));
	if (m->on_send)
		m->on_send(m->on_send_arg);
	return m->send_result;
}

static void want_recv(struct net_queue *q, bool want)
{
	container_of(q, struct mem_net, queue)->wanted = want;
}

static void set_offloads(struct net_queue *q, unsigned offloads)
{
	struct mem_net *m = container_of(q, struct mem_net, queue);

	m->header = offloads;
	m->offloads = offloads & ~NET_OFFLOAD_HEADER;
}

static void set_active(struct net_queue *q, bool active)
{
	container_of(q, struct mem_net, queue)->active = active;
}

static void close_queue(struct net_queue *q)
{
	container_of(q, struct mem_net, queue)->closed = true;
}

static const struct net_queue_ops queue_ops = {
	.send = send_frame,
	.want_recv = want_recv,
	.set_offloads = set_offloads,
	.set_active = set_active,
	.close = close_queue,
};

static int open_queue(struct net *n, struct loop *loop, const struct net_user_ops *user_ops,
		      void *user, struct net_queue **out)
{
	struct mem_net *m = container_of(n, struct mem_net, net);

	while (m->user && m->next)
		m = m->next;
	m->user_ops = user_ops;
	m->user = user;
	m->queue = (struct net_queue){.ops = &queue_ops, .net = n};
	*out = &m->queue;
	return 0;
}

static void free_net(struct net *n)
{
}

static const struct net_ops ops = {.open_queue = open_queue, .free = free_net};

void mem_net_init(struct mem_net *m)
{
	memset(m, 0, sizeof(*m));
	m->net.ops = &ops;
}

bool mem_net_offer(struct mem_net *m, uint8_t *frame, size_t len, size_t cut)
{
	struct net_header nothing = {0};
	struct iovec iov[3] = {{&nothing, bare_header(m)}, {frame, cut}, {frame + cut, len - cut}};
	unsigned skip = iov[0].iov_len ? 0 : 1 + !cut;

	assert(m->wanted && !m->closed);
	m->wanted = m->user_ops->recv(m->user, iov + skip, 3 - skip);
	return m->wanted;
}
