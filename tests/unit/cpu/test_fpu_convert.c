/* SPDX-License-Identifier: MIT */
/* Hand-picked corners of floating-point conversions, in each rounding mode, and of NaN boxes. */
#include "fpu_rows.h"

static const struct row d_to_s[] = {
	{{0x3ff0000010000000}, {ONE_S, ONE_S, ONE_S, ONE_S + 1, ONE_S + 1}, ALL(NX)},
	{{0x3ff0000010000001}, {ONE_S + 1, ONE_S, ONE_S, ONE_S + 1, ONE_S + 1}, ALL(NX)},
	{{0x3ff0000020000000}, ALL(ONE_S + 1), ALL(0)},
	{{0x47efffffefffffff}, {MAX_S, MAX_S, MAX_S, INF_S, MAX_S}, {NX, NX, NX, OF, NX}},
	{{0x47effffff0000000}, {INF_S, MAX_S, MAX_S, INF_S, INF_S}, {OF, NX, NX, OF, OF}},
	{{0x380fffffe0000000}, {MIN_S, MIN_S - 1, MIN_S - 1, MIN_S, MIN_S}, ALL(UF)},
	{{0x380ffffff0000000}, {MIN_S, MIN_S - 1, MIN_S - 1, MIN_S, MIN_S}, {NX, UF, UF, NX, NX}},
	{{0x3690000000000000}, {0, 0, 0, 1, 1}, ALL(UF)},
	{{NEG_D | 1}, {NEG_S, NEG_S, NEG_S | 1, NEG_S, NEG_S}, ALL(UF)},
	{{NEG_D}, ALL(NEG_S), ALL(0)},
	{{NEG_D | INF_D}, ALL(NEG_S | INF_S), ALL(0)},
	{{NEG_D | QNAN_D}, ALL(FPU_NAN_S), ALL(0)},
	{{SNAN_D}, ALL(FPU_NAN_S), ALL(NV)},
};

static const struct row s_to_d[] = {
	{{ONE_S + 1}, ALL(0x3ff0000020000000), ALL(0)},
	{{NEG_S | 1}, ALL(0xb6a0000000000000), ALL(0)},
	{{MIN_S - 1}, ALL(0x380fffffc0000000), ALL(0)},
	{{MAX_S}, ALL(0x47efffffe0000000), ALL(0)},
	{{NEG_S}, ALL(NEG_D), ALL(0)},
	{{NEG_S | INF_S}, ALL(NEG_D | INF_D), ALL(0)},
	{{QNAN_S}, ALL(FPU_NAN_D), ALL(0)},
	{{SNAN_S}, ALL(FPU_NAN_D), ALL(NV)},
};

static void test_between_formats(void **state)
{
	CHECK(d_to_s, "d_to_s", fpu_d_to_s(v[0], rm, flags));
	CHECK(s_to_d, "s_to_d", fpu_s_to_d((uint32_t)v[0], flags));
}

/* Rounding: to 64 bits, signed. */
static const struct row d_to_i64[] = {
	{{0x4004000000000000}, {2, 2, 2, 3, 3}, ALL(NX)},                     /* 2.5 */
	{{0x400c000000000000}, {4, 3, 3, 4, 4}, ALL(NX)},                     /* 3.5 */
	{{0xc004000000000000}, {-2ull, -2ull, -3ull, -2ull, -3ull}, ALL(NX)}, /* -2.5 */
	{{0x3fe0000000000000}, {0, 0, 0, 1, 1}, ALL(NX)},                     /* 0.5 */
	{{0x3fe0000000000001}, {1, 0, 0, 1, 1}, ALL(NX)},
	{{0x3fdfffffffffffff}, {0, 0, 0, 1, 0}, ALL(NX)},
	{{0xbfd0000000000000}, {0, 0, -1ull, 0, 0}, ALL(NX)}, /* -0.25 */
	{{1}, {0, 0, 0, 1, 0}, ALL(NX)},
	{{NEG_D}, ALL(0), ALL(0)},
	{{0x432fffffffffffff},
	 {0x10000000000000, 0xfffffffffffff, 0xfffffffffffff, 0x10000000000000, 0x10000000000000},
	 ALL(NX)}, /* 2^52 - 0.5 */
	{{0x43dfffffffffffff}, ALL(0x7ffffffffffffc00), ALL(0)},
	{{0x43e0000000000000}, ALL(INT64_MAX), ALL(NV)}, /* 2^63 */
	{{0xc3e0000000000000}, ALL(NEG_D), ALL(0)},
	{{0xc3e0000000000001}, ALL(NEG_D), ALL(NV)},
	{{INF_D}, ALL(INT64_MAX), ALL(NV)},
	{{NEG_D | INF_D}, ALL(NEG_D), ALL(NV)},
	{{QNAN_D}, ALL(INT64_MAX), ALL(NV)},
	{{NEG_D | SNAN_D}, ALL(INT64_MAX), ALL(NV)},
};

