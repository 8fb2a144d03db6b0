/* SPDX-License-Identifier: MIT */
/*
 * The device side of a ring in guest memory of any content: what split_fuzz and packed_fuzz share.
 *
 * The input says how the ring is set up, then what the memory holds; its last bytes are stores that
 * happen between the device's steps, as a hostile guest would make them. Whatever it is: every part
 * of a chain lies in RAM, lengths add up, a broken ring stays broken, and nothing runs for long.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "require.h"
#include "ring.h"
#include "virtio/virtq.h"

#define RAM_BASE  0x1000ull
#define RAM_SIZE  0x10000ull
#define RAM2_BASE (RAM_BASE + RAM_SIZE)
#define STEPS     64u
#define HELD      4u
#define PARTS     24u

/* The head of the input. Addresses are in units of 2 from 0, so that most are in RAM. */
struct plan {
	uint8_t size_log2;
	uint8_t features;
	uint8_t next_avail[2];
	uint8_t desc[2], driver[2], device[2];
	uint8_t n_stores; /* of 4 bytes each, from the end of the input */
};

static void check_chain(const struct gmem *m, const struct virtq_chain *c)
{
	uint64_t sum[2] = {0, 0};

	require(c->n_read + c->n_write <= c->max);
	for (unsigned i = 0; i < c->n_read + c->n_write; i++) {
		require(c->seg[i].len > 0 && c->iov[i].iov_len == c->seg[i].len);
		require(gmem_map(m, c->seg[i].gpa, c->seg[i].len) == c->iov[i].iov_base);
		sum[i >= c->n_read] += c->seg[i].len;
	}
	require(sum[0] == c->read_len && sum[1] == c->write_len);
	require(sum[0] + sum[1] <= UINT32_MAX);
}

/* Writes the first and the last byte of what may be written: it may be the ring itself. */
static void scribble(const struct virtq_chain *c)
{
	const struct iovec *iov = virtq_chain_writable(c);

	for (unsigned i = 0; i < c->n_write; i++) {
		((uint8_t *)iov[i].iov_base)[0] ^= 0x40;
		((uint8_t *)iov[i].iov_base)[iov[i].iov_len - 1] ^= 0x01;
	}
}

/* Pops, holds a few, gives some back in one way or the other, and lets the guest interfere. */
static void drive(const struct gmem *m, struct virtq *vq, struct virtq_chain *held,
		  const uint8_t *store, unsigned n_stores)
{
	unsigned n = 0;
	bool broken = false;

	for (unsigned step = 0; step < STEPS; step++) {
		int r = virtq_pop(vq, &held[n]);

		require(r == 1 || r == 0 || r == -EPROTO);
		require(!broken || r == -EPROTO);
		broken = r < 0;
		if (r == 1) {
			check_chain(m, &held[n]);
			if (step % 7 == 3)
				virtq_unpop(vq, &held[n]);
			else
				n++;
		} else if (virtq_enable_kicks(vq)) {
			virtq_disable_kicks(vq);
		}
		require(virtq_in_flight(vq) == n);
		if (n == HELD || step % 5 == 4) {
			while (n) {
				n--;
				scribble(&held[n]);
				virtq_push(vq, &held[n], held[n].write_len);
			}
			virtq_publish(vq);
			(void)virtq_wants_interrupt(vq);
			require(!virtq_wants_interrupt(vq));
		}
		if (n_stores) {
			uint8_t *p = gmem_map(m, RAM_BASE + 2ull * le16_load(store), 2);

			require(p != NULL);
			memcpy(p, store + 2, 2);
			store += 4;
			n_stores--;
		}
	}
}

int ring_fuzz(const uint8_t *data, size_t size, uint64_t format)
{
	static struct virtq_waiting waiting[VIRTQ_SIZE_MAX];
	struct virtq_chain held[HELD + 1];
	struct virtq_setup setup = {0};
	struct plan plan;
	struct virtq vq;
	struct gmem *m;
	size_t stores;

	if (size < sizeof(plan))
		return 0;
	memcpy(&plan, data, sizeof(plan));
	data += sizeof(plan);
	size -= sizeof(plan);
	stores = min_u64(plan.n_stores, size / 4);
	size -= 4 * stores;
	require(!gmem_new(&m) && !gmem_add_ram(m, RAM_BASE, RAM_SIZE) &&
		!gmem_add_ram(m, RAM2_BASE, RAM_SIZE));
	memcpy(gmem_map(m, RAM_BASE, 1), data, min_u64(size, 2 * RAM_SIZE));
	setup.size = plan.size_log2 & 0x80 ? plan.size_log2 : 1u << plan.size_log2 % 17;
	setup.features = format | (plan.features & 1 ? VIRTIO_F_EVENT_IDX : 0) |
			 (plan.features & 2 ? VIRTIO_F_INDIRECT_DESC : 0) |
			 (plan.features & 4 ? VIRTIO_F_IN_ORDER : 0);
	setup.waiting = waiting;
	setup.next_avail = le16_load(plan.next_avail);
	setup.next_used = setup.next_avail;
	setup.desc = 2ull * le16_load(plan.desc);
	setup.driver = 2ull * le16_load(plan.driver);
	setup.device = 2ull * le16_load(plan.device);
	for (unsigned i = 0; i <= HELD; i++)
		require(!virtq_chain_init(&held[i], PARTS));
	if (!virtq_init(&vq, m, &setup))
		drive(m, &vq, held, data + size, (unsigned)stores);
	for (unsigned i = 0; i <= HELD; i++)
		virtq_chain_fini(&held[i]);
	gmem_free(m);
	return 0;
}
