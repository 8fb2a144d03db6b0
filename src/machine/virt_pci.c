/* SPDX-License-Identifier: MIT */
/* Slot 0 stays empty: on other boards the bridge itself is there, and a slot's source has the same
 * number here as on QEMU's board, as far as those four go. */
#include "machine/virt_pci.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bits.h"
#include "bus/pci.h"
#include "hw/pci_host.h"
#include "machine/board.h"
#include "machine/virt_intc.h"
#include "machine/virt_map.h"
#include "transport/virtio_pci.h"
#include "virtio/vdev.h"

#define FIRST_SLOT 1u

struct virt_pci {
	struct machine *m;
	struct virt_intc *intc;
	struct pci_bus *bus;
	struct pci_host *host;
	struct virtio_pci *function[PCI_SLOTS];
	unsigned n; /* slots FIRST_SLOT to n are in use */
};

uint64_t virt_pci_high_base(const struct machine *m)
{
	return align_up(VIRT_RAM_BASE + m->cfg.mem, VIRT_PCI_HIGH_ALIGN);
}

int virt_pci_new(struct machine *m, struct virt_intc *intc, struct virt_pci **out)
{
	const struct pci_bus_config bus = {
		.bus = m->bus,
		.loop = m->loop,
		.window = {{VIRT_PCI_MEM_BASE, VIRT_PCI_MEM_SIZE},
			   {virt_pci_high_base(m), VIRT_PCI_HIGH_SIZE}},
		.msi = virt_intc_msi(intc),
	};
	struct pci_host_config host = {.bus = m->bus,
				       .loop = m->loop,
				       .base = VIRT_PCI_ECAM_BASE,
				       .size = VIRT_PCI_ECAM_SIZE};
	struct virt_pci *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->m = m;
	p->intc = intc;
	ret = pci_bus_new(&bus, &p->bus);
	host.pci = p->bus;
	if (!ret)
		ret = pci_host_new(&host, &p->host);
	if (ret)
		virt_pci_free(p);
	else
		*out = p;
	return ret;
}

int virt_pci_add(struct virt_pci *p, struct vdev *dev)
{
	const struct virtio_pci_config cfg = {
		.pci = p->bus,
		.slot = p->n + FIRST_SLOT,
		.loop = p->m->loop,
		.mem = p->m->mem,
		.irq = virt_intc_irq(p->intc, VIRT_PCI_IRQ + p->n + FIRST_SLOT),
		.dev = dev};
	int ret;

	if (cfg.slot == PCI_SLOTS)
		return -ENOSPC;
	ret = virtio_pci_new(&cfg, &p->function[cfg.slot]);
	if (!ret)
		p->n++;
	return ret;
}

unsigned virt_pci_slots(const struct virt_pci *p)
{
	return p ? p->n : 0;
}

struct pci_bus *virt_pci_bus(const struct virt_pci *p)
{
	return p ? p->bus : NULL;
}

struct carrier *virt_pci_carrier(const struct virt_pci *p)
{
	return virtio_pci_carrier(p->function[p->n]);
}

void virt_pci_free(struct virt_pci *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < PCI_SLOTS; i++)
		virtio_pci_free(p->function[i]);
	pci_host_free(p->host);
	pci_bus_free(p->bus);
	free(p);
}
