/* SPDX-License-Identifier: MIT */
/*
 * A vhost-user back end that says and writes anything.
 *
 * The input is what the back end does: first its answers to the questions of the beginning, each as
 * it should be or raw bytes, then steps: words stored into the used ring, calls, bytes on the
 * socket, requests of the guest, a reset. Whatever it is: each request of the guest comes back at
 * most once with no more bytes than it had room for, a reset comes to its end, and nothing waits
 * for long: the back end's side of the socket is closed before we wait for it.
 */
#include <sys/mman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fd.h"
#include "base/loop.h"
#include "require.h"
#include "lib/guest_ring.h"
#include "remote/remote.h"
#include "remote/shadow.h"
#include "remote/vhost_user.h"
#include "virtio/vdev.h"

#define RAM      0x80000000ull
#define RAM_SIZE 0x20000ull
#define DATA     (RAM + 0x10000)
#define ROOM     0x400u /* bytes that a request has for its answer */
#define SIZE     16u
#define STEPS    64u
#define FDS      32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t left;
};

struct world {
	struct loop *loop;
	struct gmem *mem;
	struct vdev *dev;
	struct guest_ring ring;
	int fd; /* the back end's */
	int call_fd;
	uint8_t *used; /* the first queue's used ring, as the back end has it */
	unsigned in_flight;
	bool reset;
	bool proper; /* answers are as they should be */
};

static unsigned get8(struct script *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->p++;
}

static unsigned get16(struct script *s)
{
	unsigned low = get8(s);

	return low | get8(s) << 8;
}

/* ---- what the back end says ---- */

static void say(struct world *w, const void *buf, size_t len)
{
	if (len)
		(void)!send(w->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void say_raw(struct world *w, struct script *s)
{
	uint8_t bytes[64];
	unsigned n = get8(s) % sizeof(bytes);

	for (unsigned i = 0; i < n; i++)
		bytes[i] = (uint8_t)get8(s);
	say(w, bytes, n);
}

/* The answer to a question, with a payload that is as it should be, or raw bytes. */
static void answer(struct world *w, struct script *s, uint32_t request, const void *payload,
		   uint32_t len)
{
	const struct vu_header h = {
		.request = request, .flags = VU_VERSION | VU_REPLY, .size = len};

	if (!w->proper && get8(s) >= 0xe0) {
		say_raw(w, s);
		return;
	}
	say(w, &h, sizeof(h));
	say(w, payload, len);
}

static void answer_u64(struct world *w, struct script *s, uint32_t request, uint64_t v)
{
	answer(w, s, request, &v, sizeof(v));
}

static void answer_beginning(struct world *w, struct script *s)
{
	struct vu_config config = {.size = 60};
	unsigned wish = get8(s);
	uint64_t features = VIRTIO_F_VERSION_1 | BIT(9) | BIT(12);

	if (!(wish & 1))
		features |= VU_F_PROTOCOL_FEATURES;
	answer_u64(w, s, VU_GET_FEATURES, features);
	if (wish & 1)
		return;
	answer_u64(w, s, VU_GET_PROTOCOL_FEATURES, wish >> 1 | VU_PROTOCOL_F_CONFIG);
	if (wish >> 1 & VU_PROTOCOL_F_MQ)
		answer_u64(w, s, VU_GET_QUEUE_NUM, 1);
	answer(w, s, VU_GET_CONFIG, &config, offsetof(struct vu_config, bytes) + 60);
	if (wish >> 1 & VU_PROTOCOL_F_REPLY_ACK)
		answer_u64(w, s, VU_SET_MEM_TABLE, 0);
}

/* ---- what the back end hears ---- */

static void take_fd(struct world *w, uint32_t request, const uint8_t *payload, int fd)
{
	if (request == VU_SET_VRING_CALL && payload[0] == 0) {
		fd_close(&w->call_fd);
		w->call_fd = fd;
	} else {
		fd_close(&fd);
	}
}

/* Reads what we were told; descriptors come with the message whose first byte they arrive with. */
static void hear(struct world *w)
{
	uint8_t buf[1024];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FDS * sizeof(int))];
	} control;

	for (;;) {
		struct iovec iov = {.iov_base = buf, .iov_len = sizeof(struct vu_header)};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = &control,
				   .msg_controllen = sizeof(control)};
		struct vu_header h;
		struct cmsghdr *c;
		int fd[FDS];
		size_t n = 0;

		if (recvmsg(w->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(h))
			return;
		memcpy(&h, buf, sizeof(h));
		c = CMSG_FIRSTHDR(&m);
		if (c) {
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fd, CMSG_DATA(c), n * sizeof(int));
		}
		require(h.size <= sizeof(buf));
		if (h.size)
			require(recv(w->fd, buf, h.size, MSG_DONTWAIT) == (ssize_t)h.size);
		for (size_t i = 0; i < n; i++)
			take_fd(w, h.request, buf, fd[i]);
	}
}

/* ---- the guest ---- */

static void port_interrupt(void *port, unsigned queue)
{
}

