/* SPDX-License-Identifier: MIT */
/* Endpoints, names, queues and back-pressure, against a model of Linux. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rig.h"

struct fixture {
	struct rig rig;
	struct rpmsg_ept ept, other;
	struct rpmsg_queue queue;
	struct rpmsg_queue_item items[32];
	void *held;
	unsigned n_got;
	uint32_t src, len;
	uint16_t flags;
	uint8_t got[496];
	struct {
		uint32_t addr, flags;
		char name[RPMSG_NS_NAME_MAX];
		unsigned n;
	} ns;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_init(&f->rig, 16);
	rig_start(&f->rig);
	linux_probe(&f->rig.driver, 16);
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
	f->src = src;
	f->len = len;
	f->flags = rpmsg_rx_flags(payload);
	memcpy(f->got, payload, len);
	return RPMSG_RELEASE;
}

static int hold(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct fixture *f = priv;

	take(payload, len, src, priv);
	f->held = payload;
	return RPMSG_HOLD;
}

static int echo(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct fixture *f = priv;

	assert_int_equal(rpmsg_send(&f->rig.rpmsg, &f->ept, src, payload, len, 0), 0);
	return RPMSG_RELEASE;
}

static void test_link(void **state)
{
	struct fixture *f = *state;
	struct rig *rig = &f->rig;

	/* Before the driver has begun. */
	rig_init(rig, 16);
	rig_start(rig);
	assert_false(rpmsg_is_link_up(&rig->rpmsg));
	assert_false(rpmsg_poll(&rig->rpmsg));
	assert_int_equal(rig->n_link_up, 0);
	assert_non_null(rpmsg_vrings_why(&rig->vrings));
	rpmsg_create_ept(&rig->rpmsg, 30, take, f, &f->ept);
	assert_int_equal(rpmsg_ns_announce(&rig->rpmsg, &f->ept, "x", RPMSG_NS_CREATE),
			 RPMSG_NOT_READY);
	assert_false(rpmsg_wait_for_link_up(&rig->rpmsg, 3));
	assert_int_equal(rig->n_waits, 3);

	linux_probe(&rig->driver, 16);
	assert_true(rpmsg_wait_for_link_up(&rig->rpmsg, 3));
	assert_false(rpmsg_poll(&rig->rpmsg));
	assert_int_equal(rig->n_link_up, 1);
	assert_int_equal(rig->n_wakes, 1);
	assert_null(rpmsg_vrings_why(&rig->vrings));
	rpmsg_poll(&rig->rpmsg);
	assert_int_equal(rig->n_link_up, 1);
}

static void test_announce(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	struct linux_message m;

	rpmsg_create_ept(r, 30, take, f, &f->ept);
	assert_int_equal(rpmsg_ns_announce(r, &f->ept, "rpmsg-raw", RPMSG_NS_CREATE), 0);
	assert_true(linux_recv(&f->rig.driver, &m, false));
	assert_int_equal(m.dst, 53);
	assert_int_equal(m.src, 30);
	assert_int_equal(m.len, 40);
	assert_string_equal((char *)m.data, "rpmsg-raw");
	assert_memory_equal(m.data + 32, "\x1e\0\0\0\0\0\0\0", 8);
	assert_int_equal(f->rig.driver.told[0], 1);

	/* A long name is cut, and ends. */
	assert_int_equal(rpmsg_ns_announce(r, &f->ept, "0123456789012345678901234567890123456789",
					   RPMSG_NS_DESTROY),
			 0);
	assert_true(linux_recv(&f->rig.driver, &m, false));
	assert_string_equal((char *)m.data, "0123456789012345678901234567890");
	assert_memory_equal(m.data + 32, "\x1e\0\0\0\x01\0\0\0", 8);
}

static void ns_cb(uint32_t addr, const char *name, uint32_t flags, void *priv)
{
	struct fixture *f = priv;

	f->ns.addr = addr;
	f->ns.flags = flags;
	strncpy(f->ns.name, name, sizeof(f->ns.name) - 1);
	f->ns.n++;
}

