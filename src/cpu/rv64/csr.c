/* SPDX-License-Identifier: MIT */
/*
 * Control and status registers.
 *
 * accessible() holds every rule of who may touch a number; get() and put() then move values and
 * know no privilege. A number that put() does not know is not writable, one that get() does not
 * know does not exist. Fields with reserved values (WARL) keep their old value when a reserved one
 * is written, unless a comment says otherwise; bits without a function are zero.
 *
 * mip and sip are apart (change_ip): other harts set bits in them at any time, so they change by
 * masks and not by a value that was read before.
 */
#include "cpu/rv64/aia.h"
#include "cpu/rv64/csr.h"
#include "cpu/rv64/hpm.h"
#include "cpu/rv64/mmu_private.h"

#define MISA                                                                                \
	((2ull << 62) | BIT('A' - 'A') | BIT('B' - 'A') | BIT('C' - 'A') | BIT('D' - 'A') | \
	 BIT('F' - 'A') | BIT('I' - 'A') | BIT('M' - 'A') | BIT('S' - 'A') | BIT('U' - 'A'))

#define MSTATUS_WRITABLE                                                              \
	(SSTATUS_WRITABLE | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | \
	 MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR)
#define COUNTEREN_ALL 0xffffffffull

static void look_for_interrupts(struct rv64_hart *h)
{
	/* Relaxed: a message of the hart to itself. */
	atomic_fetch_or_explicit(&h->attention, RV64_ATTN_IRQ, memory_order_relaxed);
}

/* ---- who may ---- */

static bool counter_accessible(const struct rv64_hart *h, unsigned num)
{
	uint64_t on = ~0ull;

	if (h->priv != RV64_M)
		on &= h->csr.mcounteren;
	if (h->priv == RV64_U)
		on &= h->csr.scounteren;
	return on >> (num - CSR_CYCLE) & 1;
}

static bool stimecmp_accessible(const struct rv64_hart *h)
{
	return h->priv == RV64_M ||
	       ((h->csr.menvcfg & MENVCFG_STCE) && (h->csr.mcounteren & COUNTER_TM));
}

static bool accessible(const struct rv64_hart *h, unsigned num, bool write)
{
	if (h->priv < bits_get(num, 9, 8) || (write && bits_get(num, 11, 10) == 3))
		return false;
	switch (num) {
	case CSR_FFLAGS:
	case CSR_FRM:
	case CSR_FCSR: return rv64_fp_on(h);
	case CSR_SATP: return h->priv != RV64_S || !(h->csr.mstatus & MSTATUS_TVM);
	case CSR_STIMECMP: return stimecmp_accessible(h);
	case CSR_CYCLE ... CSR_HPMCOUNTER31: return counter_accessible(h, num);
	default: return true;
	}
}

/* ---- status ---- */

static uint64_t status(const struct rv64_hart *h)
{
	uint64_t s = h->csr.mstatus | MSTATUS_UXL_64 | MSTATUS_SXL_64;

	return (s & MSTATUS_FS) == MSTATUS_FS ? s | MSTATUS_SD : s;
}

static void put_status(struct rv64_hart *h, uint64_t value, uint64_t writable)
{
	uint64_t old = h->csr.mstatus;
	uint64_t new = (old & ~writable) | (value & writable);
	uint64_t changed;

	if ((new &MSTATUS_MPP) == 2ull << MSTATUS_MPP_SHIFT)
		new = (new & ~MSTATUS_MPP) | (old & MSTATUS_MPP);
	changed = old ^ new;
	h->csr.mstatus = new;
	if (changed & (MSTATUS_SUM | MSTATUS_MXR | MSTATUS_MPRV | MSTATUS_MPP))
		rv64_mmu_context(h);
	if (changed & new &(MSTATUS_SIE | MSTATUS_MIE))
		rv64_interrupts_enabled(h);
}

/* ---- the rest that is more than a variable ---- */

static uint64_t envcfg(uint64_t old, uint64_t value, uint64_t writable)
{
	if ((value & ENVCFG_CBIE) == 2ull << ENVCFG_CBIE_SHIFT)
		value = (value & ~ENVCFG_CBIE) | (old & ENVCFG_CBIE);
	return value & writable;
}

static void put_menvcfg(struct rv64_hart *h, uint64_t value)
{
	h->csr.menvcfg = envcfg(h->csr.menvcfg, value, MENVCFG_ALL);
	if (h->csr.menvcfg & MENVCFG_STCE) /* STIP is now the comparison alone */
		h->csr.mip_soft &= ~MIP_STIP;
	look_for_interrupts(h);
}

