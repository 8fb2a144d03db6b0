/* SPDX-License-Identifier: MIT */
/*
 * Milk-V's Duo and Duo 256M, wired: the big core's side. Both have the same parts at the same
 * places and differ in memory.
 *
 * What Linux's drivers only set up (clocks, pins, resets) are blocks of registers that keep what is
 * written; the clocks' have the values after the board's boot loader, from which Linux computes
 * rates: every PLL on, every gate open, and the UARTs' clocks past their dividers, from the
 * oscillator. There is no SD host: its registers read as 0, and its driver gives up.
 */
#include "machine/duo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/opt.h"
#include "boot/image.h"
#include "cpu/cpu.h"
#include "hw/cv_mailbox.h"
#include "hw/plic.h"
#include "hw/regs.h"
#include "hw/uart8250.h"
#include "machine/board.h"
#include "machine/board_fdt.h"
#include "machine/cache_check.h"
#include "machine/devices.h"
#include "machine/duo_core.h"
#include "machine/duo_fdt.h"
#include "machine/duo_link.h"
#include "machine/duo_map.h"
#include "machine/duo_rings.h"
#include "machine/duo_rings_place.h"
#include "machine/duo_small.h"
#include "machine/duo_trace.h"
#include "machine/duo_wires.h"
#include "machine/mmio_slots.h"
#include "mem/gmem.h"

#define DTB_MAX   0x10000u
#define HANGS_MAX 5u

/* A PLL's control register: 25 MHz * times / 1 / 1. */
#define PLL(times) (1u | 1u << 8 | (uint32_t)(times) << 17)

/* Offsets of the clock controller: gates, bypasses, PLLs (Linux: drivers/clk/sophgo). */
static const struct regs_value clkgen_reset[] = {
	{0x000, ~0u},     {0x004, ~0u},     {0x008, ~0u},     {0x00c, ~0u},     {0x010, ~0u},
	{0x030, ~0u},     {0x034, ~0u},     {0x808, PLL(36)}, {0x80c, PLL(40)}, {0x810, PLL(48)},
	{0x814, PLL(44)}, {0x818, PLL(41)}, {0x804, 0x1f},    {0x904, 0x07},    {0x908, PLL(34)},
	{0x90c, PLL(56)}, {0x910, PLL(60)},
};

/* Everything runs but the small core. */
static const struct regs_value reset_reset[] = {
	{0x00, ~0u}, {0x04, ~0u}, {0x08, ~0u}, {0x0c, ~0u}, {DUO_RESET_CPU, ~DUO_RESET_CPU_SMALL},
};

static const struct block {
	uint32_t base;
	const char *name;
	const struct regs_value *reset;
	unsigned n_reset;
	bool absent;
} blocks[] = {
	{DUO_AP_SYSTEM_BASE, "ap-system", NULL, 0, false},
	{DUO_SEC_SYS_BASE, "sec-sys", NULL, 0, false},
	{DUO_TOP_BASE, "top", NULL, 0, false},
	{DUO_PINMUX_BASE, "pinmux", NULL, 0, false},
	{DUO_CLKGEN_BASE, "clock", clkgen_reset, ARRAY_SIZE(clkgen_reset), false},
	{DUO_RESET_BASE, "reset", reset_reset, ARRAY_SIZE(reset_reset), false},
	{DUO_RTC_BASE, "rtc", NULL, 0, false},
	{DUO_SD_BASE, "sd", NULL, 0, true},
};

struct duo {
	struct duo_core big;
	struct cv_mailbox *mailbox;
	struct duo_small *small;
	struct duo_wires *wires;
	struct mmio_slots slots;
	struct log_limit hangs;
	struct duo_rings rings; /* what is seen of RPMsg */
	struct regs *regs[ARRAY_SIZE(blocks)];
};

static struct duo *duo_of(struct machine *m)
{
	return m->board;
}

/* ---- memory ---- */

static struct duo_region rtos_region(const struct machine *m)
{
	if (m->cfg.type == &duo_machine)
		return (struct duo_region){DUO_RTOS_BASE, DUO_RTOS_SIZE};
	return (struct duo_region){DUO256M_RTOS_BASE, DUO256M_RTOS_SIZE};
}

/* Below the small core's. */
static uint64_t shared_base(const struct machine *m)
{
	return m->cfg.type == &duo_machine ? DUO_SHARED_BASE : DUO256M_SHARED_BASE;
}

/* Below what is shared, or between that and the small core's. */
static uint64_t pool_base(const struct machine *m)
{
	return m->cfg.type == &duo_machine ? DUO_POOL_BASE : DUO256M_POOL_BASE;
}

