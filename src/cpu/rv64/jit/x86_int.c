/* SPDX-License-Identifier: MIT */
/*
 * Lowering to x86-64: integer instructions, and the table of all but floating point.
 *
 * A result is computed in its own host register, or in rax when it lives in memory; care is needed
 * where the destination is also the second operand. A block knows constants (lui, auipc, li and
 * sums of them), so that a far call's target is known when it is jumped to.
 */
#include "base/bits.h"
#include "cpu/rv64/jit/x86_lower.h"

/* Whether writing d would destroy x[g]. */
static bool is_in(const struct jit_lower *l, unsigned g, unsigned d)
{
	return l->reg[g] == d;
}

void jit_sign_extend_w(struct jit_lower *l, enum x86_width w, unsigned rd, unsigned d)
{
	if (w != X86_L)
		return;
	if (l->s->narrow[l->s->index] && l->reg[rd] != JIT_NONE) {
		l->narrow |= (uint32_t)BIT(rd);
		l->made_narrow = true;
	} else {
		x86_rr(&l->e, X86_MOVSXD, X86_Q, d, d);
	}
}

/* ---- rules ---- */

/* flag: the operands may change places. */
static void alu_rr(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned rs1 = in->rs1, rs2 = in->rs2;
	unsigned d = jit_dst(l, in->rd);

	if (is_in(l, rs2, d) && rs1 != rs2) {
		if (r->flag) {
			rs1 = in->rs2;
			rs2 = in->rs1;
		} else {
			d = RAX;
		}
	}
	jit_load(l, d, rs1);
	jit_op_x(l, r->op, (enum x86_width)r->w, d, rs2);
	if (r->op != X86_IMUL)
		l->tested = in->rd;
	jit_sign_extend_w(l, (enum x86_width)r->w, in->rd, d);
	jit_put(l, in->rd, d);
}

static void add(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned a = l->reg[in->rs1], b = l->reg[in->rs2], d = l->reg[in->rd];

	if (!in->rs1 || !in->rs2) {
		unsigned from = in->rs1 ? in->rs1 : in->rs2;
		unsigned to = jit_dst(l, in->rd);

		jit_load(l, to, from);
		jit_put(l, in->rd, to);
		if (l->known[from])
			jit_set_known(l, in->rd, (enum jit_known)l->known[from], l->value[from]);
	} else if (a != JIT_NONE && b != JIT_NONE && d != JIT_NONE && d != a && d != b) {
		x86_rx(&l->e, X86_LEA, X86_Q, d, a, b, 0);
	} else {
		alu_rr(l, in, r);
	}
}

static void li(struct jit_lower *l, unsigned g, int64_t value)
{
	unsigned d = l->reg[g];

	jit_set_known(l, g, JIT_CONST, value);
	if (jit_dies(l, g))
		return;
	if (d == JIT_NONE && value == (int32_t)value) {
		x86_rm(&l->e, 0xc7, X86_Q, 0, REG_HART, jit_off_x(g));
		x86_u32(&l->e, (uint32_t)value);
		return;
	}
	d = jit_dst(l, g);
	if (value)
		x86_mov_imm(&l->e, d, (uint64_t)value);
	else
		x86_zero(&l->e, d);
	jit_put(l, g, d);
}

/* x[g] = page + distance */
static void page_relative(struct jit_lower *l, unsigned g, int64_t distance)
{
	unsigned d = jit_dst(l, g);

	jit_set_known(l, g, JIT_PAGE, distance);
	if (jit_dies(l, g) && distance == (int32_t)distance &&
	    l->s->insn[l->s->index + 1].id == RV64_addi)
		return;
	if (distance == (int32_t)distance) {
		jit_pc(l, d, (int32_t)distance);
	} else {
		x86_mov_imm(&l->e, d, (uint64_t)distance);
		x86_rm(&l->e, X86_ADD, X86_Q, d, REG_HART, JIT_PAGE_AT);
	}
	jit_put(l, g, d);
}

