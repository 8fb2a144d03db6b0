// SPDX-License-Identifier: GPL-2.0
/*
 * duo_mailbox: messages between both cores of a Milk-V Duo. src/hw/cv_mailbox.h in Linnet's tree
 * describes the registers.
 *
 * The top half takes messages out of their channels, which are free again then, and the bottom
 * half, a thread, gives them to whom they are for: a client of the mailbox framework whose channel
 * it is (controller.c), a driver that has registered for the command, or a program (cmdqu.c). The
 * line is off until the thread is through (IRQF_ONESHOT). So a core that floods the other one keeps
 * that thread busy and its own channels full, and nothing else.
 *
 * Both cores change the same bytes of the mailbox. Between each other they exclude themselves by
 * one of its spinlocks, which a small core that has crashed may hold for ever. With interrupts off
 * nobody waits longer for it than a core that is fine could need for a few registers: the top half
 * leaves the messages to the thread then, and a sender that may not sleep gets an error and tries
 * again later. The thread, and a sender that may sleep, try again and again, and sleep between. To
 * that, too, there is an end, once, and nobody waits after it: whoever sends gets an error, and
 * messages are received without the lock. While all keep to that lock, messages come in the order
 * in which they were sent: each sender takes the first free channel, and the receiver all that are
 * full.
 */
#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>

#include "private.h"

/* The cores' numbers. */
#define BIG   1
#define SMALL 2

#define EN(core)           (4 * (core))
#define INT_CLR(core)      (0x10 + 16 * (core))
#define INT(core)          (0x18 + 16 * (core))
#define SET                0x60
#define SPINLOCK           (0xc0 + 4 * 4) /* the fifth of eight is for this */
#define MEMORY(channel, w) (0x400 + 8 * (channel) + 4 * (w))

#define OWNER       0x4c58               /* we, as a number that is not 0 */
#define SPIN_NSEC   (50 * NSEC_PER_USEC) /* many times what the other core needs */
#define RETRY_USEC  200                  /* from one try to the next */
#define PATIENCE_MS 2000 /* with a core that is fine, and the host of its emulator is not */

/* ---- the lock that both cores know; under mb->lock ---- */

/* Writing one's number takes the lock if it is free, and gives it back if it is one's own. ENOLCK:
 * the other core has it.
 */
static int remote_lock(struct duo_mailbox *mb)
{
	u64 end = ktime_get_ns() + (mb->stuck ? 0 : SPIN_NSEC);
	u16 owner;

	do {
		owner = readw(mb->regs + SPINLOCK);
		if (!owner) {
			writew(OWNER, mb->regs + SPINLOCK);
			owner = readw(mb->regs + SPINLOCK);
		}
		if (owner == OWNER) {
			mb->stuck = false;
			return 0;
		}
		cpu_relax();
	} while (ktime_get_ns() < end);
	return -ENOLCK;
}

/* Takes mb->lock, too, which is held on return in any case. May sleep. */
static int remote_lock_patiently(struct duo_mailbox *mb)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

	for (;;) {
		int ret;

		spin_lock_irq(&mb->lock);
		ret = remote_lock(mb);
		if (!ret || mb->stuck)
			return ret;
		if (time_after(jiffies, end)) {
			dev_err(mb->dev, "0x%x holds the mailbox, and does not let go\n",
				readw(mb->regs + SPINLOCK));
			mb->stuck = true;
			return ret;
		}
		spin_unlock_irq(&mb->lock);
		usleep_range(RETRY_USEC, 2 * RETRY_USEC);
	}
}

static void remote_unlock(struct duo_mailbox *mb)
{
	writew(OWNER, mb->regs + SPINLOCK);
}

/* Takes it from who has it. */
static void remote_lock_break(struct duo_mailbox *mb)
{
	u16 owner = readw(mb->regs + SPINLOCK);

	if (owner)
		writew(owner, mb->regs + SPINLOCK);
	mb->stuck = false;
}

/* ---- sending; under both locks ---- */

static void put(struct duo_mailbox *mb, unsigned int channel, const struct duo_mail *mail)
{
	u8 bit = BIT(channel);

	writel(mail->word[1], mb->regs + MEMORY(channel, 1));
	writel(mail->word[0], mb->regs + MEMORY(channel, 0));
	writeb(bit, mb->regs + INT_CLR(SMALL));
	writeb(readb(mb->regs + EN(SMALL)) | bit, mb->regs + EN(SMALL));
	writeb(bit, mb->regs + SET);
}

static bool is_free(struct duo_mailbox *mb, unsigned int channel)
{
	return !test_bit(channel, &mb->reserved) &&
	       !(readl(mb->regs + MEMORY(channel, 0)) & DUO_MAIL_FLAGS);
}

static int put_anywhere(struct duo_mailbox *mb, const struct duo_mail *mail)
{
	for (unsigned int i = 0; i < DUO_CHANNELS; i++)
		if (is_free(mb, i)) {
			put(mb, i, mail);
			return 0;
		}
	return -EBUSY;
}

