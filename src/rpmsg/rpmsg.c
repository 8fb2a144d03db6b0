/* SPDX-License-Identifier: MIT */
/*
 * Endpoints are a list, since an application has few. A message that comes is looked at in its
 * buffer: the header is copied once, the endpoint found under the lock, its callback called without
 * it; then the buffer goes back, unless the callback holds it. To send is to take a buffer of the
 * other side's, fill it and give it back, the copying version too; a sender that finds none sets
 * `starved`, and the next rpmsg_poll() wakes it, for the carrier has asked for a notification.
 */
#include "rpmsg/rpmsg.h"

#define POLL_MAX 256u /* messages of one rpmsg_poll() */

void rpmsg_remote_init(struct rpmsg *r, struct rpmsg_carrier *carrier, const struct rpmsg_env *env)
{
	*r = (struct rpmsg){
		.carrier = carrier,
		.env = *env,
		.next_addr = RPMSG_ADDR_DYNAMIC,
	};
}

/* With the lock: the carrier's, or 0 while the link is down. */
static uint32_t rpmsg_epoch(struct rpmsg *r)
{
	uint32_t epoch = r->carrier->ops->epoch(r->carrier);

	return !r->env.ready || r->env.ready(r->env.arg) ? epoch : 0;
}

bool rpmsg_is_link_up(struct rpmsg *r)
{
	uintptr_t state = rpmsg_lock(r);
	uint32_t epoch = rpmsg_epoch(r);

	rpmsg_unlock(r, state);
	return epoch != 0;
}

bool rpmsg_wait_for_link_up(struct rpmsg *r, uint32_t ms)
{
	while (!rpmsg_is_link_up(r)) {
		ms = rpmsg_wait(r, r, ms);
		if (!ms)
			return rpmsg_is_link_up(r);
	}
	return true;
}

/* ---- endpoints ---- */

static struct rpmsg_ept *rpmsg_find(const struct rpmsg *r, uint32_t addr)
{
	struct rpmsg_ept *ept = r->epts;

	while (ept && ept->addr != addr)
		ept = ept->next;
	return ept;
}

/* Ends, since there are fewer endpoints than addresses. */
static uint32_t rpmsg_free_addr(struct rpmsg *r)
{
	uint32_t addr;

	do {
		addr = r->next_addr++;
		if (r->next_addr == RPMSG_ADDR_ANY)
			r->next_addr = RPMSG_ADDR_DYNAMIC;
	} while (rpmsg_find(r, addr));
	return addr;
}

struct rpmsg_ept *rpmsg_create_ept(struct rpmsg *r, uint32_t addr, rpmsg_rx_cb rx_cb, void *priv,
				   struct rpmsg_ept *ept)
{
	uintptr_t state;

	if (!rx_cb || addr == RPMSG_NS_ADDR)
		return NULL;
	state = rpmsg_lock(r);
	if (addr == RPMSG_ADDR_ANY)
		addr = rpmsg_free_addr(r);
	if (rpmsg_find(r, addr)) {
		ept = NULL;
	} else {
		*ept = (struct rpmsg_ept){
			.addr = addr, .rx_cb = rx_cb, .priv = priv, .next = r->epts};
		r->epts = ept;
	}
	rpmsg_unlock(r, state);
	return ept;
}

int rpmsg_destroy_ept(struct rpmsg *r, struct rpmsg_ept *ept)
{
	uintptr_t state = rpmsg_lock(r);
	struct rpmsg_ept **at = &r->epts;
	int result = RPMSG_ERR_PARAM;

	while (*at && *at != ept)
		at = &(*at)->next;
	if (*at) {
		*at = ept->next;
		result = RPMSG_SUCCESS;
	}
	rpmsg_unlock(r, state);
	return result;
}

/* ---- receiving ---- */

static bool rpmsg_give_back(struct rpmsg *r, void *buffer)
{
	uintptr_t state = rpmsg_lock(r);
	bool known, notify = r->carrier->ops->rx_give(r->carrier, buffer, &known);

	rpmsg_unlock(r, state);
	if (notify)
		r->carrier->ops->notify(r->carrier, RPMSG_RING_RX);
	return known;
}

int rpmsg_release_rx_buffer(struct rpmsg *r, void *payload)
{
	return rpmsg_give_back(r, (uint8_t *)payload - RPMSG_HEADER_SIZE) ? RPMSG_SUCCESS
									  : RPMSG_ERR_PARAM;
}

/* Gives a message in a buffer of `len` bytes to whom it is for. */
static int rpmsg_deliver(struct rpmsg *r, uint8_t *buffer, uint32_t len)
{
	struct rpmsg_header header = rpmsg_header_load(buffer);
	uint8_t *payload = buffer + RPMSG_HEADER_SIZE;
	const struct rpmsg_ept *found;
	struct rpmsg_ept ept;
	uintptr_t state;

	if (header.len > len - RPMSG_HEADER_SIZE) {
		r->counts.malformed++;
		return RPMSG_RELEASE;
	}
	r->counts.received++;
	if (header.dst == RPMSG_NS_ADDR) {
		rpmsg_ns_received(r, payload, header.len);
		return RPMSG_RELEASE;
	}
	state = rpmsg_lock(r);
	found = rpmsg_find(r, header.dst);
	if (found)
		ept = *found;
	rpmsg_unlock(r, state);
	if (!found) {
		r->counts.nowhere++;
		return RPMSG_RELEASE;
	}
	return ept.rx_cb(payload, header.len, header.src, ept.priv);
}

