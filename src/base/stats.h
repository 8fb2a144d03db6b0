/* SPDX-License-Identifier: MIT */
/*
 * Counters, and how they reach whoever reads them.
 *
 * A counter lies beside what it counts, in a structure of its own kind. A constant table says what
 * each member of such a structure means, and a list of samples carries names, labels and values to
 * a format (JSON, OpenMetrics): who counts knows no format, a format knows no device.
 *
 * Counting costs an addition in memory that the counting thread owns. Readers are on any thread and
 * see each counter as it was a moment ago; two counters need not fit each other.
 */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is ready. */
struct counter {
	_Atomic uint64_t n;
};

/* By the one thread that counts here, or under a lock. Relaxed: nothing is concluded from a counter
 * about other memory. */
static inline void counter_add(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->n, atomic_load_explicit(&c->n, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* By any number of threads. */
static inline void counter_add_shared(struct counter *c, uint64_t n)
{
	atomic_fetch_add_explicit(&c->n, n, memory_order_relaxed);
}

static inline uint64_t counter_read(const struct counter *c)
{
	return atomic_load_explicit(&c->n, memory_order_relaxed);
}

enum stats_unit { STATS_EVENTS, STATS_BYTES, STATS_NS };

/* What one number means. A table of them describes a structure; it ends with an entry without a
 * name. Only lower-case letters, digits and '_' in group and name. */
struct stats_row {
	const char *group; /* what kind of thing counts: "virtio_queue" */
	const char *name;  /* what it counts, without its unit: "read" */
	const char *help;  /* a sentence without a full stop; no newline, quote or backslash */
	enum stats_unit unit;
	bool gauge;    /* goes up and down, and is no sum */
	size_t offset; /* of the struct counter */
};

#define STATS_NONE (-1)

/* Whose number it is; what does not apply is NULL or STATS_NONE. */
struct stats_labels {
	const char *device; /* its name: of letters and digits. Outlives the list. */
	int queue;
	int hart;
};

struct stats_sample {
	const struct stats_row *row;
	struct stats_labels labels;
	uint64_t value;
};

/* Zeroed is an empty list. One thread. */
struct stats_list {
	struct stats_sample *sample;
	size_t n, max;
};

/* 0 or -ENOMEM. */
int stats_add(struct stats_list *l, const struct stats_row *row, struct stats_labels labels,
	      uint64_t value);
/* All counters of the structure at `base`. 0 or -ENOMEM. */
int stats_add_table(struct stats_list *l, const struct stats_row *table, struct stats_labels labels,
		    const void *base);
void stats_fini(struct stats_list *l);

#endif
