/* SPDX-License-Identifier: MIT */
/*
 * Memory for compiled code: the same pages mapped twice, to write and to execute, so that none is
 * ever both. Pages are touched when they are first written, and now and then leave the writable
 * mapping, so that they count once.
 */
#ifndef CPU_RV64_JIT_CACHE_H
#define CPU_RV64_JIT_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct jit_cache {
	uint8_t *write;
	const uint8_t *exec;
	size_t size, used;
	size_t hidden; /* `used` at the last time, in steps of jit_cache_written() */
};

/* 0 or -errno. fini may follow a failed init. */
int jit_cache_init(struct jit_cache *m, size_t size);
void jit_cache_fini(struct jit_cache *m);
/* After `used` has grown: what was written need not be seen twice by those who count memory. */
void jit_cache_written(struct jit_cache *m);

#endif
