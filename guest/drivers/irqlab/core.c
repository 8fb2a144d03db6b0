// SPDX-License-Identifier: GPL-2.0
/*
 * irqlab: handlers, bottom halves, storms.
 *
 * The top half finds out whether its device has interrupted at all, since the line is shared, takes
 * note of what happened, acknowledges it, and leaves the rest to a bottom half: the one that
 * /sys/.../bottom_half names. Acknowledging comes before the work, so that an event during the work
 * is an interrupt of its own, and none gets lost.
 *
 * What a storm is cannot be a matter of time: how many interrupts a hart can take in a millisecond
 * depends on the hart and on the kernel. It is one that leaves its hart no time for anything else:
 * of storm_limit interrupts the second half came while a work item waited for this hart, in vain.
 * A device that does so is no longer listened to: its interrupts are switched off where they come
 * from, and it is looked at each jiffy until it is calm. So the line stays there for the others,
 * and the hart for everybody. For a line that is high without any
 * device admitting to it, a handler can do one thing only, which is to say so (IRQ_NONE): the
 * kernel switches such a line off.
 */
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "irqlab.h"

static unsigned int storm_limit = 1000;
module_param(storm_limit, uint, 0444);
MODULE_PARM_DESC(storm_limit, "interrupts in a row that are a storm (default 1000; 0: none)");

static bool oneshot;
module_param(oneshot, bool, 0444);
MODULE_PARM_DESC(oneshot, "handle the level line in a thread, and mask it meanwhile");

const char *const irqlab_bottom_names[] = {
	[IRQLAB_IN_IRQ] = "irq",
	[IRQLAB_IN_SOFTIRQ] = "softirq",
	[IRQLAB_IN_WORK] = "work",
	[IRQLAB_IN_THREAD] = "thread",
};

const char *const irqlab_cause_names[] = {
	[IRQLAB_SOFT] = "soft",
	[IRQLAB_TICK] = "timer",
	[IRQLAB_DONE] = "dma",
	[IRQLAB_STORMING] = "storm",
};

static void latency_add(struct irqlab_latency *l, u64 ns)
{
	l->min = l->n ? min(l->min, ns) : ns;
	l->max = max(l->max, ns);
	l->n++;
	l->sum += ns;
	l->bucket[min(ns ? ilog2(ns) : 0, IRQLAB_BUCKETS - 1)]++;
}

/* ---- the bottom half ---- */

static void irqlab_work(struct irqlab *lab, enum irqlab_bottom where)
{
	unsigned long flags;
	u32 causes;

	spin_lock_irqsave(&lab->lock, flags);
	causes = lab->backlog_causes;
	if (lab->backlog) {
		latency_add(&lab->stats.bottom[where], ktime_get_ns() - lab->backlog_since);
		lab->stats.bottoms++;
		lab->stats.bottom_events += lab->backlog;
	}
	lab->backlog_causes = 0;
	lab->backlog = 0;
	spin_unlock_irqrestore(&lab->lock, flags);

	if (causes & BIT(IRQLAB_DONE))
		complete(&lab->dma_done);
}

static void irqlab_softirq_fn(struct work_struct *work)
{
	irqlab_work(container_of(work, struct irqlab, softirq), IRQLAB_IN_SOFTIRQ);
}

static void irqlab_work_fn(struct work_struct *work)
{
	irqlab_work(container_of(work, struct irqlab, work), IRQLAB_IN_WORK);
}

static irqreturn_t irqlab_thread(int irq, void *data)
{
	struct irqlab_vector *vector = data;

	irqlab_work(vector->lab, IRQLAB_IN_THREAD);
	return IRQ_HANDLED;
}

static irqreturn_t irqlab_hand_over(struct irqlab *lab, enum irqlab_bottom where)
{
	switch (where) {
	case IRQLAB_IN_SOFTIRQ:
		queue_work(system_bh_wq, &lab->softirq);
		break;
	case IRQLAB_IN_WORK:
		queue_work(system_highpri_wq, &lab->work);
		break;
	case IRQLAB_IN_THREAD:
		return IRQ_WAKE_THREAD;
	default:
		irqlab_work(lab, IRQLAB_IN_IRQ);
		break;
	}
	return IRQ_HANDLED;
}

