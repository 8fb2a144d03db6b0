/* SPDX-License-Identifier: MIT */
/*
 * The register window. What the registers mean is carrier.c's; here is where they lie, who answers
 * for them, and the interrupt.
 *
 * The wire follows the interrupt status, and two threads may move it at once: a device raises while
 * a vCPU acknowledges. See irq_follow_word().
 */
#include "transport/mmio.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bits.h"
#include "bus/bus.h"
#include "transport/carrier.h"
#include "virtio/vdev.h"

#define VENDOR_ID 0x554e494cu /* "LINU" */
#define VERSION   2u

struct virtio_mmio {
	struct carrier c; /* c.dev is NULL in an empty slot */
	struct bus *bus;
	uint64_t base;
	struct irq irq;
	atomic_uint interrupt_status;
};

/* ---- interrupts ---- */

static void acknowledge(struct virtio_mmio *t, unsigned bits)
{
	irq_clear_bits(t->irq, &t->interrupt_status, bits);
}

static void raise(struct virtio_mmio *t, unsigned bits)
{
	irq_raise_bits(t->irq, &t->interrupt_status, bits);
	if (unlikely(vdev_is_gone(t->c.dev)))
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

	if (carrier_status(&t->c) & VIRTIO_STATUS_DRIVER_OK)
		raise(t, VIRTIO_MMIO_INT_CONFIG);
}

static void port_broken(void *port)
{
	struct virtio_mmio *t = port;

	if (carrier_needs_reset(&t->c))
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

	if (unlikely(vdev_is_gone(t->c.dev)))
		return empty_read(arg, offset, size, value);
	if (offset >= VIRTIO_MMIO_CONFIG) {
		unsigned at = (unsigned)offset - VIRTIO_MMIO_CONFIG;

		return vdev_config_read(t->c.dev, at, size, value) ? BUS_OK : BUS_POST;
	}
	if (!is_register(offset, size))
		return BUS_OK;
	switch (offset) {
	case VIRTIO_MMIO_MAGIC: *value = VIRTIO_MMIO_MAGIC_VALUE; break;
	case VIRTIO_MMIO_VERSION: *value = VERSION; break;
	case VIRTIO_MMIO_DEVICE_ID: *value = t->c.dev->ops->device_id; break;
	case VIRTIO_MMIO_VENDOR_ID: *value = VENDOR_ID; break;
	case VIRTIO_MMIO_INTERRUPT_STATUS: *value = atomic_load(&t->interrupt_status); break;
	case VIRTIO_MMIO_CONFIG_GENERATION: *value = vdev_config_generation(t->c.dev); break;
	default: return BUS_POST;
	}
	return BUS_OK;
}

static enum bus_result direct_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_mmio *t = arg;

	if (unlikely(vdev_is_gone(t->c.dev)))
		return empty_write(arg, offset, size, value);
	if (offset >= VIRTIO_MMIO_CONFIG)
		return BUS_POST;
	if (!is_register(offset, size))
		return BUS_OK;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NOTIFY: vdev_notify(t->c.dev, (uint32_t)value); break;
	case VIRTIO_MMIO_INTERRUPT_ACK: acknowledge(t, (unsigned)value); break;
	default: return BUS_POST;
	}
	return BUS_OK;
}

static const struct bus_direct_ops direct_ops = {.read = direct_read, .write = direct_write};

/* ---- on the loop ---- */

/* The access that has waited for a queue to stop, or for a reset. */
static void answer(void *arg)
{
	bus_complete(arg, BUS_OK);
}

static enum bus_result queue_ready_write(struct virtio_mmio *t, struct bus_access *a)
{
	struct carrier_queue *q = carrier_selected(&t->c);

	if (!q)
		return BUS_OK;
	if (a->value & 1) {
		carrier_queue_enable(q);
		return BUS_OK;
	}
	return carrier_queue_stop(q, answer, a) ? BUS_PENDING : BUS_OK;
}

static enum bus_result queue_reset_write(struct virtio_mmio *t, struct bus_access *a)
{
	struct carrier_queue *q = carrier_selected(&t->c);

	if (!q || !(a->value & 1))
		return BUS_OK;
	return carrier_queue_reset(q, answer, a) > 0 ? BUS_PENDING : BUS_OK;
}

