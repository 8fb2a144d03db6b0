/* SPDX-License-Identifier: MIT */
/* Rings in shared memory: where they may lie, restarts of both sides, and a driver that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rig.h"

struct fixture {
	struct rig rig;
	struct rpmsg_ept ept;
	struct rpmsg_queue queue;
	struct rpmsg_queue_item items[16];
	unsigned n_got;
	uint8_t last;
	void *held[2];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_init(&f->rig, 16);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static int take(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct fixture *f = priv;

	f->n_got++;
	f->last = len ? *(uint8_t *)payload : 0;
	return RPMSG_RELEASE;
}

static int hold(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct fixture *f = priv;

	f->held[f->n_got++ & 1] = payload;
	return RPMSG_HOLD;
}

/* Both sides up, and an endpoint 30. */
static void start(struct fixture *f)
{
	rig_start(&f->rig);
	linux_probe(&f->rig.driver, f->rig.config.num);
	rpmsg_create_ept(&f->rig.rpmsg, 30, take, f, &f->ept);
}

/* A message each way. */
static void works(struct fixture *f)
{
	struct rpmsg *r = &f->rig.rpmsg;
	struct linux_message m;
	unsigned before = f->n_got;

	assert_true(linux_send(&f->rig.driver, 1024, 30, 0, "w", 1));
	assert_false(rpmsg_poll(r));
	assert_int_equal(f->n_got, before + 1);
	assert_int_equal(f->last, 'w');
	assert_int_equal(rpmsg_send(r, &f->ept, 1024, "v", 1, 0), 0);
	assert_true(linux_recv(&f->rig.driver, &m, false));
	assert_int_equal(m.data[0], 'v');
	assert_false(linux_recv(&f->rig.driver, &m, false));
}

static void test_config(void **state)
{
	struct fixture *f = *state;
	const struct rpmsg_vring_config good = f->rig.config;
	struct rpmsg_vring_config bad[] = {good, good, good, good, good,
					   good, good, good, good, good};
	struct rpmsg_window misaligned = f->rig.window;

	misaligned.p = (uint8_t *)misaligned.p + 2;
	bad[0].num = 0;
	bad[1].num = 24;
	bad[2].num = 512;
	bad[3].align = 3;
	bad[4].align = 2;
	bad[5].ring[0] = LINUX_BASE - 1;
	bad[6].ring[1] = LINUX_BASE + LINUX_MEMORY - 64;
	bad[7].buffer_size = 16;
	bad[8].env.notify = NULL;
	bad[9].windows = &misaligned;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rpmsg_vrings_init(&f->rig.vrings, &bad[i]), RPMSG_ERR_PARAM);
	assert_int_equal(rpmsg_vrings_init(&f->rig.vrings, &good), 0);

	/* The ring may end where its window ends. */
	f->rig.config.ring[1] = LINUX_BASE + LINUX_MEMORY - 4096 - 4 - 8 * 16 - 2;
	assert_int_equal(rpmsg_vrings_init(&f->rig.vrings, &f->rig.config), RPMSG_ERR_PARAM);
	f->rig.config.ring[1] -= 2;
	assert_int_equal(rpmsg_vrings_init(&f->rig.vrings, &f->rig.config), 0);
}

static void test_indices_wrap(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 2 * 65536 + 100; i++)
		works(f);
	assert_int_equal(f->rig.rpmsg.counts.restarts, 0);
	assert_int_equal(f->rig.n_link_up, 1);
}

/* Linux restarts while we go on. */
static void test_driver_restarts(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	struct rpmsg_ept held;
	uint32_t size;
	void *tx;

	start(f);
	for (unsigned n = 1; n <= 100; n++) {
		for (unsigned i = 0; i < n; i++)
			works(f);
		linux_probe(&f->rig.driver, 16);
		rpmsg_poll(r);
		assert_int_equal(f->rig.n_link_down, n);
		assert_int_equal(f->rig.n_link_up, n + 1);
		assert_int_equal(r->counts.restarts, n);
	}
	works(f);

	/* What was held is void, and giving it back does no harm. */
	rpmsg_create_ept(r, 31, hold, f, &held);
	linux_send(&f->rig.driver, 1024, 31, 0, "h", 1);
	rpmsg_poll(r);
	tx = rpmsg_alloc_tx_buffer(r, &size, 0);
	assert_non_null(tx);
	linux_probe(&f->rig.driver, 16);
	assert_int_equal(rpmsg_release_rx_buffer(r, f->held[(f->n_got - 1) & 1]), RPMSG_ERR_PARAM);
	assert_int_equal(rpmsg_send_nocopy(r, &f->ept, 1, tx, 1), RPMSG_ERR_PARAM);
	assert_int_equal(linux_used_idx(&f->rig.driver, 0), 0);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 0);
	works(f);
}

/* Linux restarts while its messages are handled. */
static int restart(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct fixture *f = priv;

	linux_probe(&f->rig.driver, 16);
	linux_send(&f->rig.driver, 3, 31, 0, "m", 1);
	return RPMSG_RELEASE;
}

