/* SPDX-License-Identifier: MIT */
/* The device tree writer: what it writes, libfdt reads; errors are kept until the end. */
#include "boot_test.h"

#include <libfdt.h>

#include "boot/fdt.h"

static uint32_t cell(const void *dtb, int node, const char *name, unsigned i)
{
	int len;
	const fdt32_t *p = fdt_getprop(dtb, node, name, &len);

	assert_non_null(p);
	assert_true((unsigned)len >= 4 * (i + 1));
	return fdt32_ld(&p[i]);
}

static void test_tree(void **state)
{
	const char *const compatible[] = {"vendor,new", "vendor,old"};
	const uint32_t cells[] = {1, 0xffffffff, 3};
	const uint8_t room[3000] = {0};
	struct fdt_builder b;
	void *dtb;
	size_t size;
	int node, len;

	fdtb_init(&b);
	fdtb_begin(&b, "%s", "");
	fdtb_u32(&b, "#address-cells", 2);
	fdtb_begin(&b, "dev@%x", 0x1000u);
	fdtb_reg(&b, 0x123456789a, 0x1000);
	fdtb_strings(&b, "compatible", compatible, 2);
	fdtb_cells(&b, "cells", cells, 3);
	fdtb_string(&b, "status", "okay");
	fdtb_u64(&b, "big", 0x1122334455667788);
	fdtb_empty(&b, "dma-coherent");
	fdtb_end(&b);
	fdtb_end(&b);
	assert_int_equal(fdtb_finish(&b, &dtb, &size), 0);

	assert_int_equal(fdt_check_full(dtb, size), 0);
	assert_int_equal(cell(dtb, 0, "#address-cells", 0), 2);
	node = fdt_path_offset(dtb, "/dev@1000");
	assert_true(node > 0);
	assert_int_equal(cell(dtb, node, "reg", 0), 0x12);
	assert_int_equal(cell(dtb, node, "reg", 1), 0x3456789a);
	assert_int_equal(cell(dtb, node, "reg", 3), 0x1000);
	assert_int_equal(cell(dtb, node, "cells", 1), 0xffffffff);
	assert_int_equal(cell(dtb, node, "big", 0), 0x11223344);
	assert_int_equal(fdt_node_check_compatible(dtb, node, "vendor,old"), 0);
	assert_string_equal(fdt_getprop(dtb, node, "status", NULL), "okay");
	assert_non_null(fdt_getprop(dtb, node, "dma-coherent", &len));
	assert_int_equal(len, 0);
	/* A boot loader can add to it where it lies. */
	assert_int_equal(fdt_totalsize(dtb), size);
	assert_int_equal(fdt_setprop(dtb, 0, "added", room, sizeof(room)), 0);
	free(dtb);
}

/* Far more than the first buffer holds. */
static void test_growth(void **state)
{
	struct fdt_builder b;
	void *dtb;
	size_t size;

	fdtb_init(&b);
	fdtb_begin(&b, "%s", "");
	for (unsigned i = 0; i < 500; i++) {
		char name[16];

		fdtb_begin(&b, "node@%x", i);
		snprintf(name, sizeof(name), "prop%u", i);
		fdtb_u32(&b, name, i);
		fdtb_string(&b, "text", "0123456789012345678901234567890123456789");
		fdtb_end(&b);
	}
	fdtb_end(&b);
	assert_int_equal(fdtb_finish(&b, &dtb, &size), 0);
	assert_true(size > 30000);
	assert_int_equal(fdt_check_full(dtb, size), 0);
	assert_int_equal(cell(dtb, fdt_path_offset(dtb, "/node@1f3"), "prop499", 0), 499);
	free(dtb);
}

static void test_errors(void **state)
{
	static const char huge[2 << 20];
	static const uint32_t cells[1000];
	const char *strings[] = {"a"};
	struct fdt_builder b;
	void *dtb;
	size_t size;

	fdtb_init(&b);
	fdtb_begin(&b, "x");
	assert_int_equal(fdtb_finish(&b, &dtb, &size), -EINVAL); /* not ended */

	fdtb_init(&b);
	fdtb_end(&b); /* not begun */
	fdtb_begin(&b, "x");
	assert_int_equal(fdtb_finish(&b, &dtb, &size), -EINVAL);

	fdtb_init(&b);
	fdtb_begin(&b, "%0100d", 1);
	assert_int_equal(b.err, -EINVAL);
	fdtb_strings(&b, "x", strings, 1);
	assert_int_equal(fdtb_finish(&b, &dtb, &size), -EINVAL);

	fdtb_init(&b);
	fdtb_begin(&b, "%s", "");
	fdtb_cells(&b, "x", cells, 1000);
	fdtb_end(&b);
	assert_int_equal(fdtb_finish(&b, &dtb, &size), -EINVAL);

	fdtb_init(&b);
	fdtb_begin(&b, "%s", "");
	fdtb_bytes(&b, "x", huge, sizeof(huge));
	assert_int_equal(fdtb_finish(&b, &dtb, &size), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
