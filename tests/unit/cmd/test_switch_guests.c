/* SPDX-License-Identifier: MIT */
/*
 * A switch at its socket, on a thread, as the command has it; guests are remote network cards, each
 * with a driver, as in machines, and bare sockets. Frames cross, the switch goes and comes back,
 * and connections that say nothing keep nobody out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/vswitch.h"
#include "base/bits.h"
#include "base/endian.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/iov.h"
#include "base/unix_socket.h"
#include "cmd/switch_guests.h"
#include "lib/driver.h"
#include "remote/remote.h"

#define GUESTS      2u
#define HEADER      12u
#define FRAME       100u
#define BUFFERS     8u
#define BUFFER      2048u
#define F_MRG       BIT(15)
#define PATIENCE_NS 20000000000ull

struct guest {
	struct driver d;
	struct vdev *dev;
	uint64_t frame, room[BUFFERS]; /* guest addresses */
	int head[BUFFERS];
	unsigned next; /* buffer to be filled */
	unsigned n_recorded;
};

struct world {
	char dir[40], path[64];
	/* The switch. */
	pthread_t thread;
	struct loop *loop;
	atomic_bool ending;
	struct unix_socket socket;
	struct vswitch *s;
	struct switch_guests *guests;
	bool runs;
	uint64_t refused, frames; /* of the one that ended last */
	struct guest g[GUESTS];
};

/* ---- the switch ---- */

static void *switch_main(void *arg)
{
	struct world *w = arg;

	loop_adopt(w->loop);
	while (!atomic_load(&w->ending))
		(void)loop_turn(w->loop, -1);
	w->refused = counter_read(&switch_guests_stats(w->guests)->refused);
	w->frames = counter_read(&vswitch_stats(w->s)->frames);
	switch_guests_free(w->guests);
	vswitch_free(w->s);
	return NULL;
}

static void switch_start(struct world *w)
{
	struct err e;

	atomic_store(&w->ending, false);
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(unix_socket_open(&w->socket, SOCK_STREAM, "", w->path, &e), 0);
	assert_int_equal(vswitch_new(w->loop, NULL, &w->s), 0);
	assert_int_equal(switch_guests_new(w->loop, w->socket.fd, w->s, &w->guests), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, switch_main, w), 0);
	w->runs = true;
}

static void switch_stop(struct world *w)
{
	if (!w->runs)
		return;
	atomic_store(&w->ending, true);
	loop_stop(w->loop);
	assert_int_equal(pthread_join(w->thread, NULL), 0);
	unix_socket_close(&w->socket);
	loop_free(w->loop);
	w->runs = false;
}

/* ---- guests ---- */

static int reconnect(void *arg, int *fd, struct err *e)
{
	*fd = unix_socket_connect(arg, SOCK_STREAM | SOCK_NONBLOCK);
	return *fd < 0 ? err_set(e, *fd, "nobody") : 0;
}

static void record(void *arg, const struct iovec *iov, unsigned n)
{
	struct guest *g = arg;

	assert_true(iov_len(iov, n) >= FRAME);
	g->n_recorded++;
}

static void offer(struct guest *g, unsigned i)
{
	const struct guest_part part = {.gpa = g->room[i], .len = BUFFER, .write = true};

	g->head[i] = driver_submit(&g->d, 0, &part, 1);
}

/* A frame of len bytes to `to`, NULL: to all; returns when the chain is back. */
static void send_to(struct world *w, unsigned from, const uint8_t *to, uint8_t mark, uint32_t len)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const uint8_t own[6] = {0x52, 0x54, 0, 0, 0, (uint8_t)from};
	struct guest *g = &w->g[from];
	const struct guest_part part = {.gpa = g->frame, .len = HEADER + len};
	uint8_t *p = driver_ptr(&g->d, g->frame, HEADER + len);

	memset(p, 0, HEADER);
	memset(p + HEADER, mark, len);
	memcpy(p + HEADER, to ? to : all, 6);
	memcpy(p + HEADER + 6, own, 6);
	(void)driver_wait(&g->d, 1, driver_submit(&g->d, 1, &part, 1));
}

