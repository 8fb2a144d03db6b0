/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests for what RVWMO forbids, with a thread for each hart. PROGRAMS ENGINE [ROUNDS], a
 * million rounds in the long tier.
 *
 * Each row has an outcome that may never occur. On a host that is TSO, like x86-64, the processor
 * itself forbids that of mp, lb and iriw, so that these find only what an engine does wrong (an
 * access that it moves, keeps in a register or tears); sb needs the engine's fences on any host.
 * The row sb_plain is sb without fences: its outcome is allowed, and does occur, which shows that
 * the others could fail. That is only asked for with many rounds and two host CPUs.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interp_rig.h"

#define BATCH   20000u
#define LINE    128u
#define PLACES  (RAM + 0x400000)
#define RESULTS (RAM + 0x3000000)
#define WANTED  (RAM + 0x1008)

#define ROUNDS_LONG 1000000u

struct row {
	const char *name;
	unsigned n_harts;
	unsigned index; /* in the program's table */
	bool (*outcome)(const uint64_t r[4]);
};

struct run {
	const struct row *row;
	uint64_t seen;    /* rounds with the outcome */
	uint64_t written; /* with results */
	uint64_t both;    /* with two ones */
};

static unsigned rounds = 40000;

static bool mp_outcome(const uint64_t r[4])
{
	return r[0] == 1 && r[1] == 0;
}

static bool sb_outcome(const uint64_t r[4])
{
	return r[0] == 0 && r[1] == 0;
}

static bool lb_outcome(const uint64_t r[4])
{
	return r[0] == 1 && r[1] == 1;
}

static bool iriw_outcome(const uint64_t r[4])
{
	return r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0;
}

static const struct row rows[] = {
	{"mp", 2, 0, mp_outcome},       {"mp_acquire", 2, 1, mp_outcome},
	{"sb", 2, 2, sb_outcome},       {"sb_atomic", 2, 3, sb_outcome},
	{"sb_plain", 2, 4, sb_outcome}, {"lb", 2, 5, lb_outcome},
	{"iriw", 4, 6, iriw_outcome},   {"iriw_atomic", 4, 7, iriw_outcome},
};

/* After a batch: all harts wait for hart 0, which is here. */
static void look(struct rig *r)
{
	uint64_t *result = rig_ptr(r, RESULTS);
	struct run *run = r->arg;

	for (unsigned i = 0; i < BATCH; i++) {
		const uint64_t *x = &result[4 * (size_t)i];

		run->seen += run->row->outcome(x);
		run->written += x[0] <= 1 && x[1] <= 1;
		run->both += x[0] == 1 && x[1] == 1;
	}
	/* 0xff: a result that nobody has written is no result of a load. */
	memset(result, 0xff, BATCH * 4 * sizeof(*result));
	memset(rig_ptr(r, PLACES), 0, (size_t)BATCH * LINE);
}

static void ecall(void *arg, struct cpu *cpu, uint64_t a[8])
{
	struct rig *r = arg;

	if (a[7])
		look(r);
	else
		r->engine->kick(cpu);
}

struct hart_thread {
	pthread_t thread;
	struct rig *rig;
	unsigned hart;
};

static void *run_hart(void *arg)
{
	const struct hart_thread *t = arg;

	(void)t->rig->engine->run(t->rig->cpu[t->hart], 0);
	return NULL;
}

static void start(struct rig *r, unsigned hart, const struct row *row)
{
	struct cpu_regs regs;

	assert_int_equal(r->engine->start(r->cpu[hart], RAM, 0), 0);
	r->engine->get_regs(r->cpu[hart], &regs);
	memset(&regs, 0, sizeof(regs));
	regs.x[10] = hart;
	regs.x[11] = row->index;
	regs.x[12] = BATCH;
	regs.x[13] = rounds / BATCH;
	regs.pc = RAM;
	regs.priv = 1;
	r->engine->set_regs(r->cpu[hart], &regs);
}

static struct run run_row(const struct row *row)
{
	struct rig_config cfg = {.n_harts = row->n_harts, .ecall = ecall};
	struct hart_thread t[4];
	struct rig *r = rig_new(&cfg);
	struct run run = {.row = row};

	r->arg = &run;
	rig_load(r, "litmus");
	*(uint64_t *)rig_ptr(r, WANTED) = row->n_harts;
	memset(rig_ptr(r, RESULTS), 0xff, BATCH * 4 * sizeof(uint64_t));
	for (unsigned i = 0; i < row->n_harts; i++)
		start(r, i, row);
	for (unsigned i = 0; i < row->n_harts; i++) {
		t[i] = (struct hart_thread){.rig = r, .hart = i};
		assert_int_equal(pthread_create(&t[i].thread, NULL, run_hart, &t[i]), 0);
	}
	for (unsigned i = 0; i < row->n_harts; i++)
		assert_int_equal(pthread_join(t[i].thread, NULL), 0);
	rig_free(r);
	return run;
}

static void forbidden(void **state)
{
	const struct row *row = *state;
	struct run run = run_row(row);

	print_message("%s: %u rounds, the outcome in %llu, both in %llu\n", row->name, rounds,
		      (unsigned long long)run.seen, (unsigned long long)run.both);
	assert_int_equal(run.seen, 0);
	assert_int_equal(run.written, rounds);
}

/* On a busy host the harts may not meet for a long time. */
static void allowed(void **state)
{
	const struct row *row = *state;
	bool wanted = rounds >= ROUNDS_LONG && sysconf(_SC_NPROCESSORS_ONLN) > 1;
	uint64_t seen = 0;

	for (unsigned i = 0; i < (wanted ? 50 : 1) && !seen; i++)
		seen = run_row(row).seen;
	print_message("%s: the outcome in %llu\n", row->name, (unsigned long long)seen);
	if (wanted)
		assert_true(seen > 0);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[sizeof(rows) / sizeof(rows[0])];

	rig_args(argc, argv);
	if (argc > 3)
		rounds = (unsigned)strtoul(argv[3], NULL, 10);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool plain = !strcmp(rows[i].name, "sb_plain");

		tests[i] = (struct CMUnitTest){
			.name = rows[i].name,
			.test_func = plain ? allowed : forbidden,
			.initial_state = (void *)(uintptr_t)&rows[i],
		};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
