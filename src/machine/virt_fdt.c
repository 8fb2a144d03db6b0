/* SPDX-License-Identifier: MIT */
/*
 * The tree is written front to back, one function a node or a group of nodes. Phandles are fixed:
 * hart n's interrupt controller is 1 + n, the rest follow behind the last possible hart.
 *
 * Properties follow the bindings in the kernel's Documentation/devicetree. An empty virtio slot has
 * its node too, as on QEMU's board: a driver reads device id 0 there and leaves it alone. With PCI
 * there are only empty ones, and they are left out.
 */
#include "machine/virt_fdt.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "boot/fdt.h"
#include "bus/pci.h"
#include "cpu/cpu.h"
#include "hw/aplic.h"
#include "hw/imsic.h"
#include "machine/isa.h"
#include "machine/virt_map.h"

#define PHANDLE_INTC(hart) (1 + (hart))
#define PHANDLE_WIRES      (CPU_MAX_HARTS + 1)
#define PHANDLE_TEST       (CPU_MAX_HARTS + 2)
#define PHANDLE_IMSIC      (CPU_MAX_HARTS + 3)

/* The second cell of an interrupt of the APLIC. The PLIC's have one cell: all are levels. */
#define IRQ_EDGE_RISING 1
#define IRQ_LEVEL_HIGH  4

/* The first cell of an address on the PCI bus (the binding of Open Firmware). */
#define PCI_SPACE_MEM32     0x02000000u
#define PCI_SPACE_MEM64     0x03000000u
#define PCI_SLOT_CELL(slot) ((slot) << 11)
#define PCI_PIN_A           1
#define PCI_PIN_MASK        7

/* Writes what names source `irq`; how many cells. */
static unsigned irq_cells(const struct virt_fdt_config *cfg, uint32_t *cells, unsigned irq,
			  unsigned type)
{
	cells[0] = irq;
	if (cfg->aia)
		cells[1] = type;
	return cfg->aia ? 2 : 1;
}

static void interrupt(struct fdt_builder *t, const struct virt_fdt_config *cfg, unsigned irq)
{
	uint32_t cells[2];
	unsigned n = irq_cells(cfg, cells, irq, IRQ_LEVEL_HIGH);

	fdtb_u32(t, "interrupt-parent", PHANDLE_WIRES);
	fdtb_cells(t, "interrupts", cells, n);
}

static void write_cpu(struct fdt_builder *t, const struct virt_fdt_config *cfg, unsigned hart)
{
	static const char extensions[] = ISA_RV64_EXTENSIONS "\0" ISA_AIA;
	const size_t len = sizeof(extensions) - (cfg->aia ? 0 : sizeof(ISA_AIA));

	fdtb_begin(t, "cpu@%x", hart);
	fdtb_string(t, "device_type", "cpu");
	fdtb_string(t, "compatible", "riscv");
	fdtb_u32(t, "reg", hart);
	fdtb_string(t, "status", "okay");
	fdtb_string(t, "mmu-type", cfg->sv48 ? "riscv,sv48" : "riscv,sv39");
	fdtb_string(t, "riscv,isa", cfg->aia ? ISA_RV64_STRING "_" ISA_AIA : ISA_RV64_STRING);
	fdtb_string(t, "riscv,isa-base", "rv64i");
	fdtb_bytes(t, "riscv,isa-extensions", extensions, len);
	fdtb_u32(t, "riscv,cbom-block-size", ISA_CBO_BLOCK);
	fdtb_u32(t, "riscv,cbop-block-size", ISA_CBO_BLOCK);
	fdtb_u32(t, "riscv,cboz-block-size", ISA_CBO_BLOCK);
	fdtb_begin(t, "interrupt-controller");
	fdtb_string(t, "compatible", "riscv,cpu-intc");
	fdtb_u32(t, "#interrupt-cells", 1);
	fdtb_empty(t, "interrupt-controller");
	fdtb_u32(t, "phandle", PHANDLE_INTC(hart));
	fdtb_end(t);
	fdtb_end(t);
}

