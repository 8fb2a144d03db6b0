/* SPDX-License-Identifier: MIT */
/*
 * The register window. The status byte lives here, not in the device.
 *
 * Three kinds of state: the interrupt status and the status byte are atomics, since vCPUs, queue
 * loops and home all touch them; the selectors and queue registers belong to home; the rest never
 * changes.
 *
 * The wire follows the interrupt status, and two threads may move it at once: a device raises while
 * a vCPU acknowledges. No lock is held over irq_set(). Instead whoever changed the status sets the
 * wire to what it saw, and looks again; if the status has become zero or nonzero meanwhile, it sets
 * the wire once more. The last one to touch the wire thus leaves it right.
 *
 * Rules that drivers break are not faults of the access: such a write is ignored, or the device
 * asks for a reset when it would otherwise be silently dead.
 */
#include "transport/mmio.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/bus.h"
#include "virtio/vdev.h"

#define VENDOR_ID 0x554e494cu /* "LINU" */
#define VERSION   2u

#define STATUS_WRITABLE                                                               \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK | \
	 VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED)

/* A queue's registers. */
struct mmio_queue {
	struct virtio_mmio *t;
	uint32_t size;
	uint64_t desc;
	uint64_t driver;
	uint64_t device;
	bool ready;
	bool resetting;              /* the queue alone */
	struct bus_access *stopping; /* the access that waits for the queue to stop */
};

struct virtio_mmio {
	struct vdev *dev;
	struct bus *bus;
	uint64_t base;
	struct irq irq;
	atomic_uint interrupt_status;
	atomic_uint status;

	/* home */
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint64_t driver_features;
	struct mmio_queue *queues;
	bool resetting;
	struct bus_access *reset_access; /* the access that waits for the reset, if one does */
	void (*reset_cb)(void *arg);
	void *reset_arg;
};

/* ---- interrupts ---- */

static void wire_follow(struct virtio_mmio *t)
{
	bool level = atomic_load(&t->interrupt_status) != 0;
	bool again;

	do {
		irq_set(t->irq, level);
		again = level;
		/* Ordered after whatever irq_set() did, by an operation that writes. */
		level = atomic_fetch_or(&t->interrupt_status, 0) != 0;
	} while (again != level);
}

static void acknowledge(struct virtio_mmio *t, unsigned bits)
{
	if (bits & atomic_fetch_and(&t->interrupt_status, ~bits))
		wire_follow(t);
}

static void raise(struct virtio_mmio *t, unsigned bits)
{
	/* With the bits set already, who set them sees to the wire. */
	if (bits & ~atomic_fetch_or(&t->interrupt_status, bits))
		wire_follow(t);
	if (unlikely(vdev_is_gone(t->dev)))
		acknowledge(t, ~0u);
}

/* The wire falls. Also for an interrupt that was on its way, which raise() looks after. */
static void port_gone(void *port)
{
	acknowledge(port, ~0u);
}

static void port_interrupt(void *port, unsigned queue)
{
	raise(port, VIRTIO_MMIO_INT_RING);
}

static void port_config_changed(void *port)
{
	struct virtio_mmio *t = port;

	if (atomic_load(&t->status) & VIRTIO_STATUS_DRIVER_OK)
		raise(t, VIRTIO_MMIO_INT_CONFIG);
}

static void port_broken(void *port)
{
	struct virtio_mmio *t = port;

	/* 2.1.2: the driver is told only once it is ready to hear it. */
	if (atomic_fetch_or(&t->status, VIRTIO_STATUS_NEEDS_RESET) & VIRTIO_STATUS_DRIVER_OK)
		raise(t, VIRTIO_MMIO_INT_CONFIG);
}

static const struct vdev_port_ops port_ops = {
	.interrupt = port_interrupt,
	.config_changed = port_config_changed,
	.broken = port_broken,
	.gone = port_gone,
};

/* ---- an empty slot; one whose device is gone is another ---- */

static enum bus_result empty_read(void *arg, uint64_t offset, unsigned size, uint64_t *value)
{
	if (size == 4 && offset == VIRTIO_MMIO_MAGIC)
		*value = VIRTIO_MMIO_MAGIC_VALUE;
	else if (size == 4 && offset == VIRTIO_MMIO_VERSION)
		*value = VERSION;
	return BUS_OK;
}

static enum bus_result empty_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	return BUS_OK;
}