static void test_announced_to_us(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	uint8_t message[40] = {[33] = 4, [36] = 1};

	memset(message, 'x', 32);
	linux_send(&f->rig.driver, 1024, 53, 0, message, 40);
	rpmsg_poll(r); /* to nobody */
	rpmsg_ns_bind(r, ns_cb, f);
	linux_send(&f->rig.driver, 1024, 53, 0, message, 40);
	rpmsg_poll(r);
	assert_int_equal(f->ns.n, 1);
	assert_int_equal(f->ns.addr, 1024);
	assert_int_equal(f->ns.flags, RPMSG_NS_DESTROY);
	assert_int_equal(strlen(f->ns.name), 31);
	linux_send(&f->rig.driver, 1024, 53, 0, message, 39);
	rpmsg_poll(r);
	assert_int_equal(f->ns.n, 1);
	assert_int_equal(r->counts.malformed, 1);
}

static void test_addresses(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	struct rpmsg_ept third;

	assert_ptr_equal(rpmsg_create_ept(r, RPMSG_ADDR_ANY, take, f, &f->ept), &f->ept);
	assert_int_equal(f->ept.addr, 1024);
	assert_null(rpmsg_create_ept(r, 1024, take, f, &f->other));
	assert_null(rpmsg_create_ept(r, RPMSG_NS_ADDR, take, f, &f->other));
	assert_null(rpmsg_create_ept(r, 7, NULL, f, &f->other));
	assert_non_null(rpmsg_create_ept(r, 1025, take, f, &f->other));
	assert_non_null(rpmsg_create_ept(r, RPMSG_ADDR_ANY, take, f, &third));
	assert_int_equal(third.addr, 1026);
	assert_int_equal(rpmsg_destroy_ept(r, &f->ept), 0);
	assert_int_equal(rpmsg_destroy_ept(r, &f->ept), RPMSG_ERR_PARAM);

	/* What comes for an address that is gone is dropped, and its buffer goes back. */
	linux_send(&f->rig.driver, 5, 1024, 0, "a", 1);
	linux_send(&f->rig.driver, 5, 1026, 0, "b", 1);
	assert_false(rpmsg_poll(r));
	assert_int_equal(f->n_got, 1);
	assert_int_equal(f->got[0], 'b');
	assert_int_equal(r->counts.nowhere, 1);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 2);

	/* The highest is not given out. */
	r->next_addr = RPMSG_ADDR_ANY - 1;
	rpmsg_create_ept(r, RPMSG_ADDR_ANY, take, f, &f->ept);
	assert_int_equal(f->ept.addr, RPMSG_ADDR_ANY - 1);
	rpmsg_destroy_ept(r, &f->other);
	rpmsg_create_ept(r, RPMSG_ADDR_ANY, take, f, &f->other);
	assert_int_equal(f->other.addr, 1024);
}

static void test_sizes(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	struct linux_message m;
	uint8_t data[497];

	rpmsg_create_ept(r, 30, echo, f, &f->ept);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (uint16_t len = 0; len <= 496; len++) {
		assert_true(linux_send(&f->rig.driver, 1024, 30, 0, data + 496 - len, len));
		rpmsg_poll(r);
		assert_true(linux_recv(&f->rig.driver, &m, false));
		assert_int_equal(m.src, 30);
		assert_int_equal(m.dst, 1024);
		assert_int_equal(m.len, len);
		assert_memory_equal(m.data, data + 496 - len, len);
	}
	assert_int_equal(rpmsg_payload_max(r), 496);
	assert_int_equal(rpmsg_send(r, &f->ept, 1024, data, 497, 0), RPMSG_ERR_BUFF_SIZE);
	assert_int_equal(rpmsg_send(r, &f->ept, 1024, data, 65536 + 1, 0), RPMSG_ERR_BUFF_SIZE);
	assert_false(linux_recv(&f->rig.driver, &m, false));
	assert_true(f->rig.n_cleans && f->rig.n_invalidates);
}

