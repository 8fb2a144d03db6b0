/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The other side is a firmware such as guest/firmware/apps/rpmsg.c: it adds one to the first four
 * bytes of a message, a number in the byte order of both cores.
 */
#include "pingpong.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"

static int complain(unsigned hop, const char *what)
{
	fprintf(stderr, "linnet-rpmsg: hop %u: %s\n", hop, what);
	return -1;
}

/* Number `hop` comes as the answer to the one before it. */
static int make_hop(int fd, uint32_t hop)
{
	const uint32_t sent = hop - 1;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t in[CHANNEL_BYTES];
	uint32_t got;
	ssize_t n;

	if (write(fd, &sent, sizeof(sent)) != sizeof(sent))
		return complain(hop, strerror(errno));
	if (poll(&p, 1, CHANNEL_PATIENCE_MS) <= 0)
		return complain(hop, "no answer");
	n = read(fd, in, sizeof(in));
	if (n < 0)
		return complain(hop, strerror(errno));
	if (n != sizeof(got))
		return complain(hop, "the answer is no number");
	memcpy(&got, in, sizeof(got));
	if (got == hop)
		return 0;
	fprintf(stderr, "linnet-rpmsg: hop %u: the answer is %u\n", hop, got);
	return -1;
}

int pingpong_run(const char *channel, unsigned hops)
{
	int fd = channel_open(channel, 0), ret = fd < 0;

	for (uint32_t hop = 1; hop <= hops && !ret; hop++) {
		ret = make_hop(fd, hop) ? 1 : 0;
		if (!ret)
			printf("ping-pong hop=%u\n", hop);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}
