/* SPDX-License-Identifier: MIT */
/*
 * The status byte is atomic, since devices set NEEDS_RESET from their loops while home works on the
 * rest. A reset of the machine's may come while the driver's is under way, so there are two
 * callbacks and one reset.
 *
 * Rules that drivers break are not faults of an access: such a write is ignored, or the device asks
 * for a reset when it would otherwise be silently dead.
 */
#include "transport/carrier.h"

#include <errno.h>
#include <stdlib.h>

#include "virtio/spec.h"
#include "virtio/vdev.h"

#define STATUS_WRITABLE                                                               \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK | \
	 VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED)

int carrier_init(struct carrier *c, struct vdev *dev, void (*was_reset)(struct carrier *c))
{
	c->queues = calloc(dev->n_queues, sizeof(*c->queues));
	if (!c->queues)
		return -ENOMEM;
	c->dev = dev;
	c->was_reset = was_reset;
	for (unsigned i = 0; i < dev->n_queues; i++)
		c->queues[i].c = c;
	return 0;
}

void carrier_fini(struct carrier *c)
{
	free(c->queues);
	c->queues = NULL;
}

/* ---- status and features ---- */

uint8_t carrier_status(const struct carrier *c)
{
	return (uint8_t)atomic_load(&c->status);
}

bool carrier_needs_reset(struct carrier *c)
{
	return atomic_fetch_or(&c->status, VIRTIO_STATUS_NEEDS_RESET) & VIRTIO_STATUS_DRIVER_OK;
}

void carrier_set_low(uint64_t *word, uint32_t v)
{
	*word = (*word & ~(uint64_t)UINT32_MAX) | v;
}

void carrier_set_high(uint64_t *word, uint32_t v)
{
	*word = (*word & UINT32_MAX) | (uint64_t)v << 32;
}

static uint32_t feature_word(uint64_t features, uint32_t sel)
{
	return sel < 2 ? (uint32_t)(features >> 32 * sel) : 0;
}

uint32_t carrier_device_features(const struct carrier *c)
{
	return feature_word(c->dev->offered, c->device_features_sel);
}

uint32_t carrier_driver_features(const struct carrier *c)
{
	return feature_word(c->driver_features, c->driver_features_sel);
}

void carrier_driver_features_write(struct carrier *c, uint32_t v)
{
	if (carrier_status(c) & VIRTIO_STATUS_FEATURES_OK)
		return;
	if (c->driver_features_sel == 0)
		carrier_set_low(&c->driver_features, v);
	else if (c->driver_features_sel == 1)
		carrier_set_high(&c->driver_features, v);
	else if (v)
		c->driver_features |= BIT(63); /* never offered: FEATURES_OK will be refused */
}

/* ---- queues ---- */

struct carrier_queue *carrier_selected(struct carrier *c)
{
	return c->queue_sel < c->dev->n_queues ? &c->queues[c->queue_sel] : NULL;
}

struct carrier_queue *carrier_queue_writable(struct carrier *c)
{
	struct carrier_queue *q = carrier_selected(c);

	return q && !q->ready ? q : NULL;
}

static unsigned index_of(const struct carrier_queue *q)
{
	return (unsigned)(q - q->c->queues);
}

static void queue_start(struct carrier_queue *q)
{
	struct vdev_queue_setup setup = {
		.ring = {.size = q->size,
			 .desc = q->desc,
			 .driver = q->driver,
			 .device = q->device},
		.kick_fd = -1,
		.call_fd = -1,
	};

	if (vdev_queue_start(q->c->dev, index_of(q), &setup)) {
		q->ready = false;
		vdev_broken(q->c->dev, "the driver set up a queue that cannot be");
	}
}

void carrier_queue_enable(struct carrier_queue *q)
{
	uint8_t status = carrier_status(q->c);

	if (q->ready || !(status & VIRTIO_STATUS_FEATURES_OK))
		return;
	q->ready = true;
	if (status & VIRTIO_STATUS_DRIVER_OK)
		queue_start(q);
}

static void queue_stopped(void *arg)
{
	struct carrier_queue *q = arg;

	q->stopping = false;
	q->ready = false;
	q->stopped_cb(q->stopped_arg);
}

bool carrier_queue_stop(struct carrier_queue *q, void (*cb)(void *arg), void *arg)
{
	if (!q->ready || q->stopping)
		return false;
	if (vdev_queue_stop(q->c->dev, index_of(q), queue_stopped, q)) {
		q->ready = false; /* it was not started yet */
		return false;
	}
	q->stopping = true;
	q->stopped_cb = cb;
	q->stopped_arg = arg;
	return true;
}

static void queue_was_reset(void *arg)
{
	struct carrier_queue *q = arg;
	struct carrier_queue was = *q;

	*q = (struct carrier_queue){.c = q->c};
	if (was.stopped_cb)
		was.stopped_cb(was.stopped_arg);
}

int carrier_queue_reset(struct carrier_queue *q, void (*cb)(void *arg), void *arg)
{
	int ret;

	if (q->stopping)
		return -EBUSY;
	q->stopped_cb = NULL;
	q->stopping = q->resetting = true;
	ret = vdev_queue_reset(q->c->dev, index_of(q), queue_was_reset, q);
	if (ret)
		q->stopping = q->resetting = false;
	if (!q->resetting)
		return ret;
	q->stopped_cb = cb;
	q->stopped_arg = arg;
	return 1;
}

/* ---- status writes and reset ---- */

void carrier_status_write(struct carrier *c, uint8_t value)
{
	unsigned v = value & STATUS_WRITABLE;
	unsigned old = atomic_load(&c->status);

	if (v & ~old & VIRTIO_STATUS_FEATURES_OK && vdev_set_features(c->dev, c->driver_features))
		v &= ~VIRTIO_STATUS_FEATURES_OK;
	if (!((old | v) & VIRTIO_STATUS_FEATURES_OK))
		v &= ~VIRTIO_STATUS_DRIVER_OK;
	atomic_fetch_or(&c->status, v);
	if (v & ~old & VIRTIO_STATUS_DRIVER_OK)
		for (unsigned i = 0; i < c->dev->n_queues; i++)
			if (c->queues[i].ready)
				queue_start(&c->queues[i]);
}

static void reset_done(void *arg)
{
	struct carrier *c = arg;
	void (*driver_cb)(void *arg) = c->driver_cb;
	void (*reset_cb)(void *arg) = c->reset_cb;

	for (unsigned i = 0; i < c->dev->n_queues; i++)
		c->queues[i] = (struct carrier_queue){.c = c};
	c->device_features_sel = 0;
	c->driver_features_sel = 0;
	c->queue_sel = 0;
	c->driver_features = 0;
	c->resetting = false;
	c->driver_cb = NULL;
	c->reset_cb = NULL;
	c->was_reset(c);
	atomic_store(&c->status, 0);
	if (driver_cb)
		driver_cb(c->driver_arg);
	if (reset_cb)
		reset_cb(c->reset_arg);
}

bool carrier_driver_reset(struct carrier *c, void (*cb)(void *arg), void *arg)
{
	c->resetting = true;
	vdev_reset(c->dev, reset_done, c);
	if (!c->resetting)
		return false;
	c->driver_cb = cb;
	c->driver_arg = arg;
	return true;
}

bool carrier_is_resetting(const struct carrier *c)
{
	return c->resetting;
}

void carrier_reset(struct carrier *c, void (*cb)(void *arg), void *arg)
{
	c->reset_cb = cb;
	c->reset_arg = arg;
	if (c->resetting)
		return; /* the driver has begun it */
	c->resetting = true;
	vdev_reset(c->dev, reset_done, c);
}