static const struct row d_to_u64[] = {
	{{0x43efffffffffffff}, ALL(0xfffffffffffff800), ALL(0)},
	{{0x43f0000000000000}, ALL(UINT64_MAX), ALL(NV)},     /* 2^64 */
	{{0xbfd0000000000000}, ALL(0), {NX, NX, NV, NX, NX}}, /* -0.25 */
	{{0xbfe0000000000000}, ALL(0), {NX, NX, NV, NX, NV}}, /* -0.5 */
	{{NEG_D | ONE_D}, ALL(0), ALL(NV)},
	{{NEG_D | MAX_D}, ALL(0), ALL(NV)},
	{{NEG_D | INF_D}, ALL(0), ALL(NV)},
	{{NEG_D | QNAN_D}, ALL(UINT64_MAX), ALL(NV)},
};

/* What rounds into the range is in it; what does not saturates with FPU_NV alone. */
static const struct row d_to_i32[] = {
	{{0x41dfffffffe00000},
	 {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff},
	 {NV, NX, NX, NV, NV}},                                                /* 2^31 - 0.5 */
	{{0xc1e0000000100000}, ALL(0xffffffff80000000), {NX, NX, NV, NX, NV}}, /* -2^31 - 0.5 */
	{{0xc1e0000000000000}, ALL(0xffffffff80000000), ALL(0)},
	{{MAX_D}, ALL(0x7fffffff), ALL(NV)},
	{{QNAN_D}, ALL(0x7fffffff), ALL(NV)},
	{{NEG_D | INF_D}, ALL(0xffffffff80000000), ALL(NV)},
};

static const struct row s_to_u32[] = {
	{{0x4f000000}, ALL(0xffffffff80000000), ALL(0)}, /* 2^31, sign-extended */
	{{0x4f7fffff}, ALL(0xffffffffffffff00), ALL(0)},
	{{0x4f800000}, ALL(UINT64_MAX), ALL(NV)}, /* 2^32 */
	{{0xbf000000}, ALL(0), {NX, NX, NV, NX, NV}},
	{{0x3fc00000}, {2, 1, 1, 2, 2}, ALL(NX)}, /* 1.5 */
	{{QNAN_S}, ALL(UINT64_MAX), ALL(NV)},
	{{NEG_S | INF_S}, ALL(0), ALL(NV)},
};

/* No single lies between 2^24 and the limits with a fraction: the widths differ in limits only. */
static const struct row s_to_i32[] = {
	{{0x4effffff}, ALL(0x7fffff80), ALL(0)},
	{{0x4f000000}, ALL(0x7fffffff), ALL(NV)},
	{{0xcf000000}, ALL(0xffffffff80000000), ALL(0)},
	{{0xcf000001}, ALL(0xffffffff80000000), ALL(NV)},
	{{0xc0200000}, {-2ull, -2ull, -3ull, -2ull, -3ull}, ALL(NX)}, /* -2.5 */
};

static const struct row s_to_i64[] = {
	{{0x5effffff}, ALL(0x7fffff8000000000), ALL(0)},
	{{0x5f000000}, ALL(INT64_MAX), ALL(NV)},
	{{0xdf000000}, ALL(NEG_D), ALL(0)},
	{{0xdf000001}, ALL(NEG_D), ALL(NV)},
};

static const struct row s_to_u64[] = {
	{{0x5f7fffff}, ALL(0xffffff0000000000), ALL(0)},
	{{0x5f800000}, ALL(UINT64_MAX), ALL(NV)},
	{{NEG_S | 1}, ALL(0), {NX, NX, NV, NX, NX}},
};

static const struct row d_to_u32[] = {
	{{0x41efffffffe00000}, ALL(0xffffffffffffffff), ALL(0)}, /* 2^32 - 1 */
	{{0x41effffffff00000}, ALL(0xffffffffffffffff), {NV, NX, NX, NV, NV}},
	{{SNAN_D}, ALL(UINT64_MAX), ALL(NV)},
};

