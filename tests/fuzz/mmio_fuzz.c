/* SPDX-License-Identifier: MIT */
/*
 * Each device over virtio-mmio, by a driver that does anything.
 *
 * The first byte chooses the device; the rest is a script: register accesses of any offset, size
 * and value, stores to guest memory, and, to get far quickly, whole set-ups and chains as a driver
 * makes them, with addresses and lengths from the input. Back ends act too. At the end the device
 * must stop within a bounded number of rounds, and nothing may be lost (the leak checker looks).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "backend/chr.h"
#include "backend/chr_pair.h"
#include "base/endian.h"
#include "base/fd.h"
#include "base/loop.h"
#include "bus/bus.h"
#include "dev/balloon.h"
#include "dev/blk.h"
#include "dev/console.h"
#include "dev/input.h"
#include "dev/net.h"
#include "dev/rng.h"
#include "dev/vsock.h"
#include "lib/mem_block.h"
#include "lib/mem_net.h"
#include "script.h"
#include "transport/carrier.h"
#include "transport/mmio.h"
#include "virtio/vdev.h"

#define RAM_BASE   0x80000000ull
#define RAM_SIZE   0x40000ull
#define MMIO_BASE  0x10001000ull
#define RING_SPACE 0x1000ull /* for each ring, from the start of RAM */
#define RING_AVAIL 0x400ull
#define RING_USED  0x600ull
#define N_RINGS    10u
#define PORTS      3u
#define OPS_MAX    400u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum device { BLK, NET, CONSOLE, RNG, INPUT, BALLOON, VSOCK, N_DEVICES };

struct ring {
	uint16_t desc; /* the next descriptor to use */
	uint16_t avail;
};

struct world {
	struct loop *loop;
	struct bus *bus;
	struct gmem *mem;
	struct virtio_mmio *mmio;
	struct vdev *dev;
	enum device device;
	struct mem_block block;
	struct mem_net net, more_net; /* of two pairs of queues */
	struct chr *near[PORTS], *far[PORTS];
	int listener; /* nobody calls: see vsock_fuzz.c for that */
	struct ring ring[N_RINGS];
	uint16_t ring_size;
	bool stopped;
};

/* ---- the bus and guest memory ---- */

static void reg_write(struct world *w, uint64_t offset, uint32_t v)
{
	require(!bus_write(w->bus, MMIO_BASE + offset, 4, v));
}

static uint32_t reg_read(struct world *w, uint64_t offset)
{
	uint64_t v = 0;

	require(!bus_read(w->bus, MMIO_BASE + offset, 4, &v));
	return (uint32_t)v;
}

static uint8_t *ram(struct world *w, uint64_t offset)
{
	return gmem_map(w->mem, RAM_BASE + offset % (RAM_SIZE - 16), 16);
}

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 8 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

/* ---- what a driver does ---- */

static void set_pair(struct world *w, uint64_t low, uint64_t v)
{
	reg_write(w, low, (uint32_t)v);
	reg_write(w, low + 4, (uint32_t)(v >> 32));
}

