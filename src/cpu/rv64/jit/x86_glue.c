/* SPDX-License-Identifier: MIT */
/* Host code that exists once: the way in and out, dispatch by the jump cache, and calls of C. */
#include "cpu/rv64/jit/x86_glue.h"

#include <string.h>

#include "cpu/rv64/csr.h"
#include "cpu/rv64/jit/x86_fp.h"
#include "mem/gmem.h"

/* The nine that compilers use most, which C's compressed instructions show as well. */
const uint8_t jit_pinned[32] = {
	JIT_NONE, JIT_NONE, RBX,      JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE,
	R12,      R13,      RDI,      RSI,      R8,       R9,       R10,      R11,
	JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE,
	JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE,
};

/* The scratch registers of compilers, in the order in which they take them. */
const uint8_t jit_pinned_f[32] = {
	8,        9,        10,       11,       12,       13,       14,       15,
	JIT_NONE, JIT_NONE, 2,        3,        4,        5,        6,        7,
	JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE,
	JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE, JIT_NONE,
};

static const uint8_t callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

static void move_pinned(struct x86 *e, uint32_t op)
{
	for (unsigned g = 0; g < 32; g++)
		if (jit_pinned[g] != JIT_NONE)
			x86_rm(e, op, X86_Q, jit_pinned[g], REG_HART, jit_off_x(g));
}

/* f registers are in xmm registers only while floating point is native. */
static void move_pinned_f(struct x86 *e, uint32_t op)
{
	uint8_t *not_native;

	x86_rm(e, 0x80, X86_L, X86_G_CMP, REG_HART, JIT_OFF(native_fp));
	x86_byte(e, 0);
	not_native = x86_jcc(e, X86_E);
	for (unsigned f = 0; f < 32; f++)
		if (jit_pinned_f[f] != JIT_NONE)
			x86_rm(e, op, X86_L, jit_pinned_f[f], REG_HART, jit_off_f(f));
	x86_here(e, not_native);
}

static void save_pinned(struct x86 *e)
{
	move_pinned(e, X86_MOV_TO);
	move_pinned_f(e, X86_MOVSD_TO);
	x86_rm(e, X86_MOV_TO, X86_Q, REG_LEFT, REG_HART, JIT_OFF(left));
}

/* The page of the pc in rax becomes the present one. */
static void set_page(struct x86 *e)
{
	x86_mov(e, RDX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_Q, RDX, -4096);
	x86_rm(e, X86_MOV_TO, X86_Q, RDX, REG_HART, JIT_PAGE_AT);
}

static void load_pinned(struct x86 *e)
{
	move_pinned(e, X86_MOV);
	move_pinned_f(e, X86_MOVSD);
	x86_rm(e, X86_MOV, X86_Q, REG_LEFT, REG_HART, JIT_OFF(left));
}

static void call_c(struct x86 *e, uintptr_t fn)
{
	x86_lea(e, X86_Q, RDI, REG_HART, -JIT_BASE);
	x86_mov_imm(e, RAX, fn);
	x86_rr(e, 0xff, X86_L, 2, RAX);
}

static void jmp_reg(struct x86 *e, unsigned reg)
{
	x86_rr(e, 0xff, X86_L, 4, reg);
}

static void emit_enter(struct x86 *e)
{
	for (unsigned i = 0; i < sizeof(callee_saved); i++)
		x86_rr(e, 0xff, X86_L, 6, callee_saved[i]); /* push */
	x86_alu_imm(e, X86_G_SUB, X86_Q, RSP, 8);
	x86_lea(e, X86_Q, RBP, RDI, JIT_BASE);
	x86_mov(e, RCX, RSI);
	x86_rm(e, X86_MOV, X86_Q, RAX, REG_HART, JIT_OFF(run.hart.pc));
	set_page(e);
	load_pinned(e);
	jmp_reg(e, RCX);
}

