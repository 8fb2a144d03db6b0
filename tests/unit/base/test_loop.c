/* SPDX-License-Identifier: MIT */
/* The event loop on one thread: timers, tasks, descriptors, and their removal from callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

/* What ran, in order, as letters. */
static char trace[64];

static void note(char c)
{
	size_t n = strlen(trace);

	assert_true(n + 1 < sizeof(trace));
	trace[n] = c;
	trace[n + 1] = '\0';
}

static struct loop *setup_loop(void)
{
	struct loop *loop;

	trace[0] = '\0';
	assert_int_equal(loop_new(&loop), 0);
	return loop;
}

static void timer_note(struct loop_timer *t)
{
	note(*(char *)t->arg);
}

static void task_note(struct loop_task *t)
{
	note(*(char *)t->arg);
}

static uint64_t fake_now(void *arg)
{
	return *(uint64_t *)arg;
}

static void test_timers_in_order(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_timer t[4] = {0};
	char names[] = "abcd";
	uint64_t now = 100;

	loop_set_clock(loop, fake_now, &now);
	assert_true(loop_next_deadline(loop) == UINT64_MAX);
	for (int i = 0; i < 4; i++) {
		t[i].fn = timer_note;
		t[i].arg = &names[i];
	}
	loop_timer_arm(loop, &t[0], 300);
	loop_timer_arm(loop, &t[1], 200);
	loop_timer_arm(loop, &t[2], 300);
	loop_timer_arm(loop, &t[3], 150);
	assert_int_equal(loop_next_deadline(loop), 150);
	loop_timer_arm(loop, &t[3], 400); /* moved */
	assert_int_equal(loop_next_deadline(loop), 200);
	assert_int_equal(loop_turn(loop, 0), 0);
	now = 300;
	assert_int_equal(loop_turn(loop, -1), 3);
	assert_string_equal(trace, "bac");
	loop_timer_cancel(&t[3]);
	loop_timer_cancel(&t[3]);
	now = 1000;
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_true(loop_next_deadline(loop) == UINT64_MAX);
	loop_free(loop);
}

static struct loop_timer *victim_timer;

static void timer_kill(struct loop_timer *t)
{
	note(*(char *)t->arg);
	loop_timer_cancel(victim_timer);
}

static void test_timer_cancels_a_due_one(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_timer a = {.fn = timer_kill, .arg = "a"};
	struct loop_timer b = {.fn = timer_note, .arg = "b"};
	struct loop_timer c = {.fn = timer_note, .arg = "c"};
	uint64_t now = 10;

	loop_set_clock(loop, fake_now, &now);
	victim_timer = &b;
	loop_timer_arm(loop, &a, 1);
	loop_timer_arm(loop, &b, 2);
	loop_timer_arm(loop, &c, 3);
	assert_int_equal(loop_turn(loop, 0), 2);
	assert_string_equal(trace, "ac");
	loop_free(loop);
}

static struct loop *rearm_loop;

static void timer_rearm(struct loop_timer *t)
{
	note('r');
	loop_timer_arm(rearm_loop, t, 0);
}

/* A timer that is always due does not keep the others, nor the round, from ending. */
static void test_timer_rearmed_in_the_past(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_timer r = {.fn = timer_rearm};
	struct loop_timer a = {.fn = timer_note, .arg = "a"};

	rearm_loop = loop;
	loop_timer_arm(loop, &r, 1);
	loop_timer_arm(loop, &a, 2);
	assert_int_equal(loop_turn(loop, -1), 2);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_string_equal(trace, "rar");
	loop_free(loop);
}

