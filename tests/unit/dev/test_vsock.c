/* SPDX-License-Identifier: MIT */
/* Streams to the host, driven packet by packet: what a guest's kernel would never send too. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/fd.h"
#include "base/unix_socket.h"
#include "dev/vsock.h"
#include "dev/vsock_conn.h"
#include "lib/driver.h"

#define RX     0u
#define TX     1u
#define CID    9u
#define HEADER 44u
#define PORT   77u /* of the host, where somebody listens */
#define GUEST  1000u
#define ROOM   0x10000u

enum { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST };

struct world {
	struct driver d;
	char dir[32], path[64], peer_path[80];
	struct unix_socket listener; /* of the device */
	struct unix_socket peer;     /* listens at PORT */
	int client;                  /* a host's socket */
	uint64_t tx, rx;
	int rx_head;
	bool posted;               /* the buffer at rx is the device's */
	uint32_t alloc, forwarded; /* what our packets say */
	uint8_t header[HEADER];    /* of the last packet that came */
	uint32_t len;              /* of its data */
};

static void post(struct world *w, uint32_t len)
{
	const struct guest_part part = {.gpa = w->rx, .len = len, .write = true};

	w->rx_head = driver_submit(&w->d, RX, &part, 1);
}

static void bring_up(struct world *w)
{
	w->d.next_gpa = DRIVER_RAM;
	assert_true(driver_negotiate(&w->d, 0));
	for (unsigned i = 0; i < 3; i++)
		driver_queue(&w->d, i, 16, false);
	driver_ok(&w->d);
	w->tx = driver_alloc(&w->d, 0x20000);
	w->rx = driver_alloc(&w->d, 0x20000);
	w->alloc = ROOM;
	w->forwarded = 0;
	w->posted = false;
	driver_settle(&w->d);
}

