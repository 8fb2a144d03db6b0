/* SPDX-License-Identifier: MIT */
/*
 * Between virtq.c and the ring formats behind it (split.c, packed.c). Not for devices or carriers.
 *
 * virtq.c keeps what all formats share: the count in flight, the broken state, the translation of
 * guest addresses, and the building of a chain out of descriptors. A format reads and writes its
 * ring.
 */
#ifndef VIRTIO_RING_H
#define VIRTIO_RING_H

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>

#include "virtio/virtq.h"

/* The host address of [gpa, gpa + len), len > 0, or NULL: gmem_map() that tries the last region
 * first. */
static inline void *ring_map(struct virtq *vq, uint64_t gpa, uint64_t len)
{
	const struct gmem_region *r = vq->region;

	if (unlikely(gpa - r->gpa >= r->size)) {
		r = gmem_find(vq->mem, gpa);
		if (!r)
			return 0;
		vq->region = r;
	}
	if (len > r->size - (gpa - r->gpa))
		return 0;
	return r->host + (gpa - r->gpa);
}

/* Appends one descriptor to c. 0, or -EPROTO: outside RAM, readable after writable, too many parts,
 * too many bytes. */
static inline int ring_chain_add(struct virtq *vq, struct virtq_chain *c, uint64_t gpa,
				 uint32_t len, bool writable)
{
	unsigned n = c->n_read + c->n_write;
	void *host;

	if (!len)
		return 0;
	if (n == c->max || (!writable && c->n_write))
		return -EPROTO;
	/* 2.7.5: at most 2^32 bytes; one byte less, so that the sum fits the used length. */
	if (len > UINT32_MAX - c->read_len - c->write_len)
		return -EPROTO;
	host = ring_map(vq, gpa, len);
	if (!host)
		return -EPROTO;
	c->iov[n] = (struct iovec){.iov_base = host, .iov_len = len};
	c->seg[n] = (struct virtq_seg){.gpa = gpa, .len = len};
	if (writable) {
		c->n_write++;
		c->write_len += len;
	} else {
		c->n_read++;
		c->read_len += len;
	}
	return 0;
}

/* Words of a ring: little endian, aligned, shared with the guest. */
static inline uint16_t ring_load16(const uint8_t *p, int order)
{
	return le16toh(__atomic_load_n((const uint16_t *)(const void *)p, order));
}

static inline void ring_store16(uint8_t *p, uint16_t v, int order)
{
	__atomic_store_n((uint16_t *)(void *)p, htole16(v), order);
}

static inline void ring_store32(uint8_t *p, uint32_t v)
{
	__atomic_store_n((uint32_t *)(void *)p, htole32(v), __ATOMIC_RELAXED);
}

/* IN_ORDER (order.c); each function as its namesake in virtq.h. order_pop: false when the driver
 * has made more chains available than the ring can hold. */
int order_init(struct virtq *vq, const struct virtq_setup *setup);
bool order_pop(struct virtq *vq, struct virtq_chain *c);
void order_unpop(struct virtq *vq);
void order_push(struct virtq *vq, const struct virtq_chain *c, uint32_t written);
void order_publish(struct virtq *vq);

/* The split ring; each function as its namesake in virtq.h. split_use() writes a used entry: chain
 * `head`, and with it the n - 1 before it, are done. */
int split_init(struct virtq *vq, const struct virtq_setup *setup);
int split_pop(struct virtq *vq, struct virtq_chain *c);
void split_unpop(struct virtq *vq);
void split_use(struct virtq *vq, uint16_t head, uint32_t written, uint32_t n);
void split_publish(struct virtq *vq);
bool split_wants_interrupt(struct virtq *vq);
void split_disable_kicks(struct virtq *vq);
bool split_enable_kicks(struct virtq *vq);

/* The packed ring. packed_use() writes a used descriptor for chain `id` and those before it, which
 * have n_slots slots together. */
int packed_init(struct virtq *vq, const struct virtq_setup *setup);
int packed_pop(struct virtq *vq, struct virtq_chain *c);
void packed_unpop(struct virtq *vq, const struct virtq_chain *c);
void packed_use(struct virtq *vq, uint16_t id, uint32_t written, uint32_t n_slots);
void packed_publish(struct virtq *vq);
bool packed_wants_interrupt(struct virtq *vq);
void packed_disable_kicks(struct virtq *vq);
bool packed_enable_kicks(struct virtq *vq);
uint16_t packed_position(const struct virtq *vq);

static inline bool ring_is_packed(const struct virtq *vq)
{
	return vq->features & VIRTIO_F_RING_PACKED;
}

/* Writes one used entry or descriptor, not visible yet: see split_use() and packed_use(). */
static inline void ring_use(struct virtq *vq, uint16_t head, uint32_t written, uint32_t n)
{
	if (ring_is_packed(vq))
		packed_use(vq, head, written, n);
	else
		split_use(vq, head, written, n);
}

#endif
