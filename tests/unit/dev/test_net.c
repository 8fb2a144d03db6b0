/* SPDX-License-Identifier: MIT */
/* The network card, over the real transport and a network in memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/mem_net.h"
#include "lib/rand.h"
#include "base/endian.h"
#include "dev/net.h"

enum { RX, TX };

#define F_MTU       BIT(3)
#define F_MAC       BIT(5)
#define F_MRG_RXBUF BIT(15)
#define F_STATUS    BIT(16)
#define HEADER      12u

struct world {
	struct driver d;
	struct mem_net m;
	uint8_t frame[NET_FRAME_MAX + 1];
};

static int setup_with(void **state, unsigned offloads)
{
	static struct world w;
	struct netdev_config config = {.mac = {2, 0, 0, 1, 2, 3}, .mtu = 1400};
	struct vdev *dev;
	uint64_t rng = 1;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	mem_net_init(&w.m);
	w.m.net.offloads = offloads;
	for (size_t i = 0; i < sizeof(w.frame); i++)
		w.frame[i] = (uint8_t)rand_next(&rng);
	config.net = &w.m.net;
	config.loop = w.d.loop;
	assert_int_equal(netdev_new(&config, &dev), 0);
	driver_plug(&w.d, dev);
	*state = &w;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, 0);
}

#define OFFLOADS (NET_OFFLOAD_SEND_CSUM | NET_OFFLOAD_SEND_TSO4 | NET_OFFLOAD_RECV_CSUM)

static int setup_offloads(void **state)
{
	return setup_with(state, OFFLOADS);
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_fini(&w->d);
	assert_true(w->m.closed);
	return 0;
}

static void bring_up(struct world *w, uint64_t features, uint32_t rx_size)
{
	assert_true(driver_negotiate(&w->d, features));
	driver_queue(&w->d, RX, rx_size, features & VIRTIO_F_EVENT_IDX);
	driver_queue(&w->d, TX, 64, features & VIRTIO_F_EVENT_IDX);
	driver_ok(&w->d);
	driver_settle(&w->d);
}

static void assert_needs_reset(struct world *w)
{
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_config(void **state)
{
	struct world *w = *state;

	assert_int_equal(driver_read(&w->d, VIRTIO_MMIO_DEVICE_ID), 1);
	assert_int_equal(driver_offered(&w->d) & 0x1ffff, F_MTU | F_MAC | F_MRG_RXBUF | F_STATUS);
	assert_int_equal(driver_config(&w->d, 0, 4), 0x01000002);
	assert_int_equal(driver_config(&w->d, 4, 2), 0x0302);
	assert_int_equal(driver_config(&w->d, 6, 2), 1);
	assert_int_equal(driver_config(&w->d, 10, 2), 1400);
}

/* ---- sending ---- */

/* Puts header and frame, cut into parts of `step` bytes, on the TX queue. */
static void send_cut(struct world *w, size_t len, uint32_t step)
{
	struct guest_part p[64];
	uint64_t gpa = driver_alloc(&w->d, HEADER + len);
	uint32_t total = (uint32_t)(HEADER + len);
	unsigned n = 0;

	memset(driver_ptr(&w->d, gpa, HEADER), 0, HEADER);
	memcpy(driver_ptr(&w->d, gpa + HEADER, len), w->frame, len);
	for (uint32_t at = 0; at < total; at += step)
		p[n++] = (struct guest_part){gpa + at, at + step < total ? step : total - at,
					     false};
	assert_int_equal(driver_wait(&w->d, TX, driver_submit(&w->d, TX, p, n)), 0);
}

static void test_send_any_split(void **state)
{
	struct world *w = *state;
	unsigned n = 0;

	bring_up(w, VIRTIO_F_EVENT_IDX, 16);
	for (uint32_t step = 2; step <= 128; step++) {
		send_cut(w, 100, step);
		assert_int_equal(w->m.n_sent, ++n);
		assert_int_equal(w->m.last_len, 100);
		assert_memory_equal(w->m.last, w->frame, 100);
	}
}

static void test_send_refused(void **state)
{
	struct world *w = *state;

	bring_up(w, 0, 16);
	w->m.send_result = -EAGAIN;
	send_cut(w, 100, 200);
	w->m.send_result = -EINVAL;
	send_cut(w, 10, 200);
	assert_int_equal(w->m.n_sent, 2);
	/* Nothing but a header. */
	send_cut(w, 0, 200);
	assert_int_equal(w->m.n_sent, 2);
}

