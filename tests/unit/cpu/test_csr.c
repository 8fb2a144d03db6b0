/* SPDX-License-Identifier: MIT */
/* Which CSRs exist, who may touch them, and what of a written value stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sys_fixture.h"

static int setup(void **state)
{
	*state = sys_new(false);
	return 0;
}

static bool readable(struct sys *s, unsigned num)
{
	uint64_t v;

	return rv64_csr_read(&s->hart, num, &v) == 0;
}

static bool writable(struct sys *s, unsigned num)
{
	return rv64_csr_change(&s->hart, num, 0, 0, NULL) == 0;
}

/* What is left of all ones, then of all zeros, in M mode. */
static const struct {
	unsigned num;
	uint64_t ones, zeros;
} warl[] = {
	{CSR_MSTATUS, 0x8000000a007e79aa, 0x0000000a00000000},
	{CSR_SSTATUS, 0x80000002000c6122, 0x0000000200000000},
	{CSR_MISA, 0x800000000014112f, 0x800000000014112f},
	{CSR_MEDELEG, 0xb3ff, 0},
	{CSR_MIDELEG, 0x222, 0},
	{CSR_MIE, 0xaaa, 0},
	{CSR_SIE, 0, 0},         /* nothing delegated any more */
	{CSR_MTVEC, HANDLER, 0}, /* a reserved mode */
	{CSR_STVEC, 0, 0},
	{CSR_MCOUNTEREN, 0xffffffff, 0},
	{CSR_SCOUNTEREN, 0xffffffff, 0},
	{CSR_MCOUNTINHIBIT, 0x7fd, 0},
	{CSR_MENVCFG, 0xe0000000000000f1, 0},
	{CSR_SENVCFG, 0xf1, 0},
	{CSR_MSCRATCH, ~0ull, 0},
	{CSR_SSCRATCH, ~0ull, 0},
	{CSR_MEPC, ~1ull, 0},
	{CSR_SEPC, ~1ull, 0},
	{CSR_MCAUSE, ~0ull, 0},
	{CSR_SCAUSE, ~0ull, 0},
	{CSR_MTVAL, ~0ull, 0},
	{CSR_STVAL, ~0ull, 0},
	{CSR_SATP, 0, 0}, /* an unsupported mode */
	{CSR_STIMECMP, ~0ull, 0},
	{CSR_MHPMEVENT3, 0, 0},
	{CSR_MHPMEVENT31, 0, 0},
	{CSR_MHPMCOUNTER3, ~0ull, 0},
	{CSR_MHPMCOUNTER31, 0, 0},
	{CSR_FFLAGS, 31, 0},
	{CSR_FRM, 7, 0},
	{CSR_FCSR, 255, 0},
};

static void fields(void **state)
{
	struct sys *s = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(warl); i++) {
		s->hart.csr.mstatus |= MSTATUS_FS;
		sys_set_csr(s, warl[i].num, ~0ull);
		assert_int_equal(sys_csr(s, warl[i].num), warl[i].ones);
		sys_set_csr(s, warl[i].num, 0);
		assert_int_equal(sys_csr(s, warl[i].num), warl[i].zeros);
	}
}

static void reserved_values(void **state)
{
	struct sys *s = *state;
	uint64_t satp = (uint64_t)SATP_MODE_SV39 << 60 | 0xabcdull << 44 | 0x80000;

	sys_set_csr(s, CSR_MSTATUS, 1ull << MSTATUS_MPP_SHIFT);
	sys_set_csr(s, CSR_MSTATUS, 2ull << MSTATUS_MPP_SHIFT | MSTATUS_SUM);
	assert_int_equal(sys_csr(s, CSR_MSTATUS) & (MSTATUS_MPP | MSTATUS_SUM),
			 1ull << MSTATUS_MPP_SHIFT | MSTATUS_SUM);
	sys_set_csr(s, CSR_MTVEC, 0x1001);
	sys_set_csr(s, CSR_MTVEC, 0x2002);
	assert_int_equal(sys_csr(s, CSR_MTVEC), 0x1001);
	sys_set_csr(s, CSR_SENVCFG, 1 << 4);
	sys_set_csr(s, CSR_SENVCFG, 2 << 4 | ENVCFG_CBZE);
	assert_int_equal(sys_csr(s, CSR_SENVCFG), 1 << 4 | ENVCFG_CBZE);
	sys_set_csr(s, CSR_SATP, satp);
	assert_int_equal(sys_csr(s, CSR_SATP), satp);
	for (uint64_t mode = 0; mode < 16; mode++) {
		sys_set_csr(s, CSR_SATP, mode << 60 | 5);
		assert_int_equal(sys_csr(s, CSR_SATP),
				 mode == 0 || mode == 8 ? mode << 60 | 5 : satp);
		sys_set_csr(s, CSR_SATP, satp);
	}
	for (uint64_t fs = 0; fs < 4; fs++) {
		sys_set_csr(s, CSR_MSTATUS, fs << 13);
		assert_int_equal(sys_csr(s, CSR_SSTATUS) & (MSTATUS_FS | MSTATUS_SD),
				 fs << 13 | (fs == 3 ? MSTATUS_SD : 0));
	}
}

