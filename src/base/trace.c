/* SPDX-License-Identifier: MIT */
/*
 * The ring is a bounded queue after D. Vyukov: each slot has a sequence number that says whose turn
 * it is. A writer takes a position by a compare and swap, fills the slot, and then passes it on by
 * its number; the loop hands an emptied slot on to the writer one round later. A writer that was
 * stopped in the middle holds up the reader behind it, and no other writer.
 *
 * The task is posted by the writer that finds none posted; the loop takes that back before it
 * looks, so no event is left lying.
 */
#include "base/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/loop.h"

#define RING_LEN 16384u /* a power of two */
#define FILE_BUF 65536u

struct slot {
	_Atomic uint32_t seq;
	struct trace_event event;
};

struct trace {
	struct loop *loop;
	struct loop_task task;
	atomic_bool posted;
	void (*stamp)(void *arg, struct trace_event *e);
	void *stamp_arg;
	_Atomic uint32_t tail; /* where the next writer puts its event */
	_Atomic uint64_t missing;

	/* The loop's own. */
	uint32_t head;
	uint64_t told_missing;
	FILE *file;
	int error; /* the first */
	struct slot slot[RING_LEN];
};

const struct trace_kind_info trace_kinds[TRACE_N_KINDS] = {
	[TRACE_POWER_ON] = {.name = "power-on", .label = "machine"},
	[TRACE_START] = {.name = "start", .label = "of", .a = "pc", .hex_a = true},
	[TRACE_STOP] = {.name = "stop", .label = "of"},
	[TRACE_CRASH] = {.name = "crash", .a = "pc", .b = "cause", .hex_a = true, .hex_b = true},
	[TRACE_MAIL] = {.name = "mail", .label = "to", .a = "channel", .b = "data", .hex_b = true},
	[TRACE_TAKEN] = {.name = "taken", .label = "of", .a = "channel"},
	[TRACE_LINE] = {.name = "line", .label = "to", .a = "level"},
	[TRACE_CLAIM] = {.name = "claim", .a = "source"},
	[TRACE_COMPLETE] = {.name = "complete", .a = "source"},
	[TRACE_KICK] = {.name = "kick", .label = "device", .a = "queue"},
	[TRACE_INTERRUPT] = {.name = "interrupt", .label = "device", .a = "queue", .b = "chains"},
	[TRACE_RING] = {.name = "ring", .label = "to", .a = "available", .b = "used"},
	[TRACE_RPMSG] = {.name = "rpmsg",
			 .label = "to",
			 .a = "src",
			 .b = "dst",
			 .c = "bytes",
			 .d = "flags",
			 .e = "reserved",
			 .data = "data"},
	[TRACE_ANNOUNCE] = {.name = "announce", .label = "name", .a = "addr", .b = "gone"},
	[TRACE_MISSING] = {.name = "missing", .a = "events"},
};

/* What there is of it. */
static void copy_event(struct trace_event *to, const struct trace_event *from)
{
	memcpy(to, from, offsetof(struct trace_event, data) + from->n_data);
}

/* ---- writers ---- */

static void put_event(struct trace *t, const struct trace_event *e)
{
	uint32_t at = atomic_load_explicit(&t->tail, memory_order_relaxed);
	struct slot *s;

	for (;;) {
		int32_t turn;

		s = &t->slot[at % RING_LEN];
		/* Acquire: the loop has read what was in the slot. */
		turn = (int32_t)(atomic_load_explicit(&s->seq, memory_order_acquire) - at);
		if (turn < 0) {
			atomic_fetch_add_explicit(&t->missing, 1, memory_order_relaxed);
			return;
		}
		if (turn > 0) /* another writer has it */
			at = atomic_load_explicit(&t->tail, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(
				 &t->tail, &at, at + 1, memory_order_relaxed, memory_order_relaxed))
			break;
	}
	copy_event(&s->event, e);
	atomic_store_explicit(&s->seq, at + 1, memory_order_release);
}

void trace_put(struct trace *t, enum trace_kind kind, const char *label, uint64_t a, uint64_t b)
{
	struct trace_event e = {.kind = (uint8_t)kind, .a = a, .b = b};

	if (label)
		(void)snprintf(e.label, sizeof(e.label), "%s", label);
	trace_event(t, &e);
}

void trace_event(struct trace *t, struct trace_event *e)
{
	e->core = TRACE_HOST;
	if (t->stamp)
		t->stamp(t->stamp_arg, e);
	put_event(t, e);
	if (!atomic_exchange(&t->posted, true))
		loop_post(t->loop, &t->task);
}

/* ---- the file ---- */

static size_t format_data(const struct trace_event *e, const char *name, char *out, size_t max)
{
	size_t len = (size_t)snprintf(out, max, ",\"%s\":\"", name);

	for (unsigned i = 0; i < e->n_data; i++)
		len += (size_t)snprintf(out + len, max - len, "%02x", e->data[i]);
	return len + (size_t)snprintf(out + len, max - len, "\"");
}

