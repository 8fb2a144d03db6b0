/* SPDX-License-Identifier: MIT */
/*
 * Ids are kept on a stack, so that they have nothing to do with slots. Only the last descriptor of
 * a chain carries the id; the others carry one that no chain has.
 */
#include "guest_packed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 0x80, USED = 0x8000 };
enum { EVENT_ENABLE, EVENT_DISABLE, EVENT_DESC };

#define NO_ID 0xdeadu

static uint8_t *at(const struct gmem *mem, uint64_t gpa, uint64_t len)
{
	uint8_t *p = gmem_map(mem, gpa, len);

	assert(p);
	return p;
}

static uint16_t load16(const uint8_t *p)
{
	return le16toh(__atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_SEQ_CST));
}

static void store16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, htole16(v), __ATOMIC_SEQ_CST);
}

static void step(const struct guest_packed *g, struct guest_place *place, uint32_t n)
{
	while (n--)
		if (++place->slot == g->size)
			*place = (struct guest_place){.slot = 0, .wrap = !place->wrap};
}

void guest_packed_init(struct guest_packed *g, const struct gmem *mem, uint64_t gpa, uint32_t size,
		       struct guest_place start, bool event_idx)
{
	memset(g, 0, sizeof(*g));
	g->mem = mem;
	g->size = size;
	g->event_idx = event_idx;
	g->desc = gpa;
	g->driver = gpa + 16ull * size;
	g->device = g->driver + 4;
	g->avail = g->used = start;
	g->n_free = g->n_id = size;
	g->free_id = calloc(size, sizeof(*g->free_id));
	g->n_slots = calloc(size, sizeof(*g->n_slots));
	assert(g->free_id && g->n_slots);
	for (uint32_t i = 0; i < size; i++)
		g->free_id[i] = (uint16_t)i;
	memset(at(mem, gpa, 16ull * size + 8), 0, 16ull * size + 8);
	/* As the rounds before have left them: used, behind `start` in this round. */
	for (uint32_t i = 0; i < size; i++) {
		bool bit = i < start.slot ? start.wrap : !start.wrap;

		store16(at(mem, gpa + 16ull * i, 16) + 14, bit ? AVAIL | USED : 0);
	}
}

void guest_packed_fini(struct guest_packed *g)
{
	free(g->free_id);
	free(g->n_slots);
	free(g->fifo);
}

void guest_packed_in_order(struct guest_packed *g)
{
	g->in_order = true;
	g->fifo = calloc(g->size, sizeof(*g->fifo));
	assert(g->fifo);
}

uint16_t guest_packed_state(struct guest_place place)
{
	return (uint16_t)(place.slot | (place.wrap ? 0 : 0x8000));
}

/* All but the flags. */
static uint8_t *fill(const struct gmem *mem, uint64_t gpa, uint64_t addr, uint32_t len, uint16_t id)
{
	uint8_t *d = at(mem, gpa, 16);

	le64_store(d, addr);
	le32_store(d + 8, len);
	le16_store(d + 12, id);
	return d;
}

void guest_packed_write(struct guest_packed *g, uint32_t slot, bool wrap, struct guest_part part,
			uint16_t flags, uint16_t id)
{
	uint8_t *d = fill(g->mem, g->desc + 16ull * slot, part.gpa, part.len, id);

	store16(d + 14, (uint16_t)(flags | (wrap ? AVAIL : USED)));
}

static void write_table(const struct guest_packed *g, uint64_t table, const struct guest_part *part,
			unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t *d = fill(g->mem, table + 16ull * i, part[i].gpa, part[i].len, NO_ID);

		le16_store(d + 14, part[i].write ? WRITE : 0);
	}
}

