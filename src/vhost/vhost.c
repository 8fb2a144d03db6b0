/* SPDX-License-Identifier: MIT */
/*
 * A message is looked up in a table: how long it is, whether descriptors come along, which rings
 * have to stand still for it, what is done. A ring that has to be stopped first is, the message
 * waits, and nothing more is read until it is through; so no message ever meets a ring half-way.
 *
 * A ring runs whenever it can: its size and addresses are known, it has a kick, it is enabled.
 * After each message what can run is started. GET_VRING_BASE takes its kick away, as the protocol
 * has it.
 *
 * What breaks the rules ends the connection, with a reason; nothing is repaired. What the guest's
 * driver breaks (a ring) is not the front end's fault: the device is marked, its error eventfds are
 * raised, and the next SET_FEATURES makes it well again.
 */
#include "vhost/vhost.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/bits.h"
#include "base/fd.h"
#include "base/loop.h"
#include "vhost/memory.h"
#include "vhost/message.h"
#include "virtio/vdev.h"

#define BATCH    32u /* messages in a row */
#define PROTOCOL (VU_PROTOCOL_F_MQ | VU_PROTOCOL_F_REPLY_ACK)

/* In a base of a packed ring: where the used side stands; each with its wrap counter on top. */
#define BASE_USED_SHIFT 16u

struct ring {
	struct vhost *v;
	unsigned index;
	uint32_t size;
	struct vu_vring_addr addr;
	bool has_addr, enabled;
	uint16_t next_avail, next_used; /* where it goes on */
	int kick_fd, call_fd, err_fd;
	bool running;
};

struct vhost {
	struct loop *loop;
	struct vdev *dev;
	unsigned n_queues;
	bool has_config;
	const struct vhost_ops *ops;
	void *arg;
	int fd;
	struct loop_fd watch;
	struct loop_task task; /* ended */
	struct vhost_message m;
	struct vhost_memory memory;
	uint64_t features, protocol; /* as the front end has chosen */
	struct ring *ring;           /* one for each queue of the device */
	unsigned n_stopping;         /* before the message can be dealt with */
	bool ending;
	const char *why;
};

enum fds { NO_FD, MAYBE_FD, MANY_FDS };
enum scope { NO_RING, ONE_RING, ALL_RINGS, ALL_FOR_FEATURES };

struct request {
	size_t len; /* of the payload; 0 with any_len */
	bool any_len;
	enum fds fds;
	bool of_ring;     /* the payload begins with a ring's number */
	enum scope stops; /* which have to stand still */
	bool replies;     /* by itself */
	/* NULL, or what is wrong. */
	const char *(*run)(struct vhost *v, struct ring *r);
};

/* ---- the device's side ---- */

static void port_interrupt(void *port, unsigned queue)
{
	struct vhost *v = port;

	if (v->ring[queue].call_fd >= 0)
		eventfd_raise(v->ring[queue].call_fd);
}

static void port_config_changed(void *port)
{
}

static void port_broken(void *port)
{
	struct vhost *v = port;

	for (unsigned i = 0; i < v->dev->n_queues; i++)
		if (v->ring[i].err_fd >= 0)
			eventfd_raise(v->ring[i].err_fd);
}

static const struct vdev_port_ops port_ops = {
	.interrupt = port_interrupt,
	.config_changed = port_config_changed,
	.broken = port_broken,
};

/* ---- the end ---- */

static void ended_task(struct loop_task *t)
{
	struct vhost *v = t->arg;

	v->ops->ended(v->arg, v->why);
}

static void all_stopped(void *arg)
{
	struct vhost *v = arg;

	loop_post(v->loop, &v->task);
}

static void end(struct vhost *v, const char *why)
{
	if (v->ending)
		return;
	v->ending = true;
	v->why = why;
	loop_fd_del(&v->watch);
	fd_close(&v->fd);
	vhost_message_done(&v->m);
	vdev_reset(v->dev, all_stopped, v);
}

/* ---- rings ---- */

static bool is_packed(const struct vhost *v)
{
	return v->features & VIRTIO_F_RING_PACKED;
}

static bool can_run(const struct ring *r)
{
	return r->size && r->has_addr && r->kick_fd >= 0 &&
	       (r->enabled || !(r->v->features & VU_F_PROTOCOL_FEATURES));
}

static const char *ring_start(struct ring *r)
{
	struct vdev_queue_setup setup = {.kick_fd = r->kick_fd, .call_fd = -1};
	const struct vhost_memory *mem = &r->v->memory;

	setup.ring.size = r->size;
	setup.ring.next_avail = r->next_avail;
	setup.ring.next_used = r->next_used;
	if (!vhost_memory_address(mem, r->addr.desc, &setup.ring.desc) ||
	    !vhost_memory_address(mem, r->addr.avail, &setup.ring.driver) ||
	    !vhost_memory_address(mem, r->addr.used, &setup.ring.device))
		return "a ring outside of its memory";
	if (vdev_queue_start(r->v->dev, r->index, &setup))
		return "a ring that cannot be";
	r->running = true;
	return NULL;
}