/* Where firmware looks for Linux' rings is compiled into it. */
static struct duo_region rings_region(const struct machine *m)
{
	return (struct duo_region){m->cfg.rings ? m->cfg.rings : shared_base(m), DUO_VRINGS_SIZE};
}

static struct duo_region buffers_region(const struct machine *m)
{
	return (struct duo_region){shared_base(m) + DUO_VRINGS_SIZE, DUO_BUFFERS_SIZE};
}

static struct duo_region pool_region(const struct machine *m)
{
	return (struct duo_region){pool_base(m), DUO_POOL_SIZE};
}

static int check_rings(const struct machine *m, struct err *e)
{
	const struct duo_region rings = rings_region(m);
	const struct duo_region others[] = {rtos_region(m), buffers_region(m), pool_region(m)};
	uint64_t ram_end = DUO_RAM_BASE + m->cfg.mem;

	if (rings.base < DUO_RAM_BASE || rings.base > ram_end - rings.size)
		return err_set(e, -EINVAL,
			       "--rings 0x%" PRIx64 ": its %u KiB have to be within the memory, "
			       "0x%x to 0x%" PRIx64,
			       rings.base, DUO_VRINGS_SIZE >> 10, DUO_RAM_BASE, ram_end);
	for (unsigned i = 0; i < ARRAY_SIZE(others) && m->cfg.rings; i++)
		if (rings.base < others[i].base + others[i].size &&
		    others[i].base < rings.base + rings.size)
			return err_set(e, -EINVAL,
				       "--rings 0x%" PRIx64 ": 0x%" PRIx64 " to 0x%" PRIx64
				       " serve another purpose; see docs/duo-linux.md, Memory",
				       rings.base, others[i].base, others[i].base + others[i].size);
	return 0;
}

/* ---- parts ---- */

/* UART 1 leads to both cores, with a number of its own in each. The first is one for each core. */
static void uart_line_set(void *controller, unsigned line, bool level)
{
	struct duo *d = controller;

	irq_set(plic_irq(d->big.plic, DUO_UART_IRQ + line), level);
	if (line && line < DUO_SMALL_N_UARTS)
		irq_set(duo_small_irq(d->small, DUO_SMALL_UART_IRQ + line), level);
}

/* The first is the console; nobody is at the other end of the rest. */
static int add_uarts(struct machine *m)
{
	struct duo *d = duo_of(m);
	int ret = 0;

	for (unsigned i = 0; i < DUO_N_UARTS && !ret; i++) {
		struct uart8250_config cfg = {
			.bus = m->bus,
			.base = i == 4 ? DUO_UART4_BASE : DUO_UART_BASE + i * DUO_UART_STEP,
			.reg_shift = 2,
			.loop = m->loop,
			.irq = {.set = uart_line_set, .controller = d, .line = i}};

		if (!i) {
			cfg.chr = m->cfg.console;
			cfg.tap = m->cfg.console_tap;
			cfg.tap_arg = m->cfg.console_tap_arg;
		}
		ret = machine_add_uart(m, &cfg);
	}
	return ret ? ret : duo_small_add_uart(d->small);
}

static struct regs *block_at(struct machine *m, uint32_t base)
{
	unsigned i = 0;

	while (blocks[i].base != base)
		i++;
	return duo_of(m)->regs[i];
}

/* Where the registers say that the small core begins: see duo_map.h. */
static uint64_t small_core_entry(struct machine *m)
{
	const struct regs *sec = block_at(m, DUO_SEC_SYS_BASE);

	if (!(regs_get(sec, DUO_SEC_SYS_CTRL) & DUO_SEC_SYS_VECTOR))
		return 0;
	return regs_get(sec, DUO_SEC_SYS_ADDR_LOW) | (uint64_t)regs_get(sec, DUO_SEC_SYS_ADDR_HIGH)
							     << 32;
}

static void power_small_core(struct machine *m, bool on)
{
	if (on)
		duo_rings_started(&duo_of(m)->rings);
	duo_small_power(duo_of(m)->small, on, small_core_entry(m));
}

/* As the boards' boot loaders start the small core. */
static void reset_written(void *arg, uint32_t offset, uint32_t old, uint32_t value)
{
	struct machine *m = arg;

	if (offset == DUO_RESET_CPU && (old ^ value) & DUO_RESET_CPU_SMALL)
		power_small_core(m, value & DUO_RESET_CPU_SMALL);
}

