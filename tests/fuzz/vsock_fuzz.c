/* SPDX-License-Identifier: MIT */
/*
 * Streams of virtio-vsock between a guest that sends any packet and programs of the host that come,
 * write, read and go when they like (5.10.6).
 *
 * What a program reads on a connection must be what the guest sent on it, from the first byte on
 * and without a gap. What the guest is sent must be whole packets of the device's own, no more than
 * it has said that it has room for; nothing but a malformed chain may break the device.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/unix_socket.h"
#include "dev/vsock.h"
#include "dev/vsock_conn.h"
#include "dev/vsock_packet.h"
#include "lib/guest_ring.h"
#include "script.h"
#include "virtio/vdev.h"

#define RAM      0x80000000ull
#define RAM_SIZE 0x80000ull
#define TX_DATA  RAM
#define RX_DATA  (RAM + 0x20000)
#define RINGS    (RAM + 0x40000)
#define AREA     0x14000u
#define RING     16u
#define RX       0u
#define TX       1u
#define CID      5u
#define PORT     7u /* where somebody listens */
#define STREAMS  3u /* of the guest's: their ports are 1 to STREAMS */
#define CLIENTS  3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A connection of the guest's to PORT. */
struct stream {
	int fd;             /* the host's program, or -1 */
	uint32_t sent, got; /* bytes, by the guest and by the program */
	uint32_t room,
		came; /* what the guest has said, and bytes to it since the connection began */
};

struct world {
	struct unix_socket listener, peer;
	struct loop *loop;
	struct gmem *mem;
	struct vdev *dev;
	struct guest_ring ring[3];
	struct stream stream[STREAMS];
	int client[CLIENTS];
	uint32_t last_port; /* of the device's last packet: a connection that the host began */
	bool malformed;
	bool stopped;
	char path[64];
};

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 50 && loop_turn(w->loop, 0) > 0; i++)
		continue;
}

/* ---- what comes to the guest ---- */

static void check_packet(struct world *w, uint32_t len)
{
	const uint8_t *b = gmem_map(w->mem, RX_DATA, AREA);
	struct packet p;

	require(len >= HEADER);
	packet_load(&p, b);
	require(p.src_cid == HOST_CID && p.dst_cid == CID && p.type == TYPE_STREAM);
	require(p.op >= REQUEST && p.op <= CREDIT_REQUEST);
	require(p.len == len - HEADER && (p.op == RW || !p.len));
	if (p.src_port != PORT)
		w->last_port = p.src_port;
	if (p.src_port != PORT || p.dst_port < 1 || p.dst_port > STREAMS)
		return;
	w->stream[p.dst_port - 1].came += p.len;
	require(p.op != RW || w->stream[p.dst_port - 1].came <= w->stream[p.dst_port - 1].room);
}

static void reap(struct world *w)
{
	uint32_t id, len;

	if (guest_ring_reap(&w->ring[RX], &id, &len))
		check_packet(w, len);
}

static void op_receive(struct world *w, struct script *s)
{
	const struct guest_part p = {RX_DATA, HEADER + get8(s) * 16u, true};

	reap(w);
	if (w->ring[RX].n_free == RING) {
		require(guest_ring_add(&w->ring[RX], &p, 1, 0, 0) >= 0);
		guest_ring_publish(&w->ring[RX]);
		vdev_kick(w->dev, RX);
	}
	turn(w);
	reap(w);
}

/* ---- what the guest sends ---- */

static void send_packet(struct world *w, struct packet *p, uint32_t bytes)
{
	const struct guest_part part = {TX_DATA, bytes, false};
	uint32_t id, len;

	packet_store(gmem_map(w->mem, TX_DATA, HEADER), p);
	if (guest_ring_add(&w->ring[TX], &part, 1, 0, 0) < 0)
		return;
	guest_ring_publish(&w->ring[TX]);
	vdev_kick(w->dev, TX);
	turn(w);
	while (guest_ring_reap(&w->ring[TX], &id, &len))
		require(!len);
}

