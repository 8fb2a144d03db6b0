/* SPDX-License-Identifier: MIT */
/*
 * RPMsg endpoints and the name service, as the side that has the device (the "remote": the small
 * core, or the monitor). Linux has the driver's side.
 *
 *	application:  rpmsg_create_ept, rpmsg_send, rpmsg_ns_announce, rpmsg_queue_recv ...
 *	    |
 *	rpmsg.c, ns.c, queue.c:  endpoints, names, queues           this header, queue.h
 *	    |
 *	struct rpmsg_carrier:    buffers of the driver's side        carrier.h
 *	    |
 *	vring.c: rings shared by two cores, or src/dev/rpmsg.c: the queues of a virtio device
 *
 * Freestanding: nothing is allocated, and besides its own compiler's headers it needs only memcpy,
 * memset and memcmp. The caller supplies all storage, which stays the library's until it is
 * destroyed. The names and the results are those of RPMsg-Lite without "lite", so that its
 * applications port by renaming; what differs stands at each function.
 *
 * Threads. rpmsg_poll() is called by one thread or interrupt handler at a time; everything else by
 * any thread that `lock` of the environment excludes from it. Callbacks are called by rpmsg_poll(),
 * without the lock: they may call anything here but rpmsg_poll() and what waits.
 *
 * The other side is not trusted: what it writes never leads outside of the buffers that its carrier
 * has checked. Payloads, though, lie in memory that it can change while they are read.
 */
#ifndef RPMSG_RPMSG_H
#define RPMSG_RPMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpmsg/carrier.h"
#include "rpmsg/proto.h"

/* Results; with RPMsg-Lite's numbers. */
enum rpmsg_result {
	RPMSG_SUCCESS = 0,
	RPMSG_ERR_NO_MEM = -5001,
	RPMSG_ERR_BUFF_SIZE = -5002, /* longer than a buffer */
	RPMSG_ERR_PARAM = -5003,
	RPMSG_ERR_NO_BUFF = -5006, /* none came in the time given: would block */
	RPMSG_NOT_READY = -5007,   /* the link is not up */
	RPMSG_ALREADY_DONE = -5008,
};

/* What a receive callback does with its buffer. */
enum rpmsg_rx_result {
	RPMSG_RELEASE, /* it has done with it */
	RPMSG_HOLD,    /* it keeps it until rpmsg_release_rx_buffer() */
};

#define RPMSG_BLOCK      0xffffffffu /* as a time: until it is done */
#define RPMSG_DONT_BLOCK 0u

/*
 * What the environment supplies; any function may be NULL. `arg` is given to each.
 *
 * Waiting: a thread that finds nothing calls wait(what, ms) and then looks again. It returns when
 * wake(what) is called or was called since the thread last looked, at any time earlier than that if
 * it likes, or when `ms` milliseconds are over (RPMSG_BLOCK: never), and returns how many of them
 * are left. The simplest is to sleep for a tick and return ms - tick. Without it nothing ever
 * waits.
 */
struct rpmsg_env {
	void *arg;
	/* Excludes all other callers, interrupt handlers too if they call rpmsg_poll(). Held for a
	 * bounded time; never nested. unlock() gets what lock() returned. */
	uintptr_t (*lock)(void *arg);
	void (*unlock)(void *arg, uintptr_t state);
	uint32_t (*wait)(void *arg, const void *what, uint32_t ms);
	void (*wake)(void *arg, const void *what);
	/* Where something beside the rings says whether the driver's side takes messages (virtio's
	 * DRIVER_OK): that. Called with the lock held. While it is false the link is down, and
	 * nothing is sent; but what comes is received still, since a driver that is about to go
	 * waits for its senders, which may be waiting for a buffer. */
	bool (*ready)(void *arg);
	/* By rpmsg_poll(): the link came up, first or after a restart of the driver's side
	 * (announce now, and then), or went down (nobody waits for answers to what was received
	 * before; after a restart it is void). */
	void (*link)(void *arg, bool up);
};

/* payload: `len` bytes, to be read and, if it is held, released. src: who sent it. */
typedef int (*rpmsg_rx_cb)(void *payload, uint32_t len, uint32_t src, void *priv);

/* The other side announces or withdraws a name. flags: RPMSG_NS_CREATE or RPMSG_NS_DESTROY. */
typedef void (*rpmsg_ns_cb)(uint32_t addr, const char *name, uint32_t flags, void *priv);

/* An endpoint; `addr` may be read. */
struct rpmsg_ept {
	uint32_t addr;
	/* private */
	rpmsg_rx_cb rx_cb;
	void *priv;
	struct rpmsg_ept *next;
};

/* How many messages; to be read by any thread. */
struct rpmsg_counts {
	uint32_t received;
	uint32_t sent;
	uint32_t nowhere;   /* received for an address that nobody has: dropped */
	uint32_t malformed; /* received with a length beyond its buffer: dropped */
	uint32_t starved;   /* no buffer was there to send with */
	uint32_t restarts;  /* of the driver's side while the link was up */
};

/* All private but counts. */
struct rpmsg {
	struct rpmsg_carrier *carrier;
	struct rpmsg_env env;
	struct rpmsg_ept *epts;
	uint32_t next_addr;
	uint32_t epoch; /* the link's, as last looked at; 0: it is down */
	bool starved;   /* somebody may wait for a buffer to send with */
	rpmsg_ns_cb ns_cb;
	void *ns_priv;
	struct rpmsg_counts counts;
};

