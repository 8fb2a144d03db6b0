/* SPDX-License-Identifier: MIT */
/* The shared wire is a wired OR: a word with a bit for each device, high while any of them is. */
#include "machine/virt_irqlab.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/pci.h"
#include "hw/irqlab_carrier.h"
#include "machine/board.h"
#include "machine/virt_intc.h"
#include "machine/virt_map.h"

struct virt_irqlab {
	struct irq shared;
	atomic_uint levels; /* of the devices */
	struct irqlab_carrier *device[MACHINE_MAX_IRQLABS];
};

static void shared_set(void *controller, unsigned line, bool level)
{
	struct virt_irqlab *l = controller;

	if (level)
		irq_raise_bits(l->shared, &l->levels, 1u << line);
	else
		irq_clear_bits(l->shared, &l->levels, 1u << line);
}

static int add(struct machine *m, struct virt_irqlab *l, unsigned i, struct virt_intc *intc,
	       struct pci_bus *pci, unsigned slot)
{
	const struct irqlab_config cfg = {
		.loop = m->loop,
		.mem = m->mem,
		.index = i,
		.level = {.set = shared_set, .controller = l, .line = i},
		.edge = virt_intc_edge(intc, VIRT_IRQLAB_IRQ + 1 + i),
		.now = clock_loop_ns,
		.now_arg = &m->clock,
	};

	if (pci)
		return slot < PCI_SLOTS ? irqlab_pci_new(&cfg, pci, slot, &l->device[i]) : -ENOSPC;
	return irqlab_mmio_new(&cfg, m->bus, VIRT_IRQLAB_BASE + (uint64_t)i * VIRT_IRQLAB_STEP,
			       &l->device[i]);
}

int virt_irqlab_new(struct machine *m, struct virt_intc *intc, struct pci_bus *pci,
		    unsigned first_slot, struct virt_irqlab **out)
{
	struct virt_irqlab *l = calloc(1, sizeof(*l));
	int ret = 0;

	if (!l)
		return -ENOMEM;
	l->shared = virt_intc_irq(intc, pci ? VIRT_PCI_IRQ + first_slot : VIRT_IRQLAB_IRQ);
	for (unsigned i = 0; i < m->cfg.n_irqlabs && !ret; i++)
		ret = add(m, l, i, intc, pci, first_slot + i);
	if (ret)
		virt_irqlab_free(l);
	else
		*out = l;
	return ret;
}

void virt_irqlab_free(struct virt_irqlab *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < MACHINE_MAX_IRQLABS; i++)
		irqlab_carrier_free(l->device[i]);
	free(l);
}
