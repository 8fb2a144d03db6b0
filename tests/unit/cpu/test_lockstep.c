/* SPDX-License-Identifier: MIT */
/*
 * The engines interp and jit in lock step: the same random program on both, compared after every
 * block; the programs are those of lockstep_programs.h. [ROUNDS [SEED]]
 *
 * Everything that traps comes to a handler that skips the instruction, or starts the program again
 * when it was fetched from nowhere. The program runs in M mode without translation; translation is
 * tested by the programs of test_interp.c and by booting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/rv64/disasm.h"
#include "cpu/rv64/insn.h"
#include "cpu/rv64/interp.h"
#include "cpu/rv64/jit/jit.h"
#include "interp_rig.h"
#include "lockstep_programs.h"

#define HANDLER (RAM + 0x2000)
#define ENTRY   (RAM + 0x3000)
#define CODE    (RAM + 0x10000)
#define DATA    (RAM + 0x20000)
#define STEPS   400

static unsigned rounds = 300;

/* Pointers begin in the data pages, or where RAM begins and ends. */
static void loop_registers(struct cpu_regs *regs)
{
	regs->x[S0] = RAM;
	regs->x[S1] = RAM + RAM_SIZE;
}

/* At HANDLER: skips what trapped, or begins anew at x18 when that was a fetch. */
static const uint32_t handler[] = {
	0x34041073, /* csrrw x0, mscratch, x8 */
	0x34202473, /* csrr  x8, mcause */
	0xfff40413, /* addi  x8, x8, -1 */
	0x00040863, /* beqz  x8, +16 */
	0x34102473, /* csrr  x8, mepc */
	0x00440413, /* addi  x8, x8, 4 */
	0x0080006f, /* j     +8 */
	0x00090413, /* mv    x8, x18 */
	0x34141073, /* csrw  mepc, x8 */
	0x34002473, /* csrr  x8, mscratch */
	0x30200073, /* mret */
};

/* The way in: mtvec = HANDLER, FS on, then to the program in x18. */
static const uint32_t entry[] = {
	0x30529073, /* csrw  mtvec, x5 */
	0x30032073, /* csrs  mstatus, x6 */
	0x00090067, /* jr    x18 */
};

static void start(struct rig *r, const uint32_t *code, const struct cpu_regs *regs)
{
	rig_write(r, HANDLER, handler, sizeof(handler));
	rig_write(r, ENTRY, entry, sizeof(entry));
	rig_write(r, CODE, code, CODE_WORDS * sizeof(*code));
	r->engine->reset(r->cpu[0]);
	assert_int_equal(r->engine->start(r->cpu[0], ENTRY, 0), 0);
	r->engine->run(r->cpu[0], 1); /* takes the start */
	r->engine->set_regs(r->cpu[0], regs);
}

static void random_registers(struct cpu_regs *regs)
{
	memset(regs, 0, sizeof(*regs));
	for (unsigned i = 1; i < 32; i++)
		regs->x[i] = next_random() >> below(64);
	for (unsigned i = 0; i < 32; i++)
		regs->f[i] = below(2) ? next_random() : next_random() | 0xffffffff00000000ull;
	regs->fcsr = (below(2) ? below(6) << 5 : 0) | (below(2) ? below(32) : 0);
	regs->x[5] = HANDLER;
	regs->x[6] = 0x6000;
	regs->x[SP] = DATA + 0x1000;
	regs->x[S0] = (CODE + below(0x3800)) & (below(2) ? ~7ull : ~0ull);
	regs->x[S1] = RAM + RAM_SIZE - below(2048);
	regs->x[S2] = CODE + below(3) * 4096;
	regs->pc = ENTRY;
	regs->priv = 3;
}

static bool same_registers(const struct cpu_regs *a, const struct cpu_regs *b)
{
	return !memcmp(a->x, b->x, sizeof(a->x)) && !memcmp(a->f, b->f, sizeof(a->f)) &&
	       a->pc == b->pc && a->fcsr == b->fcsr && a->priv == b->priv;
}

/* What stands before pc, as far as it can be the culprit: a block's length. */
static void print_code(struct rig *r, uint64_t pc)
{
	char text[RV64_DISASM_MAX];
	struct rv64_insn in;
	uint32_t bits;

	if (pc < CODE + 256 || pc >= CODE + CODE_WORDS * 4)
		return;
	for (uint64_t at = (pc - 256) & ~3ull; at <= pc; at += 4) {
		memcpy(&bits, rig_ptr(r, at), sizeof(bits));
		rv64_decode(bits, &in);
		rv64_disasm(&in, at, text);
		print_error("%llx: %08x %s\n", (unsigned long long)at, bits, text);
	}
}

