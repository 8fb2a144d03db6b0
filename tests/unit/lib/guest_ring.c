/* SPDX-License-Identifier: MIT */
/*
 * Descriptors are kept in a free list; a chain's descriptors are linked through `next` and go back
 * to it when its head comes out of the used ring.
 */
#include "guest_ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };

static void *at(const struct gmem *mem, uint64_t gpa, uint64_t len)
{
	void *p = gmem_map(mem, gpa, len);

	assert(p);
	return p;
}

static uint16_t get16(const struct guest_ring *g, uint64_t gpa)
{
	return le16toh(__atomic_load_n((uint16_t *)at(g->mem, gpa, 2), __ATOMIC_SEQ_CST));
}

static void put16(const struct guest_ring *g, uint64_t gpa, uint16_t v)
{
	__atomic_store_n((uint16_t *)at(g->mem, gpa, 2), htole16(v), __ATOMIC_SEQ_CST);
}

static uint64_t used_event(const struct guest_ring *g)
{
	return g->avail + 4 + 2ull * g->size;
}

static uint64_t avail_event(const struct guest_ring *g)
{
	return g->used + 4 + 8ull * g->size;
}

uint64_t guest_ring_init(struct guest_ring *g, const struct gmem *mem, uint64_t gpa, uint32_t size,
			 uint16_t start, bool event_idx)
{
	uint64_t end;

	memset(g, 0, sizeof(*g));
	g->mem = mem;
	g->size = size;
	g->event_idx = event_idx;
	g->desc = gpa;
	g->avail = g->desc + 16ull * size;
	g->used = (g->avail + 6 + 2ull * size + 3) & ~3ull;
	end = g->used + 6 + 8ull * size;
	memset(at(mem, gpa, end - gpa), 0, end - gpa);
	g->next_avail = g->published = g->next_used = start;
	put16(g, g->avail + 2, start);
	put16(g, g->used + 2, start);
	g->next = calloc(size, sizeof(*g->next));
	g->n_desc = calloc(size, sizeof(*g->n_desc));
	assert(g->next && g->n_desc);
	for (uint32_t i = 0; i < size; i++)
		g->next[i] = (uint16_t)(i + 1);
	g->n_free = (uint16_t)size;
	return (end + 4095) & ~4095ull;
}

void guest_ring_fini(struct guest_ring *g)
{
	free(g->next);
	free(g->n_desc);
	free(g->fifo);
}

void guest_ring_in_order(struct guest_ring *g)
{
	g->in_order = true;
	g->next[g->size - 1] = 0;
	g->fifo = calloc(g->size, sizeof(*g->fifo));
	assert(g->fifo);
}

void guest_desc_write(const struct gmem *mem, uint64_t table, uint32_t i, uint64_t addr,
		      uint32_t len, uint16_t flags, uint16_t next)
{
	uint8_t *d = at(mem, table + 16ull * i, 16);

	le64_store(d, addr);
	le32_store(d + 8, len);
	le16_store(d + 12, flags);
	le16_store(d + 14, next);
}

/* A table of its own for parts, linked in order. */
static void write_table(const struct guest_ring *g, uint64_t table, const struct guest_part *p,
			unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		guest_desc_write(g->mem, table, i, p[i].gpa, p[i].len,
				 (uint16_t)((p[i].write ? F_WRITE : 0) | (i + 1 < n ? F_NEXT : 0)),
				 (uint16_t)(i + 1));
}

int guest_ring_add(struct guest_ring *g, const struct guest_part *part, unsigned n,
		   uint64_t indirect, unsigned direct)
{
	unsigned plain = indirect ? direct : n;
	unsigned need = plain + (indirect ? 1 : 0);
	uint16_t head = g->free_head;
	uint16_t i = head;

	if (need > g->n_free)
		return -1;
	for (unsigned k = 0; k < need; k++) {
		uint16_t more = k + 1 < need ? F_NEXT : 0;

		if (k < plain)
			guest_desc_write(g->mem, g->desc, i, part[k].gpa, part[k].len,
					 (uint16_t)(more | (part[k].write ? F_WRITE : 0)),
					 g->next[i]);
		else
			guest_desc_write(g->mem, g->desc, i, indirect, 16 * (n - plain), F_INDIRECT,
					 0);
		i = g->next[i];
	}
	if (indirect)
		write_table(g, indirect, part + plain, n - plain);
	g->free_head = i;
	g->n_free = (uint16_t)(g->n_free - need);
	g->n_desc[head] = (uint16_t)need;
	if (g->in_order)
		g->fifo[(g->fifo_first + g->fifo_n++) % g->size] = head;
	put16(g, g->avail + 4 + 2ull * (g->next_avail % g->size), head);
	g->next_avail++;
	return head;
}

