/* SPDX-License-Identifier: MIT */
/* The device tree of the `virt` board, read by libfdt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cpu/cpu.h"
#include "machine/virt_fdt.h"
#include "machine/virt_map.h"

static void *build(const struct virt_fdt_config *cfg)
{
	struct err e;
	void *dtb;
	size_t len;

	assert_int_equal(virt_fdt_build(cfg, &dtb, &len, &e), 0);
	assert_int_equal(fdt_check_full(dtb, len), 0);
	return dtb;
}

static int node(const void *dtb, const char *path)
{
	int offset = fdt_path_offset(dtb, path);

	if (offset < 0)
		fail_msg("there is no %s", path);
	return offset;
}

static const void *property(const void *dtb, const char *path, const char *name, int want_len)
{
	int len;
	const void *p = fdt_getprop(dtb, node(dtb, path), name, &len);

	if (!p || len != want_len) {
		fail_msg("%s of %s has length %d", name, path, len);
		abort(); /* not reached, which an analyzer cannot know */
	}
	return p;
}

static uint32_t cell(const void *dtb, const char *path, const char *name)
{
	return fdt32_ld(property(dtb, path, name, 4));
}

static uint64_t two_cells(const void *dtb, const char *path, const char *name)
{
	return fdt64_ld(property(dtb, path, name, 8));
}

static void test_machine(void **state)
{
	const struct virt_fdt_config cfg = {
		.smp = 2, .run = {.ram_base = VIRT_RAM_BASE, .ram_size = 3ull << 30}};
	void *dtb = build(&cfg);
	const fdt64_t *reg = property(dtb, "/memory@80000000", "reg", 16);

	assert_int_equal(fdt64_ld(&reg[0]), VIRT_RAM_BASE);
	assert_int_equal(fdt64_ld(&reg[1]), 3ull << 30);
	assert_int_equal(cell(dtb, "/cpus", "timebase-frequency"), VIRT_TIMEBASE_HZ);
	assert_int_equal(cell(dtb, "/cpus/cpu@1", "reg"), 1);
	assert_true(fdt_path_offset(dtb, "/cpus/cpu@2") < 0);
	assert_int_equal(cell(dtb, "/soc/plic@c000000", "riscv,ndev"), 95);
	node(dtb, fdt_get_alias(dtb, "serial0"));
	assert_null(fdt_getprop(dtb, node(dtb, "/chosen"), "bootargs", NULL));
	assert_null(fdt_getprop(dtb, node(dtb, "/chosen"), "linux,initrd-start", NULL));
	free(dtb);
}

static void test_chosen(void **state)
{
	struct virt_fdt_config cfg = {.smp = 1,
				      .run = {.ram_base = VIRT_RAM_BASE, .ram_size = 1u << 30},
				      .run.bootargs = "console=ttyS0",
				      .run.initrd_start = 0x84000000,
				      .run.initrd_end = 0x85000000};
	void *dtb;

	memset(cfg.run.rng_seed, 0x5a, sizeof(cfg.run.rng_seed));
	dtb = build(&cfg);
	assert_string_equal(property(dtb, "/chosen", "bootargs", 14), "console=ttyS0");
	assert_int_equal(two_cells(dtb, "/chosen", "linux,initrd-start"), 0x84000000);
	assert_int_equal(two_cells(dtb, "/chosen", "linux,initrd-end"), 0x85000000);
	assert_memory_equal(property(dtb, "/chosen", "rng-seed", 32), cfg.run.rng_seed, 32);
	node(dtb, property(dtb, "/chosen", "stdout-path", 21));
	free(dtb);
}

