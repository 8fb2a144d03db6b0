/* SPDX-License-Identifier: MIT */
/*
 * The differential test of an RV64 engine: random programs run by it and by qemu-riscv64 must give
 * the same registers, flags and memory. Prints what was covered; exit status 1 when there is a
 * difference.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

#define CASES_PER_PROGRAM 500

static const char usage[] =
	"usage: differ [options] --peer QEMU_RISCV64\n"
	"  --engine NAME   default: interp\n"
	"  --seed N        default: 1\n"
	"  --passes N      exercise each row of the decoder at least N times; default: 1000\n"
	"  --case N        only this case, as reports name it\n"
	"  --elf FILE      with --case: write its program and do not run it\n";

struct options {
	struct contest contest;
	unsigned passes;
	const char *elf;
	uint64_t one_case; /* UINT64_MAX: all */
};

static uint64_t number(const char *text)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		errx(2, "%s: not a number", text);
	return v;
}

static void set_option(struct options *o, int name, const char *value)
{
	switch (name) {
	case 'p': o->contest.peer = value; break;
	case 'e': o->contest.engine = value; break;
	case 's': o->contest.seed = number(value); break;
	case 'n': o->passes = (unsigned)number(value); break;
	case 'c': o->one_case = number(value); break;
	case 'o': o->elf = value; break;
	default: fputs(usage, stderr); exit(2);
	}
}

static struct options parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"peer", required_argument, NULL, 'p'},
		{"engine", required_argument, NULL, 'e'},
		{"seed", required_argument, NULL, 's'},
		{"passes", required_argument, NULL, 'n'},
		{"case", required_argument, NULL, 'c'},
		{"elf", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {
		.contest = {.engine = "interp", .seed = 1},
		.passes = 1000,
		.one_case = UINT64_MAX,
	};
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1)
		set_option(&o, name, optarg);
	if (optind != argc || !o.passes || (o.elf ? o.one_case == UINT64_MAX : !o.contest.peer))
		set_option(&o, '?', NULL);
	return o;
}

static void write_elf(const struct options *o)
{
	struct coverage unused = {0};
	struct program p;
	FILE *f = fopen(o->elf, "w");

	compare_generate(&o->contest, o->one_case, 1, GEN_SLOTS, &p, &unused);
	if (!f || fwrite(p.image, 1, p.size, f) != p.size || fclose(f))
		err(1, "%s", o->elf);
	program_fini(&p);
}

/* Four columns of instructions and how often each was executed; returns the least. */
static uint64_t print_rows(const struct coverage *cov)
{
	uint64_t least = UINT64_MAX;
	unsigned column = 0;

	for (unsigned row = 0; row < row_count(); row++) {
		if (row_kind(row)->class == ROW_ELSEWHERE)
			continue;
		printf("%-11s%8" PRIu64 "%s", row_text(row), cov->rows[row],
		       ++column % 4 ? "   " : "\n");
		if (cov->rows[row] < least)
			least = cov->rows[row];
	}
	if (column % 4)
		putchar('\n');
	return least;
}

static void print_excluded(void)
{
	for (unsigned row = 0; row < row_count(); row++)
		if (row_kind(row)->class == ROW_ELSEWHERE)
			printf("%-16s not here: %s\n", row_text(row), row_kind(row)->reason);
}

static unsigned rows_covered(void)
{
	unsigned n = 0;

	for (unsigned row = 0; row < row_count(); row++)
		n += row_kind(row)->class != ROW_ELSEWHERE;
	return n;
}

/* Returns how often the rarest row was executed. */
static uint64_t print_coverage(const struct coverage *cov)
{
	static const char *const modes[] = {"rne", "rtz", "rdn", "rup", "rmm"};
	uint64_t least = print_rows(cov);

	print_excluded();
	printf("rounding:");
	for (unsigned i = 0; i < 5; i++)
		printf(" %s %" PRIu64 " and %" PRIu64 " by frm%s", modes[i], cov->rounded[i],
		       cov->rounded_dynamic[i], i < 4 ? "," : "\n");
	printf("floating-point operands: %" PRIu64 ", corners: %" PRIu64 " %%\n", cov->operands,
	       cov->operands ? cov->corners * 100 / cov->operands : 0);
	printf("%u of %u rows of the decoder, each at least %" PRIu64 " times, in %u rounds\n",
	       rows_covered(), row_count(), least, PROGRAM_ROUNDS);
	return least;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct coverage cov = {0};
	uint64_t cases = gen_cases(o.passes);
	uint64_t bad = 0;

	if (o.elf) {
		write_elf(&o);
		return 0;
	}
	if (o.one_case != UINT64_MAX)
		return compare_cases(&o.contest, o.one_case, 1, &cov) ? 1 : 0;
	printf("engine %s, seed %" PRIu64 ", %" PRIu64 " cases\n", o.contest.engine, o.contest.seed,
	       cases);
	for (uint64_t first = 0; first < cases && !bad; first += CASES_PER_PROGRAM) {
		uint64_t left = cases - first;

		bad = compare_cases(&o.contest, first,
				    left < CASES_PER_PROGRAM ? (unsigned)left : CASES_PER_PROGRAM,
				    &cov);
	}
	if (bad) {
		printf("%" PRIu64 " cases differ\n", bad);
		return 1;
	}
	if (print_coverage(&cov) < o.passes)
		errx(1, "that is not what was asked for");
	return 0;
}
