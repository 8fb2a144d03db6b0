/* SPDX-License-Identifier: MIT */
/* System instructions of the interpreter: traps, returns, CSRs, fences, waiting. */
#include "cpu/rv64/interp.h"

#include <sched.h>

#include "cpu/rv64/csr.h"

static bool illegal(struct interp *c, const struct rv64_op *op)
{
	rv64_exception(&c->run.hart, RV64_ILLEGAL, (uint32_t)op->imm);
	return false;
}

/* The instruction is done and there is nothing to it but going on behind it. */
static bool done(struct rv64_hart *h)
{
	h->pc += 4;
	return true;
}

bool interp_ecall(struct interp *c, const struct rv64_op *op)
{
	struct rv64_hart *h = &c->run.hart;
	const struct cpu_env *env = &h->cpu.vm->cfg.env;

	(void)op;
	if (h->priv != RV64_S || !env->ecall) {
		rv64_exception(h, (enum rv64_cause)(RV64_ECALL_U + h->priv), 0);
		return false;
	}
	/* To the environment the instruction is over: it may look at pc, or set it. */
	h->pc += 4;
	rv64_set_retired(h, h->retired + 1);
	env->ecall(env->arg, &h->cpu, &h->x[10]);
	return true;
}

bool interp_ebreak(struct interp *c, const struct rv64_op *op)
{
	struct rv64_hart *h = &c->run.hart;

	(void)op;
	rv64_exception(h, RV64_BREAKPOINT, h->pc);
	return false;
}

bool interp_sret(struct interp *c, const struct rv64_op *op)
{
	if (!rv64_sret_legal(&c->run.hart))
		return illegal(c, op);
	rv64_sret(&c->run.hart);
	return true;
}

bool interp_mret(struct interp *c, const struct rv64_op *op)
{
	if (c->run.hart.priv != RV64_M)
		return illegal(c, op);
	rv64_mret(&c->run.hart);
	return true;
}

bool interp_wfi(struct interp *c, const struct rv64_op *op)
{
	struct rv64_hart *h = &c->run.hart;

	if (!rv64_wfi_legal(h))
		return illegal(c, op);
	atomic_fetch_or_explicit(&h->attention, RV64_ATTN_WFI, memory_order_relaxed);
	return done(h);
}

bool interp_fence_i(struct interp *c, const struct rv64_op *op)
{
	(void)op;
	rv64_code_fence_i(&c->code);
	return done(&c->run.hart);
}

bool interp_sfence_vma(struct interp *c, const struct rv64_op *op)
{
	struct rv64_hart *h = &c->run.hart;
	uint64_t asid = op->rs2 ? h->x[op->rs2] : UINT64_MAX;

	if (!rv64_sfence_legal(h))
		return illegal(c, op);
	if (op->rs1)
		rv64_mmu_flush_range(h, h->x[op->rs1], 1, asid);
	else
		rv64_mmu_flush_range(h, 0, UINT64_MAX, asid);
	return done(h);
}

/* sinval.vma works at once, so there is nothing left to order. */
bool interp_sfence_order(struct interp *c, const struct rv64_op *op)
{
	if (c->run.hart.priv == RV64_U)
		return illegal(c, op);
	return done(&c->run.hart);
}

/* Caches are written back, which memory that is always coherent has no use for. */
bool interp_th_cache(struct interp *c, const struct rv64_op *op)
{
	struct rv64_hart *h = &c->run.hart;

	if (!rv64_thead_cache_legal(h))
		return illegal(c, op);
	rv64_thead_cache(h, (uint32_t)op->imm, h->x[op->rs1]);
	return done(h);
}

bool interp_th_fetch(struct interp *c, const struct rv64_op *op)
{
	return rv64_thead_cache_legal(&c->run.hart) ? interp_fence_i(c, op) : illegal(c, op);
}

static int csr_access(struct rv64_hart *h, uint32_t bits, uint64_t *old)
{
	unsigned num = bits >> 20;
	unsigned rs1 = bits >> 15 & 31;
	bool has_rd = bits >> 7 & 31;
	uint64_t value = bits & 0x4000 ? rs1 : h->x[rs1];

	switch (bits >> 12 & 3) {
	case 1: return rv64_csr_write(h, num, value, has_rd ? old : NULL);
	case 2: return rs1 ? rv64_csr_change(h, num, 0, value, old) : rv64_csr_read(h, num, old);
	default: return rs1 ? rv64_csr_change(h, num, value, 0, old) : rv64_csr_read(h, num, old);
	}
}

enum interp_next interp_csr(struct interp *c, const struct rv64_op *op)
{
	struct rv64_hart *h = &c->run.hart;
	uint64_t fetch_ctx = h->mmu.fetch_ctx;
	uint64_t old = 0;

	if (csr_access(h, (uint32_t)op->imm, &old)) {
		illegal(c, op);
		return INTERP_TRAP;
	}
	h->x[op->rd] = old;
	if (h->mmu.fetch_ctx != fetch_ctx ||
	    atomic_load_explicit(&h->attention, memory_order_relaxed))
		return INTERP_LEAVE;
	return INTERP_NEXT;
}

/* The bits of an instruction that does not carry them along: read once more. Should they have been
 * overwritten since they were decoded, the trap shows what is there now. */
static uint32_t bits_of(const struct interp *c, const struct rv64_block *b,
			const struct rv64_op *op)
{
	const uint8_t *p = c->code.page[b->page[0]].host + (b->pa & 0xfff) + rv64_op_offset(op);
	uint32_t bits;

	if (b->page[1] != RV64_PAGE_NONE)
		return b->bits;
	bits = rv64_code_read(p);
	if (rv64_insn_len((uint16_t)bits) == 4 && ((uintptr_t)p & 0xfff) != 0xffe)
		bits |= (uint32_t)rv64_code_read(p + 2) << 16;
	return bits;
}

void interp_illegal(struct interp *c, const struct rv64_block *b, const struct rv64_op *op)
{
	uint32_t bits;

	if (op->handler == c->code.handlers[RV64_ILLEGAL_INSN])
		bits = (uint32_t)op->imm;
	else
		bits = bits_of(c, b, op);
	rv64_exception(&c->run.hart, RV64_ILLEGAL, bits);
}

/* A hart that spins waits for another one, which may need this host CPU to come to its end. Any
 * time may have passed then, far more than a slice of instructions takes: a timer may be due. */
void interp_pause(struct interp *c)
{
	struct rv64_hart *h = &c->run.hart;

	if (rv64_run_is_alone(&c->run) || h->cpu.vm->cfg.in_turns)
		return;
	sched_yield();
	/* Relaxed: a message of the hart to itself. */
	atomic_fetch_or_explicit(&h->attention, RV64_ATTN_IRQ, memory_order_relaxed);
}
