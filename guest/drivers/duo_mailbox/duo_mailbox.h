/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mailbox between both cores of a Milk-V Duo, for other drivers. A message goes through any of
 * the eight channels that is free, and is known by its cmd_id: as the boards' firmware has it.
 */
#ifndef DUO_MAILBOX_H
#define DUO_MAILBOX_H

#include <linux/device.h>
#include <linux/of.h>

#include <linnet/ioctl.h>

#define DUO_MAILBOX_N_COMMANDS 0x80

struct duo_mailbox;

/* The first of a node's `mboxes`, which `user` then depends on. ERR_PTR(-EPROBE_DEFER): its driver
 * has yet to find it.
 */
struct duo_mailbox *duo_mailbox_get(struct device *user);

/* Any context. Its mstime does not matter. EBUSY: all channels are full; ENOLCK: the other core
 * holds the lock for the mailbox. Either can be over soon: try again from a timer.
 */
int duo_mailbox_send(struct duo_mailbox *mb, const struct duo_cmdqu *message);

/* Calls `received` for each message with this cmd_id, in a thread and one at a time. EBUSY:
 * somebody has it already. After duo_mailbox_unregister() it is not called any more, and does not
 * run.
 */
int duo_mailbox_register(struct duo_mailbox *mb, u8 cmd_id,
			 void (*received)(void *data, const struct duo_cmdqu *message), void *data);
void duo_mailbox_unregister(struct duo_mailbox *mb, u8 cmd_id);

/* The other core is held in reset: what was on its way to it is gone, and so is its hold of the
 * lock. Who waits for its reply gets ECONNRESET. May sleep.
 */
void duo_mailbox_remote_stopped(struct duo_mailbox *mb);

#endif