/* ---- storms ---- */

/* Under the lock. */
static void irqlab_enable(struct irqlab *lab, bool on)
{
	writel(on && !lab->stopped ? IRQLAB_ALL : 0, lab->regs + IRQLAB_ENABLE);
}

/* The hart does other things than to answer this interrupt. */
static void irqlab_breath_fn(struct work_struct *work)
{
	struct irqlab_vector *vector = container_of(work, struct irqlab_vector, breath);

	spin_lock_irq(&vector->lab->lock);
	irqlab_row_end(&vector->row);
	spin_unlock_irq(&vector->lab->lock);
}

/* Under the lock, for each interrupt. */
static void irqlab_watch_row(struct irqlab_vector *vector)
{
	struct irqlab *lab = vector->lab;

	if (lab->stopped)
		return;
	switch (irqlab_row_add(&vector->row, lab->storm_limit)) {
	case IRQLAB_ROW_CALM:
		break;
	case IRQLAB_ROW_ASK:
		queue_work(system_highpri_wq, &vector->breath);
		break;
	case IRQLAB_ROW_STORM:
		irqlab_enable(lab, false);
		lab->stats.storms++;
		schedule_delayed_work(&lab->poll, 1);
		break;
	}
}

/* Under the lock: no row goes on. */
static void irqlab_begin_rows(struct irqlab *lab)
{
	unsigned int i;

	for (i = 0; i < IRQLAB_N_VECTORS; i++)
		irqlab_row_end(&lab->vector[i].row);
}

/* Under the lock: takes note of what has happened, and acknowledges it. How long it took to get
 * here is read first, since the device's time goes on with each access.
 */
static void irqlab_take(struct irqlab *lab, u32 causes, bool polled)
{
	u64 now = readq(lab->regs + IRQLAB_NOW);
	unsigned int cause;

	for (cause = 0; cause < IRQLAB_N_CAUSES; cause++) {
		if (!(causes & BIT(cause)))
			continue;
		lab->stats.taken[cause]++;
		if (!polled)
			latency_add(&lab->stats.top, now - readq(lab->regs + IRQLAB_RAISED(cause)));
	}
	writel(causes, lab->regs + IRQLAB_ACK);
	if (!lab->backlog++)
		lab->backlog_since = ktime_get_ns();
	lab->backlog_causes |= causes;
}

/* One look a jiffy, however fast it is, until there is nothing to see. */
static void irqlab_poll_fn(struct work_struct *work)
{
	struct irqlab *lab = container_of(to_delayed_work(work), struct irqlab, poll);
	u32 causes;

	spin_lock_irq(&lab->lock);
	lab->stats.polls++;
	causes = readl(lab->regs + IRQLAB_STATUS);
	if (causes) {
		irqlab_take(lab, causes, true);
		if (!lab->stopped)
			schedule_delayed_work(&lab->poll, 1);
	} else {
		irqlab_begin_rows(lab);
		irqlab_enable(lab, true);
	}
	spin_unlock_irq(&lab->lock);

	if (causes)
		irqlab_work(lab, IRQLAB_IN_WORK);
}

/* ---- top halves ---- */

static irqreturn_t irqlab_causes(struct irqlab_vector *vector, u32 causes)
{
	struct irqlab *lab = vector->lab;
	enum irqlab_bottom where;
	unsigned long flags;

	spin_lock_irqsave(&lab->lock, flags);
	irqlab_take(lab, causes, false);
	irqlab_watch_row(vector);
	where = lab->bottom;
	spin_unlock_irqrestore(&lab->lock, flags);
	return irqlab_hand_over(lab, where);
}

