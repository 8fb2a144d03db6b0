/* SPDX-License-Identifier: MIT */
/* What the registers and the memory of a case begin with. */
#ifndef OPERANDS_H
#define OPERANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "rng.h"

enum width { WIDTH_S, WIDTH_D };

/* The contents of an f register: a value of the width, from the list of corners or else random. A
 * corner of width S may be badly boxed. */
uint64_t operand_f(struct rng *r, enum width w, bool corner);

/* A third operand that a sum or a difference of the two may cancel with: nearly a, or nearly minus
 * or plus a * b. */
uint64_t operand_near(struct rng *r, enum width w, uint64_t a, uint64_t b);

/* An integer, half of the time from a list of corners. */
uint64_t operand_x(struct rng *r);

#endif
