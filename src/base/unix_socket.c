/* SPDX-License-Identifier: MIT */
/*
 * A file is left behind by a process that was killed. Whether somebody listens only connecting
 * tells: if nobody does, the file is removed and made anew. Two that find the same stale file at
 * the same moment may both get here; the later one then has the path, and the other one sees at
 * its end that the file is not its own.
 *
 * The mode is set on the socket before it has a name (Linux gives it to the file), so that at no
 * time anybody else can connect.
 */
#include "base/unix_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"

#define BACKLOG 64

static int make_address(const char *path, struct sockaddr_un *a)
{
	size_t len = strlen(path);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memcpy(a->sun_path, path, len + 1);
	return 0;
}

int unix_socket_connect(const char *path, int type)
{
	struct sockaddr_un a;
	int ret = make_address(path, &a);
	int fd;

	if (ret)
		return ret;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* Makes way for a new socket at the path, which is taken. 0, or -errno with the message in e. */
static int clear_path(int type, const char *label, const char *path, struct err *e)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(e, -EADDRINUSE,
			       "%s%s: there is a file that is no socket; remove it or give another "
			       "path",
			       label, path);
	/* Who listens but accepts nobody (-EAGAIN) shall not hang us. */
	fd = unix_socket_connect(path, type | SOCK_NONBLOCK);
	if (fd >= 0 || fd == -EAGAIN) {
		if (fd >= 0)
			close(fd);
		return err_set(e, -EADDRINUSE,
			       "%s%s: another process listens there; end it or give another path",
			       label, path);
	}
	if (fd != -ECONNREFUSED && fd != -ENOENT)
		return err_set(e, fd, "%s%s: %s", label, path, strerror(-fd));
	if (unlink(path) && errno != ENOENT)
		return err_set(e, -errno, "%s%s: cannot remove what a killed process has left: %s",
			       label, path, strerror(errno));
	return 0;
}

static int bind_path(int fd, const struct sockaddr_un *a)
{
	return bind(fd, (const struct sockaddr *)a, sizeof(*a)) ? -errno : 0;
}

int unix_socket_open(struct unix_socket *s, int type, const char *label, const char *path,
		     struct err *e)
{
	struct sockaddr_un a;
	struct stat st;
	int fd, ret = make_address(path, &a);

	s->fd = -1;
	if (ret)
		return err_set(e, ret, "%s%s: longer than %zu bytes; give a shorter path", label,
			       path, sizeof(a.sun_path) - 1);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || fchmod(fd, 0600)) {
		ret = err_set(e, -errno, "%s%s: no socket: %s", label, path, strerror(errno));
		goto fail;
	}
	ret = bind_path(fd, &a);
	if (ret == -EADDRINUSE) {
		ret = clear_path(type, label, path, e);
		if (ret)
			goto fail;
		ret = bind_path(fd, &a);
	}
	if (!ret && (listen(fd, BACKLOG) || lstat(path, &st)))
		ret = -errno;
	if (ret) {
		err_set(e, ret, "%s%s: %s", label, path, strerror(-ret));
		goto fail;
	}
	*s = (struct unix_socket){.fd = fd, .dev = st.st_dev, .ino = st.st_ino};
	memcpy(s->path, a.sun_path, sizeof(s->path));
	return 0;
fail:
	fd_close(&fd);
	return ret;
}

void unix_socket_close(struct unix_socket *s)
{
	struct stat st;

	if (s->fd < 0)
		return;
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
	fd_close(&s->fd);
}
