/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: F and D, by SSE2 and FMA.
 *
 * The host computes what RISC-V asks for: the same rounding to nearest, the same flags (tininess
 * after rounding), which pile up in MXCSR until somebody wants to see them (rv64_jit_fp_end()).
 * What differs is sorted out here: a NaN that is computed becomes the canonical one, and a single
 * that is not boxed, a rounding mode other than nearest and the odd conversions are left to C or to
 * the interpreter.
 *
 * A block with arithmetic begins it at its entry, when frm is to nearest and FS is dirty; if not,
 * the interpreter does the block. `fp` of struct jit_lower says what is known on the way through a
 * block: FS is not off, FS is dirty, or native arithmetic has begun.
 */
#include "cpu/rv64/jit/x86_lower.h"

#include "cpu/rv64/csr.h"
#include "cpu/rv64/fpu.h"

#define FS_BYTE ((int32_t)(JIT_OFF(run.hart.csr.mstatus) + 1)) /* bits 14 and 13 of mstatus */
#define FS_BITS 0x60
#define RM_DYN  7

enum { XMM0, XMM1, XMM2 };

/* Opcodes in their form for singles; SD() gives that for doubles. */
#define SS(op) X86_OP(0xf3, 1, op)
#define SD(op) X86_OP(0xf2, 1, op)

enum {
	OP_MOV = 0x10,
	OP_MOV_TO = 0x11,
	OP_SQRT = 0x51,
	OP_ADD = 0x58,
	OP_MUL = 0x59,
	OP_CVT_FF = 0x5a, /* between the formats */
	OP_SUB = 0x5c,
	OP_DIV = 0x5e,
	OP_CVT_TO_INT = 0x2d,
	OP_CVTT_TO_INT = 0x2c,
	OP_CVT_FROM_INT = 0x2a,
};

#define UCOMIS_S X86_OP(0, 1, 0x2e)
#define UCOMIS_D X86_OP(0x66, 1, 0x2e)
#define COMIS_S  X86_OP(0, 1, 0x2f)
#define COMIS_D  X86_OP(0x66, 1, 0x2f)

/* r->flag */
#define DOUBLE 1u
#define LIVE   2u /* needs native floating point to have begun */

static uint32_t scalar(uint32_t op, bool dbl)
{
	return dbl ? SD(op) : SS(op);
}

/* ---- the state of FP ---- */

void jit_fp_need(struct jit_lower *l, bool dirty)
{
	struct x86 *e = &l->e;

	if (l->fp == JIT_FP_UNKNOWN) {
		x86_rm(e, 0xf6, X86_L, 0, REG_HART, FS_BYTE); /* test byte */
		x86_byte(e, FS_BITS);
		jit_give_up(l, x86_jcc(e, X86_E));
		l->fp = JIT_FP_ON;
	}
	if (dirty && l->fp < JIT_FP_DIRTY) {
		x86_rm(e, 0x80, X86_L, X86_G_OR, REG_HART, FS_BYTE);
		x86_byte(e, FS_BITS);
		l->fp = JIT_FP_DIRTY;
	}
}

static void begin_live(struct jit_lower *l)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;

	x86_rm(e, 0x80, X86_L, X86_G_CMP, REG_HART, JIT_OFF(native_fp));
	x86_byte(e, 0);
	o = jit_ool(l, JIT_OOL_FP, x86_jcc(e, X86_E));
	o->offset = (uint16_t)l->s->offset;
	o->index = (uint8_t)l->s->index;
	o->back = e->p;
	l->fp = JIT_FP_LIVE;
}

void jit_fp_enter(struct jit_lower *l)
{
	for (unsigned i = 0; i < l->s->n; i++)
		if (jit_fp_rules[l->s->insn[i].id].flag & LIVE) {
			begin_live(l);
			return;
		}
}

/* False: the instruction is done in C. Otherwise it began at the block's entry, with the right frm
 * and FS dirty, so it can begin again after a call of C. */
static bool need_live(struct jit_lower *l, const struct rv64_insn *in)
{
	if (l->fp_in_c) {
		jit_call_c(l, in, l->s->offset, l->s->index);
		l->fp = JIT_FP_UNKNOWN;
		return false;
	}
	if (l->fp != JIT_FP_LIVE)
		begin_live(l);
	return true;
}

void jit_ool_fp(struct jit_lower *l, const struct jit_ool *o)
{
	struct x86 *e = &l->e;

	if (o->back) {
		x86_call_to(e, l->jit->glue.fp);
		x86_rr(e, X86_TEST, X86_L, RAX, RAX);
		x86_jcc_to(e, X86_E, o->back);
	}
	if (o->index)
		x86_alu_imm(e, X86_G_SUB, X86_Q, REG_LEFT, o->index);
	jit_pc(l, RAX, o->offset);
	x86_jmp_to(e, l->jit->glue.exit_interp);
}

