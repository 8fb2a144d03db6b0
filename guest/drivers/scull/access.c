// SPDX-License-Identifier: GPL-2.0
/*
 * Stores that not everybody may open at any time:
 *
 *	scullsingle	one open file; others get EBUSY
 *	sculluid	one user with as many files as they like; others get EBUSY
 *	scullwuid	the same, but others wait; EAGAIN with O_NONBLOCK
 *	scullpriv	for each controlling terminal and user a store of its own; ENXIO without
 *			a terminal
 *
 * Who may pass any file's permissions (CAP_DAC_OVERRIDE) passes sculluid and scullwuid too. What
 * is refused here is the open alone: a file that is open can be inherited and handed on, as
 * always.
 *
 * A terminal's number is given to the next terminal when it is gone, hence the user: nobody is
 * shown what another one left.
 */
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/tty.h>

#include <linnet/ioctl.h>

#include "scull.h"

#define SCULL_PRIV_MAX 64

enum kind { KIND_SINGLE, KIND_UID, KIND_WUID, KIND_PRIV };

/* Of the first three. */
static struct scull_gate {
	struct scull_store store;
	struct mutex lock;      /* guards the next two */
	unsigned int n_files;   /* that are open */
	kuid_t owner;           /* while some are */
	wait_queue_head_t free; /* for n_files == 0 */
} gates[KIND_PRIV];

static struct scull_node nodes[SCULL_N_ACCESS];

/* --- one file, one user ----------------------------------------------------------------------- */

/* Counts the file that is being opened, if it may be. */
static bool enter(struct scull_gate *gate, enum kind kind)
{
	bool may;

	mutex_lock(&gate->lock);
	may = !gate->n_files;
	if (may)
		gate->owner = current_uid();
	else if (kind != KIND_SINGLE)
		may = uid_eq(gate->owner, current_uid()) || uid_eq(gate->owner, current_euid()) ||
		      capable(CAP_DAC_OVERRIDE);
	if (may)
		gate->n_files++;
	mutex_unlock(&gate->lock);
	return may;
}

static void leave(struct scull_gate *gate)
{
	mutex_lock(&gate->lock);
	if (!--gate->n_files)
		wake_up_interruptible(&gate->free);
	mutex_unlock(&gate->lock);
}

/* As enter(), but sleeps until it may. A look at n_files without the lock decides nothing. */
static int enter_waiting(struct scull_gate *gate, struct file *file)
{
	while (!enter(gate, KIND_WUID)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(gate->free, !READ_ONCE(gate->n_files)))
			return -ERESTARTSYS;
	}
	return 0;
}

static int open_gate(enum kind kind, struct file *file)
{
	struct scull_gate *gate = &gates[kind];
	int ret = 0;

	if (kind == KIND_WUID)
		ret = enter_waiting(gate, file);
	else if (!enter(gate, kind))
		ret = -EBUSY;
	if (ret)
		return ret;
	ret = scull_open_store(&gate->store, file);
	if (ret)
		leave(gate);
	return ret;
}

static int single_open_gate(struct inode *inode, struct file *file)
{
	return open_gate(KIND_SINGLE, file);
}

static int uid_open_gate(struct inode *inode, struct file *file)
{
	return open_gate(KIND_UID, file);
}

static int wuid_open_gate(struct inode *inode, struct file *file)
{
	return open_gate(KIND_WUID, file);
}

static int gate_release(struct inode *inode, struct file *file)
{
	leave(container_of(file->private_data, struct scull_gate, store));
	return 0;
}

/* --- a store for each terminal ---------------------------------------------------------------- */

struct scull_private {
	struct scull_store store;
	struct list_head item;
	dev_t terminal;
	kuid_t user;
	unsigned int n_files;
};

static LIST_HEAD(privates);
static unsigned int n_privates;
static DEFINE_MUTEX(privates_lock); /* guards the two above, and n_files in each */

static struct scull_private *find_private(dev_t terminal, kuid_t user)
{
	struct scull_private *p;

	list_for_each_entry(p, &privates, item)
		if (p->terminal == terminal && uid_eq(p->user, user))
			return p;
	return NULL;
}

static struct scull_private *make_private(dev_t terminal, kuid_t user)
{
	struct scull_private *p;

	if (n_privates == SCULL_PRIV_MAX)
		return ERR_PTR(-ENOSPC);
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	scull_store_init(&p->store, scull_default_shape(), scull_limit());
	p->terminal = terminal;
	p->user = user;
	list_add_tail(&p->item, &privates);
	n_privates++;
	return p;
}

