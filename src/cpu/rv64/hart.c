/* SPDX-License-Identifier: MIT */
/* The reset state. With env.ecall there is no M mode for the guest: the hart starts as firmware
 * would leave it to a supervisor, with every trap delegated that a supervisor can handle. */
#include "cpu/rv64/csr.h"
#include "cpu/rv64/mmu_private.h"

static void enter_supervisor(struct rv64_hart *h)
{
	struct rv64_csrs *c = &h->csr;

	h->priv = RV64_S;
	c->medeleg = MEDELEG_ALL & ~BIT(RV64_ECALL_S);
	c->mideleg = MIP_S;
	c->menvcfg |= MENVCFG_STCE | MENVCFG_PBMTE | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
	c->scounteren = COUNTER_CY | COUNTER_TM | COUNTER_IR;
	c->mcounteren = c->scounteren | (BIT(RV64_N_HPM) - 1) << RV64_HPM_FIRST;
}

void rv64_hart_restart(struct rv64_hart *h)
{
	memset(h->x, 0, sizeof(h->x));
	memset(h->f, 0, sizeof(h->f));
	memset(&h->csr, 0, sizeof(h->csr));
	h->pc = 0;
	h->fflags = 0;
	h->frm = 0;
	h->priv = RV64_M;
	h->reserved_addr = UINT64_MAX;
	h->reserved_value = 0;
	h->nested = 0;
	/* The other requests belong to whoever made them. */
	atomic_fetch_and(&h->attention, ~RV64_ATTN_WFI);
	atomic_fetch_or(&h->attention, RV64_ATTN_IRQ);
	h->csr.menvcfg = MENVCFG_ADUE;
	h->csr.stimecmp = UINT64_MAX;
	rv64_thead_reset(h);
	if (h->cpu.vm->cfg.env.ecall)
		enter_supervisor(h);
	rv64_pmp_update(h);
	rv64_mmu_flush(h);
}

void rv64_hart_reset(struct rv64_hart *h)
{
	atomic_store(&h->stopped, true);
	rv64_hart_restart(h);
	/* Others may be reading it. */
	__atomic_store_n(&h->retired, 0, __ATOMIC_RELAXED);
	/* The other lines belong to devices. */
	atomic_fetch_and(&h->lines, ~MIP_SSIP);
	atomic_store(&h->timer_s, UINT64_MAX);
	atomic_store(&h->timer_m, UINT64_MAX);
}