static int setup(void **state)
{
	static struct world w;
	struct vsock_config cfg = {.cid = CID};
	struct vdev *dev;

	memset(&w, 0, sizeof(w));
	strcpy(w.dir, "/tmp/vsock-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	(void)snprintf(w.path, sizeof(w.path), "%s/v", w.dir);
	(void)snprintf(w.peer_path, sizeof(w.peer_path), "%s_%u", w.path, PORT);
	assert_int_equal(unix_socket_open(&w.listener, SOCK_STREAM, "", w.path, NULL), 0);
	assert_int_equal(unix_socket_open(&w.peer, SOCK_STREAM, "", w.peer_path, NULL), 0);
	w.client = -1;
	driver_init(&w.d);
	cfg.loop = w.d.loop;
	cfg.path = w.path;
	cfg.listener = w.listener.fd;
	assert_int_equal(vsock_new(&cfg, &dev), 0);
	driver_plug(&w.d, dev);
	bring_up(&w);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	driver_fini(&w->d);
	fd_close(&w->client);
	unix_socket_close(&w->peer);
	unix_socket_close(&w->listener);
	(void)rmdir(w->dir);
	return 0;
}

struct fields {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	unsigned type, op;
	uint32_t flags;
};

static void send_raw(struct world *w, const struct fields *f, uint32_t bytes)
{
	const struct guest_part part = {.gpa = w->tx, .len = bytes};
	uint8_t *b = driver_ptr(&w->d, w->tx, bytes < HEADER ? HEADER : bytes);
	uint32_t id, len;

	le64_store(b, f->src_cid);
	le64_store(b + 8, f->dst_cid);
	le32_store(b + 16, f->src_port);
	le32_store(b + 20, f->dst_port);
	le32_store(b + 24, f->len);
	le16_store(b + 28, (uint16_t)f->type);
	le16_store(b + 30, (uint16_t)f->op);
	le32_store(b + 32, f->flags);
	le32_store(b + 36, w->alloc);
	le32_store(b + 40, w->forwarded);
	(void)driver_submit(&w->d, TX, &part, 1);
	driver_settle(&w->d);
	while (guest_ring_reap(&w->d.ring[TX], &id, &len))
		continue;
}

static void send_op(struct world *w, unsigned op, uint32_t port, uint32_t len, uint32_t flags)
{
	const struct fields f = {.src_cid = CID,
				 .dst_cid = 2,
				 .src_port = GUEST,
				 .dst_port = port,
				 .len = len,
				 .type = 1,
				 .op = op,
				 .flags = flags};

	send_raw(w, &f, HEADER + len);
}

/* The next packet, its op; 0: there is none. */
static unsigned next(struct world *w)
{
	uint32_t id, len;

	if (!w->posted)
		post(w, 0x2000);
	w->posted = true;
	driver_settle(&w->d);
	if (!guest_ring_reap(&w->d.ring[RX], &id, &len))
		return 0;
	w->posted = false;
	assert_in_range(len, HEADER, 0x2000);
	memcpy(w->header, driver_ptr(&w->d, w->rx, len), HEADER);
	w->len = le32_load(w->header + 24);
	assert_int_equal(w->len, len - HEADER);
	assert_int_equal(le64_load(w->header), 2);
	assert_int_equal(le64_load(w->header + 8), CID);
	return le16_load(w->header + 30);
}

/* One that has to come. */
static void expect(struct world *w, unsigned op)
{
	assert_int_equal(next(w), op);
}

/* A connection of the guest's to PORT. */
static void open_stream(struct world *w)
{
	send_op(w, REQUEST, PORT, 0, 0);
	w->client = accept(w->peer.fd, NULL, NULL);
	assert_true(w->client >= 0);
	assert_int_equal(fd_set_nonblock(w->client, true), 0);
	expect(w, RESPONSE);
	assert_int_equal(le32_load(w->header + 16), PORT);
	assert_int_equal(le32_load(w->header + 20), GUEST);
	assert_int_equal(le32_load(w->header + 36), VSOCK_BUFFER);
}

static void test_guest_calls(void **state)
{
	struct world *w = *state;
	uint8_t *data = driver_ptr(&w->d, w->tx, 0x1000), buf[600];

	open_stream(w);
	memset(data + HEADER, 0x33, 500);
	send_op(w, RW, PORT, 500, 0);
	assert_int_equal(read(w->client, buf, sizeof(buf)), 500);
	assert_int_equal(buf[499], 0x33);
	assert_int_equal(write(w->client, "hello", 5), 5);
	expect(w, RW);
	assert_int_equal(w->len, 5);
	assert_memory_equal((uint8_t *)driver_ptr(&w->d, w->rx, 64) + HEADER, "hello", 5);
	/* The guest ends its half, then the host the rest. */
	send_op(w, SHUTDOWN, PORT, 0, VSOCK_SHUT_SEND);
	assert_int_equal(read(w->client, buf, sizeof(buf)), 0);
	assert_int_equal(write(w->client, "more", 4), 4);
	fd_close(&w->client);
	driver_settle(&w->d);
	while (next(w) == RW)
		continue;
	assert_int_equal(le16_load(w->header + 30), SHUTDOWN);
	assert_int_equal(le32_load(w->header + 32), VSOCK_SHUT_BOTH);
	send_op(w, RST, PORT, 0, 0);
	send_op(w, RW, PORT, 1, 0);
	expect(w, RST);
}

static void connect_client(struct world *w)
{
	w->client = unix_socket_connect(w->path, SOCK_STREAM | SOCK_NONBLOCK);
	assert_true(w->client >= 0);
}

static void test_host_calls(void **state)
{
	struct world *w = *state;
	char buf[64] = {0};
	uint32_t host_port;

	connect_client(w);
	driver_settle(&w->d);
	/* Byte for byte, with data behind it. */
	for (const char *p = "CONNECT 1000"; *p; p++) {
		assert_int_equal(write(w->client, p, 1), 1);
		driver_settle(&w->d);
	}
	assert_int_equal(write(w->client, "\ndata", 5), 5);
	driver_settle(&w->d);
	expect(w, REQUEST);
	host_port = le32_load(w->header + 16);
	assert_int_equal(le32_load(w->header + 20), GUEST);
	assert_int_equal(read(w->client, buf, sizeof(buf)), -1);
	send_op(w, RESPONSE, host_port, 0, 0);
	(void)snprintf(buf + 32, 32, "OK %u\n", host_port);
	assert_int_equal(read(w->client, buf, 32), strlen(buf + 32));
	assert_memory_equal(buf, buf + 32, strlen(buf + 32));
	expect(w, RW);
	assert_int_equal(w->len, 4);
	send_op(w, SHUTDOWN, host_port, 0, VSOCK_SHUT_BOTH);
	expect(w, RST);
	assert_int_equal(read(w->client, buf, 32), 0);
	/* Nobody listens in the guest. */
	fd_close(&w->client);
	connect_client(w);
	assert_int_equal(write(w->client, "CONNECT 1000\n", 13), 13);
	driver_settle(&w->d);
	expect(w, REQUEST);
	send_op(w, RST, le32_load(w->header + 16), 0, 0);
	assert_int_equal(read(w->client, buf, 32), 0);
}

static void test_nobody_there(void **state)
{
	struct world *w = *state;

	send_op(w, REQUEST, PORT + 1, 0, 0);
	expect(w, RST);
	assert_int_equal(le32_load(w->header + 16), PORT + 1);
	assert_int_equal(next(w), 0);
}

/* No more goes to the guest than it has room for, whatever it says of that. */
static void test_credit_to_guest(void **state)
{
	static uint8_t bytes[8192];
	struct world *w = *state;
	uint32_t got = 0;

	w->alloc = 1000;
	open_stream(w);
	assert_int_equal(write(w->client, bytes, sizeof(bytes)), sizeof(bytes));
	for (unsigned op; (op = next(w));) {
		if (op != RW)
			assert_int_equal(op, CREDIT_REQUEST);
		else
			got += w->len;
	}
	assert_int_equal(got, 1000);
	/* Counts that make no sense are no room. */
	w->forwarded = 0x80000000;
	send_op(w, CREDIT_UPDATE, PORT, 0, 0);
	assert_int_equal(next(w), 0);
	w->forwarded = 600;
	send_op(w, CREDIT_UPDATE, PORT, 0, 0);
	expect(w, RW);
	assert_int_equal(w->len, 600);
}

/* The guest is told of room in time, and one that sends beyond it is cut off. */
static void test_credit_of_guest(void **state)
{
	static uint8_t buf[VSOCK_BUFFER];
	struct world *w = *state;
	uint32_t sent = 0, told = 0;
	unsigned op = 0;

	open_stream(w);
	for (unsigned i = 0; i < 100; i++) {
		while (sent - told + 0x4000 <= VSOCK_BUFFER) {
			send_op(w, RW, PORT, 0x4000, 0);
			sent += 0x4000;
		}
		while (read(w->client, buf, sizeof(buf)) > 0)
			driver_settle(&w->d);
		while ((op = next(w)) == CREDIT_UPDATE)
			told = le32_load(w->header + 40);
		assert_int_equal(op, 0);
		assert_in_range(sent - told, 0, VSOCK_BUFFER / 2);
	}
	/* The socket takes some, our buffer the rest, and then there is no room. */
	for (unsigned i = 0; i < 1000 && op != RST; i++) {
		send_op(w, RW, PORT, 0x8000, 0);
		op = next(w);
	}
	assert_int_equal(op, RST);
	send_op(w, RW, PORT, 1, 0);
	expect(w, RST);
}

static void test_strange_packets(void **state)
{
	static const struct fields good = {.src_cid = CID,
					   .dst_cid = 2,
					   .src_port = GUEST,
					   .dst_port = PORT,
					   .type = 1,
					   .op = RW};
	struct world *w = *state;
	struct fields f = good;

	f.src_cid = CID + 1; /* somebody else's: dropped */
	send_raw(w, &f, HEADER);
	assert_int_equal(next(w), 0);
	f = good;
	f.dst_cid = 1;
	send_raw(w, &f, HEADER);
	expect(w, RST);
	f = good;
	f.type = 2;
	send_raw(w, &f, HEADER);
	expect(w, RST);
	for (unsigned op = 0; op < 300; op++) {
		f = good;
		f.op = op;
		f.flags = UINT32_MAX;
		f.dst_port = PORT + 1;
		send_raw(w, &f, HEADER);
		assert_int_equal(next(w), op == RST ? 0 : RST);
	}
	/* On a connection that is there: all but the known end it. */
	open_stream(w);
	f = good;
	f.op = 99;
	send_raw(w, &f, HEADER);
	expect(w, RST);
	fd_close(&w->client);
	open_stream(w);
	send_op(w, REQUEST, PORT, 0, 0); /* a second time */
	expect(w, RST);
	/* More resets than have room wait without loss. */
	for (unsigned i = 0; i < 78; i++)
		send_op(w, RW, PORT + 2, 0, 0);
	for (unsigned i = 0; i < 78; i++)
		expect(w, RST);
	assert_int_equal(next(w), 0);
}

static void expect_broken(struct world *w)
{
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	bring_up(w);
	assert_false(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_broken_packets(void **state)
{
	struct world *w = *state;
	struct fields f = {.src_cid = CID, .dst_cid = 2, .type = 1, .op = RW};

	send_raw(w, &f, HEADER - 1);
	expect_broken(w);
	f.len = 1;
	send_raw(w, &f, HEADER);
	expect_broken(w);
	f.len = UINT32_MAX;
	send_raw(w, &f, HEADER + 10);
	expect_broken(w);
	send_op(w, REQUEST, PORT + 1, 0, 0);
	post(w, HEADER - 1);
	expect_broken(w);
	/* A buffer for a header alone is of use for that. */
	send_op(w, REQUEST, PORT + 1, 0, 0);
	post(w, HEADER);
	assert_int_equal(driver_wait(&w->d, RX, w->rx_head), HEADER);
}

static void test_reset(void **state)
{
	struct world *w = *state;
	char c;

	open_stream(w);
	assert_int_equal(write(w->client, "x", 1), 1);
	driver_reset(&w->d);
	assert_true(read(w->client, &c, 1) == 0 || errno == ECONNRESET);
	fd_close(&w->client);
	/* A client that comes while there is no driver is sent away. */
	connect_client(w);
	assert_int_equal(write(w->client, "CONNECT 1\n", 10), 10);
	driver_settle(&w->d);
	assert_int_equal(read(w->client, &c, 1), 0);
	fd_close(&w->client);
	bring_up(w);
	open_stream(w);
}

static void test_many(void **state)
{
	struct world *w = *state;
	static int fd[VSOCK_CONNS];
	unsigned refused = 0;

	for (unsigned i = 0; i <= VSOCK_CONNS; i++) {
		struct fields f = {.src_cid = CID,
				   .dst_cid = 2,
				   .src_port = i,
				   .dst_port = PORT,
				   .type = 1,
				   .op = REQUEST};
		int one;

		send_raw(w, &f, HEADER);
		one = accept(w->peer.fd, NULL, NULL);
		if (i < VSOCK_CONNS)
			fd[i] = one;
		else
			fd_close(&one);
		refused += next(w) == RST;
	}
	assert_int_equal(refused, 1);
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		fd_close(&fd[i]);
}

/* Sends as long as the credit lasts; the number of bytes, each its place modulo 251. */
static uint32_t send_all_credit(struct world *w)
{
	uint8_t *data = (uint8_t *)driver_ptr(&w->d, w->tx, 0x2000) + HEADER;
	uint32_t sent = 0, forwarded = 0, limit = 4u << 20;

	while (sent < limit && VSOCK_BUFFER - (sent - forwarded) >= 0x1000) {
		for (uint32_t i = 0; i < 0x1000; i++)
			data[i] = (uint8_t)((sent + i) % 251);
		send_op(w, RW, PORT, 0x1000, 0);
		sent += 0x1000;
		while (next(w) == CREDIT_UPDATE)
			forwarded = le32_load(w->header + 40);
	}
	assert_true(sent < limit);
	return sent;
}

/* What the socket does not take waits in the buffer, which is all that the guest may fill. */
static void test_slow_client(void **state)
{
	struct world *w = *state;
	uint32_t sent, got = 0;
	uint8_t buf[5000];
	ssize_t n;

	open_stream(w);
	sent = send_all_credit(w);
	assert_true(sent > VSOCK_BUFFER);
	send_op(w, SHUTDOWN, PORT, 0, VSOCK_SHUT_SEND);
	while (got < sent) {
		n = read(w->client, buf, sizeof(buf));
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(buf[i], (got + (uint32_t)i) % 251);
		if (n > 0)
			got += (uint32_t)n;
		else
			assert_true(n < 0 && errno == EAGAIN);
		driver_settle(&w->d);
	}
	/* The guest's end comes behind its last byte. */
	assert_int_equal(read(w->client, buf, sizeof(buf)), 0);
}

static void test_config(void **state)
{
	struct world *w = *state;

	assert_int_equal(driver_config(&w->d, 0, 8), CID);
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned at = 0; at <= 0x100 - size; at++)
			(void)driver_config(&w->d, at, size);
	driver_config_write(&w->d, 0, 4, 1);
	assert_int_equal(driver_config(&w->d, 0, 8), CID);
	driver_reset(&w->d);
	for (unsigned i = 0; i < 5; i++)
		driver_kick(&w->d, i);
	driver_settle(&w->d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_guest_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credit_to_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credit_of_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strange_packets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_packets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
