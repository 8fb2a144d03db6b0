/* SPDX-License-Identifier: MIT */
/* Faults on purpose: rules as text, which operations they hit, the clock's rules, what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/fault_line.h"
#include "base/loop.h"

static const struct fault_kind disk = {
	.name = "disk",
	.has_sectors = true,
	.what = {[FAULT_READ] = FAULT_ERROR | FAULT_DELAY | FAULT_CORRUPT,
		 [FAULT_WRITE] = FAULT_ERROR | FAULT_DROP,
		 [FAULT_FLUSH] = FAULT_ERROR,
		 [FAULT_IRQ] = FAULT_LOST | FAULT_SPURIOUS,
		 [FAULT_GONE] = FAULT_HAPPENS,
		 [FAULT_BROKEN] = FAULT_HAPPENS},
};

static const struct fault_kind uart = {.name = "uart", .what = {[FAULT_TX] = FAULT_DROP}};

struct world {
	struct loop *loop;
	uint64_t now;
	struct faults *f;
	struct fault_device *disk, *uart;
	unsigned acts[FAULT_N_OPS];
	struct fault_report last; /* as seen by note() */
	unsigned n_noted;
};

static uint64_t now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static void act(void *arg, enum fault_op op)
{
	((struct world *)arg)->acts[op]++;
}

static void note(void *arg, const struct fault_report *r)
{
	struct world *w = arg;

	w->last = *r;
	w->n_noted++;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_new(&w->loop), 0);
	loop_set_clock(w->loop, now_of, w);
	w->now = 1000;
	assert_int_equal(faults_new(w->loop, &w->f), 0);
	assert_int_equal(faults_device_new(w->f, &disk, "disk0", &w->disk), 0);
	assert_int_equal(faults_device_new(w->f, &uart, "uart0", &w->uart), 0);
	fault_device_act(w->disk, act, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	faults_free(w->f);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void add(struct world *w, const char *text)
{
	struct err e = {0};

	assert_int_equal(faults_add(w->f, "--fault ", text, &e), 0);
	assert_string_equal(e.text, "");
}

static void begin(struct world *w, const char *text)
{
	add(w, text);
	faults_power_on(w->f);
}

/* What happens to the next n operations: one digit each, what >> 0 as hexadecimal. */
static const char *next(struct world *w, enum fault_op op, unsigned n)
{
	static char out[128];
	struct fault_hit hit = {0};

	assert_true(n < sizeof(out));
	for (unsigned i = 0; i < n; i++)
		out[i] = fault_ask(fault_point(w->disk, op), &hit) ? "-ed-s---d---"[hit.what & 15]
								   : '.';
	out[n] = '\0';
	return out;
}

/* Time passes in steps of a millisecond. */
static void pass(struct world *w, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		w->now += 1000000;
		while (loop_turn(w->loop, 0) > 0)
			continue;
	}
}

/* ---- counts ---- */