static bool rpmsg_receive(struct rpmsg *r)
{
	uintptr_t state = rpmsg_lock(r);
	uint32_t len = 0;
	uint8_t *buffer = (uint8_t *)r->carrier->ops->rx_take(r->carrier, &len);

	rpmsg_unlock(r, state);
	if (!buffer)
		return false;
	if (rpmsg_deliver(r, buffer, len) != RPMSG_HOLD)
		rpmsg_give_back(r, buffer);
	return true;
}

void rpmsg_poll_link(struct rpmsg *r)
{
	uintptr_t state = rpmsg_lock(r);
	uint32_t was = r->epoch, now = rpmsg_epoch(r);
	bool starved = r->starved;

	r->epoch = now;
	r->starved = false;
	rpmsg_unlock(r, state);
	if (was && was != now) {
		r->counts.restarts++;
		if (r->env.link)
			r->env.link(r->env.arg, false);
	}
	if (now && was != now && r->env.link)
		r->env.link(r->env.arg, true);
	if (starved || was != now)
		rpmsg_wake(r, r);
}

bool rpmsg_poll_one(struct rpmsg *r)
{
	rpmsg_poll_link(r);
	return rpmsg_receive(r);
}

bool rpmsg_poll(struct rpmsg *r)
{
	rpmsg_poll_link(r);
	for (unsigned n = 0; n < POLL_MAX; n++) {
		if (!rpmsg_receive(r))
			return false;
	}
	return true;
}

/* ---- sending ---- */

/* Takes a buffer to send with. */
static int rpmsg_take_tx(struct rpmsg *r, uint8_t **buffer, uint32_t ms)
{
	uint32_t epoch;
	uintptr_t state;

	for (bool last = !ms;; last = !ms) {
		state = rpmsg_lock(r);
		epoch = rpmsg_epoch(r);
		*buffer = epoch ? (uint8_t *)r->carrier->ops->tx_take(r->carrier) : NULL;
		if (epoch && !*buffer) {
			r->starved = true;
			r->counts.starved++;
		}
		rpmsg_unlock(r, state);
		if (*buffer)
			return RPMSG_SUCCESS;
		if (!epoch)
			return RPMSG_NOT_READY;
		if (last)
			return RPMSG_ERR_NO_BUFF;
		ms = rpmsg_wait(r, r, ms);
	}
}

static int rpmsg_send_buffer(struct rpmsg *r, uint8_t *buffer, const struct rpmsg_header *header)
{
	bool known, notify;
	uintptr_t state;

	rpmsg_header_store(buffer, header);
	state = rpmsg_lock(r);
	notify = r->carrier->ops->tx_give(r->carrier, buffer, RPMSG_HEADER_SIZE + header->len,
					  &known);
	if (known)
		r->counts.sent++;
	rpmsg_unlock(r, state);
	if (notify)
		r->carrier->ops->notify(r->carrier, RPMSG_RING_TX);
	return known ? RPMSG_SUCCESS : RPMSG_ERR_PARAM;
}

int rpmsg_send_from(struct rpmsg *r, uint32_t src, uint32_t dst, uint16_t flags, const void *data,
		    uint32_t size, uint32_t ms)
{
	struct rpmsg_header header = {
		.src = src, .dst = dst, .len = (uint16_t)size, .flags = flags};
	uint8_t *buffer;
	int result;

	if (size > rpmsg_payload_max(r))
		return RPMSG_ERR_BUFF_SIZE;
	result = rpmsg_take_tx(r, &buffer, ms);
	if (result)
		return result;
	__builtin_memcpy(buffer + RPMSG_HEADER_SIZE, data, size);
	return rpmsg_send_buffer(r, buffer, &header);
}

int rpmsg_send(struct rpmsg *r, const struct rpmsg_ept *ept, uint32_t dst, const void *data,
	       uint32_t size, uint32_t ms)
{
	return rpmsg_send_from(r, ept->addr, dst, 0, data, size, ms);
}

void *rpmsg_alloc_tx_buffer(struct rpmsg *r, uint32_t *size, uint32_t ms)
{
	uint8_t *buffer;

	if (rpmsg_take_tx(r, &buffer, ms))
		return NULL;
	*size = rpmsg_payload_max(r);
	return buffer + RPMSG_HEADER_SIZE;
}

int rpmsg_send_nocopy_from(struct rpmsg *r, uint32_t src, uint32_t dst, uint16_t flags,
			   void *payload, uint32_t size)
{
	struct rpmsg_header header = {
		.src = src, .dst = dst, .len = (uint16_t)size, .flags = flags};

	if (size > rpmsg_payload_max(r))
		return RPMSG_ERR_BUFF_SIZE;
	return rpmsg_send_buffer(r, (uint8_t *)payload - RPMSG_HEADER_SIZE, &header);
}

int rpmsg_send_nocopy(struct rpmsg *r, const struct rpmsg_ept *ept, uint32_t dst, void *payload,
		      uint32_t size)
{
	return rpmsg_send_nocopy_from(r, ept->addr, dst, 0, payload, size);
}
