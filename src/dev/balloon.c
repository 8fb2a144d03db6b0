/* SPDX-License-Identifier: MIT */
/*
 * Inflating: the driver names pages of 4 KiB by their number, some hundred a chain; neighbours
 * are punched together. Deflating needs nothing: a page comes back by being touched. Reporting: the
 * writable parts of a chain are the free pages themselves.
 *
 * The queue of statistics works backwards: the driver posts its figures, and the device gives that
 * buffer back when it wants newer ones. So one chain stays with us; it goes back when the queue
 * stops.
 *
 * Which queue is the one for reports depends on the features, since Linux counts only those queues
 * that it has negotiated: it is the first behind inflating, deflating and, if there, statistics.
 * The specification's own number for it, 4, is served too.
 */
#include "dev/balloon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/iov.h"
#include "mem/gmem.h"
#include "virtio/vdev.h"

#define INFLATE    0u
#define DEFLATE    1u
#define STATS      2u
#define N_QUEUES   5u
#define QUEUE_SIZE 128u

/* 5.5.3 */
#define F_STATS          BIT(1)
#define F_DEFLATE_ON_OOM BIT(2)
#define F_REPORTING      BIT(5)

/* 5.5.4 le32 num_pages, le32 actual */
#define CONFIG_LEN    8u
#define CONFIG_ACTUAL 4u

#define PAGE_SHIFT 12u
#define PFNS_MAX   1024u /* of one chain; Linux gives 256 */
#define STAT_SIZE  10u   /* 5.5.6.3 le16 tag, le64 value */
#define STATS_MAX  32u

struct balloon {
	struct vdev vdev;
	const struct gmem *mem;
	struct balloon_stats stats;
	uint8_t config[CONFIG_LEN];
	uint64_t features;
	bool has_stats; /* `kept` is with us */
	bool wants_stats;
	struct virtq_chain kept, chain;
};

#define ROW(member) .group = "balloon", .offset = offsetof(struct balloon_stats, member)

const struct stats_row balloon_rows[] = {
	{ROW(target), .name = "target", .unit = STATS_BYTES, .gauge = true,
	 .help = "What the balloon shall take from the guest"},
	{ROW(actual), .name = "actual", .unit = STATS_BYTES, .gauge = true,
	 .help = "What the driver says that it has taken"},
	{ROW(inflated), .name = "inflated", .unit = STATS_BYTES,
	 .help = "Memory given to the host by inflating"},
	{ROW(deflated), .name = "deflated", .unit = STATS_BYTES,
	 .help = "Memory given back to the guest"},
	{ROW(reported), .name = "reported", .unit = STATS_BYTES,
	 .help = "Free memory reported by the guest and given to the host"},
	{ROW(free), .name = "guest_free", .unit = STATS_BYTES, .gauge = true,
	 .help = "Memory that the guest does not use"},
	{ROW(total), .name = "guest_total", .unit = STATS_BYTES, .gauge = true,
	 .help = "Memory that the guest has"},
	{ROW(available), .name = "guest_available", .unit = STATS_BYTES, .gauge = true,
	 .help = "Memory that the guest could use without swapping"},
	{ROW(caches), .name = "guest_caches", .unit = STATS_BYTES, .gauge = true,
	 .help = "Memory of the guest that holds parts of files"},
	{ROW(swap_in), .name = "guest_swap_in", .unit = STATS_BYTES,
	 .help = "Memory swapped in by the guest"},
	{ROW(swap_out), .name = "guest_swap_out", .unit = STATS_BYTES,
	 .help = "Memory swapped out by the guest"},
	{ROW(major_faults), .name = "guest_major_faults", .help = "Page faults that needed a disk"},
	{ROW(minor_faults), .name = "guest_minor_faults", .help = "Page faults that needed none"},
	{ROW(oom_kills), .name = "guest_oom_kills", .help = "Processes killed for their memory"},
	{0},
};

static struct balloon *balloon_of(struct vdev *dev)
{
	return container_of(dev, struct balloon, vdev);
}

static void set(struct counter *c, uint64_t v)
{
	atomic_store_explicit(&c->n, v, memory_order_relaxed);
}

/* ---- pages ---- */

