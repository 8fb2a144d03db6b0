/* SPDX-License-Identifier: MIT */
/*
 * Records gather in a buffer, which is written when it is full, or a second after it got its first
 * one. Every write ends at the end of a record, so a file that could not take all of it is cut back
 * to the last whole record and stays readable.
 *
 * A frame for the guest is recorded when the guest takes it: one that is refused comes again.
 */
#include "backend/net_pcap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/net.h"
#include "backend/pcap_format.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/loop.h"

#define FLUSH_NS    1000000000ull
#define BUFFER_SIZE (256u << 10)

struct net_pcap {
	struct net net;
	struct net *inner;
	char *path;
	int fd;            /* -1: recording has ended */
	off_t length;      /* of the file */
	size_t used;       /* of the buffer */
	struct loop *loop; /* NULL: that of each queue */
	struct loop_timer timer;
	bool timing;
	uint8_t buffer[BUFFER_SIZE];
};

struct pcap_queue {
	struct net_queue queue;
	struct net_queue *below;
	struct net_pcap *p;
	struct loop *loop;
	const struct net_user_ops *ops;
	void *user;
	size_t header; /* in front of each frame */
};

static struct pcap_queue *queue_of(struct net_queue *nq)
{
	return container_of(nq, struct pcap_queue, queue);
}

/* ---- writing ---- */

/* How much of the first n bytes of the buffer is whole records. */
static size_t whole_records(const struct net_pcap *p, size_t n)
{
	size_t at = 0;

	while (at + sizeof(struct pcap_record) <= n) {
		struct pcap_record r;

		memcpy(&r, p->buffer + at, sizeof(r));
		if (at + sizeof(r) + r.len > n)
			break;
		at += sizeof(r) + r.len;
	}
	return at;
}

static void give_up(struct net_pcap *p, size_t written, int code)
{
	log_warn("--net pcap=%s: %s; the recording ends here, the network goes on", p->path,
		 strerror(code));
	if (ftruncate(p->fd, p->length + (off_t)whole_records(p, written)))
		log_warn("--net pcap=%s: its last frame is not whole", p->path);
	fd_close(&p->fd);
}

static void flush(struct net_pcap *p)
{
	size_t at = 0;

	while (p->fd >= 0 && at < p->used) {
		ssize_t n = write(p->fd, p->buffer + at, p->used - at);

		if (n > 0)
			at += (size_t)n;
		else if (!n || errno != EINTR)
			give_up(p, at, n ? errno : ENOSPC);
	}
	p->length += (off_t)at;
	p->used = 0;
	if (p->timing)
		loop_timer_cancel(&p->timer);
	p->timing = false;
}

static void on_timer(struct loop_timer *t)
{
	struct net_pcap *p = t->arg;

	p->timing = false;
	flush(p);
}

/* A frame, behind `header` bytes. */
static void record(struct net_pcap *p, struct loop *loop, const struct iovec *iov, unsigned n,
		   size_t header)
{
	size_t len = iov_len(iov, n);
	struct pcap_record r;
	struct timespec now;

	if (p->fd < 0 || len <= header || len - header > NET_FRAME_MAX)
		return;
	len -= header;
	if (p->used + sizeof(r) + len > sizeof(p->buffer))
		flush(p);
	clock_gettime(CLOCK_REALTIME, &now);
	r = (struct pcap_record){.s = (uint32_t)now.tv_sec,
				 .ns = (uint32_t)now.tv_nsec,
				 .len = (uint32_t)len,
				 .full = (uint32_t)len};
	memcpy(p->buffer + p->used, &r, sizeof(r));
	(void)iov_to_buf(iov, n, header, p->buffer + p->used + sizeof(r), len);
	p->used += sizeof(r) + len;
	if (!p->timing)
		loop_timer_arm(loop, &p->timer, loop_now(loop) + FLUSH_NS);
	p->timing = true;
}

/* ---- the queue ---- */

static int pcap_send(struct net_queue *nq, const struct iovec *iov, unsigned n)
{
	struct pcap_queue *q = queue_of(nq);

	record(q->p, q->loop, iov, n, q->header);
	return q->below->ops->send(q->below, iov, n);
}

static bool below_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct pcap_queue *q = user;

	if (!q->ops->recv(q->user, iov, n))
		return false;
	record(q->p, q->loop, iov, n, q->header);
	return true;
}

static const struct net_user_ops below_ops = {.recv = below_recv};

static void pcap_want_recv(struct net_queue *nq, bool want)
{
	struct pcap_queue *q = queue_of(nq);

	q->below->ops->want_recv(q->below, want);
}

