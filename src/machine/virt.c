/* SPDX-License-Identifier: MIT */
/*
 * The `virt` board, wired: parts at the addresses of virt_map.h, interrupts and timers to the
 * harts, a slot of virtio-mmio or of PCI for each device in the order disks, networks, console,
 * entropy, power button; what is left of the eight slots of virtio-mmio is empty.
 */
#include "machine/virt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "backend/block.h"
#include "backend/net.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/opt.h"
#include "boot/fdt_file.h"
#include "cpu/cpu.h"
#include "dev/balloon.h"
#include "dev/blk.h"
#include "dev/console.h"
#include "dev/input.h"
#include "dev/net.h"
#include "dev/net_spec.h"
#include "dev/rng.h"
#include "dev/vsock.h"
#include "hw/aclint.h"
#include "hw/rtc_goldfish.h"
#include "hw/syscon.h"
#include "hw/uart8250.h"
#include "machine/board.h"
#include "machine/virt_fdt.h"
#include "machine/virt_intc.h"
#include "machine/virt_irqlab.h"
#include "machine/virt_map.h"
#include "machine/virt_pci.h"
#include "mem/gmem.h"
#include "transport/carrier.h"
#include "transport/mmio.h"
#include "virtio/vdev.h"

#define DTB_MAX        0x10000u
/* What a repeatable machine takes for now and for chance. */
#define FIXED_EPOCH_NS 1700000000000000000ull
#define FIXED_SEED     0x4c696e6e6574ull

struct virt {
	struct virt_intc *intc;
	struct aclint *aclint;
	struct uart8250 *uart;
	struct rtc_goldfish *rtc;
	struct syscon *test;
	struct virtio_mmio *slot[VIRT_N_VIRTIO];
	unsigned n_slots;           /* the first ones have devices */
	struct virt_pci *pci;       /* or NULL */
	struct virt_irqlab *irqlab; /* or NULL */

	unsigned busy; /* parts that quiesce waits for */
	void (*quiet)(struct machine *m);
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

static int add_ram(struct machine *m, struct err *e)
{
	uint64_t limit = gmem_host_limit() & ~((2ull << 20) - 1);
	int ret = gmem_add_ram(m->mem, VIRT_RAM_BASE, m->cfg.mem);
	char size[OPT_SIZE_TEXT], most[OPT_SIZE_TEXT];

	opt_format_size(m->cfg.mem, size);
	if (ret == -ENOMEM)
		return err_set(e, ret, "--mem %s: this host has not that much; give at most %s",
			       size, opt_format_size(limit, most));
	if (ret)
		return err_set(e, ret, "--mem %s: %s", size, strerror(-ret));
	return 0;
}

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
	int ret = uart8250_new(&uart, &v->uart);

	m->uart = v->uart;
	if (!ret)
		ret = rtc_goldfish_new(&rtc, &v->rtc);
	if (!ret)
		ret = syscon_new(&test, &v->test);
	return ret;
}

/* ---- virtio ---- */

/* Puts dev into a slot of virtio-mmio; NULL makes an empty one. */
static int add_slot(struct machine *m, unsigned slot, struct vdev *dev)
{
	struct virt *v = virt_of(m);
	const struct virtio_mmio_config cfg = {
		.bus = m->bus,
		.base = VIRT_VIRTIO_BASE + (uint64_t)slot * VIRT_VIRTIO_STEP,
		.loop = m->loop,
		.mem = m->mem,
		.irq = virt_intc_irq(v->intc, VIRT_VIRTIO_IRQ + slot),
		.dev = dev};

	return slot < VIRT_N_VIRTIO ? virtio_mmio_new(&cfg, &v->slot[slot]) : -ENOSPC;
}

static int add_mmio(struct machine *m, struct vdev *dev)
{
	struct virt *v = virt_of(m);
	unsigned slot = v->n_slots;
	int ret = add_slot(m, slot, dev);

	if (ret)
		return ret;
	v->n_slots++;
	machine_device_add(m, slot, dev, virtio_mmio_carrier(v->slot[slot]));
	return 0;
}

static int add_pci(struct machine *m, struct vdev *dev)
{
	struct virt *v = virt_of(m);
	int ret = virt_pci_add(v->pci, dev);

	if (!ret)
		machine_device_add(m, virt_pci_slots(v->pci), dev, virt_pci_carrier(v->pci));
	return ret;
}

static int add_device(struct machine *m, struct vdev *dev)
{
	int ret = -ENOSPC;

	vdev_offer_ring(dev, m->cfg.ring_features);
	if (m->cfg.ring_size)
		vdev_limit_rings(dev, m->cfg.ring_size);
	if (m->n_devices < MACHINE_MAX_DEVICES)
		ret = m->cfg.pci ? add_pci(m, dev) : add_mmio(m, dev);
	if (ret)
		vdev_free(dev);
	return ret;
}

