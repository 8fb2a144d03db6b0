// SPDX-License-Identifier: GPL-2.0
/*
 * irqlab: what can be done with it, and what was seen, in /sys/kernel/debug/irqlab/DEVICE.
 *
 *	trigger	N		N software events, one after the other
 *	pulse	N		N pulses of the edge line, as fast as they come
 *	timer	NS N [edge]	N ticks, each NS after the last one; 0: without end; NS 0: stop
 *	storm	N		N events, each as soon as the last was acknowledged
 *	stuck	0|1		the level line is high, and no device says why
 *	dma	LEN [NS]	a transfer that takes NS; the write returns when it was compared
 *	reset	-		the device and all counts as at the beginning
 *	counts, latency		to be read
 */
#include <linux/debugfs.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/io.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "irqlab.h"

#define TRIGGER_MAX 100000u

static struct dentry *irqlab_root;

/* ---- views ---- */

static void show_row(struct seq_file *s, const char *name, const u64 *value)
{
	int i;

	seq_printf(s, "%-12s", name);
	for (i = 0; i < IRQLAB_N_CAUSES; i++)
		seq_printf(s, " %10llu", value[i]);
	seq_putc(s, '\n');
}

static void copy_stats(struct irqlab *lab, struct irqlab_stats *stats)
{
	spin_lock_irq(&lab->lock);
	*stats = lab->stats;
	spin_unlock_irq(&lab->lock);
}

static int counts_show(struct seq_file *s, void *unused)
{
	struct irqlab *lab = s->private;
	u64 events[IRQLAB_N_CAUSES], overruns[IRQLAB_N_CAUSES];
	struct irqlab_stats *stats;
	int i;

	stats = kmalloc(sizeof(*stats), GFP_KERNEL);
	if (!stats)
		return -ENOMEM;
	copy_stats(lab, stats);
	seq_printf(s, "%-12s", "");
	for (i = 0; i < IRQLAB_N_CAUSES; i++) {
		seq_printf(s, " %10s", irqlab_cause_names[i]);
		events[i] = readl(lab->regs + IRQLAB_EVENTS(i));
		overruns[i] = readl(lab->regs + IRQLAB_OVERRUNS(i));
	}
	seq_putc(s, '\n');
	show_row(s, "events", events);
	show_row(s, "overruns", overruns);
	show_row(s, "interrupts", stats->taken);
	seq_printf(s, "line raised %u\n", readl(lab->regs + IRQLAB_RAISES));
	seq_printf(s, "not mine %llu\n", stats->not_mine);
	seq_printf(s, "pulses %u interrupts %llu seen %llu\n", readl(lab->regs + IRQLAB_PULSES),
		   stats->edges, stats->edge_events);
	seq_printf(s, "bottom halves %llu for %llu interrupts\n", stats->bottoms,
		   stats->bottom_events);
	seq_printf(s, "storms %llu polls %llu\n", stats->storms, stats->polls);
	kfree(stats);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counts);

static void show_latency(struct seq_file *s, const char *name, const struct irqlab_latency *l)
{
	int i;

	if (!l->n)
		return;
	seq_printf(s, "%s: %llu, min %llu avg %llu max %llu ns\n", name, l->n, l->min,
		   div64_u64(l->sum, l->n), l->max);
	for (i = 0; i < IRQLAB_BUCKETS; i++)
		if (l->bucket[i])
			seq_printf(s, "  from %10lu ns %10llu\n", BIT(i), l->bucket[i]);
}

static int latency_show(struct seq_file *s, void *unused)
{
	struct irqlab_stats *stats;
	int i;

	stats = kmalloc(sizeof(*stats), GFP_KERNEL);
	if (!stats)
		return -ENOMEM;
	copy_stats(s->private, stats);
	show_latency(s, "event to top half", &stats->top);
	for (i = 0; i < IRQLAB_N_BOTTOMS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "top half to %s", irqlab_bottom_names[i]);
		show_latency(s, name, &stats->bottom[i]);
	}
	kfree(stats);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(latency);

/* ---- what can be done ---- */

static int do_trigger(struct irqlab *lab, const char *args)
{
	unsigned int n, i;

	if (kstrtouint(args, 0, &n) || n > TRIGGER_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		writel(1, lab->regs + IRQLAB_TRIGGER);
		cond_resched();
	}
	return 0;
}

