/* SPDX-License-Identifier: MIT */
/*
 * Traps and interrupts (privileged specification, 3.1.6 to 3.1.9, 3.3 and 10.1).
 *
 * mip is made of three parts: `lines`, which devices and other harts drive; the timers, which are
 * compared with the time when somebody asks; and mip_soft, which M mode writes. Asking for the time
 * costs more than the rest, so it is done only when a timer that matters is armed.
 */
#include "cpu/rv64/csr.h"
#include "cpu/rv64/hart.h"

#define CAUSE_INTERRUPT BIT(63)

/* The bits of mip of timers whose time has come; only those in `wanted`. */
static uint64_t timers_due(struct rv64_hart *h, uint64_t wanted)
{
	const struct cpu_env *env = &h->cpu.vm->cfg.env;
	/* Relaxed: whoever moves a deadline sets `attention` after it, and we look again. */
	uint64_t s = atomic_load_explicit(&h->timer_s, memory_order_relaxed);
	uint64_t m = atomic_load_explicit(&h->timer_m, memory_order_relaxed);
	uint64_t now;

	if (h->csr.menvcfg & MENVCFG_STCE)
		s = min_u64(s, h->csr.stimecmp);
	if (!(wanted & MIP_STIP))
		s = UINT64_MAX;
	if (!(wanted & MIP_MTIP))
		m = UINT64_MAX;
	if (s == UINT64_MAX && m == UINT64_MAX)
		return 0;
	now = env->time_now(env->arg, &h->cpu);
	return (now >= s ? MIP_STIP : 0) | (now >= m ? MIP_MTIP : 0);
}

static uint64_t pending(struct rv64_hart *h, uint64_t wanted)
{
	/* Acquire: what the sender of an interrupt wrote before it is visible to the guest. */
	uint64_t mip = atomic_load_explicit(&h->lines, memory_order_acquire) | h->csr.mip_soft;

	return (mip | timers_due(h, wanted)) & wanted;
}

uint64_t rv64_mip(struct rv64_hart *h)
{
	return pending(h, MIP_ALL);
}

bool rv64_wfi_wakes(struct rv64_hart *h)
{
	return pending(h, h->csr.mie);
}

/* The interrupts that the hart would take in its present mode. */
static uint64_t enabled(const struct rv64_hart *h)
{
	const struct rv64_csrs *c = &h->csr;
	uint64_t mask = 0;

	if (h->priv != RV64_M || (c->mstatus & MSTATUS_MIE))
		mask |= c->mie & ~c->mideleg;
	if (h->priv == RV64_U || (h->priv == RV64_S && (c->mstatus & MSTATUS_SIE)))
		mask |= c->mie & c->mideleg;
	return mask;
}

int rv64_interrupt_first(uint64_t mip)
{
	static const uint8_t order[] = {11, 3, 7, 9, 1, 5};

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (mip & BIT(order[i]))
			return order[i];
	return -1;
}

int rv64_interrupt_pending(struct rv64_hart *h)
{
	uint64_t mask = enabled(h);
	uint64_t ready = mask ? pending(h, mask) : 0;

	if (!ready)
		return -1;
	/* Whatever goes to M mode precedes what is delegated. */
	if (ready & ~h->csr.mideleg)
		ready &= ~h->csr.mideleg;
	return rv64_interrupt_first(ready);
}

void rv64_interrupts_enabled(struct rv64_hart *h)
{
	/* Relaxed: a message of the hart to itself. */
	if (!h->quiet)
		atomic_fetch_or_explicit(&h->attention, RV64_ATTN_IRQ, memory_order_relaxed);
}

uint64_t rv64_next_deadline(struct rv64_hart *h)
{
	uint64_t deadline = UINT64_MAX;

	if (h->csr.mie & MIP_STIP) {
		deadline = atomic_load_explicit(&h->timer_s, memory_order_relaxed);
		if (h->csr.menvcfg & MENVCFG_STCE)
			deadline = min_u64(deadline, h->csr.stimecmp);
	}
	if (h->csr.mie & MIP_MTIP)
		deadline = min_u64(deadline,
				   atomic_load_explicit(&h->timer_m, memory_order_relaxed));
	return deadline;
}

static uint64_t handler(uint64_t tvec, uint64_t cause)
{
	uint64_t base = tvec & ~3ull;

	if ((tvec & 1) && (cause & CAUSE_INTERRUPT))
		base += 4 * (cause & ~CAUSE_INTERRUPT);
	return base;
}

/* mstatus with the previous-enable bit `pie` set to what the enable bit `ie` was, and `ie` clear.
 */
