/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thread: a message is read when all lines of the one before are with TCP. A slow reader
 * therefore leaves the messages in the kernel's queue of the device file, which takes all that
 * comes: the sensor is never held up, and it is Linux' memory that makes up for the difference.
 */
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"

#define QUIET_MS 5000 /* a sensor that is quiet for longer has stopped */
#define INDEX    4u   /* bytes of a message: the index of its first sample, and samples of two */
#define SAMPLES  ((CHANNEL_BYTES - INDEX) / 2)
#define LINE     24u

struct stream {
	int channel, to;
	uint32_t next;   /* index that a sample has which is neither lost nor doubled */
	unsigned waited; /* times that the reader was slow */
};

static int failed(const char *what)
{
	fprintf(stderr, "linnet-rpmsg: %s: %s\n", what, strerror(errno));
	return -1;
}

/* 0, or -1 after a message. */
static int parse_address(const char *text, struct sockaddr_in *out)
{
	char host[INET_ADDRSTRLEN + 8], *port, *end = "";
	unsigned long n = 0;

	snprintf(host, sizeof(host), "%s", text);
	port = strchr(host, ':');
	if (port) {
		*port++ = '\0';
		n = strtoul(port, &end, 10);
	}
	*out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)n)};
	if (inet_pton(AF_INET, host, &out->sin_addr) == 1 && !*end && n && n <= UINT16_MAX)
		return 0;
	fprintf(stderr, "linnet-rpmsg: %s: give ADDRESS:PORT, such as 10.0.2.2:5000\n", text);
	return -1;
}

static int connect_to(const char *to)
{
	struct sockaddr_in address;
	int fd;

	if (parse_address(to, &address))
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	failed(to);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int ready(int fd, short events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, ms);
}

static int send_lines(struct stream *s, const char *text, size_t len)
{
	ssize_t n;

	for (size_t at = 0; at < len; at += (size_t)n) {
		n = send(s->to, text + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			continue;
		if (errno != EAGAIN)
			return failed("sending");
		if (!s->waited++)
			puts("stream: the reader is slow, samples wait");
		ready(s->to, POLLOUT, -1);
		n = 0;
	}
	return 0;
}

static int pass_message(struct stream *s)
{
	uint8_t m[CHANNEL_BYTES];
	char lines[SAMPLES * LINE];
	size_t used = 0;
	uint32_t index;
	ssize_t len;

	if (ready(s->channel, POLLIN, QUIET_MS) <= 0) {
		fprintf(stderr, "linnet-rpmsg: sample %u does not come\n", s->next);
		return -1;
	}
	len = read(s->channel, m, sizeof(m));
	if (len < 0)
		return failed("reading");
	if (len < (ssize_t)INDEX)
		return 0;
	index = m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24;
	if (index != s->next) {
		fprintf(stderr, "linnet-rpmsg: sample %u came instead of %u\n", index, s->next);
		return -1;
	}
	for (ssize_t i = INDEX; i + 1 < len; i += 2)
		used += (size_t)snprintf(lines + used, LINE, "%u %u\n", s->next++,
					 m[i] | (unsigned)m[i + 1] << 8);
	return send_lines(s, lines, used);
}

static int pass_all(struct stream *s, uint32_t count)
{
	const uint8_t request[] = {(uint8_t)count, (uint8_t)(count >> 8), (uint8_t)(count >> 16),
				   (uint8_t)(count >> 24)};

	if (write(s->channel, request, sizeof(request)) != (ssize_t)sizeof(request))
		return failed("writing");
	while (s->next < count)
		if (pass_message(s))
			return -1;
	printf("stream: %u samples, none lost; waited %u times for the reader\n", s->next,
	       s->waited);
	return 0;
}

int stream_run(const char *channel, unsigned count, const char *to)
{
	struct stream s = {.channel = channel_open(channel, 0), .to = -1};
	int ret = 1;

	if (s.channel >= 0)
		s.to = connect_to(to);
	if (s.to >= 0)
		ret = pass_all(&s, count) ? 1 : 0;
	if (s.to >= 0)
		close(s.to);
	if (s.channel >= 0)
		close(s.channel);
	return ret;
}