/* ---- operands ---- */

/* Jumps out where a single is not boxed. */
#define MAX_BOXES 4

struct boxes {
	unsigned n;
	uint8_t *from[MAX_BOXES];
};

static void check_box(struct jit_lower *l, unsigned f, bool dbl, struct boxes *b)
{
	if (dbl)
		return;
	x86_alu_imm_mem(&l->e, X86_G_CMP, X86_L, REG_HART, jit_off_f(f) + 4, -1);
	b->from[b->n++] = x86_jcc(&l->e, X86_NE);
}

/* All of them lead to the instruction in C, which comes back here. */
static void finish_boxes(struct jit_lower *l, const struct rv64_insn *in, const struct boxes *b)
{
	for (unsigned i = 0; i < b->n; i++)
		jit_ool_call(l, in, b->from[i])->back = l->e.p;
}

static void get_f(struct jit_lower *l, unsigned xmm, unsigned f, bool dbl)
{
	x86_rm(&l->e, scalar(OP_MOV, dbl), X86_L, xmm, REG_HART, jit_off_f(f));
}

static void put_f(struct jit_lower *l, unsigned f, unsigned xmm, bool dbl)
{
	struct x86 *e = &l->e;

	x86_rm(e, scalar(OP_MOV_TO, dbl), X86_L, xmm, REG_HART, jit_off_f(f));
	if (!dbl) {
		x86_rm(e, 0xc7, X86_L, 0, REG_HART, jit_off_f(f) + 4);
		x86_u32(e, UINT32_MAX);
	}
}

/* f[rd] = xmm0, or the canonical NaN. */
static void put_result(struct jit_lower *l, unsigned rd, bool dbl)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;

	x86_rr(e, dbl ? UCOMIS_D : UCOMIS_S, X86_L, XMM0, XMM0);
	o = jit_ool(l, JIT_OOL_NAN, x86_jcc(e, X86_P));
	o->info = dbl;
	o->back = e->p;
	put_f(l, rd, XMM0, dbl);
}

void jit_ool_nan(struct jit_lower *l, const struct jit_ool *o)
{
	struct x86 *e = &l->e;

	x86_mov_imm(e, RAX, o->info ? FPU_NAN_D : FPU_NAN_S);
	x86_rr(e, X86_OP(0x66, 1, 0x6e), X86_Q, XMM0, RAX); /* movq */
	x86_jmp_to(e, o->back);
}

/* ---- arithmetic ---- */

/* Rounding modes that native code does not know: true, and the instruction is done in C. */
static bool odd_rounding(struct jit_lower *l, const struct rv64_insn *in)
{
	if (in->rm == RM_DYN || in->rm == FPU_RNE)
		return false;
	jit_call_c(l, in, l->s->offset, l->s->index);
	l->fp = JIT_FP_UNKNOWN;
	return true;
}

static void arith(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	struct boxes b = {0};

	if (odd_rounding(l, in))
		return;
	if (!need_live(l, in))
		return;
	check_box(l, in->rs1, dbl, &b);
	check_box(l, in->rs2, dbl, &b);
	get_f(l, XMM0, in->rs1, dbl);
	x86_rm(&l->e, scalar(r->op, dbl), X86_L, XMM0, REG_HART, jit_off_f(in->rs2));
	put_result(l, in->rd, dbl);
	finish_boxes(l, in, &b);
}

static void square_root(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	struct boxes b = {0};

	if (odd_rounding(l, in))
		return;
	if (!need_live(l, in))
		return;
	check_box(l, in->rs1, dbl, &b);
	get_f(l, XMM0, in->rs1, dbl);
	x86_rr(&l->e, scalar(OP_SQRT, dbl), X86_L, XMM0, XMM0);
	put_result(l, in->rd, dbl);
	finish_boxes(l, in, &b);
}

/* r->op: the opcode of the 213 form of the family, xmm0 = +-(xmm1 * xmm0) +- f[rs3]. The host
 * raises no flag for infinity times zero plus a quiet NaN where RISC-V does, so a NaN as result is
 * done again in C (which sets the same flags). */
static void fused(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	struct x86 *e = &l->e;
	struct boxes b = {0};

	if (!l->jit->fma) {
		jit_call_c(l, in, l->s->offset, l->s->index);
		l->fp = JIT_FP_UNKNOWN;
		return;
	}
	if (odd_rounding(l, in))
		return;
	if (!need_live(l, in))
		return;
	check_box(l, in->rs1, dbl, &b);
	check_box(l, in->rs2, dbl, &b);
	check_box(l, in->rs3, dbl, &b);
	get_f(l, XMM0, in->rs1, dbl);
	get_f(l, XMM1, in->rs2, dbl);
	x86_vex_rm(e, X86_OP(0x66, 2, r->op), dbl ? X86_Q : X86_L, XMM0, XMM1, REG_HART,
		   jit_off_f(in->rs3));
	x86_rr(e, dbl ? UCOMIS_D : UCOMIS_S, X86_L, XMM0, XMM0);
	b.from[b.n++] = x86_jcc(e, X86_P);
	put_f(l, in->rd, XMM0, dbl);
	finish_boxes(l, in, &b);
}

