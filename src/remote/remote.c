/* SPDX-License-Identifier: MIT */
/*
 * Requests are relayed: each chain that the guest makes available is popped from its ring, put into
 * a ring of ours that the back end sees (shadow.h), and pushed when it comes back. Handing the
 * guest's ring itself to the back end would save a wake-up, but
 *
 * - engines must be told which guest memory was written (gmem_note_write()), since they keep
 *   decoded code of it; a program that the guest loads from a shared folder is such code. Who
 *   relays knows.
 * - the guest's ring may have any format, the back end's is plain; it never sees a broken ring;
 * - what is in flight is known here, so that a dead back end's requests can be answered;
 * - a stopped queue needs no state from the other side.
 *
 * The data are not copied: the back end maps guest memory, and descriptors name guest addresses.
 * Our rings are one more region behind all that a guest can have.
 *
 * Addresses. vhost-user knows guest addresses and "user" addresses, of the front end's own
 * mappings. The latter need only be told apart, so we use guest addresses for both: a back end
 * learns nothing of our address space.
 *
 * Stopping a queue is asking the back end for it (GET_VRING_BASE) and waiting for the reply on the
 * loop. One question is under way at a time; the others' queues wait in `stop_wanted`.
 */
#include "remote/remote.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "mem/gmem.h"
#include "remote/parts.h"
#include "remote/reconnect.h"
#include "remote/record.h"

/* ---- starting a queue ---- */

static int tell_fd(struct remote *r, uint32_t request, unsigned index, int fd)
{
	uint64_t value = index;

	return vu_ask(&r->conn, &(struct vu_request){.request = request,
						     .payload = &value,
						     .len = sizeof(value),
						     .fds = &fd,
						     .n_fds = 1});
}

static int tell_state(struct remote *r, uint32_t request, unsigned index, uint32_t num)
{
	const struct vu_vring_state s = {.index = index, .num = num};

	return vu_ask(&r->conn,
		      &(struct vu_request){.request = request, .payload = &s, .len = sizeof(s)});
}

static int tell_address(struct remote *r, unsigned index)
{
	uint64_t base = HANDSHAKE_RINGS + (uint64_t)index * SHADOW_BYTES;
	const struct vu_vring_addr a = {.index = index,
					.desc = base,
					.avail = base + SHADOW_AVAIL,
					.used = base + SHADOW_USED};

	return vu_ask(&r->conn, &(struct vu_request){.request = VU_SET_VRING_ADDR,
						     .payload = &a,
						     .len = sizeof(a)});
}

static int tell_features(struct remote *r)
{
	uint64_t features = vdev_features(&r->vdev) & r->kind->features;

	if (r->features_sent)
		return 0;
	r->features_sent = true;
	features |= VIRTIO_F_VERSION_1 | (r->peer.features & VU_F_PROTOCOL_FEATURES);
	return vu_ask(&r->conn, &(struct vu_request){.request = VU_SET_FEATURES,
						     .payload = &features,
						     .len = sizeof(features)});
}

static int tell_queue(struct remote *r, struct remote_queue *rq)
{
	unsigned i = rq->q->index;
	int ret = tell_features(r);

	if (!ret)
		ret = tell_state(r, VU_SET_VRING_NUM, i, SHADOW_SIZE);
	if (!ret)
		ret = tell_state(r, VU_SET_VRING_BASE, i, 0);
	if (!ret)
		ret = tell_address(r, i);
	if (!ret)
		ret = tell_fd(r, VU_SET_VRING_CALL, i, rq->call_fd);
	if (!ret)
		ret = tell_fd(r, VU_SET_VRING_KICK, i, rq->kick_fd);
	if (!ret && r->peer.features & VU_F_PROTOCOL_FEATURES)
		ret = tell_state(r, VU_SET_VRING_ENABLE, i, 1);
	return ret;
}

static int remote_queue_start(struct vdev_queue *q)
{
	struct remote *r = remote_of(q->dev);
	struct remote_queue *rq = remote_queue_of(q);
	int ret;

	shadow_reset(&rq->shadow);
	if (r->down) {
		if (!r->reconnect)
			vdev_degraded(&r->vdev, r->down);
		rq->running = true;
		return 0;
	}
	eventfd_clear(rq->kick_fd);
	eventfd_clear(rq->call_fd);
	ret = loop_fd_add(r->loop, &rq->call);
	if (ret)
		return ret;
	rq->running = true;
	/* What cannot be told has ended the connection, of which we hear soon. */
	(void)tell_queue(r, rq);
	return 0;
}

