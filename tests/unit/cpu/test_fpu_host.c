/* SPDX-License-Identifier: MIT */
/*
 * The operations that round, on random operands, against the host's: results and flags.
 *
 * x86-64 detects tininess after rounding, as RISC-V does, and has four of the five modes. The
 * operands and the result of every operation of the host are volatile, so that it runs between the
 * setting of the mode and the reading of the flags. The fifth mode, to nearest with ties away from
 * zero, differs from RNE in ties only: there the host's results in RDN and RUP are the candidates,
 * and long double arithmetic tells whether the exact result lies half-way between them.
 */
#include "fpu_random.h"

#include <fenv.h>
#include <stdio.h>

#if !defined(__x86_64__)

int main(void)
{
	puts("skipped: the reference is the floating-point unit of x86-64");
	return 77;
}

#else

struct op {
	const char *name;
	enum format from, to;
	uint64_t (*mine)(const uint64_t *v, unsigned rm, unsigned *flags);
	/* In the host's current mode, raising the host's exceptions. */
	uint64_t (*host)(const uint64_t *v);
	/* Whether the exact result is m. Without it RMM is not tried. */
	bool (*exactly)(enum format from, const uint64_t *v, long double m);
};

#define OPERATION(name, format, mine_params, expression)                             \
	static uint64_t mine_##name(const uint64_t *v, unsigned rm, unsigned *flags) \
	{                                                                            \
		return fpu_##name mine_params;                                       \
	}                                                                            \
	static uint64_t host_##name(const uint64_t *v)                               \
	{                                                                            \
		volatile format a = to_##format(v[0]), b = to_##format(v[1]);        \
		volatile format c = to_##format(v[2]), r = expression;               \
		(void)b, (void)c;                                                    \
		return from_##format(r);                                             \
	}

#define CONVERSION(name, param, exact, format)                                       \
	static uint64_t mine_##name(const uint64_t *v, unsigned rm, unsigned *flags) \
	{                                                                            \
		return fpu_##name(param, rm, flags);                                 \
	}                                                                            \
	static uint64_t host_##name(const uint64_t *v)                               \
	{                                                                            \
		volatile exact a = (exact)(param);                                   \
		volatile format r = (format)a;                                       \
		return from_##format(r);                                             \
	}

OPERATION(add_s, float, ((uint32_t)v[0], (uint32_t)v[1], rm, flags), (a + b))
OPERATION(add_d, double, (v[0], v[1], rm, flags), (a + b))
OPERATION(sub_s, float, ((uint32_t)v[0], (uint32_t)v[1], rm, flags), (a - b))
OPERATION(sub_d, double, (v[0], v[1], rm, flags), (a - b))
OPERATION(mul_s, float, ((uint32_t)v[0], (uint32_t)v[1], rm, flags), (a * b))
OPERATION(mul_d, double, (v[0], v[1], rm, flags), (a * b))
OPERATION(div_s, float, ((uint32_t)v[0], (uint32_t)v[1], rm, flags), (a / b))
OPERATION(div_d, double, (v[0], v[1], rm, flags), (a / b))
OPERATION(sqrt_s, float, ((uint32_t)v[0], rm, flags), sqrtf(a))
OPERATION(sqrt_d, double, (v[0], rm, flags), sqrt(a))
OPERATION(fma_s, float, ((uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2], rm, flags), fmaf(a, b, c))
OPERATION(fma_d, double, (v[0], v[1], v[2], rm, flags), fma(a, b, c))
/* Through long double, which holds all of them: compilers err in converting unsigned ones directly.
 */
CONVERSION(i32_to_s, (int32_t)v[0], long double, float)
CONVERSION(u32_to_s, (uint32_t)v[0], long double, float)
CONVERSION(i64_to_s, (int64_t)v[0], long double, float)
CONVERSION(u64_to_s, v[0], long double, float)
CONVERSION(i32_to_d, (int32_t)v[0], long double, double)
CONVERSION(u32_to_d, (uint32_t)v[0], long double, double)
CONVERSION(i64_to_d, (int64_t)v[0], long double, double)
CONVERSION(u64_to_d, v[0], long double, double)

