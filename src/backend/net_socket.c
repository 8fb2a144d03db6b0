/* SPDX-License-Identifier: MIT */
/*
 * The two framings differ in where a frame begins and ends, and in whether a header is in front of
 * it; the rest is common.
 *
 * Receiving: the buffer holds a part of the stream, or one message. Frames are taken from its
 * front; when there is no whole one left, it is filled again. A frame that the guest has no room
 * for stays there, and the socket is not watched until the guest wants frames again. Those made by
 * net_finish() out of one frame wait in a list, which comes first.
 *
 * Sending: at once, if nothing waits; what the socket does not take waits in a list. Of a stream's
 * frame the socket may take a part: the rest of it waits in front of all others.
 */
#include "backend/net_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "backend/frame_list.h"
#include "backend/net.h"
#include "backend/net_finish.h"
#include "backend/vswitch.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/unix_socket.h"

#define BATCH        64u
#define PARTS_MAX    600u
#define LENGTH       4u /* in front of a stream's frame */
#define ETHERNET     14u
#define HEADER       sizeof(struct net_header)
#define BUFFER_SIZE  ((size_t)2 * (LENGTH + NET_FRAME_MAX))
#define WAIT_MAX     (4u << 20)
#define HELLO_WAIT_S 20
#define ALL_OFFLOADS                                                             \
	(NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_SEND_TSO4 | NET_OFFLOAD_SEND_TSO6 | \
	 NET_OFFLOAD_SEND_USO | NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4 |  \
	 NET_OFFLOAD_RECV_TSO6 | NET_OFFLOAD_RECV_USO)

_Static_assert(BUFFER_SIZE > HEADER + NET_FRAME_MAX, "a message fits");

struct net_socket {
	struct net net;
	int fd;
	bool stream; /* else messages */
	bool gone;
	const char *kind; /* for messages: "passt,socket=" */
	char *path;

	/* The one queue; loop is NULL while there is none. */
	struct net_queue queue;
	struct loop *loop;
	const struct net_user_ops *ops;
	void *user;
	struct loop_fd watch;
	struct loop_task task; /* delivers what was kept */
	bool wanted;
	unsigned offloads;
	struct frame_list waiting, finished; /* to be sent; for the guest */
	size_t at, end;                      /* of what is left in the buffer */
	uint8_t buffer[BUFFER_SIZE];
};

static struct net_socket *socket_of(struct net_queue *nq)
{
	return container_of(nq, struct net_socket, queue);
}

static void watch(struct net_socket *s)
{
	uint32_t events = (s->wanted ? EPOLLIN : 0u) | (s->waiting.first ? EPOLLOUT : 0u);

	loop_fd_set(&s->watch, s->gone ? 0 : events);
}

static void lose_peer(struct net_socket *s, const char *why)
{
	if (!s->gone)
		log_warn("--net %s%s: %s; the guest's frames are lost from now on", s->kind,
			 s->path, why);
	s->gone = true;
	s->at = s->end = 0;
	frame_list_clear(&s->waiting);
}

/* ---- receiving ---- */

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The next whole frame of a stream. False: there is none (yet). */
static bool stream_frame(struct net_socket *s, uint8_t **frame, size_t *len)
{
	if (s->end - s->at < LENGTH)
		return false;
	*len = be32(s->buffer + s->at);
	if (*len < ETHERNET || *len > NET_FRAME_MAX) {
		lose_peer(s, "it sends a length that no frame has");
		return false;
	}
	*frame = s->buffer + s->at + LENGTH;
	return s->end - s->at >= LENGTH + *len;
}

/* More of the stream, or the next message, behind what is left. False: nothing came. */
static bool fill(struct net_socket *s)
{
	ssize_t n;

	memmove(s->buffer, s->buffer + s->at, s->end - s->at);
	s->end -= s->at;
	s->at = 0;
	do
		n = recv(s->fd, s->buffer + s->end, sizeof(s->buffer) - s->end, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		s->end += (size_t)n;
		return true;
	}
	if (!n)
		lose_peer(s, "the other side has gone");
	else if (errno != EAGAIN)
		lose_peer(s, strerror(errno));
	return false;
}

