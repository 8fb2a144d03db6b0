/* SPDX-License-Identifier: MIT */
/* Sv39 and Sv48, Svnapot, Svpbmt, the TLB's contexts and flushes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sys_fixture.h"

/* ---- permissions ---- */

/* The rules of the specification, written down a second time and in another way. */
static bool allowed(unsigned flags, enum rv64_priv priv, bool sum, bool mxr, enum rv64_access a)
{
	bool user_page = flags & PTE_U;
	bool r = flags & PTE_R, w = flags & PTE_W, x = flags & PTE_X;

	if (w && !r)
		return false;
	if (!r && !x)
		return false; /* a pointer in the last level */
	if (priv == RV64_U && !user_page)
		return false;
	if (priv == RV64_S && user_page && !sum)
		return false;
	if (priv == RV64_S && user_page && a == RV64_FETCH)
		return false;
	if (a == RV64_FETCH)
		return x;
	if (a == RV64_STORE)
		return w;
	return r || (x && mxr);
}

static struct outcome access_as(struct sys *s, enum rv64_access a, uint64_t va)
{
	switch (a) {
	case RV64_FETCH: return sys_fetch(s, va);
	case RV64_LOAD: return sys_load(s, va, 8);
	default: return sys_store(s, va, 8, MARK);
	}
}

static const int page_cause[] = {[RV64_FETCH] = RV64_INSN_PAGE,
				 [RV64_LOAD] = RV64_LOAD_PAGE,
				 [RV64_STORE] = RV64_STORE_PAGE};
static const int access_cause[] = {[RV64_FETCH] = RV64_INSN_ACCESS,
				   [RV64_LOAD] = RV64_LOAD_ACCESS,
				   [RV64_STORE] = RV64_STORE_ACCESS};

static void check_page(struct sys *s, unsigned flags, enum rv64_priv priv, unsigned bits)
{
	bool sum = bits & 1, mxr = bits & 2;

	sys_status(s, MSTATUS_SUM | MSTATUS_MXR, (sum ? MSTATUS_SUM : 0) | (mxr ? MSTATUS_MXR : 0));
	/* Twice: the second round is answered by what the first one left in the TLB. */
	for (unsigned i = 0; i < 6; i++) {
		enum rv64_access a = i % 3;
		struct outcome o = access_as(s, a, VA);

		if (!allowed(flags, priv, sum, mxr, a))
			assert_trap(o, page_cause[a], VA);
		else if (a == RV64_FETCH)
			assert_value(o, PA);
		else
			assert_value(o, MARK);
	}
}

static void permissions(void **state)
{
	struct sys *s = *state;

	for (unsigned f = 0; f < 16; f++) {
		unsigned flags = f << 1;
		uint64_t satp = sys_new_satp(s, f + 1);

		sys_map(s, satp, VA, PA, 0, PTE_V | PTE_A | PTE_D | flags);
		sys_satp(s, satp);
		for (unsigned bits = 0; bits < 4; bits++) {
			sys_enter(s, RV64_U);
			check_page(s, flags, RV64_U, bits);
			sys_enter(s, RV64_S);
			check_page(s, flags, RV64_S, bits);
		}
	}
}

/* M mode with MPRV loads and stores like MPP and fetches like itself. */
static void mprv(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);

	sys_map(s, satp, VA, PA, 0, PTE_RW | PTE_X | PTE_U);
	sys_satp(s, satp);
	sys_enter(s, RV64_M);
	assert_trap(sys_load(s, VA, 8), RV64_LOAD_ACCESS, VA);
	sys_status(s, MSTATUS_MPP, MSTATUS_MPRV); /* MPP = U */
	assert_value(sys_load(s, VA, 8), MARK);
	assert_trap(sys_fetch(s, VA), RV64_INSN_ACCESS, VA);
	assert_value(sys_fetch(s, PA), PA);
	sys_status(s, 0, 1ull << MSTATUS_MPP_SHIFT); /* S, without SUM */
	assert_trap(sys_load(s, VA, 8), RV64_LOAD_PAGE, VA);
	sys_status(s, 0, MSTATUS_SUM);
	assert_value(sys_load(s, VA, 8), MARK);
	sys_status(s, 0, MSTATUS_MPP); /* M */
	assert_value(sys_load(s, PA, 8), MARK);
}

