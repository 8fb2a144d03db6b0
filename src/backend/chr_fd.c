/* SPDX-License-Identifier: MIT */
/*
 * The trouble is O_NONBLOCK: it belongs to the open file, which standard input and output share
 * with the shell that started us, and a shell does not expect to find it set. So each end is, by
 * what it is:
 *
 *   a terminal or pipe: opened anew through /proc/self/fd, which gives an open file of our own that
 *	may be non-blocking (but not a pseudo-terminal's master, where that makes a new pair);
 *   a socket: duplicated, and used with MSG_DONTWAIT;
 *   anything else, or where opening anew is not allowed (a terminal of another user after su):
 *	duplicated, and asked by poll() before each call, which moves no more than poll's answer
 *	vouches for. Regular files and /dev/null never block and are not known to epoll: they are
 *	served from a posted task.
 *
 * Output is gathered in a small buffer and written at the end of the round, so that a UART that
 * sends byte by byte does not cost a system call for each.
 */
#include "backend/chr_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/chr.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"

#define BUF_SIZE  4096
/* What a pipe takes when poll() says that it is writable, and what a terminal does. */
#define PIPE_STEP 4096
#define TTY_STEP  256

enum kind {
	KIND_NONE,     /* there is no such end */
	KIND_NONBLOCK, /* an open file of our own */
	KIND_SOCKET,
	KIND_ASK,    /* shared: ask poll() first */
	KIND_ALWAYS, /* a file: ready at any time, and unknown to epoll */
};

struct chr_fd {
	struct chr chr;
	struct loop *loop;

	struct loop_fd in;
	enum kind in_kind;
	struct loop_task in_task; /* input that needs no event: files, and what is left in in_buf */
	bool wanted;
	bool ended; /* the end has been read */
	bool told_end;
	size_t in_pos, in_len;

	struct loop_fd out;
	enum kind out_kind;
	struct loop_task out_task;
	size_t out_len;
	size_t out_step;
	bool starved; /* a write was cut short; `writable` is owed */
	bool broken;

	uint8_t in_buf[BUF_SIZE];
	uint8_t out_buf[BUF_SIZE];
};

/* ---- input ---- */

