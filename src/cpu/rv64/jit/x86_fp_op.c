/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: F and D, by SSE2, AVX and FMA.
 *
 * The host computes what RISC-V asks for: the same rounding, the same flags (tininess after
 * rounding). What differs is sorted out here: a NaN that is computed becomes the canonical one, and
 * what the host cannot do without raising a flag too many is done in C, as is the rounding mode
 * RMM, which the host does not have. Operations on singles keep the upper bits of their first
 * operand, and with them the box.
 *
 * Rounding. The host's mode is frm's. An instruction that names another one has the host's changed
 * around itself, except where it makes no difference.
 */
#include "cpu/rv64/jit/x86_fp.h"

#include "cpu/rv64/fpu.h"

#define RM_DYN 7

enum {
	OP_SQRT = 0x51,
	OP_ADD = 0x58,
	OP_MUL = 0x59,
	OP_CVT_FF = 0x5a, /* between the formats */
	OP_SUB = 0x5c,
	OP_MIN = 0x5d,
	OP_DIV = 0x5e,
	OP_MAX = 0x5f,
	OP_CVT_TO_INT = 0x2d,
	OP_CVTT_TO_INT = 0x2c,
	OP_CVT_FROM_INT = 0x2a,
};

#define DOUBLE JIT_FP_DOUBLE

static uint32_t comis(bool dbl)
{
	return X86_OP(dbl ? 0x66 : 0, 1, 0x2f);
}

/* Rounding modes that the host does not have, or nobody: true, and the instruction is done in C. */
static bool odd_rounding(struct jit_lower *l, const struct rv64_insn *in)
{
	if (in->rm == RM_DYN || jit_host_rounds(in->rm))
		return false;
	jit_call_c(l, in, l->s->offset, l->s->index);
	l->fp_live = false;
	return true;
}

#define MXCSR_FLAGS    0x3f
#define MXCSR_ROUNDING 0x6000
#define LDMXCSR        2
#define STMXCSR        3

static void mxcsr(struct jit_lower *l, unsigned what, unsigned n)
{
	x86_rm(&l->e, X86_OP(0, 1, 0xae), X86_L, what, REG_HART, JIT_OFF(native_mxcsr[n]));
}

/* Returns a jump to take when frm is the instruction's mode anyway. */
static uint8_t *mode_is_set(struct jit_lower *l, const struct rv64_insn *in)
{
	x86_rm(&l->e, 0x80, X86_L, X86_G_CMP, REG_HART, JIT_OFF(run.hart.frm));
	x86_byte(&l->e, in->rm);
	return x86_jcc(&l->e, X86_E);
}

/* The host rounds by the instruction's own mode from here to round_end(), which C may be called
 * from. Both need rdx. */
static void round_begin(struct jit_lower *l, const struct rv64_insn *in)
{
	struct x86 *e = &l->e;
	uint8_t *past;

	if (in->rm == RM_DYN)
		return;
	past = mode_is_set(l, in);
	mxcsr(l, STMXCSR, 0);
	x86_rm(e, X86_MOV, X86_L, RDX, REG_HART, JIT_OFF(native_mxcsr[0]));
	x86_alu_imm(e, X86_G_AND, X86_L, RDX, ~MXCSR_ROUNDING);
	x86_alu_imm(e, X86_G_OR, X86_L, RDX, (int32_t)jit_mxcsr_rounding(in->rm));
	x86_rm(e, X86_MOV_TO, X86_L, RDX, REG_HART, JIT_OFF(native_mxcsr[1]));
	mxcsr(l, LDMXCSR, 1);
	x86_here(e, past);
}

