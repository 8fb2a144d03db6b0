/* SPDX-License-Identifier: MIT */
/*
 * A queue of received messages, for threads that would rather fetch them than be called back. It is
 * the callback of one or more endpoints:
 *
 *	rpmsg_queue_create(&rpmsg, &queue, items, 256);
 *	rpmsg_create_ept(&rpmsg, 30, rpmsg_queue_rx_cb, &queue, &ept);
 *	rpmsg_queue_recv(&rpmsg, &queue, &src, text, sizeof(text), &len, RPMSG_BLOCK);
 *
 * Messages stay in the buffers of the other side until they are fetched. With as many items as its
 * ring has buffers none is ever lost; with fewer, those that find the queue full are dropped.
 * Threads as in rpmsg.h.
 */
#ifndef RPMSG_QUEUE_H
#define RPMSG_QUEUE_H

#include "rpmsg/rpmsg.h"

/* Private. */
struct rpmsg_queue_item {
	void *payload;
	uint32_t len;
	uint32_t src;
	uint32_t epoch;
};

/* All private but `dropped`. */
struct rpmsg_queue {
	struct rpmsg *r;
	struct rpmsg_queue_item *items;
	uint32_t n_items;
	uint32_t first, count;
	uint32_t dropped;
};

/* Makes a queue of n items, which stay the queue's. PARAM: none. */
int rpmsg_queue_create(struct rpmsg *r, struct rpmsg_queue *q, struct rpmsg_queue_item *items,
		       uint32_t n);
/* Gives back all messages that it has. Its endpoints are destroyed before. */
void rpmsg_queue_destroy(struct rpmsg *r, struct rpmsg_queue *q);

/* What an endpoint takes as its callback, with the queue as `priv`. */
int rpmsg_queue_rx_cb(void *payload, uint32_t len, uint32_t src, void *priv);

/* Waits up to `ms` for the next message and copies it. src and len may be NULL. NO_BUFF: none came.
 * BUFF_SIZE: it has more than `max` bytes; *len says how many, and it stays the next. */
int rpmsg_queue_recv(struct rpmsg *r, struct rpmsg_queue *q, uint32_t *src, void *data,
		     uint32_t max, uint32_t *len, uint32_t ms);
/* The same without a copy: *data is the caller's until rpmsg_queue_nocopy_free(). */
int rpmsg_queue_recv_nocopy(struct rpmsg *r, struct rpmsg_queue *q, uint32_t *src, void **data,
			    uint32_t *len, uint32_t ms);
int rpmsg_queue_nocopy_free(struct rpmsg *r, void *data);

/* How many messages wait. */
uint32_t rpmsg_queue_get_current_size(const struct rpmsg_queue *q);

#endif