/* Both controllers of a hart's wires, in the order of the PLIC's contexts. */
static void test_interrupts(void **state)
{
	const struct virt_fdt_config cfg = {
		.smp = CPU_MAX_HARTS, .run = {.ram_base = VIRT_RAM_BASE, .ram_size = 1u << 30}};
	void *dtb = build(&cfg);
	const fdt32_t *plic = property(dtb, "/soc/plic@c000000", "interrupts-extended",
				       CPU_MAX_HARTS * 16);
	const fdt32_t *clint = property(dtb, "/soc/clint@2000000", "interrupts-extended",
					CPU_MAX_HARTS * 16);
	char path[64];

	for (unsigned hart = 0; hart < CPU_MAX_HARTS; hart++) {
		uint32_t intc;

		(void)snprintf(path, sizeof(path), "/cpus/cpu@%x/interrupt-controller", hart);
		intc = cell(dtb, path, "phandle");
		assert_int_equal(fdt32_ld(plic++), intc);
		assert_int_equal(fdt32_ld(plic++), CPU_IRQ_MEI);
		assert_int_equal(fdt32_ld(plic++), intc);
		assert_int_equal(fdt32_ld(plic++), CPU_IRQ_SEI);
		assert_int_equal(fdt32_ld(clint++), intc);
		assert_int_equal(fdt32_ld(clint++), CPU_IRQ_MSI);
		assert_int_equal(fdt32_ld(clint++), intc);
		assert_int_equal(fdt32_ld(clint++), CPU_TIMER_M);
	}
	for (unsigned slot = 0; slot < VIRT_N_VIRTIO; slot++) {
		(void)snprintf(path, sizeof(path), "/soc/virtio_mmio@%x",
			       VIRT_VIRTIO_BASE + slot * VIRT_VIRTIO_STEP);
		assert_int_equal(cell(dtb, path, "interrupts"), VIRT_VIRTIO_IRQ + slot);
		assert_int_equal(cell(dtb, path, "interrupt-parent"),
				 cell(dtb, "/soc/plic@c000000", "phandle"));
	}
	free(dtb);
}

/* Instead of the slots of virtio-mmio, a host bridge, with an interrupt for each function. */
static void test_pci(void **state)
{
	const struct virt_fdt_config cfg = {
		.smp = 1,
		.run = {.ram_base = VIRT_RAM_BASE, .ram_size = 1ull << 30},
		.n_pci = 3,
		.pci_high_base = 0x1400000000};
	void *dtb = build(&cfg);
	const char *path = "/soc/pci@30000000";
	const fdt32_t *ranges = property(dtb, path, "ranges", 14 * 4);
	const fdt32_t *map = property(dtb, path, "interrupt-map", 3 * 6 * 4);
	uint32_t plic = cell(dtb, "/soc/plic@c000000", "phandle");

	assert_true(fdt_path_offset(dtb, "/soc/virtio_mmio@10001000") < 0);
	assert_int_equal(fdt_node_check_compatible(dtb, node(dtb, path), "pci-host-ecam-generic"),
			 0);
	assert_int_equal(cell(dtb, path, "#address-cells"), 3);
	/* 32-bit and 64-bit memory, each where it is on the board. */
	assert_int_equal(fdt32_ld(&ranges[0]), 0x02000000);
	assert_int_equal(fdt64_ld((const fdt64_t *)&ranges[1]), VIRT_PCI_MEM_BASE);
	assert_int_equal(fdt64_ld((const fdt64_t *)&ranges[3]), VIRT_PCI_MEM_BASE);
	assert_int_equal(fdt64_ld((const fdt64_t *)&ranges[5]), VIRT_PCI_MEM_SIZE);
	assert_int_equal(fdt32_ld(&ranges[7]), 0x03000000);
	assert_int_equal(fdt64_ld((const fdt64_t *)&ranges[8]), cfg.pci_high_base);
	assert_int_equal(fdt64_ld((const fdt64_t *)&ranges[10]), cfg.pci_high_base);
	assert_int_equal(fdt64_ld((const fdt64_t *)&ranges[12]), VIRT_PCI_HIGH_SIZE);
	for (unsigned slot = 1; slot <= 3; slot++, map += 6) {
		assert_int_equal(fdt32_ld(&map[0]), slot << 11);
		assert_int_equal(fdt32_ld(&map[3]), 1);
		assert_int_equal(fdt32_ld(&map[4]), plic);
		assert_int_equal(fdt32_ld(&map[5]), VIRT_PCI_IRQ + slot);
	}
	free(dtb);
}

