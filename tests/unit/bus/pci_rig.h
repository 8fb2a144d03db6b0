/* SPDX-License-Identifier: MIT */
/*
 * A PCI bus with two functions for its tests: slot 2 has BARs of 16 KiB and 1 MiB, slot 5 one of
 * 4 KiB. Behind a BAR is a word of memory, wherever one reads; INTx is a flag; messages are kept.
 */
#ifndef TESTS_PCI_RIG_H
#define TESTS_PCI_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/pci.h"

#define WINDOW    0x40000000ull
#define WINDOW_SZ 0x1000000ull
#define HIGH      0x400000000ull
#define HIGH_SZ   0x10000000ull
#define SLOT_A    2u
#define SLOT_B    5u
#define VECTORS   3u
#define MESSAGES  16u

struct pci_rig_cell {
	_Atomic uint64_t value;
	atomic_uint n_posted;
};

struct pci_rig {
	struct loop *loop;
	struct bus *bus;
	struct pci_bus *pci;
	struct pci_function *a, *b;
	struct pci_rig_cell cell[3]; /* BAR 0 and 2 of A, BAR 0 of B */
	atomic_bool level[2];
	atomic_uint n_messages;
	struct {
		uint64_t addr;
		uint32_t data;
	} message[MESSAGES];
	uint32_t portal_value;
	unsigned n_portal_reads, n_portal_writes;
};

void pci_rig_init(struct pci_rig *r, bool takes_messages);
void pci_rig_fini(struct pci_rig *r);

uint64_t pci_rig_read(struct pci_rig *r, unsigned slot, unsigned reg, unsigned size);
void pci_rig_write(struct pci_rig *r, unsigned slot, unsigned reg, unsigned size, uint64_t v);
/* Places BAR number n (0, 2, 4); as a guest does it, half by half. */
void pci_rig_place(struct pci_rig *r, unsigned slot, unsigned n, uint64_t addr);
/* The capability's offset; 0: none. */
unsigned pci_rig_capability(struct pci_rig *r, unsigned slot, uint8_t id);
/* Whether somebody answers there. */
bool pci_rig_answers(struct pci_rig *r, uint64_t addr, uint64_t *v);

#endif
