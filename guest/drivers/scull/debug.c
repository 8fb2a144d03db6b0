// SPDX-License-Identifier: GPL-2.0
/*
 * Views of what the devices hold, in /sys/kernel/debug/scull: "mem" goes through the devices one
 * by one with an iterator of seq_file, and so can be longer than a page; "access" and "pipes"
 * are shown in one go. That debugfs may not be there is no reason not to load, so nothing here
 * can fail.
 */
#include <linux/debugfs.h>

#include <linnet/ioctl.h>

#include "scull.h"

static struct dentry *directory;

static void *mem_start(struct seq_file *seq, loff_t *pos)
{
	return *pos < SCULL_N_MEM ? scull_mem_store(*pos) : NULL;
}

static void *mem_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return mem_start(seq, pos);
}

static void mem_stop(struct seq_file *seq, void *v)
{
}

static int mem_show(struct seq_file *seq, void *v)
{
	struct scull_store *store = v;
	struct scull_usage usage;
	struct scull_set *set;
	unsigned long index;

	scull_store_usage(store, &usage);
	seq_printf(seq, "scull%u: size %llu allocated %llu quantum %u qset %u\n",
		   (unsigned int)seq->index, usage.size, usage.allocated, usage.quantum,
		   usage.qset);
	mutex_lock(&store->lock);
	xa_for_each(&store->sets, index, set)
		seq_printf(seq, "  set %lu: %u quanta\n", index, set->n);
	mutex_unlock(&store->lock);
	return 0;
}

static const struct seq_operations mem_sops = {
	.start = mem_start,
	.next = mem_next,
	.stop = mem_stop,
	.show = mem_show,
};
DEFINE_SEQ_ATTRIBUTE(mem);

static int access_show(struct seq_file *seq, void *v)
{
	scull_access_show(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(access);

static int pipes_show(struct seq_file *seq, void *v)
{
	scull_pipe_show_all(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pipes);

void scull_debug_init(void)
{
	directory = debugfs_create_dir("scull", NULL);
	debugfs_create_file("mem", 0400, directory, NULL, &mem_fops);
	debugfs_create_file("access", 0400, directory, NULL, &access_fops);
	debugfs_create_file("pipes", 0400, directory, NULL, &pipes_fops);
}

void scull_debug_exit(void)
{
	debugfs_remove(directory);
}