/* The line is shared: it may be another device's interrupt. */
static irqreturn_t irqlab_shared(int irq, void *data)
{
	struct irqlab_vector *vector = data;
	struct irqlab *lab = vector->lab;
	u32 causes = readl(lab->regs + IRQLAB_STATUS) & readl(lab->regs + IRQLAB_ENABLE);
	irqreturn_t ret;

	if (!causes) {
		unsigned long flags;

		spin_lock_irqsave(&lab->lock, flags);
		lab->stats.not_mine++;
		spin_unlock_irqrestore(&lab->lock, flags);
		return IRQ_NONE;
	}
	ret = irqlab_causes(vector, causes);
	/* Writes may be on their way for a while; a read comes back behind them. Else the line
	 * could still be high when the interrupt ends, and it would be taken once more for nothing.
	 */
	readl(lab->regs + IRQLAB_STATUS);
	return ret;
}

/* In the thread of IRQF_ONESHOT, where there is no other to be woken. */
static irqreturn_t irqlab_shared_thread(int irq, void *data)
{
	irqreturn_t ret = irqlab_shared(irq, data);

	return ret == IRQ_WAKE_THREAD ? irqlab_thread(irq, data) : ret;
}

/* A message is never shared, and says itself what it is for. */
static irqreturn_t irqlab_message(int irq, void *data)
{
	struct irqlab_vector *vector = data;

	return irqlab_causes(vector, BIT(vector->cause));
}

/* Several pulses may be one interrupt, and nothing is left on the line to look at: only a count in
 * the device tells how many there were.
 */
static irqreturn_t irqlab_edge(int irq, void *data)
{
	struct irqlab_vector *vector = data;
	struct irqlab *lab = vector->lab;
	unsigned long flags;
	u32 pulses;

	spin_lock_irqsave(&lab->lock, flags);
	pulses = readl(lab->regs + IRQLAB_PULSES);
	lab->stats.edges++;
	lab->stats.edge_events += pulses - lab->pulses_seen;
	lab->pulses_seen = pulses;
	spin_unlock_irqrestore(&lab->lock, flags);
	return IRQ_HANDLED;
}

/* ---- start and stop ---- */

static int irqlab_request(struct irqlab *lab, enum irqlab_cause cause, int irq,
			  irq_handler_t handler, irq_handler_t thread, unsigned long flags)
{
	struct irqlab_vector *vector = &lab->vector[lab->n_vectors];
	int ret;

	*vector = (struct irqlab_vector){.lab = lab, .cause = cause, .irq = irq};
	INIT_WORK(&vector->breath, irqlab_breath_fn);
	ret = request_threaded_irq(irq, handler, thread, flags, dev_name(lab->dev), vector);
	if (ret)
		return dev_err_probe(lab->dev, ret, "interrupt %d\n", irq);
	lab->n_vectors++;
	return 0;
}

static int irqlab_request_messages(struct irqlab *lab, const int *irq)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < IRQLAB_N_CAUSES && !ret; i++)
		ret = irqlab_request(lab, i, irq[i], irqlab_message, irqlab_thread, 0);
	if (!ret)
		ret = irqlab_request(lab, i, irq[i], irqlab_edge, NULL, 0);
	return ret;
}

static int irqlab_request_wires(struct irqlab *lab, const int *irq)
{
	int ret;

	if (oneshot)
		ret = irqlab_request(lab, 0, irq[0], NULL, irqlab_shared_thread,
				     IRQF_SHARED | IRQF_ONESHOT);
	else
		ret = irqlab_request(lab, 0, irq[0], irqlab_shared, irqlab_thread, IRQF_SHARED);
	if (!ret && irq[1] > 0)
		ret = irqlab_request(lab, 0, irq[1], irqlab_edge, NULL, 0);
	return ret;
}

void irqlab_reset(struct irqlab *lab)
{
	cancel_delayed_work_sync(&lab->poll); /* a storm is over with it */
	spin_lock_irq(&lab->lock);
	writel(IRQLAB_CONTROL_RESET, lab->regs + IRQLAB_CONTROL);
	memset(&lab->stats, 0, sizeof(lab->stats));
	lab->backlog = 0;
	lab->backlog_causes = 0;
	lab->pulses_seen = 0;
	irqlab_begin_rows(lab);
	irqlab_enable(lab, true);
	spin_unlock_irq(&lab->lock);
	complete(&lab->dma_done); /* whoever waits for a transfer sees that there is none */
}

