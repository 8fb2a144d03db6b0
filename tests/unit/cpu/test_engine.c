/* SPDX-License-Identifier: MIT */
/* The engine's interface, one hart or harts in turns: what the environment sees, counts, budgets,
 * waiting, limits of the code cache. Programs are a few words each. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/jit.h"
#include "interp_rig.h"

#define WFI   0x10500073u
#define ECALL 0x00000073u
#define NOP   0x00000013u

struct seen {
	unsigned calls, reads, writes;
	uint64_t retired[8]; /* at each call, read or write */
	uint64_t now;        /* what time_now gives */
	bool stop;           /* in the ecall */
};

static struct rig *rig_with(const uint32_t *code, size_t bytes, const struct rig_config *cfg,
			    struct seen *seen)
{
	struct rig *r = rig_new(cfg);

	memset(seen, 0, sizeof(*seen));
	r->arg = seen;
	rig_write(r, RAM, code, bytes);
	return r;
}

static uint64_t fake_time(void *arg, struct cpu *cpu)
{
	return ((struct seen *)((struct rig *)arg)->arg)->now;
}

static void note(struct rig *r, unsigned n)
{
	struct seen *seen = r->arg;

	if (n < ARRAY_SIZE(seen->retired))
		seen->retired[n] = r->engine->retired(r->cpu[0]);
}

static void counting_device(struct rig *r, bool is_write, uint64_t offset, uint64_t *value)
{
	struct seen *seen = r->arg;

	note(r, seen->reads + seen->writes);
	if (is_write) {
		seen->writes++;
		assert_int_equal(offset, 4);
		assert_int_equal(*value, 0x1234);
	} else {
		seen->reads++;
		*value = 0x1234;
	}
}

static void device_access(void **state)
{
	static const uint32_t code[] = {
		0x100002b7,             /* lui t0, 0x10000 */
		0x0002a303,             /* lw t1, 0(t0) */
		NOP,        0x0062a223, /* sw t1, 4(t0) */
		WFI,
	};
	struct seen seen;
	struct rig *r = rig_with(code, sizeof(code),
				 &(struct rig_config){.n_harts = 1, .in_turns = true}, &seen);

	r->device = counting_device;
	rig_run(r, 0, RAM);
	assert_int_equal(seen.reads, 1);
	assert_int_equal(seen.writes, 1);
	assert_int_equal(seen.retired[0], 1);
	assert_int_equal(seen.retired[1], 3);
	assert_int_equal(r->engine->retired(r->cpu[0]), 5);
	rig_free(r);
}

/* A device that rewrites the instruction behind the one which accesses it, and has the hart do a
 * fence.i, from within the access. */
static void rewriting_device(struct rig *r, bool is_write, uint64_t offset, uint64_t *value)
{
	static const uint32_t li_a0_2 = 0x00200513;

	rig_write(r, RAM + 8, &li_a0_2, 4);
	r->engine->fence(r->vm, 1, CPU_FENCE_I, 0, 0, 0);
}

static void fence_within_access(void **state)
{
	static const uint32_t code[2][4] = {
		{0x100002b7, 0x0002a303 /* lw t1, 0(t0) */, 0x00100513 /* li a0, 1 */, WFI},
		{0x100002b7, 0x0002a023 /* sw x0, 0(t0) */, 0x00100513, WFI},
	};

	for (unsigned i = 0; i < 2; i++) {
		struct seen seen;
		struct rig *r = rig_with(code[i], sizeof(code[i]),
					 &(struct rig_config){.n_harts = 1, .in_turns = true},
					 &seen);

		r->device = rewriting_device;
		assert_int_equal(rig_run(r, 0, RAM).x[10], 2);
		assert_int_equal(r->engine->retired(r->cpu[0]), 4);
		rig_free(r);
	}
}

static void fencing_device(struct rig *r, bool is_write, uint64_t offset, uint64_t *value)
{
	r->engine->fence(r->vm, 1, CPU_FENCE_I, 0, 0, 0);
}

