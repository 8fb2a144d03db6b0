/* SPDX-License-Identifier: MIT */
/* Harts held and released, by the engine itself; they run an endless loop. Also run under TSan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "bus/bus.h"
#include "cpu/debug.h"
#include "machine/vcpus.h"
#include "mem/gmem.h"

#define RAM   0x80000000u
#define HARTS 2

struct holder;

struct board {
	struct loop *loop;
	struct gmem *mem;
	struct bus *bus;
	struct cpu_vm *vm;
	struct clock clock;
	struct vcpus vcpus;
	bool ended;
	/* of the holds' callbacks */
	unsigned told;
	/* of the debugger's: it holds */
	struct vcpus_debugger debugger;
	struct holder *on_met;
	unsigned met;
	uint64_t ticks;
};

struct holder {
	struct vcpus_hold hold;
	struct board *board;
	struct vcpus_hold *release; /* when it is told */
};

static void ecall(void *arg, struct cpu *cpu, uint64_t a[8])
{
	fail();
}

static uint64_t time_now(void *arg, struct cpu *cpu)
{
	return clock_ticks(&((const struct board *)arg)->clock);
}

static void setup(struct board *b, bool counted)
{
	static const uint32_t loop_code[] = {0x00128293 /* addi t0, t0, 1 */,
					     0xffdff06f /* j . - 4 */};
	struct cpu_vm_config cfg = {.env = {.arg = b, .ecall = ecall, .time_now = time_now},
				    .n_harts = HARTS,
				    .timebase_hz = 10000000,
				    .in_turns = counted};
	struct err e;

	*b = (struct board){0};
	assert_int_equal(loop_new(&b->loop), 0);
	assert_int_equal(gmem_new(&b->mem), 0);
	assert_int_equal(gmem_add_ram(b->mem, RAM, 1u << 21), 0);
	memcpy(gmem_map(b->mem, RAM, sizeof(loop_code)), loop_code, sizeof(loop_code));
	assert_int_equal(bus_new(&b->bus), 0);
	cfg.mem = b->mem;
	cfg.bus = b->bus;
	clock_init(&b->clock, 10000000, counted);
	assert_int_equal(cpu_engines[0]->vm_new(&cfg, &b->vm, &e), 0);
	for (unsigned i = 0; i < HARTS; i++) {
		assert_int_equal(cpu_engines[0]->cpu_new(b->vm, i, &b->vm->cpu[i]), 0);
		assert_int_equal(cpu_engines[0]->start(b->vm->cpu[i], RAM, 0), 0);
	}
	assert_int_equal(vcpus_init(&b->vcpus, b->vm, b->loop, &b->clock), 0);
}

static uint64_t retired(const struct board *b)
{
	return cpu_engines[0]->retired(b->vm->cpu[0]) + cpu_engines[0]->retired(b->vm->cpu[1]);
}

static void all_ended(void *arg)
{
	struct board *b = arg;

	b->ended = true;
}

static void teardown(struct board *b)
{
	vcpus_stop(&b->vcpus, all_ended, b);
	while (!b->ended)
		loop_turn(b->loop, -1);
	vcpus_fini(&b->vcpus);
	cpu_engines[0]->vm_free(b->vm);
	bus_free(b->bus);
	gmem_free(b->mem);
	loop_free(b->loop);
}

static void start(struct board *b)
{
	struct err e;

	assert_int_equal(vcpus_start(&b->vcpus, &e), 0);
}

static void held(void *arg)
{
	struct holder *h = arg;

	h->board->told++;
	if (h->release)
		vcpus_release(&h->board->vcpus, h->release);
}

static struct holder holder(struct board *b)
{
	return (struct holder){.hold = {.held = held}, .board = b};
}

static void hold(struct holder *h)
{
	h->hold.arg = h;
	vcpus_hold(&h->board->vcpus, &h->hold);
}

static void wait_told(struct board *b, unsigned n)
{
	while (b->told < n)
		loop_turn(b->loop, -1);
	assert_int_equal(b->told, n);
}

static void wait_progress(struct board *b)
{
	uint64_t before = retired(b);

	while (retired(b) == before)
		loop_turn(b->loop, 1);
}

static void assert_stands_still(struct board *b)
{
	uint64_t before = retired(b), ticks = clock_ticks(&b->clock);

	usleep(2000);
	loop_turn(b->loop, 0);
	assert_int_equal(retired(b), before);
	assert_int_equal(clock_ticks(&b->clock), ticks);
}

static void test_held_before_start(void **state)
{
	struct board b;
	struct holder h;

	setup(&b, false);
	h = holder(&b);
	hold(&h);
	assert_int_equal(b.told, 0);
	start(&b);
	wait_told(&b, 1);
	assert_int_equal(retired(&b), 0);
	assert_stands_still(&b);
	vcpus_release(&b.vcpus, &h.hold);
	wait_progress(&b);
	teardown(&b);
}

