/* SPDX-License-Identifier: MIT */
/*
 * A circle of payloads that are held. Each knows in which epoch of the link it came: when the other
 * side has restarted, what it sent before is no message any more, and is passed over.
 */
#include "rpmsg/queue.h"

/* With the lock: now, which rpmsg_poll() may not have looked at yet. */
static uint32_t rpmsg_queue_epoch(const struct rpmsg_queue *q)
{
	return q->r->carrier->ops->epoch(q->r->carrier);
}

int rpmsg_queue_create(struct rpmsg *r, struct rpmsg_queue *q, struct rpmsg_queue_item *items,
		       uint32_t n)
{
	if (!n)
		return RPMSG_ERR_PARAM;
	*q = (struct rpmsg_queue){.r = r, .items = items, .n_items = n};
	return RPMSG_SUCCESS;
}

int rpmsg_queue_rx_cb(void *payload, uint32_t len, uint32_t src, void *priv)
{
	struct rpmsg_queue *q = (struct rpmsg_queue *)priv;
	uintptr_t state = rpmsg_lock(q->r);
	bool full = q->count == q->n_items;

	if (full) {
		q->dropped++;
	} else {
		q->items[(q->first + q->count) % q->n_items] = (struct rpmsg_queue_item){
			.payload = payload, .len = len, .src = src, .epoch = rpmsg_queue_epoch(q)};
		q->count++;
	}
	rpmsg_unlock(q->r, state);
	if (full)
		return RPMSG_RELEASE;
	rpmsg_wake(q->r, q);
	return RPMSG_HOLD;
}

/* With the lock: what is to be fetched next, or NULL. */
static const struct rpmsg_queue_item *rpmsg_queue_head(struct rpmsg_queue *q)
{
	uint32_t epoch = rpmsg_queue_epoch(q);

	while (q->count && q->items[q->first].epoch != epoch) {
		q->first = (q->first + 1) % q->n_items;
		q->count--;
	}
	return q->count ? &q->items[q->first] : NULL;
}

/* Takes the next message if it has at most `max` bytes. */
static int rpmsg_queue_take(struct rpmsg_queue *q, struct rpmsg_queue_item *out, uint32_t max)
{
	uintptr_t state = rpmsg_lock(q->r);
	const struct rpmsg_queue_item *head = rpmsg_queue_head(q);
	int result = RPMSG_ERR_NO_BUFF;

	if (head) {
		*out = *head;
		result = RPMSG_ERR_BUFF_SIZE;
	}
	if (head && head->len <= max) {
		q->first = (q->first + 1) % q->n_items;
		q->count--;
		result = RPMSG_SUCCESS;
	}
	rpmsg_unlock(q->r, state);
	return result;
}

static int rpmsg_queue_fetch(struct rpmsg_queue *q, struct rpmsg_queue_item *out, uint32_t max,
			     uint32_t ms)
{
	int result = rpmsg_queue_take(q, out, max);

	while (result == RPMSG_ERR_NO_BUFF && ms) {
		ms = rpmsg_wait(q->r, q, ms);
		result = rpmsg_queue_take(q, out, max);
	}
	return result;
}

void rpmsg_queue_destroy(struct rpmsg *r, struct rpmsg_queue *q)
{
	struct rpmsg_queue_item item;

	while (!rpmsg_queue_take(q, &item, UINT32_MAX))
		rpmsg_release_rx_buffer(r, item.payload);
}

int rpmsg_queue_recv_nocopy(struct rpmsg *r, struct rpmsg_queue *q, uint32_t *src, void **data,
			    uint32_t *len, uint32_t ms)
{
	struct rpmsg_queue_item item;
	int result = rpmsg_queue_fetch(q, &item, UINT32_MAX, ms);

	if (result)
		return result;
	*data = item.payload;
	if (src)
		*src = item.src;
	if (len)
		*len = item.len;
	return RPMSG_SUCCESS;
}

int rpmsg_queue_nocopy_free(struct rpmsg *r, void *data)
{
	return rpmsg_release_rx_buffer(r, data);
}

int rpmsg_queue_recv(struct rpmsg *r, struct rpmsg_queue *q, uint32_t *src, void *data,
		     uint32_t max, uint32_t *len, uint32_t ms)
{
	struct rpmsg_queue_item item;
	int result = rpmsg_queue_fetch(q, &item, max, ms);

	if (result != RPMSG_ERR_NO_BUFF && len)
		*len = item.len;
	if (result)
		return result;
	if (src)
		*src = item.src;
	__builtin_memcpy(data, item.payload, item.len);
	rpmsg_release_rx_buffer(r, item.payload);
	return RPMSG_SUCCESS;
}

uint32_t rpmsg_queue_get_current_size(const struct rpmsg_queue *q)
{
	uintptr_t state = rpmsg_lock(q->r);
	uint32_t count = q->count;

	rpmsg_unlock(q->r, state);
	return count;
}