static void op_set_up(struct world *w, struct script *s)
{
	uint32_t refuse = get32(s), ring = get8(s);
	uint32_t low, high;

	w->ring_size = (uint16_t)(1u << ring % 7);
	reg_write(w, VIRTIO_MMIO_STATUS, 0);
	require(reg_read(w, VIRTIO_MMIO_STATUS) == 0);
	reg_write(w, VIRTIO_MMIO_STATUS, 3);
	low = reg_read(w, VIRTIO_MMIO_DEVICE_FEATURES);
	reg_write(w, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	high = reg_read(w, VIRTIO_MMIO_DEVICE_FEATURES);
	reg_write(w, VIRTIO_MMIO_DRIVER_FEATURES, low & ~refuse);
	reg_write(w, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(w, VIRTIO_MMIO_DRIVER_FEATURES, high);
	reg_write(w, VIRTIO_MMIO_STATUS, 11);
	for (unsigned i = 0; i < N_RINGS; i++) {
		uint64_t base = RAM_BASE + i * RING_SPACE;

		w->ring[i] = (struct ring){0};
		memset(gmem_map(w->mem, base, RING_SPACE), 0, RING_SPACE);
		reg_write(w, VIRTIO_MMIO_QUEUE_SEL, i);
		if (w->ring_size > reg_read(w, VIRTIO_MMIO_QUEUE_NUM_MAX))
			continue;
		reg_write(w, VIRTIO_MMIO_QUEUE_NUM, w->ring_size);
		set_pair(w, VIRTIO_MMIO_QUEUE_DESC_LOW, base);
		set_pair(w, VIRTIO_MMIO_QUEUE_DRIVER_LOW, base + RING_AVAIL);
		set_pair(w, VIRTIO_MMIO_QUEUE_DEVICE_LOW, base + RING_USED);
		reg_write(w, VIRTIO_MMIO_QUEUE_READY, 1);
	}
	reg_write(w, VIRTIO_MMIO_STATUS, 15);
	turn(w);
}

/* One descriptor as the script says, anywhere in RAM or a little beyond. */
static void write_desc(struct script *s, uint8_t *d, uint16_t next, bool last)
{
	uint32_t where = get16(s) * 8u;
	uint16_t len = get16(s);

	le64_store(d, RAM_BASE + where);
	/* Short ones are the common case; the top bit says who writes. */
	le32_store(d + 8, len & 0x4000 ? len & 0x3fffu : len & 0x3fu);
	le16_store(d + 12, (uint16_t)((len & 0x8000 ? VIRTQ_DESC_F_WRITE : 0) |
				      (last ? 0 : VIRTQ_DESC_F_NEXT)));
	le16_store(d + 14, next);
}

static void op_chain(struct world *w, struct script *s)
{
	unsigned queue = get8(s) % N_RINGS, n = 1 + get8(s) % 6;
	struct ring *r = &w->ring[queue];
	uint64_t base = queue * RING_SPACE;
	uint16_t head;

	if (!w->ring_size)
		return;
	head = r->desc % w->ring_size;
	for (unsigned i = 0; i < n; i++) {
		uint16_t at = r->desc++ % w->ring_size;

		write_desc(s, ram(w, base + 16u * at), r->desc % w->ring_size, i + 1 == n);
	}
	le16_store(ram(w, base + RING_AVAIL + 4 + 2u * (r->avail % w->ring_size)), head);
	le16_store(ram(w, base + RING_AVAIL + 2), ++r->avail);
	reg_write(w, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	turn(w);
}

static void op_poke(struct world *w, struct script *s)
{
	uint8_t *p = ram(w, get16(s) * 4u);

	for (unsigned n = 1 + get8(s) % 16, i = 0; i < n; i++)
		p[i] = get8(s);
}

static void op_access(struct world *w, struct script *s, bool write)
{
	uint64_t offset = get16(s) % VIRTIO_MMIO_SIZE, v = 0;
	unsigned size = 1u << get8(s) % 4;

	if (write)
		(void)bus_write(w->bus, MMIO_BASE + offset, size, get32(s));
	else
		(void)bus_read(w->bus, MMIO_BASE + offset, size, &v);
}

/* ---- what back ends do ---- */

static void port_event(struct world *w, unsigned port, unsigned what)
{
	static const uint8_t text[100] = "what somebody types";

	if (!w->far[port])
		return;
	switch (what % 4) {
	case 0: (void)chr_write(w->far[port], text, 1 + what % sizeof(text)); break;
	case 1: chr_want_input(w->far[port], what & 4); break;
	case 2: chr_pair_shut_write(w->far[port]); break;
	default:
		chr_free(w->far[port]);
		w->far[port] = NULL;
		break;
	}
}

static void op_back_end(struct world *w, struct script *s)
{
	static uint8_t frame[2000];
	unsigned what = get8(s), much = get16(s);
	struct mem_net *m = what & 0x40 ? &w->more_net : &w->net;

	switch (w->device) {
	case BLK:
		w->block.room = what % 5;
		w->block.failure = what & 0x80 ? -5 : 0;
		break;
	case NET:
		w->net.send_result = what & 0x80 ? -11 : 0;
		if (m->wanted)
			(void)mem_net_offer(m, frame, much % sizeof(frame),
					    what % (much % sizeof(frame) + 1));
		if (what % 32 == 31)
			netdev_set_link(w->dev, what & 0x20);
		break;
	case CONSOLE: port_event(w, much % PORTS, what); break;
	case INPUT: (void)input_press(w->dev); break;
	case BALLOON:
		if (what & 1)
			balloon_resize(w->dev, much * 4096ull);
		else
			balloon_refresh(w->dev);
		break;
	default: break;
	}
	turn(w);
}

/* ---- the world ---- */

static size_t far_input(void *user, const uint8_t *buf, size_t len)
{
	return len > 64 ? 64 : len;
}

static void far_writable(void *user)
{
}

static const struct chr_user_ops far_ops = {.input = far_input, .writable = far_writable};

static struct vdev *new_console(struct world *w)
{
	struct console_port_config port[PORTS] = {
		{.is_console = true}, {.name = "one"}, {.name = "two", .close_at_end = true}};
	struct console_config config = {.loop = w->loop, .port = port, .n_ports = PORTS};
	struct vdev *dev;

	for (unsigned i = 0; i < PORTS; i++) {
		require(!chr_pair_new(w->loop, &w->near[i], &w->far[i]));
		chr_attach(w->far[i], &far_ops, w);
		port[i].chr = w->near[i];
	}
	require(!console_new(&config, &dev));
	return dev;
}

static struct vdev *new_device(struct world *w)
{
	struct blk_config blk = {
		.block = &w->block.block, .loop = w->loop, .serial = "fuzz", .n_queues = 2};
	struct netdev_config net = {
		.net = &w->net.net, .loop = w->loop, .mtu = 1500, .speed = 1, .n_pairs = 2};
	struct rng_config rng = {.loop = w->loop, .repeatable = true};
	struct balloon_config balloon = {.loop = w->loop, .mem = w->mem};
	struct vsock_config vsock = {.loop = w->loop, .cid = 3, .path = "/nonexistent/vsock"};
	const struct sockaddr_un name = {.sun_family = AF_UNIX}; /* the kernel finds one */
	struct vdev *dev;

	switch (w->device) {
	case BLK: require(!blk_new(&blk, &dev)); break;
	case NET: require(!netdev_new(&net, &dev)); break;
	case CONSOLE: return new_console(w);
	case INPUT: require(!input_power_button_new(w->loop, &dev)); break;
	case BALLOON: require(!balloon_new(&balloon, &dev)); break;
	case VSOCK:
		w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		vsock.listener = w->listener;
		require(w->listener >= 0);
		require(!bind(w->listener, (const struct sockaddr *)&name,
			      sizeof(name.sun_family)));
		require(!listen(w->listener, 1));
		require(!vsock_new(&vsock, &dev));
		break;
	default: require(!rng_new(&rng, &dev)); break;
	}
	return dev;
}

static void world_init(struct world *w, enum device device)
{
	struct virtio_mmio_config config = {.base = MMIO_BASE};

	memset(w, 0, sizeof(*w));
	w->device = device;
	w->listener = -1;
	require(!loop_new(&w->loop) && !bus_new(&w->bus) && !gmem_new(&w->mem));
	require(!gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE));
	mem_block_init(&w->block, 64 * 512, false);
	w->block.room = 4;
	mem_net_init(&w->net);
	mem_net_init(&w->more_net);
	w->net.next = &w->more_net;
	w->net.net.offloads = ~0u;
	config.bus = w->bus;
	config.loop = w->loop;
	config.mem = w->mem;
	config.dev = w->dev = new_device(w);
	require(!virtio_mmio_new(&config, &w->mmio));
}

static void stopped(void *arg)
{
	((struct world *)arg)->stopped = true;
}

static void world_fini(struct world *w)
{
	w->block.room = 4; /* a back end that never takes anything would never be done */
	carrier_reset(virtio_mmio_carrier(w->mmio), stopped, w);
	for (unsigned i = 0; i < 1000 && !w->stopped; i++)
		loop_turn(w->loop, 0);
	require(w->stopped);
	virtio_mmio_free(w->mmio);
	for (unsigned i = 0; i < PORTS; i++) {
		chr_free(w->far[i]);
		chr_free(w->near[i]);
	}
	fd_close(&w->listener);
	mem_block_fini(&w->block);
	bus_free(w->bus);
	loop_free(w->loop);
	gmem_free(w->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct script s = {data, size};

	world_init(&w, get8(&s) % N_DEVICES);
	for (unsigned n = 0; s.left && n < OPS_MAX; n++) {
		switch (get8(&s) % 8) {
		case 0: op_access(&w, &s, false); break;
		case 1: op_access(&w, &s, true); break;
		case 2: op_set_up(&w, &s); break;
		case 3:
		case 4: op_chain(&w, &s); break;
		case 5: op_poke(&w, &s); break;
		case 6: op_back_end(&w, &s); break;
		default: turn(&w); break;
		}
	}
	world_fini(&w);
	return 0;
}
