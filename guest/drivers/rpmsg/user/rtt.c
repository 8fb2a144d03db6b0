/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Each message is made out of its number, so that whoever reads it can tell whether it is the next
 * one, and whole.
 */
#include "rtt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static unsigned size_of(const struct rtt_options *o, unsigned n)
{
	return o->size + n % (o->size_max - o->size + 1);
}

static unsigned make_message(const struct rtt_options *o, unsigned n, uint8_t *out)
{
	unsigned len = size_of(o, n);

	for (unsigned i = 0; i < len; i++)
		out[i] = i < 4 ? (uint8_t)(n >> 8 * i) : (uint8_t)(n * 31 + i * 7);
	return len;
}

/* Waits for message n. */
static int expect_message(int fd, const struct rtt_options *o, unsigned n)
{
	uint8_t wanted[CHANNEL_BYTES], got[CHANNEL_BYTES + 1];
	unsigned len = make_message(o, n, wanted);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t came;

	if (poll(&p, 1, CHANNEL_PATIENCE_MS) <= 0) {
		fprintf(stderr, "linnet-rpmsg: no answer to message %u\n", n);
		return -1;
	}
	came = read(fd, got, sizeof(got));
	if (came < 0) {
		fprintf(stderr, "linnet-rpmsg: reading message %u: %s\n", n, strerror(errno));
		return -1;
	}
	if ((unsigned)came != len || memcmp(got, wanted, len)) {
		fprintf(stderr, "linnet-rpmsg: message %u came back with %zd bytes, changed\n", n,
			came);
		return -1;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int ping(int fd, const struct rtt_options *o, uint64_t *took)
{
	uint8_t message[CHANNEL_BYTES];

	for (unsigned n = 0; n < o->count; n++) {
		unsigned len = make_message(o, n, message);
		uint64_t begin = now_ns();

		if (write(fd, message, len) != (ssize_t)len) {
			fprintf(stderr, "linnet-rpmsg: writing message %u: %s\n", n,
				strerror(errno));
			return 1;
		}
		if (expect_message(fd, o, n))
			return 1;
		took[n] = now_ns() - begin;
	}
	qsort(took, o->count, sizeof(took[0]), compare);
	printf("ping: %u messages of %u to %u bytes came back whole; us: min %.1f p50 %.1f p99 "
	       "%.1f\n",
	       o->count, o->size, o->size_max, (double)took[0] / 1000,
	       (double)took[o->count / 2] / 1000, (double)took[o->count * 99ull / 100] / 1000);
	return 0;
}

int rtt_ping(const struct rtt_options *o)
{
	int fd = channel_open(o->channel, 0), ret = 1;
	uint64_t *took = calloc(o->count, sizeof(*took));

	if (fd >= 0 && took)
		ret = ping(fd, o, took);
	free(took);
	if (fd >= 0)
		close(fd);
	return ret;
}

struct flood {
	const struct rtt_options *o;
	int fd;
	unsigned refused; /* no buffer was free, without sleeping */
	int error;
};

static void *flood_write(void *arg)
{
	struct flood *f = arg;
	uint8_t message[CHANNEL_BYTES];

	for (unsigned n = 0; n < f->o->count && !f->error;) {
		unsigned len = make_message(f->o, n, message);

		if (write(f->fd, message, len) == (ssize_t)len) {
			n++;
		} else if (f->o->nonblock && (errno == ENOMEM || errno == EAGAIN)) {
			f->refused++;
			usleep(500);
		} else {
			f->error = errno;
		}
	}
	return NULL;
}

/* Whether a read of the empty channel says at once that it is. */
static bool says_empty(int fd)
{
	uint8_t got[CHANNEL_BYTES];
	ssize_t n = read(fd, got, sizeof(got));

	if (n < 0 && errno == EAGAIN)
		return true;
	fprintf(stderr, "linnet-rpmsg: the channel is not empty\n");
	return false;
}

int rtt_flood(const struct rtt_options *o)
{
	struct flood f = {.o = o, .fd = channel_open(o->channel, o->nonblock ? O_NONBLOCK : 0)};
	uint64_t begin = now_ns();
	pthread_t writer;
	double s;

	if (f.fd < 0)
		return 1;
	if ((o->nonblock && !says_empty(f.fd)) || pthread_create(&writer, NULL, flood_write, &f)) {
		close(f.fd);
		return 1;
	}
	for (unsigned n = 0; n < o->count; n++) {
		if (expect_message(f.fd, o, n)) {
			/* The writer may sleep for good: the end of the process ends it. */
			fprintf(stderr, "linnet-rpmsg: writing: %s\n", strerror(f.error));
			return 1;
		}
	}
	pthread_join(writer, NULL);
	close(f.fd);
	s = (double)(now_ns() - begin) / 1e9;
	printf("flood: %u messages came back whole, in order; %.0f a second\n", o->count,
	       o->count / s);
	if (o->nonblock)
		printf("flood: no buffer %s\n", f.refused ? "at times" : "ever missing");
	return 0;
}
