/* SPDX-License-Identifier: MIT */
/*
 * A network card with each side of each pair on a thread of its own, over a network that sends back
 * what it gets. The driver is on another thread, the carrier's loop and the control queue on a
 * third, or, for a driver without MQ, the control queue on that of rx1. Under ThreadSanitizer all
 * of it must be silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/driver.h"
#include "lib/rand.h"
#include "backend/net.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/iov.h"
#include "dev/net.h"
#include "dev/net_spec.h"
#include "machine/iothreads.h"
#include "transport/carrier.h"

#define PAIRS    2u
#define HEADER   12u /* of virtio */
#define FRAME    64u
#define BURST    8u
#define KEPT     64u
#define OFFLOADS (NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_SEND_CSUM)

enum { RX0, TX0, RX1, TX1, CTRL };

/* What was sent comes back on the queue's own loop. */
struct echo_queue {
	struct net_queue queue;
	struct loop *loop, *send_loop;
	const struct net_user_ops *ops;
	void *user;
	bool open;
	bool wanted;        /* loop */
	unsigned offloads;  /* loop */
	atomic_bool active; /* the test looks, too */
	struct loop_task task;
	pthread_mutex_t lock;
	uint8_t frame[KEPT][sizeof(struct net_header) + FRAME];
	size_t len[KEPT];
	unsigned first, n; /* under the lock, with frame and len */
};

struct world {
	struct driver d;
	struct iothreads io;
	struct net net;
	struct echo_queue q[PAIRS];
	struct vdev *dev;
	struct loop_task order;
	struct loop_timer cable;
	atomic_bool link_down;
	sem_t done;
	unsigned n_pairs; /* that the driver knows */
	uint64_t rng;
};

/* ---- the network ---- */

static int echo_send(struct net_queue *nq, const struct iovec *iov, unsigned n)
{
	struct echo_queue *q = container_of(nq, struct echo_queue, queue);
	unsigned at;

	assert_true(loop_is_mine(q->send_loop));
	pthread_mutex_lock(&q->lock);
	if (q->n < KEPT) {
		at = (q->first + q->n++) % KEPT;
		q->len[at] = iov_to_buf(iov, n, 0, q->frame[at], sizeof(q->frame[at]));
	}
	pthread_mutex_unlock(&q->lock);
	loop_post(q->loop, &q->task);
	return 0;
}

/* The next frame, which stays where it is. */
static bool look_at_first(struct echo_queue *q, struct iovec *iov)
{
	bool any;

	pthread_mutex_lock(&q->lock);
	any = q->n;
	*iov = (struct iovec){q->frame[q->first], q->len[q->first]};
	pthread_mutex_unlock(&q->lock);
	return any;
}

static void echo_task(struct loop_task *t)
{
	struct echo_queue *q = t->arg;
	struct iovec iov;

	while (q->wanted && look_at_first(q, &iov)) {
		q->wanted = q->ops->recv(q->user, &iov, 1);
		if (!q->wanted)
			break;
		pthread_mutex_lock(&q->lock);
		q->first = (q->first + 1) % KEPT;
		q->n--;
		pthread_mutex_unlock(&q->lock);
	}
}

static void echo_want_recv(struct net_queue *nq, bool want)
{
	struct echo_queue *q = container_of(nq, struct echo_queue, queue);

	assert_true(loop_is_mine(q->loop));
	q->wanted = want;
	if (want)
		loop_post(q->loop, &q->task);
}

static void echo_set_offloads(struct net_queue *nq, unsigned offloads)
{
	struct echo_queue *q = container_of(nq, struct echo_queue, queue);

	assert_true(loop_is_mine(q->loop));
	assert_true(offloads);
	q->offloads = offloads;
}

static void echo_set_active(struct net_queue *nq, bool active)
{
	struct echo_queue *q = container_of(nq, struct echo_queue, queue);

	assert_true(loop_is_mine(q->loop));
	atomic_store(&q->active, active);
}

