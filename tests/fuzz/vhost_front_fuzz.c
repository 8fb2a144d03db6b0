/* SPDX-License-Identifier: MIT */
/*
 * A vhost-user front end that says and writes anything, to a network card on a switch, with an
 * honest guest at another place of it, for whom all frames have to be finished.
 *
 * The input is a script: messages of the protocol as they should be, with numbers of the script's;
 * raw messages; memory tables; bytes into the memory that was given, which holds rings and frames;
 * kicks; frames of the honest guest. Whatever it is: nothing is touched outside of that memory, the
 * honest guest's frames cross, the device comes to a standstill at the end, and no descriptor stays
 * open.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net.h"
#include "backend/vswitch.h"
#include "base/bits.h"
#include "base/fd.h"
#include "base/fd_pass.h"
#include "base/loop.h"
#include "dev/net.h"
#include "mem/gmem.h"
#include "remote/vhost_user.h"
#include "require.h"
#include "vhost/vhost.h"
#include "virtio/vdev.h"

#define RAM      0x80000000ull
#define RAM_SIZE 0x10000ull
#define STEPS    128u
#define FRAME    60u
#define MESSAGES (STEPS * 6) /* at most: say_ring() says six in one step */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t left;
};

struct world {
	struct loop *loop;
	struct vswitch *s;
	struct net *place, *honest;
	struct net_queue *honest_q;
	unsigned n_honest; /* frames that it got */
	struct vdev *dev;
	struct vhost *v;
	struct gmem *mem; /* the front end's */
	int fd, eventfd;
	bool ended;
};

static unsigned get8(struct script *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->p++;
}

static uint64_t get(struct script *s, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)get8(s) << 8 * i;
	return v;
}

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 200 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

/* ---- the other sides ---- */

static bool honest_recv(void *user, const struct iovec *iov, unsigned n)
{
	((struct world *)user)->n_honest++;
	return true;
}

static const struct net_user_ops honest_ops = {.recv = honest_recv};

static void on_end(void *arg, const char *why)
{
	struct world *w = arg;

	require(!w->ended);
	w->ended = true;
	vhost_free(w->v);
}

static int on_mtu(void *arg, uint16_t mtu)
{
	return netdev_set_mtu(((struct world *)arg)->dev, mtu);
}

static const struct vhost_ops ops = {.ended = on_end, .set_mtu = on_mtu};

/* ---- what the front end does ---- */

static void say(struct world *w, uint32_t request, uint32_t flags, const void *payload,
		uint32_t len, const int *fds, unsigned n_fds)
{
	struct vu_header h = {.request = request, .flags = flags, .size = len};
	const struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)(uintptr_t)payload, len}};
	uint8_t replies[4096];

	(void)fd_pass_send(w->fd, iov, 2, fds, n_fds);
	while (recv(w->fd, replies, sizeof(replies), MSG_DONTWAIT) > 0)
		continue;
}

/* An address within its memory, mostly. */
static uint64_t address(struct script *s)
{
	uint64_t v = get(s, 2);

	return v & 1 ? RAM + (v & 0xfff0) : RAM + (v & 0xfffc) * 16;
}

static void say_table(struct world *w, struct script *s)
{
	struct vu_memory m = {.n = get8(s) % (VU_REGIONS_MAX + 1)};
	int fds[VU_REGIONS_MAX];
	bool proper = get8(s) & 1;

	if (proper)
		m.n = 1;
	for (unsigned i = 0; i < m.n; i++) {
		m.region[i] = (struct vu_region){RAM, RAM_SIZE, RAM, 0};
		if (!proper)
			m.region[i] = (struct vu_region){RAM + (get(s, 2) << 12), get(s, 2) << 8,
							 RAM + get(s, 3), get(s, 2) << 8};
		fds[i] = get8(s) == 0xee ? w->eventfd : w->mem->region[0].fd;
	}
	say(w, VU_SET_MEM_TABLE, VU_VERSION | (get8(s) & VU_NEED_REPLY), &m,
	    (uint32_t)(offsetof(struct vu_memory, region) + m.n * sizeof(m.region[0])), fds, m.n);
}

static void say_ring(struct world *w, struct script *s, uint32_t index)
{
	const struct vu_vring_state num = {index, 1u << get8(s) % 12}, base = {index, 0},
				    enable = {index, 1};
	struct vu_vring_addr a = {.index = index};
	const uint64_t number = index;

	a.desc = address(s);
	a.avail = address(s);
	a.used = address(s);
	say(w, VU_SET_VRING_NUM, VU_VERSION, &num, sizeof(num), NULL, 0);
	say(w, VU_SET_VRING_BASE, VU_VERSION, &base, sizeof(base), NULL, 0);
	say(w, VU_SET_VRING_ADDR, VU_VERSION, &a, sizeof(a), NULL, 0);
	say(w, VU_SET_VRING_CALL, VU_VERSION, &number, sizeof(number), &w->eventfd, 1);
	say(w, VU_SET_VRING_KICK, VU_VERSION, &number, sizeof(number), &w->eventfd, 1);
	say(w, VU_SET_VRING_ENABLE, VU_VERSION, &enable, sizeof(enable), NULL, 0);
}

