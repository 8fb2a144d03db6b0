/* SPDX-License-Identifier: MIT */
/*
 * A remote disk, driven through virtio-mmio, with a back end on a thread that does as it should or
 * commits one sin. Whatever that is: the device says so, answers its requests, and can be freed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/fd.h"
#include "lib/driver.h"
#include "peer.h"
#include "remote/kind.h"
#include "remote/remote.h"

#define PATIENCE_NS 20000000000ull
#define S_OK        0u
#define S_IOERR     1u

struct world {
	struct driver d;
	struct peer p;
	struct vdev *dev;
	uint64_t head, data, status; /* guest addresses of one request */
	bool comes_back;
	struct peer next; /* what is connected to after the first one */
	atomic_int next_fd;
	atomic_uint n_tries; /* that found nobody */
	unsigned n_seen;
};

static int connect_again(void *arg, int *fd, struct err *e)
{
	struct world *w = arg;

	*fd = atomic_exchange(&w->next_fd, -1);
	if (*fd >= 0)
		return 0;
	atomic_fetch_add(&w->n_tries, 1);
	return err_set(e, -ECONNREFUSED, "nobody is there");
}

static int make(struct world *w, enum peer_sin sin, uint32_t when, struct err *e)
{
	struct remote_config cfg = {.kind = REMOTE_BLK, .label = "--test", .n_queues = 2};

	memset(&w->p, 0, sizeof(w->p));
	for (unsigned i = 0; i < sizeof(w->p.disk); i++)
		w->p.disk[i] = (uint8_t)(i / 512 + 1);
	peer_start(&w->p, sin, when, &cfg.fd);
	cfg.loop = w->d.loop;
	cfg.mem = w->d.mem;
	atomic_store(&w->next_fd, -1);
	if (w->comes_back) {
		cfg.reconnect = connect_again;
		cfg.arg = w;
	}
	return remote_new(&cfg, &w->dev, e);
}

static int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	driver_init(&w.d);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_fini(&w->d);
	peer_stop(&w->p);
	return 0;
}

static void bring_up(struct world *w)
{
	assert_true(driver_negotiate(&w->d, BIT(9)));
	driver_queue(&w->d, 0, 64, false);
	driver_queue(&w->d, 1, 64, false);
	driver_ok(&w->d);
	w->head = driver_alloc(&w->d, 16);
	w->data = driver_alloc(&w->d, 4096);
	w->status = driver_alloc(&w->d, 16);
}

static void begin(struct world *w, enum peer_sin sin, uint32_t when)
{
	struct err e = {0};

	assert_int_equal(make(w, sin, when, &e), 0);
	driver_plug(&w->d, w->dev);
	bring_up(w);
}

static int submit(struct world *w, unsigned queue, uint32_t type, uint64_t sector, uint32_t len)
{
	const struct guest_part part[] = {{.gpa = w->head, .len = 16},
					  {.gpa = w->data, .len = len, .write = type == 0},
					  {.gpa = w->status, .len = 1, .write = true}};
	uint8_t *head = driver_ptr(&w->d, w->head, 16);

	le32_store(head, type);
	le64_store(head + 8, sector);
	*(uint8_t *)driver_ptr(&w->d, w->status, 1) = 0xee;
	return driver_submit(&w->d, queue, part, 3);
}

static uint8_t request(struct world *w, unsigned queue, uint32_t type, uint64_t sector,
		       uint32_t len)
{
	driver_wait(&w->d, queue, submit(w, queue, type, sector, len));
	return *(uint8_t *)driver_ptr(&w->d, w->status, 1);
}

static void wait_until(struct world *w, bool (*is)(struct world *w))
{
	uint64_t end = host_now_ns() + PATIENCE_NS;

	while (!is(w) && host_now_ns() < end)
		loop_turn(w->d.loop, 1000000);
	assert_true(is(w));
}

static bool is_down(struct world *w)
{
	return remote_down(w->dev);
}

/* ---- as it should be ---- */

