/* SPDX-License-Identifier: MIT */
/*
 * A log of what a repeatable machine's harts and memory hold every so many instructions, as sums.
 * Two runs that should be the same, on two engines for instance, have the same log, and the first
 * line that differs says where to look.
 *
 *	HART INSTRUCTIONS REGISTERS MEMORY
 *
 * a line: numbers in decimal, then the sums of the hart's registers (x, pc, f, fcsr, privilege) and
 * of all guest memory (gmem_sum()) in hexadecimal.
 */
#ifndef MACHINE_STATE_LOG_H
#define MACHINE_STATE_LOG_H

#include <stdint.h>
#include <stdio.h>

#include "cpu/cpu.h"

/* The caller's; zeroed but for out and every, which is not 0. */
struct state_log {
	FILE *out;
	uint64_t every; /* instructions of a hart */

	/* private */
	uint64_t next[CPU_MAX_HARTS];
};

/* The hart has run, and does not now: writes a line if one is due. */
void state_log_look(struct state_log *l, const struct cpu *cpu);

#endif
