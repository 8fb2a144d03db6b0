/* SPDX-License-Identifier: MIT */
/*
 * A toy device behind vhost-user, with a front end that does as it should or commits one sin. All on
 * one loop. Whatever is said, the device comes to a standstill, and no descriptor is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/fd.h"
#include "front.h"
#include "lib/guest_packed.h"
#include "lib/toy.h"
#include "vhost/vhost.h"

#define ROOM 32u /* bytes of a chain's answer */

struct world {
	struct loop *loop;
	struct front f;
	struct toy *toy;
	struct vhost *v; /* NULL: it has ended */
	bool freed, ended;
	char why[100];
	uint16_t mtu;
	unsigned n_fds;
};

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

static void on_end(void *arg, const char *why)
{
	struct world *w = arg;

	assert_false(w->ended);
	w->ended = true;
	snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
	vhost_free(w->v);
	w->v = NULL;
}

static int on_mtu(void *arg, uint16_t mtu)
{
	((struct world *)arg)->mtu = mtu;
	return mtu < 68 ? -EINVAL : 0;
}

static const struct vhost_ops ops = {.ended = on_end, .set_mtu = on_mtu};

static int setup(void **state)
{
	static struct world w;
	struct vhost_config cfg = {
		.n_queues = TOY_QUEUES, .has_config = true, .ops = &ops, .arg = &w};

	memset(&w, 0, sizeof(w));
	w.n_fds = open_fds();
	assert_int_equal(loop_new(&w.loop), 0);
	front_init(&w.f, w.loop, &cfg.fd);
	w.toy = toy_new(w.loop, &w.freed);
	vdev_offer_ring(&w.toy->vdev, VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX);
	cfg.loop = w.loop;
	cfg.dev = &w.toy->vdev;
	assert_int_equal(vhost_new(&cfg, &w.v), 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->v)
		vhost_close(w->v);
	front_turn(&w->f);
	assert_true(w->ended && w->freed && !w->v);
	front_fini(&w->f);
	loop_free(w->loop);
	assert_int_equal(open_fds(), w->n_fds);
	return 0;
}

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

/* ---- sins ---- */

static void expect_end(struct world *w, const char *why)
{
	front_turn(&w->f);
	assert_true(w->ended);
	assert_non_null(strstr(w->why, why));
	assert_true(front_is_closed(&w->f));
}

static void sin_version(struct world *w)
{
	front_say(&w->f, VU_GET_FEATURES, VU_VERSION_MASK ^ VU_VERSION, NULL, 0, -1);
}

static void sin_reply(struct world *w)
{
	front_say(&w->f, VU_GET_FEATURES, VU_REPLY, NULL, 0, -1);
}

static void sin_huge(struct world *w)
{
	const struct vu_header h = {
		.request = VU_GET_FEATURES, .flags = VU_VERSION, .size = UINT32_MAX};

	assert_int_equal(send(w->f.fd, &h, sizeof(h), 0), sizeof(h));
}

static void sin_unknown(struct world *w)
{
	front_say(&w->f, 6, 0, NULL, 0, -1);
}

static void sin_far(struct world *w)
{
	front_say(&w->f, UINT32_MAX, 0, NULL, 0, -1);
}

static void sin_length(struct world *w)
{
	front_say(&w->f, VU_SET_OWNER, 0, "abcd", 4, -1);
}

static void sin_fd(struct world *w)
{
	front_say(&w->f, VU_SET_OWNER, 0, NULL, 0, w->f.kick_fd);
}

static void sin_many_fds(struct world *w)
{
	const struct vu_header h = {.request = VU_SET_OWNER, .flags = VU_VERSION};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(40 * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)&h, sizeof(h)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	int fds[40];

	for (unsigned i = 0; i < 40; i++)
		fds[i] = w->f.kick_fd;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	assert_int_equal(sendmsg(w->f.fd, &m, 0), sizeof(h));
}

static void sin_no_fd(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_CALL, 0, -1);
}

static void sin_both(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_CALL, VU_VRING_NO_FD, w->f.call_fd);
}

static void sin_polling(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_KICK, VU_VRING_NO_FD, -1);
}

static void sin_kick_kind(struct world *w)
{
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	front_u64(&w->f, VU_SET_VRING_KICK, 0, fd);
	close(fd);
}

static void sin_index(struct world *w)
{
	front_state(&w->f, VU_SET_VRING_NUM, TOY_QUEUES, 16);
}

static void sin_fd_index(struct world *w)
{
	front_u64(&w->f, VU_SET_VRING_CALL, TOY_QUEUES, w->f.call_fd);
}

static void sin_features(struct world *w)
{
	front_u64(&w->f, VU_SET_FEATURES, VIRTIO_F_VERSION_1 | BIT(50), -1);
}

static void sin_legacy(struct world *w)
{
	front_u64(&w->f, VU_SET_FEATURES, TOY_FEATURE, -1);
}

static void sin_protocol(struct world *w)
{
	front_u64(&w->f, VU_SET_PROTOCOL_FEATURES, BIT(13), -1);
}

static void sin_no_size(struct world *w)
{
	front_state(&w->f, VU_SET_VRING_NUM, 0, 0);
}

static void sin_large(struct world *w)
{
	front_state(&w->f, VU_SET_VRING_NUM, 0, 65536);
}

static void sin_mtu(struct world *w)
{
	front_u64(&w->f, VU_NET_SET_MTU, 0x10044, -1);
}

