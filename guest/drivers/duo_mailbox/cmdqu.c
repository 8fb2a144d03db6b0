// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/cvi-rtos-cmdqu, as the board's vendor has it: <linnet/ioctl.h> says what there is to do.
 * Replies are matched by ip_id and cmd_id, and that pair is one's own as long as one waits for it,
 * or has requested it; then messages that come by themselves are read from the file, one at a time,
 * and poll tells when there is one. A file keeps 32; when there were more, the next read is
 * EOVERFLOW.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "private.h"

#define CMD_BLOCK 0x80

struct cmdqu_file {
	struct duo_mailbox *mb;
	/* Under cmdqu.lock. */
	DECLARE_KFIFO(arrived, struct duo_cmdqu, 32);
	bool overflow;
};

struct request {
	struct list_head link;
	struct cmdqu_file *owner;
	u8 ip_id, cmd_id;
};

/* On the stack of who waits. */
struct waiter {
	struct list_head link;
	u8 ip_id, cmd_id;
	int status; /* -EINPROGRESS until it is over */
	struct duo_cmdqu reply;
};

/* ---- who waits for what; under cmdqu.lock ---- */

static struct waiter *find_waiter(struct duo_cmdqu_device *d, const struct duo_cmdqu *m)
{
	struct waiter *w;

	list_for_each_entry(w, &d->waiters, link)
		if (w->ip_id == m->ip_id && w->cmd_id == m->cmd_id && w->status == -EINPROGRESS)
			return w;
	return NULL;
}

static struct request *find_request(struct duo_cmdqu_device *d, const struct duo_cmdqu *m)
{
	struct request *r;

	list_for_each_entry(r, &d->requests, link)
		if (r->ip_id == m->ip_id && r->cmd_id == m->cmd_id)
			return r;
	return NULL;
}

static void finish(struct duo_cmdqu_device *d, struct waiter *w, int status)
{
	WRITE_ONCE(w->status, status);
	wake_up_all(&d->wait);
}

/* Whether a driver has that command for itself. */
static bool is_drivers(struct duo_mailbox *mb, u8 cmd_id)
{
	bool ret;

	mutex_lock(&mb->dispatch);
	ret = mb->handler[cmd_id].received;
	mutex_unlock(&mb->dispatch);
	return ret;
}

/* ---- from the bottom half ---- */

bool duo_cmdqu_received(struct duo_mailbox *mb, const struct duo_cmdqu *m)
{
	struct duo_cmdqu_device *d = &mb->cmdqu;
	struct request *r;
	struct waiter *w;

	spin_lock(&d->lock);
	w = find_waiter(d, m);
	r = find_request(d, m);
	if (w) {
		w->reply = *m;
		finish(d, w, 0);
	} else if (r) {
		if (!kfifo_put(&r->owner->arrived, *m))
			r->owner->overflow = true;
		wake_up_all(&d->wait);
	}
	spin_unlock(&d->lock);
	return w || r;
}

void duo_cmdqu_abort(struct duo_mailbox *mb, int error)
{
	struct duo_cmdqu_device *d = &mb->cmdqu;
	struct waiter *w;

	spin_lock(&d->lock);
	list_for_each_entry(w, &d->waiters, link)
		if (w->status == -EINPROGRESS)
			finish(d, w, error);
	spin_unlock(&d->lock);
}

/* ---- commands ---- */

static int wait_add(struct duo_mailbox *mb, struct waiter *w, const struct duo_cmdqu *m)
{
	struct duo_cmdqu_device *d = &mb->cmdqu;
	int ret = 0;

	*w = (struct waiter){.ip_id = m->ip_id, .cmd_id = m->cmd_id, .status = -EINPROGRESS};
	if (is_drivers(mb, m->cmd_id))
		return -EPERM;
	spin_lock(&d->lock);
	if (find_waiter(d, m))
		ret = -EALREADY;
	else
		list_add_tail(&w->link, &d->waiters);
	spin_unlock(&d->lock);
	return ret;
}

static int wait_end(struct duo_mailbox *mb, struct waiter *w)
{
	int status;

	spin_lock(&mb->cmdqu.lock);
	list_del(&w->link);
	status = w->status;
	spin_unlock(&mb->cmdqu.lock);
	return status;
}

