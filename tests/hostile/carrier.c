/* SPDX-License-Identifier: MIT */
#include "tests/hostile/carrier.h"

#include "tests/baremetal/lib.h"

#include "machine/virt_map.h"

enum { MAGIC = 0x74726976, VIRTIO_VENDOR = 0x1af4, VIRTIO_DEVICE = 0x1040 };
enum { COMMAND = 0x04, BAR0 = 0x10, CAPS = 0x34 };
enum { CAP_VENDOR = 9, CAP_COMMON = 1, CAP_NOTIFY = 2 };
enum { BAR_STEP = 0x10000 };

/* ---- virtio-mmio ---- */

static unsigned find_mmio(struct carrier *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned slot = 0; slot < VIRT_N_VIRTIO && n < max; slot++) {
		struct carrier *c = &out[n];

		c->regs =
			(volatile uint8_t *)(uintptr_t)(VIRT_VIRTIO_BASE + slot * VIRT_VIRTIO_STEP);
		c->pci = false;
		if (carrier_get(c, REG_MAGIC) != MAGIC)
			continue;
		c->id = carrier_get(c, REG_ID);
		n += c->id != 0;
	}
	return n;
}

/* ---- virtio-pci ---- */

static volatile uint8_t *config(unsigned slot)
{
	return (volatile uint8_t *)(uintptr_t)(VIRT_PCI_ECAM_BASE + (slot << 15));
}

static uint32_t word(volatile uint8_t *p)
{
	return *(volatile uint32_t *)p;
}

static void place(volatile uint8_t *f, uint64_t bar)
{
	*(volatile uint32_t *)(f + BAR0) = (uint32_t)bar;
	*(volatile uint32_t *)(f + BAR0 + 4) = (uint32_t)(bar >> 32);
	*(volatile uint16_t *)(f + COMMAND) = 6; /* memory, bus master */
}

static void find_structures(struct carrier *c, volatile uint8_t *f, uint64_t bar)
{
	for (unsigned at = f[CAPS]; at; at = f[at + 1]) {
		volatile uint8_t *where = (volatile uint8_t *)(uintptr_t)(bar + word(f + at + 8));

		if (f[at] != CAP_VENDOR)
			continue;
		if (f[at + 3] == CAP_COMMON)
			c->regs = where;
		else if (f[at + 3] == CAP_NOTIFY)
			c->notify = where;
	}
}

static unsigned find_pci(struct carrier *out, unsigned max)
{
	unsigned n = 0;

	forget();
	load_as(M, VIRT_PCI_ECAM_BASE, 4);
	if (m.n)
		return 0; /* no host bridge: it trapped */
	for (unsigned slot = 0; slot < 32 && n < max; slot++) {
		volatile uint8_t *f = config(slot);
		uint64_t bar = VIRT_PCI_MEM_BASE + slot * BAR_STEP;

		if ((word(f) & 0xffff) != VIRTIO_VENDOR)
			continue;
		place(f, bar);
		find_structures(&out[n], f, bar);
		out[n].id = (word(f) >> 16) - VIRTIO_DEVICE;
		out[n].pci = true;
		n++;
	}
	return n;
}

unsigned carriers_find(struct carrier *out, unsigned max)
{
	unsigned n = find_mmio(out, max);

	return n + find_pci(out + n, max - n);
}

/* ---- registers ---- */

/* Offset and width in the common configuration; width 0: it is not there. */
static unsigned place_of(unsigned reg, unsigned *width)
{
	*width = 4;
	switch (reg) {
	case REG_FEATURES_SEL: return 0;
	case REG_FEATURES: return 4;
	case REG_DRV_FEATURES: return 12;
	case REG_DRV_SEL: return 8;
	case REG_QUEUE_SEL: *width = 2; return 22;
	case REG_QUEUE_NUM: *width = 2; return 24;
	case REG_QUEUE_READY: *width = 2; return 28;
	case REG_STATUS: *width = 1; return 20;
	case REG_DESC: return 32;
	case REG_DESC + 4: return 36;
	case REG_AVAIL: return 40;
	case REG_AVAIL + 4: return 44;
	case REG_USED: return 48;
	case REG_USED + 4: return 52;
	default: *width = 0; return 0;
	}
}

uint32_t carrier_get(const struct carrier *c, unsigned reg)
{
	unsigned width, at = place_of(reg, &width);

	if (!c->pci)
		return word(c->regs + reg);
	switch (width) {
	case 1: return c->regs[at];
	case 2: return *(volatile uint16_t *)(c->regs + at);
	case 4: return word(c->regs + at);
	default: return 0;
	}
}

void carrier_put(const struct carrier *c, unsigned reg, uint32_t v)
{
	unsigned width, at = place_of(reg, &width);

	if (!c->pci) {
		*(volatile uint32_t *)(c->regs + reg) = v;
		return;
	}
	if (reg == REG_NOTIFY)
		*(volatile uint16_t *)(c->notify + 4 * v) = (uint16_t)v;
	else if (width == 1)
		c->regs[at] = (uint8_t)v;
	else if (width == 2)
		*(volatile uint16_t *)(c->regs + at) = (uint16_t)v;
	else if (width == 4)
		*(volatile uint32_t *)(c->regs + at) = v;
}