/* The block is left between the access and the jump that ends it. */
static void fence_before_jump(void **state)
{
	static const uint32_t code[2][6] = {
		{0x100002b7, 0x0002a023 /* sw x0, 0(t0) */, 0x0080006f /* j .+8 */, 0x00100513,
		 WFI},
		{0x100002b7, 0x00000317 /* auipc t1, 0 */, 0x0002a023, 0x01030067 /* jr 16(t1) */,
		 0x00100513 /* li a0, 1 */, WFI},
	};

	for (unsigned i = 0; i < 2; i++) {
		struct seen seen;
		struct rig *r = rig_with(code[i], sizeof(code[i]),
					 &(struct rig_config){.n_harts = 1, .in_turns = true},
					 &seen);

		r->device = fencing_device;
		assert_int_equal(rig_run(r, 0, RAM).x[10], 0);
		rig_free(r);
	}
}

static void counting_ecall(void *arg, struct cpu *cpu, uint64_t a[8])
{
	struct rig *r = arg;
	struct seen *seen = r->arg;
	struct cpu_regs regs;

	note(r, seen->calls++);
	r->engine->get_regs(cpu, &regs);
	assert_int_equal(regs.priv, 1);
	assert_int_equal(regs.pc, RAM + 8);
	assert_int_equal(a[7], 5);
	a[0] = 99;
	if (seen->stop)
		r->engine->stop(cpu);
}

static void ecall_and_stop(void **state)
{
	static const uint32_t code[] = {0x00500893 /* li a7, 5 */, ECALL, WFI};
	struct seen seen;
	struct rig *r = rig_with(
		code, sizeof(code),
		&(struct rig_config){.n_harts = 1, .in_turns = true, .ecall = counting_ecall},
		&seen);

	assert_int_equal(rig_run(r, 0, RAM).x[10], 99);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.retired[0], 2);
	assert_false(r->engine->is_stopped(r->cpu[0]));
	assert_int_equal(r->engine->start(r->cpu[0], RAM, 0), -EALREADY);

	r->engine->reset(r->cpu[0]);
	assert_true(r->engine->is_stopped(r->cpu[0]));
	assert_int_equal(r->engine->run(r->cpu[0], 0), CPU_EXIT_IDLE);
	assert_int_equal(r->engine->retired(r->cpu[0]), 0);
	seen.stop = true;
	rig_run(r, 0, RAM);
	assert_true(r->engine->is_stopped(r->cpu[0]));
	assert_int_equal(r->engine->retired(r->cpu[0]), 2);
	/* Counting goes on when it is started again. */
	rig_run(r, 0, RAM);
	assert_int_equal(r->engine->retired(r->cpu[0]), 4);
	rig_free(r);
}

/* A budget ends a run at the same place every time, shortly behind it. */
static void budgets(void **state)
{
	static const uint32_t code[] = {
		0x00150513, /* addi a0, a0, 1 */
		0x00257593, /* andi a1, a0, 2 */
		0xfe058ce3, /* beqz a1, -8 */
		0x00000073, /* ecall: traps to pc 0, where nothing is, for ever */
	};
	uint64_t at[2][20];

	for (unsigned run = 0; run < 2; run++) {
		struct seen seen;
		struct rig *r = rig_with(code, sizeof(code),
					 &(struct rig_config){.n_harts = 1, .in_turns = true},
					 &seen);

		assert_int_equal(r->engine->start(r->cpu[0], RAM, 0), 0);
		assert_int_equal(r->engine->run(r->cpu[0], 1), CPU_EXIT_BUDGET);
		assert_true(r->engine->retired(r->cpu[0]) >= 1);
		for (unsigned i = 0; i < 20; i++) {
			/* It never ends and soon never retires: the budget counts traps too. */
			assert_int_equal(r->engine->run(r->cpu[0], 7), CPU_EXIT_BUDGET);
			at[run][i] = r->engine->retired(r->cpu[0]);
		}
		rig_free(r);
	}
	assert_memory_equal(at[0], at[1], sizeof(at[0]));
}

