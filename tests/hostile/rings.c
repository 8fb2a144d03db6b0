/* SPDX-License-Identifier: MIT */
/*
 * A guest whose virtio drivers break the rules, each class of mistakes on each device, with split
 * rings and, where the device offers them, with packed ones: the device must be marked broken
 * (DEVICE_NEEDS_RESET) where the ring is at fault, must not write where it may not, and must work
 * again after a reset. One line for each class that does not end as it must, and one for each
 * device and format.
 */
#include "tests/baremetal/lib.h"
#include "tests/hostile/carrier.h"

#include "machine/virt_map.h"

void *memset(void *p, int c, size_t n); /* lib.c */

#define SIZE 8u
#define DATA ((uint64_t)data)

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 0x80, USED = 0x8000 };
enum { F_INDIRECT_0 = 1u << 28, F_VERSION_1_1 = 1, F_PACKED_1 = 4 }; /* of words 0 and 1 */
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64 };

/* In a split ring's table the last two are flags and next, in a packed ring id and flags. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags_or_id, next_or_flags;
};

/* A packed ring asks for events of all kinds while these are zero. */
static volatile uint32_t events[2];

struct avail {
	uint16_t flags, idx, ring[SIZE], event;
};

struct used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[SIZE];
	uint16_t event;
};

static volatile struct desc desc[SIZE] __attribute__((aligned(4096)));
static volatile struct desc table[256] __attribute__((aligned(4096)));
static volatile struct avail avail __attribute__((aligned(4096)));
static volatile struct used used __attribute__((aligned(4096)));
static volatile uint8_t data[4096] __attribute__((aligned(4096)));

/* What the device's queue is for; the rest of it is the device's own business. */
struct kind {
	uint32_t id;
	const char *name;
	unsigned queue;
	bool reads; /* the queue's buffers are for the device to read, at least at their start */
};

static const struct kind kinds[] = {{1, "net", 1, true},     {2, "blk", 0, true},
				    {3, "console", 1, true}, {4, "rng", 0, false},
				    {5, "balloon", 0, true}, {7, "rpmsg", 1, true},
				    {18, "input", 1, true},  {19, "vsock", 1, true}};

struct device {
	const struct kind *kind;
	struct carrier carrier;
	bool packed, indirect; /* negotiated */
	unsigned n_set;        /* descriptors, since begin() */
};

static uint32_t get(const struct device *d, unsigned reg)
{
	return carrier_get(&d->carrier, reg);
}

static void put(const struct device *d, unsigned reg, uint32_t v)
{
	carrier_put(&d->carrier, reg, v);
}

static void put_addr(const struct device *d, unsigned reg, uint64_t v)
{
	put(d, reg, (uint32_t)v);
	put(d, reg + 4, (uint32_t)(v >> 32));
}

static void fence(void)
{
	asm volatile("fence rw, rw; fence iorw, iorw" ::: "memory");
}

static void reset(const struct device *d)
{
	put(d, REG_STATUS, 0);
	while (get(d, REG_STATUS))
		;
}

