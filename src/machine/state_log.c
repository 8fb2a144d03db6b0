/* SPDX-License-Identifier: MIT */
/*
 * Engines stop at the same places when they have a budget of instructions, but not after each
 * instruction: a line is due at the first stop behind a multiple of `every`.
 */
#include "machine/state_log.h"

#include <inttypes.h>

#include "base/bits.h"
#include "mem/gmem.h"

static uint64_t sum_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
	return sum ^ sum >> 29;
}

static uint64_t sum_registers(const struct cpu *cpu)
{
	struct cpu_regs r;
	uint64_t sum = 0;

	cpu->vm->engine->get_regs(cpu, &r);
	for (unsigned i = 0; i < ARRAY_SIZE(r.x); i++)
		sum = sum_word(sum, r.x[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(r.f); i++)
		sum = sum_word(sum, r.f[i]);
	sum = sum_word(sum, r.pc);
	return sum_word(sum, (uint64_t)r.fcsr << 8 | r.priv);
}

void state_log_look(struct state_log *l, const struct cpu *cpu)
{
	uint64_t retired = cpu->vm->engine->retired(cpu);
	uint64_t *next = &l->next[cpu->id];

	if (!*next)
		*next = l->every;
	if (retired < *next)
		return;
	*next = retired - retired % l->every + l->every;
	fprintf(l->out, "%u %" PRIu64 " %016" PRIx64 " %016" PRIx64 "\n", cpu->id, retired,
		sum_registers(cpu), gmem_sum(cpu->vm->cfg.mem));
}
