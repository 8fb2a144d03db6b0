/* SPDX-License-Identifier: MIT */
/*
 * The registers keep what is written to them, where software reads it back, and do nothing: there
 * are no caches whose state a guest could see. mcor, whose bits start something that is over at
 * once, reads as 0. What is done to caches is only told to cpu/coherence.h.
 *
 * mxstatus is as Linux finds it on the boards: page tables with types of memory, T-Head's
 * instructions allowed.
 */
#include "cpu/rv64/thead.h"

#include "cpu/coherence.h"
#include "cpu/rv64/hart.h"
#include "cpu/rv64/mmu_private.h"

enum thead_csr {
	CSR_TH_SXSTATUS = 0x5c0,
	CSR_TH_SHCR = 0x5c1,
	CSR_TH_SCOUNTEROF = 0x5c5,
	CSR_TH_MXSTATUS = 0x7c0,
	CSR_TH_MHCR = 0x7c1,
	CSR_TH_MCOR = 0x7c2,
	CSR_TH_MCCR2 = 0x7c3,
	CSR_TH_MHINT = 0x7c5,
	CSR_TH_MRVBR = 0x7c7,
	CSR_TH_MCOUNTEROF = 0x7cb,
	CSR_TH_MSMPR = 0x7f3,
	CSR_TH_MCPUID = 0xfc0,
	CSR_TH_MAPBADDR = 0xfc1,
};

#define MXSTATUS_RESET    0x40638000ull
#define MXSTATUS_WRITABLE (MXSTATUS_RESET & ~(3ull << 30))
#define MHCR_ON           0x7fu       /* caches, write-back, prediction */
#define MAPBADDR          0x70000000u /* where PLIC and CLINT are */
#define MCPUID            0x09140b0du /* a 64-bit core of the 900 series */

static bool is_thead(const struct rv64_hart *h)
{
	return h->cpu.vm->cfg.model == CPU_MODEL_THEAD_C906;
}

void rv64_thead_reset(struct rv64_hart *h)
{
	h->thead = (struct rv64_thead){.mxstatus = MXSTATUS_RESET,
				       .mhcr = h->cpu.vm->cfg.caches_on ? MHCR_ON : 0};
	if (h->cpu.vm->cfg.coherence)
		coherence_reset(h->cpu.vm->cfg.coherence, h->cpu.vm->cfg.core);
}

int rv64_thead_read(const struct rv64_hart *h, unsigned num, uint64_t *value)
{
	const struct rv64_thead *t = &h->thead;

	if (!is_thead(h))
		return -1;
	switch (num) {
	case CSR_TH_SXSTATUS:
	case CSR_TH_MXSTATUS: *value = t->mxstatus; return 0;
	case CSR_TH_SHCR:
	case CSR_TH_MHCR: *value = t->mhcr; return 0;
	case CSR_TH_SCOUNTEROF:
	case CSR_TH_MCOUNTEROF: *value = t->scounterof; return 0;
	case CSR_TH_MCCR2: *value = t->mccr2; return 0;
	case CSR_TH_MHINT: *value = t->mhint; return 0;
	case CSR_TH_MCOR:
	case CSR_TH_MRVBR:
	case CSR_TH_MSMPR: *value = 0; return 0;
	case CSR_TH_MCPUID: *value = MCPUID; return 0;
	case CSR_TH_MAPBADDR: *value = MAPBADDR; return 0;
	default: return -1;
	}
}

/* What page tables mean depends on MAEE. */
static void put_mxstatus(struct rv64_hart *h, uint64_t value)
{
	uint64_t new = (h->thead.mxstatus & ~MXSTATUS_WRITABLE) | (value & MXSTATUS_WRITABLE);
	bool flush = (h->thead.mxstatus ^ new) & THEAD_MXSTATUS_MAEE;

	h->thead.mxstatus = new;
	if (flush)
		rv64_mmu_flush(h);
}

/* With the cache on or off pages are known in another way. */
static void put_mhcr(struct rv64_hart *h, uint64_t value)
{
	bool flush = h->cpu.vm->cfg.coherence && ((h->thead.mhcr ^ value) & THEAD_MHCR_DATA);

	h->thead.mhcr = value;
	if (flush)
		rv64_mmu_flush(h);
}

/* mcor: which caches, and what to do with them */
#define MCOR_CODE       BIT(0)
#define MCOR_DATA       BIT(1)
#define MCOR_INVALIDATE BIT(4)
#define MCOR_CLEAN      BIT(5)

static void all_lines(struct rv64_hart *h, unsigned what)
{
	struct coherence *c = h->cpu.vm->cfg.coherence;

	if (c && what && coherence_all(c, h->cpu.vm->cfg.core, h->pc, what))
		rv64_mmu_flush(h);
}

static void put_mcor(struct rv64_hart *h, uint64_t value)
{
	if ((value & MCOR_CODE) && (value & MCOR_INVALIDATE) && h->cpu.vm->cfg.coherence)
		coherence_drop_code(h->cpu.vm->cfg.coherence, h->cpu.vm->cfg.core);
	if (value & MCOR_DATA)
		all_lines(h, (value & MCOR_CLEAN ? COHERENCE_CLEAN : 0) |
				     (value & MCOR_INVALIDATE ? COHERENCE_INVALIDATE : 0));
}

int rv64_thead_write(struct rv64_hart *h, unsigned num, uint64_t value)
{
	struct rv64_thead *t = &h->thead;

	if (!is_thead(h))
		return -1;
	switch (num) {
	case CSR_TH_MXSTATUS: put_mxstatus(h, value); return 0;
	case CSR_TH_MHCR: put_mhcr(h, value); return 0;
	case CSR_TH_MCCR2: t->mccr2 = value; return 0;
	case CSR_TH_MHINT: t->mhint = value; return 0;
	case CSR_TH_SCOUNTEROF:
	case CSR_TH_MCOUNTEROF: t->scounterof = value; return 0;
	case CSR_TH_MCOR: put_mcor(h, value); return 0;
	case CSR_TH_MSMPR: return 0;
	default: return -1;
	}
}

/* xtheadcmo: bits 25 to 20 of an instruction. The lowest two say what it does, or 0 that it cleans
 * as far as the next cache, which there is none of. */
#define CMO_FIRST_SYNC 0x18u
#define CMO_LAST_SYNC  0x1bu
#define CMO_FIRST_VA   0x24u
#define CMO_FIRST_PA   0x28u

/* By set and way: nobody can tell which line that is. What follows counts as for all. */
void rv64_thead_cache(struct rv64_hart *h, uint32_t bits, uint64_t value)
{
	struct coherence *c = h->cpu.vm->cfg.coherence;
	unsigned number = bits >> 20 & 63;
	unsigned what = number & 3 ? number & 3 : COHERENCE_CLEAN;
	uint64_t pa = value;

	if (!c || (number >= CMO_FIRST_SYNC && number <= CMO_LAST_SYNC))
		return;
	if (number < CMO_FIRST_VA) {
		all_lines(h, what);
		return;
	}
	if (number < CMO_FIRST_PA && rv64_data_translate(h, value, &pa))
		return;
	if (coherence_line(c, h->cpu.vm->cfg.core, pa, h->pc, what))
		rv64_mmu_flush(h);
}

bool rv64_thead_cache_legal(const struct rv64_hart *h)
{
	return is_thead(h) && (h->priv != RV64_U || h->thead.mxstatus & THEAD_MXSTATUS_UCME);
}
