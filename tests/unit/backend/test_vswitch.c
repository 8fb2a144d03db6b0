/* SPDX-License-Identifier: MIT */
/*
 * A switch with guests at its socket: networks of ours (net_switch_open), bare sockets that play
 * hostile peers, and an uplink in memory. All on one loop, with a clock of the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/mac_table.h"
#include "backend/net_socket.h"
#include "backend/vswitch.h"
#include "base/err.h"
#include "base/iov.h"
#include "base/loop.h"
#include "base/unix_socket.h"
#include "lib/mem_net.h"

#define GUESTS 3u
#define ALL    0xffu

struct guest {
	struct net *net;
	struct net_queue *q;
	uint8_t mac[6];
	bool room;
	unsigned n_got;
	size_t len;
	uint8_t got[sizeof(struct net_header) + NET_FRAME_MAX];
};

struct world {
	struct loop *loop;
	uint64_t now;
	char dir[40];
	struct unix_socket socket;
	struct mem_net up;
	struct vswitch *s;
	struct guest g[GUESTS];
	uint8_t frame[sizeof(struct net_header) + NET_FRAME_MAX];
};

static uint64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static bool on_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct guest *g = user;

	if (!g->room)
		return false;
	g->n_got++;
	g->len = iov_to_buf(iov, n, 0, g->got, sizeof(g->got));
	return true;
}

static const struct net_user_ops user_ops = {.recv = on_recv};

static void settle(struct world *w)
{
	while (loop_turn(w->loop, 0) > 0)
		continue;
}

/* Opening waits for the switch's hello, so the switch needs a thread meanwhile. */
static void *open_guest(void *arg)
{
	struct world *w = arg;
	struct guest *g = w->g;
	struct err e;

	while (g->net)
		g++;
	assert_int_equal(net_switch_open(w->socket.path, &g->net, g->mac, &e), 0);
	return NULL;
}

static void join(struct world *w, unsigned i, unsigned offloads)
{
	struct guest *g = &w->g[i];
	unsigned before = vswitch_ports(w->s);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, open_guest, w), 0);
	while (vswitch_ports(w->s) == before)
		assert_true(loop_turn(w->loop, 1000000) >= 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(g->net->ops->open_queue(g->net, w->loop, &user_ops, g, &g->q), 0);
	g->q->ops->set_offloads(g->q, offloads);
	g->q->ops->want_recv(g->q, true);
	g->room = true;
}

