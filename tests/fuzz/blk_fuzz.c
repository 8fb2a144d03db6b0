/* SPDX-License-Identifier: MIT */
/*
 * Requests to the disk against a model of it that knows only the specification (5.2.6).
 *
 * The input chooses features and then, again and again, a request: its type, its bytes, how they
 * are cut into descriptors, the queue, and whether the back end works. Each is waited for; status,
 * used length, what was written to guest memory, what is on the disk and how often it was flushed
 * must be as the model says.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/loop.h"
#include "dev/blk.h"
#include "dev/blk_ranges.h"
#include "dev/blk_spec.h"
#include "require.h"
#include "lib/guest_ring.h"
#include "lib/mem_block.h"
#include "virtio/vdev.h"

#define RAM       0x80000000ull
#define RAM_SIZE  0x40000ull
#define READABLE  (RAM + 0x20000) /* one byte lies between the two areas and what follows */
#define WRITABLE  (RAM + 0x30000)
#define AREA      0x3000u
#define SECTORS   32u
#define DISK      (SECTORS * 512u)
#define PARTS_MAX 60u
#define QUEUES    2u
#define SERIAL    "fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t left;
};

struct world {
	struct loop *loop;
	struct gmem *mem;
	struct mem_block block;
	struct vdev *dev;
	struct guest_ring ring[QUEUES];
	uint64_t features;
	uint8_t disk[DISK]; /* the model's */
	unsigned n_flush;   /* the model's */
	bool writeback;     /* the model's */
	bool stopped;
};

static uint8_t get8(struct script *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->p++;
}

/* ---- the model ---- */

struct expected {
	unsigned status;
	uint8_t data[AREA]; /* what the device writes before the status */
};

static bool in_disk(uint64_t sector, uint64_t n)
{
	return sector <= SECTORS && n <= SECTORS - sector;
}

static void model_write(struct world *w, const uint8_t *from, uint64_t sector, uint64_t len,
			int byte)
{
	if (from)
		memcpy(w->disk + sector * 512, from, len);
	else
		memset(w->disk + sector * 512, byte, len);
}

static unsigned model_ranges(struct world *w, uint32_t type, const uint8_t *p, uint32_t len)
{
	bool zeroes = type == BLK_T_WRITE_ZEROES, some = false, bad = false;

	if (!len || len % 16 || len > 16 * BLK_RANGES_MAX)
		return BLK_S_IOERR;
	for (uint32_t i = 0; i < len; i += 16) {
		if (le32_load(p + i + 12) > zeroes)
			return BLK_S_UNSUPP;
		bad |= !in_disk(le64_load(p + i), le32_load(p + i + 8));
		some |= le32_load(p + i + 8) != 0;
	}
	if (bad || (some && w->block.failure))
		return BLK_S_IOERR;
	for (uint32_t i = 0; i < len; i += 16)
		model_write(w, NULL, le64_load(p + i) % (SECTORS + 1),
			    le32_load(p + i + 8) * 512ull, zeroes ? 0 : 0xdd);
	w->n_flush += some && !w->writeback;
	return BLK_S_OK;
}

static unsigned model_transfer(struct world *w, bool write, const uint8_t *from, uint64_t sector,
			       uint32_t len, struct expected *e)
{
	if (len % 512 || !in_disk(sector, len / 512) || (len && w->block.failure))
		return BLK_S_IOERR;
	if (!len)
		return BLK_S_OK;
	if (write)
		model_write(w, from, sector, len, 0);
	else
		memcpy(e->data, w->disk + sector * 512, len);
	w->n_flush += write && !w->writeback;
	return BLK_S_OK;
}

static unsigned model_request(struct world *w, const uint8_t *r, uint32_t n_readable,
			      uint32_t n_writable, struct expected *e)
{
	uint32_t type = le32_load(r), n_out = n_readable - 16, n_in = n_writable - 1;
	uint64_t sector = le64_load(r + 8);

	switch (type) {
	case BLK_T_IN: return n_out ? BLK_S_IOERR : model_transfer(w, false, NULL, sector, n_in, e);
	case BLK_T_OUT:
		return n_in ? BLK_S_IOERR : model_transfer(w, true, r + 16, sector, n_out, e);
	case BLK_T_FLUSH:
		w->n_flush += !w->block.failure;
		return w->block.failure ? BLK_S_IOERR : 0;
	case BLK_T_GET_ID: memcpy(e->data, SERIAL, n_in < 4 ? n_in : 4); return BLK_S_OK;
	case BLK_T_DISCARD:
	case BLK_T_WRITE_ZEROES:
		if (!(w->features & (type == BLK_T_DISCARD ? BLK_F_DISCARD : BLK_F_WRITE_ZEROES)))
			return BLK_S_UNSUPP;
		return n_in ? BLK_S_IOERR : model_ranges(w, type, r + 16, n_out);
	default: return BLK_S_UNSUPP;
	}
}

/* ---- the driver ---- */

static unsigned cut(struct script *s, struct guest_part *p, uint64_t gpa, uint32_t len, bool write)
{
	uint8_t way = get8(s);
	unsigned n = 0;

	while (len) {
		uint32_t part = way & 0x80 ? get8(s) : len;

		if (part > len || n == PARTS_MAX / 2 - 1)
			part = len;
		p[n++] = (struct guest_part){gpa, part, write};
		gpa += part;
		len -= part;
	}
	return n;
}