/* A write with an unsupported MODE has no effect at all. */
static void put_satp(struct rv64_hart *h, uint64_t value)
{
	unsigned mode = (unsigned)(value >> SATP_MODE_SHIFT);

	if (mode != SATP_MODE_BARE && mode != SATP_MODE_SV39 &&
	    !(mode == SATP_MODE_SV48 && h->cpu.vm->cfg.sv48))
		return;
	h->csr.satp = value;
	rv64_mmu_context(h);
}

static void put_tvec(uint64_t *tvec, uint64_t value)
{
	if ((value & 3) <= 1)
		*tvec = value;
}

static void put_fcsr(struct rv64_hart *h, uint64_t fflags, uint64_t frm)
{
	h->fflags = fflags & 31;
	h->frm = frm & 7;
	h->csr.mstatus |= MSTATUS_FS;
}

/* ---- reading ---- */

static int get_user(struct rv64_hart *h, unsigned num, uint64_t *v)
{
	const struct cpu_env *env = &h->cpu.vm->cfg.env;

	switch (num) {
	case CSR_FFLAGS: *v = h->fflags; return 0;
	case CSR_FRM: *v = h->frm; return 0;
	case CSR_FCSR: *v = (uint64_t)h->frm << 5 | h->fflags; return 0;
	case CSR_TIME: *v = env->time_now(env->arg, &h->cpu); return 0;
	case CSR_CYCLE:
	case CSR_INSTRET ... CSR_HPMCOUNTER31: *v = rv64_hpm_read(h, num - CSR_CYCLE); return 0;
	default: return -1;
	}
}

static int get_supervisor(struct rv64_hart *h, unsigned num, uint64_t *v)
{
	const struct rv64_csrs *c = &h->csr;

	switch (num) {
	case CSR_SSTATUS:
		*v = status(h) & (SSTATUS_WRITABLE | MSTATUS_UXL_64 | MSTATUS_SD);
		return 0;
	case CSR_SIE: *v = c->mie & c->mideleg; return 0;
	case CSR_STVEC: *v = c->stvec; return 0;
	case CSR_SCOUNTEREN: *v = c->scounteren; return 0;
	case CSR_SENVCFG: *v = c->senvcfg; return 0;
	case CSR_SSCRATCH: *v = c->sscratch; return 0;
	case CSR_SEPC: *v = c->sepc; return 0;
	case CSR_SCAUSE: *v = c->scause; return 0;
	case CSR_STVAL: *v = c->stval; return 0;
	case CSR_SIP: *v = rv64_mip(h) & c->mideleg; return 0;
	case CSR_STIMECMP: *v = c->stimecmp; return 0;
	case CSR_SATP: *v = c->satp; return 0;
	default: return rv64_aia_read(h, num, v) ? rv64_thead_read(h, num, v) : 0;
	}
}

static uint64_t vendor(const struct rv64_hart *h)
{
	return h->cpu.vm->cfg.model == CPU_MODEL_THEAD_C906 ? THEAD_MVENDORID : 0;
}

static int get_machine(struct rv64_hart *h, unsigned num, uint64_t *v)
{
	const struct rv64_csrs *c = &h->csr;

	switch (num) {
	case CSR_MSTATUS: *v = status(h); return 0;
	case CSR_MISA: *v = MISA; return 0;
	case CSR_MEDELEG: *v = c->medeleg; return 0;
	case CSR_MIDELEG: *v = c->mideleg; return 0;
	case CSR_MIE: *v = c->mie; return 0;
	case CSR_MTVEC: *v = c->mtvec; return 0;
	case CSR_MCOUNTEREN: *v = c->mcounteren; return 0;
	case CSR_MENVCFG: *v = c->menvcfg; return 0;
	case CSR_MCOUNTINHIBIT: *v = c->mcountinhibit; return 0;
	case CSR_MSCRATCH: *v = c->mscratch; return 0;
	case CSR_MEPC: *v = c->mepc; return 0;
	case CSR_MCAUSE: *v = c->mcause; return 0;
	case CSR_MTVAL: *v = c->mtval; return 0;
	case CSR_MIP: *v = rv64_mip(h); return 0;
	case CSR_PMPCFG0: *v = rv64_pmpcfg_read(h, 0); return 0;
	case CSR_PMPCFG2: *v = rv64_pmpcfg_read(h, 8); return 0;
	case CSR_PMPADDR0 ... CSR_PMPADDR15: *v = c->pmpaddr[num - CSR_PMPADDR0]; return 0;
	case CSR_MCYCLE:
	case CSR_MINSTRET ... CSR_MHPMCOUNTER31: *v = rv64_hpm_read(h, num - CSR_MCYCLE); return 0;
	case CSR_MHARTID: *v = h->cpu.id; return 0;
	case CSR_MHPMEVENT3 ... CSR_MHPMEVENT31:
		*v = rv64_hpm_event(h, num - CSR_MHPMEVENT3 + RV64_HPM_FIRST);
		return 0;
	case CSR_MVENDORID: *v = vendor(h); return 0;
	case CSR_MARCHID:
	case CSR_MIMPID:
	case CSR_MCONFIGPTR: *v = 0; return 0;
	default: return rv64_thead_read(h, num, v);
	}
}