static int put_and_unlock(struct duo_mailbox *mb, const struct duo_cmdqu *m)
{
	const struct duo_mail mail = {
		{m->ip_id | m->cmd_id << 8 | FIELD_PREP(DUO_MAIL_FROM_LINUX, 1), m->param}};
	int ret = put_anywhere(mb, &mail);

	remote_unlock(mb);
	return ret;
}

int duo_mailbox_send(struct duo_mailbox *mb, const struct duo_cmdqu *m)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&mb->lock, flags);
	ret = remote_lock(mb);
	if (!ret)
		ret = put_and_unlock(mb, m);
	spin_unlock_irqrestore(&mb->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(duo_mailbox_send);

int duo_mailbox_send_patiently(struct duo_mailbox *mb, const struct duo_cmdqu *m)
{
	int ret = remote_lock_patiently(mb);

	if (!ret)
		ret = put_and_unlock(mb, m);
	spin_unlock_irq(&mb->lock);
	return ret;
}

bool duo_channel_taken(struct duo_mailbox *mb, unsigned int channel)
{
	return !(readb(mb->regs + EN(SMALL)) & BIT(channel));
}

int duo_channel_send(struct duo_mailbox *mb, unsigned int channel, const struct duo_mail *mail)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&mb->lock, flags);
	ret = duo_channel_taken(mb, channel) ? remote_lock(mb) : -EBUSY;
	if (!ret) {
		put(mb, channel, mail);
		remote_unlock(mb);
	}
	spin_unlock_irqrestore(&mb->lock, flags);
	return ret;
}

/* ---- receiving ---- */

static void take(struct duo_mailbox *mb, unsigned int channel)
{
	struct duo_arrived a = {.channel = channel};
	u8 bit = BIT(channel);

	writeb(bit, mb->regs + INT_CLR(BIG));
	writeb(readb(mb->regs + EN(BIG)) & ~bit, mb->regs + EN(BIG));
	for (unsigned int w = 0; w < 2; w++)
		a.mail.word[w] = readl(mb->regs + MEMORY(channel, w));
	for (unsigned int w = 0; w < 2; w++)
		writel(0, mb->regs + MEMORY(channel, w));
	kfifo_put(&mb->backlog, a);
}

/* What has rung, as far as there is room. Under mb->lock, and the other one if that can be had. */
static void take_all(struct duo_mailbox *mb)
{
	u8 pending = readb(mb->regs + INT(BIG));

	while (pending && !kfifo_is_full(&mb->backlog)) {
		take(mb, __ffs(pending));
		pending = readb(mb->regs + INT(BIG));
	}
}

static irqreturn_t duo_mailbox_top(int irq, void *data)
{
	struct duo_mailbox *mb = data;
	int ret;

	if (!readb(mb->regs + INT(BIG)))
		return IRQ_NONE;
	spin_lock(&mb->lock);
	ret = remote_lock(mb);
	mb->left = ret;
	if (!ret) {
		take_all(mb);
		remote_unlock(mb);
	}
	spin_unlock(&mb->lock);
	return IRQ_WAKE_THREAD;
}

/* What the top half had to leave. */
static void take_patiently(struct duo_mailbox *mb)
{
	int ret = remote_lock_patiently(mb);

	take_all(mb);
	if (!ret)
		remote_unlock(mb);
	spin_unlock_irq(&mb->lock);
}

static void dispatch(struct duo_mailbox *mb, struct duo_arrived *a)
{
	u32 word = a->mail.word[0];
	const struct duo_cmdqu message = {.ip_id = word & 0xff,
					  .cmd_id = word >> 8 & (DUO_MAILBOX_N_COMMANDS - 1),
					  .param = a->mail.word[1]};
	const struct duo_handler *h = &mb->handler[message.cmd_id];

	if (test_bit(a->channel, &mb->reserved))
		duo_controller_received(mb, a->channel, &a->mail);
	else if (!(word & DUO_MAIL_FROM_RTOS))
		dev_warn_ratelimited(mb->dev, "channel %u rang without a message: 0x%x\n",
				     a->channel, word);
	else if (h->received)
		h->received(h->data, &message);
	else if (!duo_cmdqu_received(mb, &message))
		dev_dbg(mb->dev, "command 0x%x is nobody's\n", message.cmd_id);
}

static irqreturn_t duo_mailbox_thread(int irq, void *data)
{
	struct duo_mailbox *mb = data;
	struct duo_arrived a;

	if (mb->left)
		take_patiently(mb);
	mutex_lock(&mb->dispatch);
	while (kfifo_get(&mb->backlog, &a))
		dispatch(mb, &a);
	mutex_unlock(&mb->dispatch);
	return IRQ_HANDLED;
}

void duo_channel_reserve(struct duo_mailbox *mb, unsigned int channel, bool reserved)
{
	mutex_lock(&mb->dispatch);
	spin_lock_irq(&mb->lock);
	__assign_bit(channel, &mb->reserved, reserved);
	spin_unlock_irq(&mb->lock);
	mutex_unlock(&mb->dispatch);
}

