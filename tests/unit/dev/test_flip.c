/* SPDX-License-Identifier: MIT */
/*
 * A guest that flips bits of its rings, tables and requests while a device works on them in another
 * thread. What the device does then is its own affair, but it stays within guest memory (which the
 * sanitizers watch), comes to an end, and works again after a reset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "dev/blk.h"
#include "dev/blk_spec.h"
#include "dev/net.h"
#include "dev/rng.h"
#include "lib/driver.h"
#include "lib/guest_packed.h"
#include "lib/mem_block.h"
#include "lib/mem_net.h"
#include "lib/rand.h"

#define ROUNDS   200u
#define FLIPS    400u
#define SIZE     16u
#define CHAINS   4u
#define AREA_LEN 2048u /* the ring, and requests behind it */
#define REQUESTS 1024u
#define DATA     512u /* bytes of a request's data */

struct victim {
	struct driver d;
	struct guest_packed packed;
	struct guest_part part[3]; /* of a request, from its own address on */
	unsigned n_parts, queue;
	uint64_t rng, area;
	unsigned n_broken;
};

/* Puts a request of zeros, which blk takes for a read of sector 0, behind the ring. */
static void add(struct victim *v, bool packed, unsigned i)
{
	struct guest_part part[3];

	for (unsigned p = 0; p < v->n_parts; p++) {
		part[p] = v->part[p];
		part[p].gpa += v->area + REQUESTS + 64ull * i;
	}
	memset(driver_ptr(&v->d, v->area + REQUESTS + 64ull * i, 64), 0, 64);
	if (packed)
		assert_true(guest_packed_add(&v->packed, part, v->n_parts, 0) >= 0);
	else
		assert_true(guest_ring_add(&v->d.ring[v->queue], part, v->n_parts, 0, 0) >= 0);
}

static void write_pair(struct driver *d, unsigned reg, uint64_t v)
{
	driver_write(d, reg, (uint32_t)v);
	driver_write(d, reg + 4, (uint32_t)(v >> 32));
}

static void packed_queue(struct victim *v)
{
	guest_packed_fini(&v->packed);
	guest_packed_init(&v->packed, v->d.mem, v->area, SIZE, (struct guest_place){0, true}, true);
	driver_write(&v->d, VIRTIO_MMIO_QUEUE_SEL, v->queue);
	driver_write(&v->d, VIRTIO_MMIO_QUEUE_NUM, SIZE);
	write_pair(&v->d, VIRTIO_MMIO_QUEUE_DESC_LOW, v->packed.desc);
	write_pair(&v->d, VIRTIO_MMIO_QUEUE_DRIVER_LOW, v->packed.driver);
	write_pair(&v->d, VIRTIO_MMIO_QUEUE_DEVICE_LOW, v->packed.device);
	driver_write(&v->d, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void flip(struct victim *v)
{
	uint8_t *area = driver_ptr(&v->d, v->area, AREA_LEN);

	for (unsigned i = 0; i < FLIPS; i++) {
		(void)__atomic_fetch_xor(area + rand_below(&v->rng, AREA_LEN),
					 (uint8_t)(1u << rand_below(&v->rng, 8)), __ATOMIC_RELAXED);
		if (i % 16 == 0)
			driver_kick(&v->d, v->queue);
	}
}

static void round_of(struct victim *v, bool packed)
{
	struct driver *d = &v->d;

	d->next_gpa = v->area;
	assert_true(driver_negotiate(d, VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
						(packed ? VIRTIO_F_RING_PACKED : 0)));
	if (packed)
		packed_queue(v);
	else
		driver_queue(d, v->queue, SIZE, true);
	for (unsigned i = 0; i < CHAINS; i++)
		add(v, packed, i);
	if (!packed)
		guest_ring_publish(&d->ring[v->queue]);
	driver_ok(d);
	flip(v);
	v->n_broken += (driver_read(d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}

/* A driver that keeps to the rules is served. */
static void check_works(struct victim *v)
{
	struct guest_part part[3];

	v->d.next_gpa = v->area;
	assert_true(driver_negotiate(&v->d, 0));
	driver_queue(&v->d, v->queue, SIZE, false);
	driver_ok(&v->d);
	memset(driver_ptr(&v->d, v->area + REQUESTS, 64), 0, 64);
	for (unsigned p = 0; p < v->n_parts; p++) {
		part[p] = v->part[p];
		part[p].gpa += v->area + REQUESTS;
	}
	(void)driver_wait(&v->d, v->queue, driver_submit(&v->d, v->queue, part, v->n_parts));
}

static void attack(struct victim *v, struct vdev *dev)
{
	vdev_offer_ring(dev, VIRTQ_FEATURES_ALL);
	driver_plug(&v->d, dev);
	driver_thread_start(&v->d);
	v->area = driver_alloc(&v->d, 1u << 16) + 4095;
	v->area &= ~4095ull;
	for (unsigned i = 0; i < ROUNDS; i++)
		round_of(v, i & 1);
	check_works(v);
	assert_true(v->n_broken > ROUNDS / 10);
	guest_packed_fini(&v->packed);
	driver_fini(&v->d);
}

static void test_blk(void **state)
{
	static struct victim v;
	struct mem_block m;
	struct blk_config config = {.block = &m.block};
	struct vdev *dev;

	v = (struct victim){.part = {{0, BLK_HEADER_SIZE, false},
				     {REQUESTS, DATA, true},
				     {BLK_HEADER_SIZE, 1, true}},
			    .n_parts = 3};
	driver_init(&v.d);
	mem_block_init(&m, 1u << 16, false);
	config.loop = v.d.loop;
	assert_int_equal(blk_new(&config, &dev), 0);
	attack(&v, dev);
	mem_block_fini(&m);
}

static void test_net(void **state)
{
	static struct victim v;
	struct mem_net m;
	struct netdev_config config = {.net = &m.net};
	struct vdev *dev;

	v = (struct victim){.part = {{0, 12, false}, {12, 50, false}}, .n_parts = 2, .queue = 1};
	driver_init(&v.d);
	mem_net_init(&m);
	config.loop = v.d.loop;
	assert_int_equal(netdev_new(&config, &dev), 0);
	attack(&v, dev);
	assert_true(m.n_sent > 0);
}

static void test_rng(void **state)
{
	static struct victim v;
	struct rng_config config = {.repeatable = true};
	struct vdev *dev;

	v = (struct victim){.part = {{0, 20, true}, {20, 44, true}}, .n_parts = 2};
	driver_init(&v.d);
	config.loop = v.d.loop;
	assert_int_equal(rng_new(&config, &dev), 0);
	attack(&v, dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blk),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_rng),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