/* Quiet first, then no handler any more, and then nothing that a handler could have left behind.
 * The poll is gone before as well, since it is what enables interrupts again.
 */
void irqlab_stop(struct irqlab *lab)
{
	spin_lock_irq(&lab->lock);
	lab->stopped = true;
	writel(IRQLAB_CONTROL_RESET, lab->regs + IRQLAB_CONTROL);
	spin_unlock_irq(&lab->lock);
	cancel_delayed_work_sync(&lab->poll);
	while (lab->n_vectors) {
		struct irqlab_vector *vector = &lab->vector[--lab->n_vectors];

		free_irq(vector->irq, vector);
		cancel_work_sync(&vector->breath);
	}
	cancel_work_sync(&lab->softirq);
	cancel_work_sync(&lab->work);
}

int irqlab_start(struct irqlab *lab, const int *irq, bool messages)
{
	int ret;

	if (readl(lab->regs + IRQLAB_MAGIC) != IRQLAB_MAGIC_VALUE)
		return dev_err_probe(lab->dev, -ENODEV, "this is no irqlab\n");
	spin_lock_init(&lab->lock);
	mutex_init(&lab->dma_mutex);
	init_completion(&lab->dma_done);
	INIT_WORK(&lab->softirq, irqlab_softirq_fn);
	INIT_WORK(&lab->work, irqlab_work_fn);
	INIT_DELAYED_WORK(&lab->poll, irqlab_poll_fn);
	lab->storm_limit = storm_limit;
	/* Whatever it was doing: from the first handler on, the line may be ours. */
	writel(IRQLAB_CONTROL_RESET, lab->regs + IRQLAB_CONTROL);

	ret = messages ? irqlab_request_messages(lab, irq) : irqlab_request_wires(lab, irq);
	if (ret) {
		irqlab_stop(lab);
		return ret;
	}
	irqlab_reset(lab);
	return 0;
}

/* ---- sysfs ---- */

static ssize_t bottom_half_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct irqlab *lab = dev_get_drvdata(dev);
	enum irqlab_bottom now = READ_ONCE(lab->bottom);
	int len = 0;
	int i;

	for (i = 0; i < IRQLAB_N_BOTTOMS; i++)
		len += sysfs_emit_at(buf, len, i == now ? "[%s] " : "%s ", irqlab_bottom_names[i]);
	buf[len - 1] = '\n';
	return len;
}

static ssize_t bottom_half_store(struct device *dev, struct device_attribute *attr, const char *buf,
				 size_t count)
{
	struct irqlab *lab = dev_get_drvdata(dev);
	int i = sysfs_match_string(irqlab_bottom_names, buf);

	if (i < 0)
		return i;
	spin_lock_irq(&lab->lock);
	lab->bottom = i;
	spin_unlock_irq(&lab->lock);
	return count;
}
static DEVICE_ATTR_RW(bottom_half);

static ssize_t storm_limit_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct irqlab *lab = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(lab->storm_limit));
}

static ssize_t storm_limit_store(struct device *dev, struct device_attribute *attr, const char *buf,
				 size_t count)
{
	struct irqlab *lab = dev_get_drvdata(dev);
	unsigned int limit;
	int ret = kstrtouint(buf, 0, &limit);

	if (ret)
		return ret;
	spin_lock_irq(&lab->lock);
	lab->storm_limit = limit;
	irqlab_begin_rows(lab);
	spin_unlock_irq(&lab->lock);
	return count;
}
static DEVICE_ATTR_RW(storm_limit);

static struct attribute *irqlab_attrs[] = {
	&dev_attr_bottom_half.attr,
	&dev_attr_storm_limit.attr,
	NULL,
};

static const struct attribute_group irqlab_group = {
	.attrs = irqlab_attrs,
};

const struct attribute_group *irqlab_groups[] = {
	&irqlab_group,
	NULL,
};
