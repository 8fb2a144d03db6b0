/* SPDX-License-Identifier: MIT */
/*
 * JSON puts together what belongs to one thing, OpenMetrics what has one name (it wants all samples
 * of a metric in one piece). Lists have some hundred samples, so both search from the start.
 */
#include "control/stats_format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"

#define NS_PER_S 1000000000u

/* ---- JSON ---- */

/* The object in the array parent[list] whose member `key` is `value` (used up), or a new one there.
 * Belongs to the parent. */
static json_t *entry(json_t *parent, const char *list, const char *key, json_t *value)
{
	json_t *array = json_object_get(parent, list);
	json_t *found;
	size_t i;

	if (!array) {
		json_object_set_new(parent, list, json_array());
		array = json_object_get(parent, list);
	}
	json_array_foreach (array, i, found) {
		if (json_equal(json_object_get(found, key), value)) {
			json_decref(value);
			return found;
		}
	}
	json_array_append_new(array, json_pack("{s:o}", key, value));
	return json_array_get(array, json_array_size(array) - 1);
}

static json_t *group_object(json_t *root, const char *group)
{
	if (!json_object_get(root, group))
		json_object_set_new(root, group, json_object());
	return json_object_get(root, group);
}

static json_t *place(json_t *root, const struct stats_sample *s)
{
	json_t *at;

	if (s->labels.hart != STATS_NONE)
		return entry(root, "harts", "hart", json_integer(s->labels.hart));
	if (!s->labels.device)
		return group_object(root, s->row->group);
	at = entry(root, "devices", "device", json_string(s->labels.device));
	if (s->labels.queue != STATS_NONE)
		at = entry(at, "queues", "queue", json_integer(s->labels.queue));
	return at;
}

json_t *stats_to_json(const struct stats_list *l)
{
	static const char *const units[] = {"", "_bytes", "_ns"};
	json_t *root = json_object();
	int bad = !root;

	for (size_t i = 0; i < l->n && !bad; i++) {
		const struct stats_sample *s = &l->sample[i];
		char name[64];

		snprintf(name, sizeof(name), "%s%s", s->row->name, units[s->row->unit]);
		bad = json_object_set_new(place(root, s), name, json_integer((json_int_t)s->value));
	}
	if (!bad)
		return root;
	json_decref(root);
	return NULL;
}

/* ---- OpenMetrics ---- */

static void print_name(FILE *f, const struct stats_row *row)
{
	static const char *const units[] = {"", "_bytes", "_seconds"};

	fprintf(f, "linnet_%s_%s%s", row->group, row->name, units[row->unit]);
}

static void print_labels(FILE *f, const struct stats_labels *l)
{
	const char *before = "{";

	if (l->device) {
		fprintf(f, "%sdevice=\"%s\"", before, l->device);
		before = ",";
	}
	if (l->queue != STATS_NONE) {
		fprintf(f, "%squeue=\"%d\"", before, l->queue);
		before = ",";
	}
	if (l->hart != STATS_NONE) {
		fprintf(f, "%shart=\"%d\"", before, l->hart);
		before = ",";
	}
	if (*before == ',')
		fputc('}', f);
}

static void print_sample(FILE *f, const struct stats_sample *s)
{
	print_name(f, s->row);
	if (!s->row->gauge)
		fputs("_total", f);
	print_labels(f, &s->labels);
	if (s->row->unit == STATS_NS)
		fprintf(f, " %" PRIu64 ".%09" PRIu64 "\n", s->value / NS_PER_S,
			s->value % NS_PER_S);
	else
		fprintf(f, " %" PRIu64 "\n", s->value);
}

/* All samples of the row that sample `first` is the first of. */
static void print_family(FILE *f, const struct stats_list *l, size_t first)
{
	static const char *const units[] = {NULL, "bytes", "seconds"};
	const struct stats_row *row = l->sample[first].row;

	fputs("# TYPE ", f);
	print_name(f, row);
	fputs(row->gauge ? " gauge\n" : " counter\n", f);
	if (units[row->unit]) {
		fputs("# UNIT ", f);
		print_name(f, row);
		fprintf(f, " %s\n", units[row->unit]);
	}
	fputs("# HELP ", f);
	print_name(f, row);
	fprintf(f, " %s.\n", row->help);
	for (size_t i = first; i < l->n; i++)
		if (l->sample[i].row == row)
			print_sample(f, &l->sample[i]);
}

static bool seen_before(const struct stats_list *l, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (l->sample[i].row == l->sample[at].row)
			return true;
	return false;
}

char *stats_to_openmetrics(const struct stats_list *l)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool bad;

	if (!f)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		if (!seen_before(l, i))
			print_family(f, l, i);
	fputs("# EOF\n", f);
	bad = ferror(f);
	if (!fclose(f) && !bad)
		return text;
	free(text);
	return NULL;
}
