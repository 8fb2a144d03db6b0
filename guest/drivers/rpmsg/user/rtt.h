/* SPDX-License-Identifier: GPL-2.0 */
/* Messages to an endpoint that sends them back: how long they take, how many there are a second. */
#ifndef RTT_H
#define RTT_H

#include <stdbool.h>

struct rtt_options {
	const char *channel;
	unsigned count;
	unsigned size, size_max; /* bytes: sizes go round from one to the other */
	bool nonblock;           /* flood: do not sleep for a buffer, but try again */
};

/* One message at a time; compares what comes back. 0, or 1 after a message. */
int rtt_ping(const struct rtt_options *o);
/* As many as the channel takes, while another thread compares what comes back. */
int rtt_flood(const struct rtt_options *o);

#endif
