/* SPDX-License-Identifier: MIT */
/*
 * RPMsg's remote side over vrings, against a driver that writes anything into the shared memory at
 * any time, and an application that sends, holds and releases in any order.
 *
 * Nothing outside of the shared memory may be touched (it is a block of its own, for
 * AddressSanitizer to watch), payloads lie within it and are no longer than a message. Afterwards
 * the driver restarts and behaves, and a message each way must get through, whatever went before.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rpmsg/queue.h"
#include "rpmsg/rpmsg.h"
#include "rpmsg/vring.h"
#include "script.h"

#define NUM      4u
#define ALIGN    64u
#define RING     0x100u
#define AT_AVAIL (16u * NUM)
#define AT_USED  128u
#define BUFFERS  (2u * RING)
#define BUFFER   64u
#define SIZE     (BUFFERS + 2u * NUM * BUFFER)
#define BASE     (UINT64_C(0xfffffffffffff000) - SIZE) /* near the end of all addresses */
#define ADDR     30u
#define QUEUED   31u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	uint8_t *memory;
	struct rpmsg_window window;
	struct rpmsg_vrings vrings;
	struct rpmsg rpmsg;
	struct rpmsg_ept ept, queued;
	struct rpmsg_queue queue;
	struct rpmsg_queue_item items[2];
	void *held, *tx;
	bool hold;
	unsigned n_got;
};

/* ---- the application ---- */

static void look_at(const struct world *w, const void *payload, uint32_t len)
{
	const uint8_t *p = payload;
	volatile uint8_t last;

	require(p >= w->memory + RPMSG_HEADER_SIZE && len <= BUFFER - RPMSG_HEADER_SIZE);
	require(p + len <= w->memory + SIZE);
	if (len)
		last = p[len - 1];
	(void)last;
}

static int received(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct world *w = priv;

	look_at(w, payload, len);
	w->n_got++;
	if (!w->hold)
		return RPMSG_RELEASE;
	w->held = payload;
	return RPMSG_HOLD;
}

static void announced(uint32_t addr, const char *name, uint32_t flags, void *priv)
{
	require(strlen(name) < RPMSG_NS_NAME_MAX);
}

static void notify(void *arg, unsigned ring)
{
	require(ring < 2);
}

static void begin(struct world *w, bool resume)
{
	const struct rpmsg_vring_config config = {
		.ring = {BASE, BASE + RING},
		.num = NUM,
		.align = ALIGN,
		.buffer_size = BUFFER,
		.windows = &w->window,
		.n_windows = 1,
		.resume = resume,
		.env = {.arg = w, .notify = notify},
	};
	const struct rpmsg_env env = {.arg = w};

	require(!rpmsg_vrings_init(&w->vrings, &config));
	rpmsg_remote_init(&w->rpmsg, &w->vrings.carrier, &env);
	require(rpmsg_create_ept(&w->rpmsg, ADDR, received, w, &w->ept) == &w->ept);
	rpmsg_queue_create(&w->rpmsg, &w->queue, w->items, 2);
	rpmsg_create_ept(&w->rpmsg, QUEUED, rpmsg_queue_rx_cb, &w->queue, &w->queued);
	rpmsg_ns_bind(&w->rpmsg, announced, w);
	w->held = w->tx = NULL;
}

static void application_step(struct world *w, struct script *s)
{
	uint8_t text[BUFFER], what = get8(s);
	uint32_t len, src;

	memset(text, what, sizeof(text));
	switch (what % 8) {
	case 0: rpmsg_poll(&w->rpmsg); break;
	case 1: rpmsg_send(&w->rpmsg, &w->ept, 1024, text, get8(s) % (BUFFER + 1), 0); break;
	case 2:
		w->tx = rpmsg_alloc_tx_buffer(&w->rpmsg, &len, 0);
		if (w->tx) {
			look_at(w, w->tx, len);
			memset(w->tx, 1, len);
		}
		break;
	case 3:
		if (w->tx)
			rpmsg_send_nocopy(&w->rpmsg, &w->ept, 1024, w->tx, get8(s) % BUFFER);
		break;
	case 4:
		if (w->held)
			rpmsg_release_rx_buffer(&w->rpmsg, w->held);
		break;
	case 5: w->hold = !w->hold; break;
	case 6:
		if (!rpmsg_queue_recv(&w->rpmsg, &w->queue, &src, text, get8(s) % BUFFER, &len, 0))
			require(len <= BUFFER - RPMSG_HEADER_SIZE);
		break;
	case 7: rpmsg_ns_announce(&w->rpmsg, &w->ept, "fuzz", what >> 3 & 1); break;
	}
}

