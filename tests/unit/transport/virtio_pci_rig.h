/* SPDX-License-Identifier: MIT */
/* A toy device carried by virtio-pci, on a board that takes messages or does not. */
#ifndef TESTS_VIRTIO_PCI_RIG_H
#define TESTS_VIRTIO_PCI_RIG_H

#include "lib/driver.h"
#include "lib/driver_pci.h"
#include "lib/toy.h"

#define COMMON DRIVER_PCI_BAR
#define ISR    (DRIVER_PCI_BAR + 0x1000)
#define NOTIFY (DRIVER_PCI_BAR + DRIVER_PCI_NOTIFY)
#define CONFIG (DRIVER_PCI_BAR + DRIVER_PCI_DEVICE)
#define NONE   VIRTIO_PCI_NO_VECTOR

struct world {
	struct driver d;
	struct toy *toy;
	bool freed;
	struct loop_timer release; /* the test's */
};

/* For cmocka; with and without messages. */
int setup(void **state);
int setup_messages(void **state);
int teardown(void **state);

/* Accesses to the bus that must be answered. */
uint64_t get(struct world *w, uint64_t addr, unsigned size);
void put(struct world *w, uint64_t addr, unsigned size, uint64_t v);
uint64_t common(struct world *w, unsigned offset, unsigned size);
uint64_t status(struct world *w);

/* All up to DRIVER_OK, with both queues. */
void bring_up(struct world *w, uint64_t features);
/* 64 bytes for the device to write. */
struct guest_part buffer(struct world *w);

#endif
