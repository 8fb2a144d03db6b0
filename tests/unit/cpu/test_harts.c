/* SPDX-License-Identifier: MIT */
/* Several harts, a thread each: atomics, code that another hart overwrites, fences, sleep, start
 * and stop. Also run under TSan. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/jit.h"
#include "interp_rig.h"

enum entry {
	COUNT,
	WRITE_CODE,
	RUN_CODE,
	FENCES,
	WAIT_INTERRUPTS,
	STOP_AT_ONCE,
	SPIN,
	EXCHANGE,
	EXCHANGE_BACK
};

#define ENTRY(e)  (RAM + 16 * (uint64_t)(e))
#define COUNTERS  (RAM + 0x3000)
#define WANTED    (COUNTERS + 0x28)
#define PUBLISHED (COUNTERS + 0x40)

/* Each hart has memory for a few blocks of compiled code. */
static bool little_room;

struct result {
	_Atomic uint64_t ended, value; /* by hart: bits; a sum */
};

static void ecall(void *arg, struct cpu *cpu, uint64_t a[8])
{
	struct rig *r = arg;
	struct result *res = r->arg;
	uint64_t others = 0xff & ~(1ull << cpu->id);

	switch (a[7]) {
	case 0:
		atomic_fetch_add(&res->value, a[0]);
		atomic_fetch_or(&res->ended, 1ull << cpu->id);
		r->engine->kick(cpu);
		break;
	case 1: r->engine->fence(r->vm, others, CPU_FENCE_I, 0, 0, 0); break;
	case 2: r->engine->fence(r->vm, others, CPU_FENCE_VMA, 0, 0x1000, 0); break;
	default: r->engine->stop(cpu); break;
	}
}

static uint64_t host_time(void *arg, struct cpu *cpu)
{
	return host_now_ns() / 100;
}

struct hart_thread {
	pthread_t thread;
	struct rig *rig;
	unsigned hart;
	enum cpu_exit exit;
};

static void *run_hart(void *arg)
{
	struct hart_thread *t = arg;

	t->exit = t->rig->engine->run(t->rig->cpu[t->hart], 0);
	return NULL;
}

static struct rig *setup(unsigned n, struct result *res)
{
	struct rig *r =
		rig_new(&(struct rig_config){.n_harts = n, .ecall = ecall, .time_now = host_time});

	for (unsigned i = 0; i < n && little_room; i++)
		rv64_jit_set_room(interp_of(rv64_hart_of(r->cpu[i])), 8 << 10, 16 << 10);
	memset(res, 0, sizeof(*res));
	r->arg = res;
	rig_load(r, "harts");
	*(uint64_t *)rig_ptr(r, WANTED) = n;
	return r;
}

static void go(struct rig *r, struct hart_thread *t, unsigned hart)
{
	*t = (struct hart_thread){.rig = r, .hart = hart};
	assert_int_equal(pthread_create(&t->thread, NULL, run_hart, t), 0);
}

static void join(struct hart_thread *t)
{
	assert_int_equal(pthread_join(t->thread, NULL), 0);
	assert_int_equal(t->exit, CPU_EXIT_KICKED);
}

/* All harts run the same entry to its end. */
static struct rig *run_all(unsigned n, enum entry e, uint64_t arg, struct result *res)
{
	struct hart_thread t[CPU_MAX_HARTS];
	struct rig *r = setup(n, res);

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(r->engine->start(r->cpu[i], ENTRY(e), arg), 0);
		go(r, &t[i], i);
	}
	for (unsigned i = 0; i < n; i++)
		join(&t[i]);
	assert_int_equal(res->value, 0);
	assert_int_equal(res->ended, (1u << n) - 1);
	return r;
}

static uint64_t peek(struct rig *r, uint64_t gpa)
{
	return __atomic_load_n((uint64_t *)rig_ptr(r, gpa), __ATOMIC_ACQUIRE);
}

static void atomics(void **state)
{
	struct result res;
	struct rig *r = run_all(4, COUNT, 50000, &res);

	assert_int_equal(peek(r, COUNTERS), 200000);
	assert_int_equal(peek(r, COUNTERS + 8), 200000);
	assert_int_equal(peek(r, COUNTERS + 24), 200000);
	rig_free(r);
}

