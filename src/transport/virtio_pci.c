/* SPDX-License-Identifier: MIT */
/*
 * BAR 0 has four pages, one for each structure of 4.1.4:
 *
 *	0x0000	common configuration	on the loop, by carrier.c
 *	0x1000	ISR status		a read takes it and lowers the wire
 *	0x2000	config space of the device
 *	0x3000	notifications		four bytes for each queue, so that the address names it
 *
 * The capability for access by configuration space (4.1.4.9) leads to the same handlers: a driver
 * writes BAR, offset and length there, and then reads or writes four bytes of configuration space
 * which stand for that place.
 *
 * A queue's interrupt is a message once the guest has turned MSI-X on and given it a vector; the
 * ISR status and its wire are for the rest. Vectors are atomics: devices interrupt from any thread.
 */
#include "transport/virtio_pci.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "bus/pci.h"
#include "transport/carrier.h"
#include "virtio/spec.h"
#include "virtio/vdev.h"

#define REVISION  1u
#define SUBSYSTEM 0x40u /* 4.1.2.1: at least this, for one that is not transitional */

#define PAGE        0x1000u
#define COMMON      0u /* pages */
#define ISR         1u
#define DEVICE      2u
#define NOTIFY      3u
#define BAR_SIZE    0x4000u
#define NOTIFY_STEP 4u

/* In the capability of 4.1.4.9. */
#define PORTAL_BAR    4u
#define PORTAL_OFFSET 8u
#define PORTAL_LENGTH 12u
#define PORTAL_DATA   16u

struct virtio_pci {
	struct carrier c;
	struct pci_function *f;
	struct irq irq; /* the function's */
	atomic_uint isr;
	unsigned portal;          /* that capability's offset */
	_Atomic uint16_t *vector; /* of each queue, and of config changes */
};

/* ---- interrupts ---- */

static void isr_take(struct virtio_pci *t, uint64_t *value)
{
	*value = atomic_exchange(&t->isr, 0);
	if (*value)
		irq_follow_word(t->irq, &t->isr);
}

static void raise(struct virtio_pci *t, unsigned bit, unsigned source)
{
	if (bit == VIRTIO_PCI_ISR_CONFIG || !pci_msix_enabled(t->f))
		irq_raise_bits(t->irq, &t->isr, bit);
	if (pci_msix_enabled(t->f))
		pci_msix_send(t->f, atomic_load(&t->vector[source]));
	if (unlikely(vdev_is_gone(t->c.dev)))
		irq_clear_bits(t->irq, &t->isr, ~0u);
}

static void config_interrupt(struct virtio_pci *t)
{
	raise(t, VIRTIO_PCI_ISR_CONFIG, t->c.dev->n_queues);
}

static void port_interrupt(void *port, unsigned queue)
{
	raise(port, VIRTIO_PCI_ISR_RING, queue);
}

static void port_config_changed(void *port)
{
	struct virtio_pci *t = port;

	if (carrier_status(&t->c) & VIRTIO_STATUS_DRIVER_OK)
		config_interrupt(t);
}

static void port_broken(void *port)
{
	struct virtio_pci *t = port;

	if (carrier_needs_reset(&t->c))
		config_interrupt(t);
}

static void port_gone(void *port)
{
	struct virtio_pci *t = port;

	pci_function_gone(t->f);
	irq_clear_bits(t->irq, &t->isr, ~0u);
}

static const struct vdev_port_ops port_ops = {
	.interrupt = port_interrupt,
	.config_changed = port_config_changed,
	.broken = port_broken,
	.gone = port_gone,
};

static void vector_clear(void *vector)
{
	atomic_store((_Atomic uint16_t *)vector, VIRTIO_PCI_NO_VECTOR);
}

/* 4.1.5.1.2.1: one that cannot be reads back as none. */
static void vector_write(struct virtio_pci *t, unsigned source, uint16_t v)
{
	atomic_store(&t->vector[source],
		     v < pci_msix_vectors(t->f) ? v : (uint16_t)VIRTIO_PCI_NO_VECTOR);
}