/* With the host's clock a turn sleeps until the timer, and is never early. */
static void test_host_clock_sleep(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_timer t = {.fn = timer_note, .arg = "t"};
	uint64_t deadline = loop_now(loop) + 2000000;
	int turns = 0;

	loop_timer_arm(loop, &t, deadline);
	while (!trace[0] && turns++ < 1000)
		assert_true(loop_turn(loop, -1) >= 0);
	assert_string_equal(trace, "t");
	assert_true(host_now_ns() >= deadline);
	/* A turn's own limit ends it as well. */
	loop_timer_arm(loop, &t, UINT64_MAX - 1);
	assert_int_equal(loop_turn(loop, 1000), 0);
	loop_free(loop);
}

/* With a foreign clock a timer in the future does not make the turn sleep for it. */
static void test_foreign_clock(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_timer t = {.fn = timer_note, .arg = "t"};
	struct loop_task task = {.fn = task_note, .arg = "p"};
	uint64_t now = 5;

	loop_set_clock(loop, fake_now, &now);
	assert_int_equal(loop_now(loop), 5);
	loop_timer_arm(loop, &t, 6);
	loop_post(loop, &task);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_int_equal(loop_turn(loop, 0), 0);
	now = 6;
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_string_equal(trace, "pt");
	loop_set_clock(loop, NULL, NULL);
	assert_true(loop_now(loop) > 6);
	loop_free(loop);
}

static struct loop_task *repost;
static struct loop *repost_loop;

static void task_repost(struct loop_task *t)
{
	note(*(char *)t->arg);
	if (repost)
		loop_post(repost_loop, repost);
	repost = NULL;
}

static void test_tasks(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_task a = {.fn = task_repost, .arg = "a"};
	struct loop_task b = {.fn = task_note, .arg = "b"};
	struct loop_task c = {.fn = task_note, .arg = "c"};

	repost_loop = loop;
	repost = &a;
	loop_post(loop, &a);
	loop_post(loop, &b);
	loop_post(loop, &a);
	loop_post(loop, &c);
	assert_int_equal(loop_turn(loop, -1), 3);
	assert_string_equal(trace, "abc");
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_string_equal(trace, "abca");
	assert_int_equal(loop_turn(loop, 0), 0);
	loop_free(loop);
}

static struct loop_task *victim_task;

static void task_kill(struct loop_task *t)
{
	note('k');
	loop_task_cancel(repost_loop, victim_task);
}

static void test_task_cancel(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_task a = {.fn = task_note, .arg = "a"};
	struct loop_task b = {.fn = task_note, .arg = "b"};
	struct loop_task c = {.fn = task_note, .arg = "c"};
	struct loop_task k = {.fn = task_kill};

	repost_loop = loop;
	loop_task_cancel(loop, &a); /* not queued: nothing happens */
	loop_post(loop, &a);
	loop_task_cancel(loop, &a);
	assert_int_equal(loop_turn(loop, 0), 0);
	loop_post(loop, &a);
	loop_post(loop, &k);
	loop_post(loop, &b);
	loop_post(loop, &c);
	victim_task = &b;
	assert_int_equal(loop_turn(loop, 0), 3);
	assert_string_equal(trace, "akc");
	loop_post(loop, &b); /* and can be posted again */
	assert_int_equal(loop_turn(loop, 0), 1);
	assert_string_equal(trace, "akcb");
	loop_free(loop);
}

static void task_stop(struct loop_task *t)
{
	note('s');
	loop_stop(t->arg);
}

static void test_stop(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_task s = {.fn = task_stop, .arg = loop};
	struct loop_task a = {.fn = task_note, .arg = "a"};

	loop_stop(loop); /* before the run: ends it at once, and is used up */
	loop_post(loop, &s);
	loop_post(loop, &a);
	assert_int_equal(loop_run(loop), 0);
	assert_string_equal(trace, "");
	assert_int_equal(loop_run(loop), 0);
	assert_string_equal(trace, "s"); /* not one callback more */
	assert_int_equal(loop_turn(loop, 0), 1);
	assert_string_equal(trace, "sa");
	loop_stop(loop);
	assert_int_equal(loop_turn(loop, -1), 0); /* only woken */
	loop_free(loop);
}

