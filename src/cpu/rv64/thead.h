/* SPDX-License-Identifier: MIT */
/*
 * What T-Head's C906 has beside the ratified extensions, as far as Linux, its boot loaders and
 * firmware touch it: identification, control registers of caches and predictors, instructions that
 * write caches back, and types of memory in page tables. A hart has it when its model is
 * CPU_MODEL_THEAD_C906.
 *
 * Sources: T-Head's "XuanTie C906 user manual", and its specification of the XThead extensions
 * (xtheadcmo, xtheadsync).
 *
 * On the hart's own thread.
 */
#ifndef CPU_RV64_THEAD_H
#define CPU_RV64_THEAD_H

#include <stdbool.h>
#include <stdint.h>

struct rv64_hart;

#define THEAD_MVENDORID 0x5b7u

/* mxstatus, and sxstatus, through which S mode sees it */
#define THEAD_MXSTATUS_UCME (1ull << 16) /* U mode may write caches back */
#define THEAD_MXSTATUS_MAEE (1ull << 21) /* page tables have types of memory */

/* The highest bits of a page table entry with MAEE: strong order, cacheable, bufferable, shareable,
 * secure. All memory here is coherent, so but for cpu/coherence.h they mean nothing. */
#define THEAD_PTE_TYPE   (31ull << 59)
#define THEAD_PTE_CACHED (1ull << 62)

/* mhcr */
#define THEAD_MHCR_CODE 1u /* the instruction cache is on */
#define THEAD_MHCR_DATA 2u /* the data cache is on */

struct rv64_thead {
	uint64_t mxstatus, mhcr, mhint, mccr2, scounterof;
};

/* After reset, and as the board's boot loader leaves it. */
void rv64_thead_reset(struct rv64_hart *h);

/* A CSR of T-Head's, by number, when the privilege suffices. 0, or -1: the hart has none of that
 * number, or it is not writable. */
int rv64_thead_read(const struct rv64_hart *h, unsigned num, uint64_t *value);
int rv64_thead_write(struct rv64_hart *h, unsigned num, uint64_t value);

/* One of them, by its bits and the value of its register: what cpu/coherence.h has to know. */
void rv64_thead_cache(struct rv64_hart *h, uint32_t bits, uint64_t value);

/* Whether the hart has T-Head's instructions, and may execute those on caches now. */
bool rv64_thead_cache_legal(const struct rv64_hart *h);

#endif