static void free_private(struct scull_private *p)
{
	list_del(&p->item);
	n_privates--;
	scull_store_fini(&p->store);
	kfree(p);
}

/* A file less. A store with nothing in it need not be kept. */
static void put_private(struct scull_private *p)
{
	struct scull_usage usage;

	mutex_lock(&privates_lock);
	if (!--p->n_files) {
		scull_store_usage(&p->store, &usage);
		if (!usage.size)
			free_private(p);
	}
	mutex_unlock(&privates_lock);
}

static int private_open(struct inode *inode, struct file *file)
{
	struct tty_struct *tty = get_current_tty();
	struct scull_private *p;
	dev_t terminal;
	int ret;

	if (!tty)
		return -ENXIO;
	terminal = tty_devnum(tty);
	tty_kref_put(tty);

	mutex_lock(&privates_lock);
	p = find_private(terminal, current_uid());
	if (!p)
		p = make_private(terminal, current_uid());
	if (!IS_ERR(p))
		p->n_files++;
	mutex_unlock(&privates_lock);
	if (IS_ERR(p))
		return PTR_ERR(p);
	ret = scull_open_store(&p->store, file);
	if (ret)
		put_private(p);
	return ret;
}

static int private_release(struct inode *inode, struct file *file)
{
	put_private(container_of(file->private_data, struct scull_private, store));
	return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

static const struct file_operations single_fops = {SCULL_STORE_FOPS, .open = single_open_gate,
						   .release = gate_release};
static const struct file_operations uid_fops = {SCULL_STORE_FOPS, .open = uid_open_gate,
						.release = gate_release};
static const struct file_operations wuid_fops = {SCULL_STORE_FOPS, .open = wuid_open_gate,
						 .release = gate_release};
static const struct file_operations private_fops = {SCULL_STORE_FOPS, .open = private_open,
						    .release = private_release};

static const struct {
	const char *name;
	const struct file_operations *fops;
} devices[SCULL_N_ACCESS] = {
	[KIND_SINGLE] = {"scullsingle", &single_fops},
	[KIND_UID] = {"sculluid", &uid_fops},
	[KIND_WUID] = {"scullwuid", &wuid_fops},
	[KIND_PRIV] = {"scullpriv", &private_fops},
};

static void show_store(struct seq_file *seq, struct scull_store *store)
{
	struct scull_usage usage;

	scull_store_usage(store, &usage);
	seq_printf(seq, " size %llu allocated %llu\n", usage.size, usage.allocated);
}

void scull_access_show(struct seq_file *seq)
{
	struct scull_private *p;

	for (enum kind k = 0; k < KIND_PRIV; k++) {
		mutex_lock(&gates[k].lock);
		seq_printf(seq, "%s: files %u", devices[k].name, gates[k].n_files);
		if (gates[k].n_files)
			seq_printf(seq, " user %u",
				   from_kuid_munged(seq_user_ns(seq), gates[k].owner));
		mutex_unlock(&gates[k].lock);
		show_store(seq, &gates[k].store);
	}
	mutex_lock(&privates_lock);
	list_for_each_entry(p, &privates, item) {
		seq_printf(seq, "scullpriv: terminal %u:%u user %u files %u", MAJOR(p->terminal),
			   MINOR(p->terminal), from_kuid_munged(seq_user_ns(seq), p->user),
			   p->n_files);
		show_store(seq, &p->store);
	}
	mutex_unlock(&privates_lock);
}

int scull_access_init(void)
{
	int ret;

	for (enum kind k = 0; k < KIND_PRIV; k++) {
		scull_store_init(&gates[k].store, scull_default_shape(), scull_limit());
		mutex_init(&gates[k].lock);
		init_waitqueue_head(&gates[k].free);
	}
	for (enum kind k = 0; k < SCULL_N_ACCESS; k++) {
		ret = scull_node_add(&nodes[k], SCULL_MINOR_ACCESS + k, devices[k].fops,
				     k < KIND_PRIV ? &gates[k].store : NULL,
				     k < KIND_PRIV ? scull_store_groups : NULL, devices[k].name);
		if (ret) {
			scull_access_exit();
			return ret;
		}
	}
	return 0;
}

void scull_access_exit(void)
{
	struct scull_private *p, *next;

	for (enum kind k = 0; k < SCULL_N_ACCESS; k++)
		scull_node_del(&nodes[k]);
	for (enum kind k = 0; k < KIND_PRIV; k++)
		scull_store_fini(&gates[k].store);
	mutex_lock(&privates_lock);
	list_for_each_entry_safe(p, next, &privates, item)
		free_private(p);
	mutex_unlock(&privates_lock);
}
