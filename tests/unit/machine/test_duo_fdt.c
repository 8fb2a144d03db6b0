/* SPDX-License-Identifier: MIT */
/* The device tree of the Duo boards, read by libfdt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libfdt.h>
#include <stdlib.h>

#include "base/err.h"
#include "machine/duo_fdt.h"
#include "machine/duo_map.h"

static const void *property(const void *dtb, const char *path, const char *name)
{
	const void *p = fdt_getprop(dtb, fdt_path_offset(dtb, path), name, NULL);

	if (!p) {
		fail_msg("there is no %s of %s", name, path);
		abort(); /* not reached, which an analyzer cannot know */
	}
	return p;
}

static void test_board(void **state)
{
	const struct duo_fdt_config cfg = {.model = "duo",
					   .rtos = {0x83f40000, 0xc0000},
					   .run = {.ram_base = DUO_RAM_BASE,
						   .ram_size = 64u << 20,
						   .bootargs = "quiet",
						   .initrd_start = 0x82000000,
						   .initrd_end = 0x82001000}};
	struct err e;
	const fdt64_t *reg;
	void *dtb;
	size_t len;

	assert_int_equal(duo_fdt_build(&cfg, &dtb, &len, &e), 0);
	assert_int_equal(fdt_check_full(dtb, len), 0);
	reg = property(dtb, "/memory@80000000", "reg");
	assert_int_equal(fdt64_ld(&reg[0]), DUO_RAM_BASE);
	assert_int_equal(fdt64_ld(&reg[1]), 64u << 20);
	assert_int_equal(fdt32_ld(property(dtb, "/cpus", "timebase-frequency")), 25000000);
	assert_string_equal(property(dtb, "/cpus/cpu@0", "compatible"), "thead,c906");
	assert_int_equal(fdt32_ld(property(dtb, fdt_get_alias(dtb, "serial0"), "reg-shift")), 2);
	assert_int_equal(
		fdt32_ld(property(dtb, "/soc/interrupt-controller@70000000", "riscv,ndev")), 101);
	reg = property(dtb, "/reserved-memory/region@83f40000", "reg");
	assert_int_equal(fdt64_ld(&reg[1]), 0xc0000);
	property(dtb, "/reserved-memory/region@83f40000", "no-map");
	assert_string_equal(property(dtb, "/chosen", "bootargs"), "quiet");
	assert_int_equal(fdt64_ld(property(dtb, "/chosen", "linux,initrd-end")), 0x82001000);
	free(dtb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_board)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
