/* SPDX-License-Identifier: MIT */
/* The network that fails on purpose: what arrives, in which order, and what waits for room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "backend/net_fault.h"
#include "base/fault.h"
#include "base/iov.h"
#include "base/loop.h"
#include "lib/mem_net.h"

#define FRAME 60u

static const struct fault_kind kind = {
	.name = "net",
	.what = {[FAULT_TX] = FAULT_DELAY | FAULT_SHORT | FAULT_DROP | FAULT_CORRUPT,
		 [FAULT_RX] = FAULT_DELAY | FAULT_SHORT | FAULT_DROP | FAULT_CORRUPT},
};

struct world {
	struct loop *loop;
	struct mem_net inner;
	struct net *net;
	struct net_queue *q;
	struct faults *f;
	uint64_t now;
	bool room;    /* for what is received */
	char got[64]; /* the first byte of each frame received */
	uint8_t last[FRAME];
	size_t last_len;
};

static uint64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static bool on_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct world *w = user;

	if (!w->room)
		return false;
	w->last_len = iov_to_buf(iov, n, 0, w->last, sizeof(w->last));
	w->got[strlen(w->got)] = (char)w->last[0];
	return true;
}

static const struct net_user_ops user_ops = {.recv = on_recv};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct fault_device *device;

	assert_non_null(w);
	w->room = true;
	mem_net_init(&w->inner);
	assert_int_equal(loop_new(&w->loop), 0);
	loop_set_clock(w->loop, now_of, w);
	assert_int_equal(faults_new(w->loop, &w->f), 0);
	assert_int_equal(faults_device_new(w->f, &kind, "net0", &device), 0);
	assert_int_equal(net_fault_new(&w->inner.net, device, &w->net), 0);
	assert_int_equal(w->net->ops->open_queue(w->net, w->loop, &user_ops, w, &w->q), 0);
	w->q->ops->want_recv(w->q, true);
	faults_power_on(w->f);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->q->ops->close(w->q);
	assert_true(w->inner.closed);
	w->net->ops->free(w->net);
	faults_free(w->f);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void add(struct world *w, const char *text)
{
	assert_int_equal(faults_add(w->f, "", text, NULL), 0);
}

static void pass(struct world *w, unsigned ms)
{
	w->now += ms * 1000000ull;
	while (loop_turn(w->loop, 0) > 0)
		continue;
}

static void send_frame(struct world *w, char name)
{
	uint8_t frame[FRAME];
	const struct iovec iov[2] = {{frame, 14}, {frame + 14, FRAME - 14}};

	memset(frame, name, sizeof(frame));
	assert_int_equal(w->q->ops->send(w->q, iov, 2), 0);
}

/* Whether it was taken. */
static bool offer(struct world *w, char name)
{
	uint8_t frame[FRAME];

	memset(frame, name, sizeof(frame));
	return w->inner.wanted && mem_net_offer(&w->inner, frame, FRAME, 14);
}

static unsigned n_other(const uint8_t *p, size_t len, char name)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += p[i] != (uint8_t)name;
	return n;
}

static void test_send(void **state)
{
	struct world *w = *state;

	add(w, "net0:tx,nth=2,drop");
	add(w, "net0:tx,nth=2,short");
	add(w, "net0:tx,nth=2,corrupt");
	send_frame(w, 'a');
	assert_int_equal(w->inner.n_sent, 1);
	assert_int_equal(n_other(w->inner.last, FRAME, 'a'), 0);
	send_frame(w, 'b');
	assert_int_equal(w->inner.n_sent, 1);
	faults_clear(w->f);
	add(w, "net0:tx,once,short");
	send_frame(w, 'c');
	assert_int_equal(w->inner.last_len, FRAME / 2);
	faults_clear(w->f);
	add(w, "net0:tx,once,corrupt");
	send_frame(w, 'd');
	assert_int_equal(w->inner.last_len, FRAME);
	assert_int_equal(n_other(w->inner.last, FRAME, 'd'), 1);
}