static int get(struct rv64_hart *h, unsigned num, uint64_t *v)
{
	switch (bits_get(num, 9, 8)) {
	case RV64_U: return get_user(h, num, v);
	case RV64_S: return get_supervisor(h, num, v);
	case RV64_M: return get_machine(h, num, v);
	default: return -1;
	}
}

/* ---- writing ---- */

static int put_user(struct rv64_hart *h, unsigned num, uint64_t v)
{
	switch (num) {
	case CSR_FFLAGS: put_fcsr(h, v, h->frm); return 0;
	case CSR_FRM: put_fcsr(h, h->fflags, v); return 0;
	case CSR_FCSR: put_fcsr(h, v, v >> 5); return 0;
	default: return -1;
	}
}

static int put_supervisor(struct rv64_hart *h, unsigned num, uint64_t v)
{
	struct rv64_csrs *c = &h->csr;

	switch (num) {
	case CSR_SSTATUS: put_status(h, v, SSTATUS_WRITABLE); return 0;
	case CSR_SIE:
		c->mie = (c->mie & ~c->mideleg) | (v & c->mideleg);
		look_for_interrupts(h);
		return 0;
	case CSR_STVEC: put_tvec(&c->stvec, v); return 0;
	case CSR_SCOUNTEREN: c->scounteren = v & COUNTEREN_ALL; return 0;
	case CSR_SENVCFG: c->senvcfg = envcfg(c->senvcfg, v, SENVCFG_ALL); return 0;
	case CSR_SSCRATCH: c->sscratch = v; return 0;
	case CSR_SEPC: c->sepc = v & ~1ull; return 0;
	case CSR_SCAUSE: c->scause = v; return 0;
	case CSR_STVAL: c->stval = v; return 0;
	case CSR_STIMECMP:
		c->stimecmp = v;
		look_for_interrupts(h);
		return 0;
	case CSR_SATP: put_satp(h, v); return 0;
	default: return rv64_thead_write(h, num, v);
	}
}

static int put_machine(struct rv64_hart *h, unsigned num, uint64_t v)
{
	struct rv64_csrs *c = &h->csr;

	switch (num) {
	case CSR_MSTATUS: put_status(h, v, MSTATUS_WRITABLE); return 0;
	case CSR_MEDELEG: c->medeleg = v & MEDELEG_ALL; return 0;
	case CSR_MIDELEG:
		c->mideleg = v & MIP_S;
		look_for_interrupts(h);
		return 0;
	case CSR_MIE:
		c->mie = v & MIP_ALL;
		look_for_interrupts(h);
		return 0;
	case CSR_MTVEC: put_tvec(&c->mtvec, v); return 0;
	case CSR_MCOUNTEREN: c->mcounteren = v & COUNTEREN_ALL; return 0;
	case CSR_MENVCFG: put_menvcfg(h, v); return 0;
	case CSR_MCOUNTINHIBIT: rv64_hpm_inhibit(h, v, 1); return 0;
	case CSR_MSCRATCH: c->mscratch = v; return 0;
	case CSR_MEPC: c->mepc = v & ~1ull; return 0;
	case CSR_MCAUSE: c->mcause = v; return 0;
	case CSR_MTVAL: c->mtval = v; return 0;
	case CSR_PMPCFG0: rv64_pmpcfg_write(h, 0, v); return 0;
	case CSR_PMPCFG2: rv64_pmpcfg_write(h, 8, v); return 0;
	case CSR_PMPADDR0 ... CSR_PMPADDR15: rv64_pmpaddr_write(h, num - CSR_PMPADDR0, v); return 0;
	case CSR_MCYCLE:
	case CSR_MINSTRET ... CSR_MHPMCOUNTER31:
		rv64_hpm_write(h, num - CSR_MCYCLE, v, 1);
		return 0;
	case CSR_MHPMEVENT3 ... CSR_MHPMEVENT31:
		rv64_hpm_select(h, num - CSR_MHPMEVENT3 + RV64_HPM_FIRST, v);
		return 0;
	case CSR_MISA: return 0; /* writable in form; nothing in it can change */
	default: return rv64_thead_write(h, num, v);
	}
}

