/* SPDX-License-Identifier: MIT */
/*
 * The disassembler, made from insn.def.
 *
 * A row has its mnemonic and its format; a format has a template for the operands, in which each
 * letter stands for one and anything else for itself:
 *
 *	d s t      x registers rd, rs1, rs2       D S T R    f registers rd, rs1, rs2, rs3
 *	v w        rd, rs2: f registers in instructions of floating point, else x registers
 *	j          signed number                  J          the same without its low five bits
 *	x          number in hexadecimal          u          upper 20 bits in hexadecimal
 *	a          target, relative to pc         z          rs1's field as a number
 *	E          CSR                            F          constant of fli
 *	m          comma and rounding mode, unless it is the dynamic one
 *	p q        the two sets of fence          Z          rtz
 *
 * Some rows want another template than their format's. It lies beside the decoder, below what
 * debuggers are made of, since the translator shows its blocks with it.
 */
#include "cpu/rv64/disasm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/rv64/csr_names.h"
#include "cpu/rv64/decode.h"

#define ZIMM 4 /* bit of funct3: the operand of a CSR instruction is a number */

struct text {
	char *at;
	size_t left;
};

static const char *const templates[] = {
	[RV64_FMT_N] = "",        [RV64_FMT_R] = "d,s,t",     [RV64_FMT_R1] = "d,s",
	[RV64_FMT_I] = "d,s,j",   [RV64_FMT_SH] = "d,s,x",    [RV64_FMT_S] = "w,j(s)",
	[RV64_FMT_B] = "s,t,a",   [RV64_FMT_U] = "d,u",       [RV64_FMT_J] = "d,a",
	[RV64_FMT_CSR] = "d,E,s", [RV64_FMT_FLD] = "v,j(s)",  [RV64_FMT_FF] = "D,S,Tm",
	[RV64_FMT_FF1] = "D,Sm",  [RV64_FMT_F4] = "D,S,T,Rm", [RV64_FMT_XFF] = "d,S,Tm",
	[RV64_FMT_XF] = "d,Sm",   [RV64_FMT_FX] = "D,sm",     [RV64_FMT_FI] = "D,F",
};

static const char *const c_templates[] = {
	[RV64_CIW] = "d,s,j",   [RV64_CL4] = "v,j(s)",  [RV64_CL8] = "v,j(s)",
	[RV64_CS4] = "w,j(s)",  [RV64_CS8] = "w,j(s)",  [RV64_CI] = "d,j",
	[RV64_CI_RD] = "d,j",   [RV64_CLI] = "d,j",     [RV64_CI16] = "d,j",
	[RV64_CLUI] = "d,u",    [RV64_CISH] = "d,x",    [RV64_CBSH] = "d,x",
	[RV64_CBI] = "d,j",     [RV64_CA] = "d,t",      [RV64_CJ] = "a",
	[RV64_CB] = "s,a",      [RV64_CI4] = "v,j(s)",  [RV64_CI8] = "v,j(s)",
	[RV64_CI8F] = "v,j(s)", [RV64_CSS4] = "w,j(s)", [RV64_CSS8] = "w,j(s)",
	[RV64_CJR] = "s",       [RV64_CJALR] = "s",     [RV64_CMV] = "d,t",
	[RV64_CR] = "d,t",      [RV64_CN] = "",
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at, t->left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->left)
		n = (int)t->left - 1;
	t->at += n;
	t->left -= (size_t)n;
}

static void put_csr(struct text *t, unsigned num)
{
	char buf[RV64_CSR_NAME];
	const char *name = rv64_csr_name(num, buf);

	if (name)
		put(t, "%s", name);
	else
		put(t, "0x%x", num);
}

static void put_rounding(struct text *t, const struct rv64_insn *in)
{
	static const char *const names[] = {"rne", "rtz",     "rdn",     "rup",
					    "rmm", "unknown", "unknown", "dyn"};

	if (in->rm != 7 && !(rv64_insn_info[in->id].mask & 0x7000))
		put(t, ",%s", names[in->rm]);
}

static void put_fence_set(struct text *t, unsigned set)
{
	put(t, "%s%s%s%s%s", set & 8 ? "i" : "", set & 4 ? "o" : "", set & 2 ? "r" : "",
	    set & 1 ? "w" : "", set ? "" : "unknown");
}

/* Zfa's constants, in the order of their numbers. */
static void put_constant(struct text *t, unsigned i)
{
	static const char *const names[32] = {
		"-1.0",
		"min",
		"1.52587890625e-05",
		"3.0517578125e-05",
		"3.90625e-03",
		"7.8125e-03",
		"0.0625",
		"0.125",
		"0.25",
		"0.3125",
		"0.375",
		"0.4375",
		"0.5",
		"0.625",
		"0.75",
		"0.875",
		"1.0",
		"1.25",
		"1.5",
		"1.75",
		"2.0",
		"2.5",
		"3.0",
		"4.0",
		"8.0",
		"16.0",
		"128.0",
		"256.0",
		"32768.0",
		"65536.0",
		"inf",
		"nan",
	};

	put(t, "%s", names[i & 31]);
}

