/* SPDX-License-Identifier: MIT */
/*
 * Output goes through a ring: without a client it overwrites its oldest bytes, with one it fills
 * up and then holds the writer up. It is written at the end of a round, so that a UART that sends
 * byte by byte does not cost a system call for each.
 *
 * Input is read ahead, into a small buffer, whether it is wanted or not: that is how the end of a
 * client shows although the guest takes no input. What reports an error or the end is a client
 * that has left; which of the two it was makes no difference here.
 */
#include "backend/chr_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fd.h"

static void watch(struct chr_client *c)
{
	if (c->present)
		loop_fd_set(&c->watch, (c->in_len < sizeof(c->in) ? EPOLLIN : 0u) |
					       (c->out_len ? EPOLLOUT : 0u));
}

static void client_left(struct chr_client *c)
{
	loop_fd_del(&c->watch);
	c->present = false;
	c->gone(c);
}

/* ---- output ---- */

/* Appends bytes to the ring, over the oldest ones if there is no room. */
static void keep(struct chr_client *c, const uint8_t *buf, size_t len)
{
	size_t end, n;

	if (len > sizeof(c->out)) {
		buf += len - sizeof(c->out);
		len = sizeof(c->out);
	}
	end = (c->out_start + c->out_len) % sizeof(c->out);
	n = (size_t)min_u64(len, sizeof(c->out) - end);
	memcpy(c->out + end, buf, n);
	memcpy(c->out, buf + n, len - n);
	c->out_len += len;
	if (c->out_len > sizeof(c->out)) {
		c->out_start = (end + len) % sizeof(c->out);
		c->out_len = sizeof(c->out);
	}
}

/* Writes what the client takes. False: it has left. */
static bool write_out(struct chr_client *c)
{
	struct iovec iov[2];
	ssize_t n;

	while (c->out_len) {
		size_t first = (size_t)min_u64(c->out_len, sizeof(c->out) - c->out_start);

		iov[0] = (struct iovec){c->out + c->out_start, first};
		iov[1] = (struct iovec){c->out, c->out_len - first};
		n = writev(c->watch.fd, iov, iov[1].iov_len ? 2 : 1);
		if (n > 0) {
			c->out_start = (c->out_start + (size_t)n) % sizeof(c->out);
			c->out_len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

static void flush_and_tell(struct chr_client *c)
{
	if (c->present && !write_out(c))
		client_left(c);
	if (c->starved && (!c->present || c->out_len < sizeof(c->out))) {
		c->starved = false;
		if (c->chr.user_ops)
			c->chr.user_ops->writable(c->chr.user);
	}
}

ssize_t chr_client_write(struct chr *chr, const uint8_t *buf, size_t len)
{
	struct chr_client *c = container_of(chr, struct chr_client, chr);
	size_t room = sizeof(c->out) - c->out_len;

	if (c->present && len > room) {
		len = room;
		c->starved = true;
	}
	keep(c, buf, len);
	/* With EPOLLOUT asked for already, its event does the rest. */
	if (c->present && !(c->watch.events & EPOLLOUT))
		loop_post(c->loop, &c->task);
	return (ssize_t)len;
}

/* ---- input ---- */

static void deliver_input(struct chr_client *c)
{
	const struct chr_user_ops *ops = c->chr.user_ops;
	size_t took;

	if (!c->in_len || !c->wanted || !ops)
		return;
	took = ops->input(c->chr.user, c->in, c->in_len);
	c->in_len -= took;
	memmove(c->in, c->in + took, c->in_len);
	if (c->in_len)
		c->wanted = false;
}

/* False: it has left. */
static bool read_in(struct chr_client *c)
{
	ssize_t n;

	if (c->in_len == sizeof(c->in))
		return true;
	n = read(c->watch.fd, c->in + c->in_len, sizeof(c->in) - c->in_len);
	if (n > 0)
		c->in_len += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void chr_client_want_input(struct chr *chr, bool want)
{
	struct chr_client *c = container_of(chr, struct chr_client, chr);

	c->wanted = want;
	if (want && c->in_len)
		loop_post(c->loop, &c->task);
}

/* ---- the client ---- */

static void on_event(struct loop_fd *w, uint32_t events)
{
	struct chr_client *c = w->arg;

	if ((events & ~(uint32_t)EPOLLOUT) && !read_in(c))
		client_left(c);
	deliver_input(c);
	flush_and_tell(c);
	watch(c);
}

static void on_task(struct loop_task *t)
{
	struct chr_client *c = t->arg;

	deliver_input(c);
	flush_and_tell(c);
	watch(c);
}

int chr_client_begin(struct chr_client *c, int fd)
{
	int ret;

	c->watch.fd = fd;
	c->watch.events = EPOLLIN;
	ret = loop_fd_add(c->loop, &c->watch);
	if (ret)
		return ret;
	c->present = true;
	watch(c);
	return 0;
}

int chr_client_flush(struct chr *chr, int timeout_ms)
{
	struct chr_client *c = container_of(chr, struct chr_client, chr);
	uint64_t end = host_now_ns() + (uint64_t)timeout_ms * 1000000;
	struct pollfd p = {.fd = c->watch.fd, .events = POLLOUT};

	while (c->present && c->out_len) {
		uint64_t now = host_now_ns();

		if (!write_out(c))
			return -EPIPE;
		if (!c->out_len)
			break;
		if (timeout_ms >= 0 && now >= end)
			return -ETIMEDOUT;
		if (poll(&p, 1, timeout_ms < 0 ? -1 : (int)((end - now) / 1000000 + 1)) < 0 &&
		    errno != EINTR)
			return -errno;
	}
	return 0;
}

void chr_client_init(struct chr_client *c, struct loop *loop, const struct chr_ops *ops,
		     void (*gone)(struct chr_client *c))
{
	c->chr.ops = ops;
	c->loop = loop;
	c->gone = gone;
	c->watch = (struct loop_fd){.fn = on_event, .arg = c, .fd = -1};
	c->task.fn = on_task;
	c->task.arg = c;
}

void chr_client_fini(struct chr_client *c)
{
	if (c->present)
		(void)write_out(c);
	loop_fd_del(&c->watch);
	loop_task_cancel(c->loop, &c->task);
}
