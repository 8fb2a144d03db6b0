/* SPDX-License-Identifier: MIT */
/*
 * A program of test cases: a static RV64 executable that runs alike under an emulator of Linux
 * processes and on a bare machine.
 *
 * Its one segment is the file itself: the ELF header, a record for each case, code. Each case loads
 * the registers from its record, executes a random stream, and stores them into its record; the
 * rest of the record is memory for the stream's loads and stores. When all cases have run, the
 * records are written to descriptor 1. All this happens PROGRAM_ROUNDS times, so that an engine
 * meets each instruction both as new and as known; the memory is not reset in between. The only
 * system calls are write and exit, and the exit status is 0 unless a write was short.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define PROGRAM_BASE   UINT64_C(0x80010000) /* where the segment is loaded; a RAM address of virt */
#define PROGRAM_ROUNDS 3

/* A case's state as it is stored. */
struct state {
	uint64_t x[32]; /* [0] is the number of the case */
	uint64_t f[32];
	uint64_t fcsr;
};

/*
 * A case's record. In the middle of it, which a register of the case always points to (the
 * anchor), a page begins.
 */
#define RECORD_SIZE   4096u
#define RECORD_ANCHOR 2048u
#define RECORD_FLAGS  64 /* fflags as they were after some of the floating-point instructions */
#define RECORD_MEMORY (RECORD_SIZE - 2 * sizeof(struct state) - RECORD_FLAGS)

struct record {
	struct state in;
	struct state out;
	uint8_t flags[RECORD_FLAGS];
	uint8_t memory[RECORD_MEMORY];
};

_Static_assert(sizeof(struct record) == RECORD_SIZE, "the anchor is in the middle");

/* Offsets from the anchor. */
#define FROM_ANCHOR(member) ((int)offsetof(struct record, member) - (int)RECORD_ANCHOR)
#define MEMORY_BEGIN        FROM_ANCHOR(memory)
#define MEMORY_END          ((int)(RECORD_SIZE - RECORD_ANCHOR))

/* The registers that a case may not write: the anchor, and the link of the common routines. They
 * differ from case to case. */
struct reserved {
	uint8_t anchor, link;
};

struct program {
	uint8_t *image; /* from PROGRAM_BASE */
	size_t size, capacity;
	uint64_t first; /* number of the first case */
	unsigned n_cases;
	uint64_t entry;
	uint64_t load[2], save[2]; /* the common routines, by kind of case */
	uint64_t *begin, *end;     /* [n_cases]: where the stream of each case is */
};

/* The kind of a case decides about its reserved registers. */
struct reserved program_reserved(uint64_t number);

/* An empty program for cases first to first + n - 1: room for the records, the common routines.
 * There is no return from a lack of memory. */
void program_init(struct program *p, uint64_t first, unsigned n);
void program_fini(struct program *p);

/* The record of the i-th case; valid until code is added. */
struct record *program_record(const struct program *p, unsigned i);
uint64_t program_anchor(const struct program *p, unsigned i);

/* The address of the next instruction. */
uint64_t program_pc(const struct program *p);
void program_add(struct program *p, uint32_t bits); /* 2 or 4 bytes */
/* Zeros, which are no instruction. */
void program_fill_to(struct program *p, uint64_t pc);

/* Around the stream of case i. */
void program_case_begin(struct program *p, unsigned i);
void program_case_end(struct program *p, unsigned i);

/* After the last case: writing, exit, and the ELF header. */
void program_finish(struct program *p);

/* Bytes of results: all records, PROGRAM_ROUNDS times. */
static inline size_t program_output_size(const struct program *p)
{
	return (size_t)p->n_cases * RECORD_SIZE * PROGRAM_ROUNDS;
}

#endif