/* Two hold, and the harts go on when both have released; the first one is told once. */
static void test_two_holders(void **state)
{
	struct board b;
	struct holder one, two;

	setup(&b, false);
	one = holder(&b);
	two = holder(&b);
	start(&b);
	wait_progress(&b);
	hold(&one);
	wait_told(&b, 1);
	assert_stands_still(&b);
	hold(&two);
	assert_int_equal(b.told, 1);
	wait_told(&b, 2);
	vcpus_release(&b.vcpus, &one.hold);
	assert_stands_still(&b);
	vcpus_release(&b.vcpus, &one.hold);
	assert_stands_still(&b);
	vcpus_release(&b.vcpus, &two.hold);
	wait_progress(&b);
	assert_int_equal(b.told, 2);
	teardown(&b);
}

/* A callback that releases the other one, which then is not told. */
static void test_released_while_told(void **state)
{
	struct board b;
	struct holder one, two;

	setup(&b, false);
	one = holder(&b);
	two = holder(&b);
	start(&b);
	hold(&one);
	hold(&two);
	one.release = &two.hold;
	two.release = &one.hold;
	wait_told(&b, 1);
	assert_stands_still(&b);
	assert_int_equal(b.told, 1);
	vcpus_release(&b.vcpus, &one.hold);
	vcpus_release(&b.vcpus, &two.hold);
	wait_progress(&b);
	teardown(&b);
}

static void test_in_quick_succession(void **state)
{
	struct board b;
	struct holder h;

	setup(&b, false);
	start(&b);
	for (unsigned i = 0; i < 200; i++) {
		h = holder(&b);
		hold(&h);
		if (i % 3 == 0) {
			b.told = 0;
			wait_told(&b, 1);
		} else if (i % 3 == 1) {
			loop_turn(b.loop, 0);
		}
		vcpus_release(&b.vcpus, &h.hold);
	}
	wait_progress(&b);
	teardown(&b);
}

static void test_stopped_while_held(void **state)
{
	struct board b;
	struct holder h;

	setup(&b, false);
	h = holder(&b);
	start(&b);
	hold(&h);
	wait_told(&b, 1);
	teardown(&b);
}

static void met(void *arg)
{
	struct board *b = arg;

	b->met++;
	vcpus_hold(&b->vcpus, &b->on_met->hold);
}

static uint64_t retired_by(const struct board *b, unsigned hart)
{
	return cpu_engines[0]->retired(b->vm->cpu[hart]);
}

static void step(const struct board *b, unsigned hart, bool on)
{
	cpu_engines[0]->debug->set_step(b->vm->cpu[hart], on);
}

static void set_debugger(struct board *b, struct holder *h)
{
	h->hold.arg = h;
	b->on_met = h;
	b->debugger = (struct vcpus_debugger){.met = met, .arg = b};
	vcpus_debug(&b->vcpus, &b->debugger);
}

/* A hart alone takes single steps; then the other one alone runs; then both. */
static void test_debugger(void **state)
{
	struct board b;
	struct holder h;
	uint64_t other;

	setup(&b, false);
	h = holder(&b);
	set_debugger(&b, &h);
	hold(&h);
	start(&b);
	wait_told(&b, 1);
	step(&b, 0, true);
	vcpus_let_run(&b.vcpus, 1);
	for (unsigned i = 2; i < 12; i++) {
		vcpus_release(&b.vcpus, &h.hold);
		wait_told(&b, i);
		assert_int_equal(b.met, i - 1);
		assert_int_equal(retired_by(&b, 0), i - 1);
		vcpus_let_run(&b.vcpus, 1);
	}
	assert_int_equal(retired_by(&b, 1), 0);
	step(&b, 0, false);
	vcpus_let_run(&b.vcpus, 2);
	vcpus_release(&b.vcpus, &h.hold);
	wait_progress(&b);
	assert_int_equal(retired_by(&b, 0), 10);
	hold(&h);
	wait_told(&b, 12);
	other = retired_by(&b, 1);
	vcpus_let_run(&b.vcpus, ~0ull);
	vcpus_release(&b.vcpus, &h.hold);
	while (retired_by(&b, 0) == 10 || retired_by(&b, 1) == other)
		loop_turn(b.loop, 1);
	teardown(&b);
}

/* Both step at once; a hart that has met something stays where it is, without anybody's hold. */
static void test_both_met(void **state)
{
	struct board b;
	struct holder h;

	setup(&b, false);
	h = holder(&b);
	set_debugger(&b, &h);
	step(&b, 0, true);
	step(&b, 1, true);
	start(&b);
	while (retired(&b) < 2)
		usleep(100);
	usleep(1000);
	assert_int_equal(retired(&b), 2);
	wait_told(&b, 1);
	assert_int_equal(b.met, 1);
	teardown(&b);
}

