/* SPDX-License-Identifier: MIT */
/* Whether anybody listens at a path is found out by connecting to it. */
#include "base/unix_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

static int make(const char *path, struct sockaddr_un *a, int *fd)
{
	size_t len = strlen(path);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memcpy(a->sun_path, path, len);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return *fd < 0 ? -errno : 0;
}

int unix_socket_connect(const char *path, int *fd)
{
	struct sockaddr_un a;
	int ret = make(path, &a, fd);

	if (!ret && connect(*fd, (const struct sockaddr *)&a, sizeof(a))) {
		ret = -errno;
		fd_close(fd);
	}
	return ret;
}

static bool is_left_over(const char *path)
{
	struct stat st;
	int fd, ret;

	if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	ret = unix_socket_connect(path, &fd);
	if (!ret)
		fd_close(&fd);
	return ret == -ECONNREFUSED;
}

static int bind_to(int fd, const struct sockaddr_un *a)
{
	return bind(fd, (const struct sockaddr *)a, sizeof(*a)) ? -errno : 0;
}

int unix_socket_listen(const char *path, int backlog, int *fd)
{
	struct sockaddr_un a;
	int ret = make(path, &a, fd);

	if (ret)
		return ret;
	ret = bind_to(*fd, &a);
	if (ret == -EADDRINUSE && is_left_over(path) && !unlink(path))
		ret = bind_to(*fd, &a);
	if (ret) {
		fd_close(fd);
		return ret;
	}
	/* Before anybody can connect. */
	if (chmod(path, 0600) || listen(*fd, backlog)) {
		ret = -errno;
		(void)unlink(path);
		fd_close(fd);
	}
	return ret;
}
