/* SPDX-License-Identifier: MIT */
/*
 * The queue's own count of chains, which it keeps for statistics, tells how many were used since
 * the last interrupt. The decision whether the driver wants one at all is taken when the wait is
 * over, for all that was published meanwhile.
 */
#include "virtio/coalesce.h"

#include "virtio/vdev.h"

static void coalesce_over(struct loop_timer *t)
{
	struct vdev_queue *q = t->arg;

	q->coalesce.waits = false;
	q->coalesce.due = true;
	vdev_flush(q);
}

static uint64_t chains(const struct vdev_queue *q)
{
	return counter_read(&q->stats.ring.chains);
}

void vdev_queue_coalesce(struct vdev_queue *q, uint32_t max_chains, uint64_t max_ns)
{
	coalesce_end(q);
	q->coalesce.max_chains = max_chains;
	q->coalesce.max_ns = max_ns;
	q->coalesce.chains = chains(q);
	q->coalesce.timer.fn = coalesce_over;
	q->coalesce.timer.arg = q;
	vdev_flush_soon(q); /* what has waited by the old rule */
}

bool coalesce_holds(struct vdev_queue *q)
{
	uint64_t now = chains(q), n = now - q->coalesce.chains;
	uint32_t max = q->coalesce.max_chains;

	if (!q->coalesce.max_ns)
		return false;
	if (!n || q->coalesce.due || (max && n >= max)) {
		if (q->coalesce.waits)
			loop_timer_cancel(&q->coalesce.timer);
		q->coalesce.waits = q->coalesce.due = false;
		q->coalesce.chains = now;
		return false;
	}
	if (!q->coalesce.waits)
		loop_timer_arm(q->loop, &q->coalesce.timer, loop_now(q->loop) + q->coalesce.max_ns);
	q->coalesce.waits = true;
	return true;
}

void coalesce_end(struct vdev_queue *q)
{
	if (q->coalesce.waits)
		loop_timer_cancel(&q->coalesce.timer);
	q->coalesce.waits = q->coalesce.due = false;
	q->coalesce.max_ns = 0;
}
