/* SPDX-License-Identifier: MIT */
/*
 * One thread polls the socket, the kicks and its own wake-up. Rings are read by src/virtio's device
 * side out of a struct gmem that is filled in here, since its memory is another process's.
 */
#include "peer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fd.h"
#include "base/iov.h"

#define MAX_FDS 8

struct message {
	struct vu_header h;
	union vu_payload p;
	int fd[MAX_FDS];
	unsigned n_fds;
};

/* ---- messages ---- */

static bool receive(struct peer *p, struct message *m)
{
	struct iovec iov = {.iov_base = &m->h, .iov_len = sizeof(m->h)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c;

	memset(m, 0, sizeof(*m));
	if (recvmsg(p->fd, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL) != sizeof(m->h))
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c) {
		m->n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(m->fd, CMSG_DATA(c), m->n_fds * sizeof(int));
	}
	assert(m->h.size <= sizeof(m->p));
	return !m->h.size || recv(p->fd, &m->p, m->h.size, MSG_WAITALL) == (ssize_t)m->h.size;
}

static void hang_up(struct peer *p)
{
	(void)shutdown(p->fd, SHUT_RDWR);
}

static void send_with_fds(struct peer *p, const void *buf, size_t len)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fds[MAX_FDS];

	for (unsigned i = 0; i < MAX_FDS; i++)
		fds[i] = p->wake_fd;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	(void)sendmsg(p->fd, &msg, MSG_NOSIGNAL);
}

static void answer(struct peer *p, uint32_t request, const void *payload, uint32_t len)
{
	struct vu_header h = {.request = request, .flags = VU_VERSION | VU_REPLY, .size = len};
	uint8_t out[sizeof(h) + sizeof(union vu_payload) + 1] = {0};
	size_t total = sizeof(h) + len;
	union vu_payload body = {0};
	bool sins = p->when == request;

	memcpy(&body, payload, len);
	switch (sins ? p->sin : PEER_GOOD) {
	case PEER_DIES: hang_up(p); return;
	case PEER_SILENT: return;
	case PEER_SHORT: total -= len / 2; break;
	case PEER_LONG:
		h.size++;
		total++;
		break;
	case PEER_HUGE: h.size = UINT32_MAX; break;
	case PEER_WRONG_REQUEST: h.request++; break;
	case PEER_WRONG_VERSION: h.flags ^= VU_VERSION_MASK; break;
	case PEER_NO_REPLY_FLAG: h.flags &= ~VU_REPLY; break;
	case PEER_REFUSES: body.u64 = 1; break;
	case PEER_WRONG_VALUE:
		if (request == VU_GET_CONFIG)
			body.config.size--;
		else
			body.state.index++;
		break;
	default: break;
	}
	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), &body, len);
	if (sins && p->sin == PEER_FDS)
		send_with_fds(p, out, total);
	else
		(void)send(p->fd, out, total, MSG_NOSIGNAL);
	if (sins && p->sin == PEER_SHORT)
		hang_up(p);
}

static void answer_u64(struct peer *p, uint32_t request, uint64_t v)
{
	answer(p, request, &v, sizeof(v));
}

/* ---- the disk ---- */

static void touch_used(struct peer_queue *q, uint16_t idx, uint32_t id, uint32_t len)
{
	uint8_t *used = gmem_map(q->ring.mem, q->addr.used, 8);
	uint16_t at = le16_load(used + 2);

	le32_store(used + 4 + 8 * (size_t)(at % q->num), id);
	le32_store(used + 8 + 8 * (size_t)(at % q->num), len);
	__atomic_store_n((uint16_t *)(void *)(used + 2), (uint16_t)(at + idx), __ATOMIC_RELEASE);
}

/* Commits the sin on the chain; false: serve it as usual. */
static bool sin_against(struct peer *p, struct peer_queue *q, const struct virtq_chain *c)
{
	switch (p->sin) {
	case PEER_USED_ID: touch_used(q, 1, c->head + 1u, 0); return true;
	case PEER_USED_RANGE: touch_used(q, 1, 0x10000u | c->head, 0); return true;
	case PEER_USED_TWICE:
		touch_used(q, 1, c->head, 1);
		touch_used(q, 1, c->head, 1);
		return true;
	case PEER_USED_LEN: touch_used(q, 1, c->head, c->write_len + 1); return true;
	case PEER_USED_JUMP: touch_used(q, 30000, c->head, 0); return true;
	case PEER_UNASKED: answer_u64(p, VU_GET_FEATURES, 0); return false;
	case PEER_DIES_SERVING: hang_up(p); return true;
	default: return false;
	}
}

