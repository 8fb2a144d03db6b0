/* SPDX-License-Identifier: MIT */
/* Accesses that the TLB does not answer: misaligned ones, devices, atomics, cache blocks, code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sys_fixture.h"

static void misaligned(void **state)
{
	struct sys *s = *state;
	uint8_t *p = (uint8_t *)sys_ram(s, PA);

	for (unsigned i = 0; i < 0x2000; i++)
		p[i] = (uint8_t)(i * 37);
	for (unsigned off = 0xff0; off <= 0x1010; off++) {
		for (unsigned size = 1; size <= 8; size *= 2) {
			uint64_t want = 0;

			memcpy(&want, p + off, size);
			assert_value(sys_load(s, PA + off, size), want);
			assert_done(sys_store(s, PA + off, size, ~want));
			for (unsigned i = off - 8; i < off + 16; i++)
				assert_int_equal(p[i],
						 (uint8_t)(i - off < size ? ~(i * 37) : i * 37));
			assert_done(sys_store(s, PA + off, size, want));
		}
	}
}

/* The two pages of an access lie apart, and either may be missing. */
static void crossing(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *first = sys_map(s, satp, VA, PA, 0, PTE_RW);
	_Atomic uint64_t *second = sys_map(s, satp, VA + 0x1000, OTHER, 0, PTE_RW);
	uint64_t keep = *second;

	sys_satp(s, satp);
	assert_done(sys_store(s, VA + 0xffd, 8, MARK));
	assert_value(sys_load(s, VA + 0xffd, 8), MARK);
	assert_int_equal(*sys_ram(s, PA + 0xff8) >> 40, MARK & 0xffffff);
	assert_int_equal(*sys_ram(s, OTHER) & 0xffffffffff, MARK >> 24);

	*second = keep & ~(uint64_t)PTE_W;
	rv64_mmu_flush(&s->hart);
	assert_trap(sys_store(s, VA + 0xffd, 8, 0), RV64_STORE_PAGE, VA + 0x1000);
	assert_value(sys_load(s, VA + 0xffd, 8), MARK);
	*second = 0;
	rv64_mmu_flush(&s->hart);
	assert_trap(sys_load(s, VA + 0xfff, 2), RV64_LOAD_PAGE, VA + 0x1000);
	*second = DEVICE >> 12 << 10 | PTE_RW;
	rv64_mmu_flush(&s->hart);
	assert_trap(sys_load(s, VA + 0xffe, 4), RV64_LOAD_ACCESS, VA + 0x1000);
	assert_trap(sys_store(s, VA + 0xffe, 4, 0), RV64_STORE_ACCESS, VA + 0x1000);
	assert_int_equal(*sys_ram(s, PA + 0xff8) >> 40, MARK & 0xffffff);
	*first = 0;
	rv64_mmu_flush(&s->hart);
	assert_trap(sys_load(s, VA + 0xffe, 4), RV64_LOAD_PAGE, VA + 0xffe);
	assert_int_equal(s->n_device, 0);
}

static void devices(void **state)
{
	struct sys *s = *state;

	for (unsigned size = 1; size <= 8; size *= 2) {
		uint64_t mask = ~0ull >> (64 - 8 * size);

		assert_value(sys_load(s, DEVICE + 8, size), DEV_READ & mask);
		assert_int_equal(s->device_offset, 8);
		assert_int_equal(s->device_size, size);
		assert_done(sys_store(s, DEVICE + 16, size, MARK & mask));
		assert_int_equal(s->device_offset, 16);
		assert_int_equal(s->device_value, MARK & mask);
	}
	assert_int_equal(s->n_device, 8);
	assert_int_equal(s->n_parked, 8);
	assert_int_equal(s->n_unparked, 8);
	assert_trap(sys_load(s, DEVICE + 1, 4), RV64_LOAD_ACCESS, DEVICE + 1);
	assert_trap(sys_store(s, DEVICE + 2, 8, 0), RV64_STORE_ACCESS, DEVICE + 2);
	assert_trap(sys_load(s, DEVICE + 0x100, 4), RV64_LOAD_ACCESS, DEVICE + 0x100);
	assert_trap(sys_store(s, RAM - 8, 8, 0), RV64_STORE_ACCESS, RAM - 8);
	assert_trap(sys_fetch(s, DEVICE), RV64_INSN_ACCESS, DEVICE);
	assert_trap(sys_load(s, RAM + RAM_SIZE - 4, 8), RV64_LOAD_ACCESS, RAM + RAM_SIZE);
	assert_int_equal(s->n_device, 8);
	assert_int_equal(s->n_parked, s->n_unparked);
}