static void round_end(struct jit_lower *l, const struct rv64_insn *in)
{
	struct x86 *e = &l->e;
	uint8_t *past;

	if (in->rm == RM_DYN)
		return;
	past = mode_is_set(l, in);
	mxcsr(l, STMXCSR, 1);
	x86_rm(e, X86_MOV, X86_L, RDX, REG_HART, JIT_OFF(native_mxcsr[1]));
	x86_alu_imm(e, X86_G_AND, X86_L, RDX, MXCSR_FLAGS);
	x86_rm(e, X86_OR, X86_L, RDX, REG_HART, JIT_OFF(native_mxcsr[0]));
	x86_rm(e, X86_MOV_TO, X86_L, RDX, REG_HART, JIT_OFF(native_mxcsr[0]));
	mxcsr(l, LDMXCSR, 0);
	x86_here(e, past);
}

static void check(struct jit_lower *l, bool dbl, unsigned f)
{
	if (!dbl)
		jit_f_check_box(l, f);
}

/* f[rd] = xmm, or the canonical NaN, or where nobody looks any NaN. */
static void put_result(struct jit_lower *l, unsigned rd, unsigned xmm, bool dbl)
{
	struct x86 *e = &l->e;
	struct jit_ool *o;

	if (l->s->any_nan[l->s->index] && jit_pinned_f[rd] != JIT_NONE) {
		jit_f_put(l, rd, xmm);
		return;
	}
	x86_rr(e, jit_ucomis(dbl), X86_L, xmm, xmm);
	o = jit_ool(l, JIT_OOL_NAN, x86_jcc(e, X86_P));
	o->info = dbl;
	o->reg = (uint8_t)xmm;
	o->back = e->p;
	jit_f_put(l, rd, xmm);
}

/* ---- arithmetic ---- */

static void arith(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned d = jit_f_dst(in->rd);

	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	check(l, dbl, in->rs1);
	check(l, dbl, in->rs2);
	round_begin(l, in);
	if (in->rd == in->rs2)
		d = XMM0;
	jit_f_op3(l, jit_scalar(r->op, dbl), d, jit_f_get(l, in->rs1, XMM0), in->rs2);
	put_result(l, in->rd, d, dbl);
	round_end(l, in);
}

static void square_root(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned d = jit_f_dst(in->rd);

	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	check(l, dbl, in->rs1);
	round_begin(l, in);
	jit_f_load(l, d, in->rs1);
	x86_rr(&l->e, jit_scalar(OP_SQRT, dbl), X86_L, d, d);
	put_result(l, in->rd, d, dbl);
	round_end(l, in);
}

/* The families of one operation, x = +-(a * b) +- c by its form: 213 has x = a, 231 x = c. r->op is
 * the opcode of the former. */
#define FORM_231 0x10

static void op_fma(struct jit_lower *l, uint32_t op, enum x86_width w, unsigned xmm, unsigned v,
		   unsigned g)
{
	if (jit_pinned_f[g] != JIT_NONE)
		x86_vex_rr(&l->e, op, w, xmm, v, jit_pinned_f[g]);
	else
		x86_vex_rm(&l->e, op, w, xmm, v, REG_HART, jit_off_f(g));
}

static void fused(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE, factor = in->rd == in->rs1 || in->rd == in->rs2;
	enum x86_width w = dbl ? X86_Q : X86_L;
	unsigned d = factor ? XMM0 : jit_f_dst(in->rd);
	struct x86 *e = &l->e;
	struct jit_ool *o;

	if (!l->jit->fma) {
		jit_call_c(l, in, l->s->offset, l->s->index);
		l->fp_live = false;
		return;
	}
	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	check(l, dbl, in->rs1);
	check(l, dbl, in->rs2);
	check(l, dbl, in->rs3);
	round_begin(l, in);
	if (d != XMM0 && in->rd == in->rs3) {
		op_fma(l, X86_OP(0x66, 2, r->op + FORM_231), w, d, jit_f_get(l, in->rs1, XMM0),
		       in->rs2);
	} else {
		if (in->rd == in->rs3)
			d = XMM0;
		jit_f_load(l, d, in->rs1);
		op_fma(l, X86_OP(0x66, 2, r->op), w, d, jit_f_get(l, in->rs2, XMM1), in->rs3);
	}
	x86_rr(e, jit_ucomis(dbl), X86_L, d, d);
	o = jit_ool(l, JIT_OOL_FMA, x86_jcc(e, X86_P));
	o->in = *in;
	o->reg = (uint8_t)d;
	o->back = e->p;
	jit_f_put(l, in->rd, d);
	round_end(l, in);
}

