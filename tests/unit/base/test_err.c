/* SPDX-License-Identifier: MIT */
/* Start-up error messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void test_formats_and_returns_code(void **state)
{
	struct err e;

	assert_int_equal(err_set(&e, -EINVAL, "--%s %d: too small", "mem", 3), -EINVAL);
	assert_string_equal(e.text, "--mem 3: too small");
	assert_int_equal(err_set(&e, 0, "second"), 0);
	assert_string_equal(e.text, "second");
}

static void test_null_drops_text(void **state)
{
	assert_int_equal(err_set(NULL, -ENOENT, "%s", "nobody reads this"), -ENOENT);
}

static void test_long_text_is_cut(void **state)
{
	char longer[2 * sizeof(((struct err *)0)->text)];
	struct err e;

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(err_set(&e, -EIO, "%s", longer), -EIO);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats_and_returns_code),
		cmocka_unit_test(test_null_drops_text),
		cmocka_unit_test(test_long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