static void long_budget(void **state)
{
	static const uint32_t code[] = {0x00150513 /* addi a0, a0, 1 */, 0xffdff06f /* j -4 */};
	struct seen seen;
	struct rig *r = rig_with(code, sizeof(code),
				 &(struct rig_config){.n_harts = 1, .in_turns = true}, &seen);
	struct cpu_regs regs;

	assert_int_equal(r->engine->start(r->cpu[0], RAM, 0), 0);
	assert_int_equal(r->engine->run(r->cpu[0], 1000000), CPU_EXIT_BUDGET);
	assert_in_range(r->engine->retired(r->cpu[0]), 1000000, 1000100);
	r->engine->get_regs(r->cpu[0], &regs);
	assert_int_equal(regs.x[10], r->engine->retired(r->cpu[0]) / 2);
	r->engine->kick(r->cpu[0]);
	assert_int_equal(r->engine->run(r->cpu[0], 0), CPU_EXIT_KICKED);
	rig_free(r);
}

/* A hart that waits for its timer, in a machine whose time the test moves. */
static void timer_and_idle(void **state)
{
	static const uint32_t code[] = {
		0x02000293,             /* li t0, 32: STIE */
		0x10429073,             /* csrw sie, t0 */
		WFI,        0x14402573, /* csrr a0, sip */
		0x10401073,             /* csrw sie, x0 */
		WFI,
	};
	struct seen seen;
	struct rig *r = rig_with(code, sizeof(code),
				 &(struct rig_config){.n_harts = 1,
						      .in_turns = true,
						      .ecall = counting_ecall,
						      .time_now = fake_time},
				 &seen);
	struct cpu_regs regs;

	r->engine->start(r->cpu[0], RAM, 0);
	r->engine->set_timer(r->cpu[0], CPU_TIMER_S, 1000);
	assert_int_equal(r->engine->run(r->cpu[0], 0), CPU_EXIT_IDLE);
	assert_int_equal(r->engine->next_deadline(r->cpu[0]), 1000);
	assert_int_equal(r->engine->run(r->cpu[0], 0), CPU_EXIT_IDLE); /* and still */
	assert_int_equal(r->engine->retired(r->cpu[0]), 3);
	seen.now = 1000;
	assert_int_equal(r->engine->run(r->cpu[0], 0), CPU_EXIT_IDLE);
	r->engine->get_regs(r->cpu[0], &regs);
	assert_int_equal(regs.x[10], 32);
	assert_int_equal(r->engine->next_deadline(r->cpu[0]), UINT64_MAX);
	rig_free(r);
}

static void registers(void **state)
{
	static const uint32_t code[] = {WFI};
	struct seen seen;
	struct rig *r = rig_with(code, sizeof(code),
				 &(struct rig_config){.n_harts = 2, .in_turns = true}, &seen);
	struct cpu_regs in, out;

	for (unsigned i = 0; i < 32; i++) {
		in.x[i] = 1000 + i;
		in.f[i] = 2000 + i;
	}
	in.pc = RAM;
	in.fcsr = 0x6a;
	in.priv = 3;
	assert_int_equal(r->engine->start(r->cpu[1], RAM + 8, 7), 0);
	r->engine->set_regs(r->cpu[1], &in); /* wins over start */
	assert_int_equal(r->engine->run(r->cpu[1], 0), CPU_EXIT_IDLE);
	r->engine->get_regs(r->cpu[1], &out);
	assert_int_equal(out.x[0], 0);
	assert_memory_equal(&out.x[1], &in.x[1], sizeof(in.x) - 8);
	assert_memory_equal(out.f, in.f, sizeof(in.f));
	assert_int_equal(out.fcsr, 0x6a);
	assert_int_equal(out.pc, RAM + 4);
	assert_int_equal(out.priv, 3);
	/* What start gives: id and argument. */
	out = rig_run(r, 0, RAM);
	assert_int_equal(out.x[10], 0);
	assert_true(r->engine->run(r->cpu[0], 0) == CPU_EXIT_IDLE);
	rig_free(r);
}

