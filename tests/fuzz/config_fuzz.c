/* SPDX-License-Identifier: MIT */
/* Configuration files: the input is one. Whatever it is, each refusal names a place in the input
 * and says why; and what was taken is dumped as a file that is taken again and dumped as the
 * same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/config.h"
#include "cmd/run_options.h"

#define NAME "input"

/* "input:LINE:COLUMN: why", where there is such a line and column, or the end. */
static void check_message(const char *message, const char *text, size_t len)
{
	unsigned line, column;
	size_t at = 0, end;
	int n = 0;

	assert(sscanf(message, NAME ":%u:%u: %n", &line, &column, &n) == 2);
	assert(n && message[n] && line >= 1 && column >= 1);
	for (; line > 1; line--) {
		const char *newline = memchr(text + at, '\n', len - at);

		assert(newline);
		at = (size_t)(newline - text) + 1;
	}
	for (end = at; end < len && text[end] != '\n';)
		end++;
	assert(column - 1 <= end - at);
}

/* Takes a file, and returns what is dumped then; NULL when it was refused. */
static char *take(const char *text, size_t len)
{
	char word[] = "--dump-config", *argv[] = {word}, *dumped = NULL;
	struct run_options o = {.smp = 1, .mem = 512u << 20};
	struct err e = {0};
	size_t dumped_len;
	FILE *f;
	int ret = config_parse(NAME, text, len, &o.config_file, &e);

	if (!ret)
		ret = config_apply(o.config_file, run_option_table, &o, 0, NULL, &e);
	if (ret) {
		check_message(e.text, text, len);
		run_options_free(&o);
		return NULL;
	}
	ret = config_dump_new(o.config_file, run_option_table, 1, argv, &o.config_dump, &e);
	assert(!ret);
	f = open_memstream(&dumped, &dumped_len);
	assert(f);
	ret = config_dump_write(o.config_dump, run_option_table, &o, f, &e);
	assert(!ret);
	ret = fclose(f);
	assert(!ret);
	run_options_free(&o);
	return dumped;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first, *second;

	if (size > 65536)
		return -1;
	first = take((const char *)data, size);
	if (!first)
		return 0;
	second = take(first, strlen(first));
	assert(second && !strcmp(first, second));
	free(first);
	free(second);
	return 0;
}