static void execute(struct vhost *v);

static void ring_stopped(void *arg)
{
	struct ring *r = arg;
	struct vhost *v = r->v;

	r->running = false;
	r->next_avail = virtq_position(&v->dev->queues[r->index].ring);
	r->next_used = r->next_avail;
	if (!--v->n_stopping && !v->ending)
		execute(v);
}

static void ring_stop(struct ring *r)
{
	if (r->running && !vdev_queue_stop(r->v->dev, r->index, ring_stopped, r))
		r->v->n_stopping++;
}

/* ---- requests ---- */

static const char *reply(struct vhost *v, const void *payload, uint32_t len)
{
	return vhost_message_reply(v->fd, &v->m, payload, len) ? "it does not read replies" : NULL;
}

static const char *reply_u64(struct vhost *v, uint64_t value)
{
	return reply(v, &value, sizeof(value));
}

static uint64_t protocol_features(const struct vhost *v)
{
	return PROTOCOL | (v->ops->set_mtu ? VU_PROTOCOL_F_NET_MTU : 0) |
	       (v->has_config ? VU_PROTOCOL_F_CONFIG : 0);
}

static const char *do_nothing(struct vhost *v, struct ring *r)
{
	return NULL;
}

static const char *get_features(struct vhost *v, struct ring *r)
{
	return reply_u64(v, v->dev->offered | VU_F_PROTOCOL_FEATURES);
}

static void was_reset(void *arg)
{
}

/* The same features again, as some say for each pair of queues, disturb nobody. */
static bool changes_nothing(const struct vhost *v)
{
	return v->m.payload.u64 == v->features && !vdev_is_broken(v->dev);
}

static const char *set_features(struct vhost *v, struct ring *r)
{
	uint64_t features = v->m.payload.u64;

	if (changes_nothing(v))
		return NULL;
	vdev_reset(v->dev, was_reset, NULL); /* nothing runs: it is done at once */
	if (vdev_set_features(v->dev, features & ~VU_F_PROTOCOL_FEATURES))
		return "features that were not offered, or are of before virtio 1.0";
	v->features = features;
	return NULL;
}

static const char *get_protocol_features(struct vhost *v, struct ring *r)
{
	return reply_u64(v, protocol_features(v));
}

static const char *set_protocol_features(struct vhost *v, struct ring *r)
{
	if (v->m.payload.u64 & ~protocol_features(v))
		return "features of the protocol that were not offered";
	v->protocol = v->m.payload.u64;
	return NULL;
}

static const char *get_queue_num(struct vhost *v, struct ring *r)
{
	return reply_u64(v, v->n_queues);
}

static const char *set_mem_table(struct vhost *v, struct ring *r)
{
	return vhost_memory_set(&v->memory, &v->m);
}

static const char *set_vring_num(struct vhost *v, struct ring *r)
{
	uint32_t n = v->m.payload.state.num;

	if (!n || n > VIRTQ_SIZE_MAX)
		return "a ring of a size that cannot be";
	r->size = n;
	return NULL;
}

static const char *set_vring_addr(struct vhost *v, struct ring *r)
{
	r->addr = v->m.payload.addr;
	r->has_addr = true;
	return NULL;
}

static const char *set_vring_base(struct vhost *v, struct ring *r)
{
	uint32_t base = v->m.payload.state.num;

	r->next_avail = (uint16_t)base;
	r->next_used = (uint16_t)base;
	if (is_packed(v)) { /* ours has the counter the other way round, so that 0 is fresh */
		r->next_used = (uint16_t)(base >> BASE_USED_SHIFT ^ VIRTQ_PACKED_WRAP);
		r->next_avail ^= VIRTQ_PACKED_WRAP;
	}
	return NULL;
}

static const char *get_vring_base(struct vhost *v, struct ring *r)
{
	struct vu_vring_state s = {.index = r->index, .num = r->next_avail};

	if (is_packed(v)) {
		s.num ^= VIRTQ_PACKED_WRAP;
		s.num |= s.num << BASE_USED_SHIFT;
	}
	fd_close(&r->kick_fd);
	return reply(v, &s, sizeof(s));
}

/* The descriptor that came along, or -1, instead of the one so far. */
static void replace_fd(struct vhost *v, int *fd)
{
	fd_close(fd);
	*fd = vhost_message_take_fd(&v->m);
}

