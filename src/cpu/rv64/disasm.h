/* SPDX-License-Identifier: MIT */
/*
 * Instructions as text, in the syntax of GNU's `objdump -d -M no-aliases,numeric`: registers by
 * number, nothing abbreviated, 16-bit instructions by their own mnemonics (c.addi). Addresses are
 * like 0x80000010. It knows the rows of insn.def, so all that this machine executes; the rest is
 * .4byte or .2byte. Any thread.
 */
#ifndef CPU_RV64_DISASM_H
#define CPU_RV64_DISASM_H

#include <stddef.h>
#include <stdint.h>

#include "cpu/rv64/insn.h"

#define RV64_DISASM_MAX 64

/* Writes mnemonic, a tab and operands (only the mnemonic when there are none) of an instruction
 * that rv64_decode() made, with the address pc. */
void rv64_disasm(const struct rv64_insn *in, uint64_t pc, char out[RV64_DISASM_MAX]);

#endif
