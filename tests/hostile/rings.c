/* SPDX-License-Identifier: MIT */
/*
 * A guest whose virtio drivers break the rules, each class of mistakes on each device: the device
 * must be marked broken (DEVICE_NEEDS_RESET) where the ring is at fault, must not write where it
 * may not, and must work again after a reset. One line for each class that does not end as it must,
 * and one for each device.
 */
#include "tests/baremetal/lib.h"
#include "tests/hostile/carrier.h"

#include "machine/virt_map.h"

void *memset(void *p, int c, size_t n); /* lib.c */

#define SIZE 8u
#define DATA ((uint64_t)data)

enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64 };

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

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

static const struct kind kinds[] = {
	{1, "net", 1, true}, {2, "blk", 0, true}, {3, "console", 1, true}, {4, "rng", 0, false}};

struct device {
	const struct kind *kind;
	struct carrier carrier;
	bool indirect; /* negotiated */
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
	put(d, REG_STATUS, ACKNOWLEDGE | DRIVER);
	put(d, REG_DRV_SEL, 0);
	put(d, REG_DRV_FEATURES, indirect ? 1u << 28 : 0);
	put(d, REG_DRV_SEL, 1);
	put(d, REG_DRV_FEATURES, 1); /* VERSION_1 */
	put(d, REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	put(d, REG_QUEUE_SEL, d->kind->queue);
	put(d, REG_QUEUE_NUM, SIZE);
	put_addr(d, REG_DESC, (uint64_t)desc);
	put_addr(d, REG_AVAIL, (uint64_t)&avail);
	put_addr(d, REG_USED, (uint64_t)&used);
	put(d, REG_QUEUE_READY, 1);
	put(d, REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

static void offer(const struct device *d, uint16_t head, uint16_t jump)
{
	avail.ring[avail.idx % SIZE] = head;
	fence();
	avail.idx += jump;
	fence();
	put(d, REG_NOTIFY, d->kind->queue);
}

enum outcome { SERVED, BROKEN, SILENT };

static enum outcome wait(const struct device *d)
{
	for (unsigned i = 0; i < 20000000; i++) {
		fence();
		if (used.idx)
			return SERVED;
		/* Reading a register costs; the ring is what a driver looks at. */
		if (!(i & 0xfff) && (get(d, REG_STATUS) & NEEDS_RESET))
			return BROKEN;
	}
	return SILENT;
}

/* ---- the classes ---- */

static void set(unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next)
{
	desc[i] = (struct desc){addr, len, (uint16_t)flags, (uint16_t)next};
}

static void head_out_of_range(const struct device *d)
{
	offer(d, SIZE, 1);
}

static void next_out_of_range(const struct device *d)
{
	set(0, DATA, 16, NEXT, SIZE);
	offer(d, 0, 1);
}

static void loop_to_itself(const struct device *d)
{
	set(0, DATA, 16, NEXT, 0);
	offer(d, 0, 1);
}

static void loop_of_empty(const struct device *d)
{
	set(0, DATA, 0, NEXT, 1);
	set(1, DATA, 0, NEXT, 0);
	offer(d, 0, 1);
}

static void readable_behind_writable(const struct device *d)
{
	set(0, DATA, 16, NEXT | WRITE, 1);
	set(1, DATA + 64, 16, 0, 0);
	offer(d, 0, 1);
}

static void outside_ram(const struct device *d)
{
	set(0, 0x70000000, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void null_address(const struct device *d)
{
	set(0, 0, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void address_overflow(const struct device *d)
{
	set(0, ~0ull - 7, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void length_overflow(const struct device *d)
{
	set(0, DATA, 0xffffffff, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void its_own_registers(const struct device *d)
{
	set(0, (uint64_t)d->carrier.regs, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void avail_jump(const struct device *d)
{
	set(0, DATA, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, SIZE + 1);
}

static void one_in_table(const struct device *d, uint64_t addr, uint32_t len, unsigned flags)
{
	table[0] = (struct desc){DATA, 16, d->kind->reads ? 0 : WRITE, 0};
	set(0, addr, len, INDIRECT | flags, 1);
	set(1, DATA, 16, d->kind->reads ? 0 : WRITE, 0);
	offer(d, 0, 1);
}

static void table_of_odd_length(const struct device *d)
{
	one_in_table(d, (uint64_t)table, 17, 0);
}

static void table_empty(const struct device *d)
{
	one_in_table(d, (uint64_t)table, 0, 0);
}

static void table_and_next(const struct device *d)
{
	one_in_table(d, (uint64_t)table, 16, NEXT);
}

static void table_outside_ram(const struct device *d)
{
	one_in_table(d, 0x70000000, 16, 0);
}

static void table_huge(const struct device *d)
{
	one_in_table(d, (uint64_t)table, 0xfffffff0, 0);
}

static void table_in_table(const struct device *d)
{
	table[0] = (struct desc){(uint64_t)&table[2], 16, INDIRECT, 0};
	table[2] = (struct desc){DATA, 16, d->kind->reads ? 0 : WRITE, 0};
	set(0, (uint64_t)table, 16, INDIRECT, 0);
	offer(d, 0, 1);
}

static void table_longer_than_queue(const struct device *d)
{
	for (unsigned i = 0; i < 256; i++)
		table[i] = (struct desc){
			DATA, 1, (uint16_t)((i < 255 ? NEXT : 0) | (d->kind->reads ? 0 : WRITE)),
			(uint16_t)(i + 1)};
	set(0, (uint64_t)table, sizeof(table), INDIRECT, 0);
	offer(d, 0, 1);
}

/* The 16th class: what the device would write is there to be read, and the reverse. */
static void wrong_direction(const struct device *d)
{
	memset((void *)(uintptr_t)data, 0x5a, 64);
	set(0, DATA, 64, d->kind->reads ? WRITE : 0, 0);
	offer(d, 0, 1);
}

enum { IS_BROKEN = 1, IS_SERVED = 2, EITHER = 3 };

static const struct {
	const char *name;
	void (*make)(const struct device *d);
	unsigned ends; /* bits */
	bool indirect; /* negotiated before */
} classes[] = {
	{"a head out of range", head_out_of_range, IS_BROKEN, false},
	{"next out of range", next_out_of_range, IS_BROKEN, false},
	{"a loop of one", loop_to_itself, IS_BROKEN, false},
	{"a loop of empty descriptors", loop_of_empty, IS_BROKEN, false},
	{"readable behind writable", readable_behind_writable, IS_BROKEN, false},
	{"a buffer outside RAM", outside_ram, IS_BROKEN, false},
	{"a buffer at 0", null_address, IS_BROKEN, false},
	{"address + length overflows", address_overflow, IS_BROKEN, false},
	{"a buffer beyond the end of RAM", length_overflow, IS_BROKEN, false},
	{"its own registers as buffer", its_own_registers, IS_BROKEN, false},
	{"avail.idx jumps", avail_jump, IS_BROKEN, false},
	{"a table without the feature", table_empty, IS_BROKEN, false},
	{"a table of odd length", table_of_odd_length, IS_BROKEN, true},
	{"an empty table", table_empty, IS_BROKEN, true},
	{"a table and next", table_and_next, IS_BROKEN, true},
	{"a table outside RAM", table_outside_ram, IS_BROKEN, true},
	{"a huge table", table_huge, IS_BROKEN, true},
	{"a table in a table", table_in_table, IS_BROKEN, true},
	{"a table longer than the queue", table_longer_than_queue, EITHER, true},
	{"the wrong direction", wrong_direction, EITHER, false},
};

/* ---- the right way ---- */

/* A block read of sector 0, whose bytes the test has filled with their own offsets. */
static bool blk_works(struct device *d)
{
	volatile uint32_t *header = (volatile uint32_t *)data;

	for (unsigned i = 0; i < 4; i++)
		header[i] = 0;
	data[1024] = 0xff;
	set(0, DATA, 16, NEXT, 1);
	set(1, DATA + 512, 512, NEXT | WRITE, 2);
	set(2, DATA + 1024, 1, WRITE, 0);
	offer(d, 0, 1);
	if (wait(d) != SERVED || data[1024])
		return false;
	for (unsigned i = 0; i < 512; i++)
		if (data[512 + i] != (i & 0x7f))
			return false;
	return used.ring[0].len == 513;
}

static bool works(struct device *d)
{
	begin(d, false);
	switch (d->kind->id) {
	case 2: return blk_works(d);
	case 4:
		set(0, DATA, 16, WRITE, 0);
		offer(d, 0, 1);
		return wait(d) == SERVED && used.ring[0].len >= 1 && used.ring[0].len <= 16;
	default:
		memset((void *)(uintptr_t)data, 0, 64);
		set(0, DATA, 64, 0, 0);
		offer(d, 0, 1);
		return wait(d) == SERVED && !used.ring[0].len;
	}
}

static unsigned attack(struct device *d)
{
	static const char *const outcomes[] = {"served", "broken", "silent"};
	unsigned bad = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
		enum outcome o;

		begin(d, classes[i].indirect);
		classes[i].make(d);
		o = wait(d);
		if (o == SILENT || !(classes[i].ends & (o == BROKEN ? IS_BROKEN : IS_SERVED))) {
			print("%s: %s: %s\n", d->kind->name, classes[i].name, outcomes[o]);
			bad++;
		}
		if (classes[i].make == wrong_direction && !d->kind->reads && data[0] != 0x5a) {
			print("%s: wrote where it may only read\n", d->kind->name);
			bad++;
		}
		if (!works(d)) {
			print("%s: %s: does not work afterwards\n", d->kind->name, classes[i].name);
			bad++;
		}
	}
	return bad;
}

int main(void)
{
	struct carrier carrier[VIRT_N_VIRTIO];
	unsigned n = carriers_find(carrier, VIRT_N_VIRTIO), bad = 0;

	for (unsigned i = 0; i < n; i++) {
		struct device d = {.carrier = carrier[i]};
		unsigned wrong;

		for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
			if (kinds[k].id == carrier[i].id)
				d.kind = &kinds[k];
		if (!d.kind)
			continue;
		wrong = attack(&d);
		reset(&d);
		print("%s: %u classes, %u wrong\n", d.kind->name, (uint64_t)ARRAY_SIZE(classes),
		      (uint64_t)wrong);
		bad += wrong;
	}
	return bad ? 1 : 0;
}