static void atomics(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint64_t *pte = sys_map(s, satp, VA, PA, 0, PTE_V | PTE_R);

	sys_map(s, satp, VA + 0x1000, DEVICE, 0, PTE_RW);
	sys_satp(s, satp);
	for (unsigned i = 1; i < 8; i++) {
		assert_trap(sys_atomic(s, VA + i, 8, true), RV64_LOAD_MISALIGNED, VA + i);
		assert_trap(sys_atomic(s, VA + i, 8, false), RV64_STORE_MISALIGNED, VA + i);
	}
	assert_trap(sys_atomic(s, VA + 2, 4, true), RV64_LOAD_MISALIGNED, VA + 2);
	assert_trap(sys_atomic(s, 1, 4, false), RV64_STORE_MISALIGNED, 1); /* before translation */
	assert_value(sys_atomic(s, VA, 8, true), MARK);
	assert_value(sys_atomic(s, VA + 4, 4, true), MARK >> 32);
	assert_trap(sys_atomic(s, VA, 8, false), RV64_STORE_PAGE, VA);
	*pte |= PTE_W;
	rv64_mmu_flush(&s->hart);
	assert_value(sys_atomic(s, VA, 8, false), MARK);
	assert_int_equal(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
	assert_value(sys_atomic(s, VA, 8, false), MARK);
	assert_trap(sys_atomic(s, VA + 0x1000, 8, true), RV64_LOAD_ACCESS, VA + 0x1000);
	assert_trap(sys_atomic(s, VA + 0x1000, 8, false), RV64_STORE_ACCESS, VA + 0x1000);
}

static void cache_blocks(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	uint8_t *p = (uint8_t *)sys_ram(s, PA);
	_Atomic uint64_t *pte = sys_map(s, satp, VA, PA, 0, PTE_RW);

	sys_map(s, satp, VA + 0x1000, PA, 0, PTE_V | PTE_R | PTE_A);
	sys_map(s, satp, VA + 0x2000, PA, 0, PTE_V | PTE_X | PTE_A);
	sys_map(s, satp, VA + 0x3000, DEVICE, 0, PTE_RW);
	sys_satp(s, satp);
	for (unsigned round = 0; round < 2; round++) { /* slow, then fast */
		memset(p, 0xff, 4096);
		assert_done(sys_cbo(s, VA + 0x7f, true));
		for (unsigned i = 0; i < 256; i++)
			assert_int_equal(p[i], i >= 64 && i < 128 ? 0 : 0xff);
	}
	assert_trap(sys_cbo(s, VA + 0x1005, true), RV64_STORE_PAGE, VA + 0x1005);
	assert_trap(sys_cbo(s, VA + 0x3005, true), RV64_STORE_ACCESS, VA + 0x3005);
	assert_done(sys_cbo(s, VA + 0x1005, false));
	assert_trap(sys_cbo(s, VA + 0x2005, false), RV64_STORE_PAGE, VA + 0x2005);
	assert_trap(sys_cbo(s, 5, false), RV64_STORE_PAGE, 5);
	*pte &= ~(uint64_t)(PTE_A | PTE_D);
	rv64_mmu_flush(&s->hart);
	assert_done(sys_cbo(s, VA, false));
	assert_int_equal(*pte & (PTE_A | PTE_D), PTE_A);
}

/* ---- code ---- */

static void set_code(_Atomic uint32_t *word)
{
	atomic_fetch_or(word, GMEM_HAS_CODE);
}

static void stores_to_code(void **state)
{
	struct sys *s = *state;
	_Atomic uint32_t *word = gmem_code_word(s->mem, PA);
	void *host;

	/* Loads of a page with code do not open it for stores. */
	set_code(word);
	assert_done(sys_load(s, PA, 8));
	assert_done(sys_store(s, PA, 8, 1));
	assert_int_equal(*word, 2);
	/* Now it is open; the engine closes it. */
	set_code(word);
	rv64_mmu_protect_page(&s->hart, PA + 8);
	assert_done(sys_load(s, PA, 8));
	assert_int_equal(*word, 3);
	assert_done(sys_store(s, PA + 1, 2, 1)); /* misaligned */
	assert_int_equal(*word, 4);
	set_code(word);
	rv64_mmu_protect_page(&s->hart, PA);
	assert_int_equal(rv64_atomic_ptr(&s->hart, PA, 4, false, &host), 0);
	assert_int_equal(*word, 6);
	set_code(word);
	rv64_mmu_protect_page(&s->hart, PA);
	assert_done(sys_cbo(s, PA, true));
	assert_int_equal(*word, 8);
	set_code(word);
	rv64_mmu_protect_page(&s->hart, PA);
	assert_done(sys_store(s, PA - 3, 8, 1)); /* from the page below */
	assert_int_equal(*word, 10);
	/* Atomics that only load and checks of cache blocks write nothing. */
	set_code(word);
	rv64_mmu_protect_page(&s->hart, PA);
	assert_int_equal(rv64_atomic_ptr(&s->hart, PA, 4, true, &host), 0);
	assert_done(sys_cbo(s, PA, false));
	assert_int_equal(*word, 11);
}

/* Setting A in a page table whose page an engine took for code is a store too. */
static void page_table_as_code(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 1);
	_Atomic uint32_t *word;

	sys_map(s, satp, VA, PA, 0, PTE_V | PTE_R);
	word = gmem_code_word(s->mem, s->next_table - 0x1000);
	set_code(word);
	sys_satp(s, satp);
	assert_done(sys_load(s, VA, 8));
	assert_int_equal(*word, 2);
}

