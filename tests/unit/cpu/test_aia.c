/* SPDX-License-Identifier: MIT */
/* Ssaia's CSRs: there only with interrupt files, what siselect leads to, and stopi's order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sys_fixture.h"

/* An interrupt file that notes what is asked of it. */
struct file {
	unsigned n, hart, reg;
	uint64_t clear, set, value;
	uint32_t top;
	unsigned n_claims;
};

static uint64_t change(void *arg, unsigned hart, unsigned reg, uint64_t clear, uint64_t set)
{
	struct file *f = arg;
	uint64_t old = f->value;

	f->n++;
	f->hart = hart;
	f->reg = reg;
	f->clear = clear;
	f->set = set;
	f->value = (old & ~clear) | set;
	return old;
}

static uint32_t top(void *arg, unsigned hart, bool claim)
{
	struct file *f = arg;

	f->n_claims += claim;
	return f->top;
}

static const struct cpu_imsic_ops ops = {.change = change, .top = top};

static struct sys *with_file(void **state, struct file *f)
{
	struct sys *s = *state;

	s->vm.cfg.imsic = &ops;
	s->vm.cfg.imsic_arg = f;
	sys_enter(s, RV64_S);
	return s;
}

static int setup(void **state)
{
	*state = sys_new(false);
	return 0;
}

static bool exists(struct sys *s, unsigned num)
{
	uint64_t v, w;

	assert_int_equal(rv64_csr_read(&s->hart, num, &v), rv64_csr_peek(&s->hart, num, &w));
	return rv64_csr_read(&s->hart, num, &v) == 0;
}

static uint64_t get(struct sys *s, unsigned num)
{
	uint64_t v = 0;

	assert_int_equal(rv64_csr_read(&s->hart, num, &v), 0);
	return v;
}

static void put(struct sys *s, unsigned num, uint64_t v)
{
	assert_int_equal(rv64_csr_write(&s->hart, num, v, NULL), 0);
}

static void test_absent(void **state)
{
	static const unsigned nums[] = {CSR_SISELECT, CSR_SIREG, CSR_STOPEI, CSR_STOPI};
	struct sys *s = *state;
	struct file f = {0};

	for (unsigned i = 0; i < 4; i++) {
		assert_false(exists(s, nums[i]));
		assert_int_equal(rv64_csr_write(&s->hart, nums[i], 0, NULL), -1);
	}
	(void)with_file(state, &f);
	assert_true(exists(s, CSR_SISELECT));
	assert_true(exists(s, CSR_STOPEI));
	assert_true(exists(s, CSR_STOPI));
	assert_int_equal(rv64_csr_write(&s->hart, CSR_STOPI, 0, NULL), -1);
	sys_enter(s, RV64_U);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rv64_csr_change(&s->hart, nums[i], 0, 0, NULL), -1);
}

static void test_indirect(void **state)
{
	struct file f = {.value = 0xf0};
	struct sys *s = with_file(state, &f);
	uint64_t old;

	put(s, CSR_SISELECT, ~0ull);
	assert_int_equal(get(s, CSR_SISELECT), 0xfff);
	for (unsigned select = 0; select < 0x200; select++) {
		bool iprio = select >= 0x30 && select <= 0x3f;
		bool file = select >= 0x70 && select <= 0xff;
		bool even = iprio || select >= 0x80;

		put(s, CSR_SISELECT, select);
		assert_int_equal(exists(s, CSR_SIREG), (iprio || file) && !(even && select % 2));
	}
	assert_int_equal(f.value, 0xf0); /* only read so far */
	put(s, CSR_SISELECT, 0x30);
	f.n = 0;
	put(s, CSR_SIREG, ~0ull);
	assert_int_equal(get(s, CSR_SIREG), 0);
	assert_int_equal(f.n, 0);
	put(s, CSR_SISELECT, 0xc2);
	assert_int_equal(rv64_csr_change(&s->hart, CSR_SIREG, 0x30, 0x100, &old), 0);
	assert_int_equal(old, 0xf0);
	assert_int_equal(f.reg, 0xc2);
	assert_int_equal(f.hart, s->hart.cpu.id);
	assert_int_equal(f.clear, 0x30);
	assert_int_equal(f.set, 0x100);
	assert_int_equal(get(s, CSR_SIREG), 0x1c0);
	put(s, CSR_SIREG, 5);
	assert_int_equal(f.value, 5);
}

static void test_stopei(void **state)
{
	struct file f = {.top = 0x70007};
	struct sys *s = with_file(state, &f);
	uint64_t old;

	assert_int_equal(get(s, CSR_STOPEI), 0x70007);
	assert_int_equal(f.n_claims, 0);
	assert_int_equal(rv64_csr_write(&s->hart, CSR_STOPEI, 0, &old), 0);
	assert_int_equal(old, 0x70007);
	assert_int_equal(f.n_claims, 1);
	assert_int_equal(rv64_csr_change(&s->hart, CSR_STOPEI, 0, 1, NULL), 0);
	assert_int_equal(f.n_claims, 2);
}

/* The order is SEI, SSI, STI, of those that are pending, enabled, and S mode's. */
static void test_stopi(void **state)
{
	struct file f = {0};
	struct sys *s = with_file(state, &f);

	assert_int_equal(get(s, CSR_STOPI), 0);
	s->hart.csr.mideleg = MIP_S;
	s->hart.csr.mie = MIP_S;
	atomic_store(&s->hart.lines, MIP_SEIP | MIP_SSIP | MIP_MEIP);
	assert_int_equal(get(s, CSR_STOPI), 9u << 16 | 1);
	s->hart.csr.mie = MIP_SSIP;
	assert_int_equal(get(s, CSR_STOPI), 1u << 16 | 1);
	s->hart.csr.mie = MIP_S | MIP_MEIP;
	s->hart.csr.mip_soft = MIP_STIP;
	atomic_store(&s->hart.lines, MIP_MEIP);
	assert_int_equal(get(s, CSR_STOPI), 5u << 16 | 1);
	s->hart.csr.mideleg = 0;
	assert_int_equal(get(s, CSR_STOPI), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, sys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_absent), T(test_indirect), T(test_stopei),
					   T(test_stopi)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
