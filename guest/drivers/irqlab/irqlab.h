/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linnet's irqlab: registers, and what the files of this driver share. docs/interrupts.md explains
 * what there is to see, and src/hw/irqlab.h is the device's own description.
 */
#ifndef IRQLAB_H
#define IRQLAB_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "storm.h"

#define IRQLAB_MAGIC           0x000
#define IRQLAB_MAGIC_VALUE     0x4c515249
#define IRQLAB_VERSION         0x004
#define IRQLAB_INDEX           0x008
#define IRQLAB_CONTROL         0x00c
#define IRQLAB_CONTROL_RESET   BIT(0)
#define IRQLAB_STATUS          0x010
#define IRQLAB_ENABLE          0x014
#define IRQLAB_ACK             0x018
#define IRQLAB_TRIGGER         0x01c
#define IRQLAB_PULSE           0x020
#define IRQLAB_PULSES          0x024
#define IRQLAB_STORM           0x028
#define IRQLAB_STUCK           0x02c
#define IRQLAB_PERIOD          0x030
#define IRQLAB_REPEAT          0x034
#define IRQLAB_TIMER           0x038
#define IRQLAB_TIMER_RUN       BIT(0)
#define IRQLAB_TIMER_EDGE      BIT(1)
#define IRQLAB_RAISES          0x03c
#define IRQLAB_NOW             0x040
#define IRQLAB_SRC             0x048
#define IRQLAB_DST             0x050
#define IRQLAB_LEN             0x058
#define IRQLAB_DELAY           0x05c
#define IRQLAB_DMA             0x060
#define IRQLAB_DMA_COPY        1
#define IRQLAB_RESULT          0x064
#define IRQLAB_RESULT_NONE     0
#define IRQLAB_RESULT_BUSY     1
#define IRQLAB_RESULT_OK       2
#define IRQLAB_EVENTS(cause)   (0x080 + 4 * (cause))
#define IRQLAB_OVERRUNS(cause) (0x0a0 + 4 * (cause))
#define IRQLAB_RAISED(cause)   (0x0c0 + 8 * (cause))

#define IRQLAB_DMA_MAX 65536u

enum irqlab_cause {
	IRQLAB_SOFT,
	IRQLAB_TICK,
	IRQLAB_DONE,
	IRQLAB_STORMING,
	IRQLAB_N_CAUSES,
	IRQLAB_N_VECTORS = IRQLAB_N_CAUSES + 1, /* and one for edges */
};

#define IRQLAB_ALL (BIT(IRQLAB_N_CAUSES) - 1)

/* Where the work is done that an interrupt asks for. */
enum irqlab_bottom {
	IRQLAB_IN_IRQ,     /* in the top half itself: interrupts are off */
	IRQLAB_IN_SOFTIRQ, /* BH workqueue: interrupts are on, no sleeping */
	IRQLAB_IN_WORK,    /* workqueue: a kernel thread of the pool, may sleep */
	IRQLAB_IN_THREAD,  /* the interrupt's own thread, may sleep, real-time priority */
	IRQLAB_N_BOTTOMS,
};

extern const char *const irqlab_bottom_names[IRQLAB_N_BOTTOMS];
extern const char *const irqlab_cause_names[IRQLAB_N_CAUSES];

#define IRQLAB_BUCKETS 32 /* n counts from 2^n ns on */

struct irqlab_latency {
	u64 n, sum, min, max;
	u64 bucket[IRQLAB_BUCKETS];
};

struct irqlab_stats {
	u64 taken[IRQLAB_N_CAUSES]; /* interrupts and polls, by what they were for */
	u64 not_mine;               /* calls of the handler for the line's other devices */
	u64 edges, edge_events;     /* interrupts of the edge line, pulses seen by them */
	u64 bottoms, bottom_events; /* runs of a bottom half, interrupts that those were for */
	u64 storms, polls;          /* times that interrupts were given up, looks meanwhile */
	struct irqlab_latency top;  /* from the device's event to the handler */
	struct irqlab_latency bottom[IRQLAB_N_BOTTOMS]; /* from the handler to the work */
};

struct irqlab;

/* What a handler gets: for messages, which one it is. */
struct irqlab_vector {
	struct irqlab *lab;
	enum irqlab_cause cause;
	int irq;
	struct work_struct breath; /* comes when its hart has time again */
	struct irqlab_row row;     /* of interrupts since then; under lab->lock */
};

struct irqlab {
	struct device *dev;
	void __iomem *regs;
	struct dentry *dir;
	struct irqlab_vector vector[IRQLAB_N_VECTORS];
	unsigned int n_vectors; /* that were requested */

	struct work_struct softirq, work;
	struct delayed_work poll;

	spinlock_t lock; /* for all below, in any context */
	enum irqlab_bottom bottom;
	unsigned int storm_limit; /* interrupts in a row; 0: any number */
	bool stopped;             /* on the way out: nothing is enabled any more */
	u32 backlog_causes;       /* what the bottom half has to do */
	u64 backlog, backlog_since;
	u32 pulses_seen;
	struct irqlab_stats stats;

	struct mutex dma_mutex; /* one transfer at a time */
	struct completion dma_done;
};

/* Sets up the device at lab->regs, whose interrupts are in irq[]: with `messages` one for each
 * cause and for edges; else the level line, which may be shared, and the edge line or -1.
 */
int irqlab_start(struct irqlab *lab, const int *irq, bool messages);
void irqlab_stop(struct irqlab *lab);

/* The device and all counts as they are after irqlab_start(). */
void irqlab_reset(struct irqlab *lab);

extern const struct attribute_group *irqlab_groups[];

/* Copies len bytes by DMA from one buffer to another and compares them; the device takes delay_ns
 * for it. 0 or an error, ECANCELED if the device was reset meanwhile; may sleep.
 */
int irqlab_dma(struct irqlab *lab, size_t len, u32 delay_ns);

void irqlab_debugfs_add(struct irqlab *lab);
void irqlab_debugfs_remove(struct irqlab *lab);
void irqlab_debugfs_init(void);
void irqlab_debugfs_exit(void);

#endif
