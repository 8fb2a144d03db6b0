/* SPDX-License-Identifier: MIT */
/*
 * The packed ring (specification 2.8), device side.
 *
 * One ring of descriptors that both sides write, and two words that ask for events:
 *
 *	descriptors        size x {addr, len, id, flags}
 *	driver's events    off_wrap, flags      which used descriptor it wants an interrupt for
 *	device's events    off_wrap, flags      which available descriptor we want a kick for
 *
 * Both sides go round the ring. A wrap counter, one bit that begins as 1, is flipped with each
 * round. The driver makes a descriptor available by setting its AVAIL bit to the counter and USED
 * to the inverse; we use it by setting both to our counter. So a descriptor tells by itself whether
 * it is new, without any index.
 *
 * Taking a chain. The flags of its first descriptor are loaded with acquire order; then the others
 * may be read, each once into a local. They follow each other in the ring. A chain is known by the
 * buffer id in its last descriptor. An indirect table is its chain's only descriptor, and all of
 * its entries count, in their order (2.8.7).
 *
 * Giving back. A used descriptor is written where the next chain of the used order would begin, and
 * the place moves on by as many descriptors as the chain had. The driver looks at one place until
 * that is used: so of a batch the flags of the first are stored last, which publishes all of it.
 *
 * Positions. Where the two sides stand relative to each other is computed in a circle of two
 * rounds: a slot with the counter 1 is itself, with the counter 0 it is size further on.
 */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "virtio/ring.h"

#define DESC_LEN   8u
#define DESC_ID    12u
#define DESC_FLAGS 14u

struct packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

static uint8_t *slot_at(const struct virtq *vq, uint32_t i)
{
	return vq->packed.desc + (uint64_t)i * PACKED_DESC_SIZE;
}

/* All of a descriptor but its flags. */
static void desc_read(struct packed_desc *d, const uint8_t *p)
{
	uint8_t raw[DESC_FLAGS];

	memcpy(raw, p, sizeof(raw));
	/* From here on the compiler may not go back to guest memory for a field. */
	atomic_signal_fence(memory_order_seq_cst);
	d->addr = le64_load(raw);
	d->len = le32_load(raw + DESC_LEN);
	d->id = le16_load(raw + DESC_ID);
}

static uint16_t flags_read(const uint8_t *p, int order)
{
	return ring_load16(p + DESC_FLAGS, order);
}

/* Moves a place on by n, at most a round. */
static void advance(const struct virtq *vq, struct packed_place *at, uint32_t n)
{
	at->slot += n;
	if (at->slot >= vq->size) {
		at->slot -= vq->size;
		at->wrap = !at->wrap;
	}
}

static void retreat(const struct virtq *vq, struct packed_place *at, uint32_t n)
{
	if (at->slot < n) {
		at->slot += vq->size;
		at->wrap = !at->wrap;
	}
	at->slot -= n;
}

/* How far b is ahead of a, in the circle of two rounds. */
static uint32_t distance(const struct virtq *vq, struct packed_place a, struct packed_place b)
{
	uint32_t circle = 2 * vq->size;

	return (b.slot + (b.wrap ? 0 : vq->size) + circle - a.slot - (a.wrap ? 0 : vq->size)) %
	       circle;
}

/* A place as setup and event words have it: the slot, and the wrap counter in bit 15. */
static struct packed_place place_of(uint16_t off_wrap)
{
	return (struct packed_place){.slot = off_wrap & 0x7fffu, .wrap = off_wrap >> 15};
}

