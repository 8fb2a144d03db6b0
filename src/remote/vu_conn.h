/* SPDX-License-Identifier: MIT */
/*
 * A vhost-user connection, the front end's side: messages out, replies in.
 *
 * It has two lives. While a machine is built, vu_call() sends a request and waits for the reply, at
 * most VU_TIMEOUT_MS. After vu_conn_watch() nothing waits any more: vu_ask() sends, and the
 * reply is called back on the loop.
 *
 * The other side may be hostile: a reply that nobody asked for, of another request, version or
 * size, file descriptors, or an end in the middle, all end the connection with a reason and nothing
 * else. Nothing is kept of what it sends but one message of the size that is expected.
 *
 * One thread, the loop's.
 */
#ifndef REMOTE_VU_CONN_H
#define REMOTE_VU_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "remote/vhost_user.h"

#define VU_TIMEOUT_MS 5000

/* A request, and what is expected to come back. */
struct vu_request {
	uint32_t request;
	const void *payload;
	size_t len;
	const int *fds; /* n_fds of them go along; they stay the caller's */
	unsigned n_fds;
	size_t reply_len; /* of the payload; 0: there is no reply */
	bool need_reply;  /* asks for an acknowledgement (REPLY_ACK) */
};

struct vu_conn {
	int fd; /* -1 when it has ended */
	/* What has come of the reply under way. */
	struct vu_header header;
	union vu_payload payload;
	size_t have;

	struct loop_fd watch;
	struct loop_timer timer; /* a reply is overdue */
	/* The one reply that is expected. */
	uint32_t expected;
	size_t expected_len;
	bool waiting;
	void (*reply)(void *arg, const union vu_payload *p);
	void (*ended)(void *arg, const char *why);
	void *arg;
};

/* Takes fd, a connected stream socket. */
void vu_conn_init(struct vu_conn *c, int fd);
/* Closes. */
void vu_conn_fini(struct vu_conn *c);

/* Sends; waits for the reply, or for the acknowledgement, if there is one. 0; -ETIMEDOUT; -EPROTO:
 * the other side answered wrongly; -EREMOTEIO: it acknowledged with an error; -ECONNRESET: it
 * closed; or -errno of the socket. */
int vu_call(struct vu_conn *c, const struct vu_request *r, union vu_payload *reply);

/* From now on replies come to reply(arg, ...), and ended(arg, why) follows once when the connection
 * has ended by itself or broke the rules; never inside a call of ours, and fd is closed then. 0 or
 * -errno. */
int vu_conn_watch(struct vu_conn *c, struct loop *loop,
		  void (*reply)(void *arg, const union vu_payload *p),
		  void (*ended)(void *arg, const char *why), void *arg);

/* Watched only: sends without waiting. A request that has a reply (need_reply is not used here) may
 * only be sent while no other one's is expected: see vu_conn_busy(). 0, or -errno: the connection
 * will end, with a call of ended() from the loop. */
int vu_ask(struct vu_conn *c, const struct vu_request *r);

static inline bool vu_conn_busy(const struct vu_conn *c)
{
	return c->waiting;
}

#endif
