/* SPDX-License-Identifier: MIT */
/*
 * A host bridge as "pci-host-ecam-generic": all of configuration space in one window on the bus,
 * 4096 bytes a function (PCI Express Base 7.2.2). Its memory windows need no part of their own: the
 * BARs in them are ranges of the machine's bus, see bus/pci.h. An access there that meets no BAR
 * faults, as everywhere on the board.
 */
#ifndef HW_PCI_HOST_H
#define HW_PCI_HOST_H

#include <stdint.h>

struct bus;
struct loop;
struct pci_bus;
struct pci_host;

/* All of it outlives the bridge; loop is that of the PCI bus. */
struct pci_host_config {
	struct bus *bus;
	struct loop *loop;
	struct pci_bus *pci; /* bus 0; on the others there is nothing */
	uint64_t base;
	uint64_t size; /* 1 MiB for each bus */
};

/* 0, -ENOMEM or what bus_add() says. */
int pci_host_new(const struct pci_host_config *cfg, struct pci_host **out);
/* NULL is allowed. */
void pci_host_free(struct pci_host *h);

#endif
