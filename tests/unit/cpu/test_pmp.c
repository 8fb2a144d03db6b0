/* SPDX-License-Identifier: MIT */
/* Physical memory protection: matching, priority, locks, and what the TLB may keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sys_fixture.h"

#define CFG(mode, perm) ((unsigned)(mode) << PMP_A_SHIFT | (perm))
#define RWX             (PMP_R | PMP_W | PMP_X)

static int setup(void **state)
{
	*state = sys_new(false);
	return 0;
}

static void csr_write(struct sys *s, unsigned num, uint64_t v)
{
	uint8_t priv = s->hart.priv;

	sys_enter(s, RV64_M);
	assert_int_equal(rv64_csr_write(&s->hart, num, v, NULL), 0);
	sys_enter(s, priv);
}

static uint64_t csr_read(struct sys *s, unsigned num)
{
	uint8_t priv = s->hart.priv;
	uint64_t v = 0;

	sys_enter(s, RV64_M);
	assert_int_equal(rv64_csr_read(&s->hart, num, &v), 0);
	sys_enter(s, priv);
	return v;
}

static void entry(struct sys *s, unsigned i, uint64_t addr, unsigned cfg)
{
	unsigned num = CSR_PMPCFG0 + i / 8 * 2;
	uint64_t old;

	csr_write(s, CSR_PMPADDR0 + i, addr);
	old = csr_read(s, num) & ~(0xffull << (i % 8 * 8));
	csr_write(s, num, old | (uint64_t)cfg << (i % 8 * 8));
}

static uint64_t napot(uint64_t base, uint64_t size)
{
	return base >> 2 | (size / 8 - 1);
}

static void none_active(void **state)
{
	struct sys *s = *state;

	assert_done(sys_store(s, PA, 8, 1)); /* M */
	assert_value(sys_fetch(s, PA), PA);
	for (enum rv64_priv p = RV64_U; p <= RV64_S; p++) {
		sys_enter(s, p);
		assert_trap(sys_load(s, PA, 8), RV64_LOAD_ACCESS, PA);
		assert_trap(sys_store(s, PA, 8, 1), RV64_STORE_ACCESS, PA);
		assert_trap(sys_fetch(s, PA), RV64_INSN_ACCESS, PA);
	}
}

/* Each combination of rights, for all modes, unlocked and locked; over a page and over 8 bytes. */
static void rights(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8 * 2 * 2; i++) {
		unsigned perm = i & 7;
		bool lock = i & 8;
		uint64_t size = i & 16 ? 8 : 4096;
		struct sys *s;

		if ((perm & (PMP_R | PMP_W)) == PMP_W)
			continue;
		s = sys_new(false);
		entry(s, 0, napot(PA, size), CFG(PMP_A_NAPOT, perm) | (lock ? PMP_L : 0));
		for (unsigned round = 0; round < 6; round++) {
			enum rv64_priv p = (const uint8_t[]){RV64_M, RV64_S, RV64_U}[round % 3];
			unsigned can = p == RV64_M && !lock ? RWX : perm;

			sys_enter(s, p);
			assert_int_equal(sys_load(s, PA, 8).cause,
					 can & PMP_R ? -1 : RV64_LOAD_ACCESS);
			assert_int_equal(sys_store(s, PA, 8, 7).cause,
					 can & PMP_W ? -1 : RV64_STORE_ACCESS);
			assert_int_equal(sys_fetch(s, PA).cause,
					 can & PMP_X ? -1 : RV64_INSN_ACCESS);
			assert_int_equal(sys_load(s, PA + size, 8).cause,
					 p == RV64_M ? -1 : RV64_LOAD_ACCESS);
		}
		sys_free(s);
	}
}

/* Where each kind of entry begins and ends, byte by byte. */
static void bounds(struct sys *s, uint64_t first, uint64_t end)
{
	sys_enter(s, RV64_S);
	for (uint64_t a = first - 16; a < end + 16; a++) {
		bool in = a >= first && a < end;
		bool in4 = a >= first && a + 4 <= end;

		assert_int_equal(sys_load(s, a, 1).cause, in ? -1 : RV64_LOAD_ACCESS);
		if (a % 4 == 0)
			assert_int_equal(sys_store(s, a, 4, 0).cause, in4 ? -1 : RV64_STORE_ACCESS);
	}
}

static void matching(void **state)
{
	struct sys *s = *state;

	entry(s, 3, PA >> 2, CFG(PMP_A_NA4, RWX));
	bounds(s, PA, PA + 4);
	entry(s, 3, napot(PA, 8), CFG(PMP_A_NAPOT, RWX));
	bounds(s, PA, PA + 8);
	entry(s, 3, napot(PA, 256), CFG(PMP_A_NAPOT, RWX));
	bounds(s, PA, PA + 256);
	entry(s, 2, (PA + 0xff4) >> 2, 0); /* off, but the lower bound all the same */
	entry(s, 3, (PA + 0x100c) >> 2, CFG(PMP_A_TOR, RWX));
	bounds(s, PA + 0xff4, PA + 0x100c);
	entry(s, 2, (PA + 0x100c) >> 2, 0); /* empty */
	assert_int_equal(sys_load(s, PA + 0x1008, 1).cause, RV64_LOAD_ACCESS);
	entry(s, 3, 0, 0);
	entry(s, 0, PA >> 2, CFG(PMP_A_TOR, RWX)); /* from 0 */
	assert_done(sys_load(s, RAM, 8));
	assert_done(sys_load(s, PA - 8, 8));
	assert_trap(sys_load(s, PA, 8), RV64_LOAD_ACCESS, PA);
	entry(s, 0, PMP_ADDR_ALL, CFG(PMP_A_NAPOT, RWX)); /* everything */
	assert_done(sys_load(s, RAM, 8));
	assert_done(sys_load(s, RAM + RAM_SIZE - 8, 8));
	assert_done(sys_load(s, DEVICE, 8));
	entry(s, 0, PMP_ADDR_ALL >> 1, CFG(PMP_A_NAPOT, RWX)); /* half of it */
	assert_done(sys_load(s, RAM, 8));
}

