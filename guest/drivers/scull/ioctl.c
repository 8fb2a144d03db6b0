// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a store. Quantum and set size can be set, told, got, queried, exchanged and
 * shifted: six forms for each of two dimensions, so a table says which command is which. The
 * numbers are in <linnet/ioctl.h>. FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX and FIOQSIZE never come
 * here: the kernel answers them itself, the last with ENOTTY, since the device is no file.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/uaccess.h>

#include <linnet/ioctl.h>

#include "scull.h"

enum form { FORM_SET, FORM_TELL, FORM_GET, FORM_QUERY, FORM_EXCHANGE, FORM_SHIFT };

static const struct scull_command {
	unsigned int cmd;
	enum form form;
	enum scull_dimension dimension;
} commands[] = {
	{SCULL_IOCSQUANTUM, FORM_SET, SCULL_QUANTUM},
	{SCULL_IOCSQSET, FORM_SET, SCULL_QSET},
	{SCULL_IOCTQUANTUM, FORM_TELL, SCULL_QUANTUM},
	{SCULL_IOCTQSET, FORM_TELL, SCULL_QSET},
	{SCULL_IOCGQUANTUM, FORM_GET, SCULL_QUANTUM},
	{SCULL_IOCGQSET, FORM_GET, SCULL_QSET},
	{SCULL_IOCQQUANTUM, FORM_QUERY, SCULL_QUANTUM},
	{SCULL_IOCQQSET, FORM_QUERY, SCULL_QSET},
	{SCULL_IOCXQUANTUM, FORM_EXCHANGE, SCULL_QUANTUM},
	{SCULL_IOCXQSET, FORM_EXCHANGE, SCULL_QSET},
	{SCULL_IOCHQUANTUM, FORM_SHIFT, SCULL_QUANTUM},
	{SCULL_IOCHQSET, FORM_SHIFT, SCULL_QSET},
};

static const struct scull_command *find_command(unsigned int cmd)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].cmd == cmd)
			return &commands[i];
	return NULL;
}

/* The value is at arg when the command has a size, else it is arg. */
static long change(struct scull_store *store, const struct scull_command *c, unsigned long arg)
{
	bool by_pointer = c->form == FORM_SET || c->form == FORM_EXCHANGE;
	u32 value, old;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (by_pointer) {
		if (get_user(value, (u32 __user *)arg))
			return -EFAULT;
	} else {
		if (arg > U32_MAX)
			return -EINVAL;
		value = arg;
	}
	ret = scull_store_set_next(store, c->dimension, value, &old);
	if (ret)
		return ret;
	if (c->form == FORM_EXCHANGE)
		return put_user(old, (u32 __user *)arg);
	return c->form == FORM_SHIFT ? old : 0;
}

static long reset(struct scull_store *store)
{
	const struct scull_shape *shape = scull_default_shape();

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	for (enum scull_dimension d = 0; d < SCULL_N_DIMENSIONS; d++)
		scull_store_set_next(store, d, shape->n[d], NULL);
	return 0;
}

static long get_usage(struct scull_store *store, struct scull_usage __user *to)
{
	struct scull_usage usage;

	scull_store_usage(store, &usage);
	return copy_to_user(to, &usage, sizeof(usage)) ? -EFAULT : 0;
}

long scull_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct scull_store *store = file->private_data;
	const struct scull_command *c;

	if (cmd == SCULL_IOCRESET)
		return reset(store);
	if (cmd == SCULL_IOCGUSAGE)
		return get_usage(store, (struct scull_usage __user *)arg);
	c = find_command(cmd);
	if (!c)
		return -ENOTTY;
	switch (c->form) {
	case FORM_GET:
		return put_user(scull_store_get_next(store, c->dimension), (u32 __user *)arg);
	case FORM_QUERY:
		return scull_store_get_next(store, c->dimension);
	default:
		return change(store, c, arg);
	}
}

/* A 32-bit program's call. What is copied has the same layout for it; a pointer has to be made one
 * of ours, and a value must not be taken for a pointer.
 */
long scull_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (_IOC_DIR(cmd) != _IOC_NONE)
		arg = (unsigned long)compat_ptr(arg);
	return scull_ioctl(file, cmd, arg);
}
