/* SPDX-License-Identifier: MIT */
/* The list of samples: an array that grows. What counts is all in the header. */
#include "base/stats.h"

#include <errno.h>
#include <stdlib.h>

int stats_add(struct stats_list *l, const struct stats_row *row, struct stats_labels labels,
	      uint64_t value)
{
	if (l->n == l->max) {
		size_t max = l->max ? 2 * l->max : 64;
		struct stats_sample *more = reallocarray(l->sample, max, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->sample = more;
		l->max = max;
	}
	l->sample[l->n++] = (struct stats_sample){.row = row, .labels = labels, .value = value};
	return 0;
}

int stats_add_table(struct stats_list *l, const struct stats_row *table, struct stats_labels labels,
		    const void *base)
{
	for (const struct stats_row *row = table; row->name; row++) {
		const void *at = (const char *)base + row->offset;
		int ret = stats_add(l, row, labels, counter_read(at));

		if (ret)
			return ret;
	}
	return 0;
}

void stats_fini(struct stats_list *l)
{
	free(l->sample);
	*l = (struct stats_list){0};
}
