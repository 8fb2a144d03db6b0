/* SPDX-License-Identifier: MIT */
#include "pci_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "bus/bus.h"

static enum bus_result cell_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct pci_rig_cell *c = dev;

	if (offset == 8)
		return BUS_POST;
	*value = atomic_load(&c->value);
	return BUS_OK;
}

static enum bus_result cell_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_rig_cell *c = dev;

	if (offset == 8)
		return BUS_POST;
	atomic_store(&c->value, value);
	return BUS_OK;
}

static enum bus_result cell_access(void *dev, struct bus_access *a)
{
	struct pci_rig_cell *c = dev;

	atomic_fetch_add(&c->n_posted, 1);
	if (a->is_write)
		atomic_store(&c->value, a->value);
	else
		a->value = atomic_load(&c->value);
	return BUS_OK;
}

static const struct bus_direct_ops direct_ops = {.read = cell_read, .write = cell_write};
static const struct bus_posted_ops posted_ops = {.access = cell_access};

static void wire_set(void *controller, unsigned line, bool level)
{
	struct pci_rig *r = controller;

	atomic_store(&r->level[line], level);
}

static void message(void *controller, uint64_t addr, uint32_t data)
{
	struct pci_rig *r = controller;
	unsigned i = atomic_fetch_add(&r->n_messages, 1) % MESSAGES;

	r->message[i].addr = addr;
	r->message[i].data = data;
}

static uint32_t portal_read(void *dev)
{
	struct pci_rig *r = dev;

	r->n_portal_reads++;
	return r->portal_value;
}

static void portal_written(void *dev, uint32_t value)
{
	struct pci_rig *r = dev;

	r->n_portal_writes++;
	r->portal_value = value;
}

static struct pci_bar bar(struct pci_rig_cell *c, uint64_t size)
{
	return (struct pci_bar){.size = size,
				.name = "cell",
				.dev = c,
				.direct = &direct_ops,
				.posted = &posted_ops};
}

static void add_functions(struct pci_rig *r)
{
	const struct pci_function_config a = {
		.slot = SLOT_A,
		.vendor = 0x1af4,
		.device = 0x1042,
		.subsystem_vendor = 0x1234,
		.subsystem = 0x5678,
		.revision = 1,
		.class_code = 0x010203,
		.irq = {.set = wire_set, .controller = r, .line = 0},
		.bar = {bar(&r->cell[0], 0x4000), bar(&r->cell[1], 0x100000)},
		.n_vectors = VECTORS,
		.portal_read = portal_read,
		.portal_written = portal_written,
		.portal_dev = r};
	const struct pci_function_config b = {.slot = SLOT_B,
					      .vendor = 0x1af4,
					      .device = 0x1041,
					      .irq = {.set = wire_set, .controller = r, .line = 1},
					      .bar = {bar(&r->cell[2], 0x1000)}};

	assert_int_equal(pci_function_new(r->pci, &a, &r->a), 0);
	assert_int_equal(pci_function_new(r->pci, &b, &r->b), 0);
}

void pci_rig_init(struct pci_rig *r, bool takes_messages)
{
	struct pci_bus_config cfg = {.window = {{WINDOW, WINDOW_SZ}, {HIGH, HIGH_SZ}}};
	uint8_t body[14] = {16};
	static const uint8_t writable[14] = {[10] = 0xff, [11] = 0xff, [12] = 0xff, [13] = 0xff};

	memset(r, 0, sizeof(*r));
	assert_int_equal(loop_new(&r->loop), 0);
	assert_int_equal(bus_new(&r->bus), 0);
	cfg.bus = r->bus;
	cfg.loop = r->loop;
	if (takes_messages)
		cfg.msi = (struct msi_sink){.send = message, .controller = r};
	assert_int_equal(pci_bus_new(&cfg, &r->pci), 0);
	add_functions(r);
	for (unsigned i = 0; i < 3; i++)
		atomic_store(&r->cell[i].value, 100 + i);
	pci_portal(r->a, pci_capability_add(r->a, PCI_CAP_VENDOR, body, 14, writable) + 12);
}

void pci_rig_fini(struct pci_rig *r)
{
	pci_function_free(r->a);
	pci_function_free(r->b);
	pci_bus_free(r->pci);
	bus_free(r->bus);
	loop_free(r->loop);
}

uint64_t pci_rig_read(struct pci_rig *r, unsigned slot, unsigned reg, unsigned size)
{
	struct bus_access a = {.offset = slot << 15 | reg, .size = size};

	if (pci_config_read(r->pci, a.offset, size, &a.value) == BUS_POST)
		pci_config_access(r->pci, &a);
	return a.value & ~0ull >> (64 - 8 * size);
}

void pci_rig_write(struct pci_rig *r, unsigned slot, unsigned reg, unsigned size, uint64_t v)
{
	struct bus_access a = {
		.offset = slot << 15 | reg, .size = size, .is_write = true, .value = v};

	pci_config_access(r->pci, &a);
}

void pci_rig_place(struct pci_rig *r, unsigned slot, unsigned n, uint64_t addr)
{
	pci_rig_write(r, slot, 0x10 + 4 * n, 4, (uint32_t)addr);
	pci_rig_write(r, slot, 0x14 + 4 * n, 4, addr >> 32);
}

unsigned pci_rig_capability(struct pci_rig *r, unsigned slot, uint8_t id)
{
	unsigned at = (unsigned)pci_rig_read(r, slot, 0x34, 1);

	for (unsigned i = 0; at && i < 48; i++) {
		if (pci_rig_read(r, slot, at, 1) == id)
			return at;
		at = (unsigned)pci_rig_read(r, slot, at + 1, 1);
	}
	return 0;
}

bool pci_rig_answers(struct pci_rig *r, uint64_t addr, uint64_t *v)
{
	return !bus_read(r->bus, addr, 4, v);
}
