/* SPDX-License-Identifier: MIT */
/*
 * The `virt` board, wired: parts at the addresses of virt_map.h, interrupts and timers to the
 * harts, a slot of virtio-mmio or of PCI for each virtio device; what is left of the eight slots of
 * virtio-mmio is empty.
 */
#include "machine/virt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opt.h"
#include "cpu/cpu.h"
#include "hw/aclint.h"
#include "hw/rtc_goldfish.h"
#include "hw/syscon.h"
#include "hw/uart8250.h"
#include "machine/board.h"
#include "machine/board_fdt.h"
#include "machine/devices.h"
#include "machine/mmio_slots.h"
#include "machine/virt_fdt.h"
#include "machine/virt_intc.h"
#include "machine/virt_irqlab.h"
#include "machine/virt_map.h"
#include "machine/virt_pci.h"
#include "mem/gmem.h"

#define DTB_MAX        0x10000u
/* The date at which a repeatable machine begins. */
#define FIXED_EPOCH_NS 1700000000000000000ull

struct virt {
	struct virt_intc *intc;
	struct aclint *aclint;
	struct rtc_goldfish *rtc;
	struct syscon *test;
	struct mmio_slots slots;
	struct virt_pci *pci;       /* or NULL */
	struct virt_irqlab *irqlab; /* or NULL */
};

static struct virt *virt_of(struct machine *m)
{
	return m->board;
}

/* ---- what parts ask for ---- */

static uint64_t time_now(void *arg)
{
	const struct machine *m = arg;

	return clock_ticks(&m->clock);
}

static void set_mtimer(void *arg, unsigned hart, uint64_t deadline)
{
	struct machine *m = arg;

	m->cfg.engine->set_timer(m->vm->cpu[hart], CPU_TIMER_M, deadline);
}

