/* SPDX-License-Identifier: MIT */
/*
 * The split ring (specification 2.7), device side.
 *
 * Three areas in guest memory, mapped once when the ring starts:
 *
 *	descriptor table   size x {addr, len, flags, next}       the driver writes
 *	available ring     flags, idx, head[size], used_event    the driver writes
 *	used ring          flags, idx, {id, len}[size], avail_event   we write
 *
 * Both idx count chains modulo 2^16 and are never masked by the size; entry i lies at i % size.
 *
 * Taking a chain. The driver stores head and descriptors, then avail.idx; we load idx with acquire
 * order and then may read the entries below it. The index is cached (seen_avail), so that a burst
 * of chains costs one load of a line that the driver keeps writing. It may be at most `size` ahead
 * of us, which also refuses an index that runs backwards.
 *
 * Walking a chain. Each descriptor is copied to a local once; nothing is looked at twice. Every
 * step takes one from a budget: the table's number of entries. A chain that visits more must visit
 * one of them again, so it is a loop. An indirect table is entered at most once, as the last
 * descriptor of the outer chain, and brings a budget of its own.
 *
 * Giving back. Entries are stored plainly, used.idx with one store for the whole batch.
 *
 * Suppression, both ways, is a store by one side followed by its load of what the other side
 * stores (Dekker): we store used.idx and then load used_event (or avail.flags); the driver stores
 * used_event and then loads used.idx. At least one of the two must see the other's store, or an
 * interrupt is lost; release and acquire do not give that, on x86 neither. So those stores and
 * loads are sequentially consistent. Kicks are the mirror image: store avail_event, load avail.idx.
 */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "virtio/ring.h"

struct split_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

static void desc_read(struct split_desc *d, const uint8_t *table, uint32_t i)
{
	uint8_t raw[SPLIT_DESC_SIZE];

	memcpy(raw, table + (uint64_t)i * SPLIT_DESC_SIZE, sizeof(raw));
	/* From here on the compiler may not go back to guest memory for a field. */
	atomic_signal_fence(memory_order_seq_cst);
	d->addr = le64_load(raw);
	d->len = le32_load(raw + 8);
	d->flags = le16_load(raw + 12);
	d->next = le16_load(raw + 14);
}

static uint8_t *used_event(const struct virtq *vq)
{
	return vq->split.avail + SPLIT_AVAIL_RING + 2ull * vq->size;
}

static uint8_t *avail_event(const struct virtq *vq)
{
	return vq->split.used + SPLIT_USED_RING + (uint64_t)SPLIT_USED_SIZE * vq->size;
}

int split_init(struct virtq *vq, const struct virtq_setup *setup)
{
	uint64_t n = setup->size;

	if (!is_power_of_two(n))
		return -EINVAL;
	if (setup->desc % 16 || setup->driver % 2 || setup->device % 4)
		return -EINVAL;
	vq->split.desc = gmem_map(vq->mem, setup->desc, n * SPLIT_DESC_SIZE);
	vq->split.avail = gmem_map(vq->mem, setup->driver, SPLIT_AVAIL_RING + 2 * n + 2);
	vq->split.used = gmem_map(vq->mem, setup->device,
				  SPLIT_USED_RING + SPLIT_USED_SIZE * n + 2);
	if (!vq->split.desc || !vq->split.avail || !vq->split.used)
		return -EINVAL;
	vq->split.used_gpa = setup->device;
	vq->split.next_avail = setup->next_avail;
	vq->split.seen_avail = setup->next_avail;
	vq->split.next_used = setup->next_used;
	vq->split.published = setup->next_used;
	vq->split.decided = setup->next_used;
	return 0;
}

/* Reads the driver's index; 0 or -EPROTO. */
static int avail_refresh(struct virtq *vq, int order)
{
	uint16_t idx = ring_load16(vq->split.avail + SPLIT_AVAIL_IDX, order);

	if ((uint16_t)(idx - vq->split.next_avail) > vq->size)
		return -EPROTO;
	vq->split.seen_avail = idx;
	return 0;
}

/* The table that the indirect descriptor d names, and its number of entries. */
static const uint8_t *indirect_table(struct virtq *vq, const struct split_desc *d, uint32_t *n)
{
	*n = d->len / SPLIT_DESC_SIZE;
	if (!(vq->features & VIRTIO_F_INDIRECT_DESC) || d->flags & VIRTQ_DESC_F_NEXT)
		return 0;
	if (!d->len || d->len % SPLIT_DESC_SIZE || *n > VIRTQ_SIZE_MAX)
		return 0;
	return ring_map(vq, d->addr, d->len);
}

