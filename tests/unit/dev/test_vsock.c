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
#include "vsock_rig.h"

static void test_guest_calls(void **state)
{
	struct vsock_world *w = *state;
	uint8_t *data = driver_ptr(&w->d, w->tx, 0x1000), buf[600];

	vsock_open_stream(w);
	memset(data + HEADER, 0x33, 500);
	vsock_send_op(w, RW, PORT, 500, 0);
	assert_int_equal(read(w->client, buf, sizeof(buf)), 500);
	assert_int_equal(buf[499], 0x33);
	assert_int_equal(write(w->client, "hello", 5), 5);
	vsock_expect(w, RW);
	assert_int_equal(w->len, 5);
	assert_memory_equal((uint8_t *)driver_ptr(&w->d, w->rx, 64) + HEADER, "hello", 5);
	/* The guest ends its half, then the host the rest. */
	vsock_send_op(w, SHUTDOWN, PORT, 0, VSOCK_SHUT_SEND);
	assert_int_equal(read(w->client, buf, sizeof(buf)), 0);
	assert_int_equal(write(w->client, "more", 4), 4);
	fd_close(&w->client);
	driver_settle(&w->d);
	while (vsock_next(w) == RW)
		continue;
	assert_int_equal(le16_load(w->header + 30), SHUTDOWN);
	assert_int_equal(le32_load(w->header + 32), VSOCK_SHUT_BOTH);
	vsock_send_op(w, RST, PORT, 0, 0);
	vsock_send_op(w, RW, PORT, 1, 0);
	vsock_expect(w, RST);
}

static void connect_client(struct vsock_world *w)
{
	w->client = unix_socket_connect(w->path, SOCK_STREAM | SOCK_NONBLOCK);
	assert_true(w->client >= 0);
}

static void test_host_calls(void **state)
{
	struct vsock_world *w = *state;
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
	vsock_expect(w, REQUEST);
	host_port = le32_load(w->header + 16);
	assert_int_equal(le32_load(w->header + 20), GUEST);
	assert_int_equal(read(w->client, buf, sizeof(buf)), -1);
	vsock_send_op(w, RESPONSE, host_port, 0, 0);
	(void)snprintf(buf + 32, 32, "OK %u\n", host_port);
	assert_int_equal(read(w->client, buf, 32), strlen(buf + 32));
	assert_memory_equal(buf, buf + 32, strlen(buf + 32));
	vsock_expect(w, RW);
	assert_int_equal(w->len, 4);
	vsock_send_op(w, SHUTDOWN, host_port, 0, VSOCK_SHUT_BOTH);
	vsock_expect(w, RST);
	assert_int_equal(read(w->client, buf, 32), 0);
	/* Nobody listens in the guest. */
	fd_close(&w->client);
	connect_client(w);
	assert_int_equal(write(w->client, "CONNECT 1000\n", 13), 13);
	driver_settle(&w->d);
	vsock_expect(w, REQUEST);
	vsock_send_op(w, RST, le32_load(w->header + 16), 0, 0);
	assert_int_equal(read(w->client, buf, 32), 0);
}

static void test_nobody_there(void **state)
{
	struct vsock_world *w = *state;

	vsock_send_op(w, REQUEST, PORT + 1, 0, 0);
	vsock_expect(w, RST);
	assert_int_equal(le32_load(w->header + 16), PORT + 1);
	assert_int_equal(vsock_next(w), 0);
}

/* No more goes to the guest than it has room for, whatever it says of that. */
static void test_credit_to_guest(void **state)
{
	static uint8_t bytes[8192];
	struct vsock_world *w = *state;
	uint32_t got = 0;

	w->alloc = 1000;
	vsock_open_stream(w);
	assert_int_equal(write(w->client, bytes, sizeof(bytes)), sizeof(bytes));
	for (unsigned op; (op = vsock_next(w));) {
		if (op != RW)
			assert_int_equal(op, CREDIT_REQUEST);
		else
			got += w->len;
	}
	assert_int_equal(got, 1000);
	/* Counts that make no sense are no room. */
	w->forwarded = 0x80000000;
	vsock_send_op(w, CREDIT_UPDATE, PORT, 0, 0);
	assert_int_equal(vsock_next(w), 0);
	w->forwarded = 600;
	vsock_send_op(w, CREDIT_UPDATE, PORT, 0, 0);
	vsock_expect(w, RW);
	assert_int_equal(w->len, 600);
}

/* The guest is told of room in time, and one that sends beyond it is cut off. */
static void test_credit_of_guest(void **state)
{
	static uint8_t buf[VSOCK_BUFFER];
	struct vsock_world *w = *state;
	uint32_t sent = 0, told = 0;
	unsigned op = 0;

	vsock_open_stream(w);
	for (unsigned i = 0; i < 100; i++) {
		while (sent - told + 0x4000 <= VSOCK_BUFFER) {
			vsock_send_op(w, RW, PORT, 0x4000, 0);
			sent += 0x4000;
		}
		while (read(w->client, buf, sizeof(buf)) > 0)
			driver_settle(&w->d);
		while ((op = vsock_next(w)) == CREDIT_UPDATE)
			told = le32_load(w->header + 40);
		assert_int_equal(op, 0);
		assert_in_range(sent - told, 0, VSOCK_BUFFER / 2);
	}
	/* The socket takes some, our buffer the rest, and then there is no room. */
	for (unsigned i = 0; i < 1000 && op != RST; i++) {
		vsock_send_op(w, RW, PORT, 0x8000, 0);
		op = vsock_next(w);
	}
	assert_int_equal(op, RST);
	vsock_send_op(w, RW, PORT, 1, 0);
	vsock_expect(w, RST);
}