static void write_cpus(struct fdt_builder *t, const struct virt_fdt_config *cfg)
{
	fdtb_begin(t, "cpus");
	fdtb_u32(t, "#address-cells", 1);
	fdtb_u32(t, "#size-cells", 0);
	fdtb_u32(t, "timebase-frequency", VIRT_TIMEBASE_HZ);
	for (unsigned hart = 0; hart < cfg->smp; hart++)
		write_cpu(t, cfg, hart);
	fdtb_end(t);
}

/* Which wires of which hart a controller drives: pairs of (hart's controller, mip bit). */
static void interrupts_extended(struct fdt_builder *t, unsigned smp, unsigned first,
				unsigned second)
{
	uint32_t cells[CPU_MAX_HARTS * 4];
	unsigned n = 0;

	for (unsigned hart = 0; hart < smp; hart++) {
		cells[n++] = PHANDLE_INTC(hart);
		cells[n++] = first;
		cells[n++] = PHANDLE_INTC(hart);
		cells[n++] = second;
	}
	fdtb_cells(t, "interrupts-extended", cells, n);
}

static void write_plic(struct fdt_builder *t, unsigned smp)
{
	BOARD_FDT_DEVICE(t, "plic", VIRT_PLIC_BASE, VIRT_PLIC_SIZE,
			 "sifive,plic-1.0.0\0riscv,plic0");
	fdtb_u32(t, "#address-cells", 0);
	fdtb_u32(t, "#interrupt-cells", 1);
	fdtb_empty(t, "interrupt-controller");
	fdtb_u32(t, "riscv,ndev", VIRT_N_IRQS);
	fdtb_u32(t, "phandle", PHANDLE_WIRES);
	interrupts_extended(t, smp, CPU_IRQ_MEI, CPU_IRQ_SEI);
	fdtb_end(t);
}

static void write_aia(struct fdt_builder *t, unsigned smp)
{
	uint32_t harts[CPU_MAX_HARTS * 2];
	unsigned n = 0;

	for (unsigned hart = 0; hart < smp; hart++) {
		harts[n++] = PHANDLE_INTC(hart);
		harts[n++] = CPU_IRQ_SEI;
	}
	BOARD_FDT_DEVICE(t, "imsics", VIRT_IMSIC_BASE, (uint64_t)smp * IMSIC_PAGE, "riscv,imsics");
	fdtb_empty(t, "interrupt-controller");
	fdtb_u32(t, "#interrupt-cells", 0);
	fdtb_empty(t, "msi-controller");
	fdtb_u32(t, "#msi-cells", 0);
	fdtb_u32(t, "riscv,num-ids", IMSIC_IDS);
	fdtb_u32(t, "phandle", PHANDLE_IMSIC);
	fdtb_cells(t, "interrupts-extended", harts, n);
	fdtb_end(t);

	BOARD_FDT_DEVICE(t, "aplic", VIRT_APLIC_BASE, APLIC_SIZE, "riscv,aplic");
	fdtb_u32(t, "#address-cells", 0);
	fdtb_u32(t, "#interrupt-cells", 2);
	fdtb_empty(t, "interrupt-controller");
	fdtb_u32(t, "riscv,num-sources", VIRT_N_IRQS);
	fdtb_u32(t, "msi-parent", PHANDLE_IMSIC);
	fdtb_u32(t, "phandle", PHANDLE_WIRES);
	fdtb_end(t);
}

static void write_interrupt_controllers(struct fdt_builder *t, const struct virt_fdt_config *cfg)
{
	const unsigned smp = cfg->smp;

	BOARD_FDT_DEVICE(t, "clint", VIRT_CLINT_BASE, VIRT_CLINT_SIZE,
			 "sifive,clint0\0riscv,clint0");
	interrupts_extended(t, smp, CPU_IRQ_MSI, CPU_TIMER_M);
	fdtb_end(t);

	if (cfg->aia)
		write_aia(t, smp);
	else
		write_plic(t, smp);
}

