/* SPDX-License-Identifier: MIT */
/* The socket outlives the machine, so that clients find it during a reboot too. */
#include "cmd/run_vsock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "dev/vsock.h"

const struct opt run_vsock_keys[] = {
	{.name = "cid",
	 .kind = OPT_UINT,
	 .min = VSOCK_CID_MIN,
	 .max = UINT32_MAX - 1,
	 .offset = offsetof(struct run_vsock_options, cid)},
	{.name = "path",
	 .arg = "F",
	 .kind = OPT_STRING,
	 .offset = offsetof(struct run_vsock_options, path)},
	{0},
};

int run_vsock_parse(struct run_vsock_options *o, const char *label, char *value, struct err *e)
{
	int ret;

	*o = (struct run_vsock_options){.cid = VSOCK_CID_MIN};
	ret = opt_parse_list(run_vsock_keys, o, label, value, "path", e);
	if (ret)
		return ret;
	if (!o->path || !*o->path)
		return err_set(e, -EINVAL, "%sneeds the path of a socket: path=F", label);
	if (strlen(o->path) > VSOCK_PATH_MAX)
		return err_set(e, -EINVAL, "%spath=%s: at most %u bytes, so that _PORT fits too",
			       label, o->path, VSOCK_PATH_MAX);
	return 0;
}

int run_vsock_open(struct run_vsock *v, const struct run_vsock_options *o, struct machine_vsock *m,
		   struct err *e)
{
	int ret;

	if (!o->path)
		return 0;
	ret = unix_socket_open(&v->socket, SOCK_STREAM, "--vsock path=", o->path, e);
	if (ret)
		return ret;
	v->open = true;
	*m = (struct machine_vsock){.cid = o->cid, .path = o->path, .listener = v->socket.fd};
	return 0;
}

void run_vsock_close(struct run_vsock *v)
{
	if (v->open)
		unix_socket_close(&v->socket);
	v->open = false;
}
