/* SPDX-License-Identifier: MIT */
/* What an engine does for debuggers: points, steps, CSRs, translation. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "cpu/debug.h"
#include "interp_rig.h"

#define DATA    (RAM + 0x1000)
#define AT(n)   (RAM + (n))
#define ROUNDS  100u
#define MTVEC   0x305
#define MSTATUS 0x300
#define SATP    0x180

enum { T0 = 5, T1 = 6, T2 = 7, T3 = 28, T4 = 29 };

/* Counts in t2, stores that at DATA, loads it back, adds it to DATA + 8; ROUNDS times. */
static const uint32_t loop_code[] = {
	0x00001297, /* 00: auipc t0, 1 */
	0x06400313, /* 04: li t1, 100 */
	0x00138393, /* 08: addi t2, t2, 1 */
	0x0072b023, /* 0c: sd t2, 0(t0) */
	0x0002be03, /* 10: ld t3, 0(t0) */
	0x00828f13, /* 14: addi t5, t0, 8 */
	0x007f3eaf, /* 18: amoadd.d t4, t2, (t5) */
	0xfff30313, /* 1c: addi t1, t1, -1 */
	0xfe0314e3, /* 20: bnez t1, 08 */
	0x10500073, /* 24: wfi */
	0x0000006f, /* 28: j 28 */
};
#define LOOP_INSNS (2 + 7 * ROUNDS + 1)

static struct rig *rig_loop(unsigned harts)
{
	struct rig *r = rig_new(&(struct rig_config){.n_harts = harts, .in_turns = true});

	rig_write(r, RAM, loop_code, sizeof(loop_code));
	for (unsigned i = 0; i < harts; i++)
		assert_int_equal(r->engine->start(r->cpu[i], RAM, 0), 0);
	return r;
}

static struct cpu_regs regs_of(struct rig *r, unsigned hart)
{
	struct cpu_regs regs;

	r->engine->get_regs(r->cpu[hart], &regs);
	return regs;
}

static struct cpu_debug_event event_of(struct rig *r)
{
	struct cpu_debug_event e;

	r->engine->debug->event(r->cpu[0], &e);
	return e;
}

static void set_points(struct rig *r, const struct cpu_point *p, unsigned n)
{
	assert_int_equal(r->engine->debug->set_points(r->vm, p, n), 0);
}

static void set_one(struct rig *r, enum cpu_point_kind kind, uint64_t addr, uint64_t len)
{
	set_points(r, &(struct cpu_point){.kind = kind, .addr = addr, .len = len}, 1);
}

static void expect_exit(struct rig *r, unsigned hart, enum cpu_exit exit)
{
	assert_int_equal(r->engine->run(r->cpu[hart], 0), exit);
}

static void step(struct rig *r, uint64_t pc)
{
	r->engine->debug->set_step(r->cpu[0], true);
	expect_exit(r, 0, CPU_EXIT_DEBUG);
	assert_int_equal(event_of(r).cause, CPU_DEBUG_STEP);
	r->engine->debug->set_step(r->cpu[0], false);
	assert_int_equal(event_of(r).cause, CPU_DEBUG_NONE);
	assert_int_equal(regs_of(r, 0).pc, pc);
}

/* Runs into the only breakpoint, at pc. */
static void expect_break(struct rig *r, uint64_t pc)
{
	expect_exit(r, 0, CPU_EXIT_DEBUG);
	assert_int_equal(event_of(r).cause, CPU_DEBUG_POINT);
	assert_int_equal(event_of(r).point.kind, CPU_POINT_BREAK);
	assert_int_equal(event_of(r).addr, pc);
	assert_int_equal(regs_of(r, 0).pc, pc);
}

static void expect_loop_done(struct rig *r)
{
	expect_exit(r, 0, CPU_EXIT_IDLE);
	assert_int_equal(event_of(r).cause, CPU_DEBUG_NONE);
	assert_int_equal(regs_of(r, 0).x[T2], ROUNDS);
	assert_int_equal(r->engine->retired(r->cpu[0]), LOOP_INSNS);
}