static void was_reset(struct carrier *c)
{
	struct virtio_pci *t = container_of(c, struct virtio_pci, c);

	for (unsigned i = 0; i <= c->dev->n_queues; i++)
		vector_clear(&t->vector[i]);
	irq_clear_bits(t->irq, &t->isr, ~0u);
}

/* ---- on the vCPU's thread ---- */

static enum bus_result direct_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct virtio_pci *t = dev;

	if (unlikely(vdev_is_gone(t->c.dev))) {
		*value = ~0ull;
		return BUS_OK;
	}
	switch (offset / PAGE) {
	case COMMON:
		if (offset != VIRTIO_PCI_CONFIG_GENERATION || size != 1)
			return BUS_POST;
		*value = vdev_config_generation(t->c.dev);
		break;
	case ISR:
		if (offset % PAGE == 0)
			isr_take(t, value);
		break;
	case DEVICE:
		return vdev_config_read(t->c.dev, (unsigned)(offset % PAGE), size, value)
			       ? BUS_OK
			       : BUS_POST;
	default: break;
	}
	return BUS_OK;
}

static enum bus_result direct_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_pci *t = dev;

	if (unlikely(vdev_is_gone(t->c.dev)))
		return BUS_OK;
	switch (offset / PAGE) {
	case COMMON:
	case DEVICE: return BUS_POST;
	case NOTIFY:
		/* Two bytes, four with NOTIFICATION_DATA; the address has said it all. */
		if (offset % NOTIFY_STEP == 0)
			vdev_kick(t->c.dev, (unsigned)(offset % PAGE) / NOTIFY_STEP);
		break;
	default: break;
	}
	return BUS_OK;
}

static const struct bus_direct_ops direct_ops = {.read = direct_read, .write = direct_write};

/* ---- on the loop: common configuration ---- */

/* 4.1.3.1: each field is accessed in its own width, 64-bit ones by halves. 0: nothing begins
 * there. */
static unsigned field_width(uint64_t offset)
{
	static const uint8_t width[] = {
		[VIRTIO_PCI_DEVICE_FEATURE_SELECT] = 4, [VIRTIO_PCI_DEVICE_FEATURE] = 4,
		[VIRTIO_PCI_DRIVER_FEATURE_SELECT] = 4, [VIRTIO_PCI_DRIVER_FEATURE] = 4,
		[VIRTIO_PCI_CONFIG_VECTOR] = 2,         [VIRTIO_PCI_NUM_QUEUES] = 2,
		[VIRTIO_PCI_DEVICE_STATUS] = 1,         [VIRTIO_PCI_CONFIG_GENERATION] = 1,
		[VIRTIO_PCI_QUEUE_SELECT] = 2,          [VIRTIO_PCI_QUEUE_SIZE] = 2,
		[VIRTIO_PCI_QUEUE_VECTOR] = 2,          [VIRTIO_PCI_QUEUE_ENABLE] = 2,
		[VIRTIO_PCI_QUEUE_NOTIFY_OFF] = 2,      [VIRTIO_PCI_QUEUE_DESC] = 4,
		[VIRTIO_PCI_QUEUE_DESC + 4] = 4,        [VIRTIO_PCI_QUEUE_DRIVER] = 4,
		[VIRTIO_PCI_QUEUE_DRIVER + 4] = 4,      [VIRTIO_PCI_QUEUE_DEVICE] = 4,
		[VIRTIO_PCI_QUEUE_DEVICE + 4] = 4,      [VIRTIO_PCI_QUEUE_NOTIFY_DATA] = 2,
		[VIRTIO_PCI_QUEUE_RESET] = 2,
	};

	return offset < ARRAY_SIZE(width) ? width[offset] : 0;
}

/* A queue whose size the driver leaves alone has the largest. */
static uint32_t queue_size(struct virtio_pci *t)
{
	const struct carrier_queue *q = carrier_selected(&t->c);

	return q && q->size ? q->size : vdev_queue_size_max(t->c.dev, t->c.queue_sel);
}