static void addi(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);

	(void)r;
	if (!in->rs1) {
		li(l, in->rd, in->imm);
	} else if (l->known[in->rs1] == JIT_CONST) {
		li(l, in->rd, (int64_t)((uint64_t)l->value[in->rs1] + (uint64_t)in->imm));
	} else if (l->known[in->rs1] == JIT_PAGE) {
		page_relative(l, in->rd, l->value[in->rs1] + in->imm);
	} else if (in->rd == in->rs1 && l->reg[in->rd] == JIT_NONE) {
		x86_alu_imm_mem(&l->e, X86_G_ADD, X86_Q, REG_HART, jit_off_x(in->rd), in->imm);
		l->tested = in->rd;
	} else {
		jit_add(l, d, in->rs1, in->imm);
		jit_put(l, in->rd, d);
		if (in->rd == in->rs1 && in->imm) /* not by lea */
			l->tested = in->rd;
	}
}

static void addiw(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);

	(void)r;
	if (!in->rs1) {
		li(l, in->rd, in->imm);
	} else if (l->known[in->rs1] == JIT_CONST) {
		li(l, in->rd, (int32_t)((uint32_t)l->value[in->rs1] + (uint32_t)in->imm));
	} else if (!in->imm) {
		jit_op_x(l, X86_MOVSXD, X86_Q, d, in->rs1);
		jit_put(l, in->rd, d);
	} else {
		jit_load(l, d, in->rs1);
		x86_alu_imm(&l->e, X86_G_ADD, X86_L, d, in->imm);
		jit_sign_extend_w(l, X86_L, in->rd, d);
		jit_put(l, in->rd, d);
		l->tested = in->rd;
	}
}

static void lui(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	(void)r;
	li(l, in->rd, in->imm);
}

static void auipc(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	(void)r;
	page_relative(l, in->rd, (int64_t)l->s->offset + in->imm);
}

static void alu_ri(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);

	if (r->op == X86_G_AND && in->imm == 0xff) {
		unsigned a = jit_get(l, in->rs1, RAX);

		x86_rr(&l->e, X86_MOVZX_B, X86_B, d, a);
	} else {
		jit_load(l, d, in->rs1);
		if (r->op == X86_G_XOR && in->imm == -1)
			x86_unary(&l->e, X86_G_NOT, X86_Q, d);
		else {
			x86_alu_imm(&l->e, r->op, X86_Q, d, in->imm);
			l->tested = in->rd;
		}
	}
	jit_put(l, in->rd, d);
}

static void shift_ri(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);

	if (r->w == X86_L && l->reg[in->rs1] != JIT_NONE)
		x86_rr(&l->e, X86_MOV, X86_L, d, l->reg[in->rs1]);
	else
		jit_load(l, d, in->rs1);
	x86_shift_imm(&l->e, r->op, (enum x86_width)r->w, d, (unsigned)in->imm);
	if (in->imm && r->op != X86_G_ROR)
		l->tested = in->rd;
	if (r->op != X86_G_SHR || !in->imm) /* else it is positive */
		jit_sign_extend_w(l, (enum x86_width)r->w, in->rd, d);
	jit_put(l, in->rd, d);
}

/* With BMI2 the count need not be in cl; r->op is the group, flag the prefix of the new form. */
static void shift_rr(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	enum x86_width w = (enum x86_width)r->w;
	unsigned d = jit_dst(l, in->rd);

	if (l->jit->bmi2 && r->flag) {
		unsigned a = jit_get(l, in->rs1, RAX);
		unsigned b = jit_get(l, in->rs2, RCX);

		x86_vex_rr(&l->e, X86_OP(r->flag, 2, 0xf7), w, d, b, a);
	} else {
		jit_load(l, RCX, in->rs2);
		jit_load(l, d, in->rs1);
		x86_shift_cl(&l->e, r->op, w, d);
	}
	jit_sign_extend_w(l, w, in->rd, d);
	jit_put(l, in->rd, d);
}

