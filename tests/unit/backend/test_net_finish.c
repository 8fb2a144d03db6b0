/* SPDX-License-Identifier: MIT */
/* Checksums and cutting, held against sums that are made here from the whole packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "backend/net.h"
#include "backend/net_finish.h"
#include "base/bits.h"
#include "base/iov.h"

#define PAYLOAD 3000u

struct got {
	unsigned n;
	size_t len[8];
	uint8_t frame[8][4000];
};

static void keep(void *arg, const struct iovec *iov, unsigned n)
{
	struct got *g = arg;

	assert_true(g->n < 8);
	g->len[g->n] = iov_to_buf(iov, n, 0, g->frame[g->n], sizeof(g->frame[0]));
	g->n++;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Byte by byte, unlike the code under test. */
static unsigned sum(const uint8_t *p, size_t len)
{
	unsigned long s = 0;

	for (size_t i = 0; i < len; i++)
		s += i & 1 ? p[i] : (unsigned)p[i] << 8;
	return (unsigned)(s % 0xffff);
}

/* Whether the transport's checksum is right, pseudo header and all. */
static bool is_right(const uint8_t *f, size_t len, size_t ip, size_t transport, bool v6)
{
	uint8_t pseudo[40] = {0};
	unsigned protocol = v6 ? f[ip + 6] : f[ip + 9];

	memcpy(pseudo, f + ip + (v6 ? 8 : 12), v6 ? 32 : 8);
	put16(pseudo + 34, (unsigned)(len - transport));
	pseudo[37] = (uint8_t)protocol;
	if (!v6 && sum(f + ip, transport - ip) != 0)
		return false;
	return (sum(pseudo, sizeof(pseudo)) + sum(f + transport, len - transport)) % 0xffff == 0;
}

struct shape {
	bool v6, udp, vlan;
};

/* A segment to be cut, and its header; the frame's length. */
static size_t make(struct shape s, uint8_t *f, struct net_header *h)
{
	size_t ip = s.vlan ? 18 : 14, t = ip + (s.v6 ? 40 : 24), head = t + (s.udp ? 8 : 32);

	memset(f, 0, head);
	if (s.vlan)
		put16(f + 12, 0x8100);
	put16(f + ip - 2, s.v6 ? 0x86dd : 0x0800);
	if (s.v6) {
		f[ip] = 0x60;
		f[ip + 6] = s.udp ? 17 : 6;
		memset(f + ip + 8, 0xfe, 32);
	} else {
		f[ip] = 0x46; /* with options */
		put16(f + ip + 4, 0xfffe);
		f[ip + 9] = s.udp ? 17 : 6;
		memset(f + ip + 12, 0xc0, 8);
		f[ip + 20] = 1;
	}
	if (!s.udp) {
		memset(f + t + 4, 0xff, 4); /* the sequence number wraps */
		f[t + 12] = 0x80;
		f[t + 13] = 0x99; /* CWR, ACK, PSH, FIN */
	}
	for (size_t i = 0; i < PAYLOAD; i++)
		f[head + i] = (uint8_t)(i * 13);
	*h = (struct net_header){
		.flags = NET_HEADER_NEEDS_CSUM,
		.gso_type = s.udp  ? NET_GSO_UDP
			    : s.v6 ? NET_GSO_TCPV6
				   : NET_GSO_TCPV4,
		.hdr_len = (uint16_t)head,
		.gso_size = 1301,
		.csum_start = (uint16_t)t,
		.csum_offset = s.udp ? 6 : 16,
	};
	return head + PAYLOAD;
}

static void check_cut(struct shape s)
{
	static uint8_t f[4000];
	static struct got g;
	struct net_header h;
	size_t len = make(s, f, &h), t = h.csum_start, ip = s.vlan ? 18 : 14, at = 0;

	g.n = 0;
	assert_true(net_finish_sane(&h, len));
	assert_true(net_finish(&h, f, len, keep, &g));
	assert_int_equal(g.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *p = g.frame[i];
		size_t n = g.len[i] - h.hdr_len;

		assert_int_equal(n, i < 2 ? 1301 : PAYLOAD - 2602);
		assert_memory_equal(p + h.hdr_len, f + h.hdr_len + at, n);
		assert_true(is_right(p, g.len[i], ip, t, s.v6));
		if (s.v6)
			assert_int_equal(get16(p + ip + 4), g.len[i] - ip - 40);
		else
			assert_int_equal(get16(p + ip + 2), g.len[i] - ip);
		if (!s.v6)
			assert_int_equal(get16(p + ip + 4), (0xfffe + i) & 0xffff);
		if (s.udp) {
			assert_int_equal(get16(p + t + 4), n + 8);
		} else {
			assert_int_equal(get16(p + t + 6), (0xffff + at) & 0xffff);
			assert_int_equal(p[t + 4], i ? 0 : 0xff);
			assert_int_equal(p[t + 13], i == 0 ? 0x90 : i == 1 ? 0x10 : 0x19);
		}
		at += n;
	}
}

