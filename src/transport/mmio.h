/* SPDX-License-Identifier: MIT */
/*
 * virtio over MMIO, version 2 (specification 4.2): one window of registers on the bus and one
 * interrupt wire, for one device.
 *
 * Answered on the vCPU's thread: the identification registers, QueueNotify, InterruptStatus and
 * InterruptACK, config space and its generation. The rest goes to the loop. A status write of 0,
 * QueueReady = 0 and QueueReset = 1 keep their vCPU waiting until nothing of the device (of the
 * queue) is in flight.
 */
#ifndef TRANSPORT_MMIO_H
#define TRANSPORT_MMIO_H

#include <stdint.h>

#include "bus/irq.h"
#include "virtio/spec.h"

struct bus;
struct carrier;
struct gmem;
struct loop;
struct vdev;
struct virtio_mmio;

/* bus, loop and mem must outlive the carrier. */
struct virtio_mmio_config {
	struct bus *bus;
	uint64_t base; /* VIRTIO_MMIO_SIZE bytes from here */
	struct loop *loop;
	const struct gmem *mem;
	struct irq irq;   /* level */
	struct vdev *dev; /* NULL: an empty slot, device ID 0; loop, mem and irq are unused */
};

/* Control thread, while the loop does not run or from the loop. On success the device belongs to
 * the carrier; on error (-EEXIST, -EINVAL: the window; -ENOMEM) it stays the caller's. */
int virtio_mmio_new(const struct virtio_mmio_config *config, struct virtio_mmio **out);

/* What the machine needs of it; not of an empty slot. */
struct carrier *virtio_mmio_carrier(struct virtio_mmio *t);

/* Removes the window and frees carrier and device; see vdev_free(). No vCPU runs. NULL is allowed.
 */
void virtio_mmio_free(struct virtio_mmio *t);

#endif