static void port_nothing(void *port)
{
}

static const struct vdev_port_ops port_ops = {
	.interrupt = port_interrupt, .config_changed = port_nothing, .broken = port_nothing};

static void reset_done(void *arg)
{
	((struct world *)arg)->reset = true;
}

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 100 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

static void reap(struct world *w)
{
	uint32_t id, len;

	while (guest_ring_reap(&w->ring, &id, &len)) {
		require(w->in_flight-- > 0);
		require(len <= ROOM + 1);
	}
}

static void queue_start(struct world *w)
{
	struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};

	guest_ring_init(&w->ring, w->mem, RAM, SIZE, 0, false);
	setup.ring = (struct virtq_setup){.size = SIZE,
					  .desc = w->ring.desc,
					  .driver = w->ring.avail,
					  .device = w->ring.used};
	require(!vdev_set_features(w->dev, VIRTIO_F_VERSION_1));
	require(!vdev_queue_start(w->dev, 0, &setup));
	w->in_flight = 0;
	turn(w);
	hear(w);
}

static void request(struct world *w)
{
	const struct guest_part part[] = {{.gpa = DATA, .len = 16},
					  {.gpa = DATA + 64, .len = ROOM, .write = true},
					  {.gpa = DATA + 32, .len = 1, .write = true}};

	if (guest_ring_add(&w->ring, part, 3, 0, 0) < 0)
		return;
	w->in_flight++;
	if (guest_ring_publish(&w->ring))
		vdev_kick(w->dev, 0);
}

/* The answer to a stop has to be there before it is asked for; then nothing more is said. */
static void reset(struct world *w, struct script *s)
{
	const struct vu_vring_state state = {.index = get8(s) & 1};

	answer(w, s, VU_GET_VRING_BASE, &state, sizeof(state));
	w->reset = false;
	vdev_reset(w->dev, reset_done, w);
	turn(w);
	if (!w->reset) {
		(void)shutdown(w->fd, SHUT_WR);
		turn(w);
	}
	require(w->reset);
	hear(w);
	guest_ring_fini(&w->ring);
}

static void run(struct world *w, struct script *s)
{
	queue_start(w);
	for (unsigned i = 0; i < STEPS && s->left; i++) {
		unsigned op = get8(s);

		switch (op % 8) {
		case 0:
		case 1: request(w); break;
		case 2:
		case 3: le32_store(w->used + 4 * (get8(s) % 64), get16(s)); break;
		case 4: le16_store(w->used + 2, (uint16_t)get8(s)); break;
		case 5: say_raw(w, s); break;
		case 6:
			reset(w, s);
			queue_start(w);
			break;
		default:
			if (w->call_fd >= 0)
				eventfd_raise(w->call_fd);
			break;
		}
		turn(w);
		reap(w);
		hear(w);
	}
	reset(w, s);
}

/* The back end's own mapping of the rings: the last of the two regions that it was given. */
static bool find_used(struct world *w)
{
	uint8_t buf[1024];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
	struct msghdr m;
	int fd[2] = {-1, -1};

	/* All messages of the beginning; the descriptors stop a read, so there are several. */
	for (;;) {
		struct cmsghdr *c;

		m = (struct msghdr){.msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control)};
		if (recvmsg(w->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
			break;
		c = CMSG_FIRSTHDR(&m);
		if (c && c->cmsg_len == CMSG_LEN(sizeof(fd)))
			memcpy(fd, CMSG_DATA(c), sizeof(fd));
	}
	fd_close(&fd[0]);
	if (fd[1] < 0)
		return false;
	w->used = mmap(NULL, SHADOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd[1], 0);
	fd_close(&fd[1]);
	require(w->used != MAP_FAILED);
	w->used += SHADOW_USED;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {.p = data, .left = size};
	struct world w = {.call_fd = -1};
	struct remote_config cfg = {.kind = REMOTE_BLK, .label = "fuzz"};
	int pair[2];

	require(!loop_new(&w.loop) && !gmem_new(&w.mem));
	require(!gmem_add_ram(w.mem, RAM, RAM_SIZE));
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	w.fd = pair[0];
	cfg.fd = pair[1];
	cfg.loop = w.loop;
	cfg.mem = w.mem;
	/* Either all is well in the beginning, or it ends there: a question without an answer must
	 * find the end, or we wait. */
	w.proper = get8(&s) & 1;
	answer_beginning(&w, &s);
	if (!w.proper)
		(void)shutdown(w.fd, SHUT_WR);
	w.proper = false;
	if (!remote_new(&cfg, &w.dev, NULL)) {
		require(find_used(&w));
		vdev_attach(w.dev, &port_ops, &w, w.loop, w.mem);
		run(&w, &s);
		vdev_free(w.dev);
		require(!munmap(w.used - SHADOW_USED, SHADOW_BYTES));
	}
	fd_close(&w.call_fd);
	fd_close(&w.fd);
	gmem_free(w.mem);
	loop_free(w.loop);
	return 0;
}
