/* SPDX-License-Identifier: GPL-2.0 */
/* One thread: whatever can be read first is passed on. A long line goes in pieces. */
#include "console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"

#define QUIET_MS 1000

static int failed(const char *what)
{
	fprintf(stderr, "linnet-rpmsg: %s: %s\n", what, strerror(errno));
	return -1;
}

/* What one read gave, a message a line. 1, 0 at the end of the input, or -1. */
static int pass_input(int fd)
{
	char buf[4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	for (ssize_t at = 0; at < n;) {
		const char *end = memchr(buf + at, '\n', (size_t)(n - at));
		size_t len = end ? (size_t)(end - buf - at) + 1 : (size_t)(n - at);

		if (len > CHANNEL_BYTES)
			len = CHANNEL_BYTES;
		if (write(fd, buf + at, len) != (ssize_t)len)
			return failed("writing");
		at += (ssize_t)len;
	}
	return n < 0 ? failed("standard input") : n > 0;
}

static int pass_output(int fd)
{
	char buf[CHANNEL_BYTES];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return failed("reading");
	return write(STDOUT_FILENO, buf, (size_t)n) == n ? 0 : failed("standard output");
}

int console_run(const char *channel, unsigned count)
{
	int fd = channel_open(channel, 0), input = 1, ret = fd < 0;
	unsigned came = 0;

	while (!ret && !(count && came == count)) {
		struct pollfd p[] = {{.fd = fd, .events = POLLIN},
				     {.fd = input ? STDIN_FILENO : -1, .events = POLLIN}};
		int n = poll(p, 2, input || count ? -1 : QUIET_MS);

		if (n <= 0)
			break;
		if (p[0].revents) {
			ret = pass_output(fd) < 0;
			came++;
		}
		if (!ret && p[1].revents) {
			input = pass_input(fd);
			ret = input < 0;
		}
	}
	if (fd >= 0)
		close(fd);
	return ret;
}
