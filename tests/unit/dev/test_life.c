/* SPDX-License-Identifier: MIT */
/*
 * What every device has to bear, whatever it is for: one table of devices, and each test goes
 * through all of it. Drivers that negotiate in any order, read and write config space anywhere,
 * kick too early, and reset a queue or the device while work is in flight.
 *
 * A device works when its first useful queue serves one request, with the length that is due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "backend/chr.h"
#include "backend/chr_pair.h"
#include "base/fd.h"
#include "dev/balloon.h"
#include "dev/blk.h"
#include "dev/console.h"
#include "dev/input.h"
#include "dev/net.h"
#include "dev/rng.h"
#include "dev/vsock.h"
#include "lib/driver.h"
#include "lib/mem_block.h"
#include "lib/mem_net.h"

#define RING 8u

struct world {
	struct driver d;
	const struct kind *kind;
	struct vdev *dev;
	struct mem_block block;
	struct mem_net net;
	struct chr *near, *far;
	int listener;
	uint64_t data; /* of the request that shows whether it works */
};

struct kind {
	const char *name;
	struct vdev *(*make)(struct world *w);
	unsigned queue; /* the useful one */
	/* Its request: readable bytes, then writable ones; and what it writes of them. */
	uint32_t readable, writable, least, most;
	bool all_alike; /* every queue takes it */
};

/* ---- the devices ---- */

static struct vdev *make_blk(struct world *w)
{
	const struct blk_config c = {
		.block = &w->block.block, .loop = w->d.loop, .serial = "life", .n_queues = 2};
	struct vdev *dev;

	assert_int_equal(blk_new(&c, &dev), 0);
	return dev;
}

static struct vdev *make_net(struct world *w)
{
	const struct netdev_config c = {
		.net = &w->net.net, .loop = w->d.loop, .mtu = 1500, .n_pairs = 1};
	struct vdev *dev;

	assert_int_equal(netdev_new(&c, &dev), 0);
	return dev;
}

static size_t far_input(void *user, const uint8_t *buf, size_t len)
{
	return len;
}

static void far_writable(void *user)
{
}

static struct vdev *make_console(struct world *w)
{
	static const struct chr_user_ops ops = {.input = far_input, .writable = far_writable};
	struct console_port_config port = {.is_console = true};
	const struct console_config c = {.loop = w->d.loop, .port = &port, .n_ports = 1};
	struct vdev *dev;

	assert_int_equal(chr_pair_new(w->d.loop, &w->near, &w->far), 0);
	chr_attach(w->far, &ops, w);
	port.chr = w->near;
	assert_int_equal(console_new(&c, &dev), 0);
	return dev;
}

static struct vdev *make_rng(struct world *w)
{
	const struct rng_config c = {.loop = w->d.loop, .repeatable = true};
	struct vdev *dev;

	assert_int_equal(rng_new(&c, &dev), 0);
	return dev;
}

static struct vdev *make_balloon(struct world *w)
{
	const struct balloon_config c = {.loop = w->d.loop, .mem = w->d.mem};
	struct vdev *dev;

	assert_int_equal(balloon_new(&c, &dev), 0);
	return dev;
}

static struct vdev *make_vsock(struct world *w)
{
	struct vsock_config c = {.loop = w->d.loop, .cid = 3, .path = "/nonexistent/life"};
	const struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct vdev *dev;

	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(w->listener >= 0);
	/* The kernel finds a name; nobody knows it. */
	assert_int_equal(bind(w->listener, (const struct sockaddr *)&a, sizeof(a.sun_family)), 0);
	assert_int_equal(listen(w->listener, 1), 0);
	c.listener = w->listener;
	assert_int_equal(vsock_new(&c, &dev), 0);
	return dev;
}

static struct vdev *make_input(struct world *w)
{
	struct vdev *dev;

	assert_int_equal(input_power_button_new(w->d.loop, &dev), 0);
	return dev;
}

/* All their requests are zeros: a read of sector 0, an empty frame, a page that is no RAM, a packet
 * of nobody's. */
static const struct kind kinds[] = {
	{"blk", make_blk, 0, 16, 513, 513, 513, true},
	{"net", make_net, 1, 64, 0, 0, 0, false},
	{"console", make_console, 1, 9, 0, 0, 0, false},
	{"rng", make_rng, 0, 0, 32, 1, 32, false},
	{"balloon", make_balloon, 0, 8, 0, 0, 0, false},
	{"vsock", make_vsock, 1, 44, 0, 0, 0, false},
	{"input", make_input, 1, 8, 0, 0, 0, false},
};

static void world_begin(struct world *w, const struct kind *k)
{
	memset(w, 0, sizeof(*w));
	w->kind = k;
	w->listener = -1;
	driver_init(&w->d);
	mem_block_init(&w->block, 64 * 512, false);
	mem_net_init(&w->net);
	w->dev = k->make(w);
	driver_plug(&w->d, w->dev);
}

static void world_end(struct world *w)
{
	driver_unplug(&w->d);
	if (w->near) {
		chr_free(w->near);
		chr_free(w->far);
	}
	driver_fini(&w->d);
	fd_close(&w->listener);
	mem_block_fini(&w->block);
}

