/* SPDX-License-Identifier: MIT */
/* Traps: delegation, the stack of enables and privileges, vectors, interrupt priorities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sys_fixture.h"

#define S_HANDLER 0x5000ull

static const uint8_t privs[] = {RV64_U, RV64_S, RV64_M};

static int setup(void **state)
{
	struct sys *s = sys_new(false);

	s->hart.csr.stvec = S_HANDLER;
	*state = s;
	return 0;
}

static uint64_t status(const struct sys *s)
{
	return s->hart.csr.mstatus;
}

static void check_m(struct sys *s, uint64_t cause, uint64_t tval, unsigned from, bool enabled)
{
	assert_int_equal(s->hart.priv, RV64_M);
	assert_int_equal(s->hart.csr.mcause, cause);
	assert_int_equal(s->hart.csr.mtval, tval);
	assert_int_equal(s->hart.csr.mepc, HERE);
	assert_int_equal(status(s) & MSTATUS_MPP, (uint64_t)from << MSTATUS_MPP_SHIFT);
	assert_int_equal(!!(status(s) & MSTATUS_MPIE), enabled);
	assert_false(status(s) & MSTATUS_MIE);
}

static void check_s(struct sys *s, uint64_t cause, uint64_t tval, unsigned from, bool enabled)
{
	assert_int_equal(s->hart.priv, RV64_S);
	assert_int_equal(s->hart.csr.scause, cause);
	assert_int_equal(s->hart.csr.stval, tval);
	assert_int_equal(s->hart.csr.sepc, HERE);
	assert_int_equal(!!(status(s) & MSTATUS_SPP), from == RV64_S);
	assert_int_equal(!!(status(s) & MSTATUS_SPIE), enabled);
	assert_false(status(s) & MSTATUS_SIE);
}

/* Each exception, from each mode, delegated or not, with the enable bits on or off: the other
 * mode's registers stay as they are. */
static void exceptions(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;

	for (unsigned i = 0; i < 16 * 3 * 2 * 2; i++) {
		unsigned cause = i & 15, from = privs[(i >> 4) % 3];
		bool delegate = i / 48 & 1, on = i / 96 & 1;

		h->csr.medeleg = delegate ? BIT(cause) : ~BIT(cause);
		h->csr.mcause = h->csr.scause = h->csr.mepc = h->csr.sepc = 99;
		sys_enter(s, from);
		sys_status(s, ~0ull, on ? MSTATUS_MIE | MSTATUS_SIE : 0);
		h->pc = HERE;
		rv64_exception(h, cause, 0x1234 + i);
		if (delegate && from != RV64_M) {
			check_s(s, cause, 0x1234 + i, from, on);
			assert_int_equal(h->pc, S_HANDLER);
			assert_int_equal(h->csr.mcause, 99);
			assert_int_equal(h->csr.mepc, 99);
			assert_int_equal(!!(status(s) & MSTATUS_MIE), on);
		} else {
			check_m(s, cause, 0x1234 + i, from, on);
			assert_int_equal(h->pc, HANDLER);
			assert_int_equal(h->csr.scause, 99);
			assert_int_equal(h->csr.sepc, 99);
			assert_int_equal(!!(status(s) & MSTATUS_SIE), on);
		}
	}
}

static void vectors(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	uint64_t intr = BIT(63);

	h->csr.mtvec = HANDLER | 1;
	h->csr.stvec = S_HANDLER | 1;
	h->csr.mideleg = MIP_S;
	h->csr.medeleg = BIT(RV64_ECALL_U);
	for (unsigned irq = 1; irq < 12; irq += 2) {
		bool to_s = BIT(irq) & MIP_S;

		sys_enter(s, RV64_U);
		sys_status(s, ~0ull, MSTATUS_SIE | MSTATUS_MIE);
		h->pc = HERE;
		rv64_interrupt(h, irq);
		assert_int_equal(h->pc, (to_s ? S_HANDLER : HANDLER) + 4 * irq);
		if (to_s)
			check_s(s, intr | irq, 0, RV64_U, true);
		else
			check_m(s, intr | irq, 0, RV64_U, true);
	}
	sys_enter(s, RV64_U);
	rv64_exception(h, RV64_ECALL_U, 0);
	assert_int_equal(h->pc, S_HANDLER);
	rv64_exception(h, RV64_ILLEGAL, 0);
	assert_int_equal(h->pc, HANDLER);
}

/* The interrupt that the rules ask for: to M mode first, each in the order of the specification. */
static int expected(uint64_t pend, uint64_t mie, uint64_t mideleg, unsigned priv, bool m_on,
		    bool s_on)
{
	static const int order[] = {11, 3, 7, 9, 1, 5};

	for (unsigned to_s = 0; to_s < 2; to_s++) {
		for (unsigned i = 0; i < 6; i++) {
			bool delegated = mideleg & BIT(order[i]);

			if (!(pend & mie & BIT(order[i])) || delegated != to_s)
				continue;
			if (!to_s && (priv < RV64_M || m_on))
				return order[i];
			if (to_s && (priv < RV64_S || (priv == RV64_S && s_on)))
				return order[i];
		}
	}
	return -1;
}

