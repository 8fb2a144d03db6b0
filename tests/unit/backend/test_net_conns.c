/* SPDX-License-Identifier: MIT */
/* The policy alone, for what slirp cannot easily be made to do: forwards, UDP, ends, nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net_conns.h"

#define SECOND 1000000000ull
#define FD     100000 /* of nobody */

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

struct world {
	struct net_conns *c;
	const struct net_conns_stats *n;
	uint64_t now;
	unsigned n_slirp, n_guest;
	int closes; /* which socket a reset closes, or -1 */
	uint8_t frame[80], last[54];
};

static void to_slirp(void *arg, const uint8_t *frame, size_t len)
{
	struct world *w = arg;

	w->n_slirp++;
	assert_int_equal(len, 54);
	if (w->closes >= 0)
		net_conns_closed(w->c, w->closes);
}

static void to_guest(void *arg, const uint8_t *frame, size_t len)
{
	struct world *w = arg;

	w->n_guest++;
	assert_int_equal(len, 54);
	memcpy(w->last, frame, len);
}

static const struct net_conns_ops ops = {.to_slirp = to_slirp, .to_guest = to_guest};

static int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.closes = -1;
	w.now = SECOND;
	assert_int_equal(net_conns_new(2, &ops, &w, &w.c), 0);
	w.n = net_conns_stats(w.c);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	net_conns_free(w->c);
	return 0;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A packet between the guest's port and the peer's 80. */
static size_t make(struct world *w, bool tcp, bool from_guest, unsigned port, unsigned flags,
		   uint32_t seq, uint32_t ack)
{
	uint8_t *f = w->frame, *ip = f + 14, *t = ip + 20;
	size_t len = tcp ? 40 : 28;

	memset(f, 0, sizeof(w->frame));
	f[5] = from_guest ? 2 : 1;
	f[11] = from_guest ? 1 : 2;
	put16(f + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)len);
	ip[9] = tcp ? 6 : 17;
	ip[12 + 3] = from_guest ? 15 : 2;
	ip[16 + 3] = from_guest ? 2 : 15;
	put16(t, from_guest ? port : 80);
	put16(t + 2, from_guest ? 80 : port);
	put16(t + 6, seq & 0xffff);
	put16(t + 10, ack & 0xffff);
	if (tcp) {
		t[12] = 5 << 4;
		t[13] = (uint8_t)flags;
	}
	return 14 + len;
}

static bool guest(struct world *w, bool tcp, unsigned port, unsigned flags, uint32_t seq,
		  uint32_t ack, int fd)
{
	size_t len = make(w, tcp, true, port, flags, seq, ack);
	bool pass = net_conns_from_guest(w->c, w->frame, len, w->now);

	if (pass && fd >= 0)
		net_conns_opened(w->c, fd, w->now);
	net_conns_done(w->c);
	return pass;
}

static void peer(struct world *w, unsigned port, unsigned flags, uint32_t seq, uint32_t ack)
{
	net_conns_to_guest(w->c, w->frame, make(w, true, false, port, flags, seq, ack), w->now);
}

static void wait(struct world *w, unsigned seconds)
{
	w->now += seconds * SECOND;
	net_conns_tidy(w->c, w->now);
}

static uint64_t count(const struct counter *c)
{
	return counter_read(c);
}

/* A forward is half-open until the guest answers; one that it never answers ends. */
static void test_forward(void **state)
{
	struct world *w = *state;
	int fd[2];

	for (unsigned i = 0; i < 2; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		net_conns_opened(w->c, fd[i], w->now);
		peer(w, 22 + i, SYN, 100, 0);
	}
	assert_true(guest(w, true, 22, SYN | ACK, 500, 101, -1));
	peer(w, 22, ACK, 101, 501);
	w->closes = fd[1];
	wait(w, 31);
	assert_int_equal(count(&w->n->half_open), 1);
	assert_true(w->n_slirp == 1 && w->n_guest == 1);
	assert_int_equal(w->last[37], 23); /* the guest's port */
	assert_int_equal(net_conns_count(w->c), 1);
	wait(w, 1000);
	assert_int_equal(net_conns_count(w->c), 1);
	close(fd[0]);
	close(fd[1]);
}

/* Half an end that is never followed by the other. */
static void test_half_closed(void **state)
{
	struct world *w = *state;

	assert_true(guest(w, true, 7, SYN, 1, 0, FD));
	peer(w, 7, SYN | ACK, 100, 2);
	assert_true(guest(w, true, 7, ACK, 2, 101, -1));
	assert_true(guest(w, true, 7, ACK | FIN, 2, 101, -1));
	wait(w, 119);
	assert_int_equal(count(&w->n->stalled), 0);
	w->closes = FD;
	wait(w, 1);
	assert_int_equal(count(&w->n->stalled), 1);
	assert_int_equal(net_conns_count(w->c), 0);
}