struct pipe_watch {
	struct loop_fd w;
	int far;
	char name;
	uint32_t events;      /* of the last callback */
	struct loop_fd *kill; /* to be removed by the callback */
	struct loop_fd *mute; /* to be made quiet by the callback */
};

static void watch_note(struct loop_fd *w, uint32_t events)
{
	struct pipe_watch *p = w->arg;

	note(p->name);
	p->events = events;
	if (p->kill)
		loop_fd_del(p->kill);
	if (p->mute)
		loop_fd_set(p->mute, 0);
}

static void watch_open(struct loop *loop, struct pipe_watch *p, char name)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	*p = (struct pipe_watch){
		.w = {.fn = watch_note, .arg = p, .fd = fds[0], .events = EPOLLIN},
		.far = fds[1],
		.name = name,
	};
	assert_int_equal(loop_fd_add(loop, &p->w), 0);
}

static void watch_close(struct pipe_watch *p)
{
	loop_fd_del(&p->w);
	fd_close(&p->w.fd);
	fd_close(&p->far);
}

static void test_fd_events(void **state)
{
	struct loop *loop = setup_loop();
	struct pipe_watch p;
	char c;

	watch_open(loop, &p, 'p');
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(write(p.far, "x", 1), 1);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_int_equal(loop_turn(loop, -1), 1); /* level triggered */
	assert_int_equal(p.events, EPOLLIN);
	assert_int_equal(read(p.w.fd, &c, 1), 1);
	assert_int_equal(loop_turn(loop, 0), 0);
	fd_close(&p.far);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_int_equal(p.events, EPOLLHUP);
	watch_close(&p);
	watch_close(&p); /* removing what is not added does nothing */
	assert_string_equal(trace, "ppp");
	loop_free(loop);
}

static void test_fd_quiet(void **state)
{
	struct loop *loop = setup_loop();
	struct pipe_watch p;

	watch_open(loop, &p, 'p');
	assert_int_equal(write(p.far, "x", 1), 1);
	loop_fd_set(&p.w, 0);
	assert_int_equal(loop_turn(loop, 0), 0);
	fd_close(&p.far);
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_turn(loop, 0), 0);
	loop_fd_set(&p.w, EPOLLIN);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_int_equal(p.events, EPOLLIN | EPOLLHUP);
	watch_close(&p);
	/* Also when it was quiet from the first. */
	watch_open(loop, &p, 'q');
	loop_fd_del(&p.w);
	p.w.events = 0;
	assert_int_equal(loop_fd_add(loop, &p.w), 0);
	fd_close(&p.far);
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(loop_turn(loop, 0), 0);
	watch_close(&p);
	loop_free(loop);
}

/* Two watches are due at once; whichever comes first takes the other away. */
static void test_fd_removed_by_other_callback(void **state)
{
	struct loop *loop = setup_loop();
	struct pipe_watch p, q, r;

	watch_open(loop, &p, 'p');
	watch_open(loop, &q, 'q');
	p.kill = &q.w;
	q.kill = &p.w;
	assert_int_equal(write(p.far, "x", 1), 1);
	assert_int_equal(write(q.far, "x", 1), 1);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_int_equal(strlen(trace), 1);
	watch_close(&p);
	watch_close(&q);

	watch_open(loop, &p, 'p');
	watch_open(loop, &r, 'r');
	p.mute = &r.w;
	r.mute = &p.w;
	assert_int_equal(write(p.far, "x", 1), 1);
	assert_int_equal(write(r.far, "x", 1), 1);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_int_equal(strlen(trace), 2);
	watch_close(&p);
	watch_close(&r);
	loop_free(loop);
}

static struct pipe_watch heir;

/* Removes the other watch and gives its slot to a new one with nothing to read. */
static void watch_replace(struct loop_fd *w, uint32_t events)
{
	struct pipe_watch *p = w->arg;
	struct loop *loop = w->loop;

	note(p->name);
	loop_fd_del(p->kill);
	watch_open(loop, &heir, 'h');
}