/* ---- stopping one ---- */

static void queue_done(struct remote_queue *rq)
{
	loop_fd_del(&rq->call);
	rq->running = false;
	rq->stop_wanted = false;
	rq->stop_asked = false;
	rq->stalled = false;
	vdev_queue_stopped(rq->q);
}

static void ask_to_stop(struct remote *r)
{
	for (unsigned i = 0; i < r->n_queues && !vu_conn_busy(&r->conn); i++) {
		struct remote_queue *rq = &r->queue[i];
		const struct vu_vring_state s = {.index = i};

		if (!rq->stop_wanted)
			continue;
		rq->stop_asked = true;
		(void)vu_ask(&r->conn, &(struct vu_request){.request = VU_GET_VRING_BASE,
							    .payload = &s,
							    .len = sizeof(s),
							    .reply_len = sizeof(s)});
		return;
	}
}

static void remote_queue_stop(struct vdev_queue *q)
{
	struct remote *r = remote_of(q->dev);
	struct remote_queue *rq = remote_queue_of(q);

	rq->stop_wanted = true;
	if (!r->down) {
		ask_to_stop(r);
		return;
	}
	relay_give_up(rq, NULL);
	queue_done(rq);
}

/* The back end has stopped a queue, and its last words are in the ring. */
static void stop_reply(void *arg, const union vu_payload *p)
{
	struct remote *r = arg;

	for (unsigned i = 0; i < r->n_queues; i++) {
		struct remote_queue *rq = &r->queue[i];

		if (!rq->stop_asked)
			continue;
		if (p->state.index != i) {
			remote_lost(r, "the back end answers for another queue");
			return;
		}
		relay_collect(rq);
		if (r->down)
			return; /* which has stopped the queue */
		relay_give_up(rq, NULL);
		queue_done(rq);
	}
	ask_to_stop(r);
}

/* ---- the end of a back end, and its return ---- */

/* A card's status: whether the cable is in, and somebody at its other end. */
static void publish_link(struct remote *r)
{
	uint8_t status[2];

	if (!r->kind->is_net)
		return;
	le16_store(status, (uint16_t)(r->unplugged || r->down ? 0 : KIND_NET_LINK_UP));
	vdev_config_set(&r->vdev, KIND_NET_STATUS, status, sizeof(status));
	vdev_config_changed(&r->vdev);
}

/* A queue that has lost its back end. */
static void queue_lost(struct remote *r, struct remote_queue *rq)
{
	loop_fd_del(&rq->call);
	if (!rq->running)
		return;
	if (rq->stop_wanted || remote_is_net_tx(r, rq->q))
		relay_give_up(rq, NULL);
	else if (!r->reconnect && r->kind->answer_failed)
		relay_give_up(rq, r->kind->answer_failed);
	if (rq->stop_wanted)
		queue_done(rq);
	else
		vdev_go_on(rq->q);
}

static void renew_eventfd(int *fd)
{
	int fresh;

	if (eventfd_new(&fresh))
		return;
	fd_close(fd);
	*fd = fresh;
}

/* Rings and eventfds that the one before has not: it may have let go of the connection alone. */
static void renew(struct remote *r)
{
	struct gmem *fresh, old = *r->rings;

	if (gmem_new(&fresh))
		return;
	if (!gmem_add_ram(fresh, HANDSHAKE_RINGS, old.region[0].size)) {
		*r->rings = *fresh;
		*fresh = old;
	}
	gmem_free(fresh);
	for (unsigned i = 0; i < r->n_queues; i++) {
		struct remote_queue *rq = &r->queue[i];

		rq->shadow.mem = r->rings->region[0].host + (size_t)i * SHADOW_BYTES;
		renew_eventfd(&rq->kick_fd);
		renew_eventfd(&rq->call_fd);
		rq->call.fd = rq->call_fd;
	}
}

