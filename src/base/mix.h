/* SPDX-License-Identifier: MIT */
/* splitmix64, a counter with a strong mix: 64 random bits a step, the same from the same state on
 * every host. Not for secrets. Pure: any thread. */
#ifndef BASE_MIX_H
#define BASE_MIX_H

#include <stdint.h>

/* The next number of the sequence; any start will do. */
static inline uint64_t mix_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

#endif