void guest_ring_offer(struct guest_ring *g, uint16_t head)
{
	put16(g, g->avail + 4 + 2ull * (g->next_avail % g->size), head);
	g->next_avail++;
	g->published = g->next_avail;
	put16(g, g->avail + 2, g->published);
}

bool guest_ring_publish(struct guest_ring *g)
{
	uint16_t old = g->published, new = g->next_avail;

	if (old == new)
		return false;
	g->published = new;
	put16(g, g->avail + 2, new);
	if (!g->event_idx)
		return !(get16(g, g->used) & 1);
	/* As the specification writes it (2.7.10.1). */
	return (uint16_t)(new - get16(g, avail_event(g)) - 1) < (uint16_t)(new - old);
}

/* The used entry at next_used, if there is one. */
static bool used_entry(const struct guest_ring *g, uint32_t *id, uint32_t *len)
{
	const uint8_t *e;

	if (get16(g, g->used + 2) == g->next_used)
		return false;
	e = at(g->mem, g->used + 4 + 8ull * (g->next_used % g->size), 8);
	*id = le32toh(__atomic_load_n((const uint32_t *)(const void *)e, __ATOMIC_RELAXED));
	*len = le32toh(__atomic_load_n((const uint32_t *)(const void *)(e + 4), __ATOMIC_RELAXED));
	assert(*id < g->size && g->n_desc[*id]);
	return true;
}

/* 2.7.9: an entry stands for all chains up to the one that it names. */
static bool reap_in_order(struct guest_ring *g, uint32_t *id, uint32_t *len)
{
	if (!g->batch) {
		if (!used_entry(g, id, &g->batch_len))
			return false;
		while (g->fifo[(g->fifo_first + g->batch++) % g->size] != *id)
			assert(g->batch < g->fifo_n);
		g->next_used = (uint16_t)(g->next_used + g->batch);
		assert((uint16_t)(get16(g, g->used + 2) - g->next_used) < 0x8000);
	}
	*id = g->fifo[g->fifo_first];
	*len = --g->batch ? GUEST_WHOLE : g->batch_len;
	g->fifo_first = (g->fifo_first + 1) % g->size;
	g->fifo_n--;
	g->n_free = (uint16_t)(g->n_free + g->n_desc[*id]);
	g->n_desc[*id] = 0;
	return true;
}

bool guest_ring_reap(struct guest_ring *g, uint32_t *id, uint32_t *len)
{
	uint16_t tail;

	if (g->in_order)
		return reap_in_order(g, id, len);
	if (!used_entry(g, id, len))
		return false;
	g->next_used++;
	tail = (uint16_t)*id;
	for (unsigned k = 1; k < g->n_desc[*id]; k++)
		tail = g->next[tail];
	g->next[tail] = g->free_head;
	g->free_head = (uint16_t)*id;
	g->n_free = (uint16_t)(g->n_free + g->n_desc[*id]);
	g->n_desc[*id] = 0;
	return true;
}

bool guest_ring_arm(struct guest_ring *g)
{
	if (g->event_idx)
		put16(g, used_event(g), g->next_used);
	else
		put16(g, g->avail, 0);
	return get16(g, g->used + 2) != g->next_used;
}

void guest_ring_disarm(struct guest_ring *g)
{
	if (g->event_idx) /* half the number space away */
		put16(g, used_event(g), (uint16_t)(g->next_used - 0x8000));
	else
		put16(g, g->avail, 1);
}
