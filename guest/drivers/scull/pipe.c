// SPDX-License-Identifier: GPL-2.0
/*
 * Reading, writing, waiting. Every change of a pipe is made with its lock held, and whoever
 * waits has put itself on the queue before it gives the lock back: so no wake-up is lost, and no
 * condition is looked at without the lock.
 *
 * What is written passes through a page of ours before it enters the kfifo. So a piece of up to
 * a page is there as a whole or not at all, also when the writer's memory ends in the middle of
 * it.
 */
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pipe.h"

/* --- the bytes -------------------------------------------------------------------------------- */

int scull_buffer_init(struct scull_buffer *b, u32 size)
{
	int ret;

	b->n_pages = size / PAGE_SIZE;
	b->first = 0;
	b->next = 0;
	b->memory = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!b->memory)
		return -ENOMEM;
	b->pages = kcalloc(b->n_pages, sizeof(*b->pages), GFP_KERNEL_ACCOUNT);
	if (!b->pages) {
		kvfree(b->memory);
		return -ENOMEM;
	}
	ret = kfifo_init(&b->bytes, b->memory, size);
	if (ret)
		scull_buffer_fini(b);
	return ret;
}

void scull_buffer_fini(struct scull_buffer *b)
{
	kvfree(b->memory);
	kfree(b->pages);
	b->memory = NULL;
	b->pages = NULL;
}

static struct scull_page *page_at(struct scull_buffer *b, u32 index)
{
	return &b->pages[index % b->n_pages];
}

static u32 free_pages_of(const struct scull_buffer *b)
{
	return b->n_pages - (b->next - b->first);
}

/* Whether the page that was filled last takes n bytes more. */
static bool joins(struct scull_buffer *b, u32 n)
{
	return b->next != b->first && page_at(b, b->next - 1)->end + n <= PAGE_SIZE;
}

static void account_in(struct scull_buffer *b, u32 n, bool join)
{
	struct scull_page *page = page_at(b, join ? b->next - 1 : b->next++);

	if (!join)
		*page = (struct scull_page){0};
	page->end += n;
	page->len += n;
}

static void account_out(struct scull_buffer *b, u32 n)
{
	while (n) {
		struct scull_page *page = page_at(b, b->first);
		u32 part = min(n, page->len);

		page->len -= part;
		n -= part;
		if (!page->len)
			b->first++;
	}
}

int scull_buffer_move(struct scull_buffer *to, struct scull_buffer *from)
{
	unsigned int n;
	u8 *chunk;

	if (kfifo_len(&from->bytes) > kfifo_size(&to->bytes) ||
	    from->next - from->first > to->n_pages)
		return -EBUSY;
	while ((n = kfifo_out_linear_ptr(&from->bytes, &chunk, kfifo_len(&from->bytes)))) {
		kfifo_in(&to->bytes, chunk, n);
		kfifo_skip_count(&from->bytes, n);
	}
	while (from->first != from->next)
		*page_at(to, to->next++) = *page_at(from, from->first++);
	return 0;
}

/* --- waiting and waking ----------------------------------------------------------------------- */

int scull_pipe_sleep(struct scull_pipe *pipe, wait_queue_head_t *queue)
{
	DEFINE_WAIT(wait);

	prepare_to_wait(queue, &wait, TASK_INTERRUPTIBLE);
	mutex_unlock(&pipe->lock);
	schedule();
	finish_wait(queue, &wait);
	mutex_lock(&pipe->lock);
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

/* There may be something to read. */
static void tell_readers(struct scull_pipe *pipe)
{
	wake_up_interruptible_poll(&pipe->read_wait, EPOLLIN | EPOLLRDNORM);
	kill_fasync(&pipe->async_readers, SIGIO, POLL_IN);
}

/* There may be space. */
static void tell_writers(struct scull_pipe *pipe)
{
	wake_up_interruptible_poll(&pipe->write_wait, EPOLLOUT | EPOLLWRNORM);
	kill_fasync(&pipe->async_writers, SIGIO, POLL_OUT);
}

/* A poll waits for hang-ups too, which are not among the events above: so without a key. */
void scull_pipe_tell(struct scull_pipe *pipe)
{
	wake_up_interruptible_all(&pipe->read_wait);
	wake_up_interruptible_all(&pipe->write_wait);
}

static bool must_not_wait(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) || (iocb->ki_flags & IOCB_NOWAIT);
}

