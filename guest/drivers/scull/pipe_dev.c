// SPDX-License-Identifier: GPL-2.0
/*
 * scullpipe0 to scullpipe3: opening and closing, ioctls, sysfs. `fifo` there changes the mode while
 * nobody has the device open, `capacity` the size at any time. What is in a pipe is gone when the
 * last file is closed.
 */
#include <linux/capability.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/sysfs.h>
#include <linux/termios.h>
#include <linux/uaccess.h>

#include <linnet/ioctl.h>

#include "pipe.h"
#include "scull.h"

static struct scull_pipe pipes[SCULL_N_PIPES];
static struct scull_node nodes[SCULL_N_PIPES];

/* --- opening and closing ---------------------------------------------------------------------- */

/* The first file brings the memory, the last one takes it away. */
static int get_memory(struct scull_pipe *pipe)
{
	int ret;

	if (pipe->n_files++)
		return 0;
	pipe->staging = (u8 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	ret = pipe->staging ? scull_buffer_init(&pipe->buffer, pipe->size) : -ENOMEM;
	if (!ret)
		return 0;
	free_page((unsigned long)pipe->staging);
	pipe->n_files = 0;
	return ret;
}

static void put_memory(struct scull_pipe *pipe)
{
	if (--pipe->n_files)
		return;
	scull_buffer_fini(&pipe->buffer);
	free_page((unsigned long)pipe->staging);
}

/* Waits until *opens has changed, even if who came is gone again. */
static int wait_for_other_side(struct scull_pipe *pipe, const unsigned int *opens)
{
	unsigned int before = *opens;
	int ret = 0;

	while (*opens == before && !ret)
		ret = scull_pipe_sleep(pipe, &pipe->read_wait);
	return *opens == before ? ret : 0;
}

static void count(struct scull_pipe *pipe, fmode_t mode)
{
	if (mode & FMODE_READ) {
		pipe->r_opens++;
		pipe->readers++;
	}
	if (mode & FMODE_WRITE) {
		pipe->w_opens++;
		pipe->writers++;
	}
	/* Who waits for the other side, and who polls. */
	scull_pipe_tell(pipe);
}

static void uncount(struct scull_pipe *pipe, fmode_t mode)
{
	if (mode & FMODE_READ)
		pipe->readers--;
	if (mode & FMODE_WRITE)
		pipe->writers--;
}

/* What a FIFO wants of the other side; with the file counted. */
static int meet(struct scull_pipe *pipe, struct file *file)
{
	struct scull_pipe_file *f = file->private_data;

	if (!pipe->writers) {
		if (!(file->f_flags & O_NONBLOCK))
			return wait_for_other_side(pipe, &pipe->w_opens);
		f->w_opens = pipe->w_opens; /* the end of a FIFO is behind a writer */
	}
	if (!pipe->readers)
		return wait_for_other_side(pipe, &pipe->r_opens);
	return 0;
}

static int open_locked(struct scull_pipe *pipe, struct file *file)
{
	fmode_t mode = file->f_mode & (FMODE_READ | FMODE_WRITE);
	int ret = get_memory(pipe);

	if (ret)
		return ret;
	if (pipe->fifo && mode == FMODE_WRITE && (file->f_flags & O_NONBLOCK) && !pipe->readers) {
		put_memory(pipe);
		return -ENXIO;
	}
	count(pipe, mode);
	ret = pipe->fifo ? meet(pipe, file) : 0;
	if (ret) {
		uncount(pipe, mode);
		scull_pipe_tell(pipe);
		put_memory(pipe);
	}
	return ret;
}

static int scull_pipe_open(struct inode *inode, struct file *file)
{
	struct scull_pipe *pipe = &pipes[scull_index(inode, scull_first, SCULL_MINOR_PIPE)];
	struct scull_pipe_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!f)
		return -ENOMEM;
	f->pipe = pipe;
	file->private_data = f;
	stream_open(inode, file);
	mutex_lock(&pipe->lock);
	ret = open_locked(pipe, file);
	mutex_unlock(&pipe->lock);
	if (ret)
		kfree(f);
	return ret;
}

static int scull_pipe_release(struct inode *inode, struct file *file)
{
	struct scull_pipe_file *f = file->private_data;
	struct scull_pipe *pipe = f->pipe;

	mutex_lock(&pipe->lock);
	uncount(pipe, file->f_mode);
	/* The last of one side, with the other one still there? */
	if (!pipe->readers != !pipe->writers) {
		scull_pipe_tell(pipe);
		kill_fasync(&pipe->async_readers, SIGIO, POLL_IN);
		kill_fasync(&pipe->async_writers, SIGIO, POLL_OUT);
	}
	put_memory(pipe);
	mutex_unlock(&pipe->lock);
	kfree(f);
	return 0;
}

/* --- commands --------------------------------------------------------------------------------- */