/* On the board an access while the clock of these registers is off hangs both cores for good. */
static void sec_sys_touched(void *arg, uint32_t offset, bool is_write)
{
	struct machine *m = arg;
	struct duo *d = duo_of(m);
	const struct cpu *cpu = vcpus_current(&m->vcpus);
	struct cpu_regs regs;

	if (!cpu || regs_get(block_at(m, DUO_CLKGEN_BASE), DUO_CLK_EN0) & DUO_CLK_EN0_EFUSE)
		return;
	cpu->vm->engine->get_regs(cpu, &regs);
	log_warn_limited(&d->hangs, HANGS_MAX,
			 "the %s core %s 0x%x at pc 0x%" PRIx64
			 " while clk_efuse is off: this hangs the board",
			 cpu == d->big.cpu ? "big" : "small", is_write ? "stores to" : "loads from",
			 DUO_SEC_SYS_BASE + offset, regs.pc);
}

static int add_blocks(struct machine *m)
{
	struct duo *d = duo_of(m);
	int ret = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(blocks) && !ret; i++) {
		const struct regs_config cfg = {
			.bus = m->bus,
			.base = blocks[i].base,
			.size = DUO_PAGE,
			.name = blocks[i].name,
			.reset = blocks[i].reset,
			.n_reset = blocks[i].n_reset,
			.absent = blocks[i].absent,
			.touched = blocks[i].base == DUO_SEC_SYS_BASE ? sec_sys_touched : NULL,
			.written = blocks[i].base == DUO_RESET_BASE ? reset_written : NULL,
			.arg = m};

		ret = regs_new(&cfg, &d->regs[i]);
	}
	return ret;
}

/* For nobody: whom it was for is in the message, whose third byte is not 0 when Linux sends. */
static void mailbox_rang(void *arg, unsigned core, uint64_t data)
{
	if (core == CV_MAILBOX_CORES)
		duo_rings_rung(arg, data >> 16 & 0xff ? LINK_TO_SMALL : LINK_TO_BIG, false, data);
	else if (core == DUO_MAILBOX_BIG || core == DUO_MAILBOX_SMALL)
		duo_rings_rung(arg, core == DUO_MAILBOX_BIG ? LINK_TO_BIG : LINK_TO_SMALL, true,
			       data);
}

static int add_mailbox(struct machine *m)
{
	struct duo *d = duo_of(m);
	const struct cv_mailbox_config cfg = {
		.bus = m->bus,
		.base = DUO_MAILBOX_BASE,
		.irq[DUO_MAILBOX_BIG] = plic_irq(d->big.plic, DUO_MAILBOX_IRQ),
		.irq[DUO_MAILBOX_SMALL] = duo_small_irq(d->small, DUO_SMALL_MAILBOX_IRQ),
		.trace = m->cfg.trace,
		.rang = mailbox_rang,
		.rang_arg = &d->rings,
		.name[DUO_MAILBOX_BIG] = DUO_BIG_NAME,
		.name[DUO_MAILBOX_SMALL] = DUO_SMALL_NAME};

	duo_rings_init(&d->rings, m->mem, m->cfg.trace, rings_region(m).base,
		       DUO_VRINGS_SIZE + DUO_BUFFERS_SIZE);
	return cv_mailbox_new(&cfg, &d->mailbox);
}

/* ---- virtio ---- */

static int duo_plug(struct machine *m, struct vdev *dev)
{
	return mmio_slots_plug(&duo_of(m)->slots, m, dev);
}

static void place_slots(struct machine *m)
{
	struct duo *d = duo_of(m);

	d->slots = (struct mmio_slots){
		.base = DUO_VIRTIO_BASE, .step = DUO_VIRTIO_STEP, .n = DUO_N_VIRTIO};
	for (unsigned i = 0; i < DUO_N_VIRTIO; i++)
		d->slots.irq[i] = plic_irq(d->big.plic, DUO_VIRTIO_IRQ + i);
}

/* ---- images ---- */

static int make_dtb(struct machine *m, uint64_t initrd_start, uint64_t initrd_end, struct err *e)
{
	struct duo_fdt_config cfg = {.model = m->cfg.type->name,
				     .rtos = rtos_region(m),
				     .vrings = rings_region(m),
				     .buffers = buffers_region(m),
				     .pool = pool_region(m),
				     .wires = &m->cfg.wires};
	int ret = board_fdt_init(&cfg.run, m, initrd_start, initrd_end, e);

	if (ret)
		return ret;
	if (m->cfg.dtb)
		return board_fdt_load(&cfg.run, m, DTB_MAX - FIRMWARE_INFO_SIZE, true, e);
	return duo_fdt_build(&cfg, &m->dtb, &m->dtb_len, e);
}

/* The small core's memory: what was given, or else what the tree reserves, and where its program
 * (NULL: none) was put. */
