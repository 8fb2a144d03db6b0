/* SPDX-License-Identifier: MIT */
/*
 * The kernel puts a struct virtio_net_hdr, which is our struct net_header, in front of each frame
 * in both directions (IFF_VNET_HDR), whether it says anything or not. So with offloads frames pass
 * as they are; without, the header is added or taken off here.
 *
 * When the guest has no room, the frame that was read is kept, the device is not watched any more,
 * and the rest waits in the kernel. A round reads at most BATCH frames, so that a flood does not
 * keep the loop from the guest's answers.
 *
 * Each queue is a descriptor of its own. The kernel gives a flow to the queue over which its frames
 * were last sent, and what it has not seen to any that is attached; those that are not active are
 * detached.
 */
#include "backend/net_tap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"

/* Linux 6.2; the headers may be older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TUN       "/dev/net/tun"
#define BATCH     64
#define HEADER    sizeof(struct net_header)
#define PARTS_MAX 600 /* of a frame that is sent without offloads */
#define ALL_OFFLOADS                                                             \
	(NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_SEND_TSO4 | NET_OFFLOAD_SEND_TSO6 | \
	 NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_RECV_TSO6)

_Static_assert(HEADER == 10, "the kernel's struct virtio_net_hdr");

struct tap_queue {
	struct net_queue queue;
	struct net_tap *t;
	int fd;
	struct loop *loop; /* NULL: not open */
	const struct net_user_ops *ops;
	void *user;
	struct loop_fd watch;
	struct loop_task task; /* delivers the frame that was kept */
	bool attached;         /* the kernel uses it */
	bool wanted;
	unsigned offloads;
	atomic_bool header; /* offloads is not 0; relaxed: for who sends on another loop */
	size_t kept;        /* bytes in `frame` that the user had no room for */
	uint8_t frame[HEADER + NET_FRAME_MAX];
};

struct net_tap {
	struct net net;
	char ifname[IFNAMSIZ];
	atomic_bool gone; /* the interface was removed; relaxed, as any read would tell the same */
	unsigned n;
	struct tap_queue queue[];
};

static struct tap_queue *queue_of(struct net_queue *nq)
{
	return container_of(nq, struct tap_queue, queue);
}

/* ---- receiving ---- */

static void watch(struct tap_queue *q)
{
	bool on = q->wanted && !q->kept && q->attached && !q->t->gone;

	loop_fd_set(&q->watch, on ? EPOLLIN : 0);
}

/* Gives the user the frame of `len` bytes, or keeps it. */
static void deliver(struct tap_queue *q, size_t len)
{
	size_t skip = q->offloads ? 0 : HEADER;
	struct iovec iov = {q->frame + skip, len - skip};

	q->kept = 0;
	if (q->ops->recv(q->user, &iov, 1) || !q->loop)
		return;
	q->kept = len;
	q->wanted = false;
}

static void lose_interface(struct net_tap *t, int code)
{
	if (!atomic_exchange(&t->gone, true))
		log_warn("--net tap,ifname=%s: the interface is gone: %s", t->ifname,
			 strerror(code));
}

static void on_frames(struct loop_fd *w, uint32_t events)
{
	struct tap_queue *q = w->arg;

	for (unsigned i = 0; i < BATCH && q->loop && q->wanted && q->attached && !q->t->gone; i++) {
		ssize_t n = read(q->fd, q->frame, sizeof(q->frame));

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			lose_interface(q->t, errno);
		else if (n > (ssize_t)HEADER)
			deliver(q, (size_t)n);
	}
	if (q->loop)
		watch(q);
}

static void on_task(struct loop_task *task)
{
	struct tap_queue *q = task->arg;

	if (q->wanted && q->kept)
		deliver(q, q->kept);
	if (q->loop)
		watch(q);
}

static void tap_want_recv(struct net_queue *nq, bool want)
{
	struct tap_queue *q = queue_of(nq);

	q->wanted = want;
	if (want && q->kept)
		loop_post(q->loop, &q->task);
	watch(q);
}

/* ---- sending ---- */

