/* SPDX-License-Identifier: MIT */
/*
 * The PCI half of the `virt` board: a host bridge with one bus of virtio functions, slot 1 upwards,
 * each with an interrupt source of its own (VIRT_PCI_IRQ + slot), and messages where the board
 * takes them. On the thread that builds the machine.
 */
#ifndef MACHINE_VIRT_PCI_H
#define MACHINE_VIRT_PCI_H

#include <stdint.h>

struct carrier;
struct machine;
struct pci_bus;
struct vdev;
struct virt_intc;
struct virt_pci;

/* Where the window for 64-bit BARs begins: the first multiple of 16 GiB above RAM, as on QEMU's
 * board. */
uint64_t virt_pci_high_base(const struct machine *m);

/* 0 or -errno. The machine's loop, bus and RAM are there. */
int virt_pci_new(struct machine *m, struct virt_intc *intc, struct virt_pci **out);

/* Puts dev into the next slot. On success it belongs to the slot; -ENOSPC: there is none left. */
int virt_pci_add(struct virt_pci *p, struct vdev *dev);
/* Slots in use, of which the last is that of the latest virt_pci_add(), and its carrier. */
unsigned virt_pci_slots(const struct virt_pci *p);
struct carrier *virt_pci_carrier(const struct virt_pci *p);

/* For functions that are not virtio's, in the slots behind. NULL without PCI. */
struct pci_bus *virt_pci_bus(const struct virt_pci *p);

/* Frees the devices too. NULL is allowed. */
void virt_pci_free(struct virt_pci *p);

#endif