static void echo_send_from(struct net_queue *nq, struct loop *loop)
{
	container_of(nq, struct echo_queue, queue)->send_loop = loop;
}

static void echo_close(struct net_queue *nq)
{
	struct echo_queue *q = container_of(nq, struct echo_queue, queue);

	loop_task_cancel(q->loop, &q->task);
	pthread_mutex_destroy(&q->lock);
	q->open = false;
}

static int echo_open_queue(struct net *net, struct loop *loop, const struct net_user_ops *user_ops,
			   void *user, struct net_queue **out)
{
	static const struct net_queue_ops ops = {
		.send = echo_send,
		.want_recv = echo_want_recv,
		.set_offloads = echo_set_offloads,
		.set_active = echo_set_active,
		.send_from = echo_send_from,
		.close = echo_close,
	};
	struct world *w = container_of(net, struct world, net);
	struct echo_queue *q = w->q[0].open ? &w->q[1] : &w->q[0];

	assert_false(q->open);
	q->open = true;
	q->queue = (struct net_queue){.ops = &ops, .net = net};
	q->loop = q->send_loop = loop;
	q->ops = user_ops;
	q->user = user;
	q->task = (struct loop_task){.fn = echo_task, .arg = q};
	pthread_mutex_init(&q->lock, NULL);
	*out = &q->queue;
	return 0;
}

static const struct net_ops echo_ops = {.open_queue = echo_open_queue};

/* ---- the board ---- */

static int setup(void **state)
{
	static struct world w;
	struct loop *loops[2 * PAIRS];
	struct netdev_config config = {
		.net = &w.net, .mac = {2, 0, 0, 1, 2, 3}, .n_pairs = PAIRS, .queue_loop = loops};
	struct err e;

	memset(&w, 0, sizeof(w));
	w.rng = 5;
	w.net = (struct net){
		.ops = &echo_ops, .split = true, .n_queues = PAIRS, .offloads = OFFLOADS};
	sem_init(&w.done, 0, 0);
	driver_init(&w.d);
	config.loop = w.d.loop;
	assert_int_equal(iothreads_init(&w.io, 2 * PAIRS, 20000), 0);
	iothreads_place(&w.io, w.d.loop, IOTHREADS_ANY, false, loops, 2 * PAIRS);
	assert_int_equal(netdev_new(&config, &w.dev), 0);
	driver_plug(&w.d, w.dev);
	assert_int_equal(iothreads_start(&w.io, &e), 0);
	driver_thread_start(&w.d);
	*state = &w;
	return 0;
}

static void quiet(void *arg)
{
	struct world *w = arg;

	loop_timer_cancel(&w->cable);
	sem_post(&w->done);
}

static void quiesce(struct loop_task *t)
{
	struct world *w = t->arg;

	carrier_reset(w->d.carrier, quiet, w);
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->order = (struct loop_task){.fn = quiesce, .arg = w};
	loop_post(w->d.loop, &w->order);
	sem_wait(&w->done);
	driver_thread_stop(&w->d);
	iothreads_stop(&w->io);
	driver_fini(&w->d);
	iothreads_fini(&w->io);
	sem_destroy(&w->done);
	assert_false(w->q[0].open || w->q[1].open);
	return 0;
}

/* ---- the driver ---- */

static void bring_up(struct world *w, bool mq)
{
	uint64_t features = NET_F_CTRL_VQ | NET_F_CTRL_RX | NET_F_CTRL_GUEST_OFFLOADS |
			    NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_NOTF_COAL | NET_F_CSUM;

	w->n_pairs = mq ? PAIRS : 1;
	assert_true(driver_negotiate(&w->d, features | (mq ? NET_F_MQ : 0)));
	w->d.next_gpa = DRIVER_RAM;
	for (unsigned i = 0; i <= 2 * w->n_pairs; i++)
		driver_queue(&w->d, i, 64, false);
	driver_ok(&w->d);
}