/* Type, sector, data, status: as far as the tests go. */
static uint32_t serve_chain(struct peer *p, const struct virtq_chain *c)
{
	const struct iovec *iov = virtq_chain_writable(c);
	uint32_t data = c->write_len - 1;
	uint8_t head[16], status = 0;
	uint64_t at;

	iov_to_buf(c->iov, c->n_read, 0, head, sizeof(head));
	at = le64_load(head + 8) * 512;
	assert(at <= sizeof(p->disk));
	if (le32_load(head) == 1)
		iov_to_buf(c->iov, c->n_read, 16, p->disk + at, c->read_len - 16);
	else
		iov_from_buf(iov, c->n_write, 0, p->disk + at, data);
	iov_from_buf(iov, c->n_write, data, &status, 1);
	return c->write_len;
}

static void serve(struct peer *p, struct peer_queue *q)
{
	while (q->started && !atomic_load(&p->holds) && virtq_pop(&q->ring, &p->chain) > 0) {
		if (sin_against(p, q, &p->chain)) {
			virtq_unpop(&q->ring, &p->chain);
			eventfd_raise(q->call_fd);
			q->started = false;
			return;
		}
		virtq_push(&q->ring, &p->chain, serve_chain(p, &p->chain));
		atomic_fetch_add(&p->n_served, 1);
		virtq_publish(&q->ring);
		if (virtq_wants_interrupt(&q->ring))
			eventfd_raise(q->call_fd);
	}
}

/* ---- requests ---- */

static void unmap(struct peer *p)
{
	for (unsigned i = 0; i < p->mem.n; i++)
		(void)munmap(p->mem.region[i].host, p->mem.region[i].size);
	for (unsigned i = 0; i < p->mem.n; i++)
		free(p->mem.region[i].code);
	p->mem.n = 0;
}

static void map(struct peer *p, const struct message *m)
{
	unmap(p);
	assert(m->n_fds == m->p.memory.n);
	for (unsigned i = 0; i < m->n_fds; i++) {
		const struct vu_region *r = &m->p.memory.region[i];
		struct gmem_region *g = &p->mem.region[i];

		*g = (struct gmem_region){.gpa = r->guest_addr, .size = r->size, .fd = -1};
		g->host = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd[i],
			       (off_t)r->offset);
		assert(g->host != MAP_FAILED && r->user_addr == r->guest_addr);
		/* The front end's sealing: nobody takes memory away. */
		assert(ftruncate(m->fd[i], 0) == -1 && errno == EPERM);
		g->code = calloc(r->size >> GMEM_PAGE_SHIFT, sizeof(*g->code));
		close(m->fd[i]);
	}
	p->mem.n = m->n_fds;
}

static void queue_begin(struct peer *p, struct peer_queue *q)
{
	const struct virtq_setup s = {.size = q->num,
				      .desc = q->addr.desc,
				      .driver = q->addr.avail,
				      .device = q->addr.used,
				      .features = p->features_set,
				      .next_avail = q->base,
				      .next_used = q->base};

	assert(!virtq_init(&q->ring, &p->mem, &s));
	q->started = true;
}

static void queue_end(struct peer *p, unsigned index)
{
	struct peer_queue *q = &p->queue[index];
	struct vu_vring_state s = {.index = index, .num = q->base};

	q->started = false;
	fd_close(&q->kick_fd);
	fd_close(&q->call_fd);
	atomic_fetch_add(&p->n_stops, 1);
	answer(p, VU_GET_VRING_BASE, &s, sizeof(s));
}

static void vring_request(struct peer *p, const struct message *m)
{
	unsigned index = m->h.request == VU_SET_VRING_KICK || m->h.request == VU_SET_VRING_CALL
				 ? (unsigned)m->p.u64
				 : m->p.state.index;
	struct peer_queue *q;

	assert(index < PEER_QUEUES);
	q = &p->queue[index];
	switch (m->h.request) {
	case VU_SET_VRING_NUM: q->num = m->p.state.num; break;
	case VU_SET_VRING_BASE: q->base = (uint16_t)m->p.state.num; break;
	case VU_SET_VRING_ADDR: q->addr = m->p.addr; break;
	case VU_SET_VRING_CALL: q->call_fd = m->fd[0]; break;
	case VU_SET_VRING_KICK: q->kick_fd = m->fd[0]; break;
	case VU_SET_VRING_ENABLE: queue_begin(p, q); break;
	case VU_GET_VRING_BASE: queue_end(p, index); break;
	default: assert(0);
	}
}

