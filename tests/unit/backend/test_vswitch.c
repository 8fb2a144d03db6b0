/* SPDX-License-Identifier: MIT */
/*
 * A switch with users at its places and an uplink in memory. All on one loop, with a clock of the
 * test's. (Guests in processes of their own: tests/unit/cmd/test_switch_guests.c.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/mac_table.h"
#include "backend/vswitch.h"
#include "base/iov.h"
#include "base/loop.h"
#include "lib/mem_net.h"

#define GUESTS 3u
#define ALL    0xffu
#define HEADER sizeof(struct net_header)

struct guest {
	struct net *net;
	struct net_queue *q;
	uint8_t mac[6];
	bool room;
	unsigned n_got;
	size_t len;
	const void *where; /* of the last frame, as it was given */
	uint8_t got[sizeof(struct net_header) + NET_FRAME_MAX];
};

struct world {
	struct loop *loop;
	uint64_t now;
	struct mem_net up;
	struct vswitch *s;
	struct guest g[GUESTS];
	uint8_t frame[sizeof(struct net_header) + NET_FRAME_MAX + 1];
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
	g->where = iov[n - 1].iov_base;
	return true;
}

static const struct net_user_ops user_ops = {.recv = on_recv};

static void settle(struct world *w)
{
	while (loop_turn(w->loop, 0) > 0)
		continue;
}

static void join(struct world *w, unsigned i, unsigned offloads)
{
	struct guest *g = &w->g[i];

	assert_int_equal(vswitch_plug(w->s, &g->net), 0);
	assert_int_equal(g->net->offloads, ALL);
	assert_int_equal(g->net->ops->open_queue(g->net, w->loop, &user_ops, g, &g->q), 0);
	assert_int_equal(g->net->ops->open_queue(g->net, w->loop, &user_ops, g, &g->q), -EBUSY);
	g->q->ops->set_offloads(g->q, offloads);
	g->q->ops->want_recv(g->q, true);
	g->room = true;
	memcpy(g->mac, (uint8_t[]){0x52, 0x54, 1, 0, 0, (uint8_t)i}, 6);
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

static void make_room(struct world *w, unsigned i)
{
	w->g[i].room = true;
	w->g[i].q->ops->want_recv(w->g[i].q, true);
	settle(w);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_new(&w->loop), 0);
	loop_set_clock(w->loop, now_of, w);
	mem_net_init(&w->up);
	w->up.net.single_loop = true;
	w->up.net.offloads = ALL;
	assert_int_equal(vswitch_new(w->loop, &w->up.net, &w->s), 0);
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
	/* Unknown and broadcast: to all others. */
	assert_int_equal(send_frame(w, 0, w->g[0].mac, w->g[1].mac, 60), 0);
	assert_int_equal(send_frame(w, 1, w->g[1].mac, broadcast, 1514), 0);
	assert_true(w->g[0].n_got == 1 && w->g[1].n_got == 1 && w->g[2].n_got == 2);
	assert_int_equal(w->up.n_sent, 2);
	assert_int_equal(w->g[2].len, 1514);
	assert_memory_equal(w->g[2].got, w->frame, 1514);
	/* It was given from where it lay. */
	assert_ptr_equal(w->g[2].where, w->frame + 9);
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
	assert_int_equal(vswitch_ports(w->s), 3);
}

/* Before a user wants frames, and after it wants none, they are lost, not kept. */
static void test_not_wanted(void **state)
{
	struct world *w = *state;

	join(w, 0, 0);
	join(w, 1, 0);
	w->g[1].q->ops->want_recv(w->g[1].q, false);
	send_frame(w, 0, w->g[0].mac, broadcast, 60);
	w->g[1].q->ops->want_recv(w->g[1].q, true);
	w->g[1].room = false;
	send_frame(w, 0, w->g[0].mac, broadcast, 60);
	assert_int_equal(count(&vswitch_stats(w->s)->waited), 1);
	w->g[1].q->ops->want_recv(w->g[1].q, false);
	make_room(w, 1);
	assert_int_equal(w->g[1].n_got, 0);
	/* Nor what waits in a form that is not agreed on any more. */
	w->g[1].room = false;
	send_frame(w, 0, w->g[0].mac, broadcast, 60);
	w->g[1].q->ops->set_offloads(w->g[1].q, ALL);
	make_room(w, 1);
	assert_int_equal(w->g[1].n_got, 0);
	send_frame(w, 0, w->g[0].mac, broadcast, 60);
	assert_true(w->g[1].n_got == 1 && w->g[1].len == HEADER + 60);
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
	make_room(w, 2);
	assert_int_equal(w->g[2].n_got, sent - 1);
	assert_int_equal(count(&n->waited), sent - 1);
	/* In their order: what comes now comes last. */
	send_frame(w, 1, w->g[1].mac, broadcast, 61);
	assert_int_equal(w->g[2].len, 61);
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
	make_room(w, 2);
	assert_true(w->g[2].n_got == 3 && w->g[2].len == 554);
	assert_int_equal(count(&vswitch_stats(w->s)->made), 3);
	/* Who gets it as it is gets the sender's own bytes, unchanged. */
	assert_ptr_equal(w->g[1].where, w->frame);
	assert_int_equal(w->frame[34 + 16], 0);
}

