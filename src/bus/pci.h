/* SPDX-License-Identifier: MIT */
/*
 * A PCI bus: functions with configuration space of type 0, memory behind 64-bit BARs that the guest
 * places, one INTx wire each, and MSI-X where the board takes messages (PCI Local Bus 3.0, chapters
 * 6 and 6.8.2; PCI Express Base for the address of configuration space). It knows no board and no
 * device. There is one function a slot; no bridges, so no other bus behind this one; no I/O space.
 *
 * Memory. The bus is given windows, the addresses that its host bridge passes on to it. A BAR
 * answers while the command register enables memory, it lies in one window as a whole, and nothing
 * else is there: of two that overlap, the first stays, and the other one answers once that has
 * gone. Ranges come and go on the machine's bus (bus.h), while harts run.
 *
 * Threads. "loop" is the loop of pci_bus_config: what changes configuration space runs there. "any"
 * is any thread. The rest belongs to the thread that builds the machine.
 */
#ifndef BUS_PCI_H
#define BUS_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/irq.h"
#include "bus/msi.h"

#define PCI_SLOTS       32u
#define PCI_CONFIG_SIZE 0x1000u   /* of each function, by ECAM */
#define PCI_ECAM_BUS    0x100000u /* of each bus: 32 slots of 8 functions */
#define PCI_BARS        3u        /* 64-bit ones; the n-th has the number 2n */
#define PCI_WINDOWS     2u
#define PCI_VECTORS_MAX 128u

/* Command register */
#define PCI_COMMAND         0x04u
#define PCI_COMMAND_MEMORY  0x0002u
#define PCI_COMMAND_MASTER  0x0004u
#define PCI_COMMAND_NO_INTX 0x0400u

/* Capabilities */
#define PCI_CAP_VENDOR 0x09u
#define PCI_CAP_MSIX   0x11u

struct loop;
struct pci_bus;
struct pci_function;

struct pci_window {
	uint64_t base, size;
};

/* bus and loop outlive the PCI bus. */
struct pci_bus_config {
	struct bus *bus;
	struct loop *loop;
	struct pci_window window[PCI_WINDOWS]; /* size 0: none */
	struct msi_sink msi;
};

/* 0 or -ENOMEM. */
int pci_bus_new(const struct pci_bus_config *cfg, struct pci_bus **out);
/* It has no functions any more. NULL is allowed. */
void pci_bus_free(struct pci_bus *b);

/* Configuration space as a host bridge passes an access on: `offset` is slot << 15 | reg. Where no
 * function is, reads are all ones and writes are lost.
 * Any: BUS_OK, or BUS_POST when it is for the loop; what is written always is. */
enum bus_result pci_config_read(struct pci_bus *b, uint64_t offset, unsigned size, uint64_t *value);
/* Loop: a read or write. */
void pci_config_access(struct pci_bus *b, struct bus_access *a);

/* What answers behind a BAR: as of a struct bus_range. Posted handlers run on the loop, and none
 * returns BUS_PENDING. */
struct pci_bar {
	uint64_t size; /* a power of two, at least 4096; 0: there is no such BAR */
	const char *name;
	void *dev;
	const struct bus_direct_ops *direct; /* or NULL */
	const struct bus_posted_ops *posted; /* or NULL */
};

struct pci_function_config {
	unsigned slot;
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class_code; /* 24 bits: base class, sub-class, interface */
	struct irq irq;      /* where INTA# leads to; level */
	struct pci_bar bar[PCI_BARS - 1];
	unsigned n_vectors; /* MSI-X, at most PCI_VECTORS_MAX; it takes the last BAR */

	/* Loop: before the guest reads the four bytes of pci_portal(), and after it has written
	 * some of them. NULL: the function has none. */
	uint32_t (*portal_read)(void *dev);
	void (*portal_written)(void *dev, uint32_t value);
	void *portal_dev;
};

/* 0; -EEXIST: the slot is taken; -EINVAL; -ENOMEM. */
int pci_function_new(struct pci_bus *b, const struct pci_function_config *cfg,
		     struct pci_function **out);
/* No access is under way. NULL is allowed. */
void pci_function_free(struct pci_function *f);

/* Before the guest runs: adds a capability, whose `len` bytes behind the link are body. writable:
 * as many bytes, of the bits that the guest may change; NULL: none. Its offset in configuration
 * space; there is room for 192 bytes of capabilities. */
unsigned pci_capability_add(struct pci_function *f, uint8_t id, const void *body, unsigned len,
			    const void *writable);
/* The same: makes the four bytes at `at`, a multiple of four, the portal. */
void pci_portal(struct pci_function *f, unsigned at);

/* Any: the 32 bits at `at`, a multiple of four. */
uint32_t pci_config_word(const struct pci_function *f, unsigned at);

/* Loop: an access to what lies behind BAR number `number`, whether or not it is enabled. False:
 * there is no such BAR, the access does not lie in it as a whole, or it is refused. */
bool pci_bar_access(struct pci_function *f, unsigned number, struct bus_access *a);

/* The function's INTx wire, which the command register and MSI-X can disconnect. */
struct irq pci_intx(struct pci_function *f);

/* Any: the function is gone for good: its configuration space is all ones, its interrupts are
 * silent. What is behind its BARs is the device's own affair. */
void pci_function_gone(struct pci_function *f);

/* The vectors that the function has: none where the board takes no messages. */
unsigned pci_msix_vectors(const struct pci_function *f);
/* Any: whether the guest has turned MSI-X on. */
bool pci_msix_enabled(const struct pci_function *f);
/* Any: sends the message of a vector, or has it pending while it is masked. Nothing happens while
 * MSI-X is off, or when there is no such vector. */
void pci_msix_send(struct pci_function *f, unsigned vector);

#endif
