/* SPDX-License-Identifier: MIT */
/* Fields against numbers that are written down here, and all commands of the drivers against each
 * other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "cmd/ioctl.h"
#include "guest/drivers/include/linnet/ioctl.h"

static void expect(const char *text, const char *wanted)
{
	char line[IOCTL_LINE];
	struct err e = {0};
	uint32_t cmd;

	assert_int_equal(ioctl_parse(text, &cmd, &e), 0);
	ioctl_format(cmd, line);
	assert_string_equal(line, wanted);
}

static void test_fields(void **state)
{
	(void)state;
	expect("0x5421", "0x00005421 direction none size 0 type 0x54 'T' number 33");
	expect("0x80086601", "0x80086601 direction read size 8 type 0x66 'f' number 1");
	expect("0x40086602", "0x40086602 direction write size 8 type 0x66 'f' number 2");
	expect("0xffffffff", "0xffffffff direction read+write size 16383 type 0xff number 255");
	expect("0", "0x00000000 direction none size 0 type 0x00 number 0");
	expect("-1", "0xffffffff direction read+write size 16383 type 0xff number 255");
}

static void test_ours(void **state)
{
	(void)state;
	expect("0x8004d505", "0x8004d505 direction read size 4 type 0xd5 number 5 of scull: "
			     "SCULL_IOCGQUANTUM");
	expect("-2147166971", "0x8004d505 direction read size 4 type 0xd5 number 5 of scull: "
			      "SCULL_IOCGQUANTUM");
	expect("SCULL_IOCXQSET", "0xc004d50a direction read+write size 4 type 0xd5 number 10 of "
				 "scull: SCULL_IOCXQSET");
	expect("SCULL_IOCGUSAGE", "0x8018d50d direction read size 24 type 0xd5 number 13 of "
				  "scull: SCULL_IOCGUSAGE");
	/* The number of another size is not the command. */
	expect("0x8008d505", "0x8008d505 direction read size 8 type 0xd5 number 5 of scull");
}

static void test_mistakes(void **state)
{
	static const char *const bad[] = {"",     "x",   "0x",         "12z",         "0x100000000",
					  "1 2",  "--1", "-",          "-2147483649", "decode",
					  "0x-1", "+1",  "SCULL_NONE", "4294967296"};
	struct err e = {0};
	uint32_t cmd;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(ioctl_parse(bad[i], &cmd, &e), -EINVAL);
		assert_non_null(strstr(e.text, "number of an ioctl"));
	}
}

#define ENTRY(name) {name, #name},
static const struct {
	uint32_t cmd;
	const char *name;
} ours[] = {LINNET_IOCTLS(ENTRY)};

/* Each number stands for one command, has a driver, and its line has room. */
static void test_all(void **state)
{
	char line[IOCTL_LINE];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ours); i++) {
		ioctl_format(ours[i].cmd, line);
		assert_non_null(strstr(line, ours[i].name));
		assert_non_null(strstr(line, " of "));
		for (unsigned j = 0; j < i; j++) {
			assert_int_not_equal(ours[i].cmd, ours[j].cmd);
			assert_true(_IOC_TYPE(ours[i].cmd) != _IOC_TYPE(ours[j].cmd) ||
				    _IOC_NR(ours[i].cmd) != _IOC_NR(ours[j].cmd));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