static void debugged_in_turns(void *arg)
{
	struct holder *h = arg;
	struct board *b = h->board;

	assert_int_equal(retired_by(b, 0), ++b->told);
	if (b->told == 5) {
		vcpus_stop(&b->vcpus, all_ended, b);
		return;
	}
	vcpus_let_run(&b->vcpus, 1);
	vcpus_release(&b->vcpus, &h->hold);
}

static void test_debugger_in_turns(void **state)
{
	struct board b;
	struct holder h;

	setup(&b, true);
	h = holder(&b);
	h.hold.held = debugged_in_turns;
	set_debugger(&b, &h);
	step(&b, 0, true);
	vcpus_let_run(&b.vcpus, 1);
	vcpus_run_in_turns(&b.vcpus);
	assert_int_equal(b.met, 5);
	assert_int_equal(retired_by(&b, 1), 0);
	teardown(&b);
}

/* A hart of another vm, off and on from here while the others run. */
static void test_power(void **state)
{
	const struct cpu_engine *engine = cpu_engines[0];
	struct board b;
	struct cpu_vm_config cfg;
	struct cpu_vm *vm;
	struct err e;
	int i;

	setup(&b, false);
	cfg = b.vm->cfg;
	cfg.n_harts = 1;
	cfg.env.ecall = NULL;
	assert_int_equal(engine->vm_new(&cfg, &vm, &e), 0);
	assert_int_equal(engine->cpu_new(vm, 0, &vm->cpu[0]), 0);
	i = vcpus_add(&b.vcpus, vm->cpu[0]);
	assert_int_equal(i, HARTS);
	start(&b);
	for (unsigned round = 0; round < 20; round++) {
		vcpus_power(&b.vcpus, (unsigned)i, true, RAM);
		while (!engine->retired(vm->cpu[0]))
			loop_turn(b.loop, 1);
		vcpus_power(&b.vcpus, (unsigned)i, false, 0);
		while (engine->retired(vm->cpu[0]) || !engine->is_stopped(vm->cpu[0]))
			loop_turn(b.loop, 1);
		wait_progress(&b);
	}
	/* The last of several counts. */
	vcpus_power(&b.vcpus, (unsigned)i, true, RAM);
	vcpus_power(&b.vcpus, (unsigned)i, false, 0);
	vcpus_power(&b.vcpus, (unsigned)i, true, RAM);
	while (!engine->retired(vm->cpu[0]))
		loop_turn(b.loop, 1);
	teardown(&b);
	engine->vm_free(vm);
}

static void stop_in_turns(void *arg)
{
	struct board *b = arg;

	b->told++;
	b->ticks = clock_ticks(&b->clock);
	assert_int_equal(retired(b), 0);
	vcpus_stop(&b->vcpus, all_ended, b);
}

static void test_in_turns(void **state)
{
	struct board b;
	struct vcpus_hold h = {.held = stop_in_turns, .arg = &b};

	setup(&b, true);
	vcpus_hold(&b.vcpus, &h);
	vcpus_run_in_turns(&b.vcpus);
	assert_true(b.ended);
	assert_int_equal(b.told, 1);
	assert_int_equal(b.ticks, 0);
	teardown(&b);
}

/* ---- interleaved ---- */

static void ring(struct loop_timer *t)
{
	struct board *b = t->arg;

	vcpus_stop(&b->vcpus, all_ended, b);
}

/* What both harts have done when the time is over: some 1000 to 700, in an order from the seed. */
static void run_interleaved(uint64_t seed, uint64_t done[2])
{
	struct loop_timer timer = {.fn = ring};
	struct board b;

	setup(&b, true);
	timer.arg = &b;
	loop_set_clock(b.loop, clock_loop_ns, &b.clock);
	loop_timer_arm(b.loop, &timer, 10000000);
	vcpus_interleave(&b.vcpus, seed);
	vcpus_run_in_turns(&b.vcpus);
	assert_true(b.ended);
	done[0] = retired_by(&b, 0);
	done[1] = retired_by(&b, 1);
	loop_set_clock(b.loop, NULL, NULL);
	teardown(&b);
}

static void test_interleaved(void **state)
{
	uint64_t one[2], same[2], other[2];

	run_interleaved(1, one);
	run_interleaved(1, same);
	run_interleaved(2, other);
	assert_true(one[0] + one[1] >= 1000000 && one[0] + one[1] < 1030000);
	assert_in_range(one[1] * 1000 / one[0], 695, 705);
	assert_in_range(other[1] * 1000 / other[0], 695, 705);
	assert_memory_equal(one, same, sizeof(one));
	assert_memory_not_equal(one, other, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_before_start),
		cmocka_unit_test(test_two_holders),
		cmocka_unit_test(test_released_while_told),
		cmocka_unit_test(test_in_quick_succession),
		cmocka_unit_test(test_stopped_while_held),
		cmocka_unit_test(test_in_turns),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_debugger),
		cmocka_unit_test(test_both_met),
		cmocka_unit_test(test_debugger_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
