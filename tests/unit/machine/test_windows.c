/* SPDX-License-Identifier: MIT */
/* The memory of a core: what a device tree reserves, and pages at its edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/fdt.h"
#include "machine/windows.h"

static void test_pages(void **state)
{
	struct windows w = {0};

	assert_false(windows_have_page(&w, 0));
	assert_int_equal(windows_add(&w, 0x2000, 0x4000), 0);
	assert_int_equal(windows_add(&w, 0x8010, 0x8020), 0);
	assert_int_equal(windows_add(&w, 5, 5), -EINVAL);
	assert_int_equal(windows_add(&w, 6, 5), -EINVAL);
	assert_false(windows_have_page(&w, 0x1fff));
	assert_true(windows_have_page(&w, 0x2000));
	assert_true(windows_have_page(&w, 0x3fff));
	assert_false(windows_have_page(&w, 0x4000));
	assert_true(windows_have_page(&w, 0x8000));
	assert_true(windows_have_page(&w, 0x8fff));
	assert_false(windows_have_page(&w, 0x9000));
	while (w.n < WINDOWS_MAX)
		assert_int_equal(windows_add(&w, 1, 2), 0);
	assert_int_equal(windows_add(&w, 1, 2), -ENOSPC);
}

/* A tree with reservations of `cells` cells each; 0: without any. */
static void *make_tree(unsigned cells)
{
	struct fdt_builder t;
	size_t len;
	void *dtb;

	fdtb_init(&t);
	fdtb_begin(&t, "%s", "");
	if (cells) {
		fdtb_begin(&t, "reserved-memory");
		fdtb_u32(&t, "#address-cells", cells);
		fdtb_u32(&t, "#size-cells", cells);
		fdtb_begin(&t, "dynamic");
		fdtb_u32(&t, "size", 0x1000);
		fdtb_end(&t);
		fdtb_begin(&t, "region@90000000");
		if (cells == 1)
			fdtb_u64(&t, "reg", 0x90000000ull << 32 | 0x2000);
		else
			fdtb_reg(&t, 0x90000000, 0x2000);
		fdtb_end(&t);
		fdtb_end(&t);
	}
	fdtb_end(&t);
	assert_int_equal(fdtb_finish(&t, &dtb, &len), 0);
	return dtb;
}

static void test_tree(void **state)
{
	for (unsigned cells = 0; cells <= 3; cells++) {
		struct windows w = {0};
		void *dtb = make_tree(cells);

		windows_add_reserved(&w, dtb);
		assert_int_equal(w.n, cells == 1 || cells == 2);
		if (w.n) {
			assert_int_equal(w.range[0].start, 0x90000000);
			assert_int_equal(w.range[0].end, 0x90002000);
		}
		free(dtb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