static void test_flags(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	struct linux_message m;

	rpmsg_create_ept(r, 30, take, f, &f->ept);
	linux_send(&f->rig.driver, 1024, 30, 0xa55a, "x", 1);
	rpmsg_poll(r);
	assert_int_equal(f->flags, 0xa55a);
	assert_int_equal(f->src, 1024);
	assert_int_equal(rpmsg_send_from(r, 31, 1024, 0x1234, "y", 1, 0), 0);
	assert_true(linux_recv(&f->rig.driver, &m, false));
	assert_int_equal(m.flags, 0x1234);
	assert_int_equal(m.src, 31);
}

static void test_nocopy_send(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	uint32_t size[2];
	struct linux_message m;
	uint8_t *p[2];

	rpmsg_create_ept(r, 30, take, f, &f->ept);
	for (unsigned i = 0; i < 2; i++) {
		p[i] = rpmsg_alloc_tx_buffer(r, &size[i], 0);
		assert_non_null(p[i]);
		assert_int_equal(size[i], 496);
		p[i][0] = (uint8_t)('a' + i);
	}
	/* In another order than they were taken in. */
	assert_int_equal(rpmsg_send_nocopy(r, &f->ept, 9, p[1], 497), RPMSG_ERR_BUFF_SIZE);
	assert_int_equal(rpmsg_send_nocopy(r, &f->ept, 9, p[1], 1), 0);
	assert_int_equal(rpmsg_send_nocopy(r, &f->ept, 9, p[1], 1), RPMSG_ERR_PARAM);
	assert_int_equal(rpmsg_send_nocopy(r, &f->ept, 9, p[0], 1), 0);
	assert_true(linux_recv(&f->rig.driver, &m, false));
	assert_int_equal(m.data[0], 'b');
	assert_true(linux_recv(&f->rig.driver, &m, false));
	assert_int_equal(m.data[0], 'a');
}

static void test_hold(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;

	rpmsg_create_ept(r, 30, hold, f, &f->ept);
	linux_send(&f->rig.driver, 1024, 30, 0, "xyz", 3);
	rpmsg_poll(r);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 0);
	assert_memory_equal(f->held, "xyz", 3);
	assert_int_equal(rpmsg_release_rx_buffer(r, f->held), 0);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 1);
	assert_int_equal(rpmsg_release_rx_buffer(r, f->held), RPMSG_ERR_PARAM);
	assert_int_equal(rpmsg_release_rx_buffer(r, f->got), RPMSG_ERR_PARAM);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 1);
}

/* The driver asks to be told of used buffers only while a sender of its own sleeps. */
static void test_notifications(void **state)
{
	struct fixture *f = *state;
	struct linux_side *l = &f->rig.driver;
	struct rpmsg *r = &f->rig.rpmsg;
	struct linux_message m;

	rpmsg_create_ept(r, 30, take, f, &f->ept);
	linux_send(l, 1024, 30, 0, "x", 1);
	rpmsg_poll(r);
	assert_int_equal(l->told[1], 0);
	linux_want_told(l, true);
	linux_send(l, 1024, 30, 0, "x", 1);
	rpmsg_poll(r);
	assert_int_equal(l->told[1], 1);

	/* We want to be kicked for returned buffers only while we have none. */
	l->kicked[0] = false;
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 0), 0);
		assert_int_equal(linux_used_flags(l, 0), 1);
	}
	assert_true(linux_recv(l, &m, false));
	assert_false(l->kicked[0]);
	assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 0), 0);
	assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 0), RPMSG_ERR_NO_BUFF);
	assert_int_equal(linux_used_flags(l, 0), 0);
	assert_true(linux_recv(l, &m, false));
	assert_true(l->kicked[0]);
	f->rig.n_wakes = 0;
	rpmsg_poll(r);
	assert_int_equal(f->rig.n_wakes, 1);
	assert_int_equal(r->counts.starved, 1);
}

static void drain_one(struct rig *rig)
{
	struct linux_message m;

	if (rig->n_waits == 3)
		assert_true(linux_recv(&rig->driver, &m, false));
}