static void test_serves(void **state)
{
	struct world *w = *state;
	uint8_t *data;

	begin(w, PEER_GOOD, 0);
	data = driver_ptr(&w->d, w->data, 4096);
	for (unsigned i = 0; i < 200; i++) {
		unsigned sector = i % 32, queue = i % 2;

		assert_int_equal(request(w, queue, 0, sector, 1024), S_OK);
		assert_int_equal(data[0], sector + 1);
		assert_int_equal(data[1023], sector + 2);
	}
	memset(data, 0x5a, 512);
	assert_int_equal(request(w, 0, 1, 7, 512), S_OK);
	assert_int_equal(atomic_load(&w->p.n_served), 201); /* now the disk may be looked at */
	assert_int_equal(w->p.disk[7 * 512], 0x5a);
	assert_int_equal(w->p.disk[7 * 512 + 511], 0x5a);
	assert_int_equal(w->p.disk[8 * 512], 9);
	assert_null(remote_down(w->dev));
}

/* The back end is told what the driver chose, and of that what is its own. */
static void test_features(void **state)
{
	struct world *w = *state;

	begin(w, PEER_GOOD, 0);
	assert_true(driver_offered(&w->d) & BIT(9));
	assert_false(driver_offered(&w->d) & (VU_F_PROTOCOL_FEATURES | BIT(50)));
	assert_int_equal(request(w, 0, 0, 0, 512), S_OK);
	assert_int_equal(atomic_load(&w->p.features_set),
			 VIRTIO_F_VERSION_1 | VU_F_PROTOCOL_FEATURES | BIT(9));
}

static void test_config(void **state)
{
	struct world *w = *state;

	begin(w, PEER_GOOD, 0);
	assert_int_equal(driver_config(&w->d, 0, 8), PEER_SECTORS);
	assert_int_equal(driver_config(&w->d, 34, 2), 2);
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned at = 0; at <= 0x100 - size; at++)
			(void)driver_config(&w->d, at, size);
	driver_config_write(&w->d, 0, 4, 0xffffffff);
	assert_int_equal(driver_config(&w->d, 0, 8), PEER_SECTORS);
}

static void test_kick_before_driver_ok(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	assert_int_equal(make(w, PEER_GOOD, 0, &e), 0);
	driver_plug(&w->d, w->dev);
	driver_kick(&w->d, 0);
	assert_true(driver_negotiate(&w->d, 0));
	driver_queue(&w->d, 0, 64, false);
	driver_kick(&w->d, 0);
	driver_kick(&w->d, 77);
	driver_settle(&w->d);
	assert_int_equal(atomic_load(&w->p.n_served), 0);
	bring_up(w);
	assert_int_equal(request(w, 0, 0, 3, 512), S_OK);
}

static bool all_stopped(struct world *w)
{
	return atomic_load(&w->p.n_stops) == 2;
}

/* Requests that the back end keeps do not hold up a reset, and do not come back after it. */
static void test_reset_in_flight(void **state)
{
	struct world *w = *state;

	begin(w, PEER_HOLDS, 0);
	for (unsigned i = 0; i < 8; i++)
		(void)submit(w, i % 2, 0, i, 512);
	driver_settle(&w->d);
	driver_reset(&w->d);
	wait_until(w, all_stopped);
	peer_release(&w->p);
	bring_up(w);
	assert_int_equal(request(w, 0, 0, 5, 512), S_OK);
	assert_int_equal(atomic_load(&w->p.n_served), 1);
}

/* More than the guest's ring has entries, many times. */
static void test_restart(void **state)
{
	struct world *w = *state;

	begin(w, PEER_GOOD, 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(request(w, i % 2, 0, i, 512), S_OK);
		driver_reset(&w->d);
		w->d.next_gpa = DRIVER_RAM;
		bring_up(w);
	}
}

