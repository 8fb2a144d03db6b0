/* SPDX-License-Identifier: MIT */
/*
 * libslirp wants to be asked, before each sleep, which sockets it waits for, and to be told after
 * it which are ready. A poll_set keeps an epoll of its own in step with that, and a single watch on
 * the loop waits for that epoll. A round of slirp takes what is ready, runs slirp, and asks anew.
 * When the guest has sent, slirp needs a round too (what waited for an ARP answer leaves only
 * then); a task runs one for all frames of a loop's round. Descriptors serve as the indices that
 * slirp gets from add_poll and hands back.
 *
 * A frame for the guest always goes into a list first and is delivered when slirp has returned:
 * slirp is not reentrant, and the device may answer from inside its recv.
 *
 * Time is the loop's, so that a virtual clock works. The slirp itself exists before and after its
 * queue, for errors in forwards have to be found at the start; its timers wait for a loop.
 */
#include "backend/net_user.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "backend/frame_list.h"
#include "backend/net.h"
#include "backend/net_conns.h"
#include "backend/poll_set.h"
#include "backend/slirp_lib.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/loop.h"

#define ETH_HEADER  14
#define BACKLOG_MAX (4u << 20) /* bytes of frames that wait for the guest */
#define NS_PER_MS   1000000ull

struct user_timer {
	struct loop_timer timer;
	struct user_timer *next;
	struct net_user *u;
	SlirpTimerCb cb;
	void *cb_arg;
	int64_t expire_ms; /* -1: not armed */
};

struct net_user {
	struct net net;
	struct slirp_lib lib;
	Slirp *slirp;
	struct user_timer *timers;
	struct log_limit guest_errors;
	struct poll_set sockets;

	/* The one queue; loop is NULL while there is none. */
	struct net_queue queue;
	struct loop *loop;
	const struct net_user_ops *ops;
	void *user;
	bool wanted;
	struct loop_fd watch; /* of sockets */
	struct loop_timer timer;
	struct loop_task task;
	bool stale;               /* something was sent: slirp needs a round */
	struct frame_list frames; /* for the guest */
	struct net_conns *conns;
	struct loop_timer tidy;
	uint8_t flat[NET_FRAME_MAX];
};

/* ---- frames for the guest ---- */

static ssize_t on_send_packet(const void *buf, size_t len, void *opaque)
{
	struct net_user *u = opaque;
	union { /* slirp's promise and iovec's lack of one */
		const void *in;
		void *out;
	} from = {.in = buf};
	const struct iovec iov = {from.out, len};

	/* The guest's TCP sends again what is dropped here. */
	if (u->loop && len <= NET_FRAME_MAX) {
		net_conns_to_guest(u->conns, buf, len, loop_now(u->loop));
		(void)frame_list_add(&u->frames, &iov, 1, 0);
	}
	return (ssize_t)len;
}

/* The user may close the queue from inside recv. */
static void deliver_frames(struct net_user *u)
{
	struct iovec iov;
	struct frame *f;

	while (u->wanted && (f = frame_list_take(&u->frames))) {
		iov = (struct iovec){f->bytes, f->len};
		if (u->ops->recv(u->user, &iov, 1) || !u->loop) {
			free(f);
		} else {
			frame_list_put_back(&u->frames, f);
			u->wanted = false;
		}
	}
}

/* ---- what slirp waits for ---- */

static int on_add_poll(int fd, int events, void *opaque)
{
	struct net_user *u = opaque;
	uint32_t want = (events & SLIRP_POLL_IN ? EPOLLIN : 0u) |
			(events & SLIRP_POLL_OUT ? EPOLLOUT : 0u) |
			(events & SLIRP_POLL_PRI ? EPOLLPRI : 0u);

	return fd < 0 || poll_set_add(&u->sockets, fd, want) ? -1 : fd;
}

