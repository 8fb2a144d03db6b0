/* SPDX-License-Identifier: MIT */
/*
 * The driver of driver.h when the device is carried by PCI: the same registers, named as those of
 * virtio-mmio, found behind BAR 0. Configuration space is reached without a host bridge.
 *
 * The differences are what the transports differ in: reading INTERRUPT_STATUS takes all of it, as
 * writing INTERRUPT_ACK does, and a queue cannot be taken back by QUEUE_READY = 0.
 */
#ifndef TESTS_DRIVER_PCI_H
#define TESTS_DRIVER_PCI_H

#include <stdint.h>

struct driver;
struct vdev;

#define DRIVER_PCI_SLOT   3u
#define DRIVER_PCI_WINDOW 0x40000000ull
#define DRIVER_PCI_BAR    (DRIVER_PCI_WINDOW + 0x4000)  /* BAR 0 */
#define DRIVER_PCI_MSIX   (DRIVER_PCI_WINDOW + 0x10000) /* the last BAR */
#define DRIVER_PCI_DEVICE 0x2000u                       /* where config space is behind BAR 0 */
#define DRIVER_PCI_NOTIFY 0x3000u

/* Makes the bus and the function, places and enables its BARs. */
void driver_pci_plug(struct driver *d, struct vdev *dev);
/* After the device was reset. */
void driver_pci_unplug(struct driver *d);

uint32_t driver_pci_read(struct driver *d, uint64_t reg);
void driver_pci_write(struct driver *d, uint64_t reg, uint32_t v);

/* Configuration space of the slot. */
uint32_t driver_pci_config_read(struct driver *d, unsigned reg, unsigned size);
void driver_pci_config_write(struct driver *d, unsigned reg, unsigned size, uint32_t v);
/* The offset of the capability with this id and, for a vendor's, of this virtio type; 0: none. */
unsigned driver_pci_capability(struct driver *d, uint8_t id, uint8_t type);

#endif
