/* SPDX-License-Identifier: MIT */
#include "machine/cache_check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "cpu/coherence.h"
#include "cpu/cpu.h"
#include "machine/board.h"
#include "machine/duo_map.h"
#include "machine/windows.h"

static const char *const names[] = {[CACHE_CHECK_BIG] = "big", [CACHE_CHECK_SMALL] = "small"};

static const char *const why[] = {
	[COHERENCE_NOT_CLEANED] = "and it was never written back (th.dcache.cva or .cpa missing)",
	[COHERENCE_NOT_INVALIDATED] =
		"and the reader has not invalidated its own copy (th.dcache.iva or .ipa missing)",
	[COHERENCE_OVERWRITTEN] = "over what the other had written there",
};

static void tell(void *arg, const struct coherence_report *r)
{
	const char *did = r->by_page ? "wrote to this page" : "wrote it";

	(void)arg;
	if (r->fault == COHERENCE_OVERWRITTEN)
		did = "wrote this line back";
	log_warn("coherence: %s core read 0x%" PRIx64 " at pc 0x%" PRIx64
		 ": %s core %s at pc 0x%" PRIx64 " %s",
		 names[r->reader], r->pa, r->reader_pc, names[r->writer], did, r->writer_pc,
		 why[r->fault]);
}

/* Its TLB, whose entries say that nobody has to be told. */
static void forget(void *arg)
{
	const struct machine *m = arg;

	m->cfg.engine->fence(m->vm, BIT(m->cfg.smp) - 1, CPU_FENCE_VMA, 0, UINT64_MAX, UINT64_MAX);
}

int cache_check_new(struct machine *m)
{
	const struct coherence_config cfg = {.mem = m->mem,
					     .bell = DUO_MAILBOX_BASE,
					     .bell_size = DUO_PAGE,
					     .report = tell,
					     .forget = forget,
					     .arg = m};

	return m->cfg.check_coherence ? coherence_new(&cfg, &m->coherence) : 0;
}

int cache_check_begin(struct machine *m, struct err *e)
{
	struct windows reserved = {0};
	int ret = m->coherence ? coherence_begin(m->coherence) : 0;

	if (ret)
		return err_set(e, ret, "--check-coherence: %s", strerror(-ret));
	if (m->coherence)
		windows_add_reserved(&reserved, m->dtb);
	for (unsigned i = 0; i < reserved.n; i++)
		coherence_share(m->coherence, reserved.range[i].start,
				reserved.range[i].end - reserved.range[i].start);
	return 0;
}

void cache_check_free(struct machine *m)
{
	uint64_t wrong;
	unsigned places;

	if (!m->coherence)
		return;
	wrong = coherence_counts(m->coherence, &places);
	if (m->finished && wrong)
		log_warn("coherence: %" PRIu64 " accesses were wrong, in %u pairs of places", wrong,
			 places);
	else if (m->finished)
		log_warn("coherence: nothing was wrong");
	coherence_free(m->coherence);
}