static void code_of_others(void **state)
{
	struct result res;
	struct rig *r = setup(3, &res);
	struct hart_thread t[3];

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(r->engine->start(r->cpu[i], ENTRY(i ? RUN_CODE : WRITE_CODE), 500),
				 0);
		go(r, &t[i], i);
	}
	for (unsigned i = 0; i < 3; i++)
		join(&t[i]);
	assert_int_equal(res.value, 0);
	rig_free(r);
}

/* Two machines' worth of harts with one memory, each of which only does a fence.i of its own. */
static void code_apart(void **state)
{
	struct result res = {0};
	struct rig *r = rig_new(&(struct rig_config){
		.n_harts = 2, .apart = true, .ecall = ecall, .time_now = host_time});
	struct hart_thread t[2];

	r->arg = &res;
	rig_load(r, "harts");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			r->engine->start(r->cpu[i], ENTRY(i ? EXCHANGE_BACK : EXCHANGE), 300), 0);
		go(r, &t[i], i);
	}
	for (unsigned i = 0; i < 2; i++)
		join(&t[i]);
	assert_int_equal(res.value, 0);
	rig_free(r);
}

static void fences_of_all(void **state)
{
	struct result res;

	rig_free(run_all(4, FENCES, 1000, &res));
}

/* Waits until the guest has published n. */
static void await(struct rig *r, uint64_t n)
{
	while (peek(r, PUBLISHED) != n)
		sched_yield();
}

static void sleep_and_interrupts(void **state)
{
	struct result res;
	struct rig *r = setup(2, &res);
	struct hart_thread t;

	assert_int_equal(r->engine->start(r->cpu[1], ENTRY(WAIT_INTERRUPTS), 200), 0);
	go(r, &t, 1);
	for (unsigned i = 1; i <= 200; i++) {
		r->engine->set_irq(r->cpu[1], CPU_IRQ_SSI, true);
		/* Asleep or not: fences do not wait for a sleeper, and do not wake it. */
		r->engine->fence(r->vm, 3, i & 1 ? CPU_FENCE_I : CPU_FENCE_VMA, 0, UINT64_MAX, 0);
		await(r, i);
	}
	join(&t);
	assert_int_equal(res.value, 0);

	/* A timer that fires while the hart sleeps. */
	rig_free(r);
	r = setup(1, &res);
	assert_int_equal(r->engine->start(r->cpu[0], ENTRY(WAIT_INTERRUPTS), 1), 0);
	go(r, &t, 0);
	/* A kick gets a sleeper out, and the next run() goes on waiting. */
	r->engine->kick(r->cpu[0]);
	join(&t);
	go(r, &t, 0);
	r->engine->set_irq(r->cpu[0], CPU_IRQ_SSI, true);
	join(&t);
	assert_int_equal(res.value, 0);
	assert_int_equal(res.ended, 1);
	rig_free(r);
}

static void start_and_stop(void **state)
{
	struct result res;
	struct rig *r = setup(2, &res);
	struct hart_thread t;

	assert_true(r->engine->is_stopped(r->cpu[1]));
	go(r, &t, 1); /* sleeps, being stopped */
	for (unsigned i = 1; i <= 50; i++) {
		assert_int_equal(r->engine->start(r->cpu[1], ENTRY(STOP_AT_ONCE), i), 0);
		await(r, i);
		while (!r->engine->is_stopped(r->cpu[1]))
			sched_yield();
	}
	assert_int_equal(r->engine->start(r->cpu[1], ENTRY(SPIN), 0), 0);
	assert_int_equal(r->engine->start(r->cpu[1], ENTRY(SPIN), 0), -EALREADY);
	assert_false(r->engine->is_stopped(r->cpu[1]));
	/* A hart that runs and never rests answers nevertheless. */
	r->engine->fence(r->vm, 2, CPU_FENCE_I, 0, 0, 0);
	r->engine->kick(r->cpu[1]);
	join(&t);
	assert_int_equal(res.value, 0);
	/* A kick that came too late for a run ends the next one. */
	r->engine->kick(r->cpu[1]);
	assert_int_equal(r->engine->run(r->cpu[1], 0), CPU_EXIT_KICKED);
	rig_free(r);
}