static void test_to_integer(void **state)
{
	CHECK(d_to_i64, "d_to_i64", fpu_d_to_i64(v[0], rm, flags));
	CHECK(d_to_u64, "d_to_u64", fpu_d_to_u64(v[0], rm, flags));
	CHECK(d_to_i32, "d_to_i32", fpu_d_to_i32(v[0], rm, flags));
	CHECK(d_to_u32, "d_to_u32", fpu_d_to_u32(v[0], rm, flags));
	CHECK(s_to_i64, "s_to_i64", fpu_s_to_i64((uint32_t)v[0], rm, flags));
	CHECK(s_to_u64, "s_to_u64", fpu_s_to_u64((uint32_t)v[0], rm, flags));
	CHECK(s_to_i32, "s_to_i32", fpu_s_to_i32((uint32_t)v[0], rm, flags));
	CHECK(s_to_u32, "s_to_u32", fpu_s_to_u32((uint32_t)v[0], rm, flags));
}

static const struct row i64_to_s[] = {
	{{0}, ALL(0), ALL(0)},
	{{-1ull}, ALL(NEG_S | ONE_S), ALL(0)},
	{{0x1000001}, {0x4b800000, 0x4b800000, 0x4b800000, 0x4b800001, 0x4b800001}, ALL(NX)},
	{{-0x1000001ull}, {0xcb800000, 0xcb800000, 0xcb800001, 0xcb800000, 0xcb800001}, ALL(NX)},
	{{INT64_MAX}, {0x5f000000, 0x5effffff, 0x5effffff, 0x5f000000, 0x5f000000}, ALL(NX)},
	{{NEG_D}, ALL(0xdf000000), ALL(0)},
};

static const struct row u64_to_d[] = {
	{{0}, ALL(0), ALL(0)},
	{{NEG_D}, ALL(0x43e0000000000000), ALL(0)},
	{{UINT64_MAX},
	 {0x43f0000000000000, 0x43efffffffffffff, 0x43efffffffffffff, 0x43f0000000000000,
	  0x43f0000000000000},
	 ALL(NX)},
	{{0x20000000000001},
	 {0x4340000000000000, 0x4340000000000000, 0x4340000000000000, 0x4340000000000001,
	  0x4340000000000001},
	 ALL(NX)},
};

static const struct row i32_to_d[] = {
	{{0}, ALL(0), ALL(0)},
	{{0x7fffffff}, ALL(0x41dfffffffc00000), ALL(0)},
	{{0xffffffff80000000}, ALL(0xc1e0000000000000), ALL(0)},
};

static const struct row u32_to_d[] = {
	{{UINT32_MAX}, ALL(0x41efffffffe00000), ALL(0)},
	{{1}, ALL(ONE_D), ALL(0)},
};

static const struct row i32_to_s[] = {
	{{0x7fffffff}, {0x4f000000, 0x4effffff, 0x4effffff, 0x4f000000, 0x4f000000}, ALL(NX)},
	{{0xffffffff80000000}, ALL(0xcf000000), ALL(0)},
};

static const struct row u32_to_s[] = {
	{{UINT32_MAX}, {0x4f800000, 0x4f7fffff, 0x4f7fffff, 0x4f800000, 0x4f800000}, ALL(NX)},
	{{0x80000000}, ALL(0x4f000000), ALL(0)},
};

static void test_from_integer(void **state)
{
	CHECK(i64_to_s, "i64_to_s", fpu_i64_to_s((int64_t)v[0], rm, flags));
	CHECK(u64_to_d, "u64_to_d", fpu_u64_to_d(v[0], rm, flags));
	CHECK(i32_to_d, "i32_to_d", fpu_i32_to_d((int32_t)v[0], rm, flags));
	CHECK(i32_to_d, "i64_to_d", fpu_i64_to_d((int64_t)v[0], rm, flags));
	CHECK(u32_to_s, "u32_to_s", fpu_u32_to_s((uint32_t)v[0], rm, flags));
	CHECK(i32_to_s, "i32_to_s", fpu_i32_to_s((int32_t)v[0], rm, flags));
	CHECK(u32_to_d, "u32_to_d", fpu_u32_to_d((uint32_t)v[0], rm, flags));
	CHECK(u32_to_s, "u64_to_s", fpu_u64_to_s(v[0], rm, flags));
}

static void test_box(void **state)
{
	assert_int_equal(fpu_box_s(ONE_S), 0xffffffff3f800000);
	assert_int_equal(fpu_unbox_s(0xffffffff3f800000), ONE_S);
	assert_int_equal(fpu_unbox_s(0xfffffffe3f800000), FPU_NAN_S);
	assert_int_equal(fpu_unbox_s(0x000000003f800000), FPU_NAN_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_between_formats),
		cmocka_unit_test(test_to_integer),
		cmocka_unit_test(test_from_integer),
		cmocka_unit_test(test_box),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
