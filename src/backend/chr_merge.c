/* SPDX-License-Identifier: MIT */
/*
 * A line of the side stream goes from `line`, where it is collected, to `lines`, where it waits for
 * its place, to `out`, which is on its way: as long as that is not empty nobody else writes. `open`
 * is what the main stream has written since its last newline, to be repeated.
 */
#include "backend/chr_merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chr.h"
#include "base/bits.h"
#include "base/loop.h"

#define LINE_MAX_LEN 512u /* longer ones are broken */
#define LINES_LEN    8192u
#define FLUSH_ROUNDS 64

struct text {
	size_t len;
	uint8_t buf[LINES_LEN];
};

/* One of the two that write. */
struct writer {
	struct chr chr;
	struct chr_merge *merge;
	bool freed;
	bool waits; /* `writable` is owed to it */
};

struct chr_merge {
	struct loop *loop;
	struct chr *below;
	const char *prefix;
	struct writer main_side, side;
	struct loop_timer quiet;
	struct loop_task tell; /* who waits is told outside of chr_ calls */
	uint64_t wrote_ns;     /* the main stream, last */
	bool broken;
	struct text line, lines, out, open;
	size_t sent; /* of out */
};

static struct chr_merge *merge_of(struct chr *c)
{
	return container_of(c, struct writer, chr)->merge;
}

static void put(struct text *t, const void *p, size_t len)
{
	len = (size_t)min_u64(len, sizeof(t->buf) - t->len);
	memcpy(t->buf + t->len, p, len);
	t->len += len;
}

static void put_text(struct text *t, const struct text *from)
{
	put(t, from->buf, from->len);
}

/* What of `out` the stream takes. */
static void send_out(struct chr_merge *m)
{
	ssize_t n = 0;

	if (m->sent < m->out.len)
		n = chr_write(m->below, m->out.buf + m->sent, m->out.len - m->sent);
	if (n < 0)
		m->broken = true;
	m->sent += n > 0 ? (size_t)n : 0;
	if (m->broken || m->sent == m->out.len)
		m->out.len = m->sent = 0;
	if (!m->out.len && (m->main_side.waits || m->side.waits))
		loop_post(m->loop, &m->tell);
}

/* Puts the lines that wait between those of the main stream, if there is a place. */
static void insert(struct chr_merge *m, bool now)
{
	if (m->out.len || !m->lines.len)
		return;
	if (m->open.len && !now && loop_now(m->loop) < m->wrote_ns + CHR_MERGE_QUIET_NS) {
		loop_timer_arm(m->loop, &m->quiet, m->wrote_ns + CHR_MERGE_QUIET_NS);
		return;
	}
	if (m->open.len)
		put(&m->out, "\r\n", 2);
	put_text(&m->out, &m->lines);
	put_text(&m->out, &m->open);
	m->lines.len = 0;
	send_out(m);
}

static void quiet_timer(struct loop_timer *t)
{
	insert(t->arg, false);
}

static void tell_writer(struct writer *w)
{
	const struct chr_user_ops *ops = w->chr.user_ops;

	if (!w->waits || !ops)
		return;
	w->waits = false;
	ops->writable(w->chr.user);
}

static void tell_task(struct loop_task *t)
{
	struct chr_merge *m = t->arg;

	tell_writer(&m->side);
	tell_writer(&m->main_side);
}

/* ---- the main stream ---- */

static void note(struct chr_merge *m, const uint8_t *buf, size_t len)
{
	const uint8_t *newline = memrchr(buf, '\n', len);

	m->wrote_ns = loop_now(m->loop);
	if (newline) {
		m->open.len = 0;
		len -= (size_t)(newline + 1 - buf);
		buf = newline + 1;
	}
	put(&m->open, buf, (size_t)min_u64(len, LINE_MAX_LEN - m->open.len));
}

/* Bytes up to the end of a line, if lines wait for that, and no further than the stream takes. */
static ssize_t write_piece(struct chr_merge *m, const uint8_t *buf, size_t len)
{
	const uint8_t *newline = m->lines.len ? memchr(buf, '\n', len) : NULL;
	ssize_t n;

	n = chr_write(m->below, buf, newline ? (size_t)(newline + 1 - buf) : len);
	if (n < 0)
		m->broken = true;
	else
		note(m, buf, (size_t)n);
	return n;
}

