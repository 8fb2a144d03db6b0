/* SPDX-License-Identifier: MIT */
/* Scatter lists, compared at every offset and length with flat memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bits.h"
#include "base/iov.h"

#define TOTAL 11

static uint8_t a[4], b[1], c[6];
/* With empty entries first, in the middle and last. */
static const struct iovec list[] = {
	{a, 0}, {a, sizeof(a)}, {NULL, 0}, {b, sizeof(b)}, {c, sizeof(c)}, {c, 0},
};

static void set_all(void)
{
	const uint8_t bytes[TOTAL] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

	assert_int_equal(iov_from_buf(list, ARRAY_SIZE(list), 0, bytes, TOTAL), TOTAL);
}

static void get_all(uint8_t out[TOTAL])
{
	memcpy(out, a, 4);
	out[4] = b[0];
	memcpy(out + 5, c, 6);
}

static void test_len(void **state)
{
	assert_int_equal(iov_len(list, ARRAY_SIZE(list)), TOTAL);
	assert_int_equal(iov_len(NULL, 0), 0);
}

static void test_to_buf(void **state)
{
	uint8_t out[TOTAL + 4];

	set_all();
	for (size_t off = 0; off <= TOTAL + 2; off++) {
		for (size_t len = 0; len <= TOTAL + 2; len++) {
			size_t left = off < TOTAL ? TOTAL - off : 0;
			size_t want = len < left ? len : left;

			memset(out, 0xee, sizeof(out));
			assert_int_equal(iov_to_buf(list, ARRAY_SIZE(list), off, out, len), want);
			for (size_t i = 0; i < sizeof(out); i++)
				assert_int_equal(out[i], i < want ? off + i : 0xee);
		}
	}
}

static void test_from_buf_and_fill(void **state)
{
	const uint8_t src[TOTAL + 4] = {50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61};
	uint8_t now[TOTAL];

	for (size_t off = 0; off <= TOTAL + 2; off++) {
		for (size_t len = 0; len <= TOTAL + 2; len++) {
			size_t left = off < TOTAL ? TOTAL - off : 0;
			size_t want = len < left ? len : left;

			set_all();
			assert_int_equal(iov_from_buf(list, ARRAY_SIZE(list), off, src, len), want);
			get_all(now);
			for (size_t i = 0; i < TOTAL; i++)
				assert_int_equal(now[i],
						 i >= off && i < off + want ? 50 + i - off : i);
			assert_int_equal(iov_fill(list, ARRAY_SIZE(list), off, 0x77, len), want);
			get_all(now);
			for (size_t i = 0; i < TOTAL; i++)
				assert_int_equal(now[i], i >= off && i < off + want ? 0x77 : i);
		}
	}
}

static void test_slice(void **state)
{
	uint8_t out[TOTAL];
	struct iovec part[3];
	unsigned n;

	set_all();
	for (size_t off = 0; off <= TOTAL; off++) {
		for (size_t len = 1; off + len <= TOTAL; len++) {
			n = iov_slice(part, 3, list, ARRAY_SIZE(list), off, len);
			assert_in_range(n, 1, 3);
			assert_int_equal(iov_len(part, n), len);
			assert_int_equal(iov_to_buf(part, n, 0, out, TOTAL), len);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(out[i], off + i);
		}
	}
	assert_int_equal(iov_slice(part, 3, list, ARRAY_SIZE(list), 1, TOTAL), 0);
	assert_int_equal(iov_slice(part, 3, list, ARRAY_SIZE(list), TOTAL, 1), 0);
	assert_int_equal(iov_slice(part, 2, list, ARRAY_SIZE(list), 0, TOTAL), 0);
	assert_int_equal(iov_slice(part, 2, list, ARRAY_SIZE(list), 0, 5), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_len),
		cmocka_unit_test(test_to_buf),
		cmocka_unit_test(test_from_buf_and_fill),
		cmocka_unit_test(test_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
