/* SPDX-License-Identifier: MIT */
/*
 * Each end has a ring for the bytes on their way to it and one task that tells its user whatever is
 * new: bytes, their end, room to write. The pair lives until both ends are freed.
 */
#include "backend/chr_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chr.h"
#include "base/bits.h"
#include "base/loop.h"

struct end {
	struct chr chr;
	struct pair *pair;
	struct end *other;
	struct loop_task task;
	bool freed;
	bool wanted;
	bool starved; /* its writer was cut short: `writable` is owed to this end */
	bool shut;    /* nothing more is written to the other */
	bool told_end;
	size_t head, len; /* of what is on its way to this end */
	uint8_t ring[CHR_PAIR_BUFFER];
};

struct pair {
	struct loop *loop;
	struct end ends[2];
};

static void post(struct end *e)
{
	if (!e->freed)
		loop_post(e->pair->loop, &e->task);
}

/* Gives the user one straight piece of the ring; true when all of it was taken. */
static bool deliver_piece(struct end *e)
{
	size_t piece = (size_t)min_u64(e->len, CHR_PAIR_BUFFER - e->head);
	size_t took = e->chr.user_ops->input(e->chr.user, e->ring + e->head, piece);

	e->head = (e->head + took) % CHR_PAIR_BUFFER;
	e->len -= took;
	if (took < piece)
		e->wanted = false;
	if (took && e->other->starved)
		post(e->other);
	return took == piece;
}

static void on_task(struct loop_task *t)
{
	struct end *e = t->arg;
	const struct chr_user_ops *ops = e->chr.user_ops;

	if (!ops)
		return;
	if (e->starved && (e->shut || e->other->freed || e->other->len < CHR_PAIR_BUFFER)) {
		e->starved = false;
		ops->writable(e->chr.user);
	}
	/* Twice at most, for the two pieces of a ring: what comes meanwhile is for another round.
	 */
	for (int i = 0; i < 2 && e->len && e->wanted; i++)
		if (!deliver_piece(e))
			break;
	if (!e->len && e->other->shut && e->wanted && !e->told_end) {
		e->told_end = true;
		if (ops->input_end)
			ops->input_end(e->chr.user);
	}
	if (e->len && e->wanted)
		post(e);
}

static ssize_t pair_write(struct chr *chr, const uint8_t *buf, size_t len)
{
	struct end *e = container_of(chr, struct end, chr);
	struct end *to = e->other;
	size_t took = 0, at, n;

	if (e->shut || to->freed)
		return -EPIPE;
	while (took < len && to->len < CHR_PAIR_BUFFER) {
		at = (to->head + to->len) % CHR_PAIR_BUFFER;
		n = at < to->head ? to->head - at : CHR_PAIR_BUFFER - at;
		n = (size_t)min_u64(n, len - took);
		memcpy(to->ring + at, buf + took, n);
		to->len += n;
		took += n;
	}
	if (took < len)
		e->starved = true;
	if (took && to->wanted)
		post(to);
	return (ssize_t)took;
}

static void pair_want_input(struct chr *chr, bool want)
{
	struct end *e = container_of(chr, struct end, chr);

	e->wanted = want;
	if (want && (e->len || e->other->shut))
		post(e);
}

void chr_pair_shut_write(struct chr *chr)
{
	struct end *e = container_of(chr, struct end, chr);

	e->shut = true;
	post(e->other);
}

size_t chr_pair_unread(struct chr *chr)
{
	return container_of(chr, struct end, chr)->other->len;
}

static void pair_free(struct chr *chr)
{
	struct end *e = container_of(chr, struct end, chr);

	chr_pair_shut_write(chr);
	loop_task_cancel(e->pair->loop, &e->task);
	e->freed = true;
	e->len = 0;
	if (e->other->freed)
		free(e->pair);
}

static const struct chr_ops pair_ops = {
	.write = pair_write,
	.want_input = pair_want_input,
	.free = pair_free,
};

int chr_pair_new(struct loop *loop, struct chr **a, struct chr **b)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->loop = loop;
	for (int i = 0; i < 2; i++) {
		p->ends[i].chr.ops = &pair_ops;
		p->ends[i].pair = p;
		p->ends[i].other = &p->ends[1 - i];
		p->ends[i].task.fn = on_task;
		p->ends[i].task.arg = &p->ends[i];
	}
	*a = &p->ends[0].chr;
	*b = &p->ends[1].chr;
	return 0;
}