static int write_frame(struct tap_queue *q, const struct iovec *iov, unsigned n)
{
	ssize_t ret;

	do
		ret = writev(q->fd, iov, (int)n);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static int tap_send(struct net_queue *nq, const struct iovec *iov, unsigned n)
{
	struct tap_queue *q = queue_of(nq);
	struct net_header nothing = {0};
	struct iovec with_header[PARTS_MAX + 1];

	if (atomic_load_explicit(&q->header, memory_order_relaxed))
		return write_frame(q, iov, n);
	if (n > PARTS_MAX)
		return -EMSGSIZE;
	with_header[0] = (struct iovec){&nothing, sizeof(nothing)};
	memcpy(with_header + 1, iov, n * sizeof(*iov));
	return write_frame(q, with_header, n + 1);
}

/* ---- the queue ---- */

static int set_kernel_offloads(int fd, unsigned offloads)
{
	unsigned long flags = 0;

	if (offloads & NET_OFFLOAD_RECV_CSUM)
		flags |= TUN_F_CSUM;
	if (offloads & NET_OFFLOAD_RECV_TSO4)
		flags |= TUN_F_TSO4;
	if (offloads & NET_OFFLOAD_RECV_TSO6)
		flags |= TUN_F_TSO6;
	if (offloads & NET_OFFLOAD_RECV_USO)
		flags |= TUN_F_USO4 | TUN_F_USO6;
	return ioctl(fd, TUNSETOFFLOAD, flags) ? -errno : 0;
}

static void tap_set_offloads(struct net_queue *nq, unsigned offloads)
{
	struct tap_queue *q = queue_of(nq);
	int ret = set_kernel_offloads(q->fd, offloads);

	if (ret)
		log_warn("--net tap,ifname=%s: no offloads: %s", q->t->ifname, strerror(-ret));
	q->offloads = offloads;
	atomic_store_explicit(&q->header, offloads, memory_order_relaxed);
	q->kept = 0; /* its header was meant for another agreement */
	watch(q);
}

/* 0 or -errno. */
static int attach(struct tap_queue *q, bool on)
{
	struct ifreq ifr = {.ifr_flags = (short)(on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE)};

	if (q->attached == on)
		return 0;
	if (ioctl(q->fd, TUNSETQUEUE, &ifr))
		return -errno;
	q->attached = on;
	return 0;
}

static void tap_set_active(struct net_queue *nq, bool active)
{
	struct tap_queue *q = queue_of(nq);
	int ret = q->t->n > 1 ? attach(q, active) : 0;

	if (ret && !q->t->gone)
		log_warn("--net tap,ifname=%s: a queue cannot be switched %s: %s", q->t->ifname,
			 active ? "on" : "off", strerror(-ret));
	if (!active)
		q->kept = 0;
	watch(q);
}

static void tap_close(struct net_queue *nq)
{
	struct tap_queue *q = queue_of(nq);

	loop_fd_del(&q->watch);
	loop_task_cancel(q->loop, &q->task);
	if (q != q->t->queue)
		(void)attach(q, false);
	q->loop = NULL;
	q->wanted = false;
	q->offloads = 0;
	q->header = false;
	q->kept = 0;
}

static const struct net_queue_ops tap_queue_ops = {
	.send = tap_send,
	.want_recv = tap_want_recv,
	.set_offloads = tap_set_offloads,
	.set_active = tap_set_active,
	.close = tap_close,
};

static int tap_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			  void *user, struct net_queue **out)
{
	struct net_tap *t = container_of(net, struct net_tap, net);
	struct tap_queue *q = t->queue;
	int ret = 0;

	while (q < t->queue + t->n && q->loop)
		q++;
	if (q == t->queue + t->n)
		return -EBUSY;
	q->watch = (struct loop_fd){.fn = on_frames, .arg = q, .fd = q->fd};
	q->task.fn = on_task;
	q->task.arg = q;
	if (q == t->queue)
		ret = set_kernel_offloads(q->fd, 0);
	if (!ret)
		ret = loop_fd_add(loop, &q->watch);
	if (ret)
		return ret;
	q->loop = loop;
	q->ops = ops;
	q->user = user;
	q->queue = (struct net_queue){.ops = &tap_queue_ops, .net = net};
	*out = &q->queue;
	return 0;
}

static void tap_free(struct net *net)
{
	struct net_tap *t = container_of(net, struct net_tap, net);

	for (unsigned i = 0; i < t->n; i++) {
		assert(!t->queue[i].loop);
		fd_close(&t->queue[i].fd);
	}
	free(t);
}

static const struct net_ops tap_ops = {
	.open_queue = tap_open_queue,
	.free = tap_free,
};

/* ---- opening ---- */

static int no_tun(const char *ifname, int code, struct err *e)
{
	const char *cure = "see to the permissions of the file";

	if (code == ENOENT || code == ENODEV)
		cure = "as root: modprobe tun (a container has to be given the file)";
	return err_set(e, -code, "--net tap,ifname=%s: " TUN ": %s; %s", ifname, strerror(code),
		       cure);
}

