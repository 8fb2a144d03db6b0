/* SPDX-License-Identifier: MIT */
/*
 * The decoder's entries ("rows") as the generator sees them: first the 32-bit instructions by enum
 * rv64_insn_id, then the compressed ones. All of it comes from insn.def, so that a new row there is
 * tested at once, or does not compile while its kind is unknown here.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/rv64/insn.h"

/* What the generator has to take care of. */
enum row_class {
	ROW_PLAIN,      /* nothing: registers to a register */
	ROW_FP,         /* floating point, no rounding mode */
	ROW_FP_ROUNDED, /* with one */
	ROW_MEMORY,     /* register + offset is an address of `bytes` bytes */
	ROW_ATOMIC,     /* rs1 is an aligned address */
	ROW_LR,
	ROW_SC,
	ROW_BLOCK, /* rs1 is any address of a cache block */
	ROW_BRANCH,
	ROW_JAL,
	ROW_JALR,
	ROW_CSR,
	ROW_ELSEWHERE, /* not for random streams; `reason` tells why, and where it is tested */
};

struct row_kind {
	uint8_t class; /* enum row_class */
	uint8_t bytes;
	const char *reason;
};

unsigned row_count(void);
static inline bool row_is_compressed(unsigned row)
{
	return row >= RV64_ILLEGAL_INSN;
}
const char *row_text(unsigned row);
uint32_t row_match(unsigned row);
uint32_t row_mask(unsigned row);
const struct row_kind *row_kind(unsigned row);

#define ROW_NONE (~0u)

/* The row that these bits belong to, or ROW_NONE when they are no instruction. Fills in *insn. */
unsigned row_of(uint32_t bits, struct rv64_insn *insn);

/* Which register the instruction writes. */
bool row_writes_x(const struct rv64_insn *insn);
bool row_writes_f(const struct rv64_insn *insn);

#endif
