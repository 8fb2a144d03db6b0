/* SPDX-License-Identifier: MIT */
/*
 * A checksum (RFC 1071) runs from csum_start to the frame's end; where it goes stands the sum of
 * the pseudo header, which is part of it.
 *
 * Cutting repeats the headers in front of each piece of gso_size bytes. What differs from piece to
 * piece: the lengths of IP and UDP, IPv4's identification and checksum, TCP's sequence number and,
 * up to the last one, no FIN and no PSH. The pseudo header is summed anew, since it has a length.
 *
 * Nothing in the frame is believed: the offsets found in it are held against its length.
 */
#include "backend/net_finish.h"

#include <string.h>

#include "backend/net.h"
#include "base/bits.h"

#define ETHERNET   14u
#define HEADER_MAX 512u /* of all headers of a frame that is cut */
#define TYPE_IPV4  0x0800u
#define TYPE_IPV6  0x86ddu
#define TYPE_VLAN  0x8100u
#define TYPE_QINQ  0x88a8u
#define IP_TCP     6u
#define IP_UDP     17u
#define TCP_FIN    0x01u
#define TCP_PSH    0x08u
#define TCP_CWR    0x80u

static const struct {
	uint8_t gso_type;
	unsigned offload;
} kinds[] = {
	{NET_GSO_TCPV4, NET_OFFLOAD_RECV_TSO4},
	{NET_GSO_TCPV6, NET_OFFLOAD_RECV_TSO6},
	{NET_GSO_UDP, NET_OFFLOAD_RECV_USO},
};

bool net_finish_needed(const struct net_header *h, unsigned offloads)
{
	if ((h->flags & NET_HEADER_NEEDS_CSUM) && !(offloads & NET_OFFLOAD_RECV_CSUM))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].gso_type == h->gso_type)
			return !(offloads & kinds[i].offload);
	return h->gso_type != NET_GSO_NONE;
}

/* ---- numbers in frames ---- */

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* Adds len bytes, the first of which is a high one. */
static uint64_t sum(uint64_t s, const uint8_t *p, size_t len)
{
	for (; len > 1; len -= 2, p += 2)
		s += get16(p);
	return len ? s + ((uint64_t)*p << 8) : s;
}