/* The host's group 0f ba with the bit of a sign: rax changes. */
static void sign_bit(struct jit_lower *l, unsigned group, bool dbl)
{
	x86_rr(&l->e, X86_OP(0, 1, 0xba), dbl ? X86_Q : X86_L, group, RAX);
	x86_byte(&l->e, dbl ? 63 : 31);
}

/* rax = f[rs1] with the sign of f[rs2], its opposite, or the product of both. */
static void combine_signs(struct jit_lower *l, const struct rv64_insn *in, unsigned op, bool dbl)
{
	enum x86_width w = dbl ? X86_Q : X86_L;
	unsigned count = dbl ? 63 : 31;
	struct x86 *e = &l->e;

	x86_rm(e, X86_MOV, w, RCX, REG_HART, jit_off_f(in->rs2));
	if (op == 1)
		x86_unary(e, X86_G_NOT, w, RCX);
	x86_shift_imm(e, X86_G_SHR, w, RCX, count);
	x86_shift_imm(e, X86_G_SHL, w, RCX, count);
	if (op != 2)
		sign_bit(l, X86_G_BTR, dbl);
	x86_rr(e, X86_XOR, w, RAX, RCX);
}

/* fsgnj, fsgnjn, fsgnjx: op 0, 1, 2. */
static void sign(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	enum x86_width w = dbl ? X86_Q : X86_L;
	struct x86 *e = &l->e;
	struct boxes b = {0};

	jit_fp_need(l, true);
	check_box(l, in->rs1, dbl, &b);
	if (in->rs1 != in->rs2)
		check_box(l, in->rs2, dbl, &b);
	x86_rm(e, X86_MOV, w, RAX, REG_HART, jit_off_f(in->rs1));
	if (in->rs1 != in->rs2)
		combine_signs(l, in, r->op, dbl);
	else if (r->op) /* negate, absolute value; the other is a move */
		sign_bit(l, r->op == 1 ? X86_G_BTC : X86_G_BTR, dbl);
	x86_rm(e, X86_MOV_TO, w, RAX, REG_HART, jit_off_f(in->rd));
	if (!dbl) {
		x86_rm(e, 0xc7, X86_L, 0, REG_HART, jit_off_f(in->rd) + 4);
		x86_u32(e, UINT32_MAX);
	}
	finish_boxes(l, in, &b);
}

/* feq, flt, fle: unordered is false. op 0, 1, 2. ucomis raises invalid for signaling NaNs only,
 * comis for all. lt and le compare the other way round, so that the carry is clear of NaNs. */
static void compare(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned first = r->op ? in->rs2 : in->rs1, second = r->op ? in->rs1 : in->rs2;
	uint32_t op = r->op ? (dbl ? COMIS_D : COMIS_S) : dbl ? UCOMIS_D : UCOMIS_S;
	struct x86 *e = &l->e;
	struct boxes b = {0};

	if (!need_live(l, in))
		return;
	check_box(l, in->rs1, dbl, &b);
	check_box(l, in->rs2, dbl, &b);
	get_f(l, XMM0, first, dbl);
	x86_rm(e, op, X86_L, XMM0, REG_HART, jit_off_f(second));
	if (r->op) {
		x86_setcc(e, r->op == 1 ? X86_A : X86_NC, RAX);
	} else {
		x86_setcc(e, X86_E, RAX);
		x86_setcc(e, X86_NP, RCX);
		x86_rr(e, X86_AND, X86_L, RAX, RCX);
	}
	x86_rr(e, X86_MOVZX_B, X86_L, RAX, RAX);
	jit_put(l, in->rd, RAX);
	finish_boxes(l, in, &b);
}

/* ---- conversions and moves ---- */

static void convert_ff(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool to_double = r->flag & DOUBLE;
	struct boxes b = {0};

	if (!to_double && odd_rounding(l, in))
		return;
	if (!need_live(l, in))
		return;
	check_box(l, in->rs1, !to_double, &b);
	get_f(l, XMM0, in->rs1, !to_double);
	x86_rr(&l->e, scalar(OP_CVT_FF, !to_double), X86_L, XMM0, XMM0);
	put_result(l, in->rd, to_double);
	finish_boxes(l, in, &b);
}