/* What programs do to their pages says nothing about the kernel's code. */
static void halves_of_code(void **state)
{
	static const uint32_t code[] = {WFI};
	struct seen seen;
	struct rig *r = rig_with(code, sizeof(code),
				 &(struct rig_config){.n_harts = 1, .in_turns = true}, &seen);
	struct interp *c = interp_of(rv64_hart_of(r->cpu[0]));
	const uint64_t *key = c->run.hart.mmu.fetch_key;
	uint64_t before[2];

	rig_run(r, 0, RAM);
	memcpy(before, key, sizeof(before));
	rv64_code_flush(&c->code, RAM + 0x100000, 4096); /* no code was looked up there */
	assert_memory_equal(key, before, sizeof(before));
	rv64_code_flush(&c->code, RAM, 4096);
	assert_int_not_equal(key[0], before[0]);
	assert_int_equal(key[1], before[1]);
	rv64_code_flush(&c->code, 0, UINT64_MAX);
	assert_int_not_equal(key[1], before[1]);
	rig_free(r);
}

/* An instruction in two pages is forgotten when the second one is another, in all contexts. */
static void flush_behind(void **state)
{
	static const uint32_t code[] = {WFI};
	const uint64_t pc = RAM + 0xffe;
	struct seen seen;
	struct rig *r = rig_with(code, 0, &(struct rig_config){.n_harts = 1, .in_turns = true},
				 &seen);
	struct rv64_hart *h = rv64_hart_of(r->cpu[0]);
	struct interp *c = interp_of(h);
	struct rv64_jump *jump[RV64_FETCH_SPREAD];

	rig_write(r, pc, code, sizeof(code));
	rig_run(r, 0, pc);
	for (unsigned i = 0; i < RV64_FETCH_SPREAD; i++) {
		h->mmu.fetch_spread[0] = i << RV64_FETCH_SPREAD_SHIFT;
		h->mmu.fetch_tag[0] = (uint64_t)(100 + i) << RV64_CODE_TAG_SHIFT;
		jump[i] = &c->code.jump[rv64_jump_index(h, pc)];
		jump[i]->tag = rv64_code_tag(h, pc);
	}
	rv64_code_flush(&c->code, RAM + 0x2000, 4096);
	for (unsigned i = 0; i < RV64_FETCH_SPREAD; i++)
		assert_int_not_equal(jump[i]->tag, RV64_CODE_NONE);
	rv64_code_flush(&c->code, RAM + 0x1000, 4096);
	for (unsigned i = 0; i < RV64_FETCH_SPREAD; i++)
		assert_int_equal(jump[i]->tag, RV64_CODE_NONE);
	rig_free(r);
}

/* More code than the cache holds, in bytes and in pages, twice over. */
static void full_cache(void **state)
{
	static const uint32_t next = 0x0040006f, far = 0x0000106f; /* j +4, j +4096 */
	static const uint32_t wfi = WFI;
	const unsigned dense = 300000, sparse = 9000;
	struct seen seen;
	struct rig *r = rig_with(&wfi, 0, &(struct rig_config){.n_harts = 1, .in_turns = true},
				 &seen);
	uint32_t *p = rig_ptr(r, RAM);

	for (unsigned i = 0; i < dense; i++)
		p[i] = next;
	p[dense] = wfi;
	for (unsigned i = 0; i < sparse; i++)
		p[1024 * (1024 + i)] = far;
	p[1024 * (1024 + sparse)] = wfi;
	for (unsigned round = 0; round < 2; round++) {
		r->engine->reset(r->cpu[0]);
		rig_run(r, 0, RAM);
		assert_int_equal(r->engine->retired(r->cpu[0]), dense + 1);
		r->engine->reset(r->cpu[0]);
		rig_run(r, 0, RAM + 4096 * 1024);
		assert_int_equal(r->engine->retired(r->cpu[0]), sparse + 1);
	}
	/* Without the reset in between. */
	r->engine->stop(r->cpu[0]);
	rig_run(r, 0, RAM);
	assert_int_equal(r->engine->retired(r->cpu[0]), sparse + 1 + dense + 1);
	rig_free(r);
}

/* A frame that lies in two pages, at each of 4096 calls: native code soon knows a way around what
 * it expected, and does not leave them to the interpreter. */