static uint64_t real_time_ns(void *arg)
{
	const struct machine *m = arg;
	struct timespec ts;

	if (m->clock.counted)
		return FIXED_EPOCH_NS + clock_ticks(&m->clock) * m->clock.ns_per_tick;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void test_device_event(void *arg, enum syscon_event event, unsigned code)
{
	static const enum machine_end ends[] = {
		[SYSCON_POWEROFF] = MACHINE_POWEROFF,
		[SYSCON_RESET] = MACHINE_REBOOT,
		[SYSCON_FAIL] = MACHINE_FAILED,
	};

	machine_end(arg, ends[event], code);
}

/* ---- parts ---- */

static int add_interrupt_controllers(struct machine *m)
{
	struct virt *v = virt_of(m);
	struct irq software[CPU_MAX_HARTS];
	const struct aclint_config aclint = {.bus = m->bus,
					     .base = VIRT_CLINT_BASE,
					     .n_harts = m->cfg.smp,
					     .msip = software,
					     .time_now = time_now,
					     .set_timer = set_mtimer,
					     .arg = m};
	int ret;

	for (unsigned hart = 0; hart < m->cfg.smp; hart++)
		software[hart] = virt_hart_line(m, hart, CPU_IRQ_MSI);
	ret = virt_intc_new(m, &v->intc);
	return ret ? ret : aclint_new(&aclint, &v->aclint);
}

static int add_parts(struct machine *m)
{
	struct virt *v = virt_of(m);
	const struct uart8250_config uart = {.bus = m->bus,
					     .base = VIRT_UART_BASE,
					     .loop = m->loop,
					     .irq = virt_intc_irq(v->intc, VIRT_UART_IRQ),
					     .chr = m->cfg.console,
					     .tap = m->cfg.console_tap,
					     .tap_arg = m->cfg.console_tap_arg};
	const struct rtc_goldfish_config rtc = {.bus = m->bus,
						.base = VIRT_RTC_BASE,
						.loop = m->loop,
						.irq = virt_intc_irq(v->intc, VIRT_RTC_IRQ),
						.wall_ns = real_time_ns,
						.arg = m};
	const struct syscon_config test = {
		.bus = m->bus, .base = VIRT_TEST_BASE, .event = test_device_event, .arg = m};
	int ret = machine_add_uart(m, &uart);

	if (!ret)
		ret = rtc_goldfish_new(&rtc, &v->rtc);
	if (!ret)
		ret = syscon_new(&test, &v->test);
	return ret;
}

/* ---- virtio ---- */

static int add_pci(struct machine *m, struct vdev *dev)
{
	struct virt *v = virt_of(m);
	int ret = virt_pci_add(v->pci, dev);

	if (!ret)
		machine_device_add(m, virt_pci_slots(v->pci), dev, virt_pci_carrier(v->pci));
	return ret;
}

static int virt_plug(struct machine *m, struct vdev *dev)
{
	return m->cfg.pci ? add_pci(m, dev) : mmio_slots_plug(&virt_of(m)->slots, m, dev);
}

static int add_carriers(struct machine *m)
{
	struct virt *v = virt_of(m);

	v->slots = (struct mmio_slots){
		.base = VIRT_VIRTIO_BASE, .step = VIRT_VIRTIO_STEP, .n = VIRT_N_VIRTIO};
	for (unsigned i = 0; i < VIRT_N_VIRTIO; i++)
		v->slots.irq[i] = virt_intc_irq(v->intc, VIRT_VIRTIO_IRQ + i);
	return m->cfg.pci ? virt_pci_new(m, v->intc, &v->pci) : 0;
}

/* Behind all virtio devices, so that those stay where they are without it. */
static int add_irqlabs(struct machine *m)
{
	struct virt *v = virt_of(m);

	return virt_irqlab_new(m, v->intc, virt_pci_bus(v->pci), virt_pci_slots(v->pci) + 1,
			       &v->irqlab);
}

/* ---- images ---- */

static int make_dtb(struct machine *m, uint64_t initrd_start, uint64_t initrd_end, struct err *e)
{
	struct virt_fdt_config cfg = {.smp = m->cfg.smp,
				      .sv48 = m->cfg.sv48,
				      .aia = m->cfg.aia,
				      .n_pci = virt_pci_slots(virt_of(m)->pci),
				      .n_irqlabs = m->cfg.pci ? 0 : m->cfg.n_irqlabs,
				      .pci_high_base = virt_pci_high_base(m)};
	int ret = board_fdt_init(&cfg.run, m, initrd_start, initrd_end, e);

	if (ret)
		return ret;
	if (m->cfg.pci && m->cfg.n_irqlabs) {
		cfg.pci_shared = cfg.n_pci + 1;
		cfg.n_pci += m->cfg.n_irqlabs;
	}
	if (m->cfg.dtb)
		return board_fdt_load(&cfg.run, m, DTB_MAX - FIRMWARE_INFO_SIZE, false, e);
	return virt_fdt_build(&cfg, &m->dtb, &m->dtb_len, e);
}

static int virt_build(struct machine *m, struct err *e)
{
	const struct load_plan plan = {.make_dtb = make_dtb, .dtb_max = DTB_MAX};
	struct virt *v = calloc(1, sizeof(*v));
	int ret;

	m->board = v;
	if (!v)
		return err_set(e, -ENOMEM, "out of memory");
	ret = machine_add_ram(m, e);
	if (ret)
		return ret;
	ret = add_interrupt_controllers(m);
	if (!ret)
		ret = add_parts(m);
	if (!ret)
		ret = add_carriers(m);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	ret = devices_add(m, e);
	if (ret)
		return ret;
	ret = mmio_slots_fill(&v->slots, m);
	if (!ret && m->cfg.n_irqlabs)
		ret = add_irqlabs(m);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	return machine_load(m, &plan, e);
}

/* ---- the end ---- */

static void virt_free(struct machine *m)
{
	struct virt *v = virt_of(m);

	if (!v)
		return;
	mmio_slots_free(&v->slots);
	virt_irqlab_free(v->irqlab);
	virt_pci_free(v->pci);
	rtc_goldfish_free(v->rtc);
	syscon_free(v->test);
	aclint_free(v->aclint);
	virt_intc_free(v->intc);
	free(v);
}

const struct machine_type virt_machine = {
	.name = "virt",
	.help = "RV64 board with virtio devices, addresses as on QEMU's virt (default)",
	.ram_base = VIRT_RAM_BASE,
	.timebase_hz = VIRT_TIMEBASE_HZ,
	.default_mem = 512u << 20,
	.max_smp = CPU_MAX_HARTS,
	.extensible = true,
	.default_append = "console=ttyS0 earlycon panic=-1",
	.build = virt_build,
	.plug = virt_plug,
	.free_board = virt_free,
};