static int add_disk(struct machine *m, const struct machine_disk *d)
{
	struct loop *loops[BLK_QUEUES_MAX];
	const struct blk_config cfg = {
		.block = d->block,
		.queue_loop = loops,
		.serial = d->serial,
		.n_queues = d->n_queues,
		.ring_size = m->cfg.ring_size,
	};
	struct vdev *dev;
	int ret;

	iothreads_place(&m->io, m->loop, d->iothread, d->block->single_loop, loops,
			d->n_queues ? d->n_queues : 1);
	ret = blk_new(&cfg, &dev);
	return ret ? ret : add_device(m, dev);
}

/* A pair's two sides on a loop each only where the network can. */
static void place_net(struct machine *m, const struct machine_net *n, struct loop **loops)
{
	unsigned n_pairs = n->n_queues ? n->n_queues : 1;
	struct loop *pair[NET_PAIRS_MAX];

	if (n->net->split) {
		iothreads_place(&m->io, m->loop, n->iothread, false, loops, 2 * n_pairs);
		return;
	}
	iothreads_place(&m->io, m->loop, n->iothread, n->net->single_loop, pair, n_pairs);
	for (unsigned i = 0; i < 2 * n_pairs; i++)
		loops[i] = pair[i / 2];
}

static int add_net(struct machine *m, const struct machine_net *n)
{
	struct loop *loops[2 * NET_PAIRS_MAX];
	struct netdev_config cfg = {.net = n->net,
				    .loop = m->loop,
				    .queue_loop = loops,
				    .mtu = (uint16_t)n->mtu,
				    .speed = n->speed,
				    .n_pairs = n->n_queues};
	struct vdev *dev;
	int ret;

	place_net(m, n, loops);
	memcpy(cfg.mac, n->mac, sizeof(cfg.mac));
	ret = netdev_new(&cfg, &dev);
	return ret ? ret : add_device(m, dev);
}

static int add_console(struct machine *m)
{
	struct console_port_config port[MACHINE_MAX_PORTS];
	const struct console_config cfg = {
		.loop = m->loop, .port = port, .n_ports = m->cfg.n_ports};
	struct vdev *dev;
	int ret;

	for (unsigned i = 0; i < m->cfg.n_ports; i++)
		port[i] = (struct console_port_config){.name = m->cfg.port[i].name,
						       .chr = m->cfg.port[i].chr};
	ret = console_new(&cfg, &dev);
	return ret ? ret : add_device(m, dev);
}

static int add_rng(struct machine *m)
{
	const struct rng_config cfg = {
		.loop = m->loop,
		.repeatable = m->cfg.counted_time,
		.rate = m->cfg.rng_rate,
		.seed = FIXED_SEED,
		.fault = fault_point(faults_device(m->cfg.faults, "rng0"), FAULT_READ),
	};
	struct vdev *dev;
	int ret = rng_new(&cfg, &dev);

	return ret ? ret : add_device(m, dev);
}

static int add_balloon(struct machine *m)
{
	const struct balloon_config cfg = {.loop = m->loop, .mem = m->mem};
	int ret = balloon_new(&cfg, &m->balloon);

	return ret ? ret : add_device(m, m->balloon);
}

static int add_vsock(struct machine *m)
{
	const struct vsock_config cfg = {.loop = m->loop,
					 .cid = m->cfg.vsock.cid,
					 .path = m->cfg.vsock.path,
					 .listener = m->cfg.vsock.listener};
	struct vdev *dev;
	int ret = vsock_new(&cfg, &dev);

	return ret ? ret : add_device(m, dev);
}

static int add_remote(struct machine *m, const struct machine_remote *r, struct err *e)
{
	struct remote_config cfg = {.kind = r->kind,
				    .loop = m->loop,
				    .mem = m->mem,
				    .label = r->label,
				    .tag = r->tag,
				    .n_queues = r->n_queues};
	struct vdev *dev;
	int ret = r->connect(r->arg, &cfg.fd, e);

	memcpy(cfg.mac, r->mac, sizeof(cfg.mac));
	if (!ret)
		ret = remote_new(&cfg, &dev, e);
	if (ret)
		return ret;
	ret = add_device(m, dev);
	return ret ? err_set(e, ret, "%s: this board has no place left for it", r->label) : 0;
}

/* Said by whoever failed. */
static int add_remotes(struct machine *m, struct err *e)
{
	int ret = 0;

	for (unsigned i = 0; i < m->cfg.n_remotes && !ret; i++)
		ret = add_remote(m, &m->cfg.remote[i], e);
	return ret;
}

static int add_power_button(struct machine *m)
{
	int ret = input_power_button_new(m->loop, &m->power_button);

	return ret ? ret : add_device(m, m->power_button);
}

