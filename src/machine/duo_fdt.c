/* SPDX-License-Identifier: MIT */
/*
 * The tree of our own says what the kernel's does, with these differences: a UART states the
 * frequency of its clock, so that a kernel needs no driver of the clock controller before it has a
 * console; memory is as large as this run has it, and what devices write is seen by the core
 * without its doing, but for what the small core does; there are slots for virtio devices.
 */
#include "machine/duo_fdt.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "boot/fdt.h"
#include "cpu/cpu.h"
#include "machine/duo_map.h"
#include "machine/duo_wires.h"

#define PHANDLE_INTC    1u
#define PHANDLE_PLIC    2u
#define PHANDLE_RTOS    3u
#define PHANDLE_VRINGS  4u
#define PHANDLE_BUFFERS 5u
#define PHANDLE_POOL    6u
#define PHANDLE_MAILBOX 7u
#define PHANDLE_WIRES   8u

#define IRQ_LEVEL_HIGH 4u

void duo_fdt_interrupt(struct fdt_builder *t, unsigned irq)
{
	const uint32_t cells[] = {irq, IRQ_LEVEL_HIGH};

	fdtb_cells(t, "interrupts", cells, ARRAY_SIZE(cells));
}

/* A pool is what a driver's allocations are taken from; other regions drivers map themselves. */
static void write_region(struct fdt_builder *t, const char *name, const struct duo_region *region,
			 uint32_t phandle)
{
	fdtb_begin(t, "%s@%llx", name, (unsigned long long)region->base);
	if (phandle == PHANDLE_POOL)
		fdtb_string(t, "compatible", "shared-dma-pool");
	fdtb_reg(t, region->base, region->size);
	fdtb_empty(t, "no-map");
	fdtb_u32(t, "phandle", phandle);
	fdtb_end(t);
}

static void write_reserved(struct fdt_builder *t, const struct duo_fdt_config *cfg)
{
	fdtb_begin(t, "reserved-memory");
	fdtb_u32(t, "#address-cells", 2);
	fdtb_u32(t, "#size-cells", 2);
	fdtb_empty(t, "ranges");
	write_region(t, "region", &cfg->rtos, PHANDLE_RTOS);
	write_region(t, "vrings", &cfg->vrings, PHANDLE_VRINGS);
	write_region(t, "buffers", &cfg->buffers, PHANDLE_BUFFERS);
	write_region(t, "pool", &cfg->pool, PHANDLE_POOL);
	fdtb_end(t);
}

static void write_cpus(struct fdt_builder *t)
{
	static const char extensions[] = "i\0m\0a\0f\0d\0c\0zicntr\0zicsr\0zifencei\0zihpm";

	fdtb_begin(t, "cpus");
	fdtb_u32(t, "#address-cells", 1);
	fdtb_u32(t, "#size-cells", 0);
	fdtb_u32(t, "timebase-frequency", DUO_TIMEBASE_HZ);
	fdtb_begin(t, "cpu@0");
	fdtb_string(t, "device_type", "cpu");
	fdtb_bytes(t, "compatible", "thead,c906\0riscv", sizeof("thead,c906\0riscv"));
	fdtb_u32(t, "reg", 0);
	fdtb_string(t, "mmu-type", "riscv,sv39");
	fdtb_string(t, "riscv,isa", "rv64imafdc");
	fdtb_string(t, "riscv,isa-base", "rv64i");
	fdtb_bytes(t, "riscv,isa-extensions", extensions, sizeof(extensions));
	fdtb_begin(t, "interrupt-controller");
	fdtb_string(t, "compatible", "riscv,cpu-intc");
	fdtb_u32(t, "#interrupt-cells", 1);
	fdtb_empty(t, "interrupt-controller");
	fdtb_u32(t, "phandle", PHANDLE_INTC);
	fdtb_end(t);
	fdtb_end(t);
	fdtb_end(t);
}

/* Both controllers drive two of the core's wires each. */
static void interrupts_extended(struct fdt_builder *t, uint32_t first, uint32_t second)
{
	const uint32_t cells[] = {PHANDLE_INTC, first, PHANDLE_INTC, second};

	fdtb_cells(t, "interrupts-extended", cells, ARRAY_SIZE(cells));
}