/* Runs the test on each device. */
static void on_each(void (*test)(struct world *w))
{
	static struct world w;

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		print_message("  %s\n", kinds[i].name);
		world_begin(&w, &kinds[i]);
		test(&w);
		world_end(&w);
	}
}

/* ---- what a driver does ---- */

/* All queues that there are, and memory for a request. */
static void set_up_queues(struct world *w)
{
	w->d.next_gpa = DRIVER_RAM;
	for (unsigned i = 0; i < w->dev->n_queues; i++)
		driver_queue(&w->d, i, RING, false);
	w->data = driver_alloc(&w->d, 0x1000);
	memset(driver_ptr(&w->d, w->data, 0x1000), 0, 0x1000);
}

static unsigned parts_of(const struct world *w, struct guest_part p[2])
{
	const struct kind *k = w->kind;
	unsigned n = 0;

	if (k->readable)
		p[n++] = (struct guest_part){.gpa = w->data, .len = k->readable};
	if (k->writable)
		p[n++] = (struct guest_part){
			.gpa = w->data + 0x400, .len = k->writable, .write = true};
	return n;
}

static int request(struct world *w)
{
	struct guest_part p[2];
	unsigned n = parts_of(w, p);

	return driver_submit(&w->d, w->kind->queue, p, n);
}