static void identity(void **state)
{
	struct sys *s = *state;

	s->hart.cpu.id = 3;
	assert_int_equal(sys_csr(s, CSR_MHARTID), 3);
	for (unsigned num = CSR_MVENDORID; num <= CSR_MIMPID; num++)
		assert_int_equal(sys_csr(s, num), 0);
	assert_int_equal(sys_csr(s, CSR_MCONFIGPTR), 0);
	for (unsigned num = CSR_MVENDORID; num <= CSR_MCONFIGPTR; num++)
		assert_false(writable(s, num));
}

/* Every number: S mode sees nothing of M mode's, U mode nothing of both; what is read-only by its
 * number cannot be written; what cannot be read cannot be written. */
static void privilege_of_all(void **state)
{
	struct sys *s = *state;
	unsigned n = 0;

	s->hart.csr.mcounteren = s->hart.csr.scounteren = ~0u;
	s->hart.csr.menvcfg |= MENVCFG_STCE;
	s->hart.csr.mstatus |= MSTATUS_FS;
	for (unsigned num = 0; num < 4096; num++) {
		bool r;

		sys_enter(s, RV64_M);
		r = readable(s, num);
		n += r;
		assert_int_equal(writable(s, num), r && num >> 10 != 3);
		sys_enter(s, RV64_S);
		assert_int_equal(readable(s, num), r && (num >> 8 & 3) <= 1);
		sys_enter(s, RV64_U);
		assert_int_equal(readable(s, num), r && (num >> 8 & 3) == 0);
	}
	/* U: fcsr and its parts, 32 counters. S: 12. M: 9 of trap set-up, 5 of trap handling, 18 of
	 * PMP, 31 counters, 29 events, 5 of identity. */
	assert_int_equal(n, 3 + 32 + 12 + 9 + 5 + 18 + 31 + 29 + 5);
}

static void failed_changes_nothing(void **state)
{
	struct sys *s = *state;
	uint64_t old = 77;

	sys_enter(s, RV64_S);
	assert_int_equal(rv64_csr_write(&s->hart, CSR_MSCRATCH, 1, &old), -1);
	assert_int_equal(rv64_csr_write(&s->hart, CSR_CYCLE, 1, &old), -1);
	assert_int_equal(rv64_csr_change(&s->hart, CSR_TIME, 0, 0, &old), -1);
	assert_int_equal(old, 77);
	assert_int_equal(s->hart.csr.mscratch, 0);
}

static void set_and_clear(void **state)
{
	struct sys *s = *state;
	uint64_t old;

	sys_set_csr(s, CSR_MSCRATCH, 0xf0);
	assert_int_equal(rv64_csr_change(&s->hart, CSR_MSCRATCH, 0, 0x0f, &old), 0);
	assert_int_equal(old, 0xf0);
	assert_int_equal(rv64_csr_change(&s->hart, CSR_MSCRATCH, 0x3c, 0, &old), 0);
	assert_int_equal(old, 0xff);
	assert_int_equal(rv64_csr_write(&s->hart, CSR_MSCRATCH, 9, &old), 0);
	assert_int_equal(old, 0xc3);
	assert_int_equal(sys_csr(s, CSR_MSCRATCH), 9);
}