static ssize_t read_some(struct chr_fd *c)
{
	struct pollfd p = {.fd = c->in.fd, .events = POLLIN};

	if (c->in_kind == KIND_SOCKET)
		return recv(c->in.fd, c->in_buf, BUF_SIZE, MSG_DONTWAIT);
	if (c->in_kind == KIND_ASK && poll(&p, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return read(c->in.fd, c->in_buf, BUF_SIZE);
}

/* Looks for input by event or by task, as the end's kind needs, or no more. */
static void watch_input(struct chr_fd *c)
{
	bool has_buffered = c->in_len || c->ended;
	bool want = c->wanted && c->chr.user_ops && !c->told_end && c->in_kind != KIND_NONE;

	if (want && (has_buffered || c->in_kind == KIND_ALWAYS))
		loop_post(c->loop, &c->in_task);
	loop_fd_set(&c->in, want && !has_buffered ? EPOLLIN : 0);
}

/* Gives the user what is buffered, then the end if it was reached. */
static void deliver_input(struct chr_fd *c)
{
	const struct chr_user_ops *ops = c->chr.user_ops;
	size_t took;

	if (!c->wanted || !ops)
		return;
	if (c->in_len) {
		took = ops->input(c->chr.user, c->in_buf + c->in_pos, c->in_len);
		c->in_pos += took;
		c->in_len -= took;
		if (c->in_len)
			c->wanted = false;
	}
	if (!c->in_len && c->ended && !c->told_end && c->wanted) {
		c->told_end = true;
		if (ops->input_end)
			ops->input_end(c->chr.user);
	}
}

static void take_input(struct chr_fd *c)
{
	ssize_t n;

	if (!c->wanted || c->told_end)
		return;
	if (!c->in_len && !c->ended) {
		n = read_some(c);
		if (n > 0) {
			c->in_pos = 0;
			c->in_len = (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			/* A terminal that was hung up says EIO. */
			c->ended = true;
		}
	}
	deliver_input(c);
	watch_input(c);
}

static void on_in_event(struct loop_fd *w, uint32_t events)
{
	take_input(w->arg);
}

static void on_in_task(struct loop_task *t)
{
	take_input(t->arg);
}

static void fd_want_input(struct chr *chr, bool want)
{
	struct chr_fd *c = container_of(chr, struct chr_fd, chr);

	c->wanted = want;
	watch_input(c);
}

/* ---- output ---- */

static ssize_t write_some(struct chr_fd *c)
{
	struct pollfd p = {.fd = c->out.fd, .events = POLLOUT};
	size_t len = c->out_len;

	if (c->out_kind == KIND_SOCKET)
		return send(c->out.fd, c->out_buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (c->out_kind == KIND_ASK) {
		if (poll(&p, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		len = len < c->out_step ? len : c->out_step;
	}
	return write(c->out.fd, c->out_buf, len);
}

static void break_output(struct chr_fd *c, int code)
{
	if (code != EPIPE && code != ECONNRESET && code != EIO)
		log_warn("output is lost from here on: %s", strerror(code));
	c->broken = true;
	c->out_len = 0;
}

/* Writes what the other side takes. */
static void write_out(struct chr_fd *c)
{
	ssize_t n;

	while (c->out_len) {
		n = write_some(c);
		if (n > 0) {
			c->out_len -= (size_t)n;
			memmove(c->out_buf, c->out_buf + n, c->out_len);
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n < 0 && errno != EINTR) {
			break_output(c, errno);
		}
	}
}

/* Waits for room by event, or as long as nothing is to be written not at all. A user that is owed
 * `writable` is told from the loop. */
static void watch_output(struct chr_fd *c)
{
	bool room = c->broken || c->out_len < BUF_SIZE;

	loop_fd_set(&c->out, c->out_len ? EPOLLOUT : 0);
	if (c->starved && room)
		loop_post(c->loop, &c->out_task);
}

static void flush_and_tell(struct chr_fd *c)
{
	write_out(c);
	if (c->starved && (c->broken || c->out_len < BUF_SIZE)) {
		c->starved = false;
		if (c->chr.user_ops)
			c->chr.user_ops->writable(c->chr.user);
	}
	watch_output(c);
}

static void on_out_event(struct loop_fd *w, uint32_t events)
{
	flush_and_tell(w->arg);
}

static void on_out_task(struct loop_task *t)
{
	flush_and_tell(t->arg);
}

static ssize_t fd_write(struct chr *chr, const uint8_t *buf, size_t len)
{
	struct chr_fd *c = container_of(chr, struct chr_fd, chr);
	size_t took = 0, n;

	if (c->out_kind == KIND_NONE)
		return (ssize_t)len;
	while (took < len && !c->broken) {
		if (c->out_len == BUF_SIZE)
			write_out(c);
		n = (size_t)min_u64(BUF_SIZE - c->out_len, len - took);
		if (!n)
			break;
		memcpy(c->out_buf + c->out_len, buf + took, n);
		c->out_len += n;
		took += n;
	}
	if (c->broken)
		return -EPIPE;
	if (took < len) {
		c->starved = true;
		watch_output(c);
	} else if (!c->out.events) {
		loop_post(c->loop, &c->out_task);
	}
	return (ssize_t)took;
}

static int fd_flush(struct chr *chr, int timeout_ms)
{
	struct chr_fd *c = container_of(chr, struct chr_fd, chr);
	struct pollfd p = {.fd = c->out.fd, .events = POLLOUT};
	uint64_t end = host_now_ns() + (uint64_t)timeout_ms * 1000000;
	uint64_t now;
	int left = -1;

	for (;;) {
		write_out(c);
		if (c->broken)
			return -EPIPE;
		if (!c->out_len)
			return 0;
		if (timeout_ms >= 0) {
			now = host_now_ns();
			if (now >= end)
				return -ETIMEDOUT;
			left = (int)((end - now) / 1000000 + 1);
		}
		if (poll(&p, 1, left) < 0 && errno != EINTR)
			return -errno;
	}
}

/* ---- the ends ---- */

/* A descriptor of our own for a terminal or pipe; -1 where that cannot be. */
static int open_anew(int fd, const struct stat *st, int access)
{
	char path[32];
	int nr;

	if (!S_ISFIFO(st->st_mode) && (!isatty(fd) || !ioctl(fd, TIOCGPTN, &nr)))
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Gives w->fd a descriptor of our own for fd, and finds its kind. */
static int open_end(struct loop_fd *w, enum kind *kind, int fd, int access)
{
	struct stat st;

	*kind = KIND_NONE;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	*kind = KIND_ASK;
	if (S_ISSOCK(st.st_mode)) {
		*kind = KIND_SOCKET;
	} else {
		w->fd = open_anew(fd, &st, access);
		if (w->fd >= 0)
			*kind = KIND_NONBLOCK;
	}
	if (w->fd < 0)
		w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return w->fd < 0 ? -errno : 0;
}

static int add_end(struct loop *loop, struct loop_fd *w, enum kind *kind)
{
	int ret;

	if (*kind == KIND_NONE)
		return 0;
	ret = loop_fd_add(loop, w);
	if (ret == -EPERM) {
		*kind = KIND_ALWAYS;
		return 0;
	}
	return ret;
}

static void fd_free(struct chr *chr)
{
	struct chr_fd *c = container_of(chr, struct chr_fd, chr);

	if (c->out.fd >= 0)
		write_out(c);
	loop_task_cancel(c->loop, &c->in_task);
	loop_task_cancel(c->loop, &c->out_task);
	loop_fd_del(&c->in);
	loop_fd_del(&c->out);
	fd_close(&c->in.fd);
	fd_close(&c->out.fd);
	free(c);
}

static const struct chr_ops fd_ops = {
	.write = fd_write,
	.want_input = fd_want_input,
	.flush = fd_flush,
	.free = fd_free,
};

int chr_fd_new(struct loop *loop, int in_fd, int out_fd, struct chr **out)
{
	struct chr_fd *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->chr.ops = &fd_ops;
	c->loop = loop;
	c->in = (struct loop_fd){.fn = on_in_event, .arg = c, .fd = -1};
	c->out = (struct loop_fd){.fn = on_out_event, .arg = c, .fd = -1};
	c->in_task.fn = on_in_task;
	c->in_task.arg = c;
	c->out_task.fn = on_out_task;
	c->out_task.arg = c;
	c->out_step = isatty(out_fd) ? TTY_STEP : PIPE_STEP;
	ret = open_end(&c->in, &c->in_kind, in_fd, O_RDONLY);
	if (!ret)
		ret = open_end(&c->out, &c->out_kind, out_fd, O_WRONLY);
	if (!ret)
		ret = add_end(loop, &c->in, &c->in_kind);
	if (!ret)
		ret = add_end(loop, &c->out, &c->out_kind);
	if (ret) {
		fd_free(&c->chr);
		return ret;
	}
	*out = &c->chr;
	return 0;
}

int chr_file_new(struct loop *loop, const char *label, const char *path, struct chr **out,
		 struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
	int ret;

	if (fd < 0 && errno == ENXIO)
		return err_set(e, -ENXIO, "%s%s: nobody reads this FIFO; start its reader first",
			       label, path);
	if (fd < 0)
		return err_set(e, -errno, "%s%s: cannot be opened for writing: %s", label, path,
			       strerror(errno));
	ret = chr_fd_new(loop, -1, fd, out);
	fd_close(&fd);
	if (ret)
		return err_set(e, ret, "%s%s: %s", label, path, strerror(-ret));
	return 0;
}