static const char *set_vring_kick(struct vhost *v, struct ring *r)
{
	replace_fd(v, &r->kick_fd);
	if (r->kick_fd < 0 || !eventfd_clear(r->kick_fd))
		return "a ring without an eventfd for its kicks";
	/* Clearing it took a kick that may have been there; a queue that starts looks anyway. */
	return NULL;
}

static const char *set_vring_call(struct vhost *v, struct ring *r)
{
	replace_fd(v, &r->call_fd);
	return NULL;
}

static const char *set_vring_err(struct vhost *v, struct ring *r)
{
	replace_fd(v, &r->err_fd);
	return NULL;
}

static const char *set_vring_enable(struct vhost *v, struct ring *r)
{
	r->enabled = v->m.payload.state.num;
	return NULL;
}

static const char *net_set_mtu(struct vhost *v, struct ring *r)
{
	uint64_t mtu = v->m.payload.u64;

	if (!v->ops->set_mtu || mtu > UINT16_MAX || v->ops->set_mtu(v->arg, (uint16_t)mtu))
		return "an MTU that cannot be";
	return NULL;
}

static const char *get_config(struct vhost *v, struct ring *r)
{
	struct vu_config c = v->m.payload.config;
	uint64_t byte;

	if (!v->has_config || c.size > VU_CONFIG_MAX ||
	    v->m.header.size != offsetof(struct vu_config, bytes) + c.size)
		return "a question about its configuration that makes no sense";
	for (uint32_t i = 0; i < c.size; i++) {
		/* Beyond the end there are zeros; a byte alone never changes half-way. */
		uint64_t at = (uint64_t)c.offset + i;

		byte = 0;
		if (at < VDEV_CONFIG_MAX)
			(void)vdev_config_read(v->dev, (unsigned)at, 1, &byte);
		c.bytes[i] = (uint8_t)byte;
	}
	return reply(v, &c, v->m.header.size);
}

#define U64   .len = sizeof(uint64_t)
#define STATE .len = sizeof(struct vu_vring_state), .of_ring = true
#define FD    .len = sizeof(uint64_t), .of_ring = true, .fds = MAYBE_FD

static const struct request requests[] = {
	[VU_GET_FEATURES] = {.run = get_features, .replies = true},
	[VU_SET_FEATURES] = {U64, .stops = ALL_FOR_FEATURES, .run = set_features},
	[VU_SET_OWNER] = {.run = do_nothing},
	[VU_RESET_OWNER] = {.run = do_nothing},
	[VU_SET_MEM_TABLE] = {.any_len = true,
			      .fds = MANY_FDS,
			      .stops = ALL_RINGS,
			      .run = set_mem_table},
	[VU_SET_VRING_NUM] = {STATE, .stops = ONE_RING, .run = set_vring_num},
	[VU_SET_VRING_ADDR] = {.len = sizeof(struct vu_vring_addr),
			       .of_ring = true,
			       .stops = ONE_RING,
			       .run = set_vring_addr},
	[VU_SET_VRING_BASE] = {STATE, .stops = ONE_RING, .run = set_vring_base},
	[VU_GET_VRING_BASE] = {STATE, .stops = ONE_RING, .run = get_vring_base, .replies = true},
	[VU_SET_VRING_KICK] = {FD, .stops = ONE_RING, .run = set_vring_kick},
	[VU_SET_VRING_CALL] = {FD, .run = set_vring_call},
	[VU_SET_VRING_ERR] = {FD, .run = set_vring_err},
	[VU_GET_PROTOCOL_FEATURES] = {.run = get_protocol_features, .replies = true},
	[VU_SET_PROTOCOL_FEATURES] = {U64, .run = set_protocol_features},
	[VU_GET_QUEUE_NUM] = {.run = get_queue_num, .replies = true},
	[VU_SET_VRING_ENABLE] = {STATE, .stops = ONE_RING, .run = set_vring_enable},
	[VU_NET_SET_MTU] = {U64, .run = net_set_mtu},
	[VU_GET_CONFIG] = {.any_len = true, .run = get_config, .replies = true},
};

/* ---- messages ---- */

/* Whether the message is as long as it should be, and brings what it should. */
static bool fits(const struct vhost_message *m, const struct request *q)
{
	unsigned max_fds = q->fds == MANY_FDS ? VU_REGIONS_MAX : q->fds == MAYBE_FD;

	if (m->n_fds > max_fds || (!q->any_len && m->header.size != q->len))
		return false;
	/* Either a descriptor or a word that says that there is none. */
	return q->fds != MAYBE_FD || (m->n_fds != 0) == !(m->payload.u64 & VU_VRING_NO_FD);
}

static const struct request *request_of(const struct vhost_message *m)
{
	uint32_t number = m->header.request;

	return number < ARRAY_SIZE(requests) && requests[number].run ? &requests[number] : NULL;
}

