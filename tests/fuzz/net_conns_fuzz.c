/* SPDX-License-Identifier: MIT */
/* Frames of any content through the connection policy of the user network, with sockets that are
 * opened and closed as slirp would or would not: the count is right, and its own packets are resets
 * of the right size. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net_conns.h"
#include "require.h"

#define MAX    3u
#define FD     100000 /* of nobody */
#define N_FDS  24u
#define SECOND 1000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct net_conns *c;
	unsigned n;
	unsigned char open[N_FDS];
};

static void to_slirp(void *arg, const uint8_t *frame, size_t len)
{
	struct world *w = arg;

	require(len == 54 && (frame[47] & 4));
	/* The first that is open might be it. */
	for (unsigned i = 0; i < N_FDS; i++)
		if (w->open[i]) {
			w->open[i] = 0;
			w->n--;
			net_conns_closed(w->c, FD + (int)i);
			break;
		}
}

static void to_guest(void *arg, const uint8_t *frame, size_t len)
{
	require(len == 54 && (frame[47] & 4));
}

static const struct net_conns_ops ops = {.to_slirp = to_slirp, .to_guest = to_guest};

/* A byte that says what happens, one with a length, then a frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	uint64_t now = SECOND;

	require(!net_conns_new(MAX, &ops, &w, &w.c));
	while (size >= 2) {
		unsigned what = data[0], fd = what % N_FDS;
		size_t len = data[1];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		now += what & 0x80 ? 20 * SECOND : 1;
		if (what & 0x40) {
			net_conns_to_guest(w.c, data, len, now);
		} else {
			(void)net_conns_from_guest(w.c, data, len, now);
			if ((what & 0x20) && !w.open[fd] && w.n < MAX + MAX / 4 + 16) {
				w.open[fd] = 1;
				w.n++;
				net_conns_opened(w.c, FD + (int)fd, now);
			}
			net_conns_done(w.c);
		}
		if (what == 0xff)
			net_conns_tidy(w.c, now);
		require(net_conns_count(w.c) == w.n);
		data += len;
		size -= len;
	}
	for (unsigned i = 0; i < N_FDS; i++)
		net_conns_closed(w.c, FD + (int)i);
	require(!net_conns_count(w.c));
	net_conns_free(w.c);
	return 0;
}