/* Irqlabs share the first interrupt; behind PCI, the source of the first one's slot. */
static void test_irqlabs(void **state)
{
	struct virt_fdt_config cfg = {.smp = 1,
				      .run = {.ram_base = VIRT_RAM_BASE, .ram_size = 1ull << 30},
				      .n_irqlabs = 2};
	void *dtb = build(&cfg);
	const fdt32_t *map;

	for (unsigned i = 0; i < 2; i++) {
		const fdt32_t *irq = property(
			dtb, i ? "/soc/irqlab@10011000" : "/soc/irqlab@10010000", "interrupts", 8);

		assert_int_equal(fdt32_ld(&irq[0]), VIRT_IRQLAB_IRQ);
		assert_int_equal(fdt32_ld(&irq[1]), VIRT_IRQLAB_IRQ + 1 + i);
	}
	free(dtb);
	cfg = (struct virt_fdt_config){.smp = 1,
				       .run = {.ram_base = VIRT_RAM_BASE, .ram_size = 1ull << 30},
				       .n_pci = 5,
				       .pci_shared = 4,
				       .pci_high_base = 1ull << 34};
	dtb = build(&cfg);
	map = property(dtb, "/soc/pci@30000000", "interrupt-map", 5 * 6 * 4);
	for (unsigned slot = 1; slot <= 5; slot++)
		assert_int_equal(fdt32_ld(&map[6 * (slot - 1) + 5]),
				 VIRT_PCI_IRQ + (slot == 5 ? 4 : slot));
	free(dtb);
}

/* Instead of the PLIC: wires with a type, and messages to one page for each hart. */
static void test_aia(void **state)
{
	const struct virt_fdt_config cfg = {
		.smp = 2,
		.run = {.ram_base = VIRT_RAM_BASE, .ram_size = 1ull << 30},
		.aia = true,
		.n_pci = 3,
		.n_irqlabs = 1,
		.pci_high_base = 1ull << 34};
	void *dtb = build(&cfg);
	uint32_t aplic = cell(dtb, "/soc/aplic@d000000", "phandle");
	uint32_t imsic = cell(dtb, "/soc/imsics@28000000", "phandle");
	const fdt32_t *files = property(dtb, "/soc/imsics@28000000", "interrupts-extended", 16);
	const fdt32_t *map = property(dtb, "/soc/pci@30000000", "interrupt-map", 3 * 7 * 4);
	const fdt32_t *irq = property(dtb, "/soc/irqlab@10010000", "interrupts", 16);

	assert_true(fdt_path_offset(dtb, "/soc/plic@c000000") < 0);
	assert_true(fdt_stringlist_search(dtb, node(dtb, "/cpus/cpu@1"), "riscv,isa-extensions",
					  "ssaia") >= 0);
	assert_int_equal(cell(dtb, "/soc/aplic@d000000", "msi-parent"), imsic);
	assert_int_equal(cell(dtb, "/soc/pci@30000000", "msi-parent"), imsic);
	assert_int_equal(cell(dtb, "/soc/imsics@28000000", "riscv,num-ids"), 255);
	assert_int_equal(fdt32_ld(&files[2]),
			 cell(dtb, "/cpus/cpu@1/interrupt-controller", "phandle"));
	assert_int_equal(fdt32_ld(&files[3]), CPU_IRQ_SEI);
	assert_int_equal(fdt32_ld(&map[7 + 4]), aplic);
	assert_int_equal(fdt32_ld(&map[7 + 5]), VIRT_PCI_IRQ + 2);
	assert_int_equal(fdt32_ld(&map[7 + 6]), 4);
	assert_int_equal(fdt32_ld(&irq[1]), 4);
	assert_int_equal(fdt32_ld(&irq[2]), VIRT_IRQLAB_IRQ + 1);
	assert_int_equal(fdt32_ld(&irq[3]), 1);
	free(dtb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine),    cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_interrupts), cmocka_unit_test(test_pci),
		cmocka_unit_test(test_irqlabs),    cmocka_unit_test(test_aia),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
