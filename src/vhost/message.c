/* SPDX-License-Identifier: MIT */
/* First the header, then as much as it announces: never more, since that is of the next message. */
#include "vhost/message.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/fd_pass.h"

int vhost_message_read(int fd, struct vhost_message *m)
{
	size_t end = sizeof(m->header);

	for (;;) {
		uint8_t *to = (uint8_t *)&m->header + m->have;
		ssize_t n;

		if (m->have >= sizeof(m->header)) {
			if ((m->header.flags & (VU_VERSION_MASK | VU_REPLY)) != VU_VERSION ||
			    m->header.size > sizeof(m->payload))
				return -EPROTO;
			end = sizeof(m->header) + m->header.size;
			to = (uint8_t *)&m->payload + (m->have - sizeof(m->header));
		}
		if (m->have == end)
			return 1;
		n = fd_pass_recv(fd, to, end - m->have, m->fd, VU_REGIONS_MAX, &m->n_fds);
		if (n == -EAGAIN)
			return 0;
		if (n <= 0)
			return n ? (int)n : -ECONNRESET;
		m->have += (size_t)n;
	}
}

void vhost_message_done(struct vhost_message *m)
{
	for (unsigned i = 0; i < m->n_fds; i++)
		fd_close(&m->fd[i]);
	memset(m, 0, sizeof(*m));
}

int vhost_message_take_fd(struct vhost_message *m)
{
	for (unsigned i = 0; i < m->n_fds; i++) {
		int fd = m->fd[i];

		m->fd[i] = -1;
		if (fd >= 0)
			return fd;
	}
	return -1;
}

int vhost_message_reply(int fd, const struct vhost_message *m, const void *payload, uint32_t len)
{
	struct vu_header h = {
		.request = m->header.request, .flags = VU_VERSION | VU_REPLY, .size = len};
	const struct iovec iov[2] = {{.iov_base = &h, .iov_len = sizeof(h)},
				     {.iov_base = (void *)(uintptr_t)payload, .iov_len = len}};
	ssize_t n = fd_pass_send(fd, iov, 2, NULL, 0);

	if (n < 0)
		return (int)n;
	return (size_t)n == sizeof(h) + len ? 0 : -ENOBUFS;
}
