/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/console_watch.h"

static void feed(struct console_watch *w, const char *text)
{
	console_watch_feed(w, (const uint8_t *)text, strlen(text));
}

static void expect_printed(const struct console_watch *w, const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	console_watch_print(w, f, "| ");
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

/* Exactly "line FIRST" to "line LAST", and then `more`. */
static void expect_last(const struct console_watch *w, int first, int last, const char *more)
{
	char want[CONSOLE_WATCH_LINES * 16] = "";
	size_t len = 0;

	for (int i = first; i <= last; i++)
		len += (size_t)snprintf(want + len, sizeof(want) - len, "| line %d\n", i);
	if (more)
		(void)snprintf(want + len, sizeof(want) - len, "| %s\n", more);
	assert_int_equal(last - first + 1 + !!more, CONSOLE_WATCH_LINES);
	expect_printed(w, want);
}

static void test_lines(void **state)
{
	struct console_watch w = {0};
	char line[16];

	expect_printed(&w, "");
	feed(&w, "one\r\n\x1b[1mtwo\x1b[0m\n\tthr");
	feed(&w, "ee");
	expect_printed(&w, "| one\n| [1mtwo[0m\n| \tthree\n");
	/* The last ones, of which the one being written is one. */
	for (int i = 0; i < 100; i++) {
		(void)snprintf(line, sizeof(line), "line %d\n", i);
		feed(&w, line);
	}
	expect_last(&w, 80, 99, NULL);
	feed(&w, "no end");
	expect_last(&w, 81, 99, "no end");
}

static void test_long_line(void **state)
{
	struct console_watch w = {0};
	char want[CONSOLE_WATCH_WIDTH + 8];

	for (int i = 0; i < 1000; i++)
		feed(&w, "y");
	feed(&w, "\n");
	memset(want, 'y', sizeof(want));
	want[0] = '|';
	want[1] = ' ';
	want[2 + CONSOLE_WATCH_WIDTH - 1] = '\n';
	want[2 + CONSOLE_WATCH_WIDTH] = '\0';
	expect_printed(&w, want);
}

static void test_panic(void **state)
{
	static const char *const panics[] = {
		"Kernel panic - not syncing: x\n",
		"[    1.234567] Kernel panic - not syncing: x\r\n",
		"<0>[    1.2] Kernel panic - not syncing: x\n",
	};
	static const char *const others[] = {
		"grep: Kernel panic - not syncing\n",
		"Kernel panic - not sync\n",
		"[ 1.2 Kernel panic - not syncing\n",
		"Kernel panic - not syncing", /* not yet a line */
		"---[ end Kernel panic - not syncing: x ]---\n",
	};

	for (size_t i = 0; i < sizeof(panics) / sizeof(panics[0]); i++) {
		struct console_watch w = {0};

		feed(&w, panics[i]);
		assert_true(w.panicked);
		assert_false(w.halted);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct console_watch w = {0};

		feed(&w, others[i]);
		assert_false(w.panicked);
		assert_false(w.halted);
	}
}

/* The last line of a panic must stay the last. */
static void test_halted(void **state)
{
	struct console_watch w = {0};

	feed(&w, "[ 1.0] Kernel panic - not syncing: x\n[ 1.1] CPU: 0\n");
	assert_false(w.halted);
	feed(&w, "[ 1.2] ---[ end Kernel panic - not syncing: x ]---\r\n");
	assert_true(w.halted);
	feed(&w, "\r\n");
	assert_true(w.halted);
	feed(&w, "#");
	assert_false(w.halted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_halted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
