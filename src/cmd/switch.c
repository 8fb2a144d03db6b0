/* SPDX-License-Identifier: MIT */
/*
 * The switch is a process of its own: it outlives each guest on it, and what a guest's process does
 * wrong is not done in it. A line on standard output says that it serves; SIGINT, SIGTERM or SIGHUP
 * end it.
 */
#include "cmd/switch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/net.h"
#include "backend/net_tap.h"
#include "backend/vswitch.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/sig.h"
#include "base/unix_socket.h"
#include "cmd/switch_guests.h"

struct switch_options {
	const char *uplink;
	bool verbose;
};

#define AT(member) .offset = offsetof(struct switch_options, member)

static const struct opt table[] = {
	{.help = "Options"},
	{.name = "uplink",
	 .arg = "IFNAME",
	 .kind = OPT_STRING,
	 AT(uplink),
	 .help = "a TAP device of the host, which is one more port"},
	{.name = "verbose",
	 .letter = 'v',
	 .kind = OPT_FLAG,
	 AT(verbose),
	 .help = "say at the end what there was"},
	{0},
};

static void on_signal(void *arg, int signo)
{
	if (signo != SIGWINCH)
		loop_stop(arg);
}

static unsigned long long read_counter(const struct counter *c)
{
	return counter_read(c);
}

static void report(const struct vswitch *s, const struct switch_guests *g)
{
	const struct vswitch_stats *n = vswitch_stats(s);
	const struct switch_guests_stats *c = switch_guests_stats(g);

	fprintf(stderr,
		"linnet switch: %llu frames, %llu flooded, %llu waited, %llu finished, "
		"%llu dropped, %llu bad; %llu connections, %llu refused\n",
		read_counter(&n->frames), read_counter(&n->flooded), read_counter(&n->waited),
		read_counter(&n->made), read_counter(&n->dropped), read_counter(&n->bad),
		read_counter(&c->came), read_counter(&c->refused));
}

static int serve(const struct switch_options *o, struct loop *loop, int fd, struct net *uplink,
		 const char *path, struct err *e)
{
	struct switch_guests *g = NULL;
	struct vswitch *s = NULL;
	int ret = vswitch_new(loop, uplink, &s);

	if (!ret)
		ret = switch_guests_new(loop, fd, s, &g);
	if (ret) {
		(void)err_set(e, ret, "cannot serve: %s", strerror(-ret));
		goto out;
	}
	printf("a switch at %s\n", path);
	if (fflush(stdout))
		fprintf(stderr, "linnet switch: standard output: %s\n", strerror(errno));
	ret = loop_run(loop);
	if (ret)
		(void)err_set(e, ret, "waiting: %s", strerror(-ret));
	if (o->verbose)
		report(s, g);
out:
	switch_guests_free(g);
	vswitch_free(s);
	return ret;
}

static int run(const struct switch_options *o, const char *path, struct err *e)
{
	struct unix_socket socket = {.fd = -1};
	struct net *uplink = NULL;
	struct loop *loop;
	int ret = loop_new(&loop);

	if (ret)
		return err_set(e, ret, "no event loop: %s", strerror(-ret));
	ret = sig_init(loop, on_signal, loop);
	if (ret)
		(void)err_set(e, ret, "no signals: %s", strerror(-ret));
	if (!ret && o->uplink)
		ret = net_tap_open(o->uplink, 1, &uplink, e);
	if (!ret)
		ret = unix_socket_open(&socket, SOCK_STREAM, "", path, e);
	if (!ret)
		ret = serve(o, loop, socket.fd, uplink, path, e);
	unix_socket_close(&socket);
	if (uplink)
		uplink->ops->free(uplink);
	sig_fini();
	loop_free(loop);
	return ret;
}

static int cmd_switch(int argc, char **argv)
{
	struct switch_options o = {0};
	struct err e = {0};
	int used, status;

	if (!command_parse(&switch_command, &o, argc, argv, &used, &status))
		return status;
	if (argc - used != 1) {
		fprintf(stderr, "linnet switch: give one path; see linnet switch --help\n");
		return 2;
	}
	if (!run(&o, argv[used], &e))
		return 0;
	fprintf(stderr, "linnet switch: %s\n", e.text);
	return 1;
}

const struct command switch_command = {
	.name = "switch",
	.help = "a network for guests of several processes",
	.run = cmd_switch,
	.usage = "[OPTIONS] PATH",
	.about = "Serves a learning switch at the socket PATH, for guests that are started by\n"
		 "`linnet run --net switch=PATH`, and others with a vhost-user network card, as\n"
		 "QEMU's. It is this user's alone, and ends by SIGINT or SIGTERM; guests may come\n"
		 "and go.",
	.options = table,
};