/* When f[a] is 0 or a NaN: multiplies it by f[b], for the flag. */
static void multiply_zero(struct jit_lower *l, unsigned a, unsigned b, bool dbl)
{
	struct x86 *e = &l->e;
	uint8_t *past;

	x86_rr(e, X86_XORPS, X86_L, XMM1, XMM1);
	jit_f_op(l, jit_ucomis(dbl), X86_L, XMM1, a);
	past = x86_jcc(e, X86_NE);
	jit_f_load(l, XMM1, a);
	jit_f_op(l, jit_scalar(OP_MUL, dbl), X86_L, XMM1, b);
	x86_here(e, past);
}

/* The result is a NaN. The host raises no flag for infinity times zero plus a quiet NaN, where
 * RISC-V does: a product with zero raises that flag then, and never another. */
void jit_ool_fma(struct jit_lower *l, const struct jit_ool *o)
{
	bool dbl = jit_fp_rules[o->in.id].flag & DOUBLE;

	multiply_zero(l, o->in.rs1, o->in.rs2, dbl);
	multiply_zero(l, o->in.rs2, o->in.rs1, dbl);
	jit_nan(l, o->reg, dbl);
	x86_jmp_to(&l->e, o->back);
}

/* fneg, fabs: xmm0 = f[rs1] with its sign flipped, or cleared. */
static void change_sign(struct jit_lower *l, unsigned rs1, bool flip, bool dbl)
{
	struct x86 *e = &l->e;

	x86_rr(e, X86_PCMPEQD, X86_L, XMM0, XMM0);
	x86_pshift_imm(e, X86_G_PSLLQ, XMM0, 63);
	if (!dbl)
		x86_pshift_imm(e, X86_G_PSRLQ, XMM0, 32);
	x86_rr(e, flip ? X86_XORPS : X86_ANDNPS, X86_L, XMM0, jit_f_get(l, rs1, XMM1));
}

/* xmm0 = f[rs1] xor the sign that changes it: that of f[rs1] xor f[rs2] (op 0), its opposite (1),
 * or that of f[rs2] (2). */
static void combine_signs(struct jit_lower *l, const struct rv64_insn *in, unsigned op, bool dbl)
{
	struct x86 *e = &l->e;

	jit_f_load(l, XMM1, in->rs2);
	if (op == 1) {
		x86_rr(e, X86_PCMPEQD, X86_L, XMM0, XMM0);
		x86_rr(e, X86_XORPS, X86_L, XMM1, XMM0);
	}
	jit_f_load(l, XMM0, in->rs1);
	if (op != 2)
		x86_rr(e, X86_XORPS, X86_L, XMM1, XMM0);
	if (!dbl)
		x86_pshift_imm(e, X86_G_PSLLQ, XMM1, 32);
	x86_pshift_imm(e, X86_G_PSRLQ, XMM1, 63);
	x86_pshift_imm(e, X86_G_PSLLQ, XMM1, dbl ? 63 : 31);
	x86_rr(e, X86_XORPS, X86_L, XMM0, XMM1);
}

/* fsgnj, fsgnjn, fsgnjx: op 0, 1, 2. */
static void sign(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;

	jit_fp_need(l);
	check(l, dbl, in->rs1);
	check(l, dbl, in->rs2);
	if (in->rs1 != in->rs2)
		combine_signs(l, in, r->op, dbl);
	else if (r->op)
		change_sign(l, in->rs1, r->op == 1, dbl);
	else
		jit_f_load(l, XMM0, in->rs1);
	jit_f_put(l, in->rd, XMM0);
}