static void emit_exits(struct x86 *e, struct jit_glue *g)
{
	uint8_t *go;

	g->give_up = e->p;
	x86_rm(e, 0x8f, X86_L, 0, REG_HART, JIT_OFF(native_gave_up)); /* pop */
	x86_mov_imm(e, RCX, 0);
	go = x86_jmp(e);
	g->exit_odd = e->p;
	x86_alu_imm(e, X86_G_AND, X86_Q, RAX, -2);
	g->exit_go = e->p;
	x86_mov_imm(e, RCX, 1);
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, JIT_OFF(run.hart.pc));
	x86_here(e, go);
	save_pinned(e);
	x86_mov(e, RAX, RCX);
	x86_alu_imm(e, X86_G_ADD, X86_Q, RSP, 8);
	for (unsigned i = sizeof(callee_saved); i--;)
		x86_rr(e, 0x8f, X86_L, 0, callee_saved[i]); /* pop */
	x86_byte(e, 0xc3);
}

#define ENTRY ((int32_t)sizeof(struct rv64_jump))

_Static_assert(ENTRY == 16, "jit_emit_dispatch() shifts for it");

/* rcx = 16 * rv64_jump_index(rax), but for the context's share */
static void jump_index(struct x86 *e)
{
	x86_rr(e, X86_MOV, X86_L, RDX, RAX);
	x86_shift_imm(e, X86_G_SHR, X86_L, RDX, 12);
	x86_rr(e, X86_IMUL_IMM, X86_L, RDX, RDX);
	x86_u32(e, RV64_JUMP_MIX);
	x86_rr(e, X86_MOV, X86_L, RCX, RAX);
	x86_shift_imm(e, X86_G_SHL, X86_L, RCX, 3);
	x86_rr(e, X86_XOR, X86_L, RCX, RDX);
	x86_alu_imm(e, X86_G_AND, X86_L, RCX, (RV64_JUMP_SIZE - 1) * ENTRY);
}

/* rdx = rv64_code_tag() of rax, and the rest of rcx. Where not rv64_code_possible(), bits 63 to 47
 * are not all equal. */
static void code_tag(struct x86 *e, const struct jit_glue *g)
{
	x86_mov(e, RDX, RAX);
	x86_shift_imm(e, X86_G_SAR, X86_Q, RDX, 47);
	x86_unary(e, X86_G_NEG, X86_Q, RDX);
	x86_alu_imm(e, X86_G_CMP, X86_Q, RDX, 1);
	x86_jcc_to(e, X86_A, g->exit_go);
	x86_rxs(e, X86_XOR, X86_L, RCX, REG_HART, RDX, 3, JIT_OFF(run.hart.mmu.fetch_spread));
	x86_rxs(e, X86_MOV, X86_Q, RDX, REG_HART, RDX, 3, JIT_OFF(run.hart.mmu.fetch_tag));
	x86_rr(e, X86_XOR, X86_Q, RDX, RAX);
}

/* rcx = the block for pc = rax by the jump cache, rdx = its tag. */
static void find_block(struct x86 *e, const struct jit_glue *g)
{
	const int32_t jump = JIT_OFF(code.jump);

	jump_index(e);
	code_tag(e, g);
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX,
	       jump + (int32_t)offsetof(struct rv64_jump, tag));
	x86_jcc_to(e, X86_NE, g->exit_go);
	x86_rx(e, X86_MOV, X86_Q, RCX, REG_HART, RCX,
	       jump + (int32_t)offsetof(struct rv64_jump, block));
}

/* To the block in rcx. */
static void jmp_block(struct x86 *e)
{
	x86_rm(e, 0xff, X86_L, 4, RCX, offsetof(struct rv64_block, native));
}

/* By `exit`, when `left` is used up, by the flags; with `look` at attention too. */
static void leave_if_must(struct x86 *e, const uint8_t *exit, bool look)
{
	x86_jcc_to(e, X86_LE, exit);
	if (!look)
		return;
	x86_alu_imm_mem(e, X86_G_CMP, X86_L, REG_HART, JIT_OFF(run.hart.attention), 0);
	x86_jcc_to(e, X86_NE, exit);
}

/* ---- targets that are remembered ---- */

#define TARGET(field) ((int32_t)offsetof(struct interp_target, field))
#define OF_SPACE(array, space) \
	(JIT_OFF(array) + (int32_t)((space) * sizeof(((struct interp *)0)->array[0])))
#define NEAR(space, field) (OF_SPACE(native_near, space) + TARGET(field))

