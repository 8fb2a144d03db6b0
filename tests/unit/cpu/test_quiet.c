/* SPDX-License-Identifier: MIT */
/*
 * A hart that enables interrupts again and again does not ask for the time each time, and yet what
 * is pending comes at once, or, when only time has passed, within a slice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/bits.h"
#include "interp_rig.h"

#define HANDLER  0x100u
#define SLICE    32768u /* the longest */
#define BUDGET   100000000u
#define DEADLINE 1000u

enum event { NOTHING, LINE, TIMER, TIME };

struct seen {
	enum event event; /* what the device does when it is written to */
	uint64_t now;
	unsigned asked;      /* for the time */
	uint64_t begin, end; /* instructions at that write, and when the handler runs */
	uint64_t sepc;
};

static uint64_t time_now(void *arg, struct cpu *cpu)
{
	struct seen *seen = ((struct rig *)arg)->arg;

	seen->asked++;
	return seen->now;
}

static void device(struct rig *r, bool is_write, uint64_t offset, uint64_t *value)
{
	struct seen *seen = r->arg;

	seen->begin = r->engine->retired(r->cpu[0]);
	switch (seen->event) {
	case LINE: r->engine->set_irq(r->cpu[0], CPU_IRQ_SSI, true); break;
	case TIMER: r->engine->set_timer(r->cpu[0], CPU_TIMER_S, 0); break;
	case TIME: seen->now = DEADLINE; break;
	default: break;
	}
}

/* Of the handler, or the end of a program. */
static void ecall(void *arg, struct cpu *cpu, uint64_t a[8])
{
	struct rig *r = arg;
	struct seen *seen = r->arg;

	seen->end = r->engine->retired(cpu);
	seen->sepc = a[0];
	r->engine->kick(cpu);
}

/* Enables and disables interrupts 20480 times, which is more than a slice, writes to the device,
 * spins without interrupts for longer than a slice if it is to, and goes on with `tail`, whose
 * address is returned. */
static uint64_t run(struct seen *seen, bool spin, const uint32_t *tail, size_t size,
		    uint64_t budget)
{
	const uint32_t program[] = {
		0x00000317,                     /* auipc t1, 0 */
		0x10030313,                     /* addi t1, t1, HANDLER */
		0x10531073,                     /* csrw stvec, t1 */
		0x02200293,                     /* li t0, STIE + SSIE */
		0x10429073,                     /* csrw sie, t0 */
		0x10000937,                     /* lui s2, DEVICE */
		0x000054b7,                     /* lui s1, 5 */
		0x10016073,                     /* 1: csrsi sstatus, SIE */
		0x10017073,                     /* csrci sstatus, SIE */
		0xfff48493,                     /* addi s1, s1, -1 */
		0xfe049ae3,                     /* bnez s1, 1b */
		0x00092023,                     /* sw zero, 0(s2) */
		spin ? 0x000104b7 : 0x00100493, /* lui s1, 16, or li s1, 1 */
		0xfff48493,                     /* 1: addi s1, s1, -1 */
		0xfe049ee3,                     /* bnez s1, 1b */
	};
	static const uint32_t handler[] = {
		0x14102573, /* csrr a0, sepc */
		0x00000073, /* ecall */
	};
	struct rig *r =
		rig_new(&(struct rig_config){.n_harts = 1, .ecall = ecall, .time_now = time_now});

	r->arg = seen;
	r->device = device;
	rig_write(r, RAM, program, sizeof(program));
	rig_write(r, RAM + sizeof(program), tail, size);
	rig_write(r, RAM + HANDLER, handler, sizeof(handler));
	assert_int_equal(r->engine->start(r->cpu[0], RAM, 0), 0);
	r->engine->set_timer(r->cpu[0], CPU_TIMER_S, DEADLINE);
	assert_int_equal(r->engine->run(r->cpu[0], budget), CPU_EXIT_KICKED);
	rig_free(r);
	return RAM + sizeof(program);
}

static const uint32_t loop[] = {
	0x10016073, /* 1: csrsi sstatus, SIE */
	0x10017073, /* csrci sstatus, SIE */
	0xff9ff06f, /* j 1b */
};

static void asks_seldom(void **state)
{
	static const uint32_t end[] = {0x00000073 /* ecall */};
	struct seen seen = {.event = NOTHING};

	run(&seen, false, end, sizeof(end), 0);
	assert_in_range(seen.asked, 1, 20);
	/* With a budget it is exact. */
	seen.asked = 0;
	run(&seen, false, end, sizeof(end), BUDGET);
	assert_true(seen.asked >= 20480);
}

/* By each instruction that enables interrupts; they come behind the fourth word. */
static void pending_comes_at_once(void **state)
{
	static const uint32_t tails[][5] = {
		{0x13, 0x13, 0x13, 0x10016073 /* csrsi sstatus, SIE */, 0x6f},
		{0x13, 0x13, 0x00200293 /* li t0, SIE */, 0x1002a073 /* csrs sstatus, t0 */, 0x6f},
		{0x13, 0x13, 0x00200293, 0x10029073 /* csrw sstatus, t0 */, 0x6f},
		{0x00000297 /* auipc t0, 0 */, 0x01028293 /* addi t0, t0, 16 */,
		 0x14129073 /* csrw sepc, t0 */, 0x10200073 /* sret, to U mode */, 0x6f},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(tails); i++) {
		for (enum event event = LINE; event <= TIME; event++) {
			struct seen seen = {.event = event};
			uint64_t tail = run(&seen, event == TIME, tails[i], sizeof(tails[i]), 0);

			assert_int_equal(seen.sepc, tail + 16);
		}
	}
}

static void time_passes(void **state)
{
	struct seen seen = {.event = TIME};
	uint64_t tail = run(&seen, false, loop, sizeof(loop), 0);

	assert_true(seen.end - seen.begin <= SLICE + 16);
	seen = (struct seen){.event = TIME};
	assert_int_equal(run(&seen, false, loop, sizeof(loop), BUDGET), tail);
	assert_int_equal(seen.sepc, tail + 4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_seldom),
		cmocka_unit_test(pending_comes_at_once),
		cmocka_unit_test(time_passes),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