static void floating_point(void **state)
{
	struct sys *s = *state;

	for (unsigned num = CSR_FFLAGS; num <= CSR_FCSR; num++)
		assert_false(readable(s, num) || writable(s, num));
	sys_set_csr(s, CSR_MSTATUS, 1 << 13);
	assert_int_equal(sys_csr(s, CSR_FCSR), 0);
	assert_int_equal(sys_csr(s, CSR_MSTATUS) & MSTATUS_FS, 1 << 13);
	sys_set_csr(s, CSR_FRM, 3);
	sys_set_csr(s, CSR_FFLAGS, 0x11);
	assert_int_equal(sys_csr(s, CSR_FCSR), 0x71);
	assert_int_equal(sys_csr(s, CSR_MSTATUS) & MSTATUS_FS, MSTATUS_FS);
	sys_set_csr(s, CSR_FCSR, 0xa4);
	assert_int_equal(s->hart.frm, 5);
	assert_int_equal(s->hart.fflags, 4);
}

static void traps_of_virtual_machines(void **state)
{
	struct sys *s = *state;

	sys_enter(s, RV64_S);
	assert_true(readable(s, CSR_SATP));
	assert_true(rv64_sfence_legal(&s->hart));
	assert_true(rv64_sret_legal(&s->hart));
	assert_true(rv64_wfi_legal(&s->hart));
	sys_status(s, 0, MSTATUS_TVM);
	assert_false(readable(s, CSR_SATP) || writable(s, CSR_SATP));
	assert_false(rv64_sfence_legal(&s->hart));
	assert_true(rv64_sret_legal(&s->hart) && rv64_wfi_legal(&s->hart));
	sys_status(s, MSTATUS_TVM, MSTATUS_TSR);
	assert_false(rv64_sret_legal(&s->hart));
	assert_true(rv64_sfence_legal(&s->hart) && rv64_wfi_legal(&s->hart));
	sys_status(s, MSTATUS_TSR, MSTATUS_TW);
	assert_false(rv64_wfi_legal(&s->hart));
	sys_status(s, 0, MSTATUS_TVM | MSTATUS_TSR | MSTATUS_TW);
	sys_enter(s, RV64_M);
	assert_true(readable(s, CSR_SATP) && rv64_sfence_legal(&s->hart));
	assert_true(rv64_sret_legal(&s->hart) && rv64_wfi_legal(&s->hart));
	sys_status(s, MSTATUS_TVM | MSTATUS_TSR | MSTATUS_TW, 0);
	sys_enter(s, RV64_U);
	assert_false(rv64_sfence_legal(&s->hart) || rv64_sret_legal(&s->hart));
	assert_false(rv64_wfi_legal(&s->hart));
}

static void cache_blocks(void **state)
{
	struct sys *s = *state;
	static const uint64_t bit[] = {[RV64_CBO_INVAL] = 1 << 4,
				       [RV64_CBO_CLEAN] = ENVCFG_CBCFE,
				       [RV64_CBO_FLUSH] = ENVCFG_CBCFE,
				       [RV64_CBO_ZERO] = ENVCFG_CBZE};

	for (enum rv64_cbo op = RV64_CBO_INVAL; op <= RV64_CBO_ZERO; op++) {
		for (unsigned i = 0; i < 4; i++) {
			bool m = i & 1, u = i & 2;

			sys_enter(s, RV64_M);
			sys_set_csr(s, CSR_MENVCFG,
				    m ? bit[op] : SENVCFG_ALL & ~bit[op] & ~ENVCFG_CBIE);
			sys_set_csr(s, CSR_SENVCFG,
				    u ? bit[op] : SENVCFG_ALL & ~bit[op] & ~ENVCFG_CBIE);
			assert_true(rv64_cbo_legal(&s->hart, op));
			sys_enter(s, RV64_S);
			assert_int_equal(rv64_cbo_legal(&s->hart, op), m);
			sys_enter(s, RV64_U);
			assert_int_equal(rv64_cbo_legal(&s->hart, op), m && u);
		}
	}
}

/* ---- counters ---- */

