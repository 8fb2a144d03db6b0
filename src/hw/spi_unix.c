/* SPDX-License-Identifier: MIT */
/*
 * All on the loop but select, which leaves a note for it. A burst is one message out and one in;
 * whatever goes wrong ends in lose(), which closes the socket and answers what is under way as if
 * nobody were there.
 */
#include "hw/spi_unix.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/unix_socket.h"
#include "hw/spi_bus.h"

#define MESSAGE_MAX (SPI_UNIX_HEADER + 2 * SPI_UNIX_FRAMES)
#define REPORTS_MAX 16u

struct spi_unix {
	struct spi_part part;
	struct loop *loop;
	const char *path;
	int fd; /* -1: nobody is there */
	struct loop_fd watch;
	struct loop_timer timer;
	struct loop_task task;   /* tells of the end */
	atomic_bool fell, ended; /* of the select: to be told */
	struct spi_burst *burst; /* under way, or NULL */
	struct log_limit limit;
};

static void finish(struct spi_unix *u)
{
	struct spi_burst *b = u->burst;

	loop_timer_cancel(&u->timer);
	u->burst = NULL;
	if (b)
		b->done(b);
}

static void lose(struct spi_unix *u, const char *why)
{
	log_warn_limited(&u->limit, REPORTS_MAX,
			 "--spi unix:%s: %s; it is taken off until the next transfer", u->path,
			 why);
	loop_fd_del(&u->watch);
	fd_close(&u->fd);
	for (unsigned i = 0; u->burst && i < u->burst->n; i++)
		u->burst->data[i] = UINT16_MAX;
	finish(u);
}

static void answered(struct spi_unix *u)
{
	uint8_t message[MESSAGE_MAX + 1];
	ssize_t n = recv(u->fd, message, sizeof(message), MSG_DONTWAIT);
	struct spi_burst *b = u->burst;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(u, "its program has gone");
		return;
	}
	if (!b || (size_t)n != SPI_UNIX_HEADER + 2 * b->n || message[0] != SPI_UNIX_TRANSFER) {
		lose(u, "its program answered what was not asked");
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		const uint8_t *frame = message + SPI_UNIX_HEADER + 2 * i;

		b->data[i] = (uint16_t)(frame[0] | frame[1] << 8);
	}
	finish(u);
}

static void readable(struct loop_fd *w, uint32_t events)
{
	answered(w->arg);
}

static void timed_out(struct loop_timer *t)
{
	lose(t->arg, "its program does not answer");
}

static int connect_peer(struct spi_unix *u)
{
	int fd = unix_socket_connect(u->path, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC), ret;

	if (fd < 0)
		return fd;
	u->fd = fd;
	u->watch.fd = fd;
	ret = loop_fd_add(u->loop, &u->watch);
	if (ret)
		fd_close(&u->fd);
	return ret;
}

static bool send_message(struct spi_unix *u, const uint8_t *message, size_t len)
{
	if (send(u->fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		return true;
	lose(u, "its program does not take what is sent");
	return false;
}

static bool tell_end(struct spi_unix *u)
{
	static const uint8_t message[SPI_UNIX_HEADER] = {SPI_UNIX_END};

	if (!atomic_exchange(&u->ended, false) || u->fd < 0)
		return u->fd >= 0;
	return send_message(u, message, sizeof(message));
}

static void end_posted(struct loop_task *t)
{
	(void)tell_end(t->arg);
}

static int unix_select(struct spi_part *p, bool selected)
{
	struct spi_unix *u = container_of(p, struct spi_unix, part);

	if (selected) {
		atomic_store(&u->fell, true);
	} else {
		atomic_store(&u->ended, true);
		loop_post(u->loop, &u->task);
	}
	return SPI_RELEASE;
}

static void unix_burst(struct spi_part *p, struct spi_burst *b)
{
	struct spi_unix *u = container_of(p, struct spi_unix, part);
	uint8_t message[MESSAGE_MAX] = {SPI_UNIX_TRANSFER, (uint8_t)b->mode, (uint8_t)b->bits};

	for (unsigned i = 0; i < b->n; i++) {
		message[SPI_UNIX_HEADER + 2 * i] = (uint8_t)b->data[i];
		message[SPI_UNIX_HEADER + 2 * i + 1] = (uint8_t)(b->data[i] >> 8);
	}
	if (u->fd < 0 && connect_peer(u)) {
		u->burst = b;
		lose(u, "nobody listens there");
		return;
	}
	(void)tell_end(u);
	u->burst = b;
	if (u->fd < 0) {
		lose(u, "its program has gone");
		return;
	}
	message[3] = atomic_exchange(&u->fell, false);
	loop_timer_arm(u->loop, &u->timer, loop_now(u->loop) + SPI_UNIX_LIMIT_NS);
	(void)send_message(u, message, SPI_UNIX_HEADER + 2 * b->n);
}

static void unix_free(struct spi_part *p)
{
	struct spi_unix *u = container_of(p, struct spi_unix, part);

	loop_timer_cancel(&u->timer);
	loop_task_cancel(u->loop, &u->task);
	loop_fd_del(&u->watch);
	fd_close(&u->fd);
	free(u);
}

static const struct spi_part_ops unix_ops = {
	.select = unix_select, .burst = unix_burst, .free = unix_free};

int spi_unix_new(struct loop *loop, const char *label, const char *path, struct spi_part **out,
		 struct err *e)
{
	struct spi_unix *u = calloc(1, sizeof(*u));
	int ret;

	if (!u)
		return err_set(e, -ENOMEM, "out of memory");
	u->loop = loop;
	u->path = path;
	u->fd = -1;
	u->watch = (struct loop_fd){.fn = readable, .arg = u, .events = EPOLLIN};
	u->timer = (struct loop_timer){.fn = timed_out, .arg = u};
	u->task = (struct loop_task){.fn = end_posted, .arg = u};
	u->part.ops = &unix_ops;
	snprintf(u->part.name, sizeof(u->part.name), "unix");
	ret = connect_peer(u);
	if (ret) {
		err_set(e, ret,
			"%s:%s: %s; start the program that plays the part first, with a socket of "
			"type SOCK_SEQPACKET",
			label, path, strerror(-ret));
		free(u);
		return ret;
	}
	*out = &u->part;
	return 0;
}