static bool handle(struct peer *p)
{
	struct vu_config config = {0};
	struct message m;

	if (!receive(p, &m))
		return false;
	switch (m.h.request) {
	case VU_GET_FEATURES: answer_u64(p, VU_GET_FEATURES, p->features); break;
	case VU_SET_FEATURES: p->features_set = m.p.u64; break;
	case VU_SET_OWNER: break;
	case VU_GET_PROTOCOL_FEATURES: answer_u64(p, m.h.request, p->protocol); break;
	case VU_SET_PROTOCOL_FEATURES: assert(!(m.p.u64 & ~p->protocol)); break;
	case VU_GET_QUEUE_NUM: answer_u64(p, m.h.request, p->n_queues); break;
	case VU_GET_CONFIG:
		config = m.p.config;
		le64_store(config.bytes, PEER_SECTORS);
		answer(p, m.h.request, &config, m.h.size);
		break;
	case VU_SET_MEM_TABLE:
		map(p, &m);
		if (m.h.flags & VU_NEED_REPLY)
			answer_u64(p, m.h.request, 0);
		break;
	default: vring_request(p, &m); break;
	}
	return true;
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;
	bool open = true;

	while (!atomic_load(&p->ending)) {
		struct pollfd f[2 + PEER_QUEUES] = {{.fd = open ? p->fd : -1, .events = POLLIN},
						    {.fd = p->wake_fd, .events = POLLIN}};

		for (unsigned i = 0; i < PEER_QUEUES; i++)
			f[2 + i] = (struct pollfd){.fd = p->queue[i].kick_fd, .events = POLLIN};
		(void)poll(f, 2 + PEER_QUEUES, -1);
		eventfd_clear(p->wake_fd);
		for (unsigned i = 0; i < PEER_QUEUES; i++)
			if (p->queue[i].kick_fd >= 0)
				eventfd_clear(p->queue[i].kick_fd);
		if (open && f[0].revents)
			open = handle(p);
		/* After it: a kick may have come before the message that starts its queue. */
		for (unsigned i = 0; i < PEER_QUEUES; i++)
			serve(p, &p->queue[i]);
		if (!open)
			(void)shutdown(p->fd, SHUT_RDWR);
	}
	return NULL;
}

/* ---- its life ---- */

void peer_start(struct peer *p, enum peer_sin sin, uint32_t when, int *fd)
{
	int pair[2];

	p->sin = sin;
	p->when = when;
	if (!p->features)
		p->features = VIRTIO_F_VERSION_1 | VU_F_PROTOCOL_FEATURES | BIT(9) | BIT(50);
	if (!p->protocol)
		p->protocol = VU_PROTOCOL_F_MQ | VU_PROTOCOL_F_REPLY_ACK | VU_PROTOCOL_F_CONFIG |
			      BIT(5);
	if (!p->n_queues)
		p->n_queues = PEER_QUEUES;
	atomic_store(&p->holds, sin == PEER_HOLDS);
	for (unsigned i = 0; i < PEER_QUEUES; i++)
		p->queue[i].kick_fd = p->queue[i].call_fd = -1;
	assert(!virtq_chain_init(&p->chain, 1024));
	assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	p->fd = pair[0];
	*fd = pair[1];
	assert(!eventfd_new(&p->wake_fd));
	assert(!pthread_create(&p->thread, NULL, peer_main, p));
}

void peer_release(struct peer *p)
{
	atomic_store(&p->holds, false);
	eventfd_raise(p->wake_fd);
}

void peer_kill(struct peer *p)
{
	(void)shutdown(p->fd, SHUT_RDWR);
}

void peer_stop(struct peer *p)
{
	atomic_store(&p->ending, true);
	eventfd_raise(p->wake_fd);
	pthread_join(p->thread, NULL);
	unmap(p);
	for (unsigned i = 0; i < PEER_QUEUES; i++) {
		fd_close(&p->queue[i].kick_fd);
		fd_close(&p->queue[i].call_fd);
	}
	virtq_chain_fini(&p->chain);
	fd_close(&p->wake_fd);
	fd_close(&p->fd);
}
