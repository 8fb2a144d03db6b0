/* SPDX-License-Identifier: MIT */
/*
 * The device side of one ring (virtqueue). It knows no device and no carrier.
 *
 *	driver --- makes chains available ---> virtq_pop()
 *	                                          |   chain: readable parts, then writable ones
 *	driver <-- virtq_publish() <------ virtq_push()
 *
 * A device pops chains, works on them in any order and for as long as it likes, pushes each exactly
 * once, and publishes: one store makes all that was pushed visible, and virtq_wants_interrupt()
 * then decides once for the whole batch. Nothing here allocates, logs or enters the kernel.
 *
 * Threads: one ring, one thread at a time (the loop that owns the queue); the only party that works
 * on the ring at the same time is the guest. The guest is hostile: each word of it is read once,
 * checked, and only then used. What breaks the rules of the specification is -EPROTO, and the ring
 * stays broken from then on: what is in flight may be pushed, nothing more can be popped.
 *
 * With IN_ORDER a device may still end its chains in any order: what was pushed too early waits
 * here for those before it.
 *
 * Specification: 2.7 (split), 2.8 (packed), 2.7.5.3 and 2.8.7 (indirect), 2.7.7, 2.7.10 and 2.8.14
 * (event index), 2.7.9 and 2.8.9 (in order).
 */
#ifndef VIRTIO_VIRTQ_H
#define VIRTIO_VIRTQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/stats.h"
#include "mem/gmem.h"
#include "virtio/spec.h"

/* The feature bits that are the ring's own: what a device may offer without doing anything. */
#define VIRTQ_FEATURES_ALL                                                                      \
	(VIRTQ_FEATURES | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER | \
	 VIRTIO_F_NOTIFICATION_DATA)
#define VIRTQ_FEATURES \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_RESET)

#define VIRTQ_PACKED_WRAP 0x8000u

/* What a ring counts, by the thread that works on it. */
struct virtq_stats {
	struct counter chains; /* pushed */
	struct counter read;   /* bytes: the readable parts of those chains */
	struct counter written;
};

/* With IN_ORDER: a chain in flight, or one that waits for those before it. */
struct virtq_waiting {
	uint32_t written;
	uint16_t head;
	uint16_t n_slots;
	bool pushed;
	bool whole; /* all of its writable bytes were written */
};

/* Where a ring lies and how it is to be used. */
struct virtq_setup {
	uint32_t size;     /* entries, 1 .. VIRTQ_SIZE_MAX; split: a power of two */
	uint64_t desc;     /* guest addresses: descriptor table or ring, ... */
	uint64_t driver;   /* ... the driver's area (available ring, events), ... */
	uint64_t device;   /* ... the device's area (used ring, events) */
	uint64_t features; /* as negotiated */
	/* Where the device begins: 0, or as a stopped ring ended. Packed: the slot, with
	 * VIRTQ_PACKED_WRAP set where the wrap counter is 0, so that 0 is a fresh ring here too. */
	uint16_t next_avail;
	uint16_t next_used;
	struct virtq_stats *stats;     /* counts on there, and outlives the ring; NULL: nowhere */
	struct virtq_waiting *waiting; /* IN_ORDER: `size` of them, the ring's while it is used */
};

/* A part of a chain in guest terms, kept for virtq_push(). */
struct virtq_seg {
	uint64_t gpa;
	uint32_t len;
};

/*
 * A chain of descriptors. The owner supplies the storage (virtq_chain_init(), or its own arrays),
 * virtq_pop() fills in the rest. The memory behind iov is borrowed until the chain is pushed or
 * unpopped. A device may change iov (to skip a header, say); everything else it only reads.
 * Descriptors of length zero leave no entry.
 */
struct virtq_chain {
	struct iovec *iov;     /* n_read readable parts, then n_write writable ones */
	struct virtq_seg *seg; /* the same parts as the guest named them */
	unsigned max;          /* room in both arrays */
	unsigned n_read;
	unsigned n_write;
	uint32_t read_len; /* bytes; read_len + write_len fits 32 bits too */
	uint32_t write_len;
	/* private */
	uint16_t head;    /* what names the chain to the driver */
	uint16_t n_slots; /* packed: its length in the ring; else 1 */
	uint16_t turn;    /* IN_ORDER: its place in virtq.order */
};

/* Allocates storage for `max` parts. 0 or -ENOMEM. */
int virtq_chain_init(struct virtq_chain *c, unsigned max);
void virtq_chain_fini(struct virtq_chain *c);

