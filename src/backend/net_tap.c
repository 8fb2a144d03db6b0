/* SPDX-License-Identifier: MIT */
/*
 * The kernel puts a struct virtio_net_hdr, which is our struct net_header, in front of each frame
 * in both directions (IFF_VNET_HDR), whether it says anything or not. So with offloads frames pass
 * as they are; without, the header is added or taken off here.
 *
 * When the guest has no room, the frame that was read is kept, the device is not watched any more,
 * and the rest waits in the kernel. A round reads at most BATCH frames, so that a flood does not
 * keep the loop from the guest's answers.
 */
#include "backend/net_tap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
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

#define TUN       "/dev/net/tun"
#define BATCH     64
#define HEADER    sizeof(struct net_header)
#define PARTS_MAX 600 /* of a frame that is sent without offloads */
#define ALL_OFFLOADS                                                             \
	(NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_SEND_TSO4 | NET_OFFLOAD_SEND_TSO6 | \
	 NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_RECV_TSO6)

_Static_assert(HEADER == 10, "the kernel's struct virtio_net_hdr");

struct net_tap {
	struct net net;
	int fd;
	char ifname[IFNAMSIZ];

	/* The one queue; loop is NULL while there is none. */
	struct net_queue queue;
	struct loop *loop;
	const struct net_user_ops *ops;
	void *user;
	struct loop_fd watch;
	struct loop_task task; /* delivers the frame that was kept */
	bool wanted;
	bool gone; /* the interface was removed */
	unsigned offloads;
	size_t kept; /* bytes in `frame` that the user had no room for */
	uint8_t frame[HEADER + NET_FRAME_MAX];
};

/* ---- receiving ---- */

static void watch(struct net_tap *t)
{
	loop_fd_set(&t->watch, t->wanted && !t->kept && !t->gone ? EPOLLIN : 0);
}

/* Gives the user the frame of `len` bytes, or keeps it. */
static void deliver(struct net_tap *t, size_t len)
{
	size_t skip = t->offloads ? 0 : HEADER;
	struct iovec iov = {t->frame + skip, len - skip};

	t->kept = 0;
	if (t->ops->recv(t->user, &iov, 1) || !t->loop)
		return;
	t->kept = len;
	t->wanted = false;
}

static void lose_interface(struct net_tap *t, int code)
{
	log_warn("--net tap,ifname=%s: the interface is gone: %s", t->ifname, strerror(code));
	t->gone = true;
}

static void on_frames(struct loop_fd *w, uint32_t events)
{
	struct net_tap *t = w->arg;

	for (unsigned i = 0; i < BATCH && t->loop && t->wanted && !t->gone; i++) {
		ssize_t n = read(t->fd, t->frame, sizeof(t->frame));

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			lose_interface(t, errno);
		else if (n > (ssize_t)HEADER)
			deliver(t, (size_t)n);
	}
	if (t->loop)
		watch(t);
}

static void on_task(struct loop_task *task)
{
	struct net_tap *t = task->arg;

	if (t->wanted && t->kept)
		deliver(t, t->kept);
	if (t->loop)
		watch(t);
}

static void tap_want_recv(struct net_queue *q, bool want)
{
	struct net_tap *t = container_of(q, struct net_tap, queue);

	t->wanted = want;
	if (want && t->kept)
		loop_post(t->loop, &t->task);
	watch(t);
}

/* ---- sending ---- */