static void write_interrupt_controllers(struct fdt_builder *t)
{
	BOARD_FDT_DEVICE(t, "interrupt-controller", DUO_PLIC_BASE, DUO_PLIC_SIZE,
			 "thead,c900-plic");
	fdtb_u32(t, "#address-cells", 0);
	fdtb_u32(t, "#interrupt-cells", 2);
	fdtb_empty(t, "interrupt-controller");
	fdtb_u32(t, "riscv,ndev", DUO_N_IRQS);
	fdtb_u32(t, "phandle", PHANDLE_PLIC);
	interrupts_extended(t, CPU_IRQ_MEI, CPU_IRQ_SEI);
	fdtb_end(t);

	BOARD_FDT_DEVICE(t, "timer", DUO_CLINT_BASE, DUO_CLINT_SIZE, "thead,c900-clint");
	interrupts_extended(t, CPU_IRQ_MSI, CPU_TIMER_M);
	fdtb_end(t);
}

static void write_uart(struct fdt_builder *t)
{
	BOARD_FDT_DEVICE(t, "serial", DUO_UART_BASE, 0x100, "snps,dw-apb-uart");
	fdtb_u32(t, "clock-frequency", DUO_OSC_HZ);
	fdtb_u32(t, "reg-shift", 2);
	fdtb_u32(t, "reg-io-width", 4);
	duo_fdt_interrupt(t, DUO_UART_IRQ);
	fdtb_end(t);
}

/* What later kernels describe so, and those of guest/drivers drive. Of a channel of the mailbox the
 * cells are its number and the core that receives.
 */
static void write_small_core(struct fdt_builder *t)
{
	const uint32_t regions[] = {PHANDLE_RTOS, PHANDLE_VRINGS, PHANDLE_POOL};
	const uint32_t channel[] = {PHANDLE_MAILBOX, 0, DUO_MAILBOX_SMALL};
	const uint32_t reg[] = {0, DUO_SEC_SYS_BASE, 0, DUO_PAGE, 0, DUO_RESET_BASE, 0, DUO_PAGE};

	BOARD_FDT_DEVICE(t, "mailbox", DUO_MAILBOX_BASE, DUO_PAGE, "sophgo,cv1800b-mailbox");
	duo_fdt_interrupt(t, DUO_MAILBOX_IRQ);
	fdtb_u32(t, "#mbox-cells", 2);
	fdtb_u32(t, "memory-region", PHANDLE_BUFFERS);
	fdtb_u32(t, "phandle", PHANDLE_MAILBOX);
	fdtb_end(t);

	fdtb_begin(t, "remoteproc@%x", DUO_SEC_SYS_BASE);
	fdtb_string(t, "compatible", "linnet,duo-rproc");
	fdtb_cells(t, "reg", reg, ARRAY_SIZE(reg));
	fdtb_cells(t, "memory-region", regions, ARRAY_SIZE(regions));
	fdtb_cells(t, "mboxes", channel, ARRAY_SIZE(channel));
	fdtb_end(t);
}

static void write_virtio(struct fdt_builder *t)
{
	for (unsigned i = 0; i < DUO_N_VIRTIO; i++) {
		BOARD_FDT_DEVICE(t, "virtio_mmio", DUO_VIRTIO_BASE + i * DUO_VIRTIO_STEP,
				 DUO_VIRTIO_STEP, "virtio,mmio");
		duo_fdt_interrupt(t, DUO_VIRTIO_IRQ + i);
		fdtb_end(t);
	}
}

int duo_fdt_build(const struct duo_fdt_config *cfg, void **out, size_t *len, struct err *e)
{
	struct fdt_builder builder, *t = &builder;
	char console[64];
	int ret;

	fdtb_init(t);
	fdtb_begin(t, "%s", ""); /* the root has no name */
	fdtb_u32(t, "#address-cells", 2);
	fdtb_u32(t, "#size-cells", 2);
	fdtb_bytes(t, "compatible", "milkv,duo\0sophgo,cv1800b",
		   sizeof("milkv,duo\0sophgo,cv1800b"));
	fdtb_string(t, "model", cfg->model);
	snprintf(console, sizeof(console), "/soc/serial@%x", DUO_UART_BASE);
	board_fdt_aliases(t, console);
	duo_wires_aliases(t);
	fdtb_end(t);
	board_fdt_chosen(t, &cfg->run, console);
	write_reserved(t, cfg);
	write_cpus(t);
	fdtb_begin(t, "soc");
	fdtb_u32(t, "#address-cells", 2);
	fdtb_u32(t, "#size-cells", 2);
	fdtb_string(t, "compatible", "simple-bus");
	fdtb_empty(t, "ranges");
	fdtb_u32(t, "interrupt-parent", PHANDLE_PLIC);
	write_uart(t);
	write_small_core(t);
	write_virtio(t);
	duo_wires_fdt(t, cfg->wires, PHANDLE_WIRES);
	write_interrupt_controllers(t);
	fdtb_end(t);
	fdtb_end(t);
	ret = fdtb_finish(t, out, len);
	if (ret)
		err_set(e, ret, "the device tree could not be made: %s", strerror(-ret));
	return ret;
}