static void write_syscon_user(struct fdt_builder *t, const char *name, const char *compatible,
			      uint32_t value)
{
	fdtb_begin(t, "%s", name);
	fdtb_string(t, "compatible", compatible);
	fdtb_u32(t, "regmap", PHANDLE_TEST);
	fdtb_u32(t, "offset", 0);
	fdtb_u32(t, "value", value);
	fdtb_end(t);
}

static void write_parts(struct fdt_builder *t, const struct virt_fdt_config *cfg)
{
	BOARD_FDT_DEVICE(t, "test", VIRT_TEST_BASE, VIRT_TEST_SIZE,
			 "sifive,test1\0sifive,test0\0syscon");
	fdtb_u32(t, "phandle", PHANDLE_TEST);
	fdtb_end(t);

	BOARD_FDT_DEVICE(t, "rtc", VIRT_RTC_BASE, VIRT_RTC_SIZE, "google,goldfish-rtc");
	interrupt(t, cfg, VIRT_RTC_IRQ);
	fdtb_end(t);

	BOARD_FDT_DEVICE(t, "serial", VIRT_UART_BASE, VIRT_UART_SIZE, "ns16550a");
	fdtb_u32(t, "clock-frequency", VIRT_UART_CLOCK);
	interrupt(t, cfg, VIRT_UART_IRQ);
	fdtb_end(t);
}

static void write_mmio_slots(struct fdt_builder *t, const struct virt_fdt_config *cfg)
{
	for (unsigned slot = 0; slot < VIRT_N_VIRTIO; slot++) {
		BOARD_FDT_DEVICE(t, "virtio_mmio", VIRT_VIRTIO_BASE + slot * VIRT_VIRTIO_STEP,
				 VIRT_VIRTIO_STEP, "virtio,mmio");
		interrupt(t, cfg, VIRT_VIRTIO_IRQ + slot);
		fdtb_end(t);
	}
}

/* The first interrupt is shared by all of them. */
static void write_irqlabs(struct fdt_builder *t, const struct virt_fdt_config *cfg)
{
	static const char names[] = "level\0edge";

	for (unsigned i = 0; i < cfg->n_irqlabs; i++) {
		uint32_t irqs[4];
		unsigned n = irq_cells(cfg, irqs, VIRT_IRQLAB_IRQ, IRQ_LEVEL_HIGH);

		n += irq_cells(cfg, irqs + n, VIRT_IRQLAB_IRQ + 1 + i, IRQ_EDGE_RISING);

		BOARD_FDT_DEVICE(t, "irqlab", VIRT_IRQLAB_BASE + i * VIRT_IRQLAB_STEP,
				 VIRT_IRQLAB_STEP, "linnet,irqlab");
		fdtb_u32(t, "interrupt-parent", PHANDLE_WIRES);
		fdtb_cells(t, "interrupts", irqs, n);
		fdtb_bytes(t, "interrupt-names", names, sizeof(names));
		fdtb_empty(t, "dma-coherent");
		fdtb_end(t);
	}
}

/* Which source a slot's INTA# leads to: the binding's map of (address, pin) to an interrupt, whose
 * controller has no address. */
static void pci_interrupt_map(struct fdt_builder *t, const struct virt_fdt_config *cfg)
{
	const unsigned shared = cfg->pci_shared;
	static const uint32_t mask[] = {PCI_SLOT_CELL(31), 0, 0, PCI_PIN_MASK};
	uint32_t cells[31 * 7];
	unsigned n = 0;

	for (unsigned slot = 1; slot <= cfg->n_pci; slot++) {
		cells[n++] = PCI_SLOT_CELL(slot);
		cells[n++] = 0;
		cells[n++] = 0;
		cells[n++] = PCI_PIN_A;
		cells[n++] = PHANDLE_WIRES;
		n += irq_cells(cfg, cells + n,
			       VIRT_PCI_IRQ + (shared && slot > shared ? shared : slot),
			       IRQ_LEVEL_HIGH);
	}
	fdtb_cells(t, "interrupt-map-mask", mask, ARRAY_SIZE(mask));
	fdtb_cells(t, "interrupt-map", cells, n);
}

