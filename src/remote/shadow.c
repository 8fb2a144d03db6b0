/* SPDX-License-Identifier: MIT */
/*
 * Free descriptors are a list through next[]; a chain keeps its links there until it comes back.
 * EVENT_IDX is not used: the back end turns kicks off by the flag in the used ring, and we never
 * turn off its calls.
 */
#include "remote/shadow.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "virtio/spec.h"
#include "virtio/virtq.h"

/* Words that the other side writes are read once, whatever the compiler thinks of it. */
static uint16_t load16(const uint8_t *p, int order)
{
	return le16toh(__atomic_load_n((const uint16_t *)(const void *)p, order));
}

static uint32_t load32(const uint8_t *p)
{
	return le32toh(__atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_RELAXED));
}

static void store16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, htole16(v), __ATOMIC_SEQ_CST);
}

static uint8_t *avail(const struct shadow *s)
{
	return s->mem + SHADOW_AVAIL;
}

static const uint8_t *used(const struct shadow *s)
{
	return s->mem + SHADOW_USED;
}

int shadow_init(struct shadow *s, uint8_t *mem, unsigned n_slots)
{
	memset(s, 0, sizeof(*s));
	s->slot = calloc(n_slots, sizeof(*s->slot));
	if (!s->slot)
		return -ENOMEM;
	s->mem = mem;
	s->n_slots = n_slots;
	shadow_reset(s);
	return 0;
}

void shadow_fini(struct shadow *s)
{
	free(s->slot);
	s->slot = NULL;
}

void shadow_reset(struct shadow *s)
{
	memset(s->mem, 0, SHADOW_BYTES);
	memset(s->slot, 0, s->n_slots * sizeof(*s->slot));
	for (unsigned i = 0; i < SHADOW_SIZE; i++)
		s->next[i] = (uint16_t)(i + 1);
	s->first_free = 0;
	s->n_free = SHADOW_SIZE;
	s->n_in_flight = 0;
	s->avail_idx = 0;
	s->published = 0;
	s->used_idx = 0;
}

static void write_desc(struct shadow *s, unsigned at, const struct virtq_seg *seg, unsigned flags)
{
	uint8_t *d = s->mem + (size_t)at * SPLIT_DESC_SIZE;

	le64_store(d, seg->gpa);
	le32_store(d + 8, seg->len);
	le16_store(d + 12, (uint16_t)flags);
	le16_store(d + 14, s->next[at]);
}

void shadow_add(struct shadow *s, unsigned slot, const struct virtq_chain *c)
{
	unsigned n = c->n_read + c->n_write, at = s->first_free;
	uint32_t entry = s->avail_idx % SHADOW_SIZE;

	s->slot[slot] = (struct shadow_slot){
		.used = true, .head = (uint16_t)at, .n = (uint16_t)n, .write_len = c->write_len};
	s->slot_of[at] = (uint16_t)slot;
	for (unsigned i = 0; i < n; i++, at = s->next[at])
		write_desc(s, at, &c->seg[i],
			   (i >= c->n_read ? VIRTQ_DESC_F_WRITE : 0) |
				   (i + 1 < n ? VIRTQ_DESC_F_NEXT : 0));
	le16_store(avail(s) + SPLIT_AVAIL_RING + (size_t)2 * entry, s->first_free);
	s->avail_idx++;
	s->first_free = (uint16_t)at;
	s->n_free -= n;
	s->n_in_flight++;
}

bool shadow_publish(struct shadow *s)
{
	if (s->published == s->avail_idx)
		return false;
	/* Sequentially consistent, against the flag: the back end sets it and looks for chains. */
	store16(avail(s) + SPLIT_AVAIL_IDX, s->avail_idx);
	s->published = s->avail_idx;
	return !(load16(used(s), __ATOMIC_SEQ_CST) & VIRTQ_USED_F_NO_NOTIFY);
}

/* Puts a chain's descriptors back. Links are followed in our own copy. */
static void release(struct shadow *s, struct shadow_slot *slot)
{
	unsigned last = slot->head;

	for (unsigned i = 1; i < slot->n; i++)
		last = s->next[last];
	s->next[last] = s->first_free;
	s->first_free = slot->head;
	s->n_free += slot->n;
	s->n_in_flight--;
	slot->used = false;
}

int shadow_take(struct shadow *s, unsigned *slot, uint32_t *written)
{
	uint16_t idx = load16(used(s) + SPLIT_USED_IDX, __ATOMIC_ACQUIRE);
	const uint8_t *entry = used(s) + SPLIT_USED_RING +
			       (size_t)SPLIT_USED_SIZE * (s->used_idx % SHADOW_SIZE);
	uint32_t id, len;
	unsigned at;

	if (idx == s->used_idx)
		return 0;
	id = load32(entry);
	len = load32(entry + 4);
	if (id >= SHADOW_SIZE)
		return -EPROTO;
	at = s->slot_of[id];
	if (at >= s->n_slots || !s->slot[at].used || s->slot[at].head != id ||
	    len > s->slot[at].write_len)
		return -EPROTO;
	s->used_idx++;
	*slot = at;
	*written = len;
	release(s, &s->slot[at]);
	return 1;
}