static void test_counts(void **state)
{
	static const struct {
		const char *text, *hits;
	} rows[] = {
		{"disk0:read,error", "eeeeeeeeeeee"},
		{"disk0:read,once,error", "e..........."},
		{"disk0:read,nth=3,error", "..e........."},
		{"disk0:read,every=3,error", "..e..e..e..e"},
		{"disk0:read,error,every=3,times=2", "..e..e......"},
		{"disk0:read,after=5,error", ".....eeeeeee"},
		{"disk0:read,after=5,every=2,error", "......e.e.e."},
		{"disk0:read,after=5,nth=2,error", "......e....."},
		{"disk0:read,after=5,once,error", ".....e......"},
		{"disk0:read,p=1,error", "eeeeeeeeeeee"},
		{"disk0:read,p=1.0,times=3,error", "eee........."},
		{"disk0:read,delay=5ms,nth=2", ".d.........."},
		{"disk0:write,error", "............"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(w, rows[i].text);
		assert_string_equal(next(w, FAULT_READ, 12), rows[i].hits);
		faults_clear(w->f);
	}
	assert_string_equal(next(w, FAULT_READ, 12), "............");
}

static void test_rules_add_up(void **state)
{
	struct world *w = *state;
	struct fault_hit hit = {0};

	add(w, "disk0:read,every=2,delay=20ms");
	add(w, "disk0:read,every=2,delay=30ms");
	begin(w, "disk0:read,every=2,error");
	assert_false(fault_ask(fault_point(w->disk, FAULT_READ), &hit));
	assert_true(fault_ask(fault_point(w->disk, FAULT_READ), &hit));
	assert_int_equal(hit.what, FAULT_ERROR | FAULT_DELAY);
	assert_int_equal(hit.delay_ns, 30000000);
}

static void test_sectors(void **state)
{
	struct fault_hit hit = {0};
	struct world *w = *state;
	struct fault_point *p = fault_point(w->disk, FAULT_READ);

	begin(w, "disk0:read,sector=8-15,every=2,error");
	assert_false(fault_ask_at(p, 0, 7, &hit));
	assert_false(fault_ask_at(p, 16, 20, &hit));
	assert_false(fault_ask_at(p, 0, 8, &hit)); /* the first that counts */
	assert_true(fault_ask_at(p, 15, 20, &hit));
	assert_false(fault_ask_at(p, 9, 9, &hit));
	assert_true(fault_ask_at(p, 0, 100, &hit));
	faults_clear(w->f);
	add(w, "disk0:read,sector=8,error");
	assert_false(fault_ask_at(p, 9, 9, &hit));
	assert_true(fault_ask_at(p, 8, 8, &hit));
}

static void test_seeds(void **state)
{
	static const char *const seeds[] = {"7", "7", "8"};
	char text[64], got[3][100];
	struct world *w = *state;
	unsigned hits = 0;

	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text), "disk0:read,p=0.3,seed=%s,error", seeds[i]);
		begin(w, text);
		(void)snprintf(got[i], sizeof(got[i]), "%s", next(w, FAULT_READ, 99));
		faults_clear(w->f);
	}
	assert_string_equal(got[0], got[1]);
	assert_string_not_equal(got[0], got[2]);
	for (unsigned i = 0; i < 99; i++)
		hits += got[0][i] == 'e';
	assert_in_range(hits, 15, 45);
}

/* The bytes that are chosen are the seed's too, and one is always another one. */
static void test_corrupt(void **state)
{
	uint8_t seen[2][20], byte;
	struct fault_hit hit = {0};
	struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		begin(w, "disk0:read,corrupt,seed=3");
		for (unsigned k = 0; k < 20; k++) {
			seen[i][k] = 0x55;
			assert_true(fault_ask(fault_point(w->disk, FAULT_READ), &hit));
			fault_corrupt(&seen[i][k], 1, hit.random);
			assert_int_not_equal(seen[i][k], 0x55);
		}
		faults_clear(w->f);
	}
	assert_memory_equal(seen[0], seen[1], 20);
	for (unsigned r = 0; r < 1000; r++) {
		byte = 0;
		fault_corrupt(&byte, 1, r);
		assert_int_not_equal(byte, 0);
	}
}

static void test_reports(void **state)
{
	struct world *w = *state;

	faults_trace(w->f, note, w);
	begin(w, "disk0:read,every=5,error");
	(void)next(w, FAULT_READ, 14);
	assert_int_equal(w->n_noted, 2);
	assert_int_equal(w->last.asked, 10);
	assert_int_equal(w->last.taken, 2);
	faults_trace(w->f, NULL, NULL);
	(void)next(w, FAULT_READ, 2);
	assert_int_equal(w->n_noted, 2);
	add(w, "disk0:write,drop");
	faults_list(w->f, note, w);
	assert_int_equal(w->n_noted, 4);
	assert_string_equal(w->last.text, "disk0:write,drop");
	assert_int_equal(w->last.asked, 0);
}

static void test_points(void **state)
{
	struct world *w = *state;
	struct fault_hit hit = {0};

	assert_false(fault_ask(NULL, &hit));
	assert_null(fault_point(NULL, FAULT_READ));
	assert_null(fault_point(w->uart, FAULT_READ));
	assert_ptr_equal(faults_device(w->f, "uart0"), w->uart);
	assert_null(faults_device(w->f, "uart"));
	assert_null(faults_device(NULL, "uart0"));
	assert_ptr_equal(fault_device_set(w->uart), w->f);
}

/* ---- time ---- */

static void test_power(void **state)
{
	struct world *w = *state;

	add(w, "disk0:read,after=3ms,times=4,error");
	assert_string_equal(next(w, FAULT_READ, 2), "..");
	pass(w, 10);
	assert_string_equal(next(w, FAULT_READ, 2), "..");
	faults_power_on(w->f);
	pass(w, 2);
	assert_string_equal(next(w, FAULT_READ, 2), "..");
	pass(w, 1);
	assert_string_equal(next(w, FAULT_READ, 2), "ee");
	faults_power_off(w->f);
	assert_string_equal(next(w, FAULT_READ, 2), "..");
	faults_power_on(w->f); /* it sleeps again; its count goes on */
	assert_string_equal(next(w, FAULT_READ, 2), "..");
	pass(w, 3);
	assert_string_equal(next(w, FAULT_READ, 4), "ee..");
	add(w, "disk0:read,after=2ms,once,error");
	pass(w, 1);
	assert_string_equal(next(w, FAULT_READ, 1), ".");
	pass(w, 1);
	assert_string_equal(next(w, FAULT_READ, 2), "e.");
}

