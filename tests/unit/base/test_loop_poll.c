/* SPDX-License-Identifier: MIT */
/* A loop that looks for work before it sleeps, and how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/epoll.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/poll_window.h"

/* What a pause teaches. */
static void test_poll_window(void **state)
{
	struct poll_window w = {.max_ns = 50000};

	poll_window_learn(&w, 60000);
	assert_int_equal(w.ns, 0);
	poll_window_learn(&w, 1000);
	assert_int_equal(w.ns, POLL_WINDOW_FIRST_NS);
	poll_window_learn(&w, 9000);
	assert_int_equal(w.ns, 16000);
	poll_window_learn(&w, 40000);
	assert_int_equal(w.ns, 50000);
	poll_window_learn(&w, 20000);
	assert_int_equal(w.ns, 50000);
	poll_window_learn(&w, 1000);
	assert_int_equal(w.ns, 37500);
	for (unsigned i = 0; i < 20; i++)
		poll_window_learn(&w, 1000);
	assert_in_range(w.ns, 1000, 4 * 1000);
	/* One long pause, and it sleeps at once. */
	poll_window_learn(&w, 50001);
	assert_int_equal(w.ns, 0);
}

struct polled {
	struct loop *loop;
	struct loop_fd watch;
	struct loop_timer timer;
	struct loop_task task;
	int fd;
	unsigned n_tasks, n_events, n_timers;
};

static void polled_task(struct loop_task *t)
{
	struct polled *p = t->arg;

	p->n_tasks++;
	loop_timer_arm(p->loop, &p->timer, loop_now(p->loop) + 30000);
}

static void polled_timer(struct loop_timer *t)
{
	struct polled *p = t->arg;

	p->n_timers++;
	eventfd_raise(p->fd);
}

static void polled_event(struct loop_fd *w, uint32_t events)
{
	struct polled *p = w->arg;

	eventfd_clear(p->fd);
	if (++p->n_events == 1000)
		loop_stop(p->loop);
	else
		loop_post(p->loop, &p->task);
}

/* A loop that looks runs tasks, timers and descriptors as one that sleeps does. */
static void test_poll_finds_all(void **state)
{
	struct polled p = {0};

	assert_int_equal(loop_new(&p.loop), 0);
	loop_set_poll(p.loop, 100000);
	assert_int_equal(eventfd_new(&p.fd), 0);
	p.task = (struct loop_task){.fn = polled_task, .arg = &p};
	p.timer = (struct loop_timer){.fn = polled_timer, .arg = &p};
	p.watch = (struct loop_fd){.fn = polled_event, .arg = &p, .fd = p.fd, .events = EPOLLIN};
	assert_int_equal(loop_fd_add(p.loop, &p.watch), 0);
	loop_post(p.loop, &p.task);
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.n_tasks, 1000);
	assert_int_equal(p.n_timers, 1000);
	assert_int_equal(loop_turn(p.loop, 0), 0);
	assert_int_equal(loop_turn(p.loop, 10000), 0);
	loop_fd_del(&p.watch);
	fd_close(&p.fd);
	loop_free(p.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poll_window),
		cmocka_unit_test(test_poll_finds_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
