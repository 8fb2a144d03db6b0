/* SPDX-License-Identifier: MIT */
/*
 * A connection belongs to one machine: a reboot makes a new one, for which a shared folder gets a
 * new process and the others are connected to again.
 */
#include "cmd/run_remote.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "backend/net_pcap.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/unix_socket.h"
#include "cmd/run_net.h"
#include "cmd/virtiofsd.h"
#include "remote/remote.h"

#define DEFAULT_TAG "share"
#define TAG_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

#define AT(member) .offset = offsetof(struct run_remote_options, member)

const struct opt run_share_keys[] = {
	{.name = "dir", .arg = "DIR", .kind = OPT_STRING, AT(dir)},
	{.name = "tag", .kind = OPT_STRING, AT(tag)},
	{.name = "ro", .kind = OPT_BOOL, AT(read_only)},
	{0},
};

/* In the order of enum remote_kind. */
static const char *const kinds[] = {"fs", "blk", "net", NULL};

const struct opt run_vhost_user_keys[] = {
	{.name = "kind", .kind = OPT_CHOICE, .choices = kinds, AT(kind)},
	{.name = "socket", .arg = "F", .kind = OPT_STRING, AT(socket)},
	{.name = "tag", .kind = OPT_STRING, AT(tag)},
	{.name = "queues", .kind = OPT_UINT, .min = 1, .max = REMOTE_QUEUES_MAX, AT(queues)},
	{.name = "reconnect", .kind = OPT_BOOL, AT(reconnect)},
	{0},
};

/* ---- options ---- */

static int check_tag(const struct run_remotes_options *o, const char *label,
		     const struct run_remote_options *r, struct err *e)
{
	size_t len = strlen(r->tag);

	if (!len || len > REMOTE_TAG_MAX || strspn(r->tag, TAG_CHARS) != len || *r->tag == '.')
		return err_set(e, -EINVAL,
			       "%stag=%s: give 1 to %u letters, digits, '.', '_' or '-', no '.' "
			       "first; the guest mounts it at /%s",
			       label, r->tag, REMOTE_TAG_MAX, DEFAULT_TAG);
	for (unsigned i = 0; i < o->n; i++)
		if (o->remote[i].tag && !strcmp(o->remote[i].tag, r->tag))
			return err_set(e, -EINVAL,
				       "%stag=%s: another folder has this tag; give each its own, "
				       "tag=NAME",
				       label, r->tag);
	return 0;
}

static int add(struct run_remotes_options *o, const char *label, const struct run_remote_options *r,
	       struct err *e)
{
	int ret = r->tag ? check_tag(o, label, r, e) : 0;

	if (ret)
		return ret;
	if (o->n == RUN_MAX_REMOTES)
		return err_set(e, -EINVAL, "%s: at most %d of --share and --vhost-user together",
			       label, RUN_MAX_REMOTES);
	o->remote[o->n++] = *r;
	return 0;
}

int run_share_parse(struct run_remotes_options *o, const char *label, char *value, struct err *e)
{
	struct run_remote_options r = {.kind = REMOTE_FS, .tag = DEFAULT_TAG};
	int ret = opt_parse_list(run_share_keys, &r, label, value, "dir", e);

	if (ret)
		return ret;
	if (!r.dir || !*r.dir)
		return err_set(e, -EINVAL, "%sneeds a directory: %sDIR", label, label);
	return add(o, label, &r, e);
}

int run_vhost_user_parse(struct run_remotes_options *o, const char *label, char *value,
			 struct err *e)
{
	struct run_remote_options r = {.kind = ARRAY_SIZE(kinds)};
	int ret = opt_parse_list(run_vhost_user_keys, &r, label, value, NULL, e);