static void counter_enables(void **state)
{
	struct sys *s = *state;

	for (unsigned c = 0; c < 32; c++) {
		for (unsigned i = 0; i < 4; i++) {
			s->hart.csr.mcounteren = i & 1 ? BIT(c) : ~BIT(c);
			s->hart.csr.scounteren = i & 2 ? BIT(c) : ~BIT(c);
			sys_enter(s, RV64_M);
			assert_true(readable(s, CSR_CYCLE + c));
			sys_enter(s, RV64_S);
			assert_int_equal(readable(s, CSR_CYCLE + c), i & 1);
			sys_enter(s, RV64_U);
			assert_int_equal(readable(s, CSR_CYCLE + c), i == 3);
		}
	}
}

static void counters(void **state)
{
	struct sys *s = *state;

	s->now = 1234;
	assert_int_equal(sys_csr(s, CSR_TIME), 1234);
	s->hart.retired = 100;
	assert_int_equal(sys_csr(s, CSR_INSTRET), 100);
	assert_int_equal(sys_csr(s, CSR_MCYCLE), 100);
	/* The next instruction reads what was written. */
	sys_set_csr(s, CSR_MINSTRET, 5);
	sys_set_csr(s, CSR_MCYCLE, 7000);
	s->hart.retired++;
	assert_int_equal(sys_csr(s, CSR_INSTRET), 5);
	assert_int_equal(sys_csr(s, CSR_CYCLE), 7000);
	s->hart.retired += 10;
	assert_int_equal(sys_csr(s, CSR_MINSTRET), 15);
	/* Stop one, then the other. */
	sys_set_csr(s, CSR_MCOUNTINHIBIT, COUNTER_IR);
	s->hart.retired += 10;
	assert_int_equal(sys_csr(s, CSR_INSTRET), 16); /* with the instruction that stopped it */
	assert_int_equal(sys_csr(s, CSR_CYCLE), 7020);
	sys_set_csr(s, CSR_MINSTRET, 50);
	assert_int_equal(sys_csr(s, CSR_INSTRET), 50);
	sys_set_csr(s, CSR_MCOUNTINHIBIT, COUNTER_CY);
	s->hart.retired += 3;
	assert_int_equal(sys_csr(s, CSR_INSTRET), 52);
	assert_int_equal(sys_csr(s, CSR_CYCLE), 7021);
}

/* Zihpm: a counter follows its event from wherever it stood, and stands still when inhibited. */
static void events(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	const unsigned counter = CSR_MHPMCOUNTER3 + 1, event = CSR_MHPMEVENT3 + 1;

	h->happened[RV64_EVENT_INTERRUPT] = 1000;
	assert_int_equal(sys_csr(s, counter), 0);
	sys_set_csr(s, counter, 50);
	sys_set_csr(s, event, RV64_EVENT_INTERRUPT);
	assert_int_equal(sys_csr(s, event), RV64_EVENT_INTERRUPT);
	assert_int_equal(sys_csr(s, counter), 50);
	h->happened[RV64_EVENT_INTERRUPT] += 5;
	h->happened[RV64_EVENT_EXCEPTION] += 7;
	assert_int_equal(sys_csr(s, counter), 55);
	assert_int_equal(sys_csr(s, CSR_INSTRET + 2), 55); /* hpmcounter4 */
	sys_set_csr(s, CSR_MCOUNTINHIBIT, BIT(4));
	h->happened[RV64_EVENT_INTERRUPT] += 5;
	assert_int_equal(sys_csr(s, counter), 55);
	sys_set_csr(s, event, RV64_EVENT_EXCEPTION);
	sys_set_csr(s, CSR_MCOUNTINHIBIT, 0);
	h->happened[RV64_EVENT_EXCEPTION] += 2;
	assert_int_equal(sys_csr(s, counter), 57);
	/* No such event, and counters that there are not. */
	sys_set_csr(s, event, RV64_N_EVENTS);
	assert_int_equal(sys_csr(s, event), 0);
	sys_set_csr(s, CSR_MHPMCOUNTER31, 3);
	sys_set_csr(s, CSR_MHPMEVENT31, 3);
	assert_int_equal(sys_csr(s, CSR_MHPMCOUNTER31), 0);
	assert_int_equal(sys_csr(s, CSR_MHPMEVENT31), 0);
	sys_set_csr(s, CSR_MCOUNTINHIBIT, ~0ull);
	assert_int_equal(sys_csr(s, CSR_MCOUNTINHIBIT), 0x7fd);
}

