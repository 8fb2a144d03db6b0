/* SPDX-License-Identifier: MIT */
/*
 * A PCI bus with a disk and an entropy source, by a guest that does anything.
 *
 * The input is a script: accesses to configuration space and to where BARs may lie, of any offset,
 * size and value, and, to get far quickly, BARs placed, MSI-X turned on, a queue set up (by the BAR
 * or by configuration space) and chains as a driver makes them. After each step a model says which
 * BARs must answer, and what of configuration space cannot have changed. At the end the devices
 * must stop within a bounded number of rounds, and nothing may be lost (the leak checker looks).
 */
#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/loop.h"
#include "bus/bus.h"
#include "bus/pci.h"
#include "dev/blk.h"
#include "dev/rng.h"
#include "hw/pci_host.h"
#include "lib/mem_block.h"
#include "script.h"
#include "transport/carrier.h"
#include "transport/virtio_pci.h"
#include "virtio/vdev.h"

#define RAM_BASE  0x80000000ull
#define RAM_SIZE  0x10000ull
#define ECAM_BASE 0x30000000ull
#define ECAM_SIZE (2 * PCI_ECAM_BUS)
#define LOW_BASE  0x40000000ull
#define LOW_SIZE  0x100000ull
#define HIGH_BASE 0x400000000ull
#define HIGH_SIZE 0x100000ull
#define N_SLOTS   2u
#define FIRST     1u /* slot */
#define OPS_MAX   200u
#define RING_SIZE 8u
#define AVAIL     0x100u
#define USED      0x200u

#define NOTIFY_PAGE 0x3000u
#define MSIX_BAR    4u /* its number */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct slot {
	struct virtio_pci *t;
	uint32_t id;
	bool level;
	unsigned msix, portal; /* capabilities */
	uint16_t desc, avail;
};

struct world {
	struct loop *loop;
	struct bus *bus;
	struct gmem *mem;
	struct pci_bus *pci;
	struct pci_host *host;
	struct mem_block block;
	struct slot slot[N_SLOTS];
	unsigned n_stopped;
};

static const uint64_t bar_sizes[PCI_BARS] = {0x4000, 0, 0x1000};

/* ---- accesses ---- */

static uint64_t config_addr(unsigned i, unsigned reg)
{
	return ECAM_BASE + ((uint64_t)(i + FIRST) << 15) + reg;
}

static uint32_t config_read(struct world *w, unsigned i, unsigned reg, unsigned size)
{
	uint64_t v = 0;

	require(!bus_read(w->bus, config_addr(i, reg), size, &v));
	return (uint32_t)v;
}

static void config_write(struct world *w, unsigned i, unsigned reg, unsigned size, uint32_t v)
{
	require(!bus_write(w->bus, config_addr(i, reg), size, v));
}

static uint64_t bar_base(struct world *w, unsigned i, unsigned n)
{
	return (config_read(w, i, 0x10 + 8 * n, 4) & ~0xfu) |
	       (uint64_t)config_read(w, i, 0x14 + 8 * n, 4) << 32;
}

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 8 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

/* ---- the model ---- */

static bool inside(uint64_t base, uint64_t size, uint64_t window, uint64_t window_size)
{
	return base >= window && base + size > base && base + size <= window + window_size;
}