static void say_features(struct world *w, struct script *s)
{
	uint64_t features = BIT(32) | VU_F_PROTOCOL_FEATURES, protocol = 0x219;
	unsigned wish = get8(s);

	features |= wish & 1 ? BIT(34) : 0; /* packed */
	features |= wish & 2 ? BIT(15) : 0; /* MRG_RXBUF */
	features |= wish & 4 ? BIT(28) | BIT(29) : 0;
	features |= wish & 8 ? BIT(0) | BIT(1) | BIT(7) | BIT(11) : 0;
	features |= wish & 16 ? get(s, 8) : 0;
	say(w, VU_SET_PROTOCOL_FEATURES, VU_VERSION, &protocol, sizeof(protocol), NULL, 0);
	say(w, VU_SET_FEATURES, VU_VERSION, &features, sizeof(features), NULL, 0);
}

static void say_raw(struct world *w, struct script *s)
{
	uint8_t payload[320];
	uint32_t request = get8(s), flags = get8(s), len = (uint32_t)get(s, 2) % sizeof(payload);
	unsigned n_fds = get8(s) % 10;
	int fds[10];

	for (unsigned i = 0; i < 10; i++)
		fds[i] = w->eventfd;
	for (uint32_t i = 0; i < len; i++)
		payload[i] = (uint8_t)get8(s);
	say(w, request, flags, payload, len, fds, n_fds);
}

static void store(struct world *w, struct script *s)
{
	uint8_t *ram = w->mem->region[0].host;
	uint64_t at = get(s, 2), n = get8(s) % 64;

	for (uint64_t i = 0; i < n; i++)
		ram[(at + i) % RAM_SIZE] = (uint8_t)get8(s);
}

static void honest_send(struct world *w)
{
	uint8_t frame[FRAME] = {[6] = 2};
	const struct iovec iov = {frame, sizeof(frame)};

	memset(frame, 0xff, 6);
	require(!w->honest_q->ops->send(w->honest_q, &iov, 1));
}

static void step(struct world *w, struct script *s)
{
	unsigned op = get8(s);

	switch (op % 8) {
	case 0: say_raw(w, s); break;
	case 1: say_table(w, s); break;
	case 2: say_ring(w, s, op >> 4 & 3); break;
	case 3: say_features(w, s); break;
	case 4:
	case 5: store(w, s); break;
	case 6: eventfd_raise(w->eventfd); break;
	default: honest_send(w); break;
	}
	if (op & 8)
		turn(w);
}

/* ---- life ---- */

static void begin(struct world *w)
{
	struct netdev_config card = {.data_only = true, .ring_size = 1024};
	struct vhost_config cfg = {.n_queues = 1, .has_config = true, .ops = &ops, .arg = w};
	int pair[2];

	require(!loop_new(&w->loop) && !gmem_new(&w->mem));
	require(!gmem_add_ram(w->mem, RAM, RAM_SIZE) && !eventfd_new(&w->eventfd));
	require(!vswitch_new(w->loop, NULL, &w->s));
	require(!vswitch_plug(w->s, &w->place) && !vswitch_plug(w->s, &w->honest));
	require(!w->honest->ops->open_queue(w->honest, w->loop, &honest_ops, w, &w->honest_q));
	w->honest_q->ops->want_recv(w->honest_q, true);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	w->fd = pair[0];
	card.net = w->place;
	card.loop = w->loop;
	require(!netdev_new(&card, &w->dev));
	vdev_offer_ring(w->dev, VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED);
	cfg.loop = w->loop;
	cfg.dev = w->dev;
	cfg.fd = pair[1];
	require(!vhost_new(&cfg, &w->v));
}

static void finish(struct world *w)
{
	int lowest;

	fd_close(&w->fd);
	for (unsigned i = 0; i <= MESSAGES && !w->ended; i++) /* a turn takes one message */
		(void)loop_turn(w->loop, 0);
	require(w->ended);
	honest_send(w);
	w->honest_q->ops->close(w->honest_q);
	w->honest->ops->free(w->honest);
	w->place->ops->free(w->place);
	vswitch_free(w->s);
	fd_close(&w->eventfd);
	gmem_free(w->mem);
	loop_free(w->loop);
	lowest = dup(0);
	require(lowest >= 0 && lowest < 64);
	fd_close(&lowest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {.p = data, .left = size};
	struct world w = {0};

	begin(&w);
	for (unsigned i = 0; i < STEPS && s.left; i++)
		step(&w, &s);
	turn(&w);
	finish(&w);
	return 0;
}
