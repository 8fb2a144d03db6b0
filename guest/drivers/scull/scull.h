/* SPDX-License-Identifier: GPL-2.0 */
/* What the driver's parts know of each other. */
#ifndef SCULL_H
#define SCULL_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/seq_file.h>

#include "store.h"

#define SCULL_N_MEM    4
#define SCULL_N_PIPES  4
#define SCULL_N_ACCESS 4

/* Minor numbers, from the first that the kernel gave us. */
enum {
	SCULL_MINOR_MEM,
	SCULL_MINOR_PIPE = SCULL_MINOR_MEM + SCULL_N_MEM,
	SCULL_MINOR_ACCESS = SCULL_MINOR_PIPE + SCULL_N_PIPES,
	SCULL_N_MINORS = SCULL_MINOR_ACCESS + SCULL_N_ACCESS,
};

/* main.c: the module's parameters, checked when it is loaded. */
const struct scull_shape *scull_default_shape(void);
u64 scull_limit(void);
bool scull_fifo_default(void);

/* A character device: its number, its operations, its node in /dev. */
struct scull_node {
	struct cdev *cdev;
	struct device *device;
};

/* Brings a device to life: from here on it can be opened. `data` is what sysfs attributes find by
 * dev_get_drvdata().
 */
int scull_node_add(struct scull_node *node, unsigned int minor, const struct file_operations *fops,
		   void *data, const struct attribute_group **groups, const char *name);
/* Does nothing to a node that was never added. */
void scull_node_del(struct scull_node *node);

/* The i of the i-th device of a family. */
static inline unsigned int scull_index(const struct inode *inode, dev_t first, unsigned int family)
{
	return iminor(inode) - MINOR(first) - family;
}

extern dev_t scull_first;

/* ioctl.c: the commands of all devices that hold a store; private_data is the store. */
long scull_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long scull_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* mem.c: file operations on file->private_data, a store. */
int scull_open_store(struct scull_store *store, struct file *file);
ssize_t scull_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t scull_write_iter(struct kiocb *iocb, struct iov_iter *from);
loff_t scull_llseek(struct file *file, loff_t offset, int whence);
int scull_mmap(struct file *file, struct vm_area_struct *vma);
extern const struct attribute_group *scull_store_groups[];
struct scull_store *scull_mem_store(unsigned int i);
int scull_mem_init(void);
void scull_mem_exit(void);

/* All but open and release of a device that holds a store. */
#define SCULL_STORE_FOPS                                                                           \
	.owner = THIS_MODULE, .llseek = scull_llseek, .read_iter = scull_read_iter,                \
	.write_iter = scull_write_iter, .splice_read = copy_splice_read,                           \
	.splice_write = iter_file_splice_write, .mmap = scull_mmap, .unlocked_ioctl = scull_ioctl, \
	.compat_ioctl = scull_compat_ioctl

/* access.c */
int scull_access_init(void);
void scull_access_exit(void);
void scull_access_show(struct seq_file *seq);

/* pipe_dev.c */
int scull_pipe_init(void);
void scull_pipe_exit(void);
void scull_pipe_show_all(struct seq_file *seq);

/* debug.c */
void scull_debug_init(void);
void scull_debug_exit(void);

#endif