/* From an integer of r->w, signed. */
static void from_int(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	struct x86 *e = &l->e;

	if (odd_rounding(l, in))
		return;
	if (!need_live(l, in))
		return;
	x86_rr(e, X86_OP(0, 1, 0x57), X86_L, XMM0, XMM0); /* xorps: no old value to wait for */
	x86_rr(e, scalar(OP_CVT_FROM_INT, dbl), (enum x86_width)r->w, XMM0,
	       jit_get(l, in->rs1, RAX));
	put_f(l, in->rd, XMM0, dbl);
}

/* To a signed integer of r->w. What is out of range gives the host's "indefinite", the smallest
 * integer, which is then done again in C: it also sets the flag, which the host has set. */
static void to_int(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	enum x86_width w = (enum x86_width)r->w;
	bool dbl = r->flag & DOUBLE;
	struct x86 *e = &l->e;
	struct boxes b = {0};

	if (in->rm != FPU_RTZ && odd_rounding(l, in))
		return;
	if (!need_live(l, in))
		return;
	check_box(l, in->rs1, dbl, &b);
	x86_rm(e, scalar(in->rm == FPU_RTZ ? OP_CVTT_TO_INT : OP_CVT_TO_INT, dbl), w, RAX, REG_HART,
	       jit_off_f(in->rs1));
	x86_alu_imm(e, X86_G_CMP, w, RAX, 1); /* overflows for the smallest integer alone */
	b.from[b.n++] = x86_jcc(e, X86_O);
	if (w == X86_L)
		x86_rr(e, X86_MOVSXD, X86_Q, RAX, RAX);
	jit_put(l, in->rd, RAX);
	finish_boxes(l, in, &b);
}

static void move_to_x(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	jit_fp_need(l, false);
	x86_rm(&l->e, r->flag & DOUBLE ? X86_MOV : X86_MOVSXD, X86_Q, RAX, REG_HART,
	       jit_off_f(in->rs1));
	jit_put(l, in->rd, RAX);
}

static void move_to_f(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned a;

	jit_fp_need(l, true);
	a = jit_get(l, in->rs1, RAX);
	x86_rm(&l->e, X86_MOV_TO, dbl ? X86_Q : X86_L, a, REG_HART, jit_off_f(in->rd));
	if (!dbl) {
		x86_rm(&l->e, 0xc7, X86_L, 0, REG_HART, jit_off_f(in->rd) + 4);
		x86_u32(&l->e, UINT32_MAX);
	}
}

#define BOTH(id, fn, op, needs)                   \
	[RV64_##id##_s] = {fn, op, X86_L, needs}, \
	[RV64_##id##_d] = {fn, op, X86_Q, (needs) | DOUBLE}

const struct jit_rule jit_fp_rules[RV64_N_INSNS] = {
	BOTH(fadd, arith, OP_ADD, LIVE),
	BOTH(fsub, arith, OP_SUB, LIVE),
	BOTH(fmul, arith, OP_MUL, LIVE),
	BOTH(fdiv, arith, OP_DIV, LIVE),
	BOTH(fsqrt, square_root, OP_SQRT, LIVE),
	BOTH(fmadd, fused, 0xa9, LIVE),
	BOTH(fmsub, fused, 0xab, LIVE),
	BOTH(fnmsub, fused, 0xad, LIVE),
	BOTH(fnmadd, fused, 0xaf, LIVE),
	BOTH(fsgnj, sign, 0, 0),
	BOTH(fsgnjn, sign, 1, 0),
	BOTH(fsgnjx, sign, 2, 0),
	BOTH(feq, compare, 0, LIVE),
	BOTH(flt, compare, 1, LIVE),
	BOTH(fle, compare, 2, LIVE),
	[RV64_fcvt_d_s] = {convert_ff, 0, 0, LIVE | DOUBLE},
	[RV64_fcvt_s_d] = {convert_ff, 0, 0, LIVE},
	[RV64_fcvt_s_w] = {from_int, 0, X86_L, LIVE},
	[RV64_fcvt_s_l] = {from_int, 0, X86_Q, LIVE},
	[RV64_fcvt_d_w] = {from_int, 0, X86_L, LIVE | DOUBLE},
	[RV64_fcvt_d_l] = {from_int, 0, X86_Q, LIVE | DOUBLE},
	[RV64_fcvt_w_s] = {to_int, 0, X86_L, LIVE},
	[RV64_fcvt_l_s] = {to_int, 0, X86_Q, LIVE},
	[RV64_fcvt_w_d] = {to_int, 0, X86_L, LIVE | DOUBLE},
	[RV64_fcvt_l_d] = {to_int, 0, X86_Q, LIVE | DOUBLE},
	[RV64_fmv_x_w] = {move_to_x, 0, X86_L, 0},
	[RV64_fmv_x_d] = {move_to_x, 0, X86_Q, DOUBLE},
	[RV64_fmv_w_x] = {move_to_f, 0, X86_L, 0},
	[RV64_fmv_d_x] = {move_to_f, 0, X86_Q, DOUBLE},
};
