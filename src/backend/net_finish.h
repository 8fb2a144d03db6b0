/* SPDX-License-Identifier: MIT */
/*
 * In software what a network card's offloads put off: checksums are made, large segments are cut.
 * For a receiver that has not agreed to frames as unfinished as its neighbour sends them. Pure.
 */
#ifndef BACKEND_NET_FINISH_H
#define BACKEND_NET_FINISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct net_header;

/* Whether header and frame fit each other, as far as that can be seen from outside the frame: for
 * headers that come from strangers. */
bool net_finish_sane(const struct net_header *h, size_t len);

/* Whether a frame with this header needs more than `offloads` (NET_OFFLOAD_RECV_*) allow. */
bool net_finish_needed(const struct net_header *h, unsigned offloads);

/*
 * Makes of the frame one or more that need nothing, and calls emit() with each, without a header,
 * in two pieces at most; memory is borrowed for the call. The frame is written to. False, without a
 * call: header and frame do not fit each other.
 */
bool net_finish(const struct net_header *h, uint8_t *frame, size_t len,
		void (*emit)(void *arg, const struct iovec *iov, unsigned n), void *arg);

#endif
