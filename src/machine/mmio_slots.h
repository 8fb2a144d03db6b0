/* SPDX-License-Identifier: MIT */
/*
 * The slots for virtio-mmio devices of a board: equally spaced, an interrupt each, filled from the
 * first on; the others are there and empty (virtio 1.2, 4.2.2: device id 0). On the thread that
 * builds the machine.
 */
#ifndef MACHINE_MMIO_SLOTS_H
#define MACHINE_MMIO_SLOTS_H

#include <stdint.h>

#include "bus/irq.h"

struct machine;
struct vdev;
struct virtio_mmio;

#define MMIO_SLOTS_MAX 8u

struct mmio_slots {
	/* The board's; set before anything is plugged in. */
	uint64_t base;
	uint32_t step;
	unsigned n; /* at most MMIO_SLOTS_MAX */
	struct irq irq[MMIO_SLOTS_MAX];

	/* private */
	struct virtio_mmio *slot[MMIO_SLOTS_MAX];
	unsigned n_used;
};

/* Puts dev into the next slot, where it belongs to it, and makes it known to the machine. 0 or
 * -errno; -ENOSPC: there is none left. */
int mmio_slots_plug(struct mmio_slots *s, struct machine *m, struct vdev *dev);
/* Makes the rest, as empty ones. */
int mmio_slots_fill(struct mmio_slots *s, struct machine *m);
/* Frees the devices too. */
void mmio_slots_free(struct mmio_slots *s);

#endif
