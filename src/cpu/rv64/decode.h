/* SPDX-License-Identifier: MIT */
/* What the files that know 16-bit instructions share. */
#ifndef CPU_RV64_DECODE_H
#define CPU_RV64_DECODE_H

#include "cpu/rv64/insn.h"

/* Where a 16-bit instruction has its operands. */
enum rv64_cformat {
	RV64_CIW,   /* addi4spn */
	RV64_CL4,   /* load word */
	RV64_CL8,   /* load doubleword */
	RV64_CS4,   /* store word */
	RV64_CS8,   /* store doubleword */
	RV64_CI,    /* rd = rd op signed 6 bits */
	RV64_CI_RD, /* the same, rd 0 is reserved */
	RV64_CLI,   /* rd = signed 6 bits */
	RV64_CI16,  /* addi16sp */
	RV64_CLUI,  /* lui */
	RV64_CISH,  /* shift left of any register */
	RV64_CBSH,  /* shift right of x8 to x15 */
	RV64_CBI,   /* and with signed 6 bits, x8 to x15 */
	RV64_CA,    /* x8 to x15, two registers */
	RV64_CJ,    /* jump */
	RV64_CB,    /* branch on zero */
	RV64_CI4,   /* load word from the stack */
	RV64_CI8,   /* load doubleword from the stack */
	RV64_CI8F,  /* the same into an f register, where rd 0 is allowed */
	RV64_CSS4,  /* store word to the stack */
	RV64_CSS8,  /* store doubleword to the stack */
	RV64_CJR,   /* jr */
	RV64_CJALR, /* jalr */
	RV64_CMV,   /* mv */
	RV64_CR,    /* add */
	RV64_CN,    /* no operands */
};

/* Fills id, rd, rs1, rs2 and imm for a 16-bit instruction; id is RV64_ILLEGAL_INSN when the bits
 * are none or are reserved. *out is zeroed but for bits and len. */
void rv64_decode_c(uint16_t bits, struct rv64_insn *out);

#endif