static struct scull_pipe *pipe_of(const struct file *file)
{
	return ((struct scull_pipe_file *)file->private_data)->pipe;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Waits until there is something. 1, or 0 at the end, or an error. */
static int wait_for_bytes(struct scull_pipe *pipe, const struct kiocb *iocb)
{
	int ret;

	while (kfifo_is_empty(&pipe->buffer.bytes)) {
		if (pipe->fifo && !pipe->writers)
			return 0;
		if (must_not_wait(iocb))
			return -EAGAIN;
		ret = scull_pipe_sleep(pipe, &pipe->read_wait);
		if (ret)
			return ret;
	}
	return 1;
}

/* Takes what is there, in at most two pieces, since the ring has one end. */
static ssize_t take(struct scull_pipe *pipe, struct iov_iter *to)
{
	struct scull_buffer *b = &pipe->buffer;
	size_t copied, done = 0;
	unsigned int n;
	u8 *chunk;

	while (iov_iter_count(to)) {
		n = kfifo_out_linear_ptr(&b->bytes, &chunk,
					 min_t(size_t, iov_iter_count(to), kfifo_size(&b->bytes)));
		if (!n)
			break;
		copied = copy_to_iter(chunk, n, to);
		kfifo_skip_count(&b->bytes, copied);
		if (pipe->fifo)
			account_out(b, copied);
		done += copied;
		if (copied < n)
			return done ?: -EFAULT;
	}
	return done;
}

ssize_t scull_pipe_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct scull_pipe *pipe = pipe_of(iocb->ki_filp);
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	mutex_lock(&pipe->lock);
	ret = wait_for_bytes(pipe, iocb);
	if (ret > 0)
		ret = take(pipe, to);
	tell_writers(pipe);
	mutex_unlock(&pipe->lock);
	return ret;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Puts the next n bytes in, at most a page, all or none of them. */
static ssize_t put(struct scull_pipe *pipe, struct iov_iter *from, size_t n, bool join)
{
	if (copy_from_iter(pipe->staging, n, from) != n)
		return -EFAULT;
	kfifo_in(&pipe->buffer.bytes, pipe->staging, n);
	if (pipe->fifo)
		account_in(&pipe->buffer, n, join);
	return n;
}

/* How many of n bytes can be put in now: a FIFO takes them by the page. */
static size_t room(struct scull_pipe *pipe, size_t n)
{
	size_t space = pipe->fifo ? free_pages_of(&pipe->buffer) * PAGE_SIZE
				  : kfifo_avail(&pipe->buffer.bytes);

	return min3(n, space, (size_t)PAGE_SIZE);
}

/* What is over a number of whole pages goes behind what was written last, if it fits there. */
static ssize_t put_behind(struct scull_pipe *pipe, struct iov_iter *from)
{
	size_t odd = iov_iter_count(from) % PAGE_SIZE;

	if (!pipe->fifo || !odd || !joins(&pipe->buffer, odd))
		return 0;
	return put(pipe, from, odd, true);
}

/* Sleeps until there may be space. An error when that cannot be. */
static int wait_for_space(struct scull_pipe *pipe, const struct kiocb *iocb)
{
	if (must_not_wait(iocb))
		return -EAGAIN;
	if (signal_pending(current))
		return -ERESTARTSYS;
	tell_readers(pipe);
	return scull_pipe_sleep(pipe, &pipe->write_wait);
}

/* Puts in what fits and, in a FIFO, waits to put in all. Adds to *done. */
static int put_all(struct scull_pipe *pipe, struct kiocb *iocb, struct iov_iter *from,
		   ssize_t *done)
{
	ssize_t n;
	int ret;

	while (iov_iter_count(from)) {
		if (pipe->fifo && !pipe->readers) {
			send_sig(SIGPIPE, current, 0);
			return -EPIPE;
		}
		n = room(pipe, iov_iter_count(from));
		if (n) {
			n = put(pipe, from, n, false);
			if (n < 0)
				return n;
			*done += n;
			continue;
		}
		if (*done && !pipe->fifo)
			return 0;
		ret = wait_for_space(pipe, iocb);
		if (ret)
			return ret;
	}
	return 0;
}

ssize_t scull_pipe_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct scull_pipe *pipe = pipe_of(iocb->ki_filp);
	ssize_t done = 0;
	int ret = 0;

	if (!iov_iter_count(from))
		return 0;
	mutex_lock(&pipe->lock);
	if (!pipe->fifo || pipe->readers)
		done = put_behind(pipe, from);
	if (done < 0)
		ret = done;
	else
		ret = put_all(pipe, iocb, from, &done);
	tell_readers(pipe);
	mutex_unlock(&pipe->lock);
	return done > 0 ? done : ret;
}

/* --- the rest --------------------------------------------------------------------------------- */

__poll_t scull_pipe_poll(struct file *file, poll_table *table)
{
	struct scull_pipe_file *f = file->private_data;
	struct scull_pipe *pipe = f->pipe;
	__poll_t mask = 0;

	if (file->f_mode & FMODE_READ)
		poll_wait(file, &pipe->read_wait, table);
	if (file->f_mode & FMODE_WRITE)
		poll_wait(file, &pipe->write_wait, table);
	mutex_lock(&pipe->lock);
	if (file->f_mode & FMODE_READ) {
		if (!kfifo_is_empty(&pipe->buffer.bytes))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (pipe->fifo && !pipe->writers && f->w_opens != pipe->w_opens)
			mask |= EPOLLHUP;
	}
	if (file->f_mode & FMODE_WRITE) {
		if (room(pipe, 1))
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (pipe->fifo && !pipe->readers)
			mask |= EPOLLERR;
	}
	mutex_unlock(&pipe->lock);
	return mask;
}

int scull_pipe_resize(struct scull_pipe *pipe, unsigned long size)
{
	struct scull_buffer bigger;
	int ret;

	if (size == 0 || size > SCULL_PIPE_MAX)
		return -EINVAL;
	size = max(roundup_pow_of_two(size), SCULL_PIPE_MIN);
	ret = scull_buffer_init(&bigger, size);
	if (ret)
		return ret;
	mutex_lock(&pipe->lock);
	if (pipe->n_files)
		ret = scull_buffer_move(&bigger, &pipe->buffer);
	if (!ret) {
		if (pipe->n_files)
			swap(pipe->buffer, bigger);
		pipe->size = size;
		tell_writers(pipe);
	}
	mutex_unlock(&pipe->lock);
	scull_buffer_fini(&bigger);
	return ret;
}