/* An uplink that cannot cut UDP gets it cut, one that can do nothing gets finished frames. */
static void test_plain_uplink(void **state)
{
	struct world *w = *state;
	struct net_header h = {.flags = NET_HEADER_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
	struct iovec iov[2] = {{&h, sizeof(h)}, {w->frame, 100}};

	vswitch_free(w->s);
	mem_net_init(&w->up);
	w->up.net.single_loop = true;
	assert_int_equal(vswitch_new(w->loop, &w->up.net, &w->s), 0);
	join(w, 0, ALL);
	join(w, 1, 0);
	memset(w->frame, 0, 100);
	memcpy(w->frame, broadcast, 6);
	memcpy(w->frame + 6, w->g[0].mac, 6);
	assert_int_equal(w->g[0].q->ops->send(w->g[0].q, iov, 2), 0);
	assert_true(w->up.n_sent == 1 && w->up.last_len == 100);
	assert_int_equal(w->up.last[34 + 6], 0xff); /* the sum of nothing but zeros */
	memcpy(w->frame + 6, (uint8_t[]){2, 2, 2, 2, 2, 2}, 6);
	assert_true(mem_net_offer(&w->up, w->frame, 60, 20));
	assert_true(w->g[0].n_got == 1 && w->g[0].len == HEADER + 60);
	assert_true(w->g[1].n_got == 2 && w->g[1].len == 60);
	/* What it does not take is lost. */
	w->up.send_result = -EAGAIN;
	send_frame(w, 1, w->g[1].mac, broadcast, 60);
	assert_int_equal(count(&vswitch_stats(w->s)->dropped), 1);
}

/* ---- what cannot be ---- */

static int send_raw(struct world *w, const struct net_header *h, size_t len)
{
	memcpy(w->frame, h, sizeof(*h));
	return w->g[0].q->ops->send(w->g[0].q, &(struct iovec){w->frame, len}, 1);
}

static void test_bad_frames(void **state)
{
	struct world *w = *state;
	const struct vswitch_stats *n = vswitch_stats(w->s);
	struct net_header h = {0};
	struct iovec parts[700];

	join(w, 0, ALL);
	join(w, 1, 0);
	memset(w->frame, 0, 200);
	/* Too short for a header, a frame, an Ethernet header; too long; from a group. */
	assert_int_equal(send_raw(w, &h, 5), -EINVAL);
	assert_int_equal(send_raw(w, &h, HEADER), -EINVAL);
	assert_int_equal(send_raw(w, &h, HEADER + 13), -EINVAL);
	assert_int_equal(send_raw(w, &h, HEADER + NET_FRAME_MAX + 1), -EMSGSIZE);
	w->frame[HEADER + 6] = 1;
	assert_int_equal(send_raw(w, &h, 100), -EINVAL);
	w->frame[HEADER + 6] = 2;
	/* A checksum outside of the frame, a kind of segment that nobody knows. */
	h = (struct net_header){.flags = NET_HEADER_NEEDS_CSUM, .csum_start = 100};
	assert_int_equal(send_raw(w, &h, 100), -EINVAL);
	h = (struct net_header){.gso_type = 0x81};
	assert_int_equal(send_raw(w, &h, 100), -EINVAL);
	/* In too many pieces. */
	memset(w->frame, 0, HEADER);
	for (size_t i = 0; i < 700; i++)
		parts[i] = (struct iovec){w->frame + i, 1};
	assert_int_equal(w->g[0].q->ops->send(w->g[0].q, parts, 700), -EMSGSIZE);
	assert_int_equal(count(&n->bad), 8);
	assert_true(!count(&n->frames) && !w->g[1].n_got && !w->up.n_sent);
	h = (struct net_header){0};
	assert_int_equal(send_raw(w, &h, 100), 0);
	assert_int_equal(w->g[1].n_got, 1);
	/* One that says of itself that it is to be cut, and cannot be. */
	h = (struct net_header){.flags = NET_HEADER_NEEDS_CSUM,
				.gso_type = NET_GSO_TCPV4,
				.gso_size = 10,
				.csum_start = 34,
				.csum_offset = 16};
	assert_int_equal(send_raw(w, &h, 100), 0);
	assert_true(w->g[1].n_got == 1 && count(&n->bad) == 9);
}

/* Addresses without end from one port: the others' stay known. */
static void test_address_flood(void **state)
{
	struct world *w = *state;
	uint8_t mac[6] = {2};
	uint64_t flooded;

	for (unsigned i = 0; i < GUESTS; i++)
		join(w, i, 0);
	send_frame(w, 0, w->g[0].mac, broadcast, 60);
	for (unsigned i = 0; i < 2000; i++) {
		mac[1] = (uint8_t)(i >> 8);
		mac[2] = (uint8_t)i;
		send_frame(w, 2, mac, broadcast, 60);
	}
	flooded = count(&vswitch_stats(w->s)->flooded);
	send_frame(w, 1, w->g[1].mac, w->g[0].mac, 60);
	assert_int_equal(count(&vswitch_stats(w->s)->flooded), flooded);
}

static void test_places(void **state)
{
	struct world *w = *state;
	struct net *net[VSWITCH_PORTS], *more;

	for (unsigned i = 0; i < VSWITCH_PORTS; i++)
		assert_int_equal(vswitch_plug(w->s, &net[i]), 0);
	assert_int_equal(vswitch_plug(w->s, &more), -EBUSY);
	net[7]->ops->free(net[7]);
	assert_int_equal(vswitch_ports(w->s), VSWITCH_PORTS - 1);
	assert_int_equal(vswitch_plug(w->s, &more), 0);
	assert_ptr_equal(more, net[7]);
	for (unsigned i = 0; i < VSWITCH_PORTS; i++)
		net[i]->ops->free(net[i]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_learning),      T(test_uplink),    T(test_guest_leaves), T(test_not_wanted),
		T(test_slow_guest),    T(test_finishing), T(test_plain_uplink), T(test_bad_frames),
		T(test_address_flood), T(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