/* Adds the command without waiting for its end; where the answer will be. */
static uint8_t *give_command(struct world *w, uint8_t class, uint8_t command, const void *data,
			     uint32_t len)
{
	uint64_t gpa = driver_alloc(&w->d, 64);
	uint8_t *p = driver_ptr(&w->d, gpa, 64);
	const struct guest_part part[2] = {{gpa, 2 + len, false}, {gpa + 60, 1, true}};

	p[0] = class;
	p[1] = command;
	memcpy(p + 2, data, len);
	p[60] = 0xee;
	driver_submit(&w->d, 2 * w->n_pairs, part, 2);
	return p + 60;
}

static void command(struct world *w, uint8_t class, uint8_t command, const void *data, uint32_t len)
{
	const uint8_t *ack = give_command(w, class, command, data, len);

	driver_wait(&w->d, 2 * w->n_pairs, -1);
	assert_int_equal(*ack, 0);
}

static void set_pairs(struct world *w, uint16_t n)
{
	uint8_t data[2];

	le16_store(data, n);
	command(w, NET_CTRL_MQ, NET_CTRL_MQ_PAIRS, data, sizeof(data));
	/* It is so when the command is answered, not some time later. */
	for (unsigned i = 0; i < PAIRS; i++)
		assert_int_equal(atomic_load(&w->q[i].active), i < n);
}

static void random_command(struct world *w, bool wait)
{
	uint8_t data[8];
	uint8_t class = NET_CTRL_RX, number = NET_CTRL_RX_ALLMULTI;
	uint32_t len = 1;

	data[0] = (uint8_t)rand_below(&w->rng, 2);
	switch (rand_below(&w->rng, 3)) {
	case 0: break;
	case 1:
		class = NET_CTRL_OFFLOADS;
		number = NET_CTRL_OFFLOADS_SET;
		len = 8;
		le64_store(data, rand_below(&w->rng, 2) ? NET_F_GUEST_CSUM : 0);
		break;
	default:
		class = NET_CTRL_NOTF_COAL;
		number = (uint8_t)(rand_below(&w->rng, 2) ? NET_CTRL_NOTF_COAL_TX
							  : NET_CTRL_NOTF_COAL_RX);
		len = 8;
		le32_store(data, rand_below(&w->rng, 4));
		le32_store(data + 4, rand_below(&w->rng, 50));
		break;
	}
	if (wait)
		command(w, class, number, data, len);
	else
		(void)give_command(w, class, number, data, len);
}

/* Buffers for a burst, and the burst. */
static uint64_t send_burst(struct world *w, unsigned pair)
{
	uint64_t gpa = driver_alloc(&w->d, (uint64_t)2 * BURST * (HEADER + FRAME));
	uint8_t *p = driver_ptr(&w->d, gpa, (uint64_t)2 * BURST * (HEADER + FRAME));

	for (unsigned i = 0; i < BURST; i++) {
		struct guest_part in = {gpa + (uint64_t)i * (HEADER + FRAME), HEADER + FRAME, true};
		struct guest_part out = in;
		uint8_t *frame = p + (size_t)(BURST + i) * (HEADER + FRAME);

		out.gpa += (uint64_t)BURST * (HEADER + FRAME);
		out.write = false;
		memset(frame, 0, HEADER);
		for (unsigned k = 0; k < FRAME; k++)
			frame[HEADER + k] = (uint8_t)rand_next(&w->rng);
		driver_submit(&w->d, 2 * pair, &in, 1);
		driver_submit(&w->d, 2 * pair + 1, &out, 1);
	}
	return gpa;
}