_Static_assert(sizeof(struct interp_target) == 32, "near_index() multiplies by it");

/* 8 * rcx = the distance of the entry for rax, whose bit 0 does not matter. */
static void near_index(struct x86 *e)
{
	x86_rx(e, X86_LEA, X86_L, RCX, RAX, RAX, 0);
	x86_alu_imm(e, X86_G_AND, X86_L, RCX, (INTERP_NATIVE_NEAR - 1) * 4);
}

/* The page of the pc in rax, which is destroyed, becomes the present one. */
static void take_page(struct x86 *e)
{
	x86_alu_imm(e, X86_G_AND, X86_Q, RAX, -4096);
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, JIT_PAGE_AT);
}

void jit_emit_near(struct x86 *e, const struct jit_glue *g, enum interp_space space, bool look)
{
	leave_if_must(e, g->exit_odd, look);
	near_index(e);
	x86_rxs(e, X86_CMP, X86_Q, RAX, REG_HART, RCX, 3, NEAR(space, pc));
	x86_jcc_to(e, X86_NE, g->near[space]);
	take_page(e);
	x86_rxs(e, 0xff, X86_L, 4, REG_HART, RCX, 3, NEAR(space, native));
}

static int32_t far_target(unsigned n)
{
	return JIT_OFF(native_far) + (int32_t)(n * sizeof(struct interp_target));
}

uint8_t *jit_emit_far(struct x86 *e, const struct jit_glue *g, unsigned n, bool look)
{
	const int32_t at = far_target(n);
	uint8_t *slow;

	leave_if_must(e, g->exit_go, look);
	x86_rm(e, X86_CMP, X86_Q, RAX, REG_HART, at + TARGET(pc));
	slow = x86_jcc(e, X86_NE);
	take_page(e);
	x86_rm(e, 0xff, X86_L, 4, REG_HART, at + TARGET(native));
	return slow;
}

void jit_emit_far_slow(struct x86 *e, const struct jit_glue *g, unsigned n, enum interp_space space)
{
	x86_lea(e, X86_Q, RDX, REG_HART, far_target(n));
	x86_rm(e, X86_MOV_TO, X86_Q, RDX, REG_HART, JIT_OFF(native_target));
	x86_jmp_to(e, g->far[space]);
}

/* Enters the target in rdx into the list; rax and rcx stay. */
static void enter_target(struct x86 *e, enum interp_space space)
{
	const int32_t n = OF_SPACE(native_n_targets, space);

	x86_rm(e, 0xc7, X86_Q, 0, RDX, TARGET(known)); /* mov */
	x86_u32(e, 1);
	x86_rr(e, 0xff, X86_L, 6, RCX); /* push */
	x86_rm(e, X86_MOV, X86_L, RCX, REG_HART, n);
	x86_rxs(e, X86_MOV_TO, X86_Q, RDX, REG_HART, RCX, 3, OF_SPACE(native_target_known, space));
	x86_alu_imm_mem(e, X86_G_ADD, X86_L, REG_HART, n, 1);
	x86_rr(e, 0x8f, X86_L, 0, RCX); /* pop */
}

/* Goes to the block for rax by the jump cache, and has *native_target remember it. A pc of the
 * other half finds its way, but is not remembered. Nor is what has not been compiled. */
static void find_target(struct x86 *e, const struct jit_glue *g, enum interp_space space)
{
	uint8_t *other, *not_native, *known;

	find_block(e, g);
	set_page(e);
	x86_rm(e, X86_MOV, X86_Q, RCX, RCX, offsetof(struct rv64_block, native));
	x86_rm(e, X86_CMP, X86_Q, RCX, REG_HART, JIT_OFF(code.not_native));
	not_native = x86_jcc(e, X86_E);
	x86_rr(e, X86_TEST, X86_Q, RAX, RAX);
	other = x86_jcc(e, space == INTERP_KERNEL ? X86_NS : X86_S);
	x86_rm(e, X86_MOV, X86_Q, RDX, REG_HART, JIT_OFF(native_target));
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, RDX, TARGET(pc));
	x86_rm(e, X86_MOV_TO, X86_Q, RCX, RDX, TARGET(native));
	x86_alu_imm_mem(e, X86_G_CMP, X86_Q, RDX, TARGET(known), 0);
	known = x86_jcc(e, X86_NE);
	enter_target(e, space);
	x86_here(e, known);
	x86_here(e, other);
	x86_here(e, not_native);
	jmp_reg(e, RCX);
}