static void test_send_needs_no_offload(void **state)
{
	struct world *w = *state;
	uint64_t gpa = driver_alloc(&w->d, 100);
	uint8_t *b = driver_ptr(&w->d, gpa, 100);
	struct guest_part p = {gpa, 100, false};

	bring_up(w, 0, 16);
	b[0] = 1; /* needs a checksum */
	driver_wait(&w->d, TX, driver_submit(&w->d, TX, &p, 1));
	b[0] = 0;
	b[1] = 1; /* needs segmentation */
	driver_wait(&w->d, TX, driver_submit(&w->d, TX, &p, 1));
	assert_int_equal(w->m.n_sent, 0);
}

static void test_send_without_header(void **state)
{
	struct world *w = *state;
	struct guest_part p = {driver_alloc(&w->d, 16), 11, false};

	bring_up(w, 0, 16);
	driver_submit(&w->d, TX, &p, 1);
	assert_needs_reset(w);
	assert_int_equal(w->m.n_sent, 0);
}

static void test_many_sent_at_once(void **state)
{
	struct world *w = *state;
	struct guest_part p = {driver_alloc(&w->d, 100), 100, false};

	bring_up(w, VIRTIO_F_EVENT_IDX, 16);
	for (unsigned i = 0; i < 64; i++)
		assert_true(guest_ring_add(&w->d.ring[TX], &p, 1, 0, 0) >= 0);
	guest_ring_publish(&w->d.ring[TX]);
	driver_kick(&w->d, TX);
	driver_settle(&w->d);
	assert_int_equal(w->m.n_sent, 64);
	assert_int_equal(w->d.n_raised, 1);
}

struct endless {
	struct world *w;
	unsigned left; /* packets that the guest has yet to make */
	int head;
	struct loop_task other; /* somebody else on the loop */
	unsigned other_ran_at;  /* packets sent by then */
};

static void guest_adds_one(void *arg)
{
	struct endless *e = arg;

	if (!e->left)
		return;
	e->left--;
	guest_ring_offer(&e->w->d.ring[TX], (uint16_t)e->head);
}

static void other_task(struct loop_task *t)
{
	struct endless *e = t->arg;

	e->other_ran_at = e->w->m.n_sent;
}

/* A guest that adds a packet for each one taken does not keep the loop for itself. */
static void test_endless_sender(void **state)
{
	struct world *w = *state;
	struct endless e = {.w = w, .left = 1000};
	struct guest_part p = {driver_alloc(&w->d, 100), 100, false};

	bring_up(w, 0, 16);
	w->m.on_send = guest_adds_one;
	w->m.on_send_arg = &e;
	e.head = guest_ring_add(&w->d.ring[TX], &p, 1, 0, 0);
	guest_ring_publish(&w->d.ring[TX]);
	driver_kick(&w->d, TX);
	e.other = (struct loop_task){.fn = other_task, .arg = &e};
	loop_post(w->d.loop, &e.other);
	driver_settle(&w->d);
	assert_int_equal(w->m.n_sent, 1001);
	assert_in_range(e.other_ran_at, 1, 64);
}

/* ---- receiving ---- */

/* Posts one buffer of len bytes. */
static uint64_t post(struct world *w, uint32_t len)
{
	struct guest_part p = {driver_alloc(&w->d, len), len, true};

	driver_submit(&w->d, RX, &p, 1);
	driver_settle(&w->d);
	return p.gpa;
}

static unsigned num_buffers(struct world *w, uint64_t gpa)
{
	const uint8_t *h = driver_ptr(&w->d, gpa, HEADER);
	static const uint8_t zero[10];

	assert_memory_equal(h, zero, 10);
	return le16_load(h + 10);
}

static void test_receive(void **state)
{
	struct world *w = *state;
	uint64_t gpa;

	for (size_t cut = 0; cut < 100; cut += 7) {
		bring_up(w, 0, 16);
		gpa = post(w, 1526);
		assert_true(mem_net_offer(&w->m, w->frame, 100, cut));
		assert_int_equal(driver_wait(&w->d, RX, -1), 112);
		assert_int_equal(num_buffers(w, gpa), 1);
		assert_memory_equal(driver_ptr(&w->d, gpa + HEADER, 100), w->frame, 100);
	}
}

/* A frame over buffers of every size, with and without pieces. */
static void test_receive_mergeable(void **state)
{
	struct world *w = *state;

	for (uint32_t size = 24; size <= 1600; size = size * 3 / 2) {
		uint64_t gpa[64];
		uint32_t left = 1514 + HEADER, n = (left + size - 1) / size;

		bring_up(w, F_MRG_RXBUF, 64);
		for (unsigned i = 0; i < n; i++)
			gpa[i] = post(w, size);
		assert_true(mem_net_offer(&w->m, w->frame, 1514, size % 1500));
		assert_int_equal(num_buffers(w, gpa[0]), n);
		for (unsigned i = 0; i < n; i++) {
			uint32_t k = left < size ? left : size, skip = i ? 0 : HEADER;

			assert_int_equal(driver_wait(&w->d, RX, -1), k);
			assert_memory_equal(driver_ptr(&w->d, gpa[i] + skip, k - skip),
					    w->frame + i * size - (i ? HEADER : 0), k - skip);
			left -= k;
		}
		assert_int_equal(left, 0);
	}
}

