/* SPDX-License-Identifier: MIT */
/* Small arithmetic and type helpers that the language lacks. Pure: any thread, no state. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of type `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define BIT(n) (1ull << (n))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* `align` is a power of two; the caller sees to it that x + align does not overflow. */
static inline uint64_t align_up(uint64_t x, uint64_t align)
{
	return (x + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t x, uint64_t align)
{
	return x & ~(align - 1);
}

static inline bool is_power_of_two(uint64_t x)
{
	return x && !(x & (x - 1));
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Bits [hi:lo] of x, shifted down. 63 >= hi >= lo. */
static inline uint64_t bits_get(uint64_t x, unsigned hi, unsigned lo)
{
	return (x >> lo) & (~0ull >> (63 - (hi - lo)));
}

/* The low `n` bits of x as a signed number; 1 <= n <= 64. */
static inline int64_t sign_extend(uint64_t x, unsigned n)
{
	return (int64_t)(x << (64 - n)) >> (64 - n);
}

#endif
