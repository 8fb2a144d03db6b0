/* SPDX-License-Identifier: MIT */
/* A set of descriptors stated anew each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backend/poll_set.h"

static void state_one(struct poll_set *s, int fd, uint32_t events)
{
	poll_set_begin(s);
	if (fd >= 0)
		assert_int_equal(poll_set_add(s, fd, events), 0);
	poll_set_end(s);
	poll_set_collect(s);
}

static void test_states(void **state)
{
	struct poll_set s;
	int p[2];

	assert_int_equal(poll_set_init(&s), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	state_one(&s, p[0], EPOLLIN);
	assert_int_equal(poll_set_ready(&s, p[0]), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	state_one(&s, p[0], EPOLLIN);
	assert_int_equal(poll_set_ready(&s, p[0]), EPOLLIN);
	poll_set_collect(&s); /* as long as it is so */
	assert_int_equal(poll_set_ready(&s, p[0]), EPOLLIN);
	/* Not stated any more: not ready, and the epoll does not wake for it. */
	state_one(&s, p[1], EPOLLOUT);
	assert_int_equal(poll_set_ready(&s, p[0]), 0);
	assert_int_equal(poll_set_ready(&s, p[1]), EPOLLOUT);
	state_one(&s, -1, 0);
	assert_int_equal(epoll_wait(s.epoll_fd, &(struct epoll_event){0}, 1, 0), 0);
	/* Twice in one statement. */
	poll_set_begin(&s);
	assert_int_equal(poll_set_add(&s, p[0], EPOLLPRI), 0);
	assert_int_equal(poll_set_add(&s, p[0], EPOLLIN), 0);
	poll_set_end(&s);
	poll_set_collect(&s);
	assert_int_equal(poll_set_ready(&s, p[0]), EPOLLIN);
	assert_int_equal(poll_set_ready(&s, -1), 0);
	assert_int_equal(poll_set_ready(&s, 1 << 20), 0);
	close(p[0]);
	close(p[1]);
	poll_set_fini(&s);
}

/* A number that is closed and used anew is watched anew, for it was forgotten in time. */
static void test_number_used_anew(void **state)
{
	struct poll_set s;
	int p[2], q[2];

	assert_int_equal(poll_set_init(&s), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(q, O_CLOEXEC), 0);
	state_one(&s, p[0], EPOLLIN);
	poll_set_forget(&s, p[0]);
	poll_set_forget(&s, 1 << 20);
	assert_int_equal(dup2(q[0], p[0]), p[0]);
	assert_int_equal(write(q[1], "x", 1), 1);
	state_one(&s, p[0], EPOLLIN);
	assert_int_equal(poll_set_ready(&s, p[0]), EPOLLIN);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
	poll_set_fini(&s);
	poll_set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_number_used_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
