/* SPDX-License-Identifier: MIT */
/*
 * Descriptors are SCM_RIGHTS in the control part of a message. The kernel installs as many as our
 * room holds and says that there were more (MSG_CTRUNC), which no peer of ours may send.
 */
#include "base/fd_pass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
};

ssize_t fd_pass_send(int fd, const struct iovec *iov, unsigned n, const int *fds, unsigned n_fds)
{
	union {
		const struct iovec *in;
		struct iovec *out;
	} v = {.in = iov};
	struct msghdr m = {.msg_iov = v.out, .msg_iovlen = n};
	union control control = {0};
	ssize_t ret;

	assert(n_fds <= FD_PASS_MAX);
	if (n_fds) {
		size_t bytes = n_fds * sizeof(int);

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(bytes);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(&control.head), fds, bytes);
	}
	do
		ret = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/* Takes the descriptors of one control header: whether all had room. */
static bool take(const struct cmsghdr *h, int *fds, unsigned max, unsigned *n_fds)
{
	size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fits = true;
	int fd;

	for (size_t i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd), sizeof(fd));
		if (*n_fds < max) {
			fds[(*n_fds)++] = fd;
		} else {
			fd_close(&fd);
			fits = false;
		}
	}
	return fits;
}

ssize_t fd_pass_recv(int fd, void *buf, size_t len, int *fds, unsigned max, unsigned *n_fds)
{
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	union control control;
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	bool fits = true;
	ssize_t ret;

	do
		ret = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			fits &= take(h, fds, max, n_fds);
	return fits && !(m.msg_flags & MSG_CTRUNC) ? ret : -EPROTO;
}