static void test_clock(void **state)
{
	struct world *w = *state;

	add(w, "disk0:irq,after=5ms,every=2ms,times=3,spurious");
	add(w, "disk0:gone,after=4ms");
	begin(w, "disk0:broken,every=10ms");
	pass(w, 4);
	assert_int_equal(w->acts[FAULT_IRQ], 0);
	assert_int_equal(w->acts[FAULT_GONE], 1);
	pass(w, 1);
	assert_int_equal(w->acts[FAULT_IRQ], 1);
	pass(w, 1);
	assert_int_equal(w->acts[FAULT_IRQ], 1);
	pass(w, 94);
	assert_int_equal(w->acts[FAULT_IRQ], 3);
	assert_int_equal(w->acts[FAULT_GONE], 1);
	assert_int_equal(w->acts[FAULT_BROKEN], 10);
	/* None of these is a matter of operations. */
	assert_string_equal(next(w, FAULT_IRQ, 3), "...");
	fault_device_act(w->disk, NULL, NULL);
	pass(w, 50);
	assert_int_equal(w->acts[FAULT_BROKEN], 10);
}

/* With a count it is a matter of requests, after the time. */
static void test_gone_by_count(void **state)
{
	struct world *w = *state;
	struct fault_hit hit = {0};

	begin(w, "disk0:gone,after=2ms,nth=3");
	pass(w, 10);
	assert_int_equal(w->acts[FAULT_GONE], 0);
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(fault_ask(fault_point(w->disk, FAULT_GONE), &hit), i == 3);
}

/* A loop that was late does not make up for what it has missed, and does not turn for ever. */
static void test_late(void **state)
{
	struct world *w = *state;

	begin(w, "disk0:irq,every=1us,spurious");
	w->now += 5000000;
	assert_int_equal(loop_turn(w->loop, 0), 1);
	assert_int_equal(w->acts[FAULT_IRQ], 1);
}

/* ---- what waits ---- */

struct waiter {
	struct fault_waiting waiting;
	char name;
	char *out;
};

static void come_out(struct fault_waiting *f)
{
	struct waiter *w = container_of(f, struct waiter, waiting);

	w->out[strlen(w->out)] = w->name;
}

static void wait_in(struct fault_line *l, struct waiter *w, char name, char *out, uint64_t due)
{
	*w = (struct waiter){.waiting.fn = come_out, .name = name, .out = out};
	fault_line_add(l, &w->waiting, due, faults_epoch(l->set));
}

static void test_line(void **state)
{
	struct world *w = *state;
	struct waiter a[6];
	struct fault_line l;
	char out[16] = "";

	fault_line_init(&l, w->f, w->loop);
	wait_in(&l, &a[0], 'a', out, w->now + 5000000);
	wait_in(&l, &a[1], 'b', out, w->now + 2000000);
	wait_in(&l, &a[2], 'c', out, w->now + 5000000);
	wait_in(&l, &a[3], 'd', out, 0);
	assert_string_equal(out, "");
	pass(w, 1);
	assert_string_equal(out, "d");
	pass(w, 1);
	assert_string_equal(out, "db");
	pass(w, 3);
	assert_string_equal(out, "dbac");
	wait_in(&l, &a[0], 'a', out, w->now + 5000000000);
	wait_in(&l, &a[1], 'b', out, w->now + 4000000000);
	faults_power_off(w->f);
	assert_string_equal(out, "dbac");
	pass(w, 1);
	assert_string_equal(out, "dbacba");
	wait_in(&l, &a[2], 'c', out, w->now + 4000000000);
	faults_clear(w->f);
	pass(w, 1);
	assert_string_equal(out, "dbacbac");
	/* One that was hit before, and finds its way here only now. */
	a[0] = (struct waiter){.waiting.fn = come_out, .name = 'l', .out = out};
	fault_line_add(&l, &a[0].waiting, w->now + 4000000000, faults_epoch(w->f) - 1);
	pass(w, 1);
	assert_string_equal(out, "dbacbacl");
	/* What is left at the end is handed over. */
	wait_in(&l, &a[3], 'x', out, w->now + 4000000000);
	fault_line_drop(&l, come_out);
	assert_string_equal(out, "dbacbaclx");
	fault_line_fini(&l);
}

