/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls, under the names that it gives: those of the thread sanitizer, whose own
 * library is not here. Unlike for the address sanitizer, no access is left out because one before
 * it was to the same place. memcpy() is renamed on the command line, since compilers make loads of
 * it too late to be seen.
 */
#include "watched.h"

#include <stdlib.h>
#include <string.h>

static struct {
	const uint8_t *base;
	size_t len, n_twice;
	uint32_t round, *read_in; /* for each byte, the last round in which it was read */
} watch;

void watch_begin(const void *p, size_t len)
{
	watch.base = p;
	watch.len = len;
	watch.read_in = calloc(len, sizeof(*watch.read_in));
	if (!watch.read_in)
		abort();
	watch.round = 0;
	watch_again();
}

void watch_end(void)
{
	free(watch.read_in);
	watch.read_in = NULL;
	watch.len = 0;
}

void watch_again(void)
{
	watch.round++;
	watch.n_twice = 0;
}

size_t watch_n_twice(void)
{
	return watch.n_twice;
}

int watch_saw(const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (watch.read_in[(const uint8_t *)p - watch.base + i] != watch.round)
			return 0;
	return 1;
}

static void note(const volatile void *p, size_t len)
{
	size_t at = (size_t)((const volatile uint8_t *)p - watch.base);

	if (at >= watch.len)
		return;
	for (size_t i = at; i < at + len && i < watch.len; i++) {
		watch.n_twice += watch.read_in[i] == watch.round;
		watch.read_in[i] = watch.round;
	}
}

void *watched_memcpy(void *to, const void *from, size_t len);
void *watched_memcpy(void *to, const void *from, size_t len)
{
	note(from, len);
	return memcpy(to, from, len);
}

/* ---- what compilers call ---- */

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void *caller);
void __tsan_atomic_signal_fence(int order);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller)
{
}

void __tsan_func_exit(void *caller)
{
}

void __tsan_atomic_signal_fence(int order)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void __tsan_read_range(void *p, long len);
void __tsan_write_range(void *p, long len);

void __tsan_read_range(void *p, long len)
{
	note(p, (size_t)len);
}

void __tsan_write_range(void *p, long len)
{
}

#define PLAIN(access, size, what)            \
	void __tsan_##access##size(void *p); \
	void __tsan_##access##size(void *p)  \
	{                                    \
		what;                        \
	}

#define PLAINS(size)                               \
	PLAIN(read, size, note(p, size))           \
	PLAIN(unaligned_read, size, note(p, size)) \
	PLAIN(write, size, (void)p)                \
	PLAIN(unaligned_write, size, (void)p)

PLAIN(read, 1, note(p, 1))
PLAIN(write, 1, (void)p)
PLAINS(2)
PLAINS(4)
PLAINS(8)
PLAINS(16)

/* As strong as they can be: what is tested here is what is read, not in which order. */
#define ATOMICS(bits)                                                                         \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile void *p, int order);         \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile void *p, int order)          \
	{                                                                                     \
		note(p, bits / 8);                                                            \
		return __atomic_load_n((const volatile uint##bits##_t *)p, __ATOMIC_SEQ_CST); \
	}                                                                                     \
	void __tsan_atomic##bits##_store(volatile void *p, uint##bits##_t v, int order);      \
	void __tsan_atomic##bits##_store(volatile void *p, uint##bits##_t v, int order)       \
	{                                                                                     \
		__atomic_store_n((volatile uint##bits##_t *)p, v, __ATOMIC_SEQ_CST);          \
	}

ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
