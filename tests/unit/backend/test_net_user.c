/* SPDX-License-Identifier: MIT */
/*
 * The user network, with a guest made by hand: it asks for an address by DHCP, answers ARP, and
 * speaks just enough TCP for one connection in each direction over the host's loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net.h"
#include "backend/net_user.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/stats.h"

#define GUEST_IP  0x0a00020fu
#define ROUTER_IP 0x0a000202u

enum { ETH = 0, IP = 14, TCP = 34, UDP = 34 };

static const uint8_t guest_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

struct guest {
	struct loop *loop;
	struct net *net;
	struct net_queue *q;
	uint8_t got[2048]; /* the last frame */
	size_t len;
	unsigned n_got;
	unsigned take; /* how many frames it takes before it says no */
	bool close_at_once;
};

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static bool guest_recv(void *user, const struct iovec *iov, unsigned n)
{
	struct guest *g = user;

	assert_int_equal(n, 1);
	assert_in_range(iov->iov_len, 14, sizeof(g->got));
	if (g->close_at_once) {
		g->q->ops->close(g->q);
		g->q = NULL;
		return false;
	}
	if (!g->take)
		return false;
	g->take--;
	memcpy(g->got, iov->iov_base, iov->iov_len);
	g->len = iov->iov_len;
	g->n_got++;
	return true;
}

static const struct net_user_ops guest_ops = {.recv = guest_recv};

static void guest_start(struct guest *g, const struct net_user_config *config)
{
	struct err e = {0};
	int ret;

	memset(g, 0, sizeof(*g));
	g->take = UINT32_MAX;
	assert_int_equal(loop_new(&g->loop), 0);
	ret = net_user_open(config, &g->net, &e);
	assert_string_equal(e.text, "");
	assert_int_equal(ret, 0);
	assert_true(g->net->single_loop);
	assert_int_equal(g->net->ops->open_queue(g->net, g->loop, &guest_ops, g, &g->q), 0);
	g->q->ops->want_recv(g->q, true);
}

static void guest_stop(struct guest *g)
{
	if (g->q)
		g->q->ops->close(g->q);
	g->net->ops->free(g->net);
	loop_free(g->loop);
}

static void guest_send(struct guest *g, uint8_t *frame, size_t len)
{
	/* In two parts, as a driver may. */
	struct iovec iov[2] = {{frame, 14}, {frame + 14, len - 14}};
	unsigned before = g->n_got;

	memcpy(frame + 6, guest_mac, 6);
	assert_int_equal(g->q->ops->send(g->q, iov, 2), 0);
	assert_int_equal(g->n_got, before); /* never from inside */
}

static unsigned ip_sum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Fills the headers below the payload's; `len` is that of the IP payload. */
static void put_ip(uint8_t *f, unsigned proto, uint32_t src, uint32_t dst, size_t len)
{
	put16(f + 12, 0x0800);
	memset(f + IP, 0, 20);
	f[IP] = 0x45;
	put16(f + IP + 2, (unsigned)len + 20);
	f[IP + 8] = 64;
	f[IP + 9] = (uint8_t)proto;
	put32(f + IP + 12, src);
	put32(f + IP + 16, dst);
	put16(f + IP + 10, ip_sum(f + IP, 20, 0));
}

