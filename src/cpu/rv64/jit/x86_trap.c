/* SPDX-License-Identifier: MIT */
/*
 * Glue for what a kernel does with sstatus at its entry and exit, around accesses of a program's
 * memory, and to hold interrupts off: the same as csr.c does, where that asks for nothing but what
 * is done here. Another SUM is another context, which rv64_mmu_context() has noted (mmu_private.h).
 */
#include "cpu/rv64/csr.h"
#include "cpu/rv64/jit/x86_glue.h"
#include "cpu/rv64/mmu_private.h"

#define CSR(field)     JIT_OFF(run.hart.csr.field)
#define MMU(field)     JIT_OFF(run.hart.mmu.field)
#define PRIVATE(field) ((int32_t)offsetof(struct rv64_mmu_private, field))

#define XOR_TO 0x31

/* test reg, imm: of the lower half */
static void test_imm(struct x86 *e, unsigned reg, uint32_t imm)
{
	x86_rr(e, 0xf7, X86_L, 0, reg);
	x86_u32(e, imm);
}

#define KNOWN(state, field) \
	(PRIVATE(known) +   \
	 (int32_t)((state) * sizeof(struct mmu_known) + offsetof(struct mmu_known, field)))

/* SUM changes in S mode, by eax, the bits of mstatus that change, of which ecx is as it was. rax
 * and rdx are destroyed. Goes to `failed` when nothing is known of that state. */
static void change_sum(struct x86 *e, const uint8_t *failed)
{
	uint8_t *becomes_set;

	x86_rm(e, X86_MOV, X86_Q, RDX, REG_HART, MMU(own));
	test_imm(e, RCX, MSTATUS_SUM);
	becomes_set = x86_jcc_short(e, X86_E);
	x86_lea(e, X86_Q, RDX, RDX, KNOWN(MMU_S, ctx) - KNOWN(MMU_S_SUM, ctx));
	x86_here_short(e, becomes_set);
	x86_alu_imm_mem(e, X86_G_CMP, X86_Q, RDX, KNOWN(MMU_S_SUM, ctx), 0);
	x86_jcc_to(e, X86_E, failed);
	x86_rm(e, XOR_TO, X86_Q, RAX, REG_HART, CSR(mstatus));
	x86_rm(e, X86_MOV, X86_Q, RAX, RDX, KNOWN(MMU_S_SUM, ctx));
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, MMU(ctx));
	x86_rm(e, X86_ADD, X86_Q, RAX, REG_HART, MMU(data_voids));
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, MMU(data_key));
	x86_rm(e, X86_MOV, X86_Q, RAX, RDX, KNOWN(MMU_S_SUM, slot));
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, REG_HART, MMU(slot));
	x86_rm(e, X86_MOV, X86_Q, RAX, RDX, KNOWN(MMU_S_SUM, data));
	x86_rm(e, X86_MOV, X86_Q, RDX, REG_HART, MMU(own));
	x86_rm(e, X86_MOV_TO, X86_Q, RAX, RDX, PRIVATE(data));
}

_Static_assert(sizeof(struct mmu_view) == sizeof(uint64_t), "change_sum() moves one");

/* The bits of sstatus become those of rax. Equal: that was done, and rcx is what mstatus was
 * before. If not, nothing has changed. */
void jit_emit_status(struct x86 *e, struct jit_glue *g)
{
	const uint8_t *failed = e->p, *done;
	uint8_t *no_fs, *sum;

	x86_rr(e, X86_TEST, X86_Q, RSP, RSP); /* not equal */
	x86_byte(e, 0xc3);
	g->status = e->p;
	x86_rm(e, X86_MOV, X86_Q, RCX, REG_HART, CSR(mstatus));
	x86_rr(e, X86_XOR, X86_L, RAX, RCX);
	x86_alu_imm(e, X86_G_AND, X86_L, RAX, SSTATUS_WRITABLE); /* what changes */
	test_imm(e, RAX, MSTATUS_MXR);
	x86_jcc_to(e, X86_NE, failed);
	x86_rr(e, X86_MOV, X86_L, RDX, RCX);
	x86_rm(e, X86_OR, X86_L, RDX, REG_HART, JIT_OFF(run.hart.quiet));
	x86_unary(e, X86_G_NOT, X86_L, RDX);
	x86_rr(e, X86_AND, X86_L, RDX, RAX);
	test_imm(e, RDX, MSTATUS_SIE);
	x86_jcc_to(e, X86_NE, failed);
	test_imm(e, RAX, MSTATUS_FS);
	no_fs = x86_jcc_short(e, X86_E);
	x86_rm(e, 0x80, X86_L, X86_G_CMP, REG_HART, JIT_OFF(native_fp));
	x86_byte(e, 0);
	x86_jcc_to(e, X86_NE, failed);
	x86_here_short(e, no_fs);
	test_imm(e, RAX, MSTATUS_SUM);
	sum = x86_jcc(e, X86_NE);
	x86_rm(e, XOR_TO, X86_Q, RAX, REG_HART, CSR(mstatus));
	done = e->p;
	x86_rr(e, X86_CMP, X86_L, RAX, RAX);
	x86_byte(e, 0xc3);
	x86_here(e, sum);
	x86_rm(e, 0x80, X86_L, X86_G_CMP, REG_HART, JIT_OFF(run.hart.priv));
	x86_byte(e, RV64_S);
	x86_jcc_to(e, X86_NE, failed);
	test_imm(e, RCX, MSTATUS_MXR);
	x86_jcc_to(e, X86_NE, failed);
	change_sum(e, failed);
	x86_jmp_to(e, done);
}