/* fmin, fmax. Both orders of the host's operation differ for zeros alone, where the signs decide.
 * NaNs are left to C; the comparison raises the flag that signaling ones raise anyway. */
static void min_max(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	struct x86 *e = &l->e;
	struct jit_ool *o;

	jit_fp_need(l);
	check(l, dbl, in->rs1);
	check(l, dbl, in->rs2);
	jit_f_load(l, XMM0, in->rs1);
	jit_f_load(l, XMM1, in->rs2);
	x86_rr(e, jit_ucomis(dbl), X86_L, XMM0, XMM1);
	o = jit_ool_call(l, in, x86_jcc(e, X86_P));
	x86_rr(e, jit_scalar(r->op, dbl), X86_L, XMM1, XMM0);
	jit_f_op(l, jit_scalar(r->op, dbl), X86_L, XMM0, in->rs2);
	x86_rr(e, r->op == OP_MIN ? X86_ORPS : X86_ANDPS, X86_L, XMM0, XMM1);
	jit_f_put(l, in->rd, XMM0);
	o->back = e->p;
}

/* feq, flt, fle: unordered is false. op 0, 1, 2. ucomis raises invalid for signaling NaNs only,
 * comis for all. lt and le compare the other way round, so that the carry is clear of NaNs. */
static void compare(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned first = r->op ? in->rs2 : in->rs1, second = r->op ? in->rs1 : in->rs2;
	unsigned d = in->rd ? jit_dst(l, in->rd) : RAX;
	struct x86 *e = &l->e;

	jit_fp_need(l);
	check(l, dbl, in->rs1);
	check(l, dbl, in->rs2);
	jit_f_op(l, r->op ? comis(dbl) : jit_ucomis(dbl), X86_L, jit_f_get(l, first, XMM0), second);
	if (r->op) {
		x86_setcc(e, r->op == 1 ? X86_A : X86_NC, RAX);
	} else {
		x86_setcc(e, X86_E, RAX);
		x86_setcc(e, X86_NP, RCX);
		x86_rr(e, X86_AND, X86_L, RAX, RCX);
	}
	x86_rr(e, X86_MOVZX_B, X86_L, d, RAX);
	jit_put(l, in->rd, d);
}

/* ---- conversions and moves ---- */

static void convert_ff(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool to_double = r->flag & DOUBLE;
	struct x86 *e = &l->e;

	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	check(l, !to_double, in->rs1);
	if (!to_double)
		round_begin(l, in);
	x86_rr(e, X86_PCMPEQD, X86_L, XMM0, XMM0); /* the box */
	jit_f_op(l, jit_scalar(OP_CVT_FF, !to_double), X86_L, XMM0, in->rs1);
	put_result(l, in->rd, XMM0, to_double);
	if (!to_double)
		round_end(l, in);
}

/* Whether the result of converting an integer is always exact. */
static bool is_exact(const struct jit_rule *r)
{
	return r->flag & DOUBLE && r->w == X86_L;
}

/* From an integer of r->w, signed. */
static void from_int(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned a, d = jit_f_dst(in->rd);
	struct x86 *e = &l->e;

	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	if (!is_exact(r))
		round_begin(l, in);
	a = jit_get(l, in->rs1, RAX);
	x86_rr(e, X86_PCMPEQD, X86_L, d, d); /* the box; and no old value to wait for */
	x86_rr(e, jit_scalar(OP_CVT_FROM_INT, dbl), (enum x86_width)r->w, d, a);
	jit_f_put(l, in->rd, d);
	if (!is_exact(r))
		round_end(l, in);
}