int guest_packed_add(struct guest_packed *g, const struct guest_part *part, unsigned n,
		     uint64_t table)
{
	struct guest_part whole = {.gpa = table, .len = 16 * n};
	struct guest_place place[64];
	unsigned need = table ? 1 : n;
	uint16_t id;

	assert(need && need <= 64);
	if (need > g->n_free || !g->n_id)
		return -1;
	id = g->free_id[--g->n_id];
	if (table)
		write_table(g, table, part, n);
	for (unsigned i = 0; i < need; i++) {
		place[i] = g->avail;
		step(g, &g->avail, 1);
	}
	/* The first one last: with it the device may take all of them. */
	for (unsigned i = need; i-- > 0;) {
		const struct guest_part *p = table ? &whole : &part[i];
		uint16_t flags = table ? INDIRECT : p->write ? WRITE : 0;

		if (i + 1 < need)
			flags |= NEXT;
		guest_packed_write(g, place[i].slot, place[i].wrap, *p, flags,
				   i + 1 < need ? NO_ID : id);
	}
	g->n_slots[id] = (uint16_t)need;
	if (g->in_order)
		g->fifo[(g->fifo_first + g->fifo_n++) % g->size] = id;
	g->n_free -= need;
	g->n_unannounced += need;
	return id;
}

bool guest_packed_announce(struct guest_packed *g)
{
	const uint8_t *event = at(g->mem, g->device, 4);
	uint16_t flags = load16(event + 2), off_wrap = load16(event);
	uint32_t n = g->n_unannounced;
	struct guest_place place = g->avail;

	g->n_unannounced = 0;
	if (!n || flags == EVENT_DISABLE)
		return false;
	if (flags == EVENT_ENABLE)
		return true;
	assert(flags == EVENT_DESC && g->event_idx);
	/* Is the one it waits for among the last n? All the way round and back are n slots. */
	step(g, &place, 2 * g->size - n);
	for (; n; n--) {
		if (place.slot == (off_wrap & 0x7fffu) && place.wrap == (off_wrap >> 15))
			return true;
		step(g, &place, 1);
	}
	return false;
}

static bool is_used(const struct guest_packed *g)
{
	uint16_t flags = load16(at(g->mem, g->desc + 16ull * g->used.slot, 16) + 14);

	return !!(flags & AVAIL) == g->used.wrap && !!(flags & USED) == g->used.wrap;
}

/* The used descriptor at g->used, if there is one. */
static bool used_desc(const struct guest_packed *g, uint16_t *id, uint32_t *len)
{
	const uint8_t *d = at(g->mem, g->desc + 16ull * g->used.slot, 16);

	if (!is_used(g))
		return false;
	*len = le32_load(d + 8);
	*id = le16_load(d + 12);
	assert(*id < g->size && g->n_slots[*id]);
	return true;
}

/* 2.8.9: a used descriptor stands for all chains up to the one that it names. */
static bool next_in_order(struct guest_packed *g, uint16_t *id, uint32_t *len)
{
	if (!g->batch) {
		if (!used_desc(g, id, &g->batch_len))
			return false;
		while (g->fifo[(g->fifo_first + g->batch++) % g->size] != *id)
			assert(g->batch < g->fifo_n);
	}
	*id = g->fifo[g->fifo_first];
	*len = --g->batch ? GUEST_WHOLE : g->batch_len;
	g->fifo_first = (g->fifo_first + 1) % g->size;
	g->fifo_n--;
	return true;
}

bool guest_packed_reap(struct guest_packed *g, uint16_t *id, uint32_t *len)
{
	if (g->in_order ? !next_in_order(g, id, len) : !used_desc(g, id, len))
		return false;
	step(g, &g->used, g->n_slots[*id]);
	g->n_free += g->n_slots[*id];
	g->n_slots[*id] = 0;
	g->free_id[g->n_id++] = *id;
	return true;
}

void guest_packed_event(struct guest_packed *g, uint16_t off_wrap, uint16_t flags)
{
	uint8_t *event = at(g->mem, g->driver, 4);

	store16(event, off_wrap);
	store16(event + 2, flags);
}

bool guest_packed_arm(struct guest_packed *g)
{
	uint16_t off_wrap = (uint16_t)(g->used.slot | (g->used.wrap ? 0x8000 : 0));

	guest_packed_event(g, off_wrap, g->event_idx ? EVENT_DESC : EVENT_ENABLE);
	return is_used(g);
}

void guest_packed_disarm(struct guest_packed *g)
{
	guest_packed_event(g, 0, EVENT_DISABLE);
}
