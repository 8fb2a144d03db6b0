/* SPDX-License-Identifier: MIT */
/* The thread pool: every job is worked on once and told once, on the loop it came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "backend/pool.h"
#include "base/bits.h"

#define JOBS 2000

struct item {
	struct pool_job job;
	struct side *side;
	unsigned worked, told; /* plain: the pool has to order them */
};

struct side {
	struct pool *pool;
	struct loop *loop;
	struct pool_client client;
	pthread_t thread;
	unsigned left;
	struct item items[JOBS];
};

static void work(struct pool_job *j)
{
	struct item *i = container_of(j, struct item, job);

	assert_false(loop_is_mine(i->side->loop));
	i->worked++;
}

static void done(struct pool_job *j)
{
	struct item *i = container_of(j, struct item, job);

	assert_true(loop_is_mine(i->side->loop));
	i->told++;
	if (--i->side->left == 0)
		loop_stop(i->side->loop);
}

/* One client from its beginning to its end; it leaves while the pool works on for others. */
static void *client_main(void *arg)
{
	struct side *s = arg;

	assert_int_equal(loop_new(&s->loop), 0);
	pool_client_init(&s->client, s->pool, s->loop);
	s->left = JOBS;
	for (int i = 0; i < JOBS; i++) {
		s->items[i] = (struct item){.job = {.work = work, .done = done}, .side = s};
		pool_submit(&s->client, &s->items[i].job);
		if (i % 64 == 0)
			assert_true(loop_turn(s->loop, 0) >= 0);
	}
	assert_int_equal(loop_run(s->loop), 0);
	pool_client_fini(&s->client);
	loop_free(s->loop);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(s->items[i].worked, 1);
		assert_int_equal(s->items[i].told, 1);
	}
	return NULL;
}

static void test_clients_on_threads(void **state)
{
	struct side *s = calloc(3, sizeof(*s));
	struct pool *pool;

	assert_non_null(s);
	assert_int_equal(pool_new(3, &pool), 0);
	for (int i = 0; i < 3; i++) {
		s[i].pool = pool;
		assert_int_equal(pthread_create(&s[i].thread, NULL, client_main, &s[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(s[i].thread, NULL), 0);
	pool_free(pool);
	free(s);
}

static void work_here(struct pool_job *j)
{
	container_of(j, struct item, job)->worked++;
}

/* A pool that may have no thread still does its work, in order, though not inside submit. */
static void test_no_threads(void **state)
{
	struct side *s = calloc(1, sizeof(*s));
	struct loop *loop;

	assert_non_null(s);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(pool_new(0, &s->pool), 0);
	s->loop = loop;
	pool_client_init(&s->client, s->pool, loop);
	s->left = 3;
	for (int i = 0; i < 3; i++) {
		s->items[i] = (struct item){.job = {.work = work_here, .done = done}, .side = s};
		pool_submit(&s->client, &s->items[i].job);
		assert_int_equal(s->items[i].worked, 0);
	}
	assert_int_equal(loop_run(loop), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s->items[i].worked, 1);
		assert_int_equal(s->items[i].told, 1);
	}
	pool_client_fini(&s->client);
	pool_free(s->pool);
	pool_free(NULL);
	loop_free(loop);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients_on_threads),
		cmocka_unit_test(test_no_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