/* All come back, in order. */
static void expect_burst(struct world *w, unsigned pair, uint64_t gpa)
{
	const uint8_t *p = driver_ptr(&w->d, gpa, (uint64_t)2 * BURST * (HEADER + FRAME));

	for (unsigned i = 0; i < BURST; i++) {
		const uint8_t *in = p + (size_t)i * (HEADER + FRAME);

		driver_wait(&w->d, 2 * pair + 1, -1);
		assert_int_equal(driver_wait(&w->d, 2 * pair, -1), HEADER + FRAME);
		assert_memory_equal(in + HEADER, in + BURST * (HEADER + FRAME) + HEADER, FRAME);
	}
}

static void run_bursts(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t gpa[PAIRS] = {0};

		w->d.next_gpa = DRIVER_RAM + 0x100000;
		for (unsigned k = 0; k < w->n_pairs; k++)
			gpa[k] = send_burst(w, k);
		random_command(w, true);
		for (unsigned k = 0; k < w->n_pairs; k++)
			expect_burst(w, k, gpa[k]);
	}
}

static void test_frames(void **state)
{
	struct world *w = *state;

	bring_up(w, true);
	set_pairs(w, PAIRS);
	run_bursts(w, 150);
	set_pairs(w, 1);
	set_pairs(w, PAIRS);
	run_bursts(w, 10);
	/* The same card under a driver that knows one pair. */
	bring_up(w, false);
	assert_false(atomic_load(&w->q[1].active));
	run_bursts(w, 50);
}

/* What the echo still holds is of a former driver. */
static void forget_frames(struct world *w)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		pthread_mutex_lock(&w->q[i].lock);
		w->q[i].n = 0;
		pthread_mutex_unlock(&w->q[i].lock);
	}
}

/* Resets, of the device and of queues, with frames and a command on their way. */
static void test_resets(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 100; i++) {
		bool mq = rand_below(&w->rng, 2);

		bring_up(w, mq);
		if (mq)
			set_pairs(w, PAIRS);
		w->d.next_gpa = DRIVER_RAM + 0x100000;
		for (unsigned k = 0; k < w->n_pairs; k++)
			(void)send_burst(w, k);
		random_command(w, false);
	}
	driver_reset(&w->d);
	forget_frames(w);
	bring_up(w, true);
	set_pairs(w, PAIRS);
	run_bursts(w, 5);
}

static void move_cable(struct loop_timer *t)
{
	struct world *w = t->arg;
	bool down = !atomic_load(&w->link_down);

	netdev_set_link(w->dev, !down);
	atomic_store(&w->link_down, down);
	loop_timer_arm(w->d.loop, t, loop_now(w->d.loop) + 100000);
}

static void plug_in(struct loop_task *t)
{
	struct world *w = t->arg;

	loop_timer_cancel(&w->cable);
	netdev_set_link(w->dev, true);
	sem_post(&w->done);
}

static void begin_moving(struct loop_task *t)
{
	struct world *w = t->arg;

	w->cable = (struct loop_timer){.fn = move_cable, .arg = w};
	move_cable(&w->cable);
}

/* Frames may get lost while the cable is out; commands, and frames after it, may not. */
static void test_cable(void **state)
{
	struct world *w = *state;

	bring_up(w, true);
	w->order = (struct loop_task){.fn = begin_moving, .arg = w};
	loop_post(w->d.loop, &w->order);
	for (unsigned i = 0; i < 300; i++) {
		w->d.next_gpa = DRIVER_RAM + 0x100000;
		if (i % 10 == 0)
			bring_up(w, true);
		if (i % 4 == 0 && i % 10 < 6)
			(void)send_burst(w, 0);
		random_command(w, true);
		command(w, NET_CTRL_RX, NET_CTRL_RX_PROMISC, "\1", 1);
	}
	w->order.fn = plug_in;
	loop_post(w->d.loop, &w->order);
	sem_wait(&w->done);
	driver_reset(&w->d);
	forget_frames(w);
	bring_up(w, true);
	set_pairs(w, PAIRS);
	run_bursts(w, 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_frames), T(test_resets), T(test_cable)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
