/* SPDX-License-Identifier: MIT */
/*
 * A program with many cases is run by both; where their records differ, the case is generated again
 * alone, with one slot, two, and so on, until it differs: that slot's instructions are to blame,
 * and the results without it are what they began with.
 */
#include "compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "run.h"

#define MAX_REPORTS 3

/* Two runs of one program. */
struct pair {
	struct program program;
	struct run engine, peer;
};

void compare_generate(const struct contest *c, uint64_t first, unsigned n, unsigned slots,
		      struct program *p, struct coverage *cov)
{
	program_init(p, first, n);
	for (unsigned i = 0; i < n; i++)
		gen_case(p, i, c->seed, i == n - 1 ? slots : GEN_SLOTS, cov);
	program_finish(p);
}

static void pair_run(struct pair *pair, const struct contest *c, uint64_t first, unsigned n,
		     unsigned slots, struct coverage *cov)
{
	compare_generate(c, first, n, slots, &pair->program, cov);
	run_engine_start(&pair->engine, c->engine, &pair->program);
	run_peer_start(&pair->peer, c->peer, &pair->program);
	run_finish(&pair->engine);
	run_finish(&pair->peer);
}

static void pair_free(struct pair *pair)
{
	run_free(&pair->engine);
	run_free(&pair->peer);
	program_fini(&pair->program);
}

static bool pair_failed(const struct pair *pair)
{
	return !pair->engine.result || !pair->peer.result;
}

static const struct record *record_of(const struct run *r, unsigned n_cases, unsigned round,
				      unsigned i)
{
	return (const struct record *)(const void *)r->result + (size_t)round * n_cases + i;
}

/* The first round in which case i differs, or -1. */
static int differs(const struct pair *pair, unsigned i)
{
	unsigned n = pair->program.n_cases;

	for (unsigned round = 0; round < PROGRAM_ROUNDS; round++)
		if (memcmp(record_of(&pair->engine, n, round, i),
			   record_of(&pair->peer, n, round, i), RECORD_SIZE))
			return (int)round;
	return -1;
}

/* The value of a register before the slot; x0 and the reserved ones are not in the record. */
static void print_operand(char file, unsigned reg, const struct state *s)
{
	if (file == 'f')
		printf(" f%u=%016" PRIx64, reg, s->f[reg]);
	else
		printf(" x%u=%" PRIx64, reg, s->x[reg]);
}

static void print_instruction(uint64_t pc, uint32_t bits, const struct state *before)
{
	struct rv64_insn insn;
	unsigned row = row_of(bits, &insn);
	enum rv64_format format = rv64_insn_info[insn.id].format;
	bool fp = format == RV64_FMT_FF || format == RV64_FMT_FF1 || format == RV64_FMT_F4 ||
		  format == RV64_FMT_XFF || format == RV64_FMT_XF;
	bool two = format == RV64_FMT_R || format == RV64_FMT_S || format == RV64_FMT_B ||
		   format == RV64_FMT_FF || format == RV64_FMT_F4 || format == RV64_FMT_XFF;

	printf("    %" PRIx64 ": %0*" PRIx32 "  %-10s rd=%u rm=%u imm=%" PRId32 ";", pc,
	       insn.len * 2, insn.bits, row_text(row), insn.rd, insn.rm, insn.imm);
	print_operand(fp ? 'f' : 'x', insn.rs1, before);
	if (two)
		print_operand(fp ? 'f' : 'x', insn.rs2, before);
	if (format == RV64_FMT_F4)
		print_operand('f', insn.rs3, before);
	putchar('\n');
}

/* What lies in [from, to): instructions, and gaps of zeros. */
static void print_slot(const struct program *p, uint64_t from, uint64_t to,
		       const struct state *before)
{
	while (from < to) {
		uint32_t bits = 0;

		memcpy(&bits, p->image + (from - PROGRAM_BASE), to - from < 4 ? 2 : 4);
		if (bits & 0xffff)
			print_instruction(from, bits, before);
		from += rv64_insn_len((uint16_t)bits);
	}
}

