/* SPDX-License-Identifier: MIT */
/* The device tree of the `virt` board. */
#ifndef MACHINE_VIRT_FDT_H
#define MACHINE_VIRT_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/board_fdt.h"

struct err;

struct virt_fdt_config {
	struct board_fdt run;
	unsigned smp;
	bool sv48;              /* the harts have Sv48 */
	bool aia;               /* APLIC and IMSIC instead of a PLIC */
	unsigned n_pci;         /* slots 1 to n_pci have functions; 0: no PCI, but virtio-mmio */
	unsigned pci_shared;    /* 0, or the first of the slots that all share its source */
	unsigned n_irqlabs;     /* platform devices */
	uint64_t pci_high_base; /* of the window for 64-bit BARs */
};

/* *out is malloc'd and the caller's. 0, or -errno with the message in e. */
int virt_fdt_build(const struct virt_fdt_config *cfg, void **out, size_t *len, struct err *e);

#endif