/* Gives pages [first, first + n) to the host; what is no RAM is an error of the guest's. */
static void punch(struct balloon *b, uint32_t first, uint32_t n)
{
	uint64_t len = (uint64_t)n << PAGE_SHIFT;

	if (!n)
		return;
	if (gmem_zero(b->mem, (uint64_t)first << PAGE_SHIFT, len))
		vdev_count_error(&b->vdev);
	else
		counter_add(&b->stats.inflated, len);
}

/* Linux names pages in falling or rising order; runs of either kind are punched at once. */
static void inflate(struct balloon *b, const uint8_t *pfns, unsigned n)
{
	uint32_t first = 0, count = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t pfn = le32_load(pfns + (size_t)4 * i);

		if (count && pfn == first + count && pfn) {
			count++;
		} else if (count && first && pfn == first - 1) {
			first--;
			count++;
		} else {
			punch(b, first, count);
			first = pfn;
			count = 1;
		}
	}
	punch(b, first, count);
}

static enum vdev_taken take_pages(struct vdev_queue *q)
{
	struct balloon *b = balloon_of(q->dev);
	uint8_t pfns[4 * PFNS_MAX];
	size_t n;

	if (vdev_pop(q, &b->chain) <= 0)
		return VDEV_NONE;
	if (b->chain.read_len > sizeof(pfns)) {
		virtq_unpop(&q->ring, &b->chain);
		vdev_broken(q->dev, "a request that names too many pages");
		return VDEV_NONE;
	}
	n = iov_to_buf(b->chain.iov, b->chain.n_read, 0, pfns, sizeof(pfns)) / 4;
	if (q->index == INFLATE)
		inflate(b, pfns, (unsigned)n);
	else
		counter_add(&b->stats.deflated, (uint64_t)n << PAGE_SHIFT);
	virtq_push(&q->ring, &b->chain, 0);
	return VDEV_TAKEN;
}

static enum vdev_taken take_report(struct vdev_queue *q)
{
	struct balloon *b = balloon_of(q->dev);
	const struct virtq_chain *c = &b->chain;

	if (vdev_pop(q, &b->chain) <= 0)
		return VDEV_NONE;
	for (unsigned i = c->n_read; i < c->n_read + c->n_write; i++)
		if (!gmem_zero(b->mem, c->seg[i].gpa, c->seg[i].len))
			counter_add(&b->stats.reported, c->seg[i].len);
	virtq_push(&q->ring, c, 0);
	return VDEV_TAKEN;
}

/* ---- statistics ---- */

static void take_stat(struct balloon *b, unsigned tag, uint64_t v)
{
	struct counter *const by_tag[] = {&b->stats.swap_in,
					  &b->stats.swap_out,
					  &b->stats.major_faults,
					  &b->stats.minor_faults,
					  &b->stats.free,
					  &b->stats.total,
					  &b->stats.available,
					  &b->stats.caches,
					  NULL,
					  NULL,
					  &b->stats.oom_kills};

	if (tag < ARRAY_SIZE(by_tag) && by_tag[tag])
		set(by_tag[tag], v);
}

static void return_stats(struct vdev_queue *q)
{
	struct balloon *b = balloon_of(q->dev);

	if (b->has_stats)
		virtq_push(&q->ring, &b->kept, 0);
	b->has_stats = false;
	b->wants_stats = false;
}

static enum vdev_taken take_stats(struct vdev_queue *q)
{
	struct balloon *b = balloon_of(q->dev);
	uint8_t stats[STATS_MAX * STAT_SIZE];
	size_t len;

	if (b->has_stats)
		return_stats(q); /* a second buffer: the driver starts anew */
	if (vdev_pop(q, &b->kept) <= 0)
		return VDEV_NONE;
	b->has_stats = true;
	len = iov_to_buf(b->kept.iov, b->kept.n_read, 0, stats, sizeof(stats));
	for (size_t at = 0; at + STAT_SIZE <= len; at += STAT_SIZE)
		take_stat(b, le16_load(stats + at), le64_load(stats + at + 2));
	return VDEV_TAKEN;
}