static void set_from_flags(struct jit_lower *l, unsigned rd, enum x86_cond cond)
{
	unsigned d = jit_dst(l, rd);

	x86_setcc(&l->e, cond, RAX);
	x86_rr(&l->e, X86_MOVZX_B, X86_L, d, RAX);
	jit_put(l, rd, d);
}

static void set_rr(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned a = jit_get(l, in->rs1, RAX);

	jit_op_x(l, X86_CMP, X86_Q, a, in->rs2);
	set_from_flags(l, in->rd, (enum x86_cond)r->op);
}

static void set_ri(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	if (l->reg[in->rs1] != JIT_NONE || !in->rs1)
		x86_alu_imm(&l->e, X86_G_CMP, X86_Q, jit_get(l, in->rs1, RAX), in->imm);
	else
		x86_alu_imm_mem(&l->e, X86_G_CMP, X86_Q, REG_HART, jit_off_x(in->rs1), in->imm);
	set_from_flags(l, in->rd, (enum x86_cond)r->op);
}

/* The upper half: rdx of a widening product. */
static void mul_high(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	jit_load(l, RAX, in->rs1);
	x86_unary(&l->e, r->op, X86_Q, jit_get(l, in->rs2, RCX));
	jit_put(l, in->rd, RDX);
}

/* Divisions. flag: bit 0 the remainder is wanted, bit 1 signed. The host traps on division by zero
 * and on overflow, so what can be either is sorted out before. */
static void divide(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	enum x86_width w = (enum x86_width)r->w;
	struct x86 *e = &l->e;
	struct jit_ool *o;
	unsigned result = r->flag & 1 ? RDX : RAX;

	jit_load(l, RCX, in->rs2);
	jit_load(l, RAX, in->rs1);
	if (r->flag & 2) {
		x86_lea(e, w, RDX, RCX, 1);
		x86_alu_imm(e, X86_G_CMP, w, RDX, 1);
		o = jit_ool(l, JIT_OOL_DIV, x86_jcc(e, X86_BE));
		if (w == X86_Q)
			x86_byte(e, 0x48);
		x86_byte(e, 0x99); /* cdq, cqo */
	} else {
		x86_rr(e, X86_TEST, w, RCX, RCX);
		o = jit_ool(l, JIT_OOL_DIV, x86_jcc(e, X86_E));
		x86_rr(e, X86_XOR, X86_L, RDX, RDX);
	}
	x86_unary(e, r->flag & 2 ? X86_G_IDIV : X86_G_DIV, w, RCX);
	o->back = e->p;
	o->info = r->flag | (unsigned)r->w << 8;
	jit_sign_extend_w(l, w, in->rd, result);
	jit_put(l, in->rd, result);
}

/* rax is the dividend, rcx 0 or (signed only) -1; the result goes where the division leaves it. */
void jit_ool_divide(struct jit_lower *l, const struct jit_ool *o)
{
	enum x86_width w = (enum x86_width)(o->info >> 8);
	struct x86 *e = &l->e;
	uint8_t *minus_one;

	x86_mov(e, RDX, RAX); /* the remainder of a division by 0 */
	x86_rr(e, X86_TEST, w, RCX, RCX);
	minus_one = x86_jcc(e, X86_NE);
	x86_mov_imm(e, RAX, UINT64_MAX);
	x86_jmp_to(e, o->back);
	x86_here(e, minus_one);
	x86_rr(e, X86_XOR, X86_L, RDX, RDX);
	x86_unary(e, X86_G_NEG, w, RAX);
	x86_jmp_to(e, o->back);
}

/* Zba: op is log2 of the scale; flag: rs1 is taken as 32 bits. */
static void shadd(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);

	jit_load(l, RAX, in->rs1);
	if (r->flag)
		x86_rr(&l->e, X86_MOV, X86_L, RAX, RAX);
	if (r->op)
		x86_shift_imm(&l->e, X86_G_SHL, X86_Q, RAX, r->op);
	jit_op_x(l, X86_ADD, X86_Q, RAX, in->rs2);
	x86_mov(&l->e, d, RAX);
	jit_put(l, in->rd, d);
}