static void test_cut(void **state)
{
	for (unsigned i = 0; i < 8; i++)
		check_cut((struct shape){i & 1, i & 2, i & 4});
}

static void test_checksum(void **state)
{
	uint8_t f[101] = {[12] = 8};
	struct net_header h = {.flags = NET_HEADER_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
	struct got g = {0};

	memset(f + 42, 0xa5, 59);
	put16(f + 40, 0x1234); /* the pseudo header's sum */
	assert_true(net_finish(&h, f, sizeof(f), keep, &g));
	assert_int_equal(g.n, 1);
	assert_int_equal(g.len[0], 101);
	/* All of it and the pseudo header, which is gone from the field. */
	assert_int_equal((sum(g.frame[0] + 34, 67) + 0x1234) % 0xffff, 0);
	/* Zero would mean that there is none. */
	memset(f, 0, sizeof(f));
	put16(f + 40, 0xffff);
	assert_true(net_finish(&h, f, sizeof(f), keep, &g));
	assert_int_equal(get16(g.frame[1] + 40), 0xffff);
	h.flags = 0; /* nothing to be done */
	assert_true(net_finish(&h, f, sizeof(f), keep, &g));
	assert_memory_equal(g.frame[2], f, sizeof(f));
}

static void test_needed(void **state)
{
	struct net_header h = {.flags = NET_HEADER_NEEDS_CSUM};

	assert_true(net_finish_needed(&h, 0));
	assert_false(net_finish_needed(&h, NET_OFFLOAD_RECV_CSUM));
	h.gso_type = NET_GSO_TCPV6;
	assert_true(net_finish_needed(&h, NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO4));
	assert_false(net_finish_needed(&h, NET_OFFLOAD_RECV_CSUM | NET_OFFLOAD_RECV_TSO6));
	h.gso_type = 77;
	assert_true(net_finish_needed(&h, ~0u));
	h = (struct net_header){.flags = NET_HEADER_DATA_VALID};
	assert_false(net_finish_needed(&h, 0));
}

/* Every length down from the right one, and each field wrong: refused or not, never out of bounds
 * (the sanitizers look). */
static void test_nonsense(void **state)
{
	static uint8_t f[4000], whole[4000];
	static struct got g;
	struct net_header h, good;
	size_t len;

	for (unsigned k = 0; k < 4; k++) {
		len = make((struct shape){k & 1, k & 2, false}, whole, &good);
		for (size_t n = 0; n <= good.hdr_len; n++) {
			memcpy(f, whole, n);
			g.n = 0;
			assert_false(net_finish(&good, f, n, keep, &g) && g.n);
		}
		h = good;
		h.csum_start += 2; /* over IPv6 there may be headers in between */
		assert_false(net_finish(&h, f, len, keep, &g) && !(k & 1));
		h.csum_start = 65535;
		assert_false(net_finish_sane(&h, len) || net_finish(&h, f, len, keep, &g));
		h = good;
		h.gso_size = 0;
		assert_false(net_finish_sane(&h, len) || net_finish(&h, f, len, keep, &g));
		h = good;
		h.gso_type = 9;
		assert_false(net_finish_sane(&h, len));
		h = good;
		h.flags = 0;
		assert_false(net_finish_sane(&h, len) || net_finish(&h, f, len, keep, &g));
		/* TCP's length of its header: none, and beyond the frame. */
		memcpy(f, whole, len);
		f[good.csum_start + 12] = 0x40;
		if (!(k & 2))
			assert_false(net_finish(&good, f, len, keep, &g));
		f[14] = k & 1 ? 0x60 : 0x4f; /* IPv4's */
		if (!(k & 1))
			assert_false(net_finish(&good, f, len, keep, &g));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
