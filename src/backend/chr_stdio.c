/* SPDX-License-Identifier: MIT */
/*
 * A stream over a chr_fd, whose user it is. On a terminal it reads at all times, so that Ctrl-A x
 * works with a guest that hangs: keys are sorted as they come, and plain ones wait in `keys` until
 * the device wants them. Without a terminal it hands its user's calls through.
 */
#include "backend/chr_stdio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/chr.h"
#include "backend/chr_fd.h"
#include "base/bits.h"
#include "base/loop.h"
#include "base/sig.h"

#define CTRL_A    0x01
#define KEYS_SIZE 4096

struct chr_stdio {
	struct chr chr;
	struct chr *below;
	struct loop *loop;
	void (*quit)(void *arg);
	void *quit_arg;
	bool terminal;

	bool escaped; /* the last key was the escape */
	bool wanted;
	bool ended, told_end;
	struct loop_task task; /* gives `keys` to a user who wants them again */
	size_t n_keys;
	uint8_t keys[KEYS_SIZE];
};

static void show_help(struct chr_stdio *s)
{
	static const char text[] = "\r\nCtrl-A x: end the machine   Ctrl-A Ctrl-A: send Ctrl-A   "
				   "Ctrl-A h: this help\r\n";

	(void)chr_write(s->below, (const uint8_t *)text, sizeof(text) - 1);
}

static void take_key(struct chr_stdio *s, uint8_t key)
{
	bool plain = key != CTRL_A;

	if (s->escaped) {
		s->escaped = false;
		plain = key == CTRL_A;
		if (key == 'x')
			s->quit(s->quit_arg);
		else if (key == 'h')
			show_help(s);
	} else {
		s->escaped = key == CTRL_A;
	}
	if (plain && s->n_keys < KEYS_SIZE)
		s->keys[s->n_keys++] = key;
}

static void deliver_keys(struct chr_stdio *s)
{
	const struct chr_user_ops *ops = s->chr.user_ops;
	size_t took;

	if (!s->wanted || !ops)
		return;
	if (s->n_keys) {
		took = ops->input(s->chr.user, s->keys, s->n_keys);
		if (took < s->n_keys)
			s->wanted = false;
		s->n_keys -= took;
		memmove(s->keys, s->keys + took, s->n_keys);
	}
	if (s->ended && !s->n_keys && !s->told_end && s->wanted) {
		s->told_end = true;
		if (ops->input_end)
			ops->input_end(s->chr.user);
	}
}

static void on_task(struct loop_task *t)
{
	deliver_keys(t->arg);
}

/* ---- as the user of the stream below ---- */

static size_t below_input(void *user, const uint8_t *buf, size_t len)
{
	struct chr_stdio *s = user;

	if (!s->terminal)
		return s->chr.user_ops ? s->chr.user_ops->input(s->chr.user, buf, len) : 0;
	for (size_t i = 0; i < len; i++)
		take_key(s, buf[i]);
	deliver_keys(s);
	return len;
}

static void below_end(void *user)
{
	struct chr_stdio *s = user;

	s->ended = true;
	if (s->terminal)
		deliver_keys(s);
	else if (s->chr.user_ops && s->chr.user_ops->input_end)
		s->chr.user_ops->input_end(s->chr.user);
}

static void below_writable(void *user)
{
	struct chr_stdio *s = user;

	if (s->chr.user_ops)
		s->chr.user_ops->writable(s->chr.user);
}

static const struct chr_user_ops below_ops = {
	.input = below_input,
	.input_end = below_end,
	.writable = below_writable,
};

/* ---- as a stream ---- */

static ssize_t stdio_write(struct chr *chr, const uint8_t *buf, size_t len)
{
	return chr_write(container_of(chr, struct chr_stdio, chr)->below, buf, len);
}

static void stdio_want_input(struct chr *chr, bool want)
{
	struct chr_stdio *s = container_of(chr, struct chr_stdio, chr);

	s->wanted = want;
	if (!s->terminal)
		chr_want_input(s->below, want);
	else if (want && (s->n_keys || s->ended))
		loop_post(s->loop, &s->task);
}

static void stdio_free(struct chr *chr)
{
	struct chr_stdio *s = container_of(chr, struct chr_stdio, chr);

	chr_free(s->below);
	if (s->terminal)
		sig_term_restore();
	loop_task_cancel(s->loop, &s->task);
	free(s);
}

static int stdio_flush(struct chr *chr, int timeout_ms)
{
	return chr_flush(container_of(chr, struct chr_stdio, chr)->below, timeout_ms);
}

static const struct chr_ops stdio_ops = {
	.write = stdio_write,
	.want_input = stdio_want_input,
	.flush = stdio_flush,
	.free = stdio_free,
};

int chr_stdio_new(struct loop *loop, int in_fd, int out_fd, void (*quit)(void *arg), void *arg,
		  struct chr **out)
{
	struct chr_stdio *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	s->chr.ops = &stdio_ops;
	s->loop = loop;
	s->quit = quit;
	s->quit_arg = arg;
	s->task.fn = on_task;
	s->task.arg = s;
	ret = chr_fd_new(loop, in_fd, out_fd, &s->below);
	if (ret) {
		free(s);
		return ret;
	}
	chr_attach(s->below, &below_ops, s);
	s->terminal = isatty(in_fd);
	if (s->terminal) {
		ret = sig_term_raw(in_fd);
		if (ret) {
			chr_free(s->below);
			free(s);
			return ret;
		}
		chr_want_input(s->below, true);
	}
	*out = &s->chr;
	return 0;
}
