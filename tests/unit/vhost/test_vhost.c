/* SPDX-License-Identifier: MIT */
/*
 * A toy device behind vhost-user, with a front end that does as it should; what the guest breaks is
 * the guest's. For sins of the front end see test_sins.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "lib/guest_packed.h"
#include "rig.h"
#include "virtio/spec.h"

#define ROOM 32u /* bytes of a chain's answer */

/* Makes a chain available and kicks. */
static void submit(struct world *w)
{
	const struct guest_part part[] = {{.gpa = FRONT_DATA, .len = 8},
					  {.gpa = FRONT_DATA + 64, .len = ROOM, .write = true}};

	assert_true(guest_ring_add(&w->f.ring, part, 2, 0, 0) >= 0);
	(void)guest_ring_publish(&w->f.ring);
	eventfd_raise(w->f.kick_fd);
	front_turn(&w->f);
}

static bool reap(struct world *w)
{
	uint32_t id, len;

	if (!guest_ring_reap(&w->f.ring, &id, &len))
		return false;
	assert_int_equal(len, ROOM);
	return true;
}

static uint32_t get_base(struct world *w, uint32_t index)
{
	union vu_payload p;

	front_state(&w->f, VU_GET_VRING_BASE, index, 0);
	assert_int_equal(front_hear(&w->f, VU_GET_VRING_BASE, &p), sizeof(p.state));
	assert_int_equal(p.state.index, index);
	return p.state.num;
}

/* ---- as it should be ---- */

static void test_serves(void **state)
{
	struct world *w = *state;
	uint8_t *data = gmem_map(w->f.mem, FRONT_DATA + 64, ROOM);

	assert_int_equal(front_ask(&w->f, VU_GET_FEATURES),
			 TOY_FEATURE | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED |
				 VIRTIO_F_EVENT_IDX | VU_F_PROTOCOL_FEATURES);
	assert_false(vhost_is_attached(w->v));
	front_begin(&w->f, TOY_FEATURE);
	assert_true(vhost_is_attached(w->v));
	assert_int_equal(front_ask(&w->f, VU_GET_QUEUE_NUM), TOY_QUEUES);
	front_ring(&w->f, 1, 0);
	for (unsigned i = 0; i < 3 * FRONT_SIZE; i++) {
		submit(w);
		assert_true(reap(w));
		assert_int_equal(front_raised(w->f.call_fd), 1);
	}
	assert_int_equal(data[ROOM - 1], 0xa1);
	assert_int_equal(front_raised(w->f.err_fd), 0);
	/* Stopped, it serves nothing; where it stopped it goes on. */
	assert_int_equal(get_base(w, 1), 3 * FRONT_SIZE);
	submit(w);
	assert_false(reap(w));
	front_ring(&w->f, 1, 3 * FRONT_SIZE);
	assert_true(reap(w));
	/* The front end goes. */
	fd_close(&w->f.fd);
	front_turn(&w->f);
	assert_true(w->ended && !*w->why);
}

static void test_packed(void **state)
{
	struct world *w = *state;
	const struct guest_part part = {.gpa = FRONT_DATA, .len = ROOM, .write = true};
	struct guest_packed ring;
	uint32_t base = 0x80008000, len;
	uint16_t id;

	front_begin(&w->f, VIRTIO_F_RING_PACKED);
	guest_packed_init(&ring, w->f.mem, FRONT_RAM, FRONT_SIZE,
			  (struct guest_place){.slot = 0, .wrap = true}, false);
	w->f.ring.desc = ring.desc;
	w->f.ring.avail = ring.driver;
	w->f.ring.used = ring.device;
	for (unsigned i = 1; i <= 40; i++) {
		front_ring(&w->f, 0, base);
		assert_true(guest_packed_add(&ring, &part, 1, 0) >= 0);
		eventfd_raise(w->f.kick_fd);
		front_turn(&w->f);
		assert_true(guest_packed_reap(&ring, &id, &len) && len == ROOM);
		/* Both sides at the same place, with the wrap counter of each round. */
		base = get_base(w, 0);
		assert_int_equal(base >> 16, base & 0xffff);
		assert_int_equal(base & 0xffff, i % FRONT_SIZE | (i / FRONT_SIZE % 2 ? 0 : 0x8000));
	}
	guest_packed_fini(&ring);
}

