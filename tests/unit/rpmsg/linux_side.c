/* SPDX-License-Identifier: MIT */
/* Words that both sides write or read meanwhile are atomic, so that the two may be threads. */
#include "linux_side.h"

#include <assert.h>
#include <string.h>

uint8_t *linux_avail(struct linux_side *l, unsigned ring)
{
	return l->ring[ring].p + (size_t)16 * l->num;
}

uint8_t *linux_used(struct linux_side *l, unsigned ring)
{
	size_t end = (size_t)16 * l->num + 6 + (size_t)2 * l->num;

	return l->ring[ring].p + ((end + 4095) & ~(size_t)4095);
}

void linux_set16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, v, __ATOMIC_SEQ_CST);
}

static uint16_t linux_get16(const uint8_t *p)
{
	return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_SEQ_CST);
}

static uint32_t linux_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

uint16_t linux_used_idx(const struct linux_side *l, unsigned ring)
{
	struct linux_side *m = (struct linux_side *)(uintptr_t)l;

	return linux_get16(linux_used(m, ring) + 2);
}

uint16_t linux_used_flags(const struct linux_side *l, unsigned ring)
{
	struct linux_side *m = (struct linux_side *)(uintptr_t)l;

	return linux_get16(linux_used(m, ring));
}

void linux_desc(struct linux_side *l, unsigned ring, uint16_t id, uint64_t addr, uint32_t len,
		uint16_t flags)
{
	uint8_t *d = l->ring[ring].p + (size_t)16 * id;
	uint16_t next = 0;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

void linux_make_available(struct linux_side *l, unsigned ring, uint16_t id)
{
	struct linux_ring *r = &l->ring[ring];
	uint8_t *avail = linux_avail(l, ring);

	linux_set16(avail + 4 + (size_t)2 * (r->avail & (l->num - 1)), id);
	r->avail++;
	linux_set16(avail + 2, r->avail);
	if (!(linux_get16(linux_used(l, ring)) & 1))
		l->kicked[ring] = true;
}

static uint32_t linux_buffer(const struct linux_side *l, unsigned ring, uint16_t id)
{
	return l->ring[ring].buffers + 512u * id;
}

void linux_give(struct linux_side *l, uint16_t id)
{
	linux_desc(l, 0, id, LINUX_BASE + linux_buffer(l, 0, id), 512, 2);
	linux_make_available(l, 0, id);
}

void linux_probe(struct linux_side *l, uint32_t num)
{
	assert(num <= LINUX_NUM_MAX);
	l->num = num;
	for (unsigned i = 0; i < 2; i++) {
		l->ring[i] = (struct linux_ring){.p = l->memory + (size_t)LINUX_RING1 * i,
						 .buffers = LINUX_BUFFERS + i * num * 512u};
		memset(l->ring[i].p, 0, LINUX_RING1);
	}
	linux_want_told(l, false);
	for (uint32_t id = 0; id < num; id++)
		linux_give(l, (uint16_t)id);
	l->kicked[0] = true;
}

/* The next used entry of a ring: its descriptor, or -1. */
static int linux_next_used(struct linux_side *l, unsigned ring, uint32_t *len)
{
	struct linux_ring *r = &l->ring[ring];
	const uint8_t *entry;

	if (linux_used_idx(l, ring) == r->seen)
		return -1;
	entry = linux_used(l, ring) + 4 + (size_t)8 * (r->seen & (l->num - 1));
	r->seen++;
	*len = linux_get32(entry + 4);
	assert(linux_get32(entry) < l->num);
	return (int)linux_get32(entry);
}

bool linux_recv(struct linux_side *l, struct linux_message *m, bool keep)
{
	const uint8_t *b;
	uint32_t len;
	int id = linux_next_used(l, 0, &len);

	if (id < 0)
		return false;
	assert(len >= 16 && len <= 512);
	b = l->memory + linux_buffer(l, 0, (uint16_t)id);
	m->src = linux_get32(b);
	m->dst = linux_get32(b + 4);
	assert(linux_get32(b + 8) == 0);
	memcpy(&m->len, b + 12, 2);
	memcpy(&m->flags, b + 14, 2);
	assert(m->len == len - 16);
	memcpy(m->data, b + 16, m->len);
	if (!keep)
		linux_give(l, (uint16_t)id);
	return true;
}

bool linux_send(struct linux_side *l, uint32_t src, uint32_t dst, uint16_t flags, const void *data,
		uint16_t len)
{
	struct linux_ring *r = &l->ring[1];
	uint32_t unused;
	uint8_t *b;
	int id;

	id = r->fresh < l->num ? r->fresh++ : linux_next_used(l, 1, &unused);
	if (id < 0)
		return false;
	b = l->memory + linux_buffer(l, 1, (uint16_t)id);
	memcpy(b, &src, 4);
	memcpy(b + 4, &dst, 4);
	memset(b + 8, 0, 4);
	memcpy(b + 12, &len, 2);
	memcpy(b + 14, &flags, 2);
	memcpy(b + 16, data, len);
	linux_desc(l, 1, (uint16_t)id, LINUX_BASE + linux_buffer(l, 1, (uint16_t)id), 16u + len, 0);
	linux_make_available(l, 1, (uint16_t)id);
	return true;
}

void linux_want_told(struct linux_side *l, bool want)
{
	linux_set16(linux_avail(l, 1), want ? 0 : 1);
}
