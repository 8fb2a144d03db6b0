/* SPDX-License-Identifier: MIT */
/*
 * The tree is written front to back, one function a node or a group of nodes. Phandles are fixed:
 * hart n's interrupt controller is 1 + n, the rest follow behind the last possible hart.
 *
 * Properties follow the bindings in the kernel's Documentation/devicetree. An empty virtio slot has
 * its node too, as on QEMU's board: a driver reads device id 0 there and leaves it alone.
 */
#include "machine/virt_fdt.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "boot/fdt.h"
#include "cpu/cpu.h"
#include "machine/isa.h"
#include "machine/virt_map.h"

#define PHANDLE_INTC(hart) (1 + (hart))
#define PHANDLE_PLIC       (CPU_MAX_HARTS + 1)
#define PHANDLE_TEST       (CPU_MAX_HARTS + 2)

/* A node `name@base` with its compatible strings and its one register window. */
static void device_begin(struct fdt *t, const char *name, uint64_t base, uint64_t size,
			 const char *compatible, size_t compatible_len)
{
	char node[64];

	snprintf(node, sizeof(node), "%s@%llx", name, (unsigned long long)base);
	fdt_node_begin(t, node);
	fdt_prop_bytes(t, "compatible", compatible, compatible_len);
	fdt_prop_reg(t, "reg", base, size);
}

#define DEVICE_BEGIN(t, name, base, size, compatible) \
	device_begin(t, name, base, size, compatible, sizeof(compatible))

static void interrupt(struct fdt *t, unsigned irq)
{
	fdt_prop_u32(t, "interrupt-parent", PHANDLE_PLIC);
	fdt_prop_u32(t, "interrupts", irq);
}

static void write_chosen(struct fdt *t, const struct virt_fdt_config *cfg)
{
	char path[64];

	fdt_node_begin(t, "aliases");
	snprintf(path, sizeof(path), "/soc/serial@%x", VIRT_UART_BASE);
	fdt_prop_string(t, "serial0", path);
	fdt_node_end(t);

	fdt_node_begin(t, "chosen");
	fdt_prop_string(t, "stdout-path", path);
	if (cfg->bootargs)
		fdt_prop_string(t, "bootargs", cfg->bootargs);
	if (cfg->initrd_start != cfg->initrd_end) {
		fdt_prop_u64(t, "linux,initrd-start", cfg->initrd_start);
		fdt_prop_u64(t, "linux,initrd-end", cfg->initrd_end);
	}
	fdt_prop_bytes(t, "rng-seed", cfg->rng_seed, sizeof(cfg->rng_seed));
	fdt_node_end(t);

	snprintf(path, sizeof(path), "memory@%x", VIRT_RAM_BASE);
	fdt_node_begin(t, path);
	fdt_prop_string(t, "device_type", "memory");
	fdt_prop_reg(t, "reg", VIRT_RAM_BASE, cfg->mem);
	fdt_node_end(t);
}

static void write_cpu(struct fdt *t, unsigned hart)
{
	static const char extensions[] = ISA_RV64_EXTENSIONS;
	char node[32];

	snprintf(node, sizeof(node), "cpu@%x", hart);
	fdt_node_begin(t, node);
	fdt_prop_string(t, "device_type", "cpu");
	fdt_prop_string(t, "compatible", "riscv");
	fdt_prop_u32(t, "reg", hart);
	fdt_prop_string(t, "status", "okay");
	fdt_prop_string(t, "mmu-type", "riscv,sv39");
	fdt_prop_string(t, "riscv,isa", ISA_RV64_STRING);
	fdt_prop_string(t, "riscv,isa-base", "rv64i");
	fdt_prop_bytes(t, "riscv,isa-extensions", extensions, sizeof(extensions));
	fdt_prop_u32(t, "riscv,cbom-block-size", ISA_CBO_BLOCK);
	fdt_prop_u32(t, "riscv,cbop-block-size", ISA_CBO_BLOCK);
	fdt_prop_u32(t, "riscv,cboz-block-size", ISA_CBO_BLOCK);
	fdt_node_begin(t, "interrupt-controller");
	fdt_prop_string(t, "compatible", "riscv,cpu-intc");
	fdt_prop_u32(t, "#interrupt-cells", 1);
	fdt_prop_empty(t, "interrupt-controller");
	fdt_prop_u32(t, "phandle", PHANDLE_INTC(hart));
	fdt_node_end(t);
	fdt_node_end(t);
}

static void write_cpus(struct fdt *t, unsigned smp)
{
	fdt_node_begin(t, "cpus");
	fdt_prop_u32(t, "#address-cells", 1);
	fdt_prop_u32(t, "#size-cells", 0);
	fdt_prop_u32(t, "timebase-frequency", CPU_TIMEBASE_HZ);
	for (unsigned hart = 0; hart < smp; hart++)
		write_cpu(t, hart);
	fdt_node_end(t);
}

