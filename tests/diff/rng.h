/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same on every host: a counter, mixed. Not for several threads. */
#ifndef RNG_H
#define RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 32) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 30;
}

/* 0 to n - 1; n is small, so that the bias does not matter. */
static inline unsigned rng_below(struct rng *r, unsigned n)
{
	return (unsigned)(rng_next(r) >> 16) % n;
}

static inline int rng_between(struct rng *r, int low, int high)
{
	return low + (int)rng_below(r, (unsigned)(high - low) + 1);
}

static inline bool rng_one_in(struct rng *r, unsigned n)
{
	return rng_below(r, n) == 0;
}

/* A generator for part `part` of what `seed` stands for. */
static inline struct rng rng_for(uint64_t seed, uint64_t part)
{
	struct rng r = {seed};

	r.state = rng_next(&r) ^ part * UINT64_C(0xd6e8feb86659fd93);
	return r;
}

#endif
