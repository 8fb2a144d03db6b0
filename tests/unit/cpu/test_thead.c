/* SPDX-License-Identifier: MIT */
/* What a C906 has and other harts have not: identity, CSRs, types of memory in page tables, and
 * instructions on caches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/bits.h"
#include "cpu/rv64/decode.h"
#include "cpu/rv64/insn.h"
#include "sys_fixture.h"

#define SXSTATUS 0x5c0u
#define SMPCNT   0x5c5u
#define MXSTATUS 0x7c0u
#define MHCR     0x7c1u
#define MCOR     0x7c2u
#define MHINT    0x7c5u
#define MCPUID   0xfc0u

/* As Linux writes them: memory, memory that is not cached, registers of devices. */
#define TYPE_MEMORY   (7ull << 60)
#define TYPE_UNCACHED (3ull << 60)
#define TYPE_IO       (9ull << 60)

static int setup(void **state)
{
	struct sys *s = sys_new(true);

	s->vm.cfg.model = CPU_MODEL_THEAD_C906;
	s->hart.csr.medeleg = 0;
	sys_enter(s, RV64_M);
	*sys_ram(s, PA) = MARK;
	*state = s;
	return 0;
}

static bool exists(struct sys *s, unsigned num)
{
	uint64_t v;

	return rv64_csr_read(&s->hart, num, &v) == 0;
}

static void identity(void **state)
{
	struct sys *s = *state;

	assert_int_equal(sys_csr(s, CSR_MVENDORID), 0x5b7);
	assert_int_equal(sys_csr(s, CSR_MARCHID), 0);
	assert_int_equal(sys_csr(s, CSR_MIMPID), 0);
	assert_int_equal(sys_csr(s, MXSTATUS), 0x40638000);
	assert_int_not_equal(sys_csr(s, MCPUID), 0);
}

static void registers(void **state)
{
	struct sys *s = *state;

	sys_set_csr(s, MHCR, 0x7f);
	assert_int_equal(sys_csr(s, MHCR), 0x7f);
	sys_set_csr(s, MHINT, 0x610c);
	assert_int_equal(sys_csr(s, MHINT), 0x610c);
	sys_set_csr(s, MCOR, 0x30013); /* done at once */
	assert_int_equal(sys_csr(s, MCOR), 0);
	assert_int_equal(rv64_csr_write(&s->hart, MCPUID, 0, NULL), -1);
	assert_false(exists(s, 0x7ff));
	sys_enter(s, RV64_S);
	assert_int_equal(sys_csr(s, SXSTATUS), 0x40638000);
	sys_set_csr(s, SMPCNT, 5);
	assert_int_equal(sys_csr(s, SMPCNT), 5);
	assert_int_equal(rv64_csr_write(&s->hart, SXSTATUS, 0, NULL), -1);
	assert_false(exists(s, MXSTATUS));
	sys_enter(s, RV64_U);
	assert_false(exists(s, SXSTATUS));
}

static void memory_types(void **state)
{
	static const uint64_t types[] = {0, TYPE_MEMORY, TYPE_UNCACHED, TYPE_IO, 31ull << 59};
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 0);

	sys_enter(s, RV64_S);
	sys_satp(s, satp);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		uint64_t va = VA + i * 0x1000;

		sys_map(s, satp, va, PA, 0, PTE_RW | types[i]);
		assert_value(sys_load(s, va, 8), MARK);
	}
	sys_map(s, satp, VA + 0x10000, PA, 0, PTE_RW | BIT(58));
	assert_trap(sys_load(s, VA + 0x10000, 8), RV64_LOAD_PAGE, VA + 0x10000);
}

/* Without MAEE the bits are reserved, at once. */
static void memory_types_off(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 0);

	sys_map(s, satp, VA, PA, 0, PTE_RW | TYPE_MEMORY);
	sys_enter(s, RV64_S);
	sys_satp(s, satp);
	assert_value(sys_load(s, VA, 8), MARK);
	sys_enter(s, RV64_M);
	sys_set_csr(s, MXSTATUS, 0x40638000 & ~BIT(21));
	sys_enter(s, RV64_S);
	assert_trap(sys_load(s, VA, 8), RV64_LOAD_PAGE, VA);
}

static void caches(void **state)
{
	/* What Linux executes, and what a real firmware was seen to. */
	static const struct {
		uint32_t bits;
		unsigned id;
	} known[] = {
		{0x02a5000b, RV64_th_dcache_ipa},  {0x0295000b, RV64_th_dcache_cpa},
		{0x02b5000b, RV64_th_dcache_cipa}, {0x0190000b, RV64_th_sync_s},
		{0x0200000b, RV64_ILLEGAL_INSN},
	};
	struct sys *s = *state;
	struct rv64_insn in;

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		rv64_decode(known[i].bits, &in);
		assert_int_equal(in.id, known[i].id);
	}
	assert_true(rv64_thead_cache_legal(&s->hart));
	sys_enter(s, RV64_U);
	assert_true(rv64_thead_cache_legal(&s->hart));
	sys_enter(s, RV64_M);
	sys_set_csr(s, MXSTATUS, 0);
	assert_true(rv64_thead_cache_legal(&s->hart));
	sys_enter(s, RV64_U);
	assert_false(rv64_thead_cache_legal(&s->hart));
}

static void other_harts(void **state)
{
	struct sys *s = *state;
	uint64_t satp = sys_new_satp(s, 0);

	s->vm.cfg.model = CPU_MODEL_GENERIC;
	assert_int_equal(sys_csr(s, CSR_MVENDORID), 0);
	assert_false(exists(s, MXSTATUS));
	assert_int_equal(rv64_csr_write(&s->hart, MHCR, 0, NULL), -1);
	assert_false(rv64_thead_cache_legal(&s->hart));
	sys_map(s, satp, VA, PA, 0, PTE_RW | TYPE_MEMORY);
	sys_enter(s, RV64_S);
	assert_false(exists(s, SXSTATUS));
	sys_satp(s, satp);
	assert_trap(sys_load(s, VA, 8), RV64_LOAD_PAGE, VA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(identity, setup, sys_teardown),
		cmocka_unit_test_setup_teardown(registers, setup, sys_teardown),
		cmocka_unit_test_setup_teardown(memory_types, setup, sys_teardown),
		cmocka_unit_test_setup_teardown(memory_types_off, setup, sys_teardown),
		cmocka_unit_test_setup_teardown(caches, setup, sys_teardown),
		cmocka_unit_test_setup_teardown(other_harts, setup, sys_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