/* ---- text ---- */

static const struct {
	const char *text, *says;
} mistakes[] = {
	{"", "DEVICE:OPERATION"},
	{"disk0", "DEVICE:OPERATION"},
	{",", "DEVICE:OPERATION"},
	{"disk1:read,error", "there is no device disk1; this machine has disk0, uart0"},
	{":read,error", "there is no device ; this"},
	{"disk0:,error", "it has read, write, flush, irq, gone, broken"},
	{"disk0:tx,drop", "it has read, write, flush, irq, gone, broken"},
	{"uart0:read,drop", "not an operation of uart0; it has tx"},
	{"disk0:read", "Add error, delay=TIME, corrupt"},
	{"disk0:read,once", "Add error"},
	{"disk0:read,drop", "not a fault of read; use error, delay=TIME, corrupt"},
	{"disk0:read,error,corrupt", "one rule is for one fault"},
	{"disk0:read,error,", "unknown"},
	{"disk0:read,,error", "unknown"},
	{"disk0:read,error=1", "unknown"},
	{"disk0:read,nt=1,error", "nt=1: unknown"},
	{"disk0:read,nth=0,error", "count from 1"},
	{"disk0:read,nth=1s,error", "count from 1"},
	{"disk0:read,nth=18446744073709551616,error", "count from 1"},
	{"disk0:read,nth=18446744073709551615,after=18446744073709551615,error", "many"},
	{"disk0:read,nth=2,every=2,error", "give one of them"},
	{"disk0:read,every=0,error", "every=3"},
	{"disk0:read,every=-1,error", "every=3"},
	{"disk0:read,every=10ms,error", "every=3"},
	{"disk0:read,after=,error", "after=2s"},
	{"disk0:read,after=2h,error", "after=2s"},
	{"disk0:read,after=99999999min,error", "after=2s"},
	{"disk0:read,delay", "delay=200ms"},
	{"disk0:read,delay=200", "delay=200ms"},
	{"disk0:read,delay=0ms", "delay=200ms"},
	{"disk0:read,p=0,error", "p=0.1"},
	{"disk0:read,p=1.1,error", "p=0.1"},
	{"disk0:read,p=.,error", "p=0.1"},
	{"disk0:read,p=0.1x,error", "p=0.1"},
	{"disk0:read,p=0.1234567890,error", "p=0.1"},
	{"disk0:read,seed=x,error", "seed=7"},
	{"disk0:read,sector=x,error", "sector=8-15"},
	{"disk0:read,sector=8-,error", "sector=8-15"},
	{"disk0:read,sector=8-7,error", "sector=8-15"},
	{"disk0:read,sector=8-9-10,error", "sector=8-15"},
	{"disk0:flush,sector=8,error", "read and write have sectors"},
	{"uart0:tx,sector=8,drop", "read and write have sectors"},
	{"disk0:irq,spurious", "every=10ms"},
	{"disk0:irq,every=3,spurious", "every=10ms"},
	{"disk0:gone,error", "leave it out"},
};

static void test_mistakes(void **state)
{
	struct world *w = *state;
	char longest[300];
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		e.text[0] = '\0';
		assert_int_equal(faults_add(w->f, "--fault ", mistakes[i].text, &e), -EINVAL);
		if (!strstr(e.text, mistakes[i].says) || strncmp(e.text, "--fault ", 8))
			fail_msg("%s: %s", mistakes[i].text, e.text);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(faults_add(w->f, "--fault ", longest, &e), -EINVAL);
	assert_non_null(strstr(e.text, "too long"));
	assert_int_equal(faults_add(w->f, "--fault ", "disk9:read,error", NULL), -EINVAL);
	faults_list(w->f, note, w);
	assert_int_equal(w->n_noted, 0);
}

static void test_help(void **state)
{
	static const struct fault_kind *const kinds[] = {&disk, &uart};
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	faults_print_help(to, kinds, 2);
	assert_int_equal(fclose(to), 0);
	assert_non_null(strstr(text, "  disk0    read       error, delay=TIME, corrupt\n"));
	assert_non_null(strstr(text, "  uart0    tx         drop\n"));
	free(text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_counts),        T(test_rules_add_up), T(test_sectors), T(test_seeds),
		T(test_corrupt),       T(test_reports),      T(test_points),  T(test_power),
		T(test_clock),         T(test_late),         T(test_line),    T(test_mistakes),
		T(test_gone_by_count), T(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
