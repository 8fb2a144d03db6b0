/* SPDX-License-Identifier: MIT */
/*
 * A check for machines whose cores have caches that know nothing of each other: which reads of data
 * that the other core wrote would find something else on the board. Memory here is always coherent,
 * so the program goes on; what is wrong is only told of. docs/machine-duo.md says what is looked
 * at.
 *
 * An engine reports what its harts do; core 0 may keep pages to itself (COHERENCE_FAST), which is
 * what makes an operating system on it bearable. After coherence_begin() all functions may be
 * called from any thread.
 */
#ifndef CPU_COHERENCE_H
#define CPU_COHERENCE_H

#include <stdbool.h>
#include <stdint.h>

struct gmem;

#define COHERENCE_CORES 2u
#define COHERENCE_LINE  64u /* bytes */

enum coherence_fault {
	COHERENCE_NOT_CLEANED,     /* the writer still has it in its cache */
	COHERENCE_NOT_INVALIDATED, /* the reader has an older copy in its own */
	COHERENCE_OVERWRITTEN,     /* the "writer" wrote a line back over what was written */
};

struct coherence_report {
	enum coherence_fault fault;
	bool fetch;              /* the reader executed it */
	unsigned reader, writer; /* cores */
	uint64_t pa;             /* of the first byte that is wrong */
	uint64_t reader_pc, writer_pc;
	bool by_page; /* writer_pc is that of a store to the page, perhaps to another word */
};

struct coherence_config {
	const struct gmem *mem;
	/* Registers by which one core tells the other that something is ready: what a core did
	 * before it wrote there is known to the one that reads there afterwards. */
	uint64_t bell, bell_size;
	/* Once for each pair of a reader's and a writer's pc, of what was executed for each pair
	 * of a page and a writer's pc; on the reader's thread. */
	void (*report)(void *arg, const struct coherence_report *r);
	/* Core 0's harts forget which pages they know, before it returns; on core 1's thread. */
	void (*forget)(void *arg);
	void *arg;
};

struct coherence;

/* 0 or -ENOMEM; what the configuration names outlives it. begin: when mem has its regions, before
 * anything runs; 0 or -ENOMEM. */
int coherence_new(const struct coherence_config *cfg, struct coherence **out);
int coherence_begin(struct coherence *c);
void coherence_free(struct coherence *c);

/* Both cores use [base, base + size): it is followed word by word from the start, and other memory
 * when core 1 has touched it, or somebody has written a line of it back. After begin. */
void coherence_share(struct coherence *c, uint64_t base, uint64_t size);

struct coherence_access {
	uint64_t pa, pc;
	unsigned len; /* at least 1, within a page */
	bool write;
	bool cached; /* by the memory's type, and the core's cache is on */
};

enum coherence_next {
	COHERENCE_FAST,   /* core 0 may access the page in the same way and not tell of it */
	COHERENCE_ALWAYS, /* every access has to be told of */
	COHERENCE_FORGET, /* that too, and config.forget() is to be called now */
};

/* Before the access, which is to RAM. */
enum coherence_next coherence_access(struct coherence *c, unsigned core,
				     const struct coherence_access *a);

/* The same of an instruction, or a part of one; `write` is false, and `cached` is of the
 * instruction cache. What the core itself has written is its own affair. */
enum coherence_next coherence_fetch(struct coherence *c, unsigned core,
				    const struct coherence_access *a);

/* The core's instruction cache is empty from here on. */
void coherence_drop_code(struct coherence *c, unsigned core);

#define COHERENCE_CLEAN      1u
#define COHERENCE_INVALIDATE 2u

/* An instruction on the line of `pa`, or on the whole cache; `what`: flags from above. True: what a
 * hart of the core remembers of FAST is void. */
bool coherence_line(struct coherence *c, unsigned core, uint64_t pa, uint64_t pc, unsigned what);
bool coherence_all(struct coherence *c, unsigned core, uint64_t pc, unsigned what);

/* An access of registers. */
void coherence_device(struct coherence *c, unsigned core, uint64_t pa, bool write);

/* The core was reset: its cache is empty, and what was in it is lost. Each core knows what the
 * other did before. */
void coherence_reset(struct coherence *c, unsigned core);

/* config.forget() of the machine. */
void coherence_forget(const struct coherence *c);

/* Reads that were wrong, and how many pairs of places that were. */
uint64_t coherence_counts(struct coherence *c, unsigned *places);

#endif
