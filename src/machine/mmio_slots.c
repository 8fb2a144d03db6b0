/* SPDX-License-Identifier: MIT */
/* A slot is a register window; a device in it or not. */
#include "machine/mmio_slots.h"

#include <errno.h>

#include "machine/board.h"
#include "transport/mmio.h"

static int make(struct mmio_slots *s, struct machine *m, unsigned i, struct vdev *dev)
{
	const struct virtio_mmio_config cfg = {.bus = m->bus,
					       .base = s->base + (uint64_t)i * s->step,
					       .loop = m->loop,
					       .mem = m->mem,
					       .irq = s->irq[i],
					       .dev = dev};

	return virtio_mmio_new(&cfg, &s->slot[i]);
}

int mmio_slots_plug(struct mmio_slots *s, struct machine *m, struct vdev *dev)
{
	unsigned i = s->n_used;
	int ret = i < s->n ? make(s, m, i, dev) : -ENOSPC;

	if (ret)
		return ret;
	s->n_used++;
	machine_device_add(m, i, dev, virtio_mmio_carrier(s->slot[i]));
	return 0;
}

int mmio_slots_fill(struct mmio_slots *s, struct machine *m)
{
	int ret = 0;

	for (unsigned i = s->n_used; i < s->n && !ret; i++)
		ret = make(s, m, i, NULL);
	return ret;
}

void mmio_slots_free(struct mmio_slots *s)
{
	for (unsigned i = 0; i < s->n; i++)
		virtio_mmio_free(s->slot[i]);
}
