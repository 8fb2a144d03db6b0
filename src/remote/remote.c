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

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "base/fd.h"
#include "mem/gmem.h"
#include "remote/handshake.h"
#include "remote/kind.h"
#include "remote/shadow.h"
#include "remote/vu_conn.h"
#include "virtio/vdev.h"

/* A chain of the guest's that the back end has. */
struct request {
	struct virtq_chain chain; /* with arrays of its own, which grow as needed */
	unsigned next_free;
};

struct remote_queue {
	struct vdev_queue *q;
	struct shadow shadow;
	int kick_fd, call_fd;
	struct loop_fd call;
	struct request *request; /* one for each entry that the guest's ring can have */
	unsigned first_free, n_requests;
	bool running;
	bool stop_wanted, stop_asked;
	bool stalled; /* no room in our ring: goes on when something comes back */
};

struct remote {
	struct vdev vdev;
	const struct remote_kind_info *kind;
	struct loop *loop;
	struct vu_conn conn;
	struct handshake peer;
	struct gmem *rings;
	struct remote_queue queue[REMOTE_QUEUES_MAX];
	unsigned n_queues;
	struct virtq_chain scratch;
	bool features_sent;
	const char *down; /* why; NULL while the back end serves */
};

static struct remote *remote_of(struct vdev *dev)
{
	return container_of(dev, struct remote, vdev);
}

static struct remote_queue *queue_of(const struct vdev_queue *q)
{
	return &remote_of(q->dev)->queue[q->index];
}

/* ---- requests ---- */

/* Room for n parts in a request's own arrays. */
static int request_reserve(struct request *r, unsigned n)
{
	unsigned max = r->chain.max ? r->chain.max : 4;

	if (n <= r->chain.max)
		return 0;
	while (max < n)
		max *= 2;
	virtq_chain_fini(&r->chain);
	return virtq_chain_init(&r->chain, max);
}

/* Keeps a popped chain until it comes back. */
static void request_keep(struct request *r, const struct virtq_chain *c)
{
	unsigned n = c->n_read + c->n_write, max = r->chain.max;
	struct iovec *iov = r->chain.iov;
	struct virtq_seg *seg = r->chain.seg;

	memcpy(iov, c->iov, n * sizeof(*iov));
	memcpy(seg, c->seg, n * sizeof(*seg));
	r->chain = *c;
	r->chain.iov = iov;
	r->chain.seg = seg;
	r->chain.max = max;
}

static void request_free(struct remote_queue *rq, unsigned i)
{
	rq->request[i].next_free = rq->first_free;
	rq->first_free = i;
}

/* ---- a chain's way ---- */

static enum vdev_taken stall(struct remote_queue *rq, const struct virtq_chain *c)
{
	virtq_unpop(&rq->q->ring, c);
	rq->stalled = true;
	return VDEV_STALLED;
}

static enum vdev_taken take_failing(struct remote *r, struct vdev_queue *q)
{
	if (!r->kind->answer_failed)
		return VDEV_STALLED;
	if (vdev_pop(q, &r->scratch) <= 0)
		return VDEV_NONE;
	vdev_count_error(&r->vdev);
	virtq_push(&q->ring, &r->scratch, r->kind->answer_failed(&r->scratch));
	return VDEV_TAKEN;
}

static enum vdev_taken remote_take(struct vdev_queue *q)
{
	struct remote *r = remote_of(q->dev);
	struct remote_queue *rq = queue_of(q);
	struct virtq_chain *c = &r->scratch;
	unsigned n, slot = rq->first_free;

	if (r->down)
		return take_failing(r, q);
	if (slot == rq->n_requests) {
		rq->stalled = true;
		return VDEV_STALLED;
	}
	if (vdev_pop(q, c) <= 0)
		return VDEV_NONE;
	n = c->n_read + c->n_write;
	if (!n) {
		virtq_push(&q->ring, c, 0);
		return VDEV_TAKEN;
	}
	if (!shadow_has_room(&rq->shadow, n) || request_reserve(&rq->request[slot], n))
		return stall(rq, c);
	request_keep(&rq->request[slot], c);
	rq->first_free = rq->request[slot].next_free;
	shadow_add(&rq->shadow, slot, c);
	return VDEV_TAKEN;
}

