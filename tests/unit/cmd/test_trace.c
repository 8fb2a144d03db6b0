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
		e.c = k->c ? 496 : 0;
		e.d = k->d ? 0x8001 : 0;
		e.e = k->e ? 0xfedcba98 : 0;
		e.b = k->b ? 0xfedcba9876543210 * k->hex_b : 0;
		if (k->label)
			memcpy(e.label, "small", sizeof("small"));
		e.n_data = k->data ? TRACE_DATA_MAX : 0;
		for (unsigned i = 0; i < e.n_data; i++)
			e.data[i] = (uint8_t)(i * 7);
		trace_format(&e, line);
		assert_int_equal(trace_parse(line, &back), 0);
		assert_memory_equal(&back, &e, sizeof(e));
		trace_text(&e, text);
		assert_true(strlen(text) > 4);
	}
}

#define MESSAGE                                                                                 \
	"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"rpmsg\",\"to\":\"small\"," \
	"\"src\":1,\"dst\":2,\"bytes\":1"

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
		"\"forty letters, and not a single one more\"}",
		MESSAGE "}",
		MESSAGE ",\"flags\":1,\"data\":\"\"}",
		MESSAGE ",\"flags\":\"red\",\"data\":\"\"}",
		MESSAGE ",\"reserved\":\"0x100000000\",\"data\":\"\"}",
		MESSAGE ",\"data\":\"123\"}",
		MESSAGE ",\"data\":\"1G\"}",
		MESSAGE ",\"data\":\"1F\"}",
		MESSAGE ",\"data\":12}",
		"{\"t\":1,\"big\":1,\"small\":1,\"core\":\"big\",\"event\":\"start\",\"of\":"
		"\"small\","
		"\"pc\":\"0xzz\"}",
	};
	char line[TRACE_LINE_MAX];
	struct trace_event e;

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(trace_parse(lines[i], &e), -EINVAL);
	assert_int_equal(trace_parse(MESSAGE ",\"data\":\"1f\"}", &e), 0);
	assert_true(e.n_data == 1 && e.data[0] == 0x1f);
	assert_true(!e.d && !e.e);
	/* More than there may be. */
	(void)snprintf(line, sizeof(line), MESSAGE ",\"data\":\"%0*d\"}",
		       (int)(2 * TRACE_DATA_MAX + 2), 0);
	assert_int_equal(trace_parse(line, &e), -EINVAL);
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
	{.time_ns = 1400001,
	 .insns = {12, 7},
	 .kind = TRACE_RPMSG,
	 .core = TRACE_SMALL,
	 .a = 30,
	 .b = 1024,
	 .c = 4,
	 .d = 0x8001,
	 .e = 0xfedcba98,
	 .n_data = 3,
	 .data = "\x01\x02\x03",
	 .label = "big"},
	{.time_ns = 1500000, .insns = {13, 6}, .kind = TRACE_CLAIM, .core = TRACE_BIG, .a = 101},
};

/* What a view prints of the events; the caller's to free. */
static char *print(const struct trace_view *view, void *arg, size_t *len)
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
	(void)fclose(out);
	if (len)
		*len = size;
	return text;
}

static void test_chart(void **state)
{
	struct trace_chart chart = {.all = false};
	char *text = print(&trace_chart_view, &chart, NULL);

	assert_non_null(strstr(text, "| start of small at 0x8fe00000       |\n"));
	assert_non_null(strstr(text, "       1.234             10              2   "
				     "o---------- mail 1, 0x5 ----------->|\n"));
	assert_non_null(strstr(text, "|                                    o claim 61\n"));
	assert_non_null(strstr(text, "|<--- mail 1, 0x123456789abcdef0 ---o\n"));
	assert_non_null(strstr(text, "|<------- rpmsg 30 > 1024, 4 -------o "
				     "flags 0x8001, reserved 0xfedcba98\n"));
	assert_null(strstr(text, "claim 101"));
	assert_null(strstr(text, "complete"));
	free(text);
	chart.all = true;
	text = print(&trace_chart_view, &chart, NULL);
	assert_non_null(strstr(text, "o claim 101 "));
	assert_non_null(strstr(text, "o mailbox interrupts small: on "));
	assert_non_null(strstr(text, "o complete 61\n"));
	free(text);
}

static void test_chrome(void **state)
{
	struct trace_chrome chrome = {0};
	char *text = print(&trace_chrome_view, &chrome, NULL), phases[32] = "";
	json_t *root = json_loads(text, 0, NULL), *list = json_object_get(root, "traceEvents");

	assert_non_null(root);
	assert_true(json_array_size(list) < sizeof(phases));
	for (size_t i = 0; i < json_array_size(list); i++)
		phases[i] = *json_string_value(json_object_get(json_array_get(list, i), "ph"));
	/* Names, start, message and its flow, wire, claim, taken and the flow's end, message and
	 * flow, completion, RPMsg, claim. */
	assert_string_equal(phases, "MMMiisiBifisEiB");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 4), "tid")), 1);
	assert_true(json_number_value(json_object_get(json_array_get(list, 4), "ts")) == 1234.567);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 13), "name")),
			    "rpmsg 30 > 1024, 4, flags 0x8001, reserved 0xfedcba98");
	json_decref(root);
	free(text);
}

/* Field by field, as docs/trace.md has them. */
static void test_pcap(void **state)
{
	static const uint8_t message[] = {30,   0,    0, 0, 0, 4,    0, 0, 0x98, 0xba,
					  0xdc, 0xfe, 4, 0, 1, 0x80, 1, 2, 3};
	size_t len;
	char *text = print(&trace_pcap_view, NULL, &len);
	uint32_t w[10];

	assert_int_equal(len, 24 + 16 + 24 + sizeof(message));
	memcpy(w, text, sizeof(w));
	assert_int_equal(w[0], 0xa1b23c4d);
	assert_int_equal(w[5], 147);
	assert_true(w[4] >= 24 + 16 + 496);
	assert_int_equal(w[6], 0);
	assert_int_equal(w[7], 1400001);
	assert_int_equal(w[8], 24 + sizeof(message));
	assert_int_equal(w[9], 24 + sizeof(message) + 1); /* the trace had one byte less */
	for (unsigned i = 0; i < 24; i++)
		assert_int_equal(text[40 + i], i == 8 ? 12 : i == 16 ? 7 : 0);
	assert_memory_equal(text + 64, message, sizeof(message));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds), cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_chart),     cmocka_unit_test(test_chrome),
		cmocka_unit_test(test_pcap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