static void compare(struct rig *const r[2], uint64_t round, unsigned step)
{
	struct cpu_regs regs[2];
	uint64_t retired[2];

	for (unsigned i = 0; i < 2; i++) {
		r[i]->engine->get_regs(r[i]->cpu[0], &regs[i]);
		retired[i] = r[i]->engine->retired(r[i]->cpu[0]);
	}
	if (same_registers(&regs[0], &regs[1]) && retired[0] == retired[1])
		return;
	print_error("seed %llu, step %u: pc %llx and %llx, retired %llu and %llu\n",
		    (unsigned long long)round, step, (unsigned long long)regs[0].pc,
		    (unsigned long long)regs[1].pc, (unsigned long long)retired[0],
		    (unsigned long long)retired[1]);
	for (unsigned i = 0; i < 32; i++) {
		if (regs[0].x[i] != regs[1].x[i])
			print_error("x%u: %llx and %llx\n", i, (unsigned long long)regs[0].x[i],
				    (unsigned long long)regs[1].x[i]);
		if (regs[0].f[i] != regs[1].f[i])
			print_error("f%u: %llx and %llx\n", i, (unsigned long long)regs[0].f[i],
				    (unsigned long long)regs[1].f[i]);
	}
	print_error("fcsr: %x and %x\n", regs[0].fcsr, regs[1].fcsr);
	print_code(r[0], regs[0].pc);
	fail();
}

/* The memory for code and blocks of the next rig; 0: as usual. */
static size_t code_room, block_room;

static void run_both(void (*make)(uint32_t *code), unsigned n_rounds, uint64_t budget)
{
	static uint32_t code[CODE_WORDS];
	struct rig_config cfg = {.n_harts = 1, .in_turns = true};
	struct rig *r[2];

	rig_engine = "interp";
	r[0] = rig_new(&cfg);
	rig_engine = "jit";
	r[1] = rig_new(&cfg);
	if (code_room)
		rv64_jit_set_room(interp_of(rv64_hart_of(r[1]->cpu[0])), code_room, block_room);
	for (unsigned n = 0; n < n_rounds; n++) {
		uint64_t round = seed;
		struct cpu_regs regs;

		make(code);
		random_registers(&regs);
		if (make != make_program)
			loop_registers(&regs);
		for (unsigned i = 0; i < 2; i++)
			start(r[i], code, &regs);
		for (unsigned step = 0; step < STEPS; step++) {
			/* one block, or many, or as many as end somewhere in a loop */
			const uint64_t most = 1 + (n & 1 ? budget : n & 2 ? below(100) : 0);

			for (unsigned i = 0; i < 2; i++)
				r[i]->engine->run(r[i]->cpu[0], most);
			compare(r, round, step);
		}
		assert_memory_equal(rig_ptr(r[0], RAM), rig_ptr(r[1], RAM), 0x30000);
		assert_memory_equal(rig_ptr(r[0], RAM + RAM_SIZE - 4096),
				    rig_ptr(r[1], RAM + RAM_SIZE - 4096), 4096);
	}
	rig_free(r[0]);
	rig_free(r[1]);
}

static void anything(void **state)
{
	run_both(make_program, rounds, 300);
}

static void loops(void **state)
{
	run_both(make_loops, (rounds + 3) / 4, 3000);
	run_both(make_few_loops, (rounds + 3) / 4, 3000);
}

static void nans(void **state)
{
	run_both(make_nans, (rounds + 1) / 2, 300);
}

static void rotations(void **state)
{
	run_both(make_rotations, (rounds + 3) / 4, 300);
}

/* Code is dropped all the time: a program of these kinds takes a megabyte and more. */
static void little_room(void **state)
{
	code_room = 64 << 10;
	block_room = 32 << 10;
	run_both(make_program, (rounds + 7) / 8, 300);
	run_both(make_loops, (rounds + 15) / 16, 3000);
	/* The one is full before the other. */
	block_room = 8 << 20;
	run_both(make_program, (rounds + 7) / 8, 300);
	code_room = 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(anything), cmocka_unit_test(loops),
					   cmocka_unit_test(nans), cmocka_unit_test(rotations),
					   cmocka_unit_test(little_room)};

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