static void remote_queue_kick(struct vdev_queue *q)
{
	struct remote_queue *rq = queue_of(q);

	rq->stalled = false;
	vdev_drain(q, remote_take);
	if (shadow_publish(&rq->shadow))
		eventfd_raise(rq->kick_fd);
}

static void back_end_lost(struct remote *r, const char *why);

/* Pushes what has come back. */
static void collect(struct remote_queue *rq)
{
	unsigned slot;
	uint32_t written;
	int ret;

	while ((ret = shadow_take(&rq->shadow, &slot, &written)) > 0) {
		virtq_push(&rq->q->ring, &rq->request[slot].chain, written);
		request_free(rq, slot);
	}
	vdev_flush(rq->q);
	if (ret < 0)
		back_end_lost(remote_of(rq->q->dev), "the back end broke the rules of the ring");
	else if (rq->stalled)
		vdev_go_on(rq->q);
}

static void called(struct loop_fd *w, uint32_t events)
{
	eventfd_clear(w->fd);
	collect(w->arg);
}

/* What the back end had not finished. `fail` as in the kind; NULL: as if nothing was written. */
static void give_up(struct remote_queue *rq, uint32_t (*fail)(const struct virtq_chain *c))
{
	for (unsigned i = 0; i < rq->n_requests; i++) {
		const struct virtq_chain *c = &rq->request[i].chain;

		if (!rq->shadow.slot[i].used)
			continue;
		vdev_count_error(rq->q->dev);
		virtq_push(&rq->q->ring, c, fail ? fail(c) : 0);
		request_free(rq, i);
	}
	shadow_reset(&rq->shadow);
}

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
	struct remote_queue *rq = queue_of(q);
	int ret;

	if (r->down) {
		vdev_degraded(&r->vdev, r->down);
		rq->running = true;
		return 0;
	}
	shadow_reset(&rq->shadow);
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
	struct remote_queue *rq = queue_of(q);

	rq->stop_wanted = true;
	if (!r->down) {
		ask_to_stop(r);
		return;
	}
	give_up(rq, NULL);
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
			back_end_lost(r, "the back end answers for another queue");
			return;
		}
		collect(rq);
		if (r->down)
			return; /* which has stopped the queue */
		give_up(rq, NULL);
		queue_done(rq);
	}
	ask_to_stop(r);
}

/* ---- the end of a back end ---- */

static void back_end_lost(struct remote *r, const char *why)
{
	vu_conn_fini(&r->conn);
	r->down = why;
	for (unsigned i = 0; i < r->n_queues; i++) {
		struct remote_queue *rq = &r->queue[i];

		loop_fd_del(&rq->call);
		if (!rq->running)
			continue;
		if (r->kind->answer_failed || rq->stop_wanted)
			give_up(rq, r->kind->answer_failed);
		if (rq->stop_wanted)
			queue_done(rq);
		else
			vdev_go_on(rq->q);
	}
	vdev_degraded(&r->vdev, why);
}

static void conn_ended(void *arg, const char *why)
{
	back_end_lost(arg, why);
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
	vu_conn_fini(&r->conn);
	for (unsigned i = 0; i < r->n_queues; i++)
		queue_free(&r->queue[i]);
	virtq_chain_fini(&r->scratch);
	gmem_free(r->rings);
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
		.queue_stop = remote_queue_stop, .queue_kick = remote_queue_kick,          \
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

static int queue_init(struct remote *r, struct remote_queue *rq, unsigned index)
{
	uint32_t size = r->kind->queue_size;
	int ret;

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
	for (unsigned i = 0; i < n && !ret; i++) {
		r->n_queues++;
		ret = queue_init(r, &r->queue[i], i);
	}
	return ret;
}

static int make_device(struct remote *r, const struct remote_config *cfg, uint8_t *config)
{
	int ret = vdev_init(&r->vdev, &remote_ops[cfg->kind],
			    (r->peer.features & r->kind->features) | r->kind->own, r->n_queues,
			    r->kind->config_len);

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