void remote_lost(struct remote *r, const char *why)
{
	vu_conn_fini(&r->conn);
	r->down = why;
	for (unsigned i = 0; i < r->n_queues; i++)
		queue_lost(r, &r->queue[i]);
	if (!r->reconnect) {
		vdev_degraded(&r->vdev, why);
		return;
	}
	renew(r);
	log_warn("%s: %s; waiting for it to come back", r->cfg.label, why);
	publish_link(r);
	reconnect_begin(r->reconnect);
}

static int queue_back(struct remote *r, struct remote_queue *rq)
{
	int ret;

	if (!rq->running)
		return 0;
	relay_keep(rq);
	eventfd_clear(rq->kick_fd);
	eventfd_clear(rq->call_fd);
	ret = loop_fd_add(r->loop, &rq->call);
	if (!ret)
		ret = tell_queue(r, rq);
	relay_again(rq);
	vdev_go_on(rq->q);
	return ret;
}

static void stop_reply(void *arg, const union vu_payload *p);
static void conn_ended(void *arg, const char *why);

static bool back_end_back(void *arg, int fd, const struct handshake *peer, uint8_t *config)
{
	struct remote *r = arg;
	uint64_t chosen = vdev_features(&r->vdev) & r->kind->features;

	vu_conn_init(&r->conn, fd);
	if ((chosen & ~peer->features) ||
	    vu_conn_watch(&r->conn, r->loop, stop_reply, conn_ended, r)) {
		vu_conn_fini(&r->conn);
		return false;
	}
	r->peer = *peer;
	r->down = NULL;
	r->features_sent = false;
	if (r->kind->asks_config) {
		r->kind->config(&r->cfg, config);
		vdev_config_set(&r->vdev, 0, config, r->kind->config_len);
		vdev_config_changed(&r->vdev);
	}
	log_warn("%s: the back end is there again", r->cfg.label);
	/* What cannot be told has ended the connection, of which we hear soon. */
	for (unsigned i = 0; i < r->n_queues; i++)
		(void)queue_back(r, &r->queue[i]);
	publish_link(r);
	return true;
}

void remote_set_link(struct vdev *dev, bool up)
{
	struct remote *r = remote_of(dev);

	if (r->unplugged == !up)
		return;
	r->unplugged = !up;
	publish_link(r);
}

static void conn_ended(void *arg, const char *why)
{
	remote_lost(arg, why);
}

const char *remote_down(struct vdev *dev)
{
	return remote_of(dev)->down;
}

/* ---- making and freeing ---- */

static void remote_features_set(struct vdev *dev, uint64_t features)
{
	remote_of(dev)->features_sent = false;
}

static void queue_free(struct remote_queue *rq)
{
	for (unsigned i = 0; i < rq->n_requests; i++)
		virtq_chain_fini(&rq->request[i].chain);
	free(rq->request);
	shadow_fini(&rq->shadow);
	fd_close(&rq->kick_fd);
	fd_close(&rq->call_fd);
}

static void remote_free_parts(struct remote *r)
{
	reconnect_free(r->reconnect);
	vu_conn_fini(&r->conn);
	for (unsigned i = 0; i < r->n_queues; i++)
		queue_free(&r->queue[i]);
	virtq_chain_fini(&r->scratch);
	gmem_free(r->rings);
	free(r->record);
	free(r);
}

static void remote_free(struct vdev *dev)
{
	vdev_fini(dev);
	remote_free_parts(remote_of(dev));
}

#define REMOTE_OPS(kind_name, id)                                                          \
	{                                                                                  \
		.name = (kind_name), .device_id = (id), .queue_start = remote_queue_start, \
		.queue_stop = remote_queue_stop, .queue_kick = relay_kick,                 \
		.features_set = remote_features_set, .free = remote_free                   \
	}

static const struct vdev_ops remote_ops[] = {
	[REMOTE_FS] = REMOTE_OPS("fs", VIRTIO_ID_FS),
	[REMOTE_BLK] = REMOTE_OPS("blk", VIRTIO_ID_BLOCK),
	[REMOTE_NET] = REMOTE_OPS("net", VIRTIO_ID_NET),
};

bool remote_is(const struct vdev *dev)
{
	return dev->ops >= remote_ops && dev->ops < remote_ops + ARRAY_SIZE(remote_ops);
}

static void called(struct loop_fd *w, uint32_t events)
{
	eventfd_clear(w->fd);
	relay_collect(w->arg);
}

