/* SPDX-License-Identifier: MIT */
/* The count of the core that does something is exact; the other's may be late by part of a block.
 */
#include "machine/duo_trace.h"

#include "base/trace.h"
#include "machine/board.h"

static void stamp(void *arg, struct trace_event *e)
{
	struct machine *m = arg;
	const struct cpu *actor = vcpus_current(&m->vcpus);

	e->time_ns = machine_time_ns(m);
	for (unsigned i = 0; i < 2; i++) {
		const struct cpu *cpu = m->vcpus.vcpu[i].cpu;

		e->insns[i] = cpu->vm->engine->retired(cpu);
		if (cpu == actor)
			e->core = (uint8_t)(i ? TRACE_SMALL : TRACE_BIG);
	}
}

void duo_trace_begin(struct machine *m)
{
	if (!m->cfg.trace)
		return;
	trace_set_stamp(m->cfg.trace, stamp, m);
	trace(m->cfg.trace, TRACE_POWER_ON, m->cfg.type->name, 0, 0);
}

void duo_trace_end(struct machine *m)
{
	if (m->cfg.trace)
		trace_set_stamp(m->cfg.trace, NULL, NULL);
}