static void test_dhcp(void **state)
{
	struct guest g;
	uint8_t f[14 + 20 + 8 + 300] = {0};
	uint8_t *bootp = f + UDP + 8;

	guest_start(&g, &(struct net_user_config){0});
	memset(f, 0xff, 6);
	put_ip(f, IPPROTO_UDP, 0, 0xffffffff, 8 + 300);
	put16(f + UDP, 68);
	put16(f + UDP + 2, 67);
	put16(f + UDP + 4, 8 + 300);
	bootp[0] = 1; /* request, ethernet, 6 bytes of address */
	bootp[1] = 1;
	bootp[2] = 6;
	put32(bootp + 4, 0x12345678);
	memcpy(bootp + 28, guest_mac, 6);
	put32(bootp + 236, 0x63825363);
	bootp[240] = 53; /* DHCP message type: discover */
	bootp[241] = 1;
	bootp[242] = 1;
	bootp[243] = 255;
	guest_send(&g, f, sizeof(f));
	while (!g.n_got)
		assert_true(loop_turn(g.loop, -1) >= 0);
	assert_int_equal(get16(g.got + 12), 0x0800);
	assert_int_equal(get16(g.got + UDP + 2), 68);
	bootp = g.got + UDP + 8;
	assert_int_equal(bootp[0], 2);
	assert_int_equal(get32(bootp + 4), 0x12345678);
	assert_int_equal(get32(bootp + 16), GUEST_IP);
	assert_int_equal(bootp[240], 53);
	assert_int_equal(bootp[242], 2); /* offer */
	guest_stop(&g);
}

static size_t make_arp(uint8_t *f, unsigned op, uint32_t about)
{
	memset(f, 0xff, 6);
	put16(f + 12, 0x0806);
	put16(f + 14, 1);
	put16(f + 16, 0x0800);
	f[18] = 6;
	f[19] = 4;
	put16(f + 20, op);
	memcpy(f + 22, guest_mac, 6);
	put32(f + 28, GUEST_IP);
	memset(f + 32, 0, 6);
	put32(f + 38, about);
	return 42;
}

static void test_held_and_dropped(void **state)
{
	const unsigned many = 100000;
	struct guest g;
	uint8_t f[42];
	size_t len = make_arp(f, 1, ROUTER_IP);

	guest_start(&g, &(struct net_user_config){0});
	assert_int_equal(g.net->ops->open_queue(g.net, g.loop, &guest_ops, &g, &g.q), -EBUSY);
	/* No room for the third: it waits, and comes when it is asked for. */
	g.take = 2;
	for (int i = 0; i < 3; i++)
		guest_send(&g, f, len);
	assert_true(loop_turn(g.loop, -1) >= 0);
	assert_int_equal(g.n_got, 2);
	g.take = UINT32_MAX;
	assert_true(loop_turn(g.loop, 0) >= 0);
	assert_int_equal(g.n_got, 2);
	g.q->ops->want_recv(g.q, true);
	assert_int_equal(g.n_got, 2);
	assert_true(loop_turn(g.loop, -1) >= 0);
	assert_int_equal(g.n_got, 3);
	/* Without end they do not wait. */
	g.q->ops->want_recv(g.q, false);
	for (unsigned i = 0; i < many; i++)
		guest_send(&g, f, len);
	g.q->ops->want_recv(g.q, true);
	assert_true(loop_turn(g.loop, -1) >= 0);
	assert_in_range(g.n_got, 10000, many - 1);
	/* Frames that are none. */
	assert_int_equal(g.q->ops->send(g.q, &(struct iovec){f, 13}, 1), -EINVAL);
	assert_int_equal(g.q->ops->send(g.q, &(struct iovec){f, NET_FRAME_MAX + 1}, 1), -EMSGSIZE);
	guest_stop(&g);
}

/* A queue that is closed from inside recv, and one that is opened after it. */
static void test_close_and_open(void **state)
{
	struct guest g;
	uint8_t f[42];
	size_t len = make_arp(f, 1, ROUTER_IP);

	guest_start(&g, &(struct net_user_config){.ipv6 = true});
	g.close_at_once = true;
	for (int i = 0; i < 3; i++)
		guest_send(&g, f, len);
	while (g.q)
		assert_true(loop_turn(g.loop, -1) >= 0);
	g.close_at_once = false;
	assert_int_equal(loop_turn(g.loop, 0), 0);
	assert_int_equal(g.net->ops->open_queue(g.net, g.loop, &guest_ops, &g, &g.q), 0);
	g.q->ops->want_recv(g.q, true);
	guest_send(&g, f, len);
	while (!g.n_got || get16(g.got + 12) != 0x0806)
		assert_true(loop_turn(g.loop, -1) >= 0);
	guest_stop(&g);
}