static void send_frame(struct world *w, unsigned from, uint8_t mark, uint32_t len)
{
	send_to(w, from, NULL, mark, len);
}

/* When a frame to itself is through, the switch has all that this guest said before: it is told of
 * the queue that sends after the one that receives. */
static void greet(struct world *w, unsigned i)
{
	send_to(w, i, (const uint8_t[]){0x52, 0x54, 0, 0, 0, (uint8_t)i}, 0, FRAME);
}

static void join(struct world *w, unsigned i)
{
	struct guest *g = &w->g[i];
	struct remote_config cfg = {.kind = REMOTE_NET,
				    .label = "guest",
				    .mtu = 1400,
				    .mac = {0x52, 0x54, 0, 0, 0, (uint8_t)i},
				    .reconnect = reconnect,
				    .arg = w->path,
				    .record = record,
				    .record_arg = g};
	struct err e = {0};

	driver_init(&g->d);
	cfg.loop = g->d.loop;
	cfg.mem = g->d.mem;
	assert_int_equal(reconnect(w->path, &cfg.fd, &e), 0);
	assert_int_equal(remote_new(&cfg, &g->dev, &e), 0);
	driver_plug(&g->d, g->dev);
	assert_true(driver_offered(&g->d) & F_MRG);
	assert_int_equal(driver_config(&g->d, 10, 2), 1400);
	assert_true(driver_negotiate(&g->d, F_MRG | BIT(3) | BIT(16)));
	driver_queue(&g->d, 0, 64, false);
	driver_queue(&g->d, 1, 64, false);
	driver_ok(&g->d);
	g->frame = driver_alloc(&g->d, HEADER + 2048);
	for (unsigned k = 0; k < BUFFERS; k++) {
		g->room[k] = driver_alloc(&g->d, BUFFER);
		offer(g, k);
	}
	greet(w, i);
}

static void leave(struct world *w, unsigned i)
{
	if (w->g[i].dev)
		driver_fini(&w->g[i].d);
	w->g[i].dev = NULL;
}

/* Waits for a frame, which has to be that one, and gives its buffer back. */
static void expect_frame(struct world *w, unsigned at, uint8_t mark)
{
	struct guest *g = &w->g[at];
	unsigned i = g->next++ % BUFFERS;
	uint8_t *p = driver_ptr(&g->d, g->room[i], BUFFER);

	assert_int_equal(driver_wait(&g->d, 0, g->head[i]), HEADER + FRAME);
	assert_int_equal(le16_load(p + 10), 1);
	assert_int_equal(p[HEADER + FRAME - 1], mark);
	offer(g, i);
	driver_settle(&g->d);
}

