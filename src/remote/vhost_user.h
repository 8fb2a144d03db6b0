/* SPDX-License-Identifier: MIT */
/*
 * vhost-user as it is on the socket: numbers and layouts of QEMU's docs/interop/vhost-user, for the
 * front end (src/remote) and the back end (src/vhost). Words are in the host's own order; both
 * sides run on one host.
 */
#ifndef REMOTE_VHOST_USER_H
#define REMOTE_VHOST_USER_H

#include <stdint.h>

#include "base/bits.h"

/* Requests of the front end. */
#define VU_GET_FEATURES          1u
#define VU_SET_FEATURES          2u
#define VU_SET_OWNER             3u
#define VU_RESET_OWNER           4u
#define VU_SET_MEM_TABLE         5u
#define VU_SET_VRING_NUM         8u
#define VU_SET_VRING_ADDR        9u
#define VU_SET_VRING_BASE        10u
#define VU_GET_VRING_BASE        11u
#define VU_SET_VRING_KICK        12u
#define VU_SET_VRING_CALL        13u
#define VU_SET_VRING_ERR         14u
#define VU_GET_PROTOCOL_FEATURES 15u
#define VU_SET_PROTOCOL_FEATURES 16u
#define VU_GET_QUEUE_NUM         17u
#define VU_SET_VRING_ENABLE      18u
#define VU_NET_SET_MTU           20u
#define VU_GET_CONFIG            24u

/* What names a ring when a descriptor comes along. */
#define VU_VRING_INDEX 0xffull
#define VU_VRING_NO_FD BIT(8) /* ... or when none does */

/* Among the features: there are protocol features; rings begin disabled then. */
#define VU_F_PROTOCOL_FEATURES BIT(30)

#define VU_PROTOCOL_F_MQ        BIT(0)
#define VU_PROTOCOL_F_REPLY_ACK BIT(3)
#define VU_PROTOCOL_F_NET_MTU   BIT(4)
#define VU_PROTOCOL_F_CONFIG    BIT(9)

/* Flags of a message: the version in the low two bits. */
#define VU_VERSION      1u
#define VU_VERSION_MASK 3u
#define VU_REPLY        4u
#define VU_NEED_REPLY   8u

#define VU_REGIONS_MAX 8u
#define VU_CONFIG_MAX  256u

struct vu_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of the payload */
};

struct vu_vring_state {
	uint32_t index;
	uint32_t num;
};

/* Addresses are the front end's "user" addresses: see struct vu_region. */
struct vu_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};

struct vu_region {
	uint64_t guest_addr;
	uint64_t size;
	uint64_t user_addr;
	uint64_t offset; /* in the descriptor that comes along */
};

struct vu_memory {
	uint32_t n;
	uint32_t padding;
	struct vu_region region[VU_REGIONS_MAX];
};

struct vu_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[VU_CONFIG_MAX];
};

union vu_payload {
	uint64_t u64;
	struct vu_vring_state state;
	struct vu_vring_addr addr;
	struct vu_memory memory;
	struct vu_config config;
};

#endif