#define CHAIN        (RAM + 0x100000)
#define CHAIN_BLOCKS 512u
#define CHAIN_ROUNDS 200u

static uint32_t jump(int32_t by)
{
	uint32_t d = (uint32_t)by;

	return (d >> 20 & 1) << 31 | (d >> 1 & 0x3ff) << 21 | (d >> 11 & 1) << 20 |
	       (d >> 12 & 0xff) << 12 | 0x6f;
}

/* A round is one block after the other, each of which adds something to a0; a1 counts rounds. In
 * between each calls one of a pair, of which the second, the younger one, jumps to the first: the
 * older one is dropped while the younger one still is there. */
static void write_chain(struct rig *r)
{
	const uint32_t end[] = {
		0xfff58593,                            /* addi a1, a1, -1 */
		0x00058463,                            /* beqz a1, +8 */
		jump(-(int32_t)CHAIN_BLOCKS * 64 - 8), /* j first */
		0x00000893,                            /* li a7, 0 */
		0x00000073,                            /* ecall */
		0x0000006f,                            /* j . */
	};

	const uint32_t older[] = {0x00150513, 0x00008067}; /* addi a0, a0, 1; ret */
	const uint32_t younger[] = {jump(-64)};

	for (uint32_t k = 0; k < CHAIN_BLOCKS; k++) {
		const int32_t to_pair = (int32_t)((k % 16 == 15) * 64 - 0x2000 - k * 64 - 4);
		const uint32_t block[] = {(k % 16) << 20 | 0x00050513, jump(to_pair) | 1 << 7,
					  jump(56)};

		rig_write(r, CHAIN + k * 64, block, sizeof(block));
	}
	rig_write(r, CHAIN + CHAIN_BLOCKS * 64, end, sizeof(end));
	rig_write(r, CHAIN - 0x2000, older, sizeof(older));
	rig_write(r, CHAIN - 0x2000 + 64, younger, sizeof(younger));
}

/* In each of a1 rounds stores what is there into the first of the chain's pages, and has the others
 * execute fence.i. In the page before the chain. */
static const uint32_t disturber[] = {
	0x00001317, /* auipc t1, 1 */
	0x00032283, /* lw t0, 0(t1) */
	0x00532023, /* sw t0, 0(t1) */
	0x00100893, /* li a7, 1 */
	0x00000073, /* ecall */
	0xfff58593, /* addi a1, a1, -1 */
	0xfe0596e3, /* bnez a1, -20 */
	0x00000893, /* li a7, 0 */
	0x00000513, /* li a0, 0 */
	0x00000073, /* ecall */
	0x0000006f, /* j . */
};

/* More blocks than there is room for, each linked to the next, on three harts, while a fourth one
 * makes a page of them void again and again. */
static void much_code(void **state)
{
	struct result res;
	struct hart_thread t[4];
	struct rig *r;

	little_room = true;
	r = setup(4, &res);
	write_chain(r);
	rig_write(r, CHAIN - 0x1000, disturber, sizeof(disturber));
	for (unsigned i = 0; i < 4; i++) {
		uint64_t pc = i < 3 ? CHAIN : CHAIN - 0x1000;

		assert_int_equal(r->engine->start(r->cpu[i], pc, i < 3 ? CHAIN_ROUNDS : 100), 0);
		go(r, &t[i], i);
	}
	for (unsigned i = 0; i < 4; i++)
		join(&t[i]);
	assert_int_equal(res.ended, 15);
	assert_int_equal(res.value,
			 0 + 1 + 2 + 3 * CHAIN_ROUNDS * (CHAIN_BLOCKS / 16) * (120 + 16));
	rig_free(r);
	little_room = false;
}

/* Each hart drops code all the time while the others do what is tested above. */
static void in_little_room(void **state)
{
	little_room = true;
	atomics(state);
	code_of_others(state);
	fences_of_all(state);
	sleep_and_interrupts(state);
	little_room = false;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(atomics),
		cmocka_unit_test(code_of_others),
		cmocka_unit_test(code_apart),
		cmocka_unit_test(fences_of_all),
		cmocka_unit_test(sleep_and_interrupts),
		cmocka_unit_test(start_and_stop),
		cmocka_unit_test(in_little_room),
		cmocka_unit_test(much_code),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