/* ---- a little TCP ---- */

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

struct tcp {
	struct guest *g;
	uint32_t peer_ip, seq, ack;
	unsigned port, peer_port;
	uint8_t router_mac[6];
};

static void tcp_send(struct tcp *t, unsigned flags, const void *data, size_t len)
{
	uint8_t f[1514];
	size_t tcp_len = 20 + len;
	uint32_t pseudo;

	memcpy(f, t->router_mac, 6);
	put_ip(f, IPPROTO_TCP, GUEST_IP, t->peer_ip, tcp_len);
	memset(f + TCP, 0, 20);
	put16(f + TCP, t->port);
	put16(f + TCP + 2, t->peer_port);
	put32(f + TCP + 4, t->seq);
	put32(f + TCP + 8, t->ack);
	f[TCP + 12] = 5 << 4;
	f[TCP + 13] = (uint8_t)flags;
	put16(f + TCP + 14, 60000);
	if (len)
		memcpy(f + TCP + 20, data, len);
	pseudo = (GUEST_IP >> 16) + (GUEST_IP & 0xffff) + (t->peer_ip >> 16) +
		 (t->peer_ip & 0xffff) + IPPROTO_TCP + (uint32_t)tcp_len;
	put16(f + TCP + 16, ip_sum(f + TCP, tcp_len, pseudo));
	t->seq += (uint32_t)len + !!(flags & (SYN | FIN));
	guest_send(t->g, f, TCP + tcp_len);
}

/* Waits for a TCP segment with all of `flags`; answers ARP meanwhile. */
static void tcp_wait(struct tcp *t, unsigned flags)
{
	struct guest *g = t->g;
	uint8_t f[42];
	unsigned before;

	for (;;) {
		before = g->n_got;
		g->take = 1;
		g->q->ops->want_recv(g->q, true);
		while (g->n_got == before)
			assert_true(loop_turn(g->loop, -1) >= 0);
		memcpy(t->router_mac, g->got + 6, 6);
		if (get16(g->got + 12) == 0x0806) {
			guest_send(g, f, make_arp(f, 2, ROUTER_IP));
		} else if (get16(g->got + 12) == 0x0800 && g->got[IP + 9] == IPPROTO_TCP) {
			if ((g->got[TCP + 13] & flags) == flags)
				return;
		}
	}
}

static size_t tcp_payload(struct tcp *t, const uint8_t **data)
{
	size_t header = TCP + (t->g->got[TCP + 12] >> 4) * 4u;

	*data = t->g->got + header;
	return IP + get16(t->g->got + IP + 2) - header;
}

/* A TCP socket on the loopback with a port of the host's choice. */
static int loopback_socket(bool listening, unsigned *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (listening)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static struct net_user_forward loopback_forward(unsigned port)
{
	return (struct net_user_forward){
		.host_addr = {htonl(INADDR_LOOPBACK)},
		.host_port = (uint16_t)port,
		.guest_addr = {htonl(GUEST_IP)},
		.guest_port = 22,
	};
}

static void wait_readable(struct guest *g, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (!poll(&p, 1, 0))
		assert_true(loop_turn(g->loop, 10000000) >= 0);
}

static void test_forward(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct net_user_forward fwd;
	const uint8_t *data;
	struct guest g;
	struct tcp t = {.g = &g, .seq = 1000, .port = 22};
	char back[10];
	unsigned port;
	int fd;

	close(loopback_socket(false, &port));
	fwd = loopback_forward(port);
	guest_start(&g, &(struct net_user_config){.forwards = &fwd, .n_forwards = 1});
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	a.sin_port = htons((uint16_t)port);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);

	tcp_wait(&t, SYN);
	assert_int_equal(get16(g.got + TCP + 2), 22);
	assert_int_equal(get32(g.got + IP + 16), GUEST_IP);
	t.peer_ip = get32(g.got + IP + 12);
	t.peer_port = get16(g.got + TCP);
	t.ack = get32(g.got + TCP + 4) + 1;
	tcp_send(&t, SYN | ACK, NULL, 0);
	assert_int_equal(write(fd, "knock", 5), 5);
	tcp_wait(&t, PSH);
	assert_int_equal(tcp_payload(&t, &data), 5);
	assert_memory_equal(data, "knock", 5);
	t.ack += 5;
	tcp_send(&t, ACK | PSH, "who's there", 11);
	wait_readable(&g, fd);
	assert_int_equal(read(fd, back, sizeof(back)), sizeof(back));
	assert_memory_equal(back, "who's ther", sizeof(back));
	/* Its end comes through as well. */
	tcp_send(&t, ACK | FIN, NULL, 0);
	assert_int_equal(read(fd, back, 1), 1);
	wait_readable(&g, fd);
	assert_int_equal(read(fd, back, 1), 0);
	close(fd);
	tcp_wait(&t, FIN);
	guest_stop(&g);
}