static int not_taken(const char *ifname, unsigned n, int code, struct err *e)
{
	switch (code) {
	case ENODEV:
		return err_set(e, -code,
			       "--net tap,ifname=%s: there is no such interface; once, as root: ip "
			       "tuntap add dev %s mode tap user $USER && ip link set %s up",
			       ifname, ifname, ifname);
	case EPERM:
		return err_set(e, -code,
			       "--net tap,ifname=%s: this is another user's; once, as root: ip "
			       "tuntap del dev %s mode tap; ip tuntap add dev %s mode tap user "
			       "$USER && ip link set %s up",
			       ifname, ifname, ifname, ifname);
	case EBUSY:
		return err_set(e, -code,
			       "--net tap,ifname=%s: is in use by another program; each machine "
			       "needs its own",
			       ifname);
	case EINVAL:
		if (n > 1)
			return err_set(e, -code,
				       "--net tap,ifname=%s: is no TAP device with several queues; "
				       "once, as root: ip tuntap add dev %s mode tap multi_queue "
				       "user $USER",
				       ifname, ifname);
		return err_set(e, -code,
			       "--net tap,ifname=%s: is no TAP device; `ip tuntap` lists those "
			       "there are",
			       ifname);
	default: return err_set(e, -code, "--net tap,ifname=%s: %s", ifname, strerror(code));
	}
}

/* A cable that leads nowhere is worth a word: the guest cannot see it. */
static void warn_if_down(const char *ifname)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, ifname, strlen(ifname));
	if (fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr) && !(ifr.ifr_flags & IFF_UP))
		log_warn("--net tap,ifname=%s: the interface is down; as root: ip link set %s up",
			 ifname, ifname);
	fd_close(&fd);
}

/* One descriptor of the interface. 0 or an errno. */
static int take_queue(struct net_tap *t, int fd)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	memcpy(ifr.ifr_name, t->ifname, sizeof(ifr.ifr_name));
	if (t->n == 1 && !ioctl(fd, TUNSETIFF, &ifr))
		return 0;
	if (t->n == 1 && errno != EINVAL)
		return errno;
	/* One queue of an interface that could have more is all right, too. */
	ifr.ifr_flags |= IFF_MULTI_QUEUE;
	return ioctl(fd, TUNSETIFF, &ifr) ? errno : 0;
}

/* For one who may, TUNSETIFF would make what is not there: a typing error would be a network. */
static int take(struct net_tap *t, struct err *e)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct tap_queue *q = &t->queue[i];
		int code;

		q->fd = open(TUN, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (q->fd < 0)
			return no_tun(t->ifname, errno, e);
		if (!if_nametoindex(t->ifname))
			return not_taken(t->ifname, t->n, ENODEV, e);
		code = take_queue(t, q->fd);
		q->attached = true;
		if (!code && i)
			code = -attach(q, false);
		if (code)
			return not_taken(t->ifname, t->n, code, e);
	}
	return 0;
}

/* What the kernel can cut is found by asking for it. */
static void find_uso(struct net_tap *t)
{
	const unsigned uso = NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_USO;

	if (!set_kernel_offloads(t->queue[0].fd, uso))
		t->net.offloads |= NET_OFFLOAD_SEND_USO | NET_OFFLOAD_RECV_USO;
	(void)set_kernel_offloads(t->queue[0].fd, 0);
}

int net_tap_open(const char *ifname, unsigned n_queues, struct net **out, struct err *e)
{
	struct net_tap *t;
	int ret;

	assert(n_queues);
	if (!*ifname || strlen(ifname) >= IFNAMSIZ || strpbrk(ifname, "/ %"))
		return err_set(e, -EINVAL,
			       "--net tap,ifname=%s: is no name for an interface; they have 1 to "
			       "%d characters, without / and blanks",
			       ifname, IFNAMSIZ - 1);
	t = calloc(1, sizeof(*t) + n_queues * sizeof(t->queue[0]));
	if (!t)
		return err_set(e, -ENOMEM, "--net tap,ifname=%s: out of memory", ifname);
	t->net = (struct net){
		.ops = &tap_ops, .split = true, .offloads = ALL_OFFLOADS, .n_queues = n_queues};
	memcpy(t->ifname, ifname, strlen(ifname));
	t->n = n_queues;
	for (unsigned i = 0; i < n_queues; i++) {
		t->queue[i].t = t;
		t->queue[i].fd = -1;
	}
	ret = take(t, e);
	if (ret) {
		tap_free(&t->net);
		return ret;
	}
	find_uso(t);
	warn_if_down(t->ifname);
	*out = &t->net;
	return 0;
}