int packed_init(struct virtq *vq, const struct virtq_setup *setup)
{
	if (setup->desc % 16 || setup->driver % 4 || setup->device % 4)
		return -EINVAL;
	vq->packed.desc = gmem_map(vq->mem, setup->desc, (uint64_t)setup->size * PACKED_DESC_SIZE);
	vq->packed.driver = gmem_map(vq->mem, setup->driver, PACKED_EVENT_SIZE);
	vq->packed.device = gmem_map(vq->mem, setup->device, PACKED_EVENT_SIZE);
	if (!vq->packed.desc || !vq->packed.driver || !vq->packed.device)
		return -EINVAL;
	vq->packed.desc_gpa = setup->desc;
	vq->packed.device_gpa = setup->device;
	vq->packed.avail = place_of(setup->next_avail ^ VIRTQ_PACKED_WRAP);
	vq->packed.used = place_of(setup->next_used ^ VIRTQ_PACKED_WRAP);
	if (vq->packed.avail.slot >= vq->size || vq->packed.used.slot >= vq->size)
		return -EINVAL;
	/* What lies between them was in flight when the ring stopped, and still is. */
	vq->packed.n_taken = distance(vq, vq->packed.used, vq->packed.avail);
	if (vq->packed.n_taken > vq->size)
		return -EINVAL;
	return 0;
}

uint16_t packed_position(const struct virtq *vq)
{
	const struct packed_place *at = &vq->packed.avail;

	return (uint16_t)(at->slot | (at->wrap ? 0 : VIRTQ_PACKED_WRAP));
}

static bool is_available(const struct virtq *vq, uint16_t flags)
{
	bool wrap = vq->packed.avail.wrap;

	return !!(flags & PACKED_F_AVAIL) == wrap && !!(flags & PACKED_F_USED) != wrap;
}

/* All entries of the table that d names. 0 or -EPROTO. */
static int walk_table(struct virtq *vq, struct virtq_chain *c, const struct packed_desc *d)
{
	uint32_t n = d->len / PACKED_DESC_SIZE;
	const uint8_t *table;

	if (!(vq->features & VIRTIO_F_INDIRECT_DESC) || d->flags & VIRTQ_DESC_F_NEXT)
		return -EPROTO;
	if (!d->len || d->len % PACKED_DESC_SIZE || n > VIRTQ_SIZE_MAX)
		return -EPROTO;
	table = ring_map(vq, d->addr, d->len);
	if (!table)
		return -EPROTO;
	for (uint32_t i = 0; i < n; i++) {
		struct packed_desc e;

		desc_read(&e, table + (uint64_t)i * PACKED_DESC_SIZE);
		e.flags = flags_read(table + (uint64_t)i * PACKED_DESC_SIZE, __ATOMIC_RELAXED);
		if (e.flags & VIRTQ_DESC_F_INDIRECT ||
		    ring_chain_add(vq, c, e.addr, e.len, e.flags & VIRTQ_DESC_F_WRITE))
			return -EPROTO;
	}
	return 0;
}

/* The chain whose first descriptor has these flags, which are not read again. */
static int walk(struct virtq *vq, struct virtq_chain *c, uint16_t flags)
{
	struct packed_place at = vq->packed.avail;
	struct packed_desc d;
	uint32_t n = 0;

	do {
		/* A descriptor in flight holds a slot, and no slot is in two chains. */
		if (vq->packed.n_taken + n == vq->size)
			return -EPROTO;
		desc_read(&d, slot_at(vq, at.slot));
		d.flags = n ? flags_read(slot_at(vq, at.slot), __ATOMIC_RELAXED) : flags;
		if (d.flags & VIRTQ_DESC_F_INDIRECT) {
			if (n || walk_table(vq, c, &d))
				return -EPROTO;
		} else if (ring_chain_add(vq, c, d.addr, d.len, d.flags & VIRTQ_DESC_F_WRITE)) {
			return -EPROTO;
		}
		advance(vq, &at, 1);
		n++;
	} while (d.flags & VIRTQ_DESC_F_NEXT);
	c->head = d.id;
	c->n_slots = (uint16_t)n;
	vq->packed.n_taken += n;
	vq->packed.avail = at;
	return 1;
}

int packed_pop(struct virtq *vq, struct virtq_chain *c)
{
	uint16_t flags = flags_read(slot_at(vq, vq->packed.avail.slot), __ATOMIC_ACQUIRE);

	return is_available(vq, flags) ? walk(vq, c, flags) : 0;
}