static void test_back_pressure(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	uint32_t size;

	rpmsg_create_ept(r, 30, take, f, &f->ept);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 0), 0);
	assert_int_equal(f->rig.n_waits, 0);
	assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 2), RPMSG_ERR_NO_BUFF);
	assert_int_equal(f->rig.n_waits, 2);
	assert_null(rpmsg_alloc_tx_buffer(r, &size, 0));
	f->rig.in_wait = drain_one;
	assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, RPMSG_BLOCK), 0);
	assert_int_equal(f->rig.n_waits, 3);

	/* Nothing to wait with: nothing waits. */
	r->env.wait = NULL;
	assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, RPMSG_BLOCK), RPMSG_ERR_NO_BUFF);
	assert_int_equal(rpmsg_ns_announce(r, &f->ept, "n", 0), RPMSG_ERR_NO_BUFF);
}

static void test_without_hooks(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	struct linux_message m;

	f->rig.env = (struct rpmsg_env){0};
	f->rig.config.env.cache_clean = NULL;
	f->rig.config.env.cache_invalidate = NULL;
	rig_start(&f->rig);
	rpmsg_create_ept(r, 30, echo, f, &f->ept);
	linux_send(&f->rig.driver, 1024, 30, 0, "x", 1);
	rpmsg_poll(r);
	assert_true(linux_recv(&f->rig.driver, &m, false));
	assert_false(rpmsg_poll_one(r));
}

static void send_in_wait(struct rig *rig)
{
	if (rig->n_waits == 2) {
		linux_send(&rig->driver, 77, 30, 0, "late", 4);
		rpmsg_poll(&rig->rpmsg);
	}
}

static void test_queue(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	uint32_t src, len;
	char text[8];
	void *p;

	assert_int_equal(rpmsg_queue_create(r, &f->queue, f->items, 0), RPMSG_ERR_PARAM);
	assert_int_equal(rpmsg_queue_create(r, &f->queue, f->items, 2), 0);
	rpmsg_create_ept(r, 30, rpmsg_queue_rx_cb, &f->queue, &f->ept);
	assert_int_equal(rpmsg_queue_recv(r, &f->queue, &src, text, 8, &len, 0), RPMSG_ERR_NO_BUFF);
	linux_send(&f->rig.driver, 1, 30, 0, "first", 5);
	linux_send(&f->rig.driver, 2, 30, 0, "second", 6);
	linux_send(&f->rig.driver, 3, 30, 0, "third", 5);
	rpmsg_poll(r);
	assert_int_equal(rpmsg_queue_get_current_size(&f->queue), 2);
	assert_int_equal(f->queue.dropped, 1);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 1);

	assert_int_equal(rpmsg_queue_recv(r, &f->queue, &src, text, 4, &len, 0),
			 RPMSG_ERR_BUFF_SIZE);
	assert_int_equal(len, 5);
	assert_int_equal(rpmsg_queue_recv(r, &f->queue, &src, text, 8, &len, 0), 0);
	assert_int_equal(src, 1);
	assert_memory_equal(text, "first", 5);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 2);
	assert_int_equal(rpmsg_queue_recv_nocopy(r, &f->queue, NULL, &p, NULL, 0), 0);
	assert_memory_equal(p, "second", 6);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 2);
	assert_int_equal(rpmsg_queue_nocopy_free(r, p), 0);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 3);

	/* A reader that waits. */
	assert_int_equal(rpmsg_queue_recv(r, &f->queue, NULL, text, 8, NULL, 1), RPMSG_ERR_NO_BUFF);
	f->rig.n_waits = 0;
	f->rig.in_wait = send_in_wait;
	assert_int_equal(rpmsg_queue_recv_nocopy(r, &f->queue, &src, &p, &len, RPMSG_BLOCK), 0);
	assert_int_equal(src, 77);
	assert_int_equal(len, 4);
	assert_int_equal(rpmsg_queue_nocopy_free(r, p), 0);

	/* What is left goes back with the queue. */
	linux_send(&f->rig.driver, 1, 30, 0, "first", 5);
	linux_send(&f->rig.driver, 1, 30, 0, "first", 5);
	rpmsg_poll(r);
	rpmsg_destroy_ept(r, &f->ept);
	rpmsg_queue_destroy(r, &f->queue);
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 6);
}