static void slli_uw(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);

	(void)r;
	jit_op_x(l, X86_MOV, X86_L, d, in->rs1);
	x86_shift_imm(&l->e, X86_G_SHL, X86_Q, d, (unsigned)in->imm);
	jit_put(l, in->rd, d);
}

/* sext.b, sext.h, zext.h */
static void extend(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);
	unsigned a = jit_get(l, in->rs1, RAX);

	x86_rr(&l->e, r->op, X86_Q, d, a);
	jit_put(l, in->rd, d);
}

/* andn, orn, xnor */
static void alu_not(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned d = jit_dst(l, in->rd);

	jit_load(l, RAX, in->rs2);
	x86_unary(&l->e, X86_G_NOT, X86_Q, RAX);
	jit_op_x(l, r->op, X86_Q, RAX, in->rs1);
	x86_mov(&l->e, d, RAX);
	jit_put(l, in->rd, d);
}

/* min, max: rs1 unless the condition says that rs2 is it. */
static void choose(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	jit_load(l, RAX, in->rs1);
	jit_load(l, RDX, in->rs2);
	x86_rr(&l->e, X86_CMP, X86_Q, RDX, RAX);
	x86_rr(&l->e, X86_CMOV + r->op, X86_Q, RAX, RDX);
	jit_put(l, in->rd, RAX);
}

/* czero: 0 when the condition holds for rs2 compared with 0. */
static void czero(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	jit_load(l, RAX, in->rs1);
	jit_load(l, RCX, in->rs2);
	x86_mov_imm(&l->e, RDX, 0);
	x86_rr(&l->e, X86_TEST, X86_Q, RCX, RCX);
	x86_rr(&l->e, X86_CMOV + r->op, X86_Q, RAX, RDX);
	jit_put(l, in->rd, RAX);
}

static void cpop(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	unsigned offset = l->s->offset;

	if (!l->jit->popcnt) {
		jit_call_c(l, in, offset, l->s->index);
		return;
	}
	jit_op_x(l, r->op, (enum x86_width)r->w, RAX, in->rs1);
	jit_put(l, in->rd, RAX);
}

static void rev8(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	(void)r;
	jit_load(l, RAX, in->rs1);
	x86_byte(&l->e, 0x48); /* bswap rax */
	x86_byte(&l->e, 0x0f);
	x86_byte(&l->e, 0xc8);
	jit_put(l, in->rd, RAX);
}

/* bset, bclr, binv with the count in a register (op) or not (flag: the group). */
static void bit_rr(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	jit_load(l, RAX, in->rs1);
	jit_load(l, RCX, in->rs2);
	x86_rr(&l->e, r->op, X86_Q, RCX, RAX);
	jit_put(l, in->rd, RAX);
}

static void bit_ri(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	jit_load(l, RAX, in->rs1);
	x86_rr(&l->e, X86_OP(0, 1, 0xba), X86_Q, r->op, RAX);
	x86_byte(&l->e, (uint8_t)in->imm);
	jit_put(l, in->rd, RAX);
}

static void bext(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	jit_load(l, RAX, in->rs1);
	if (r->flag) {
		x86_shift_imm(&l->e, X86_G_SHR, X86_Q, RAX, (unsigned)in->imm);
	} else {
		jit_load(l, RCX, in->rs2);
		x86_shift_cl(&l->e, X86_G_SHR, X86_Q, RAX);
	}
	x86_alu_imm(&l->e, X86_G_AND, X86_L, RAX, 1);
	jit_put(l, in->rd, RAX);
}

static void nop(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	(void)l;
	(void)in;
	(void)r;
}

#define FENCE_PAUSE 0x10 /* fence w, 0 */

/* Only stores (or output) before loads (or input) need more than the host's own order. */
static void fence(struct jit_lower *l, const struct rv64_insn *in, const struct jit_rule *r)
{
	(void)r;
	if (in->imm == FENCE_PAUSE)
		jit_call_c(l, in, l->s->offset, l->s->index);
	if (!(in->imm & 0x50) || !(in->imm & 0x0a))
		return;
	x86_byte(&l->e, 0xf0); /* lock or dword [rsp], 0 */
	x86_byte(&l->e, 0x83);
	x86_byte(&l->e, 0x0c);
	x86_byte(&l->e, 0x24);
	x86_byte(&l->e, 0x00);
}

