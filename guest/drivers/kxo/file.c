// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kxo as a file: see <linnet/kxo.h>.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/uaccess.h>
#include "dev.h"

/* Puts a table among the others; the first starts the timer. */
static int add_table(struct kxo_dev *dev, struct kxo_table *table)
{
	mutex_lock(&dev->open_lock);
	if (dev->openers == KXO_TABLES_MAX) {
		mutex_unlock(&dev->open_lock);
		return -EUSERS;
	}
	spin_lock_bh(&dev->lock);
	list_add_tail(&table->node, &dev->tables);
	if (dev->end) /* since it was set up */
		kxo_table_end(table);
	spin_unlock_bh(&dev->lock);
	if (dev->openers++ == 0)
		kxo_tick_start(dev);
	mutex_unlock(&dev->open_lock);
	return 0;
}

static void remove_table(struct kxo_dev *dev, struct kxo_table *table)
{
	mutex_lock(&dev->open_lock);
	spin_lock_bh(&dev->lock);
	list_del(&table->node);
	spin_unlock_bh(&dev->lock);
	if (--dev->openers == 0)
		kxo_tick_stop(dev);
	mutex_unlock(&dev->open_lock);
}

static int kxo_open(struct inode *inode, struct file *file)
{
	struct kxo_dev *dev = container_of(inode->i_cdev, struct kxo_dev, cdev);
	struct kxo_setup setup = {
		.seed = get_random_u64(), .boards = 1, .agents = {XO_MCTS, XO_NEGAMAX}};
	struct kxo_table *table = kxo_table_new(dev);
	int ret;

	if (!table)
		return -ENOMEM;
	ret = kxo_table_setup(table, &setup);
	if (ret == -ESHUTDOWN)
		ret = 0; /* there is nothing to be read */
	if (!ret)
		ret = add_table(dev, table);
	if (ret) {
		kxo_table_free(table);
		return ret;
	}
	file->private_data = table;
	return stream_open(inode, file);
}

static int kxo_release(struct inode *inode, struct file *file)
{
	struct kxo_table *table = file->private_data;

	remove_table(table->dev, table);
	kxo_table_free(table);
	return 0;
}

static bool readable(struct kxo_table *table)
{
	bool over = kxo_table_over(table);

	/* In this order: the last frame comes before the table is over. */
	smp_rmb();
	return over || !kfifo_is_empty(&table->fifo);
}

/*
 * Takes the frames that are there and fit, and counts them: under the read lock, so that they are
 * counted with the games that they are of.
 */
static int take_frames(struct kxo_table *table, char __user *to, size_t count, unsigned int *copied)
{
	int ret = kfifo_to_user(&table->fifo, to, count, copied);
	unsigned int frames = *copied / sizeof(struct kxo_frame);

	atomic64_add(*copied, &table->dev->bytes);
	atomic64_add(frames, &table->dev->frames);
	spin_lock_bh(&table->lock);
	table->stats.bytes += *copied;
	table->stats.frames += frames;
	spin_unlock_bh(&table->lock);
	/* Those before a fault have left the FIFO: they are read. */
	return *copied ? 0 : ret;
}

static ssize_t kxo_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct kxo_table *table = file->private_data;
	unsigned int copied = 0;
	bool over;
	int ret;

	if (count < sizeof(struct kxo_frame))
		return -EINVAL;
	do {
		if (!(file->f_flags & O_NONBLOCK)) {
			ret = wait_event_interruptible(table->wait, readable(table));
			if (ret)
				return ret;
		}
		if (mutex_lock_interruptible(&table->read_lock))
			return -ERESTARTSYS;
		over = kxo_table_over(table);
		smp_rmb(); /* as in readable() */
		ret = take_frames(table, to, count, &copied);
		mutex_unlock(&table->read_lock);
		if (ret)
			return ret;
		if (!copied && !over && file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		/* Another reader can have been quicker. */
	} while (!copied && !over);
	return copied;
}

static ssize_t kxo_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct kxo_move move;
	int ret;

	if (count != sizeof(move))
		return -EINVAL;
	if (copy_from_user(&move, from, sizeof(move)))
		return -EFAULT;
	ret = kxo_table_move(file->private_data, &move);
	return ret ? ret : count;
}

static __poll_t kxo_poll(struct file *file, poll_table *wait)
{
	struct kxo_table *table = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &table->wait, wait);
	if (readable(table))
		events |= EPOLLIN | EPOLLRDNORM;
	if (kxo_table_over(table) && kfifo_is_empty(&table->fifo))
		events |= EPOLLHUP;
	return events;
}

static long kxo_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct kxo_table *table = file->private_data;
	void __user *user = (void __user *)arg;
	struct kxo_setup setup;
	struct kxo_stats stats;

	switch (command) {
	case KXO_IOCSETUP:
		if (copy_from_user(&setup, user, sizeof(setup)))
			return -EFAULT;
		return kxo_table_setup(table, &setup);
	case KXO_IOCGSTATS:
		spin_lock_bh(&table->lock);
		stats = table->stats;
		spin_unlock_bh(&table->lock);
		return copy_to_user(user, &stats, sizeof(stats)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

const struct file_operations kxo_fops = {
	.owner = THIS_MODULE,
	.open = kxo_open,
	.release = kxo_release,
	.read = kxo_read,
	.write = kxo_write,
	.poll = kxo_poll,
	.unlocked_ioctl = kxo_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
