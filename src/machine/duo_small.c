/* SPDX-License-Identifier: MIT */
/*
 * The core is a vm of its own beside the big one's: with a bus that has its PLIC and CLINT, whose
 * parent is the machine's bus, and with the machine's memory. A reset is of the core and its CLINT;
 * the PLIC, like mailbox and memory, stays as it was.
 *
 * On the board both cores print on the first UART, and their lines tear each other. Here each has
 * that UART for itself, at its own bus, so that it is known who has printed what, and each can have
 * a console.
 */
#include "machine/duo_small.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"
#include "bus/bus.h"
#include "cpu/cpu.h"
#include "hw/aclint.h"
#include "hw/plic.h"
#include "hw/uart8250.h"
#include "machine/board.h"
#include "machine/cache_check.h"
#include "machine/crash.h"
#include "machine/duo_core.h"
#include "machine/duo_map.h"
#include "machine/duo_trace.h"

struct duo_small {
	struct machine *m;
	struct bus *bus;
	struct cpu_vm *vm;
	unsigned hart; /* its number in m->vcpus */
	struct duo_core core;
	struct windows windows;
	bool confined; /* to these; else what is beyond is only told of */
	struct log_limit strays;
	_Atomic uint64_t *been; /* a bit for each page of RAM: it was there */
	uint64_t n_pages;
	pthread_mutex_t lock;
	struct machine_small_info info; /* under it, but for insns */
};

static uint64_t env_time_now(void *arg, struct cpu *cpu)
{
	const struct duo_small *s = arg;

	return clock_ticks(&s->m->clock);
}

static void env_crashed(void *arg, struct cpu *cpu, const struct cpu_crash *crash)
{
	struct duo_small *s = arg;

	cpu->vm->engine->stop(cpu);
	pthread_mutex_lock(&s->lock);
	s->info.state = MACHINE_SMALL_CRASHED;
	s->info.crash = *crash;
	pthread_mutex_unlock(&s->lock);
	trace(s->m->cfg.trace, TRACE_CRASH, NULL, crash->pc, crash->cause);
	crash_report("the small core", crash);
}

/* ---- the memory that it may use ---- */

#define STRAYS_MAX 10u

static uint64_t n_words(const struct duo_small *s)
{
	return s->n_pages / 64 + 1;
}

/* A page's bit, in a word of s->been; 0: it is no RAM. */
static uint64_t page_bit(const struct duo_small *s, uint64_t pa, uint64_t *word)
{
	uint64_t page = (pa - DUO_RAM_BASE) / DUO_PAGE;

	*word = page / 64;
	return pa >= DUO_RAM_BASE && page < s->n_pages ? BIT(page % 64) : 0;
}

static void note_page(struct duo_small *s, uint64_t pa)
{
	uint64_t word, bit = page_bit(s, pa, &word);

	if (bit && !(atomic_load_explicit(&s->been[word], memory_order_relaxed) & bit))
		atomic_fetch_or_explicit(&s->been[word], bit, memory_order_relaxed);
}

static void forget_pages(struct duo_small *s)
{
	for (uint64_t i = 0; i < n_words(s); i++)
		atomic_store_explicit(&s->been[i], 0, memory_order_relaxed);
}

uint64_t duo_small_was_at(const struct duo_small *s, uint64_t start, uint64_t end)
{
	for (uint64_t pa = start; pa < end; pa += DUO_PAGE) {
		uint64_t word, bit = page_bit(s, pa, &word);

		if (bit && atomic_load_explicit(&s->been[word], memory_order_relaxed) & bit)
			return pa;
	}
	return 0;
}

static bool env_may_touch(void *arg, struct cpu *cpu, uint64_t pa, enum cpu_touch how)
{
	static const char *const words[] = {[CPU_TOUCH_FETCH] = "goes to",
					    [CPU_TOUCH_LOAD] = "loads from",
					    [CPU_TOUCH_STORE] = "stores to"};
	struct duo_small *s = arg;
	struct cpu_regs regs;

	note_page(s, pa);
	if (windows_have_page(&s->windows, pa))
		return true;
	cpu->vm->engine->get_regs(cpu, &regs);
	log_warn_limited(&s->strays, s->confined ? STRAYS_MAX : 1,
			 "the small core %s 0x%" PRIx64 " at pc 0x%" PRIx64 ", which is %s",
			 words[how], pa, regs.pc,
			 s->confined ? "outside of its --small-core-window: an access fault"
				     : "not reserved for it in the device tree");
	return !s->confined;
}