static uint64_t mine_d_to_s(const uint64_t *v, unsigned rm, unsigned *flags)
{
	return fpu_d_to_s(v[0], rm, flags);
}

static uint64_t host_d_to_s(const uint64_t *v)
{
	volatile double a = to_double(v[0]);
	volatile float r = (float)a;

	return from_float(r);
}

/* Even a long double may round the sum; what it lost is computed too, exactly. */
static bool sum_is(long double a, long double b, long double m)
{
	volatile long double s = a + b;
	volatile long double part_b = s - a;
	volatile long double part_a = s - part_b;

	return s == m && (a - part_a) + (b - part_b) == 0;
}

static bool add_is(enum format from, const uint64_t *v, long double m)
{
	return sum_is(value(from, v[0]), value(from, v[1]), m);
}

static bool sub_is(enum format from, const uint64_t *v, long double m)
{
	return sum_is(value(from, v[0]), -value(from, v[1]), m);
}

static bool mul_is(enum format from, const uint64_t *v, long double m)
{
	return fmal(value(from, v[0]), value(from, v[1]), -m) == 0;
}

static bool div_is(enum format from, const uint64_t *v, long double m)
{
	return fmal(m, value(from, v[1]), -value(from, v[0])) == 0;
}

/* A root of a tie would have a square too long for the format, as would an integer of 32 bits. */
static bool never(enum format from, const uint64_t *v, long double m)
{
	return false;
}

/* Of singles, whose product is exact in long double. */
static bool fma_is(enum format from, const uint64_t *v, long double m)
{
	return sum_is(value(from, v[0]) * value(from, v[1]), value(from, v[2]), m);
}

static bool copy_is(enum format from, const uint64_t *v, long double m)
{
	return value(from, v[0]) == m;
}

static bool i32_is(enum format from, const uint64_t *v, long double m)
{
	return (long double)(int32_t)v[0] == m;
}

static bool u32_is(enum format from, const uint64_t *v, long double m)
{
	return (long double)(uint32_t)v[0] == m;
}

static bool i64_is(enum format from, const uint64_t *v, long double m)
{
	return (long double)(int64_t)v[0] == m;
}

static bool u64_is(enum format from, const uint64_t *v, long double m)
{
	return (long double)v[0] == m;
}

/* The host's environments, by rounding mode, with no exception raised. */
struct host {
	fenv_t env[FPU_RMM];
};

