/* SPDX-License-Identifier: MIT */
/* What is said of a core that crashed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "machine/crash.h"

static void test_text(void **state)
{
	struct cpu_crash c = {.pc = 0x8fe00010, .cause = 7, .tval = 0x20, .handler = 0};
	char text[CRASH_TEXT];

	crash_text(&c, text);
	assert_string_equal(text, "store to where nothing is (mcause 0x7, mtval 0x20) at pc "
				  "0x8fe00010, and mtvec, 0x0, leads to no handler that runs");
	c.cause = 1ull << 63 | 11;
	crash_text(&c, text);
	assert_ptr_equal(strstr(text, "interrupt (mcause 0x800000000000000b"), text);
	c.cause = 99;
	c.pc = c.tval = c.handler = UINT64_MAX;
	crash_text(&c, text);
	assert_ptr_equal(strstr(text, "exception (mcause 0x63"), text);
	assert_true(strlen(text) + 1 < sizeof(text));
}

/* All registers, by name, behind the first line. */
static void test_report(void **state)
{
	struct cpu_crash c = {.cause = 2};
	char out[4096] = "";
	int saved = dup(STDERR_FILENO), pipes[2];
	ssize_t n;

	for (unsigned i = 0; i < 32; i++)
		c.x[i] = 0xabc00000 + i;
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	crash_report("the small core", &c);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(pipes[0], out, sizeof(out) - 1);
	close(pipes[0]);
	close(pipes[1]);
	assert_true(n > 0);
	assert_non_null(strstr(out, "the small core crashed: illegal instruction (mcause 0x2"));
	assert_non_null(strstr(out, "  sp 00000000abc00002"));
	assert_non_null(strstr(out, "  t6 00000000abc0001f\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
