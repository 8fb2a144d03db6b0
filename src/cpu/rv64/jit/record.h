/* SPDX-License-Identifier: MIT */
/*
 * What is in the memory for code: glue, then blocks, each behind a record that says what it is. The
 * records lead from one block to the next, so that a fault's address can be found in a signal
 * handler, and cost no memory elsewhere.
 */
#ifndef CPU_RV64_JIT_RECORD_H
#define CPU_RV64_JIT_RECORD_H

#include "cpu/rv64/jit/native.h"
#include "cpu/watch.h"

struct __attribute__((packed)) jit_record {
	uint64_t pa;
	uint32_t size; /* of the code, up to the next record */
	uint16_t n;    /* guest instructions */
	bool compact;  /* see struct jit_source */
};

static inline const struct jit_record *jit_record_of(const void *native)
{
	return (const struct jit_record *)native - 1;
}

/* Makes room for a record; the block's code is emitted at cache.used then. end() with the entry
 * that came of it fills in the record, or with NULL gives the room back. The block then shows up
 * in what the VM's watch asks for. */
void jit_record_begin(struct rv64_jit *j);
void jit_record_end(struct interp *c, const void *native);

/* The interpreter's block of a record, or NULL. */
struct rv64_block *jit_record_block(struct interp *c, const struct jit_record *r);

/* Once, after the glue was emitted. */
void jit_record_glue(struct interp *c);

#endif
