/* SPDX-License-Identifier: MIT */
/* What other threads may do to a loop: post, stop, ask whose it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/loop.h"

#define POSTERS 4
#define ROUNDS  20000

struct poster {
	struct loop *loop;
	pthread_t thread;
	struct loop_task task;
	atomic_uint wanted; /* posts so far */
	unsigned seen;      /* the callback's */
	unsigned *open;     /* posters that are not done; the loop's own */
};

/* With a final post after the last increment, the callback has to see the last value some time. */
static void poster_callback(struct loop_task *t)
{
	struct poster *p = t->arg;
	unsigned before = p->seen;

	assert_true(loop_is_mine(p->loop));
	p->seen = atomic_load_explicit(&p->wanted, memory_order_relaxed);
	assert_true(p->seen >= before);
	if (p->seen == ROUNDS && before != ROUNDS && --*p->open == 0)
		loop_stop(p->loop);
}

static void *poster_main(void *arg)
{
	struct poster *p = arg;

	assert_false(loop_is_mine(p->loop));
	for (unsigned i = 1; i <= ROUNDS; i++) {
		atomic_store_explicit(&p->wanted, i, memory_order_relaxed);
		loop_post(p->loop, &p->task);
	}
	return NULL;
}

static void post_from_threads(uint64_t poll_ns)
{
	struct poster p[POSTERS] = {0};
	unsigned open = POSTERS;
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	loop_set_poll(loop, poll_ns);
	for (int i = 0; i < POSTERS; i++) {
		p[i].loop = loop;
		p[i].open = &open;
		p[i].task = (struct loop_task){.fn = poster_callback, .arg = &p[i]};
		assert_int_equal(pthread_create(&p[i].thread, NULL, poster_main, &p[i]), 0);
	}
	assert_int_equal(loop_run(loop), 0);
	for (int i = 0; i < POSTERS; i++) {
		assert_int_equal(pthread_join(p[i].thread, NULL), 0);
		assert_int_equal(p[i].seen, ROUNDS);
	}
	loop_free(loop);
}

static void test_post_from_threads(void **state)
{
	post_from_threads(0);
	post_from_threads(20000);
}

/* Ping-pong between two sleeping loops: each hand-over needs its wake-up, and a plain variable
 * travels along. A lost wake-up hangs here. */
struct side {
	struct loop *loop;
	struct loop_task task;
	struct side *other;
	unsigned *ball;
};

static void side_hit(struct loop_task *t)
{
	struct side *s = t->arg;

	if (*s->ball >= ROUNDS) {
		loop_stop(s->loop);
		loop_stop(s->other->loop);
		return;
	}
	++*s->ball;
	loop_post(s->other->loop, &s->other->task);
}

static void *side_main(void *arg)
{
	struct side *s = arg;

	assert_int_equal(loop_run(s->loop), 0);
	return NULL;
}

static void ping_pong(uint64_t poll_ns)
{
	struct side s[2] = {0};
	unsigned ball = 0;
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		s[i].other = &s[1 - i];
		s[i].ball = &ball;
		s[i].task = (struct loop_task){.fn = side_hit, .arg = &s[i]};
		assert_int_equal(loop_new(&s[i].loop), 0);
		loop_set_poll(s[i].loop, poll_ns);
	}
	assert_int_equal(pthread_create(&thread, NULL, side_main, &s[1]), 0);
	loop_post(s[0].loop, &s[0].task);
	assert_int_equal(loop_run(s[0].loop), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(ball, ROUNDS);
	loop_free(s[0].loop);
	loop_free(s[1].loop);
}

static void test_ping_pong(void **state)
{
	ping_pong(0);
	ping_pong(20000);
}

static void *stopper_main(void *arg)
{
	loop_stop(arg);
	return NULL;
}

static void test_stop_from_thread(void **state)
{
	struct loop *loop;
	pthread_t thread;

	assert_int_equal(loop_new(&loop), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(pthread_create(&thread, NULL, stopper_main, loop), 0);
		assert_int_equal(loop_run(loop), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	loop_free(loop);
}

static void *adopter_main(void *arg)
{
	struct loop *loop = arg;

	assert_false(loop_is_mine(loop));
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_true(loop_is_mine(loop));
	return NULL;
}

static void test_owner(void **state)
{
	struct loop *loop;
	pthread_t thread;

	assert_int_equal(loop_new(&loop), 0);
	assert_true(loop_is_mine(loop));
	assert_int_equal(pthread_create(&thread, NULL, side_main, &(struct side){.loop = loop}), 0);
	loop_stop(loop);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(loop_is_mine(loop));
	assert_int_equal(pthread_create(&thread, NULL, adopter_main, loop), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	loop_adopt(loop);
	assert_true(loop_is_mine(loop));
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post_from_threads),
		cmocka_unit_test(test_ping_pong),
		cmocka_unit_test(test_stop_from_thread),
		cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
