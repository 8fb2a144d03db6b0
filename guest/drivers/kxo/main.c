// SPDX-License-Identifier: GPL-2.0
/*
 * kxo: tic-tac-toe that plays itself in the kernel.
 *
 *	modprobe kxo && xo-user --games 3
 *
 * Loading and unloading, and what sysfs (/sys/class/kxo/kxo) and debugfs (/sys/kernel/debug/kxo)
 * show. dev.h tells where the rest is.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include "dev.h"

#define TICK_US_MIN 100
#define TICK_US_MAX 1000000

/* What a board drawn by the kernel would take. */
#define ASCII_FRAME 66

static unsigned int tick_us = 20000;
module_param(tick_us, uint, 0444);
MODULE_PARM_DESC(tick_us, "microseconds from one tick to the next at first, 100 to 1000000");

static struct kxo_dev *kxo;

/* --- sysfs ------------------------------------------------------------------------------------ */

static ssize_t kxo_state_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct kxo_dev *dev = dev_get_drvdata(device);
	unsigned int n;
	int len;

	spin_lock_bh(&dev->lock);
	n = min_t(u64, dev->games, KXO_RECORDS);
	len = sysfs_emit(buf, "%d %d %d\n%u\n", dev->display, dev->resume, dev->end, n);
	for (u64 i = dev->games - n; i < dev->games; i++)
		len += sysfs_emit_at(buf, len, "%016llx\n", dev->records[i % KXO_RECORDS]);
	spin_unlock_bh(&dev->lock);
	return len;
}

static ssize_t kxo_state_store(struct device *device, struct device_attribute *attr,
			       const char *buf, size_t count)
{
	struct kxo_dev *dev = dev_get_drvdata(device);
	size_t len = count && buf[count - 1] == '\n' ? count - 1 : count;
	struct kxo_table *table;

	if (len != 5 || buf[1] != ' ' || buf[3] != ' ')
		return -EINVAL;
	for (int i = 0; i < 5; i += 2)
		if (buf[i] != '0' && buf[i] != '1')
			return -EINVAL;
	spin_lock_bh(&dev->lock);
	dev->display = buf[0] == '1';
	dev->resume = buf[2] == '1';
	dev->end = buf[4] == '1';
	if (dev->end)
		list_for_each_entry(table, &dev->tables, node)
			kxo_table_end(table);
	spin_unlock_bh(&dev->lock);
	return count;
}
static DEVICE_ATTR_RW(kxo_state);

static ssize_t tick_us_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct kxo_dev *dev = dev_get_drvdata(device);

	return sysfs_emit(buf, "%u\n", READ_ONCE(dev->tick_us));
}

static ssize_t tick_us_store(struct device *device, struct device_attribute *attr, const char *buf,
			     size_t count)
{
	struct kxo_dev *dev = dev_get_drvdata(device);
	u32 value;
	int ret = kstrtou32(buf, 10, &value);

	if (ret)
		return ret;
	if (value < TICK_US_MIN || value > TICK_US_MAX)
		return -EINVAL;
	WRITE_ONCE(dev->tick_us, value);
	return count;
}
static DEVICE_ATTR_RW(tick_us);

static struct attribute *kxo_attrs[] = {
	&dev_attr_kxo_state.attr,
	&dev_attr_tick_us.attr,
	NULL,
};
ATTRIBUTE_GROUPS(kxo);

/* --- debugfs ---------------------------------------------------------------------------------- */