static void emit_targets(struct x86 *e, struct jit_glue *g, enum interp_space space)
{
	g->near[space] = e->p;
	x86_alu_imm(e, X86_G_AND, X86_Q, RAX, -2);
	near_index(e);
	x86_rxs(e, X86_LEA, X86_Q, RCX, REG_HART, RCX, 3, NEAR(space, pc));
	x86_rm(e, X86_MOV_TO, X86_Q, RCX, REG_HART, JIT_OFF(native_target));
	g->far[space] = e->p;
	find_target(e, g, space);
}

static void emit_dispatch(struct x86 *e, struct jit_glue *g)
{
	g->dispatch = e->p;
	x86_rr(e, X86_TEST, X86_Q, REG_LEFT, REG_LEFT);
	leave_if_must(e, g->exit_go, true);
	find_block(e, g);
	set_page(e);
	jmp_block(e);
}

/* rax = pc, from the distance behind a call. */
static void target_pc(struct x86 *e)
{
	x86_rr(e, 0x8f, X86_L, 0, RCX); /* pop */
	x86_rm(e, X86_MOVZX_W, X86_L, RAX, RCX, 0);
	x86_rm(e, X86_ADD, X86_Q, RAX, REG_HART, JIT_PAGE_AT);
}

static void emit_link(struct x86 *e, struct jit_glue *g)
{
	g->bound_link = e->p;
	x86_alu_imm_mem(e, X86_G_SUB, X86_Q, RSP, 0, JIT_LINK_SIZE);
	g->bound = e->p;
	target_pc(e);
	x86_jmp_to(e, g->exit_go);
	g->link = e->p;
	target_pc(e);
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, JIT_OFF(run.hart.pc));
	save_pinned(e);
	x86_mov(e, RSI, RCX);
	call_c(e, (uintptr_t)jit_link);
	load_pinned(e);
	x86_mov(e, RDX, RAX);
	x86_rm(e, X86_MOV, X86_Q, RAX, REG_HART, JIT_OFF(run.hart.pc));
	jmp_reg(e, RDX);
}

static void push(struct x86 *e, unsigned reg)
{
	x86_rr(e, 0xff, X86_L, 6, reg);
}

/* After a call of C, before which the stack was aligned: eax 0 returns to the block, otherwise on
 * at hart.pc. In the block rax is the address of `value`: see x86_compact.c. */
static void finish_call(struct x86 *e, const struct jit_glue *g)
{
	uint8_t *out;

	load_pinned(e);
	x86_rr(e, X86_TEST, X86_L, RAX, RAX);
	x86_lea(e, X86_Q, RSP, RSP, 8); /* the flags stay */
	out = x86_jcc(e, X86_NE);
	x86_lea(e, X86_Q, RAX, REG_HART, JIT_OFF(value));
	x86_byte(e, 0xc3);
	x86_here(e, out);
	x86_alu_imm(e, X86_G_ADD, X86_Q, RSP, 8);
	x86_rm(e, X86_MOV, X86_Q, RAX, REG_HART, JIT_OFF(run.hart.pc));
	x86_jmp_to(e, g->dispatch);
}

static void emit_calls(struct x86 *e, struct jit_glue *g)
{
	g->mem = e->p;
	push(e, RAX);
	save_pinned(e);
	x86_mov(e, RSI, RAX);
	x86_mov(e, RDX, RCX);
	call_c(e, (uintptr_t)jit_mem);
	finish_call(e, g);

	g->call = e->p;
	push(e, RAX);
	save_pinned(e);
	x86_mov(e, RSI, RAX);
	call_c(e, (uintptr_t)jit_call);
	finish_call(e, g);

	g->fp = e->p;
	x86_alu_imm(e, X86_G_SUB, X86_Q, RSP, 8);
	save_pinned(e);
	call_c(e, (uintptr_t)jit_fp_begin);
	load_pinned(e);
	x86_alu_imm(e, X86_G_ADD, X86_Q, RSP, 8);
	x86_byte(e, 0xc3);
}

