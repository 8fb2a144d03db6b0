/* SPDX-License-Identifier: MIT */
#include "front.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fd_pass.h"
#include "virtio/spec.h"

void front_turn(struct front *f)
{
	for (unsigned i = 0; i < 200 && loop_turn(f->loop, 0) > 0; i++)
		continue;
}

static void send_with(struct front *f, uint32_t request, uint32_t flags, const void *payload,
		      uint32_t len, const int *fds, unsigned n_fds)
{
	struct vu_header h = {.request = request, .flags = VU_VERSION | flags, .size = len};
	const struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)(uintptr_t)payload, len}};

	(void)fd_pass_send(f->fd, iov, 2, fds, n_fds);
	front_turn(f);
}

void front_say(struct front *f, uint32_t request, uint32_t flags, const void *payload, uint32_t len,
	       int fd)
{
	send_with(f, request, flags, payload, len, &fd, fd >= 0);
}

void front_u64(struct front *f, uint32_t request, uint64_t value, int fd)
{
	front_say(f, request, 0, &value, sizeof(value), fd);
}

void front_state(struct front *f, uint32_t request, uint32_t index, uint32_t num)
{
	const struct vu_vring_state s = {.index = index, .num = num};

	front_say(f, request, 0, &s, sizeof(s), -1);
}

int front_hear(struct front *f, uint32_t request, union vu_payload *p)
{
	struct vu_header h;
	ssize_t n = recv(f->fd, &h, sizeof(h), MSG_DONTWAIT);

	if (n != sizeof(h) || h.request != request || h.flags != (VU_VERSION | VU_REPLY) ||
	    h.size > sizeof(*p))
		return -1;
	return recv(f->fd, p, h.size, MSG_DONTWAIT) == (ssize_t)h.size ? (int)h.size : -1;
}

uint64_t front_ask(struct front *f, uint32_t request)
{
	union vu_payload p;

	front_say(f, request, 0, NULL, 0, -1);
	assert(front_hear(f, request, &p) == sizeof(p.u64));
	return p.u64;
}

bool front_is_closed(struct front *f)
{
	uint8_t byte;

	/* Reset: it has closed with bytes unread. */
	return recv(f->fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

void front_memory(struct front *f, uint32_t flags, const struct vu_region *r, uint32_t n, int fd)
{
	struct vu_memory m = {.n = n};
	int fds[VU_REGIONS_MAX];

	memcpy(m.region, r, n * sizeof(*r));
	for (uint32_t i = 0; i < n; i++)
		fds[i] = fd;
	send_with(f, VU_SET_MEM_TABLE, flags, &m,
		  (uint32_t)(offsetof(struct vu_memory, region) + n * sizeof(*r)), fds, n);
}

void front_give_memory(struct front *f)
{
	const struct vu_region r = {
		.guest_addr = FRONT_RAM, .size = FRONT_RAM_SIZE, .user_addr = FRONT_USER};

	front_memory(f, 0, &r, 1, f->mem->region[0].fd);
}

void front_begin(struct front *f, uint64_t features)
{
	(void)front_ask(f, VU_GET_FEATURES);
	front_say(f, VU_SET_OWNER, 0, NULL, 0, -1);
	front_u64(f, VU_SET_PROTOCOL_FEATURES, front_ask(f, VU_GET_PROTOCOL_FEATURES), -1);
	front_u64(f, VU_SET_FEATURES, features | VIRTIO_F_VERSION_1 | VU_F_PROTOCOL_FEATURES, -1);
	front_give_memory(f);
}

void front_ring(struct front *f, uint32_t index, uint32_t base)
{
	const struct vu_vring_addr a = {.index = index,
					.desc = f->ring.desc - FRONT_RAM + FRONT_USER,
					.avail = f->ring.avail - FRONT_RAM + FRONT_USER,
					.used = f->ring.used - FRONT_RAM + FRONT_USER};

	front_state(f, VU_SET_VRING_NUM, index, FRONT_SIZE);
	front_state(f, VU_SET_VRING_BASE, index, base);
	front_say(f, VU_SET_VRING_ADDR, 0, &a, sizeof(a), -1);
	front_u64(f, VU_SET_VRING_ERR, index, f->err_fd);
	front_u64(f, VU_SET_VRING_CALL, index, f->call_fd);
	front_u64(f, VU_SET_VRING_KICK, index, f->kick_fd);
	front_state(f, VU_SET_VRING_ENABLE, index, 1);
}

uint64_t front_raised(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

void front_init(struct front *f, struct loop *loop, int *fd)
{
	int pair[2];

	*f = (struct front){.loop = loop};
	assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	f->fd = pair[0];
	*fd = pair[1];
	assert(!gmem_new(&f->mem) && !gmem_add_ram(f->mem, FRONT_RAM, FRONT_RAM_SIZE));
	guest_ring_init(&f->ring, f->mem, FRONT_RAM, FRONT_SIZE, 0, false);
	assert(!eventfd_new(&f->kick_fd) && !eventfd_new(&f->call_fd) && !eventfd_new(&f->err_fd));
}

void front_fini(struct front *f)
{
	guest_ring_fini(&f->ring);
	gmem_free(f->mem);
	fd_close(&f->kick_fd);
	fd_close(&f->call_fd);
	fd_close(&f->err_fd);
	fd_close(&f->fd);
}
