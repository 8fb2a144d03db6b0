/* SPDX-License-Identifier: MIT */
/*
 * Requests to the balloon against a model of guest memory, page by page (5.5.6).
 *
 * Pages that the model says were given away must be zero, all others must be as they were, whatever
 * numbers a request has; each chain comes back with nothing written, but for the one of statistics
 * that the device keeps.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/endian.h"
#include "base/loop.h"
#include "dev/balloon.h"
#include "lib/guest_ring.h"
#include "script.h"
#include "virtio/vdev.h"

#define RAM      0x80000000ull
#define PAGE     4096u
#define N_PAGES  64u /* those that the model watches; the rings and requests lie behind */
#define REQUESTS (RAM + N_PAGES * PAGE)
#define AREA     0x2000u
#define RINGS    (REQUESTS + AREA)
#define RAM_SIZE 0x80000ull
#define QUEUES   5u
#define RING     16u
#define STATS    2u
#define PARTS    4u
#define PFNS_MAX 1024u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct loop *loop;
	struct gmem *mem;
	struct vdev *dev;
	struct guest_ring ring[QUEUES];
	bool has_stats; /* negotiated */
	bool broken;
	bool stopped;
	uint8_t model[N_PAGES]; /* the byte that fills the page */
};

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 100 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

static uint8_t *page(struct world *w, unsigned i)
{
	return gmem_map(w->mem, RAM + (uint64_t)i * PAGE, PAGE);
}

/* ---- the model ---- */

static void model_inflate(struct world *w, uint32_t pfn)
{
	uint64_t i = pfn - RAM / PAGE;

	if (i < N_PAGES)
		w->model[i] = 0;
}

static void compare(struct world *w)
{
	for (unsigned i = 0; i < N_PAGES; i++) {
		const uint8_t *p = page(w, i);

		require(p[0] == w->model[i] && !memcmp(p, p + 1, PAGE - 1));
	}
}

/* ---- the driver ---- */

/* Submits and waits; false: it does not come back. */
static bool submit(struct world *w, unsigned queue, const struct guest_part *p, unsigned n)
{
	uint32_t id, len;

	require(guest_ring_add(&w->ring[queue], p, n, 0, 0) >= 0);
	guest_ring_publish(&w->ring[queue]);
	vdev_kick(w->dev, queue);
	turn(w);
	if (!guest_ring_reap(&w->ring[queue], &id, &len))
		return false;
	require(!len);
	return true;
}

/* Not the driver's own rings, and nothing that makes a run with what is no RAM: such a run is
 * refused as a whole. */
static uint32_t sane(uint32_t pfn)
{
	uint32_t first = RAM / PAGE;

	return pfn - first + 1 < RAM_SIZE / PAGE + 1 && pfn - first >= N_PAGES ? first : pfn;
}

/* Page numbers near each other, since runs of them are taken at once; few that are none. */
static void op_pages(struct world *w, struct script *s, unsigned queue)
{
	uint8_t *r = gmem_map(w->mem, REQUESTS, AREA);
	uint32_t n = get8(s), pfn = (uint32_t)(RAM / PAGE) + get8(s) % N_PAGES;
	uint32_t len = 4 * n, cut = get8(s) % (len + 1), odd = get8(s);
	struct guest_part p[2] = {{REQUESTS, cut, false}, {REQUESTS + cut, len - cut, false}};

	for (uint32_t i = 0; i < n; i++) {
		uint8_t step = get8(s);

		pfn = sane(step < 0xf0 ? pfn + step % 5 - 2 : get32(s));
		le32_store(r + (size_t)4 * i, pfn);
		if (!queue)
			model_inflate(w, pfn);
	}
	if (odd % 16 == 1) { /* bytes of half a number more */
		p[1].len += 2;
	} else if (odd % 16 == 2) {
		p[1].len = 4 * PFNS_MAX + 1;
		w->broken = true;
	}
	if (w->broken)
		memset(r, 0, AREA); /* pages that nobody has */
	require(submit(w, queue, p, 2) == !w->broken);
	require(vdev_is_broken(w->dev) == w->broken);
	if (w->broken && !queue)
		for (uint32_t i = 0; i < N_PAGES; i++)
			w->model[i] = page(w, i)[0];
}

static void op_report(struct world *w, struct script *s, unsigned queue)
{
	struct guest_part p[PARTS];
	unsigned n = 1 + get8(s) % PARTS;

	for (unsigned i = 0; i < n; i++) {
		unsigned first = get8(s) % N_PAGES, pages = 1 + get8(s) % (N_PAGES - first);

		p[i] = (struct guest_part){RAM + (uint64_t)first * PAGE, pages * PAGE, true};
		memset(w->model + first, 0, pages);
	}
	require(submit(w, queue, p, n));
}