/* From the guest to a server on the host's loopback, with the clock of the caller. */
static uint64_t own_clock(void *arg)
{
	return *(uint64_t *)arg += 1000;
}

static void test_out(void **state)
{
	struct guest g;
	struct tcp t = {.g = &g, .seq = 77, .port = 4000, .peer_ip = ROUTER_IP};
	uint64_t now = 0;
	char got[10];
	unsigned port;
	int server = loopback_socket(true, &port), fd;

	guest_start(&g, &(struct net_user_config){0});
	loop_set_clock(g.loop, own_clock, &now);
	memset(t.router_mac, 0xff, 6);
	t.peer_port = port;
	tcp_send(&t, SYN, NULL, 0);
	tcp_wait(&t, SYN | ACK);
	assert_int_equal(get32(g.got + TCP + 8), 78);
	t.ack = get32(g.got + TCP + 4) + 1;
	tcp_send(&t, ACK | PSH, "hello", 5);
	fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	wait_readable(&g, fd);
	assert_int_equal(read(fd, got, sizeof(got)), 5);
	assert_memory_equal(got, "hello", 5);
	close(fd);
	close(server);
	guest_stop(&g);
}

/* A server of which nobody accepts and whose queue is full: who connects hears nothing. */
static int deaf_server(unsigned *port, int filler[3])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = loopback_socket(true, port);

	a.sin_port = htons((uint16_t)*port);
	for (unsigned i = 0; i < 3; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(filler[i], (struct sockaddr *)&a, sizeof(a));
	}
	return fd;
}

static uint64_t count(struct guest *g, const char *name)
{
	for (const struct stats_row *r = g->net->stats_rows; r->name; r++)
		if (!strcmp(r->name, name))
			return counter_read(
				(const struct counter *)((const char *)g->net->stats + r->offset));
	fail_msg("nobody counts %s", name);
	return 0;
}

static void turn(struct guest *g)
{
	g->take = UINT32_MAX;
	g->q->ops->want_recv(g->q, true);
	for (unsigned i = 0; i < 20; i++)
		loop_turn(g->loop, 1000000);
}

/* Connections that nobody answers make room for each other and end by time; one that lives goes on
 * beside them, and is not ended for being quiet. */
