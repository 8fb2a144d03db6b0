/* SPDX-License-Identifier: MIT */
/*
 * The first ring carries messages of the small core, which shows them by its used index; the second
 * those of Linux, which shows them by its available index. An index that is further ahead than a
 * ring is long is that of a ring that was made anew, or else we have lost the thread, and begin
 * with what comes next.
 *
 * That Linux has begun anew shows where it gives buffers: its index of the first ring goes back.
 * All that was counted until then is of rings that are no more.
 */
#include "machine/duo_rings.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/trace.h"
#include "machine/duo_rings_place.h"
#include "machine/duo_trace.h"
#include "mem/gmem.h"
#include "rpmsg/proto.h"

#define KICK_MAX 1u /* the commands 0 and 1 are kicks of these rings */

void duo_rings_init(struct duo_rings *r, const struct gmem *mem, struct trace *trace,
		    uint64_t usual, uint64_t size)
{
	*r = (struct duo_rings){
		.mem = mem, .trace = trace, .usual = usual, .size = size, .base = usual};
	pthread_mutex_init(&r->lock, NULL);
}

void duo_rings_fini(struct duo_rings *r)
{
	pthread_mutex_destroy(&r->lock);
}

/* ---- all below: under the lock ---- */

static uint32_t num_of(const struct duo_rings *r)
{
	return r->num ? r->num : LINK_NUM;
}

/* A ring, all of it, or NULL. */
static const uint8_t *ring_of(const struct duo_rings *r, enum link_way way)
{
	return gmem_map(r->mem, r->base + (uint64_t)way * DUO_RINGS_STEP, rings_length(num_of(r)));
}

static const uint8_t *avail_of(const struct duo_rings *r, const uint8_t *ring)
{
	return ring + rings_avail_at(num_of(r));
}

static const uint8_t *used_of(const struct duo_rings *r, const uint8_t *ring)
{
	return ring + rings_used_at(num_of(r), LINK_ALIGN);
}

static void tell_announcement(struct duo_rings *r, const uint8_t *payload)
{
	struct trace_event e = {.kind = TRACE_ANNOUNCE};

	memcpy(e.label, payload + RPMSG_NS_AT_NAME, RPMSG_NS_NAME_MAX);
	for (char *p = e.label; *p; p++) /* for JSON */
		if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
			*p = '?';
	e.a = rpmsg_load32(payload + RPMSG_NS_AT_ADDR);
	e.b = rpmsg_load32(payload + RPMSG_NS_AT_FLAGS);
	if (r->trace)
		trace_event(r->trace, &e);
}

static const char *core_name(enum link_way way)
{
	return way == LINK_TO_SMALL ? DUO_SMALL_NAME : DUO_BIG_NAME;
}

static void tell_message(struct duo_rings *r, enum link_way way, const uint8_t *desc)
{
	uint64_t addr = rpmsg_load32(desc) | (uint64_t)rpmsg_load32(desc + 4) << 32;
	const uint8_t *p = gmem_map(r->mem, addr, RPMSG_BUFFER_SIZE);
	struct trace_event e = {.kind = TRACE_RPMSG};
	uint8_t header[RPMSG_HEADER_SIZE];
	struct rpmsg_header h;
	bool is_name;

	if (!p)
		return;
	memcpy(header, p, sizeof(header));
	h = rpmsg_header_load(header);
	(void)snprintf(e.label, sizeof(e.label), "%s", core_name(way));
	e.a = h.src;
	e.b = h.dst;
	e.c = h.len;
	e.d = h.flags;
	e.e = rpmsg_load32(header + RPMSG_AT_RESERVED);
	e.n_data = (uint16_t)min_u64(h.len, sizeof(e.data));
	memcpy(e.data, p + RPMSG_HEADER_SIZE, e.n_data);
	if (r->trace)
		trace_event(r->trace, &e);
	is_name = h.dst == RPMSG_NS_ADDR && h.len == RPMSG_NS_SIZE;
	if (is_name)
		tell_announcement(r, p + RPMSG_HEADER_SIZE);
	r->ring[way].messages++;
	r->announced += is_name && way == LINK_TO_BIG;
}

static void look_at_messages(struct duo_rings *r, enum link_way way)
{
	const uint8_t *ring = ring_of(r, way), *index;
	uint32_t num = num_of(r);
	uint16_t now, n;

	if (!ring)
		return;
	index = way == LINK_TO_SMALL ? avail_of(r, ring) : used_of(r, ring);
	now = rpmsg_load16(index + 2);
	n = (uint16_t)(now - r->seen[way]);
	if (n > num)
		r->seen[way] = now <= num ? 0 : now;
	for (; r->seen[way] != now; r->seen[way]++) {
		uint64_t at = r->seen[way] % num;
		uint32_t id = way == LINK_TO_SMALL ? rpmsg_load16(index + 4 + 2 * at)
						   : rpmsg_load32(index + 4 + 8 * at);

		if (id < num)
			tell_message(r, way, ring + RINGS_DESC_SIZE * id);
	}
}

