/* SPDX-License-Identifier: MIT */
/* A chr in front of a chr: passes calls on in both directions and counts. */
#include "cmd/exec_stream.h"

#include "backend/chr_fd.h"
#include "base/bits.h"

static struct exec_stream *stream_of(struct chr *c)
{
	return container_of(c, struct exec_stream, chr);
}

static ssize_t stream_write(struct chr *c, const uint8_t *buf, size_t len)
{
	struct exec_stream *s = stream_of(c);
	ssize_t n = chr_write(s->inner, buf, len);

	if (n < 0)
		s->broken = true;
	else
		s->to_host += (uint64_t)n;
	if (n)
		s->changed(s->arg);
	return n;
}

static void stream_want_input(struct chr *c, bool want)
{
	chr_want_input(stream_of(c)->inner, want);
}

/* The machine does not own its streams: exec_stream_fini() ends this one. */
static void stream_free(struct chr *c)
{
}

static const struct chr_ops stream_ops = {
	.write = stream_write,
	.want_input = stream_want_input,
	.free = stream_free,
};

static size_t inner_input(void *user, const uint8_t *buf, size_t len)
{
	struct exec_stream *s = user;
	size_t n = 0;

	if (s->chr.user_ops)
		n = s->chr.user_ops->input(s->chr.user, buf, len);
	s->from_host += n;
	return n;
}

/* The port is not told: closing it would end nothing in the guest, the control protocol does. */
static void inner_input_end(void *user)
{
	struct exec_stream *s = user;

	s->ended = true;
	s->changed(s->arg);
}

static void inner_writable(void *user)
{
	struct exec_stream *s = user;

	if (s->chr.user_ops && s->chr.user_ops->writable)
		s->chr.user_ops->writable(s->chr.user);
}

static const struct chr_user_ops inner_user_ops = {
	.input = inner_input,
	.input_end = inner_input_end,
	.writable = inner_writable,
};

void exec_stream_init(struct exec_stream *s, struct chr *inner, void (*changed)(void *arg),
		      void *arg)
{
	*s = (struct exec_stream){
		.chr.ops = &stream_ops, .inner = inner, .changed = changed, .arg = arg};
	chr_attach(inner, &inner_user_ops, s);
}

void exec_stream_fini(struct exec_stream *s)
{
	if (!s->inner)
		return;
	chr_free(s->inner);
	s->inner = NULL;
}
