/* SPDX-License-Identifier: MIT */
/*
 * What an engine that generates code tells those who look at it: blocks as text, a map for `perf`,
 * and where a fault in generated code is. Engines that generate none ignore all of it.
 */
#ifndef CPU_WATCH_H
#define CPU_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cpu_vm;
struct sig_fault;

/* The caller's, beside struct cpu_vm_config; outlives the VM. Harts write to the files from their
 * threads, each block or line at once. */
struct cpu_watch {
	FILE *dump;            /* each block that is compiled, as text; NULL: none */
	uint64_t from, to;     /* only those whose entry has a pc in [from, to] */
	_Atomic uint64_t left; /* so many */
	/* "START SIZE NAME" a line, as perf wants it; NULL: none. A hart whose memory for code was
	 * full begins again at its start: what is behind the last line of that address is void. */
	FILE *map;
};

/* Where generated code stands; all text ends with 0. */
struct cpu_place {
	uint64_t pc;         /* of the block's entry, in the guest */
	uint64_t pa;         /* its physical address */
	unsigned hart, n;    /* n: instructions in the block; 0: code that belongs to no block */
	size_t offset, size; /* in the block's host code, and its size */
	const uint8_t *code; /* `offset` bytes into it, readable; size - offset are left */
};

/* A reporter for sig_on_fault(): with `vm` a struct cpu_vm whose harts run. When the fault was in
 * generated code, writes to standard error which guest code that was. Async-signal-safe. */
void cpu_report_fault(void *vm, const struct sig_fault *fault);

#endif