static int chain_walk(struct virtq *vq, struct virtq_chain *c, uint32_t i)
{
	const uint8_t *table = vq->split.desc;
	uint32_t n = vq->size;
	uint32_t budget = n;
	bool inside = false;
	struct split_desc d;

	for (;;) {
		if (i >= n || !budget--)
			return -EPROTO;
		desc_read(&d, table, i);
		if (d.flags & VIRTQ_DESC_F_INDIRECT) {
			table = inside ? 0 : indirect_table(vq, &d, &n);
			if (!table)
				return -EPROTO;
			inside = true;
			budget = n;
			i = 0;
			continue;
		}
		if (ring_chain_add(vq, c, d.addr, d.len, d.flags & VIRTQ_DESC_F_WRITE))
			return -EPROTO;
		if (!(d.flags & VIRTQ_DESC_F_NEXT))
			return 1;
		i = d.next;
	}
}

int split_pop(struct virtq *vq, struct virtq_chain *c)
{
	uint32_t slot = vq->split.next_avail & (vq->size - 1);

	if (vq->split.next_avail == vq->split.seen_avail) {
		if (avail_refresh(vq, __ATOMIC_ACQUIRE))
			return -EPROTO;
		if (vq->split.next_avail == vq->split.seen_avail)
			return 0;
	}
	c->head = ring_load16(vq->split.avail + SPLIT_AVAIL_RING + 2ull * slot, __ATOMIC_RELAXED);
	c->n_slots = 1;
	vq->split.next_avail++;
	return chain_walk(vq, c, c->head);
}

void split_unpop(struct virtq *vq)
{
	vq->split.next_avail--;
}

void split_use(struct virtq *vq, uint16_t head, uint32_t written, uint32_t n)
{
	uint32_t slot = vq->split.next_used & (vq->size - 1);
	uint8_t *entry = vq->split.used + SPLIT_USED_RING + (uint64_t)SPLIT_USED_SIZE * slot;

	vq->split.next_used = (uint16_t)(vq->split.next_used + n);
	ring_store32(entry, head);
	ring_store32(entry + 4, written);
}

/* The used ring is guest memory too: code may have been there. */
static void note_used(const struct virtq *vq, uint16_t from, uint16_t to)
{
	uint32_t first = from & (vq->size - 1);
	uint64_t n = (uint16_t)(to - from);

	if (first + n > vq->size) {
		first = 0;
		n = vq->size;
	}
	gmem_note_fence();
	gmem_note_fenced(vq->mem, vq->split.used_gpa, SPLIT_USED_RING);
	gmem_note_fenced(vq->mem,
			 vq->split.used_gpa + SPLIT_USED_RING + (uint64_t)SPLIT_USED_SIZE * first,
			 SPLIT_USED_SIZE * n);
}

void split_publish(struct virtq *vq)
{
	uint16_t from = vq->split.published;
	uint16_t to = vq->split.next_used;

	if (from == to)
		return;
	ring_store16(vq->split.used + SPLIT_USED_IDX, to, __ATOMIC_SEQ_CST);
	vq->split.published = to;
	note_used(vq, from, to);
}

bool split_wants_interrupt(struct virtq *vq)
{
	uint16_t from = vq->split.decided;
	uint16_t to = vq->split.published;
	uint16_t event;

	if (from == to)
		return false;
	vq->split.decided = to;
	if (!(vq->features & VIRTIO_F_EVENT_IDX))
		return !(ring_load16(vq->split.avail, __ATOMIC_SEQ_CST) &
			 VIRTQ_AVAIL_F_NO_INTERRUPT);
	/* Asked for when entry `event` is one of those just published (2.7.7.2). */
	event = ring_load16(used_event(vq), __ATOMIC_SEQ_CST);
	return (uint16_t)(event - from) < (uint16_t)(to - from);
}

void split_disable_kicks(struct virtq *vq)
{
	/* With EVENT_IDX it is enough to leave avail_event behind. */
	if (vq->features & VIRTIO_F_EVENT_IDX)
		return;
	ring_store16(vq->split.used, VIRTQ_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
	gmem_note_write(vq->mem, vq->split.used_gpa, 2);
}

bool split_enable_kicks(struct virtq *vq)
{
	if (vq->features & VIRTIO_F_EVENT_IDX) {
		uint8_t *event = avail_event(vq);

		ring_store16(event, vq->split.next_avail, __ATOMIC_SEQ_CST);
		gmem_note_write(vq->mem, vq->split.used_gpa + (uint64_t)(event - vq->split.used),
				2);
	} else {
		ring_store16(vq->split.used, 0, __ATOMIC_SEQ_CST);
		gmem_note_write(vq->mem, vq->split.used_gpa, 2);
	}
	/* A driver that broke the rules is left for virtq_pop() to find. */
	return avail_refresh(vq, __ATOMIC_SEQ_CST) || vq->split.next_avail != vq->split.seen_avail;
}
