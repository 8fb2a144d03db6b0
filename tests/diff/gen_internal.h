/* SPDX-License-Identifier: MIT */
/* What the parts of the generator share. */
#ifndef GEN_INTERNAL_H
#define GEN_INTERNAL_H

#include "gen.h"
#include "rng.h"

/* What an f register holds: (enum width) * 2 + (it is a corner), or the result of something. */
#define F_RESULT 4

struct gen {
	struct program *p;
	struct coverage *cov;
	struct rng rng;
	struct reserved reserved;
	uint32_t based; /* x registers that certainly hold the anchor + offset[] */
	int offset[32];
	uint8_t f[32];
	uint8_t related[2][3]; /* by width: f registers that began with operand_near() last */
	int frm;               /* -1: not known, or reserved */
	unsigned n_flags;
	bool maybe; /* what is emitted may be jumped over */
};

static inline bool gen_is_reserved(const struct gen *g, unsigned reg)
{
	return reg == g->reserved.anchor || reg == g->reserved.link;
}

/* An x register that may be written, not x0. */
unsigned gen_register(struct gen *g);

/* Random bits of that row that write no reserved register. */
uint32_t gen_sample(struct gen *g, unsigned row);

/* Adds an instruction, and keeps track of what it does. */
void gen_emit(struct gen *g, uint32_t bits);

/* ---- gen_memory.c: for rows with an address ---- */

void gen_memory(struct gen *g, unsigned row);
void gen_block(struct gen *g, unsigned row);
void gen_atomic(struct gen *g, unsigned row);
void gen_lr(struct gen *g, unsigned row);
void gen_sc(struct gen *g, unsigned row);

/* ---- gen_jump.c ---- */

/* For a row that is ROW_BRANCH, ROW_JAL or ROW_JALR. */
void gen_jump(struct gen *g, unsigned row);

#endif
