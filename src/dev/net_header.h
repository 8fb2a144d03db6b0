/* SPDX-License-Identifier: MIT */
/*
 * The header of a packet (specification 5.1.6) and the offloads it may ask for: what a network's
 * guest side and a back end's struct net_header say to each other. Pure: any thread.
 */
#ifndef DEV_NET_HEADER_H
#define DEV_NET_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_header;

/* 5.1.6: struct virtio_net_hdr; without HASH_REPORT */
#define NET_HEADER_SIZE 12u

/* Device features (5.1.3) for what a back end can do (NET_OFFLOAD_*), and the reverse: what of a
 * back end's is to be used when `features` are negotiated. Nothing that lacks what it depends on.
 */
uint64_t net_header_features(unsigned offloads);
unsigned net_header_offloads(uint64_t features);

/*
 * What a driver asks for with `guest`, a header in front of a frame of frame_len bytes, when
 * `offloads` are in use. False: it was not offered, or makes no sense for this frame, which is then
 * not to be sent. In *out all that is set is consistent and lies within the frame; what has no
 * meaning is 0.
 */
bool net_header_from_guest(const uint8_t guest[NET_HEADER_SIZE], unsigned offloads,
			   size_t frame_len, struct net_header *out);

/* The header for a driver, of a frame in one buffer. False: the frame needs what the driver has not
 * agreed to. */
bool net_header_to_guest(const struct net_header *h, unsigned offloads,
			 uint8_t guest[NET_HEADER_SIZE]);

/* Over how many buffers the frame is spread. */
void net_header_set_buffers(uint8_t guest[NET_HEADER_SIZE], unsigned n);

#endif
