/* SPDX-License-Identifier: MIT */
/*
 * Random streams of instructions, with the initial state that each begins with.
 *
 * A stream is a number of slots; a slot exercises one row of the decoder, with what else that takes
 * (an address in a register, somewhere to jump to). Rows come from a shuffled deck that is used up
 * before it is shuffled again, so that all rows are met equally often. A case depends on nothing
 * but the seed, its number, and for its addresses its place in the program.
 */
#ifndef GEN_H
#define GEN_H

#include <stdint.h>

#include "program.h"
#include "rows.h"

#define GEN_SLOTS    24  /* of a case */
#define GEN_MAX_ROWS 400 /* more than there are */

/* What was generated, counting only instructions that are certainly executed. */
struct coverage {
	uint64_t rows[GEN_MAX_ROWS];
	uint64_t rounded[5], rounded_dynamic[5]; /* by rounding mode: static, through frm */
	uint64_t operands, corners;              /* of floating-point instructions */
};

/* The number of cases in which each row comes up `passes` times. */
uint64_t gen_cases(unsigned passes);

/* Adds the i-th case of the program, of its stream the first `slots` slots. Adds to *cov. */
void gen_case(struct program *p, unsigned i, uint64_t seed, unsigned slots, struct coverage *cov);

#endif
