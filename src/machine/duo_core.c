/* SPDX-License-Identifier: MIT */
/* Wires from both controllers into the hart. */
#include "machine/duo_core.h"

#include "base/bits.h"
#include "cpu/cpu.h"
#include "hw/aclint.h"
#include "hw/plic.h"
#include "machine/duo_map.h"

static void line_set(void *controller, unsigned line, bool level)
{
	struct cpu *cpu = controller;

	cpu->vm->engine->set_irq(cpu, line, level);
}

static struct irq line(struct duo_core *c, enum cpu_irq irq)
{
	return (struct irq){.set = line_set, .controller = c->cpu, .line = irq};
}

static void set_mtimer(void *arg, unsigned hart, uint64_t deadline)
{
	struct cpu *cpu = arg;

	cpu->vm->engine->set_timer(cpu, CPU_TIMER_M, deadline);
}

static void set_stimer(void *arg, unsigned hart, uint64_t deadline)
{
	struct cpu *cpu = arg;

	cpu->vm->engine->set_timer(cpu, CPU_TIMER_S, deadline);
}

int duo_core_init(struct duo_core *c, struct bus *bus, struct cpu *cpu, unsigned n_irqs,
		  struct trace *trace)
{
	struct irq external[2], msip, ssip;
	const struct plic_config plic = {.bus = bus,
					 .base = DUO_PLIC_BASE,
					 .size = DUO_PLIC_SIZE,
					 .n_sources = n_irqs,
					 .n_contexts = ARRAY_SIZE(external),
					 .outputs = external,
					 .trace = trace};
	const struct aclint_config clint = {.bus = bus,
					    .base = DUO_CLINT_BASE,
					    .n_harts = 1,
					    .msip = &msip,
					    .c900 = true,
					    .ssip = &ssip,
					    .set_timer = set_mtimer,
					    .set_stimer = set_stimer,
					    .arg = cpu};
	int ret;

	*c = (struct duo_core){.cpu = cpu};
	external[0] = line(c, CPU_IRQ_MEI);
	external[1] = line(c, CPU_IRQ_SEI);
	msip = line(c, CPU_IRQ_MSI);
	ssip = line(c, CPU_IRQ_SSI);
	ret = plic_new(&plic, &c->plic);
	return ret ? ret : aclint_new(&clint, &c->clint);
}

void duo_core_fini(struct duo_core *c)
{
	aclint_free(c->clint);
	plic_free(c->plic);
}
