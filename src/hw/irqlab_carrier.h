/* SPDX-License-Identifier: MIT */
/*
 * Where an irqlab (irqlab.h) sits: at an address of the board, with a level and an edge wire of the
 * caller's, or in a slot of PCI, with its registers behind BAR 0, INTA# as the level wire, and
 * MSI-X, where the board takes messages: vectors 0 to 3 are the causes, and 4 stands for the edge
 * wire, which PCI has none of. There DMA needs the function to be a bus master.
 *
 * On the thread that builds the machine; freed on the loop's thread while no vCPU runs.
 */
#ifndef HW_IRQLAB_CARRIER_H
#define HW_IRQLAB_CARRIER_H

#include <stdint.h>

#include "hw/irqlab.h"

#define IRQLAB_PCI_VENDOR 0x1af4u
#define IRQLAB_PCI_DEVICE 0x10f0u /* of the numbers for experiments */
#define IRQLAB_PCI_CLASS  0xff0000u

struct bus;
struct irqlab_carrier;
struct pci_bus;

/* cfg without message, master and arg. 0, -ENOMEM or what bus_add() says. */
int irqlab_mmio_new(const struct irqlab_config *cfg, struct bus *bus, uint64_t base,
		    struct irqlab_carrier **out);
/* The same, also without edge; cfg->level is where INTA# leads to. 0 or as pci_function_new(). */
int irqlab_pci_new(const struct irqlab_config *cfg, struct pci_bus *pci, unsigned slot,
		   struct irqlab_carrier **out);
/* NULL is allowed. */
void irqlab_carrier_free(struct irqlab_carrier *c);

#endif
