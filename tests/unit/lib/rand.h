/* SPDX-License-Identifier: MIT */
/* Repeatable random numbers for tests (splitmix64). */
#ifndef TESTS_RAND_H
#define TESTS_RAND_H

#include <stdint.h>

static inline uint64_t rand_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0 .. n - 1 */
static inline unsigned rand_below(uint64_t *state, unsigned n)
{
	return (unsigned)(rand_next(state) % n);
}

#endif