static uint64_t push_enable(uint64_t mstatus, uint64_t ie, uint64_t pie)
{
	uint64_t on = mstatus & ie;

	mstatus &= ~(ie | pie);
	return on ? mstatus | pie : mstatus;
}

static void enter(struct rv64_hart *h, uint64_t cause, uint64_t tval, bool delegate)
{
	struct rv64_csrs *c = &h->csr;

	if (delegate) {
		c->scause = cause;
		c->sepc = h->pc;
		c->stval = tval;
		c->mstatus = push_enable(c->mstatus, MSTATUS_SIE, MSTATUS_SPIE) & ~MSTATUS_SPP;
		if (h->priv == RV64_S)
			c->mstatus |= MSTATUS_SPP;
		h->priv = RV64_S;
		h->pc = handler(c->stvec, cause);
	} else {
		c->mcause = cause;
		c->mepc = h->pc;
		c->mtval = tval;
		c->mstatus = push_enable(c->mstatus, MSTATUS_MIE, MSTATUS_MPIE) & ~MSTATUS_MPP;
		c->mstatus |= (uint64_t)h->priv << MSTATUS_MPP_SHIFT;
		h->priv = RV64_M;
		h->pc = handler(c->mtvec, cause);
	}
	rv64_mmu_context(h);
}

/*
 * A handler whose first instruction faults can never run. One that faults a little further, where
 * it saves registers, comes back with a lower stack pointer each time, and may yet meet memory: a
 * few times in a row are enough to know that what it saves would be of no use.
 */
#define PROLOGUE   256u
#define NESTED_MAX 8u

static void look_for_crash(struct rv64_hart *h, enum rv64_cause cause, uint64_t tval)
{
	const struct cpu_env *env = &h->cpu.vm->cfg.env;
	const struct rv64_csrs *c = &h->csr;
	uint64_t at = handler(c->mtvec, cause);

	if (cause == RV64_ECALL_M || cause == RV64_BREAKPOINT || h->pc - at >= PROLOGUE)
		return;
	if (!h->nested++) {
		bool first = !c->mcause && !c->mepc; /* there was no trap before it */

		h->crash = (struct cpu_crash){.pc = first ? h->pc : c->mepc,
					      .cause = first ? cause : c->mcause,
					      .tval = first ? tval : c->mtval,
					      .handler = at};
		memcpy(h->crash.x, h->x, sizeof(h->crash.x));
	}
	if ((h->pc == at || h->nested == NESTED_MAX) && !atomic_load(&h->stopped))
		env->crashed(env->arg, &h->cpu, &h->crash);
}

void rv64_exception(struct rv64_hart *h, enum rv64_cause cause, uint64_t tval)
{
	h->happened[RV64_EVENT_EXCEPTION]++;
	if (h->priv == RV64_M && unlikely(h->cpu.vm->cfg.env.crashed))
		look_for_crash(h, cause, tval);
	enter(h, cause, tval, h->priv != RV64_M && (h->csr.medeleg >> cause & 1));
}

void rv64_interrupt(struct rv64_hart *h, unsigned irq)
{
	h->happened[RV64_EVENT_INTERRUPT]++;
	enter(h, CAUSE_INTERRUPT | irq, 0, h->csr.mideleg >> irq & 1);
}

/* The end of mret and sret: a lower privilege may let interrupts in that wait. */
static void leave(struct rv64_hart *h, enum rv64_priv priv, uint64_t pc)
{
	if (priv != RV64_M)
		h->csr.mstatus &= ~MSTATUS_MPRV;
	h->priv = (uint8_t)priv;
	h->pc = pc;
	rv64_mmu_context(h);
	rv64_interrupts_enabled(h);
}

void rv64_mret(struct rv64_hart *h)
{
	uint64_t s = h->csr.mstatus;
	enum rv64_priv priv = (s & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;

	h->nested = 0;
	h->csr.mstatus = (s & ~(MSTATUS_MIE | MSTATUS_MPP)) | MSTATUS_MPIE |
			 (s & MSTATUS_MPIE ? MSTATUS_MIE : 0);
	leave(h, priv, h->csr.mepc);
}

void rv64_sret(struct rv64_hart *h)
{
	uint64_t s = h->csr.mstatus;
	enum rv64_priv priv = s & MSTATUS_SPP ? RV64_S : RV64_U;

	h->csr.mstatus = (s & ~(MSTATUS_SIE | MSTATUS_SPP)) | MSTATUS_SPIE |
			 (s & MSTATUS_SPIE ? MSTATUS_SIE : 0);
	leave(h, priv, h->csr.sepc);
}
