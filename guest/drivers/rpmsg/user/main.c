/* SPDX-License-Identifier: GPL-2.0 */
/*
 * linnet-rpmsg: looks at RPMsg channels, tries them, and makes endpoints for others to use.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "console.h"
#include "pingpong.h"
#include "rtt.h"
#include "stream.h"

#define HOPS 32 /* of a ping-pong, unless told */

static const char usage_text[] =
	"usage: linnet-rpmsg list\n"
	"       linnet-rpmsg ping [-n COUNT] [-s SIZE[-SIZE]] CHANNEL\n"
	"       linnet-rpmsg flood [-n COUNT] [-s SIZE[-SIZE]] [-N] CHANNEL\n"
	"       linnet-rpmsg ping-pong [-n COUNT] CHANNEL\n"
	"       linnet-rpmsg console [-n COUNT] CHANNEL\n"
	"       linnet-rpmsg stream [-n COUNT] CHANNEL ADDRESS:PORT\n"
	"       linnet-rpmsg create NAME HERE THERE [GROUP]\n"
	"       linnet-rpmsg destroy FILE\n"
	"CHANNEL is a device file, such as /dev/rpmsg0, or the name of one's channel.\n"
	"-N: do not sleep for a buffer but try again. HERE and THERE: addresses, -1: any.\n";

static int usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

/* A number up to max; false: it is none. */
static int number(const char *text, unsigned min, unsigned max, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 0);

	*out = (unsigned)v;
	return end != text && !*end && v >= min && v <= max;
}

static int sizes(char *text, struct rtt_options *o)
{
	char *to = strchr(text, '-');

	if (to)
		*to++ = '\0';
	return number(text, 1, CHANNEL_BYTES, &o->size) &&
	       number(to ? to : text, o->size, CHANNEL_BYTES, &o->size_max);
}

static int with_channel(const char *verb, int argc, char **argv)
{
	struct rtt_options o = {.count = 1000, .size = 1, .size_max = CHANNEL_BYTES};
	int c, counted = 0, is_stream = !strcmp(verb, "stream");

	while ((c = getopt(argc, argv, "n:s:N")) != -1) {
		if (c == 'n' && !number(optarg, 1, 100000000, &o.count))
			return usage();
		if (c == 's' && !sizes(optarg, &o))
			return usage();
		if (c == '?')
			return usage();
		counted |= c == 'n';
		o.nonblock |= c == 'N';
	}
	if (optind + 1 + is_stream != argc)
		return usage();
	o.channel = argv[optind];
	if (!strcmp(verb, "ping"))
		return rtt_ping(&o);
	if (!strcmp(verb, "flood"))
		return rtt_flood(&o);
	if (is_stream)
		return stream_run(o.channel, o.count, argv[optind + 1]);
	if (!strcmp(verb, "ping-pong"))
		return pingpong_run(o.channel, counted ? o.count : HOPS);
	return console_run(o.channel, counted ? o.count : 0);
}

static int create(int argc, char **argv)
{
	char path[CHANNEL_PATH];

	if (argc < 4 || argc > 5)
		return usage();
	if (channel_create(argv[1], (uint32_t)strtol(argv[2], NULL, 0),
			   (uint32_t)strtol(argv[3], NULL, 0), argv[4], path))
		return 1;
	puts(path);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const with[] = {"ping", "flood", "ping-pong", "console", "stream"};
	const char *verb = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(verb, "list") && argc == 2)
		return channel_list();
	for (unsigned i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		if (!strcmp(verb, with[i]))
			return with_channel(verb, argc - 1, argv + 1);
	if (!strcmp(verb, "create"))
		return create(argc - 1, argv + 1);
	if (!strcmp(verb, "destroy") && argc == 3)
		return channel_destroy(argv[2]) ? 1 : 0;
	return usage();
}