static void test_enable(void **state)
{
	struct world *w = *state;

	front_begin(&w->f, 0);
	front_ring(&w->f, 0, 0);
	front_state(&w->f, VU_SET_VRING_ENABLE, 0, 0);
	submit(w);
	assert_false(reap(w));
	front_state(&w->f, VU_SET_VRING_ENABLE, 0, 1);
	assert_true(reap(w));
	/* Who does not know of protocol features enables nothing. */
	(void)get_base(w, 0);
	front_state(&w->f, VU_SET_VRING_ENABLE, 0, 0);
	front_u64(&w->f, VU_SET_FEATURES, VIRTIO_F_VERSION_1, -1);
	front_u64(&w->f, VU_SET_VRING_KICK, 0, w->f.kick_fd);
	submit(w);
	assert_true(reap(w));
}

/* A ring with work in flight: the reply, and all that is said behind it, wait. */
static void test_stop_in_flight(void **state)
{
	struct world *w = *state;
	union vu_payload p;

	front_begin(&w->f, 0);
	front_ring(&w->f, 0, 0);
	w->toy->hold = true;
	submit(w);
	submit(w);
	front_state(&w->f, VU_GET_VRING_BASE, 0, 0);
	front_say(&w->f, VU_GET_QUEUE_NUM, 0, NULL, 0, -1);
	assert_int_equal(front_hear(&w->f, VU_GET_VRING_BASE, &p), -1);
	toy_release(w->toy, 0);
	front_turn(&w->f);
	assert_int_equal(front_hear(&w->f, VU_GET_VRING_BASE, &p), sizeof(p.state));
	assert_int_equal(p.state.num, 2);
	assert_int_equal(front_hear(&w->f, VU_GET_QUEUE_NUM, &p), sizeof(p.u64));
	assert_true(reap(w) && reap(w));
}

/* The front end goes with work in flight, also while a message waits for it. */
static void test_end_in_flight(void **state)
{
	struct world *w = *state;

	front_begin(&w->f, 0);
	front_ring(&w->f, 0, 0);
	w->toy->hold = true;
	submit(w);
	front_state(&w->f, VU_GET_VRING_BASE, 0, 0);
	vhost_close(w->v);
	fd_close(&w->f.fd);
	front_turn(&w->f);
	assert_false(w->ended);
	toy_release(w->toy, 0);
	front_turn(&w->f);
	assert_true(w->ended);
}

/* Other memory, and the same features again, under a running ring. */
static void test_new_memory(void **state)
{
	struct world *w = *state;
	const struct vu_region r[2] = {
		{FRONT_RAM, FRONT_RAM_SIZE / 2, FRONT_USER, 0},
		{FRONT_RAM + FRONT_RAM_SIZE / 2, FRONT_RAM_SIZE / 2, FRONT_USER + (1ull << 40),
		 FRONT_RAM_SIZE / 2},
	};
	union vu_payload p;

	front_begin(&w->f, 0);
	front_ring(&w->f, 0, 0);
	submit(w);
	front_memory(&w->f, VU_NEED_REPLY, r, 2, w->f.mem->region[0].fd);
	assert_int_equal(front_hear(&w->f, VU_SET_MEM_TABLE, &p), sizeof(p.u64));
	assert_int_equal(p.u64, 0);
	submit(w);
	front_u64(&w->f, VU_SET_FEATURES, VIRTIO_F_VERSION_1 | VU_F_PROTOCOL_FEATURES, -1);
	submit(w);
	assert_true(reap(w) && reap(w) && reap(w));
	assert_int_equal(w->toy->q[0].n_stopped, 1);
}