static void test_receive_waits_for_buffers(void **state)
{
	struct world *w = *state;

	for (unsigned f = 0; f < 2; f++) {
		bring_up(w, F_MRG_RXBUF | (f ? VIRTIO_F_EVENT_IDX : 0), 16);
		assert_true(w->m.wanted);
		assert_false(mem_net_offer(&w->m, w->frame, 500, 0));
		post(w, 100);
		assert_true(w->m.wanted);
		/* One is not enough: it is given back. */
		assert_false(mem_net_offer(&w->m, w->frame, 500, 0));
		post(w, 1000);
		assert_true(w->m.wanted);
		assert_true(mem_net_offer(&w->m, w->frame, 500, 0));
		assert_int_equal(driver_wait(&w->d, RX, -1), 100);
		assert_int_equal(driver_wait(&w->d, RX, -1), 412);
	}
}

static void test_frame_that_never_fits(void **state)
{
	struct world *w = *state;

	/* Without mergeable buffers: larger than the buffer. */
	bring_up(w, 0, 16);
	post(w, 200);
	assert_true(mem_net_offer(&w->m, w->frame, 500, 0));
	assert_true(mem_net_offer(&w->m, w->frame, 188, 0));
	assert_int_equal(driver_wait(&w->d, RX, -1), 200);
	/* With them: larger than a full ring. */
	bring_up(w, F_MRG_RXBUF, 4);
	for (unsigned i = 0; i < 4; i++)
		post(w, 100);
	assert_true(mem_net_offer(&w->m, w->frame, 389, 0));
	assert_true(mem_net_offer(&w->m, w->frame, 388, 0));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(driver_wait(&w->d, RX, -1), 100);
	/* No frame at all, and one that is longer than any. */
	post(w, 200);
	assert_true(mem_net_offer(&w->m, w->frame, 13, 0));
	assert_true(mem_net_offer(&w->m, w->frame, NET_FRAME_MAX + 1, 0));
	assert_true(mem_net_offer(&w->m, w->frame, 14, 0));
	assert_int_equal(driver_wait(&w->d, RX, -1), 26);
}

static void test_largest_frame(void **state)
{
	struct world *w = *state;

	bring_up(w, F_MRG_RXBUF, 64);
	for (unsigned i = 0; i < 45; i++)
		post(w, 1526);
	assert_true(mem_net_offer(&w->m, w->frame, NET_FRAME_MAX, 40000));
	for (unsigned i = 0; i < 42; i++)
		assert_int_equal(driver_wait(&w->d, RX, -1), 1526);
	assert_int_equal(driver_wait(&w->d, RX, -1), NET_FRAME_MAX + HEADER - 42 * 1526);
}

static void test_bad_receive_buffers(void **state)
{
	struct world *w = *state;
	uint64_t gpa = driver_alloc(&w->d, 64);
	struct guest_part bad[3][2] = {
		{{gpa, 11, true}}, {{gpa, 16, false}, {gpa, 64, true}}, {{gpa, 64, false}}};
	const unsigned n[3] = {1, 2, 1};

	for (unsigned i = 0; i < 3; i++) {
		bring_up(w, F_MRG_RXBUF, 16);
		driver_submit(&w->d, RX, bad[i], n[i]);
		driver_settle(&w->d);
		assert_false(mem_net_offer(&w->m, w->frame, 14, 0));
		assert_needs_reset(w);
	}
}

static void test_reset(void **state)
{
	struct world *w = *state;

	bring_up(w, 0, 16);
	post(w, 200);
	driver_reset(&w->d);
	assert_false(w->m.wanted);
	bring_up(w, 0, 16);
	assert_true(w->m.wanted);
	post(w, 200);
	assert_true(mem_net_offer(&w->m, w->frame, 100, 0));
	assert_int_equal(driver_wait(&w->d, RX, -1), 112);
}

/* ---- offloads ---- */

#define F_CSUM                BIT(0)
#define F_GUEST_CSUM          BIT(1)
#define F_CTRL_GUEST_OFFLOADS BIT(2)
#define F_HOST_TSO4           BIT(11)

