/* SPDX-License-Identifier: MIT */
/* Operations on several threads while rules come and go. For ThreadSanitizer above all; without it,
 * that each rule's counts are those of the operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/fault.h"
#include "base/fault_line.h"
#include "base/loop.h"

#define N_THREADS 3
#define N_ASKS    20000u

static const struct fault_kind kind = {
	.name = "disk", .what = {[FAULT_READ] = FAULT_ERROR, [FAULT_WRITE] = FAULT_ERROR}};

struct world {
	struct fault_point *read, *write;
	atomic_uint reads, writes; /* hits */
};

static void *ask(void *arg)
{
	struct world *w = arg;
	struct fault_hit hit;

	for (unsigned i = 0; i < N_ASKS; i++) {
		if (fault_ask(w->read, &hit))
			atomic_fetch_add(&w->reads, 1);
		if (fault_ask(w->write, &hit))
			atomic_fetch_add(&w->writes, 1);
	}
	return NULL;
}

static void check(void *arg, const struct fault_report *r)
{
	struct world *w = arg;

	assert_int_equal(r->asked, N_THREADS * N_ASKS);
	assert_int_equal(r->taken, N_THREADS * N_ASKS / 4);
	assert_int_equal(atomic_load(&w->reads), r->taken);
}

static void test_threads(void **state)
{
	pthread_t thread[N_THREADS];
	struct fault_device *d;
	struct fault_line line;
	struct world w = {0};
	struct faults *f;
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(faults_new(loop, &f), 0);
	assert_int_equal(faults_device_new(f, &kind, "disk0", &d), 0);
	w.read = fault_point(d, FAULT_READ);
	w.write = fault_point(d, FAULT_WRITE);
	assert_int_equal(faults_add(f, "", "disk0:read,every=4,error", NULL), 0);
	faults_power_on(f);
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask, &w), 0);
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	faults_list(f, check, &w);
	/* Now with rules that change beneath. */
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask, &w), 0);
	for (unsigned i = 0; i < 200; i++) {
		fault_line_init(&line, f, loop);
		assert_int_equal(faults_add(f, "", "disk0:write,every=3,error", NULL), 0);
		faults_clear(f);
		fault_line_fini(&line);
	}
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	faults_free(f);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
