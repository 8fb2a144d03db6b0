/* SPDX-License-Identifier: MIT */
/* The interpreter's CPU, and what its parts share. All of it belongs to the hart's thread. */
#ifndef CPU_RV64_INTERP_H
#define CPU_RV64_INTERP_H

#include "cpu/rv64/code.h"
#include "cpu/rv64/op.h"
#include "cpu/rv64/run.h"

#define INTERP_NO_BUDGET    UINT64_MAX
#define INTERP_NATIVE_SLOTS 8
#define INTERP_NATIVE_FAR   4096u
#define INTERP_NATIVE_SITES 8192u
#define INTERP_NATIVE_NEAR  1024u /* a power of two, at most the halfwords of a page */

/* What the jump cache said about a pc to a jump of native code, of compiled blocks only. It is in
 * native_target_known unless nothing is known: then no jump that looks here goes to `pc`. */
struct interp_target {
	uint64_t pc;
	const void *native;
	uint64_t known;
	uint64_t unused; /* 32 bytes are a power of two */
};

/* Targets are apart by who jumps: U and M mode, S mode in the upper half of the address space, and
 * in the lower one; and lead to the same half. */
enum interp_space { INTERP_PROGRAM, INTERP_KERNEL, INTERP_KERNEL_LOW, INTERP_N_SPACES };

/* The page that an access of native code found in the TLB the last time: it may go to the first
 * `limit` addresses from `page` on, host address = address + addend. Limit 0: none. And how often
 * that was another page, counted by carries (jit/x86_mem.c). */
struct interp_site {
	uint64_t page, limit;
	uintptr_t addend;
	uint32_t misses;
	uint32_t unused; /* 32 bytes are a power of two */
};

struct interp {
	struct rv64_run run; /* first */

	/* Instructions are counted down. `left` is how many may retire before something looks at
	 * the time and the budget; at each transition between blocks
	 * retired = end - left. A trap costs one too, so that a guest that only traps makes
	 * progress in the count: `end` moves along to make up for it. */
	int64_t left;
	uint64_t end;

	/* Where a helper was called from, in the middle of a block; op is NULL otherwise. */
	const struct rv64_block *block;
	const struct rv64_op *op;

	uint64_t slice;  /* what `left` began with */
	uint64_t budget; /* instructions that run() may still use, or INTERP_NO_BUDGET */

	uint64_t value; /* result of interp_load_slow() and jit_mem() */

	/* Of the engine jit (jit/jit.h), else NULL and false. `native_fp`: FS is dirty, the host
	 * rounds by frm, and its floating-point flags are part of fflags; then f registers are in
	 * the host's registers. `native_call`: in a memory access of native code, with `left`
	 * counting exactly. `native_cut`: `left` and `end` were both lowered, so that native code
	 * stops at its next exit. */
	struct rv64_jit *jit;
	bool native_fp, native_call, native_cut;
	/* What native code keeps within a block (jit/analyse.c): translations, host address = guest
	 * address + slot; and in a loop the part of `left` behind the rounds for which they
	 * hold. */
	uintptr_t native_slot[INTERP_NATIVE_SLOTS];
	int64_t native_rest;
	uintptr_t native_guess; /* the addend of the last load that was the next one's pointer */
	/* Where native code gave up; what stands there says the rest. */
	const uint8_t *native_gave_up;
	uint32_t native_mxcsr[2];            /* around an instruction with its own rounding mode */
	_Alignas(16) uint64_t native_box[2]; /* what makes a single a boxed one */
	/* For jumps to a known place in another page, each with one of these elements; and for
	 * jumps through a register, a small direct mapped table for each space. What is known of a
	 * space is listed, and holds while native_target_key is fetch_key (mmu.h) of its half. */
	struct interp_target *native_target; /* the one to be filled */
	uint64_t native_target_key[INTERP_N_SPACES];
	uint32_t native_n_targets[INTERP_N_SPACES];
	struct interp_target
		*native_target_known[INTERP_N_SPACES][INTERP_NATIVE_FAR + INTERP_NATIVE_NEAR];
	struct interp_target native_far[INTERP_NATIVE_FAR];
	/* Sites hold while this is mmu.data_key, and only in blocks of U and M mode. Those that do
	 * are listed, as distances. */
	uint64_t native_data_key;
	uint32_t native_n_known;
	uint32_t native_known[INTERP_NATIVE_SITES];
	struct interp_site native_site[INTERP_NATIVE_SITES];
	struct interp_target native_near[INTERP_N_SPACES][INTERP_NATIVE_NEAR];

	bool stepping; /* run() is one instruction */

	struct rv64_code code;
};

static inline struct interp *interp_of(struct rv64_hart *h)
{
	return (struct interp *)(void *)h;
}

/*
 * Executes from hart.pc until `left` is used up or attention is not 0; at least one block or trap.
 * With NULL: nothing but the handlers that decoded operations point to, by enum rv64_op_id.
 */
const void *const *interp_execute(struct interp *c);

/* ---- engine.c ---- */

/* At a transition to hart.pc: when attention asks for no more than a look at the interrupts, does
 * that as run() would. With a budget a new slice begins, as it does there. */
void interp_look(struct interp *c);

/* ---- debug.c ---- */

extern const struct cpu_debug_ops rv64_debug_ops;

/* run() while `stepping`. */
enum cpu_exit rv64_debug_step(struct interp *c);

/* ---- interp_sys.c ---- */

/*
 * System instructions. On entry hart.pc is the instruction's own, hart.retired is exact without it.
 * On return hart.pc is where to go on. They return whether the instruction retired (false: it
 * trapped).
 */
typedef bool interp_sys_fn(struct interp *c, const struct rv64_op *op);
interp_sys_fn interp_ecall, interp_ebreak, interp_sret, interp_mret, interp_wfi, interp_fence_i,
	interp_sfence_vma, interp_sfence_order, interp_th_cache, interp_th_fetch;

/* A CSR instruction; the same conventions, but hart.pc stays. */
enum interp_next {
	INTERP_NEXT,  /* go on behind it in the block */
	INTERP_LEAVE, /* go on behind it, after looking around: attention or context changed */
	INTERP_TRAP,  /* an exception was taken */
};
enum interp_next interp_csr(struct interp *c, const struct rv64_op *op);

/* Takes the illegal instruction exception for op in block b; hart.pc is its pc. */
void interp_illegal(struct interp *c, const struct rv64_block *b, const struct rv64_op *op);

/* ---- interp_mem.c ---- */

/* Where a slow access stands in the guest's program. */
struct interp_place {
	const struct rv64_block *block;
	const struct rv64_op *op;
	uint64_t pc; /* of the block's entry */
};

/* The slow paths of loads, stores and cbo.*; `left` is current in *c. A load leaves its result in
 * c->value. INTERP_LEAVE: done, but the block may be void. */
enum interp_next interp_load_slow(struct interp *c, const struct interp_place *at, uint64_t va,
				  unsigned size);
enum interp_next interp_store_slow(struct interp *c, const struct interp_place *at, uint64_t va,
				   unsigned size, uint64_t value);
enum interp_next interp_cbo(struct interp *c, const struct interp_place *at, uint64_t va,
			    enum rv64_cbo what);
/* A host address for an atomic, or NULL when an exception was taken. */
void *interp_atomic_slow(struct interp *c, const struct interp_place *at, uint64_t va,
			 unsigned size, bool is_lr);
/* The next block: the one for hart.pc, or NULL when an exception was taken. */
struct rv64_block *interp_find(struct interp *c);

/* The hint `pause`. */
void interp_pause(struct interp *c);

#endif