static const struct bus_direct_ops empty_ops = {.read = empty_read, .write = empty_write};

/* ---- on the vCPU's thread ---- */

static bool is_register(uint64_t offset, unsigned size)
{
	return size == 4 && offset % 4 == 0; /* 4.2.2.2 */
}

static enum bus_result direct_read(void *arg, uint64_t offset, unsigned size, uint64_t *value)
{
	struct virtio_mmio *t = arg;

	if (unlikely(vdev_is_gone(t->dev)))
		return empty_read(arg, offset, size, value);
	if (offset >= VIRTIO_MMIO_CONFIG) {
		unsigned at = (unsigned)offset - VIRTIO_MMIO_CONFIG;

		return vdev_config_read(t->dev, at, size, value) ? BUS_OK : BUS_POST;
	}
	if (!is_register(offset, size))
		return BUS_OK;
	switch (offset) {
	case VIRTIO_MMIO_MAGIC: *value = VIRTIO_MMIO_MAGIC_VALUE; break;
	case VIRTIO_MMIO_VERSION: *value = VERSION; break;
	case VIRTIO_MMIO_DEVICE_ID: *value = t->dev->ops->device_id; break;
	case VIRTIO_MMIO_VENDOR_ID: *value = VENDOR_ID; break;
	case VIRTIO_MMIO_INTERRUPT_STATUS: *value = atomic_load(&t->interrupt_status); break;
	case VIRTIO_MMIO_CONFIG_GENERATION: *value = vdev_config_generation(t->dev); break;
	default: return BUS_POST;
	}
	return BUS_OK;
}

static enum bus_result direct_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_mmio *t = arg;

	if (unlikely(vdev_is_gone(t->dev)))
		return empty_write(arg, offset, size, value);
	if (offset >= VIRTIO_MMIO_CONFIG)
		return BUS_POST;
	if (!is_register(offset, size))
		return BUS_OK;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NOTIFY: vdev_notify(t->dev, (uint32_t)value); break;
	case VIRTIO_MMIO_INTERRUPT_ACK: acknowledge(t, (unsigned)value); break;
	default: return BUS_POST;
	}
	return BUS_OK;
}

static const struct bus_direct_ops direct_ops = {.read = direct_read, .write = direct_write};

/* ---- on the loop: queues ---- */

static struct mmio_queue *selected(struct virtio_mmio *t)
{
	return t->queue_sel < t->dev->n_queues ? &t->queues[t->queue_sel] : NULL;
}

static void queue_start(struct mmio_queue *q)
{
	struct vdev_queue_setup setup = {
		.ring = {.size = q->size,
			 .desc = q->desc,
			 .driver = q->driver,
			 .device = q->device},
		.kick_fd = -1,
		.call_fd = -1,
	};

	if (vdev_queue_start(q->t->dev, (unsigned)(q - q->t->queues), &setup)) {
		q->ready = false;
		vdev_broken(q->t->dev, "the driver set up a queue that cannot be");
	}
}

static void queue_stopped(void *arg)
{
	struct mmio_queue *q = arg;
	struct bus_access *a = q->stopping;

	q->stopping = NULL;
	q->ready = false;
	bus_complete(a, BUS_OK);
}

static enum bus_result queue_ready_write(struct virtio_mmio *t, struct bus_access *a)
{
	struct mmio_queue *q = selected(t);
	unsigned status = atomic_load(&t->status);

	if (!q || q->stopping || q->ready == (a->value & 1))
		return BUS_OK;
	if (a->value & 1) {
		if (!(status & VIRTIO_STATUS_FEATURES_OK))
			return BUS_OK;
		q->ready = true;
		if (status & VIRTIO_STATUS_DRIVER_OK)
			queue_start(q);
		return BUS_OK;
	}
	if (vdev_queue_stop(t->dev, t->queue_sel, queue_stopped, q)) {
		q->ready = false; /* it was not started yet */
		return BUS_OK;
	}
	q->stopping = a;
	return BUS_PENDING;
}

static void queue_was_reset(void *arg)
{
	struct mmio_queue *q = arg;
	struct bus_access *a = q->stopping;

	*q = (struct mmio_queue){.t = q->t};
	if (a)
		bus_complete(a, BUS_OK);
}

static enum bus_result queue_reset_write(struct virtio_mmio *t, struct bus_access *a)
{
	struct mmio_queue *q = selected(t);

