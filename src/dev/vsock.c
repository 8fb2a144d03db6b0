/* SPDX-License-Identifier: MIT */
/*
 * Packets go one a chain, a header of 44 bytes in front. Of the guest's packets (transmit queue)
 * each is looked at, acted on and given back at once. What the guest is to be sent (receive queue)
 * is not queued as packets: a connection with news stands in a list, in turn with the others, and
 * its packet is made when there is a chain to put it into. So what a guest that does not read can
 * make us keep is bounded.
 *
 * Packets that belong to no connection are answered by resets, which wait in a small queue; while
 * that is full the guest's packets are not looked at.
 *
 * A reset of the driver, or of a queue, ends all connections, except that what the guest has sent
 * and ended before still reaches its reader (vsock_leave.h).
 */
#include "dev/vsock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/endian.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/unix_socket.h"
#include "dev/vsock_conn.h"
#include "dev/vsock_leave.h"
#include "dev/vsock_packet.h"
#include "virtio/vdev.h"

#define RX         0u
#define TX         1u
#define EVENT      2u
#define QUEUE_SIZE 128u
#define PARTS      QUEUE_SIZE
#define BUCKETS    256u
#define RESETS     64u
#define ACCEPTS    16u           /* of one turn of the loop */
#define PATIENCE   5000000000ull /* ns for a connection to come about */
#define FIRST_PORT 0x40000000u   /* of our own, for connections that the host begins */

/* An answer to a packet without a connection. */
struct stray {
	uint32_t guest_port, host_port;
};

struct vsock {
	struct vdev vdev;
	struct loop *loop;
	uint64_t cid;
	const char *path;
	struct loop_fd listener;
	struct vsock_conn *bucket[BUCKETS];
	unsigned n_conns;
	struct vsock_leavers leavers;
	struct vsock_conn *ready_first, **ready_last;
	struct stray stray[RESETS];
	unsigned n_strays;
	bool tx_stalled;
	uint32_t next_port;
	struct virtq_chain chain;
};

static struct vsock *vsock_of(struct vdev *dev)
{
	return container_of(dev, struct vsock, vdev);
}

/* ---- the set of connections ---- */

static struct vsock_conn **bucket_of(struct vsock *v, uint32_t guest_port, uint32_t host_port)
{
	return &v->bucket[(guest_port * 31 ^ host_port ^ host_port >> 8) % BUCKETS];
}

static struct vsock_conn *find(struct vsock *v, uint32_t guest_port, uint32_t host_port)
{
	struct vsock_conn *c = *bucket_of(v, guest_port, host_port);

	while (c && (c->guest_port != guest_port || c->host_port != host_port))
		c = c->next_hash;
	return c;
}

static void insert(struct vsock *v, struct vsock_conn *c)
{
	struct vsock_conn **b = bucket_of(v, c->guest_port, c->host_port);

	c->next_hash = *b;
	*b = c;
}

static void unlink_hash(struct vsock *v, struct vsock_conn *c)
{
	struct vsock_conn **p = bucket_of(v, c->guest_port, c->host_port);

	while (*p && *p != c)
		p = &(*p)->next_hash;
	if (*p)
		*p = c->next_hash;
}

static void unlink_ready(struct vsock *v, struct vsock_conn *c)
{
	struct vsock_conn **p = &v->ready_first;

	if (!c->ready)
		return;
	while (*p != c)
		p = &(*p)->next_ready;
	*p = c->next_ready;
	if (v->ready_last == &c->next_ready)
		v->ready_last = p;
	c->ready = false;
}

/* The guest knows of it no more. */
static void drop(struct vsock *v, struct vsock_conn *c)
{
	unlink_hash(v, c);
	unlink_ready(v, c);
	v->n_conns--;
	if (!vsock_leave(&v->leavers, v->loop, c))
		vsock_conn_free(c);
}

static void drop_all(struct vsock *v)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		while (v->bucket[i])
			drop(v, v->bucket[i]);
	v->n_strays = 0;
}

/* After anything has happened to c: what is watched, and whether it has news. */
static void settle(struct vsock *v, struct vsock_conn *c)
{
	uint32_t events = vsock_conn_events(c);

	if (events != c->watch.events)
		loop_fd_set(&c->watch, events);
	if (c->ready || !vsock_conn_has_news(c))
		return;
	c->ready = true;
	c->next_ready = NULL;
	*v->ready_last = c;
	v->ready_last = &c->next_ready;
	vdev_go_on(&v->vdev.queues[RX]);
}

static void tell(struct vsock *v, struct vsock_conn *c, unsigned what)
{
	c->tell |= what;
	settle(v, c);
}

/* ---- a socket's side ---- */

