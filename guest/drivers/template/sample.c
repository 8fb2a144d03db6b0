// SPDX-License-Identifier: GPL-2.0
/*
 * sample: a character device that gives back what was written to it.
 *
 *	linnet kbuild .		builds sample.ko for Linnet's default guest
 *	./test.sh		loads it into a fresh guest and tries it
 *
 * /dev/sample holds as many bytes as the parameter `size` says, and behaves like a small file: ">"
 * empties it, ">>" appends, and what does not fit is refused with ENOSPC. All who open it share the
 * same bytes; a mutex keeps their calls apart. The parameter `verbose` can be changed at any time
 *in /sys/module/sample/parameters; it has each write reported in the kernel's log.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define SAMPLE_SIZE_MAX (1u << 20)

static unsigned int size = 4096;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "bytes that the device holds (default 4096, at most 1048576)");

static bool verbose;
module_param(verbose, bool, 0644);
MODULE_PARM_DESC(verbose, "report each write (default off)");

struct sample_dev {
	struct miscdevice misc;
	struct mutex lock; /* guards len and the bytes in buf */
	size_t len;
	char *buf; /* size bytes */
};

/* misc_open() has left the miscdevice here. */
static struct sample_dev *sample_from_file(struct file *file)
{
	return container_of(file->private_data, struct sample_dev, misc);
}

static int sample_open(struct inode *inode, struct file *file)
{
	struct sample_dev *dev = sample_from_file(file);

	if ((file->f_mode & FMODE_WRITE) && (file->f_flags & O_TRUNC)) {
		mutex_lock(&dev->lock);
		dev->len = 0;
		mutex_unlock(&dev->lock);
	}
	return 0;
}

static ssize_t sample_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct sample_dev *dev = sample_from_file(file);
	ssize_t ret;

	if (mutex_lock_interruptible(&dev->lock))
		return -ERESTARTSYS;
	ret = simple_read_from_buffer(to, count, pos, dev->buf, dev->len);
	mutex_unlock(&dev->lock);
	return ret;
}

static ssize_t sample_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct sample_dev *dev = sample_from_file(file);
	ssize_t ret = -ENOSPC;

	if (mutex_lock_interruptible(&dev->lock))
		return -ERESTARTSYS;
	if (file->f_flags & O_APPEND)
		*pos = dev->len;
	if (*pos > dev->len) /* nobody shall read what was never written */
		ret = -EINVAL;
	else if (*pos < size)
		ret = simple_write_to_buffer(dev->buf, size, pos, from, count);
	if (ret > 0)
		dev->len = max_t(size_t, dev->len, *pos);
	mutex_unlock(&dev->lock);
	if (READ_ONCE(verbose))
		pr_info("write of %zu bytes: %zd\n", count, ret);
	return ret;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE, /* no unloading while a file is open */
	.open = sample_open,
	.read = sample_read,
	.write = sample_write,
	.llseek = no_seek_end_llseek,
};

static struct sample_dev sample_dev = {
	.misc.minor = MISC_DYNAMIC_MINOR,
	.misc.name = KBUILD_MODNAME,
	.misc.fops = &sample_fops,
	.misc.mode = 0600,
	.lock = __MUTEX_INITIALIZER(sample_dev.lock),
};

static int __init sample_init(void)
{
	int ret;

	if (size == 0 || size > SAMPLE_SIZE_MAX) {
		pr_err("size=%u: give 1 to %u\n", size, SAMPLE_SIZE_MAX);
		return -EINVAL;
	}
	sample_dev.buf = kvzalloc(size, GFP_KERNEL);
	if (!sample_dev.buf)
		return -ENOMEM;
	/* From here on others can open it: all must be ready before. */
	ret = misc_register(&sample_dev.misc);
	if (ret) {
		kvfree(sample_dev.buf);
		return ret;
	}
	pr_info("/dev/%s holds %u bytes\n", sample_dev.misc.name, size);
	return 0;
}
module_init(sample_init);

static void __exit sample_exit(void)
{
	misc_deregister(&sample_dev.misc);
	kvfree(sample_dev.buf);
}
module_exit(sample_exit);

MODULE_DESCRIPTION("A character device that gives back what was written to it");
MODULE_LICENSE("GPL");