static uint64_t queue_read(struct virtio_pci *t, uint64_t offset)
{
	const struct carrier_queue *q = carrier_selected(&t->c);

	if (!q)
		return offset == VIRTIO_PCI_QUEUE_VECTOR ? VIRTIO_PCI_NO_VECTOR : 0;
	switch (offset) {
	case VIRTIO_PCI_QUEUE_SIZE: return queue_size(t);
	case VIRTIO_PCI_QUEUE_VECTOR: return atomic_load(&t->vector[t->c.queue_sel]);
	case VIRTIO_PCI_QUEUE_ENABLE: return q->ready;
	case VIRTIO_PCI_QUEUE_NOTIFY_OFF: return t->c.queue_sel;
	case VIRTIO_PCI_QUEUE_DESC: return (uint32_t)q->desc;
	case VIRTIO_PCI_QUEUE_DESC + 4: return q->desc >> 32;
	case VIRTIO_PCI_QUEUE_DRIVER: return (uint32_t)q->driver;
	case VIRTIO_PCI_QUEUE_DRIVER + 4: return q->driver >> 32;
	case VIRTIO_PCI_QUEUE_DEVICE: return (uint32_t)q->device;
	case VIRTIO_PCI_QUEUE_DEVICE + 4: return q->device >> 32;
	case VIRTIO_PCI_QUEUE_RESET: return q->resetting;
	default: return 0;
	}
}

static uint64_t common_read(struct virtio_pci *t, uint64_t offset)
{
	struct carrier *c = &t->c;

	switch (offset) {
	case VIRTIO_PCI_DEVICE_FEATURE_SELECT: return c->device_features_sel;
	case VIRTIO_PCI_DEVICE_FEATURE: return carrier_device_features(c);
	case VIRTIO_PCI_DRIVER_FEATURE_SELECT: return c->driver_features_sel;
	case VIRTIO_PCI_DRIVER_FEATURE: return carrier_driver_features(c);
	case VIRTIO_PCI_CONFIG_VECTOR: return atomic_load(&t->vector[c->dev->n_queues]);
	case VIRTIO_PCI_NUM_QUEUES: return c->dev->n_queues;
	case VIRTIO_PCI_DEVICE_STATUS: return carrier_status(c);
	case VIRTIO_PCI_CONFIG_GENERATION: return (uint8_t)vdev_config_generation(c->dev);
	case VIRTIO_PCI_QUEUE_SELECT: return c->queue_sel;
	default: return queue_read(t, offset);
	}
}

static void queue_enable(struct virtio_pci *t, uint32_t v)
{
	struct carrier_queue *q = carrier_queue_writable(&t->c);

	if (!q || v != 1) /* 4.1.4.3.2: it is never 0 */
		return;
	q->size = queue_size(t);
	carrier_queue_enable(q);
}

static void queue_reset(struct virtio_pci *t, uint32_t v)
{
	struct carrier_queue *q = carrier_selected(&t->c);
	_Atomic uint16_t *vector = &t->vector[t->c.queue_sel];

	if (q && v == 1 && !carrier_queue_reset(q, vector_clear, vector))
		vector_clear(vector);
}

/* What is frozen while the queue is enabled. */
static void queue_write(struct virtio_pci *t, uint64_t offset, uint32_t v)
{
	struct carrier_queue *q = carrier_queue_writable(&t->c);

	if (!q)
		return;
	switch (offset) {
	case VIRTIO_PCI_QUEUE_SIZE: q->size = v; break;
	case VIRTIO_PCI_QUEUE_DESC: carrier_set_low(&q->desc, v); break;
	case VIRTIO_PCI_QUEUE_DESC + 4: carrier_set_high(&q->desc, v); break;
	case VIRTIO_PCI_QUEUE_DRIVER: carrier_set_low(&q->driver, v); break;
	case VIRTIO_PCI_QUEUE_DRIVER + 4: carrier_set_high(&q->driver, v); break;
	case VIRTIO_PCI_QUEUE_DEVICE: carrier_set_low(&q->device, v); break;
	case VIRTIO_PCI_QUEUE_DEVICE + 4: carrier_set_high(&q->device, v); break;
	default: break;
	}
}

static void status_write(struct virtio_pci *t, uint8_t v)
{
	if (v)
		carrier_status_write(&t->c, v);
	else
		(void)carrier_driver_reset(&t->c, NULL, NULL);
}

