/* SPDX-License-Identifier: MIT */
/*
 * The registers keep what is written to them, where software reads it back, and do nothing: there
 * are no caches whose state a guest could see. mcor, whose bits start something that is over at
 * once, reads as 0.
 *
 * mxstatus is as Linux finds it on the boards: page tables with types of memory, T-Head's
 * instructions allowed.
 */
#include "cpu/rv64/thead.h"

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
#define MAPBADDR          0x70000000u /* where PLIC and CLINT are */
#define MCPUID            0x09140b0du /* a 64-bit core of the 900 series */

static bool is_thead(const struct rv64_hart *h)
{
	return h->cpu.vm->cfg.model == CPU_MODEL_THEAD_C906;
}

void rv64_thead_reset(struct rv64_hart *h)
{
	h->thead = (struct rv64_thead){.mxstatus = MXSTATUS_RESET};
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

int rv64_thead_write(struct rv64_hart *h, unsigned num, uint64_t value)
{
	struct rv64_thead *t = &h->thead;

	if (!is_thead(h))
		return -1;
	switch (num) {
	case CSR_TH_MXSTATUS: put_mxstatus(h, value); return 0;
	case CSR_TH_MHCR: t->mhcr = value; return 0;
	case CSR_TH_MCCR2: t->mccr2 = value; return 0;
	case CSR_TH_MHINT: t->mhint = value; return 0;
	case CSR_TH_SCOUNTEROF:
	case CSR_TH_MCOUNTEROF: t->scounterof = value; return 0;
	case CSR_TH_MCOR:
	case CSR_TH_MSMPR: return 0;
	default: return -1;
	}
}

bool rv64_thead_cache_legal(const struct rv64_hart *h)
{
	return is_thead(h) && (h->priv != RV64_U || h->thead.mxstatus & THEAD_MXSTATUS_UCME);
}
