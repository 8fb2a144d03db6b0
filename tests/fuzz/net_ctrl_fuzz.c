/* SPDX-License-Identifier: MIT */
/* Control commands of any content, one after the other: none that was not negotiated does anything,
 * and the filter stays within its tables. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "dev/net_ctrl.h"
#include "dev/net_spec.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool set_pairs(void *arg, unsigned n)
{
	require(*(const uint64_t *)arg & NET_F_MQ);
	return n == 2;
}

static void set_guest_offloads(void *arg, uint64_t features)
{
	require(!(features & ~*(const uint64_t *)arg));
}

static void mac_changed(void *arg)
{
	require(*(const uint64_t *)arg & NET_F_CTRL_MAC_ADDR);
}

static void announced(void *arg)
{
	require(*(const uint64_t *)arg & NET_F_GUEST_ANNOUNCE);
}

static void coalesce(void *arg, bool tx, uint32_t max_frames, uint32_t max_us)
{
	require(*(const uint64_t *)arg & NET_F_NOTF_COAL);
}

static const struct net_ctrl_ops ops = {
	.set_pairs = set_pairs,
	.set_guest_offloads = set_guest_offloads,
	.mac_changed = mac_changed,
	.announced = announced,
	.coalesce = coalesce,
};

/* Eight bytes of features, then commands: one byte of length (times four), one where it is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[NET_MAC_SIZE] = {2};
	uint8_t bytes[1024], head[18] = {0};
	uint64_t features;
	struct net_ctrl c;

	if (size < 8)
		return 0;
	features = le64_load(data);
	net_ctrl_init(&c, &ops, &features, features, mac);
	for (data += 8, size -= 8; size >= 2;) {
		size_t len = data[0] * 4u, cut = data[1];
		struct iovec iov[2];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		cut = cut < len ? cut : len;
		memcpy(bytes, data, len);
		iov[0] = (struct iovec){bytes, cut};
		iov[1] = (struct iovec){bytes + cut, len - cut};
		if (net_ctrl_run(&c, iov, 2, len))
			require(features && len >= 2);
		require(c.filter.uni.n <= NET_FILTER_ADDRESSES &&
			c.filter.multi.n <= NET_FILTER_ADDRESSES && !(c.filter.mac[0] & 1));
		if (len >= sizeof(head))
			memcpy(head, bytes, sizeof(head));
		if (net_filter_takes(&c.filter, head, 60))
			require(c.filter.promisc || !(head[0] & 1) || !c.filter.nomulti ||
				head[0] == 0xff);
		data += len;
		size -= len;
	}
	return 0;
}