static bool give(struct net_socket *s, const struct iovec *iov, unsigned n)
{
	if (s->ops->recv(s->user, iov, n))
		return true;
	s->wanted = false;
	return false;
}

static void keep_finished(void *arg, const struct iovec *iov, unsigned n)
{
	struct net_socket *s = arg;
	struct net_header none = {0};
	struct iovec out[3] = {{&none, sizeof(none)}};

	memcpy(out + 1, iov, n * sizeof(*iov));
	(void)frame_list_add(&s->finished, out, n + 1, s->offloads ? 0 : HEADER);
}

/* Gives the user what waits in the list. False: no room, or closed. */
static bool give_finished(struct net_socket *s)
{
	struct frame *f;

	while (s->wanted && (f = frame_list_take(&s->finished))) {
		struct iovec iov = {f->bytes, f->len};

		if (!give(s, &iov, 1) && s->loop)
			frame_list_put_back(&s->finished, f);
		else
			free(f);
	}
	return s->wanted && s->loop;
}

/* A message from the switch. False: no room for it. */
static bool take_message(struct net_socket *s)
{
	uint8_t *m = s->buffer;
	size_t len = s->end;
	struct net_header h;
	struct iovec iov = {m, len};

	if (len < HEADER + ETHERNET || len > HEADER + NET_FRAME_MAX)
		return true;
	memcpy(&h, m, sizeof(h));
	if (net_finish_needed(&h, s->offloads)) {
		(void)net_finish(&h, m + HEADER, len - HEADER, keep_finished, s);
		s->end = 0;
		return give_finished(s);
	}
	if (!s->offloads)
		iov = (struct iovec){m + HEADER, len - HEADER};
	return give(s, &iov, 1);
}

/* One frame to the user. False: there is none, or no room. */
static bool step(struct net_socket *s)
{
	struct iovec iov;
	uint8_t *frame;
	size_t len;

	if (!give_finished(s) || s->gone)
		return false;
	if (!s->stream) {
		if ((!s->end && !fill(s)) || !take_message(s))
			return false;
		s->end = 0;
		return true;
	}
	while (!stream_frame(s, &frame, &len))
		if (s->gone || !fill(s))
			return false;
	iov = (struct iovec){frame, len};
	if (!give(s, &iov, 1))
		return false;
	if (!s->gone) /* nor lost meanwhile */
		s->at += LENGTH + len;
	return true;
}

static void receive(struct net_socket *s)
{
	unsigned i = 0;

	while (i < BATCH && s->wanted && s->loop && step(s))
		i++;
	if (!s->loop)
		return;
	/* What is in the buffer no watch would tell of. */
	if (i == BATCH)
		loop_post(s->loop, &s->task);
	watch(s);
}

/* ---- sending ---- */