static void breakpoint(void **state)
{
	struct rig *r = rig_loop(1);

	set_one(r, CPU_POINT_BREAK, AT(0x10), 1);
	expect_break(r, AT(0x10));
	assert_int_equal(regs_of(r, 0).x[T2], 1);
	assert_int_equal(regs_of(r, 0).x[T3], 0);
	assert_int_equal(*(uint64_t *)rig_ptr(r, DATA), 1);
	assert_int_equal(r->engine->retired(r->cpu[0]), 4);
	expect_break(r, AT(0x10)); /* it is still there */
	step(r, AT(0x14));
	assert_int_equal(regs_of(r, 0).x[T3], 1);
	expect_break(r, AT(0x10));
	assert_int_equal(regs_of(r, 0).x[T2], 2);
	set_points(r, NULL, 0);
	expect_loop_done(r);
	rig_free(r);
}

/* Blocks that were made, compiled and chained without it. */
static void breakpoint_in_warm_code(void **state)
{
	struct rig *r = rig_loop(1);

	assert_int_equal(r->engine->run(r->cpu[0], 350), CPU_EXIT_BUDGET);
	set_one(r, CPU_POINT_BREAK, AT(0x20), 1);
	expect_break(r, AT(0x20));
	set_points(r, NULL, 0);
	assert_int_equal(r->engine->run(r->cpu[0], 20), CPU_EXIT_BUDGET);
	set_one(r, CPU_POINT_BREAK, AT(0x8), 1);
	expect_break(r, AT(0x8));
	assert_true(regs_of(r, 0).x[T2] > 50);
	set_points(r, NULL, 0);
	expect_loop_done(r);
	rig_free(r);
}

/* Points elsewhere in the page, and at the same offset of another one, are not met. */
static void breakpoints_nearby(void **state)
{
	static const struct cpu_point p[] = {{.kind = CPU_POINT_BREAK, .addr = AT(0x800)},
					     {.kind = CPU_POINT_BREAK, .addr = AT(0x1008)},
					     {.kind = CPU_POINT_BREAK, .addr = AT(0x0a)}};
	struct rig *r = rig_loop(1);

	set_points(r, p, ARRAY_SIZE(p));
	expect_loop_done(r);
	rig_free(r);
}

static void two_harts(void **state)
{
	struct rig *r = rig_loop(2);

	set_one(r, CPU_POINT_BREAK, AT(0x24), 1);
	expect_break(r, AT(0x24));
	expect_exit(r, 1, CPU_EXIT_DEBUG);
	assert_int_equal(regs_of(r, 1).pc, AT(0x24));
	assert_int_equal(regs_of(r, 1).x[10], 1);
	rig_free(r);
}

static void expect_watch(struct rig *r, enum cpu_point_kind kind, uint64_t addr, uint64_t pc)
{
	expect_exit(r, 0, CPU_EXIT_DEBUG);
	assert_int_equal(event_of(r).cause, CPU_DEBUG_POINT);
	assert_int_equal(event_of(r).point.kind, kind);
	assert_int_equal(event_of(r).addr, addr);
	assert_int_equal(regs_of(r, 0).pc, pc);
}

/* The hart stops before the access, and nothing of it has happened. */
static void watchpoints(void **state)
{
	struct rig *r = rig_loop(1);
	uint64_t before, sum;

	assert_int_equal(r->engine->run(r->cpu[0], 300), CPU_EXIT_BUDGET); /* warm */
	set_one(r, CPU_POINT_WRITE, DATA + 3, 1);
	expect_watch(r, CPU_POINT_WRITE, DATA, AT(0x0c));
	assert_int_equal(*(uint64_t *)rig_ptr(r, DATA), regs_of(r, 0).x[T2] - 1);
	expect_watch(r, CPU_POINT_WRITE, DATA, AT(0x0c)); /* it is still there */
	before = r->engine->retired(r->cpu[0]);
	set_one(r, CPU_POINT_READ, DATA, 8);
	expect_watch(r, CPU_POINT_READ, DATA, AT(0x10));
	assert_int_equal(r->engine->retired(r->cpu[0]), before + 1);
	assert_int_equal(*(uint64_t *)rig_ptr(r, DATA), regs_of(r, 0).x[T2]);
	assert_int_equal(regs_of(r, 0).x[T3], regs_of(r, 0).x[T2] - 1);
	set_one(r, CPU_POINT_ACCESS, DATA + 8, 8);
	sum = *(uint64_t *)rig_ptr(r, DATA + 8);
	expect_watch(r, CPU_POINT_ACCESS, DATA + 8, AT(0x18));
	assert_int_equal(*(uint64_t *)rig_ptr(r, DATA + 8), sum);
	set_one(r, CPU_POINT_READ, DATA + 8, 8); /* an atomic counts as a store */
	expect_loop_done(r);
	rig_free(r);
}

