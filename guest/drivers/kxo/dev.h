/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's own structures. How a move comes about:
 *
 *	tick.c	top half	a timer's interrupt: notes the time, and starts the three below
 *	tick.c	softirq		measures how late it comes
 *	tick.c	BH work		the bottom half: kxo_table_tick() for each table, which puts frames
 *				into its FIFO and queues the work below
 *	tick.c	work		measures how late it comes
 *	table.c	think work	an agent looks for a move; takes long, and can sleep
 *	file.c	read()		takes frames out of the FIFO
 *
 * Locks, outer first: dev->open_lock (mutex), table->setup_lock (mutex), table->read_lock (mutex),
 * dev->lock, table->lock (both taken in the bottom half too).
 */
#ifndef KXO_DEV_H
#define KXO_DEV_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/kfifo.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "game/agent.h"
#include <linnet/kxo.h>
#include "game/record.h"

#define KXO_TABLES_MAX 64
#define KXO_FIFO       64 /* frames; a power of 2 */

/* "1 1 0\n", the number of records, and each in 16 digits, with a line's end: in one page. */
#define KXO_RECORDS ((PAGE_SIZE - 6 - 11) / 17)

enum kxo_state {
	KXO_FRAME_DUE, /* the board has changed; the next tick makes a frame of it */
	KXO_THINKING,  /* the think work is queued or runs */
	KXO_WAITING,   /* for a write() */
	KXO_DONE,      /* no more games */
};

struct kxo_table;

/* One board. All is guarded by table->lock, but for search, which is the think work's. */
struct kxo_game {
	struct kxo_table *table;
	struct work_struct think;
	enum kxo_state state;
	enum xo_agent agent; /* that thinks */
	struct xo_board board;
	u64 record;
	u8 last;
	u64 resumed_ns, busy_ns, longest_ns; /* of this move: the think work's */
	struct xo_search search;
};

/* What an opener has. */
struct kxo_table {
	struct kxo_dev *dev;
	struct list_head node; /* in dev->tables */
	struct mutex setup_lock;
	struct mutex read_lock; /* one reader at a time */
	wait_queue_head_t wait;
	DECLARE_KFIFO(fifo, struct kxo_frame, KXO_FIFO); /* in: under lock; out: under read_lock */
	spinlock_t lock;                                 /* guards what follows */
	struct kxo_game *games;
	struct kxo_setup setup;
	unsigned int running; /* boards that are not done */
	u32 begun;            /* games */
	bool stopping;        /* nobody shall begin anything; read without the lock by who thinks */
	bool ended;           /* and nothing comes after that */
	struct kxo_stats stats;
};

enum kxo_half { KXO_SOFTIRQ, KXO_BH, KXO_WORK, KXO_HALVES };

/* How late one kind of bottom half comes. Written by the top half and by that kind, in turns. */
struct kxo_latency {
	u64 due_ns; /* 0: it has come */
	u64 count, missed, total_ns, min_ns, max_ns;
};

struct kxo_dev {
	struct device device;
	struct cdev cdev;
	struct dentry *debugfs;
	struct workqueue_struct *thinkers;
	struct mutex open_lock; /* first and last opener */
	unsigned int openers;
	u32 tick_us;

	struct hrtimer top;
	unsigned int slower; /* the top half's: log2 of how many ticks apart ticks are */
	struct hrtimer softirq;
	struct work_struct bh, work;
	struct kxo_latency latency[KXO_HALVES];
	u64 longest_ns; /* without offering the CPU to others; under lock */
	atomic64_t frames, bytes;

	spinlock_t lock; /* guards what follows, and longest_ns */
	struct list_head tables;
	bool display, resume, end;
	u64 records[KXO_RECORDS]; /* the last ones, a ring */
	u64 games;                /* that were put there */
};

/* file.c */
extern const struct file_operations kxo_fops;

/* table.c; in process context but for kxo_table_tick() */
struct kxo_table *kxo_table_new(struct kxo_dev *dev);
void kxo_table_free(struct kxo_table *table);
/* Ends the games that are there and begins others. -EINVAL, -ENOMEM, -ESHUTDOWN. */
int kxo_table_setup(struct kxo_table *table, const struct kxo_setup *setup);
int kxo_table_move(struct kxo_table *table, const struct kxo_move *move);
/* In the bottom half, under dev->lock. */
void kxo_table_tick(struct kxo_table *table);
/* All games are over, and no frame comes any more. */
bool kxo_table_over(struct kxo_table *table);
/* Under dev->lock: ends all games for good. */
void kxo_table_end(struct kxo_table *table);

/* tick.c */
void kxo_tick_init(struct kxo_dev *dev);
void kxo_tick_start(struct kxo_dev *dev);
void kxo_tick_stop(struct kxo_dev *dev); /* can sleep */

#endif
