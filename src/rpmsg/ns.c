/* SPDX-License-Identifier: MIT */
/* Announcements are messages like others, of a fixed form, to and from address 53. */
#include "rpmsg/rpmsg.h"

int rpmsg_ns_announce(struct rpmsg *r, const struct rpmsg_ept *ept, const char *name,
		      uint32_t flags)
{
	uint8_t message[RPMSG_NS_SIZE] = {0};

	for (unsigned i = 0; i < RPMSG_NS_NAME_MAX - 1 && name[i]; i++)
		message[RPMSG_NS_AT_NAME + i] = (uint8_t)name[i];
	rpmsg_store32(message + RPMSG_NS_AT_ADDR, ept->addr);
	rpmsg_store32(message + RPMSG_NS_AT_FLAGS, flags);
	return rpmsg_send_from(r, ept->addr, RPMSG_NS_ADDR, 0, message, sizeof(message),
			       RPMSG_BLOCK);
}

void rpmsg_ns_bind(struct rpmsg *r, rpmsg_ns_cb cb, void *priv)
{
	uintptr_t state = rpmsg_lock(r);

	r->ns_cb = cb;
	r->ns_priv = priv;
	rpmsg_unlock(r, state);
}

void rpmsg_ns_received(struct rpmsg *r, const void *payload, uint32_t len)
{
	uint8_t message[RPMSG_NS_SIZE];
	rpmsg_ns_cb cb;
	uintptr_t state;
	void *priv;

	if (len != sizeof(message)) {
		r->counts.malformed++;
		return;
	}
	__builtin_memcpy(message, payload, sizeof(message));
	message[RPMSG_NS_AT_NAME + RPMSG_NS_NAME_MAX - 1] = 0;
	state = rpmsg_lock(r);
	cb = r->ns_cb;
	priv = r->ns_priv;
	rpmsg_unlock(r, state);
	if (cb)
		cb(rpmsg_load32(message + RPMSG_NS_AT_ADDR),
		   (const char *)message + RPMSG_NS_AT_NAME,
		   rpmsg_load32(message + RPMSG_NS_AT_FLAGS), priv);
}