static int latency_show(struct seq_file *seq, void *unused)
{
	static const char *const names[] = {"softirq", "bh", "work"};
	struct kxo_dev *dev = seq->private;

	seq_puts(seq, "# ns from the top half: kind count missed min mean max\n");
	for (int i = 0; i < KXO_HALVES; i++) {
		const struct kxo_latency *l = &dev->latency[i];
		u64 count = READ_ONCE(l->count);

		seq_printf(seq, "%-8s %llu %llu %llu %llu %llu\n", names[i], count,
			   READ_ONCE(l->missed), READ_ONCE(l->min_ns),
			   count ? div64_u64(READ_ONCE(l->total_ns), count) : 0,
			   READ_ONCE(l->max_ns));
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(latency);

static int traffic_show(struct seq_file *seq, void *unused)
{
	struct kxo_dev *dev = seq->private;
	u64 frames = atomic64_read(&dev->frames);

	seq_printf(seq, "frames %llu\nbytes %lld\nas_text %llu\n", frames,
		   atomic64_read(&dev->bytes), frames * ASCII_FRAME);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(traffic);

static int games_show(struct seq_file *seq, void *unused)
{
	struct kxo_dev *dev = seq->private;

	spin_lock_bh(&dev->lock);
	seq_printf(seq, "ended %llu\ntables %zu\nlongest_ns %llu\n", dev->games,
		   list_count_nodes(&dev->tables), dev->longest_ns);
	spin_unlock_bh(&dev->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(games);

/* No file of debugfs is worth a failure. */
static void show_in_debugfs(struct kxo_dev *dev)
{
	dev->debugfs = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("latency", 0444, dev->debugfs, dev, &latency_fops);
	debugfs_create_file("traffic", 0444, dev->debugfs, dev, &traffic_fops);
	debugfs_create_file("games", 0444, dev->debugfs, dev, &games_fops);
}

/* --- loading ---------------------------------------------------------------------------------- */

/* For everybody: a table is the opener's own. */
static char *kxo_devnode(const struct device *device, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

static const struct class kxo_class = {
	.name = KBUILD_MODNAME,
	.devnode = kxo_devnode,
};

static void kxo_device_release(struct device *device)
{
	kfree(container_of(device, struct kxo_dev, device));
}

/* From device_initialize() on, put_device() is what frees it. */
static struct kxo_dev *new_dev(dev_t number)
{
	struct kxo_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return NULL;
	mutex_init(&dev->open_lock);
	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->tables);
	dev->display = true;
	dev->resume = true;
	dev->tick_us = tick_us;
	kxo_tick_init(dev);
	device_initialize(&dev->device);
	dev->device.class = &kxo_class;
	dev->device.devt = number;
	dev->device.groups = kxo_groups;
	dev->device.release = kxo_device_release;
	dev_set_drvdata(&dev->device, dev);
	cdev_init(&dev->cdev, &kxo_fops);
	dev->cdev.owner = THIS_MODULE;
	return dev;
}

static int __init kxo_init(void)
{
	struct kxo_dev *dev;
	dev_t number;
	int ret;

	if (tick_us < TICK_US_MIN || tick_us > TICK_US_MAX) {
		pr_err("tick_us=%u: give %u to %u\n", tick_us, TICK_US_MIN, TICK_US_MAX);
		return -EINVAL;
	}
	ret = alloc_chrdev_region(&number, 0, 1, KBUILD_MODNAME);
	if (ret)
		return ret;
	ret = class_register(&kxo_class);
	if (ret)
		goto unregister_region;
	ret = -ENOMEM;
	dev = new_dev(number);
	if (!dev)
		goto unregister_class;
	dev->thinkers = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND, 0);
	if (!dev->thinkers)
		goto put_device;
	ret = dev_set_name(&dev->device, KBUILD_MODNAME);
	if (ret)
		goto destroy_workqueue;
	show_in_debugfs(dev);
	kxo = dev;
	/* From here on others can open it. */
	ret = cdev_device_add(&dev->cdev, &dev->device);
	if (ret)
		goto remove_debugfs;
	return 0;

remove_debugfs:
	debugfs_remove(dev->debugfs);
destroy_workqueue:
	destroy_workqueue(dev->thinkers);
put_device:
	put_device(&dev->device);
unregister_class:
	class_unregister(&kxo_class);
unregister_region:
	unregister_chrdev_region(number, 1);
	return ret;
}
module_init(kxo_init);

/* No file is open any more, so the timer is off and nobody thinks. */
static void __exit kxo_exit(void)
{
	dev_t number = kxo->device.devt;

	cdev_device_del(&kxo->cdev, &kxo->device);
	debugfs_remove(kxo->debugfs);
	destroy_workqueue(kxo->thinkers);
	put_device(&kxo->device);
	class_unregister(&kxo_class);
	unregister_chrdev_region(number, 1);
}
module_exit(kxo_exit);

MODULE_DESCRIPTION("Tic-tac-toe that plays itself in the kernel");
MODULE_LICENSE("GPL");