static void leave(struct world *w, unsigned i)
{
	struct guest *g = &w->g[i];

	if (!g->net)
		return;
	g->q->ops->close(g->q);
	g->net->ops->free(g->net);
	*g = (struct guest){0};
	settle(w);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char path[64];
	struct err e;

	assert_non_null(w);
	strcpy(w->dir, "/tmp/linnet-switch-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(path, sizeof(path), "%s/s", w->dir);
	assert_int_equal(unix_socket_open(&w->socket, SOCK_SEQPACKET, "", path, &e), 0);
	assert_int_equal(loop_new(&w->loop), 0);
	loop_set_clock(w->loop, now_of, w);
	mem_net_init(&w->up);
	w->up.net.single_loop = true;
	w->up.net.offloads = ALL;
	assert_int_equal(vswitch_new(w->loop, w->socket.fd, &w->up.net, 0x1234, &w->s), 0);
	for (size_t i = 0; i < sizeof(w->frame); i++)
		w->frame[i] = (uint8_t)(i * 3);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < GUESTS; i++)
		leave(w, i);
	vswitch_free(w->s);
	assert_true(w->up.closed);
	loop_free(w->loop);
	unix_socket_close(&w->socket);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

/* From one address to another, without a header in front: len bytes. */
static int send_frame(struct world *w, unsigned from, const uint8_t *src, const uint8_t *dst,
		      size_t len)
{
	struct iovec iov[2] = {{w->frame, 9}, {w->frame + 9, len - 9}};
	int ret;

	memcpy(w->frame, dst, 6);
	memcpy(w->frame + 6, src, 6);
	ret = w->g[from].q->ops->send(w->g[from].q, iov, 2);
	settle(w);
	return ret;
}

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static uint64_t count(const struct counter *c)
{
	return counter_read(c);
}

static void test_learning(void **state)
{
	struct world *w = *state;
	const struct vswitch_stats *n = vswitch_stats(w->s);

	for (unsigned i = 0; i < GUESTS; i++)
		join(w, i, 0);
	assert_int_equal(vswitch_ports(w->s), 3);
	assert_true(!(w->g[0].mac[0] & 1) && memcmp(w->g[0].mac, w->g[1].mac, 6) != 0);
	/* Unknown and broadcast: to all others. */
	assert_int_equal(send_frame(w, 0, w->g[0].mac, w->g[1].mac, 60), 0);
	assert_int_equal(send_frame(w, 1, w->g[1].mac, broadcast, 1514), 0);
	assert_true(w->g[0].n_got == 1 && w->g[1].n_got == 1 && w->g[2].n_got == 2);
	assert_int_equal(w->up.n_sent, 2);
	assert_int_equal(w->g[2].len, 1514);
	assert_memory_equal(w->g[2].got, w->frame, 1514);
	/* Known: to one. To oneself: to nobody. */
	assert_int_equal(send_frame(w, 0, w->g[0].mac, w->g[1].mac, NET_FRAME_MAX), 0);
	assert_int_equal(send_frame(w, 0, w->g[0].mac, w->g[0].mac, 60), 0);
	assert_true(w->g[0].n_got == 1 && w->g[1].n_got == 2 && w->g[2].n_got == 2);
	assert_int_equal(w->g[1].len, NET_FRAME_MAX);
	assert_true(count(&n->frames) == 4 && count(&n->flooded) == 2 && !count(&n->bad));
	/* Not renewed: forgotten. */
	w->now += MAC_TABLE_AGE_NS;
	settle(w);
	assert_int_equal(send_frame(w, 0, w->g[0].mac, w->g[1].mac, 60), 0);
	assert_int_equal(count(&n->flooded), 3);
}

static void test_uplink(void **state)
{
	struct world *w = *state;
	uint8_t frame[sizeof(struct net_header) + 60] = {NET_HEADER_DATA_VALID};

	join(w, 0, 0);
	join(w, 1, 0);
	assert_true(w->up.active && w->up.wanted && w->up.offloads == ALL);
	memcpy(frame + 10, broadcast, 6);
	frame[10 + 6] = 0x66;
	assert_true(mem_net_offer(&w->up, frame, sizeof(frame), 7));
	settle(w);
	assert_true(w->g[0].n_got == 1 && w->g[1].n_got == 1 && w->g[0].len == 60);
	/* What came from there goes there, with a header in front, and to nobody else. */
	assert_int_equal(send_frame(w, 0, w->g[0].mac, frame + 16, 60), 0);
	assert_true(w->up.n_sent == 1 && w->up.last_len == 70 && w->g[1].n_got == 1);
}

static void test_guest_leaves(void **state)
{
	struct world *w = *state;
	uint8_t gone[6];

	for (unsigned i = 0; i < GUESTS; i++)
		join(w, i, 0);
	memcpy(gone, w->g[1].mac, 6);
	send_frame(w, 1, gone, broadcast, 60);
	leave(w, 1);
	assert_int_equal(vswitch_ports(w->s), 2);
	/* Its address is forgotten with it, and its place is free. */
	send_frame(w, 0, w->g[0].mac, gone, 60);
	assert_int_equal(w->g[2].n_got, 2);
	join(w, 1, 0);
	assert_memory_equal(w->g[1].mac, gone, 6);
	/* The switch goes: the guests' frames are lost, and nothing else happens. */
	vswitch_free(w->s);
	settle(w);
	assert_true(send_frame(w, 0, w->g[0].mac, broadcast, 60) < 0);
	assert_int_equal(vswitch_new(w->loop, w->socket.fd, &w->up.net, 1, &w->s), 0);
}

/* A guest that takes nothing: what waits for it has an end, and the others do not notice. */
static void test_slow_guest(void **state)
{
	struct world *w = *state;
	const struct vswitch_stats *n = vswitch_stats(w->s);
	unsigned sent = 0;

	for (unsigned i = 0; i < GUESTS; i++)
		join(w, i, 0);
	w->g[2].room = false;
	while (!count(&n->dropped)) {
		assert_int_equal(send_frame(w, 0, w->g[0].mac, broadcast, 60000), 0);
		assert_true(++sent < 200);
		assert_int_equal(w->g[1].n_got, sent);
	}
	assert_true(sent > 60);
	w->g[2].room = true;
	w->g[2].q->ops->want_recv(w->g[2].q, true);
	settle(w);
	assert_int_equal(w->g[2].n_got, sent - 1);
}

/* One that has not agreed to offloads gets finished frames; who has, gets them as they are. */
static void test_finishing(void **state)
{
	struct world *w = *state;
	struct net_header h = {.flags = NET_HEADER_NEEDS_CSUM,
			       .gso_type = NET_GSO_TCPV4,
			       .hdr_len = 54,
			       .gso_size = 1000,
			       .csum_start = 34,
			       .csum_offset = 16};
	struct iovec iov[2] = {{&h, sizeof(h)}, {w->frame, 54 + 2500}};

	join(w, 0, ALL);
	join(w, 1, ALL);
	join(w, 2, 0);
	memset(w->frame, 0, 54);
	memcpy(w->frame, broadcast, 6);
	memcpy(w->frame + 6, w->g[0].mac, 6);
	w->frame[12] = 8;
	w->frame[14] = 0x45;
	w->frame[23] = 6;
	w->frame[46] = 0x50;
	w->g[2].room = false;
	assert_int_equal(w->g[0].q->ops->send(w->g[0].q, iov, 2), 0);
	settle(w);
	assert_true(w->g[1].n_got == 1 && w->g[1].len == sizeof(h) + 2554);
	assert_memory_equal(w->g[1].got, &h, sizeof(h));
	assert_int_equal(w->g[2].n_got, 0);
	w->g[2].room = true;
	w->g[2].q->ops->want_recv(w->g[2].q, true);
	settle(w);
	assert_true(w->g[2].n_got == 3 && w->g[2].len == 554);
}

/* ---- hostile peers ---- */

static int knock(struct world *w)
{
	int fd = unix_socket_connect(w->socket.path, SOCK_SEQPACKET | SOCK_NONBLOCK);

	assert_true(fd >= 0);
	settle(w);
	return fd;
}

static int say_hello(struct world *w)
{
	struct vswitch_hello h = {.magic = VSWITCH_MAGIC, .version = VSWITCH_VERSION};
	int fd = knock(w);

	assert_int_equal(send(fd, &h, sizeof(h), 0), sizeof(h));
	settle(w);
	assert_int_equal(recv(fd, &h, sizeof(h), 0), sizeof(h));
	return fd;
}

static bool is_closed(int fd)
{
	uint8_t byte;

	return recv(fd, &byte, 1, 0) == 0;
}

static void test_no_hello(void **state)
{
	struct world *w = *state;
	struct vswitch_hello h[2] = {{.magic = VSWITCH_MAGIC, .version = VSWITCH_VERSION}};

	for (unsigned i = 0; i < 4; i++) {
		int fd = knock(w);

		if (i == 1)
			h[0].version++;
		else if (i == 2)
			h[0].magic++;
		/* Too long, another version, no magic, too short. */
		assert_true(send(fd, h, i == 0 ? sizeof(h) : i == 3 ? 5 : sizeof(h[0]), 0) > 0);
		settle(w);
		assert_true(is_closed(fd));
		close(fd);
	}
	assert_int_equal(count(&vswitch_stats(w->s)->refused), 4);
	assert_int_equal(vswitch_ports(w->s), 0);
}

static void test_bad_frames(void **state)
{
	struct world *w = *state;
	const struct vswitch_stats *n = vswitch_stats(w->s);
	struct net_header h = {0};
	int fd = say_hello(w);

	join(w, 0, 0);
	memset(w->frame, 0, 100);
	/* Too short for a header, a frame, an Ethernet header; from a group. */
	assert_int_equal(send(fd, w->frame, 5, 0), 5);
	assert_int_equal(send(fd, w->frame, sizeof(h), 0), sizeof(h));
	assert_int_equal(send(fd, w->frame, sizeof(h) + 13, 0), sizeof(h) + 13);
	w->frame[sizeof(h) + 6] = 1;
	assert_int_equal(send(fd, w->frame, 100, 0), 100);
	w->frame[sizeof(h) + 6] = 2;
	/* A checksum outside of the frame, a kind of segment that nobody knows. */
	h = (struct net_header){.flags = NET_HEADER_NEEDS_CSUM, .csum_start = 100};
	memcpy(w->frame, &h, sizeof(h));
	assert_int_equal(send(fd, w->frame, 100, 0), 100);
	h = (struct net_header){.gso_type = 0x81};
	memcpy(w->frame, &h, sizeof(h));
	assert_int_equal(send(fd, w->frame, 100, 0), 100);
	settle(w);
	assert_int_equal(count(&n->bad), 6);
	assert_true(!count(&n->frames) && !w->g[0].n_got && !w->up.n_sent);
	assert_int_equal(vswitch_ports(w->s), 2);
	/* A good one still goes; one that is too long ends it. */
	memset(w->frame, 0, sizeof(h));
	assert_int_equal(send(fd, w->frame, 100, 0), 100);
	settle(w);
	assert_int_equal(w->g[0].n_got, 1);
	{
		static uint8_t huge[sizeof(struct net_header) + NET_FRAME_MAX + 1];

		assert_int_equal(send(fd, huge, sizeof(huge), 0), sizeof(huge));
	}
	settle(w);
	assert_true(is_closed(fd));
	assert_int_equal(count(&n->refused), 1);
	close(fd);
}

/* Addresses without end from one peer: the others' stay known. */
static void test_address_flood(void **state)
{
	struct world *w = *state;
	uint8_t m[sizeof(struct net_header) + 60] = {0};
	uint64_t flooded;
	int fd = say_hello(w);

	join(w, 0, 0);
	join(w, 1, 0);
	send_frame(w, 0, w->g[0].mac, broadcast, 60);
	memset(m + sizeof(struct net_header), 0xff, 6);
	for (unsigned i = 0; i < 2000; i++) {
		m[16] = 2;
		m[17] = (uint8_t)(i >> 8);
		m[18] = (uint8_t)i;
		assert_int_equal(send(fd, m, sizeof(m), 0), sizeof(m));
		settle(w);
	}
	flooded = count(&vswitch_stats(w->s)->flooded);
	send_frame(w, 1, w->g[1].mac, w->g[0].mac, 60);
	assert_int_equal(count(&vswitch_stats(w->s)->flooded), flooded);
	close(fd);
}

/* Connections that say nothing keep nobody out; guests do. */
static void test_ports(void **state)
{
	struct world *w = *state;
	int fd[VSWITCH_PORTS], more;

	for (unsigned i = 0; i < VSWITCH_PORTS; i++)
		fd[i] = knock(w);
	more = say_hello(w);
	assert_true(is_closed(fd[0]));
	assert_int_equal(vswitch_ports(w->s), 1);
	close(fd[0]);
	for (unsigned i = 1; i < VSWITCH_PORTS; i++) {
		struct vswitch_hello h = {.magic = VSWITCH_MAGIC, .version = VSWITCH_VERSION};

		assert_int_equal(send(fd[i], &h, sizeof(h), 0), sizeof(h));
	}
	settle(w);
	assert_int_equal(vswitch_ports(w->s), VSWITCH_PORTS);
	fd[0] = knock(w);
	assert_true(is_closed(fd[0]));
	close(more);
	for (unsigned i = 0; i < VSWITCH_PORTS; i++)
		close(fd[i]);
	settle(w);
	assert_int_equal(vswitch_ports(w->s), 0);
}

/* Who listens there is no switch, or nobody. */
static void test_refused(void **state)
{
	struct world *w = *state;
	struct unix_socket other;
	struct net *net;
	uint8_t mac[6];
	char path[64];
	struct err e;

	assert_int_equal(net_switch_open("/nonexistent/s", &net, mac, &e), -ENOENT);
	assert_non_null(strstr(e.text, "linnet switch PATH"));
	assert_int_equal(net_passt_open(w->socket.path, &net, &e), -EPROTOTYPE);
	snprintf(path, sizeof(path), "%s/other", w->dir);
	assert_int_equal(unix_socket_open(&other, SOCK_STREAM, "", path, &e), 0);
	assert_int_equal(net_switch_open(path, &net, mac, &e), -EPROTOTYPE);
	assert_non_null(strstr(e.text, "no switch of Linnet's"));
	unix_socket_close(&other);
	assert_int_equal(net_passt_open(path, &net, &e), -ENOENT);
	assert_non_null(strstr(e.text, "start passt(1)"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_learning),  T(test_uplink),   T(test_guest_leaves), T(test_slow_guest),
		T(test_finishing), T(test_no_hello), T(test_bad_frames),   T(test_address_flood),
		T(test_ports),     T(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