static void confine_small_core(struct machine *m, const struct image *image)
{
	bool confined = m->cfg.small_core_windows.n;
	struct windows w = m->cfg.small_core_windows;

	if (!confined && image)
		(void)windows_add(&w, image->start, image->end);
	if (!confined)
		windows_add_reserved(&w, m->dtb);
	duo_small_confine(duo_of(m)->small, &w, confined);
}

/* ---- the small core, from outside ---- */

/* Its bit in the reset register, as if Linux had written that. */
static void set_small_core(struct machine *m, bool on)
{
	struct regs *reset = block_at(m, DUO_RESET_BASE);
	uint32_t value = regs_get(reset, DUO_RESET_CPU) & ~DUO_RESET_CPU_SMALL;

	regs_set(reset, DUO_RESET_CPU, on ? value | DUO_RESET_CPU_SMALL : value);
	power_small_core(m, on);
}

static void small_look(struct machine *m, struct machine_small_info *out)
{
	duo_small_look(duo_of(m)->small, out);
	if (out->state == MACHINE_SMALL_STOPPED)
		out->pc = small_core_entry(m);
}

static void small_stop(struct machine *m)
{
	set_small_core(m, false);
}

static void small_start(struct machine *m)
{
	set_small_core(m, true);
}

/* Its program, and where that begins. The core does not run. */
static int load_small_core(struct machine *m, const struct image_request *r, struct err *e)
{
	struct regs *sec = block_at(m, DUO_SEC_SYS_BASE);
	struct image image;
	int ret = image_load(m->mem, r, &image, e);

	if (ret)
		return ret;
	regs_set(sec, DUO_SEC_SYS_CTRL, DUO_SEC_SYS_VECTOR);
	regs_set(sec, DUO_SEC_SYS_ADDR_LOW, (uint32_t)image.entry);
	regs_set(sec, DUO_SEC_SYS_ADDR_HIGH, (uint32_t)(image.entry >> 32));
	confine_small_core(m, &image);
	return 0;
}

static int small_load(struct machine *m, const char *path, uint64_t at, struct err *e)
{
	const struct image_request r = {.option = "firmware",
					.path = path,
					.ram_base = DUO_RAM_BASE,
					.at = at,
					.flat = at != 0};
	int ret;

	set_small_core(m, false);
	ret = load_small_core(m, &r, e);
	if (!ret)
		set_small_core(m, true);
	return ret;
}

static void small_fault(struct machine *m, enum machine_small_fault fault)
{
	struct duo *d = duo_of(m);

	switch (fault) {
	case MACHINE_SMALL_CRASH: duo_small_power(d->small, true, DUO_NOWHERE); break;
	case MACHINE_SMALL_HANG: duo_small_hang(d->small); break;
	case MACHINE_SMALL_LOSE: cv_mailbox_lose_edge(d->mailbox, DUO_MAILBOX_SMALL); break;
	}
}

static struct link_irq look_at_irq(struct duo *d, unsigned core, struct plic *plic, unsigned source)
{
	const struct cv_mailbox_state m = cv_mailbox_look(d->mailbox, core);
	const struct plic_source s = plic_look(plic, source);

	return (struct link_irq){.rung = m.pending,
				 .enabled = m.enabled,
				 .masked = m.masked,
				 .source = source,
				 .is_on = s.enabled,
				 .priority = s.priority,
				 .threshold = s.threshold,
				 .pending = s.pending,
				 .claimed = s.claimed};
}

static bool was_at_avail(const struct duo_small *s, const struct link_facts *f, unsigned ring)
{
	uint64_t at = f->rings + (uint64_t)ring * DUO_RINGS_STEP + rings_avail_at(f->num);

	return duo_small_was_at(s, align_down(at, DUO_PAGE), at + 1);
}

static void small_diagnose(struct machine *m, struct diagnose_link *out)
{
	const struct duo_region own = rtos_region(m);
	struct duo *d = duo_of(m);
	struct link_facts f = {0};

	small_look(m, &f.small);
	out->was_up = duo_rings_look(&d->rings, &f);
	f.looked = duo_small_was_at(d->small, f.rings, f.rings + DUO_VRINGS_SIZE);
	for (unsigned i = 0; i < 2; i++)
		f.looked_avail |= was_at_avail(d->small, &f, i);
	f.looks = duo_small_was_at(d->small, DUO_RAM_BASE, own.base);
	f.irq[LINK_TO_BIG] = look_at_irq(d, DUO_MAILBOX_BIG, d->big.plic, DUO_MAILBOX_IRQ);
	f.irq[LINK_TO_SMALL] = look_at_irq(d, DUO_MAILBOX_SMALL, duo_small_plic(d->small),
					   DUO_SMALL_MAILBOX_IRQ);
	out->is_lost = out->was_up && link_is_broken(&f);
	out->was_tried = link_was_tried(&f);
	out->wrong = link_verdict(&f, out->verdict);
	link_status_text(&f, out->status);
	for (unsigned i = 0; i < ARRAY_SIZE(out->ring); i++)
		link_ring_text(&f, i, out->ring[i]);
}

