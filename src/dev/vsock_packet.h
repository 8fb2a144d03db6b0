/* SPDX-License-Identifier: MIT */
/* The header of a packet between vsock sockets: specification 5.10.6. For vsock.c alone. */
#ifndef DEV_VSOCK_PACKET_H
#define DEV_VSOCK_PACKET_H

#include <stdint.h>

#include "base/endian.h"

#define HEADER      44u /* bytes in the ring */
#define HOST_CID    2u
#define TYPE_STREAM 1u

enum op { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST };

struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
};

static inline void packet_load(struct packet *p, const uint8_t *b)
{
	p->src_cid = le64_load(b);
	p->dst_cid = le64_load(b + 8);
	p->src_port = le32_load(b + 16);
	p->dst_port = le32_load(b + 20);
	p->len = le32_load(b + 24);
	p->type = le16_load(b + 28);
	p->op = le16_load(b + 30);
	p->flags = le32_load(b + 32);
	p->buf_alloc = le32_load(b + 36);
	p->fwd_cnt = le32_load(b + 40);
}

static inline void packet_store(uint8_t *b, const struct packet *p)
{
	le64_store(b, p->src_cid);
	le64_store(b + 8, p->dst_cid);
	le32_store(b + 16, p->src_port);
	le32_store(b + 20, p->dst_port);
	le32_store(b + 24, p->len);
	le16_store(b + 28, p->type);
	le16_store(b + 30, p->op);
	le32_store(b + 32, p->flags);
	le32_store(b + 36, p->buf_alloc);
	le32_store(b + 40, p->fwd_cnt);
}

#endif