static void accessed_and_dirty(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte = sys_map(s, satp, VA, PA, 0, PTE_V | PTE_R | PTE_W | PTE_X);
	uint64_t clean = *pte;

	sys_satp(s, satp);
	assert_value(sys_load(s, VA, 8), MARK);
	assert_int_equal(*pte, clean | PTE_A);
	assert_value(sys_load(s, VA, 8), MARK);
	assert_int_equal(*pte, clean | PTE_A);
	assert_done(sys_store(s, VA, 8, 5));
	assert_int_equal(*pte, clean | PTE_A | PTE_D);
	assert_int_equal(*sys_ram(s, PA), 5);

	*pte = clean;
	rv64_mmu_flush(&s->hart);
	assert_value(sys_fetch(s, VA), PA);
	assert_int_equal(*pte, clean | PTE_A);

	/* What is not allowed leaves no trace. */
	*pte = clean & ~(uint64_t)PTE_W;
	rv64_mmu_flush(&s->hart);
	assert_trap(sys_store(s, VA, 8, 6), RV64_STORE_PAGE, VA);
	assert_int_equal(*pte, clean & ~(uint64_t)PTE_W);
}

static void accessed_and_dirty_by_software(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte = sys_map(s, satp, VA, PA, 0, PTE_V | PTE_R | PTE_W | PTE_X);
	uint64_t clean = *pte;

	s->hart.csr.menvcfg &= ~MENVCFG_ADUE;
	sys_satp(s, satp);
	for (enum rv64_access a = RV64_FETCH; a <= RV64_STORE; a++)
		assert_trap(access_as(s, a, VA), page_cause[a], VA);
	assert_int_equal(*pte, clean);
	*pte = clean | PTE_A;
	rv64_mmu_flush(&s->hart);
	assert_value(sys_load(s, VA, 8), MARK);
	assert_value(sys_fetch(s, VA), PA);
	assert_trap(sys_store(s, VA, 8, 6), RV64_STORE_PAGE, VA);
	*pte = clean | PTE_A | PTE_D;
	rv64_mmu_flush(&s->hart);
	assert_done(sys_store(s, VA, 8, 6));
}

/* ---- broken tables ---- */

static void expect_all(struct sys *s, const int *causes, uint64_t va)
{
	rv64_mmu_flush(&s->hart);
	for (enum rv64_access a = RV64_FETCH; a <= RV64_STORE; a++)
		assert_trap(access_as(s, a, va), causes[a], va);
}

static void bad_entries(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	uint64_t good = PTE_RW | PTE_X;
	_Atomic uint64_t *pte = sys_map(s, satp, VA, PA, 0, good);
	_Atomic uint64_t *table =
		(_Atomic uint64_t *)(void *)sys_ram(s, ((satp & SATP_PPN) << 12) + (VA >> 30) * 8);
	uint64_t leaf = *pte, pointer = *table;

	sys_satp(s, satp);
	assert_value(sys_load(s, VA, 8), MARK);
	*pte = leaf & ~(uint64_t)PTE_V;
	expect_all(s, page_cause, VA);
	for (unsigned bit = 54; bit < 64; bit++) {
		*pte = leaf | BIT(bit);
		if (bit < 61)
			expect_all(s, page_cause, VA);
		*pte = leaf;
		*table = pointer | BIT(bit);
		expect_all(s, page_cause, VA);
		*table = pointer;
	}
	*pte = PA >> 12 << 10 | PTE_V; /* a pointer at the end */
	expect_all(s, page_cause, VA);
	*pte = leaf;
	for (unsigned i = 0; i < 3; i++) {
		*table = pointer | (uint64_t[]){PTE_A, PTE_D, PTE_U}[i];
		expect_all(s, page_cause, VA);
	}
	*table = pointer | PTE_G; /* means something in a pointer */
	rv64_mmu_flush(&s->hart);
	assert_value(sys_load(s, VA, 8), MARK);
	*table = DEVICE >> 12 << 10 | PTE_V; /* a table outside RAM */
	expect_all(s, access_cause, VA);
	*table = (1ull << 54) - 1 - 1023 + PTE_V; /* and at the end of the address space */
	expect_all(s, access_cause, VA);
}