static size_t format_unless_zero(uint32_t v, const char *name, char *out, size_t max)
{
	if (!name || !v)
		return 0;
	return (size_t)snprintf(out, max, ",\"%s\":\"0x%" PRIx32 "\"", name, v);
}

size_t trace_format(const struct trace_event *e, char out[TRACE_LINE_MAX])
{
	static const char *const cores[] = {"big", "small", "host"};
	const struct trace_kind_info *k = &trace_kinds[e->kind];
	size_t len;

	len = (size_t)snprintf(out, TRACE_LINE_MAX,
			       "{\"t\":%" PRIu64 ",\"big\":%" PRIu64 ",\"small\":%" PRIu64
			       ",\"core\":\"%s\",\"event\":\"%s\"",
			       e->time_ns, e->insns[0], e->insns[1], cores[e->core], k->name);
	if (k->label)
		len += (size_t)snprintf(out + len, TRACE_LINE_MAX - len, ",\"%s\":\"%s\"", k->label,
					e->label);
	if (k->a)
		len += (size_t)snprintf(out + len, TRACE_LINE_MAX - len,
					k->hex_a ? ",\"%s\":\"0x%" PRIx64 "\"" : ",\"%s\":%" PRIu64,
					k->a, e->a);
	if (k->b)
		len += (size_t)snprintf(out + len, TRACE_LINE_MAX - len,
					k->hex_b ? ",\"%s\":\"0x%" PRIx64 "\"" : ",\"%s\":%" PRIu64,
					k->b, e->b);
	if (k->c)
		len += (size_t)snprintf(out + len, TRACE_LINE_MAX - len, ",\"%s\":%" PRIu64, k->c,
					e->c);
	len += format_unless_zero(e->d, k->d, out + len, TRACE_LINE_MAX - len);
	len += format_unless_zero(e->e, k->e, out + len, TRACE_LINE_MAX - len);
	if (k->data)
		len += format_data(e, k->data, out + len, TRACE_LINE_MAX - len);
	return len + (size_t)snprintf(out + len, TRACE_LINE_MAX - len, "}");
}

static void write_event(struct trace *t, const struct trace_event *e)
{
	char line[TRACE_LINE_MAX + 1];
	size_t len = trace_format(e, line);

	line[len++] = '\n';
	if (fwrite(line, 1, len, t->file) != len && !t->error)
		t->error = -errno;
}

static void write_missing(struct trace *t, struct trace_event *e)
{
	uint64_t missing = atomic_load_explicit(&t->missing, memory_order_relaxed);

	if (missing == t->told_missing)
		return;
	e->kind = TRACE_MISSING;
	e->core = TRACE_HOST;
	e->a = missing - t->told_missing;
	t->told_missing = missing;
	write_event(t, e);
}

static void drain(struct trace *t)
{
	struct trace_event e = {0};

	atomic_store(&t->posted, false);
	/* A round at most: writers may be as fast as we are. */
	for (unsigned n = 0; n < RING_LEN; n++) {
		struct slot *s = &t->slot[t->head % RING_LEN];

		if (atomic_load_explicit(&s->seq, memory_order_acquire) != t->head + 1)
			break;
		copy_event(&e, &s->event);
		atomic_store_explicit(&s->seq, t->head + RING_LEN, memory_order_release);
		t->head++;
		write_event(t, &e);
	}
	write_missing(t, &e);
}

static void drain_task(struct loop_task *task)
{
	drain(task->arg);
}

/* ---- life ---- */

int trace_open(struct loop *loop, const char *label, const char *path, struct trace **out,
	       struct err *e)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(e, -ENOMEM, "out of memory");
	t->file = fopen(path, "we");
	if (!t->file) {
		int err = errno;

		free(t);
		return err_set(e, -err, "%s%s: cannot be opened for writing: %s", label, path,
			       strerror(err));
	}
	(void)setvbuf(t->file, NULL, _IOFBF, FILE_BUF);
	t->loop = loop;
	t->task.fn = drain_task;
	t->task.arg = t;
	for (uint32_t i = 0; i < RING_LEN; i++)
		atomic_init(&t->slot[i].seq, i);
	*out = t;
	return 0;
}

void trace_set_stamp(struct trace *t, void (*stamp)(void *arg, struct trace_event *e), void *arg)
{
	t->stamp = stamp;
	t->stamp_arg = arg;
}

int trace_close(struct trace *t)
{
	int ret;

	if (!t)
		return 0;
	drain(t);
	loop_task_cancel(t->loop, &t->task);
	ret = t->error;
	if (fclose(t->file) && !ret)
		ret = -errno;
	free(t);
	return ret;
}
