/* SPDX-License-Identifier: MIT */
/*
 * One stream between a port of the guest and a UNIX socket of the host: buffers, credit, and what
 * the guest has yet to be told. It knows packets' meaning, but no ring: vsock.c moves packets.
 *
 * Specification 5.10.6. Credit: each side says how much room it has (buf_alloc) and how much it has
 * passed on (fwd_cnt); all counts are modulo 2^32. The guest is hostile: more bytes than we gave it
 * room for end the connection.
 *
 * On the loop's thread.
 */
#ifndef DEV_VSOCK_CONN_H
#define DEV_VSOCK_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/loop.h"

#define VSOCK_BUFFER 65536u /* bytes that we take from the guest before its reader has */

/* Packets that the guest has to be sent, as a set. */
enum vsock_tell {
	VSOCK_TELL_REQUEST = 1u,
	VSOCK_TELL_RESPONSE = 2u,
	VSOCK_TELL_RESET = 4u,
	VSOCK_TELL_CREDIT = 8u,
	VSOCK_TELL_ASK_CREDIT = 16u,
	VSOCK_TELL_SHUTDOWN = 32u,
};

/* Flags of a shutdown: the sender receives, or sends, no more. */
#define VSOCK_SHUT_RECEIVE 1u
#define VSOCK_SHUT_SEND    2u
#define VSOCK_SHUT_BOTH    3u

enum vsock_state {
	VSOCK_ASKING,  /* a client of the host has connected and has to say where to */
	VSOCK_CALLING, /* the guest has been, or will be, sent a request */
	VSOCK_OPEN,
};

struct vsock_conn {
	uint32_t guest_port, host_port;
	enum vsock_state state;
	int fd;
	struct loop_fd watch;
	struct loop_timer timer; /* while it is not open */
	unsigned tell;           /* enum vsock_tell */
	bool readable;           /* the socket may have something for the guest */
	bool host_ended;         /* it has said its last */
	unsigned host_shut;      /* what we tell with a shutdown */
	unsigned guest_shut;     /* what the guest told */

	uint32_t peer_alloc, peer_fwd; /* the guest's */
	uint32_t sent;                 /* bytes to the guest */
	bool credit_asked;

	uint32_t received, forwarded; /* bytes from the guest; of them, to the socket */
	uint32_t told_forwarded;
	uint8_t *buffer; /* a ring of VSOCK_BUFFER bytes */
	uint32_t head, fill;

	/* private to vsock.c */
	void *owner;
	struct vsock_conn *next_hash;
	struct vsock_conn *next_ready;
	bool ready;
};

/* A connection on fd, which belongs to it. 0 or -ENOMEM. */
int vsock_conn_new(int fd, struct vsock_conn **out);
/* Closes. */
void vsock_conn_free(struct vsock_conn *c);

/* VSOCK_ASKING: reads the client's "CONNECT PORT\n". 1: *port is set; 0: not all of it is there
 * yet; -EPROTO: it is something else; -ECONNRESET. */
int vsock_conn_command(struct vsock_conn *c, uint32_t *port);

/* What every packet of the guest's says about its room. */
static inline void vsock_conn_credit(struct vsock_conn *c, uint32_t alloc, uint32_t forwarded)
{
	c->peer_alloc = alloc;
	c->peer_fwd = forwarded;
}

/* Bytes that the guest has room for; 0 also when its counts make no sense. */
uint32_t vsock_conn_room(const struct vsock_conn *c);

/* Takes len bytes from the guest. False: it had no room for them, or no right to send. */
bool vsock_conn_take(struct vsock_conn *c, const struct iovec *iov, unsigned n, uint32_t len);

/* Passes on what waits, as far as the socket takes it. */
void vsock_conn_pass_on(struct vsock_conn *c);

/* Reads up to len bytes for the guest into iov; how many. 0: nothing (more), see readable and tell.
 */
uint32_t vsock_conn_read(struct vsock_conn *c, const struct iovec *iov, unsigned n);

/* The guest has ended one or both directions. */
void vsock_conn_shutdown(struct vsock_conn *c, unsigned flags);

/* Whether there is something to be sent to the guest now. */
bool vsock_conn_has_news(const struct vsock_conn *c);

/* What the socket has to be watched for. */
uint32_t vsock_conn_events(const struct vsock_conn *c);

#endif