static int do_pulse(struct irqlab *lab, const char *args)
{
	unsigned int n;

	if (kstrtouint(args, 0, &n))
		return -EINVAL;
	writel(n, lab->regs + IRQLAB_PULSE);
	return 0;
}

static int do_timer(struct irqlab *lab, const char *args)
{
	unsigned int period, n = 0;
	char word[8] = "";
	int given = sscanf(args, "%u %u %7s", &period, &n, word);

	if (given < 1 || (*word && strcmp(word, "edge")))
		return -EINVAL;
	spin_lock_irq(&lab->lock);
	writel(0, lab->regs + IRQLAB_TIMER);
	writel(period, lab->regs + IRQLAB_PERIOD);
	writel(n, lab->regs + IRQLAB_REPEAT);
	if (period)
		writel(IRQLAB_TIMER_RUN | (*word ? IRQLAB_TIMER_EDGE : 0),
		       lab->regs + IRQLAB_TIMER);
	spin_unlock_irq(&lab->lock);
	return 0;
}

static int do_storm(struct irqlab *lab, const char *args)
{
	unsigned int n;

	if (kstrtouint(args, 0, &n))
		return -EINVAL;
	writel(n, lab->regs + IRQLAB_STORM);
	return 0;
}

static int do_stuck(struct irqlab *lab, const char *args)
{
	bool on;

	if (kstrtobool(args, &on))
		return -EINVAL;
	writel(on, lab->regs + IRQLAB_STUCK);
	return 0;
}

static int do_dma(struct irqlab *lab, const char *args)
{
	unsigned int len, ns = 0;

	if (sscanf(args, "%u %u", &len, &ns) < 1)
		return -EINVAL;
	return irqlab_dma(lab, len, ns);
}

static int do_reset(struct irqlab *lab, const char *args)
{
	irqlab_reset(lab);
	return 0;
}

static ssize_t control_write(struct file *file, const char __user *from, size_t count,
			     int (*act)(struct irqlab *lab, const char *args))
{
	struct irqlab *lab = file->private_data;
	char args[64];
	ssize_t len;
	int ret;

	if (count >= sizeof(args))
		return -EINVAL;
	len = strncpy_from_user(args, from, count);
	if (len < 0)
		return len;
	args[len] = '\0';
	ret = act(lab, strim(args));
	return ret ? ret : count;
}

#define CONTROL(name)                                                                         \
	static ssize_t name##_write(struct file *file, const char __user *from, size_t count, \
				    loff_t *pos)                                              \
	{                                                                                     \
		return control_write(file, from, count, do_##name);                           \
	}                                                                                     \
	static const struct file_operations name##_fops = {                                   \
		.owner = THIS_MODULE,                                                         \
		.open = simple_open,                                                          \
		.write = name##_write,                                                        \
	}

CONTROL(trigger);
CONTROL(pulse);
CONTROL(timer);
CONTROL(storm);
CONTROL(stuck);
CONTROL(dma);
CONTROL(reset);

static const struct {
	const char *name;
	const struct file_operations *fops;
	umode_t mode;
} files[] = {
	{"trigger", &trigger_fops, 0200}, {"pulse", &pulse_fops, 0200},
	{"timer", &timer_fops, 0200},     {"storm", &storm_fops, 0200},
	{"stuck", &stuck_fops, 0200},     {"dma", &dma_fops, 0200},
	{"reset", &reset_fops, 0200},     {"counts", &counts_fops, 0400},
	{"latency", &latency_fops, 0400},
};

/* Without debugfs the device works as well; so nothing here can fail. */
void irqlab_debugfs_add(struct irqlab *lab)
{
	unsigned int i;

	lab->dir = debugfs_create_dir(dev_name(lab->dev), irqlab_root);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		debugfs_create_file(files[i].name, files[i].mode, lab->dir, lab, files[i].fops);
}

/* Waits for those who are inside of a file. */
void irqlab_debugfs_remove(struct irqlab *lab)
{
	debugfs_remove(lab->dir);
}

void irqlab_debugfs_init(void)
{
	irqlab_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
}

void irqlab_debugfs_exit(void)
{
	debugfs_remove(irqlab_root);
}