/* A signal ends it with EINTR in any case: the message has been sent, and must not be once more. */
static int send_wait(struct duo_mailbox *mb, struct duo_cmdqu *m)
{
	long timeout = m->mstime == DUO_CMDQU_FOREVER ? MAX_SCHEDULE_TIMEOUT
						      : msecs_to_jiffies(m->mstime);
	struct duo_cmdqu message = *m;
	struct waiter w;
	long left;
	int ret = wait_add(mb, &w, m);

	if (ret)
		return ret;
	message.cmd_id |= CMD_BLOCK;
	ret = duo_mailbox_send_patiently(mb, &message);
	if (ret) {
		wait_end(mb, &w);
		return ret;
	}
	left = wait_event_interruptible_timeout(mb->cmdqu.wait, READ_ONCE(w.status) != -EINPROGRESS,
						timeout);
	ret = wait_end(mb, &w);
	if (ret == -EINPROGRESS)
		return left < 0 ? -EINTR : -ETIMEDOUT;
	if (!ret)
		*m = w.reply;
	return ret;
}

static int send_wakeup(struct duo_mailbox *mb, const struct duo_cmdqu *m)
{
	struct duo_cmdqu_device *d = &mb->cmdqu;
	struct waiter *w;

	spin_lock(&d->lock);
	w = find_waiter(d, m);
	if (w)
		finish(d, w, -ECANCELED);
	spin_unlock(&d->lock);
	return w ? 0 : -ENOENT;
}

static int request_add(struct cmdqu_file *f, const struct duo_cmdqu *m)
{
	struct duo_cmdqu_device *d = &f->mb->cmdqu;
	struct request *r;
	int ret = 0;

	if (is_drivers(f->mb, m->cmd_id))
		return -EPERM;
	r = kmalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	*r = (struct request){.owner = f, .ip_id = m->ip_id, .cmd_id = m->cmd_id};
	spin_lock(&d->lock);
	if (find_request(d, m))
		ret = -EBUSY;
	else
		list_add_tail(&r->link, &d->requests);
	spin_unlock(&d->lock);
	if (ret)
		kfree(r);
	return ret;
}

static int request_free(struct cmdqu_file *f, const struct duo_cmdqu *m)
{
	struct duo_cmdqu_device *d = &f->mb->cmdqu;
	struct request *r;

	spin_lock(&d->lock);
	r = find_request(d, m);
	if (r && r->owner == f)
		list_del(&r->link);
	else
		r = NULL;
	spin_unlock(&d->lock);
	if (!r)
		return -ENOENT;
	kfree(r);
	return 0;
}

static int send_buffer(struct duo_mailbox *mb, struct duo_cmdqu_buffer *b)
{
	u32 param;
	int ret = duo_buffer_describe(mb, b->offset, b->length, &param);

	if (ret)
		return ret;
	b->message.param = param;
	ret = send_wait(mb, &b->message);
	duo_buffer_free(mb, param);
	return ret;
}

static int command(struct cmdqu_file *f, unsigned int cmd, struct duo_cmdqu_buffer *b)
{
	struct duo_cmdqu *m = &b->message;

	if (m->cmd_id >= DUO_MAILBOX_N_COMMANDS)
		return -EINVAL;
	switch (cmd) {
	case DUO_CMDQU_SEND:
		return duo_mailbox_send_patiently(f->mb, m);
	case DUO_CMDQU_REQUEST:
		return request_add(f, m);
	case DUO_CMDQU_REQUEST_FREE:
		return request_free(f, m);
	case DUO_CMDQU_SEND_WAIT:
		return send_wait(f->mb, m);
	case DUO_CMDQU_SEND_WAKEUP:
		return send_wakeup(f->mb, m);
	case DUO_CMDQU_SEND_BUFFER:
		return send_buffer(f->mb, b);
	case DUO_CMDQU_FIND_BUFFER:
		return duo_buffer_find(f->mb, m->param, &b->offset, &b->length);
	default:
		return -ENOTTY;
	}
}

/* What is not copied in stays 0, and is not copied out. SEND_WAIT has a reply though its number
 * says that nothing is read.
 */
