/* SPDX-License-Identifier: MIT */
/* A header and a frame of any content: finished frames have the size that was asked for and hold
 * all of the payload, or there are none. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net.h"
#include "backend/net_finish.h"
#include "base/iov.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	unsigned n;
	size_t payload, most;
};

static void emit(void *arg, const struct iovec *iov, unsigned n)
{
	struct seen *s = arg;
	uint8_t sum = 0;

	require(n >= 1 && n <= 2);
	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < iov[i].iov_len; k++)
			sum = (uint8_t)(sum + ((const uint8_t *)iov[i].iov_base)[k]);
	s->n += 1 + (sum & 0);
	s->payload += iov[n - 1].iov_len;
	if (iov[n - 1].iov_len > s->most)
		s->most = iov[n - 1].iov_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_header h;
	struct seen s = {0};
	uint8_t *frame;
	size_t len;
	bool done;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	len = size - sizeof(h);
	frame = malloc(len ? len : 1); /* of this length to the byte, for the sanitizer */
	require(frame != NULL);
	memcpy(frame, data + sizeof(h), len);
	done = net_finish(&h, frame, len, emit, &s);
	require(done || !s.n);
	if (done && h.gso_type == NET_GSO_NONE)
		require(s.n == 1 && s.payload == len);
	else if (done)
		require(s.n && s.most <= h.gso_size && s.payload < len);
	free(frame);
	return 0;
}
