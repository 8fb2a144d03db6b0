/* SPDX-License-Identifier: MIT */
/*
 * A message goes out by one sendmsg(), with its descriptors: it is a few hundred bytes at most, and
 * a back end whose socket is too full for it has stopped reading, which is an error. A reply comes
 * in as it comes: header, then payload, into one fixed buffer, by recvmsg() so that descriptors
 * that nobody asked for are seen, and closed.
 *
 * Watched, at most one reply is under way at a time; who has more to ask waits for it. An error in
 * sending shuts the socket down, so that the end is always found in one place, the loop's callback.
 */
#include "remote/vu_conn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fd_pass.h"

#define MS 1000000ull

void vu_conn_init(struct vu_conn *c, int fd)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
}

void vu_conn_fini(struct vu_conn *c)
{
	loop_timer_cancel(&c->timer);
	loop_fd_del(&c->watch);
	fd_close(&c->fd);
}

/* ---- out ---- */

static int send_message(struct vu_conn *c, const struct vu_request *r)
{
	struct vu_header h = {.request = r->request,
			      .flags = VU_VERSION | (r->need_reply ? VU_NEED_REPLY : 0),
			      .size = (uint32_t)r->len};
	const struct iovec iov[2] = {
		{.iov_base = &h, .iov_len = sizeof(h)},
		{.iov_base = (void *)(uintptr_t)r->payload, .iov_len = r->len}};
	ssize_t n;

	if (c->fd < 0)
		return -ENOTCONN;
	n = fd_pass_send(c->fd, iov, 2, r->fds, r->n_fds);
	if (n < 0)
		return (int)n;
	return (size_t)n == sizeof(h) + r->len ? 0 : -ENOBUFS;
}

/* ---- in ---- */

/* Reads up to len bytes: how many; -EAGAIN, -ECONNRESET at the end, -EPROTO with descriptors. */
static ssize_t receive(struct vu_conn *c, void *buf, size_t len)
{
	unsigned n_fds = 0;
	ssize_t n = fd_pass_recv(c->fd, buf, len, NULL, 0, &n_fds);

	return n ? n : -ECONNRESET;
}

/* Whether the header is that of the reply to `request` with a payload of len bytes. */
static bool header_fits(const struct vu_header *h, uint32_t request, size_t len)
{
	return h->request == request && (h->flags & VU_VERSION_MASK) == VU_VERSION &&
	       h->flags & VU_REPLY && h->size == len;
}

/* Goes on with the reply under way: 1 when it is complete, 0 when more has to come, or -errno as
 * receive(). */
static int read_reply(struct vu_conn *c, uint32_t request, size_t len)
{
	ssize_t n;

	while (c->have < sizeof(c->header) + len) {
		if (c->have < sizeof(c->header))
			n = receive(c, (uint8_t *)&c->header + c->have,
				    sizeof(c->header) - c->have);
		else
			n = receive(c, (uint8_t *)&c->payload + (c->have - sizeof(c->header)),
				    len - (c->have - sizeof(c->header)));
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		c->have += (size_t)n;
		if (c->have >= sizeof(c->header) && !header_fits(&c->header, request, len))
			return -EPROTO;
	}
	c->have = 0;
	return 1;
}

/* ---- waiting for each reply ---- */

static int wait_reply(struct vu_conn *c, uint32_t request, size_t len)
{
	uint64_t deadline = host_now_ns() + VU_TIMEOUT_MS * MS;
	int r;

	while ((r = read_reply(c, request, len)) == 0) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		uint64_t now = host_now_ns();

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((deadline - now) / MS) + 1) < 0 && errno != EINTR)
			return -errno;
	}
	return r < 0 ? r : 0;
}

int vu_call(struct vu_conn *c, const struct vu_request *r, union vu_payload *reply)
{
	size_t len = r->need_reply ? sizeof(uint64_t) : r->reply_len;
	int ret = send_message(c, r);

	if (ret || !len)
		return ret;
	ret = wait_reply(c, r->request, len);
	if (ret)
		return ret;
	if (r->need_reply)
		return c->payload.u64 ? -EREMOTEIO : 0;
	memcpy(reply, &c->payload, len);
	return 0;
}

/* ---- on the loop ---- */

static void conn_end(struct vu_conn *c, const char *why)
{
	vu_conn_fini(c);
	c->waiting = false;
	c->ended(c->arg, why);
}

static void conn_event(struct loop_fd *w, uint32_t events)
{
	struct vu_conn *c = w->arg;
	uint8_t byte;
	int r;

	if (!c->waiting) {
		r = (int)receive(c, &byte, 1);
		if (r != -EAGAIN)
			conn_end(c, r == -ECONNRESET ? "the back end has ended"
						     : "the back end says what nobody asked for");
		return;
	}
	r = read_reply(c, c->expected, c->expected_len);
	if (r > 0) {
		c->waiting = false;
		loop_timer_cancel(&c->timer);
		c->reply(c->arg, &c->payload);
	} else if (r < 0) {
		conn_end(c,
			 r == -EPROTO ? "the back end answers wrongly" : "the back end has ended");
	}
}

static void conn_overdue(struct loop_timer *t)
{
	conn_end(t->arg, "the back end does not answer");
}

int vu_conn_watch(struct vu_conn *c, struct loop *loop,
		  void (*reply)(void *arg, const union vu_payload *p),
		  void (*ended)(void *arg, const char *why), void *arg)
{
	c->reply = reply;
	c->ended = ended;
	c->arg = arg;
	c->timer = (struct loop_timer){.fn = conn_overdue, .arg = c};
	c->watch = (struct loop_fd){.fn = conn_event, .arg = c, .fd = c->fd, .events = EPOLLIN};
	return loop_fd_add(loop, &c->watch);
}

int vu_ask(struct vu_conn *c, const struct vu_request *r)
{
	int ret = send_message(c, r);

	if (ret) {
		if (c->fd >= 0)
			(void)shutdown(c->fd, SHUT_RDWR);
		return ret;
	}
	if (r->reply_len) {
		c->waiting = true;
		c->expected = r->request;
		c->expected_len = r->reply_len;
		loop_timer_arm(c->watch.loop, &c->timer,
			       loop_now(c->watch.loop) + VU_TIMEOUT_MS * MS);
	}
	return 0;
}