/* Who reads is told that there is something to read, who writes that there is space. */
static int scull_pipe_fasync(int fd, struct file *file, int on)
{
	struct scull_pipe *pipe = ((struct scull_pipe_file *)file->private_data)->pipe;
	int ret = 0;

	mutex_lock(&pipe->lock);
	if (file->f_mode & FMODE_READ)
		ret = fasync_helper(fd, file, on, &pipe->async_readers);
	if (ret >= 0 && (file->f_mode & FMODE_WRITE)) {
		ret = fasync_helper(fd, file, on, &pipe->async_writers);
		if (ret < 0 && (file->f_mode & FMODE_READ))
			fasync_helper(-1, file, 0, &pipe->async_readers);
	}
	mutex_unlock(&pipe->lock);
	return ret;
}

static long scull_pipe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct scull_pipe *pipe = ((struct scull_pipe_file *)file->private_data)->pipe;
	int n;

	switch (cmd) {
	case FIONREAD:
		mutex_lock(&pipe->lock);
		n = kfifo_len(&pipe->buffer.bytes);
		mutex_unlock(&pipe->lock);
		return put_user(n, (int __user *)arg);
	case SCULL_P_IOCTSIZE:
		return capable(CAP_SYS_ADMIN) ? scull_pipe_resize(pipe, arg) : -EPERM;
	case SCULL_P_IOCQSIZE:
		return READ_ONCE(pipe->size);
	default:
		return -ENOTTY;
	}
}

/* Both commands have values, which are the same for 32-bit programs; FIONREAD does not come
 * here, the kernel makes it a call of the above.
 */
static long scull_pipe_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return scull_pipe_ioctl(file, cmd, arg);
}

static const struct file_operations scull_pipe_fops = {
	.owner = THIS_MODULE,
	.open = scull_pipe_open,
	.release = scull_pipe_release,
	.read_iter = scull_pipe_read_iter,
	.write_iter = scull_pipe_write_iter,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
	.poll = scull_pipe_poll,
	.fasync = scull_pipe_fasync,
	.unlocked_ioctl = scull_pipe_ioctl,
	.compat_ioctl = scull_pipe_compat_ioctl,
};

/* --- sysfs ------------------------------------------------------------------------------------ */

static ssize_t capacity_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct scull_pipe *pipe = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(pipe->size));
}

static ssize_t capacity_store(struct device *dev, struct device_attribute *attr, const char *buf,
			      size_t count)
{
	unsigned int value;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = kstrtouint(buf, 0, &value);
	if (!ret)
		ret = scull_pipe_resize(dev_get_drvdata(dev), value);
	return ret ?: count;
}
static DEVICE_ATTR_RW(capacity);

static ssize_t fifo_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct scull_pipe *pipe = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", READ_ONCE(pipe->fifo));
}

static void set_mode(struct scull_pipe *pipe, bool fifo)
{
	pipe->fifo = fifo;
	pipe->size = fifo ? SCULL_PIPE_FIFO : SCULL_PIPE_STREAM;
}

static ssize_t fifo_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	struct scull_pipe *pipe = dev_get_drvdata(dev);
	bool fifo;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = kstrtobool(buf, &fifo);
	if (ret)
		return ret;
	mutex_lock(&pipe->lock);
	if (pipe->n_files)
		ret = -EBUSY;
	else
		set_mode(pipe, fifo);
	mutex_unlock(&pipe->lock);
	return ret ?: count;
}
static DEVICE_ATTR_RW(fifo);

static struct attribute *scull_pipe_attrs[] = {
	&dev_attr_capacity.attr,
	&dev_attr_fifo.attr,
	NULL,
};
ATTRIBUTE_GROUPS(scull_pipe);

/* --- life ------------------------------------------------------------------------------------- */

void scull_pipe_show_all(struct seq_file *seq)
{
	for (unsigned int i = 0; i < SCULL_N_PIPES; i++) {
		struct scull_pipe *pipe = &pipes[i];

		mutex_lock(&pipe->lock);
		seq_printf(seq, "scullpipe%u: %s capacity %u bytes %u readers %u writers %u\n", i,
			   pipe->fifo ? "fifo" : "stream", pipe->size,
			   pipe->n_files ? kfifo_len(&pipe->buffer.bytes) : 0, pipe->readers,
			   pipe->writers);
		mutex_unlock(&pipe->lock);
	}
}

int scull_pipe_init(void)
{
	char name[16];
	int ret;

	for (unsigned int i = 0; i < SCULL_N_PIPES; i++) {
		mutex_init(&pipes[i].lock);
		init_waitqueue_head(&pipes[i].read_wait);
		init_waitqueue_head(&pipes[i].write_wait);
		set_mode(&pipes[i], scull_fifo_default());
		pipes[i].r_opens = 1;
		pipes[i].w_opens = 1;
	}
	for (unsigned int i = 0; i < SCULL_N_PIPES; i++) {
		snprintf(name, sizeof(name), "scullpipe%u", i);
		ret = scull_node_add(&nodes[i], SCULL_MINOR_PIPE + i, &scull_pipe_fops, &pipes[i],
				     scull_pipe_groups, name);
		if (ret) {
			scull_pipe_exit();
			return ret;
		}
	}
	return 0;
}

void scull_pipe_exit(void)
{
	for (unsigned int i = 0; i < SCULL_N_PIPES; i++)
		scull_node_del(&nodes[i]);
}