static void print_difference(const struct record *ours, const struct record *theirs)
{
	for (unsigned i = 0; i < 32; i++)
		if (ours->out.x[i] != theirs->out.x[i])
			printf("    x%u: %016" PRIx64 ", the peer has %016" PRIx64 "\n", i,
			       ours->out.x[i], theirs->out.x[i]);
	for (unsigned i = 0; i < 32; i++)
		if (ours->out.f[i] != theirs->out.f[i])
			printf("    f%u: %016" PRIx64 ", the peer has %016" PRIx64 "\n", i,
			       ours->out.f[i], theirs->out.f[i]);
	if (ours->out.fcsr != theirs->out.fcsr)
		printf("    fcsr: %02" PRIx64 ", the peer has %02" PRIx64 "\n", ours->out.fcsr,
		       theirs->out.fcsr);
	for (unsigned i = 0; i < RECORD_FLAGS; i++)
		if (ours->flags[i] != theirs->flags[i])
			printf("    fflags noted as number %u: %02x, the peer has %02x\n", i,
			       ours->flags[i], theirs->flags[i]);
	for (unsigned i = 0; i < RECORD_MEMORY; i++)
		if (ours->memory[i] != theirs->memory[i]) {
			printf("    memory at anchor%+d: %02x, the peer has %02x\n",
			       MEMORY_BEGIN + (int)i, ours->memory[i], theirs->memory[i]);
			break;
		}
}

static void print_result(const struct pair *pair, unsigned i)
{
	unsigned n = pair->program.n_cases;
	int round = pair_failed(pair) ? -1 : differs(pair, i);

	if (*pair->engine.message)
		printf("    %s\n", pair->engine.message);
	if (*pair->peer.message)
		printf("    %s\n", pair->peer.message);
	if (round < 0)
		return;
	printf("    in round %d:\n", round);
	print_difference(record_of(&pair->engine, n, (unsigned)round, i),
			 record_of(&pair->peer, n, (unsigned)round, i));
}

/* One case alone, slot by slot. Returns false when it makes no difference so. */
static bool report_alone(const struct contest *c, uint64_t number)
{
	struct coverage unused = {0};
	struct state before = {.fcsr = 0};
	uint64_t from = 0;

	for (unsigned slots = 0; slots <= GEN_SLOTS; slots++) {
		struct pair pair = {0};
		bool failed;

		pair_run(&pair, c, number, 1, slots, &unused);
		failed = pair_failed(&pair);
		if (failed || differs(&pair, 0) >= 0) {
			printf("  alone, it is in slot %u, with registers as they are before it:\n",
			       slots);
			print_slot(&pair.program, from ? from : pair.program.begin[0],
				   pair.program.end[0], &before);
			print_result(&pair, 0);
			pair_free(&pair);
			return true;
		}
		before = record_of(&pair.peer, 1, 0, 0)->out;
		from = pair.program.end[0];
		pair_free(&pair);
	}
	return false;
}

static void report(const struct contest *c, const struct pair *pair, unsigned i)
{
	uint64_t number = pair->program.first + i;

	printf("case %" PRIu64 " of seed %" PRIu64 " (--seed %" PRIu64 " --case %" PRIu64
	       ") differs\n",
	       number, c->seed, c->seed, number);
	if (report_alone(c, number))
		return;
	puts("  alone, it does not; among the others:");
	print_result(pair, i);
}

/* A run ended early: which case is it? */
static void find_failure(const struct contest *c, uint64_t first, unsigned n)
{
	struct coverage unused = {0};

	for (unsigned i = 0; i < n; i++) {
		struct pair pair = {0};
		bool failed;

		pair_run(&pair, c, first + i, 1, GEN_SLOTS, &unused);
		failed = pair_failed(&pair);
		if (failed)
			report(c, &pair, 0);
		pair_free(&pair);
		if (failed)
			return;
	}
	puts("  none of them fails alone");
}

unsigned compare_cases(const struct contest *c, uint64_t first, unsigned n, struct coverage *cov)
{
	struct pair pair = {0};
	unsigned bad = 0;

	pair_run(&pair, c, first, n, GEN_SLOTS, cov);
	if (pair_failed(&pair)) {
		printf("cases %" PRIu64 " to %" PRIu64 ":\n", first, first + n - 1);
		print_result(&pair, 0);
		find_failure(c, first, n);
		bad = n;
	} else {
		for (unsigned i = 0; i < n; i++)
			if (differs(&pair, i) >= 0 && bad++ < MAX_REPORTS)
				report(c, &pair, i);
	}
	pair_free(&pair);
	return bad;
}