/* Spreads the low six bits of i over the six interrupts. */
static uint64_t six(unsigned i)
{
	uint64_t v = 0;

	for (unsigned b = 0; b < 6; b++)
		v |= (uint64_t)(i >> b & 1) << (2 * b + 1);
	return v;
}

static void set_pending(struct sys *s, uint64_t pend)
{
	atomic_store(&s->hart.lines, pend & ~(MIP_STIP | MIP_MTIP));
	atomic_store(&s->hart.timer_m, pend & MIP_MTIP ? s->now : s->now + 1);
	atomic_store(&s->hart.timer_s, pend & MIP_STIP ? s->now : s->now + 1);
}

static void priorities(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	unsigned taken = 0;

	s->now = 50;
	for (unsigned p = 0; p < 64; p++) {
		set_pending(s, six(p));
		for (unsigned i = 0; i < 64 * 8 * 3 * 4; i++) {
			unsigned rest = i >> 9;
			int want, got;

			h->csr.mie = six(i & 63);
			h->csr.mideleg = (i & 64 ? MIP_SSIP : 0) | (i & 128 ? MIP_STIP : 0) |
					 (i & 256 ? MIP_SEIP : 0);
			h->priv = privs[rest % 3];
			h->csr.mstatus = (rest / 3 & 1 ? MSTATUS_MIE : 0) |
					 (rest / 6 & 1 ? MSTATUS_SIE : 0);
			want = expected(six(p), h->csr.mie, h->csr.mideleg, h->priv, rest / 3 & 1,
					rest / 6 & 1);
			got = rv64_interrupt_pending(h);
			assert_int_equal(got, want);
			taken += got >= 0;
			assert_int_equal(rv64_wfi_wakes(h), !!(six(p) & h->csr.mie));
		}
	}
	assert_true(taken > 1000);
}

/* The time is asked for only when a timer could matter. */
static void time_is_dear(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;

	s->n_time_asked = 0;
	sys_enter(s, RV64_S);
	h->csr.mie = MIP_ALL;
	assert_int_equal(rv64_interrupt_pending(h), -1);
	atomic_store(&h->timer_m, 5);
	atomic_store(&h->timer_s, 5);
	h->csr.mie = MIP_ALL & ~(MIP_STIP | MIP_MTIP);
	assert_int_equal(rv64_interrupt_pending(h), -1);
	assert_int_equal(s->n_time_asked, 0);
	h->csr.mie = MIP_STIP;
	assert_int_equal(rv64_interrupt_pending(h), -1);
	assert_int_equal(s->n_time_asked, 1);
}

static void deadlines(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;

	atomic_store(&h->timer_m, 300);
	atomic_store(&h->timer_s, 200);
	h->csr.stimecmp = 100;
	assert_int_equal(rv64_next_deadline(h), UINT64_MAX);
	h->csr.mie = MIP_MTIP;
	assert_int_equal(rv64_next_deadline(h), 300);
	h->csr.mie |= MIP_STIP;
	assert_int_equal(rv64_next_deadline(h), 200);
	h->csr.menvcfg |= MENVCFG_STCE;
	assert_int_equal(rv64_next_deadline(h), 100);
}

static void returns(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;

	h->csr.mepc = 0x1000;
	h->csr.sepc = 0x2000;
	for (unsigned i = 0; i < 12; i++) {
		unsigned to = privs[i % 3];
		bool pie = i / 3 & 1, mprv = i / 6 & 1;

		sys_enter(s, RV64_M);
		sys_status(s, ~0ull,
			   (uint64_t)to << MSTATUS_MPP_SHIFT | (pie ? MSTATUS_MPIE : MSTATUS_MIE) |
				   (mprv ? MSTATUS_MPRV : 0));
		atomic_store(&h->attention, 0);
		rv64_mret(h);
		assert_int_equal(h->pc, 0x1000);
		assert_int_equal(h->priv, to);
		assert_int_equal(status(s), (pie ? MSTATUS_MIE : 0) | MSTATUS_MPIE |
						    (mprv && to == RV64_M ? MSTATUS_MPRV : 0));
		assert_int_equal(atomic_load(&h->attention), RV64_ATTN_IRQ);
	}
	for (unsigned i = 0; i < 8; i++) {
		unsigned to = i & 1 ? RV64_S : RV64_U;
		bool pie = i & 2;

		sys_enter(s, i & 4 ? RV64_M : RV64_S);
		sys_status(s, ~0ull,
			   (to == RV64_S ? MSTATUS_SPP : 0) | (pie ? MSTATUS_SPIE : MSTATUS_SIE) |
				   (i & 4 ? MSTATUS_MPRV : 0));
		rv64_sret(h);
		assert_int_equal(h->pc, 0x2000);
		assert_int_equal(h->priv, to);
		assert_int_equal(status(s), (pie ? MSTATUS_SIE : 0) | MSTATUS_SPIE);
	}
}