int duo_mailbox_register(struct duo_mailbox *mb, u8 cmd_id,
			 void (*received)(void *data, const struct duo_cmdqu *message), void *data)
{
	int ret = 0;

	if (cmd_id >= DUO_MAILBOX_N_COMMANDS)
		return -EINVAL;
	mutex_lock(&mb->dispatch);
	if (mb->handler[cmd_id].received)
		ret = -EBUSY;
	else
		mb->handler[cmd_id] = (struct duo_handler){received, data};
	mutex_unlock(&mb->dispatch);
	return ret;
}
EXPORT_SYMBOL_GPL(duo_mailbox_register);

void duo_mailbox_unregister(struct duo_mailbox *mb, u8 cmd_id)
{
	mutex_lock(&mb->dispatch);
	mb->handler[cmd_id] = (struct duo_handler){};
	mutex_unlock(&mb->dispatch);
}
EXPORT_SYMBOL_GPL(duo_mailbox_unregister);

/* A message of the stopped core that we are to be interrupted for stays where it is. */
void duo_mailbox_remote_stopped(struct duo_mailbox *mb)
{
	u8 ours;

	spin_lock_irq(&mb->lock);
	remote_lock_break(mb);
	writeb(0, mb->regs + EN(SMALL));
	writeb(0xff, mb->regs + INT_CLR(SMALL));
	ours = readb(mb->regs + INT(BIG));
	for (unsigned int i = 0; i < DUO_CHANNELS; i++)
		if (!(ours & BIT(i)))
			writel(0, mb->regs + MEMORY(i, 0));
	spin_unlock_irq(&mb->lock);
	duo_cmdqu_abort(mb, -ECONNRESET);
}
EXPORT_SYMBOL_GPL(duo_mailbox_remote_stopped);

/* ---- the device ---- */

struct duo_mailbox *duo_mailbox_get(struct device *user)
{
	struct device_node *node = of_parse_phandle(user->of_node, "mboxes", 0);
	struct platform_device *pdev;
	struct duo_mailbox *mb = NULL;

	if (!node)
		return ERR_PTR(-ENODEV);
	pdev = of_find_device_by_node(node);
	of_node_put(node);
	if (!pdev)
		return ERR_PTR(-EPROBE_DEFER);
	mb = platform_get_drvdata(pdev);
	if (mb && !device_link_add(user, &pdev->dev, DL_FLAG_AUTOREMOVE_CONSUMER))
		mb = NULL;
	put_device(&pdev->dev);
	return mb ?: ERR_PTR(-EPROBE_DEFER);
}
EXPORT_SYMBOL_GPL(duo_mailbox_get);

static int duo_mailbox_start(struct duo_mailbox *mb, struct platform_device *pdev)
{
	int irq = platform_get_irq(pdev, 0);
	int ret;

	if (irq < 0)
		return irq;
	/* A lock of ours is from before, when Linux did not come to giving it back. */
	if (readw(mb->regs + SPINLOCK) == OWNER)
		remote_lock_break(mb);
	ret = devm_request_threaded_irq(mb->dev, irq, duo_mailbox_top, duo_mailbox_thread,
					IRQF_ONESHOT, dev_name(mb->dev), mb);
	return ret ? ret : duo_controller_init(mb);
}

static int duo_mailbox_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct duo_mailbox *mb = devm_kzalloc(dev, sizeof(*mb), GFP_KERNEL);
	int ret;

	if (!mb)
		return -ENOMEM;
	mb->dev = dev;
	mb->regs = devm_platform_ioremap_resource(pdev, 0);
	if (IS_ERR(mb->regs))
		return PTR_ERR(mb->regs);
	spin_lock_init(&mb->lock);
	INIT_KFIFO(mb->backlog);
	mutex_init(&mb->dispatch);
	ret = duo_buffers_init(mb);
	if (!ret)
		ret = duo_cmdqu_init(mb);
	if (ret)
		return ret;
	ret = duo_mailbox_start(mb, pdev);
	if (ret) {
		duo_cmdqu_exit(mb);
		return ret;
	}
	platform_set_drvdata(pdev, mb);
	return 0;
}

static void duo_mailbox_remove(struct platform_device *pdev)
{
	struct duo_mailbox *mb = platform_get_drvdata(pdev);

	writeb(0, mb->regs + EN(BIG));
	duo_cmdqu_exit(mb);
}

static const struct of_device_id duo_mailbox_of_match[] = {
	{.compatible = "sophgo,cv1800b-mailbox"},
	{},
};
MODULE_DEVICE_TABLE(of, duo_mailbox_of_match);

static struct platform_driver duo_mailbox_driver = {
	.probe = duo_mailbox_probe,
	.remove = duo_mailbox_remove,
	/* A file of a program may outlive all but the module. */
	.driver = {.name = "duo_mailbox",
		   .of_match_table = duo_mailbox_of_match,
		   .suppress_bind_attrs = true},
};
module_platform_driver(duo_mailbox_driver);

MODULE_DESCRIPTION("Mailbox between both cores of a Milk-V Duo");
MODULE_LICENSE("GPL");
