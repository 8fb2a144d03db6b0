/* SPDX-License-Identifier: MIT */
/*
 * A guest that writes and reads random values of every width at random places of every device, and
 * in between. It says how many accesses it survived, and how many of them trapped. Interrupts stay
 * off, so nothing that it sets going gets in its way.
 *
 * Left out: the test device, which would end the machine, and the start of RAM, where this program
 * is. Devices are told of buffers elsewhere in RAM, of the program itself, and of nowhere.
 */
#include "tests/baremetal/lib.h"

#include "machine/virt_map.h"

#ifndef ACCESSES
#define ACCESSES 400000
#endif

struct place {
	uint64_t base, size;
};

static const struct place places[] = {
	{VIRT_RTC_BASE, VIRT_RTC_SIZE},
	{VIRT_CLINT_BASE, VIRT_CLINT_SIZE},
	{VIRT_PLIC_BASE, VIRT_PLIC_SIZE},
	{VIRT_PLIC_BASE, 0x400}, /* priorities */
	{VIRT_PLIC_BASE + 0x200000, 0x3000},
	{VIRT_UART_BASE, VIRT_UART_SIZE},
	{VIRT_UART_BASE, 8},
	{VIRT_VIRTIO_BASE, VIRT_N_VIRTIO *VIRT_VIRTIO_STEP},
	{VIRT_VIRTIO_BASE, VIRT_VIRTIO_SIZE},
	{VIRT_VIRTIO_BASE + VIRT_VIRTIO_STEP, VIRT_VIRTIO_SIZE},
	{VIRT_VIRTIO_BASE + 2 * VIRT_VIRTIO_STEP, VIRT_VIRTIO_SIZE},
	{VIRT_VIRTIO_BASE + 3 * VIRT_VIRTIO_STEP, VIRT_VIRTIO_SIZE},
	{VIRT_VIRTIO_BASE + 4 * VIRT_VIRTIO_STEP, VIRT_VIRTIO_SIZE},
	{0x20000000, 0x1000}, /* nothing */
	/* Where the board has PCI, else nothing: headers of the first slots and what is behind
	 * them, all of configuration space, and where BARs come to lie. */
	{VIRT_PCI_ECAM_BASE + (1 << 15), 0x40},
	{VIRT_PCI_ECAM_BASE + (1 << 15), 0x100},
	{VIRT_PCI_ECAM_BASE + (2 << 15), 0x100},
	{VIRT_PCI_ECAM_BASE + (3 << 15), 0x40},
	{VIRT_PCI_ECAM_BASE, VIRT_PCI_ECAM_SIZE},
	{VIRT_PCI_MEM_BASE, 0x40},
	{VIRT_PCI_MEM_BASE, 0x8000},
};

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Often what a driver would write: small numbers, addresses in RAM, all bits. */
static uint64_t random_value(void)
{
	uint64_t r = random64();

	switch (r >> 60) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5: return r & 0xf;
	case 6:
	case 7: return r & 0xff;
	case 8:
	case 9: return VIRT_RAM_BASE + (r & 0x1fff000);
	case 11: return VIRT_PCI_MEM_BASE + (r & 0x4000);
	case 10: return ~0ull;
	case 12: return 1ull << (r & 63);
	default: return r;
	}
}

static void random_access(void)
{
	const struct place *p = &places[random64() % ARRAY_SIZE(places)];
	unsigned size = 1u << (random64() & 3);
	uint64_t addr = p->base + random64() % p->size;

	/* Registers are mostly words. */
	if (random64() & 7) {
		size = 4;
		addr &= ~3ull;
	} else if (random64() & 3) {
		addr &= ~(uint64_t)(size - 1);
	}
	if (random64() & 3)
		store_as(M, addr, size, random_value());
	else
		load_as(M, addr, size);
}

/* As after power-on, as far as printing needs it. */
static void reset_devices(void)
{
	for (unsigned i = 0; i < VIRT_N_VIRTIO; i++)
		store_as(M, VIRT_VIRTIO_BASE + i * VIRT_VIRTIO_STEP + 0x70, 4, 0);
	UART[1] = 0;    /* no interrupts */
	UART[3] = 0x03; /* 8 bits, and not the divisor */
	UART[4] = 0;    /* no loopback */
	UART[2] = 0x07;
}

int main(void)
{
	uint64_t traps;

	forget();
	for (unsigned i = 0; i < ACCESSES; i++)
		random_access();
	traps = m.n;
	reset_devices();
	print("\nsurvived %u accesses, %s of them trapped\n", (uint64_t)ACCESSES,
	      traps ? "some" : "none");
	return 0;
}