/* ---- interrupts ---- */

static void stimecmp(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;

	s->now = 1000;
	sys_set_csr(s, CSR_STIMECMP, 500);
	assert_int_equal(sys_csr(s, CSR_MIP), 0); /* STCE is off */
	sys_enter(s, RV64_S);
	assert_false(readable(s, CSR_STIMECMP));
	h->csr.mcounteren = COUNTER_TM;
	assert_false(readable(s, CSR_STIMECMP));
	sys_enter(s, RV64_M);
	sys_set_csr(s, CSR_MIP, MIP_STIP);
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_STIP);
	sys_set_csr(s, CSR_STIMECMP, 1001);
	sys_set_csr(s, CSR_MENVCFG, MENVCFG_STCE);
	assert_int_equal(sys_csr(s, CSR_MIP), 0); /* STIP is the comparison from here on */
	sys_set_csr(s, CSR_MIP, MIP_STIP);
	assert_int_equal(sys_csr(s, CSR_MIP), 0);
	s->now++;
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_STIP);
	assert_int_equal(rv64_csr_change(h, CSR_MIP, MIP_STIP, 0, NULL), 0);
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_STIP);
	sys_enter(s, RV64_S);
	assert_true(readable(s, CSR_STIMECMP));
	h->csr.mcounteren = 0;
	assert_false(readable(s, CSR_STIMECMP));
}

static void pending_bits(void **state)
{
	struct sys *s = *state;
	struct rv64_hart *h = &s->hart;
	uint64_t old;

	/* What drives each bit. */
	atomic_store(&h->lines, BIT(CPU_IRQ_MSI) | BIT(CPU_IRQ_MEI) | BIT(CPU_IRQ_SEI));
	assert_int_equal(sys_csr(s, CSR_MIP), 0xa08);
	atomic_store(&h->timer_m, 0);
	assert_int_equal(sys_csr(s, CSR_MIP), 0xa88);
	atomic_store(&h->timer_s, 0);
	assert_int_equal(sys_csr(s, CSR_MIP), 0xaa8);
	sys_set_csr(s, CSR_MIP, 0); /* nothing of that is software's */
	assert_int_equal(sys_csr(s, CSR_MIP), 0xaa8);

	/* The line of SEIP does not become the software's bit by a read-modify-write. */
	atomic_store(&h->timer_s, UINT64_MAX);
	atomic_store(&h->timer_m, UINT64_MAX);
	atomic_store(&h->lines, BIT(CPU_IRQ_SEI));
	assert_int_equal(rv64_csr_change(h, CSR_MIP, 0, MIP_SSIP, &old), 0);
	assert_int_equal(old, MIP_SEIP);
	atomic_fetch_and(&h->lines, ~BIT(CPU_IRQ_SEI));
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_SSIP);
	sys_set_csr(s, CSR_MIP, ~0ull);
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_S);
	sys_set_csr(s, CSR_MIP, 0);

	/* sip: what is delegated, and only SSIP can be written. */
	sys_set_csr(s, CSR_MIP, MIP_S);
	assert_int_equal(sys_csr(s, CSR_SIP), 0);
	assert_int_equal(rv64_csr_write(h, CSR_SIP, 0, &old), 0);
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_S);
	sys_set_csr(s, CSR_MIDELEG, MIP_SSIP | MIP_SEIP);
	assert_int_equal(rv64_csr_write(h, CSR_SIP, 0, &old), 0);
	assert_int_equal(old, MIP_SSIP | MIP_SEIP);
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_STIP | MIP_SEIP);
	sys_set_csr(s, CSR_SIP, ~0ull);
	assert_int_equal(sys_csr(s, CSR_MIP), MIP_S);

	/* sie likewise. */
	sys_set_csr(s, CSR_MIE, 0xaaa);
	assert_int_equal(sys_csr(s, CSR_SIE), MIP_SSIP | MIP_SEIP);
	sys_set_csr(s, CSR_SIE, 0);
	assert_int_equal(sys_csr(s, CSR_MIE), 0x8a8);
	sys_set_csr(s, CSR_MIE, 0);
	sys_set_csr(s, CSR_SIE, ~0ull);
	assert_int_equal(sys_csr(s, CSR_MIE), MIP_SSIP | MIP_SEIP);
}