static int put(struct rv64_hart *h, unsigned num, uint64_t v)
{
	switch (bits_get(num, 9, 8)) {
	case RV64_U: return put_user(h, num, v);
	case RV64_S: return put_supervisor(h, num, v);
	case RV64_M: return put_machine(h, num, v);
	default: return -1;
	}
}

static void change_ip(struct rv64_hart *h, unsigned num, uint64_t clear, uint64_t set,
		      uint64_t *old)
{
	struct rv64_csrs *c = &h->csr;
	uint64_t view = num == CSR_SIP ? c->mideleg : ~0ull;
	uint64_t writable = num == CSR_SIP ? MIP_SSIP & view : MIP_S;

	if (old)
		*old = rv64_mip(h) & view;
	if (c->menvcfg & MENVCFG_STCE)
		writable &= ~MIP_STIP;
	clear &= writable & ~set;
	set &= writable;
	c->mip_soft = (c->mip_soft & ~clear) | (set & ~MIP_SSIP);
	/* Acquire and release: whoever sent the interrupt that is cleared here wrote its message
	 * first, and the guest reads it next. */
	if (clear & MIP_SSIP)
		atomic_fetch_and_explicit(&h->lines, ~MIP_SSIP, memory_order_acq_rel);
	if (set & MIP_SSIP)
		atomic_fetch_or_explicit(&h->lines, MIP_SSIP, memory_order_acq_rel);
	look_for_interrupts(h);
}

/* ---- the contract ---- */

int rv64_csr_read(struct rv64_hart *h, unsigned num, uint64_t *value)
{
	return accessible(h, num, false) ? get(h, num, value) : -1;
}

int rv64_csr_change(struct rv64_hart *h, unsigned num, uint64_t clear, uint64_t set, uint64_t *old)
{
	uint64_t before = 0;

	if (!accessible(h, num, true))
		return -1;
	if (num == CSR_MIP || num == CSR_SIP) {
		change_ip(h, num, clear, set, old);
		return 0;
	}
	if (rv64_aia_change(h, num, clear, set, old) == 0)
		return 0;
	if (get(h, num, &before) || put(h, num, (before & ~clear) | set))
		return -1;
	if (old)
		*old = before;
	return 0;
}

int rv64_csr_write(struct rv64_hart *h, unsigned num, uint64_t value, uint64_t *old)
{
	return rv64_csr_change(h, num, ~0ull, value, old);
}

int rv64_csr_peek(struct rv64_hart *h, unsigned num, uint64_t *value)
{
	return get(h, num, value);
}

int rv64_csr_poke(struct rv64_hart *h, unsigned num, uint64_t value)
{
	switch (num) {
	case CSR_MIP:
	case CSR_SIP: change_ip(h, num, ~0ull, value, NULL); return 0;
	/* No instruction is at hand that would be counted before it writes. */
	case CSR_MCYCLE:
	case CSR_MINSTRET ... CSR_MHPMCOUNTER31:
		rv64_hpm_write(h, num - CSR_MCYCLE, value, 0);
		return 0;
	case CSR_MCOUNTINHIBIT: rv64_hpm_inhibit(h, value, 0); return 0;
	default: return put(h, num, value);
	}
}

/* ---- instructions that CSRs make illegal ---- */

bool rv64_sret_legal(const struct rv64_hart *h)
{
	return h->priv == RV64_M || (h->priv == RV64_S && !(h->csr.mstatus & MSTATUS_TSR));
}

bool rv64_wfi_legal(const struct rv64_hart *h)
{
	return h->priv == RV64_M || (h->priv == RV64_S && !(h->csr.mstatus & MSTATUS_TW));
}

bool rv64_sfence_legal(const struct rv64_hart *h)
{
	return h->priv == RV64_M || (h->priv == RV64_S && !(h->csr.mstatus & MSTATUS_TVM));
}

bool rv64_cbo_legal(const struct rv64_hart *h, enum rv64_cbo op)
{
	uint64_t on = ~0ull;

	if (h->priv != RV64_M)
		on &= h->csr.menvcfg;
	/* CBIE of both: 0 forbids, 1 and 3 allow (as a flush and an invalidation, which are the
	 * same to us), so bit 0 of the field is the answer. */
	if (h->priv == RV64_U)
		on &= h->csr.senvcfg;
	switch (op) {
	case RV64_CBO_INVAL: return on & BIT(ENVCFG_CBIE_SHIFT);
	case RV64_CBO_CLEAN:
	case RV64_CBO_FLUSH: return on & ENVCFG_CBCFE;
	case RV64_CBO_ZERO: return on & ENVCFG_CBZE;
	}
	return false;
}