static void test_queue_over_restart(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	struct rpmsg_ept ept;
	uint32_t src;
	char c;

	start(f);
	works(f);
	rpmsg_queue_create(r, &f->queue, f->items, 16);
	rpmsg_create_ept(r, 31, rpmsg_queue_rx_cb, &f->queue, &ept);
	linux_send(&f->rig.driver, 1, 31, 0, "o", 1);
	rpmsg_poll(r);
	linux_probe(&f->rig.driver, 16);
	linux_send(&f->rig.driver, 2, 31, 0, "n", 1);
	rpmsg_poll(r);
	assert_int_equal(rpmsg_queue_recv(r, &f->queue, &src, &c, 1, NULL, 0), 0);
	assert_int_equal(src, 2);
	assert_int_equal(c, 'n');

	f->ept.rx_cb = restart;
	linux_send(&f->rig.driver, 4, 31, 0, "o", 1);
	linux_send(&f->rig.driver, 4, 30, 0, "r", 1);
	rpmsg_poll(r);
	rpmsg_poll(r);
	assert_int_equal(rpmsg_queue_recv(r, &f->queue, &src, &c, 1, NULL, 0), 0);
	assert_int_equal(src, 3);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 1);
	assert_int_equal(rpmsg_queue_recv(r, &f->queue, &src, &c, 1, NULL, 0), RPMSG_ERR_NO_BUFF);
}

/* We restart behind Linux' back and go on where the used rings end. */
static void test_resume(void **state)
{
	struct fixture *f = *state;

	start(f);
	f->rig.config.resume = true;
	for (unsigned n = 0; n < 40; n++) {
		for (unsigned i = 0; i <= n; i++)
			works(f);
		rig_start(&f->rig);
		rpmsg_create_ept(&f->rig.rpmsg, 30, take, f, &f->ept);
		assert_true(rpmsg_is_link_up(&f->rig.rpmsg));
	}
	works(f);
	/* What came meanwhile is there. */
	linux_send(&f->rig.driver, 1024, 30, 0, "m", 1);
	rig_start(&f->rig);
	rpmsg_create_ept(&f->rig.rpmsg, 30, take, f, &f->ept);
	rpmsg_poll(&f->rig.rpmsg);
	assert_int_equal(f->last, 'm');
}

/* We begin while the rings are left from before: nothing is sent until Linux has initialised
 * them. */
static void test_stale(void **state)
{
	struct fixture *f = *state;

	start(f);
	works(f);
	rig_start(&f->rig);
	rpmsg_create_ept(&f->rig.rpmsg, 30, take, f, &f->ept);
	rpmsg_poll(&f->rig.rpmsg);
	assert_false(rpmsg_is_link_up(&f->rig.rpmsg));
	assert_int_equal(rpmsg_send(&f->rig.rpmsg, &f->ept, 1, "x", 1, 0), RPMSG_NOT_READY);
	assert_non_null(strstr(rpmsg_vrings_why(&f->rig.vrings), "left from before"));
	linux_probe(&f->rig.driver, 16);
	works(f);
	assert_null(rpmsg_vrings_why(&f->rig.vrings));
}

/* Each way to break the rules, on both rings: {what is said, descriptor, its address, ...}. */
struct lie {
	const char *why;
	uint16_t id;
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
};

static void try_lie(struct fixture *f, unsigned ring, const struct lie *lie)
{
	struct rpmsg *r = &f->rig.rpmsg;
	struct linux_side *l = &f->rig.driver;

	linux_probe(l, 16);
	works(f);
	/* All honest buffers of ring 0 are taken first. */
	for (unsigned i = 0; ring == 0 && i < 16; i++)
		assert_int_equal(rpmsg_send(r, &f->ept, 1, "x", 1, 0), 0);
	if (lie->id < 16)
		linux_desc(l, ring, lie->id, lie->addr, lie->len, lie->flags);
	linux_make_available(l, ring, lie->id);
	if (ring == 0)
		assert_int_not_equal(rpmsg_send(r, &f->ept, 1, "x", 1, 0), 0);
	assert_false(rpmsg_poll(r));
	assert_non_null(rpmsg_vrings_why(&f->rig.vrings));
	if (strcmp(rpmsg_vrings_why(&f->rig.vrings), lie->why))
		fail_msg("%s: not %s", rpmsg_vrings_why(&f->rig.vrings), lie->why);
	/* It stays broken, whatever is made available, until the driver begins anew. */
	linux_make_available(l, ring, 1);
	assert_false(rpmsg_poll(r));
	assert_non_null(rpmsg_vrings_why(&f->rig.vrings));
	linux_probe(l, 16);
	works(f);
	assert_null(rpmsg_vrings_why(&f->rig.vrings));
}

