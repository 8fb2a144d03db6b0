/* SPDX-License-Identifier: MIT */
/*
 * While no rule is armed, bytes pass in the pieces in which they come. Else they pass one by one,
 * so that the pieces make no difference. The fate of a byte is decided when it is first offered; if
 * the other side does not take it then, it will be offered again, and `decided` keeps its fate.
 */
#include "backend/chr_fault.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/chr.h"
#include "base/bits.h"
#include "base/fault.h"

/* The byte at hand of one direction. */
struct gate {
	struct fault_point *point;
	bool decided, dropped;
	uint8_t byte;
};

struct fault_chr {
	struct chr chr;
	struct chr *inner;
	struct gate tx, rx;
};

static struct fault_chr *chr_of(struct chr *c)
{
	return container_of(c, struct fault_chr, chr);
}

static bool gate_idle(const struct gate *g)
{
	return !g->decided &&
	       (!g->point || !atomic_load_explicit(&g->point->armed, memory_order_relaxed));
}

static void gate_decide(struct gate *g, uint8_t byte)
{
	struct fault_hit hit;

	if (g->decided)
		return;
	g->decided = true;
	g->dropped = false;
	g->byte = byte;
	if (!fault_ask(g->point, &hit))
		return;
	g->dropped = hit.what & FAULT_DROP;
	if (hit.what & FAULT_CORRUPT)
		fault_corrupt(&g->byte, 1, hit.random);
}

/* ---- from the device ---- */

static ssize_t fault_write(struct chr *c, const uint8_t *buf, size_t len)
{
	struct fault_chr *fc = chr_of(c);
	struct gate *g = &fc->tx;
	size_t done = 0;

	if (gate_idle(g))
		return chr_write(fc->inner, buf, len);
	for (; done < len; done++) {
		ssize_t n = 1;

		gate_decide(g, buf[done]);
		if (!g->dropped)
			n = chr_write(fc->inner, &g->byte, 1);
		if (n < 0 && !done)
			return n;
		if (n <= 0)
			break;
		g->decided = false;
	}
	return (ssize_t)done;
}

static void fault_want_input(struct chr *c, bool want)
{
	chr_want_input(chr_of(c)->inner, want);
}

static void fault_free(struct chr *c)
{
	struct fault_chr *fc = chr_of(c);

	chr_attach(fc->inner, NULL, NULL);
	free(fc);
}

static const struct chr_ops fault_chr_ops = {
	.write = fault_write,
	.want_input = fault_want_input,
	.free = fault_free,
};

/* ---- to the device ---- */

static size_t inner_input(void *user, const uint8_t *buf, size_t len)
{
	struct fault_chr *fc = user;
	const struct chr_user_ops *ops = fc->chr.user_ops;
	struct gate *g = &fc->rx;
	size_t done = 0;

	if (!ops)
		return 0;
	if (gate_idle(g))
		return ops->input(fc->chr.user, buf, len);
	for (; done < len; done++) {
		gate_decide(g, buf[done]);
		if (!g->dropped && !ops->input(fc->chr.user, &g->byte, 1))
			break;
		g->decided = false;
	}
	return done;
}

static void inner_input_end(void *user)
{
	struct fault_chr *fc = user;

	if (fc->chr.user_ops && fc->chr.user_ops->input_end)
		fc->chr.user_ops->input_end(fc->chr.user);
}

static void inner_writable(void *user)
{
	struct fault_chr *fc = user;

	if (fc->chr.user_ops && fc->chr.user_ops->writable)
		fc->chr.user_ops->writable(fc->chr.user);
}

static const struct chr_user_ops inner_user_ops = {
	.input = inner_input,
	.input_end = inner_input_end,
	.writable = inner_writable,
};

int chr_fault_new(struct chr *inner, struct fault_device *device, struct chr **out)
{
	struct fault_chr *fc = calloc(1, sizeof(*fc));

	if (!fc)
		return -ENOMEM;
	fc->chr.ops = &fault_chr_ops;
	fc->inner = inner;
	fc->tx.point = fault_point(device, FAULT_TX);
	fc->rx.point = fault_point(device, FAULT_RX);
	chr_attach(inner, &inner_user_ops, fc);
	*out = &fc->chr;
	return 0;
}