static long cmdqu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct duo_cmdqu_buffer b = {};
	size_t size = _IOC_SIZE(cmd);
	int ret;

	if (_IOC_TYPE(cmd) != LINNET_IOC_CMDQU || size > sizeof(b))
		return -ENOTTY;
	if (copy_from_user(&b, user, size))
		return -EFAULT;
	ret = command(file->private_data, cmd, &b);
	if (!ret && (cmd == DUO_CMDQU_SEND_WAIT || _IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(user, &b, size))
		ret = -EFAULT;
	return ret;
}

/* ---- files ---- */

static int cmdqu_open(struct inode *inode, struct file *file)
{
	struct cmdqu_file *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->mb = container_of(file->private_data, struct duo_mailbox, cmdqu.misc);
	INIT_KFIFO(f->arrived);
	file->private_data = f;
	return stream_open(inode, file);
}

static int cmdqu_release(struct inode *inode, struct file *file)
{
	struct cmdqu_file *f = file->private_data;
	struct duo_cmdqu_device *d = &f->mb->cmdqu;
	struct request *r, *next;
	LIST_HEAD(gone);

	spin_lock(&d->lock);
	list_for_each_entry_safe(r, next, &d->requests, link)
		if (r->owner == f)
			list_move(&r->link, &gone);
	spin_unlock(&d->lock);
	list_for_each_entry_safe(r, next, &gone, link)
		kfree(r);
	kfree(f);
	return 0;
}

/* One message, or -EAGAIN. */
static int take(struct cmdqu_file *f, struct duo_cmdqu *m)
{
	int ret = 0;

	spin_lock(&f->mb->cmdqu.lock);
	if (f->overflow)
		ret = -EOVERFLOW;
	else if (!kfifo_get(&f->arrived, m))
		ret = -EAGAIN;
	f->overflow = false;
	spin_unlock(&f->mb->cmdqu.lock);
	return ret;
}

/* Whether there is something to say to the reader, a message or an error. */
static bool comes(struct cmdqu_file *f, struct duo_cmdqu *m, int *ret)
{
	*ret = take(f, m);
	return *ret != -EAGAIN;
}

static ssize_t cmdqu_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct cmdqu_file *f = file->private_data;
	struct duo_cmdqu m;
	int ret;

	if (len < sizeof(m))
		return -EINVAL;
	if (file->f_flags & O_NONBLOCK)
		ret = take(f, &m);
	else if (wait_event_interruptible(f->mb->cmdqu.wait, comes(f, &m, &ret)))
		return -ERESTARTSYS;
	if (ret)
		return ret;
	return copy_to_user(to, &m, sizeof(m)) ? -EFAULT : sizeof(m);
}

static __poll_t cmdqu_poll(struct file *file, poll_table *table)
{
	struct cmdqu_file *f = file->private_data;
	__poll_t ret;

	poll_wait(file, &f->mb->cmdqu.wait, table);
	spin_lock(&f->mb->cmdqu.lock);
	ret = f->overflow || !kfifo_is_empty(&f->arrived) ? EPOLLIN | EPOLLRDNORM : 0;
	spin_unlock(&f->mb->cmdqu.lock);
	return ret;
}

static int cmdqu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct cmdqu_file *f = file->private_data;

	return duo_buffers_mmap(f->mb, vma);
}

static const struct file_operations cmdqu_fops = {
	.owner = THIS_MODULE,
	.open = cmdqu_open,
	.release = cmdqu_release,
	.read = cmdqu_read,
	.poll = cmdqu_poll,
	.mmap = cmdqu_mmap,
	.unlocked_ioctl = cmdqu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

int duo_cmdqu_init(struct duo_mailbox *mb)
{
	struct duo_cmdqu_device *d = &mb->cmdqu;

	init_waitqueue_head(&d->wait);
	spin_lock_init(&d->lock);
	INIT_LIST_HEAD(&d->waiters);
	INIT_LIST_HEAD(&d->requests);
	d->misc = (struct miscdevice){.minor = MISC_DYNAMIC_MINOR,
				      .name = "cvi-rtos-cmdqu",
				      .fops = &cmdqu_fops,
				      .parent = mb->dev};
	return misc_register(&d->misc);
}

void duo_cmdqu_exit(struct duo_mailbox *mb)
{
	misc_deregister(&mb->cmdqu.misc);
}
