/* SPDX-License-Identifier: MIT */
/*
 * A table is an array of objects: a row each, and a column for each member that any of them has, so
 * that a counter which is new shows without a change here. Arrays inside of rows are left to the
 * caller. Names tell units: "_ns" is shown in seconds.
 */
#include "cmd/ctl_print.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/opt.h"

#define COLUMNS_MAX 24u
#define CELL_MAX    96u
#define NS_PER_S    1000000000.0

struct column {
	const char *key;
	size_t width;
	bool right; /* numbers */
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* "read_bytes" as "READ BYTES". */
static void heading(const char *key, char out[CELL_MAX])
{
	size_t n = strlen(key);

	if (ends_with(key, "_ns"))
		snprintf(out, CELL_MAX, "%.*s s", (int)n - 3, key);
	else
		snprintf(out, CELL_MAX, "%s", key);
	for (char *p = out; *p; p++)
		*p = *p == '_' ? ' ' : (char)toupper((unsigned char)*p);
}

static void cell(const char *key, const json_t *value, char out[CELL_MAX])
{
	if (json_is_string(value))
		snprintf(out, CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value) && ends_with(key, "_ns"))
		snprintf(out, CELL_MAX, "%.3f", (double)json_integer_value(value) / NS_PER_S);
	else if (json_is_integer(value))
		snprintf(out, CELL_MAX, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(out, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(out, CELL_MAX, "-");
}

/* Adds the row's members that have no column yet, and widens those that have. */
static unsigned add_columns(struct column *col, unsigned n, const json_t *row)
{
	char text[CELL_MAX];
	const char *key;
	json_t *value;
	unsigned i;

	json_object_foreach ((json_t *)(uintptr_t)row, key, value) {
		if (json_is_array(value))
			continue;
		for (i = 0; i < n && strcmp(col[i].key, key); i++)
			continue;
		if (i == COLUMNS_MAX)
			continue;
		if (i == n) {
			heading(key, text);
			col[n++] = (struct column){key, strlen(text), json_is_integer(value)};
		}
		cell(key, value, text);
		if (strlen(text) > col[i].width)
			col[i].width = strlen(text);
	}
	return n;
}

static void print_cell(const struct column *c, const char *text, bool last)
{
	if (c->right)
		printf("%*s", (int)c->width, text);
	else if (last)
		printf("%s", text);
	else
		printf("%-*s", (int)c->width, text);
	printf("%s", last ? "\n" : "  ");
}

static void print_table(const json_t *rows)
{
	struct column col[COLUMNS_MAX];
	char text[CELL_MAX];
	unsigned n = 0;
	json_t *row;
	size_t r;

	json_array_foreach (rows, r, row)
		n = add_columns(col, n, row);
	for (unsigned i = 0; i < n; i++) {
		heading(col[i].key, text);
		print_cell(&col[i], text, i + 1 == n);
	}
	json_array_foreach (rows, r, row) {
		for (unsigned i = 0; i < n; i++) {
			cell(col[i].key, json_object_get(row, col[i].key), text);
			print_cell(&col[i], text, i + 1 == n);
		}
	}
}

/* One of several tables; what has no rows is left out. */
static void print_section(const json_t *rows)
{
	if (!json_array_size(rows))
		return;
	print_table(rows);
	putchar('\n');
}

/* ---- answers ---- */

static const char *string_of(const json_t *answer, const char *key)
{
	const char *s = json_string_value(json_object_get(answer, key));

	return s ? s : "?";
}

static long long integer_of(const json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(answer, key));
}

void ctl_print_status(const json_t *answer)
{
	char mem[OPT_SIZE_TEXT];
	long long harts = integer_of(answer, "harts");

	printf("state    %s\n", string_of(answer, "state"));
	printf("machine  %s, engine %s, %lld hart%s, %s\n", string_of(answer, "machine"),
	       string_of(answer, "engine"), harts, harts == 1 ? "" : "s",
	       opt_format_size((uint64_t)integer_of(answer, "memory"), mem));
	printf("uptime   %.3f s, of the guest's time %.3f s\n",
	       (double)integer_of(answer, "uptime_ns") / NS_PER_S,
	       (double)integer_of(answer, "time_ns") / NS_PER_S);
	printf("process  %lld, linnet %s\n\n", integer_of(answer, "pid"),
	       string_of(answer, "version"));
	print_table(json_object_get(answer, "devices"));
}

static bool has_counted(const json_t *queue)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)queue, key, value) {
		if (strcmp(key, "queue") && json_integer_value(value))
			return true;
	}
	return false;
}

/* The queues of all devices as one array, each with its device's name in front. A console has many
 * that nobody uses: those are left out. */
static json_t *all_queues(const json_t *devices)
{
	json_t *all = json_array(), *device, *queue;
	size_t d, q;

	json_array_foreach (devices, d, device) {
		json_array_foreach (json_object_get(device, "queues"), q, queue) {
			json_t *row;

			if (!has_counted(queue))
				continue;
			row = json_pack("{s:O}", "device", json_object_get(device, "device"));
			json_object_update(row, queue);
			json_array_append_new(all, row);
		}
	}
	return all;
}

void ctl_print_stats(const json_t *answer)
{
	const json_t *devices = json_object_get(answer, "devices");
	json_t *balloon = json_object_get(answer, "balloon"), *queues;

	/* In a format of its own. */
	if (json_object_get(answer, "text")) {
		fputs(string_of(answer, "text"), stdout);
		return;
	}
	print_section(json_object_get(answer, "harts"));
	queues = all_queues(devices);
	print_section(queues);
	json_decref(queues);
	if (balloon) {
		json_t *row = json_pack("[O]", balloon);

		print_section(row);
		json_decref(row);
	}
	print_table(devices);
}

void ctl_print_state(const json_t *answer)
{
	if (json_object_get(answer, "state"))
		printf("%s\n", string_of(answer, "state"));
}

void ctl_print_small(const json_t *answer)
{
	const json_t *n = json_object_get(answer, "instructions");
	const json_t *crash = json_object_get(answer, "crash");

	printf("%s, start %s, %lld instructions\n", string_of(answer, "state"),
	       string_of(answer, "start"), (long long)json_integer_value(n));
	if (crash)
		printf("%s\n", json_string_value(crash));
}

void ctl_print_help(const json_t *answer)
{
	print_table(json_object_get(answer, "verbs"));
}

void ctl_print_faults(const json_t *answer)
{
	print_table(json_object_get(answer, "faults"));
}

void ctl_print_diagnosis(const json_t *answer)
{
	const json_t *device, *queue;
	size_t i, n;

	json_array_foreach (json_object_get(answer, "devices"), i, device) {
		printf("%s: %s\n", string_of(device, "device"), string_of(device, "verdict"));
		printf("  status %s", string_of(device, "status"));
		if (json_object_get(device, "features"))
			printf("; features %s", string_of(device, "features"));
		putchar('\n');
		json_array_foreach (json_object_get(device, "queues"), n, queue) {
			printf("  queue %zu: %s\n", n, json_string_value(queue));
		}
	}
}