static void common_write(struct virtio_pci *t, uint64_t offset, uint32_t v)
{
	struct carrier *c = &t->c;

	switch (offset) {
	case VIRTIO_PCI_DEVICE_FEATURE_SELECT: c->device_features_sel = v; break;
	case VIRTIO_PCI_DRIVER_FEATURE_SELECT: c->driver_features_sel = v; break;
	case VIRTIO_PCI_DRIVER_FEATURE: carrier_driver_features_write(c, v); break;
	case VIRTIO_PCI_CONFIG_VECTOR: vector_write(t, c->dev->n_queues, (uint16_t)v); break;
	case VIRTIO_PCI_DEVICE_STATUS: status_write(t, (uint8_t)v); break;
	case VIRTIO_PCI_QUEUE_SELECT: c->queue_sel = v; break;
	case VIRTIO_PCI_QUEUE_VECTOR:
		if (carrier_selected(c))
			vector_write(t, c->queue_sel, (uint16_t)v);
		break;
	case VIRTIO_PCI_QUEUE_ENABLE: queue_enable(t, v); break;
	case VIRTIO_PCI_QUEUE_RESET: queue_reset(t, v); break;
	default: queue_write(t, offset, v); break;
	}
}

/* ---- on the loop: all accesses ---- */

static void common_access(struct virtio_pci *t, struct bus_access *a)
{
	if (field_width(a->offset) != a->size)
		return;
	if (!a->is_write)
		a->value = common_read(t, a->offset);
	else if (!carrier_is_resetting(&t->c))
		common_write(t, a->offset, (uint32_t)a->value);
}

static void device_access(struct virtio_pci *t, struct bus_access *a)
{
	unsigned offset = (unsigned)(a->offset % PAGE);

	if (!a->is_write)
		while (!vdev_config_read(t->c.dev, offset, a->size, &a->value))
			continue; /* its writer holds nothing but the counter */
	else if (!carrier_is_resetting(&t->c))
		vdev_config_write(t->c.dev, offset, a->size, a->value);
}

static enum bus_result posted_access(void *dev, struct bus_access *a)
{
	if (a->offset / PAGE == COMMON)
		common_access(dev, a);
	else
		device_access(dev, a);
	return BUS_OK;
}

static const struct bus_posted_ops posted_ops = {.access = posted_access};

/* ---- on the loop: access by configuration space ---- */

/* 4.1.4.9.2: one, two or four bytes, aligned, of a BAR that there is. */
static bool portal_access(struct virtio_pci *t, struct bus_access *a)
{
	unsigned number = pci_config_word(t->f, t->portal + PORTAL_BAR) & 0xff;

	a->offset = pci_config_word(t->f, t->portal + PORTAL_OFFSET);
	a->size = pci_config_word(t->f, t->portal + PORTAL_LENGTH);
	if (a->size > 4 || !is_power_of_two(a->size) || a->offset % a->size)
		return false;
	a->value &= UINT32_MAX >> (32 - 8 * a->size);
	return pci_bar_access(t->f, number, a);
}

static uint32_t portal_read(void *dev)
{
	struct bus_access a = {0};

	return portal_access(dev, &a) ? (uint32_t)(a.value & (UINT32_MAX >> (32 - 8 * a.size))) : 0;
}

static void portal_written(void *dev, uint32_t value)
{
	struct bus_access a = {.is_write = true, .value = value};

	(void)portal_access(dev, &a);
}

/* ---- making and freeing ---- */

/* struct virtio_pci_cap, and what may follow it, from cfg_type on. */
static unsigned add_capability(struct virtio_pci *t, unsigned type, unsigned page, uint32_t length,
			       const void *more, unsigned more_len, const void *writable)
{
	uint8_t cap[VIRTIO_PCI_CAP_LEN + 4] = {0};
	unsigned len = VIRTIO_PCI_CAP_LEN + more_len;

	cap[2] = (uint8_t)len;
	cap[3] = (uint8_t)type;
	le32_store(cap + PORTAL_OFFSET, page * PAGE);
	le32_store(cap + PORTAL_LENGTH, length);
	memcpy(cap + VIRTIO_PCI_CAP_LEN, more, more_len);
	return pci_capability_add(t->f, PCI_CAP_VENDOR, cap + 2, len - 2, writable);
}