static void queue_write(struct virtio_mmio *t, uint64_t offset, uint32_t v)
{
	struct carrier_queue *q = carrier_queue_writable(&t->c);

	if (!q)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM: q->size = v; break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW: carrier_set_low(&q->desc, v); break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH: carrier_set_high(&q->desc, v); break;
	case VIRTIO_MMIO_QUEUE_DRIVER_LOW: carrier_set_low(&q->driver, v); break;
	case VIRTIO_MMIO_QUEUE_DRIVER_HIGH: carrier_set_high(&q->driver, v); break;
	case VIRTIO_MMIO_QUEUE_DEVICE_LOW: carrier_set_low(&q->device, v); break;
	case VIRTIO_MMIO_QUEUE_DEVICE_HIGH: carrier_set_high(&q->device, v); break;
	default: break;
	}
}

static enum bus_result status_write(struct virtio_mmio *t, struct bus_access *a)
{
	if (!a->value)
		return carrier_driver_reset(&t->c, answer, a) ? BUS_PENDING : BUS_OK;
	carrier_status_write(&t->c, (uint8_t)a->value);
	return BUS_OK;
}

static void was_reset(struct carrier *c)
{
	acknowledge(container_of(c, struct virtio_mmio, c), ~0u);
}

static enum bus_result posted_write(struct virtio_mmio *t, struct bus_access *a)
{
	uint32_t v = (uint32_t)a->value;

	/* A vCPU that writes while another one's reset is under way has lost the race. */
	if (carrier_is_resetting(&t->c))
		return BUS_OK;
	if (a->offset >= VIRTIO_MMIO_CONFIG) {
		vdev_config_write(t->c.dev, (unsigned)a->offset - VIRTIO_MMIO_CONFIG, a->size,
				  a->value);
		return BUS_OK;
	}
	switch (a->offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL: t->c.device_features_sel = v; break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL: t->c.driver_features_sel = v; break;
	case VIRTIO_MMIO_DRIVER_FEATURES: carrier_driver_features_write(&t->c, v); break;
	case VIRTIO_MMIO_QUEUE_SEL: t->c.queue_sel = v; break;
	case VIRTIO_MMIO_QUEUE_READY: return queue_ready_write(t, a);
	case VIRTIO_MMIO_QUEUE_RESET: return queue_reset_write(t, a);
	case VIRTIO_MMIO_STATUS: return status_write(t, a);
	default: queue_write(t, a->offset, v); break;
	}
	return BUS_OK;
}

static uint64_t posted_read(struct virtio_mmio *t, const struct bus_access *a)
{
	const struct carrier_queue *q = carrier_selected(&t->c);
	uint64_t value = 0;

	switch (a->offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES: value = carrier_device_features(&t->c); break;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		value = vdev_queue_size_max(t->c.dev, t->c.queue_sel);
		break;
	case VIRTIO_MMIO_QUEUE_READY: value = q && q->ready; break;
	case VIRTIO_MMIO_QUEUE_RESET: value = q && q->resetting; break;
	case VIRTIO_MMIO_STATUS: value = carrier_status(&t->c); break;
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
		while (!vdev_config_read(t->c.dev, (unsigned)a->offset - VIRTIO_MMIO_CONFIG,
					 a->size, &a->value))
			continue; /* its writer holds nothing but the counter */
	return BUS_OK;
}

static const struct bus_posted_ops posted_ops = {.access = posted_access};

/* ---- making and freeing ---- */

static int attach(struct virtio_mmio *t, const struct virtio_mmio_config *config)
{
	int r = carrier_init(&t->c, config->dev, was_reset);

	if (!r)
		vdev_attach(config->dev, &port_ops, t, config->loop, config->mem);
	return r;
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
	t->bus = config->bus;
	t->base = config->base;
	t->irq = config->irq;
	r = config->dev ? attach(t, config) : 0;
	if (!r)
		r = bus_add(t->bus, &range);
	if (r) {
		carrier_fini(&t->c);
		free(t);
		return r;
	}
	*out = t;
	return 0;
}

struct carrier *virtio_mmio_carrier(struct virtio_mmio *t)
{
	return &t->c;
}

void virtio_mmio_free(struct virtio_mmio *t)
{
	if (!t)
		return;
	(void)bus_remove(t->bus, t->base);
	vdev_free(t->c.dev);
	carrier_fini(&t->c);
	free(t);
}
