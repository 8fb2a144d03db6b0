/* SPDX-License-Identifier: MIT */
#include "machine/cache_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "boot/elf_symbols.h"
#include "cpu/coherence.h"
#include "cpu/cpu.h"
#include "machine/board.h"
#include "machine/duo_map.h"
#include "machine/windows.h"
#include "mem/gmem.h"

#define PLACE_MAX (ELF_FUNCTION_NAME + 24u)

static const char *const names[] = {[CACHE_CHECK_BIG] = "big", [CACHE_CHECK_SMALL] = "small"};

static const char *const why[] = {
	[COHERENCE_NOT_CLEANED] = "and it was never written back (th.dcache.cva or .cpa missing)",
	[COHERENCE_NOT_INVALIDATED] =
		"and the reader has not invalidated its own copy (th.dcache.iva or .ipa missing)",
	[COHERENCE_OVERWRITTEN] = "over what the other had written there",
};

static const char code_dropped[] =
	"and the reader has not dropped its copies of code (fence.i or th.icache.iall missing)";

/* Whether memory has the function there: else the file is not what runs. Code that is not where
 * its addresses say, a kernel's, cannot be compared. */
static bool is_loaded(const struct machine *m, const struct elf_function *f)
{
	const uint8_t *code = gmem_map(m->mem, f->start, f->n_code);

	return f->found && (!code || !memcmp(code, f->code, f->n_code));
}

/* " (function+0x12)", or "" when no file knows; a file may have gone meanwhile. */
static void name_function(const struct machine *m, uint64_t pc, char out[PLACE_MAX])
{
	const struct machine_config *cfg = &m->cfg;
	const char *const own[] = {cfg->small_core, cfg->firmware, cfg->kernel};
	struct elf_function f = {.found = false};
	bool known = false;

	for (unsigned i = 0; i < ARRAY_SIZE(own) + cfg->n_symbols && !known; i++) {
		const char *path = i < ARRAY_SIZE(own) ? own[i] : cfg->symbols[i - ARRAY_SIZE(own)];

		known = path && !elf_function_at("", path, pc, &f, NULL) && is_loaded(m, &f);
	}
	*out = '\0';
	if (known)
		(void)snprintf(out, PLACE_MAX, " (%s+0x%" PRIx64 ")", f.name, pc - f.start);
}

static void tell(void *arg, const struct coherence_report *r)
{
	const char *did = r->by_page ? "wrote to this page" : "wrote it";
	char reader[PLACE_MAX], writer[PLACE_MAX];
	const char *reason = why[r->fault];

	name_function(arg, r->reader_pc, reader);
	name_function(arg, r->writer_pc, writer);
	if (r->fault == COHERENCE_OVERWRITTEN)
		did = "wrote this line back";
	if (r->fault == COHERENCE_NOT_INVALIDATED && r->fetch)
		reason = code_dropped;
	log_warn("coherence: %s core %s 0x%" PRIx64 " at pc 0x%" PRIx64
		 "%s: %s core %s at pc 0x%" PRIx64 "%s %s",
		 names[r->reader], r->fetch ? "executed" : "read", r->pa, r->reader_pc, reader,
		 names[r->writer], did, r->writer_pc, writer, reason);
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
	struct elf_function ignored;
	int ret = m->coherence ? coherence_begin(m->coherence) : 0;

	if (ret)
		return err_set(e, ret, "--check-coherence: %s", strerror(-ret));
	for (unsigned i = 0; i < m->cfg.n_symbols && !ret; i++)
		ret = elf_function_at("--symbols", m->cfg.symbols[i], 0, &ignored, e);
	if (ret)
		return ret;
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