static void sin_config(struct world *w)
{
	struct vu_config c = {.size = UINT32_MAX};

	front_say(&w->f, VU_GET_CONFIG, 0, &c, sizeof(c), -1);
}

static void sin_ring_size(struct world *w)
{
	front_begin(&w->f, 0);
	front_state(&w->f, VU_SET_VRING_NUM, 0, 12);
	w->f.ring.size = 12;
	front_ring(&w->f, 0, 0);
	front_state(&w->f, VU_SET_VRING_NUM, 0, 12);
}

static void sin_ring_place(struct world *w)
{
	front_begin(&w->f, 0);
	w->f.ring.used = FRONT_RAM + FRONT_RAM_SIZE;
	front_ring(&w->f, 0, 0);
}

static void sin_ring_end(struct world *w)
{
	front_begin(&w->f, 0);
	w->f.ring.desc = FRONT_RAM + FRONT_RAM_SIZE - 16;
	front_ring(&w->f, 0, 0);
}

static void sin_no_memory(struct world *w)
{
	front_u64(&w->f, VU_SET_FEATURES, VIRTIO_F_VERSION_1, -1);
	front_ring(&w->f, 0, 0);
}

static void sin_packed_base(struct world *w)
{
	front_begin(&w->f, VIRTIO_F_RING_PACKED);
	front_ring(&w->f, 0, FRONT_SIZE);
}

static void give(struct world *w, struct vu_region r, uint32_t n, int fd)
{
	const struct vu_region both[2] = {r, r};

	front_memory(&w->f, 0, both, n, fd);
}

static void sin_unsealed(struct world *w)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, 4096), 0);
	give(w, (struct vu_region){.size = 4096}, 1, fd);
	close(fd);
}

static void sin_file(struct world *w)
{
	give(w, (struct vu_region){.size = 4096}, 1, w->f.kick_fd);
}

static void sin_overlap(struct world *w)
{
	give(w, (struct vu_region){.size = 4096}, 2, w->f.mem->region[0].fd);
}

static void sin_short(struct world *w)
{
	give(w, (struct vu_region){.size = FRONT_RAM_SIZE, .offset = 4096}, 1,
	     w->f.mem->region[0].fd);
}

static void sin_offset(struct world *w)
{
	give(w, (struct vu_region){.size = 4096, .offset = -4096ull}, 1, w->f.mem->region[0].fd);
}

static void sin_unaligned(struct world *w)
{
	give(w, (struct vu_region){.size = 4096, .offset = 100}, 1, w->f.mem->region[0].fd);
}

static void sin_wraps(struct world *w)
{
	give(w, (struct vu_region){.guest_addr = -4096ull, .size = 8192}, 1,
	     w->f.mem->region[0].fd);
}

static void sin_table(struct world *w)
{
	struct vu_memory m = {.n = 9};

	front_say(&w->f, VU_SET_MEM_TABLE, 0, &m, sizeof(m), w->f.mem->region[0].fd);
}

static void test_sins(void **state)
{
	static const struct {
		void (*commit)(struct world *w);
		const char *why;
	} sins[] = {
		{sin_version, "makes no sense"},
		{sin_reply, "makes no sense"},
		{sin_huge, "makes no sense"},
		{sin_unknown, "not agreed on"},
		{sin_far, "not agreed on"},
		{sin_length, "makes no sense"},
		{sin_fd, "makes no sense"},
		{sin_many_fds, "makes no sense"},
		{sin_no_fd, "makes no sense"},
		{sin_both, "makes no sense"},
		{sin_polling, "without an eventfd"},
		{sin_kick_kind, "without an eventfd"},
		{sin_index, "makes no sense"},
		{sin_fd_index, "makes no sense"},
		{sin_features, "not offered"},
		{sin_legacy, "before virtio 1.0"},
		{sin_protocol, "not offered"},
		{sin_no_size, "size that cannot be"},
		{sin_large, "size that cannot be"},
		{sin_mtu, "MTU"},
		{sin_config, "makes no sense"},
		{sin_ring_size, "ring that cannot be"},
		{sin_ring_place, "outside of its memory"},
		{sin_ring_end, "ring that cannot be"},
		{sin_no_memory, "outside of its memory"},
		{sin_packed_base, "ring that cannot be"},
		{sin_unsealed, "sealed"},
		{sin_file, "sealed"},
		{sin_overlap, "memory table"},
		{sin_short, "memory table"},
		{sin_offset, "memory table"},
		{sin_unaligned, "memory table"},
		{sin_wraps, "memory table"},
		{sin_table, "memory table"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sins); i++) {
		struct world *w = *state;

		sins[i].commit(w);
		expect_end(w, sins[i].why);
		teardown(state);
		setup(state);
	}
}

/* An error is acknowledged before the end, to who has asked for that. */
static void test_refusal(void **state)
{
	struct world *w = *state;
	const struct vu_region r = {.size = 100};
	union vu_payload p;

	front_begin(&w->f, 0);
	front_memory(&w->f, VU_NEED_REPLY, &r, 1, w->f.mem->region[0].fd);
	assert_int_equal(front_hear(&w->f, VU_SET_MEM_TABLE, &p), sizeof(p.u64));
	assert_int_equal(p.u64, 1);
	expect_end(w, "memory table");
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_serves),         T(test_packed),        T(test_enable),
		T(test_stop_in_flight), T(test_end_in_flight), T(test_new_memory),
		T(test_broken_ring),    T(test_config),        T(test_blocking_kick),
		T(test_sins),           T(test_refusal),       T(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