static int queue_init(struct remote *r, struct remote_queue *rq, unsigned index)
{
	uint32_t size = r->kind->queue_size;
	int ret;

	assert(size <= REMOTE_SIZE_MAX);
	rq->kick_fd = -1;
	rq->call_fd = -1;
	rq->request = calloc(size, sizeof(*rq->request));
	if (!rq->request)
		return -ENOMEM;
	rq->n_requests = size;
	for (unsigned i = 0; i < size; i++)
		rq->request[i].next_free = i + 1;
	ret = shadow_init(&rq->shadow, r->rings->region[0].host + (size_t)index * SHADOW_BYTES,
			  size);
	if (!ret)
		ret = eventfd_new(&rq->kick_fd);
	if (!ret)
		ret = eventfd_new(&rq->call_fd);
	rq->call = (struct loop_fd){.fn = called, .arg = rq, .fd = rq->call_fd, .events = EPOLLIN};
	return ret;
}

static int make_parts(struct remote *r, const struct remote_config *cfg)
{
	unsigned n = r->kind->more_queues && cfg->n_queues ? cfg->n_queues : r->kind->n_queues;
	int ret = gmem_new(&r->rings);

	if (!ret)
		ret = gmem_add_ram(r->rings, HANDSHAKE_RINGS, (uint64_t)n * SHADOW_BYTES);
	if (!ret)
		ret = virtq_chain_init(&r->scratch, SHADOW_SIZE);
	if (!ret && cfg->record) {
		r->record = calloc(1, sizeof(*r->record));
		if (!r->record)
			return -ENOMEM;
		r->record->frame = cfg->record;
		r->record->arg = cfg->record_arg;
	}
	for (unsigned i = 0; i < n && !ret; i++) {
		r->n_queues++;
		ret = queue_init(r, &r->queue[i], i);
	}
	return ret;
}

static int make_reconnect(struct remote *r)
{
	const struct reconnect_config cfg = {.remote = &r->cfg,
					     .kind = r->kind,
					     .rings = r->rings,
					     .n_queues = r->n_queues,
					     .back = back_end_back,
					     .arg = r};

	return reconnect_new(&cfg, &r->reconnect);
}

static int make_device(struct remote *r, const struct remote_config *cfg, uint8_t *config)
{
	int ret = vdev_init(&r->vdev, &remote_ops[cfg->kind],
			    (r->peer.features & r->kind->features) | remote_kind_own(cfg),
			    r->n_queues, r->kind->config_len);

	if (ret)
		return ret;
	r->kind->config(cfg, config);
	vdev_config_set(&r->vdev, 0, config, r->kind->config_len);
	for (unsigned i = 0; i < r->n_queues; i++) {
		vdev_queue_config(&r->vdev, i, r->kind->queue_size, r->loop);
		r->queue[i].q = &r->vdev.queues[i];
	}
	return 0;
}

int remote_new(const struct remote_config *cfg, struct vdev **out, struct err *e)
{
	uint8_t config[VU_CONFIG_MAX] = {0};
	struct remote *r = calloc(1, sizeof(*r));
	int ret, fd = cfg->fd;

	if (!r) {
		fd_close(&fd);
		return err_set(e, -ENOMEM, "%s: out of memory", cfg->label);
	}
	r->kind = &remote_kinds[cfg->kind];
	r->cfg = *cfg;
	r->loop = cfg->loop;
	vu_conn_init(&r->conn, fd);
	ret = make_parts(r, cfg);
	if (ret) {
		err_set(e, ret, "%s: no memory for its rings: %s", cfg->label, strerror(-ret));
		goto fail;
	}
	ret = handshake(&r->conn, r->kind, cfg, r->rings, r->n_queues, &r->peer, config, e);
	if (ret)
		goto fail;
	ret = vu_conn_watch(&r->conn, cfg->loop, stop_reply, conn_ended, r);
	if (!ret && cfg->reconnect && !r->kind->no_return)
		ret = make_reconnect(r);
	if (!ret)
		ret = make_device(r, cfg, config);
	if (ret) {
		err_set(e, ret, "%s: %s", cfg->label, strerror(-ret));
		goto fail;
	}
	*out = &r->vdev;
	return 0;
fail:
	remote_free_parts(r);
	return ret;
}
