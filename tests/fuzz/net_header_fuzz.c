/* SPDX-License-Identifier: MIT */
/* A packet's header of any content: what is let through lies within the frame, keeps to what was
 * agreed on, and has no field set that means nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net.h"
#include "base/endian.h"
#include "dev/net_header.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct net_header *h, unsigned offloads, size_t len)
{
	require(h->flags <= NET_HEADER_NEEDS_CSUM);
	if (!h->flags) {
		require(!memcmp(h, &(struct net_header){0}, sizeof(*h)));
		return;
	}
	require(offloads & NET_OFFLOAD_SEND_CSUM);
	require(h->csum_start >= 14 && h->csum_start + 2u + h->csum_offset <= len);
	if (h->gso_type == NET_GSO_NONE) {
		require(!h->hdr_len && !h->gso_size);
		return;
	}
	require(h->gso_type == NET_GSO_TCPV4   ? offloads & NET_OFFLOAD_SEND_TSO4
		: h->gso_type == NET_GSO_TCPV6 ? offloads & NET_OFFLOAD_SEND_TSO6
					       : offloads & NET_OFFLOAD_SEND_USO);
	require(h->gso_size && h->hdr_len <= len &&
		h->hdr_len >= h->csum_start + (h->gso_type == NET_GSO_UDP ? 8 : 20));
}

/* One byte of offloads, two of the frame's length, the header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t guest[NET_HEADER_SIZE];
	struct net_header h;

	if (size < 3 + NET_HEADER_SIZE)
		return 0;
	if (net_header_from_guest(data + 3, data[0], le16_load(data + 1), &h))
		check(&h, data[0], le16_load(data + 1));
	memcpy(&h, data + 3, sizeof(h));
	if (net_header_to_guest(&h, data[0], guest)) {
		require(!(guest[0] & ~3) && le16_load(guest + 10) == 1);
		require(!guest[0] || (data[0] & NET_OFFLOAD_RECV_CSUM));
		require(!guest[1] || (data[0] & (NET_OFFLOAD_RECV_TSO4 | NET_OFFLOAD_RECV_TSO6 |
						 NET_OFFLOAD_RECV_USO)));
	}
	return 0;
}