/* cbo.zero where M mode or, if it is allowed to, S mode may, and the TLB lets a store through. */
static void emit_zero(struct x86 *e, struct jit_glue *g, bool bmi2)
{
	uint8_t *machine, *user, *illegal, *differs;

	g->zero = e->p;
	x86_rm(e, X86_MOVZX_B, X86_L, RCX, REG_HART, JIT_OFF(run.hart.priv));
	x86_alu_imm(e, X86_G_CMP, X86_L, RCX, RV64_M);
	machine = x86_jcc_short(e, X86_E);
	x86_rr(e, X86_TEST, X86_L, RCX, RCX);
	user = x86_jcc_short(e, X86_E);
	x86_rm(e, 0xf6, X86_L, 0, REG_HART, JIT_OFF(run.hart.csr.menvcfg)); /* test byte */
	x86_byte(e, ENVCFG_CBZE);
	illegal = x86_jcc_short(e, X86_E);
	x86_here_short(e, machine);
	jit_emit_slot(e, bmi2, RAX);
	differs = jit_tlb_ask(e, RAX, 1, JIT_TLB(store_tag));
	x86_alu_imm(e, X86_G_AND, X86_Q, RAX, -(int32_t)RV64_CBO_BLOCK);
	x86_rx(e, X86_ADD, X86_Q, RAX, REG_HART, RCX, JIT_TLB(addend));
	x86_rr(e, X86_XORPS, X86_L, XMM0, XMM0);
	for (int32_t at = 0; at < (int32_t)RV64_CBO_BLOCK; at += 16)
		x86_rm(e, X86_MOVAPS_TO, X86_L, XMM0, RAX, at);
	x86_rr(e, X86_CMP, X86_L, RAX, RAX);
	x86_byte(e, 0xc3);
	x86_here_short(e, user);
	x86_here_short(e, illegal);
	x86_rr(e, X86_TEST, X86_Q, RSP, RSP);
	x86_here(e, differs);
	x86_byte(e, 0xc3);
}

/* ---- what is remembered of the TLB ---- */

void jit_emit_slot(struct x86 *e, bool bmi2, unsigned va)
{
	if (bmi2) {
		x86_vex_rr(e, X86_OP(0xf2, 3, 0xf0), X86_Q, RCX, 0, va); /* rorx */
		x86_byte(e, GMEM_PAGE_SHIFT - RV64_TLB_ENTRY_SHIFT);
		x86_vex_rr(e, X86_OP(0xf2, 3, 0xf0), X86_Q, RDX, 0, va);
		x86_byte(e, GMEM_PAGE_SHIFT - RV64_TLB_ENTRY_SHIFT + RV64_TLB_FOLD);
	} else {
		x86_mov(e, RCX, va);
		x86_shift_imm(e, X86_G_SHR, X86_Q, RCX, GMEM_PAGE_SHIFT - RV64_TLB_ENTRY_SHIFT);
		x86_mov(e, RDX, RCX);
		x86_shift_imm(e, X86_G_SHR, X86_Q, RDX, RV64_TLB_FOLD);
	}
	x86_rr(e, X86_XOR, X86_L, RCX, RDX);
	x86_rm(e, X86_XOR, X86_L, RCX, REG_HART, JIT_OFF(run.hart.mmu.slot));
	x86_alu_imm(e, X86_G_AND, X86_L, RCX, (RV64_TLB_SIZE - 1) << RV64_TLB_ENTRY_SHIFT);
}

#define SITE_MISS (1u << 24) /* 2^32 divided by it: that often a site may be wrong */
/* What is on the stack within `site`. */
enum { SITE_RETURN = 24 };
enum { JMP = 5, JE = 6 }; /* bytes */

_Static_assert(sizeof(struct interp_site) == 1u << 5, "emit_site() shifts for it");
_Static_assert(INTERP_NATIVE_SITES <= JIT_SITES_MAX, "a number in what `site` is told");

/* The site that `site` returns to was wrong once too often: what it asks becomes a jump to what
 * looks into the TLB. Both are found by where `site` returns to (jit_site_again()). */