static void put_register(struct text *t, char letter, const struct rv64_insn *in)
{
	bool fp = rv64_insn_is_fp(in->id);

	switch (letter) {
	case 'd': put(t, "x%u", in->rd); break;
	case 's': put(t, "x%u", in->rs1); break;
	case 't': put(t, "x%u", in->rs2); break;
	case 'v': put(t, "%c%u", fp ? 'f' : 'x', in->rd); break;
	case 'w': put(t, "%c%u", fp ? 'f' : 'x', in->rs2); break;
	case 'D': put(t, "f%u", in->rd); break;
	case 'S': put(t, "f%u", in->rs1); break;
	case 'T': put(t, "f%u", in->rs2); break;
	case 'R': put(t, "f%u", in->rs3); break;
	default: put(t, "%c", letter); break;
	}
}

static void put_operand(struct text *t, char letter, const struct rv64_insn *in, uint64_t pc)
{
	switch (letter) {
	case 'j': put(t, "%d", in->imm); break;
	case 'J': put(t, "%d", in->imm & ~31); break;
	case 'x': put(t, "0x%x", (unsigned)in->imm); break;
	case 'u': put(t, "0x%x", (uint32_t)in->imm >> 12); break;
	case 'a': put(t, "0x%" PRIx64, pc + (uint64_t)(int64_t)in->imm); break;
	case 'z': put(t, "%u", in->rs1); break;
	case 'E': put_csr(t, (unsigned)in->imm & 0xfff); break;
	case 'F': put_constant(t, in->rs1); break;
	case 'm': put_rounding(t, in); break;
	case 'Z': put(t, "rtz"); break;
	case 'p': put_fence_set(t, in->bits >> 24 & 15); break;
	case 'q': put_fence_set(t, in->bits >> 20 & 15); break;
	default: put_register(t, letter, in); break;
	}
}

static bool is_load(const struct rv64_insn *in)
{
	return (in->bits & 0x7f) == 0x03;
}

/* The template of a row whose format does not say all, or else NULL. */
static const char *special(const struct rv64_insn *in)
{
	const struct rv64_insn_info *info = &rv64_insn_info[in->id];

	if (info->ext == RV64_EXT_A)
		return info->format == RV64_FMT_R1 ? "d,(s)" : "d,t,(s)";
	if (info->ext == RV64_EXT_ZICBOM || info->ext == RV64_EXT_ZICBOZ)
		return "(s)";
	if (info->ext == RV64_EXT_XTHEAD)
		return info->format == RV64_FMT_N ? "" : "s";
	if (info->ext == RV64_EXT_ZICBOP)
		return "J(s)";
	if (info->ext == RV64_EXT_ZICSR && in->bits >> 12 & ZIMM)
		return "d,E,z";
	if (is_load(in))
		return "d,j(s)";
	switch (in->id) {
	case RV64_fence: return in->bits >> 28 == 8 ? "" : "p,q";
	case RV64_fence_i: return "";
	case RV64_sfence_vma:
	case RV64_sinval_vma: return "s,t";
	case RV64_jalr: return "d,j(s)";
	case RV64_fcvtmod_w_d: return "d,S,Z";
	/* Exact: the mode does not matter, and GNU writes none for the usual 0. */
	case RV64_fcvt_d_w:
	case RV64_fcvt_d_wu:
	case RV64_fcvt_d_s: return in->rm ? NULL : info->format == RV64_FMT_FX ? "D,s" : "D,S";
	default: return NULL;
	}
}

static const struct rv64_cinsn_info *c_row(uint32_t bits)
{
	unsigned i = 0;

	while ((bits & rv64_cinsn_info[i].mask) != rv64_cinsn_info[i].match)
		i++;
	return &rv64_cinsn_info[i];
}

/* Writes the mnemonic; returns the template of the operands. */
static const char *begin_long(struct text *t, const struct rv64_insn *in)
{
	static const char *const order[] = {"", ".rl", ".aq", ".aqrl"};
	const struct rv64_insn_info *info = &rv64_insn_info[in->id];
	const char *template = special(in);

	put(t, "%s", info->text);
	if (info->ext == RV64_EXT_A)
		put(t, "%s", order[in->bits >> 25 & 3]);
	if (in->id == RV64_fence && in->bits >> 28 == 8)
		put(t, ".tso");
	return template ? template : templates[info->format];
}

static const char *begin_short(struct text *t, const struct rv64_insn *in)
{
	const struct rv64_cinsn_info *c = c_row(in->bits);
	bool by_0 = (c->format == RV64_CISH || c->format == RV64_CBSH) && !in->imm;

	/* A shift by 0 is one of 64 bits on a hart of 128, and GNU calls it so. */
	put(t, "%s%s", c->text, by_0 ? "64" : "");
	return by_0 ? "d" : c_templates[c->format];
}

void rv64_disasm(const struct rv64_insn *in, uint64_t pc, char out[RV64_DISASM_MAX])
{
	struct text t = {.at = out, .left = RV64_DISASM_MAX};
	const char *template;

	if (in->id == RV64_ILLEGAL_INSN) {
		put(&t, ".%ubyte\t0x%x", in->len, in->bits);
		return;
	}
	template = in->len == 2 ? begin_short(&t, in) : begin_long(&t, in);
	if (*template)
		put(&t, "\t");
	for (; *template; template ++)
		put_operand(&t, *template, in, pc);
}
