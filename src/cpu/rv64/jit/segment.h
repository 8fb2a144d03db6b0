/* SPDX-License-Identifier: MIT */
/*
 * The memory for code is filled segment after segment, and when the last one is full begins again
 * at the first: what is in a segment is dropped when it is about to be filled anew. So a hart that
 * needs more code than there is room for loses the oldest eighth of it and goes on after a fraction
 * of a millisecond. All functions belong to the hart's thread, while no native code runs.
 */
#ifndef CPU_RV64_JIT_SEGMENT_H
#define CPU_RV64_JIT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interp;
struct rv64_jit;

#define JIT_SEGMENTS 8

/* Offsets in the memory for code. Of the current segment, cache.used is what `used` is of others.
 */
struct jit_segment {
	size_t begin, end, used;
	/* Jumps from other segments to here: their sites (jit_patch_link()). */
	uint32_t *link;
	unsigned n_links, room;
	unsigned n_sites, n_far; /* that its code has (recall.c) */
};

/* Divides `size` bytes from j->glue_end on. free undoes it. */
void jit_segments_init(struct rv64_jit *j, size_t size);
void jit_segments_free(struct rv64_jit *j);
/* All blocks were dropped. */
void jit_segments_clear(struct rv64_jit *j);

/* The bytes that code at cache.used may have, at most JIT_BLOCK_MAX. */
size_t jit_room(const struct rv64_jit *j);
/* Whether a block that had not enough of them may have more in the next segment. */
bool jit_segment_is_short(const struct rv64_jit *j);
/* Goes on to it, and drops what it holds. */
void jit_segment_next(struct interp *c);

/* The jump at `site` is about to lead to `native`. False: no memory, it must not. */
bool jit_segment_add_link(struct rv64_jit *j, const uint8_t *site, const void *native);

/* The segment of an offset in the memory for code, or NULL: glue, or nothing. Async-signal-safe. */
const struct jit_segment *jit_segment_of(const struct rv64_jit *j, size_t offset);
/* Where its records end. Async-signal-safe. */
size_t jit_segment_used(const struct rv64_jit *j, const struct jit_segment *s);

#endif
