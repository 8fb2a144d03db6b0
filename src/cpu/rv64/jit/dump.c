/* SPDX-License-Identifier: MIT */
/*
 * --jit-dump: a block in three forms. Guest code by the disassembler; what the analysis says of
 * each instruction and where the registers live, which is all the intermediate form that there is;
 * host code.
 */
#include "cpu/rv64/jit/dump.h"

#include "cpu/rv64/disasm.h"
#include "cpu/watch.h"

/* One of the watch's number of blocks. */
static bool take_one(struct cpu_watch *w)
{
	uint64_t left = atomic_load(&w->left);

	while (left && !atomic_compare_exchange_weak(&w->left, &left, left - 1))
		;
	return left;
}

static void describe_role(FILE *out, const struct jit_source *s, unsigned i)
{
	if (s->role[i] != JIT_ALONE)
		fprintf(out, " group %u %s", s->group_of[i],
			s->role[i] == JIT_LEADS ? "leads" : "follows");
	if (!jit_host_lowers(&s->insn[i]))
		fputs(" calls C", out);
	if (s->rotates[i])
		fputs(" rotates", out);
	if (s->unseen[i])
		fputs(" left out", out);
}

/* Index, address, bits, and the text with its one tab as blanks. */
static void dump_insn(FILE *out, const struct jit_source *s, unsigned i, uint64_t pc)
{
	const struct rv64_insn *in = &s->insn[i];
	char text[RV64_DISASM_MAX], line[2 * RV64_DISASM_MAX];
	bool notes = s->role[i] != JIT_ALONE || !jit_host_lowers(in) || s->rotates[i] ||
		     s->unseen[i];
	int mnemonic = 0;

	rv64_disasm(in, pc, text);
	while (text[mnemonic] && text[mnemonic] != '\t')
		mnemonic++;
	snprintf(line, sizeof(line), "%-*.*s%s", text[mnemonic] ? 12 : 0, mnemonic, text,
		 text[mnemonic] ? text + mnemonic + 1 : "");
	fprintf(out, "  %2u  %llx  %0*x%*s  %-*s", i, (unsigned long long)pc, in->len * 2, in->bits,
		8 - in->len * 2, "", notes ? 36 : 0, line);
	describe_role(out, s, i);
	fputc('\n', out);
}

static void dump_guest(FILE *out, const struct jit_source *s, uint64_t pc)
{
	fputs("guest code:\n", out);
	for (unsigned i = 0; i < s->n; i++) {
		dump_insn(out, s, i, pc);
		pc += s->insn[i].len;
	}
}

static void dump_form(FILE *out, const struct jit_source *s)
{
	for (unsigned i = 0; i < s->n_groups; i++) {
		const struct jit_group *g = &s->group[i];

		fprintf(out, "  group %u: %u accesses in [x%u%+d, x%u%+d), %u to %u%s%s%s\n", i,
			g->n, g->base, g->low, g->base, g->high, g->first, g->last,
			g->store ? ", stores" : "", g->carried ? ", carried" : "",
			g->carried && g->step < 0 ? " downwards" : "");
	}
	if (s->compact)
		fputs("  compact\n", out);
	if (s->loop_end)
		fprintf(out, "  loop: instructions %u to %u", s->loop, s->loop_end - 1);
	if (s->loop_end && s->rounds > 1)
		fprintf(out, ", %u rounds at a time", s->rounds);
	if (s->loop_end)
		fputc('\n', out);
}

/* The registers that the block names, as bits. */
static void used_registers(const struct jit_source *s, uint32_t used[2])
{
	used[0] = used[1] = 0;
	for (unsigned i = 0; i < s->n; i++) {
		const struct rv64_insn *in = &s->insn[i];
		const uint32_t bits = 1u << in->rd | 1u << in->rs1 | 1u << in->rs2;

		used[0] |= bits;
		if (rv64_insn_is_fp(in->id))
			used[1] |= bits;
	}
}

static void dump_registers(FILE *out, const struct rv64_jit *j)
{
	uint32_t used[2];

	used_registers(&j->source, used);
	fputs("  registers:", out);
	for (unsigned f = 0; f < 2; f++)
		for (unsigned g = f ? 0 : 1; g < 32; g++)
			if (used[f] >> g & 1 && jit_host_register(j, f, g))
				fprintf(out, " %c%u=%s", f ? 'f' : 'x', g,
					jit_host_register(j, f, g));
	fputs("; others in memory\n", out);
}

void jit_dump(struct interp *c, const uint8_t *code, size_t size)
{
	static const char mode[] = "US?M";
	struct cpu_watch *w = c->run.hart.cpu.vm->cfg.watch;
	const struct rv64_hart *h = &c->run.hart;
	const struct jit_source *s = &c->jit->source;
	FILE *out = w->dump;

	if (h->pc < w->from || h->pc > w->to || !take_one(w))
		return;
	flockfile(out);
	fprintf(out,
		"block at pc %llx, physical %llx, mode %c, hart %u: %u instructions, %u bytes\n",
		(unsigned long long)h->pc, (unsigned long long)s->block->pa, mode[h->priv & 3],
		h->cpu.id, s->n, (unsigned)(s->offset - s->start));
	dump_guest(out, s, h->pc);
	fputs("analysis:\n", out);
	if (s->main)
		fprintf(out, "  a way around a group: from instruction %u on\n", s->first);
	dump_registers(out, c->jit);
	dump_form(out, s);
	fprintf(out, "host code: %zu bytes\n", size);
	jit_dump_host(out, c->jit, code, size);
	fputc('\n', out);
	funlockfile(out);
}
