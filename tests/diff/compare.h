/* SPDX-License-Identifier: MIT */
/* Comparing an engine with the peer, and finding the instruction that makes the difference. */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "gen.h"

struct contest {
	const char *engine;
	const char *peer; /* path of qemu-riscv64 */
	uint64_t seed;
};

/* Generates and runs cases first to first + n - 1, and adds what they cover. Prints about up to
 * three cases that differ, or about a run that failed. Returns the number of cases that differ; all
 * of them when a run failed. */
unsigned compare_cases(const struct contest *c, uint64_t first, unsigned n, struct coverage *cov);

/* The program of these cases, the last one with only `slots` of its slots. */
void compare_generate(const struct contest *c, uint64_t first, unsigned n, unsigned slots,
		      struct program *p, struct coverage *cov);

#endif
