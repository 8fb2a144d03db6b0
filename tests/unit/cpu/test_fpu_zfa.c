/* SPDX-License-Identifier: MIT */
/* Hand-picked corners of Zfa. */
#include "fpu_rows.h"

#include <string.h>

static const struct row round_d[] = {
	{{0x4004000000000000},
	 {0x4000000000000000, 0x4000000000000000, 0x4000000000000000, 0x4008000000000000,
	  0x4008000000000000},
	 ALL(NX)},                                                                    /* 2.5 */
	{{0xbfd0000000000000}, {NEG_D, NEG_D, NEG_D | ONE_D, NEG_D, NEG_D}, ALL(NX)}, /* -0.25 */
	{{0xbfe0000000000000},
	 {NEG_D, NEG_D, NEG_D | ONE_D, NEG_D, NEG_D | ONE_D},
	 ALL(NX)},                                                    /* -0.5 */
	{{1}, {0, 0, 0, ONE_D, 0}, ALL(NX)},                          /* the smallest */
	{{0x3fefffffffffffff}, {ONE_D, 0, 0, ONE_D, ONE_D}, ALL(NX)}, /* below 1 */
	{{0x432fffffffffffff},
	 {0x4330000000000000, 0x432ffffffffffffe, 0x432ffffffffffffe, 0x4330000000000000,
	  0x4330000000000000},
	 ALL(NX)}, /* 2^52 - 0.5 */
	{{0x4330000000000001}, ALL(0x4330000000000001), ALL(0)},
	{{MAX_D}, ALL(MAX_D), ALL(0)},
	{{ONE_D}, ALL(ONE_D), ALL(0)},
	{{NEG_D}, ALL(NEG_D), ALL(0)},
	{{NEG_D | INF_D}, ALL(NEG_D | INF_D), ALL(0)},
	{{QNAN_D}, ALL(FPU_NAN_D), ALL(0)},
	{{SNAN_D}, ALL(FPU_NAN_D), ALL(NV)},
};

