/* SPDX-License-Identifier: MIT */
/*
 * virtio over PCI (specification 4.1), modern only: a function with all its registers behind BAR 0
 * and capabilities that say where, INTx, and MSI-X where the board takes messages.
 *
 * Answered on the vCPU's thread: notifications, the ISR status, config space and its generation.
 * The rest goes to the loop. Nothing waits there: a driver that resets the device or a queue reads
 * the status byte, or queue_reset, until it says that the reset is done.
 */
#ifndef TRANSPORT_VIRTIO_PCI_H
#define TRANSPORT_VIRTIO_PCI_H

#include "bus/irq.h"

struct carrier;
struct gmem;
struct loop;
struct pci_bus;
struct vdev;
struct virtio_pci;

/* pci, loop and mem must outlive the carrier. */
struct virtio_pci_config {
	struct pci_bus *pci;
	unsigned slot;
	struct loop *loop; /* that of the PCI bus */
	const struct gmem *mem;
	struct irq irq; /* of INTA#; level */
	struct vdev *dev;
};

/* As virtio_mmio_new(): on success the device belongs to the carrier, on error (-EEXIST, -EINVAL:
 * the slot; -ENOMEM) it stays the caller's. */
int virtio_pci_new(const struct virtio_pci_config *config, struct virtio_pci **out);

/* What the machine needs of it. */
struct carrier *virtio_pci_carrier(struct virtio_pci *t);

/* Removes the function and frees carrier and device; see vdev_free(). No vCPU runs. NULL is
 * allowed. */
void virtio_pci_free(struct virtio_pci *t);

#endif
