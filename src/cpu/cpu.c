/* SPDX-License-Identifier: MIT */
/* The table of engines. */
#include "cpu/cpu.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/engine.h"

const struct cpu_engine *const cpu_engines[] = {
#if defined(__x86_64__)
	&rv64_jit_engine,
#endif
	&rv64_interp_engine,
};
const unsigned cpu_n_engines = ARRAY_SIZE(cpu_engines);

const struct cpu_engine *cpu_engine_default(void)
{
	unsigned i = 0;

	while (i < cpu_n_engines - 1 && cpu_engines[i]->usable && !cpu_engines[i]->usable())
		i++;
	return cpu_engines[i];
}

const struct cpu_engine *cpu_engine_find(const char *name)
{
	for (unsigned i = 0; i < cpu_n_engines; i++)
		if (!strcmp(cpu_engines[i]->name, name))
			return cpu_engines[i];
	return NULL;
}
