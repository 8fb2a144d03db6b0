/* SPDX-License-Identifier: MIT */
/*
 * RPMsg as it lies in shared memory: what Linux' virtio_rpmsg_bus, RPMsg-Lite and OpenAMP agree on.
 * All numbers are little-endian. Virtio specification 1.2, 2.7 (the rings), has nothing on the
 * messages; they are these.
 *
 *	a buffer:	header (16 bytes), then the payload
 *	name service:	a message to address 53 says that a name is to be had at an address, or no
 * more
 *
 * Freestanding, and pure: any thread.
 */
#ifndef RPMSG_PROTO_H
#define RPMSG_PROTO_H

#include <stddef.h>
#include <stdint.h>

/* What Linux makes its buffers of; others have to fit. */
#define RPMSG_BUFFER_SIZE 512u
#define RPMSG_PAYLOAD_MAX (RPMSG_BUFFER_SIZE - RPMSG_HEADER_SIZE)

/* The header. */
#define RPMSG_HEADER_SIZE 16u
#define RPMSG_AT_SRC      0u  /* u32 */
#define RPMSG_AT_DST      4u  /* u32 */
#define RPMSG_AT_RESERVED 8u  /* u32: the sender's own; ours is 0 */
#define RPMSG_AT_LEN      12u /* u16: of the payload */
#define RPMSG_AT_FLAGS    14u /* u16: nobody defines any; handed through */

/* The name service. */
#define RPMSG_NS_ADDR     53u
#define RPMSG_NS_SIZE     40u
#define RPMSG_NS_NAME_MAX 32u /* bytes, with the end's 0 */
#define RPMSG_NS_AT_NAME  0u
#define RPMSG_NS_AT_ADDR  32u /* u32 */
#define RPMSG_NS_AT_FLAGS 36u /* u32: one of those below */
#define RPMSG_NS_CREATE   0u
#define RPMSG_NS_DESTROY  1u

#define RPMSG_ADDR_ANY     0xffffffffu
#define RPMSG_ADDR_DYNAMIC 1024u /* addresses below are for those who agreed on them */

#define RPMSG_VIRTIO_ID   7u
#define RPMSG_VIRTIO_F_NS (UINT64_C(1) << 0)

struct rpmsg_header {
	uint32_t src;
	uint32_t dst;
	uint16_t len;
	uint16_t flags;
};

static inline uint16_t rpmsg_load16(const void *p)
{
	const uint8_t *b = (const uint8_t *)p;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t rpmsg_load32(const void *p)
{
	const uint8_t *b = (const uint8_t *)p;

	return (uint32_t)rpmsg_load16(b) | (uint32_t)rpmsg_load16(b + 2) << 16;
}

static inline void rpmsg_store16(void *p, uint16_t v)
{
	uint8_t *b = (uint8_t *)p;

	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}

static inline void rpmsg_store32(void *p, uint32_t v)
{
	rpmsg_store16(p, (uint16_t)v);
	rpmsg_store16((uint8_t *)p + 2, (uint16_t)(v >> 16));
}

/* Copies a header out of a buffer that others may write to: use the copy. */
static inline struct rpmsg_header rpmsg_header_load(const void *buffer)
{
	uint8_t copy[RPMSG_HEADER_SIZE];

	__builtin_memcpy(copy, buffer, sizeof(copy));
	return (struct rpmsg_header){
		.src = rpmsg_load32(copy + RPMSG_AT_SRC),
		.dst = rpmsg_load32(copy + RPMSG_AT_DST),
		.len = rpmsg_load16(copy + RPMSG_AT_LEN),
		.flags = rpmsg_load16(copy + RPMSG_AT_FLAGS),
	};
}

static inline void rpmsg_header_store(void *buffer, const struct rpmsg_header *h)
{
	uint8_t *b = (uint8_t *)buffer;

	rpmsg_store32(b + RPMSG_AT_SRC, h->src);
	rpmsg_store32(b + RPMSG_AT_DST, h->dst);
	rpmsg_store32(b + RPMSG_AT_RESERVED, 0);
	rpmsg_store16(b + RPMSG_AT_LEN, h->len);
	rpmsg_store16(b + RPMSG_AT_FLAGS, h->flags);
}

#endif
