/* SPDX-License-Identifier: MIT */
/*
 * A connection that is accepted has a place on the switch from then on. Its end is asked for and
 * called back; only then the place is free again, and the listener, if it was not watched, goes on.
 */
#include "cmd/switch_guests.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net.h"
#include "backend/vswitch.h"
#include "base/bits.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "dev/net.h"
#include "vhost/vhost.h"
#include "virtio/vdev.h"

#define LOG_MAX   8
#define RING_SIZE 1024u /* of a guest's card at most: QEMU's largest */

struct guest {
	struct switch_guests *g;
	struct net *net;
	struct vdev *dev;
	struct vhost *v; /* NULL: nobody */
};

struct switch_guests {
	struct loop *loop;
	struct vswitch *s;
	struct loop_fd listener;
	struct log_limit log;
	struct switch_guests_stats stats;
	unsigned n;
	struct guest guest[VSWITCH_PORTS];
};

static void guest_ended(void *arg, const char *why)
{
	struct guest *p = arg;
	struct switch_guests *g = p->g;

	vhost_free(p->v);
	p->net->ops->free(p->net);
	p->v = NULL;
	g->n--;
	loop_fd_set(&g->listener, EPOLLIN);
	if (!why)
		return;
	counter_add(&g->stats.refused, 1);
	log_warn_limited(&g->log, LOG_MAX, "switch: guest %u: %s; its connection is closed",
			 (unsigned)(p - g->guest), why);
}

static int guest_set_mtu(void *arg, uint16_t mtu)
{
	return netdev_set_mtu(((struct guest *)arg)->dev, mtu);
}

static const struct vhost_ops guest_ops = {.ended = guest_ended, .set_mtu = guest_set_mtu};

/* 0 or -errno; fd stays the caller's then. */
static int guest_begin(struct guest *p, int fd)
{
	struct switch_guests *g = p->g;
	struct netdev_config card = {.loop = g->loop, .data_only = true, .ring_size = RING_SIZE};
	struct vhost_config cfg = {
		.loop = g->loop, .fd = fd, .n_queues = 1, .ops = &guest_ops, .arg = p};
	int ret = vswitch_plug(g->s, &p->net);

	if (ret)
		return ret;
	card.net = p->net;
	ret = netdev_new(&card, &p->dev);
	if (ret)
		goto unplug;
	vdev_offer_ring(p->dev, VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED);
	cfg.dev = p->dev;
	ret = vhost_new(&cfg, &p->v);
	if (ret)
		goto free_card;
	g->n++;
	counter_add(&g->stats.came, 1);
	return 0;
free_card:
	vdev_free(p->dev);
unplug:
	p->net->ops->free(p->net);
	p->v = NULL;
	return ret;
}

/* Who is a mere connection makes way for others, and these wait until that is done. */
static bool make_way(struct switch_guests *g)
{
	for (unsigned i = 0; i < VSWITCH_PORTS; i++) {
		if (vhost_is_attached(g->guest[i].v))
			continue;
		vhost_close(g->guest[i].v);
		loop_fd_set(&g->listener, 0);
		return true;
	}
	return false;
}

static void on_connect(struct loop_fd *w, uint32_t events)
{
	struct switch_guests *g = w->arg;
	struct guest *p = g->guest;
	int fd;

	if (g->n == VSWITCH_PORTS && make_way(g))
		return;
	fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			loop_fd_set(w, 0); /* until somebody leaves */
		return;
	}
	while (p < g->guest + VSWITCH_PORTS && p->v)
		p++;
	if (p < g->guest + VSWITCH_PORTS && !guest_begin(p, fd))
		return;
	log_warn_limited(&g->log, LOG_MAX, "switch: no place for another guest; %u are there",
			 g->n);
	counter_add(&g->stats.refused, 1);
	close(fd);
}

int switch_guests_new(struct loop *loop, int listen_fd, struct vswitch *s,
		      struct switch_guests **out)
{
	struct switch_guests *g = calloc(1, sizeof(*g));
	int ret;

	if (!g)
		return -ENOMEM;
	g->loop = loop;
	g->s = s;
	for (unsigned i = 0; i < VSWITCH_PORTS; i++)
		g->guest[i].g = g;
	g->listener =
		(struct loop_fd){.fn = on_connect, .arg = g, .fd = listen_fd, .events = EPOLLIN};
	ret = loop_fd_add(loop, &g->listener);
	if (ret)
		free(g);
	else
		*out = g;
	return ret;
}

void switch_guests_free(struct switch_guests *g)
{
	if (!g)
		return;
	loop_fd_del(&g->listener);
	for (unsigned i = 0; i < VSWITCH_PORTS; i++)
		if (g->guest[i].v)
			vhost_close(g->guest[i].v);
	while (g->n)
		(void)loop_turn(g->loop, -1);
	free(g);
}

const struct switch_guests_stats *switch_guests_stats(const struct switch_guests *g)
{
	return &g->stats;
}