/* A trap and its return select the MMU's context. */
static void contexts(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	uint64_t user, supervisor;

	sys_satp(s, sys_new_satp(s, 1));
	h->csr.medeleg = BIT(RV64_ECALL_U);
	sys_enter(s, RV64_S);
	supervisor = h->mmu.ctx;
	sys_enter(s, RV64_U);
	user = h->mmu.ctx;
	assert_int_not_equal(user, supervisor);
	rv64_exception(h, RV64_ECALL_U, 0);
	assert_int_equal(h->mmu.ctx, supervisor);
	rv64_sret(h);
	assert_int_equal(h->mmu.ctx, user);
	rv64_exception(h, RV64_ILLEGAL, 0);
	assert_int_not_equal(h->mmu.ctx, user);
	assert_int_not_equal(h->mmu.ctx, supervisor);
	rv64_mret(h);
	assert_int_equal(h->mmu.ctx, user);
}

/* ---- a handler that cannot run ---- */

struct crashes {
	unsigned n;
	struct cpu_crash last;
};

static void note_crash(void *arg, struct cpu *cpu, const struct cpu_crash *crash)
{
	struct crashes *c = arg;

	c->n++;
	c->last = *crash;
	atomic_store(&rv64_hart_of(cpu)->stopped, true);
}

static void expect_crashes(struct sys *s, struct crashes *c)
{
	struct cpu_env *env = &s->hart.cpu.vm->cfg.env;

	*c = (struct crashes){0};
	env->arg = c;
	env->crashed = note_crash;
	atomic_store(&s->hart.stopped, false);
	sys_enter(s, RV64_M);
	s->hart.csr.mcause = s->hart.csr.mepc = 0;
}

/* Its first instruction faults: what is told is the trap before, once. */
static void no_handler(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	struct crashes c;

	expect_crashes(s, &c);
	h->csr.mtvec = 0;
	h->x[1] = 77;
	h->pc = HERE;
	rv64_exception(h, RV64_LOAD_ACCESS, 0x1234);
	assert_int_equal(c.n, 0);
	assert_int_equal(h->pc, 0);
	rv64_exception(h, RV64_INSN_ACCESS, 0);
	rv64_exception(h, RV64_INSN_ACCESS, 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.last.cause, RV64_LOAD_ACCESS);
	assert_int_equal(c.last.pc, HERE);
	assert_int_equal(c.last.tval, 0x1234);
	assert_int_equal(c.last.handler, 0);
	assert_int_equal(c.last.x[1], 77);
}

/* An interrupt into nothing; and a core that began where nothing is. */
static void no_handler_first(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	struct crashes c;

	expect_crashes(s, &c);
	h->csr.mtvec = 0x40;
	h->pc = HERE;
	rv64_interrupt(h, 7);
	rv64_exception(h, RV64_ILLEGAL, 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.last.cause, BIT(63) | 7);
	assert_int_equal(c.last.pc, HERE);

	rv64_hart_restart(h);
	expect_crashes(s, &c);
	h->pc = 0;
	rv64_exception(h, RV64_INSN_ACCESS, 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.last.cause, RV64_INSN_ACCESS);
	assert_int_equal(c.last.pc, 0);
}

/* Its stack is nowhere: it never gets beyond saving registers. */
static void no_stack(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	struct crashes c;

	expect_crashes(s, &c);
	h->pc = HERE;
	rv64_exception(h, RV64_STORE_ACCESS, 0x10);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(c.n, 0);
		h->pc = HANDLER + 8;
		rv64_exception(h, RV64_STORE_ACCESS, 0x8 - 0x80 * i);
	}
	assert_int_equal(c.n, 1);
	assert_int_equal(c.last.pc, HERE);
	assert_int_equal(c.last.tval, 0x10);
}

/* Handlers that work: they return, or make ecalls, or are not of M mode. */
static void no_crash(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	struct crashes c;

	expect_crashes(s, &c);
	for (unsigned i = 0; i < 100; i++) {
		h->pc = HANDLER + 8;
		rv64_exception(h, RV64_LOAD_ACCESS, 0);
		h->csr.mstatus |= 3ull << MSTATUS_MPP_SHIFT;
		rv64_mret(h);
		h->pc = HANDLER;
		rv64_exception(h, RV64_ECALL_M, 0);
		h->pc = HANDLER + 256;
		rv64_exception(h, RV64_ILLEGAL, 0);
		sys_enter(s, RV64_U);
		h->pc = HANDLER;
		rv64_exception(h, RV64_ILLEGAL, 0);
	}
	assert_int_equal(c.n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, sys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exceptions),       TEST(vectors),  TEST(priorities), TEST(time_is_dear),
		TEST(deadlines),        TEST(returns),  TEST(contexts),   TEST(no_handler),
		TEST(no_handler_first), TEST(no_stack), TEST(no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
