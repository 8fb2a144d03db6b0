/* SPDX-License-Identifier: MIT */
/*
 * What all queues of a card go by, and how a change of it reaches them: each side of a pair (the
 * one that receives, the one that sends) lives on a loop, perhaps of its own, and follows the
 * card's rules with a copy that it alone looks at.
 *
 *	control command, negotiation ---> net_board_publish() ---> [on each follower's loop] apply()
 *	                                                                     |
 *	the command is answered <---- told [on the publisher's loop] <-------+
 *
 * Publishing takes a lock for a copy of some 2 KiB, and so does following; neither happens for a
 * frame.
 */
#ifndef DEV_NET_RULES_H
#define DEV_NET_RULES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "dev/net_filter.h"

/* How interrupts wait: virtio/coalesce.h. A command is in force for the queues that are started
 * when it comes. */
struct net_coalesce {
	uint64_t number; /* of the command: it is new to who knows another */
	uint32_t max_frames;
	uint64_t max_ns;
};

struct net_rules {
	struct net_filter filter;
	size_t frame_max;           /* of a frame for the guest that is not to be cut */
	unsigned offloads;          /* NET_OFFLOAD_*, in both directions */
	unsigned n_active;          /* pairs */
	struct net_coalesce rx, tx; /* of the queues that receive; that send */
};

/* One side of a pair. The owner sets apply, arg and loop before anything is published. */
struct net_follower {
	/* On the loop: f->rules are new. */
	void (*apply)(struct net_follower *f);
	void *arg; /* the owner's */
	struct loop *loop;
	struct net_rules rules; /* the loop's */

	/* private */
	struct net_board *board;
	struct loop_task follow;
	_Atomic uint64_t number; /* of the publication that was followed last */
};

/* All private, but for follower and n. */
struct net_board {
	pthread_mutex_t lock;
	struct net_rules rules;        /* under the lock; written by the publisher alone */
	uint64_t number;               /* the same */
	struct loop *loop;             /* under the lock, with told: where to say so */
	struct loop_task *told;        /* or NULL */
	struct net_follower *follower; /* n of them */
	unsigned n;
};

/* Of a zeroed one. 0 or -ENOMEM. */
int net_board_init(struct net_board *b, unsigned n);
/* The caller owns all loops. Also of a zeroed one. */
void net_board_fini(struct net_board *b);

/*
 * New rules, by one publisher at a time. Who lives on a loop of the caller's follows at once.
 * `told`: a task that is posted to `loop` whenever another one has followed; it asks
 * net_board_settled(), and may come once too often. A task goes to one loop in all its life, and is
 * the caller's to cancel in the end. NULL: nobody waits.
 */
void net_board_publish(struct net_board *b, const struct net_rules *rules, struct loop *loop,
		       struct loop_task *told);
/* The publisher: whether all go by what was published last. */
bool net_board_settled(const struct net_board *b);

#endif
