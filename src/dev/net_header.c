/* SPDX-License-Identifier: MIT */
/*
 * A header tells others where in the frame to write (a checksum) and how to cut it, so each field
 * is held against the frame before anybody acts on it. The offsets are 16 bits and the sums are
 * not: nothing here can wrap.
 *
 * hdr_len is a hint and no more: it is passed on only where it lies between the end of the TCP
 * header's fixed part (or UDP's) and that of the frame.
 */
#include "dev/net_header.h"

#include <string.h>

#include "backend/net.h"
#include "base/endian.h"
#include "dev/net_spec.h"

/* Offsets of the header's fields */
#define FLAGS       0
#define GSO_TYPE    1
#define HDR_LEN     2
#define GSO_SIZE    4
#define CSUM_START  6
#define CSUM_OFFSET 8
#define NUM_BUFFERS 10

#define TCP_HEADER      20u
#define TCP_CSUM_OFFSET 16u
#define UDP_HEADER      8u
#define UDP_CSUM_OFFSET 6u

static const struct {
	uint64_t feature;
	unsigned offload;
	unsigned needs; /* another offload */
} map[] = {
	{NET_F_CSUM, NET_OFFLOAD_SEND_CSUM, 0},
	{NET_F_HOST_TSO4, NET_OFFLOAD_SEND_TSO4, NET_OFFLOAD_SEND_CSUM},
	{NET_F_HOST_TSO6, NET_OFFLOAD_SEND_TSO6, NET_OFFLOAD_SEND_CSUM},
	{NET_F_HOST_USO, NET_OFFLOAD_SEND_USO, NET_OFFLOAD_SEND_CSUM},
	{NET_F_GUEST_CSUM, NET_OFFLOAD_RECV_CSUM, 0},
	{NET_F_GUEST_TSO4, NET_OFFLOAD_RECV_TSO4, NET_OFFLOAD_RECV_CSUM},
	{NET_F_GUEST_TSO6, NET_OFFLOAD_RECV_TSO6, NET_OFFLOAD_RECV_CSUM},
	/* What is to be cut says "UDP" and not over which, so both or none. */
	{NET_F_GUEST_USO4 | NET_F_GUEST_USO6, NET_OFFLOAD_RECV_USO, NET_OFFLOAD_RECV_CSUM},
};

uint64_t net_header_features(unsigned offloads)
{
	uint64_t features = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if ((offloads & map[i].offload) && (offloads & map[i].needs) == map[i].needs)
			features |= map[i].feature;
	return features;
}

unsigned net_header_offloads(uint64_t features)
{
	unsigned offloads = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++) /* what is needed stands first */
		if ((features & map[i].feature) == map[i].feature &&
		    (offloads & map[i].needs) == map[i].needs)
			offloads |= map[i].offload;
	return offloads;
}

/* What may be cut, with what was agreed on. */
static const struct {
	uint8_t type;
	unsigned send, recv;
	unsigned header, csum_offset; /* of the transport */
} gso[] = {
	{NET_GSO_TCPV4, NET_OFFLOAD_SEND_TSO4, NET_OFFLOAD_RECV_TSO4, TCP_HEADER, TCP_CSUM_OFFSET},
	{NET_GSO_TCPV6, NET_OFFLOAD_SEND_TSO6, NET_OFFLOAD_RECV_TSO6, TCP_HEADER, TCP_CSUM_OFFSET},
	{NET_GSO_UDP, NET_OFFLOAD_SEND_USO, NET_OFFLOAD_RECV_USO, UDP_HEADER, UDP_CSUM_OFFSET},
};

/* Segmentation makes checksums, so it needs to know where they go: in a header of that kind. */
static bool gso_from_guest(struct net_header *h, unsigned offloads, unsigned hdr_len,
			   size_t frame_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(gso); i++) {
		size_t end = (size_t)h->csum_start + gso[i].header;

		if (gso[i].type != h->gso_type)
			continue;
		if (!(offloads & gso[i].send) || !(h->flags & NET_HEADER_NEEDS_CSUM) ||
		    h->csum_offset != gso[i].csum_offset || end > frame_len || !h->gso_size)
			return false;
		h->hdr_len = (uint16_t)(hdr_len >= end && hdr_len <= frame_len ? hdr_len : end);
		return true;
	}
	return false;
}

static bool gso_to_guest(uint8_t gso_type, unsigned offloads)
{
	for (size_t i = 0; i < ARRAY_SIZE(gso); i++)
		if (gso[i].type == gso_type)
			return offloads & gso[i].recv;
	return gso_type == NET_GSO_NONE;
}

bool net_header_from_guest(const uint8_t guest[NET_HEADER_SIZE], unsigned offloads,
			   size_t frame_len, struct net_header *out)
{
	*out = (struct net_header){0};
	if (guest[FLAGS] & NET_HEADER_NEEDS_CSUM) {
		out->flags = NET_HEADER_NEEDS_CSUM;
		out->csum_start = le16_load(guest + CSUM_START);
		out->csum_offset = le16_load(guest + CSUM_OFFSET);
		if (!(offloads & NET_OFFLOAD_SEND_CSUM) || out->csum_start < NET_ETHERNET_SIZE ||
		    (size_t)out->csum_start + out->csum_offset + 2 > frame_len)
			return false;
	}
	out->gso_type = guest[GSO_TYPE];
	if (out->gso_type == NET_GSO_NONE)
		return true;
	out->gso_size = le16_load(guest + GSO_SIZE);
	return gso_from_guest(out, offloads, le16_load(guest + HDR_LEN), frame_len);
}

void net_header_set_buffers(uint8_t guest[NET_HEADER_SIZE], unsigned n)
{
	le16_store(guest + NUM_BUFFERS, (uint16_t)n);
}

bool net_header_to_guest(const struct net_header *h, unsigned offloads,
			 uint8_t guest[NET_HEADER_SIZE])
{
	uint8_t flags = h->flags & (NET_HEADER_NEEDS_CSUM | NET_HEADER_DATA_VALID);

	memset(guest, 0, NET_HEADER_SIZE);
	net_header_set_buffers(guest, 1);
	if (!(offloads & NET_OFFLOAD_RECV_CSUM)) {
		/* That a checksum is known to be right is no more than a hint. */
		if (flags & NET_HEADER_NEEDS_CSUM)
			return false;
		flags = 0;
	}
	guest[FLAGS] = flags;
	if (flags & NET_HEADER_NEEDS_CSUM) {
		le16_store(guest + CSUM_START, h->csum_start);
		le16_store(guest + CSUM_OFFSET, h->csum_offset);
	}
	if (!gso_to_guest(h->gso_type, offloads))
		return false;
	guest[GSO_TYPE] = h->gso_type;
	if (h->gso_type != NET_GSO_NONE) {
		le16_store(guest + HDR_LEN, h->hdr_len);
		le16_store(guest + GSO_SIZE, h->gso_size);
	}
	return true;
}