static void test_lies(void **state)
{
	struct fixture *f = *state;
	const uint64_t end = LINUX_BASE + LINUX_MEMORY;

	start(f);
	for (uint16_t ring = 0; ring < 2; ring++) {
		uint16_t w = ring ? 0 : 2;
		const char *outside = "a buffer outside of the shared memory";
		const char *small = "a buffer that is too small";
		const struct lie lies[] = {
			{"a descriptor that the ring has not", 16, 0, 0, 0},
			{"a descriptor that the ring has not", 0xffff, 0, 0, 0},
			{"a buffer in more than one part", 1, end - 512, 512, w | 1},
			{"a buffer in more than one part", 1, end - 512, 512, w | 4},
			{"a buffer of the wrong direction", 1, end - 512, 512, w ^ 2},
			{small, 1, end - 512, ring ? 15 : 511, w},
			{small, 1, end - 512, 0, w},
			{outside, 1, 0, 512, w},
			{outside, 1, LINUX_BASE - 1, 512, w},
			{outside, 1, end - 511, 512, w},
			{outside, 1, end, 512, w},
			{outside, 1, UINT64_MAX - 100, 512, w},
			{outside, 1, LINUX_BASE, UINT32_MAX, w},
		};

		for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
			try_lie(f, ring, &lies[i]);
	}
}

static void test_index_lies(void **state)
{
	struct fixture *f = *state;
	struct linux_side *l = &f->rig.driver;
	struct rpmsg *r = &f->rig.rpmsg;

	start(f);
	works(f);
	linux_set16(linux_avail(l, 1) + 2, (uint16_t)(l->ring[1].avail + 17));
	assert_false(rpmsg_poll(r));
	assert_string_equal(rpmsg_vrings_why(&f->rig.vrings),
			    "more is available than the ring has");
	linux_probe(l, 16);
	works(f);

	for (unsigned ring = 0; ring < 2; ring++) {
		linux_set16(linux_used(l, ring) + 2, 0x7777);
		assert_false(rpmsg_poll(r));
		assert_string_equal(rpmsg_vrings_why(&f->rig.vrings),
				    "somebody else has written the used index");
		linux_probe(l, 16);
		works(f);
	}

	/* The same descriptor again while it is held. */
	f->ept.rx_cb = hold;
	linux_send(l, 1024, 30, 0, "1", 1);
	linux_make_available(l, 1, (uint16_t)(l->ring[1].fresh - 1));
	rpmsg_poll(r);
	assert_string_equal(rpmsg_vrings_why(&f->rig.vrings), "a descriptor made available twice");
}

/* A ring that breaks before anything was used shows no restart in its used index. */
static void test_broken_at_first(void **state)
{
	struct fixture *f = *state;
	struct linux_side *l = &f->rig.driver;
	struct rpmsg *r = &f->rig.rpmsg;

	for (unsigned ring = 0; ring < 2; ring++) {
		start(f);
		if (ring == 1)
			linux_send(l, 1024, 30, 0, "x", 1);
		linux_set16(linux_avail(l, ring) + 4, 99);
		rpmsg_poll(r);
		assert_int_equal(rpmsg_send(r, &f->ept, 1, "x", 1, 0),
				 ring ? RPMSG_SUCCESS : RPMSG_ERR_NO_BUFF);
		for (unsigned i = 0; i < 3; i++) {
			rpmsg_poll(r);
			assert_string_equal(rpmsg_vrings_why(&f->rig.vrings),
					    "a descriptor that the ring has not");
		}
		linux_probe(l, 16);
		works(f);
		assert_null(rpmsg_vrings_why(&f->rig.vrings));
	}
}

/* A header that says more than its buffer holds, and buffers longer than ours. */
static void test_lengths(void **state)
{
	struct fixture *f = *state;
	struct linux_side *l = &f->rig.driver;
	uint8_t *b;

	start(f);
	linux_send(l, 1024, 30, 0, "abc", 3);
	b = l->memory + l->ring[1].buffers;
	linux_set16(b + 12, 4);
	rpmsg_poll(&f->rig.rpmsg);
	linux_send(l, 1024, 30, 0, "abc", 3);
	linux_set16(b + 512 + 12, 0xffff);
	rpmsg_poll(&f->rig.rpmsg);
	assert_int_equal(f->rig.rpmsg.counts.malformed, 2);
	assert_int_equal(f->n_got, 0);
	assert_int_equal(linux_used_idx(l, 1), 2);

	/* 4 KiB, of which no more than 512 bytes are a message. */
	linux_desc(l, 1, 2, LINUX_BASE + l->ring[1].buffers, 4096, 0);
	linux_set16(b + 12, 497);
	linux_make_available(l, 1, 2);
	rpmsg_poll(&f->rig.rpmsg);
	assert_int_equal(f->rig.rpmsg.counts.malformed, 3);
	linux_set16(b + 12, 496);
	linux_make_available(l, 1, 2);
	rpmsg_poll(&f->rig.rpmsg);
	assert_int_equal(f->n_got, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
		cmocka_unit_test_setup_teardown(test_indices_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_driver_restarts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_over_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_index_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_at_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
