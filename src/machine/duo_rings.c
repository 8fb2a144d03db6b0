/* SPDX-License-Identifier: MIT */
/*
 * The first ring carries messages of the small core, which shows them by its used index; the second
 * those of Linux, which shows them by its available index. An index that is further ahead than a
 * ring is long is that of a ring that was made anew, or else we have lost the thread, and begin
 * with what comes next.
 */
#include "machine/duo_rings.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/trace.h"
#include "mem/gmem.h"
#include "rpmsg/proto.h"

#define DESC_SIZE UINT64_C(16)
#define AVAIL     (DESC_SIZE * DUO_RINGS_NUM)
#define USED      align_up(AVAIL + 6 + UINT64_C(2) * DUO_RINGS_NUM, DUO_RINGS_ALIGN)
#define RING_END  (USED + 6 + UINT64_C(8) * DUO_RINGS_NUM)
#define KICK_MAX  1u /* the commands 0 and 1 are kicks of these rings */

/* Which way a message goes: the numbers of the rings. */
enum way { TO_BIG, TO_SMALL };

void duo_rings_init(struct duo_rings *r, const struct gmem *mem, struct trace *trace, uint64_t base)
{
	*r = (struct duo_rings){.mem = mem, .trace = trace, .base = base};
	pthread_mutex_init(&r->lock, NULL);
}

void duo_rings_fini(struct duo_rings *r)
{
	pthread_mutex_destroy(&r->lock);
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
	trace_event(r->trace, &e);
}

static void tell_message(struct duo_rings *r, enum way way, const uint8_t *desc)
{
	uint64_t addr = rpmsg_load32(desc) | (uint64_t)rpmsg_load32(desc + 4) << 32;
	const uint8_t *p = gmem_map(r->mem, addr, RPMSG_BUFFER_SIZE);
	struct trace_event e = {.kind = TRACE_RPMSG};
	struct rpmsg_header h;

	if (!p)
		return;
	h = rpmsg_header_load(p);
	(void)snprintf(e.label, sizeof(e.label), "%s", way == TO_SMALL ? "small" : "big");
	e.a = h.src;
	e.b = h.dst;
	e.c = h.len;
	trace_event(r->trace, &e);
	if (h.dst == RPMSG_NS_ADDR && h.len == RPMSG_NS_SIZE)
		tell_announcement(r, p + RPMSG_HEADER_SIZE);
}

/* Under the lock. */
static void look(struct duo_rings *r, enum way way)
{
	const uint8_t *ring = gmem_map(r->mem, r->base + (uint64_t)way * DUO_RINGS_STEP, RING_END);
	const uint8_t *index;
	uint16_t now, n;

	if (!ring)
		return;
	index = ring + (way == TO_SMALL ? AVAIL : USED);
	now = rpmsg_load16(index + 2);
	n = (uint16_t)(now - r->seen[way]);
	if (n > DUO_RINGS_NUM)
		r->seen[way] = now <= DUO_RINGS_NUM ? 0 : now;
	for (; r->seen[way] != now; r->seen[way]++) {
		uint64_t at = r->seen[way] % DUO_RINGS_NUM;
		uint32_t id = way == TO_SMALL ? rpmsg_load16(index + 4 + 2 * at)
					      : rpmsg_load32(index + 4 + 8 * at);

		if (id < DUO_RINGS_NUM)
			tell_message(r, way, ring + DESC_SIZE * id);
	}
}

void duo_rings_rung(struct duo_rings *r, uint64_t message)
{
	if ((message >> 8 & 0x7f) > KICK_MAX)
		return;
	pthread_mutex_lock(&r->lock);
	look(r, TO_BIG);
	look(r, TO_SMALL);
	pthread_mutex_unlock(&r->lock);
}