/* From an unsigned one: a signed one of 64 bits, unless that is negative. */
static void from_unsigned(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	struct x86 *e = &l->e;
	struct jit_ool *o = NULL;

	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	if (!is_exact(r))
		round_begin(l, in);
	jit_load(l, RAX, in->rs1);
	if (r->w == X86_L) {
		x86_rr(e, X86_MOV, X86_L, RAX, RAX);
	} else {
		x86_rr(e, X86_TEST, X86_Q, RAX, RAX);
		o = jit_ool_call(l, in, x86_jcc(e, X86_S));
	}
	x86_rr(e, X86_PCMPEQD, X86_L, XMM0, XMM0);
	x86_rr(e, jit_scalar(OP_CVT_FROM_INT, dbl), X86_Q, XMM0, RAX);
	jit_f_put(l, in->rd, XMM0);
	if (o)
		o->back = e->p;
	if (!is_exact(r))
		round_end(l, in);
}

static uint32_t to_int_op(const struct rv64_insn *in, bool dbl)
{
	return jit_scalar(in->rm == FPU_RTZ ? OP_CVTT_TO_INT : OP_CVT_TO_INT, dbl);
}

/* To a signed integer of r->w. What is out of range gives the host's "indefinite", the smallest
 * integer, which is then done again in C: it also sets the flag, which the host has set. */
static void to_int(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	enum x86_width w = (enum x86_width)r->w;
	bool dbl = r->flag & DOUBLE;
	struct x86 *e = &l->e;
	struct jit_ool *o;

	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	check(l, dbl, in->rs1);
	if (in->rm != FPU_RTZ) /* which the host has an instruction for */
		round_begin(l, in);
	jit_f_op(l, to_int_op(in, dbl), w, RAX, in->rs1);
	x86_alu_imm(e, X86_G_CMP, w, RAX, 1); /* overflows for the smallest integer alone */
	o = jit_ool_call(l, in, x86_jcc(e, X86_O));
	if (w == X86_L)
		x86_rr(e, X86_MOVSXD, X86_Q, RAX, RAX);
	jit_put(l, in->rd, RAX);
	o->back = e->p;
	if (in->rm != FPU_RTZ)
		round_end(l, in);
}

/* To an unsigned one: by way of a signed one of 64 bits, where sign and exponent say that it fits,
 * also after rounding. */
static void to_unsigned(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	int32_t bits = r->w == X86_L ? (in->rm == FPU_RTZ ? 32 : 31)
				     : (in->rm == FPU_RTZ ? 63 : 62);
	bool dbl = r->flag & DOUBLE;
	struct x86 *e = &l->e;
	struct jit_ool *o;

	if (odd_rounding(l, in))
		return;
	jit_fp_need(l);
	check(l, dbl, in->rs1);
	if (in->rm != FPU_RTZ)
		round_begin(l, in);
	x86_rr(e, X86_MOVQ_TO, dbl ? X86_Q : X86_L, jit_f_get(l, in->rs1, XMM0), RAX);
	x86_shift_imm(e, X86_G_SHR, dbl ? X86_Q : X86_L, RAX, dbl ? 52 : 23);
	x86_alu_imm(e, X86_G_CMP, X86_L, RAX, (dbl ? 1023 : 127) + bits);
	o = jit_ool_call(l, in, x86_jcc(e, X86_NC));
	jit_f_op(l, to_int_op(in, dbl), X86_Q, RAX, in->rs1);
	if (r->w == X86_L)
		x86_rr(e, X86_MOVSXD, X86_Q, RAX, RAX);
	jit_put(l, in->rd, RAX);
	o->back = e->p;
	if (in->rm != FPU_RTZ)
		round_end(l, in);
}

static void move_to_x(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned d = in->rd ? jit_dst(l, in->rd) : RAX;
	struct x86 *e = &l->e;

	jit_fp_need(l);
	x86_rr(e, X86_MOVQ_TO, dbl ? X86_Q : X86_L, jit_f_get(l, in->rs1, XMM0), d);
	if (!dbl)
		x86_rr(e, X86_MOVSXD, X86_Q, d, d);
	jit_put(l, in->rd, d);
}