static int write_frame(struct net_tap *t, const struct iovec *iov, unsigned n)
{
	ssize_t ret;

	do
		ret = writev(t->fd, iov, (int)n);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static int tap_send(struct net_queue *q, const struct iovec *iov, unsigned n)
{
	struct net_tap *t = container_of(q, struct net_tap, queue);
	struct net_header nothing = {0};
	struct iovec with_header[PARTS_MAX + 1];

	if (t->offloads)
		return write_frame(t, iov, n);
	if (n > PARTS_MAX)
		return -EMSGSIZE;
	with_header[0] = (struct iovec){&nothing, sizeof(nothing)};
	memcpy(with_header + 1, iov, n * sizeof(*iov));
	return write_frame(t, with_header, n + 1);
}

/* ---- the queue ---- */

static int set_kernel_offloads(const struct net_tap *t, unsigned offloads)
{
	unsigned long flags = 0;

	if (offloads & NET_OFFLOAD_RECV_CSUM)
		flags |= TUN_F_CSUM;
	if (offloads & NET_OFFLOAD_RECV_TSO4)
		flags |= TUN_F_TSO4;
	if (offloads & NET_OFFLOAD_RECV_TSO6)
		flags |= TUN_F_TSO6;
	return ioctl(t->fd, TUNSETOFFLOAD, flags) ? -errno : 0;
}

static void tap_set_offloads(struct net_queue *q, unsigned offloads)
{
	struct net_tap *t = container_of(q, struct net_tap, queue);
	int ret = set_kernel_offloads(t, offloads);

	if (ret)
		log_warn("--net tap,ifname=%s: no offloads: %s", t->ifname, strerror(-ret));
	t->offloads = offloads;
	t->kept = 0; /* its header was meant for another agreement */
	watch(t);
}

static void tap_close(struct net_queue *q)
{
	struct net_tap *t = container_of(q, struct net_tap, queue);

	loop_fd_del(&t->watch);
	loop_task_cancel(t->loop, &t->task);
	t->loop = NULL;
	t->wanted = false;
	t->offloads = 0;
	t->kept = 0;
}

static const struct net_queue_ops tap_queue_ops = {
	.send = tap_send,
	.want_recv = tap_want_recv,
	.set_offloads = tap_set_offloads,
	.close = tap_close,
};

static int tap_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			  void *user, struct net_queue **out)
{
	struct net_tap *t = container_of(net, struct net_tap, net);
	int ret;

	if (t->loop)
		return -EBUSY;
	t->watch = (struct loop_fd){.fn = on_frames, .arg = t, .fd = t->fd};
	t->task.fn = on_task;
	t->task.arg = t;
	ret = set_kernel_offloads(t, 0);
	if (!ret)
		ret = loop_fd_add(loop, &t->watch);
	if (ret)
		return ret;
	t->loop = loop;
	t->ops = ops;
	t->user = user;
	t->queue = (struct net_queue){.ops = &tap_queue_ops, .net = net};
	*out = &t->queue;
	return 0;
}

static void tap_free(struct net *net)
{
	struct net_tap *t = container_of(net, struct net_tap, net);

	assert(!t->loop);
	fd_close(&t->fd);
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

static int not_taken(const char *ifname, int code, struct err *e)
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
		return err_set(e, -code,
			       "--net tap,ifname=%s: is no TAP device with one queue; `ip tuntap` "
			       "lists those there are",
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

/* For one who may, TUNSETIFF would make what is not there: a typing error would be a network. */
static int take(struct net_tap *t, struct err *e)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	t->fd = open(TUN, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0)
		return no_tun(t->ifname, errno, e);
	if (!if_nametoindex(t->ifname))
		return not_taken(t->ifname, ENODEV, e);
	memcpy(ifr.ifr_name, t->ifname, sizeof(ifr.ifr_name));
	if (ioctl(t->fd, TUNSETIFF, &ifr))
		return not_taken(t->ifname, errno, e);
	return 0;
}

int net_tap_open(const char *ifname, struct net **out, struct err *e)
{
	struct net_tap *t;
	int ret;

	if (!*ifname || strlen(ifname) >= IFNAMSIZ || strpbrk(ifname, "/ %"))
		return err_set(e, -EINVAL,
			       "--net tap,ifname=%s: is no name for an interface; they have 1 to "
			       "%d characters, without / and blanks",
			       ifname, IFNAMSIZ - 1);
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, -ENOMEM, "--net tap,ifname=%s: out of memory", ifname);
	t->net = (struct net){.ops = &tap_ops, .single_loop = true, .offloads = ALL_OFFLOADS};
	memcpy(t->ifname, ifname, strlen(ifname));
	ret = take(t, e);
	if (ret) {
		tap_free(&t->net);
		return ret;
	}
	warn_if_down(t->ifname);
	*out = &t->net;
	return 0;
}