static bool rig_ready(void *arg)
{
	const struct rig *rig = arg;

	assert_int_equal(rig->locked, 1);
	return rig->ready;
}

static void reset(struct rig *rig)
{
	if (rig->n_waits == 2)
		rig->ready = false;
}

/* A driver that tells when it is ready: before that its buffers are not enough. After a reset it
 * gets no message, but those of its own are taken, until it begins anew. */
static void test_ready(void **state)
{
	struct fixture *f = *state;
	struct rig *rig = &f->rig;
	struct rpmsg *r = &rig->rpmsg;
	struct linux_message m;

	r->env.ready = rig_ready;
	rpmsg_create_ept(r, 30, take, f, &f->ept);
	for (unsigned n = 1; n <= 3; n++) {
		rpmsg_poll(r);
		assert_false(rpmsg_is_link_up(r));
		assert_int_equal(rig->n_link_up, n - 1);
		assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 0), RPMSG_NOT_READY);
		rig->ready = true;
		rpmsg_poll(r);
		assert_int_equal(rig->n_link_up, n);

		for (unsigned i = 0; i < 16; i++)
			assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 0), 0);
		rig->n_waits = 0;
		rig->in_wait = reset;
		assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, RPMSG_BLOCK), RPMSG_NOT_READY);
		assert_int_equal(rig->n_waits, 2);
		while (linux_recv(&rig->driver, &m, false))
			assert_int_equal(m.src, 30);
		assert_int_equal(rpmsg_send(r, &f->ept, 9, "y", 1, 0), RPMSG_NOT_READY);
		for (unsigned i = 0; i < 40; i++) {
			assert_true(linux_send(&rig->driver, 1024, 30, 0, "x", 1));
			rpmsg_poll(r);
		}
		assert_int_equal(linux_used_idx(&rig->driver, 1), 40);
		assert_int_equal(rig->n_link_down, n);
		assert_int_equal(r->counts.restarts, n);
		linux_probe(&rig->driver, 16);
	}
}

/* What a queue held when the driver was reset goes back to it. */
static void test_queue_over_reset(void **state)
{
	struct fixture *f = *state;
	struct rpmsg *r = &f->rig.rpmsg;
	void *p;

	r->env.ready = rig_ready;
	f->rig.ready = true;
	rpmsg_queue_create(r, &f->queue, f->items, 16);
	rpmsg_create_ept(r, 30, rpmsg_queue_rx_cb, &f->queue, &f->ept);
	for (unsigned i = 0; i < 16; i++)
		assert_true(linux_send(&f->rig.driver, 1024, 30, 0, "x", 1));
	rpmsg_poll(r);
	assert_false(linux_send(&f->rig.driver, 1024, 30, 0, "x", 1));
	f->rig.ready = false;
	rpmsg_poll(r);
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(rpmsg_queue_recv_nocopy(r, &f->queue, NULL, &p, NULL, 0), 0);
		assert_int_equal(rpmsg_queue_nocopy_free(r, p), 0);
	}
	assert_int_equal(linux_used_idx(&f->rig.driver, 1), 16);
}

/* More than one call of rpmsg_poll() handles, from a driver that is faster than we are. */
static int refill(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct fixture *f = priv;

	f->n_got++;
	linux_send(&f->rig.driver, 1024, 30, 0, "x", 1);
	return RPMSG_RELEASE;
}

static void test_bounded(void **state)
{
	struct fixture *f = *state;

	rpmsg_create_ept(&f->rig.rpmsg, 30, refill, f, &f->ept);
	linux_send(&f->rig.driver, 1024, 30, 0, "x", 1);
	assert_true(rpmsg_poll(&f->rig.rpmsg));
	assert_int_equal(f->n_got, 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_announce, setup, teardown),
		cmocka_unit_test_setup_teardown(test_announced_to_us, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nocopy_send, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notifications, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_pressure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_hooks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_over_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