/* Begins an instance over a carrier that is ready. Both outlive it. To end it, make sure that
 * nobody calls it any more; to begin anew, call this again. */
void rpmsg_remote_init(struct rpmsg *r, struct rpmsg_carrier *carrier, const struct rpmsg_env *env);

/* Whether the other side has given buffers, and is ready, so that an announcement would not be
 * lost. True as soon as it is so, before rpmsg_poll() has called link(). */
bool rpmsg_is_link_up(struct rpmsg *r);
/* Waits for it: whether it is up. False at once without wait() in the environment. */
bool rpmsg_wait_for_link_up(struct rpmsg *r, uint32_t ms);

/* Handles what has come since it was last called: to be called for each notification of the other
 * side's, for any ring. At most one ring's worth; true: call it again. */
bool rpmsg_poll(struct rpmsg *r);
/* The same for one message: whether there was one. */
bool rpmsg_poll_one(struct rpmsg *r);
/* The same without messages: looks at the link alone, and wakes those who wait for it or for a
 * buffer. */
void rpmsg_poll_link(struct rpmsg *r);

/* Makes an endpoint out of *ept. addr: RPMSG_ADDR_ANY for one that is free. NULL: taken (or 53), or
 * without callback. */
struct rpmsg_ept *rpmsg_create_ept(struct rpmsg *r, uint32_t addr, rpmsg_rx_cb rx_cb, void *priv,
				   struct rpmsg_ept *ept);
/* Its callback is not called again, but may be running meanwhile if rpmsg_poll() is. PARAM: it is
 * not one of this instance's. */
int rpmsg_destroy_ept(struct rpmsg *r, struct rpmsg_ept *ept);

/* Sends a copy of `size` bytes. BUFF_SIZE: more than rpmsg_payload_max(); NO_BUFF: the other side
 * gave no buffer within `ms`; NOT_READY: the link is down. */
int rpmsg_send(struct rpmsg *r, const struct rpmsg_ept *ept, uint32_t dst, const void *data,
	       uint32_t size, uint32_t ms);
/* The same with the header's flags, and from any address. */
int rpmsg_send_from(struct rpmsg *r, uint32_t src, uint32_t dst, uint16_t flags, const void *data,
		    uint32_t size, uint32_t ms);

/* A buffer to write a payload into, of *size bytes; NULL: as rpmsg_send(). It has to be sent, by
 * rpmsg_send_nocopy(), for it is the other side's. */
void *rpmsg_alloc_tx_buffer(struct rpmsg *r, uint32_t *size, uint32_t ms);
/* PARAM: `payload` is not of alloc_tx_buffer, or of before a restart of the other side. BUFF_SIZE:
 * the buffer is still the caller's. */
int rpmsg_send_nocopy(struct rpmsg *r, const struct rpmsg_ept *ept, uint32_t dst, void *payload,
		      uint32_t size);
int rpmsg_send_nocopy_from(struct rpmsg *r, uint32_t src, uint32_t dst, uint16_t flags,
			   void *payload, uint32_t size);

/* Gives back what a callback held, or rpmsg_queue_recv_nocopy() gave. PARAM: it is not held, or was
 * before a restart of the other side. */
int rpmsg_release_rx_buffer(struct rpmsg *r, void *payload);

/* The flags of the message that a payload came in. */
static inline uint16_t rpmsg_rx_flags(const void *payload)
{
	return rpmsg_load16((const uint8_t *)payload - RPMSG_HEADER_SIZE + RPMSG_AT_FLAGS);
}

/* The longest payload. */
static inline uint32_t rpmsg_payload_max(const struct rpmsg *r)
{
	return r->carrier->buffer_size - RPMSG_HEADER_SIZE;
}

/* ---- the name service (ns.c) ---- */

/* Tells the other side that `ept` is to be had under `name` (flags: RPMSG_NS_CREATE), or no more
 * (RPMSG_NS_DESTROY). A name is cut to 31 bytes. Waits for a buffer as long as need be; results as
 * of rpmsg_send(). */
int rpmsg_ns_announce(struct rpmsg *r, const struct rpmsg_ept *ept, const char *name,
		      uint32_t flags);
/* Calls cb for the other side's announcements; NULL: no more. */
void rpmsg_ns_bind(struct rpmsg *r, rpmsg_ns_cb cb, void *priv);

/* ---- for the parts of this library ---- */

static inline uintptr_t rpmsg_lock(const struct rpmsg *r)
{
	return r->env.lock ? r->env.lock(r->env.arg) : 0;
}

static inline void rpmsg_unlock(const struct rpmsg *r, uintptr_t state)
{
	if (r->env.unlock)
		r->env.unlock(r->env.arg, state);
}

/* What is left of `ms` after a wait; 0: do not wait again. */
static inline uint32_t rpmsg_wait(const struct rpmsg *r, const void *what, uint32_t ms)
{
	return ms && r->env.wait ? r->env.wait(r->env.arg, what, ms) : 0;
}

static inline void rpmsg_wake(const struct rpmsg *r, const void *what)
{
	if (r->env.wake)
		r->env.wake(r->env.arg, what);
}

/* rpmsg_poll() hands a message to address 53 over; the payload has `len` bytes. */
void rpmsg_ns_received(struct rpmsg *r, const void *payload, uint32_t len);

#endif
