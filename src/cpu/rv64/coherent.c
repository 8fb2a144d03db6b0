/* SPDX-License-Identifier: MIT */
/* What a hart tells cpu/coherence.h of its accesses. */
#include "cpu/coherence.h"
#include "cpu/rv64/mmu_private.h"

/* Those of a generic hart are always on. */
static bool cache_on(const struct rv64_hart *h, unsigned which)
{
	return h->cpu.vm->cfg.model != CPU_MODEL_THEAD_C906 || (h->thead.mhcr & which);
}

/* Whether the hart need not tell of the page again. */
static bool is_known(struct rv64_hart *h, enum coherence_next next)
{
	if (next == COHERENCE_FORGET) {
		rv64_park(h);
		coherence_forget(h->cpu.vm->cfg.coherence);
		rv64_unpark(h);
	}
	return next == COHERENCE_FAST;
}

bool rv64_coherent_access_slow(struct rv64_hart *h, const struct mmu_access *a)
{
	const struct cpu_vm_config *cfg = &h->cpu.vm->cfg;
	const struct coherence_access access = {.pa = a->pa,
						.pc = h->pc,
						.len = a->len,
						.write = a->write,
						.cached = a->cached &&
							  cache_on(h, THEAD_MHCR_DATA)};

	return is_known(h, coherence_access(cfg->coherence, cfg->core, &access));
}

bool rv64_coherent_fetch_slow(struct rv64_hart *h, uint64_t pa, bool cached)
{
	const struct cpu_vm_config *cfg = &h->cpu.vm->cfg;
	const struct coherence_access access = {.pa = pa,
						.pc = h->pc,
						.len = RV64_FETCH_STEP,
						.cached = cached && cache_on(h, THEAD_MHCR_CODE)};

	return is_known(h, coherence_fetch(cfg->coherence, cfg->core, &access));
}

void rv64_coherent_device_slow(struct rv64_hart *h, uint64_t pa, bool write)
{
	coherence_device(h->cpu.vm->cfg.coherence, h->cpu.vm->cfg.core, pa, write);
}
