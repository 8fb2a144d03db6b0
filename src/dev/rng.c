/* SPDX-License-Identifier: MIT */
/*
 * Each chain is filled at once, straight into guest memory. A chain may be large and hardly a
 * driver needs much, so that at most FILL_MAX bytes go into one; the used length says how many.
 *
 * A rate is a bucket that fills with time, a tenth of a second's worth at most (but always one
 * request's). While it is empty requests stay in the ring, and a timer comes back to them.
 */
#include "dev/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/mix.h"
#include "virtio/vdev.h"

#define QUEUE_SIZE 16u
#define FILL_MAX   4096u
#define USUAL      64u /* bytes that Linux asks for */
#define NS_PER_S   1000000000ull

struct rng {
	struct vdev vdev;
	bool repeatable;
	uint64_t state;
	struct fault_point *fault;
	struct virtq_chain chain;
	struct loop *loop;
	uint64_t rate;      /* bytes a second, or 0 */
	uint64_t level;     /* bytes in the bucket */
	uint64_t filled_ns; /* when it was looked at last */
	struct loop_timer refill;
};

static struct rng *rng_of(struct vdev *dev)
{
	return container_of(dev, struct rng, vdev);
}

/* Fills up to len bytes; how many. */
static size_t rng_bytes(struct rng *r, uint8_t *p, size_t len)
{
	uint8_t word[8];
	ssize_t n;

	if (!r->repeatable) {
		do {
			n = getrandom(p, len, 0);
		} while (n < 0 && errno == EINTR);
		return n < 0 ? 0 : (size_t)n;
	}
	for (size_t at = 0; at < len; at += sizeof(word)) {
		le64_store(word, mix_next(&r->state));
		memcpy(p + at, word, min_u64(len - at, sizeof(word)));
	}
	return len;
}

/* Bytes that may be given now. */
static uint32_t rng_allowed(struct rng *r)
{
	uint64_t now = loop_now(r->loop), past = min_u64(now - r->filled_ns, NS_PER_S);
	uint64_t new = past * r->rate / NS_PER_S;

	if (!r->rate)
		return FILL_MAX;
	/* What is less than a byte's time is not lost. */
	if (new) {
		r->level = min_u64(r->level + new, max_u64(r->rate / 10, FILL_MAX));
		r->filled_ns = now;
	}
	return (uint32_t)min_u64(r->level, FILL_MAX);
}

static void rng_refilled(struct loop_timer *t)
{
	struct rng *r = t->arg;

	vdev_go_on(&r->vdev.queues[0]);
}

/* Comes back when there is enough for a usual request. */
static enum vdev_taken rng_wait(struct rng *r)
{
	uint64_t bytes = min_u64(r->rate, USUAL);

	loop_timer_arm(r->loop, &r->refill, loop_now(r->loop) + bytes * NS_PER_S / r->rate);
	return VDEV_STALLED;
}

static uint32_t rng_fill(struct rng *r, const struct virtq_chain *c, uint32_t max)
{
	const struct iovec *iov = virtq_chain_writable(c);
	uint32_t total = 0;
	struct fault_hit hit;

	if (fault_ask(r->fault, &hit))
		max = hit.what & FAULT_ERROR ? 0 : 1;
	for (unsigned i = 0; i < c->n_write && total < max; i++) {
		size_t want = min_u64(iov[i].iov_len, max - total);
		size_t got = rng_bytes(r, iov[i].iov_base, want);

		total += (uint32_t)got;
		if (got < want)
			break;
	}
	return total;
}

static enum vdev_taken rng_take(struct vdev_queue *q)
{
	struct rng *r = rng_of(q->dev);
	uint32_t allowed = rng_allowed(r), written;

	if (!allowed)
		return rng_wait(r);
	if (vdev_pop(q, &r->chain) <= 0)
		return VDEV_NONE;
	if (!r->chain.write_len) {
		virtq_unpop(&q->ring, &r->chain);
		vdev_broken(q->dev, "a request without room for random bytes");
		return VDEV_NONE;
	}
	written = rng_fill(r, &r->chain, allowed);
	r->level -= r->rate ? written : 0;
	virtq_push(&q->ring, &r->chain, written);
	return VDEV_TAKEN;
}

static void rng_queue_kick(struct vdev_queue *q)
{
	vdev_drain(q, rng_take);
}

static int rng_queue_start(struct vdev_queue *q)
{
	return 0;
}

static void rng_queue_stop(struct vdev_queue *q)
{
	loop_timer_cancel(&rng_of(q->dev)->refill);
	vdev_queue_stopped(q);
}

static void rng_free(struct vdev *dev)
{
	struct rng *r = rng_of(dev);

	vdev_fini(dev);
	virtq_chain_fini(&r->chain);
	free(r);
}

static const struct vdev_ops rng_ops = {
	.name = "rng",
	.device_id = VIRTIO_ID_RNG,
	.queue_start = rng_queue_start,
	.queue_stop = rng_queue_stop,
	.queue_kick = rng_queue_kick,
	.free = rng_free,
};

int rng_new(const struct rng_config *config, struct vdev **out)
{
	struct rng *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->repeatable = config->repeatable;
	r->state = config->seed;
	r->fault = config->fault;
	r->loop = config->loop;
	r->rate = config->rate;
	r->level = FILL_MAX;
	r->filled_ns = loop_now(config->loop);
	r->refill = (struct loop_timer){.fn = rng_refilled, .arg = r};
	if (virtq_chain_init(&r->chain, 2 * QUEUE_SIZE))
		goto fail;
	if (vdev_init(&r->vdev, &rng_ops, 0, 1, 0))
		goto fail;
	vdev_queue_config(&r->vdev, 0, QUEUE_SIZE, config->loop);
	*out = &r->vdev;
	return 0;
fail:
	virtq_chain_fini(&r->chain);
	free(r);
	return -ENOMEM;
}
