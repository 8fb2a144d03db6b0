/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this driver share. */
#ifndef DUO_MAILBOX_PRIVATE_H
#define DUO_MAILBOX_PRIVATE_H

#include <linux/bits.h>
#include <linux/kfifo.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "duo_mailbox.h"

#define DUO_CHANNELS 8

/* As it lies in a channel's memory: a struct duo_cmdqu with the senders' flags for its mstime. */
struct duo_mail {
	u32 word[2];
} __aligned(8);
#define DUO_MAIL_FROM_LINUX GENMASK(23, 16)
#define DUO_MAIL_FROM_RTOS  GENMASK(31, 24)
#define DUO_MAIL_FLAGS      (DUO_MAIL_FROM_LINUX | DUO_MAIL_FROM_RTOS)

struct duo_arrived {
	struct duo_mail mail;
	u8 channel;
};

struct duo_handler {
	void (*received)(void *data, const struct duo_cmdqu *message);
	void *data;
};

/* Memory that both cores see, for buffers. The first page has descriptors, one for each channel;
 * programs can map the others.
 */
struct duo_buffers {
	phys_addr_t base;
	u32 size; /* 0: there is none */
	__le32 (*descriptor)[2];
	unsigned long used; /* of the descriptors */
};

/* /dev/cvi-rtos-cmdqu */
struct duo_cmdqu_device {
	struct miscdevice misc;
	wait_queue_head_t wait; /* for a reply, or a message */
	spinlock_t lock;        /* for all below */
	struct list_head waiters, requests;
};

struct duo_controller;

struct duo_mailbox {
	struct device *dev;
	void __iomem *regs;
	spinlock_t lock;        /* for our side of the channels, in any context */
	bool stuck;             /* the other core does not give back the lock */
	bool left;              /* by the top half to the thread, without the lock */
	unsigned long reserved; /* channels of the framework's clients; changed under both locks */
	DECLARE_KFIFO(backlog, struct duo_arrived, 64); /* for the bottom half */
	struct mutex dispatch; /* while a message is given to whom it is for, and for the next */
	struct duo_handler handler[DUO_MAILBOX_N_COMMANDS];
	struct duo_cmdqu_device cmdqu;
	struct duo_buffers buffers;
	struct duo_controller *controller;
};

/* ---- core.c ---- */

/* A channel that others leave alone, or no longer. After false nothing is received from it. */
void duo_channel_reserve(struct duo_mailbox *mb, unsigned int channel, bool reserved);
/* duo_mailbox_send() for who may sleep, up to 2 s for a lock. */
int duo_mailbox_send_patiently(struct duo_mailbox *mb, const struct duo_cmdqu *message);
/* Sends through it, in any context. EBUSY: what was sent before has yet to be taken. ENOLCK, as above. */
int duo_channel_send(struct duo_mailbox *mb, unsigned int channel, const struct duo_mail *mail);
/* Whether the other core has taken what was sent. */
bool duo_channel_taken(struct duo_mailbox *mb, unsigned int channel);

/* ---- cmdqu.c ---- */

int duo_cmdqu_init(struct duo_mailbox *mb);
void duo_cmdqu_exit(struct duo_mailbox *mb);
/* Gives it to who waits for it. False: nobody does. */
bool duo_cmdqu_received(struct duo_mailbox *mb, const struct duo_cmdqu *message);
/* Ends all waiting for replies with an error. */
void duo_cmdqu_abort(struct duo_mailbox *mb, int error);

/* ---- buffer.c ---- */

struct vm_area_struct;

int duo_buffers_init(struct duo_mailbox *mb);
int duo_buffers_mmap(struct duo_mailbox *mb, struct vm_area_struct *vma);
/* Makes a descriptor of what lies there, as a program has it mapped; *param is the descriptor's
 * address. ERANGE: some of it lies outside; EBUSY: there are too many. Else it is freed at last.
 */
int duo_buffer_describe(struct duo_mailbox *mb, u32 offset, u32 length, u32 *param);
void duo_buffer_free(struct duo_mailbox *mb, u32 param);
/* What the other core's descriptor tells of; ERANGE: one of them lies outside. */
int duo_buffer_find(struct duo_mailbox *mb, u32 param, u32 *offset, u32 *length);

/* ---- controller.c ---- */

#ifdef CONFIG_MAILBOX
int duo_controller_init(struct duo_mailbox *mb);
/* From a channel that is reserved; under mb->dispatch. */
void duo_controller_received(struct duo_mailbox *mb, unsigned int channel, struct duo_mail *mail);
#else
static inline int duo_controller_init(struct duo_mailbox *mb)
{
	return 0;
}

static inline void duo_controller_received(struct duo_mailbox *mb, unsigned int channel,
					   struct duo_mail *mail)
{
}
#endif

#endif