static void move_to_f(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	bool dbl = r->flag & DOUBLE;
	unsigned d = jit_f_dst(in->rd);
	struct x86 *e = &l->e;

	jit_fp_need(l);
	if (in->rs1)
		x86_rr(e, X86_MOVQ, dbl ? X86_Q : X86_L, d, jit_get(l, in->rs1, RAX));
	else
		x86_rr(e, X86_XORPS, X86_L, d, d);
	if (!dbl)
		jit_f_box(l, d);
	jit_f_put(l, in->rd, d);
}

#define BOTH(id, fn, op) \
	[RV64_##id##_s] = {fn, op, X86_L, 0}, [RV64_##id##_d] = {fn, op, X86_Q, DOUBLE}

const struct jit_rule jit_fp_rules[RV64_N_INSNS] = {
	BOTH(fadd, arith, OP_ADD),
	BOTH(fsub, arith, OP_SUB),
	BOTH(fmul, arith, OP_MUL),
	BOTH(fdiv, arith, OP_DIV),
	BOTH(fsqrt, square_root, OP_SQRT),
	BOTH(fmadd, fused, 0xa9),
	BOTH(fmsub, fused, 0xab),
	BOTH(fnmsub, fused, 0xad),
	BOTH(fnmadd, fused, 0xaf),
	BOTH(fmin, min_max, OP_MIN),
	BOTH(fmax, min_max, OP_MAX),
	BOTH(fsgnj, sign, 0),
	BOTH(fsgnjn, sign, 1),
	BOTH(fsgnjx, sign, 2),
	BOTH(feq, compare, 0),
	BOTH(flt, compare, 1),
	BOTH(fle, compare, 2),
	[RV64_fcvt_d_s] = {convert_ff, 0, 0, DOUBLE},
	[RV64_fcvt_s_d] = {convert_ff, 0, 0, 0},
	[RV64_fcvt_s_w] = {from_int, 0, X86_L, 0},
	[RV64_fcvt_s_l] = {from_int, 0, X86_Q, 0},
	[RV64_fcvt_d_w] = {from_int, 0, X86_L, DOUBLE},
	[RV64_fcvt_d_l] = {from_int, 0, X86_Q, DOUBLE},
	[RV64_fcvt_s_wu] = {from_unsigned, 0, X86_L, 0},
	[RV64_fcvt_s_lu] = {from_unsigned, 0, X86_Q, 0},
	[RV64_fcvt_d_wu] = {from_unsigned, 0, X86_L, DOUBLE},
	[RV64_fcvt_d_lu] = {from_unsigned, 0, X86_Q, DOUBLE},
	[RV64_fcvt_w_s] = {to_int, 0, X86_L, 0},
	[RV64_fcvt_l_s] = {to_int, 0, X86_Q, 0},
	[RV64_fcvt_w_d] = {to_int, 0, X86_L, DOUBLE},
	[RV64_fcvt_l_d] = {to_int, 0, X86_Q, DOUBLE},
	[RV64_fcvt_wu_s] = {to_unsigned, 0, X86_L, 0},
	[RV64_fcvt_lu_s] = {to_unsigned, 0, X86_Q, 0},
	[RV64_fcvt_wu_d] = {to_unsigned, 0, X86_L, DOUBLE},
	[RV64_fcvt_lu_d] = {to_unsigned, 0, X86_Q, DOUBLE},
	[RV64_fmv_x_w] = {move_to_x, 0, X86_L, 0},
	[RV64_fmv_x_d] = {move_to_x, 0, X86_Q, DOUBLE},
	[RV64_fmv_w_x] = {move_to_f, 0, X86_L, 0},
	[RV64_fmv_d_x] = {move_to_f, 0, X86_Q, DOUBLE},
};
