/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pipe of bytes, in one of two modes.
 *
 * As a stream it opens at once, and what does not fit is left to the next write; a read waits until
 * there is something, whether somebody is there to write or not.
 *
 * As a FIFO it does what fifo(7) and pipe(7) say of the kernel's own, to the byte: open waits for
 * the other side, a read without writers is the end, a write without readers is EPIPE, and what is
 * written in one piece of at most a page stays in one piece.
 */
#ifndef SCULL_PIPE_H
#define SCULL_PIPE_H

#include <linux/kfifo.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <linux/wait.h>

#define SCULL_PIPE_MIN    PAGE_SIZE
#define SCULL_PIPE_MAX    (1u << 20)
#define SCULL_PIPE_STREAM PAGE_SIZE
#define SCULL_PIPE_FIFO   65536

/*
 * The bytes. The kernel's FIFO keeps them in pages, and what it takes depends on how they are
 * filled: a page takes more behind what was written last, but only a whole piece. So a FIFO here
 * has an account of pages beside its bytes. A ring with free-running indexes, as the kfifo is.
 */
struct scull_page {
	u32 end; /* bytes of the page that were ever filled */
	u32 len; /* those not yet read, which are the last */
};

struct scull_buffer {
	DECLARE_KFIFO_PTR(bytes, u8);
	void *memory;
	struct scull_page *pages; /* size / PAGE_SIZE of them */
	u32 n_pages, first, next;
};

int scull_buffer_init(struct scull_buffer *b, u32 size);
void scull_buffer_fini(struct scull_buffer *b);
/* Moves what is in `from` into `to`. -EBUSY when that is too small; nothing has changed then. */
int scull_buffer_move(struct scull_buffer *to, struct scull_buffer *from);

struct scull_pipe {
	struct mutex lock;            /* guards all that follows */
	wait_queue_head_t read_wait;  /* for something to read, or another side */
	wait_queue_head_t write_wait; /* for space */
	bool fifo;
	u32 size;
	struct scull_buffer buffer; /* there while n_files > 0 */
	u8 *staging;                /* a page; what is written is complete there first */
	unsigned int n_files, readers, writers;
	unsigned int r_opens, w_opens; /* ever, so that one who came and went is seen */
	struct fasync_struct *async_readers, *async_writers;
};

/* Of an open file. */
struct scull_pipe_file {
	struct scull_pipe *pipe;
	unsigned int w_opens; /* no EPOLLHUP while it is the pipe's; 0: never the pipe's */
};

/* Sleeps until somebody wakes the queue. With the lock held, which is given back meanwhile.
 * -ERESTARTSYS when there is a signal.
 */
int scull_pipe_sleep(struct scull_pipe *pipe, wait_queue_head_t *queue);

/* Tells all who wait that the other side has come or gone. */
void scull_pipe_tell(struct scull_pipe *pipe);

ssize_t scull_pipe_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t scull_pipe_write_iter(struct kiocb *iocb, struct iov_iter *from);
__poll_t scull_pipe_poll(struct file *file, poll_table *table);
int scull_pipe_resize(struct scull_pipe *pipe, unsigned long size);

#endif
