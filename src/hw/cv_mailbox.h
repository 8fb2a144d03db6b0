/* SPDX-License-Identifier: MIT */
/*
 * The mailbox of Sophgo's CV1800B and SG2002, by which their cores ring at each other: eight
 * channels that interrupt up to four cores, 64 bytes of memory for what the channels carry, and
 * eight spinlocks. As its users' public sources describe it (the boards' firmware, Linux's
 * cv1800-mailbox).
 *
 *	0x00 + 4c   EN[c]: bit i, channel i may interrupt core c (2 bytes on: the twin for "done",
 *	            which is kept and does nothing)
 *	0x10 + 16c  INT_CLR[c]: a written 1 takes the channel's interrupt back
 *	0x14 + 16c  INT_MASK[c]
 *	0x18 + 16c  INT[c]: pending, enabled and not masked
 *	0x1c + 16c  INT_RAW[c]: pending
 *	0x60        SET: a written 1 makes the channel pending for each core that has it enabled
 *	0xc0 + 4f   spinlock f, 16 bits: free (0) it takes the number written; the same number
 *	            written again frees it; any other does nothing
 *	0x400 + 8i  memory of channel i; stores of less than 4 bytes do nothing
 *
 * A mailbox has no owner: every core sees the same, and nothing of it is reset with a core. Any
 * thread may access it.
 */
#ifndef HW_CV_MAILBOX_H
#define HW_CV_MAILBOX_H

#include <stdint.h>

#include "bus/irq.h"

#define CV_MAILBOX_CORES    4u
#define CV_MAILBOX_CHANNELS 8u
#define CV_MAILBOX_SIZE     0x1000u

struct bus;
struct cv_mailbox;
struct trace;

struct cv_mailbox_config {
	struct bus *bus;
	uint64_t base;                    /* of CV_MAILBOX_SIZE bytes */
	struct irq irq[CV_MAILBOX_CORES]; /* high while INT of the core is not 0 */
	/* Is told of each channel that rings and is cleared, and of wires (base/trace.h), under the
	 * cores' names; or NULL. A core without a name is not told of. */
	struct trace *trace;
	/* Before that: a channel with these 8 bytes rings at a core; CV_MAILBOX_CORES: it was set,
	 * and enabled for none. Under the mailbox's lock; or NULL. */
	void (*rang)(void *arg, unsigned core, uint64_t data);
	void *rang_arg;
	const char *name[CV_MAILBOX_CORES];
};

/* 0 or -errno. */
int cv_mailbox_new(const struct cv_mailbox_config *cfg, struct cv_mailbox **out);
/* As after power-on. While no vCPU runs. */
void cv_mailbox_reset(struct cv_mailbox *m);
/* How it stands at a core. Any thread. */
struct cv_mailbox_state {
	uint8_t enabled, masked, pending;
};
struct cv_mailbox_state cv_mailbox_look(struct cv_mailbox *m, unsigned core);
/* NULL is allowed. */
void cv_mailbox_free(struct cv_mailbox *m);

#endif
