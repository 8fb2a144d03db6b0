/* SPDX-License-Identifier: MIT */
/*
 * Each chain is filled at once, straight into guest memory. A chain may be large and hardly a
 * driver needs much, so that at most FILL_MAX bytes go into one; the used length says how many.
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

struct rng {
	struct vdev vdev;
	bool repeatable;
	uint64_t state;
	struct fault_point *fault;
	struct virtq_chain chain;
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

static uint32_t rng_fill(struct rng *r, const struct virtq_chain *c)
{
	const struct iovec *iov = virtq_chain_writable(c);
	uint32_t total = 0, max = FILL_MAX;
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

	if (vdev_pop(q, &r->chain) <= 0)
		return VDEV_NONE;
	if (!r->chain.write_len) {
		virtq_unpop(&q->ring, &r->chain);
		vdev_broken(q->dev, "a request without room for random bytes");
		return VDEV_NONE;
	}
	virtq_push(&q->ring, &r->chain, rng_fill(r, &r->chain));
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
