/* SPDX-License-Identifier: MIT */
/* A vsock device behind a driver of the tests', with a socket of the host's at PORT; the guest's
 * side is driven packet by packet. */
#ifndef UNIT_DEV_VSOCK_RIG_H
#define UNIT_DEV_VSOCK_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/unix_socket.h"
#include "lib/driver.h"

#define RX     0u
#define TX     1u
#define CID    9u
#define HEADER 44u
#define PORT   77u /* of the host, where somebody listens */
#define GUEST  1000u
#define ROOM   0x10000u

enum { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST };

struct vsock_world {
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

struct vsock_fields {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	unsigned type, op;
	uint32_t flags;
};

/* Of a cmocka test; *state is a struct vsock_world. */
int vsock_setup(void **state);
int vsock_teardown(void **state);

/* After a reset: a driver that is ready. */
void vsock_bring_up(struct vsock_world *w);

/* A buffer of len bytes for the next packet. */
void vsock_post(struct vsock_world *w, uint32_t len);

/* A packet of the guest's, in a chain of so many bytes. */
void vsock_send_raw(struct vsock_world *w, const struct vsock_fields *f, uint32_t bytes);
/* A good one, on the connection to port, with len bytes that lie there. */
void vsock_send_op(struct vsock_world *w, unsigned op, uint32_t port, uint32_t len, uint32_t flags);

/* The next packet, its op; 0: there is none. */
unsigned vsock_next(struct vsock_world *w);
/* One that has to come. */
void vsock_expect(struct vsock_world *w, unsigned op);

/* A connection of the guest's to PORT. */
void vsock_open_stream(struct vsock_world *w);

/* Sends as long as the credit lasts; the number of bytes, each its place modulo 251. */
uint32_t vsock_send_all_credit(struct vsock_world *w);
/* All of them come out of the socket, and then an end. */
void vsock_expect_bytes(struct vsock_world *w, uint32_t sent);

#endif
