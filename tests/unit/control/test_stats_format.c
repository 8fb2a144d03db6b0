/* SPDX-License-Identifier: MIT */
/* Samples as JSON and as OpenMetrics text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/stats.h"
#include "control/stats_format.h"

static const struct stats_row kicks = {.group = "queue", .name = "kicks", .help = "Kicks"};
static const struct stats_row sent = {
	.group = "port", .name = "sent", .help = "Sent", .unit = STATS_BYTES};
static const struct stats_row cpu = {
	.group = "hart", .name = "cpu", .help = "Time", .unit = STATS_NS};
static const struct stats_row age = {
	.group = "machine", .name = "age", .help = "Age", .unit = STATS_NS};

static void fill(struct stats_list *l)
{
	const struct stats_labels none = {.queue = STATS_NONE, .hart = STATS_NONE};
	struct stats_labels at = none;

	assert_int_equal(stats_add(l, &age, none, 1), 0);
	at.hart = 1;
	assert_int_equal(stats_add(l, &cpu, at, 12000000034), 0);
	at = none;
	at.device = "blk0";
	for (at.queue = 0; at.queue < 2; at.queue++)
		assert_int_equal(stats_add(l, &kicks, at, 5 + at.queue), 0);
	at.device = "uart0";
	at.queue = STATS_NONE;
	assert_int_equal(stats_add(l, &sent, at, 7), 0);
	at.device = "net0";
	at.queue = 0;
	assert_int_equal(stats_add(l, &kicks, at, UINT64_MAX), 0);
}

static void test_json(void **state)
{
	struct stats_list l = {0};
	json_t *j;
	char *text;

	fill(&l);
	l.n--; /* JSON's integers are signed; a counter does not get there */
	j = stats_to_json(&l);
	text = json_dumps(j, JSON_COMPACT);
	assert_string_equal(text, "{\"machine\":{\"age_ns\":1},"
				  "\"harts\":[{\"hart\":1,\"cpu_ns\":12000000034}],"
				  "\"devices\":[{\"device\":\"blk0\",\"queues\":["
				  "{\"queue\":0,\"kicks\":5},{\"queue\":1,\"kicks\":6}]},"
				  "{\"device\":\"uart0\",\"sent_bytes\":7}]}");
	free(text);
	json_decref(j);
	stats_fini(&l);
}

static void test_openmetrics(void **state)
{
	struct stats_list l = {0};
	char *text;

	fill(&l);
	text = stats_to_openmetrics(&l);
	assert_string_equal(text, "# TYPE linnet_machine_age_seconds counter\n"
				  "# UNIT linnet_machine_age_seconds seconds\n"
				  "# HELP linnet_machine_age_seconds Age.\n"
				  "linnet_machine_age_seconds_total 0.000000001\n"
				  "# TYPE linnet_hart_cpu_seconds counter\n"
				  "# UNIT linnet_hart_cpu_seconds seconds\n"
				  "# HELP linnet_hart_cpu_seconds Time.\n"
				  "linnet_hart_cpu_seconds_total{hart=\"1\"} 12.000000034\n"
				  "# TYPE linnet_queue_kicks counter\n"
				  "# HELP linnet_queue_kicks Kicks.\n"
				  "linnet_queue_kicks_total{device=\"blk0\",queue=\"0\"} 5\n"
				  "linnet_queue_kicks_total{device=\"blk0\",queue=\"1\"} 6\n"
				  "linnet_queue_kicks_total{device=\"net0\",queue=\"0\"} "
				  "18446744073709551615\n"
				  "# TYPE linnet_port_sent_bytes counter\n"
				  "# UNIT linnet_port_sent_bytes bytes\n"
				  "# HELP linnet_port_sent_bytes Sent.\n"
				  "linnet_port_sent_bytes_total{device=\"uart0\"} 7\n"
				  "# EOF\n");
	free(text);
	stats_fini(&l);
	text = stats_to_openmetrics(&l);
	assert_string_equal(text, "# EOF\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_openmetrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