static void not_canonical(void **state)
{
	static const uint64_t bad[] = {
		0x4000000000,           0x8000000000, 0xffffff8000000000 ^ BIT(63),
		0xffffffbfffffffff - 7, BIT(63),      BIT(39) | VA};
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);

	sys_map(s, satp, 0, PA, 2, PTE_RW | PTE_X);
	sys_map(s, satp, VA, PA, 0, PTE_RW | PTE_X);
	sys_map(s, satp, 0xffffffffc0000000, RAM, 2, PTE_RW | PTE_X);
	sys_satp(s, satp);
	assert_value(sys_fetch(s, 0xffffffffc0001000), RAM + 0x1000);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		expect_all(s, page_cause, bad[i]);
}

static void large_pages(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	uint64_t giga = 0x3fc0000000ull, mega = 0x3f80000000ull;
	_Atomic uint64_t *g = sys_map(s, satp, giga, RAM, 2, PTE_RW);
	_Atomic uint64_t *m = sys_map(s, satp, mega, RAM, 1, PTE_RW);

	sys_satp(s, satp);
	assert_value(sys_load(s, giga + (PA - RAM), 8), MARK);
	assert_value(sys_load(s, giga + (OTHER - RAM), 8), ~MARK);
	assert_value(sys_load(s, mega + (PA - RAM), 8), MARK);
	assert_value(sys_load(s, mega + (OTHER - RAM), 8), ~MARK);

	/* One sfence.vma anywhere in the page is enough for all its pieces. */
	*g = 0;
	rv64_mmu_flush_range(&s->hart, giga + 0x3ffff000, 4096, 1);
	assert_trap(sys_load(s, giga + (PA - RAM), 8), RV64_LOAD_PAGE, giga + (PA - RAM));
	assert_int_equal(s->flush_va, giga);
	assert_int_equal(s->flush_size, 1u << 30);
	*m = 0;
	rv64_mmu_flush_range(&s->hart, mega + 0x1ff000, 4096, UINT64_MAX);
	assert_trap(sys_load(s, mega + (OTHER - RAM), 8), RV64_LOAD_PAGE, mega + (OTHER - RAM));

	/* Misaligned ones. */
	*g = (RAM + 0x1000) >> 12 << 10 | PTE_RW | PTE_X;
	expect_all(s, page_cause, giga);
	*g = (RAM + 0x200000) >> 12 << 10 | PTE_RW | PTE_X;
	expect_all(s, page_cause, giga);
	*m = (RAM + 0x1000) >> 12 << 10 | PTE_RW | PTE_X;
	expect_all(s, page_cause, mega);
}

static void memory_types(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte = sys_map(s, satp, VA, PA, 0, PTE_RW | PTE_X);
	uint64_t leaf = *pte;

	sys_satp(s, satp);
	for (uint64_t type = 0; type < 3; type++) {
		*pte = leaf | type << 61;
		rv64_mmu_flush(&s->hart);
		assert_value(sys_load(s, VA, 8), MARK);
	}
	*pte = leaf | 3ull << 61;
	expect_all(s, page_cause, VA);
	*pte = leaf | 1ull << 61;
	s->hart.csr.menvcfg &= ~MENVCFG_PBMTE;
	expect_all(s, page_cause, VA);
}

#define NAPOT(pa) (((pa) >> 12 << 10) | 8ull << 10 | BIT(63))

/* Sixteen entries that are alike: 64 KiB, of which each page is where it should be. */
static void napot_pages(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte = NULL;

	for (unsigned i = 16; i-- > 0;) {
		pte = sys_map(s, satp, VA + i * 0x1000, 0, 0, 0);
		*pte = NAPOT(PA) | PTE_RW | PTE_X;
		*sys_ram(s, PA + i * 0x1000) = MARK + i;
	}
	sys_satp(s, satp);
	for (unsigned i = 0; i < 16; i++) {
		assert_value(sys_load(s, VA + i * 0x1000, 8), MARK + i);
		assert_value(sys_fetch(s, VA + i * 0x1000), PA + i * 0x1000);
	}
	/* One sfence.vma anywhere in the page is enough for all of it. */
	for (unsigned i = 0; i < 16; i++)
		pte[i] = 0;
	rv64_mmu_flush_range(&s->hart, VA + 0x3000, 4096, UINT64_MAX);
	for (unsigned i = 0; i < 16; i++)
		assert_trap(sys_load(s, VA + i * 0x1000, 8), RV64_LOAD_PAGE, VA + i * 0x1000);
	/* Sizes that there are not, and not above the last level. */
	for (uint64_t low = 0; low < 16; low++) {
		if (low == 8)
			continue;
		*pte = (PA >> 12 << 10) | low << 10 | BIT(63) | PTE_RW | PTE_X;
		expect_all(s, page_cause, VA);
	}
	pte = sys_map(s, satp, 0x80000000, 0, 1, 0);
	*pte = NAPOT(RAM) | PTE_RW | PTE_X;
	expect_all(s, page_cause, 0x80000000);
}