/* Chains that fill our ring wait for room and are all served. */
static void test_crowd(void **state)
{
	struct world *w = *state;
	struct guest_part part[80];

	begin(w, PEER_HOLDS, 0);
	driver_reset(&w->d);
	assert_true(driver_negotiate(&w->d, VIRTIO_F_INDIRECT_DESC));
	driver_queue(&w->d, 0, 128, false);
	driver_ok(&w->d);
	le32_store(driver_ptr(&w->d, w->head, 16), 0);
	le64_store((uint8_t *)driver_ptr(&w->d, w->head, 16) + 8, 1);
	part[0] = (struct guest_part){.gpa = w->head, .len = 16};
	for (unsigned i = 1; i < 80; i++)
		part[i] = (struct guest_part){.gpa = w->data + i, .len = 1, .write = true};
	for (unsigned i = 0; i < 40; i++)
		assert_true(guest_ring_add(&w->d.ring[0], part, 80, driver_alloc(&w->d, 80 * 16),
					   0) >= 0);
	(void)guest_ring_publish(&w->d.ring[0]);
	driver_kick(&w->d, 0);
	driver_settle(&w->d);
	peer_release(&w->p);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(driver_wait(&w->d, 0, -1), 79);
}

/* ---- a back end that ends, or lies ---- */