/* ---- pages that the machine keeps for others ---- */

struct touches {
	unsigned n;
	uint64_t forbidden, pa;
	enum cpu_touch how;
};

static bool touch(void *arg, struct cpu *cpu, uint64_t pa, enum cpu_touch how)
{
	struct touches *t = arg;

	t->n++;
	t->pa = pa;
	t->how = how;
	return align_down(pa, 0x1000) != t->forbidden;
}

static void forbidden_pages(void **state)
{
	struct sys *s = *state;
	struct touches t = {.forbidden = PA + 0x1000};

	s->vm.cfg.env.arg = &t;
	s->vm.cfg.env.may_touch = touch;
	sys_enter(s, RV64_M);
	assert_done(sys_load(s, PA + 8, 8));
	assert_int_equal(t.pa, PA + 8);
	assert_int_equal(t.how, CPU_TOUCH_LOAD);
	assert_done(sys_store(s, PA + 16, 8, 1)); /* it is known now */
	assert_int_equal(t.n, 1);
	assert_trap(sys_load(s, PA + 0x1008, 4), RV64_LOAD_ACCESS, PA + 0x1008);
	assert_trap(sys_store(s, PA + 0x1008, 4, 1), RV64_STORE_ACCESS, PA + 0x1008);
	assert_int_equal(t.how, CPU_TOUCH_STORE);
	assert_trap(sys_fetch(s, PA + 0x1008), RV64_INSN_ACCESS, PA + 0x1008);
	assert_int_equal(t.how, CPU_TOUCH_FETCH);
	assert_trap(sys_load(s, PA + 0xffc, 8), RV64_LOAD_ACCESS, PA + 0x1000);
	assert_done(sys_load(s, DEVICE, 4));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, sys_setup_marked, sys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(misaligned),
		TEST(crossing),
		TEST(devices),
		TEST(atomics),
		TEST(cache_blocks),
		TEST(stores_to_code),
		TEST(page_table_as_code),
		TEST(forbidden_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
