/* SPDX-License-Identifier: MIT */
#include "driver_pci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bits.h"
#include "bus/pci.h"
#include "driver.h"
#include "transport/virtio_pci.h"

/* Where each register of virtio-mmio is in the common configuration, and its width. */
struct place {
	uint16_t reg;
	uint8_t offset, size;
};

static const struct place places[] = {
	{VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_PCI_DEVICE_FEATURE, 4},
	{VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_PCI_DEVICE_FEATURE_SELECT, 4},
	{VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_PCI_DRIVER_FEATURE, 4},
	{VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4},
	{VIRTIO_MMIO_QUEUE_SEL, VIRTIO_PCI_QUEUE_SELECT, 2},
	{VIRTIO_MMIO_QUEUE_NUM_MAX, VIRTIO_PCI_QUEUE_SIZE, 2},
	{VIRTIO_MMIO_QUEUE_NUM, VIRTIO_PCI_QUEUE_SIZE, 2},
	{VIRTIO_MMIO_QUEUE_READY, VIRTIO_PCI_QUEUE_ENABLE, 2},
	{VIRTIO_MMIO_QUEUE_RESET, VIRTIO_PCI_QUEUE_RESET, 2},
	{VIRTIO_MMIO_STATUS, VIRTIO_PCI_DEVICE_STATUS, 1},
	{VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_PCI_QUEUE_DESC, 4},
	{VIRTIO_MMIO_QUEUE_DESC_HIGH, VIRTIO_PCI_QUEUE_DESC + 4, 4},
	{VIRTIO_MMIO_QUEUE_DRIVER_LOW, VIRTIO_PCI_QUEUE_DRIVER, 4},
	{VIRTIO_MMIO_QUEUE_DRIVER_HIGH, VIRTIO_PCI_QUEUE_DRIVER + 4, 4},
	{VIRTIO_MMIO_QUEUE_DEVICE_LOW, VIRTIO_PCI_QUEUE_DEVICE, 4},
	{VIRTIO_MMIO_QUEUE_DEVICE_HIGH, VIRTIO_PCI_QUEUE_DEVICE + 4, 4},
	{VIRTIO_MMIO_CONFIG_GENERATION, VIRTIO_PCI_CONFIG_GENERATION, 1},
};

#define ISR_PAGE 0x1000u

static void message(void *controller, uint64_t addr, uint32_t data)
{
	struct driver *d = controller;

	d->message_addr = addr;
	atomic_store(&d->message_data, data);
	atomic_fetch_add(&d->n_messages, 1);
	sem_post(&d->raised);
}

void driver_pci_plug(struct driver *d, struct vdev *dev)
{
	const struct pci_bus_config bus = {
		.bus = d->bus,
		.loop = d->loop,
		.window = {{DRIVER_PCI_WINDOW, 0x100000}},
		.msi = {.send = d->takes_messages ? message : NULL, .controller = d}};
	struct virtio_pci_config config = {.slot = DRIVER_PCI_SLOT,
					   .loop = d->loop,
					   .mem = d->mem,
					   .irq = driver_wire(d),
					   .dev = dev};

	assert_int_equal(pci_bus_new(&bus, &d->pci_bus), 0);
	config.pci = d->pci_bus;
	assert_int_equal(virtio_pci_new(&config, &d->pci), 0);
	d->carrier = virtio_pci_carrier(d->pci);
	driver_pci_config_write(d, 0x10, 4, (uint32_t)DRIVER_PCI_BAR);
	driver_pci_config_write(d, 0x20, 4, (uint32_t)DRIVER_PCI_MSIX);
	driver_pci_config_write(d, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void driver_pci_unplug(struct driver *d)
{
	virtio_pci_free(d->pci);
	pci_bus_free(d->pci_bus);
	d->pci = NULL;
	d->pci_bus = NULL;
}

uint32_t driver_pci_config_read(struct driver *d, unsigned reg, unsigned size)
{
	struct bus_access a = {.offset = DRIVER_PCI_SLOT << 15 | reg, .size = size};

	if (pci_config_read(d->pci_bus, a.offset, size, &a.value) == BUS_POST)
		pci_config_access(d->pci_bus, &a);
	return (uint32_t)(a.value & ~0ull >> (64 - 8 * size));
}

void driver_pci_config_write(struct driver *d, unsigned reg, unsigned size, uint32_t v)
{
	struct bus_access a = {
		.offset = DRIVER_PCI_SLOT << 15 | reg, .size = size, .is_write = true, .value = v};

	pci_config_access(d->pci_bus, &a);
}

unsigned driver_pci_capability(struct driver *d, uint8_t id, uint8_t type)
{
	unsigned at = driver_pci_config_read(d, 0x34, 1);

	for (unsigned i = 0; at && i < 48; i++) {
		assert_true(at >= 0x40 && at % 4 == 0);
		if (driver_pci_config_read(d, at, 1) == id &&
		    (id != PCI_CAP_VENDOR || driver_pci_config_read(d, at + 3, 1) == type))
			return at;
		at = driver_pci_config_read(d, at + 1, 1);
	}
	return 0;
}

static const struct place *find(uint64_t reg)
{
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].reg == reg)
			return &places[i];
	fail_msg("virtio-pci has no such register as %#lx", (unsigned long)reg);
	return NULL;
}

uint32_t driver_pci_read(struct driver *d, uint64_t reg)
{
	const struct place *p;
	uint64_t v = 0;

	if (reg == VIRTIO_MMIO_DEVICE_ID)
		return driver_pci_config_read(d, 2, 2) - VIRTIO_PCI_DEVICE_0;
	if (reg == VIRTIO_MMIO_INTERRUPT_STATUS) {
		assert_int_equal(bus_read(d->bus, DRIVER_PCI_BAR + ISR_PAGE, 1, &v), 0);
		return (uint32_t)v;
	}
	p = find(reg);
	assert_int_equal(bus_read(d->bus, DRIVER_PCI_BAR + p->offset, p->size, &v), 0);
	return (uint32_t)v;
}

void driver_pci_write(struct driver *d, uint64_t reg, uint32_t v)
{
	const struct place *p;

	if (reg == VIRTIO_MMIO_INTERRUPT_ACK) {
		(void)driver_pci_read(d, VIRTIO_MMIO_INTERRUPT_STATUS);
		return;
	}
	if (reg == VIRTIO_MMIO_QUEUE_NOTIFY) {
		/* Outside of the page there is another device's place, or nothing. */
		if (v < 1024)
			assert_int_equal(bus_write(d->bus,
						   DRIVER_PCI_BAR + DRIVER_PCI_NOTIFY + 4ull * v, 2,
						   v),
					 0);
		return;
	}
	p = find(reg);
	assert_int_equal(bus_write(d->bus, DRIVER_PCI_BAR + p->offset, p->size, v), 0);
}
