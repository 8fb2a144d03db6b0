/* SPDX-License-Identifier: MIT */
/* Hand-picked corners of floating-point arithmetic, comparison and classes, in every mode. */
#include "fpu_rows.h"

static const struct row add_s[] = {
	/* A tie, towards even below and above, and by sign. */
	{{ONE_S, 0x33800000}, {ONE_S, ONE_S, ONE_S, ONE_S + 1, ONE_S + 1}, ALL(NX)},
	{{ONE_S + 1, 0x33800000}, {ONE_S + 2, ONE_S + 1, ONE_S + 1, ONE_S + 2, ONE_S + 2}, ALL(NX)},
	{{0xbf800000, 0xb3800000},
	 {0xbf800000, 0xbf800000, 0xbf800001, 0xbf800000, 0xbf800001},
	 ALL(NX)},
	/* Just off a tie; a subnormal that only the sticky bit sees. */
	{{ONE_S, 0x33800001}, {ONE_S + 1, ONE_S, ONE_S, ONE_S + 1, ONE_S + 1}, ALL(NX)},
	{{ONE_S, 0x337fffff}, {ONE_S, ONE_S, ONE_S, ONE_S + 1, ONE_S}, ALL(NX)},
	{{ONE_S, 1}, {ONE_S, ONE_S, ONE_S, ONE_S + 1, ONE_S}, ALL(NX)},
	{{ONE_S, NEG_S | 1}, {ONE_S, ONE_S - 1, ONE_S - 1, ONE_S, ONE_S}, ALL(NX)},
	/* Overflow, and half an ulp above the largest number, which some modes do not round up. */
	{{MAX_S, MAX_S}, {INF_S, MAX_S, MAX_S, INF_S, INF_S}, ALL(OF)},
	{{NEG_S | MAX_S, NEG_S | MAX_S},
	 {NEG_S | INF_S, NEG_S | MAX_S, NEG_S | INF_S, NEG_S | MAX_S, NEG_S | INF_S},
	 ALL(OF)},
	{{MAX_S, 0x73000000}, {INF_S, MAX_S, MAX_S, INF_S, INF_S}, {OF, NX, NX, OF, OF}},
	/* Exact cancellation and zeros. */
	{{ONE_S, 0xbf800000}, {0, 0, NEG_S, 0, 0}, ALL(0)},
	{{0, NEG_S}, {0, 0, NEG_S, 0, 0}, ALL(0)},
	{{NEG_S, NEG_S}, ALL(NEG_S), ALL(0)},
	{{NEG_S, 1}, ALL(1), ALL(0)},
	/* Sums are never tiny and inexact. */
	{{1, 1}, ALL(2), ALL(0)},
	{{MIN_S, NEG_S | 1}, ALL(MIN_S - 1), ALL(0)},
	{{MIN_S - 1, 1}, ALL(MIN_S), ALL(0)},
	/* Infinities and NaNs. */
	{{INF_S, NEG_S | INF_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{INF_S, INF_S}, ALL(INF_S), ALL(0)},
	{{MAX_S, NEG_S | INF_S}, ALL(NEG_S | INF_S), ALL(0)},
	{{QNAN_S, INF_S}, ALL(FPU_NAN_S), ALL(0)},
	{{NEG_S | QNAN_S, 0}, ALL(FPU_NAN_S), ALL(0)},
	{{QNAN_S, SNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{SNAN_S, ONE_S}, ALL(FPU_NAN_S), ALL(NV)},
};

static const struct row add_d[] = {
	{{ONE_D, 0x3ca0000000000000}, {ONE_D, ONE_D, ONE_D, ONE_D + 1, ONE_D + 1}, ALL(NX)},
	{{ONE_D + 1, 0x3ca0000000000000},
	 {ONE_D + 2, ONE_D + 1, ONE_D + 1, ONE_D + 2, ONE_D + 2},
	 ALL(NX)},
	{{ONE_D, NEG_D | 1}, {ONE_D, ONE_D - 1, ONE_D - 1, ONE_D, ONE_D}, ALL(NX)},
	{{MAX_D, 0x7c90000000000000}, {INF_D, MAX_D, MAX_D, INF_D, INF_D}, {OF, NX, NX, OF, OF}},
	{{ONE_D, NEG_D | ONE_D}, {0, 0, NEG_D, 0, 0}, ALL(0)},
	{{ONE_D + 1, NEG_D | ONE_D}, ALL(0x3cb0000000000000), ALL(0)},
	{{MIN_D, NEG_D | 1}, ALL(MIN_D - 1), ALL(0)},
	{{INF_D, NEG_D | INF_D}, ALL(FPU_NAN_D), ALL(NV)},
	{{SNAN_D, INF_D}, ALL(FPU_NAN_D), ALL(NV)},
	{{QNAN_D, INF_D}, ALL(FPU_NAN_D), ALL(0)},
};

static void test_add(void **state)
{
	CHECK(add_s, "add_s", fpu_add_s((uint32_t)v[0], (uint32_t)v[1], rm, flags));
	CHECK(add_d, "add_d", fpu_add_d(v[0], v[1], rm, flags));
	/* Commutes. */
	CHECK(add_s, "add_s", fpu_add_s((uint32_t)v[1], (uint32_t)v[0], rm, flags));
	CHECK(add_d, "add_d", fpu_add_d(v[1], v[0], rm, flags));
}

static void test_sub(void **state)
{
	CHECK(add_s, "sub_s", fpu_sub_s((uint32_t)v[0], (uint32_t)v[1] ^ NEG_S, rm, flags));
	CHECK(add_d, "sub_d", fpu_sub_d(v[0], v[1] ^ NEG_D, rm, flags));
}

static const struct row mul_s[] = {
	{{0x40400000, 0xc0e00000}, ALL(0xc1a80000), ALL(0)},
	{{ONE_S + 1, ONE_S + 1}, {ONE_S + 2, ONE_S + 2, ONE_S + 2, ONE_S + 3, ONE_S + 2}, ALL(NX)},
	{{MAX_S, 0x40000000}, {INF_S, MAX_S, MAX_S, INF_S, INF_S}, ALL(OF)},
	/* Just below the smallest normal number: a tie there, but tiny whatever it becomes ... */
	{{MIN_S, ONE_S - 1}, {MIN_S, MIN_S - 1, MIN_S - 1, MIN_S, MIN_S}, ALL(UF)},
	/* ... and so near that it is tiny only where 24 bits are not rounded up. */
	{{MIN_S + 1, ONE_S - 2}, {MIN_S, MIN_S - 1, MIN_S - 1, MIN_S, MIN_S}, {NX, UF, UF, NX, NX}},
	{{1, 1}, {0, 0, 0, 1, 0}, ALL(UF)},
	{{1, NEG_S | 1}, {NEG_S, NEG_S, NEG_S | 1, NEG_S, NEG_S}, ALL(UF)},
	{{1, 0x3f000000}, {0, 0, 0, 1, 1}, ALL(UF)},
	{{3, 0x3f000000}, {2, 1, 1, 2, 2}, ALL(UF)},
	{{2, 0x3f000000}, ALL(1), ALL(0)},
	{{0, 0xc0a00000}, ALL(NEG_S), ALL(0)},
	{{INF_S, 0xc0a00000}, ALL(NEG_S | INF_S), ALL(0)},
	{{INF_S, NEG_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{SNAN_S, 0}, ALL(FPU_NAN_S), ALL(NV)},
	{{QNAN_S, INF_S}, ALL(FPU_NAN_S), ALL(0)},
};

static const struct row mul_d[] = {
	{{ONE_D + 1, ONE_D + 1}, {ONE_D + 2, ONE_D + 2, ONE_D + 2, ONE_D + 3, ONE_D + 2}, ALL(NX)},
	{{NEG_D | MAX_D, MAX_D},
	 {NEG_D | INF_D, NEG_D | MAX_D, NEG_D | INF_D, NEG_D | MAX_D, NEG_D | INF_D},
	 ALL(OF)},
	{{MIN_D, ONE_D - 1}, {MIN_D, MIN_D - 1, MIN_D - 1, MIN_D, MIN_D}, ALL(UF)},
	{{MIN_D + 1, ONE_D - 2}, {MIN_D, MIN_D - 1, MIN_D - 1, MIN_D, MIN_D}, {NX, UF, UF, NX, NX}},
	{{1, 0x3fe0000000000000}, {0, 0, 0, 1, 1}, ALL(UF)},
	{{INF_D, 0}, ALL(FPU_NAN_D), ALL(NV)},
};

static void test_mul(void **state)
{
	CHECK(mul_s, "mul_s", fpu_mul_s((uint32_t)v[0], (uint32_t)v[1], rm, flags));
	CHECK(mul_d, "mul_d", fpu_mul_d(v[0], v[1], rm, flags));
	CHECK(mul_s, "mul_s", fpu_mul_s((uint32_t)v[1], (uint32_t)v[0], rm, flags));
	CHECK(mul_d, "mul_d", fpu_mul_d(v[1], v[0], rm, flags));
}

static const struct row div_s[] = {
	{{ONE_S, 0x40400000},
	 {0x3eaaaaab, 0x3eaaaaaa, 0x3eaaaaaa, 0x3eaaaaab, 0x3eaaaaab},
	 ALL(NX)},
	{{0x40e00000, 0xc0000000}, ALL(0xc0600000), ALL(0)},
	{{1, 0x40000000}, {0, 0, 0, 1, 1}, ALL(UF)},
	{{MAX_S, 1}, {INF_S, MAX_S, MAX_S, INF_S, INF_S}, ALL(OF)},
	{{1, MAX_S}, {0, 0, 0, 1, 0}, ALL(UF)},
	{{ONE_S, 0}, ALL(INF_S), ALL(DZ)},
	{{ONE_S, NEG_S}, ALL(NEG_S | INF_S), ALL(DZ)},
	{{INF_S, NEG_S}, ALL(NEG_S | INF_S), ALL(0)},
	{{0, NEG_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{INF_S, INF_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{NEG_S | MAX_S, INF_S}, ALL(NEG_S), ALL(0)},
	{{0, INF_S}, ALL(0), ALL(0)},
	{{QNAN_S, 0}, ALL(FPU_NAN_S), ALL(0)},
	{{ONE_S, SNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
};

static const struct row div_d[] = {
	{{NEG_D | ONE_D, 0x4008000000000000},
	 {0xbfd5555555555555, 0xbfd5555555555555, 0xbfd5555555555556, 0xbfd5555555555555,
	  0xbfd5555555555555},
	 ALL(NX)},
	{{MIN_D, 0x4000000000000000}, ALL(MIN_D >> 1), ALL(0)},
	{{1, 0x4000000000000000}, {0, 0, 0, 1, 1}, ALL(UF)},
	{{ONE_D, 0}, ALL(INF_D), ALL(DZ)},
	{{0, 0}, ALL(FPU_NAN_D), ALL(NV)},
};

static void test_div(void **state)
{
	CHECK(div_s, "div_s", fpu_div_s((uint32_t)v[0], (uint32_t)v[1], rm, flags));
	CHECK(div_d, "div_d", fpu_div_d(v[0], v[1], rm, flags));
}

static const struct row sqrt_s[] = {
	{{0x40000000}, {0x3fb504f3, 0x3fb504f3, 0x3fb504f3, 0x3fb504f4, 0x3fb504f3}, ALL(NX)},
	{{0x40800000}, ALL(0x40000000), ALL(0)},
	{{1}, {0x1a3504f3, 0x1a3504f3, 0x1a3504f3, 0x1a3504f4, 0x1a3504f3}, ALL(NX)},
	{{2}, ALL(0x1a800000), ALL(0)},
	/* Below a tie by 2^-51. */
	{{MAX_S}, {0x5f7fffff, 0x5f7fffff, 0x5f7fffff, 0x5f800000, 0x5f7fffff}, ALL(NX)},
	{{0}, ALL(0), ALL(0)},
	{{NEG_S}, ALL(NEG_S), ALL(0)},
	{{NEG_S | 1}, ALL(FPU_NAN_S), ALL(NV)},
	{{INF_S}, ALL(INF_S), ALL(0)},
	{{NEG_S | INF_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{NEG_S | QNAN_S}, ALL(FPU_NAN_S), ALL(0)},
	{{SNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
};

static const struct row sqrt_d[] = {
	{{0x4000000000000000},
	 {0x3ff6a09e667f3bcd, 0x3ff6a09e667f3bcc, 0x3ff6a09e667f3bcc, 0x3ff6a09e667f3bcd,
	  0x3ff6a09e667f3bcd},
	 ALL(NX)},
	{{0x4022000000000000}, ALL(0x4008000000000000), ALL(0)},
	{{1}, ALL(0x1e60000000000000), ALL(0)},
	{{NEG_D | ONE_D}, ALL(FPU_NAN_D), ALL(NV)},
};

static void test_sqrt(void **state)
{
	CHECK(sqrt_s, "sqrt_s", fpu_sqrt_s((uint32_t)v[0], rm, flags));
	CHECK(sqrt_d, "sqrt_d", fpu_sqrt_d(v[0], rm, flags));
}

static const struct row fma_s[] = {
	/* What two roundings would lose. */
	{{ONE_S + 1, ONE_S + 1, NEG_S | (ONE_S + 2)}, ALL(0x28800000), ALL(0)},
	{{MAX_S, 0x40000000, NEG_S | MAX_S}, ALL(MAX_S), ALL(0)},
	{{1, 1, ONE_S}, {ONE_S, ONE_S, ONE_S, ONE_S + 1, ONE_S}, ALL(NX)},
	{{1, 1, NEG_S | ONE_S},
	 {NEG_S | ONE_S, NEG_S | (ONE_S - 1), NEG_S | ONE_S, NEG_S | (ONE_S - 1), NEG_S | ONE_S},
	 ALL(NX)},
	/* A tie; less by 2^-70, which rounding to double first would make a tie; a little more. */
	{{ONE_S, 0x33800000, ONE_S}, {ONE_S, ONE_S, ONE_S, ONE_S + 1, ONE_S + 1}, ALL(NX)},
	{{ONE_S + 1, 0x337ffffe, ONE_S}, {ONE_S, ONE_S, ONE_S, ONE_S + 1, ONE_S}, ALL(NX)},
	{{ONE_S + 2, 0x337ffffe, ONE_S}, {ONE_S + 1, ONE_S, ONE_S, ONE_S + 1, ONE_S + 1}, ALL(NX)},
	/* Zeros. */
	{{ONE_S, ONE_S, NEG_S | ONE_S}, {0, 0, NEG_S, 0, 0}, ALL(0)},
	{{NEG_S, ONE_S, NEG_S}, ALL(NEG_S), ALL(0)},
	{{0, ONE_S, NEG_S}, {0, 0, NEG_S, 0, 0}, ALL(0)},
	{{0, MAX_S, NEG_S | 1}, ALL(NEG_S | 1), ALL(0)},
	{{ONE_S, 3, 0}, ALL(3), ALL(0)},
	/* Underflow and overflow. */
	{{1, 0x3f000000, NEG_S}, {0, 0, 0, 1, 1}, ALL(UF)},
	{{MIN_S + 1, ONE_S - 2, 0},
	 {MIN_S, MIN_S - 1, MIN_S - 1, MIN_S, MIN_S},
	 {NX, UF, UF, NX, NX}},
	{{MAX_S, MAX_S, NEG_S | MAX_S}, {INF_S, MAX_S, MAX_S, INF_S, INF_S}, ALL(OF)},
	/* Infinities and NaNs. */
	{{MAX_S, MAX_S, NEG_S | INF_S}, ALL(NEG_S | INF_S), ALL(0)},
	{{INF_S, ONE_S, INF_S}, ALL(INF_S), ALL(0)},
	{{INF_S, ONE_S, NEG_S | INF_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{INF_S, 0, ONE_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{INF_S, 0, QNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{INF_S, QNAN_S, NEG_S | INF_S}, ALL(FPU_NAN_S), ALL(0)},
	{{ONE_S, ONE_S, QNAN_S}, ALL(FPU_NAN_S), ALL(0)},
	{{ONE_S, 0, SNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
	{{SNAN_S, QNAN_S, 0}, ALL(FPU_NAN_S), ALL(NV)},
};

static const struct row fma_d[] = {
	{{ONE_D + 1, ONE_D + 1, NEG_D | (ONE_D + 2)}, ALL(0x3970000000000000), ALL(0)},
	{{MAX_D, 0x4000000000000000, NEG_D | MAX_D}, ALL(MAX_D), ALL(0)},
	{{1, 1, NEG_D | ONE_D},
	 {NEG_D | ONE_D, NEG_D | (ONE_D - 1), NEG_D | ONE_D, NEG_D | (ONE_D - 1), NEG_D | ONE_D},
	 ALL(NX)},
	{{ONE_D, 0x3ca0000000000000, ONE_D}, {ONE_D, ONE_D, ONE_D, ONE_D + 1, ONE_D + 1}, ALL(NX)},
	{{ONE_D, ONE_D, NEG_D | ONE_D}, {0, 0, NEG_D, 0, 0}, ALL(0)},
	{{1, 0x3fe0000000000000, NEG_D}, {0, 0, 0, 1, 1}, ALL(UF)},
	{{0, INF_D, QNAN_D}, ALL(FPU_NAN_D), ALL(NV)},
	{{ONE_D, NEG_D | INF_D, INF_D}, ALL(FPU_NAN_D), ALL(NV)},
};

static void test_fma(void **state)
{
	CHECK(fma_s, "fma_s", fpu_fma_s((uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2], rm, flags));
	CHECK(fma_d, "fma_d", fpu_fma_d(v[0], v[1], v[2], rm, flags));
	CHECK(fma_s, "fma_s", fpu_fma_s((uint32_t)v[1], (uint32_t)v[0], (uint32_t)v[2], rm, flags));
	CHECK(fma_d, "fma_d", fpu_fma_d(v[1], v[0], v[2], rm, flags));
}

static const struct row min_s[] = {
	{{0, NEG_S}, ALL(NEG_S), ALL(0)},
	{{ONE_S, NEG_S | ONE_S}, ALL(NEG_S | ONE_S), ALL(0)},
	{{NEG_S | 1, NEG_S | 2}, ALL(NEG_S | 2), ALL(0)},
	{{MAX_S, INF_S}, ALL(MAX_S), ALL(0)},
	{{QNAN_S, INF_S}, ALL(INF_S), ALL(0)},
	{{SNAN_S, ONE_S}, ALL(ONE_S), ALL(NV)},
	{{QNAN_S, NEG_S | QNAN_S}, ALL(FPU_NAN_S), ALL(0)},
	{{QNAN_S, SNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
};

static const struct row max_d[] = {
	{{NEG_D, 0}, ALL(0), ALL(0)},         {{NEG_D | ONE_D, NEG_D | 1}, ALL(NEG_D | 1), ALL(0)},
	{{ONE_D, MAX_D}, ALL(MAX_D), ALL(0)}, {{QNAN_D, NEG_D | INF_D}, ALL(NEG_D | INF_D), ALL(0)},
	{{SNAN_D, 0}, ALL(0), ALL(NV)},       {{SNAN_D, SNAN_D}, ALL(FPU_NAN_D), ALL(NV)},
};

static void test_min_max(void **state)
{
	CHECK(min_s, "min_s", fpu_min_s((uint32_t)v[0], (uint32_t)v[1], flags));
	CHECK(min_s, "min_s", fpu_min_s((uint32_t)v[1], (uint32_t)v[0], flags));
	CHECK(max_d, "max_d", fpu_max_d(v[0], v[1], flags));
	CHECK(max_d, "max_d", fpu_max_d(v[1], v[0], flags));
}

static void test_compare(void **state)
{
	/* Results as eq * 4 + lt * 2 + le. Of a quiet NaN they raise different flags: see below. */
	static const struct row rows[] = {
		{{0, NEG_S}, ALL(5), ALL(0)},
		{{NEG_S, 0}, ALL(5), ALL(0)},
		{{ONE_S, ONE_S}, ALL(5), ALL(0)},
		{{1, 2}, ALL(3), ALL(0)},
		{{NEG_S | 1, NEG_S | 2}, ALL(0), ALL(0)},
		{{NEG_S | INF_S, INF_S}, ALL(3), ALL(0)},
		{{ONE_S, NEG_S | ONE_S}, ALL(0), ALL(0)},
		{{SNAN_S, SNAN_S}, ALL(0), ALL(NV)},
		{{0, SNAN_S}, ALL(0), ALL(NV)},
	};

	CHECK(rows, "compare_s",
	      fpu_eq_s((uint32_t)v[0], (uint32_t)v[1], flags) * 4u +
		      fpu_lt_s((uint32_t)v[0], (uint32_t)v[1], flags) * 2u +
		      fpu_le_s((uint32_t)v[0], (uint32_t)v[1], flags));
}

static void test_compare_nan(void **state)
{
	unsigned flags = 0;

	assert_false(fpu_eq_s(QNAN_S, QNAN_S, &flags));
	assert_false(fpu_eq_d(QNAN_D, ONE_D, &flags));
	assert_int_equal(flags, 0);
	assert_false(fpu_lt_d(QNAN_D, ONE_D, &flags));
	assert_int_equal(flags, NV);
	flags = 0;
	assert_false(fpu_le_d(ONE_D, QNAN_D, &flags));
	assert_int_equal(flags, NV);
	flags = 0;
	assert_false(fpu_eq_d(ONE_D, SNAN_D, &flags));
	assert_int_equal(flags, NV);
}

static void test_class(void **state)
{
	static const uint32_t single[] = {NEG_S | INF_S, NEG_S | ONE_S, NEG_S | 1, NEG_S,  0,
					  MIN_S - 1,     MIN_S,         INF_S,     SNAN_S, QNAN_S};
	static const uint64_t dbl[] = {NEG_D | INF_D, NEG_D | ONE_D, NEG_D | 1, NEG_D,  0,
				       MIN_D - 1,     MIN_D,         INF_D,     SNAN_D, QNAN_D};

	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(fpu_class_s(single[i]), 1u << i);
		assert_int_equal(fpu_class_d(dbl[i]), 1u << i);
	}
	assert_int_equal(fpu_class_s(NEG_S | SNAN_S), 1u << 8);
	assert_int_equal(fpu_class_d(NEG_D | QNAN_D), 1u << 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),         cmocka_unit_test(test_sub),
		cmocka_unit_test(test_mul),         cmocka_unit_test(test_div),
		cmocka_unit_test(test_sqrt),        cmocka_unit_test(test_fma),
		cmocka_unit_test(test_min_max),     cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_nan), cmocka_unit_test(test_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