static int on_get_revents(int idx, void *opaque)
{
	const struct net_user *u = opaque;
	uint32_t events = poll_set_ready(&u->sockets, idx);

	return (events & EPOLLIN ? SLIRP_POLL_IN : 0) | (events & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (events & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (events & EPOLLERR ? SLIRP_POLL_ERR : 0) |
	       (events & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static void on_register_fd(int fd, void *opaque)
{
	struct net_user *u = opaque;

	/* For waiting, the next fill names it. Those that listen are there before the loop is. */
	if (u->loop)
		net_conns_opened(u->conns, fd, loop_now(u->loop));
}

static void on_unregister_fd(int fd, void *opaque)
{
	struct net_user *u = opaque;

	poll_set_forget(&u->sockets, fd);
	net_conns_closed(u->conns, fd);
}

/* Asks slirp what it waits for, and for how long. */
static void ask_slirp(struct net_user *u)
{
	uint32_t timeout_ms = UINT32_MAX;

	u->stale = false;
	poll_set_begin(&u->sockets);
	u->lib.pollfds_fill(u->slirp, &timeout_ms, on_add_poll, u);
	poll_set_end(&u->sockets);
	if (timeout_ms == UINT32_MAX)
		loop_timer_cancel(&u->timer);
	else
		loop_timer_arm(u->loop, &u->timer, loop_now(u->loop) + timeout_ms * NS_PER_MS);
}

/* A round of slirp: sockets that are ready, and what is due by time. */
static void run_slirp(struct net_user *u)
{
	poll_set_collect(&u->sockets);
	u->lib.pollfds_poll(u->slirp, 0, on_get_revents, u);
	ask_slirp(u);
	deliver_frames(u);
}

static void on_sockets_ready(struct loop_fd *w, uint32_t events)
{
	run_slirp(w->arg);
}

static void on_timeout(struct loop_timer *t)
{
	run_slirp(t->arg);
}

static void on_task(struct loop_task *t)
{
	struct net_user *u = t->arg;

	if (u->stale)
		run_slirp(u);
	else
		deliver_frames(u);
}

static void on_notify(void *opaque)
{
	struct net_user *u = opaque;

	u->stale = true;
	if (u->loop)
		loop_post(u->loop, &u->task);
}

/* ---- slirp's clock and timers ---- */

static int64_t on_clock_get_ns(void *opaque)
{
	const struct net_user *u = opaque;

	return u->loop ? (int64_t)loop_now(u->loop) : 0;
}

static void arm_timer(struct user_timer *t)
{
	if (t->u->loop && t->expire_ms >= 0)
		loop_timer_arm(t->u->loop, &t->timer, (uint64_t)t->expire_ms * NS_PER_MS);
}

static void on_timer(struct loop_timer *timer)
{
	struct user_timer *t = timer->arg;
	struct net_user *u = t->u;

	t->expire_ms = -1;
	t->cb(t->cb_arg);
	ask_slirp(u);
	deliver_frames(u);
}

static void *on_timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
	struct net_user *u = opaque;
	struct user_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->timer.fn = on_timer;
	t->timer.arg = t;
	t->u = u;
	t->cb = cb;
	t->cb_arg = cb_opaque;
	t->expire_ms = -1;
	t->next = u->timers;
	u->timers = t;
	return t;
}

static void on_timer_free(void *timer, void *opaque)
{
	struct net_user *u = opaque;
	struct user_timer **at = &u->timers;

	while (*at && *at != timer)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = (*at)->next;
	loop_timer_cancel(&((struct user_timer *)timer)->timer);
	free(timer);
}

static void on_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
	struct user_timer *t = timer;

	if (!t)
		return;
	t->expire_ms = expire_ms < 0 ? 0 : expire_ms;
	arm_timer(t);
}

static void on_guest_error(const char *msg, void *opaque)
{
	struct net_user *u = opaque;

	log_warn_limited(&u->guest_errors, 3, "net user: the guest sent nonsense: %s", msg);
}

static const SlirpCb slirp_callbacks = {
	.send_packet = on_send_packet,
	.guest_error = on_guest_error,
	.clock_get_ns = on_clock_get_ns,
	.timer_new = on_timer_new,
	.timer_free = on_timer_free,
	.timer_mod = on_timer_mod,
	.register_poll_fd = on_register_fd,
	.unregister_poll_fd = on_unregister_fd,
	.notify = on_notify,
};

/* ---- connections that come to nothing ---- */

static void conns_to_slirp(void *arg, const uint8_t *frame, size_t len)
{
	struct net_user *u = arg;

	u->lib.input(u->slirp, frame, (int)len);
	on_notify(u);
}

static void conns_to_guest(void *arg, const uint8_t *frame, size_t len)
{
	struct net_user *u = arg;
	union { /* a reader's promise and iovec's lack of one */
		const void *in;
		void *out;
	} from = {.in = frame};
	const struct iovec iov = {from.out, len};

	(void)frame_list_add(&u->frames, &iov, 1, 0);
	on_notify(u);
}

static const struct net_conns_ops conns_ops = {
	.to_slirp = conns_to_slirp,
	.to_guest = conns_to_guest,
};

static void on_tidy(struct loop_timer *t)
{
	struct net_user *u = t->arg;

	net_conns_tidy(u->conns, loop_now(u->loop));
	loop_timer_arm(u->loop, t, loop_now(u->loop) + NET_CONNS_STEP_NS);
}

/* ---- the queue ---- */

static int user_send(struct net_queue *q, const struct iovec *iov, unsigned n)
{
	struct net_user *u = container_of(q, struct net_user, queue);
	size_t len = iov_len(iov, n);

	if (len < ETH_HEADER)
		return -EINVAL;
	if (len > NET_FRAME_MAX)
		return -EMSGSIZE;
	/* Always a copy: slirp looks twice at what the guest could change meanwhile. */
	(void)iov_to_buf(iov, n, 0, u->flat, len);
	if (net_conns_from_guest(u->conns, u->flat, len, loop_now(u->loop))) {
		u->lib.input(u->slirp, u->flat, (int)len);
		net_conns_done(u->conns);
	}
	on_notify(u);
	return 0;
}

static void user_want_recv(struct net_queue *q, bool want)
{
	struct net_user *u = container_of(q, struct net_user, queue);

	u->wanted = want;
	if (want && u->frames.first)
		loop_post(u->loop, &u->task);
}

static void user_close(struct net_queue *q)
{
	struct net_user *u = container_of(q, struct net_user, queue);

	loop_fd_del(&u->watch);
	loop_timer_cancel(&u->timer);
	loop_timer_cancel(&u->tidy);
	loop_task_cancel(u->loop, &u->task);
	for (struct user_timer *t = u->timers; t; t = t->next)
		loop_timer_cancel(&t->timer);
	frame_list_clear(&u->frames);
	u->wanted = false;
	u->loop = NULL;
}

static const struct net_queue_ops user_queue_ops = {
	.send = user_send,
	.want_recv = user_want_recv,
	.close = user_close,
};

static int user_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *ops,
			   void *user, struct net_queue **out)
{
	struct net_user *u = container_of(net, struct net_user, net);
	int ret;

	if (u->loop)
		return -EBUSY;
	ret = loop_fd_add(loop, &u->watch);
	if (ret)
		return ret;
	u->loop = loop;
	u->ops = ops;
	u->user = user;
	u->queue = (struct net_queue){.ops = &user_queue_ops, .net = net};
	for (struct user_timer *t = u->timers; t; t = t->next)
		arm_timer(t);
	loop_timer_arm(loop, &u->tidy, loop_now(loop) + NET_CONNS_STEP_NS);
	on_notify(u);
	*out = &u->queue;
	return 0;
}

static void user_free(struct net *net)
{
	struct net_user *u = container_of(net, struct net_user, net);

	assert(!u->loop);
	if (u->slirp)
		u->lib.cleanup(u->slirp);
	while (u->timers)
		on_timer_free(u->timers, u);
	poll_set_fini(&u->sockets);
	net_conns_free(u->conns);
	free(u);
}

static const struct net_ops user_ops = {
	.open_queue = user_open_queue,
	.free = user_free,
};

/* ---- opening ---- */

static int forward_error(const struct net_user_forward *f, int code, struct err *e)
{
	char host[INET_ADDRSTRLEN], guest[INET_ADDRSTRLEN];
	const char *why = strerror(code), *cure = "see to the address and the port";

	(void)inet_ntop(AF_INET, &f->host_addr, host, sizeof(host));
	(void)inet_ntop(AF_INET, &f->guest_addr, guest, sizeof(guest));
	if (code == EADDRINUSE) {
		why = "the host's port is in use";
		cure = "choose another one or end what listens there";
	} else if (code == EACCES) {
		why = "this port is only for privileged users";
		cure = "choose one above 1023";
	} else if (code == EADDRNOTAVAIL) {
		why = "the host does not have this address";
		cure = "use 127.0.0.1, or 0.0.0.0 for all it has";
	}
	return err_set(e, code ? -code : -EIO, "--net hostfwd=%s:%s:%u-%s:%u: %s; %s",
		       f->udp ? "udp" : "tcp", host, f->host_port, guest, f->guest_port, why, cure);
}

static struct in_addr ipv4(uint32_t host_order)
{
	return (struct in_addr){.s_addr = htonl(host_order)};
}

static void fill_slirp_config(SlirpConfig *cfg, const struct net_user_config *config)
{
	*cfg = (SlirpConfig){
		.version = SLIRP_CONFIG_VERSION_MIN,
		.in_enabled = true,
		.vnetwork = ipv4(0x0a000200),
		.vnetmask = ipv4(0xffffff00),
		.vhost = ipv4(0x0a000202),
		.vdhcp_start = ipv4(0x0a00020f),
		.vnameserver = ipv4(0x0a000203),
		.in6_enabled = config->ipv6,
		.vprefix_len = 64,
	};
	(void)inet_pton(AF_INET6, "fec0::", &cfg->vprefix_addr6);
	(void)inet_pton(AF_INET6, "fec0::2", &cfg->vhost6);
	(void)inet_pton(AF_INET6, "fec0::3", &cfg->vnameserver6);
}

static void init_handlers(struct net_user *u)
{
	u->watch = (struct loop_fd){
		.fn = on_sockets_ready, .arg = u, .fd = u->sockets.epoll_fd, .events = EPOLLIN};
	u->timer = (struct loop_timer){.fn = on_timeout, .arg = u};
	u->tidy = (struct loop_timer){.fn = on_tidy, .arg = u};
	u->task.fn = on_task;
	u->task.arg = u;
	frame_list_init(&u->frames, BACKLOG_MAX);
}

int net_user_open(const struct net_user_config *config, struct net **out, struct err *e)
{
	struct net_user *u = calloc(1, sizeof(*u));
	const struct net_user_forward *f;
	SlirpConfig cfg;
	int ret;

	if (!u)
		return err_set(e, -ENOMEM, "--net user: not enough memory");
	u->net = (struct net){.ops = &user_ops, .single_loop = true};
	ret = poll_set_init(&u->sockets);
	if (ret) {
		(void)err_set(e, ret, "--net user: no epoll: %s", strerror(-ret));
		goto fail;
	}
	init_handlers(u);
	ret = net_conns_new(config->max_conns ? config->max_conns : NET_CONNS_DEFAULT, &conns_ops,
			    u, &u->conns);
	if (ret) {
		(void)err_set(e, ret, "--net user: not enough memory");
		goto fail;
	}
	u->net.stats_rows = net_conns_rows;
	u->net.stats = net_conns_stats(u->conns);
	ret = slirp_lib_load(&u->lib, e);
	if (ret)
		goto fail;
	fill_slirp_config(&cfg, config);
	u->slirp = u->lib.new_(&cfg, &slirp_callbacks, u);
	if (!u->slirp) {
		ret = err_set(e, -EIO, "--net user: libslirp does not start; try --net none");
		goto fail;
	}
	for (unsigned i = 0; i < config->n_forwards; i++) {
		f = &config->forwards[i];
		errno = 0;
		if (u->lib.add_hostfwd(u->slirp, f->udp, f->host_addr, f->host_port, f->guest_addr,
				       f->guest_port) < 0) {
			ret = forward_error(f, errno, e);
			goto fail;
		}
	}
	*out = &u->net;
	return 0;
fail:
	user_free(&u->net);
	return ret;
}
