/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixed point with 16 binary places, for where there is no floating point.
 *
 * How far off: xo_log2() and xo_ln() are never above the true value, and less than 2^-15 below it;
 * xo_sqrt() is the true root of its argument rounded down, so less than 2^-16 below it.
 */
#ifndef XO_FIXED_H
#define XO_FIXED_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define XO_ONE (1u << 16)

/* The largest whole number whose square is at most x. */
uint32_t xo_isqrt(uint64_t x);

/* The square root of x / 2^16, times 2^16. */
static inline uint32_t xo_sqrt(uint32_t x)
{
	return xo_isqrt((uint64_t)x << 16);
}

/* The logarithm, times 2^16, of a whole number from 1 up; of 0 it is taken to be 0. */
uint32_t xo_log2(uint32_t x);
uint32_t xo_ln(uint32_t x);

#endif
