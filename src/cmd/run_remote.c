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

#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
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
	if (o->n == MACHINE_MAX_REMOTES)
		return err_set(e, -EINVAL, "%s: at most %d of --share and --vhost-user together",
			       label, MACHINE_MAX_REMOTES);
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
	char *label;
};

static int connect_to(const struct run_remote *r, int *fd, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int ret;

	memcpy(a.sun_path, r->socket, strlen(r->socket));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && !connect(*fd, (struct sockaddr *)&a, sizeof(a)))
		return 0;
	ret = -errno;
	fd_close(fd);
	return err_set(e, ret, "%s: %s; start the back end first", r->label, strerror(-ret));
}

static int remote_connect(void *arg, int *fd, struct err *e)
{
	struct run_remote *r = arg;

	return r->virtiofsd ? virtiofsd_connect(r->virtiofsd, fd, e) : connect_to(r, fd, e);
}

static int open_one(struct run_remote *r, const struct run_remote_options *o, struct loop *loop,
		    struct machine_remote *m, struct err *e)
{
	int n = o->dir ? asprintf(&r->label, "--share %s", o->dir)
		       : asprintf(&r->label, "--vhost-user socket=%s", o->socket);

	if (n < 0) {
		r->label = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	r->socket = o->socket;
	*m = (struct machine_remote){.kind = o->kind,
				     .label = r->label,
				     .tag = o->tag,
				     .n_queues = o->queues,
				     .connect = remote_connect,
				     .arg = r};
	if (o->dir) {
		const struct virtiofsd_config cfg = {
			.dir = o->dir, .read_only = o->read_only, .label = r->label, .loop = loop};

		return virtiofsd_new(&cfg, &r->virtiofsd, e);
	}
	return 0;
}

int run_remotes_open(struct run_remotes *r, const struct run_remotes_options *o, struct loop *loop,
		     struct machine_config *c, struct err *e)
{
	int ret = 0;

	r->remote = calloc(MACHINE_MAX_REMOTES, sizeof(*r->remote));
	if (!r->remote)
		return err_set(e, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < o->n && !ret; i++) {
		r->n++;
		ret = open_one(&r->remote[i], &o->remote[i], loop, &c->remote[i], e);
		/* Beside the network of our own, which ends in :56. */
		memcpy(c->remote[i].mac, (uint8_t[]){0x52, 0x54, 0, 0x12, 0x35, (uint8_t)i}, 6);
	}
	c->n_remotes = o->n;
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
	*r = (struct run_remotes){0};
}