/* The entry with the lowest number decides, also against itself. */
static void priority(void **state)
{
	struct sys *s = *state;

	entry(s, 0, napot(PA + 8, 8), CFG(PMP_A_NAPOT, PMP_R));
	entry(s, 1, napot(PA, 4096), CFG(PMP_A_NAPOT, 0));
	entry(s, 15, PMP_ADDR_ALL, CFG(PMP_A_NAPOT, RWX));
	sys_enter(s, RV64_S);
	assert_done(sys_load(s, PA + 8, 8));
	assert_trap(sys_store(s, PA + 8, 8, 0), RV64_STORE_ACCESS, PA + 8);
	assert_trap(sys_load(s, PA, 8), RV64_LOAD_ACCESS, PA);
	assert_done(sys_store(s, PA + 4096, 8, 0));
	/* In part within entry 0: fails, for M mode too, though its lock is open. */
	assert_trap(sys_load(s, PA + 12, 8), RV64_LOAD_ACCESS, PA + 12);
	sys_enter(s, RV64_M);
	assert_trap(sys_load(s, PA + 12, 8), RV64_LOAD_ACCESS, PA + 12);
	assert_done(sys_load(s, PA + 8, 8));
	assert_done(sys_store(s, PA, 8, 0));
}

static void locks(void **state)
{
	struct sys *s = *state;

	entry(s, 1, 0x111, 0);
	entry(s, 2, 0x222, CFG(PMP_A_TOR, PMP_R) | PMP_L);
	entry(s, 3, 0x333, CFG(PMP_A_NA4, PMP_R) | PMP_L);
	csr_write(s, CSR_PMPADDR0 + 1, 1); /* the lower bound of a locked TOR */
	csr_write(s, CSR_PMPADDR0 + 2, 2);
	csr_write(s, CSR_PMPADDR0 + 3, 3);
	csr_write(s, CSR_PMPADDR0 + 4, 4);
	csr_write(s, CSR_PMPCFG0, 0x0f0f0f0f);
	assert_int_equal(csr_read(s, CSR_PMPADDR0 + 1), 0x111);
	assert_int_equal(csr_read(s, CSR_PMPADDR0 + 2), 0x222);
	assert_int_equal(csr_read(s, CSR_PMPADDR0 + 3), 0x333);
	assert_int_equal(csr_read(s, CSR_PMPADDR0 + 4), 4);
	assert_int_equal(csr_read(s, CSR_PMPCFG0), 0x91890f0f);
}

static void csr_fields(void **state)
{
	struct sys *s = *state;
	uint64_t v;

	for (unsigned i = 0; i < 16; i++) {
		csr_write(s, CSR_PMPADDR0 + i, ~0ull);
		assert_int_equal(csr_read(s, CSR_PMPADDR0 + i), PMP_ADDR_ALL);
	}
	csr_write(s, CSR_PMPCFG2, 0x7f);
	assert_int_equal(csr_read(s, CSR_PMPCFG2), 0x1f);
	csr_write(s, CSR_PMPCFG2, 0x1a00); /* writable, not readable */
	assert_int_equal(csr_read(s, CSR_PMPCFG2), 0x1800);
	assert_int_equal(rv64_csr_read(&s->hart, CSR_PMPCFG0 + 1, &v), -1);
	assert_int_equal(rv64_csr_read(&s->hart, CSR_PMPADDR15 + 1, &v), -1);
}

/* Page tables are read and updated as S mode. */
static void page_tables(void **state)
{
	struct sys *s = *state;
	uint64_t va = 0x40000000, satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte = sys_map(s, satp, va, PA, 0, PTE_V | PTE_R | PTE_W | PTE_X | PTE_U);
	uint64_t leaf = s->next_table - 0x1000, clean = *pte;

	entry(s, 15, PMP_ADDR_ALL, CFG(PMP_A_NAPOT, RWX));
	sys_satp(s, satp);
	sys_enter(s, RV64_U);
	entry(s, 0, napot(leaf, 4096), CFG(PMP_A_NAPOT, 0));
	assert_trap(sys_load(s, va, 8), RV64_LOAD_ACCESS, va);
	assert_trap(sys_fetch(s, va), RV64_INSN_ACCESS, va);
	entry(s, 0, napot(leaf, 4096), CFG(PMP_A_NAPOT, PMP_R));
	assert_trap(sys_store(s, va, 8, 0), RV64_STORE_ACCESS, va); /* A and D cannot be set */
	assert_int_equal(*pte, clean);
	*pte = clean | PTE_A | PTE_D;
	assert_done(sys_store(s, va, 8, 0));
	/* The page itself. */
	entry(s, 0, napot(PA, 4096), CFG(PMP_A_NAPOT, PMP_R));
	assert_done(sys_load(s, va, 8));
	assert_trap(sys_store(s, va, 8, 0), RV64_STORE_ACCESS, va);
	assert_trap(sys_fetch(s, va), RV64_INSN_ACCESS, va);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, sys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(none_active), TEST(matching), TEST(priority),    TEST(locks),
		TEST(csr_fields),  TEST(rights),   TEST(page_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
