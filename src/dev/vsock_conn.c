/* SPDX-License-Identifier: MIT */
/*
 * From the guest: straight to the socket while nothing waits, else through the ring buffer. The
 * guest may only send what the buffer has room for, so what the socket refuses always fits. It is
 * told of new room when it knows of less than half the buffer: often enough never to stand still,
 * and seldom enough not to pay a packet for a packet.
 *
 * To the guest: the socket is read when a packet can be sent, into that packet, so nothing is kept
 * on that way and a slow guest slows its peer down.
 *
 * Ends. A socket's end of file may be half a close; it is a whole one when the socket also hangs
 * up. What the guest has sent before its own end is passed on before the socket hears of that end.
 */
#include "dev/vsock_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/bits.h"
#include "base/fd.h"
#include "base/iov.h"

#define COMMAND_MAX 24u /* "CONNECT 4294967295\n" */

int vsock_conn_new(int fd, struct vsock_conn **out)
{
	struct vsock_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->buffer = malloc(VSOCK_BUFFER);
	if (!c->buffer) {
		free(c);
		return -ENOMEM;
	}
	c->fd = fd;
	*out = c;
	return 0;
}

void vsock_conn_free(struct vsock_conn *c)
{
	loop_timer_cancel(&c->timer);
	loop_fd_del(&c->watch);
	fd_close(&c->fd);
	free(c->buffer);
	free(c);
}

/* Byte by byte, since nothing behind the line may be taken. */
int vsock_conn_command(struct vsock_conn *c, uint32_t *port)
{
	char *line = (char *)c->buffer, *end;
	unsigned long value;

	do {
		ssize_t n = recv(c->fd, line + c->fill, 1, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -ECONNRESET;
		if (++c->fill == COMMAND_MAX)
			return -EPROTO;
	} while (line[c->fill - 1] != '\n');
	line[c->fill - 1] = '\0';
	if (strncmp(line, "CONNECT ", 8) || line[8] < '0' || line[8] > '9')
		return -EPROTO;
	value = strtoul(line + 8, &end, 10);
	if (end != line + c->fill - 1 || value > UINT32_MAX)
		return -EPROTO;
	c->fill = 0;
	*port = (uint32_t)value;
	return 1;
}

uint32_t vsock_conn_room(const struct vsock_conn *c)
{
	uint32_t on_its_way = c->sent - c->peer_fwd;

	return on_its_way < c->peer_alloc ? c->peer_alloc - on_its_way : 0;
}

static ssize_t send_parts(int fd, struct iovec *iov, unsigned n)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};
	ssize_t done;

	do {
		done = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EAGAIN ? 0 : -errno;
	return done;
}

static void forwarded(struct vsock_conn *c, uint32_t n)
{
	c->forwarded += n;
	/* What the guest takes for our free room, if it has sent all that we have received. */
	if (n && VSOCK_BUFFER - (c->received - c->told_forwarded) < VSOCK_BUFFER / 2)
		c->tell |= VSOCK_TELL_CREDIT;
}

/* Behind the last byte the socket hears of the guest's end. */
static void maybe_finish(struct vsock_conn *c)
{
	if (c->fill)
		return;
	if (c->guest_shut & VSOCK_SHUT_SEND)
		(void)shutdown(c->fd, SHUT_WR);
	if (c->guest_shut == VSOCK_SHUT_BOTH)
		c->tell |= VSOCK_TELL_RESET;
}

void vsock_conn_pass_on(struct vsock_conn *c)
{
	uint32_t at = c->head % VSOCK_BUFFER;
	uint32_t first = (uint32_t)min_u64(c->fill, VSOCK_BUFFER - at);
	struct iovec iov[2] = {{.iov_base = c->buffer + at, .iov_len = first},
			       {.iov_base = c->buffer, .iov_len = c->fill - first}};
	ssize_t n;

	if (!c->fill)
		return;
	n = send_parts(c->fd, iov, 2);
	if (n < 0) {
		c->tell |= VSOCK_TELL_RESET;
		return;
	}
	c->head += (uint32_t)n;
	c->fill -= (uint32_t)n;
	forwarded(c, (uint32_t)n);
	maybe_finish(c);
}

static void keep(struct vsock_conn *c, const struct iovec *iov, unsigned n, size_t offset,
		 uint32_t len)
{
	uint32_t at = (c->head + c->fill) % VSOCK_BUFFER;
	uint32_t first = (uint32_t)min_u64(len, VSOCK_BUFFER - at);

	iov_to_buf(iov, n, offset, c->buffer + at, first);
	iov_to_buf(iov, n, offset + first, c->buffer, len - first);
	c->fill += len;
}

bool vsock_conn_take(struct vsock_conn *c, const struct iovec *iov, unsigned n, uint32_t len)
{
	struct iovec part[64];
	unsigned n_parts;
	ssize_t done = 0;

	if (c->tell & VSOCK_TELL_RESET)
		return true; /* it is over: bytes behind a gap are of no use */
	if (c->guest_shut & VSOCK_SHUT_SEND || len > VSOCK_BUFFER - (c->received - c->forwarded))
		return false;
	c->received += len;
	n_parts = c->fill ? 0 : iov_slice(part, ARRAY_SIZE(part), iov, n, 0, len);
	if (n_parts)
		done = send_parts(c->fd, part, n_parts);
	if (done < 0) {
		/* Nobody listens on the other side. */
		c->tell |= VSOCK_TELL_RESET;
		return true;
	}
	keep(c, iov, n, (size_t)done, len - (uint32_t)done);
	forwarded(c, (uint32_t)done);
	return true;
}

static void host_ends(struct vsock_conn *c)
{
	struct pollfd p = {.fd = c->fd};

	c->readable = false;
	c->host_ended = true;
	c->host_shut = VSOCK_SHUT_SEND;
	if (poll(&p, 1, 0) > 0 && p.revents & POLLHUP)
		c->host_shut = VSOCK_SHUT_BOTH;
	c->tell |= VSOCK_TELL_SHUTDOWN;
}

uint32_t vsock_conn_read(struct vsock_conn *c, const struct iovec *iov, unsigned n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n};
	ssize_t got;

	do {
		got = recvmsg(c->fd, &m, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		c->sent += (uint32_t)got;
		return (uint32_t)got;
	}
	c->readable = false;
	if (!got)
		host_ends(c);
	else if (errno != EAGAIN)
		c->tell |= VSOCK_TELL_RESET;
	return 0;
}

void vsock_conn_shutdown(struct vsock_conn *c, unsigned flags)
{
	c->guest_shut |= flags & VSOCK_SHUT_BOTH;
	if (c->guest_shut & VSOCK_SHUT_RECEIVE)
		c->readable = false;
	maybe_finish(c);
}

bool vsock_conn_has_news(const struct vsock_conn *c)
{
	if (c->tell)
		return true;
	return c->state == VSOCK_OPEN && c->readable && vsock_conn_room(c);
}

uint32_t vsock_conn_events(const struct vsock_conn *c)
{
	uint32_t events = c->fill ? EPOLLOUT : 0;

	if (c->state == VSOCK_ASKING)
		return EPOLLIN;
	if (c->state == VSOCK_OPEN && !c->readable && !c->host_ended &&
	    !(c->guest_shut & VSOCK_SHUT_RECEIVE))
		events |= EPOLLIN;
	return events;
}