static const struct row round_s[] = {
	{{0x40200000}, {0x40000000, 0x40000000, 0x40000000, 0x40400000, 0x40400000}, ALL(NX)},
	{{0x4affffff}, {0x4b000000, 0x4afffffe, 0x4afffffe, 0x4b000000, 0x4b000000}, ALL(NX)},
	{{0x4b000001}, ALL(0x4b000001), ALL(0)},
	{{NEG_S | 1}, {NEG_S, NEG_S, NEG_S | ONE_S, NEG_S, NEG_S}, ALL(NX)},
	{{SNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
};

static void test_round(void **state)
{
	CHECK(round_d, "roundnx_d", fpu_round_d(v[0], rm, true, flags));
	CHECK(round_s, "roundnx_s", fpu_round_s((uint32_t)v[0], rm, true, flags));
}

/* FROUND is FROUNDNX without FPU_NX. */
static void test_round_quietly(void **state)
{
	for (size_t i = 0; i < COUNT(round_d); i++) {
		for (unsigned rm = 0; rm < MODES; rm++) {
			const struct row *row = &round_d[i];
			unsigned flags = 0;

			assert_int_equal(fpu_round_d(row->v[0], rm, false, &flags), row->want[rm]);
			assert_int_equal(flags, row->flags[rm] & ~FPU_NX);
		}
	}
}

static const struct row modular[] = {
	{{0x41dfffffffc00000}, ALL(0x7fffffff), ALL(0)},
	{{0x41dfffffffe00000}, ALL(0x7fffffff), ALL(NX)},
	{{0x41e0000000000000}, ALL(0xffffffff80000000), ALL(NV)}, /* 2^31 */
	{{0xc1e0000000000000}, ALL(0xffffffff80000000), ALL(0)},
	{{0xc1e0000000100000}, ALL(0xffffffff80000000), ALL(NX)},
	{{0xc1e0000000200000}, ALL(0x7fffffff), ALL(NV)}, /* -(2^31 + 1) */
	{{0x41f0000000100000}, ALL(1), ALL(NV)},          /* 2^32 + 1 */
	{{0x43f0000000000001}, ALL(0x1000), ALL(NV)},     /* 2^64 + 2^12 */
	{{0xc3f0000000000001}, ALL(-0x1000ull), ALL(NV)},
	{{0x4520000000000001}, ALL(0xffffffff80000000), ALL(NV)}, /* 2^83 + 2^31 */
	{{0x4530000000000001}, ALL(0), ALL(NV)},
	{{MAX_D}, ALL(0), ALL(NV)},
	{{0xbfe8000000000000}, ALL(0), ALL(NX)}, /* -0.75 */
	{{NEG_D}, ALL(0), ALL(0)},
	{{INF_D}, ALL(0), ALL(NV)},
	{{QNAN_D}, ALL(0), ALL(NV)},
};

static void test_modular(void **state)
{
	CHECK(modular, "d_to_i32_modular", fpu_d_to_i32_modular(v[0], flags));
}

static const struct row min_d[] = {
	{{NEG_D, 0}, ALL(NEG_D), ALL(0)},
	{{ONE_D, INF_D}, ALL(ONE_D), ALL(0)},
	{{ONE_D, QNAN_D}, ALL(FPU_NAN_D), ALL(0)},
	{{NEG_D | SNAN_D, ONE_D}, ALL(FPU_NAN_D), ALL(NV)},
};

static const struct row max_s[] = {
	{{NEG_S, 0}, ALL(0), ALL(0)},
	{{ONE_S, INF_S}, ALL(INF_S), ALL(0)},
	{{QNAN_S, ONE_S}, ALL(FPU_NAN_S), ALL(0)},
	{{ONE_S, SNAN_S}, ALL(FPU_NAN_S), ALL(NV)},
};

static const struct row less_d[] = {
	{{ONE_D, INF_D}, ALL(1), ALL(0)},   {{ONE_D, ONE_D}, ALL(0), ALL(0)},
	{{NEG_D, 0}, ALL(0), ALL(0)},       {{ONE_D, QNAN_D}, ALL(0), ALL(0)},
	{{SNAN_D, ONE_D}, ALL(0), ALL(NV)},
};

static const struct row less_or_equal_s[] = {
	{{ONE_S, INF_S}, ALL(1), ALL(0)},   {{ONE_S, ONE_S}, ALL(1), ALL(0)},
	{{0, NEG_S}, ALL(1), ALL(0)},       {{ONE_S, QNAN_S}, ALL(0), ALL(0)},
	{{ONE_S, SNAN_S}, ALL(0), ALL(NV)},
};

static void test_compare(void **state)
{
	CHECK(min_d, "minm_d", fpu_minm_d(v[0], v[1], flags));
	CHECK(max_s, "maxm_s", fpu_maxm_s((uint32_t)v[0], (uint32_t)v[1], flags));
	CHECK(less_d, "ltq_d", fpu_ltq_d(v[0], v[1], flags));
	CHECK(less_or_equal_s, "leq_s", fpu_leq_s((uint32_t)v[0], (uint32_t)v[1], flags));
}

static void test_constants(void **state)
{
	static const double want[30] = {
		-1.0,  0x1p-1022, 0x1p-16, 0x1p-15, 0x1p-8, 0x1p-7, 0.0625, 0.125, 0.25,   0.3125,
		0.375, 0.4375,    0.5,     0.625,   0.75,   0.875,  1.0,    1.25,  1.5,    1.75,
		2.0,   2.5,       3.0,     4.0,     8.0,    16.0,   128.0,  256.0, 0x1p15, 0x1p16};

	for (unsigned i = 0; i < COUNT(want); i++) {
		float single = i == 1 ? 0x1p-126f : (float)want[i];
		uint64_t bits;
		uint32_t bits_s;

		memcpy(&bits, &want[i], sizeof(bits));
		memcpy(&bits_s, &single, sizeof(bits_s));
		assert_int_equal(fpu_const_d(i), bits);
		assert_int_equal(fpu_const_s(i), bits_s);
	}
	assert_int_equal(fpu_const_d(30), INF_D);
	assert_int_equal(fpu_const_d(31), FPU_NAN_D);
	assert_int_equal(fpu_const_s(30), INF_S);
	assert_int_equal(fpu_const_s(31), FPU_NAN_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),     cmocka_unit_test(test_round_quietly),
		cmocka_unit_test(test_modular),   cmocka_unit_test(test_compare),
		cmocka_unit_test(test_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