/* The ring that the message is about; NULL: none, or one that is not there. */
static struct ring *ring_of(struct vhost *v, const struct request *q)
{
	uint64_t index = v->m.payload.state.index;

	if (q->fds == MAYBE_FD)
		index = v->m.payload.u64 & VU_VRING_INDEX;
	return q->of_ring && index < v->dev->n_queues ? &v->ring[index] : NULL;
}

static void stop_for(struct vhost *v, const struct request *q, struct ring *of)
{
	if (q->stops == NO_RING)
		return;
	if (q->stops == ONE_RING) {
		ring_stop(of);
		return;
	}
	if (q->stops == ALL_FOR_FEATURES && changes_nothing(v))
		return;
	for (unsigned i = 0; i < v->dev->n_queues; i++)
		ring_stop(&v->ring[i]);
}

/* Deals with the message, for which all stands still that has to. */
static void execute(struct vhost *v)
{
	const struct request *q = request_of(&v->m);
	const char *why = q->run(v, ring_of(v, q));
	bool asked = v->m.header.flags & VU_NEED_REPLY && v->protocol & VU_PROTOCOL_F_REPLY_ACK;

	if (asked && !q->replies) {
		const char *silent = reply_u64(v, why != NULL);

		why = why ? why : silent;
	}
	vhost_message_done(&v->m);
	for (unsigned i = 0; i < v->dev->n_queues && !why; i++)
		if (!v->ring[i].running && can_run(&v->ring[i]))
			why = ring_start(&v->ring[i]);
	if (why)
		end(v, why);
	else
		loop_fd_set(&v->watch, EPOLLIN);
}

static void on_message(struct vhost *v)
{
	const struct request *q = request_of(&v->m);
	struct ring *r;

	if (!q) {
		end(v, "a request that was not agreed on");
		return;
	}
	r = ring_of(v, q);
	if (!fits(&v->m, q) || (q->of_ring && !r)) {
		end(v, "a message that makes no sense");
		return;
	}
	stop_for(v, q, r);
	if (v->n_stopping)
		loop_fd_set(&v->watch, 0);
	else
		execute(v);
}

static void on_socket(struct loop_fd *w, uint32_t events)
{
	struct vhost *v = w->arg;

	for (unsigned i = 0; i < BATCH && !v->ending && !v->n_stopping; i++) {
		int ret = vhost_message_read(v->fd, &v->m);

		if (!ret)
			return;
		if (ret > 0)
			on_message(v);
		else
			end(v, ret == -EPROTO ? "a message that makes no sense" : NULL);
	}
}

/* ---- life ---- */

static int make_parts(struct vhost *v)
{
	int ret = vhost_memory_init(&v->memory);

	v->ring = calloc(v->dev->n_queues, sizeof(*v->ring));
	if (ret || !v->ring)
		return -ENOMEM;
	for (unsigned i = 0; i < v->dev->n_queues; i++)
		v->ring[i] = (struct ring){
			.v = v, .index = i, .kick_fd = -1, .call_fd = -1, .err_fd = -1};
	return loop_fd_add(v->loop, &v->watch);
}

static void free_parts(struct vhost *v)
{
	loop_fd_del(&v->watch);
	vhost_memory_fini(&v->memory);
	free(v->ring);
	free(v);
}

int vhost_new(const struct vhost_config *cfg, struct vhost **out)
{
	struct vhost *v = calloc(1, sizeof(*v));
	int ret;

	if (!v)
		return -ENOMEM;
	v->loop = cfg->loop;
	v->dev = cfg->dev;
	v->n_queues = cfg->n_queues;
	v->has_config = cfg->has_config;
	v->ops = cfg->ops;
	v->arg = cfg->arg;
	v->fd = cfg->fd;
	v->task = (struct loop_task){.fn = ended_task, .arg = v};
	v->watch = (struct loop_fd){.fn = on_socket, .arg = v, .fd = cfg->fd, .events = EPOLLIN};
	ret = make_parts(v);
	if (ret) {
		free_parts(v);
		return ret;
	}
	vdev_attach(v->dev, &port_ops, v, v->loop, v->memory.mem);
	*out = v;
	return 0;
}

bool vhost_is_attached(const struct vhost *v)
{
	return v->memory.n > 0;
}

void vhost_close(struct vhost *v)
{
	end(v, NULL);
}

void vhost_free(struct vhost *v)
{
	unsigned n = v->dev->n_queues;

	loop_task_cancel(v->loop, &v->task);
	vdev_free(v->dev);
	for (unsigned i = 0; i < n; i++) {
		fd_close(&v->ring[i].kick_fd);
		fd_close(&v->ring[i].call_fd);
		fd_close(&v->ring[i].err_fd);
	}
	free_parts(v);
}