static ssize_t main_write(struct chr *c, const uint8_t *buf, size_t len)
{
	struct chr_merge *m = merge_of(c);
	size_t done = 0;

	while (done < len && !m->broken && !m->out.len) {
		const uint8_t *at = buf + done;
		ssize_t n = write_piece(m, at, len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
		if (!m->open.len)
			insert(m, false);
	}
	if (m->broken && !done)
		return -EPIPE;
	m->main_side.waits = done < len;
	return (ssize_t)done;
}

static void main_want_input(struct chr *c, bool want)
{
	chr_want_input(merge_of(c)->below, want);
}

/* ---- the side stream ---- */

static void end_line(struct chr_merge *m)
{
	put(&m->lines, m->prefix, strlen(m->prefix));
	put_text(&m->lines, &m->line);
	put(&m->lines, "\r\n", 2);
	m->line.len = 0;
}

/* Whether there is room for a line and for what stands around it in `out`. */
static bool room_for_line(const struct chr_merge *m)
{
	return m->lines.len + LINE_MAX_LEN + strlen(m->prefix) + 2 <=
	       sizeof(m->lines.buf) - LINE_MAX_LEN - 2;
}

static ssize_t side_write(struct chr *c, const uint8_t *buf, size_t len)
{
	struct chr_merge *m = merge_of(c);
	size_t done = 0;

	for (; done < len && !m->broken && room_for_line(m); done++) {
		if (buf[done] != '\n' && buf[done] != '\r')
			put(&m->line, &buf[done], 1);
		if (buf[done] == '\n' || m->line.len == LINE_MAX_LEN)
			end_line(m);
	}
	insert(m, false);
	if (m->broken)
		return -EPIPE;
	m->side.waits = done < len;
	if (m->side.waits && room_for_line(m)) /* the lines have found their place meanwhile */
		loop_post(m->loop, &m->tell);
	return (ssize_t)done;
}

static void side_want_input(struct chr *c, bool want)
{
}

/* ---- below ---- */

static size_t below_input(void *user, const uint8_t *buf, size_t len)
{
	struct chr *c = &((struct chr_merge *)user)->main_side.chr;

	return c->user_ops ? c->user_ops->input(c->user, buf, len) : 0;
}

static void below_input_end(void *user)
{
	struct chr *c = &((struct chr_merge *)user)->main_side.chr;

	if (c->user_ops && c->user_ops->input_end)
		c->user_ops->input_end(c->user);
}

static void below_writable(void *user)
{
	struct chr_merge *m = user;

	send_out(m);
	insert(m, false);
	if (!m->out.len)
		loop_post(m->loop, &m->tell);
}

static const struct chr_user_ops below_user_ops = {
	.input = below_input, .input_end = below_input_end, .writable = below_writable};

/* ---- life ---- */

static int merge_flush(struct chr *c, int timeout_ms)
{
	struct chr_merge *m = merge_of(c);
	int ret = 0;

	if (m->line.len && room_for_line(m))
		end_line(m);
	for (int i = 0; i < FLUSH_ROUNDS && !ret && !m->broken; i++) {
		send_out(m);
		insert(m, true);
		ret = chr_flush(m->below, timeout_ms);
		if (!m->out.len && !m->lines.len)
			break;
	}
	return ret;
}

static void writer_free(struct chr *c)
{
	struct writer *w = container_of(c, struct writer, chr);
	struct chr_merge *m = w->merge;

	w->freed = true;
	w->waits = false;
	if (!m->main_side.freed || !m->side.freed)
		return;
	chr_attach(m->below, NULL, NULL);
	loop_timer_cancel(&m->quiet);
	loop_task_cancel(m->loop, &m->tell);
	free(m);
}

static const struct chr_ops main_ops = {.write = main_write,
					.want_input = main_want_input,
					.flush = merge_flush,
					.free = writer_free};
static const struct chr_ops side_ops = {.write = side_write,
					.want_input = side_want_input,
					.flush = merge_flush,
					.free = writer_free};

int chr_merge_new(struct loop *loop, struct chr *below, const char *prefix, struct chr **main_side,
		  struct chr **side)
{
	struct chr_merge *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->loop = loop;
	m->below = below;
	m->prefix = prefix;
	m->main_side = (struct writer){.chr.ops = &main_ops, .merge = m};
	m->side = (struct writer){.chr.ops = &side_ops, .merge = m};
	m->quiet.fn = quiet_timer;
	m->tell.fn = tell_task;
	m->quiet.arg = m->tell.arg = m;
	chr_attach(below, &below_user_ops, m);
	*main_side = &m->main_side.chr;
	*side = &m->side.chr;
	return 0;
}