static void test_fd_slot_taken_over(void **state)
{
	struct loop *loop = setup_loop();
	struct pipe_watch p, q;

	watch_open(loop, &p, 'p');
	watch_open(loop, &q, 'q');
	p.kill = &q.w;
	q.kill = &p.w;
	p.w.fn = watch_replace;
	q.w.fn = watch_replace;
	assert_int_equal(write(p.far, "x", 1), 1);
	assert_int_equal(write(q.far, "x", 1), 1);
	assert_int_equal(loop_turn(loop, -1), 1);
	assert_int_equal(strlen(trace), 1);
	assert_null(strchr(trace, 'h'));
	watch_close(&p);
	watch_close(&q);
	watch_close(&heir);
	loop_free(loop);
}

static void test_fd_refused(void **state)
{
	struct loop *loop = setup_loop();
	char path[] = "/tmp/linnet-loop-XXXXXX";
	struct loop_fd file = {.fn = watch_note, .fd = mkstemp(path), .events = EPOLLIN};
	struct loop_fd twice = {.fn = watch_note, .events = EPOLLIN};
	struct pipe_watch p;

	assert_true(file.fd >= 0);
	assert_int_equal(loop_fd_add(loop, &file), -EPERM);
	loop_fd_del(&file);
	close(file.fd);
	unlink(path);
	watch_open(loop, &p, 'p');
	twice.fd = p.w.fd;
	assert_int_equal(loop_fd_add(loop, &twice), -EEXIST);
	watch_close(&p);
	loop_free(loop);
}

static void test_many_fds(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_fd w[100] = {0};
	int fd;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(eventfd_new(&fd), 0);
		eventfd_raise(fd);
		w[i] = (struct loop_fd){
			.fn = watch_note, .arg = &heir, .fd = fd, .events = EPOLLIN};
		heir = (struct pipe_watch){.name = 'm'};
		assert_int_equal(loop_fd_add(loop, &w[i]), 0);
	}
	trace[0] = '\0';
	/* More than one batch, so it may take two rounds to see each once. */
	for (int i = 0; i < 100; i += 3)
		loop_fd_del(&w[i]);
	for (int i = 0; i < 100; i++)
		if (i % 10)
			loop_fd_set(&w[i], 0);
	assert_int_equal(loop_turn(loop, -1), 6); /* of 10 awake ones, 0 30 60 90 are removed */
	for (int i = 0; i < 100; i++) {
		loop_fd_del(&w[i]);
		close(w[i].fd);
	}
	assert_int_equal(loop_turn(loop, 0), 0);
	loop_free(loop);
	loop_free(NULL);
}

/* Timers, then tasks, then descriptors. */
static void test_order_in_a_round(void **state)
{
	struct loop *loop = setup_loop();
	struct loop_timer t = {.fn = timer_note, .arg = "t"};
	struct loop_task k = {.fn = task_note, .arg = "k"};
	struct pipe_watch p;

	watch_open(loop, &p, 'f');
	assert_int_equal(write(p.far, "x", 1), 1);
	loop_post(loop, &k);
	loop_timer_arm(loop, &t, 0);
	assert_int_equal(loop_turn(loop, -1), 3);
	assert_string_equal(trace, "tkf");
	watch_close(&p);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_in_order),
		cmocka_unit_test(test_timer_cancels_a_due_one),
		cmocka_unit_test(test_timer_rearmed_in_the_past),
		cmocka_unit_test(test_host_clock_sleep),
		cmocka_unit_test(test_foreign_clock),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_task_cancel),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_fd_events),
		cmocka_unit_test(test_fd_quiet),
		cmocka_unit_test(test_fd_removed_by_other_callback),
		cmocka_unit_test(test_fd_slot_taken_over),
		cmocka_unit_test(test_fd_refused),
		cmocka_unit_test(test_many_fds),
		cmocka_unit_test(test_order_in_a_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