static const struct machine_small_ops small_ops = {.look = small_look,
						   .stop = small_stop,
						   .start = small_start,
						   .load = small_load,
						   .fault = small_fault,
						   .diagnose = small_diagnose};

/* What the board's first boot loader does before Linux; the last step may be left to Linux. */
static int boot_small_core(struct machine *m, struct err *e)
{
	const struct image_request r = {.option = "--small-core",
					.path = m->cfg.small_core,
					.ram_base = DUO_RAM_BASE,
					.at = m->cfg.small_core_at,
					.flat = m->cfg.small_core_at != 0};
	int ret;

	if (!r.path) {
		confine_small_core(m, NULL);
		return 0;
	}
	ret = load_small_core(m, &r, e);
	if (!ret && !m->cfg.small_core_waits)
		set_small_core(m, true);
	return ret;
}

/* ---- the board ---- */

static int duo_build(struct machine *m, struct err *e)
{
	struct load_plan plan = {.make_dtb = make_dtb, .dtb_max = DTB_MAX};
	int ret = check_rings(m, e);

	if (ret)
		return ret;
	/* With the board's own memory what Linux may not have is at its end. */
	if (m->cfg.mem <= m->cfg.type->default_mem)
		plan.end = min_u64(min_u64(shared_base(m), pool_base(m)),
				   DUO_RAM_BASE + m->cfg.mem);
	if (m->cfg.rings)
		plan.end = min_u64(plan.end ? plan.end : DUO_RAM_BASE + m->cfg.mem, m->cfg.rings);
	m->board = calloc(1, sizeof(struct duo));
	if (!m->board)
		return err_set(e, -ENOMEM, "out of memory");
	ret = machine_add_ram(m, e);
	if (ret)
		return ret;
	ret = duo_small_new(m, &duo_of(m)->small, e);
	if (ret)
		return ret;
	duo_trace_begin(m);
	ret = duo_core_init(&duo_of(m)->big, m->bus, m->vm->cpu[0], DUO_N_IRQS, m->cfg.trace);
	if (!ret) {
		place_slots(m);
		ret = add_uarts(m);
	}
	if (!ret)
		ret = add_mailbox(m);
	if (!ret)
		ret = add_blocks(m);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	ret = duo_wires_new(m, duo_of(m)->big.plic, &duo_of(m)->wires, e);
	if (!ret)
		ret = devices_add(m, e);
	if (ret)
		return ret;
	ret = mmio_slots_fill(&duo_of(m)->slots, m);
	if (ret)
		return err_set(e, ret, "the board could not be built: %s", strerror(-ret));
	ret = machine_load(m, &plan, e);
	if (!ret)
		ret = cache_check_begin(m, e);
	return ret ? ret : boot_small_core(m, e);
}

/* ---- the end ---- */

static void duo_free(struct machine *m)
{
	struct duo *d = duo_of(m);

	duo_trace_end(m);
	if (!d)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++)
		regs_free(d->regs[i]);
	mmio_slots_free(&d->slots);
	duo_wires_free(d->wires);
	if (d->mailbox)
		duo_rings_fini(&d->rings);
	cv_mailbox_free(d->mailbox);
	duo_core_fini(&d->big);
	duo_small_free(d->small);
	free(d);
}

#define BOTH_BOARDS                                                                                \
	.ram_base = DUO_RAM_BASE, .timebase_hz = DUO_TIMEBASE_HZ, .model = CPU_MODEL_THEAD_C906,   \
	.max_smp = 1, .small = &small_ops, .has_wires = true,                                      \
	.default_append = "console=ttyS0 earlycon panic=-1", .build = duo_build, .plug = duo_plug, \
	.free_board = duo_free

const struct machine_type duo_machine = {
	.name = "duo",
	.help = "Milk-V Duo (CV1800B): a big and a small C906 core, 64 MiB",
	.default_mem = 64u << 20,
	BOTH_BOARDS,
};

const struct machine_type duo256m_machine = {
	.name = "duo256m",
	.help = "Milk-V Duo 256M (SG2002): the same with 256 MiB",
	.default_mem = 256u << 20,
	BOTH_BOARDS,
};
