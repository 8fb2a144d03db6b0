/* SPDX-License-Identifier: MIT */
/*
 * A frame lies once in the switch, in the buffer that it was received into, and is sent from there
 * to one port or to all others. Only for a port whose socket is full it is copied, into that port's
 * list; that is sent on when the socket has room again, and until then nothing overtakes it.
 *
 * Port 0 is the uplink, 1 to VSWITCH_PORTS are guests. A port is served for at most BATCH frames in
 * a row.
 */
#include "backend/vswitch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/frame_list.h"
#include "backend/mac_table.h"
#include "backend/net.h"
#include "backend/net_finish.h"
#include "base/bits.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/loop.h"

#define BATCH      64u
#define UPLINK     0u
#define ETHERNET   14u
#define HEADER     sizeof(struct net_header)
#define MESSAGE    (HEADER + NET_FRAME_MAX)
#define AGE_STEP   (30ull * 1000000000ull)
#define SOCKET_BUF (1 << 20) /* asked for; the kernel has a limit of its own */

_Static_assert(VSWITCH_PORTS + 1 == MAC_TABLE_PORTS, "the uplink is a port, too");

struct port {
	struct vswitch *s;
	unsigned index;
	struct loop_fd watch; /* fd -1: nobody */
	bool greeted;
	struct frame_list waiting;
};

struct vswitch {
	struct loop *loop;
	struct loop_fd listener;
	struct loop_timer age;
	struct net_queue *uplink; /* or NULL */
	bool bare;                /* the uplink's frames have no header */
	uint32_t seed;
	struct vswitch_stats stats;
	struct log_limit log;
	struct port port[VSWITCH_PORTS + 1];
	struct mac_table macs;
	uint8_t message[MESSAGE + 1];
};

/* ---- sending ---- */

static void close_port(struct port *p)
{
	mac_table_forget(&p->s->macs, p->index);
	loop_fd_del(&p->watch);
	fd_close(&p->watch.fd);
	frame_list_clear(&p->waiting);
	p->greeted = false;
	loop_fd_set(&p->s->listener, EPOLLIN);
}