bool jit_leaves_open(const struct rv64_insn *in)
{
	switch (in->id) {
	case RV64_addw:
	case RV64_subw:
	case RV64_mulw:
	case RV64_sllw:
	case RV64_srlw:
	case RV64_sraw:
	case RV64_divw:
	case RV64_divuw:
	case RV64_remw:
	case RV64_remuw:
	case RV64_addiw:
	case RV64_slliw:
	case RV64_sraiw:
	case RV64_roriw: return true;
	default: return false;
	}
}

#define ROW(fn, ...)            \
	{                       \
		fn, __VA_ARGS__ \
	}

const struct jit_rule jit_rules[RV64_N_INSNS] = {
	[RV64_add] = ROW(add, X86_ADD, X86_Q, 1),
	[RV64_sub] = ROW(alu_rr, X86_SUB, X86_Q, 0),
	[RV64_and] = ROW(alu_rr, X86_AND, X86_Q, 1),
	[RV64_or] = ROW(alu_rr, X86_OR, X86_Q, 1),
	[RV64_xor] = ROW(alu_rr, X86_XOR, X86_Q, 1),
	[RV64_addw] = ROW(alu_rr, X86_ADD, X86_L, 1),
	[RV64_subw] = ROW(alu_rr, X86_SUB, X86_L, 0),
	[RV64_mul] = ROW(alu_rr, X86_IMUL, X86_Q, 1),
	[RV64_mulw] = ROW(alu_rr, X86_IMUL, X86_L, 1),
	[RV64_mulh] = ROW(mul_high, X86_G_IMUL, X86_Q, 0),
	[RV64_mulhu] = ROW(mul_high, X86_G_MUL, X86_Q, 0),
	[RV64_div] = ROW(divide, 0, X86_Q, 2),
	[RV64_divu] = ROW(divide, 0, X86_Q, 0),
	[RV64_rem] = ROW(divide, 0, X86_Q, 3),
	[RV64_remu] = ROW(divide, 0, X86_Q, 1),
	[RV64_divw] = ROW(divide, 0, X86_L, 2),
	[RV64_divuw] = ROW(divide, 0, X86_L, 0),
	[RV64_remw] = ROW(divide, 0, X86_L, 3),
	[RV64_remuw] = ROW(divide, 0, X86_L, 1),
	[RV64_addi] = ROW(addi, 0, X86_Q, 0),
	[RV64_addiw] = ROW(addiw, 0, X86_L, 0),
	[RV64_andi] = ROW(alu_ri, X86_G_AND, X86_Q, 0),
	[RV64_ori] = ROW(alu_ri, X86_G_OR, X86_Q, 0),
	[RV64_xori] = ROW(alu_ri, X86_G_XOR, X86_Q, 0),
	[RV64_lui] = ROW(lui, 0, X86_Q, 0),
	[RV64_auipc] = ROW(auipc, 0, X86_Q, 0),
	[RV64_slli] = ROW(shift_ri, X86_G_SHL, X86_Q, 0),
	[RV64_srli] = ROW(shift_ri, X86_G_SHR, X86_Q, 0),
	[RV64_srai] = ROW(shift_ri, X86_G_SAR, X86_Q, 0),
	[RV64_slliw] = ROW(shift_ri, X86_G_SHL, X86_L, 0),
	[RV64_srliw] = ROW(shift_ri, X86_G_SHR, X86_L, 0),
	[RV64_sraiw] = ROW(shift_ri, X86_G_SAR, X86_L, 0),
	[RV64_rori] = ROW(shift_ri, X86_G_ROR, X86_Q, 0),
	[RV64_roriw] = ROW(shift_ri, X86_G_ROR, X86_L, 0),
	[RV64_sll] = ROW(shift_rr, X86_G_SHL, X86_Q, 0x66),
	[RV64_srl] = ROW(shift_rr, X86_G_SHR, X86_Q, 0xf2),
	[RV64_sra] = ROW(shift_rr, X86_G_SAR, X86_Q, 0xf3),
	[RV64_sllw] = ROW(shift_rr, X86_G_SHL, X86_L, 0x66),
	[RV64_srlw] = ROW(shift_rr, X86_G_SHR, X86_L, 0xf2),
	[RV64_sraw] = ROW(shift_rr, X86_G_SAR, X86_L, 0xf3),
	[RV64_slt] = ROW(set_rr, X86_LT, X86_Q, 0),
	[RV64_sltu] = ROW(set_rr, X86_C, X86_Q, 0),
	[RV64_slti] = ROW(set_ri, X86_LT, X86_Q, 0),
	[RV64_sltiu] = ROW(set_ri, X86_C, X86_Q, 0),
	[RV64_sh1add] = ROW(shadd, 1, X86_Q, 0),
	[RV64_sh2add] = ROW(shadd, 2, X86_Q, 0),
	[RV64_sh3add] = ROW(shadd, 3, X86_Q, 0),
	[RV64_add_uw] = ROW(shadd, 0, X86_Q, 1),
	[RV64_sh1add_uw] = ROW(shadd, 1, X86_Q, 1),
	[RV64_sh2add_uw] = ROW(shadd, 2, X86_Q, 1),
	[RV64_sh3add_uw] = ROW(shadd, 3, X86_Q, 1),
	[RV64_slli_uw] = ROW(slli_uw, 0, X86_Q, 0),
	[RV64_sext_b] = ROW(extend, X86_MOVSX_B, X86_Q, 0),
	[RV64_sext_h] = ROW(extend, X86_MOVSX_W, X86_Q, 0),
	[RV64_zext_h] = ROW(extend, X86_MOVZX_W, X86_Q, 0),
	[RV64_andn] = ROW(alu_not, X86_AND, X86_Q, 0),
	[RV64_orn] = ROW(alu_not, X86_OR, X86_Q, 0),
	[RV64_xnor] = ROW(alu_not, X86_XOR, X86_Q, 0),
	[RV64_min] = ROW(choose, X86_LT, X86_Q, 0),
	[RV64_max] = ROW(choose, X86_GT, X86_Q, 0),
	[RV64_minu] = ROW(choose, X86_C, X86_Q, 0),
	[RV64_maxu] = ROW(choose, X86_A, X86_Q, 0),
	[RV64_czero_eqz] = ROW(czero, X86_E, X86_Q, 0),
	[RV64_czero_nez] = ROW(czero, X86_NE, X86_Q, 0),
	[RV64_cpop] = ROW(cpop, X86_POPCNT, X86_Q, 0),
	[RV64_cpopw] = ROW(cpop, X86_POPCNT, X86_L, 0),
	[RV64_rev8] = ROW(rev8, 0, X86_Q, 0),
	[RV64_bset] = ROW(bit_rr, X86_OP(0, 1, 0xab), X86_Q, 0),
	[RV64_bclr] = ROW(bit_rr, X86_OP(0, 1, 0xb3), X86_Q, 0),
	[RV64_binv] = ROW(bit_rr, X86_OP(0, 1, 0xbb), X86_Q, 0),
	[RV64_bseti] = ROW(bit_ri, X86_G_BTS, X86_Q, 0),
	[RV64_bclri] = ROW(bit_ri, X86_G_BTR, X86_Q, 0),
	[RV64_binvi] = ROW(bit_ri, X86_G_BTC, X86_Q, 0),
	[RV64_bext] = ROW(bext, 0, X86_Q, 0),
	[RV64_bexti] = ROW(bext, 0, X86_Q, 1),
	[RV64_lr_w] = ROW(jit_lower_lr, 0, 0, 0),
	[RV64_sc_w] = ROW(jit_lower_sc, 0, 0, 0),
	[RV64_amoswap_w] = ROW(jit_lower_amo_host, JIT_AMO_SWAP, 0, 0),
	[RV64_amoadd_w] = ROW(jit_lower_amo_host, JIT_AMO_ADD, 0, 0),
	[RV64_amoxor_w] = ROW(jit_lower_amo_loop, X86_XOR, 0, 0),
	[RV64_amoand_w] = ROW(jit_lower_amo_loop, X86_AND, 0, 0),
	[RV64_amoor_w] = ROW(jit_lower_amo_loop, X86_OR, 0, 0),
	[RV64_amomin_w] = ROW(jit_lower_amo_loop, X86_LT, 0, 1),
	[RV64_amomax_w] = ROW(jit_lower_amo_loop, X86_GT, 0, 1),
	[RV64_amominu_w] = ROW(jit_lower_amo_loop, X86_C, 0, 1),
	[RV64_amomaxu_w] = ROW(jit_lower_amo_loop, X86_A, 0, 1),
	[RV64_lr_d] = ROW(jit_lower_lr, 0, 0, 0),
	[RV64_sc_d] = ROW(jit_lower_sc, 0, 0, 0),
	[RV64_amoswap_d] = ROW(jit_lower_amo_host, JIT_AMO_SWAP, 0, 0),
	[RV64_amoadd_d] = ROW(jit_lower_amo_host, JIT_AMO_ADD, 0, 0),
	[RV64_amoxor_d] = ROW(jit_lower_amo_loop, X86_XOR, 0, 0),
	[RV64_amoand_d] = ROW(jit_lower_amo_loop, X86_AND, 0, 0),
	[RV64_amoor_d] = ROW(jit_lower_amo_loop, X86_OR, 0, 0),
	[RV64_amomin_d] = ROW(jit_lower_amo_loop, X86_LT, 0, 1),
	[RV64_amomax_d] = ROW(jit_lower_amo_loop, X86_GT, 0, 1),
	[RV64_amominu_d] = ROW(jit_lower_amo_loop, X86_C, 0, 1),
	[RV64_amomaxu_d] = ROW(jit_lower_amo_loop, X86_A, 0, 1),
	[RV64_fence] = ROW(fence, 0, 0, 0),
	[RV64_cbo_zero] = ROW(jit_lower_zero, 0, 0, 0),
	[RV64_prefetch_i] = ROW(nop, 0, 0, 0),
	[RV64_prefetch_r] = ROW(nop, 0, 0, 0),
	[RV64_prefetch_w] = ROW(nop, 0, 0, 0),
	[RV64_lb] = ROW(jit_lower_load, X86_MOVSX_B, 0, 0),
	[RV64_lh] = ROW(jit_lower_load, X86_MOVSX_W, 1, 0),
	[RV64_lw] = ROW(jit_lower_load, X86_MOVSXD, 2, 0),
	[RV64_ld] = ROW(jit_lower_load, X86_MOV, 3, 0),
	[RV64_lbu] = ROW(jit_lower_load, X86_MOVZX_B, 0, 1),
	[RV64_lhu] = ROW(jit_lower_load, X86_MOVZX_W, 1, 1),
	[RV64_lwu] = ROW(jit_lower_load, X86_MOV, 2, 1),
	[RV64_sb] = ROW(jit_lower_store, X86_MOV_TO_B, 0, 0),
	[RV64_sh] = ROW(jit_lower_store, X86_MOV_TO_W, 1, 0),
	[RV64_sw] = ROW(jit_lower_store, X86_MOV_TO, 2, 0),
	[RV64_sd] = ROW(jit_lower_store, X86_MOV_TO, 3, 0),
	[RV64_flw] = ROW(jit_lower_fload, X86_MOV, 2, 0),
	[RV64_fld] = ROW(jit_lower_fload, X86_MOV, 3, 0),
	[RV64_fsw] = ROW(jit_lower_fstore, X86_MOV_TO, 2, 0),
	[RV64_fsd] = ROW(jit_lower_fstore, X86_MOV_TO, 3, 0),
};
