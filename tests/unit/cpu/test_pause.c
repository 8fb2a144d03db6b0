/* SPDX-License-Identifier: MIT */
/*
 * A hart that waits for another one gives its host CPU away with each round, and what is wanted of
 * it in between is done in that round: thousands of rounds later may be seconds later. One that is
 * in a loop that does nothing sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/bits.h"
#include "interp_rig.h"

#define ROUNDS 100u

/* In place of the system's: counts, and wants the hart's attention in the middle of its loop. */
static struct {
	const struct cpu_engine *engine;
	struct cpu *cpu;
	unsigned n;
} yields;

int sched_yield(void);
int sched_yield(void)
{
	if (++yields.n == ROUNDS && yields.cpu)
		yields.engine->kick(yields.cpu);
	return 0;
}

/* The handler of the timer's interrupt has come. */
static void ecall(void *rig, struct cpu *cpu, uint64_t a[8])
{
	yields.engine->kick(cpu);
}

/* Time passes with the yields alone. */
static uint64_t time_now(void *rig, struct cpu *cpu)
{
	return yields.n;
}

/* A loop around `insn` ends in the round in which something is wanted: a kick, or a timer. */
static void check_loop(uint32_t insn, bool timer)
{
	const uint32_t program[] = {
		0x00000317,             /* auipc t1, 0 */
		0x02030313,             /* addi t1, t1, 32 */
		0x10531073,             /* csrw stvec, t1 */
		0x02000293,             /* li t0, STIE */
		0x10429073,             /* csrw sie, t0 */
		0x10016073,             /* csrsi sstatus, SIE */
		insn,       0xffdff06f, /* j . - 4 */
		0x00000073,             /* ecall */
		0x0000006f,             /* j . */
	};
	struct rig *r =
		rig_new(&(struct rig_config){.n_harts = 2, .ecall = ecall, .time_now = time_now});

	rig_write(r, RAM, program, sizeof(program));
	yields.engine = r->engine;
	yields.cpu = timer ? NULL : r->cpu[0];
	yields.n = 0;
	assert_int_equal(r->engine->start(r->cpu[0], RAM, 0), 0);
	if (timer)
		r->engine->set_timer(r->cpu[0], CPU_TIMER_S, ROUNDS);
	assert_int_equal(r->engine->run(r->cpu[0], 0), CPU_EXIT_KICKED);
	assert_in_range(yields.n, ROUNDS, ROUNDS + 1);
	rig_free(r);
}

static const uint32_t waits[] = {
	0x0100000f, /* fence w, 0: pause */
	0x00d00073, /* wrs.nto */
	0x01d00073, /* wrs.sto */
};

static void kicks(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(waits); i++)
		check_loop(waits[i], false);
}

static void timers(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(waits); i++)
		check_loop(waits[i], true);
}

/* A loop that does nothing sleeps at once and does not go round until its budget is used up. The
 * handler of the interrupt that ends it counts in s0. */
static void check_idle(const uint32_t *loop, unsigned n, bool idles)
{
	const uint32_t program[] = {
		0x00000317, /* auipc t1, 0 */
		0x04030313, /* addi t1, t1, 64 */
		0x10531073, /* csrw stvec, t1 */
		0x02000293, /* li t0, STIE */
		0x10429073, /* csrw sie, t0 */
		0x10016073, /* csrsi sstatus, SIE */
	};
	const uint32_t handler[] = {
		0x00140413, /* addi s0, s0, 1 */
		0x10401073, /* csrw sie, zero */
		0x10200073, /* sret */
	};
	struct rig *r = rig_new(&(struct rig_config){
		.n_harts = 1, .in_turns = true, .ecall = ecall, .time_now = time_now});
	struct cpu_regs regs;

	rig_write(r, RAM, program, sizeof(program));
	rig_write(r, RAM + sizeof(program), loop, n * sizeof(*loop));
	rig_write(r, RAM + 64, handler, sizeof(handler));
	yields.n = 0;
	assert_int_equal(r->engine->start(r->cpu[0], RAM, 0), 0);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t before = r->engine->retired(r->cpu[0]);
		enum cpu_exit why = r->engine->run(r->cpu[0], 100000);

		assert_int_equal(why, idles ? CPU_EXIT_IDLE : CPU_EXIT_BUDGET);
		if (idles)
			assert_true(r->engine->retired(r->cpu[0]) - before < 50);
		r->engine->get_regs(r->cpu[0], &regs);
		assert_int_equal(regs.x[8], i);
		assert_in_range(regs.pc, RAM + sizeof(program), RAM + 64);
		r->engine->set_timer(r->cpu[0], CPU_TIMER_S, 0);
	}
	rig_free(r);
}

static void idle_loops(void **state)
{
	static const uint32_t alone[] = {0x0000006f};                        /* j . */
	static const uint32_t nops[] = {0x00000013, 0x00010001, 0xff9ff06f}; /* nop, c.nop, ... */
	static const uint32_t adds[] = {0x00148493, 0xffdff06f};             /* addi s1, s1, 1 */
	static const uint32_t calls[] = {0x000000ef};                        /* jal ra, . */

	check_idle(alone, ARRAY_SIZE(alone), true);
	check_idle(nops, ARRAY_SIZE(nops), true);
	check_idle(adds, ARRAY_SIZE(adds), false);
	check_idle(calls, ARRAY_SIZE(calls), false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kicks),
		cmocka_unit_test(timers),
		cmocka_unit_test(idle_loops),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