#define HIGH 0x123456789000ull /* needs four levels */

static void sv48(void **state)
{
	static const uint64_t bad[] = {BIT(47), BIT(48), 0xffff000000000000 | HIGH, BIT(63) | HIGH};
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1) ^ (1ull << SATP_MODE_SHIFT);
	_Atomic uint64_t *tera;

	/* Without it a write of satp has no effect. */
	assert_int_equal(rv64_csr_write(&s->hart, CSR_SATP, satp, NULL), 0);
	assert_int_equal(s->hart.csr.satp, 0);
	s->vm.cfg.sv48 = true;
	sys_map(s, satp, HIGH, PA, 0, PTE_RW | PTE_X);
	sys_map(s, satp, 0xffffffffc0000000, RAM, 2, PTE_RW | PTE_X);
	assert_int_equal(rv64_csr_write(&s->hart, CSR_SATP, satp, NULL), 0);
	assert_int_equal(s->hart.csr.satp, satp);
	assert_value(sys_load(s, HIGH, 8), MARK);
	assert_value(sys_fetch(s, 0xffffffffc0001000), RAM + 0x1000);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		expect_all(s, page_cause, bad[i]);

	/* 512 GiB at once, from 0. */
	tera = sys_map(s, satp, 0x8000000000, 0, 3, PTE_RW);
	assert_value(sys_load(s, 0x8000000000 + PA, 8), MARK);
	assert_value(sys_load(s, 0x8000000000 + OTHER, 8), ~MARK);
	*tera = 0;
	rv64_mmu_flush_range(&s->hart, 0x8000000000, 4096, 1);
	assert_trap(sys_load(s, 0x8000000000 + PA, 8), RV64_LOAD_PAGE, 0x8000000000 + PA);
	assert_trap(sys_load(s, 0x8000000000 + OTHER, 8), RV64_LOAD_PAGE, 0x8000000000 + OTHER);
}

/* ---- contexts and flushes ---- */

static void address_spaces(void **state)
{
	struct sys *s = *state;
	uint64_t a = sys_new_satp(s, 1), b = sys_new_satp(s, 2);
	_Atomic uint64_t *pte = sys_map(s, a, VA, PA, 0, PTE_RW);

	sys_map(s, b, VA, OTHER, 0, PTE_RW);
	for (unsigned i = 0; i < 3; i++) {
		sys_satp(s, a);
		assert_value(sys_load(s, VA, 8), MARK);
		sys_satp(s, b);
		assert_value(sys_load(s, VA, 8), ~MARK);
	}
	sys_satp(s, 0);
	assert_value(sys_load(s, PA, 8), MARK);
	assert_trap(sys_load(s, VA, 8), RV64_LOAD_ACCESS, VA);
	/* Each kind of flush reaches an address space that is not the current one. */
	for (unsigned i = 0; i < 5; i++) {
		sys_satp(s, a);
		*pte = PA >> 12 << 10 | PTE_RW;
		rv64_mmu_flush(&s->hart);
		assert_value(sys_load(s, VA, 8), MARK);
		sys_satp(s, b);
		*pte = OTHER >> 12 << 10 | PTE_RW;
		switch (i) {
		case 0: rv64_mmu_flush(&s->hart); break;
		case 1: rv64_mmu_flush_range(&s->hart, VA, 4096, 1); break;
		case 2: rv64_mmu_flush_range(&s->hart, VA + 8, 1, UINT64_MAX); break;
		case 3: rv64_mmu_flush_range(&s->hart, 0, UINT64_MAX, 1); break;
		case 4: rv64_mmu_flush_range(&s->hart, VA - 0x100000, 0x200000, 1); break;
		}
		sys_satp(s, a);
		assert_value(sys_load(s, VA, 8), ~MARK);
	}
}