static void add_capabilities(struct virtio_pci *t)
{
	/* From the third byte on: the BAR, then offset, length and data. */
	static const uint8_t portal_writable[] = {0,    0,    0xff, 0,    0,    0,
						  0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
						  0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t step[4] = {NOTIFY_STEP};
	static const uint8_t data[4];

	add_capability(t, VIRTIO_PCI_CAP_COMMON, COMMON, PAGE, step, 0, NULL);
	add_capability(t, VIRTIO_PCI_CAP_ISR, ISR, 1, step, 0, NULL);
	if (t->c.dev->config_len)
		add_capability(t, VIRTIO_PCI_CAP_DEVICE, DEVICE, PAGE, step, 0, NULL);
	add_capability(t, VIRTIO_PCI_CAP_NOTIFY, NOTIFY, NOTIFY_STEP * t->c.dev->n_queues, step,
		       sizeof(step), NULL);
	t->portal = add_capability(t, VIRTIO_PCI_CAP_PCI, 0, 0, data, sizeof(data),
				   portal_writable);
	pci_portal(t->f, t->portal + PORTAL_DATA);
}

/* Base class, sub-class and interface, so that a listing says something. */
static uint32_t class_of(uint32_t device_id)
{
	switch (device_id) {
	case VIRTIO_ID_NET: return 0x020000;     /* Ethernet */
	case VIRTIO_ID_BLOCK: return 0x018000;   /* other mass storage */
	case VIRTIO_ID_CONSOLE: return 0x078000; /* other communication */
	case VIRTIO_ID_INPUT: return 0x098000;   /* other input */
	default: return 0xff0000;                /* none of the classes */
	}
}

static int add_function(struct virtio_pci *t, const struct virtio_pci_config *config)
{
	struct vdev *dev = config->dev;
	const struct pci_function_config cfg = {
		.slot = config->slot,
		.vendor = VIRTIO_PCI_VENDOR,
		.device = (uint16_t)(VIRTIO_PCI_DEVICE_0 + dev->ops->device_id),
		.subsystem_vendor = VIRTIO_PCI_VENDOR,
		.subsystem = SUBSYSTEM,
		.revision = REVISION,
		.class_code = class_of(dev->ops->device_id),
		.irq = config->irq,
		.bar = {{.size = BAR_SIZE,
			 .name = "virtio-pci",
			 .dev = t,
			 .direct = &direct_ops,
			 .posted = &posted_ops}},
		.n_vectors = (unsigned)min_u64(dev->n_queues + 1, PCI_VECTORS_MAX),
		.portal_read = portal_read,
		.portal_written = portal_written,
		.portal_dev = t,
	};
	int ret = pci_function_new(config->pci, &cfg, &t->f);

	if (ret)
		return ret;
	t->irq = pci_intx(t->f);
	add_capabilities(t);
	return 0;
}

int virtio_pci_new(const struct virtio_pci_config *config, struct virtio_pci **out)
{
	struct virtio_pci *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return -ENOMEM;
	t->vector = calloc(config->dev->n_queues + 1, sizeof(*t->vector));
	ret = t->vector ? carrier_init(&t->c, config->dev, was_reset) : -ENOMEM;
	if (!ret)
		ret = add_function(t, config);
	if (ret) {
		carrier_fini(&t->c);
		free(t->vector);
		free(t);
		return ret;
	}
	was_reset(&t->c);
	vdev_attach(config->dev, &port_ops, t, config->loop, config->mem);
	*out = t;
	return 0;
}

struct carrier *virtio_pci_carrier(struct virtio_pci *t)
{
	return &t->c;
}

void virtio_pci_free(struct virtio_pci *t)
{
	if (!t)
		return;
	pci_function_free(t->f);
	vdev_free(t->c.dev);
	carrier_fini(&t->c);
	free(t->vector);
	free(t);
}