static int add_virtio(struct machine *m)
{
	struct virt *v = virt_of(m);
	int ret = m->cfg.pci ? virt_pci_new(m, v->intc, &v->pci) : 0;

	for (unsigned i = 0; i < m->cfg.n_disks && !ret; i++)
		ret = add_disk(m, &m->cfg.disk[i]);
	for (unsigned i = 0; i < m->cfg.n_nets && !ret; i++)
		ret = add_net(m, &m->cfg.net[i]);
	if (!ret && m->cfg.n_ports)
		ret = add_console(m);
	if (!ret && m->cfg.rng)
		ret = add_rng(m);
	if (!ret && m->cfg.power_button)
		ret = add_power_button(m);
	if (!ret && m->cfg.balloon)
		ret = add_balloon(m);
	if (!ret && m->cfg.vsock.cid)
		ret = add_vsock(m);
	return ret;
}

static int add_empty_slots(struct machine *m)
{
	struct virt *v = virt_of(m);
	int ret = 0;

	for (unsigned slot = v->n_slots; slot < VIRT_N_VIRTIO && !ret; slot++)
		ret = add_slot(m, slot, NULL);
	return ret;
}

/* Behind all virtio devices, so that those stay where they are without it. */
static int add_irqlabs(struct machine *m)
{
	struct virt *v = virt_of(m);

	return virt_irqlab_new(m, v->intc, virt_pci_bus(v->pci), virt_pci_slots(v->pci) + 1,
			       &v->irqlab);
}

/* ---- images ---- */

/* The user's tree, completed with what only this run can know. */
static int load_dtb(struct machine *m, const struct virt_fdt_config *cfg, struct err *e)
{
	const struct fdt_file_request r = {.path = m->cfg.dtb,
					   .size_max = DTB_MAX - FIRMWARE_INFO_SIZE,
					   .ram_base = VIRT_RAM_BASE,
					   .ram_size = cfg->mem,
					   .bootargs = cfg->bootargs,
					   .initrd_start = cfg->initrd_start,
					   .initrd_end = cfg->initrd_end,
					   .rng_seed = cfg->rng_seed,
					   .rng_seed_len = sizeof(cfg->rng_seed)};

	return fdt_file_load(&r, &m->dtb, &m->dtb_len, e);
}

static int make_dtb(struct machine *m, uint64_t initrd_start, uint64_t initrd_end, struct err *e)
{
	struct virt_fdt_config cfg = {.smp = m->cfg.smp,
				      .sv48 = m->cfg.sv48,
				      .aia = m->cfg.aia,
				      .mem = m->cfg.mem,
				      .bootargs = m->cfg.append,
				      .initrd_start = initrd_start,
				      .initrd_end = initrd_end,
				      .n_pci = virt_pci_slots(virt_of(m)->pci),
				      .n_irqlabs = m->cfg.pci ? 0 : m->cfg.n_irqlabs,
				      .pci_high_base = virt_pci_high_base(m)};

	if (m->cfg.pci && m->cfg.n_irqlabs) {
		cfg.pci_shared = cfg.n_pci + 1;
		cfg.n_pci += m->cfg.n_irqlabs;
	}

	if (m->cfg.counted_time)
		memset(cfg.rng_seed, 0x4c, sizeof(cfg.rng_seed));
	else if (getrandom(cfg.rng_seed, sizeof(cfg.rng_seed), 0) != sizeof(cfg.rng_seed))
		return err_set(e, -EIO, "the host gives no random numbers for the guest's seed");
	if (m->cfg.dtb)
		return load_dtb(m, &cfg, e);
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
	ret = add_ram(m, e);
	if (ret)
		return ret;
	ret = add_interrupt_controllers(m);
	if (!ret)
		ret = add_parts(m);
	if (!ret)
		ret = add_virtio(m);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	ret = add_remotes(m, e);
	if (ret)
		return ret;
	ret = add_empty_slots(m);
	if (!ret && m->cfg.n_irqlabs)
		ret = add_irqlabs(m);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	return machine_load(m, &plan, e);
}

/* ---- the end ---- */

static void part_quiet(void *arg)
{
	struct machine *m = arg;
	struct virt *v = virt_of(m);

	if (--v->busy == 0)
		v->quiet(m);
}

/* One more than there are parts, so that callbacks inside the calls do not end it early. */
static void virt_quiesce(struct machine *m, void (*quiet)(struct machine *m))
{
	struct virt *v = virt_of(m);

	v->quiet = quiet;
	v->busy = m->n_devices + 2;
	for (unsigned i = 0; i < m->n_devices; i++)
		carrier_reset(m->device[i].carrier, part_quiet, m);
	uart8250_flush(v->uart, part_quiet, m);
	part_quiet(m);
}

static void virt_free(struct machine *m)
{
	struct virt *v = virt_of(m);

	if (!v)
		return;
	for (unsigned i = 0; i < VIRT_N_VIRTIO; i++)
		virtio_mmio_free(v->slot[i]);
	virt_irqlab_free(v->irqlab);
	virt_pci_free(v->pci);
	uart8250_free(v->uart);
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
	.has_aia = true,
	.default_append = "console=ttyS0 earlycon panic=-1",
	.build = virt_build,
	.quiesce = virt_quiesce,
	.free_board = virt_free,
};
