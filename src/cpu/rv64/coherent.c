/* SPDX-License-Identifier: MIT */
/* What a hart tells cpu/coherence.h of its accesses. */
#include "cpu/coherence.h"
#include "cpu/rv64/mmu_private.h"

/* A generic hart's cache is always on. */
static bool cache_on(const struct rv64_hart *h)
{
	return h->cpu.vm->cfg.model != CPU_MODEL_THEAD_C906 || (h->thead.mhcr & THEAD_MHCR_DATA);
}

bool rv64_coherent_access_slow(struct rv64_hart *h, const struct mmu_access *a)
{
	const struct cpu_vm_config *cfg = &h->cpu.vm->cfg;
	const struct coherence_access access = {.pa = a->pa,
						.pc = h->pc,
						.len = a->len,
						.write = a->write,
						.cached = a->cached && cache_on(h)};

	switch (coherence_access(cfg->coherence, cfg->core, &access)) {
	case COHERENCE_FAST: return true;
	case COHERENCE_ALWAYS: break;
	case COHERENCE_FORGET:
		rv64_park(h);
		coherence_forget(cfg->coherence);
		rv64_unpark(h);
		break;
	}
	return false;
}

void rv64_coherent_device_slow(struct rv64_hart *h, uint64_t pa, bool write)
{
	coherence_device(h->cpu.vm->cfg.coherence, h->cpu.vm->cfg.core, pa, write);
}