/* A client of the host's has said, or not, where it wants to go. */
static void asked(struct vsock *v, struct vsock_conn *c)
{
	uint32_t port;
	int r = vsock_conn_command(c, &port);

	if (!r)
		return;
	if (r < 0 || !vdev_queue_live(&v->vdev.queues[RX])) {
		drop(v, c);
		return;
	}
	unlink_hash(v, c);
	c->guest_port = port;
	insert(v, c);
	c->state = VSOCK_CALLING;
	tell(v, c, VSOCK_TELL_REQUEST);
}

static void conn_event(struct loop_fd *w, uint32_t events)
{
	struct vsock_conn *c = w->arg;
	struct vsock *v = c->owner;

	if (c->state == VSOCK_ASKING) {
		asked(v, c);
		return;
	}
	if (events & EPOLLOUT || c->fill)
		vsock_conn_pass_on(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !c->host_ended &&
	    !(c->guest_shut & VSOCK_SHUT_RECEIVE))
		c->readable = true;
	settle(v, c);
}

/* It did not come about. */
static void conn_overdue(struct loop_timer *t)
{
	struct vsock_conn *c = t->arg;
	struct vsock *v = c->owner;

	if (c->state == VSOCK_ASKING)
		drop(v, c);
	else
		tell(v, c, VSOCK_TELL_RESET);
}

/* Adds a connection on fd; fd is closed when that fails. */
static struct vsock_conn *conn_add(struct vsock *v, int fd, uint32_t guest_port, uint32_t host_port,
				   enum vsock_state state)
{
	struct vsock_conn *c;

	if (v->n_conns + v->leavers.n == VSOCK_CONNS || vsock_conn_new(fd, &c)) {
		fd_close(&fd);
		return NULL;
	}
	c->guest_port = guest_port;
	c->host_port = host_port;
	c->state = state;
	c->owner = v;
	c->timer = (struct loop_timer){.fn = conn_overdue, .arg = c};
	c->watch = (struct loop_fd){.fn = conn_event, .arg = c, .fd = fd};
	c->watch.events = vsock_conn_events(c);
	if (loop_fd_add(v->loop, &c->watch)) {
		vsock_conn_free(c);
		return NULL;
	}
	if (state != VSOCK_OPEN)
		loop_timer_arm(v->loop, &c->timer, loop_now(v->loop) + PATIENCE);
	insert(v, c);
	v->n_conns++;
	return c;
}

static void accept_clients(struct loop_fd *w, uint32_t events)
{
	struct vsock *v = w->arg;

	for (unsigned i = 0; i < ACCEPTS; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		/* No guest's port is known yet; our own tells them apart meanwhile. */
		v->next_port = v->next_port == UINT32_MAX ? FIRST_PORT : v->next_port + 1;
		(void)conn_add(v, fd, 0, v->next_port, VSOCK_ASKING);
	}
}

/* ---- packets from the guest ---- */

static void stray_reset(struct vsock *v, const struct packet *p)
{
	if (p->op == RST)
		return;
	v->stray[v->n_strays++] = (struct stray){.guest_port = p->src_port,
						 .host_port = p->dst_port};
	vdev_go_on(&v->vdev.queues[RX]);
}

/* The guest calls: PORT is the socket path_PORT. */
static void guest_calls(struct vsock *v, const struct packet *p)
{
	char path[VSOCK_PATH_MAX + 12];
	struct vsock_conn *c = NULL;
	int fd;

	(void)snprintf(path, sizeof(path), "%s_%u", v->path, p->dst_port);
	fd = unix_socket_connect(path, SOCK_STREAM | SOCK_NONBLOCK);
	if (fd >= 0)
		c = conn_add(v, fd, p->src_port, p->dst_port, VSOCK_OPEN);
	if (!c) {
		stray_reset(v, p);
		return;
	}
	vsock_conn_credit(c, p->buf_alloc, p->fwd_cnt);
	tell(v, c, VSOCK_TELL_RESPONSE);
}

