/* SPDX-License-Identifier: MIT */
/*
 * Host code as text, by libcapstone, which is loaded when it is needed; without it, or where this
 * was built without its header, as bytes.
 *
 * Among the code stand data: behind `call link` and `call bound` where the jump goes (x86_glue.h),
 * behind `call give_up` which instruction is the interpreter's, and before the call of a C function
 * its record, which is jumped over (x86_lower.c). Places outside of the block are named, so that
 * the text does not depend on where the block lies; and what of struct interp an operand means, so
 * that it does not depend on how that is laid out.
 */
#include "cpu/rv64/jit/dump.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/jit/host_text.h"
#include "cpu/rv64/jit/x86_lower.h"

static const char *const gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const xmm_names[] = {"xmm0",  "xmm1",  "xmm2",  "xmm3", "xmm4",  "xmm5",
					"xmm6",  "xmm7",  "xmm8",  "xmm9", "xmm10", "xmm11",
					"xmm12", "xmm13", "xmm14", "xmm15"};

const char *jit_host_register(const struct rv64_jit *j, bool f, unsigned g)
{
	unsigned host = f ? jit_pinned_f[g] : j->lower->reg[g];

	return host == JIT_NONE ? NULL : f ? xmm_names[host] : gpr_names[host];
}

bool jit_host_lowers(const struct rv64_insn *in)
{
	unsigned opcode = rv64_insn_info[in->id].match & 0x7f;

	return jit_rules[in->id].fn || jit_fp_rules[in->id].fn || opcode == 0x63 ||
	       opcode == 0x67 || opcode == 0x6f || rv64_insn_info[in->id].ext == RV64_EXT_ZICSR;
}

#define FILLER 0xcc /* up to the next block */

struct dump {
	FILE *out;
	const struct rv64_jit *jit;
	const uint8_t *code;
	size_t size;
};

static void put_bytes(const struct dump *d, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(d->out, "%s%02x", i ? " " : "", d->code[at + i]);
}

/* A place that a jump or a call leads to, from the block's begin. */
static void put_target(const struct dump *d, int64_t target)
{
	const struct jit_glue *g = &d->jit->glue;
	const struct {
		const uint8_t *at;
		const char *name;
	} glue[] = {
		{g->exit_go, "exit_go"},
		{g->exit_odd, "exit_odd"},
		{g->give_up, "give_up"},
		{g->dispatch, "dispatch"},
		{g->near[0], "near"},
		{g->near[1], "near"},
		{g->far[0], "far"},
		{g->far[1], "far"},
		{g->link, "link"},
		{g->bound, "bound"},
		{g->bound_link, "bound_link"},
		{g->access[0][0], "load_1"},
		{g->access[0][1], "load_2"},
		{g->access[0][2], "load_4"},
		{g->access[0][3], "load_8"},
		{g->access[1][0], "store_1"},
		{g->access[1][1], "store_2"},
		{g->access[1][2], "store_4"},
		{g->access[1][3], "store_8"},
		{g->group[0], "group_load"},
		{g->group[1], "group_store"},
		{g->compact_near[0], "compact_near"},
		{g->compact_near[1], "compact_near"},
		{g->compact_far[0], "compact_far"},
		{g->compact_far[1], "compact_far"},
		{g->compact_call[0], "compact_call"},
		{g->compact_call[1], "compact_call"},
		{g->mem, "mem"},
		{g->site, "site"},
		{g->call, "call"},
		{g->fp, "fp"},
		{g->zero, "zero"},
		{g->status, "status"},
	};

	if (target >= 0 && (uint64_t)target < d->size) {
		fprintf(d->out, "%03llx", (unsigned long long)target);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(glue); i++) {
		if (glue[i].at == d->code + target) {
			fputs(glue[i].name, d->out);
			return;
		}
	}
	fputs("another block", d->out);
}

static bool is_transfer(const struct host_insn *in)
{
	return (in->mnemonic[0] == 'j' || !strcmp(in->mnemonic, "call")) &&
	       strncmp(in->operands, "0x", 2) == 0;
}

/* Data behind the instruction that ends at `at`: their length. */
static size_t data_behind(const struct dump *d, const struct host_insn *in, size_t at,
			  int64_t target)
{
	const uint8_t *to = d->code + target;

	if (to == d->jit->glue.link || to == d->jit->glue.bound)
		return sizeof(uint32_t);
	if (to == d->jit->glue.give_up)
		return sizeof(struct jit_give_up);
	if (!strcmp(in->mnemonic, "jmp") && target > (int64_t)at &&
	    target < (int64_t)(at + 8 + sizeof(struct jit_call) + 8) &&
	    target + 3 < (int64_t)d->size && !memcmp(to, "\x48\x8d\x05", 3))
		return (size_t)target - at;
	return 0;
}

static void put_data(const struct dump *d, size_t at, size_t n)
{
	uint16_t first;

	memcpy(&first, d->code + at, sizeof(first));
	if (n == sizeof(uint32_t))
		fprintf(d->out, "  %03zx  .short 0x%x, the page's record\n", at, first);
	else if (n == sizeof(struct jit_give_up))
		fprintf(d->out, "  %03zx  .space %zu, at instruction %u\n", at, n,
			first & (JIT_GAVE_UP_GROUP - 1));
	else
		fprintf(d->out, "  %03zx  .space %zu, what the call is about\n", at, n);
}

/* ---- operands ---- */