/* Both kinds at a time, and the breakpoint comes first. */
static void watch_and_break(void **state)
{
	static const struct cpu_point p[] = {{.kind = CPU_POINT_WRITE, .addr = DATA, .len = 8},
					     {.kind = CPU_POINT_BREAK, .addr = AT(0xc)}};
	struct rig *r = rig_loop(1);

	set_points(r, p, ARRAY_SIZE(p));
	expect_break(r, AT(0xc));
	r->engine->debug->set_step(r->cpu[0], true);
	expect_watch(r, CPU_POINT_WRITE, DATA, AT(0xc));
	set_points(r, NULL, 0);
	expect_exit(r, 0, CPU_EXIT_DEBUG);
	r->engine->debug->set_step(r->cpu[0], false);
	assert_int_equal(regs_of(r, 0).pc, AT(0x10));
	set_points(r, p, ARRAY_SIZE(p));
	expect_break(r, AT(0xc));
	rig_free(r);
}

static void steps(void **state)
{
	struct rig *r = rig_loop(1);
	uint64_t value;

	set_one(r, CPU_POINT_BREAK, AT(0x8), 1); /* does not count in steps */
	for (uint64_t pc = 4; pc <= 0x20; pc += 4)
		step(r, AT(pc));
	step(r, AT(0x8)); /* the branch */
	assert_int_equal(r->engine->retired(r->cpu[0]), 9);
	set_points(r, NULL, 0);
	expect_loop_done(r);

	/* A step ends the waiting of wfi, and takes no interrupt. */
	assert_int_equal(r->engine->debug->csr_write(r->cpu[0], MTVEC, AT(0x24)), 0);
	assert_int_equal(r->engine->debug->csr_write(r->cpu[0], 0x304, 1u << CPU_IRQ_MSI), 0);
	assert_int_equal(r->engine->debug->csr_write(r->cpu[0], MSTATUS, 8), 0);
	r->engine->set_irq(r->cpu[0], CPU_IRQ_MSI, true);
	step(r, AT(0x28));
	step(r, AT(0x28));
	assert_int_equal(r->engine->run(r->cpu[0], 1), CPU_EXIT_BUDGET);
	assert_int_equal(r->engine->debug->csr_read(r->cpu[0], 0x342, &value), 0);
	assert_int_equal(value, 1ull << 63 | CPU_IRQ_MSI);
	rig_free(r);
}

static void step_into_a_trap(void **state)
{
	static const uint32_t ecall = 0x00000073;
	struct rig *r = rig_loop(1);

	rig_write(r, RAM, &ecall, sizeof(ecall));
	assert_int_equal(r->engine->run(r->cpu[0], 1), CPU_EXIT_BUDGET); /* it starts: a trap */
	assert_int_equal(r->engine->debug->csr_write(r->cpu[0], MTVEC, AT(0x24)), 0);
	r->engine->set_regs(r->cpu[0], &(struct cpu_regs){.pc = RAM, .priv = 3});
	step(r, AT(0x24));
	assert_int_equal(r->engine->retired(r->cpu[0]), 0);
	rig_free(r);
}

static void step_of_a_stopped_hart(void **state)
{
	struct rig *r = rig_new(&(struct rig_config){.n_harts = 1, .in_turns = true});

	step(r, 0);
	expect_exit(r, 0, CPU_EXIT_IDLE);
	rig_free(r);
}