	if (!q || q->stopping || !(a->value & 1))
		return BUS_OK;
	q->resetting = true;
	if (vdev_queue_reset(t->dev, t->queue_sel, queue_was_reset, q))
		q->resetting = false; /* not negotiated */
	if (!q->resetting)
		return BUS_OK;
	q->stopping = a;
	return BUS_PENDING;
}

static void set_low(uint64_t *word, uint32_t v)
{
	*word = (*word & ~(uint64_t)UINT32_MAX) | v;
}

static void set_high(uint64_t *word, uint32_t v)
{
	*word = (*word & UINT32_MAX) | (uint64_t)v << 32;
}

static void queue_write(struct virtio_mmio *t, uint64_t offset, uint32_t v)
{
	struct mmio_queue *q = selected(t);

	if (!q || q->ready)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM: q->size = v; break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW: set_low(&q->desc, v); break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH: set_high(&q->desc, v); break;
	case VIRTIO_MMIO_QUEUE_DRIVER_LOW: set_low(&q->driver, v); break;
	case VIRTIO_MMIO_QUEUE_DRIVER_HIGH: set_high(&q->driver, v); break;
	case VIRTIO_MMIO_QUEUE_DEVICE_LOW: set_low(&q->device, v); break;
	case VIRTIO_MMIO_QUEUE_DEVICE_HIGH: set_high(&q->device, v); break;
	default: break;
	}
}

/* ---- on the loop: status ---- */

static void reset_done(void *arg)
{
	struct virtio_mmio *t = arg;
	struct bus_access *a = t->reset_access;
	void (*cb)(void *arg) = t->reset_cb;

	for (unsigned i = 0; i < t->dev->n_queues; i++)
		t->queues[i] = (struct mmio_queue){.t = t};
	t->device_features_sel = 0;
	t->driver_features_sel = 0;
	t->queue_sel = 0;
	t->driver_features = 0;
	acknowledge(t, ~0u);
	atomic_store(&t->status, 0);
	t->resetting = false;
	t->reset_access = NULL;
	t->reset_cb = NULL;
	if (a)
		bus_complete(a, BUS_OK);
	if (cb)
		cb(t->reset_arg);
}

static enum bus_result reset_write(struct virtio_mmio *t, struct bus_access *a)
{
	t->resetting = true;
	t->reset_access = NULL;
	vdev_reset(t->dev, reset_done, t);
	if (!t->resetting)
		return BUS_OK;
	t->reset_access = a;
	return BUS_PENDING;
}

void virtio_mmio_reset(struct virtio_mmio *t, void (*cb)(void *arg), void *arg)
{
	if (!t->dev) {
		cb(arg);
		return;
	}
	t->reset_cb = cb;
	t->reset_arg = arg;
	if (t->resetting)
		return; /* the driver has begun it */
	t->resetting = true;
	vdev_reset(t->dev, reset_done, t);
}

uint8_t virtio_mmio_status(const struct virtio_mmio *t)
{
	return (uint8_t)atomic_load(&t->status);
}

static enum bus_result status_write(struct virtio_mmio *t, struct bus_access *a)
{
	unsigned v = (unsigned)a->value & STATUS_WRITABLE;
	unsigned old = atomic_load(&t->status);

	if (!a->value)
		return reset_write(t, a);
	if (v & ~old & VIRTIO_STATUS_FEATURES_OK && vdev_set_features(t->dev, t->driver_features))
		v &= ~VIRTIO_STATUS_FEATURES_OK;
	if (!((old | v) & VIRTIO_STATUS_FEATURES_OK))
		v &= ~VIRTIO_STATUS_DRIVER_OK;
	atomic_fetch_or(&t->status, v);
	if (v & ~old & VIRTIO_STATUS_DRIVER_OK)
		for (unsigned i = 0; i < t->dev->n_queues; i++)
			if (t->queues[i].ready)
				queue_start(&t->queues[i]);
	return BUS_OK;
}

static void driver_features_write(struct virtio_mmio *t, uint32_t v)
{
	if (atomic_load(&t->status) & VIRTIO_STATUS_FEATURES_OK)
		return;
	if (t->driver_features_sel == 0)
		set_low(&t->driver_features, v);
	else if (t->driver_features_sel == 1)
		set_high(&t->driver_features, v);
	else if (v)
		t->driver_features |= BIT(63); /* never offered: FEATURES_OK will be refused */
}

/* ---- on the loop: all accesses ---- */