void duo_small_confine(struct duo_small *s, const struct windows *w, bool confined)
{
	s->windows = *w;
	s->confined = confined;
}

static int make_core(struct duo_small *s, struct err *e)
{
	struct machine *m = s->m;
	const struct cpu_vm_config cfg = {
		.mem = m->mem,
		.bus = s->bus,
		.env = {.arg = s,
			.time_now = env_time_now,
			.crashed = env_crashed,
			.may_touch = env_may_touch},
		.n_harts = 1,
		.timebase_hz = DUO_TIMEBASE_HZ,
		.model = CPU_MODEL_THEAD_C906,
		.halt_poll = &m->halt_poll,
		.in_turns = m->cfg.counted_time,
		.beside = m->vm,
		.coherence = m->coherence,
		.core = CACHE_CHECK_SMALL,
	};
	int ret = m->cfg.engine->vm_new(&cfg, &s->vm, e);

	if (ret)
		return ret;
	ret = m->cfg.engine->cpu_new(s->vm, 0, &s->vm->cpu[0]);
	return ret ? err_set(e, ret, "no memory for the small core") : 0;
}

int duo_small_new(struct machine *m, struct duo_small **out, struct err *e)
{
	struct duo_small *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	*out = s;
	s->m = m;
	pthread_mutex_init(&s->lock, NULL);
	s->n_pages = m->cfg.mem / DUO_PAGE;
	s->been = calloc(n_words(s), sizeof(*s->been));
	if (!s->been)
		return err_set(e, -ENOMEM, "out of memory");
	ret = bus_new(&s->bus);
	if (ret)
		return err_set(e, ret, "out of memory");
	bus_set_parent(s->bus, m->bus);
	ret = make_core(s, e);
	if (ret)
		return ret;
	ret = duo_core_init(&s->core, s->bus, s->vm->cpu[0], DUO_SMALL_N_IRQS, m->cfg.trace);
	if (!ret)
		ret = vcpus_add(&m->vcpus, s->vm->cpu[0]);
	if (ret < 0)
		return err_set(e, ret, "the small core could not be made: %s", strerror(-ret));
	s->hart = (unsigned)ret;
	return 0;
}

void duo_small_free(struct duo_small *s)
{
	if (!s)
		return;
	duo_core_fini(&s->core);
	if (s->vm)
		s->vm->engine->vm_free(s->vm);
	bus_free(s->bus);
	pthread_mutex_destroy(&s->lock);
	free(s->been);
	free(s);
}

struct irq duo_small_irq(struct duo_small *s, unsigned source)
{
	return plic_irq(s->core.plic, source);
}

struct plic *duo_small_plic(struct duo_small *s)
{
	return s->core.plic;
}

int duo_small_add_uart(struct duo_small *s)
{
	const struct uart8250_config cfg = {.bus = s->bus,
					    .base = DUO_UART_BASE,
					    .reg_shift = 2,
					    .loop = s->m->loop,
					    .chr = s->m->cfg.small_console,
					    .irq = duo_small_irq(s, DUO_SMALL_UART_IRQ)};

	return machine_add_uart(s->m, &cfg);
}

void duo_small_look(struct duo_small *s, struct machine_small_info *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->info;
	pthread_mutex_unlock(&s->lock);
	out->insns = s->vm->engine->retired(s->vm->cpu[0]);
}

void duo_small_hang(struct duo_small *s)
{
	pthread_mutex_lock(&s->lock);
	s->info.state = MACHINE_SMALL_HUNG;
	pthread_mutex_unlock(&s->lock);
	vcpus_power(&s->m->vcpus, s->hart, false, 0);
}

void duo_small_power(struct duo_small *s, bool on, uint64_t pc)
{
	forget_pages(s);
	trace(s->m->cfg.trace, on ? TRACE_START : TRACE_STOP, DUO_SMALL_NAME, pc, 0);
	pthread_mutex_lock(&s->lock);
	s->info.state = on ? MACHINE_SMALL_RUNNING : MACHINE_SMALL_STOPPED;
	s->info.pc = pc;
	pthread_mutex_unlock(&s->lock);
	aclint_reset(s->core.clint);
	vcpus_power(&s->m->vcpus, s->hart, on, pc);
}