static void test_offloads_offered(void **state)
{
	struct world *w = *state;

	assert_int_equal(driver_offered(&w->d) & 0x7fff & ~(F_MTU | F_MAC),
			 F_CSUM | F_GUEST_CSUM | F_CTRL_GUEST_OFFLOADS | F_HOST_TSO4);
	bring_up(w, F_CSUM | F_GUEST_CSUM | F_HOST_TSO4, 16);
	assert_int_equal(w->m.offloads, OFFLOADS);
	/* The next driver may want less. */
	driver_reset(&w->d);
	bring_up(w, F_GUEST_CSUM, 16);
	assert_int_equal(w->m.offloads, NET_OFFLOAD_RECV_CSUM);
	driver_reset(&w->d);
	bring_up(w, F_HOST_TSO4, 16);
	assert_int_equal(w->m.offloads, 0);
}

/* The header goes along, cut in any way, and with nothing in it that the guest has no right to. */
static void test_send_offloaded(void **state)
{
	static const uint8_t header[HEADER] = {0xf1, 1, 60, 0, 0xe8, 3, 34, 0, 16, 0, 7, 7};
	const struct net_header want = {NET_HEADER_NEEDS_CSUM, NET_GSO_TCPV4, 60, 1000, 34, 16};
	struct world *w = *state;
	uint64_t gpa = driver_alloc(&w->d, HEADER + 3000);

	bring_up(w, F_CSUM | F_HOST_TSO4, 16);
	for (uint32_t cut = 1; cut < 100; cut += 9) {
		const struct guest_part p[2] = {{gpa, cut, false},
						{gpa + cut, HEADER + 3000 - cut, false}};

		memcpy(driver_ptr(&w->d, gpa, HEADER), header, HEADER);
		memcpy(driver_ptr(&w->d, gpa + HEADER, 3000), w->frame, 3000);
		driver_wait(&w->d, TX, driver_submit(&w->d, TX, p, 2));
		assert_int_equal(w->m.last_len, sizeof(want) + 3000);
		assert_memory_equal(w->m.last, &want, sizeof(want));
		assert_memory_equal(w->m.last + sizeof(want), w->frame, 3000);
		w->m.last_len = 0;
	}
	assert_int_equal(w->m.n_sent, 11);
	/* Where the checksum starts: behind the frame. */
	le16_store((uint8_t *)driver_ptr(&w->d, gpa, HEADER) + 6, 0xffff);
	driver_wait(&w->d, TX,
		    driver_submit(&w->d, TX, &(struct guest_part){gpa, HEADER + 3000, false}, 1));
	assert_int_equal(w->m.n_sent, 11);
}

static void test_receive_offloaded(void **state)
{
	static const uint8_t want[HEADER] = {1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 2, 0};
	struct net_header h = {NET_HEADER_NEEDS_CSUM, NET_GSO_NONE, 99, 99, 34, 6};
	struct world *w = *state;
	uint8_t offered[sizeof(h) + 100];
	uint64_t gpa;

	bring_up(w, F_GUEST_CSUM | F_MRG_RXBUF, 16);
	gpa = post(w, 80);
	post(w, 80);
	memcpy(offered, &h, sizeof(h));
	memcpy(offered + sizeof(h), w->frame, 100);
	/* One that is to be cut into pieces was not agreed to: it is dropped. */
	offered[1] = NET_GSO_TCPV4;
	assert_true(mem_net_offer(&w->m, offered, sizeof(offered), 0));
	offered[1] = NET_GSO_NONE;
	assert_true(mem_net_offer(&w->m, offered, sizeof(h) + 13, 0)); /* no frame either */
	for (unsigned i = 0; i < 2; i++) { /* in one piece; with a piece that ends in the header */
		assert_true(mem_net_offer(&w->m, offered, sizeof(offered), i * 5));
		assert_int_equal(driver_wait(&w->d, RX, -1), 80);
		assert_int_equal(driver_wait(&w->d, RX, -1), 32);
		assert_memory_equal(driver_ptr(&w->d, gpa, HEADER), want, HEADER);
		assert_memory_equal(driver_ptr(&w->d, gpa + HEADER, 68), w->frame, 68);
		gpa = post(w, 80);
		post(w, 80);
	}
}

#define OFF(name) cmocka_unit_test_setup_teardown(name, setup_offloads, teardown)
#define T(name)   cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_config),
		T(test_send_any_split),
		T(test_send_refused),
		T(test_send_needs_no_offload),
		T(test_send_without_header),
		T(test_many_sent_at_once),
		T(test_endless_sender),
		T(test_receive),
		T(test_receive_mergeable),
		T(test_receive_waits_for_buffers),
		T(test_frame_that_never_fits),
		T(test_largest_frame),
		T(test_bad_receive_buffers),
		T(test_reset),
		OFF(test_offloads_offered),
		OFF(test_send_offloaded),
		OFF(test_receive_offloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