/* What the guest breaks is the guest's: the connection lives, and so does the device, later. */
static void test_broken_ring(void **state)
{
	struct world *w = *state;

	front_begin(&w->f, 0);
	front_ring(&w->f, 0, 0);
	guest_ring_offer(&w->f.ring, FRONT_SIZE);
	eventfd_raise(w->f.kick_fd);
	front_turn(&w->f);
	assert_true(vdev_is_broken(&w->toy->vdev));
	assert_int_equal(front_raised(w->f.err_fd), 1);
	(void)get_base(w, 0);
	guest_ring_fini(&w->f.ring);
	guest_ring_init(&w->f.ring, w->f.mem, FRONT_RAM, FRONT_SIZE, 0, false);
	front_u64(&w->f, VU_SET_FEATURES, VIRTIO_F_VERSION_1 | VU_F_PROTOCOL_FEATURES, -1);
	front_ring(&w->f, 0, 0);
	submit(w);
	assert_true(reap(w));
}

static void test_config(void **state)
{
	struct world *w = *state;
	struct vu_config c = {.offset = 2, .size = 20};
	uint32_t len = (uint32_t)offsetof(struct vu_config, bytes) + 20;
	union vu_payload p;

	vdev_config_set(&w->toy->vdev, 0, "0123456789abcdef", TOY_CONFIG);
	front_say(&w->f, VU_GET_CONFIG, 0, &c, len, -1);
	assert_int_equal(front_hear(&w->f, VU_GET_CONFIG, &p), len);
	assert_memory_equal(p.config.bytes, "23456789abcdef\0\0\0\0\0\0", 20);
	c.offset = UINT32_MAX - 3;
	front_say(&w->f, VU_GET_CONFIG, 0, &c, len, -1);
	assert_int_equal(front_hear(&w->f, VU_GET_CONFIG, &p), len);
	assert_memory_equal(p.config.bytes, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	front_u64(&w->f, VU_NET_SET_MTU, 9000, -1);
	assert_int_equal(w->mtu, 9000);
	assert_false(w->ended);
}

/* An eventfd that the front end has made blocking, and empties itself, keeps up nobody. */
static void test_blocking_kick(void **state)
{
	struct world *w = *state;

	front_begin(&w->f, 0);
	assert_int_equal(fcntl(w->f.kick_fd, F_SETFL, 0), 0);
	front_ring(&w->f, 0, 0);
	submit(w);
	assert_true(reap(w));
	/* Without a call nobody is told, and without an error neither. */
	front_u64(&w->f, VU_SET_VRING_CALL, VU_VRING_NO_FD, -1);
	(void)front_raised(w->f.call_fd);
	submit(w);
	assert_true(reap(w));
	assert_int_equal(front_raised(w->f.call_fd), 0);
}

/* In pieces, byte for byte; and an end in the middle. */
static void test_pieces(void **state)
{
	struct world *w = *state;
	const struct vu_header h = {.request = VU_GET_QUEUE_NUM, .flags = VU_VERSION};
	const uint8_t *p = (const uint8_t *)&h;
	union vu_payload reply;

	for (unsigned i = 0; i < sizeof(h); i++) {
		assert_int_equal(front_hear(&w->f, VU_GET_QUEUE_NUM, &reply), -1);
		assert_int_equal(send(w->f.fd, p + i, 1, 0), 1);
		front_turn(&w->f);
	}
	assert_int_equal(front_hear(&w->f, VU_GET_QUEUE_NUM, &reply), sizeof(reply.u64));
	assert_int_equal(send(w->f.fd, p, 5, 0), 5);
	fd_close(&w->f.fd);
	front_turn(&w->f);
	assert_true(w->ended && !*w->why);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_serves),         T(test_packed),        T(test_enable),
		T(test_stop_in_flight), T(test_end_in_flight), T(test_new_memory),
		T(test_broken_ring),    T(test_config),        T(test_blocking_kick),
		T(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