/* How much of it was sent, or -errno. */
static ssize_t send_parts(struct net_socket *s, const struct iovec *iov, unsigned n)
{
	union {
		const struct iovec *in;
		struct iovec *out;
	} v = {.in = iov};
	const struct msghdr m = {.msg_iov = v.out, .msg_iovlen = n};
	ssize_t ret;

	do
		ret = sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/* Sends, or lets wait, a frame in its framing. */
static int send_framed(struct net_socket *s, const struct iovec *iov, unsigned n)
{
	ssize_t sent = s->waiting.first ? -EAGAIN : send_parts(s, iov, n);
	size_t skip = sent > 0 ? (size_t)sent : 0;

	if (sent < 0 && sent != -EAGAIN && sent != -ENOBUFS && sent != -ENOMEM) {
		lose_peer(s, strerror((int)-sent));
		watch(s);
		return (int)sent;
	}
	if (skip == iov_len(iov, n))
		return 0;
	if (!frame_list_add(&s->waiting, iov, n, skip)) {
		/* What a stream has begun it has to end. */
		if (skip)
			lose_peer(s, "out of memory");
		return -EAGAIN;
	}
	watch(s);
	return 0;
}

static void send_waiting(struct net_socket *s)
{
	struct frame *f;

	while ((f = frame_list_take(&s->waiting))) {
		struct iovec iov = {f->bytes, f->len};
		ssize_t sent = send_parts(s, &iov, 1);

		if (sent == -EAGAIN || sent == -ENOBUFS || sent == -ENOMEM)
			sent = 0;
		if (sent < 0) {
			free(f);
			lose_peer(s, strerror((int)-sent));
			return;
		}
		if ((size_t)sent < f->len) {
			memmove(f->bytes, f->bytes + sent, f->len - (size_t)sent);
			f->len -= (size_t)sent;
			frame_list_put_back(&s->waiting, f);
			return;
		}
		free(f);
	}
}

static int socket_send(struct net_queue *nq, const struct iovec *iov, unsigned n)
{
	struct net_socket *s = socket_of(nq);
	size_t len = iov_len(iov, n), header = s->offloads ? HEADER : 0;
	struct iovec framed[PARTS_MAX + 1];
	uint8_t front[HEADER] = {0}; /* a header that says nothing, or a length */

	if (s->gone)
		return -ENOTCONN;
	if (len < header + ETHERNET)
		return -EINVAL;
	if (len > header + NET_FRAME_MAX || n > PARTS_MAX)
		return -EMSGSIZE;
	if (header)
		return send_framed(s, iov, n);
	for (unsigned i = 0; s->stream && i < LENGTH; i++)
		front[i] = (uint8_t)(len >> 8 * (LENGTH - 1 - i));
	framed[0] = (struct iovec){front, s->stream ? LENGTH : HEADER};
	memcpy(framed + 1, iov, n * sizeof(*iov));
	return send_framed(s, framed, n + 1);
}

/* ---- the queue ---- */

static void on_socket(struct loop_fd *w, uint32_t events)
{
	struct net_socket *s = w->arg;

	if (events & EPOLLOUT)
		send_waiting(s);
	/* An end of it is found by reading. */
	if (events & ~(uint32_t)EPOLLOUT)
		receive(s);
	if (!s->loop)
		return;
	if ((events & (EPOLLHUP | EPOLLERR)) && !s->wanted)
		lose_peer(s, "the other side has gone");
	watch(s);
}

static void on_task(struct loop_task *t)
{
	receive(t->arg);
}

static void socket_want_recv(struct net_queue *nq, bool want)
{
	struct net_socket *s = socket_of(nq);

	s->wanted = want;
	if (want && (s->finished.first || s->end > s->at))
		loop_post(s->loop, &s->task);
	watch(s);
}

/* Frames that wait for the guest have the old form. */
static void socket_set_offloads(struct net_queue *nq, unsigned offloads)
{
	struct net_socket *s = socket_of(nq);

	s->offloads = offloads;
	frame_list_clear(&s->finished);
}

static void socket_close(struct net_queue *nq)
{
	struct net_socket *s = socket_of(nq);

	loop_fd_del(&s->watch);
	loop_task_cancel(s->loop, &s->task);
	frame_list_clear(&s->finished);
	s->loop = NULL;
	s->wanted = false;
	s->offloads = 0;
}

static const struct net_queue_ops packet_queue_ops = {
	.send = socket_send,
	.want_recv = socket_want_recv,
	.set_offloads = socket_set_offloads,
	.close = socket_close,
};

static int socket_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			     void *user, struct net_queue **out)
{
	struct net_socket *s = container_of(net, struct net_socket, net);
	int ret;

	if (s->loop)
		return -EBUSY;
	s->watch = (struct loop_fd){.fn = on_socket, .arg = s, .fd = s->fd};
	s->task.fn = on_task;
	s->task.arg = s;
	ret = loop_fd_add(loop, &s->watch);
	if (ret)
		return ret;
	s->loop = loop;
	s->ops = ops;
	s->user = user;
	s->queue = (struct net_queue){.ops = &packet_queue_ops, .net = net};
	watch(s); /* what waits from before */
	*out = &s->queue;
	return 0;
}

