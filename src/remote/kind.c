/* SPDX-License-Identifier: MIT */
/*
 * File systems (specification 5.11): requests are FUSE's; a reply is at least a header of 16 bytes
 * (length, error, the request's number), and a request without room for it wants none.
 * Disks (5.2): the last writable byte is the status. Networks (5.1): nothing is answered.
 */
#include "remote/kind.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/endian.h"
#include "base/iov.h"
#include "virtio/spec.h"

/* 5.11.4: tag[36], le32 num_request_queues */
#define FS_CONFIG_LEN 40u

#define FUSE_IN_LEN     40u /* le32 len, le32 opcode, le64 unique, ... */
#define FUSE_IN_UNIQUE  8u
#define FUSE_OUT_LEN    16u  /* le32 len, le32 error, le64 unique */
#define GUEST_E_NOTCONN 107u /* of the guest's Linux */

/* 5.2.3, 5.2.4 */
#define BLK_F_PASSED_ON                                                                           \
	(BIT(1) /* SIZE_MAX */ | BIT(2) /* SEG_MAX */ | BIT(5) /* RO */ | BIT(6) /* BLK_SIZE */ | \
	 BIT(9) /* FLUSH */ | BIT(10) /* TOPOLOGY */ | BIT(12) /* MQ */ | BIT(13) /* DISCARD */ | \
	 BIT(14) /* WRITE_ZEROES */)
#define BLK_CONFIG_LEN    60u
#define BLK_CONFIG_QUEUES 34u
#define BLK_S_IOERR       1u

/* 5.1.3, 5.1.4 */
#define NET_F_MTU          BIT(3)
#define NET_F_MAC          BIT(5)
#define NET_F_STATUS       BIT(16)
#define NET_F_SPEED_DUPLEX BIT(63)
#define NET_F_PASSED_ON                                                                \
	(BIT(0) /* CSUM */ | BIT(1) /* GUEST_CSUM */ | BIT(7) /* GUEST_TSO4 */ |       \
	 BIT(8) /* GUEST_TSO6 */ | BIT(9) /* GUEST_ECN */ | BIT(10) /* GUEST_UFO */ |  \
	 BIT(11) /* HOST_TSO4 */ | BIT(12) /* HOST_TSO6 */ | BIT(13) /* HOST_ECN */ |  \
	 BIT(14) /* HOST_UFO */ | BIT(15) /* MRG_RXBUF */ | BIT(54) /* GUEST_USO4 */ | \
	 BIT(55) /* GUEST_USO6 */ | BIT(56) /* HOST_USO */)
/* mac[6], le16 status, le16 max_virtqueue_pairs, le16 mtu, le32 speed, u8 duplex */
#define NET_CONFIG_LEN    17u
#define NET_CONFIG_MTU    10u
#define NET_CONFIG_SPEED  12u
#define NET_CONFIG_DUPLEX 16u
#define NET_DUPLEX_FULL   1u

static void fs_config(const struct remote_config *cfg, uint8_t *config)
{
	memcpy(config, cfg->tag, strlen(cfg->tag));
	le32_store(config + REMOTE_TAG_MAX, 1);
}

static uint32_t fs_fail(const struct virtq_chain *c)
{
	uint8_t in[FUSE_IN_LEN], out[FUSE_OUT_LEN];

	if (c->write_len < sizeof(out) || c->read_len < sizeof(in))
		return 0;
	iov_to_buf(c->iov, c->n_read, 0, in, sizeof(in));
	le32_store(out, sizeof(out));
	le32_store(out + 4, -GUEST_E_NOTCONN);
	memcpy(out + 8, in + FUSE_IN_UNIQUE, 8);
	iov_from_buf(virtq_chain_writable(c), c->n_write, 0, out, sizeof(out));
	return sizeof(out);
}

static void blk_config(const struct remote_config *cfg, uint8_t *config)
{
	le16_store(config + BLK_CONFIG_QUEUES, (uint16_t)(cfg->n_queues ? cfg->n_queues : 1));
}

/* All is said to be written, status included, so all of it has to be something: zeros. */
static uint32_t blk_fail(const struct virtq_chain *c)
{
	const struct iovec *iov = virtq_chain_writable(c);

	if (!c->n_write)
		return 0;
	for (unsigned i = 0; i < c->n_write; i++)
		memset(iov[i].iov_base, 0, iov[i].iov_len);
	((uint8_t *)iov[c->n_write - 1].iov_base)[iov[c->n_write - 1].iov_len - 1] = BLK_S_IOERR;
	return c->write_len;
}

static void net_config(const struct remote_config *cfg, uint8_t *config)
{
	memcpy(config, cfg->mac, sizeof(cfg->mac));
	le16_store(config + KIND_NET_STATUS, KIND_NET_LINK_UP);
	le16_store(config + NET_CONFIG_MTU, (uint16_t)cfg->mtu);
	le32_store(config + NET_CONFIG_SPEED, cfg->speed);
	config[NET_CONFIG_DUPLEX] = NET_DUPLEX_FULL;
}

uint64_t remote_kind_own(const struct remote_config *cfg)
{
	if (!remote_kinds[cfg->kind].is_net)
		return 0;
	return NET_F_MAC | NET_F_STATUS | (cfg->mtu ? NET_F_MTU : 0) |
	       (cfg->speed ? NET_F_SPEED_DUPLEX : 0);
}

const struct remote_kind_info remote_kinds[] = {
	[REMOTE_FS] = {.config_len = FS_CONFIG_LEN,
		       .n_queues = 2, /* one for what must not wait, one for requests */
		       .queue_size = 128,
		       .no_return = true,
		       .config = fs_config,
		       .answer_failed = fs_fail},
	[REMOTE_BLK] = {.features = BLK_F_PASSED_ON,
			.config_len = BLK_CONFIG_LEN,
			.asks_config = true,
			.n_queues = 1,
			.more_queues = true,
			.queue_size = 256,
			.config = blk_config,
			.answer_failed = blk_fail},
	[REMOTE_NET] = {.features = NET_F_PASSED_ON,
			.config_len = NET_CONFIG_LEN,
			.n_queues = 2,
			.queue_size = 256,
			.is_net = true,
			.config = net_config},
};