/* 0 or -errno. */
static int send_message(int fd, const struct iovec *iov, unsigned n)
{
	union {
		const struct iovec *in;
		struct iovec *out;
	} v = {.in = iov};
	const struct msghdr m = {.msg_iov = v.out, .msg_iovlen = n};
	ssize_t ret;

	do
		ret = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static bool is_full(int ret)
{
	return ret == -EAGAIN || ret == -ENOBUFS || ret == -ENOMEM;
}

/* Sends on what waits. */
static void send_waiting(struct port *p)
{
	struct frame *f;

	while ((f = frame_list_take(&p->waiting))) {
		struct iovec iov = {f->bytes, f->len};

		if (is_full(send_message(p->watch.fd, &iov, 1))) {
			frame_list_put_back(&p->waiting, f);
			break;
		}
		free(f);
	}
	loop_fd_set(&p->watch, p->waiting.first ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* iov: header and frame. That a peer has gone is found when its port is read. */
static void send_to_port(struct port *p, const struct iovec *iov, unsigned n)
{
	int ret = p->waiting.first ? -EAGAIN : send_message(p->watch.fd, iov, n);

	if (!is_full(ret))
		return;
	if (frame_list_add(&p->waiting, iov, n, 0))
		loop_fd_set(&p->watch, EPOLLIN | EPOLLOUT);
	else
		counter_add(&p->s->stats.dropped, 1);
}

static void send_to(struct vswitch *s, unsigned to, const struct iovec *iov, unsigned n)
{
	if (to != UPLINK) {
		if (s->port[to].greeted)
			send_to_port(&s->port[to], iov, n);
		return;
	}
	/* With a header in front, which comes as an entry of its own, or without. */
	if (s->uplink &&
	    s->uplink->ops->send(s->uplink, s->bare ? iov + 1 : iov, s->bare ? n - 1 : n))
		counter_add(&s->stats.dropped, 1);
}

/* ---- switching ---- */

/* A frame that came in by port `from`: iov[0] is its header, iov[1] begins with its Ethernet
 * header. */
static void forward(struct vswitch *s, unsigned from, const struct iovec *iov, unsigned n)
{
	const uint8_t *head = iov[1].iov_base;
	uint64_t now = loop_now(s->loop);
	int to;

	if (iov[1].iov_len < ETHERNET || (head[6] & 1)) {
		counter_add(&s->stats.bad, 1);
		return;
	}
	counter_add(&s->stats.frames, 1);
	mac_table_learn(&s->macs, head + 6, from, now);
	to = head[0] & 1 ? -1 : mac_table_find(&s->macs, head, now);
	if (to >= 0) {
		if ((unsigned)to != from)
			send_to(s, (unsigned)to, iov, n);
		return;
	}
	counter_add(&s->stats.flooded, 1);
	for (unsigned i = 0; i <= VSWITCH_PORTS; i++)
		if (i != from)
			send_to(s, i, iov, n);
}

static void on_age(struct loop_timer *t)
{
	struct vswitch *s = t->arg;

	mac_table_age(&s->macs, loop_now(s->loop));
	loop_timer_arm(s->loop, t, loop_now(s->loop) + AGE_STEP);
}

/* ---- ports ---- */

static void refuse(struct port *p, const char *why)
{
	log_warn_limited(&p->s->log, 8, "switch: port %u: %s; its connection is closed", p->index,
			 why);
	counter_add(&p->s->stats.refused, 1);
	close_port(p);
}

/* The first message. */
static void greet(struct port *p, size_t len)
{
	struct vswitch_hello h;
	struct iovec iov = {&h, sizeof(h)};

	memcpy(&h, p->s->message, sizeof(h));
	if (len != sizeof(h) || h.magic != VSWITCH_MAGIC || h.version != VSWITCH_VERSION) {
		refuse(p, "no hello of this version");
		return;
	}
	h.mac[0] = 0x52;
	h.mac[1] = 0x54;
	h.mac[2] = 0x01;
	h.mac[3] = (uint8_t)(p->s->seed >> 8);
	h.mac[4] = (uint8_t)p->s->seed;
	h.mac[5] = (uint8_t)p->index;
	if (send_message(p->watch.fd, &iov, 1))
		close_port(p);
	else
		p->greeted = true;
}

static void take_message(struct port *p, size_t len)
{
	struct vswitch *s = p->s;
	struct iovec iov[2] = {{s->message, HEADER}, {s->message + HEADER, 0}};
	struct net_header h;

	if (len > MESSAGE) {
		refuse(p, "a message that is longer than any frame");
		return;
	}
	if (!p->greeted) {
		greet(p, len);
		return;
	}
	memcpy(&h, s->message, sizeof(h));
	if (len < HEADER || !net_finish_sane(&h, len - HEADER)) {
		counter_add(&s->stats.bad, 1);
		return;
	}
	iov[1].iov_len = len - HEADER;
	forward(s, p->index, iov, 2);
}

static void on_port(struct loop_fd *w, uint32_t events)
{
	struct port *p = w->arg;

	if (events & EPOLLOUT)
		send_waiting(p);
	for (unsigned i = 0; i < BATCH && w->fd >= 0; i++) {
		ssize_t n = recv(w->fd, p->s->message, sizeof(p->s->message), MSG_DONTWAIT);

		if (n > 0)
			take_message(p, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			break;
		else if (!n || errno != EINTR)
			close_port(p); /* it has gone */
	}
}

/* Who has not said hello makes way for others. NULL: everybody has. */
static struct port *not_greeted(struct vswitch *s)
{
	for (unsigned i = 1; i <= VSWITCH_PORTS; i++)
		if (!s->port[i].greeted) {
			refuse(&s->port[i], "no hello, and somebody waits");
			return &s->port[i];
		}
	return NULL;
}

static void on_connect(struct loop_fd *w, uint32_t events)
{
	struct vswitch *s = w->arg;
	struct port *p = &s->port[1];
	const int size = SOCKET_BUF;
	int fd;

	while (p <= &s->port[VSWITCH_PORTS] && p->watch.fd >= 0)
		p++;
	if (p > &s->port[VSWITCH_PORTS])
		p = not_greeted(s);
	fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			loop_fd_set(w, 0); /* until somebody leaves */
		return;
	}
	if (!p) {
		log_warn_limited(&s->log, 8, "switch: all %u ports are taken", VSWITCH_PORTS);
		counter_add(&s->stats.refused, 1);
		close(fd);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	p->watch = (struct loop_fd){.fn = on_port, .arg = p, .fd = fd, .events = EPOLLIN};
	if (loop_fd_add(s->loop, &p->watch))
		fd_close(&p->watch.fd);
}

/* ---- the uplink ---- */

static bool uplink_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct vswitch *s = user;
	struct net_header none = {0};
	size_t len = iov_len(iov, n), skip = s->bare ? 0 : HEADER;
	struct iovec out[2] = {{&none, HEADER}, {s->message, len - skip}};

	if (len < skip || len - skip > NET_FRAME_MAX)
		return true;
	(void)iov_to_buf(iov, n, 0, &none, skip);
	(void)iov_to_buf(iov, n, skip, s->message, len - skip);
	forward(s, UPLINK, out, 2);
	return true;
}

static const struct net_user_ops uplink_ops = {.recv = uplink_recv};

static int open_uplink(struct vswitch *s, struct net *uplink)
{
	int ret = uplink->ops->open_queue(uplink, s->loop, &uplink_ops, s, &s->uplink);

	if (ret)
		return ret;
	s->bare = !uplink->offloads;
	if (!s->bare)
		s->uplink->ops->set_offloads(s->uplink, uplink->offloads);
	if (s->uplink->ops->set_active)
		s->uplink->ops->set_active(s->uplink, true);
	s->uplink->ops->want_recv(s->uplink, true);
	return 0;
}

/* ---- life ---- */

int vswitch_new(struct loop *loop, int listen_fd, struct net *uplink, uint32_t seed,
		struct vswitch **out)
{
	struct vswitch *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->seed = seed;
	mac_table_init(&s->macs);
	for (unsigned i = 0; i <= VSWITCH_PORTS; i++) {
		s->port[i] = (struct port){.s = s, .index = i, .watch = {.fd = -1}};
		frame_list_init(&s->port[i].waiting, VSWITCH_WAIT_MAX);
	}
	s->listener =
		(struct loop_fd){.fn = on_connect, .arg = s, .fd = listen_fd, .events = EPOLLIN};
	s->age = (struct loop_timer){.fn = on_age, .arg = s};
	ret = loop_fd_add(loop, &s->listener);
	if (!ret && uplink)
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
	loop_timer_cancel(&s->age);
	for (unsigned i = 1; i <= VSWITCH_PORTS; i++)
		if (s->port[i].watch.fd >= 0)
			close_port(&s->port[i]);
	loop_fd_del(&s->listener);
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
		n += s->port[i].greeted;
	return n;
}
