/* SPDX-License-Identifier: MIT */
/* Lines of a trace read back, and shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cmd/trace.h"

static void test_all_kinds(void **state)
{
	for (unsigned kind = 0; kind < TRACE_N_KINDS; kind++) {
		const struct trace_kind_info *k = &trace_kinds[kind];
		struct trace_event back, e = {.time_ns = 99,
					      .insns = {5, 6},
					      .kind = (uint8_t)kind,
					      .core = TRACE_BIG};
		char line[TRACE_LINE_MAX], text[TRACE_TEXT_MAX];

		e.a = k->a ? 0x1234 : 0;
		e.b = k->b ? 0xfedcba9876543210 * k->hex_b : 0;
		if (k->label)
			strcpy(e.label, "small");
		trace_format(&e, line);
		assert_int_equal(trace_parse(line, &back), 0);
		assert_memory_equal(&back, &e, sizeof(e));
		trace_text(&e, text);
		assert_true(strlen(text) > 4);
	}
}

static void test_bad_lines(void **state)
{
	static const char *const lines[] = {
		"",
		"hello",
		"[]",
		"{}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\"}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"none\"}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"red\",\"event\":\"claim\",\"source\":1}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"claim\"}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"claim\",\"source\":"
		"\"1\"}",
		"{\"t\":1,\"big\":1,\"core\":\"big\",\"event\":\"claim\",\"source\":1}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"stop\"}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"stop\",\"of\":7}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"stop\",\"of\":"
		"\"sixteen letters.\"}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"start\",\"of\":"
		"\"small\","
		"\"pc\":\"0xzz\"}",
	};
	struct trace_event e;

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(trace_parse(lines[i], &e), -EINVAL);
}

static const struct trace_event events[] = {
	{.kind = TRACE_START, .core = TRACE_HOST, .a = 0x8fe00000, .label = "small"},
	{.time_ns = 1234567,
	 .insns = {10, 2},
	 .kind = TRACE_MAIL,
	 .core = TRACE_BIG,
	 .a = 1,
	 .b = 0x5,
	 .label = "small"},
	{.time_ns = 1240000,
	 .insns = {11, 3},
	 .kind = TRACE_LINE,
	 .core = TRACE_BIG,
	 .a = 1,
	 .label = "small"},
	{.time_ns = 1300000, .insns = {12, 4}, .kind = TRACE_CLAIM, .core = TRACE_SMALL, .a = 61},
	{.time_ns = 1300001,
	 .insns = {12, 5},
	 .kind = TRACE_TAKEN,
	 .core = TRACE_SMALL,
	 .a = 1,
	 .label = "small"},
	{.time_ns = 1400000,
	 .insns = {12, 6},
	 .kind = TRACE_MAIL,
	 .core = TRACE_SMALL,
	 .a = 1,
	 .b = 0x123456789abcdef0,
	 .label = "big"},
	{.time_ns = 1400000,
	 .insns = {12, 6},
	 .kind = TRACE_COMPLETE,
	 .core = TRACE_SMALL,
	 .a = 61},
	{.time_ns = 1500000, .insns = {13, 6}, .kind = TRACE_CLAIM, .core = TRACE_BIG, .a = 101},
};

/* What a view prints of the events; the caller's to free. */
static char *print(const struct trace_view *view, void *arg)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	view->begin(arg, out);
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++)
		view->event(arg, out, &events[i]);
	if (view->end)
		view->end(arg, out);
	fclose(out);
	return text;
}

static void test_chart(void **state)
{
	struct trace_chart chart = {.all = false};
	char *text = print(&trace_chart_view, &chart);

	assert_non_null(strstr(text, "| start of small at 0x8fe00000       |\n"));
	assert_non_null(strstr(text, "       1.234             10              2   "
				     "o---------- mail 1, 0x5 ----------->|\n"));
	assert_non_null(strstr(text, "|                                    o claim 61\n"));
	assert_non_null(strstr(text, "|<--- mail 1, 0x123456789abcdef0 ---o\n"));
	assert_null(strstr(text, "claim 101"));
	assert_null(strstr(text, "complete"));
	free(text);
	chart.all = true;
	text = print(&trace_chart_view, &chart);
	assert_non_null(strstr(text, "o claim 101 "));
	assert_non_null(strstr(text, "o mailbox interrupts small: on "));
	assert_non_null(strstr(text, "o complete 61\n"));
	free(text);
}

static void test_chrome(void **state)
{
	struct trace_chrome chrome = {0};
	char *text = print(&trace_chrome_view, &chrome), phases[32] = "";
	json_t *root = json_loads(text, 0, NULL), *list = json_object_get(root, "traceEvents");

	assert_non_null(root);
	for (size_t i = 0; i < json_array_size(list); i++)
		strcat(phases, json_string_value(json_object_get(json_array_get(list, i), "ph")));
	/* Names, start, message and its flow, wire, claim, taken and the flow's end, message and
	 * flow, completion, claim. */
	assert_string_equal(phases, "MMMiisiBifisEB");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 4), "tid")), 1);
	assert_true(json_number_value(json_object_get(json_array_get(list, 4), "ts")) == 1234.567);
	json_decref(root);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_chart),
		cmocka_unit_test(test_chrome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