static void csrs(void **state)
{
	struct rig *r = rig_loop(1);
	const struct cpu_debug_ops *d = r->engine->debug;
	struct cpu_regs regs;
	uint64_t value;

	assert_int_equal(r->engine->run(r->cpu[0], 1), CPU_EXIT_BUDGET);
	regs = regs_of(r, 0);
	regs.priv = 0; /* which may none of these */
	r->engine->set_regs(r->cpu[0], &regs);
	assert_int_equal(d->csr_write(r->cpu[0], 0x340, 0x1234), 0);
	assert_int_equal(d->csr_read(r->cpu[0], 0x340, &value), 0);
	assert_int_equal(value, 0x1234);
	assert_int_equal(d->csr_write(r->cpu[0], 0x003, 0xff), 0); /* fcsr, with FS off */
	assert_int_equal(regs_of(r, 0).fcsr, 0xff);
	assert_int_equal(d->csr_write(r->cpu[0], 0xb00, 77), 0); /* mcycle */
	assert_int_equal(d->csr_read(r->cpu[0], 0xb00, &value), 0);
	assert_int_equal(value, 77);
	assert_int_equal(d->csr_write(r->cpu[0], 0x344, 2), 0); /* mip: SSIP */
	assert_int_equal(d->csr_read(r->cpu[0], 0x344, &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(d->csr_write(r->cpu[0], 0xf14, 1), -EPERM);
	assert_int_equal(d->csr_read(r->cpu[0], 0x7ff, &value), -ENOENT);
	assert_int_equal(d->csr_write(r->cpu[0], 0x7ff, 0), -ENOENT);
	rig_free(r);
}

/* By Sv39, whatever the entry allows, and without A or D being set. */
static void translate(void **state)
{
	const uint64_t table = RAM + 0x2000;
	const uint64_t entry = (RAM >> 12 << 10) | 0x13; /* V, R, U: 1 GiB at 0x1_0000_0000 */
	struct rig *r = rig_loop(1);
	struct cpu_regs regs;
	uint64_t pa;

	assert_int_equal(r->engine->run(r->cpu[0], 1), CPU_EXIT_BUDGET);
	rig_write(r, table + 4 * sizeof(entry), &entry, sizeof(entry));
	/* All memory is S mode's, as far as PMP goes. */
	assert_int_equal(r->engine->debug->csr_write(r->cpu[0], 0x3b0, ~0ull >> 10), 0);
	assert_int_equal(r->engine->debug->csr_write(r->cpu[0], 0x3a0, 0x1f), 0);
	assert_int_equal(r->engine->debug->csr_write(r->cpu[0], SATP, 8ull << 60 | table >> 12), 0);
	assert_int_equal(r->engine->debug->translate(r->cpu[0], 0x100001234, &pa), 0);
	assert_int_equal(pa, 0x100001234); /* in M mode there is no translation */
	regs = regs_of(r, 0);
	regs.priv = 1;
	r->engine->set_regs(r->cpu[0], &regs);
	assert_int_equal(r->engine->debug->translate(r->cpu[0], 0x100001234, &pa), 0);
	assert_int_equal(pa, RAM + 0x1234);
	assert_int_equal(r->engine->debug->translate(r->cpu[0], 0x80001234, &pa), -EFAULT);
	assert_memory_equal(rig_ptr(r, table + 4 * sizeof(entry)), &entry, sizeof(entry));
	rig_free(r);
}

static void many_points(void **state)
{
	struct cpu_point p[CPU_MAX_POINTS + 1];
	struct rig *r = rig_loop(1);

	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = (struct cpu_point){.kind = CPU_POINT_BREAK, .addr = AT(2 * i + 2)};
	assert_int_equal(r->engine->debug->set_points(r->vm, p, CPU_MAX_POINTS + 1), -ENOSPC);
	set_points(r, p, CPU_MAX_POINTS);
	expect_break(r, AT(4));
	step(r, AT(8));
	expect_break(r, AT(8));
	rig_free(r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breakpoint),
		cmocka_unit_test(breakpoint_in_warm_code),
		cmocka_unit_test(breakpoints_nearby),
		cmocka_unit_test(two_harts),
		cmocka_unit_test(watchpoints),
		cmocka_unit_test(watch_and_break),
		cmocka_unit_test(steps),
		cmocka_unit_test(step_into_a_trap),
		cmocka_unit_test(step_of_a_stopped_hart),
		cmocka_unit_test(csrs),
		cmocka_unit_test(translate),
		cmocka_unit_test(many_points),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
