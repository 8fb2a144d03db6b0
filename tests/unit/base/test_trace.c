/* SPDX-License-Identifier: MIT */
/* A trace from several threads at once: each event is in the file once and in order, or counted as
 * missing. Also run under TSan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/trace.h"

#define WRITERS 4u
#define EVENTS  20000u

struct fixture {
	char path[32];
	struct loop *loop;
	struct trace *t;
	uint64_t now; /* what the stamp says */
};

static void begin(struct fixture *f)
{
	int fd;

	*f = (struct fixture){.path = "/tmp/test_trace.XXXXXX"};
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(trace_open(f->loop, "--trace ", f->path, &f->t, NULL), 0);
}

/* Ends the file and opens it for reading. */
static FILE *finish(struct fixture *f)
{
	FILE *in;

	assert_int_equal(trace_close(f->t), 0);
	loop_free(f->loop);
	in = fopen(f->path, "r");
	assert_non_null(in);
	unlink(f->path);
	return in;
}

static void stamp(void *arg, struct trace_event *e)
{
	struct fixture *f = arg;

	e->time_ns = f->now;
	e->insns[0] = 7;
	e->insns[1] = 8;
	e->core = TRACE_SMALL;
}

static void test_lines(void **state)
{
	struct fixture f;
	char line[400];
	FILE *in;

	begin(&f);
	f.now = 1234;
	trace(NULL, TRACE_STOP, "small", 0, 0);
	trace(f.t, TRACE_STOP, "a label of forty-one letters is too long!", 0, 0);
	trace_set_stamp(f.t, stamp, &f);
	trace(f.t, TRACE_MAIL, "big", 3, UINT64_MAX);
	assert_int_equal(loop_turn(f.loop, 0), 1);
	trace(f.t, TRACE_CLAIM, NULL, 61, 0);
	in = finish(&f);
	assert_non_null(fgets(line, sizeof(line), in));
	assert_string_equal(line,
			    "{\"t\":0,\"big\":0,\"small\":0,\"core\":\"host\",\"event\":\"stop\","
			    "\"of\":\"a label of forty-one letters is too lon\"}\n");
	assert_non_null(fgets(line, sizeof(line), in));
	assert_string_equal(line, "{\"t\":1234,\"big\":7,\"small\":8,\"core\":\"small\",\"event\":"
				  "\"mail\",\"to\":\"big\",\"channel\":3,"
				  "\"data\":\"0xffffffffffffffff\"}\n");
	assert_non_null(fgets(line, sizeof(line), in));
	assert_string_equal(line, "{\"t\":1234,\"big\":7,\"small\":8,\"core\":\"small\",\"event\":"
				  "\"claim\",\"source\":61}\n");
	assert_null(fgets(line, sizeof(line), in));
	(void)fclose(in);
}

static void test_longest_line(void **state)
{
	char line[TRACE_LINE_MAX];

	for (unsigned kind = 0; kind < TRACE_N_KINDS; kind++) {
		struct trace_event e = {.time_ns = UINT64_MAX,
					.insns = {UINT64_MAX, UINT64_MAX},
					.a = UINT64_MAX,
					.b = UINT64_MAX,
					.c = UINT64_MAX,
					.d = UINT32_MAX,
					.e = UINT32_MAX,
					.kind = (uint8_t)kind,
					.core = TRACE_SMALL,
					.label = "as many letters as a label may have ..."};
		size_t len = trace_format(&e, line);

		assert_true(len + 1 < TRACE_LINE_MAX);
		assert_int_equal(strlen(line), len);
		assert_int_equal(line[len - 1], '}');
	}
}

struct writer {
	pthread_t thread;
	struct fixture *f;
	unsigned number;
};

static void *write_events(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < EVENTS; i++)
		trace(w->f->t, TRACE_KICK, "disk0", w->number, 0);
	return NULL;
}

/* The sum of what the file has of each writer, and says to be missing. */
static unsigned count(FILE *in)
{
	unsigned n = 0;
	char line[400];

	while (fgets(line, sizeof(line), in)) {
		const char *missing = strstr(line, "\"events\":");

		n += missing ? (unsigned)atoi(missing + strlen("\"events\":")) : 1;
	}
	return n;
}

static void test_threads(void **state)
{
	struct writer w[WRITERS];
	struct fixture f;
	FILE *in;

	begin(&f);
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){.f = &f, .number = i};
		assert_int_equal(pthread_create(&w[i].thread, NULL, write_events, &w[i]), 0);
	}
	for (unsigned i = 0; i < 1000; i++)
		assert_true(loop_turn(f.loop, 0) >= 0);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(w[i].thread, NULL);
	in = finish(&f);
	assert_int_equal(count(in), WRITERS * EVENTS);
	(void)fclose(in);
}

/* Nobody reads: the ring holds what it holds, and the rest is counted. */
static void test_full(void **state)
{
	struct fixture f;
	char line[400], last[400] = "";
	FILE *in;

	begin(&f);
	for (unsigned i = 0; i < 20000; i++)
		trace(f.t, TRACE_CLAIM, NULL, i, 0);
	assert_int_equal(loop_turn(f.loop, 0), 1);
	trace(f.t, TRACE_CLAIM, NULL, 1000000, 0);
	in = finish(&f);
	for (unsigned i = 0; i < 16384; i++) {
		char want[40];

		assert_non_null(fgets(line, sizeof(line), in));
		(void)snprintf(want, sizeof(want), "\"source\":%u}\n", i);
		assert_non_null(strstr(line, want));
	}
	assert_non_null(fgets(line, sizeof(line), in));
	assert_non_null(strstr(line, "\"missing\",\"events\":3616}"));
	assert_non_null(fgets(last, sizeof(last), in));
	assert_non_null(strstr(last, "\"source\":1000000}"));
	assert_null(fgets(line, sizeof(line), in));
	(void)fclose(in);
}

static void test_errors(void **state)
{
	struct trace *t = NULL;
	struct err e = {0};
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(trace_open(loop, "--trace ", "/nowhere/t", &t, &e), -ENOENT);
	assert_non_null(strstr(e.text, "--trace /nowhere/t: cannot be opened for writing: "));
	assert_int_equal(trace_open(loop, "--trace ", "/dev/full", &t, &e), 0);
	for (unsigned i = 0; i < 2000; i++)
		trace(t, TRACE_CLAIM, NULL, i, 0);
	assert_int_equal(trace_close(t), -ENOSPC);
	assert_int_equal(trace_close(NULL), 0);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),   cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_threads), cmocka_unit_test(test_full),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