static void host_init(struct host *host)
{
	static const int mode[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

	assert_int_equal(feclearexcept(FE_ALL_EXCEPT), 0);
	for (int rm = FPU_RUP; rm >= FPU_RNE; rm--) {
		assert_int_equal(fesetround(mode[rm]), 0);
		assert_int_equal(fegetenv(&host->env[rm]), 0);
	}
}

static struct result host_run(const struct host *host, const struct op *op, const uint64_t *v,
			      unsigned rm)
{
	struct result r;
	int raised;

	assert_int_equal(fesetenv(&host->env[rm]), 0);
	r.bits = op->host(v);
	raised = fetestexcept(FE_ALL_EXCEPT);
	r.flags = (raised & FE_INEXACT ? FPU_NX : 0) | (raised & FE_UNDERFLOW ? FPU_UF : 0) |
		  (raised & FE_OVERFLOW ? FPU_OF : 0) | (raised & FE_DIVBYZERO ? FPU_DZ : 0) |
		  (raised & FE_INVALID ? FPU_NV : 0);
	return r;
}

/* Whether the result lies half-way between two numbers, as those in RDN and RUP tell. */
static bool is_tie(const struct op *op, const uint64_t *v, const struct result *want)
{
	long double down = value(op->to, want[FPU_RDN].bits);
	long double up = value(op->to, want[FPU_RUP].bits);

	return isfinite(down) && isfinite(up) && down != up &&
	       op->exactly(op->from, v, (down + up) / 2);
}

/* Try one set in all modes, with cleared flags and with FPU_NX set. Returns whether it is a tie. */
static bool check_set(const struct host *host, const struct op *op, const uint64_t *v)
{
	struct result want[MODES];
	bool tie = false;

	/* To nearest at last: that is the mode to be in for what follows. */
	for (unsigned rm = FPU_RMM; rm-- > 0;)
		want[rm] = host_run(host, op, v, rm);
	want[FPU_RMM] = want[FPU_RNE];
	if (op->exactly && is_tie(op, v, want)) {
		bool negative = signbit(value(op->to, want[FPU_RDN].bits));

		tie = true;
		want[FPU_RMM].bits = want[negative ? FPU_RDN : FPU_RUP].bits;
	}
	for (unsigned i = 0; i < (op->exactly ? MODES : FPU_RMM) * 2; i++) {
		unsigned rm = i / 2;
		struct result got = {.flags = i % 2 ? FPU_NX : 0};

		want[rm].flags |= got.flags;
		got.bits = op->mine(v, rm, &got.flags);
		check(op->name, v, rm, got, want[rm]);
	}
	return tie;
}

#define OP(name, from, to, exactly)                                \
	{                                                          \
#name, from, to, mine_##name, host_##name, exactly \
	}

/* Infinity times zero plus a quiet NaN: invalid for RISC-V, not for the host. */
static bool is_nan_product(const struct op *op, const uint64_t *v)
{
	long double a = value(op->from, v[0]);
	long double b = value(op->from, v[1]);

	if (op->mine != mine_fma_s && op->mine != mine_fma_d)
		return false;
	return !isnan(a) && !isnan(b) && isnan(a * b) && isnan(value(op->from, v[2]));
}

static void check_ops(const struct op *ops, size_t count)
{
	struct host host;

	host_init(&host);
	for (const struct op *op = ops; op < ops + count; op++) {
		uint64_t state = SEED;
		unsigned ties = 0;

		for (unsigned i = 0; i < SETS; i++) {
			uint64_t v[3];

			random_set(&state, op->from, v);
			if (is_nan_product(op, v))
				continue;
			ties += check_set(&host, op, v);
		}
		if (op->exactly && op->exactly != never)
			assert_true(ties > SETS / 5000);
	}
}

static void test_arithmetic(void **state)
{
	static const struct op ops[] = {
		OP(add_s, SINGLE, SINGLE, add_is), OP(add_d, DOUBLE, DOUBLE, add_is),
		OP(sub_s, SINGLE, SINGLE, sub_is), OP(sub_d, DOUBLE, DOUBLE, sub_is),
		OP(mul_s, SINGLE, SINGLE, mul_is), OP(mul_d, DOUBLE, DOUBLE, mul_is),
		OP(div_s, SINGLE, SINGLE, div_is), OP(div_d, DOUBLE, DOUBLE, div_is),
		OP(sqrt_s, SINGLE, SINGLE, never), OP(sqrt_d, DOUBLE, DOUBLE, never),
	};

	check_ops(ops, COUNT(ops));
}

static void test_fused(void **state)
{
	static const struct op ops[] = {
		OP(fma_s, SINGLE, SINGLE, fma_is),
		OP(fma_d, DOUBLE, DOUBLE, NULL),
	};

	if (!__builtin_cpu_supports("fma")) {
		print_message("this processor has no fused multiply-add to compare with\n");
		skip();
	}
	check_ops(ops, COUNT(ops));
}

static void test_conversion(void **state)
{
	static const struct op ops[] = {
		OP(d_to_s, DOUBLE, SINGLE, copy_is),   OP(i32_to_s, INTEGER, SINGLE, i32_is),
		OP(u32_to_s, INTEGER, SINGLE, u32_is), OP(i64_to_s, INTEGER, SINGLE, i64_is),
		OP(u64_to_s, INTEGER, SINGLE, u64_is), OP(i32_to_d, INTEGER, DOUBLE, never),
		OP(u32_to_d, INTEGER, DOUBLE, never),  OP(i64_to_d, INTEGER, DOUBLE, i64_is),
		OP(u64_to_d, INTEGER, DOUBLE, u64_is),
	};

	check_ops(ops, COUNT(ops));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_fused),
		cmocka_unit_test(test_conversion),
	};

	print_message("seed %#llx\n", (unsigned long long)SEED);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