static void pcap_set_offloads(struct net_queue *nq, unsigned offloads)
{
	struct pcap_queue *q = queue_of(nq);

	q->header = offloads ? sizeof(struct net_header) : 0;
	q->below->ops->set_offloads(q->below, offloads);
}

static void pcap_set_active(struct net_queue *nq, bool active)
{
	struct pcap_queue *q = queue_of(nq);

	if (q->below->ops->set_active)
		q->below->ops->set_active(q->below, active);
}

static void pcap_close(struct net_queue *nq)
{
	struct pcap_queue *q = queue_of(nq);

	q->below->ops->close(q->below);
	flush(q->p);
	free(q);
}

static const struct net_queue_ops pcap_queue_ops = {
	.send = pcap_send,
	.want_recv = pcap_want_recv,
	.set_offloads = pcap_set_offloads,
	.set_active = pcap_set_active,
	.close = pcap_close,
};

static int pcap_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			   void *user, struct net_queue **out)
{
	struct net_pcap *p = container_of(net, struct net_pcap, net);
	struct pcap_queue *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return -ENOMEM;
	*q = (struct pcap_queue){.queue = {.ops = &pcap_queue_ops, .net = net},
				 .p = p,
				 .loop = loop,
				 .ops = ops,
				 .user = user};
	ret = p->inner->ops->open_queue(p->inner, loop, &below_ops, q, &q->below);
	if (ret) {
		free(q);
		return ret;
	}
	*out = &q->queue;
	return 0;
}

/* ---- the net ---- */

static void release(struct net_pcap *p)
{
	fd_close(&p->fd);
	free(p->path);
	free(p);
}

static void pcap_free(struct net *net)
{
	struct net_pcap *p = container_of(net, struct net_pcap, net);

	p->inner->ops->free(p->inner);
	release(p);
}

static const struct net_ops pcap_ops = {
	.open_queue = pcap_open_queue,
	.free = pcap_free,
};

static int open_file(struct net_pcap *p, struct err *e)
{
	const struct pcap_file_header h = {.magic = PCAP_MAGIC_NS,
					   .major = PCAP_MAJOR,
					   .minor = PCAP_MINOR,
					   .packet_max = NET_FRAME_MAX,
					   .link_type = PCAP_ETHERNET};
	struct stat st;

	/* Not blocking, so that a pipe that nobody reads is found out. */
	p->fd = open(p->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0600);
	if (p->fd < 0)
		return err_set(e, -errno, "--net pcap=%s: %s; see to the path", p->path,
			       strerror(errno));
	if (fstat(p->fd, &st) || !S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "--net pcap=%s: is no regular file; name one", p->path);
	if (write(p->fd, &h, sizeof(h)) != sizeof(h))
		return err_set(e, -ENOSPC, "--net pcap=%s: cannot be written: %s", p->path,
			       strerror(errno));
	p->length = sizeof(h);
	return 0;
}

/* A file with its beginning. */
static int make(const char *path, struct net_pcap **out, struct err *e)
{
	struct net_pcap *p = calloc(1, sizeof(*p));
	int ret;

	if (!p) {
		err_set(e, -ENOMEM, "--net pcap=%s: out of memory", path);
		return -ENOMEM;
	}
	p->fd = -1;
	p->timer = (struct loop_timer){.fn = on_timer, .arg = p};
	p->path = strdup(path);
	ret = p->path ? open_file(p, e) : err_set(e, -ENOMEM, "--net pcap=%s: out of memory", path);
	if (ret)
		release(p);
	else
		*out = p;
	return ret;
}

int net_pcap_new(struct net *inner, const char *path, struct net **out, struct err *e)
{
	struct net_pcap *p;
	int ret = make(path, &p, e);

	if (ret)
		return ret;
	p->inner = inner;
	p->net = *inner;
	p->net.ops = &pcap_ops;
	/* One file, one buffer. */
	p->net.single_loop = true;
	p->net.split = false;
	*out = &p->net;
	return 0;
}

/* ---- without a network ---- */

int net_pcap_open(const char *path, struct loop *loop, struct net_pcap **out, struct err *e)
{
	int ret = make(path, out, e);

	if (!ret)
		(*out)->loop = loop;
	return ret;
}

void net_pcap_record(struct net_pcap *p, const struct iovec *iov, unsigned n)
{
	record(p, p->loop, iov, n, 0);
}

void net_pcap_close(struct net_pcap *p)
{
	flush(p);
	release(p);
}
