/* SPDX-License-Identifier: MIT */
/*
 * A hart that waits for another one gives its host CPU away with each round, and what is wanted of
 * it in between is done in that round: thousands of rounds later may be seconds later.
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kicks),
		cmocka_unit_test(timers),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
