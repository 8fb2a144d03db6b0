/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's dispatch function.
 *
 * It is generated from insn.def: each operation is a label with the code of its kind (the EXEC_
 * macros) around a function of its own (op_int.h, op_atomic.h, op_fp.h, interp_sys.c). Operations
 * hold the address of their label, and each jumps to the next itself, so that the host predicts
 * every jump apart.
 *
 * What lives in host registers: h, the operation `op`, its block `blk`, `pc` (the virtual address
 * of the block's entry) and `left` (instructions until something must be looked at). hart.pc and
 * hart.retired are only brought up to date where somebody could see them.
 *
 * Ways out of a block: CHAIN through a slot; INDIRECT through the jump cache; `find` through the
 * code cache; `boundary` out of the function, when attention is set or `left` is used up. An
 * operation that trapped ends up in `trapped`, one after which the block may be void in `leave`.
 */
#include "cpu/rv64/interp.h"

#include "cpu/rv64/csr.h"
#include "cpu/rv64/jit/jit.h"
#include "cpu/rv64/mem_fast.h"
#include "cpu/rv64/op_atomic.h"
#include "cpu/rv64/op_fp.h"
#include "cpu/rv64/op_int.h"
#include "cpu/rv64/points.h"

#define X(field) (h->x[op->field])
#define IMM      ((uint64_t)(int64_t)op->imm)
#define PC_OF(o) (pc + rv64_op_offset(o))
#define PLACE    (&(struct interp_place){blk, op, pc})

/* Relaxed: only a hint to go and look, which is done with stronger order. */
#define MUST_STOP unlikely(left <= 0 || atomic_load_explicit(&h->attention, memory_order_relaxed))

#define JUMP goto * op->handler
#define NEXT          \
	do {          \
		op++; \
		JUMP; \
	} while (0)

#define CHAIN                             \
	do {                              \
		if (MUST_STOP)            \
			goto boundary;    \
		if (unlikely(!op->chain)) \
			goto unchained;   \
		blk = op->chain;          \
		op = blk->op;             \
		JUMP;                     \
	} while (0)

#define INDIRECT                                                                         \
	do {                                                                             \
		const struct rv64_jump *j = &c->code.jump[rv64_jump_index(h, pc)];       \
                                                                                         \
		if (MUST_STOP)                                                           \
			goto boundary;                                                   \
		if (unlikely(j->tag != rv64_code_tag(h, pc) || !rv64_code_possible(pc))) \
			goto find;                                                       \
		blk = j->block;                                                          \
		op = blk->op;                                                            \
		JUMP;                                                                    \
	} while (0)

#define EXEC_RR(fn)                      \
	X(rd) = op_##fn(X(rs1), X(rs2)); \
	NEXT;
#define EXEC_RI(fn)                   \
	X(rd) = op_##fn(X(rs1), IMM); \
	NEXT;
#define EXEC_R1(fn)              \
	X(rd) = op_##fn(X(rs1)); \
	NEXT;
#define EXEC_LUI     \
	X(rd) = IMM; \
	NEXT;
#define EXEC_AUIPC        \
	X(rd) = pc + IMM; \
	NEXT;
#define EXEC_NOP NEXT;

#define EXEC_BRANCH(fn)                \
	if (op_##fn(X(rs1), X(rs2))) { \
		left -= op->rd;        \
		pc += IMM;             \
		op++;                  \
		CHAIN;                 \
	}                              \
	op += 2;                       \
	JUMP;

#define EXEC_JAL           \
	X(rd) = PC_OF(op); \
	left -= op->rs1;   \
	pc += IMM;         \
	op++;              \
	CHAIN;

#define EXEC_JALR                                         \
	{                                                 \
		uint64_t target = (X(rs1) + IMM) & ~1ull; \
                                                          \
		X(rd) = PC_OF(op);                        \
		left -= op->rs2;                          \
		pc = target;                              \
		INDIRECT;                                 \
	}

/* What follows a slow path. */
#define AFTER(next)                              \
	do {                                     \
		enum interp_next after = (next); \
                                                 \
		if (after == INTERP_TRAP)        \
			goto trapped;            \
		if (after == INTERP_LEAVE)       \
			goto leave;              \
		NEXT;                            \
	} while (0)

#define READ(type, host)     __atomic_load_n((const type *)(host), __ATOMIC_RELAXED)
#define WRITE(type, host, v) __atomic_store_n((type *)(host), (type)(v), __ATOMIC_RELAXED)

#define EXEC_LOAD(type)                                                   \
	{                                                                 \
		uint64_t va = X(rs1) + IMM;                               \
		uintptr_t host;                                           \
		enum interp_next next;                                    \
                                                                          \
		if (likely(rv64_fast_load(h, va, sizeof(type), &host))) { \
			X(rd) = (uint64_t)(int64_t)READ(type, host);      \
			NEXT;                                             \
		}                                                         \
		c->left = left;                                           \
		next = interp_load_slow(c, PLACE, va, sizeof(type));      \
		if (next != INTERP_TRAP)                                  \
			X(rd) = (uint64_t)(int64_t)(type)c->value;        \
		AFTER(next);                                              \
	}

#define STORE_VALUE(bits, v)                                           \
	{                                                              \
		uint64_t va = X(rs1) + IMM;                            \
		uintptr_t host;                                        \
                                                                       \
		if (likely(rv64_fast_store(h, va, bits / 8, &host))) { \
			WRITE(uint##bits##_t, host, v);                \
			NEXT;                                          \
		}                                                      \
		c->left = left;                                        \
		AFTER(interp_store_slow(c, PLACE, va, bits / 8, v));   \
	}
#define EXEC_STORE(bits) STORE_VALUE(bits, X(rs2))

#define NEED_FP                               \
	do {                                  \
		if (unlikely(!rv64_fp_on(h))) \
			goto illegal;         \
	} while (0)
#define FP_DIRTY (h->csr.mstatus |= MSTATUS_FS)

#define EXEC_FLOAD(bits)                                                          \
	{                                                                         \
		uint64_t va = X(rs1) + IMM;                                       \
		uintptr_t host;                                                   \
		enum interp_next next;                                            \
                                                                                  \
		NEED_FP;                                                          \
		if (likely(rv64_fast_load(h, va, bits / 8, &host))) {             \
			h->f[op->rd] = FP_BOX_##bits(READ(uint##bits##_t, host)); \
			FP_DIRTY;                                                 \
			NEXT;                                                     \
		}                                                                 \
		c->left = left;                                                   \
		next = interp_load_slow(c, PLACE, va, bits / 8);                  \
		if (next != INTERP_TRAP) {                                        \
			h->f[op->rd] = FP_BOX_##bits((uint##bits##_t)c->value);   \
			FP_DIRTY;                                                 \
		}                                                                 \
		AFTER(next);                                                      \
	}
#define FP_BOX_32(v) fpu_box_s(v)
#define FP_BOX_64(v) (v)

#define EXEC_FSTORE(bits) \
	NEED_FP;          \
	STORE_VALUE(bits, h->f[op->rs2])

#define EXEC_FPX(fn)    \
	NEED_FP;        \
	fp_##fn(h, op); \
	NEXT;
#define EXEC_FP(fn)     \
	NEED_FP;        \
	fp_##fn(h, op); \
	FP_DIRTY;       \
	NEXT;
#define EXEC_FPRM(fn)                                 \
	{                                             \
		unsigned rm = (unsigned)op->imm >> 8; \
                                                      \
		NEED_FP;                              \
		if (rm == 7)                          \
			rm = h->frm;                  \
		if (unlikely(rm > FPU_RMM))           \
			goto illegal;                 \
		fp_##fn(h, op, rm);                   \
		FP_DIRTY;                             \
		NEXT;                                 \
	}

/* The host address of an atomic's operand. */
#define ATOMIC_HOST(bits, fast, is_lr)                                               \
	uint64_t va = X(rs1);                                                        \
	uintptr_t host;                                                              \
                                                                                     \
	if (unlikely(!fast(h, va, bits / 8, &host))) {                               \
		c->left = left;                                                      \
		host = (uintptr_t)interp_atomic_slow(c, PLACE, va, bits / 8, is_lr); \
		if (!host)                                                           \
			goto trapped;                                                \
	}

#define EXEC_AMO(bits, fn)                                                     \
	{                                                                      \
		ATOMIC_HOST(bits, rv64_fast_store, false)                      \
		X(rd) = (uint64_t)(int64_t)(int##bits##_t)op_amo##fn##_##bits( \
			(uint##bits##_t *)host, (uint##bits##_t)X(rs2));       \
		NEXT;                                                          \
	}
#define EXEC_LR(bits)                                                                  \
	{                                                                              \
		ATOMIC_HOST(bits, rv64_fast_load, true)                                \
		h->reserved_addr = host | (bits == 64);                                \
		h->reserved_value = (uint64_t)(int64_t)(int##bits##_t)__atomic_load_n( \
			(const uint##bits##_t *)host, __ATOMIC_SEQ_CST);               \
		X(rd) = h->reserved_value;                                             \
		NEXT;                                                                  \
	}
#define EXEC_SC(bits)                                                                        \
	{                                                                                    \
		ATOMIC_HOST(bits, rv64_fast_store, false)                                    \
		uint##bits##_t old = (uint##bits##_t)h->reserved_value;                      \
		bool done = h->reserved_addr == (host | (bits == 64)) &&                     \
			    __atomic_compare_exchange_n((uint##bits##_t *)host, &old,        \
							(uint##bits##_t)X(rs2), false,       \
							__ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
                                                                                             \
		h->reserved_addr = UINT64_MAX;                                               \
		X(rd) = !done;                                                               \
		NEXT;                                                                        \
	}

#define FENCE_PAUSE 0x10 /* Zihintpause: fence w, 0 */

/* Only stores and output before loads and input after need a barrier that costs on a host with
 * total store order; the rest holds back the compiler. */
#define EXEC_FENCE                                         \
	if (unlikely(op->imm == FENCE_PAUSE))              \
		interp_pause(c);                           \
	if ((op->imm & 0x50) && (op->imm & 0x0a))          \
		atomic_thread_fence(memory_order_seq_cst); \
	else                                               \
		atomic_thread_fence(memory_order_acq_rel); \
	NEXT;

/* Zawrs: a stall may end at any time, so it ends when other threads of the host had their turn. */
#define EXEC_WRS         \
	interp_pause(c); \
	NEXT;

#define EXEC_CBO(what)                                     \
	if (unlikely(!rv64_cbo_legal(h, RV64_CBO_##what))) \
		goto illegal;                              \
	c->left = left;                                    \
	AFTER(interp_cbo(c, PLACE, X(rs1), RV64_CBO_##what));

/* hart.pc and hart.retired for an instruction that is number `count` of its block. */
#define PUBLISH(count)                                                    \
	do {                                                              \
		h->pc = PC_OF(op);                                        \
		c->left = left;                                           \
		rv64_set_retired(h, c->end - (uint64_t)left + (count)-1); \
	} while (0)

#define EXEC_CSR                                              \
	{                                                     \
		enum interp_next next;                        \
                                                              \
		PUBLISH(op->rs2);                             \
		next = interp_csr(c, op);                     \
		if (likely(next == INTERP_NEXT))              \
			NEXT;                                 \
		left -= op->rs2;                              \
		c->end -= next == INTERP_TRAP;                \
		pc = next == INTERP_TRAP ? h->pc : h->pc + 4; \
		INDIRECT;                                     \
	}
#define EXEC_SYS(fn)             \
	PUBLISH(op->rd);         \
	left -= op->rd;          \
	if (!interp_##fn(c, op)) \
		c->end--;        \
	pc = h->pc;              \
	INDIRECT;

const void *const *interp_execute(struct interp *c)
{
	static const void *const handlers[RV64_N_OPS] = {
#define INSN(id, text, match, mask, format, ext, kind) [RV64_##id] = &&do_##id,
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP
		[RV64_ILLEGAL_INSN] = &&illegal,
#define EXTRA(id) [RV64_OP_##id] = &&do_##id,
		RV64_EXTRA_OPS(EXTRA)
#undef EXTRA
	};
	struct rv64_hart *h;
	struct rv64_block *blk = NULL;
	struct rv64_op *op = NULL;
	uint64_t pc;
	int64_t left;

	if (!c)
		return handlers;
	h = &c->run.hart;
	pc = h->pc;
	left = c->left;
	{
		const struct rv64_jump *j = &c->code.jump[rv64_jump_index(h, pc)];

		if (unlikely(j->tag != rv64_code_tag(h, pc) || !rv64_code_possible(pc)))
			goto find;
		blk = j->block;
		op = blk->op;
		JUMP;
	}

#define INSN(id, text, match, mask, format, ext, kind) do_##id : EXEC_##kind
#define GROUP(opcode)
#include "cpu/rv64/insn.def"
#undef INSN
#undef GROUP

do_li:
	X(rd) = IMM;
	NEXT;
do_mv:
	X(rd) = X(rs1);
	NEXT;
do_jal_far:
	X(rd) = PC_OF(op);
	left -= op->rs1;
	pc += IMM;
	INDIRECT;
do_end_far:
	left -= op->rs1;
	pc += IMM;
	INDIRECT;
do_end:
	left -= op->rs1;
	pc += IMM;
	op++;
	CHAIN;

do_count:
	if (unlikely(--op->imm <= 0)) {
		h->pc = pc;
		rv64_jit_compile(c, blk);
		JUMP;
	}
	NEXT;
do_native:
	h->pc = pc;
	c->left = left;
	if (likely(rv64_jit_run(c, blk->native))) {
		pc = h->pc;
		left = c->left;
		INDIRECT;
	}
	/* It gave up in the middle of a block, with pc and left those of its entry. */
	op = rv64_jit_gave_up(c, &blk);
	pc = h->pc;
	left = c->left;
	JUMP;

do_gone:
	goto find;

do_idle:
	left -= op->rs1;
	/* Relaxed: a message of the hart to itself. */
	atomic_fetch_or_explicit(&h->attention, RV64_ATTN_WFI, memory_order_relaxed);
	goto boundary;

do_brk:
	if (likely(!rv64_points_meet(h, PC_OF(op))))
		NEXT;
	left -= rv64_block_index(blk, op);
	pc = PC_OF(op);
	goto boundary;

illegal:
	h->pc = PC_OF(op);
	interp_illegal(c, blk, op);
trapped:
	left -= rv64_block_index(blk, op) + 1;
	c->end--;
	pc = h->pc;
	INDIRECT;

leave:
	left -= rv64_block_index(blk, op) + 1;
	/* Behind a jump the former is beyond the block. */
	pc += min_u64(rv64_op_offset(op + 1), 2 * (uint64_t)blk->last);
	INDIRECT;

unchained : {
	const struct rv64_jump *j = &c->code.jump[rv64_jump_index(h, pc)];
	uint64_t moves = c->code.moves;
	struct rv64_block *target;

	if (likely(j->tag == rv64_code_tag(h, pc))) {
		target = j->block;
	} else {
		h->pc = pc;
		target = interp_find(c);
		if (unlikely(!target))
			goto fetch_fault;
	}
	/* The pages are the same unless the guest has changed its tables and not yet said so. */
	if (c->code.moves == moves && op->imm && target->page[1] == RV64_PAGE_NONE &&
	    target->page[0] == blk->page[0])
		op->chain = target;
	blk = target;
	op = target->op;
	JUMP;
}

find : {
	struct rv64_block *target;

	h->pc = pc;
	target = interp_find(c);
	if (unlikely(!target))
		goto fetch_fault;
	blk = target;
	op = target->op;
	JUMP;
}

fetch_fault:
	left--;
	c->end--;
	pc = h->pc;
	INDIRECT;

boundary:
	h->pc = pc;
	c->left = left;
	return NULL;
}