static void socket_free(struct net *net)
{
	struct net_socket *s = container_of(net, struct net_socket, net);

	assert(!s->loop);
	frame_list_clear(&s->waiting);
	fd_close(&s->fd);
	free(s->path);
	free(s);
}

static const struct net_ops socket_ops = {
	.open_queue = socket_open_queue,
	.free = socket_free,
};

/* ---- opening ---- */

static int refused(const struct net_socket *s, int code, struct err *e)
{
	const char *cure = "see to the path";

	if (code == -ENOENT || code == -ECONNREFUSED)
		cure = s->stream ? "nobody listens there; start passt(1) with --socket"
				 : "nobody listens there; start: linnet switch PATH";
	else if (code == -ETIMEDOUT)
		cure = "the switch does not answer; see whether it stands still";
	else if (code == -EPROTOTYPE)
		cure = s->stream ? "this is no stream" : "this is no switch of Linnet's";
	return err_set(e, code, "--net %s%s: %s; %s", s->kind, s->path, strerror(-code), cure);
}

/* 0, or -errno with a message; the net is freed then. */
static int open_socket(const char *kind, const char *path, int type, struct net_socket **out,
		       struct err *e)
{
	struct net_socket *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return err_set(e, -ENOMEM, "--net %s%s: out of memory", kind, path);
	s->net = (struct net){.ops = &socket_ops, .single_loop = true};
	s->kind = kind;
	s->stream = type == SOCK_STREAM;
	frame_list_init(&s->waiting, WAIT_MAX);
	frame_list_init(&s->finished, WAIT_MAX);
	s->fd = -1;
	s->path = strdup(path);
	if (!s->path) {
		ret = err_set(e, -ENOMEM, "--net %s%s: out of memory", kind, path);
		goto fail;
	}
	s->fd = unix_socket_connect(path, type);
	if (s->fd < 0) {
		ret = refused(s, s->fd, e);
		s->fd = -1;
		goto fail;
	}
	*out = s;
	return 0;
fail:
	socket_free(&s->net);
	return ret;
}

int net_passt_open(const char *path, struct net **out, struct err *e)
{
	struct net_socket *s = NULL;
	int ret = open_socket("passt,socket=", path, SOCK_STREAM, &s, e);

	if (s)
		*out = &s->net;
	return ret;
}

/* Says hello and waits, for a while, for the answer. */
static int say_hello(int fd, uint8_t mac[6])
{
	const struct timeval wait = {.tv_sec = HELLO_WAIT_S};
	struct vswitch_hello h = {.magic = VSWITCH_MAGIC, .version = VSWITCH_VERSION};
	ssize_t n;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    send(fd, &h, sizeof(h), MSG_NOSIGNAL) != sizeof(h))
		return -EPROTOTYPE;
	do
		n = recv(fd, &h, sizeof(h), MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -ETIMEDOUT;
	if (n != sizeof(h) || h.magic != VSWITCH_MAGIC || h.version != VSWITCH_VERSION ||
	    (h.mac[0] & 1))
		return -EPROTOTYPE;
	memcpy(mac, h.mac, sizeof(h.mac));
	return 0;
}

int net_switch_open(const char *path, struct net **out, uint8_t mac[6], struct err *e)
{
	struct net_socket *s = NULL;
	const int size = 1 << 20; /* the kernel has a limit of its own */
	int ret = open_socket("switch=", path, SOCK_SEQPACKET, &s, e);

	if (!s)
		return ret;
	s->net.offloads = ALL_OFFLOADS;
	(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ret = say_hello(s->fd, mac);
	if (ret) {
		ret = refused(s, ret, e);
		socket_free(&s->net);
		return ret;
	}
	*out = &s->net;
	return 0;
}