/* A flush of several pages takes each of them, the last one too. */
static void flush_ranges(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte[64];

	for (unsigned i = 0; i < 64; i++)
		pte[i] = sys_map(s, satp, VA + i * 0x1000, PA, 0, PTE_RW);
	sys_satp(s, satp);
	for (unsigned n = 1; n <= 64; n++) {
		for (unsigned i = 0; i < 64; i++)
			*pte[i] = PA >> 12 << 10 | PTE_RW;
		rv64_mmu_flush(&s->hart);
		for (unsigned i = 0; i < 64; i++)
			assert_value(sys_load(s, VA + i * 0x1000, 8), MARK);
		for (unsigned i = 0; i < n; i++)
			*pte[i] = OTHER >> 12 << 10 | PTE_RW;
		/* Begins and ends within a page. */
		rv64_mmu_flush_range(&s->hart, VA + 0xff8, (n - 1) * 0x1000ull + 1, UINT64_MAX);
		for (unsigned i = 0; i < 64; i++)
			assert_value(sys_load(s, VA + i * 0x1000, 8), i < n ? ~MARK : MARK);
	}
}

/* Many more address spaces than there are numbers, each with a page of its own. */
static void contexts_run_out(void **state)
{
	struct sys *s = *state;
	uint64_t satp[200];

	for (unsigned i = 0; i < ARRAY_SIZE(satp); i++) {
		satp[i] = sys_new_satp(s, 1000 + i);
		sys_map(s, satp[i], VA, RAM + 0x100000 + i * 0x1000, 0, PTE_RW | PTE_U);
		*sys_ram(s, RAM + 0x100000 + i * 0x1000) = i;
	}
	for (unsigned i = 0; i < 1500; i++) {
		sys_satp(s, satp[i * 7 % ARRAY_SIZE(satp)]);
		sys_enter(s, RV64_U);
		assert_value(sys_load(s, VA, 8), i * 7 % ARRAY_SIZE(satp));
		sys_enter(s, RV64_S);
		sys_status(s, 0, MSTATUS_SUM);
		assert_value(sys_load(s, VA, 8), i * 7 % ARRAY_SIZE(satp));
		sys_status(s, MSTATUS_SUM, 0);
		assert_trap(sys_load(s, VA, 8), RV64_LOAD_PAGE, VA);
		assert_in_range(s->hart.mmu.ctx >> 3, 1, RV64_CTX_MAX);
		assert_in_range(s->hart.mmu.fetch_ctx >> 3, 1, RV64_CTX_MAX);
	}
	assert_true(s->n_fetch_flush >= 2);
	assert_int_equal(s->flush_size, UINT64_MAX);
}

static void for_debuggers(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte = sys_map(s, satp, VA, PA, 0, PTE_V | PTE_X | PTE_U);
	uint64_t before = *pte, pa;

	assert_int_equal(rv64_debug_translate(&s->hart, VA, &pa), 0);
	assert_int_equal(pa, VA);
	sys_satp(s, satp);
	assert_int_equal(rv64_debug_translate(&s->hart, VA + 5, &pa), 0);
	assert_int_equal(pa, PA + 5);
	assert_int_equal(*pte, before);
	assert_true(rv64_debug_translate(&s->hart, VA + 0x1000, &pa) < 0);
}

/* A program walks through two arrays at once: one slot for both pages would be asked for each by
 * turns. malloc() puts its header, and so a page, between arrays of a power of two. */
static void slots_of_two_arrays(void **state)
{
	for (unsigned k = 4; k <= 16; k++) {
		for (unsigned n = 0; n < 6 * 64; n++) {
			uint64_t pages = ((uint64_t)(n % 2 ? 3 : 1) << k) + n / 2 % 3;
			uint64_t from = n / 6 * UINT64_C(0x2a5a5000), together = 0;

			for (uint64_t va = from; va < from + (64 << 12); va += 1 << 12)
				together += RV64_TLB_INDEX(1, va) ==
					    RV64_TLB_INDEX(1, va + (pages << 12));
			assert_true(together <= 2);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, sys_setup_marked, sys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(permissions),
		TEST(mprv),
		TEST(accessed_and_dirty),
		TEST(accessed_and_dirty_by_software),
		TEST(bad_entries),
		TEST(not_canonical),
		TEST(large_pages),
		TEST(address_spaces),
		TEST(flush_ranges),
		TEST(contexts_run_out),
		TEST(memory_types),
		TEST(napot_pages),
		TEST(sv48),
		TEST(for_debuggers),
		TEST(slots_of_two_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