/* Bytes of a request, mostly such as mean something. */
static uint32_t make_request(struct script *s, uint8_t *r, uint32_t *n_writable)
{
	static const uint8_t types[] = {BLK_T_IN,     BLK_T_OUT,          BLK_T_FLUSH,
					BLK_T_GET_ID, BLK_T_WRITE_ZEROES, BLK_T_DISCARD};
	uint8_t type = get8(s), sector = get8(s), len = get8(s);
	uint32_t n_readable = 16, bytes = (len & 15) * 512u + (len & 16 ? len & 32 ? 1 : 16 : 0);

	memset(r, type, AREA);
	le32_store(r, type < 0xf0 ? types[type % sizeof(types)] : type);
	le64_store(r + 8, sector < 0xf0 ? sector % (SECTORS + 2) : ~(uint64_t)sector << (len & 63));
	*n_writable = 1;
	if (len & 64)
		*n_writable += bytes;
	else
		n_readable += bytes;
	if (type % sizeof(types) >= 4 && type < 0xf0) {
		unsigned n = 1 + get8(s) % (BLK_RANGES_MAX + 1);

		for (unsigned i = 0; i < n; i++) {
			uint8_t odd = get8(s);

			le64_store(r + 16 + i * 16,
				   odd & 0x80 ? ~0ull >> (odd & 63) : odd % SECTORS);
			le32_store(r + 24 + i * 16, get8(s) % 8);
			le32_store(r + 28 + i * 16, odd & 0x40 ? get8(s) : 0);
		}
		n_readable = 16 + n * 16;
	}
	return n_readable;
}

static void do_request(struct world *w, struct script *s)
{
	struct guest_part p[PARTS_MAX];
	struct expected e = {0};
	uint32_t n_readable, n_writable, id, len;
	uint8_t *readable = gmem_map(w->mem, READABLE, AREA);
	uint8_t *writable = gmem_map(w->mem, WRITABLE, AREA);
	unsigned queue = get8(s) % QUEUES, n;

	n_readable = make_request(s, readable, &n_writable);
	memset(writable, 0x77, AREA);
	n = cut(s, p, READABLE, n_readable, false);
	n += cut(s, p + n, WRITABLE, n_writable, true);
	e.status = model_request(w, readable, n_readable, n_writable, &e);
	require(guest_ring_add(&w->ring[queue], p, n, 0, 0) >= 0);
	if (guest_ring_publish(&w->ring[queue]))
		vdev_kick(w->dev, queue);
	for (unsigned i = 0; i < 200 && loop_turn(w->loop, 0) > 0; i++)
		continue;
	require(guest_ring_reap(&w->ring[queue], &id, &len));
	require(len == n_writable);
	require(writable[n_writable - 1] == e.status);
	require(!memcmp(writable, e.data, n_writable - 1));
	require(writable[n_writable] == 0x77);
	require(!memcmp(w->disk, w->block.data, DISK));
	require(w->n_flush == w->block.n_flush);
}

static void do_config(struct world *w, struct script *s)
{
	uint8_t value = get8(s);

	vdev_config_write(w->dev, BLK_CONFIG_WRITEBACK, 1, value);
	if (w->features & BLK_F_CONFIG_WCE)
		w->writeback = value & 1;
}

/* ---- the world ---- */

static void ignore_interrupt(void *port, unsigned queue)
{
}

static void ignore(void *port)
{
}

static void broken(void *port)
{
	abort(); /* every chain here is a request */
}

static void stopped(void *arg)
{
	((struct world *)arg)->stopped = true;
}

static void world_init(struct world *w, struct script *s)
{
	static const struct vdev_port_ops port = {
		.interrupt = ignore_interrupt, .config_changed = ignore, .broken = broken};
	struct blk_config config = {.block = &w->block.block, .serial = SERIAL, .n_queues = QUEUES};
	uint64_t refuse = get8(s), gpa = RAM;

	memset(w, 0, sizeof(*w));
	require(!loop_new(&w->loop) && !gmem_new(&w->mem));
	require(!gmem_add_ram(w->mem, RAM, RAM_SIZE));
	mem_block_init(&w->block, DISK, false);
	memcpy(w->disk, w->block.data, DISK);
	config.loop = w->loop;
	require(!blk_new(&config, &w->dev));
	vdev_attach(w->dev, &port, w, w->loop, w->mem);
	/* Bits 9 to 14 are those that change what requests do. */
	w->features = w->dev->offered & ~(refuse << 9) & ~VIRTIO_F_INDIRECT_DESC;
	require(!vdev_set_features(w->dev, w->features));
	w->writeback = w->features & BLK_F_FLUSH;
	for (unsigned i = 0; i < QUEUES; i++) {
		struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};

		gpa = guest_ring_init(&w->ring[i], w->mem, gpa, 128, 0, true);
		gpa = (gpa + 4095) & ~4095ull;
		setup.ring = (struct virtq_setup){.size = 128,
						  .desc = w->ring[i].desc,
						  .driver = w->ring[i].avail,
						  .device = w->ring[i].used};
		require(!vdev_queue_start(w->dev, i, &setup));
	}
}

static void world_fini(struct world *w)
{
	vdev_reset(w->dev, stopped, w);
	for (unsigned i = 0; i < 100 && !w->stopped; i++)
		loop_turn(w->loop, 0);
	require(w->stopped);
	vdev_free(w->dev);
	for (unsigned i = 0; i < QUEUES; i++)
		guest_ring_fini(&w->ring[i]);
	mem_block_fini(&w->block);
	loop_free(w->loop);
	gmem_free(w->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct script s = {data, size};

	world_init(&w, &s);
	for (unsigned n = 0; s.left && n < 40; n++) {
		switch (get8(&s) % 8) {
		case 0: w.block.failure = get8(&s) & 1 ? -5 : 0; break;
		case 1: do_config(&w, &s); break;
		default: do_request(&w, &s); break;
		}
	}
	world_fini(&w);
	return 0;
}