/* On one of the streams, with its next bytes; its credit is counted from the connection's start. */
static void op_stream(struct world *w, struct script *s)
{
	uint8_t what = get8(s), *data = gmem_map(w->mem, TX_DATA, AREA);
	struct stream *t = &w->stream[what % STREAMS];
	struct packet p = {.src_cid = CID,
			   .dst_cid = HOST_CID,
			   .src_port = what % STREAMS + 1,
			   .dst_port = PORT,
			   .type = TYPE_STREAM,
			   .op = get8(s) % 10,
			   .flags = get8(s)};
	uint32_t len = what & 0x80 ? get16(s) : get8(s);
	int fd;

	reap(w); /* nothing of an old connection is counted to a new one */
	if (p.op == RW) {
		p.len = len;
		for (uint32_t i = 0; i < len; i++)
			data[HEADER + i] = (uint8_t)((t->sent + i) % 251);
		t->sent += len;
	}
	p.buf_alloc = get16(s);
	p.fwd_cnt = t->came;
	if (t->came + p.buf_alloc > t->room)
		t->room = t->came + p.buf_alloc;
	send_packet(w, &p, HEADER + p.len);
	fd = accept4(w->peer.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	require(p.op == REQUEST);
	fd_close(&t->fd);
	*t = (struct stream){.fd = fd, .room = p.buf_alloc};
}

/* Anything at all, but no connection to PORT of which we had to know. */
static void op_packet(struct world *w, struct script *s)
{
	uint8_t lie = get8(s);
	struct packet p = {.src_cid = lie & 1 ? get8(s) : CID,
			   .dst_cid = lie & 2 ? get8(s) : HOST_CID,
			   .src_port = get8(s) + 100u,
			   .dst_port = lie & 4 ? w->last_port : get8(s) + 100u,
			   .len = get16(s),
			   .type = lie & 8 ? get8(s) : TYPE_STREAM,
			   .op = lie & 16 ? get16(s) : get8(s) % 8,
			   .flags = get32(s),
			   .buf_alloc = get32(s),
			   .fwd_cnt = get32(s)};
	uint32_t bytes = HEADER + p.len;

	if (lie & 4)
		p.src_port = lie & 32 ? 1000 : p.src_port;
	if (lie >> 6 == 3) {
		bytes = get16(s);
		w->malformed |= bytes < HEADER + p.len;
	}
	send_packet(w, &p, bytes);
}

/* ---- what the host's programs do ---- */

static void check_stream(struct stream *t)
{
	uint8_t buf[4096];
	ssize_t n = read(t->fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++)
		require(buf[i] == (uint8_t)((t->got + (uint32_t)i) % 251));
	if (n > 0)
		t->got += (uint32_t)n;
	require(t->got <= t->sent);
}

static void op_program(struct world *w, struct script *s)
{
	static const uint8_t bytes[4096];
	uint8_t what = get8(s);
	struct stream *t = &w->stream[what % STREAMS];

	if (t->fd < 0)
		return;
	switch (what / STREAMS % 4) {
	case 0:
	case 1: check_stream(t); break;
	case 2: (void)send(t->fd, bytes, get8(s) * 16u, MSG_NOSIGNAL | MSG_DONTWAIT); break;
	default:
		if (get8(s) & 1)
			(void)shutdown(t->fd, get8(s) % 3);
		else
			fd_close(&t->fd);
		break;
	}
	turn(w);
}

static void op_client(struct world *w, struct script *s)
{
	uint8_t what = get8(s);
	int *fd = &w->client[what % CLIENTS];
	char buf[256];
	int n;

	if (*fd < 0)
		*fd = unix_socket_connect(w->path, SOCK_STREAM | SOCK_NONBLOCK);
	switch (what / CLIENTS % 4) {
	case 0:
		n = snprintf(buf, sizeof(buf), "CONNECT %u\n", what & 0x80 ? 1000 : get8(s));
		(void)send(*fd, buf, (size_t)n, MSG_NOSIGNAL);
		break;
	case 1:
		n = get8(s);
		for (int i = 0; i < n; i++)
			buf[i] = (char)get8(s);
		(void)send(*fd, buf, (size_t)n, MSG_NOSIGNAL);
		break;
	case 2: (void)read(*fd, buf, sizeof(buf)); break;
	default: fd_close(fd); break;
	}
	turn(w);
}

/* ---- the world ---- */

static void ignore_interrupt(void *port, unsigned queue)
{
}

static void ignore(void *port)
{
}

static void stopped(void *arg)
{
	((struct world *)arg)->stopped = true;
}

static struct world *world(void)
{
	static struct world w;

	return &w;
}

static void close_sockets(void)
{
	unix_socket_close(&world()->listener);
	unix_socket_close(&world()->peer);
}

/* Once for all inputs, and told apart by the process: sockets in the file system are slow. */
static void open_sockets(struct world *w)
{
	char peer[80];

	if (*w->path)
		return;
	require(!atexit(close_sockets));
	(void)snprintf(w->path, sizeof(w->path), "/tmp/vsock_fuzz.%d", getpid());
	(void)snprintf(peer, sizeof(peer), "%s_%u", w->path, PORT);
	require(!unix_socket_open(&w->listener, SOCK_STREAM, "", w->path, NULL));
	require(!unix_socket_open(&w->peer, SOCK_STREAM, "", peer, NULL));
}

static void start_queues(struct world *w)
{
	uint64_t gpa = RINGS;

	for (unsigned i = 0; i < 3; i++) {
		struct vdev_queue_setup setup = {.kick_fd = -1, .call_fd = -1};

		gpa = guest_ring_init(&w->ring[i], w->mem, gpa, RING, 0, false);
		gpa = (gpa + 4095) & ~4095ull;
		setup.ring = (struct virtq_setup){.size = RING,
						  .desc = w->ring[i].desc,
						  .driver = w->ring[i].avail,
						  .device = w->ring[i].used};
		require(!vdev_queue_start(w->dev, i, &setup));
	}
	turn(w);
}

static void world_init(struct world *w)
{
	static const struct vdev_port_ops port = {
		.interrupt = ignore_interrupt, .config_changed = ignore, .broken = ignore};
	struct vsock_config config = {.cid = CID, .path = w->path};

	open_sockets(w);
	require(!loop_new(&w->loop) && !gmem_new(&w->mem));
	require(!gmem_add_ram(w->mem, RAM, RAM_SIZE));
	config.listener = w->listener.fd;
	config.loop = w->loop;
	require(!vsock_new(&config, &w->dev));
	vdev_attach(w->dev, &port, w, w->loop, w->mem);
	require(!vdev_set_features(w->dev, VIRTIO_F_VERSION_1));
	start_queues(w);
	for (unsigned i = 0; i < STREAMS; i++)
		w->stream[i] = (struct stream){.fd = -1};
	for (unsigned i = 0; i < CLIENTS; i++)
		w->client[i] = -1;
	w->malformed = false;
	w->stopped = false;
}

/* The programs read to the end first, so that the device does not wait for them. */
static void world_fini(struct world *w)
{
	vdev_reset(w->dev, stopped, w);
	turn(w);
	require(w->stopped);
	for (unsigned i = 0; i < STREAMS; i++) {
		for (unsigned n = 0; w->stream[i].fd >= 0 && n < 200; n++) {
			check_stream(&w->stream[i]);
			turn(w);
		}
		fd_close(&w->stream[i].fd);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		fd_close(&w->client[i]);
	turn(w);
	vdev_free(w->dev);
	for (unsigned i = 0; i < 3; i++)
		guest_ring_fini(&w->ring[i]);
	loop_free(w->loop);
	gmem_free(w->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = world();
	struct script s = {data, size};

	world_init(w);
	for (unsigned n = 0; s.left && n < 200; n++) {
		switch (get8(&s) % 8) {
		case 0:
		case 1: op_receive(w, &s); break;
		case 2:
		case 3: op_stream(w, &s); break;
		case 4: op_packet(w, &s); break;
		case 5:
		case 6: op_program(w, &s); break;
		default: op_client(w, &s); break;
		}
		require(!vdev_is_broken(w->dev) || w->malformed);
		if (w->malformed)
			break;
	}
	world_fini(w);
	return 0;
}