static enum bus_result posted_write(struct virtio_mmio *t, struct bus_access *a)
{
	uint32_t v = (uint32_t)a->value;

	/* A vCPU that writes while another one's reset is under way has lost the race. */
	if (t->resetting)
		return BUS_OK;
	if (a->offset >= VIRTIO_MMIO_CONFIG) {
		vdev_config_write(t->dev, (unsigned)a->offset - VIRTIO_MMIO_CONFIG, a->size,
				  a->value);
		return BUS_OK;
	}
	switch (a->offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL: t->device_features_sel = v; break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL: t->driver_features_sel = v; break;
	case VIRTIO_MMIO_DRIVER_FEATURES: driver_features_write(t, v); break;
	case VIRTIO_MMIO_QUEUE_SEL: t->queue_sel = v; break;
	case VIRTIO_MMIO_QUEUE_READY: return queue_ready_write(t, a);
	case VIRTIO_MMIO_QUEUE_RESET: return queue_reset_write(t, a);
	case VIRTIO_MMIO_STATUS: return status_write(t, a);
	default: queue_write(t, a->offset, v); break;
	}
	return BUS_OK;
}

static uint64_t posted_read(struct virtio_mmio *t, const struct bus_access *a)
{
	const struct mmio_queue *q = selected(t);
	uint64_t value = 0;

	switch (a->offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES:
		if (t->device_features_sel < 2)
			value = (uint32_t)(t->dev->offered >> 32 * t->device_features_sel);
		break;
	case VIRTIO_MMIO_QUEUE_NUM_MAX: value = vdev_queue_size_max(t->dev, t->queue_sel); break;
	case VIRTIO_MMIO_QUEUE_READY: value = q && q->ready; break;
	case VIRTIO_MMIO_QUEUE_RESET: value = q && q->resetting; break;
	case VIRTIO_MMIO_STATUS: value = atomic_load(&t->status); break;
	default:
		/* 4.2.2.1: a length of -1 says that there is no such shared memory. */
		if (a->offset >= VIRTIO_MMIO_SHM_LEN_LOW && a->offset <= VIRTIO_MMIO_SHM_BASE_HIGH)
			value = UINT32_MAX;
		break;
	}
	return value;
}

static enum bus_result posted_access(void *arg, struct bus_access *a)
{
	struct virtio_mmio *t = arg;

	if (a->is_write)
		return posted_write(t, a);
	if (a->offset < VIRTIO_MMIO_CONFIG)
		a->value = posted_read(t, a);
	else
		while (!vdev_config_read(t->dev, (unsigned)a->offset - VIRTIO_MMIO_CONFIG, a->size,
					 &a->value))
			continue; /* its writer holds nothing but the counter */
	return BUS_OK;
}

static const struct bus_posted_ops posted_ops = {.access = posted_access};

/* ---- making and freeing ---- */

static int attach(struct virtio_mmio *t, const struct virtio_mmio_config *config)
{
	t->queues = calloc(config->dev->n_queues, sizeof(*t->queues));
	if (!t->queues)
		return -ENOMEM;
	for (unsigned i = 0; i < config->dev->n_queues; i++)
		t->queues[i].t = t;
	vdev_attach(config->dev, &port_ops, t, config->loop, config->mem);
	return 0;
}

int virtio_mmio_new(const struct virtio_mmio_config *config, struct virtio_mmio **out)
{
	struct virtio_mmio *t = calloc(1, sizeof(*t));
	struct bus_range range = {
		.base = config->base,
		.size = VIRTIO_MMIO_SIZE,
		.name = "virtio-mmio",
		.dev = t,
		.direct = config->dev ? &direct_ops : &empty_ops,
		.posted = config->dev ? &posted_ops : NULL,
		.loop = config->dev ? config->loop : NULL,
	};
	int r;

	if (!t)
		return -ENOMEM;
	t->dev = config->dev;
	t->bus = config->bus;
	t->base = config->base;
	t->irq = config->irq;
	r = t->dev ? attach(t, config) : 0;
	if (!r)
		r = bus_add(t->bus, &range);
	if (r) {
		free(t->queues);
		free(t);
		return r;
	}
	*out = t;
	return 0;
}

void virtio_mmio_free(struct virtio_mmio *t)
{
	if (!t)
		return;
	(void)bus_remove(t->bus, t->base);
	vdev_free(t->dev);
	free(t->queues);
	free(t);
}