static inline struct iovec *virtq_chain_writable(const struct virtq_chain *c)
{
	return c->iov + c->n_read;
}

/* Takes `len` (at most c->read_len) bytes off the front of the readable parts: returns the first
 * entry of what is left of them and sets *n to the number of entries. Call it once a chain. */
struct iovec *virtq_chain_skip(struct virtq_chain *c, uint32_t len, unsigned *n);

/* A slot of a packed ring, and in which round. */
struct packed_place {
	uint32_t slot;
	bool wrap; /* the wrap counter */
};

/* All private. */
struct virtq {
	const struct gmem *mem;
	const struct gmem_region *region; /* of the last translation */
	uint64_t features;
	uint32_t size;
	_Atomic uint32_t in_flight; /* popped, not yet pushed; any thread reads it */
	bool broken;
	struct virtq_stats *stats;
	struct {
		unsigned n;
		struct virtq_seg seg[32];
	} written; /* by chains that are pushed, and code tracking does not know */
	struct {
		struct virtq_waiting *waiting; /* a circle of `size`; NULL: not IN_ORDER */
		uint32_t first, n;             /* the oldest that was popped and is not used yet */
		struct virtq_waiting batch;    /* the last of those to be used by one entry */
		uint32_t n_batch;              /* what the entry stands for; 0: no batch */
	} order;
	union {
		struct {
			uint8_t *desc;
			uint8_t *avail;
			uint8_t *used;
			uint64_t used_gpa;
			uint16_t next_avail; /* the next entry to pop */
			uint16_t seen_avail; /* the driver's index when last read */
			uint16_t next_used;  /* the next entry to push */
			uint16_t published;  /* our index as the driver sees it */
			uint16_t decided;    /* `published` at the last interrupt decision */
		} split;
		struct {
			uint8_t *desc;
			uint8_t *driver, *device; /* events */
			uint64_t desc_gpa, device_gpa;
			struct packed_place avail, used; /* the next to pop, to push */
			uint32_t n_taken;                /* slots that chains in flight hold */
			uint32_t n_batch;                /* slots pushed and not yet published */
			uint32_t first; /* slot of the batch's first, not yet visible */
			uint16_t first_flags;
			uint32_t n_undecided; /* slots since the last decision */
		} packed;
	};
};

/* Prepares a ring of guest memory `mem`, which must outlive it; reads nothing of the ring yet.
 * -EINVAL: a size, alignment (2.7) or format that is not allowed, a part outside one region, or
 * IN_ORDER without setup->waiting. */
int virtq_init(struct virtq *vq, const struct gmem *mem, const struct virtq_setup *setup);

/* Takes the next chain: 1, 0 when there is none, -EPROTO when the driver broke the rules or the
 * chain has more than c->max parts. */
int virtq_pop(struct virtq *vq, struct virtq_chain *c);

/* Gives the last chain that was popped back, as if it had not been; may be repeated for those
 * before it, last first, as long as none of them was pushed. */
void virtq_unpop(struct virtq *vq, const struct virtq_chain *c);

/* Hands a chain back to the driver, of whose writable bytes the first `written` (at most
 * c->write_len) have been written, all of them. Not visible until virtq_publish(). Also tells
 * guest memory that those bytes have changed, before
 * the driver sees the chain. */
void virtq_push(struct virtq *vq, const struct virtq_chain *c, uint32_t written);

/* Makes all that was pushed visible to the driver. */
void virtq_publish(struct virtq *vq);

/* Whether the driver asks for an interrupt for what was published since this was last asked. */
bool virtq_wants_interrupt(struct virtq *vq);

/* Asks the driver not to kick; it may all the same. */
void virtq_disable_kicks(struct virtq *vq);

/* Asks for a kick with the next chain. True: chains are there already, for which no kick need
 * come; pop them first. */
bool virtq_enable_kicks(struct virtq *vq);

/* Popped and not yet pushed. Any thread: as it was a moment ago. */
static inline uint32_t virtq_in_flight(const struct virtq *vq)
{
	return atomic_load_explicit(&vq->in_flight, memory_order_relaxed);
}

static inline uint32_t virtq_size(const struct virtq *vq)
{
	return vq->size;
}

/* Where a ring with nothing in flight goes on: what a setup's next_avail and next_used are. */
uint16_t virtq_position(const struct virtq *vq);

static inline uint64_t virtq_features(const struct virtq *vq)
{
	return vq->features;
}

#endif