static void frame_in_two_pages(void **state)
{
	static const uint32_t code[] = {
		0x40001137, 0x00111113, 0x01010113, /* sp = RAM + 0x2010 */
		0x00001537,                         /* lui a0, 1 */
		0x010000ef,                         /* 1: jal 2f */
		0xfff50513,                         /* addi a0, a0, -1 */
		0xfe051ce3,                         /* bnez a0, 1b */
		WFI,        0xfe010113,             /* 2: addi sp, sp, -32 */
		0x00a13023,                         /* sd a0, 0(sp) */
		0x00113c23,                         /* sd ra, 24(sp) */
		0x00013603,                         /* ld a2, 0(sp) */
		0x00c686b3,                         /* add a3, a3, a2 */
		0x01813083,                         /* ld ra, 24(sp) */
		0x02010113,                         /* addi sp, sp, 32 */
		0x00008067,                         /* ret */
	};
	struct seen seen;
	struct rig *r = rig_with(code, sizeof(code),
				 &(struct rig_config){.n_harts = 1, .in_turns = true}, &seen);
	struct cpu_regs regs = rig_run(r, 0, RAM);

	assert_int_equal(regs.x[13], 4096 * 4097 / 2);
	assert_int_equal(r->engine->retired(r->cpu[0]), 4 + 4096 * 11 + 1);
	assert_true(rv64_jit_count_gave_up(interp_of(rv64_hart_of(r->cpu[0]))) < 100);
	rig_free(r);
}

/* A loop that goes on through an instruction in two pages. When that gets other code, in the end of
 * some slice, jumps that remember the former one learn of it. */
static void loop_across_pages(void **state)
{
	static const uint32_t start[] = {
		0x00100537, /* lui a0, 0x100 */
		0x7f70006f, /* j + 0xff6 */
	};
	static const uint16_t loop[] = {
		0x8593,        0x0015, /* 1: addi a1, a1, 1 */
		0x0513,        0xfff5, /* addi a0, a0, -1, across the border */
		0x1ce3,        0xfe05, /* bnez a0, 1b */
		(uint16_t)WFI, (uint16_t)(WFI >> 16),
	};
	struct seen seen;
	struct rig *r = rig_with(start, sizeof(start),
				 &(struct rig_config){.n_harts = 1, .in_turns = true}, &seen);
	struct cpu_regs regs;

	rig_write(r, RAM + 0xffa, loop, sizeof(loop));
	regs = rig_run(r, 0, RAM);
	assert_int_equal(regs.x[11], 0x100000);
	assert_int_equal(r->engine->retired(r->cpu[0]), 2 + 3 * 0x100000 + 1);
	assert_true(rv64_jit_count_asked(interp_of(rv64_hart_of(r->cpu[0]))) < 1000);
	rig_free(r);
}

static void refusals(void **state)
{
	const struct cpu_engine *engine = cpu_engine_find(rig_engine);
	struct cpu_vm_config cfg = {.n_harts = 0, .timebase_hz = 10000000};
	struct cpu_vm *vm;
	struct err e;

	assert_null(cpu_engine_find("none"));
	assert_string_equal(cpu_engines[cpu_n_engines - 1]->name, "interp");
	assert_ptr_equal(cpu_engine_default(), cpu_engines[0]);
	assert_int_equal(gmem_new(&cfg.mem), 0);
	assert_int_equal(engine->vm_new(&cfg, &vm, &e), -EINVAL);
	assert_non_null(strstr(e.text, "0 harts"));
	cfg.n_harts = CPU_MAX_HARTS + 1;
	assert_int_equal(engine->vm_new(&cfg, &vm, &e), -EINVAL);
	cfg.n_harts = 1;
	assert_int_equal(gmem_add_ram(cfg.mem, 1ull << 48, 4096), 0);
	assert_int_equal(engine->vm_new(&cfg, &vm, &e), -EINVAL);
	assert_non_null(strstr(e.text, "2^48"));
	gmem_free(cfg.mem);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_access),     cmocka_unit_test(fence_within_access),
		cmocka_unit_test(ecall_and_stop),    cmocka_unit_test(budgets),
		cmocka_unit_test(halves_of_code),    cmocka_unit_test(flush_behind),
		cmocka_unit_test(long_budget),       cmocka_unit_test(timer_and_idle),
		cmocka_unit_test(registers),         cmocka_unit_test(full_cache),
		cmocka_unit_test(refusals),          cmocka_unit_test(frame_in_two_pages),
		cmocka_unit_test(fence_before_jump), cmocka_unit_test(loop_across_pages),
	};

	rig_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