static void kick_stats(struct vdev_queue *q)
{
	struct balloon *b = balloon_of(q->dev);

	if (b->wants_stats)
		return_stats(q);
	/* Chains are there only if the driver has posted again what it got back. */
	virtq_disable_kicks(&q->ring);
	do {
		while (vdev_queue_live(q) && !b->has_stats && take_stats(q) == VDEV_TAKEN)
			continue;
	} while (vdev_queue_live(q) && !b->has_stats && virtq_enable_kicks(&q->ring));
	vdev_flush(q);
}

void balloon_refresh(struct vdev *dev)
{
	struct balloon *b = balloon_of(dev);

	if (!b->has_stats || !vdev_queue_live(&dev->queues[STATS]))
		return;
	b->wants_stats = true;
	vdev_go_on(&dev->queues[STATS]);
}

/* ---- config space ---- */

void balloon_resize(struct vdev *dev, uint64_t bytes)
{
	struct balloon *b = balloon_of(dev);

	le32_store(b->config, (uint32_t)(bytes >> PAGE_SHIFT));
	set(&b->stats.target, bytes >> PAGE_SHIFT << PAGE_SHIFT);
	vdev_config_set(dev, 0, b->config, 4);
	vdev_config_changed(dev);
}

static void balloon_config_written(struct vdev *dev, unsigned offset, unsigned size, uint64_t value)
{
	struct balloon *b = balloon_of(dev);

	for (unsigned i = 0; i < size; i++, value >>= 8)
		if (offset + i >= CONFIG_ACTUAL)
			b->config[offset + i] = (uint8_t)value;
	vdev_config_set(dev, CONFIG_ACTUAL, b->config + CONFIG_ACTUAL, 4);
	set(&b->stats.actual, (uint64_t)le32_load(b->config + CONFIG_ACTUAL) << PAGE_SHIFT);
}

/* ---- the queues ---- */

static bool is_stats(const struct vdev_queue *q)
{
	return q->index == STATS && balloon_of(q->dev)->features & F_STATS;
}

static void balloon_queue_kick(struct vdev_queue *q)
{
	if (q->index <= DEFLATE)
		vdev_drain(q, take_pages);
	else if (is_stats(q))
		kick_stats(q);
	else
		vdev_drain(q, take_report);
}

static int balloon_queue_start(struct vdev_queue *q)
{
	return 0;
}

static void balloon_queue_stop(struct vdev_queue *q)
{
	if (is_stats(q))
		return_stats(q);
	vdev_queue_stopped(q);
}

static void balloon_features_set(struct vdev *dev, uint64_t features)
{
	struct balloon *b = balloon_of(dev);

	b->features = features;
	/* A driver that begins anew has an empty balloon. */
	if (!features)
		balloon_config_written(dev, CONFIG_ACTUAL, 4, 0);
}

static void balloon_free(struct vdev *dev)
{
	struct balloon *b = balloon_of(dev);

	vdev_fini(dev);
	virtq_chain_fini(&b->chain);
	virtq_chain_fini(&b->kept);
	free(b);
}

static const struct vdev_ops balloon_ops = {
	.name = "balloon",
	.device_id = VIRTIO_ID_BALLOON,
	.queue_start = balloon_queue_start,
	.queue_stop = balloon_queue_stop,
	.queue_kick = balloon_queue_kick,
	.features_set = balloon_features_set,
	.config_written = balloon_config_written,
	.free = balloon_free,
};

const struct balloon_stats *balloon_stats(const struct vdev *dev)
{
	return &((const struct balloon *)(const void *)dev)->stats;
}

int balloon_new(const struct balloon_config *config, struct vdev **out)
{
	struct balloon *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->mem = config->mem;
	if (virtq_chain_init(&b->chain, QUEUE_SIZE) || virtq_chain_init(&b->kept, QUEUE_SIZE))
		goto fail;
	if (vdev_init(&b->vdev, &balloon_ops, F_STATS | F_DEFLATE_ON_OOM | F_REPORTING, N_QUEUES,
		      CONFIG_LEN))
		goto fail;
	for (unsigned i = 0; i < N_QUEUES; i++)
		vdev_queue_config(&b->vdev, i, QUEUE_SIZE, config->loop);
	*out = &b->vdev;
	return 0;
fail:
	virtq_chain_fini(&b->chain);
	virtq_chain_fini(&b->kept);
	free(b);
	return -ENOMEM;
}
