/* SPDX-License-Identifier: MIT */
/*
 * The operations that have simple rules, on random operands: conversions to integers, comparisons,
 * minimum, maximum, classes and widening. The rules are written down in long double, which holds
 * every operand and every limit exactly.
 */
#include "fpu_random.h"

#include <float.h>

#if LDBL_MANT_DIG < 64

#include <stdio.h>

int main(void)
{
	puts("skipped: the host's long double does not hold a 64-bit integer");
	return 77;
}

#else

/* Conversions to integers. */
struct to_int {
	const char *name;
	uint64_t (*mine_s)(uint32_t a, unsigned rm, unsigned *flags);
	uint64_t (*mine_d)(uint64_t a, unsigned rm, unsigned *flags);
	long double min, max;
};

static struct result to_int_rule(const struct to_int *type, long double x, unsigned rm)
{
	static long double (*const to_integral[MODES])(long double) = {rintl, truncl, floorl, ceill,
								       roundl};
	long double r = to_integral[rm](x);
	struct result want = {.flags = r == x ? 0 : FPU_NX};

	if (isnan(x) || r > type->max) {
		want.flags = FPU_NV;
		r = type->max;
	} else if (r < type->min) {
		want.flags = FPU_NV;
		r = type->min;
	}
	want.bits = r < 0 ? (uint64_t)(int64_t)r : (uint64_t)r;
	if (type->max <= UINT32_MAX)
		want.bits = (uint64_t)(int32_t)want.bits;
	return want;
}

static void test_to_integer(void **unused)
{
	static const struct to_int types[] = {
		{"to_i32", fpu_s_to_i32, fpu_d_to_i32, INT32_MIN, INT32_MAX},
		{"to_u32", fpu_s_to_u32, fpu_d_to_u32, 0, UINT32_MAX},
		{"to_i64", fpu_s_to_i64, fpu_d_to_i64, INT64_MIN, INT64_MAX},
		{"to_u64", fpu_s_to_u64, fpu_d_to_u64, 0, UINT64_MAX},
	};
	uint64_t state = SEED;

	for (unsigned i = 0; i < SETS * COUNT(types); i++) {
		const struct to_int *type = &types[i % COUNT(types)];
		unsigned rm = i / (unsigned)COUNT(types) % MODES;
		uint64_t s[3] = {random_operand(&state, SINGLE)};
		uint64_t d[3] = {random_operand(&state, DOUBLE)};
		struct result got = {0};

		got.bits = type->mine_s((uint32_t)s[0], rm, &got.flags);
		check(type->name, s, rm, got, to_int_rule(type, value(SINGLE, s[0]), rm));
		got.flags = 0;
		got.bits = type->mine_d(d[0], rm, &got.flags);
		check(type->name, d, rm, got, to_int_rule(type, value(DOUBLE, d[0]), rm));
	}
}

static uint64_t select_rule(enum format format, const uint64_t *v, bool max)
{
	long double a = value(format, v[0]);
	long double b = value(format, v[1]);

	if (isnan(a) && isnan(b))
		return format == SINGLE ? FPU_NAN_S : FPU_NAN_D;
	if (isnan(a) || isnan(b))
		return isnan(a) ? v[1] : v[0];
	if (a == b)
		return !signbit(a) == max ? v[0] : v[1];
	return (a > b) == max ? v[0] : v[1];
}

static unsigned class_rule(enum format format, uint64_t bits)
{
	bool negative = signbit(value(format, bits));
	int class = format == SINGLE ? fpclassify(to_float(bits)) : fpclassify(to_double(bits));

	switch (class) {
	case FP_INFINITE: return negative ? 0x001 : 0x080;
	case FP_NORMAL: return negative ? 0x002 : 0x040;
	case FP_SUBNORMAL: return negative ? 0x004 : 0x020;
	case FP_ZERO: return negative ? 0x008 : 0x010;
	default: return is_snan(format, bits) ? 0x100 : 0x200;
	}
}

static void check_single(const uint64_t *v)
{
	const uint32_t a = (uint32_t)v[0], b = (uint32_t)v[1];
	const float x = to_float(v[0]), y = to_float(v[1]);
	const unsigned quiet = is_snan(SINGLE, v[0]) || is_snan(SINGLE, v[1]) ? FPU_NV : 0;
	const unsigned signaling = isnan(x) || isnan(y) ? FPU_NV : 0;
	struct result r[7] = {0};

	r[0].bits = fpu_eq_s(a, b, &r[0].flags);
	check("eq_s", v, 0, r[0], (struct result){x == y, quiet});
	r[1].bits = fpu_lt_s(a, b, &r[1].flags);
	check("lt_s", v, 0, r[1], (struct result){isless(x, y), signaling});
	r[2].bits = fpu_le_s(a, b, &r[2].flags);
	check("le_s", v, 0, r[2], (struct result){islessequal(x, y), signaling});
	r[3].bits = fpu_min_s(a, b, &r[3].flags);
	check("min_s", v, 0, r[3], (struct result){select_rule(SINGLE, v, false), quiet});
	r[4].bits = fpu_max_s(a, b, &r[4].flags);
	check("max_s", v, 0, r[4], (struct result){select_rule(SINGLE, v, true), quiet});
	r[5].bits = fpu_class_s(a);
	check("class_s", v, 0, r[5], (struct result){class_rule(SINGLE, v[0]), 0});
	r[6].bits = fpu_s_to_d(a, &r[6].flags);
	check("s_to_d", v, 0, r[6],
	      (struct result){from_double(x), is_snan(SINGLE, v[0]) ? FPU_NV : 0});
}

static void check_double(const uint64_t *v)
{
	const double x = to_double(v[0]), y = to_double(v[1]);
	const unsigned quiet = is_snan(DOUBLE, v[0]) || is_snan(DOUBLE, v[1]) ? FPU_NV : 0;
	const unsigned signaling = isnan(x) || isnan(y) ? FPU_NV : 0;
	struct result r[6] = {0};

	r[0].bits = fpu_eq_d(v[0], v[1], &r[0].flags);
	check("eq_d", v, 0, r[0], (struct result){x == y, quiet});
	r[1].bits = fpu_lt_d(v[0], v[1], &r[1].flags);
	check("lt_d", v, 0, r[1], (struct result){isless(x, y), signaling});
	r[2].bits = fpu_le_d(v[0], v[1], &r[2].flags);
	check("le_d", v, 0, r[2], (struct result){islessequal(x, y), signaling});
	r[3].bits = fpu_min_d(v[0], v[1], &r[3].flags);
	check("min_d", v, 0, r[3], (struct result){select_rule(DOUBLE, v, false), quiet});
	r[4].bits = fpu_max_d(v[0], v[1], &r[4].flags);
	check("max_d", v, 0, r[4], (struct result){select_rule(DOUBLE, v, true), quiet});
	r[5].bits = fpu_class_d(v[0]);
	check("class_d", v, 0, r[5], (struct result){class_rule(DOUBLE, v[0]), 0});
}

static void test_exact(void **unused)
{
	uint64_t state = SEED;

	for (unsigned i = 0; i < SETS; i++) {
		uint64_t v[3];

		random_set(&state, SINGLE, v);
		check_single(v);
		random_set(&state, DOUBLE, v);
		check_double(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_integer),
		cmocka_unit_test(test_exact),
	};

	print_message("seed %#llx\n", (unsigned long long)SEED);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