static void write_pci(struct fdt_builder *t, const struct virt_fdt_config *cfg)
{
	const uint64_t high = cfg->pci_high_base;
	/* Of each window: what it is and where on the PCI bus, where in memory, its size. */
	const uint32_t ranges[] = {
		PCI_SPACE_MEM32,
		0,
		VIRT_PCI_MEM_BASE,
		0,
		VIRT_PCI_MEM_BASE,
		0,
		VIRT_PCI_MEM_SIZE,
		PCI_SPACE_MEM64,
		(uint32_t)(high >> 32),
		(uint32_t)high,
		(uint32_t)(high >> 32),
		(uint32_t)high,
		0,
		VIRT_PCI_HIGH_SIZE,
	};
	static const uint32_t buses[] = {0, VIRT_PCI_ECAM_SIZE / PCI_ECAM_BUS - 1};

	BOARD_FDT_DEVICE(t, "pci", VIRT_PCI_ECAM_BASE, VIRT_PCI_ECAM_SIZE, "pci-host-ecam-generic");
	fdtb_string(t, "device_type", "pci");
	fdtb_u32(t, "#address-cells", 3);
	fdtb_u32(t, "#size-cells", 2);
	fdtb_u32(t, "#interrupt-cells", 1);
	fdtb_u32(t, "linux,pci-domain", 0);
	fdtb_cells(t, "bus-range", buses, ARRAY_SIZE(buses));
	fdtb_empty(t, "dma-coherent");
	fdtb_cells(t, "ranges", ranges, ARRAY_SIZE(ranges));
	pci_interrupt_map(t, cfg);
	if (cfg->aia)
		fdtb_u32(t, "msi-parent", PHANDLE_IMSIC);
	fdtb_end(t);
}

int virt_fdt_build(const struct virt_fdt_config *cfg, void **out, size_t *len, struct err *e)
{
	struct fdt_builder builder, *t = &builder;
	char console[64];
	int ret;

	fdtb_init(t);
	fdtb_begin(t, "%s", ""); /* the root has no name */
	fdtb_u32(t, "#address-cells", 2);
	fdtb_u32(t, "#size-cells", 2);
	fdtb_string(t, "compatible", "riscv-virtio");
	fdtb_string(t, "model", "riscv-virtio,linnet");
	snprintf(console, sizeof(console), "/soc/serial@%x", VIRT_UART_BASE);
	board_fdt_aliases(t, console);
	fdtb_end(t);
	board_fdt_chosen(t, &cfg->run, console);
	write_cpus(t, cfg);
	fdtb_begin(t, "soc");
	fdtb_u32(t, "#address-cells", 2);
	fdtb_u32(t, "#size-cells", 2);
	fdtb_string(t, "compatible", "simple-bus");
	fdtb_empty(t, "ranges");
	write_parts(t, cfg);
	if (cfg->n_pci)
		write_pci(t, cfg);
	else
		write_mmio_slots(t, cfg);
	write_irqlabs(t, cfg);
	write_interrupt_controllers(t, cfg);
	fdtb_end(t);
	write_syscon_user(t, "poweroff", "syscon-poweroff", 0x5555);
	write_syscon_user(t, "reboot", "syscon-reboot", 0x7777);
	fdtb_end(t);
	ret = fdtb_finish(t, out, len);
	if (ret)
		err_set(e, ret, "the device tree could not be made: %s", strerror(-ret));
	return ret;
}