/* What both sides have written of their indices. */
static void look_at_indices(struct duo_rings *r)
{
	for (unsigned i = 0; i < ARRAY_SIZE(r->ring); i++) {
		const uint8_t *ring = ring_of(r, i);
		uint16_t avail, used;

		if (!ring)
			continue;
		avail = rpmsg_load16(avail_of(r, ring) + 2);
		used = rpmsg_load16(used_of(r, ring) + 2);
		if (avail != r->ring[i].avail || used != r->ring[i].used)
			trace(r->trace, TRACE_RING, core_name(i), avail, used);
		r->ring[i].avail = avail;
		r->ring[i].used = used;
	}
}

static void find(struct duo_rings *r, uint64_t from, uint64_t size)
{
	uint64_t base = rings_find(r->mem, from, size, &r->num);

	if (!base || base == r->base)
		return;
	r->base = base;
	r->seen[0] = r->seen[1] = 0;
}

static void begin_anew(struct duo_rings *r)
{
	for (unsigned i = 0; i < ARRAY_SIZE(r->ring); i++)
		r->ring[i] = (struct link_ring){0};
	r->announced = 0;
	r->num = 0;
}

/* Rings, indices and messages, as they are now. */
static void look(struct duo_rings *r)
{
	const uint8_t *first = ring_of(r, LINK_TO_BIG);
	uint16_t given = first ? rpmsg_load16(avail_of(r, first) + 2) : 0;

	if ((int16_t)(given - r->given) < 0)
		begin_anew(r);
	if (!r->num)
		find(r, r->usual, r->size);
	look_at_messages(r, LINK_TO_BIG);
	look_at_messages(r, LINK_TO_SMALL);
	look_at_indices(r);
	r->given = r->ring[LINK_TO_BIG].avail;
	if (!r->ring[LINK_TO_BIG].used)
		r->ring[LINK_TO_BIG].used_at_start = r->ring[LINK_TO_SMALL].used_at_start = 0;
}

/* For who has time: wherever Linux may have put them. */
static void look_everywhere(struct duo_rings *r)
{
	look(r);
	for (unsigned i = 0; i < r->mem->n; i++) {
		const struct gmem_region *in = &r->mem->region[i];
		uint64_t at = 0, end;

		for (; !r->num && gmem_touched(in, &at, &end); at = end)
			find(r, in->gpa + at, end - at);
	}
	look(r);
}

static void fill_in(const struct duo_rings *r, struct link_facts *f)
{
	f->rings = r->num ? r->base : 0;
	f->usual = r->usual;
	f->num = num_of(r);
	memcpy(f->ring, r->ring, sizeof(f->ring));
	f->early = r->early;
	f->announced = r->announced;
}

static void note_whether_up(struct duo_rings *r)
{
	struct link_facts f;

	if (r->was_up || !r->announced)
		return;
	fill_in(r, &f);
	r->was_up = link_is_up(&f);
}

/* ---- for others ---- */

void duo_rings_rung(struct duo_rings *r, enum link_way way, bool heard, uint64_t message)
{
	if ((message >> 8 & 0x7f) > KICK_MAX)
		return;
	pthread_mutex_lock(&r->lock);
	look(r);
	r->ring[way].kicks += heard;
	r->ring[way].lost += !heard;
	r->early += way == LINK_TO_BIG && !r->ring[way].avail;
	note_whether_up(r);
	pthread_mutex_unlock(&r->lock);
}

void duo_rings_started(struct duo_rings *r)
{
	pthread_mutex_lock(&r->lock);
	look(r);
	for (unsigned i = 0; i < ARRAY_SIZE(r->ring); i++) {
		struct link_ring *ring = &r->ring[i];

		ring->used_at_start = ring->used;
		ring->kicks = ring->lost = ring->messages = 0;
	}
	r->early = r->announced = 0;
	pthread_mutex_unlock(&r->lock);
}

bool duo_rings_look(struct duo_rings *r, struct link_facts *f)
{
	bool was_up;

	pthread_mutex_lock(&r->lock);
	look_everywhere(r);
	note_whether_up(r);
	fill_in(r, f);
	was_up = r->was_up;
	if (r->num) {
		f->other_align = rings_other_align(r->mem, r->base, r->num);
		f->other_num = rings_other_num(r->mem, r->base, r->num);
		f->unwritten = rings_unwritten(r->mem, r->base, r->num);
	}
	pthread_mutex_unlock(&r->lock);
	return was_up;
}