static const struct {
	int32_t offset;
	uint32_t size;
	const char *name;
} fields[] = {
#define FIELD(name)                                                      \
	{                                                                \
		JIT_OFF(name), sizeof(((struct interp *)0)->name), #name \
	}
#define HART(name)                                                                         \
	{                                                                                  \
		JIT_OFF(run.hart.name), sizeof(((struct interp *)0)->run.hart.name), #name \
	}
	HART(pc),
	HART(fflags),
	HART(frm),
	HART(priv),
	HART(attention),
	HART(reserved_addr),
	HART(reserved_value),
	HART(csr.mstatus),
	HART(csr.sscratch),
	HART(csr.sepc),
	HART(csr.scause),
	HART(csr.stval),
	HART(csr.satp),
	HART(mmu.ctx),
	HART(mmu.slot),
	HART(mmu.fetch_tag),
	HART(mmu.fetch_spread),
	HART(mmu.tlb[0].load_tag),
	HART(mmu.tlb[0].store_tag),
	HART(mmu.tlb[0].addend),
	{JIT_PAGE_AT, sizeof(uint64_t), "page"},
	FIELD(left),
	FIELD(native_fp),
	FIELD(native_slot),
	FIELD(native_rest),
	FIELD(native_guess),
	FIELD(native_mxcsr),
	FIELD(native_site),
	FIELD(native_box),
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer is the field */
	FIELD(native_target),
	FIELD(native_far),
	FIELD(native_near[0][0].pc),
	FIELD(native_near[0][0].native),
	FIELD(native_near[1][0].pc),
	FIELD(native_near[1][0].native),
	FIELD(native_near[2][0].pc),
	FIELD(native_near[2][0].native),
#undef FIELD
#undef HART
};

static bool put_register(const struct dump *d, int32_t at, int32_t begin, char kind)
{
	if (at < begin || at >= begin + 32 * 8)
		return false;
	fprintf(d->out, "%c%d", kind, (at - begin) / 8);
	if ((at - begin) % 8)
		fprintf(d->out, " + %d", (at - begin) % 8);
	return true;
}

/* What lies at a distance from rbp. */
static void put_field(const struct dump *d, int32_t at)
{
	if (put_register(d, at, jit_off_x(0), 'x') || put_register(d, at, jit_off_f(0), 'f'))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		uint32_t inner = (uint32_t)at - (uint32_t)fields[i].offset;

		if (inner >= fields[i].size)
			continue;
		fputs(fields[i].name, d->out);
		if (inner)
			fprintf(d->out, " + 0x%x", inner);
		return;
	}
	fprintf(d->out, "rbp %c 0x%x", at < 0 ? '-' : '+',
		at < 0 ? 0u - (uint32_t)at : (uint32_t)at);
}

/* `text`, in which an address of the block, for writing, becomes its distance from the begin. */
static void put_immediate(const struct dump *d, const char *text)
{
	const char *comma = strstr(text, ", 0x");
	uintptr_t at = comma ? strtoull(comma + 2, NULL, 16) : 0;

	if (at >= (uintptr_t)d->code && at < (uintptr_t)d->code + d->size)
		fprintf(d->out, "%.*s, block + 0x%03zx", (int)(comma - text), text,
			(size_t)(at - (uintptr_t)d->code));
	else
		fputs(text, d->out);
}

/* `text`, in which [rbp + index + distance] becomes [field + index]. */
static void put_operands(const struct dump *d, const char *text)
{
	static const char base[] = "[rbp";
	const char *begin = strstr(text, base), *p = begin ? begin + strlen(base) : NULL;
	const char *end = begin ? strchr(begin, ']') : NULL;
	const char *number = NULL;
	long at = 0;

	for (const char *q = p; q && end && q < end; q++)
		if (q[-1] == ' ' && q[0] >= '0' && q[0] <= '9')
			number = q;
	if (!end || (p != end && *p != ' ')) {
		put_immediate(d, text);
		return;
	}
	if (number)
		at = strtol(number, NULL, 0) * (number[-2] == '-' ? -1 : 1);
	fprintf(d->out, "%.*s[", (int)(begin - text), text);
	put_field(d, (int32_t)at);
	fprintf(d->out, "%.*s%s", (int)((number ? number - 3 : end) - p), p, end);
}

/* One instruction, and data behind it; returns where to go on. */
static size_t put_insn(const struct dump *d, const struct host_insn *in, size_t at)
{
	const bool transfer = is_transfer(in);
	/* A target before the block's begin is a negative number. */
	const int64_t target = transfer ? (int64_t)strtoull(in->operands, NULL, 16) : 0;
	size_t data = 0;

	fprintf(d->out, "  %03zx  %-8s ", at, in->mnemonic);
	at += in->len;
	if (transfer) {
		put_target(d, target);
		data = data_behind(d, in, at, target);
	} else {
		put_operands(d, in->operands);
	}
	fputc('\n', d->out);
	if (data)
		put_data(d, at, data);
	return at + data;
}

static bool dump_text(const struct dump *d)
{
	struct host_text *t = host_text_new();
	struct host_insn in;
	size_t at = 0;

	if (!t)
		return false;
	while (at < d->size && d->code[at] != FILLER) {
		host_text_next(t, d->code, at, d->size - at, &in);
		at = put_insn(d, &in, at);
	}
	host_text_free(t);
	return true;
}

void jit_dump_host(FILE *out, const struct rv64_jit *j, const uint8_t *code, size_t size)
{
	const struct dump d = {.out = out, .jit = j, .code = code, .size = size};

	if (dump_text(&d))
		return;
	for (size_t at = 0; at < size; at += 16) {
		fprintf(out, "  %03zx  ", at);
		put_bytes(&d, at, min_u64(16, size - at));
		fputc('\n', out);
	}
}
