/* SPDX-License-Identifier: MIT */
/*
 * A guest whose drivers stop on their way, each at another step: for `linnet ctl PATH diagnose`,
 * which has to say where. It says "ready" and then does nothing.
 */
#include "tests/baremetal/lib.h"
#include "tests/hostile/carrier.h"

#include "machine/virt_map.h"

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 };
enum { RNG = 4, BALLOON = 5, INPUT = 18, VSOCK = 19, NET = 1, BLK = 2 };
enum { SIZE = 8, VERSION_1_IN_1 = 1, WRITE = 2, NO_INTERRUPT = 1 };

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
	uint32_t ring[2 * SIZE];
	uint16_t event;
};

static volatile struct desc desc[SIZE] __attribute__((aligned(4096)));
static volatile struct avail avail __attribute__((aligned(4096)));
static volatile struct used used __attribute__((aligned(4096)));
static volatile uint8_t data[64];

/* Up to the end of the negotiation; without VERSION_1 that fails. */
static void negotiate(const struct carrier *c, uint32_t features_1)
{
	carrier_put(c, REG_STATUS, ACKNOWLEDGE | DRIVER);
	carrier_put(c, REG_DRV_SEL, 1);
	carrier_put(c, REG_DRV_FEATURES, features_1);
	carrier_put(c, REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
}

static void put_addr(const struct carrier *c, unsigned reg, volatile void *p)
{
	carrier_put(c, reg, (uint32_t)(uintptr_t)p);
	carrier_put(c, reg + 4, (uint32_t)((uint64_t)(uintptr_t)p >> 32));
}

static void set_up_queue(const struct carrier *c)
{
	carrier_put(c, REG_QUEUE_SEL, 0);
	carrier_put(c, REG_QUEUE_NUM, SIZE);
	put_addr(c, REG_DESC, desc);
	put_addr(c, REG_AVAIL, &avail);
	put_addr(c, REG_USED, &used);
	carrier_put(c, REG_QUEUE_READY, 1);
}

static void is_ready(const struct carrier *c)
{
	carrier_put(c, REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

/* One request is served, and no interrupt is wanted. */
static void poll_one(const struct carrier *c)
{
	desc[0] = (struct desc){(uint64_t)data, sizeof(data), WRITE, 0};
	avail.flags = NO_INTERRUPT;
	avail.idx = 1;
	asm volatile("fence rw, rw; fence iorw, iorw" ::: "memory");
	carrier_put(c, REG_NOTIFY, 0);
	while (!used.idx)
		;
}

static void stop_somewhere(const struct carrier *c)
{
	static unsigned n_disks;

	switch (c->id) {
	case BALLOON: negotiate(c, 0); break;
	case VSOCK: negotiate(c, VERSION_1_IN_1); break;
	case INPUT: carrier_put(c, REG_STATUS, ACKNOWLEDGE | DRIVER | FAILED); break;
	case BLK:
		if (n_disks++) {
			carrier_put(c, REG_STATUS, ACKNOWLEDGE);
			break;
		}
		negotiate(c, VERSION_1_IN_1);
		is_ready(c);
		break;
	case NET:
		negotiate(c, VERSION_1_IN_1);
		set_up_queue(c);
		is_ready(c);
		break;
	case RNG:
		negotiate(c, VERSION_1_IN_1);
		set_up_queue(c);
		is_ready(c);
		poll_one(c);
		break;
	default: break;
	}
}

int main(void)
{
	struct carrier carrier[VIRT_N_VIRTIO];
	unsigned n = carriers_find(carrier, VIRT_N_VIRTIO);

	for (unsigned i = 0; i < n; i++)
		stop_somewhere(&carrier[i]);
	print("ready\n");
	for (;;)
		asm volatile("wfi");
}