static void site_ends(struct x86 *e)
{
	x86_rm(e, X86_MOV, X86_Q, RDI, RSP, SITE_RETURN);
	x86_lea(e, X86_Q, RDX, RDI, JIT_SITE_COMPUTES - JMP - JE + JIT_SITE_SIZE);
	x86_rm(e, X86_MOVSXD, X86_Q, RCX, RDI, 2);
	x86_rx(e, X86_LEA, X86_Q, RDI, RDI, RCX, 0); /* + JE: where that leads */
	x86_rr(e, X86_SUB, X86_Q, RDX, RDI);
	x86_mov_imm(e, RCX, (uint64_t)-e->exec);
	x86_rr(e, X86_ADD, X86_Q, RDI, RCX);
	x86_rm(e, X86_MOV_TO, X86_L, RDX, RDI, JE - JIT_SITE_SIZE + 1);
	x86_rm(e, 0xc6, X86_L, 0, RDI, JE - JIT_SITE_SIZE); /* mov byte */
	x86_byte(e, 0xe9);
}

/* rcx = the slot of the TLB for the address rax; returns the jump to take if its page is not there
 * for what edi says. */
static uint8_t *site_look_up(struct x86 *e, bool bmi2)
{
	uint8_t *store, *asked;

	jit_emit_slot(e, bmi2, RAX);
	x86_mov(e, RDX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_Q, RDX, -(int32_t)GMEM_PAGE_SIZE);
	x86_rm(e, X86_OR, X86_Q, RDX, REG_HART, JIT_OFF(run.hart.mmu.ctx));
	x86_rr(e, X86_TEST, X86_L, RDI, RDI);
	store = x86_jcc_short(e, X86_S);
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX, JIT_TLB(load_tag));
	asked = x86_jmp(e);
	x86_here_short(e, store);
	x86_rx(e, X86_CMP, X86_Q, RDX, REG_HART, RCX, JIT_TLB(store_tag));
	x86_here(e, asked);
	return x86_jcc(e, X86_NE);
}

/* The site at the distance edi, whose limit is edx, gets the page of rax with the addend rcx. Then
 * rsi is its former limit. */
static void site_fill(struct x86 *e)
{
	x86_rx(e, X86_MOV, X86_Q, RSI, REG_HART, RDI, JIT_SITE(limit));
	x86_rx(e, X86_MOV_TO, X86_Q, RDX, REG_HART, RDI, JIT_SITE(limit));
	x86_rx(e, X86_MOV_TO, X86_Q, RCX, REG_HART, RDI, JIT_SITE(addend));
	x86_mov(e, RDX, RAX);
	x86_alu_imm(e, X86_G_AND, X86_Q, RDX, -(int32_t)GMEM_PAGE_SIZE);
	x86_rx(e, X86_MOV_TO, X86_Q, RDX, REG_HART, RDI, JIT_SITE(page));
}

/* The site at the distance edi knew nothing: it is entered into the list. */
static void site_enter(struct x86 *e)
{
	x86_rm(e, X86_MOV, X86_L, RSI, REG_HART, JIT_OFF(native_n_known));
	x86_rxs(e, X86_MOV_TO, X86_L, RDI, REG_HART, RSI, 2, JIT_OFF(native_known));
	x86_alu_imm_mem(e, X86_G_ADD, X86_L, REG_HART, JIT_OFF(native_n_known), 1);
}

/* An access did not find its page in its site: rax = address, ecx = what `mem` wants, edx = what
 * the site is and wants (JIT_SITE_*). Equal: the site has the page now. If not, rax and rcx stay.
 */
