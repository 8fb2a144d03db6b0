// SPDX-License-Identifier: GPL-2.0
/*
 * scull0 to scull3: a store each, shared by all who open it, and kept until the module goes.
 *
 * A write-only open empties the store, as ">" does for a file, but not one that appends (">>").
 * Reads and writes go by iterators, so that readv, splice and sendfile need nothing of their
 * own. In sysfs each device has its quantum and set size, which ioctl.c knows too.
 */
#include <linux/capability.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/splice.h>
#include <linux/sysfs.h>

#include <linnet/ioctl.h>

#include "scull.h"

static struct scull_mem {
	struct scull_store store;
	struct scull_node node;
} mems[SCULL_N_MEM];

struct scull_store *scull_mem_store(unsigned int i)
{
	return &mems[i].store;
}

int scull_open_store(struct scull_store *store, struct file *file)
{
	bool empties = (file->f_flags & O_TRUNC) || !(file->f_mode & FMODE_READ);

	file->private_data = store;
	if (!(file->f_mode & FMODE_WRITE) || !empties || (file->f_flags & O_APPEND))
		return 0;
	return scull_store_clear(store);
}

static int scull_open(struct inode *inode, struct file *file)
{
	return scull_open_store(&mems[scull_index(inode, scull_first, SCULL_MINOR_MEM)].store,
				file);
}

ssize_t scull_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return scull_store_read(iocb->ki_filp->private_data, &iocb->ki_pos, to);
}

ssize_t scull_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return scull_store_write(iocb->ki_filp->private_data, &iocb->ki_pos, from,
				 iocb->ki_flags & IOCB_APPEND);
}

loff_t scull_llseek(struct file *file, loff_t offset, int whence)
{
	struct scull_store *store = file->private_data;
	struct scull_usage usage;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		offset = scull_store_seek(store, offset, whence == SEEK_DATA);
		return offset < 0 ? offset : vfs_setpos(file, offset, MAX_LFS_FILESIZE);
	}
	scull_store_usage(store, &usage);
	return generic_file_llseek_size(file, offset, whence, MAX_LFS_FILESIZE, usage.size);
}

/* --- mappings --------------------------------------------------------------------------------- */

static void scull_vm_open(struct vm_area_struct *vma)
{
	scull_store_map_again(vma->vm_private_data);
}

static void scull_vm_close(struct vm_area_struct *vma)
{
	scull_store_unmap(vma->vm_private_data);
}

static vm_fault_t scull_vm_fault(struct vm_fault *vmf)
{
	struct scull_store *store = vmf->vma->vm_private_data;
	struct page *page = scull_store_page(store, (u64)vmf->pgoff << PAGE_SHIFT);

	if (PTR_ERR_OR_ZERO(page) == -ENOMEM)
		return VM_FAULT_OOM;
	if (IS_ERR(page)) /* beyond the end, or beyond the limit of memory */
		return VM_FAULT_SIGBUS;
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct scull_vm_ops = {
	.open = scull_vm_open,
	.close = scull_vm_close,
	.fault = scull_vm_fault,
};

int scull_mmap(struct file *file, struct vm_area_struct *vma)
{
	int ret = scull_store_map(file->private_data);

	if (ret)
		return ret;
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &scull_vm_ops;
	return 0;
}

/* --- sysfs ------------------------------------------------------------------------------------ */

static ssize_t show_next(struct device *dev, char *buf, enum scull_dimension d)
{
	return sysfs_emit(buf, "%u\n", scull_store_get_next(dev_get_drvdata(dev), d));
}

/* The mode of the file lets root in; root without this capability stays out, as with the ioctls. */
static ssize_t store_next(struct device *dev, const char *buf, size_t count, enum scull_dimension d)
{
	unsigned int value;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = kstrtouint(buf, 0, &value);
	if (!ret)
		ret = scull_store_set_next(dev_get_drvdata(dev), d, value, NULL);
	return ret ?: count;
}

static ssize_t quantum_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_next(dev, buf, SCULL_QUANTUM);
}

static ssize_t quantum_store(struct device *dev, struct device_attribute *attr, const char *buf,
			     size_t count)
{
	return store_next(dev, buf, count, SCULL_QUANTUM);
}
static DEVICE_ATTR_RW(quantum);

static ssize_t qset_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_next(dev, buf, SCULL_QSET);
}

static ssize_t qset_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	return store_next(dev, buf, count, SCULL_QSET);
}
static DEVICE_ATTR_RW(qset);

static ssize_t size_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct scull_usage usage;

	scull_store_usage(dev_get_drvdata(dev), &usage);
	return sysfs_emit(buf, "%llu\n", usage.size);
}
static DEVICE_ATTR_RO(size);

static ssize_t allocated_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct scull_usage usage;

	scull_store_usage(dev_get_drvdata(dev), &usage);
	return sysfs_emit(buf, "%llu\n", usage.allocated);
}
static DEVICE_ATTR_RO(allocated);

static struct attribute *scull_store_attrs[] = {
	&dev_attr_quantum.attr,
	&dev_attr_qset.attr,
	&dev_attr_size.attr,
	&dev_attr_allocated.attr,
	NULL,
};

static const struct attribute_group scull_store_group = {.attrs = scull_store_attrs};
const struct attribute_group *scull_store_groups[] = {&scull_store_group, NULL};

/* --- life ------------------------------------------------------------------------------------- */

static const struct file_operations scull_fops = {SCULL_STORE_FOPS, .open = scull_open};

int scull_mem_init(void)
{
	char name[16];
	int ret;

	for (unsigned int i = 0; i < SCULL_N_MEM; i++)
		scull_store_init(&mems[i].store, scull_default_shape(), scull_limit());
	for (unsigned int i = 0; i < SCULL_N_MEM; i++) {
		snprintf(name, sizeof(name), "scull%u", i);
		ret = scull_node_add(&mems[i].node, SCULL_MINOR_MEM + i, &scull_fops,
				     &mems[i].store, scull_store_groups, name);
		if (ret) {
			scull_mem_exit();
			return ret;
		}
	}
	return 0;
}

void scull_mem_exit(void)
{
	for (unsigned int i = 0; i < SCULL_N_MEM; i++) {
		scull_node_del(&mems[i].node);
		scull_store_fini(&mems[i].store);
	}
}