/* ---- the driver ---- */

static void put16(struct world *w, uint32_t at, uint16_t v)
{
	memcpy(w->memory + at, &v, sizeof(v));
}

static uint16_t load16(const struct world *w, uint32_t at)
{
	uint16_t v;

	memcpy(&v, w->memory + at, sizeof(v));
	return v;
}

static void put_desc(struct world *w, uint32_t ring, uint16_t id, uint64_t addr, uint32_t len,
		     uint16_t flags)
{
	uint8_t *d = w->memory + ring * RING + 16u * id;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
}

static void make_available(struct world *w, uint32_t ring, uint16_t id)
{
	uint32_t avail = ring * RING + AT_AVAIL;
	uint16_t idx = load16(w, avail + 2);

	put16(w, avail + 4 + 2u * (idx % NUM), id);
	put16(w, avail + 2, (uint16_t)(idx + 1));
}

static void give_buffer(struct world *w, uint32_t ring, uint16_t id, uint32_t len)
{
	put_desc(w, ring, id, BASE + BUFFERS + (ring * NUM + id) * BUFFER, len, ring ? 0 : 2);
	make_available(w, ring, id);
}

/* A message for `dst` in the buffer `id` of ring 1. */
static void send_message(struct world *w, uint16_t id, uint32_t dst, uint16_t len)
{
	const struct rpmsg_header header = {.src = 1024, .dst = dst, .len = len};

	rpmsg_header_store(w->memory + BUFFERS + (NUM + id) * BUFFER, &header);
	give_buffer(w, 1, id, RPMSG_HEADER_SIZE + (len % BUFFER));
}

static void driver_probes(struct world *w)
{
	memset(w->memory, 0, BUFFERS);
	for (uint16_t id = 0; id < NUM; id++)
		give_buffer(w, 0, id, BUFFER);
}

static void driver_step(struct world *w, struct script *s)
{
	static const uint32_t to[] = {ADDR, QUEUED, RPMSG_NS_ADDR, 7};
	uint8_t what = get8(s);

	switch (what % 6) {
	case 0: put16(w, get16(s) % (SIZE - 1), get16(s)); break;
	case 1: send_message(w, what >> 3 & 3, to[what >> 5 & 3], get8(s) % BUFFER); break;
	case 2: give_buffer(w, 0, what >> 3 & 3, BUFFER); break;
	case 3:
		put_desc(w, what >> 3 & 1, what >> 4 & 3, BASE + get16(s) - 0x400, get16(s),
			 get8(s));
		break;
	case 4: make_available(w, what >> 3 & 1, get8(s) % (NUM + 1)); break;
	case 5: driver_probes(w); break;
	}
}

/* Whatever went before, now both sides do what they should. */
static void must_work(struct world *w)
{
	unsigned before = w->n_got;
	uint16_t used;

	memset(w->memory, 0, BUFFERS);
	rpmsg_poll(&w->rpmsg);
	driver_probes(w);
	w->hold = false;
	send_message(w, 0, ADDR, 3);
	rpmsg_poll(&w->rpmsg);
	require(w->n_got == before + 1);
	require(load16(w, RING + AT_USED + 2) == 1);
	used = load16(w, AT_USED + 2);
	require(!rpmsg_send(&w->rpmsg, &w->ept, 1024, "end", 3, 0));
	require(load16(w, AT_USED + 2) == (uint16_t)(used + 1));
	require(!rpmsg_vrings_why(&w->vrings));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {data, size};
	struct world w = {.memory = aligned_alloc(64, SIZE)};

	require(w.memory != NULL);
	memset(w.memory, 0, SIZE);
	w.window = (struct rpmsg_window){.base = BASE, .size = SIZE, .p = w.memory};
	driver_probes(&w);
	begin(&w, false);
	for (unsigned n = 0; n < 200 && s.left; n++) {
		uint8_t who = get8(&s);

		if (who == 0xff)
			begin(&w, get8(&s) & 1);
		else if (who & 1)
			driver_step(&w, &s);
		else
			application_step(&w, &s);
	}
	must_work(&w);
	free(w.memory);
	return 0;
}
