/* SPDX-License-Identifier: MIT */
/* Packets are written and read by hand, so that a test can say anything in them. */
#include "vsock_rig.h"

#include <errno.h>
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
#include "dev/vsock.h"
#include "dev/vsock_conn.h"

void vsock_post(struct vsock_world *w, uint32_t len)
{
	const struct guest_part part = {.gpa = w->rx, .len = len, .write = true};

	w->rx_head = driver_submit(&w->d, RX, &part, 1);
}

void vsock_bring_up(struct vsock_world *w)
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

int vsock_setup(void **state)
{
	static struct vsock_world w;
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
	vsock_bring_up(&w);
	*state = &w;
	return 0;
}

int vsock_teardown(void **state)
{
	struct vsock_world *w = *state;

	driver_fini(&w->d);
	fd_close(&w->client);
	unix_socket_close(&w->peer);
	unix_socket_close(&w->listener);
	(void)rmdir(w->dir);
	return 0;
}

void vsock_send_raw(struct vsock_world *w, const struct vsock_fields *f, uint32_t bytes)
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

void vsock_send_op(struct vsock_world *w, unsigned op, uint32_t port, uint32_t len, uint32_t flags)
{
	const struct vsock_fields f = {.src_cid = CID,
				       .dst_cid = 2,
				       .src_port = GUEST,
				       .dst_port = port,
				       .len = len,
				       .type = 1,
				       .op = op,
				       .flags = flags};

	vsock_send_raw(w, &f, HEADER + len);
}

unsigned vsock_next(struct vsock_world *w)
{
	uint32_t id, len;

	if (!w->posted)
		vsock_post(w, 0x2000);
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

void vsock_expect(struct vsock_world *w, unsigned op)
{
	assert_int_equal(vsock_next(w), op);
}

void vsock_open_stream(struct vsock_world *w)
{
	vsock_send_op(w, REQUEST, PORT, 0, 0);
	w->client = accept(w->peer.fd, NULL, NULL);
	assert_true(w->client >= 0);
	assert_int_equal(fd_set_nonblock(w->client, true), 0);
	vsock_expect(w, RESPONSE);
	assert_int_equal(le32_load(w->header + 16), PORT);
	assert_int_equal(le32_load(w->header + 20), GUEST);
	assert_int_equal(le32_load(w->header + 36), VSOCK_BUFFER);
}

uint32_t vsock_send_all_credit(struct vsock_world *w)
{
	uint8_t *data = (uint8_t *)driver_ptr(&w->d, w->tx, 0x2000) + HEADER;
	uint32_t sent = 0, forwarded = 0, limit = 4u << 20;

	while (sent < limit && VSOCK_BUFFER - (sent - forwarded) >= 0x1000) {
		for (uint32_t i = 0; i < 0x1000; i++)
			data[i] = (uint8_t)((sent + i) % 251);
		vsock_send_op(w, RW, PORT, 0x1000, 0);
		sent += 0x1000;
		while (vsock_next(w) == CREDIT_UPDATE)
			forwarded = le32_load(w->header + 40);
	}
	assert_true(sent < limit);
	return sent;
}

void vsock_expect_bytes(struct vsock_world *w, uint32_t sent)
{
	uint32_t got = 0;
	uint8_t buf[5000];
	ssize_t n;

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
	assert_int_equal(read(w->client, buf, sizeof(buf)), 0);
}