static void emit_site(struct x86 *e, struct jit_glue *g, bool bmi2)
{
	uint8_t *beyond, *miss, *known, *entered, *go_on;

	g->site = e->p;
	push(e, RCX);
	push(e, RDI);
	push(e, RSI);
	x86_rr(e, X86_MOV, X86_L, RDI, RDX);
	miss = site_look_up(e, bmi2);
	x86_rr(e, X86_MOV, X86_L, RDX, RDI);
	x86_shift_imm(e, X86_G_SHR, X86_L, RDX, JIT_SITE_LIMIT);
	x86_alu_imm(e, X86_G_AND, X86_L, RDX, 2 * (int32_t)GMEM_PAGE_SIZE - 1);
	x86_rr(e, X86_MOV, X86_L, RSI, RAX);
	x86_alu_imm(e, X86_G_AND, X86_L, RSI, (int32_t)GMEM_PAGE_SIZE - 1);
	x86_rr(e, X86_CMP, X86_L, RSI, RDX);
	beyond = x86_jcc(e, X86_NC);
	x86_rx(e, X86_MOV, X86_Q, RCX, REG_HART, RCX, JIT_TLB(addend));
	x86_alu_imm(e, X86_G_AND, X86_L, RDI, JIT_SITES_MAX - 1);
	x86_shift_imm(e, X86_G_SHL, X86_L, RDI, 5);
	site_fill(e);
	x86_rr(e, X86_TEST, X86_Q, RSI, RSI);
	known = x86_jcc(e, X86_NE);
	site_enter(e);
	entered = x86_jmp(e);
	x86_here(e, known);
	x86_rx(e, 0x81, X86_L, X86_G_ADD, REG_HART, RDI, JIT_SITE(misses));
	x86_u32(e, SITE_MISS);
	go_on = x86_jcc(e, X86_NC);
	site_ends(e);
	x86_here(e, go_on);
	x86_here(e, entered);
	x86_rr(e, X86_CMP, X86_L, RCX, RCX);
	go_on = x86_jmp(e);
	x86_here(e, beyond);
	x86_here(e, miss);
	x86_rr(e, X86_TEST, X86_Q, RSP, RSP); /* not equal */
	x86_here(e, go_on);
	x86_rr(e, 0x8f, X86_L, 0, RSI); /* pop */
	x86_rr(e, 0x8f, X86_L, 0, RDI);
	x86_rr(e, 0x8f, X86_L, 0, RCX);
	x86_byte(e, 0xc3);
}

void jit_emit_glue(struct rv64_jit *j)
{
	struct jit_cache *m = &j->cache;
	struct x86 e = {.p = m->write, .end = m->write + m->size, .exec = m->exec - m->write};

	j->glue.enter = (uint64_t(*)(void *, const void *))(uintptr_t)m->exec;
	emit_enter(&e);
	emit_exits(&e, &j->glue);
	emit_dispatch(&e, &j->glue);
	for (unsigned i = 0; i < INTERP_N_SPACES; i++)
		emit_targets(&e, &j->glue, (enum interp_space)i);
	emit_link(&e, &j->glue);
	emit_calls(&e, &j->glue);
	emit_zero(&e, &j->glue, j->bmi2);
	emit_site(&e, &j->glue, j->bmi2);
	jit_emit_status(&e, &j->glue);
	jit_emit_compact(&e, &j->glue, j->bmi2);
	m->used = ((size_t)(e.p - m->write) + 63) & ~(size_t)63;
}

/* The call at `site`, to be written. */
static uint8_t *call_at(const struct rv64_jit *j, const uint8_t *site)
{
	return j->cache.write + (site - j->cache.exec) - 5;
}

void jit_patch_link(struct rv64_jit *j, const uint8_t *site, const void *native)
{
	const struct jit_cache *m = &j->cache;
	uint8_t *call = call_at(j, site);

	call[0] = 0xe9;
	x86_patch(call + 1, m->write + ((const uint8_t *)native - m->exec));
}

void jit_unpatch_link(struct rv64_jit *j, const uint8_t *site)
{
	uint8_t *call = call_at(j, site);
	uint16_t what;

	memcpy(&what, site, sizeof(what));
	call[0] = 0xe8;
	x86_patch(call + 1, what & JIT_GAVE_UP ? j->glue.give_up : j->glue.link);
}

void jit_drop_entry(struct rv64_jit *j, const void *native, uint32_t offset, uint16_t page)
{
	const uint32_t data = offset | (uint32_t)page << 16;
	const uint8_t *site = (const uint8_t *)native + JIT_LINK_SIZE - sizeof(data);

	memcpy(j->cache.write + (site - j->cache.exec), &data, sizeof(data));
	jit_unpatch_link(j, site);
}