static void test_send_delayed(void **state)
{
	struct world *w = *state;

	add(w, "net0:tx,once,delay=10ms");
	send_frame(w, 'a');
	send_frame(w, 'b');
	assert_int_equal(w->inner.n_sent, 1);
	assert_int_equal(w->inner.last[0], 'b');
	pass(w, 9);
	assert_int_equal(w->inner.n_sent, 1);
	pass(w, 1);
	assert_int_equal(w->inner.n_sent, 2);
	assert_int_equal(w->inner.last[0], 'a');
	/* What waits is bounded; the rest is lost. */
	add(w, "net0:tx,delay=1s");
	for (unsigned i = 0; i < (5u << 20) / FRAME; i++)
		send_frame(w, 'c');
	pass(w, 1000);
	assert_int_equal(w->inner.n_sent, 2 + (4u << 20) / FRAME);
	send_frame(w, 'd'); /* waits until the end */
}

static void test_receive(void **state)
{
	struct world *w = *state;

	add(w, "net0:rx,nth=2,drop");
	add(w, "net0:rx,nth=3,short");
	add(w, "net0:rx,nth=4,corrupt");
	assert_true(offer(w, 'a'));
	assert_true(offer(w, 'b'));
	assert_string_equal(w->got, "a");
	assert_true(offer(w, 'c'));
	pass(w, 0);
	assert_string_equal(w->got, "ac");
	assert_int_equal(w->last_len, FRAME / 2);
	assert_true(offer(w, 'd'));
	/* Only a delay changes the order: this one has to wait. */
	assert_false(offer(w, 'e'));
	pass(w, 0);
	assert_int_equal(w->last_len, FRAME);
	assert_int_equal(n_other(w->last, FRAME, 'd'), 1);
	assert_true(offer(w, 'e'));
	assert_int_equal(w->got[3], 'e');
}

static void test_receive_delayed(void **state)
{
	struct world *w = *state;

	add(w, "net0:rx,nth=1,delay=10ms");
	add(w, "net0:rx,nth=2,delay=5ms");
	assert_true(offer(w, 'a'));
	assert_true(offer(w, 'b'));
	assert_true(offer(w, 'c'));
	assert_string_equal(w->got, "c");
	pass(w, 5);
	assert_string_equal(w->got, "cb");
	pass(w, 5);
	assert_string_equal(w->got, "cba");
}

/* A user without room is not asked again until it says so, and gets everything in order then. */
static void test_no_room(void **state)
{
	struct world *w = *state;

	add(w, "net0:rx,every=2,delay=1ms");
	assert_true(offer(w, 'a'));
	assert_true(offer(w, 'b'));
	assert_true(offer(w, 'c'));
	assert_true(offer(w, 'd'));
	w->room = false;
	pass(w, 1);
	assert_string_equal(w->got, "ac");
	assert_false(w->inner.wanted);
	pass(w, 10);
	w->room = true;
	pass(w, 10);
	assert_string_equal(w->got, "ac");
	w->q->ops->want_recv(w->q, true);
	assert_string_equal(w->got, "ac"); /* never inside a call */
	pass(w, 0);
	assert_string_equal(w->got, "acbd");
	assert_true(w->inner.wanted);
}

/* A frame that was refused comes again, and counts once. */
static void test_counts_once(void **state)
{
	struct world *w = *state;

	add(w, "net0:rx,nth=3,drop");
	w->room = false;
	assert_false(offer(w, 'a'));
	for (unsigned i = 0; i < 3; i++) {
		w->q->ops->want_recv(w->q, true);
		assert_false(offer(w, 'a'));
	}
	w->room = true;
	w->q->ops->want_recv(w->q, true);
	assert_true(offer(w, 'a'));
	assert_true(offer(w, 'b'));
	assert_true(offer(w, 'c'));
	assert_true(offer(w, 'd'));
	assert_string_equal(w->got, "abd");
}

/* What still waits when the queue is closed is freed. */
static void test_close(void **state)
{
	struct world *w = *state;

	add(w, "net0:rx,delay=1s");
	assert_true(offer(w, 'a'));
	faults_clear(w->f);
	add(w, "net0:rx,corrupt");
	w->room = false;
	assert_true(offer(w, 'b'));
	pass(w, 0);
	send_frame(w, 'c');
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_send),    T(test_send_delayed), T(test_receive), T(test_receive_delayed),
		T(test_no_room), T(test_counts_once),  T(test_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
