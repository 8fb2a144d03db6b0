/* SPDX-License-Identifier: MIT */
/*
 * The listening socket is watched only while there is no client; meanwhile the kernel's queue keeps
 * those who connect.
 *
 * Of a run that was killed the socket's file is left. Connecting tells: nobody answers there.
 */
#include "backend/chr_unix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/chr_client.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"

struct chr_unix {
	struct chr_client client;
	struct loop_fd listener;
	struct sockaddr_un addr;
	bool bound; /* the file is ours */
	int fd;     /* of the client */
};

static void client_gone(struct chr_client *c)
{
	struct chr_unix *u = container_of(c, struct chr_unix, client);

	fd_close(&u->fd);
	loop_fd_set(&u->listener, EPOLLIN);
}

static void on_connect(struct loop_fd *w, uint32_t events)
{
	struct chr_unix *u = w->arg;

	u->fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (u->fd < 0)
		return;
	if (chr_client_begin(&u->client, u->fd))
		fd_close(&u->fd);
	else
		loop_fd_set(w, 0);
}

static void unix_free(struct chr *chr)
{
	struct chr_unix *u = container_of(chr, struct chr_unix, client.chr);

	chr_client_fini(&u->client);
	loop_fd_del(&u->listener);
	fd_close(&u->listener.fd);
	fd_close(&u->fd);
	if (u->bound)
		unlink(u->addr.sun_path);
	free(u);
}

static const struct chr_ops unix_ops = {
	.write = chr_client_write,
	.want_input = chr_client_want_input,
	.flush = chr_client_flush,
	.free = unix_free,
};

/* Whether the file at the address is a socket that nobody listens at. */
static bool is_left_over(const struct sockaddr_un *addr)
{
	struct stat st;
	bool dead;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	dead = fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
	       errno == ECONNREFUSED;
	fd_close(&fd);
	return dead;
}

static int bind_address(struct chr_unix *u)
{
	const struct sockaddr *addr = (const struct sockaddr *)&u->addr;
	int ret = bind(u->listener.fd, addr, sizeof(u->addr)) ? -errno : 0;

	if (ret == -EADDRINUSE && is_left_over(&u->addr) && !unlink(u->addr.sun_path))
		ret = bind(u->listener.fd, addr, sizeof(u->addr)) ? -errno : 0;
	u->bound = !ret;
	return ret;
}

static int listen_at(struct chr_unix *u, struct loop *loop)
{
	int ret;

	u->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->listener.fd < 0)
		return -errno;
	ret = bind_address(u);
	if (ret)
		return ret;
	/* Before anybody can connect. */
	if (chmod(u->addr.sun_path, 0600) || listen(u->listener.fd, 1))
		return -errno;
	return loop_fd_add(loop, &u->listener);
}

int chr_unix_new(struct loop *loop, const char *label, const char *path, struct chr **out,
		 struct err *e)
{
	struct chr_unix *u;
	int ret;

	if (strlen(path) >= sizeof(u->addr.sun_path))
		return err_set(e, -ENAMETOOLONG, "%s%s: a socket's path has at most %zu bytes",
			       label, path, sizeof(u->addr.sun_path) - 1);
	u = calloc(1, sizeof(*u));
	if (!u)
		return err_set(e, -ENOMEM, "%s%s: out of memory", label, path);
	chr_client_init(&u->client, loop, &unix_ops, client_gone);
	u->fd = -1;
	u->listener = (struct loop_fd){.fn = on_connect, .arg = u, .fd = -1, .events = EPOLLIN};
	u->addr.sun_family = AF_UNIX;
	memcpy(u->addr.sun_path, path, strlen(path) + 1);
	ret = listen_at(u, loop);
	if (ret) {
		unix_free(&u->client.chr);
		if (ret == -EADDRINUSE)
			return err_set(e, ret,
				       "%s%s: is there already, and in use or no socket; choose "
				       "another path",
				       label, path);
		return err_set(e, ret, "%s%s: %s", label, path, strerror(-ret));
	}
	*out = &u->client.chr;
	return 0;
}
