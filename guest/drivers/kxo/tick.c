// SPDX-License-Identifier: GPL-2.0
/*
 * The timer that stands for a device's interrupt, and the halves of its handler.
 *
 * The top half runs in the interrupt and does as little as can be: it notes the time and starts
 * three kinds of bottom half, so that they can be compared.
 *
 *	softirq		a timer that expires at once in the timers' own softirq; modules have none
 *	BH work		what tasklets were: in softirq context too, but a work item
 *	work		in a kernel thread: the only one that could sleep
 *
 * Each measures how long after the top half it comes, and the BH work lets the games go on. A kind
 * that has not come by the next tick is not started again; that is counted as missed.
 */
#include "dev.h"

#define SLOWER_MAX 5u

/* Returns false for a kind that has not come since it was last started: it is missed. */
static bool measure_start(struct kxo_latency *l, u64 now)
{
	/* Pairs with measure_end(): its figures are complete when due_ns is 0. */
	if (smp_load_acquire(&l->due_ns)) {
		l->missed++;
		return false;
	}
	WRITE_ONCE(l->due_ns, now);
	return true;
}

static void measure_end(struct kxo_latency *l)
{
	u64 late = ktime_get_ns() - READ_ONCE(l->due_ns);

	WRITE_ONCE(l->min_ns, l->count ? min(l->min_ns, late) : late);
	WRITE_ONCE(l->max_ns, max(l->max_ns, late));
	WRITE_ONCE(l->total_ns, l->total_ns + late);
	WRITE_ONCE(l->count, l->count + 1);
	/* Pairs with measure_start(). */
	smp_store_release(&l->due_ns, 0);
}

/*
 * When the next tick shall come. While a kind of bottom half is behind, each tick comes later than
 * the one before: else a slow machine would do nothing but answer the timer.
 */
static ktime_t next_tick(struct kxo_dev *dev, bool behind)
{
	dev->slower = behind ? min(dev->slower + 1, SLOWER_MAX) : 0;
	return ns_to_ktime((u64)READ_ONCE(dev->tick_us) * NSEC_PER_USEC << dev->slower);
}

/* The interrupt. */
static enum hrtimer_restart top_half(struct hrtimer *timer)
{
	struct kxo_dev *dev = container_of(timer, struct kxo_dev, top);
	u64 now = ktime_get_ns();
	bool softirq = measure_start(&dev->latency[KXO_SOFTIRQ], now);
	bool bh = measure_start(&dev->latency[KXO_BH], now);
	bool work = measure_start(&dev->latency[KXO_WORK], now);

	if (softirq)
		hrtimer_start(&dev->softirq, 0, HRTIMER_MODE_REL_SOFT);
	if (bh)
		queue_work(system_bh_wq, &dev->bh);
	if (work)
		queue_work(system_wq, &dev->work);
	hrtimer_forward_now(timer, next_tick(dev, !softirq || !bh || !work));
	return HRTIMER_RESTART;
}

static enum hrtimer_restart softirq_half(struct hrtimer *timer)
{
	measure_end(&container_of(timer, struct kxo_dev, softirq)->latency[KXO_SOFTIRQ]);
	return HRTIMER_NORESTART;
}

/* The bottom half. */
static void bh_half(struct work_struct *work)
{
	struct kxo_dev *dev = container_of(work, struct kxo_dev, bh);
	struct kxo_table *table;

	measure_end(&dev->latency[KXO_BH]);
	spin_lock(&dev->lock);
	if (dev->resume)
		list_for_each_entry(table, &dev->tables, node)
			kxo_table_tick(table);
	spin_unlock(&dev->lock);
}

static void work_half(struct work_struct *work)
{
	measure_end(&container_of(work, struct kxo_dev, work)->latency[KXO_WORK]);
}

void kxo_tick_init(struct kxo_dev *dev)
{
	hrtimer_init(&dev->top, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	dev->top.function = top_half;
	hrtimer_init(&dev->softirq, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	dev->softirq.function = softirq_half;
	INIT_WORK(&dev->bh, bh_half);
	INIT_WORK(&dev->work, work_half);
}

void kxo_tick_start(struct kxo_dev *dev)
{
	hrtimer_start(&dev->top, ns_to_ktime((u64)dev->tick_us * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_HARD);
}

/* What starts the others goes first. */
void kxo_tick_stop(struct kxo_dev *dev)
{
	hrtimer_cancel(&dev->top);
	hrtimer_cancel(&dev->softirq);
	cancel_work_sync(&dev->bh);
	cancel_work_sync(&dev->work);
	for (int i = 0; i < KXO_HALVES; i++)
		dev->latency[i].due_ns = 0; /* of one that was cancelled */
}
