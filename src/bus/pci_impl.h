/* SPDX-License-Identifier: MIT */
/* What pci.c and pci_msix.c share. */
#ifndef BUS_PCI_IMPL_H
#define BUS_PCI_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "bus/pci.h"

#define PCI_HEADER_WORDS 64u /* 256 bytes; the rest of the 4096 reads as 0 */

struct pci_msix_entry {
	uint64_t addr;
	uint32_t data;
	bool masked;
};

struct pci_msix {
	unsigned n;       /* vectors; 0: no such capability */
	unsigned at;      /* of the capability */
	atomic_bool on;   /* enabled */
	atomic_bool held; /* masked as a whole, or the function may not be a master */
	pthread_mutex_t lock;
	struct pci_msix_entry entry[PCI_VECTORS_MAX]; /* under the lock */
	uint64_t pending[PCI_VECTORS_MAX / 64];
};

struct pci_function {
	struct pci_bus *bus;
	struct pci_function_config cfg;
	struct pci_bar bar[PCI_BARS];
	uint64_t mapped[PCI_BARS]; /* where it is on the bus; 0: nowhere. Loop */

	/* Configuration space: written on the loop, read by any thread. */
	_Atomic uint32_t word[PCI_HEADER_WORDS];
	uint32_t writable[PCI_HEADER_WORDS];
	unsigned caps_end; /* the first byte that no capability has */
	unsigned last_cap; /* 0: none yet */
	unsigned portal;   /* 0: none */

	atomic_uint intx; /* INTX_... */
	atomic_bool gone;
	struct pci_msix msix;
};

struct msi_sink pci_msi_sink(const struct pci_function *f);

/* Before BARs and capabilities are made: n vectors. Fills in the BAR that the table lies in. */
void pci_msix_init(struct pci_function *f, unsigned n, struct pci_bar *bar);
/* Adds the capability; `number` is that BAR's. */
void pci_msix_capability(struct pci_function *f, unsigned number);
void pci_msix_fini(struct pci_function *f);
/* Loop: command register or message control may have changed. */
void pci_msix_update(struct pci_function *f);

#endif