/* One buffer of figures is always with the device. */
static void op_stats(struct world *w, struct script *s)
{
	uint8_t *r = gmem_map(w->mem, REQUESTS, AREA);
	const struct guest_part p = {REQUESTS, get8(s), false};
	uint32_t id, len;

	for (unsigned i = 0; i < 256; i++)
		r[i] = get8(s);
	(void)guest_ring_add(&w->ring[STATS], &p, 1, 0, 0);
	guest_ring_publish(&w->ring[STATS]);
	vdev_kick(w->dev, STATS);
	turn(w);
	while (guest_ring_reap(&w->ring[STATS], &id, &len))
		require(!len);
	require(w->ring[STATS].n_free == RING - 1);
	if (get8(s) & 1) {
		balloon_refresh(w->dev);
		turn(w);
		require(guest_ring_reap(&w->ring[STATS], &id, &len));
	}
}

static void op_touch(struct world *w, struct script *s)
{
	unsigned i = get8(s) % N_PAGES;

	w->model[i] = get8(s);
	memset(page(w, i), w->model[i], PAGE);
}

static void op_config(struct world *w, struct script *s)
{
	unsigned size = 1u << get8(s) % 4;
	uint64_t value;

	vdev_config_write(w->dev, get8(s), size, get32(s) * 0x100000001ull);
	(void)vdev_config_read(w->dev, get8(s) & 7, size, &value);
	if (get8(s) & 1)
		balloon_resize(w->dev, get32(s));
}

static void op(struct world *w, struct script *s)
{
	switch (get8(s) % 8) {
	case 0:
	case 1: op_pages(w, s, 0); break;
	case 2: op_pages(w, s, 1); break;
	case 3: op_report(w, s, w->has_stats ? 3 : STATS); break;
	case 4: op_report(w, s, 4); break;
	case 5:
		if (w->has_stats)
			op_stats(w, s);
		break;
	case 6: op_touch(w, s); break;
	default: op_config(w, s); break;
	}
}

/* ---- the world ---- */

static void ignore_interrupt(void *port, unsigned queue)
{
}

static void ignore(void *port)
{
}

static void stopped(void *arg)
{
	((struct world *)arg)->stopped = true;
}

static void world_init(struct world *w, struct script *s)
{
	static const struct vdev_port_ops port = {
		.interrupt = ignore_interrupt, .config_changed = ignore, .broken = ignore};
	struct balloon_config config = {0};
	uint64_t gpa = RINGS, features;

	memset(w, 0, sizeof(*w));
	require(!loop_new(&w->loop) && !gmem_new(&w->mem));
	require(!gmem_add_ram(w->mem, RAM, RAM_SIZE));
	config.loop = w->loop;
	config.mem = w->mem;
	require(!balloon_new(&config, &w->dev));
	vdev_attach(w->dev, &port, w, w->loop, w->mem);
	features = w->dev->offered & ~(get8(s) & 0x3full) & ~VIRTIO_F_INDIRECT_DESC &
		   ~VIRTIO_F_EVENT_IDX;
	require(!vdev_set_features(w->dev, features));
	w->has_stats = features & 2;
	for (unsigned i = 0; i < QUEUES; i++) {
		struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};

		gpa = guest_ring_init(&w->ring[i], w->mem, gpa, RING, 0, false);
		gpa = (gpa + 4095) & ~4095ull;
		setup.ring = (struct virtq_setup){.size = RING,
						  .desc = w->ring[i].desc,
						  .driver = w->ring[i].avail,
						  .device = w->ring[i].used};
		require(!vdev_queue_start(w->dev, i, &setup));
	}
	turn(w);
	for (unsigned i = 0; i < N_PAGES; i++) {
		w->model[i] = (uint8_t)(i + 1);
		memset(page(w, i), w->model[i], PAGE);
	}
}

static void world_fini(struct world *w)
{
	vdev_reset(w->dev, stopped, w);
	turn(w);
	require(w->stopped);
	vdev_free(w->dev);
	for (unsigned i = 0; i < QUEUES; i++)
		guest_ring_fini(&w->ring[i]);
	loop_free(w->loop);
	gmem_free(w->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct script s = {data, size};

	world_init(&w, &s);
	for (unsigned n = 0; s.left && n < 60 && !w.broken; n++) {
		op(&w, &s);
		compare(&w);
	}
	world_fini(&w);
	return 0;
}