	if (ret)
		return ret;
	if (r.kind == ARRAY_SIZE(kinds))
		return err_set(e, -EINVAL, "%sneeds the kind of device: kind=fs, blk or net",
			       label);
	if (!r.socket || !*r.socket)
		return err_set(e, -EINVAL, "%sneeds the back end's socket: socket=PATH", label);
	if (strlen(r.socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(e, -EINVAL, "%ssocket=%s: too long for the path of a socket", label,
			       r.socket);
	if (r.tag && r.kind != REMOTE_FS)
		return err_set(e, -EINVAL, "%stag=%s: only kind=fs has a tag", label, r.tag);
	if (r.queues && r.kind != REMOTE_BLK)
		return err_set(e, -EINVAL, "%squeues=%u: only kind=blk can have more queues", label,
			       r.queues);
	if (r.reconnect && r.kind == REMOTE_FS)
		return err_set(e, -EINVAL,
			       "%sreconnect=on: another back end would not know what the guest has "
			       "open; only for kind=blk and net",
			       label);
	if (r.kind == REMOTE_FS && !r.tag)
		r.tag = DEFAULT_TAG;
	return add(o, label, &r, e);
}

const char *run_share_place(const struct run_remotes_options *o, char room[REMOTE_TAG_MAX + 2])
{
	for (unsigned i = 0; i < o->n; i++) {
		if (!o->remote[i].dir)
			continue;
		(void)snprintf(room, REMOTE_TAG_MAX + 2, "/%s", o->remote[i].tag);
		return room;
	}
	return NULL;
}

/* ---- back ends ---- */

struct run_remote {
	struct virtiofsd *virtiofsd; /* NULL: the back end is somebody else's */
	const char *socket;
	const char *cure; /* what to do when nobody listens there */
	char *label;
};

/* Waits for nobody, since it is called under a running machine too. */
static int connect_to(const struct run_remote *r, int *fd, struct err *e)
{
	*fd = unix_socket_connect(r->socket, SOCK_STREAM | SOCK_NONBLOCK);
	return *fd < 0 ? err_set(e, *fd, "%s: %s; %s", r->label, strerror(-*fd), r->cure) : 0;
}

static int remote_connect(void *arg, int *fd, struct err *e)
{
	struct run_remote *r = arg;

	return r->virtiofsd ? virtiofsd_connect(r->virtiofsd, fd, e) : connect_to(r, fd, e);
}

/* The next one; its label is that and `what`. NULL: out of memory. */
static struct run_remote *add_one(struct run_remotes *rs, const char *label, const char *what)
{
	struct run_remote *r = &rs->remote[rs->n++];

	if (asprintf(&r->label, "%s%s", label, what) < 0)
		r->label = NULL;
	return r->label ? r : NULL;
}

static int open_one(struct run_remotes *rs, const struct run_remote_options *o, struct loop *loop,
		    struct machine_remote *m, struct err *e)
{
	struct run_remote *r = add_one(
		rs, o->dir ? "--share " : "--vhost-user socket=", o->dir ? o->dir : o->socket);

	if (!r)
		return err_set(e, -ENOMEM, "out of memory");
	r->socket = o->socket;
	r->cure = "start the back end first";
	*m = (struct machine_remote){.kind = o->kind,
				     .label = r->label,
				     .tag = o->tag,
				     .n_queues = o->queues,
				     .connect = remote_connect,
				     .comes_back = o->reconnect,
				     .arg = r};
	if (o->dir) {
		const struct virtiofsd_config cfg = {
			.dir = o->dir, .read_only = o->read_only, .label = r->label, .loop = loop};

		return virtiofsd_new(&cfg, &r->virtiofsd, e);
	}
	return 0;
}

static void record(void *arg, const struct iovec *iov, unsigned n)
{
	net_pcap_record(arg, iov, n);
}

static int open_switch(struct run_remotes *rs, const struct run_net *net, struct loop *loop,
		       struct machine_remote *m, struct err *e)
{
	int ret = net->pcap ? net_pcap_open(net->pcap, loop, &rs->pcap, e) : 0;
	struct run_remote *r = add_one(rs, "--net switch=", net->path);

	if (ret)
		return ret;
	if (!r)
		return err_set(e, -ENOMEM, "out of memory");
	r->socket = net->path;
	r->cure = "start: linnet switch PATH";
	*m = (struct machine_remote){.kind = REMOTE_NET,
				     .label = r->label,
				     .mtu = net->mtu,
				     .speed = net->speed,
				     .connect = remote_connect,
				     .comes_back = true,
				     .arg = r,
				     .record = net->pcap ? record : NULL,
				     .record_arg = rs->pcap};
	return run_net_address(net, m->mac, e);
}

int run_remotes_open(struct run_remotes *r, const struct run_remotes_options *o,
		     const struct run_net *net, struct loop *loop, struct machine_config *c,
		     struct err *e)
{
	int ret = 0;

	r->remote = calloc(MACHINE_MAX_REMOTES, sizeof(*r->remote));
	if (!r->remote)
		return err_set(e, -ENOMEM, "out of memory");
	if (net->kind == RUN_NET_SWITCH) /* first, so that it is net0 */
		ret = open_switch(r, net, loop, &c->remote[c->n_remotes++], e);
	for (unsigned i = 0; i < o->n && !ret; i++) {
		struct machine_remote *m = &c->remote[c->n_remotes++];

		ret = open_one(r, &o->remote[i], loop, m, e);
		/* Beside the network of our own, which ends in :56. */
		memcpy(m->mac, (uint8_t[]){0x52, 0x54, 0, 0x12, 0x35, (uint8_t)i}, 6);
	}
	return ret;
}

void run_remotes_listen(struct run_remotes *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->remote[i].virtiofsd)
			virtiofsd_listen(r->remote[i].virtiofsd);
}

void run_remotes_close(struct run_remotes *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		virtiofsd_free(r->remote[i].virtiofsd);
		free(r->remote[i].label);
	}
	free(r->remote);
	if (r->pcap)
		net_pcap_close(r->pcap);
	*r = (struct run_remotes){0};
}
