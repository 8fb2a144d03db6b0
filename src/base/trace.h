/* SPDX-License-Identifier: MIT */
/*
 * A trace: what the parts of a machine did to each other, with the time of each core, as a file of
 * JSON lines. docs/trace.md is the manual of its format.
 *
 * Whoever has something to tell holds a `struct trace *` that is NULL while nobody traces: then
 * trace() costs one branch. Else an event is put into a ring without a lock, from any thread and
 * also under a leaf lock, in the order in which the calls are made; the loop formats and writes it.
 * What finds the ring full is counted, and the file says how many events are missing, and where.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"

struct err;
struct loop;
struct trace;

enum trace_kind {
	TRACE_POWER_ON,  /* label: the machine */
	TRACE_START,     /* label: the core; a: its pc */
	TRACE_STOP,      /* label: the core */
	TRACE_CRASH,     /* a: pc, b: mcause */
	TRACE_MAIL,      /* label: to which core; a: the channel, b: its 8 bytes of memory */
	TRACE_TAKEN,     /* label: which core's; a: the channel whose interrupt was cleared */
	TRACE_LINE,      /* label: the mailbox's wire to which core; a: its new level */
	TRACE_CLAIM,     /* a: the source at the interrupt controller */
	TRACE_COMPLETE,  /* a: the source */
	TRACE_KICK,      /* label: a virtio device; a: the queue */
	TRACE_INTERRUPT, /* label: a virtio device; a: the queue, b: chains used so far */
	TRACE_RING,      /* label: the ring to which core; a: its available, b: its used index */
	TRACE_RPMSG,     /* label: to which core; from address a to address b, c bytes; the header's
			    flags d and reserved word e; data */
	TRACE_ANNOUNCE,  /* label: a name of RPMsg's name service; at address a; b: 1: no more */
	TRACE_MISSING,   /* a: how many events */
	TRACE_N_KINDS,
};

#define TRACE_LABEL    40u
#define TRACE_DATA_MAX 496u /* a message of RPMsg */

/* Who did it. */
enum trace_core { TRACE_BIG, TRACE_SMALL, TRACE_HOST };

struct trace_event {
	uint64_t time_ns;  /* of the guest */
	uint64_t insns[2]; /* retired by the big and the small core */
	uint64_t a, b, c;
	uint32_t d, e;
	uint8_t kind, core;
	uint16_t n_data;
	char label[TRACE_LABEL];
	uint8_t data[TRACE_DATA_MAX]; /* n_data bytes of it */
};

/* What is known of a kind, for readers and writers; "" and NULL: it has none. */
struct trace_kind_info {
	const char *name;
	const char *label, *a, *b, *c; /* names of the members */
	bool hex_a, hex_b;             /* they are strings in hexadecimal */
	const char *d, *e;             /* strings in hexadecimal, left out where they are 0 */
	const char *data;              /* the name of that, a string of two digits for each byte */
};

extern const struct trace_kind_info trace_kinds[TRACE_N_KINDS];

/* Begins a file. On the loop's thread, as the next three. 0, or -errno with a message that begins
 * with `label`, such as "--trace ". */
int trace_open(struct loop *loop, const char *label, const char *path, struct trace **out,
	       struct err *e);
/* Who tells time, instructions and core of an event; any thread. Before the machine runs; NULL at
 * its end, when nothing is traced any more. */
void trace_set_stamp(struct trace *t, void (*stamp)(void *arg, struct trace_event *e), void *arg);
/* Writes what there is and ends the file: 0 or the -errno of the first write that failed. NULL is
 * allowed. */
int trace_close(struct trace *t);

/* Any thread: the same with an event whose kind, label, a to e and data are filled in. */
void trace_event(struct trace *t, struct trace_event *e);

/* Any thread; see trace(). label: at most TRACE_LABEL - 1 characters of it, NULL: none. */
void trace_put(struct trace *t, enum trace_kind kind, const char *label, uint64_t a, uint64_t b);

static inline void trace(struct trace *t, enum trace_kind kind, const char *label, uint64_t a,
			 uint64_t b)
{
	if (unlikely(t))
		trace_put(t, kind, label, a, b);
}

/* One event as a line of the file, without its end; how long it is. */
#define TRACE_LINE_MAX (416u + 2 * TRACE_DATA_MAX)
size_t trace_format(const struct trace_event *e, char out[TRACE_LINE_MAX]);

#endif