/* Every write that can let an interrupt in makes the engine look for it. */
static void attention(void **state)
{
	struct sys *s = *state;
	static const struct {
		unsigned num;
		uint64_t value;
	} w[] = {{CSR_MSTATUS, MSTATUS_MIE}, {CSR_MIE, MIP_SSIP}, {CSR_MIP, MIP_SSIP},
		 {CSR_MIDELEG, MIP_SSIP},    {CSR_SIP, MIP_SSIP}, {CSR_SIE, MIP_SSIP},
		 {CSR_SSTATUS, MSTATUS_SIE}, {CSR_STIMECMP, 5},   {CSR_MENVCFG, MENVCFG_STCE}};

	for (unsigned i = 0; i < ARRAY_SIZE(w); i++) {
		atomic_store(&s->hart.attention, 0);
		sys_set_csr(s, w[i].num, w[i].value);
		assert_int_equal(atomic_load(&s->hart.attention), RV64_ATTN_IRQ);
	}
}

/* A change of what decides translations changes the MMU's context. */
static void contexts(void **state)
{
	struct sys *s = *state;
	uint64_t sv39 = sys_new_satp(s, 1), ctx;

	sys_enter(s, RV64_S);
	ctx = s->hart.mmu.ctx;
	sys_set_csr(s, CSR_SATP, sv39);
	assert_int_not_equal(s->hart.mmu.ctx, ctx);
	assert_int_equal(s->hart.mmu.fetch_ctx, s->hart.mmu.ctx);
	ctx = s->hart.mmu.ctx;
	sys_set_csr(s, CSR_SSTATUS, MSTATUS_SUM);
	assert_int_not_equal(s->hart.mmu.ctx, ctx);
	assert_int_equal(s->hart.mmu.fetch_ctx, ctx);
	sys_set_csr(s, CSR_SSTATUS, MSTATUS_MXR);
	assert_int_not_equal(s->hart.mmu.ctx, ctx);
	sys_set_csr(s, CSR_SSTATUS, 0);
	assert_int_equal(s->hart.mmu.ctx, ctx);
	sys_enter(s, RV64_M);
	sys_set_csr(s, CSR_MSTATUS, MSTATUS_MPRV | 1ull << MSTATUS_MPP_SHIFT);
	assert_int_equal(s->hart.mmu.ctx, ctx);
	assert_int_not_equal(s->hart.mmu.fetch_ctx, ctx);
}

static void reset_with_firmware(void **state)
{
	struct sys *s = sys_new(true);
	struct rv64_hart *h = &s->hart;
	uint64_t v;

	(void)state;
	assert_int_equal(h->priv, RV64_S);
	assert_int_equal(h->csr.medeleg, 0xb1ff);
	assert_int_equal(h->csr.mideleg, MIP_S);
	assert_int_equal(sys_csr(s, CSR_SATP), 0);
	assert_int_equal(sys_csr(s, CSR_SIP), 0);
	assert_int_equal(rv64_csr_read(h, CSR_MSTATUS, &v), -1);
	sys_set_csr(s, CSR_STIMECMP, 0);
	assert_int_equal(sys_csr(s, CSR_SIP), MIP_STIP);
	assert_int_equal(sys_csr(s, CSR_TIME), 0);
	sys_enter(s, RV64_U);
	assert_int_equal(sys_csr(s, CSR_TIME), 0);
	sys_enter(s, RV64_S);
	for (enum rv64_cbo op = RV64_CBO_INVAL; op <= RV64_CBO_ZERO; op++)
		assert_true(rv64_cbo_legal(h, op));
	assert_done(sys_store(s, RAM, 8, 1)); /* PMP does not stand in the way */
	sys_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, sys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fields),
		TEST(reserved_values),
		TEST(identity),
		TEST(privilege_of_all),
		TEST(failed_changes_nothing),
		TEST(set_and_clear),
		TEST(floating_point),
		TEST(traps_of_virtual_machines),
		TEST(cache_blocks),
		TEST(counter_enables),
		TEST(counters),
		TEST(events),
		TEST(stimecmp),
		TEST(pending_bits),
		TEST(attention),
		TEST(contexts),
		TEST(reset_with_firmware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
