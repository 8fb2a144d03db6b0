/* SPDX-License-Identifier: MIT */
/*
 * The irqlabs of the `virt` board (--irqlab N), as platform devices or behind PCI. All of them
 * share one level wire, that of VIRT_IRQLAB_IRQ or INTA# of the first one's slot; as platform
 * devices each has an edge wire of its own behind that one. On the thread that builds the machine.
 */
#ifndef MACHINE_VIRT_IRQLAB_H
#define MACHINE_VIRT_IRQLAB_H

struct machine;
struct pci_bus;
struct virt_intc;
struct virt_irqlab;

/* As many as the machine's configuration says. pci NULL: platform devices; else in slots from
 * first_slot on. 0 or -errno; -ENOSPC: there are too few slots. */
int virt_irqlab_new(struct machine *m, struct virt_intc *intc, struct pci_bus *pci,
		    unsigned first_slot, struct virt_irqlab **out);
/* NULL is allowed. */
void virt_irqlab_free(struct virt_irqlab *l);

#endif
