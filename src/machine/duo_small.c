/* SPDX-License-Identifier: MIT */
/*
 * The core is a vm of its own beside the big one's: with a bus that has its PLIC and CLINT, whose
 * parent is the machine's bus, and with the machine's memory. A reset is of the core and its CLINT;
 * the PLIC, like mailbox and memory, stays as it was.
 *
 * Each vm learns of writes to code by its own harts and by devices. What the big core writes over
 * code of the small one that it could write before is noticed when that core is reset, and not by
 * fence.i alone.
 */
#include "machine/duo_small.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "bus/bus.h"
#include "cpu/cpu.h"
#include "hw/aclint.h"
#include "hw/plic.h"
#include "machine/board.h"
#include "machine/duo_map.h"

struct duo_small {
	struct machine *m;
	struct bus *bus;
	struct cpu_vm *vm;
	unsigned hart; /* its number in m->vcpus */
	struct plic *plic;
	struct aclint *clint;
};

static uint64_t env_time_now(void *arg, struct cpu *cpu)
{
	const struct machine *m = arg;

	return clock_ticks(&m->clock);
}

static int make_core(struct duo_small *s, struct err *e)
{
	const struct machine *m = s->m;
	const struct cpu_vm_config cfg = {
		.mem = m->mem,
		.bus = s->bus,
		.env = {.arg = s->m, .time_now = env_time_now},
		.n_harts = 1,
		.timebase_hz = DUO_TIMEBASE_HZ,
		.model = CPU_MODEL_THEAD_C906,
		.in_turns = m->cfg.counted_time,
	};
	int ret = m->cfg.engine->vm_new(&cfg, &s->vm, e);

	if (ret)
		return ret;
	ret = m->cfg.engine->cpu_new(s->vm, 0, &s->vm->cpu[0]);
	return ret ? err_set(e, ret, "no memory for the small core") : 0;
}

/* ---- wires ---- */

static void line_set(void *controller, unsigned line, bool level)
{
	const struct duo_small *s = controller;

	s->vm->engine->set_irq(s->vm->cpu[0], line, level);
}

static struct irq line(struct duo_small *s, enum cpu_irq irq)
{
	return (struct irq){.set = line_set, .controller = s, .line = irq};
}

static void set_mtimer(void *arg, unsigned hart, uint64_t deadline)
{
	const struct duo_small *s = arg;

	s->vm->engine->set_timer(s->vm->cpu[hart], CPU_TIMER_M, deadline);
}

static void set_stimer(void *arg, unsigned hart, uint64_t deadline)
{
	const struct duo_small *s = arg;

	s->vm->engine->set_timer(s->vm->cpu[hart], CPU_TIMER_S, deadline);
}

static int make_controllers(struct duo_small *s)
{
	const struct irq external = line(s, CPU_IRQ_MEI);
	const struct irq msip = line(s, CPU_IRQ_MSI), ssip = line(s, CPU_IRQ_SSI);
	const struct plic_config plic = {.bus = s->bus,
					 .base = DUO_PLIC_BASE,
					 .size = DUO_PLIC_SIZE,
					 .n_sources = DUO_SMALL_N_IRQS,
					 .n_contexts = 1,
					 .outputs = &external};
	const struct aclint_config clint = {.bus = s->bus,
					    .base = DUO_CLINT_BASE,
					    .n_harts = 1,
					    .msip = &msip,
					    .c900 = true,
					    .ssip = &ssip,
					    .set_timer = set_mtimer,
					    .set_stimer = set_stimer,
					    .arg = s};
	int ret = plic_new(&plic, &s->plic);

	return ret ? ret : aclint_new(&clint, &s->clint);
}

int duo_small_new(struct machine *m, struct duo_small **out, struct err *e)
{
	struct duo_small *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	*out = s;
	s->m = m;
	ret = bus_new(&s->bus);
	if (ret)
		return err_set(e, ret, "out of memory");
	bus_set_parent(s->bus, m->bus);
	ret = make_core(s, e);
	if (ret)
		return ret;
	ret = make_controllers(s);
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
	aclint_free(s->clint);
	plic_free(s->plic);
	if (s->vm)
		s->vm->engine->vm_free(s->vm);
	bus_free(s->bus);
	free(s);
}

struct irq duo_small_irq(struct duo_small *s, unsigned source)
{
	return plic_irq(s->plic, source);
}

void duo_small_power(struct duo_small *s, bool on, uint64_t pc)
{
	aclint_reset(s->clint);
	vcpus_power(&s->m->vcpus, s->hart, on, pc);
}