void packed_unpop(struct virtq *vq, const struct virtq_chain *c)
{
	vq->packed.n_taken -= c->n_slots;
	retreat(vq, &vq->packed.avail, c->n_slots);
}

void packed_use(struct virtq *vq, uint16_t id, uint32_t written, uint32_t n_slots)
{
	struct packed_place at = vq->packed.used;
	uint8_t *slot = slot_at(vq, at.slot);
	uint16_t flags = (uint16_t)((at.wrap ? PACKED_F_AVAIL | PACKED_F_USED : 0) |
				    (written ? VIRTQ_DESC_F_WRITE : 0));

	ring_store32(slot + DESC_LEN, written);
	ring_store16(slot + DESC_ID, id, __ATOMIC_RELAXED);
	if (vq->packed.n_batch) {
		ring_store16(slot + DESC_FLAGS, flags, __ATOMIC_RELAXED);
	} else {
		vq->packed.first = at.slot;
		vq->packed.first_flags = flags;
	}
	vq->packed.n_batch += n_slots;
	vq->packed.n_taken -= n_slots;
	advance(vq, &vq->packed.used, n_slots);
}

/* The ring is guest memory too: code may have been in the slots of the batch. */
static void note_batch(const struct virtq *vq)
{
	uint32_t first = vq->packed.first, n = vq->packed.n_batch;

	if (first + n > vq->size) {
		first = 0;
		n = vq->size;
	}
	gmem_note_write(vq->mem, vq->packed.desc_gpa + (uint64_t)first * PACKED_DESC_SIZE,
			(uint64_t)n * PACKED_DESC_SIZE);
}

void packed_publish(struct virtq *vq)
{
	if (!vq->packed.n_batch)
		return;
	/* Sequentially consistent for the decision about an interrupt that follows: see split.c. */
	ring_store16(slot_at(vq, vq->packed.first) + DESC_FLAGS, vq->packed.first_flags,
		     __ATOMIC_SEQ_CST);
	note_batch(vq);
	vq->packed.n_undecided += vq->packed.n_batch;
	vq->packed.n_batch = 0;
}

bool packed_wants_interrupt(struct virtq *vq)
{
	uint32_t n = vq->packed.n_undecided;
	uint32_t word;
	struct packed_place from, event;

	if (!n)
		return false;
	vq->packed.n_undecided = 0;
	/* Both halves at once: they are one wish of the driver. */
	word = le32toh(__atomic_load_n((const uint32_t *)(const void *)vq->packed.driver,
				       __ATOMIC_SEQ_CST));
	switch (word >> 16) {
	case PACKED_EVENT_DISABLE: return false;
	case PACKED_EVENT_DESC: break;
	default: return true;
	}
	if (!(vq->features & VIRTIO_F_EVENT_IDX) || n >= vq->size)
		return true;
	event = place_of((uint16_t)word);
	if (event.slot >= vq->size)
		return true;
	from = vq->packed.used;
	retreat(vq, &from, n);
	return distance(vq, from, event) < n;
}

static void store_event(struct virtq *vq, uint16_t off_wrap, uint16_t flags)
{
	__atomic_store_n((uint32_t *)(void *)vq->packed.device,
			 htole32((uint32_t)flags << 16 | off_wrap), __ATOMIC_SEQ_CST);
	gmem_note_write(vq->mem, vq->packed.device_gpa, PACKED_EVENT_SIZE);
}

void packed_disable_kicks(struct virtq *vq)
{
	store_event(vq, 0, PACKED_EVENT_DISABLE);
}

bool packed_enable_kicks(struct virtq *vq)
{
	const struct packed_place *at = &vq->packed.avail;

	if (vq->features & VIRTIO_F_EVENT_IDX)
		store_event(vq, (uint16_t)(at->slot | (at->wrap ? VIRTQ_PACKED_WRAP : 0)),
			    PACKED_EVENT_DESC);
	else
		store_event(vq, 0, PACKED_EVENT_ENABLE);
	return is_available(vq, flags_read(slot_at(vq, at->slot), __ATOMIC_SEQ_CST));
}