static void wait_down(struct world *w, bool down)
{
	uint64_t end = host_now_ns() + PATIENCE_NS;

	for (unsigned i = 0; i < GUESTS; i++) {
		while (!remote_down(w->g[i].dev) == down && host_now_ns() < end)
			(void)loop_turn(w->g[i].d.loop, 1000000);
		assert_true(!remote_down(w->g[i].dev) != down);
		assert_int_equal(driver_config(&w->g[i].d, 6, 2), !down);
	}
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/linnet-switch-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/s", w->dir);
	switch_start(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < GUESTS; i++)
		leave(w, i);
	switch_stop(w);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

/* ---- tests ---- */

static void test_frames(void **state)
{
	struct world *w = *state;

	join(w, 0);
	join(w, 1);
	for (unsigned i = 0; i < 100; i++) {
		send_frame(w, 0, (uint8_t)i, FRAME);
		expect_frame(w, 1, (uint8_t)i);
		send_frame(w, 1, (uint8_t)(i + 1), FRAME);
		expect_frame(w, 0, (uint8_t)(i + 1));
	}
	assert_true(w->g[0].n_recorded == 201 && w->g[1].n_recorded == 201);
	leave(w, 0);
	leave(w, 1);
	switch_stop(w);
	assert_true(w->frames == 202 && !w->refused);
}

/* What is larger than a guest's MTU is kept from it by the switch. */
static void test_mtu(void **state)
{
	struct world *w = *state;

	join(w, 0);
	join(w, 1);
	send_frame(w, 0, 1, 1400 + 14 + 4 + 1);
	send_frame(w, 0, 2, FRAME);
	expect_frame(w, 1, 2);
}

/* A cable that is out: nothing goes, nothing comes, and buffers are not lost. */
static void test_link(void **state)
{
	struct world *w = *state;
	unsigned recorded;

	join(w, 0);
	join(w, 1);
	remote_set_link(w->g[1].dev, false);
	assert_int_equal(driver_config(&w->g[1].d, 6, 2), 0);
	for (unsigned i = 0; i < 3 * BUFFERS; i++) {
		send_frame(w, 0, 0x11, FRAME);
		driver_settle(&w->g[1].d);
	}
	recorded = w->g[1].n_recorded;
	send_frame(w, 1, 0x22, FRAME);
	assert_int_equal(w->g[1].n_recorded, recorded);
	remote_set_link(w->g[1].dev, true);
	assert_int_equal(driver_config(&w->g[1].d, 6, 2), 1);
	send_frame(w, 1, 0x44, FRAME);
	expect_frame(w, 0, 0x44);
}

/* The switch goes. Frames are lost meanwhile, the cards say so; then it is back, and all goes on
 * with the buffers that were offered before. */
static void test_comes_back(void **state)
{
	struct world *w = *state;

	join(w, 0);
	join(w, 1);
	for (unsigned i = 0; i < 2; i++) {
		send_frame(w, 0, 0x31, FRAME);
		expect_frame(w, 1, 0x31);
		switch_stop(w);
		wait_down(w, true);
		for (unsigned k = 0; k < 100; k++)
			send_frame(w, 0, 0x32, FRAME);
		switch_start(w);
		wait_down(w, false);
		greet(w, 0);
		send_frame(w, 1, 0x33, FRAME);
		expect_frame(w, 0, 0x33);
	}
	/* A driver that resets its card meanwhile. */
	switch_stop(w);
	wait_down(w, true);
	driver_reset(&w->g[0].d);
}

/* The guest's end is not held up by a switch that accepts and says nothing. */
static void test_silent(void **state)
{
	struct world *w = *state;
	struct unix_socket silent;
	struct err e;

	join(w, 0);
	join(w, 1);
	switch_stop(w);
	assert_int_equal(unix_socket_open(&silent, SOCK_STREAM, "", w->path, &e), 0);
	wait_down(w, true);
	/* Until it has connected. */
	for (int fd = -1; fd < 0; fd = accept(silent.fd, NULL, NULL))
		(void)loop_turn(w->g[0].d.loop, 1000000);
	leave(w, 0);
	leave(w, 1);
	unix_socket_close(&silent);
}

static int knock(struct world *w)
{
	int fd = unix_socket_connect(w->path, SOCK_STREAM);

	assert_true(fd >= 0);
	return fd;
}

/* Mere connections make way for guests; what is no message ends one. */
static void test_places(void **state)
{
	struct world *w = *state;
	int fd[VSWITCH_PORTS];
	char byte;

	for (unsigned i = 0; i < VSWITCH_PORTS; i++)
		fd[i] = knock(w);
	join(w, 0);
	join(w, 1);
	send_frame(w, 0, 0x51, FRAME);
	expect_frame(w, 1, 0x51);
	for (unsigned i = 0; i < VSWITCH_PORTS; i++) {
		(void)!send(fd[i], "this is no message", 18, MSG_NOSIGNAL);
		assert_true(recv(fd[i], &byte, 1, 0) <= 0);
		close(fd[i]);
	}
	send_frame(w, 1, 0x52, FRAME);
	expect_frame(w, 0, 0x52);
	leave(w, 0);
	leave(w, 1);
	switch_stop(w);
	assert_int_equal(w->refused, VSWITCH_PORTS - 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_frames),     T(test_mtu),    T(test_link),
		T(test_comes_back), T(test_silent), T(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
