/* SPDX-License-Identifier: MIT */
/*
 * The form in which the interpreter executes code: blocks of decoded operations.
 *
 * A block begins at an address that was jumped to and runs on, past conditional branches that are
 * not taken, to an unconditional transfer, a system instruction, a branch backwards, the end of the
 * 4 KiB page or RV64_BLOCK_INSNS instructions. It is independent of the
 * virtual address: all pcs in it count from its entry. An operation that may leave the block for a
 * known target is followed by a slot (an element of the same size) that remembers the target's
 * block; only targets within the same physical page are remembered, since just their offset decides
 * about them.
 *
 * Operations are mostly instructions, by enum rv64_insn_id; a few more are listed here. Registers:
 * a write to x0 goes to x[RV64_X_SINK].
 */
#ifndef CPU_RV64_OP_H
#define CPU_RV64_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/rv64/insn.h"

#define RV64_BLOCK_INSNS  64
/* Each instruction with a slot and a breakpoint, the end with a slot, and the head. */
#define RV64_BLOCK_OPS    (3 * RV64_BLOCK_INSNS + 3)
#define RV64_X_PAGE       32 /* the virtual page of the code that runs natively */
#define RV64_X_SINK       33 /* takes what is written to x0 */
#define RV64_PAGE_NONE    UINT16_MAX
#define RV64_POINTS_NEVER UINT32_MAX /* rv64_block.points of a block that is void */
#define RV64_SLOT_MARK    0xff       /* rd of a slot */

/* Operations that are no instructions: EXTRA(id). */
/* clang-format off */
#define RV64_EXTRA_OPS(EXTRA)                                          \
	EXTRA(li)      /* rd = imm */                                  \
	EXTRA(mv)      /* rd = rs1 */                                  \
	EXTRA(end)     /* go on at imm, which is in this page */       \
	EXTRA(end_far) /* the same, in another page */                 \
	EXTRA(jal_far) /* jal to another page */                       \
	EXTRA(count)   /* head of a block: imm counts down until it is hot */ \
	EXTRA(native)  /* the same, once the block is compiled */              \
	EXTRA(gone)    /* the same, once its compiled code and its operations were dropped */ \
	EXTRA(idle)    /* all of a loop that does nothing, rs1 instructions; see build.c */     \
	EXTRA(brk)     /* before an instruction, or as a head: a breakpoint may be there */
/* clang-format on */

enum rv64_op_id {
	RV64_OP_FIRST_EXTRA = RV64_N_INSNS - 1,
#define EXTRA(id) RV64_OP_##id,
	RV64_EXTRA_OPS(EXTRA)
#undef EXTRA
		RV64_N_OPS
};

struct rv64_block;
struct rv64_points;

/*
 * The fields by kind of operation, where they are not just the instruction's:
 *
 *	auipc        imm is relative to the block's entry
 *	branches     rd = instructions from the entry up to and with this one ("count"), imm =
 *	             target relative to the entry; a slot follows
 *	jal, end     rs1 = count, imm = target relative to the entry, pc2 = place behind; a slot
 *	             follows
 *	jalr         rs2 = count, pc2 = place behind
 *	CSRs         rs2 = count, imm = the instruction's bits
 *	system       rd = count, imm = the instruction's bits (rs1 and rs2 as they are)
 *	FP           imm = rs3 | rounding mode << 8
 *	illegal      imm = the instruction's bits
 *	brk          rd = RV64_SLOT_MARK
 *	slot         rd = RV64_SLOT_MARK, imm = whether the target lies in the same page
 */
struct rv64_op {
	union {
		const void *handler;      /* address of a label in the dispatch function */
		struct rv64_block *chain; /* slot: the target, or NULL */
	};
	int32_t imm;
	uint8_t rd, rs1, rs2;
	uint8_t pc2; /* the instruction's distance from the entry, in halfwords */
};

_Static_assert(sizeof(struct rv64_op) == 16, "the dispatch loop steps by 16 bytes");

struct rv64_block {
	uint64_t pa;             /* of the entry */
	struct rv64_block *next; /* in the hash */
	const void *native;      /* compiled code; else rv64_code.not_native */
	/* The page record, and for an instruction that crosses into another page the one of its
	 * second half; else RV64_PAGE_NONE. Valid while the serials are those of the records. */
	uint16_t page[2];
	uint32_t serial[2];
	uint32_t bits;   /* of the instruction that crosses */
	uint32_t points; /* decoded with the breakpoints of this serial; 0: without any */
	uint16_t n_ops;  /* of op[]; a compiled block that was moved has kept its head alone, */
	bool whole : 1;  /* unless its compiled code leaves instructions to the interpreter */
	bool seen : 1;   /* the hart was seen in it once; */
	bool hot : 1;    /* twice: its code is to be fast rather than short */
	bool kernel : 1; /* it is entered in S mode, the others in U or M mode: compiled code of
			  * these remembers more */
	/* The offset in halfwords of the instruction that ends it, where that is a jump or a system
	 * instruction; else UINT8_MAX. */
	uint8_t last;
	struct rv64_op op[];
};

/* How far the instruction (or, for jumps, what is behind it) is from the block's entry. */
static inline uint64_t rv64_op_offset(const struct rv64_op *op)
{
	return (uint64_t)op->pc2 * 2;
}

/* The instructions in b before op. */
unsigned rv64_block_index(const struct rv64_block *b, const struct rv64_op *op);
/* The instruction that has `index` before it, one of b's. */
struct rv64_op *rv64_block_at(struct rv64_block *b, unsigned index);

/*
 * Fills b->op with the code at `page` + offset (page: 4 KiB of guest memory, which others may be
 * writing; each halfword is read once). With `bits` not NULL the block is this one instruction.
 * `handlers` has RV64_N_OPS elements. With `hot` not 0 the block begins with a head that counts so
 * many executions. With `points` not NULL a brk stands before each instruction that may be one of
 * them, and the block is never hot. Returns the number of elements used, at most RV64_BLOCK_OPS.
 * The instruction at offset must not cross the page's end unless given by `bits`.
 */
unsigned rv64_block_build(struct rv64_block *b, const void *const *handlers, const uint8_t *page,
			  unsigned offset, const uint32_t *bits, int32_t hot,
			  const struct rv64_points *points);

/* A halfword of code. */
static inline uint16_t rv64_code_read(const uint8_t *p)
{
	return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_RELAXED);
}

#endif