/* Behind bytes that were refused none get through, also before the guest has heard of it. */
static void test_no_gap(void **state)
{
	struct vsock_world *w = *state;
	uint32_t sent, got = 0;
	uint8_t buf[5000];
	ssize_t n;

	vsock_open_stream(w);
	sent = vsock_send_all_credit(w);
	vsock_send_op(w, CREDIT_REQUEST, PORT, 0, 0);
	vsock_expect(w, CREDIT_UPDATE); /* now there is no buffer for what comes next */
	vsock_send_op(w, RW, PORT, 0x10000, 0);
	do {
		n = read(w->client, buf, sizeof(buf));
		got += n > 0 ? (uint32_t)n : 0;
		driver_settle(&w->d);
	} while (n > 0);
	vsock_send_op(w, RW, PORT, 100, 0);
	assert_int_equal(read(w->client, buf, sizeof(buf)), -1);
	assert_int_equal(got, sent);
	vsock_expect(w, RST);
	assert_int_equal(read(w->client, buf, sizeof(buf)), 0);
}

static void test_strange_packets(void **state)
{
	static const struct vsock_fields good = {.src_cid = CID,
						 .dst_cid = 2,
						 .src_port = GUEST,
						 .dst_port = PORT,
						 .type = 1,
						 .op = RW};
	struct vsock_world *w = *state;
	struct vsock_fields f = good;

	f.src_cid = CID + 1; /* somebody else's: dropped */
	vsock_send_raw(w, &f, HEADER);
	assert_int_equal(vsock_next(w), 0);
	f = good;
	f.dst_cid = 1;
	vsock_send_raw(w, &f, HEADER);
	vsock_expect(w, RST);
	f = good;
	f.type = 2;
	vsock_send_raw(w, &f, HEADER);
	vsock_expect(w, RST);
	for (unsigned op = 0; op < 300; op++) {
		f = good;
		f.op = op;
		f.flags = UINT32_MAX;
		f.dst_port = PORT + 1;
		vsock_send_raw(w, &f, HEADER);
		assert_int_equal(vsock_next(w), op == RST ? 0 : RST);
	}
	/* On a connection that is there: all but the known end it. */
	vsock_open_stream(w);
	f = good;
	f.op = 99;
	vsock_send_raw(w, &f, HEADER);
	vsock_expect(w, RST);
	fd_close(&w->client);
	vsock_open_stream(w);
	vsock_send_op(w, REQUEST, PORT, 0, 0); /* a second time */
	vsock_expect(w, RST);
	/* More resets than have room wait without loss. */
	for (unsigned i = 0; i < 78; i++)
		vsock_send_op(w, RW, PORT + 2, 0, 0);
	for (unsigned i = 0; i < 78; i++)
		vsock_expect(w, RST);
	assert_int_equal(vsock_next(w), 0);
}

static void expect_broken(struct vsock_world *w)
{
	driver_settle(&w->d);
	assert_true(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	vsock_bring_up(w);
	assert_false(driver_read(&w->d, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

static void test_broken_packets(void **state)
{
	struct vsock_world *w = *state;
	struct vsock_fields f = {.src_cid = CID, .dst_cid = 2, .type = 1, .op = RW};

	vsock_send_raw(w, &f, HEADER - 1);
	expect_broken(w);
	f.len = 1;
	vsock_send_raw(w, &f, HEADER);
	expect_broken(w);
	f.len = UINT32_MAX;
	vsock_send_raw(w, &f, HEADER + 10);
	expect_broken(w);
	vsock_send_op(w, REQUEST, PORT + 1, 0, 0);
	vsock_post(w, HEADER - 1);
	expect_broken(w);
	/* A buffer for a header alone is of use for that. */
	vsock_send_op(w, REQUEST, PORT + 1, 0, 0);
	vsock_post(w, HEADER);
	assert_int_equal(driver_wait(&w->d, RX, w->rx_head), HEADER);
}

static void test_reset(void **state)
{
	struct vsock_world *w = *state;
	char c;

	vsock_open_stream(w);
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
	vsock_bring_up(w);
	vsock_open_stream(w);
}

static void test_many(void **state)
{
	struct vsock_world *w = *state;
	static int fd[VSOCK_CONNS];
	unsigned refused = 0;

	for (unsigned i = 0; i <= VSOCK_CONNS; i++) {
		struct vsock_fields f = {.src_cid = CID,
					 .dst_cid = 2,
					 .src_port = i,
					 .dst_port = PORT,
					 .type = 1,
					 .op = REQUEST};
		int one;

		vsock_send_raw(w, &f, HEADER);
		one = accept(w->peer.fd, NULL, NULL);
		if (i < VSOCK_CONNS)
			fd[i] = one;
		else
			fd_close(&one);
		refused += vsock_next(w) == RST;
	}
	assert_int_equal(refused, 1);
	for (unsigned i = 0; i < VSOCK_CONNS; i++)
		fd_close(&fd[i]);
}

/* What the socket does not take waits in the buffer, which is all that the guest may fill. */
static void test_slow_client(void **state)
{
	struct vsock_world *w = *state;
	uint32_t sent;

	vsock_open_stream(w);
	sent = vsock_send_all_credit(w);
	assert_true(sent > VSOCK_BUFFER);
	vsock_send_op(w, SHUTDOWN, PORT, 0, VSOCK_SHUT_SEND);
	vsock_expect_bytes(w, sent);
}

static void test_config(void **state)
{
	struct vsock_world *w = *state;

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
		cmocka_unit_test_setup_teardown(test_guest_calls, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_host_calls, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_nobody_there, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_credit_to_guest, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_credit_of_guest, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_no_gap, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_strange_packets, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_broken_packets, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_reset, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_many, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_slow_client, vsock_setup, vsock_teardown),
		cmocka_unit_test_setup_teardown(test_config, vsock_setup, vsock_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
