/* SPDX-License-Identifier: MIT */
/*
 * Receiving: the buffer holds a part of the stream. Frames are taken from its front; when there is
 * no whole one left, it is filled again. A frame that the guest has no room for stays there, and
 * the socket is not watched until the guest wants frames again.
 *
 * Sending: at once, if nothing waits; what the socket does not take waits in a list. Of a frame the
 * socket may take a part: the rest of it waits in front of all others.
 */
#include "backend/net_passt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "backend/frame_list.h"
#include "backend/net.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/unix_socket.h"

#define BATCH       64u
#define PARTS_MAX   600u
#define LENGTH      4u /* in front of a frame */
#define ETHERNET    14u
#define BUFFER_SIZE ((size_t)2 * (LENGTH + NET_FRAME_MAX))
#define WAIT_MAX    (4u << 20)

struct net_passt {
	struct net net;
	int fd;
	bool gone;
	char *path;

	/* The one queue; loop is NULL while there is none. */
	struct net_queue queue;
	struct loop *loop;
	const struct net_user_ops *ops;
	void *user;
	struct loop_fd watch;
	struct loop_task task; /* delivers what was kept */
	bool wanted;
	struct frame_list waiting; /* to be sent */
	size_t at, end;            /* of what is left in the buffer */
	uint8_t buffer[BUFFER_SIZE];
};

static struct net_passt *passt_of(struct net_queue *nq)
{
	return container_of(nq, struct net_passt, queue);
}

static void watch(struct net_passt *s)
{
	uint32_t events = (s->wanted ? EPOLLIN : 0u) | (s->waiting.first ? EPOLLOUT : 0u);

	loop_fd_set(&s->watch, s->gone ? 0 : events);
}

static void lose_peer(struct net_passt *s, const char *why)
{
	if (!s->gone)
		log_warn("--net passt,socket=%s: %s; the guest's frames are lost from now on",
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

/* The next whole frame. False: there is none (yet). */
static bool stream_frame(struct net_passt *s, uint8_t **frame, size_t *len)
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

/* More of the stream behind what is left. False: nothing came. */
static bool fill(struct net_passt *s)
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

static bool give(struct net_passt *s, const struct iovec *iov, unsigned n)
{
	if (s->ops->recv(s->user, iov, n))
		return true;
	s->wanted = false;
	return false;
}

/* One frame to the user. False: there is none, or no room. */
static bool step(struct net_passt *s)
{
	struct iovec iov;
	uint8_t *frame;
	size_t len;

	if (s->gone)
		return false;
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

static void receive(struct net_passt *s)
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
static ssize_t send_parts(struct net_passt *s, const struct iovec *iov, unsigned n)
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
static int send_framed(struct net_passt *s, const struct iovec *iov, unsigned n)
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

static void send_waiting(struct net_passt *s)
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

static int passt_send(struct net_queue *nq, const struct iovec *iov, unsigned n)
{
	struct net_passt *s = passt_of(nq);
	size_t len = iov_len(iov, n);
	struct iovec framed[PARTS_MAX + 1];
	uint8_t front[LENGTH];

	if (s->gone)
		return -ENOTCONN;
	if (len < ETHERNET)
		return -EINVAL;
	if (len > NET_FRAME_MAX || n > PARTS_MAX)
		return -EMSGSIZE;
	for (unsigned i = 0; i < LENGTH; i++)
		front[i] = (uint8_t)(len >> 8 * (LENGTH - 1 - i));
	framed[0] = (struct iovec){front, LENGTH};
	memcpy(framed + 1, iov, n * sizeof(*iov));
	return send_framed(s, framed, n + 1);
}

/* ---- the queue ---- */

static void on_socket(struct loop_fd *w, uint32_t events)
{
	struct net_passt *s = w->arg;

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

static void passt_want_recv(struct net_queue *nq, bool want)
{
	struct net_passt *s = passt_of(nq);

	s->wanted = want;
	if (want && s->end > s->at)
		loop_post(s->loop, &s->task);
	watch(s);
}

static void passt_close(struct net_queue *nq)
{
	struct net_passt *s = passt_of(nq);

	loop_fd_del(&s->watch);
	loop_task_cancel(s->loop, &s->task);
	s->loop = NULL;
	s->wanted = false;
}

static const struct net_queue_ops passt_queue_ops = {
	.send = passt_send,
	.want_recv = passt_want_recv,
	.close = passt_close,
};

static int passt_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			    void *user, struct net_queue **out)
{
	struct net_passt *s = container_of(net, struct net_passt, net);
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
	s->queue = (struct net_queue){.ops = &passt_queue_ops, .net = net};
	watch(s); /* what waits from before */
	*out = &s->queue;
	return 0;
}

static void passt_free(struct net *net)
{
	struct net_passt *s = container_of(net, struct net_passt, net);

	assert(!s->loop);
	frame_list_clear(&s->waiting);
	fd_close(&s->fd);
	free(s->path);
	free(s);
}

static const struct net_ops passt_ops = {
	.open_queue = passt_open_queue,
	.free = passt_free,
};

/* ---- opening ---- */

static int refused(const char *path, int code, struct err *e)
{
	const char *cure = "see to the path";

	if (code == -ENOENT || code == -ECONNREFUSED)
		cure = "nobody listens there; start passt(1) with --socket";
	else if (code == -EPROTOTYPE)
		cure = "this is no stream";
	return err_set(e, code, "--net passt,socket=%s: %s; %s", path, strerror(-code), cure);
}

int net_passt_open(const char *path, struct net **out, struct err *e)
{
	struct net_passt *s = calloc(1, sizeof(*s));
	int ret = -ENOMEM;

	if (!s)
		return err_set(e, ret, "--net passt,socket=%s: out of memory", path);
	s->net = (struct net){.ops = &passt_ops, .single_loop = true};
	frame_list_init(&s->waiting, WAIT_MAX);
	s->fd = -1;
	s->path = strdup(path);
	if (!s->path) {
		ret = err_set(e, ret, "--net passt,socket=%s: out of memory", path);
		goto fail;
	}
	s->fd = unix_socket_connect(path, SOCK_STREAM);
	if (s->fd < 0) {
		ret = refused(path, s->fd, e);
		s->fd = -1;
		goto fail;
	}
	*out = &s->net;
	return 0;
fail:
	passt_free(&s->net);
	return ret;
}
