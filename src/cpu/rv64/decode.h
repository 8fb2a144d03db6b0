/* SPDX-License-Identifier: MIT */
/* Inside the decoder: the half that knows 16-bit instructions. */
#ifndef CPU_RV64_DECODE_H
#define CPU_RV64_DECODE_H

#include "cpu/rv64/insn.h"

/* Fills id, rd, rs1, rs2 and imm for a 16-bit instruction; id is RV64_ILLEGAL_INSN when the bits
 * are none or are reserved. *out is zeroed but for bits and len. */
void rv64_decode_c(uint16_t bits, struct rv64_insn *out);

#endif
