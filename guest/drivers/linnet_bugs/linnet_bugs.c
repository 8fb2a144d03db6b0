// SPDX-License-Identifier: GPL-2.0
/*
 * linnet_bugs: does on purpose what drivers do by mistake.
 *
 *	modprobe linnet_bugs bug=warn
 *
 * With it one sees what a kernel notices and how it says so, and whether a test notices that.
 * Debian's kernel sees the first group below; the second does its damage in silence there, and
 * needs a kernel with KASAN, lockdep and the like.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *bug = "";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "which one; any other word lists them");

static void do_warn(void)
{
	WARN(1, "a condition that should not be");
}

static void do_oops(void)
{
	int *p = NULL;

	OPTIMIZER_HIDE_VAR(p); /* else the compiler sees it coming */
	WRITE_ONCE(*p, 1);
}

static void do_panic(void)
{
	panic("asked for by linnet_bugs");
}

/* Nothing else runs on this hart again. */
static void do_hang(void)
{
	preempt_disable();
	for (;;)
		cpu_relax();
}

static void do_list(void)
{
	struct list_head head = LIST_HEAD_INIT(head);
	struct list_head item;

	list_add(&item, &head);
	list_del(&item);
	list_del(&item);
}

static void do_overflow(void)
{
	char *p = kmalloc(20, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	if (p)
		WRITE_ONCE(p[20], 1); /* inside of what the allocator rounds up to */
	kfree(p);
}

static void do_use_after_free(void)
{
	char *p = kmalloc(20, GFP_KERNEL);
	char *stale = p;

	OPTIMIZER_HIDE_VAR(stale);
	kfree(p);
	if (stale)
		(void)READ_ONCE(stale[5]);
}

static void do_leak(void)
{
	char *p = kmalloc(1000, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

/* On the stack it would be a mistake more: lockdep wants to know each lock by a static name. */
static DEFINE_SPINLOCK(spin);

/* It works this time, since the lock is free and nobody else wants the hart. */
static void do_sleep_in_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);

/* Two orders; a deadlock as soon as two threads do this at once. */
static void do_lock_order(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);
	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
}

static const struct {
	const char *name;
	void (*provoke)(void);
} bugs[] = {
	{"warn", do_warn},
	{"oops", do_oops},
	{"panic", do_panic},
	{"hang", do_hang},
	{"list", do_list},
	/* the second group */
	{"overflow", do_overflow},
	{"use_after_free", do_use_after_free},
	{"leak", do_leak},
	{"sleep_in_atomic", do_sleep_in_atomic},
	{"lock_order", do_lock_order},
};

static int __init linnet_bugs_init(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(bugs); i++)
		if (sysfs_streq(bug, bugs[i].name)) {
			pr_info("%s, on purpose\n", bug);
			bugs[i].provoke();
			return 0;
		}
	for (unsigned int i = 0; i < ARRAY_SIZE(bugs); i++)
		pr_info("bug=%s\n", bugs[i].name);
	return -EINVAL;
}
module_init(linnet_bugs_init);

static void __exit linnet_bugs_exit(void)
{
}
module_exit(linnet_bugs_exit);

MODULE_DESCRIPTION("Does on purpose what drivers do by mistake");
MODULE_LICENSE("GPL");