/* Whether BAR n of slot i is where it may answer. */
static bool is_placed(struct world *w, unsigned i, unsigned n)
{
	uint64_t base = bar_base(w, i, n);

	return bar_sizes[n] && config_read(w, i, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY &&
	       (inside(base, bar_sizes[n], LOW_BASE, LOW_SIZE) ||
		inside(base, bar_sizes[n], HIGH_BASE, HIGH_SIZE));
}

/* How many BARs would answer at addr. */
static unsigned claims(struct world *w, uint64_t addr)
{
	unsigned count = 0;

	for (unsigned i = 0; i < N_SLOTS; i++)
		for (unsigned n = 0; n < PCI_BARS; n++)
			count += is_placed(w, i, n) && addr - bar_base(w, i, n) < bar_sizes[n];
	return count;
}

/* One claim is answered if no other BAR could be in its way, none is not, more may be. The last
 * word of a BAR can be read without a consequence. */
static void check_bar(struct world *w, unsigned i, unsigned n)
{
	uint64_t base = bar_base(w, i, n), last = base + bar_sizes[n] - 4, v;
	bool free = claims(w, base) == 1 && claims(w, last) == 1 && claims(w, base + 0x1000) < 2 &&
		    claims(w, base + 0x2000) < 2;
	bool answers;

	if (!inside(base, bar_sizes[n], LOW_BASE, LOW_SIZE))
		return;
	answers = !bus_read(w->bus, last, 4, &v);
	if (is_placed(w, i, n) && free)
		require(answers);
	if (!claims(w, last))
		require(!answers);
}

static void check(struct world *w)
{
	for (unsigned i = 0; i < N_SLOTS; i++) {
		struct slot *s = &w->slot[i];
		uint32_t command = config_read(w, i, PCI_COMMAND, 2);

		require(config_read(w, i, 0, 4) == s->id);
		require(config_read(w, i, 0x0e, 1) == 0);
		require((config_read(w, i, 0x10, 4) & 0x3fff) == 4);
		require(config_read(w, i, s->msix, 1) == PCI_CAP_MSIX);
		if (command & PCI_COMMAND_NO_INTX || config_read(w, i, s->msix + 2, 2) & 0x8000)
			require(!s->level);
		check_bar(w, i, 0);
		check_bar(w, i, 2);
	}
}

/* ---- what a guest does ---- */

static void op_config(struct world *w, struct script *s)
{
	uint64_t at = ECAM_BASE + ((uint64_t)(get8(s) % 4) << 15) + get16(s) % PCI_CONFIG_SIZE, v;
	unsigned how = get8(s), size = 1u << how % 4;

	if (how & 0x10)
		at = ECAM_BASE + get32(s) % ECAM_SIZE;
	if (how & 0x80)
		(void)bus_write(w->bus, at, size, get32(s));
	else
		(void)bus_read(w->bus, at, size, &v);
}

static void op_place(struct world *w, struct script *s)
{
	static const uint64_t bases[] = {LOW_BASE,  LOW_BASE + LOW_SIZE - 0x4000,
					 HIGH_BASE, HIGH_BASE + HIGH_SIZE - 0x2000,
					 RAM_BASE,  ECAM_BASE,
					 0,         ~0xfffffull};
	unsigned i = get8(s) % N_SLOTS, n = get8(s) % PCI_BARS;
	uint64_t base = bases[get8(s) % ARRAY_SIZE(bases)] + get8(s) % 8 * 0x1000ull;

	config_write(w, i, 0x10 + 8 * n, 4, (uint32_t)base);
	config_write(w, i, 0x14 + 8 * n, 4, (uint32_t)(base >> 32));
	config_write(w, i, PCI_COMMAND, 2, get8(s) | (unsigned)(get8(s) & 4) << 8);
}

static void op_memory(struct world *w, struct script *s)
{
	static const uint64_t bases[] = {LOW_BASE, HIGH_BASE};
	uint64_t at = bases[get8(s) % 2] + get16(s), v;
	unsigned how = get8(s), size = 1u << how % 4;

	if (how & 0x80)
		(void)bus_write(w->bus, at, size, get32(s) | (uint64_t)get8(s) << 32);
	else
		(void)bus_read(w->bus, at, size, &v);
}

static void op_messages(struct world *w, struct script *s)
{
	unsigned i = get8(s) % N_SLOTS, vector = get8(s) % 4;
	uint64_t at = bar_base(w, i, MSIX_BAR / 2) + 16 * vector;

	(void)bus_write(w->bus, at, 8, get16(s));
	(void)bus_write(w->bus, at + 8, 8, get8(s));
	config_write(w, i, w->slot[i].msix + 2, 2, get16(s));
}

/* A field of the common configuration, by the BAR or through the portal. */
static void put(struct world *w, unsigned i, unsigned offset, unsigned size, uint32_t v,
		bool portal)
{
	unsigned at = w->slot[i].portal;

	if (!portal) {
		(void)bus_write(w->bus, bar_base(w, i, 0) + offset, size, v);
		return;
	}
	config_write(w, i, at + 4, 1, 0);
	config_write(w, i, at + 8, 4, offset);
	config_write(w, i, at + 12, 4, size);
	config_write(w, i, at + 16, 4, v);
	require(config_read(w, i, at + 8, 4) == offset);
}

static void put_addr(struct world *w, unsigned i, unsigned offset, uint64_t v, bool portal)
{
	put(w, i, offset, 4, (uint32_t)v, portal);
	put(w, i, offset + 4, 4, (uint32_t)(v >> 32), portal);
}

static void op_set_up(struct world *w, struct script *s)
{
	unsigned i = get8(s) % N_SLOTS;
	uint64_t base = RAM_BASE + i * 0x1000;
	bool portal = get8(s) & 1;

	w->slot[i].desc = w->slot[i].avail = 0;
	memset(gmem_map(w->mem, base, 0x1000), 0, 0x1000);
	put(w, i, VIRTIO_PCI_DEVICE_STATUS, 1, 0, portal);
	turn(w);
	put(w, i, VIRTIO_PCI_DEVICE_STATUS, 1, 3, portal);
	put(w, i, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, 0, portal);
	put(w, i, VIRTIO_PCI_DRIVER_FEATURE, 4, get8(s) & 1 ? VIRTIO_F_EVENT_IDX : 0, portal);
	put(w, i, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, 1, portal);
	put(w, i, VIRTIO_PCI_DRIVER_FEATURE, 4, 1u | (get8(s) & 1) << 8, portal);
	put(w, i, VIRTIO_PCI_CONFIG_VECTOR, 2, get8(s), portal);
	put(w, i, VIRTIO_PCI_DEVICE_STATUS, 1, 11, portal);
	put(w, i, VIRTIO_PCI_QUEUE_SELECT, 2, get8(s) % 3, portal);
	put(w, i, VIRTIO_PCI_QUEUE_SIZE, 2, RING_SIZE, portal);
	put(w, i, VIRTIO_PCI_QUEUE_VECTOR, 2, get8(s), portal);
	put_addr(w, i, VIRTIO_PCI_QUEUE_DESC, base, portal);
	put_addr(w, i, VIRTIO_PCI_QUEUE_DRIVER, base + AVAIL, portal);
	put_addr(w, i, VIRTIO_PCI_QUEUE_DEVICE, base + USED, portal);
	put(w, i, VIRTIO_PCI_QUEUE_ENABLE, 2, 1, portal);
	put(w, i, VIRTIO_PCI_DEVICE_STATUS, 1, 15, portal);
	turn(w);
}

static uint8_t *ring(struct world *w, unsigned i, unsigned offset)
{
	return gmem_map(w->mem, RAM_BASE + i * 0x1000 + offset, 16);
}

static void op_chain(struct world *w, struct script *s)
{
	unsigned i = get8(s) % N_SLOTS, n = 1 + get8(s) % 4;
	struct slot *slot = &w->slot[i];
	uint16_t head = slot->desc % RING_SIZE;

	for (unsigned k = 0; k < n; k++) {
		uint8_t *d = ring(w, i, 16u * (slot->desc++ % RING_SIZE));
		uint8_t how = get8(s);

		le64_store(d, RAM_BASE + get16(s));
		le32_store(d + 8, how & 0x3f);
		le16_store(d + 12, (uint16_t)((how & 0x80 ? VIRTQ_DESC_F_WRITE : 0) |
					      (k + 1 < n ? VIRTQ_DESC_F_NEXT : 0)));
		le16_store(d + 14, slot->desc % RING_SIZE);
	}
	le16_store(ring(w, i, AVAIL + 4 + 2u * (slot->avail % RING_SIZE)), head);
	le16_store(ring(w, i, AVAIL + 2), ++slot->avail);
	put(w, i, NOTIFY_PAGE + 4 * (get8(s) % 3), 2, get16(s), get8(s) & 1);
	turn(w);
}

/* ---- the world ---- */

static void wire_set(void *controller, unsigned line, bool level)
{
	((struct world *)controller)->slot[line].level = level;
}

/* Only a function that has MSI-X on sends any. */
static void message(void *controller, uint64_t addr, uint32_t data)
{
	struct world *w = controller;
	bool on = false;

	for (unsigned i = 0; i < N_SLOTS; i++)
		on |= (config_read(w, i, w->slot[i].msix + 2, 2) & 0xc000) == 0x8000;
	require(on);
}

static unsigned capability(struct world *w, unsigned i, uint8_t id, uint8_t type)
{
	unsigned at = config_read(w, i, 0x34, 1);

	while (config_read(w, i, at, 1) != id ||
	       (id == PCI_CAP_VENDOR && config_read(w, i, at + 3, 1) != type)) {
		at = config_read(w, i, at + 1, 1);
		require(at >= 0x40);
	}
	return at;
}

static void plug(struct world *w, unsigned i, struct vdev *dev)
{
	const struct virtio_pci_config config = {
		.pci = w->pci,
		.slot = i + FIRST,
		.loop = w->loop,
		.mem = w->mem,
		.irq = {.set = wire_set, .controller = w, .line = i},
		.dev = dev};

	vdev_offer_ring(dev, VIRTQ_FEATURES | VIRTIO_F_RING_RESET);
	require(!virtio_pci_new(&config, &w->slot[i].t));
	w->slot[i].id = config_read(w, i, 0, 4);
	w->slot[i].msix = capability(w, i, PCI_CAP_MSIX, 0);
	w->slot[i].portal = capability(w, i, PCI_CAP_VENDOR, VIRTIO_PCI_CAP_PCI);
}

static void world_init(struct world *w)
{
	struct pci_bus_config bus = {.window = {{LOW_BASE, LOW_SIZE}, {HIGH_BASE, HIGH_SIZE}},
				     .msi = {.send = message, .controller = w}};
	struct pci_host_config host = {.base = ECAM_BASE, .size = ECAM_SIZE};
	struct blk_config blk = {.block = &w->block.block, .serial = "fuzz", .n_queues = 2};
	struct rng_config rng = {.repeatable = true};
	struct vdev *dev;

	memset(w, 0, sizeof(*w));
	require(!loop_new(&w->loop) && !bus_new(&w->bus) && !gmem_new(&w->mem));
	require(!gmem_add_ram(w->mem, RAM_BASE, RAM_SIZE));
	mem_block_init(&w->block, 64 * 512, false);
	w->block.room = 4;
	bus.bus = host.bus = w->bus;
	bus.loop = host.loop = blk.loop = rng.loop = w->loop;
	require(!pci_bus_new(&bus, &w->pci));
	host.pci = w->pci;
	require(!pci_host_new(&host, &w->host));
	require(!blk_new(&blk, &dev));
	plug(w, 0, dev);
	require(!rng_new(&rng, &dev));
	plug(w, 1, dev);
}

static void stopped(void *arg)
{
	((struct world *)arg)->n_stopped++;
}

static void world_fini(struct world *w)
{
	for (unsigned i = 0; i < N_SLOTS; i++)
		carrier_reset(virtio_pci_carrier(w->slot[i].t), stopped, w);
	for (unsigned i = 0; i < 1000 && w->n_stopped < N_SLOTS; i++)
		loop_turn(w->loop, 0);
	require(w->n_stopped == N_SLOTS);
	for (unsigned i = 0; i < N_SLOTS; i++)
		require(!w->slot[i].level);
	for (unsigned i = 0; i < N_SLOTS; i++)
		virtio_pci_free(w->slot[i].t);
	pci_host_free(w->host);
	pci_bus_free(w->pci);
	mem_block_fini(&w->block);
	bus_free(w->bus);
	loop_free(w->loop);
	gmem_free(w->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct script s = {data, size};

	world_init(&w);
	for (unsigned n = 0; s.left && n < OPS_MAX; n++) {
		switch (get8(&s) % 8) {
		case 0:
		case 1: op_config(&w, &s); break;
		case 2: op_place(&w, &s); break;
		case 3: op_memory(&w, &s); break;
		case 4: op_messages(&w, &s); break;
		case 5: op_set_up(&w, &s); break;
		case 6: op_chain(&w, &s); break;
		default: turn(&w); break;
		}
		check(&w);
	}
	world_fini(&w);
	return 0;
}