/* Ready to go, with an empty ring. */
static void begin(struct device *d, bool indirect)
{
	reset(d);
	for (unsigned i = 0; i < SIZE; i++)
		desc[i] = (struct desc){0};
	memset((void *)(uintptr_t)&avail, 0, sizeof(avail));
	memset((void *)(uintptr_t)&used, 0, sizeof(used));
	d->indirect = indirect;
	d->n_set = 0;
	put(d, REG_STATUS, ACKNOWLEDGE | DRIVER);
	put(d, REG_DRV_SEL, 0);
	put(d, REG_DRV_FEATURES, indirect ? F_INDIRECT_0 : 0);
	put(d, REG_DRV_SEL, 1);
	put(d, REG_DRV_FEATURES, F_VERSION_1_1 | (d->packed ? F_PACKED_1 : 0));
	put(d, REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	put(d, REG_QUEUE_SEL, d->kind->queue);
	put(d, REG_QUEUE_NUM, SIZE);
	put_addr(d, REG_DESC, (uint64_t)desc);
	put_addr(d, REG_AVAIL, d->packed ? (uint64_t)&events[0] : (uint64_t)&avail);
	put_addr(d, REG_USED, d->packed ? (uint64_t)&events[1] : (uint64_t)&used);
	put(d, REG_QUEUE_READY, 1);
	put(d, REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

/* All descriptors that were set, the first one last. */
static void offer_packed(const struct device *d)
{
	for (unsigned i = d->n_set; i-- > 0;) {
		fence();
		desc[i].next_or_flags |= AVAIL;
	}
}

static void offer_split(uint16_t head, uint16_t jump)
{
	avail.ring[avail.idx % SIZE] = head;
	fence();
	avail.idx += jump;
}

/* Of a packed ring, what was set is a chain from slot 0 on, whatever its head. */
static void offer(const struct device *d, uint16_t head, uint16_t jump)
{
	if (d->packed)
		offer_packed(d);
	else
		offer_split(head, jump);
	fence();
	put(d, REG_NOTIFY, d->kind->queue);
}

static bool is_used(const struct device *d)
{
	if (!d->packed)
		return used.idx;
	return (desc[0].next_or_flags & (AVAIL | USED)) == (AVAIL | USED);
}

static uint32_t used_len(const struct device *d)
{
	return d->packed ? desc[0].len : used.ring[0].len;
}

enum outcome { SERVED, BROKEN, SILENT };

#define LONG  20000000u /* looks at the ring: longer than any device takes */
#define SHORT 1000000u  /* where silence is an answer too */

static enum outcome wait(const struct device *d, unsigned looks)
{
	for (unsigned i = 0; i < looks; i++) {
		fence();
		if (is_used(d))
			return SERVED;
		/* Reading a register costs; the ring is what a driver looks at. */
		if (!(i & 0xfff) && (get(d, REG_STATUS) & NEEDS_RESET))
			return BROKEN;
	}
	return SILENT;
}

/* ---- the classes ---- */

static struct desc make(const struct device *d, uint64_t addr, uint32_t len, unsigned flags,
			unsigned next)
{
	if (d->packed)
		return (struct desc){addr, len, (uint16_t)next, (uint16_t)flags};
	return (struct desc){addr, len, (uint16_t)flags, (uint16_t)next};
}

static void set(struct device *d, unsigned i, uint64_t addr, uint32_t len, unsigned flags,
		unsigned next)
{
	desc[i] = make(d, addr, len, flags, next);
	if (d->n_set <= i)
		d->n_set = i + 1;
}

static void head_out_of_range(struct device *d)
{
	offer(d, SIZE, 1);
}

static void next_out_of_range(struct device *d)
{
	set(d, 0, DATA, 16, NEXT, SIZE);
	offer(d, 0, 1);
}

static void loop_to_itself(struct device *d)
{
	set(d, 0, DATA, 16, NEXT, 0);
	offer(d, 0, 1);
}

static void loop_of_empty(struct device *d)
{
	set(d, 0, DATA, 0, NEXT, 1);
	set(d, 1, DATA, 0, NEXT, 0);
	offer(d, 0, 1);
}

/* In a packed ring a chain without end is as long as the ring. */
static void no_end(struct device *d)
{
	for (unsigned i = 0; i < SIZE; i++)
		set(d, i, DATA, 16, NEXT, 0);
	offer(d, 0, 1);
}

static void no_end_of_empty(struct device *d)
{
	for (unsigned i = 0; i < SIZE; i++)
		set(d, i, DATA, 0, NEXT, 0);
	offer(d, 0, 1);
}

/* A packed ring's table is all of its chain. */
static void table_behind(struct device *d)
{
	table[0] = make(d, DATA, 16, d->kind->reads ? 0 : WRITE, 0);
	set(d, 0, DATA, 16, (d->kind->reads ? 0u : WRITE) | NEXT, 0);
	set(d, 1, (uint64_t)table, 16, INDIRECT, 0);
	offer(d, 0, 1);
}

/* An id is the driver's own affair: it comes back as it is. */
static void strange_id(struct device *d)
{
	set(d, 0, DATA, 64, d->kind->reads ? 0 : WRITE, 0xffff);
	offer(d, 0, 1);
}

static void readable_behind_writable(struct device *d)
{
	set(d, 0, DATA, 16, NEXT | WRITE, 1);
	set(d, 1, DATA + 64, 16, 0, 0);
	offer(d, 0, 1);
}

static void outside_ram(struct device *d)
{
	set(d, 0, 0x70000000, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void null_address(struct device *d)
{
	set(d, 0, 0, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void address_overflow(struct device *d)
{
	set(d, 0, ~0ull - 7, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void length_overflow(struct device *d)
{
	set(d, 0, DATA, 0xffffffff, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void its_own_registers(struct device *d)
{
	set(d, 0, (uint64_t)d->carrier.regs, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void avail_jump(struct device *d)
{
	set(d, 0, DATA, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, SIZE + 1);
}

static void one_in_table(struct device *d, uint64_t addr, uint32_t len, unsigned flags)
{
	table[0] = make(d, DATA, 16, d->kind->reads ? 0 : WRITE, 0);
	set(d, 0, addr, len, INDIRECT | flags, 1);
	set(d, 1, DATA, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void table_of_odd_length(struct device *d)
{
	one_in_table(d, (uint64_t)table, 17, 0);
}

static void table_empty(struct device *d)
{
	one_in_table(d, (uint64_t)table, 0, 0);
}

static void table_and_next(struct device *d)
{
	one_in_table(d, (uint64_t)table, 16, NEXT);
}

static void table_outside_ram(struct device *d)
{
	one_in_table(d, 0x70000000, 16, 0);
}

static void table_huge(struct device *d)
{
	one_in_table(d, (uint64_t)table, 0xfffffff0, 0);
}

static void table_in_table(struct device *d)
{
	table[0] = make(d, (uint64_t)&table[2], 16, INDIRECT, 0);
	table[2] = make(d, DATA, 16, d->kind->reads ? 0 : WRITE, 0);
	set(d, 0, (uint64_t)table, 16, INDIRECT, 0);
	offer(d, 0, 1);
}

static void table_longer_than_queue(struct device *d)
{
	for (unsigned i = 0; i < 256; i++)
		table[i] = make(d, DATA, 1, (i < 255 ? NEXT : 0) | (d->kind->reads ? 0u : WRITE),
				i + 1);
	set(d, 0, (uint64_t)table, sizeof(table), INDIRECT, 0);
	offer(d, 0, 1);
}

/* The 16th class: what the device would write is there to be read, and the reverse. */
static void wrong_direction(struct device *d)
{
	memset((void *)(uintptr_t)data, 0x5a, 64);
	set(d, 0, DATA, 64, d->kind->reads ? WRITE : 0, 0);
	offer(d, 0, 1);
}

/* Too short for any header that a device expects. */
static void one_byte(struct device *d)
{
	set(d, 0, DATA, 1, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

/* Lengths, sectors, ports and pages that are as large as can be. */
static void all_ones(struct device *d)
{
	memset((void *)(uintptr_t)data, 0xff, 64);
	set(d, 0, DATA, 64, (d->kind->reads ? 0u : WRITE) | NEXT, 1);
	set(d, 1, DATA + 64, 64, WRITE, 0);
	offer(d, 0, 1);
}

/* Queues that are not there are set up and kicked; the one that is there serves on. */
static void no_such_queue(struct device *d)
{
	for (unsigned i = 0; i < 3; i++) {
		static const uint16_t number[] = {31, 0x7fff, 0xffff};

		put(d, REG_QUEUE_SEL, number[i]);
		put(d, REG_QUEUE_NUM, SIZE);
		put_addr(d, REG_DESC, (uint64_t)desc);
		put(d, REG_QUEUE_READY, 1);
		/* On PCI, each has an address of its own, and the large ones none. */
		if (!d->carrier.pci || !i)
			put(d, REG_NOTIFY, number[i]);
	}
	one_byte(d);
}

/* What ends as the device likes. QEMU's daemon, behind the relay, keeps for ever what has no
 * header; devices of Linnet's own answer. */
#ifdef REMOTE
enum { IS_BROKEN = 1, IS_SERVED = 2, IS_SILENT = 4, EITHER = 7 };
#else
enum { IS_BROKEN = 1, IS_SERVED = 2, IS_SILENT = 4, EITHER = 3 };
#endif
enum { SPLIT = 1, PACKED = 2, BOTH = 3 };

static const struct {
	const char *name;
	void (*make)(struct device *d);
	unsigned ends;    /* bits */
	bool indirect;    /* negotiated before */
	unsigned formats; /* bits */
} classes[] = {
	{"a head out of range", head_out_of_range, IS_BROKEN, false, SPLIT},
	{"next out of range", next_out_of_range, IS_BROKEN, false, SPLIT},
	{"a loop of one", loop_to_itself, IS_BROKEN, false, SPLIT},
	{"a loop of empty descriptors", loop_of_empty, IS_BROKEN, false, SPLIT},
	{"a chain without end", no_end, IS_BROKEN, false, PACKED},
	{"empty descriptors without end", no_end_of_empty, IS_BROKEN, false, PACKED},
	{"a table behind a descriptor", table_behind, IS_BROKEN, true, PACKED},
	{"a strange id", strange_id, EITHER, false, PACKED},
	{"readable behind writable", readable_behind_writable, IS_BROKEN, false, BOTH},
	{"a buffer outside RAM", outside_ram, IS_BROKEN, false, BOTH},
	{"a buffer at 0", null_address, IS_BROKEN, false, BOTH},
	{"address + length overflows", address_overflow, IS_BROKEN, false, BOTH},
	{"a buffer beyond the end of RAM", length_overflow, IS_BROKEN, false, BOTH},
	{"its own registers as buffer", its_own_registers, IS_BROKEN, false, BOTH},
	{"avail.idx jumps", avail_jump, IS_BROKEN, false, SPLIT},
	{"a table without the feature", table_empty, IS_BROKEN, false, BOTH},
	{"a table of odd length", table_of_odd_length, IS_BROKEN, true, BOTH},
	{"an empty table", table_empty, IS_BROKEN, true, BOTH},
	{"a table and next", table_and_next, IS_BROKEN, true, BOTH},
	{"a table outside RAM", table_outside_ram, IS_BROKEN, true, BOTH},
	{"a huge table", table_huge, IS_BROKEN, true, BOTH},
	{"a table in a table", table_in_table, IS_BROKEN, true, BOTH},
	{"a table longer than the queue", table_longer_than_queue, EITHER, true, BOTH},
	{"the wrong direction", wrong_direction, EITHER, false, BOTH},
	{"a byte for a header", one_byte, EITHER, false, BOTH},
	{"all fields all ones", all_ones, EITHER, false, BOTH},
	{"a queue that is not there", no_such_queue, EITHER, false, BOTH},
};

/* ---- the right way ---- */

/* A block read of sector 0, whose bytes the test has filled with their own offsets. */
static bool blk_works(struct device *d)
{
	volatile uint32_t *header = (volatile uint32_t *)data;

	for (unsigned i = 0; i < 4; i++)
		header[i] = 0;
	data[1024] = 0xff;
	set(d, 0, DATA, 16, NEXT, 1);
	set(d, 1, DATA + 512, 512, NEXT | WRITE, 2);
	set(d, 2, DATA + 1024, 1, WRITE, 0);
	offer(d, 0, 1);
	if (wait(d, LONG) != SERVED || data[1024])
		return false;
	for (unsigned i = 0; i < 512; i++)
		if (data[512 + i] != (i & 0x7f))
			return false;
	return used_len(d) == 513;
}

static bool works(struct device *d)
{
	begin(d, false);
	switch (d->kind->id) {
	case 2: return blk_works(d);
	case 4:
		set(d, 0, DATA, 16, WRITE, 0);
		offer(d, 0, 1);
		return wait(d, LONG) == SERVED && used_len(d) >= 1 && used_len(d) <= 16;
	default:
		memset((void *)(uintptr_t)data, 0, 64);
		set(d, 0, DATA, 64, 0, 0);
		offer(d, 0, 1);
		return wait(d, LONG) == SERVED && !used_len(d);
	}
}

static const char *format_name(const struct device *d)
{
	return d->packed ? "packed" : "split";
}

/* One class; the number of things that were not as they must be. */
static unsigned attack_once(struct device *d, unsigned class)
{
	static const char *const outcomes[] = {"served", "broken", "silent"};
	static const unsigned bits[] = {IS_SERVED, IS_BROKEN, IS_SILENT};
	const char *name = classes[class].name;
	unsigned bad = 0;
	enum outcome o;

	begin(d, classes[class].indirect);
	classes[class].make(d);
	o = wait(d, classes[class].ends & IS_SILENT ? SHORT : LONG);
	if (!(classes[class].ends & bits[o])) {
		print("%s: %s: %s: %s\n", d->kind->name, format_name(d), name, outcomes[o]);
		bad++;
	}
	if (classes[class].make == wrong_direction && !d->kind->reads && data[0] != 0x5a) {
		print("%s: wrote where it may only read\n", d->kind->name);
		bad++;
	}
	if (!works(d)) {
		print("%s: %s: %s: does not work afterwards\n", d->kind->name, format_name(d),
		      name);
		bad++;
	}
	return bad;
}

static unsigned attack(struct device *d, bool packed)
{
	unsigned n = 0, bad = 0;

	d->packed = packed;
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!(classes[i].formats & (packed ? PACKED : SPLIT)))
			continue;
		bad += attack_once(d, i);
		n++;
	}
	reset(d);
	print("%s: %s: %u classes, %u wrong\n", d->kind->name, format_name(d), (uint64_t)n,
	      (uint64_t)bad);
	return bad;
}

static bool offers_packed(const struct device *d)
{
	put(d, REG_FEATURES_SEL, 1);
	return get(d, REG_FEATURES) & F_PACKED_1;
}

int main(void)
{
	struct carrier carrier[VIRT_N_VIRTIO];
	unsigned n = carriers_find(carrier, VIRT_N_VIRTIO), bad = 0;

	for (unsigned i = 0; i < n; i++) {
		struct device d = {.carrier = carrier[i]};

		for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
			if (kinds[k].id == carrier[i].id)
				d.kind = &kinds[k];
		if (!d.kind)
			continue;
		bad += attack(&d, false);
		if (offers_packed(&d))
			bad += attack(&d, true);
	}
	return bad ? 1 : 0;
}