static void expect_down(struct world *w)
{
	wait_until(w, is_down);
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	assert_string_equal(vdev_why(w->dev), remote_down(w->dev));
	/* What comes now is answered too, also after a reset. */
	assert_int_equal(request(w, 1, 0, 1, 512), S_IOERR);
	driver_reset(&w->d);
	assert_false(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	bring_up(w);
	assert_int_equal(request(w, 0, 1, 1, 512), S_IOERR);
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_dies(void **state)
{
	struct world *w = *state;

	begin(w, PEER_HOLDS, 0);
	(void)submit(w, 0, 0, 1, 512);
	driver_settle(&w->d);
	peer_kill(&w->p);
	driver_wait(&w->d, 0, -1);
	assert_int_equal(*(uint8_t *)driver_ptr(&w->d, w->status, 1), S_IOERR);
	expect_down(w);
}

static bool is_up(struct world *w)
{
	return !remote_down(w->dev);
}

/* Another back end with what is on the disk of the first. */
static void next_peer(struct world *w, enum peer_sin sin, uint32_t when, uint64_t features)
{
	int fd;

	memset(&w->next, 0, sizeof(w->next));
	memcpy(w->next.disk, w->p.disk, sizeof(w->p.disk));
	w->next.features = features;
	peer_start(&w->next, sin, when, &fd);
	atomic_store(&w->next_fd, fd);
}

/* Requests wait for another back end, those in flight too; the guest hears of nothing. */
static void test_comes_back(void **state)
{
	struct world *w = *state;
	int head[3];

	w->comes_back = true;
	begin(w, PEER_HOLDS, 0);
	for (unsigned i = 0; i < 3; i++) {
		head[i] = submit(w, 0, 0, 4 + i, 512);
		driver_settle(&w->d);
		if (i == 1) {
			peer_kill(&w->p);
			wait_until(w, is_down);
		}
	}
	assert_false(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(*(uint8_t *)driver_ptr(&w->d, w->status, 1), 0xee);
	next_peer(w, PEER_GOOD, 0, 0);
	wait_until(w, is_up);
	for (unsigned i = 0; i < 3; i++)
		driver_wait(&w->d, 0, head[i]); /* in their order */
	assert_int_equal(*(uint8_t *)driver_ptr(&w->d, w->status, 1), S_OK);
	assert_int_equal(request(w, 1, 0, 9, 512), S_OK);
	assert_int_equal(atomic_load(&w->next.n_served), 4);
	driver_reset(&w->d);
	bring_up(w);
	assert_int_equal(request(w, 0, 0, 9, 512), S_OK);
	driver_unplug(&w->d);
	peer_stop(&w->next);
}

static bool was_taken(struct world *w)
{
	return atomic_load(&w->next_fd) < 0;
}

static bool was_tried_again(struct world *w)
{
	return atomic_load(&w->n_tries) > w->n_seen;
}

/* One that lies, or lacks what was agreed on, is not taken; the next one is. */
static void test_comes_back_at_last(void **state)
{
	static const enum peer_sin sins[] = {PEER_DIES, PEER_WRONG_VERSION, PEER_REFUSES};
	struct world *w = *state;
	int head;

	w->comes_back = true;
	begin(w, PEER_HOLDS, 0);
	head = submit(w, 0, 0, 4, 512);
	driver_settle(&w->d);
	peer_kill(&w->p);
	wait_until(w, is_down);
	for (unsigned i = 0; i <= ARRAY_SIZE(sins); i++) {
		if (i < ARRAY_SIZE(sins))
			next_peer(w, sins[i], VU_SET_MEM_TABLE, 0);
		else
			next_peer(w, PEER_GOOD, 0, VIRTIO_F_VERSION_1 | VU_F_PROTOCOL_FEATURES);
		/* The next try comes when this one was given up. */
		wait_until(w, was_taken);
		w->n_seen = atomic_load(&w->n_tries);
		wait_until(w, was_tried_again);
		assert_true(is_down(w));
		peer_stop(&w->next);
	}
	next_peer(w, PEER_GOOD, 0, 0);
	wait_until(w, is_up);
	driver_wait(&w->d, 0, head);
	driver_unplug(&w->d);
	peer_stop(&w->next);
}

/* A driver that resets while nobody is there. */
static void test_reset_while_gone(void **state)
{
	struct world *w = *state;

	w->comes_back = true;
	begin(w, PEER_HOLDS, 0);
	(void)submit(w, 0, 0, 4, 512);
	driver_settle(&w->d);
	peer_kill(&w->p);
	wait_until(w, is_down);
	driver_reset(&w->d);
	bring_up(w);
	next_peer(w, PEER_GOOD, 0, 0);
	assert_int_equal(request(w, 0, 0, 9, 512), S_OK);
	assert_int_equal(atomic_load(&w->next.n_served), 1);
	driver_unplug(&w->d);
	peer_stop(&w->next);
}

static void test_dies_during_reset(void **state)
{
	struct world *w = *state;

	begin(w, PEER_DIES, VU_GET_VRING_BASE);
	assert_int_equal(request(w, 0, 0, 1, 512), S_OK);
	driver_reset(&w->d);
	bring_up(w);
	expect_down(w);
}

static void test_ring_sins(void **state)
{
	static const enum peer_sin sins[] = {PEER_USED_ID,     PEER_USED_RANGE, PEER_USED_TWICE,
					     PEER_USED_LEN,    PEER_USED_JUMP,  PEER_UNASKED,
					     PEER_DIES_SERVING};
	struct world *w = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(sins); i++) {
		begin(w, sins[i], 0);
		(void)submit(w, 0, 0, 1, 512);
		driver_wait(&w->d, 0, -1);
		expect_down(w);
		driver_unplug(&w->d);
		w->d.next_gpa = DRIVER_RAM;
		if (i + 1 < ARRAY_SIZE(sins))
			peer_stop(&w->p);
	}
}

static const enum peer_sin answer_sins[] = {
	PEER_DIES,          PEER_SHORT,         PEER_LONG, PEER_HUGE,       PEER_WRONG_REQUEST,
	PEER_WRONG_VERSION, PEER_NO_REPLY_FLAG, PEER_FDS,  PEER_WRONG_VALUE};

/* Wrong answers to the one question that is asked while the guest runs. */
static void test_stop_sins(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(answer_sins); i++) {
		begin(w, answer_sins[i], VU_GET_VRING_BASE);
		assert_int_equal(request(w, 0, 0, 1, 512), S_OK);
		driver_reset(&w->d);
		wait_until(w, is_down);
		driver_unplug(&w->d);
		w->d.next_gpa = DRIVER_RAM;
		if (i + 1 < ARRAY_SIZE(answer_sins))
			peer_stop(&w->p);
	}
}

/* Each wrong answer to each question of the beginning is an error with a message. */
static void test_handshake_sins(void **state)
{
	static const uint32_t questions[] = {VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES,
					     VU_GET_QUEUE_NUM, VU_GET_CONFIG, VU_SET_MEM_TABLE};
	struct world *w = *state;
	unsigned n = 0;

	for (unsigned q = 0; q < ARRAY_SIZE(questions); q++)
		for (unsigned i = 0; i < ARRAY_SIZE(answer_sins); i++) {
			struct err e = {0};

			if (answer_sins[i] == PEER_WRONG_VALUE && questions[q] != VU_GET_CONFIG)
				continue;
			if (n++)
				peer_stop(&w->p);
			assert_true(make(w, answer_sins[i], questions[q], &e) < 0);
			assert_ptr_equal(strstr(e.text, "--test: the back end, asked for"), e.text);
		}
	peer_stop(&w->p);
	assert_int_equal(make(w, PEER_REFUSES, VU_SET_MEM_TABLE, NULL), -EREMOTEIO);
}

static void test_silent(void **state)
{
	struct world *w = *state;

	assert_int_equal(make(w, PEER_SILENT, VU_GET_CONFIG, NULL), -ETIMEDOUT);
}

/* A peer that lacks what is needed is told apart from one that lies. */
static int make_lacking(struct world *w, uint64_t features, uint64_t protocol, uint64_t n_queues)
{
	struct remote_config cfg = {.kind = REMOTE_BLK,
				    .label = "--test",
				    .n_queues = 2,
				    .loop = w->d.loop,
				    .mem = w->d.mem};

	memset(&w->p, 0, sizeof(w->p));
	w->p.features = features;
	w->p.protocol = protocol;
	w->p.n_queues = n_queues;
	peer_start(&w->p, PEER_GOOD, 0, &cfg.fd);
	return remote_new(&cfg, &w->dev, NULL);
}

static void test_lacking(void **state)
{
	struct world *w = *state;
	uint64_t all = VIRTIO_F_VERSION_1 | VU_F_PROTOCOL_FEATURES;

	assert_int_equal(make_lacking(w, VU_F_PROTOCOL_FEATURES, 0, 0), -EPROTONOSUPPORT);
	peer_stop(&w->p);
	assert_int_equal(make_lacking(w, VIRTIO_F_VERSION_1, 0, 0), -EPROTONOSUPPORT);
	peer_stop(&w->p);
	assert_int_equal(make_lacking(w, all, VU_PROTOCOL_F_MQ, 0), -EPROTONOSUPPORT);
	peer_stop(&w->p);
	assert_int_equal(make_lacking(w, all, 0, 1), -EINVAL);
}

/* ---- what a request is answered when nobody serves it ---- */

static void test_fs_fail(void **state)
{
	uint8_t in[40] = {40, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, out[20] = {0};
	struct iovec iov[] = {{.iov_base = in, .iov_len = 20},
			      {.iov_base = in + 20, .iov_len = 20},
			      {.iov_base = out, .iov_len = 3},
			      {.iov_base = out + 3, .iov_len = 17}};
	struct virtq_chain c = {
		.iov = iov, .n_read = 2, .n_write = 2, .read_len = 40, .write_len = 20};
	const struct remote_kind_info *fs = &remote_kinds[REMOTE_FS];

	assert_int_equal(fs->answer_failed(&c), 16);
	assert_int_equal(le32_load(out), 16);
	assert_int_equal((int32_t)le32_load(out + 4), -107);
	assert_memory_equal(out + 8, in + 8, 8);
	c.write_len = 15;
	assert_int_equal(fs->answer_failed(&c), 0);
	c.write_len = 20;
	c.read_len = 39;
	assert_int_equal(fs->answer_failed(&c), 0);
}

static void test_kinds_config(void **state)
{
	const struct remote_config cfg = {.tag = "folder", .mac = {2, 0, 0, 0, 0, 9}};
	uint8_t config[64] = {0};

	remote_kinds[REMOTE_FS].config(&cfg, config);
	assert_string_equal((char *)config, "folder");
	assert_int_equal(le32_load(config + 36), 1); /* one queue for requests */
	remote_kinds[REMOTE_NET].config(&cfg, config);
	assert_memory_equal(config, cfg.mac, 6);
	assert_int_equal(le16_load(config + 6), 1); /* the link is up */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_serves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_features, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kick_before_driver_ok, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_in_flight, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comes_back_at_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_while_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dies_during_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring_sins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_sins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handshake_sins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lacking, setup, teardown),
		cmocka_unit_test(test_fs_fail),
		cmocka_unit_test(test_kinds_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