/* Which wires of which hart a controller drives: pairs of (hart's controller, mip bit). */
static void interrupts_extended(struct fdt *t, unsigned smp, unsigned first, unsigned second)
{
	uint32_t cells[CPU_MAX_HARTS * 4];

	for (unsigned hart = 0; hart < smp; hart++) {
		cells[hart * 4] = cells[hart * 4 + 2] = PHANDLE_INTC(hart);
		cells[hart * 4 + 1] = first;
		cells[hart * 4 + 3] = second;
	}
	fdt_prop_cells(t, "interrupts-extended", cells, smp * 4);
}

static void write_interrupt_controllers(struct fdt *t, unsigned smp)
{
	DEVICE_BEGIN(t, "clint", VIRT_CLINT_BASE, VIRT_CLINT_SIZE, "sifive,clint0\0riscv,clint0");
	interrupts_extended(t, smp, CPU_IRQ_MSI, CPU_TIMER_M);
	fdt_node_end(t);

	DEVICE_BEGIN(t, "plic", VIRT_PLIC_BASE, VIRT_PLIC_SIZE, "sifive,plic-1.0.0\0riscv,plic0");
	fdt_prop_u32(t, "#address-cells", 0);
	fdt_prop_u32(t, "#interrupt-cells", 1);
	fdt_prop_empty(t, "interrupt-controller");
	fdt_prop_u32(t, "riscv,ndev", VIRT_N_IRQS - 1);
	fdt_prop_u32(t, "phandle", PHANDLE_PLIC);
	interrupts_extended(t, smp, CPU_IRQ_MEI, CPU_IRQ_SEI);
	fdt_node_end(t);
}

static void write_syscon_user(struct fdt *t, const char *name, const char *compatible,
			      uint32_t value)
{
	fdt_node_begin(t, name);
	fdt_prop_string(t, "compatible", compatible);
	fdt_prop_u32(t, "regmap", PHANDLE_TEST);
	fdt_prop_u32(t, "offset", 0);
	fdt_prop_u32(t, "value", value);
	fdt_node_end(t);
}

static void write_parts(struct fdt *t)
{
	DEVICE_BEGIN(t, "test", VIRT_TEST_BASE, VIRT_TEST_SIZE,
		     "sifive,test1\0sifive,test0\0syscon");
	fdt_prop_u32(t, "phandle", PHANDLE_TEST);
	fdt_node_end(t);

	DEVICE_BEGIN(t, "rtc", VIRT_RTC_BASE, VIRT_RTC_SIZE, "google,goldfish-rtc");
	interrupt(t, VIRT_RTC_IRQ);
	fdt_node_end(t);

	DEVICE_BEGIN(t, "serial", VIRT_UART_BASE, VIRT_UART_SIZE, "ns16550a");
	fdt_prop_u32(t, "clock-frequency", VIRT_UART_CLOCK);
	interrupt(t, VIRT_UART_IRQ);
	fdt_node_end(t);

	for (unsigned slot = 0; slot < VIRT_N_VIRTIO; slot++) {
		DEVICE_BEGIN(t, "virtio_mmio", VIRT_VIRTIO_BASE + slot * VIRT_VIRTIO_STEP,
			     VIRT_VIRTIO_STEP, "virtio,mmio");
		interrupt(t, VIRT_VIRTIO_IRQ + slot);
		fdt_node_end(t);
	}
}

int virt_fdt_build(const struct virt_fdt_config *cfg, void **out, size_t *len, struct err *e)
{
	struct fdt *t;
	int ret = fdt_new(&t);

	if (ret)
		return ret;
	fdt_node_begin(t, "");
	fdt_prop_u32(t, "#address-cells", 2);
	fdt_prop_u32(t, "#size-cells", 2);
	fdt_prop_string(t, "compatible", "riscv-virtio");
	fdt_prop_string(t, "model", "riscv-virtio,linnet");
	write_chosen(t, cfg);
	write_cpus(t, cfg->smp);
	fdt_node_begin(t, "soc");
	fdt_prop_u32(t, "#address-cells", 2);
	fdt_prop_u32(t, "#size-cells", 2);
	fdt_prop_string(t, "compatible", "simple-bus");
	fdt_prop_empty(t, "ranges");
	write_parts(t);
	write_interrupt_controllers(t, cfg->smp);
	fdt_node_end(t);
	write_syscon_user(t, "poweroff", "syscon-poweroff", 0x5555);
	write_syscon_user(t, "reboot", "syscon-reboot", 0x7777);
	fdt_node_end(t);
	return fdt_finish(t, out, len, e);
}