/* The guest takes the call of a client, who hears of it before anything else. */
static void guest_answers(struct vsock *v, struct vsock_conn *c)
{
	char line[24];
	int n = snprintf(line, sizeof(line), "OK %u\n", c->host_port);

	if (c->state != VSOCK_CALLING || c->tell & VSOCK_TELL_REQUEST) {
		tell(v, c, VSOCK_TELL_RESET);
		return;
	}
	c->state = VSOCK_OPEN;
	loop_timer_cancel(&c->timer);
	if (send(c->fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
		c->tell |= VSOCK_TELL_RESET;
	settle(v, c);
}

static void packet_for(struct vsock *v, struct vsock_conn *c, const struct packet *p,
		       const struct iovec *data, unsigned n)
{
	bool open = c->state == VSOCK_OPEN;

	vsock_conn_credit(c, p->buf_alloc, p->fwd_cnt);
	if (vsock_conn_room(c))
		c->credit_asked = false;
	switch (p->op) {
	case RESPONSE: guest_answers(v, c); return;
	case RST: drop(v, c); return;
	case SHUTDOWN: vsock_conn_shutdown(c, p->flags); break;
	case RW:
		if (!open || !vsock_conn_take(c, data, n, p->len))
			c->tell |= VSOCK_TELL_RESET;
		break;
	case CREDIT_UPDATE: break;
	case CREDIT_REQUEST: c->tell |= VSOCK_TELL_CREDIT; break;
	default: c->tell |= VSOCK_TELL_RESET; break; /* a second request too */
	}
	settle(v, c);
}

static void handle_packet(struct vsock *v, const struct packet *p, const struct iovec *data,
			  unsigned n)
{
	struct vsock_conn *c;

	if (p->src_cid != v->cid)
		return; /* 5.10.6.4.2: a device drops what is not from its guest */
	if (p->dst_cid != HOST_CID || p->type != TYPE_STREAM) {
		stray_reset(v, p);
		return;
	}
	c = find(v, p->src_port, p->dst_port);
	if (c && c->state == VSOCK_ASKING)
		c = NULL;
	if (c)
		packet_for(v, c, p, data, n);
	else if (p->op == REQUEST)
		guest_calls(v, p);
	else
		stray_reset(v, p);
}

static enum vdev_taken take_packet(struct vdev_queue *q)
{
	struct vsock *v = vsock_of(q->dev);
	struct virtq_chain *c = &v->chain;
	const struct iovec *data;
	uint8_t header[HEADER];
	struct packet p;
	unsigned n;

	if (v->n_strays == RESETS) {
		v->tx_stalled = true;
		return VDEV_STALLED;
	}
	if (vdev_pop(q, c) <= 0)
		return VDEV_NONE;
	if (c->read_len < HEADER) {
		virtq_unpop(&q->ring, c);
		vdev_broken(q->dev, "a packet without a header");
		return VDEV_NONE;
	}
	iov_to_buf(c->iov, c->n_read, 0, header, HEADER);
	packet_load(&p, header);
	if (p.len > c->read_len - HEADER) {
		virtq_unpop(&q->ring, c);
		vdev_broken(q->dev, "a packet that is longer than its buffers");
		return VDEV_NONE;
	}
	data = virtq_chain_skip(c, HEADER, &n);
	handle_packet(v, &p, data, n);
	virtq_push(&q->ring, c, 0);
	return VDEV_TAKEN;
}

/* ---- packets to the guest ---- */

static void write_header(const struct vsock *v, const struct virtq_chain *c, struct packet *p)
{
	uint8_t b[HEADER];

	p->src_cid = HOST_CID;
	p->dst_cid = v->cid;
	p->type = TYPE_STREAM;
	packet_store(b, p);
	iov_from_buf(virtq_chain_writable(c), c->n_write, 0, b, HEADER);
}

/* The most urgent thing to tell, as a packet's op; 0: only data. */
static unsigned next_op(struct vsock_conn *c)
{
	static const struct {
		unsigned tell, op;
	} order[] = {
		{VSOCK_TELL_RESET, RST},         {VSOCK_TELL_REQUEST, REQUEST},
		{VSOCK_TELL_RESPONSE, RESPONSE}, {VSOCK_TELL_CREDIT, CREDIT_UPDATE},
		{VSOCK_TELL_SHUTDOWN, SHUTDOWN}, {VSOCK_TELL_ASK_CREDIT, CREDIT_REQUEST},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (c->tell & order[i].tell) {
			c->tell &= ~order[i].tell;
			return order[i].op;
		}
	return 0;
}

/* Data of c's into the chain; 0: there were none. */
static uint32_t fill_data(struct vsock_conn *c, struct virtq_chain *chain)
{
	struct iovec part[PARTS];
	uint32_t want = chain->write_len - HEADER, room = vsock_conn_room(c);
	unsigned n;

	if (!c->readable || c->state != VSOCK_OPEN || !room || !want)
		return 0;
	n = iov_slice(part, ARRAY_SIZE(part), virtq_chain_writable(chain), chain->n_write, HEADER,
		      want < room ? want : room);
	return vsock_conn_read(c, part, n);
}

/* A packet of c's into the chain: its length, or 0 when there is nothing to say after all. *last:
 * it was the connection's last. */
static uint32_t fill_packet(struct vsock *v, struct vsock_conn *c, struct virtq_chain *chain,
			    bool *last)
{
	struct packet p = {
		.src_port = c->host_port, .dst_port = c->guest_port, .buf_alloc = VSOCK_BUFFER};

	p.op = (uint16_t)next_op(c);
	if (!p.op) {
		p.len = fill_data(c, chain);
		p.op = p.len ? RW : 0;
		if (p.len && !vsock_conn_room(c) && !c->credit_asked) {
			c->credit_asked = true;
			c->tell |= VSOCK_TELL_ASK_CREDIT;
		}
	}
	if (!p.op)
		return 0;
	if (p.op == SHUTDOWN)
		p.flags = c->host_shut;
	p.fwd_cnt = c->told_forwarded = c->forwarded;
	write_header(v, chain, &p);
	*last = p.op == RST;
	return HEADER + p.len;
}

static uint32_t fill_stray(struct vsock *v, struct virtq_chain *chain)
{
	const struct stray s = v->stray[0];
	struct packet p = {.src_port = s.host_port, .dst_port = s.guest_port, .op = RST};

	v->n_strays--;
	memmove(v->stray, v->stray + 1, v->n_strays * sizeof(s));
	write_header(v, chain, &p);
	if (v->tx_stalled) {
		v->tx_stalled = false;
		vdev_go_on(&v->vdev.queues[TX]);
	}
	return HEADER;
}

/* What the next in turn has to say. */
static uint32_t fill_next(struct vsock *v, struct virtq_chain *chain)
{
	struct vsock_conn *c = v->ready_first;
	bool last = false;
	uint32_t len;

	unlink_ready(v, c);
	len = fill_packet(v, c, chain, &last);
	if (last)
		drop(v, c);
	else
		settle(v, c); /* at the end of the list, if there is more */
	return len;
}

static enum vdev_taken give_packet(struct vdev_queue *q)
{
	struct vsock *v = vsock_of(q->dev);
	struct virtq_chain *c = &v->chain;
	uint32_t len;

	if (!v->n_strays && !v->ready_first)
		return VDEV_STALLED;
	if (vdev_pop(q, c) <= 0)
		return VDEV_NONE;
	if (c->write_len < HEADER) {
		virtq_unpop(&q->ring, c);
		vdev_broken(q->dev, "a buffer without room for a packet's header");
		return VDEV_NONE;
	}
	len = v->n_strays ? fill_stray(v, c) : fill_next(v, c);
	if (len)
		virtq_push(&q->ring, c, len);
	else
		virtq_unpop(&q->ring, c);
	return VDEV_TAKEN;
}

/* ---- the queues ---- */

static void vsock_queue_kick(struct vdev_queue *q)
{
	if (q->index == RX)
		vdev_drain(q, give_packet);
	else if (q->index == TX)
		vdev_drain(q, take_packet);
}

static int vsock_queue_start(struct vdev_queue *q)
{
	return 0;
}

static void vsock_queue_stop(struct vdev_queue *q)
{
	struct vsock *v = vsock_of(q->dev);

	if (q->index != EVENT)
		drop_all(v);
	v->tx_stalled = false;
	vdev_queue_stopped(q);
}

static void vsock_free(struct vdev *dev)
{
	struct vsock *v = vsock_of(dev);

	drop_all(v);
	vsock_leave_now(&v->leavers, v->loop);
	loop_fd_del(&v->listener);
	vdev_fini(dev);
	virtq_chain_fini(&v->chain);
	free(v);
}

static const struct vdev_ops vsock_ops = {
	.name = "vsock",
	.device_id = VIRTIO_ID_VSOCK,
	.queue_start = vsock_queue_start,
	.queue_stop = vsock_queue_stop,
	.queue_kick = vsock_queue_kick,
	.free = vsock_free,
};

int vsock_new(const struct vsock_config *config, struct vdev **out)
{
	struct vsock *v = calloc(1, sizeof(*v));
	uint8_t cid[8];
	int ret = -ENOMEM;

	if (!v)
		return ret;
	v->loop = config->loop;
	v->cid = config->cid;
	v->path = config->path;
	v->ready_last = &v->ready_first;
	v->next_port = FIRST_PORT - 1;
	v->listener = (struct loop_fd){
		.fn = accept_clients, .arg = v, .fd = config->listener, .events = EPOLLIN};
	if (virtq_chain_init(&v->chain, PARTS))
		goto fail;
	if (vdev_init(&v->vdev, &vsock_ops, 0, 3, sizeof(cid)))
		goto fail;
	for (unsigned i = 0; i < 3; i++)
		vdev_queue_config(&v->vdev, i, QUEUE_SIZE, config->loop);
	le64_store(cid, config->cid);
	vdev_config_set(&v->vdev, 0, cid, sizeof(cid));
	ret = loop_fd_add(config->loop, &v->listener);
	if (ret) {
		vdev_fini(&v->vdev);
		goto fail;
	}
	*out = &v->vdev;
	return 0;
fail:
	virtq_chain_fini(&v->chain);
	free(v);
	return ret;
}
