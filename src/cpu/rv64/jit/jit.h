/* SPDX-License-Identifier: MIT */
/*
 * The translator to host code, seen from the interpreter and the engine. It belongs to one hart and
 * to its thread. Where there is no translator for the host, nothing ever asks for one.
 */
#ifndef CPU_RV64_JIT_JIT_H
#define CPU_RV64_JIT_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_place;
struct cpu_vm;
struct interp;
struct rv64_jit;
struct rv64_block;
struct rv64_op;

#if defined(__x86_64__)
#define RV64_JIT_HOST 1

/* Gives the hart a translator: its hot blocks will be compiled. After rv64_code_init() and before
 * the first block is built. 0 or -errno. detach allows for a hart that has none. */
int rv64_jit_attach(struct interp *c);
void rv64_jit_detach(struct interp *c);

/* The block, entered at hart.pc, is hot: compiles it, and has its head run the result from now on,
 * or count for ever. Other blocks may have lost their code then. */
void rv64_jit_compile(struct interp *c, struct rv64_block *b);

/* Runs native code, the entry of a block for hart.pc, with `left` and hart.pc current before and
 * after. True: go on at hart.pc. False: native code leaves an instruction to the interpreter. Then
 * gave_up() must follow: it says which, in which block, and hart.pc becomes that block's entry. */
bool rv64_jit_run(struct interp *c, const void *native);
struct rv64_op *rv64_jit_gave_up(struct interp *c, struct rv64_block **b);

/* A slice is used up at hart.pc: the second time, the block there gets code that is fast, if what
 * it has is compact. A hart without a translator does nothing. */
void rv64_jit_seen(struct interp *c);

/* For tests: a block is hot after so many executions, at least 1; at 1 it gets fast code when the
 * hart was seen in it once, and soon a way around groups that fail. Before the hart runs. Does
 * nothing to a hart without a translator. */
void rv64_jit_set_hot(struct interp *c, int32_t executions);
/* For tests: how often native code gave up. */
uint64_t rv64_jit_count_gave_up(const struct interp *c);
/* For tests: how often native code asked C where a jump leads. */
uint64_t rv64_jit_count_asked(const struct interp *c);
/* For tests: memory for code and for blocks, both less than usual. As above. */
void rv64_jit_set_room(struct interp *c, size_t code, size_t blocks);

/* What stands at an address in the code that a hart of the VM generated; false: nothing. The VM of
 * the engine jit; async-signal-safe. */
bool rv64_jit_find_code(const struct cpu_vm *vm, uint64_t host_pc, struct cpu_place *out);

/* Floating-point flags that are still in the host's register come into fflags. */
void rv64_jit_fp_end(struct interp *c);

#else
#define RV64_JIT_HOST 0

static inline int rv64_jit_attach(struct interp *c)
{
	(void)c;
	return -1;
}

static inline void rv64_jit_detach(struct interp *c)
{
	(void)c;
}

static inline void rv64_jit_compile(struct interp *c, struct rv64_block *b)
{
	(void)c;
	(void)b;
}

static inline struct rv64_op *rv64_jit_gave_up(struct interp *c, struct rv64_block **b)
{
	(void)c;
	(void)b;
	return NULL;
}

static inline bool rv64_jit_run(struct interp *c, const void *native)
{
	(void)c;
	(void)native;
	return true;
}

static inline void rv64_jit_seen(struct interp *c)
{
	(void)c;
}

static inline void rv64_jit_set_hot(struct interp *c, int32_t executions)
{
	(void)c;
	(void)executions;
}

static inline uint64_t rv64_jit_count_gave_up(const struct interp *c)
{
	(void)c;
	return 0;
}

static inline uint64_t rv64_jit_count_asked(const struct interp *c)
{
	(void)c;
	return 0;
}

static inline void rv64_jit_set_room(struct interp *c, size_t code, size_t blocks)
{
	(void)c;
	(void)code;
	(void)blocks;
}

static inline void rv64_jit_fp_end(struct interp *c)
{
	(void)c;
}
#endif

#endif
