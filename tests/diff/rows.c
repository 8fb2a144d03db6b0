/* SPDX-License-Identifier: MIT */
/* The rows of insn.def, classified by their kind; see rows.h. */
#include "rows.h"

#include <stddef.h>

/* clang-format off */
#define K_LOAD(type)      {ROW_MEMORY, sizeof(type), NULL}
#define K_STORE(bits)     {ROW_MEMORY, (bits) / 8, NULL}
#define K_FLOAD(bits)     K_STORE(bits)
#define K_FSTORE(bits)    K_STORE(bits)
#define K_LR(bits)        {ROW_LR, (bits) / 8, NULL}
#define K_SC(bits)        {ROW_SC, (bits) / 8, NULL}
#define K_AMO(bits, fn)   {ROW_ATOMIC, (bits) / 8, NULL}
#define K_CBO(op)         K_CBO_##op
#define K_CBO_ZERO        {ROW_BLOCK, 64, NULL}
#define K_CBO_INVAL       {ROW_ELSEWHERE, 0, "qemu-riscv64 refuses it; covered by tests/baremetal"}
#define K_CBO_CLEAN       K_CBO_INVAL
#define K_CBO_FLUSH       K_CBO_INVAL
#define K_RR(fn)          {ROW_PLAIN, 0, NULL}
#define K_RI(fn)          K_RR(fn)
#define K_R1(fn)          K_RR(fn)
#define K_NOP             K_RR()
#define K_LUI             K_RR()
#define K_AUIPC           K_RR()
#define K_FENCE           K_RR()
#define K_WRS             K_RR()
#define K_FP(fn)          {ROW_FP, 0, NULL}
#define K_FPX(fn)         K_FP(fn)
#define K_FPRM(fn)        {ROW_FP_ROUNDED, 0, NULL}
#define K_BRANCH(fn)      {ROW_BRANCH, 0, NULL}
#define K_JAL             {ROW_JAL, 0, NULL}
#define K_JALR            {ROW_JALR, 0, NULL}
#define K_CSR             {ROW_CSR, 0, NULL}
#define K_SYS(fn)         K_SYS_##fn
#define K_SYS_fence_i     K_RR()
#define K_TRAP            {ROW_ELSEWHERE, 0, "it traps; covered by tests/baremetal"}
#define K_PRIVILEGED      {ROW_ELSEWHERE, 0, "not for user mode; covered by tests/baremetal"}
#define K_SYS_ecall       K_TRAP
#define K_SYS_ebreak      K_TRAP
#define K_SYS_sret        K_PRIVILEGED
#define K_SYS_mret        K_PRIVILEGED
#define K_SYS_wfi         K_PRIVILEGED
#define K_SYS_sfence_vma  K_PRIVILEGED
#define K_SYS_sfence_order K_PRIVILEGED
#define K_SYS_th_cache    {ROW_ELSEWHERE, 0, "a C906's alone; covered by tests/unit/cpu/test_thead.c"}
#define K_SYS_th_fetch    K_SYS_th_cache
/* clang-format on */

static const struct row_kind kinds[RV64_N_INSNS] = {
#define INSN(id, text, match, mask, format, ext, kind) [RV64_##id] = K_##kind,
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
};

static const struct rv64_cinsn_info *compressed(unsigned row)
{
	return &rv64_cinsn_info[row - RV64_ILLEGAL_INSN];
}

unsigned row_count(void)
{
	return RV64_ILLEGAL_INSN + rv64_n_cinsns;
}

const char *row_text(unsigned row)
{
	return row_is_compressed(row) ? compressed(row)->text : rv64_insn_info[row].text;
}

uint32_t row_match(unsigned row)
{
	return row_is_compressed(row) ? compressed(row)->match : rv64_insn_info[row].match;
}

uint32_t row_mask(unsigned row)
{
	return row_is_compressed(row) ? compressed(row)->mask : rv64_insn_info[row].mask;
}

const struct row_kind *row_kind(unsigned row)
{
	return &kinds[row_is_compressed(row) ? compressed(row)->id : row];
}

unsigned row_of(uint32_t bits, struct rv64_insn *insn)
{
	unsigned row;

	rv64_decode(bits, insn);
	if (insn->id == RV64_ILLEGAL_INSN)
		return ROW_NONE;
	if (insn->len == 4)
		return insn->id;
	for (row = RV64_ILLEGAL_INSN; (bits & row_mask(row)) != row_match(row); row++)
		;
	return row;
}

bool row_writes_x(const struct rv64_insn *insn)
{
	switch (rv64_insn_info[insn->id].format) {
	case RV64_FMT_R:
	case RV64_FMT_R1:
	case RV64_FMT_I:
	case RV64_FMT_SH:
	case RV64_FMT_U:
	case RV64_FMT_J:
	case RV64_FMT_CSR:
	case RV64_FMT_XFF:
	case RV64_FMT_XF: return true;
	default: return false;
	}
}

bool row_writes_f(const struct rv64_insn *insn)
{
	switch (rv64_insn_info[insn->id].format) {
	case RV64_FMT_FLD:
	case RV64_FMT_FF:
	case RV64_FMT_FF1:
	case RV64_FMT_F4:
	case RV64_FMT_FX:
	case RV64_FMT_FI: return true;
	default: return false;
	}
}