static void test_half_open(void **state)
{
	struct guest g;
	struct tcp t = {.g = &g, .seq = 77, .port = 4000, .peer_ip = ROUTER_IP}, deaf = t;
	uint64_t now = 1000000000;
	int filler[3], server, deaf_fd, fd;
	char got[10];

	server = loopback_socket(true, &t.peer_port);
	deaf_fd = deaf_server(&deaf.peer_port, filler);
	guest_start(&g, &(struct net_user_config){.max_conns = 4});
	loop_set_clock(g.loop, own_clock, &now);
	g.q->ops->close(g.q); /* the clock is another one now */
	assert_int_equal(g.net->ops->open_queue(g.net, g.loop, &guest_ops, &g, &g.q), 0);
	memset(t.router_mac, 0xff, 6);
	memset(deaf.router_mac, 0xff, 6);
	tcp_send(&t, SYN, NULL, 0);
	tcp_wait(&t, SYN | ACK);
	t.ack = get32(g.got + TCP + 4) + 1;
	tcp_send(&t, ACK, NULL, 0);
	for (unsigned i = 0; i < 40; i++) {
		deaf.port = 5000 + i;
		deaf.seq = 1000 * i;
		tcp_send(&deaf, SYN, NULL, 0);
		turn(&g);
	}
	assert_true(count(&g, "displaced") == 37 && count(&g, "refused") == 0);
	assert_int_equal(count(&g, "opened"), 41);
	/* The guest was told of the last one that had to go. */
	assert_int_equal(g.got[TCP + 13] & 4, 4);
	assert_int_equal(get16(g.got + TCP + 2), 5036);
	now += 31000000000ull;
	turn(&g);
	assert_int_equal(count(&g, "half_open"), 3);
	now += 600000000000ull;
	turn(&g);
	assert_int_equal(count(&g, "stalled"), 0);
	tcp_send(&t, ACK | PSH, "hello", 5);
	fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	wait_readable(&g, fd);
	assert_int_equal(read(fd, got, sizeof(got)), 5);
	/* Now it owes an answer: what it was sent it never acknowledges. */
	assert_int_equal(write(fd, "well", 4), 4);
	turn(&g);
	now += 126000000000ull;
	turn(&g);
	assert_int_equal(count(&g, "stalled"), 1);
	wait_readable(&g, fd);
	assert_true(read(fd, got, sizeof(got)) <= 0);
	close(fd);
	close(server);
	close(deaf_fd);
	for (unsigned i = 0; i < 3; i++)
		close(filler[i]);
	guest_stop(&g);
}

/* With none that may be ended, a new one is refused, by a reset; UDP without a word. */
static void test_refused(void **state)
{
	struct guest g;
	struct tcp t = {.g = &g, .seq = 77, .port = 4000, .peer_ip = ROUTER_IP}, more;
	int server = loopback_socket(true, &t.peer_port);

	guest_start(&g, &(struct net_user_config){.max_conns = 1});
	memset(t.router_mac, 0xff, 6);
	tcp_send(&t, SYN, NULL, 0);
	tcp_wait(&t, SYN | ACK);
	t.ack = get32(g.got + TCP + 4) + 1;
	tcp_send(&t, ACK, NULL, 0);
	more = t;
	more.port = 4001;
	more.seq = 500;
	tcp_send(&more, SYN, NULL, 0);
	tcp_wait(&more, 4);
	assert_int_equal(get16(g.got + TCP + 2), 4001);
	assert_int_equal(get32(g.got + TCP + 8), 501);
	assert_int_equal(count(&g, "refused"), 1);
	close(server);
	guest_stop(&g);
}

static void test_port_in_use(void **state)
{
	struct net_user_forward fwd[2];
	char want[200];
	struct net *net;
	struct err e;
	unsigned port, free_port;
	int fd = loopback_socket(true, &port);

	close(loopback_socket(false, &free_port));
	fwd[0] = loopback_forward(free_port);
	fwd[1] = loopback_forward(port);
	assert_int_equal(net_user_open(&(struct net_user_config){.forwards = fwd, .n_forwards = 2},
				       &net, &e),
			 -EADDRINUSE);
	(void)snprintf(want, sizeof(want),
		       "--net hostfwd=tcp:127.0.0.1:%u-10.0.2.15:22: the host's port is in use; "
		       "choose another one or end what listens there",
		       port);
	assert_string_equal(e.text, want);
	fwd[1].udp = true;
	fwd[1].host_addr.s_addr = htonl(0xc0000201); /* for documentation: nobody has it */
	assert_int_equal(net_user_open(&(struct net_user_config){.forwards = fwd, .n_forwards = 2},
				       &net, &e),
			 -EADDRNOTAVAIL);
	assert_non_null(strstr(e.text, "udp:192.0.2.1:"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_held_and_dropped),
		cmocka_unit_test(test_close_and_open),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_port_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