static void expect_works(struct world *w)
{
	uint32_t len = driver_wait(&w->d, w->kind->queue, request(w));

	assert_in_range(len, w->kind->least, w->kind->most);
	assert_false(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void bring_up(struct world *w, uint64_t features)
{
	assert_true(driver_negotiate(&w->d, features));
	set_up_queues(w);
	driver_ok(&w->d);
	driver_settle(&w->d);
}

/* ---- features ---- */

static void write_features(struct world *w, unsigned half, uint32_t v)
{
	driver_write(&w->d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
	driver_write(&w->d, VIRTIO_MMIO_DRIVER_FEATURES, v);
}

static bool settle_features(struct world *w)
{
	driver_write(&w->d, VIRTIO_MMIO_STATUS, 11);
	return driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK;
}

static void begin_features(struct world *w)
{
	driver_reset(&w->d);
	driver_write(&w->d, VIRTIO_MMIO_STATUS, 3);
}

/* Each bit alone, and all but it: what is offered is taken, what is not is refused. */
static void each_bit(struct world *w)
{
	uint64_t offered = driver_offered(&w->d);

	for (unsigned i = 0; i < 64; i++) {
		bool there = offered >> i & 1;

		assert_int_equal(driver_negotiate(&w->d, BIT(i)), there);
		assert_int_equal(driver_negotiate(&w->d, offered & ~BIT(i)), true);
	}
	assert_false(driver_negotiate(&w->d, ~0ull));
	bring_up(w, 0);
	expect_works(w);
}

/* The halves in any order, again and again, more than two of them; the last word counts. */
static void any_order(struct world *w)
{
	begin_features(w);
	write_features(w, 1, 1);
	write_features(w, 0, 0);
	assert_true(settle_features(w));
	begin_features(w);
	write_features(w, 0, UINT32_MAX);
	write_features(w, 1, UINT32_MAX);
	write_features(w, 0, 0);
	write_features(w, 1, 1);
	assert_true(settle_features(w));
	/* Now it is late to change one's mind. */
	write_features(w, 0, UINT32_MAX);
	write_features(w, 1, 0);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK);
	set_up_queues(w);
	driver_ok(&w->d);
	expect_works(w);
	begin_features(w); /* without VERSION_1, or without a word */
	write_features(w, 1, 0);
	assert_false(settle_features(w));
	begin_features(w);
	assert_false(settle_features(w));
	begin_features(w);
	write_features(w, 2, UINT32_MAX);
	write_features(w, 1, 1);
	(void)settle_features(w);
	bring_up(w, 0);
	expect_works(w);
}

static void test_features(void **state)
{
	on_each(each_bit);
	on_each(any_order);
}

/* ---- config space ---- */

#define BEYOND (VDEV_CONFIG_MAX - 8) /* as far as both carriers have config space */

/* Wide accesses see the same bytes as narrow ones, and behind the end there are zeros. */
static void config_reads(struct world *w)
{
	uint8_t byte[BEYOND + 8];

	bring_up(w, 0);
	for (unsigned i = 0; i < sizeof(byte); i++)
		byte[i] = (uint8_t)driver_config(&w->d, i, 1);
	for (unsigned i = w->dev->config_len; i < sizeof(byte); i++)
		assert_int_equal(byte[i], 0);
	for (unsigned size = 2; size <= 8; size *= 2)
		for (unsigned at = 0; at <= BEYOND; at++) {
			uint64_t v = 0;

			for (unsigned i = size; i-- > 0;)
				v = v << 8 | byte[at + i];
			assert_int_equal(driver_config(&w->d, at, size), v);
		}
	expect_works(w);
}

static void config_writes(struct world *w)
{
	static const uint64_t values[] = {~0ull, 0, 0x0101010101010101, 0x8000000000000000};

	bring_up(w, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		for (unsigned size = 1; size <= 8; size *= 2)
			for (unsigned at = 0; at <= BEYOND; at++) {
				driver_config_write(&w->d, at, size, values[i]);
				driver_settle(&w->d);
			}
	for (unsigned i = w->dev->config_len; i < BEYOND; i++)
		assert_int_equal(driver_config(&w->d, i, 1), 0);
	bring_up(w, 0);
	expect_works(w);
}

static void test_config(void **state)
{
	on_each(config_reads);
	on_each(config_writes);
}

/* ---- too early ---- */

static void nothing_used(struct world *w)
{
	uint32_t id, len;

	driver_settle(&w->d);
	assert_false(guest_ring_reap(&w->d.ring[w->kind->queue], &id, &len));
}

/* Chains and kicks wait for DRIVER_OK; nothing more is needed then. */
static void kick_early(struct world *w)
{
	int head;

	for (unsigned i = 0; i < 40; i++)
		driver_kick(&w->d, i % 17);
	assert_true(driver_negotiate(&w->d, 0));
	for (unsigned i = 0; i < 17; i++)
		driver_kick(&w->d, i);
	set_up_queues(w);
	head = request(w);
	for (unsigned i = 0; i < 17; i++)
		driver_kick(&w->d, i);
	nothing_used(w);
	driver_ok(&w->d);
	assert_in_range(driver_wait(&w->d, w->kind->queue, head), w->kind->least, w->kind->most);
	expect_works(w);
	driver_reset(&w->d);
	(void)request(w);
	driver_kick(&w->d, w->kind->queue);
	nothing_used(w);
}

static void test_kick_early(void **state)
{
	on_each(kick_early);
}

/* ---- resets ---- */

/* Buffers in all rings, as a driver leaves them; kicked, and in the middle of being served when the
 * loop turns so often. */
static void post_everywhere(struct world *w, unsigned turns)
{
	struct guest_part p[2];
	unsigned n = parts_of(w, p);

	for (unsigned i = 0; i < w->dev->n_queues; i++) {
		const struct guest_part spare = {
			.gpa = w->data + 0x800, .len = 0x400, .write = true};

		for (unsigned k = 0; k < 3; k++) {
			if (i == w->kind->queue || w->kind->all_alike)
				(void)guest_ring_add(&w->d.ring[i], p, n, 0, 0);
			else if (i == 0)
				(void)guest_ring_add(&w->d.ring[i], &spare, 1, 0, 0);
		}
		guest_ring_publish(&w->d.ring[i]);
		driver_kick(&w->d, i);
	}
	for (unsigned i = 0; i < turns; i++)
		(void)loop_turn(w->d.loop, 0);
}

/* The store that resets waits for the back end, over mmio. */
static void release(struct loop_task *t)
{
	struct world *w = t->arg;

	if (!w->block.hold)
		return;
	w->block.hold = false;
	mem_block_release(&w->block);
}

static void reset_in_flight(struct world *w)
{
	struct loop_task later = {.fn = release, .arg = w};

	for (unsigned turns = 0; turns < 5; turns++) {
		for (unsigned hold = 0; hold <= w->kind->all_alike; hold++) {
			bring_up(w, 0);
			w->block.hold = hold;
			post_everywhere(w, turns);
			loop_post(w->d.loop, &later);
			driver_write(&w->d, VIRTIO_MMIO_STATUS, 0);
			driver_await(&w->d, VIRTIO_MMIO_STATUS, 0);
			bring_up(w, 0);
			expect_works(w);
		}
	}
}

static void reset_queue(struct world *w, unsigned index)
{
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_SEL, index);
	driver_write(&w->d, VIRTIO_MMIO_QUEUE_RESET, 1);
	driver_await(&w->d, VIRTIO_MMIO_QUEUE_RESET, 0);
	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_QUEUE_READY), 0);
}

/* Each queue by itself; afterwards its old ring is not touched, and a new one works. */
static void queue_reset(struct world *w)
{
	for (unsigned turns = 0; turns < 5; turns++) {
		bring_up(w, VIRTIO_F_RING_RESET);
		post_everywhere(w, turns);
		for (unsigned i = 0; i < w->dev->n_queues; i++)
			reset_queue(w, i);
		for (unsigned i = 0; i < w->dev->n_queues; i++) {
			uint8_t *used = driver_ptr(&w->d, w->d.ring[i].used, 6 + 8 * RING);
			uint8_t before[6 + 8 * RING];

			memcpy(before, used, sizeof(before));
			driver_kick(&w->d, i);
			driver_settle(&w->d);
			assert_memory_equal(before, used, sizeof(before));
		}
		set_up_queues(w);
		driver_settle(&w->d);
		expect_works(w);
	}
}

static void test_resets(void **state)
{
	on_each(reset_in_flight);
	on_each(queue_reset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features), cmocka_unit_test(test_config),
		cmocka_unit_test(test_kick_early), cmocka_unit_test(test_resets)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
