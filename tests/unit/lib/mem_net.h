/* SPDX-License-Identifier: MIT */
/* A network back end in memory: remembers what the device sends, and offers it frames. */
#ifndef TESTS_MEM_NET_H
#define TESTS_MEM_NET_H

#include "backend/net.h"

struct mem_net {
	struct net net;
	struct net_queue queue;
	const struct net_user_ops *user_ops;
	void *user;
	bool wanted;
	bool active;
	bool closed;
	struct mem_net *next; /* the next queue of the same net, which its first one has opened */
	unsigned offloads;    /* in use; what may be is net.offloads, for the test to set */
	bool header; /* in front of each frame; if there is no more to it, not the test's */
	unsigned n_sent;
	/* The last frame sent, with its header if there are offloads, of ... */
	uint8_t last[sizeof(struct net_header) + NET_FRAME_MAX];
	size_t last_len;
	int send_result;
	void (*on_send)(void *arg); /* called within each send; may be NULL */
	void *on_send_arg;
};

void mem_net_init(struct mem_net *m);

/* On the loop, not from a callback: offers a frame, in two pieces cut at `cut`, if frames are
 * wanted. Whether it was taken (or dropped). */
bool mem_net_offer(struct mem_net *m, uint8_t *frame, size_t len, size_t cut);

#endif
