/* SPDX-License-Identifier: MIT */
/* Log lines as they arrive on standard error, which is a pipe here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

static char got[8192];
static int saved_stderr, pipe_end;

static void capture_begin(void)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(saved_stderr >= 0);
	assert_int_equal(dup2(p[1], STDERR_FILENO), STDERR_FILENO);
	close(p[1]);
	pipe_end = p[0];
}

static void capture_end(void)
{
	ssize_t n;

	assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
	close(saved_stderr);
	n = fd_read_full(pipe_end, got, sizeof(got) - 1);
	assert_true(n >= 0);
	got[n] = '\0';
	close(pipe_end);
}

static void test_line(void **state)
{
	capture_begin();
	log_warn("disk %s: %d bytes lost", "a.img", 7);
	capture_end();
	assert_string_equal(got, "linnet: disk a.img: 7 bytes lost\n");
}

static void test_long_line_is_cut_and_ended(void **state)
{
	char text[4000];

	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	capture_begin();
	log_warn("%s", text);
	capture_end();
	assert_in_range(strlen(got), 900, 1024);
	assert_int_equal(got[strlen(got) - 1], '\n');
	assert_memory_equal(got, "linnet: yyy", 11);
}

static void test_limit(void **state)
{
	struct log_limit limit = {0};

	capture_begin();
	for (int i = 0; i < 5; i++)
		log_warn_limited(&limit, 2, "n%d", i);
	capture_end();
	assert_string_equal(got, "linnet: n0\nlinnet: n1 (no more of these will be shown)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_long_line_is_cut_and_ended),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
