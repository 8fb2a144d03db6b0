/* SPDX-License-Identifier: MIT */
/*
 * Dropping a segment: its blocks are the interpreter's again, and jumps into it from other
 * segments, which are in its list, ask again where to go. Jumps within it go with it. Lists of
 * other segments forget the jumps that were in it, since something else will stand there.
 */
#include "cpu/rv64/jit/segment.h"

#include <stdlib.h>

#include "base/bits.h"
#include "cpu/rv64/jit/native.h"
#include "cpu/rv64/jit/record.h"

#define ALIGN 64u

void jit_segments_init(struct rv64_jit *j, size_t size)
{
	size_t each = size / JIT_SEGMENTS & ~(size_t)(ALIGN - 1);

	for (unsigned i = 0; i < JIT_SEGMENTS; i++) {
		struct jit_segment *s = &j->segment[i];

		s->begin = j->glue_end + i * each;
		s->end = s->begin + each;
	}
	jit_segments_clear(j);
}

void jit_segments_free(struct rv64_jit *j)
{
	for (unsigned i = 0; i < JIT_SEGMENTS; i++)
		free(j->segment[i].link);
}

void jit_segments_clear(struct rv64_jit *j)
{
	for (unsigned i = 0; i < JIT_SEGMENTS; i++) {
		j->segment[i].used = j->segment[i].begin;
		j->segment[i].n_links = 0;
		j->segment[i].n_sites = 0;
		j->segment[i].n_far = 0;
	}
	j->current = 0;
	j->cache.used = j->segment[0].begin;
}

size_t jit_room(const struct rv64_jit *j)
{
	size_t end = j->segment[j->current].end;

	return j->cache.used < end ? min_u64(end - j->cache.used, JIT_BLOCK_MAX) : 0;
}

bool jit_segment_is_short(const struct rv64_jit *j)
{
	return jit_room(j) < JIT_BLOCK_MAX && j->cache.used > j->segment[j->current].begin;
}

const struct jit_segment *jit_segment_of(const struct rv64_jit *j, size_t offset)
{
	for (unsigned i = 0; i < JIT_SEGMENTS; i++)
		if (offset >= j->segment[i].begin && offset < j->segment[i].end)
			return &j->segment[i];
	return NULL;
}

size_t jit_segment_used(const struct rv64_jit *j, const struct jit_segment *s)
{
	return s == &j->segment[j->current] ? j->cache.used : s->used;
}

static void drop_blocks(struct interp *c, const struct jit_segment *s)
{
	const struct jit_record *r;

	for (size_t at = s->begin; at < s->used; at += sizeof(*r) + r->size) {
		struct rv64_block *b;

		r = (const struct jit_record *)(const void *)(c->jit->cache.exec + at);
		b = jit_record_block(c, r);
		if (b)
			rv64_code_not_native(&c->code, b);
	}
}

static void forget_sites(struct jit_segment *list, const struct jit_segment *dropped)
{
	unsigned n = 0;

	for (unsigned i = 0; i < list->n_links; i++)
		if (list->link[i] < dropped->begin || list->link[i] >= dropped->end)
			list->link[n++] = list->link[i];
	list->n_links = n;
}

void jit_segment_next(struct interp *c)
{
	struct rv64_jit *j = c->jit;
	struct jit_segment *s;

	j->segment[j->current].used = j->cache.used;
	j->current = (j->current + 1) % JIT_SEGMENTS;
	s = &j->segment[j->current];
	drop_blocks(c, s);
	for (unsigned i = 0; i < s->n_links; i++)
		jit_unpatch_link(j, j->cache.exec + s->link[i]);
	s->n_links = 0;
	s->n_sites = 0;
	s->n_far = 0;
	jit_recall_drop(c);
	rv64_code_forget_jumps(&c->code); /* some lead to blocks that are gone */
	for (unsigned i = 0; i < JIT_SEGMENTS; i++)
		forget_sites(&j->segment[i], s);
	s->used = s->begin;
	j->cache.used = s->begin;
}

bool jit_segment_add_link(struct rv64_jit *j, const uint8_t *site, const void *native)
{
	size_t from = (size_t)(site - j->cache.exec);
	size_t to = (size_t)((const uint8_t *)native - j->cache.exec);
	struct jit_segment *s = &j->segment[jit_segment_of(j, to) - j->segment];

	if (from >= s->begin && from < s->end)
		return true;
	if (s->n_links == s->room) {
		unsigned room = s->room ? 2 * s->room : 256;
		uint32_t *link = realloc(s->link, room * sizeof(*link));

		if (!link)
			return false;
		s->link = link;
		s->room = room;
	}
	s->link[s->n_links++] = (uint32_t)from;
	return true;
}