/* The checksum that makes the whole right. */
static uint16_t folded(uint64_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* ---- checksums ---- */

static bool csum_fits(const struct net_header *h, size_t len)
{
	return h->csum_start >= ETHERNET && (size_t)h->csum_start + h->csum_offset + 2 <= len;
}

bool net_finish_sane(const struct net_header *h, size_t len)
{
	bool known = h->gso_type == NET_GSO_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		known |= kinds[i].gso_type == h->gso_type && h->gso_size && h->hdr_len <= len &&
			 (h->flags & NET_HEADER_NEEDS_CSUM);
	return known && (!(h->flags & NET_HEADER_NEEDS_CSUM) || csum_fits(h, len));
}

static void finish_csum(const struct net_header *h, uint8_t *frame, size_t len)
{
	uint16_t c = folded(sum(0, frame + h->csum_start, len - h->csum_start));

	put16(frame + h->csum_start + h->csum_offset, c ? c : 0xffff);
}

/* ---- cutting ---- */

struct cut {
	uint8_t *frame;
	size_t len, ip, transport, header; /* where they begin; of all headers */
	bool v6, udp;
	unsigned gso_size;
};

/* Finds the headers. */
static bool take_apart(struct cut *c, const struct net_header *h)
{
	unsigned type;

	for (c->ip = ETHERNET; c->ip + 40 <= c->len; c->ip += 4) {
		type = get16(c->frame + c->ip - 2);
		if (type != TYPE_VLAN && type != TYPE_QINQ)
			break;
	}
	if (c->ip + 40 > c->len || c->transport + 20 > c->len)
		return false;
	type = get16(c->frame + c->ip - 2);
	c->v6 = type == TYPE_IPV6;
	if (c->v6 ? c->transport < c->ip + 40
		  : type != TYPE_IPV4 ||
			    c->transport != c->ip + 4 * (size_t)(c->frame[c->ip] & 15) ||
			    c->transport < c->ip + 20)
		return false;
	if (h->gso_type != NET_GSO_UDP && c->v6 != (h->gso_type == NET_GSO_TCPV6))
		return false;
	c->udp = h->gso_type == NET_GSO_UDP;
	c->header = c->transport + (c->udp ? 8 : 4 * (size_t)(c->frame[c->transport + 12] >> 4));
	c->gso_size = h->gso_size;
	return c->gso_size && c->header >= c->transport + (c->udp ? 8 : 20) && c->header < c->len &&
	       c->header <= HEADER_MAX;
}

/* The sum of the pseudo header for `len` bytes of transport. */
static uint64_t pseudo(const struct cut *c, const uint8_t *head, size_t len)
{
	uint64_t s = len + (c->udp ? IP_UDP : IP_TCP);

	return c->v6 ? sum(s, head + c->ip + 8, 32) : sum(s, head + c->ip + 12, 8);
}

static void fix_ip(const struct cut *c, uint8_t *head, size_t payload, unsigned nth)
{
	uint8_t *ip = head + c->ip;
	size_t len = c->header - c->ip + payload;

	if (c->v6) {
		put16(ip + 4, len - 40);
		return;
	}
	put16(ip + 2, len);
	put16(ip + 4, get16(ip + 4) + nth);
	put16(ip + 10, 0);
	put16(ip + 10, folded(sum(0, ip, c->transport - c->ip)));
}

static void fix_transport(const struct cut *c, uint8_t *head, const uint8_t *payload, size_t n,
			  size_t at, bool last)
{
	uint8_t *t = head + c->transport;
	size_t len = c->header - c->transport + n;
	uint8_t *check = t + (c->udp ? 6 : 16);
	uint16_t got;

	if (c->udp) {
		put16(t + 4, len);
	} else {
		put32(t + 4, get32(t + 4) + (uint32_t)at);
		if (!last)
			t[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		if (at)
			t[13] &= (uint8_t)~TCP_CWR;
	}
	put16(check, 0);
	/* The headers' length is even, so the payload begins with a high byte too. */
	got = folded(sum(sum(pseudo(c, head, len), t, c->header - c->transport), payload, n));
	put16(check, got ? got : 0xffff);
}

static void cut(const struct cut *c, void (*emit)(void *arg, const struct iovec *iov, unsigned n),
		void *arg)
{
	uint8_t head[HEADER_MAX];
	unsigned nth = 0;

	for (size_t at = 0; c->header + at < c->len; at += c->gso_size, nth++) {
		uint8_t *payload = c->frame + c->header + at;
		size_t left = c->len - c->header - at;
		size_t n = left < c->gso_size ? left : c->gso_size;
		const struct iovec iov[2] = {{head, c->header}, {payload, n}};

		memcpy(head, c->frame, c->header);
		fix_ip(c, head, n, nth);
		fix_transport(c, head, payload, n, at, n == left);
		emit(arg, iov, 2);
	}
}

bool net_finish(const struct net_header *h, uint8_t *frame, size_t len,
		void (*emit)(void *arg, const struct iovec *iov, unsigned n), void *arg)
{
	struct cut c = {.frame = frame, .len = len, .transport = h->csum_start};
	const struct iovec whole = {frame, len};

	if ((h->flags & NET_HEADER_NEEDS_CSUM) && !csum_fits(h, len))
		return false;
	if (h->gso_type == NET_GSO_NONE) {
		if (h->flags & NET_HEADER_NEEDS_CSUM)
			finish_csum(h, frame, len);
		emit(arg, &whole, 1);
		return true;
	}
	if (!(h->flags & NET_HEADER_NEEDS_CSUM) || !take_apart(&c, h))
		return false;
	cut(&c, emit, arg);
	return true;
}