/* A quiet minute makes a connection one that may go; being busy keeps it. */
static void test_displaced(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		assert_true(guest(w, true, 7 + i, SYN, 1, 0, FD + (int)i));
		peer(w, 7 + i, SYN | ACK, 100, 2);
		assert_true(guest(w, true, 7 + i, ACK, 2, 101, -1));
	}
	assert_false(guest(w, true, 9, SYN, 1, 0, FD + 2));
	assert_int_equal(count(&w->n->refused), 1);
	assert_int_equal(w->last[47], RST | ACK);
	w->now += 61 * SECOND;
	make(w, true, true, 8, ACK, 2, 101); /* the second one sends five bytes */
	put16(w->frame + 16, 45);
	assert_true(net_conns_from_guest(w->c, w->frame, 59, w->now));
	w->closes = FD;
	assert_true(guest(w, true, 9, SYN, 1, 0, FD + 2));
	assert_int_equal(count(&w->n->displaced), 1);
	assert_int_equal(net_conns_count(w->c), 2);
}

/* A connection that is busy always owes an answer for a moment, and in that moment a flood may
 * begin: a burst of connections, each younger than its last packet. */
static void test_busy_beside_flood(void **state)
{
	struct world *w = *state;

	assert_true(guest(w, true, 7, SYN, 1, 0, FD));
	peer(w, 7, SYN | ACK, 100, 2);
	assert_true(guest(w, true, 7, ACK, 2, 101, -1));
	make(w, true, false, 7, ACK, 101, 2); /* the peer sends five bytes */
	put16(w->frame + 16, 45);
	net_conns_to_guest(w->c, w->frame, 59, w->now);
	w->now += SECOND / 1000;
	assert_true(guest(w, true, 8, SYN, 1, 0, FD + 1));
	w->now += SECOND / 1000;
	assert_true(guest(w, true, 9, SYN, 1, 0, FD + 2));
	assert_int_equal(count(&w->n->displaced), 1);
	assert_int_equal(w->n_guest, 0); /* a reset would be for the busy one */
	net_conns_closed(w->c, FD + 1);
	assert_true(guest(w, true, 7, ACK, 2, 106, -1));
	/* Silent for long, it is as good as the others, and older. */
	make(w, true, false, 7, ACK, 106, 2);
	put16(w->frame + 16, 45);
	net_conns_to_guest(w->c, w->frame, 59, w->now);
	w->now += 6 * SECOND;
	assert_true(guest(w, true, 10, SYN, 1, 0, FD + 3));
	assert_int_equal(count(&w->n->displaced), 2);
}

static void test_udp(void **state)
{
	struct world *w = *state;

	assert_true(guest(w, false, 53, 0, 0, 0, FD));
	assert_true(guest(w, false, 53, 0, 0, 0, -1));
	assert_true(guest(w, false, 54, 0, 0, 0, FD + 1));
	assert_false(guest(w, false, 55, 0, 0, 0, FD + 2));
	assert_true(guest(w, false, 68, 0, 0, 0, -1)); /* DHCP needs no socket */
	wait(w, 1000);
	assert_int_equal(net_conns_count(w->c), 2); /* slirp's affair */
	net_conns_closed(w->c, FD);
	assert_true(guest(w, false, 55, 0, 0, 0, FD));
	assert_int_equal(w->n_guest, 0);
	net_conns_closed(w->c, 12345); /* whose it ever was */
}

/* What is no packet of a connection goes by; what is cut anywhere as well. */
static void test_nonsense(void **state)
{
	struct world *w = *state;
	size_t len = make(w, true, true, 7, SYN, 1, 0);
	uint8_t whole[80];

	memcpy(whole, w->frame, sizeof(whole));
	for (size_t n = 0; n < len; n++)
		assert_true(net_conns_from_guest(w->c, w->frame, n, w->now));
	for (unsigned i = 12; i < len; i++) {
		for (unsigned v = 0; v < 256; v++) {
			memcpy(w->frame, whole, sizeof(whole));
			w->frame[i] = (uint8_t)v;
			(void)net_conns_from_guest(w->c, w->frame, len, w->now);
			net_conns_done(w->c);
			net_conns_to_guest(w->c, w->frame, len, w->now);
		}
	}
	assert_int_equal(net_conns_count(w->c), 0);
	assert_true(guest(w, true, 7, ACK, 1, 1, -1)); /* of none that there is: slirp says so */
	assert_true(guest(w, true, 7, RST, 1, 1, -1));
	/* More sockets than there are entries for. */
	for (int i = 0; i < 100; i++)
		net_conns_opened(w->c, FD + i, w->now);
	assert_true(net_conns_count(w->c) < 100);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_forward),           T(test_half_closed), T(test_displaced),
		T(test_busy_beside_flood), T(test_udp),         T(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
