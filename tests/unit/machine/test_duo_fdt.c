/* SPDX-License-Identifier: MIT */
/* The device tree of the Duo boards, read by libfdt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libfdt.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "machine/board.h"
#include "machine/duo.h"
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

/* Those of the small core, in the order that its driver asks by. */
static void expect_regions(const void *dtb)
{
	static const char *const path[] = {"/reserved-memory/region@83f40000",
					   "/reserved-memory/vrings@83f20000",
					   "/reserved-memory/pool@83ee0000"};
	const fdt32_t *regions = property(dtb, "/soc/remoteproc@20b0000", "memory-region");

	for (unsigned i = 0; i < ARRAY_SIZE(path); i++)
		assert_int_equal(fdt32_ld(&regions[i]),
				 fdt32_ld(property(dtb, path[i], "phandle")));
}

static void test_board(void **state)
{
	static const struct wires none;
	const struct duo_fdt_config cfg = {.model = "duo",
					   .rtos = {0x83f40000, 0xc0000},
					   .vrings = {0x83f20000, 0x10000},
					   .buffers = {0x83f30000, 0x10000},
					   .pool = {0x83ee0000, 0x40000},
					   .wires = &none,
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
	reg = property(dtb, "/reserved-memory/vrings@83f20000", "reg");
	assert_int_equal(fdt64_ld(&reg[1]), 0x10000);
	reg = property(dtb, "/reserved-memory/pool@83ee0000", "reg");
	assert_int_equal(fdt64_ld(&reg[0]), 0x83ee0000);
	assert_int_equal(fdt64_ld(&reg[1]), 0x40000);
	property(dtb, "/reserved-memory/pool@83ee0000", "no-map");
	assert_string_equal(property(dtb, "/reserved-memory/pool@83ee0000", "compatible"),
			    "shared-dma-pool");
	assert_null(fdt_getprop(dtb, fdt_path_offset(dtb, "/reserved-memory/vrings@83f20000"),
				"compatible", NULL));
	expect_regions(dtb);
	assert_int_equal(fdt32_ld(property(dtb, "/soc/mailbox@1900000", "interrupts")), 101);
	assert_int_equal(fdt32_ld(property(dtb, "/soc/mailbox@1900000", "memory-region")),
			 fdt32_ld(property(dtb, "/reserved-memory/buffers@83f30000", "phandle")));
	assert_int_equal(fdt32_ld(property(dtb, "/soc/remoteproc@20b0000", "mboxes")),
			 fdt32_ld(property(dtb, "/soc/mailbox@1900000", "phandle")));
	assert_string_equal(property(dtb, "/chosen", "bootargs"), "quiet");
	assert_int_equal(fdt64_ld(property(dtb, "/chosen", "linux,initrd-end")), 0x82001000);
	free(dtb);
}

static void expect_cell(const void *dtb, const char *path, const char *name, uint32_t value)
{
	assert_int_equal(fdt32_ld(property(dtb, path, name)), value);
}

/* The second select is pin E9, low when active; the others are the controller's. */
static void expect_cs_gpios(const void *dtb)
{
	const fdt32_t *cells;
	int len;

	cells = fdt_getprop(dtb, fdt_path_offset(dtb, "/soc/spi@4180000"), "cs-gpios", &len);
	assert_int_equal(len, 6 * sizeof(*cells));
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(
			fdt32_ld(&cells[i]),
			i == 2   ? fdt32_ld(property(dtb, "/soc/gpio@5021000/gpio-controller@0",
						     "phandle"))
			: i == 3 ? 9u
			: i == 4 ? 1u
				 : 0u);
	assert_null(fdt_getprop(dtb, fdt_path_offset(dtb, "/soc/spi@41b0000"), "cs-gpios", NULL));
}

/* A select has one node, that of its first part; a part's driver is the kind's, or as one asks. */
static void test_wires(void **state)
{
	const struct wires wires = {
		.spi = {{.bus = 0, .select = 1, .kind = WIRES_FLASH},
			{.bus = 0, .select = 2, .kind = WIRES_ADC, .by_pin = true, .pin = {4, 9}},
			{.bus = 3, .select = 0, .kind = WIRES_SHIFT},
			{.bus = 3, .select = 0, .kind = WIRES_ADC},
			{.bus = 3, .select = 3, .kind = WIRES_UNIX, .compatible = "acme,thing"}},
		.n_spi = 5,
		.i2c = {{.bus = 4, .address = 0x51, .compatible = "atmel,24c32"}},
		.n_i2c = 1};
	const struct duo_fdt_config cfg = {.model = "duo256m", .wires = &wires};
	struct err e;
	void *dtb;
	size_t len;

	assert_int_equal(duo_fdt_build(&cfg, &dtb, &len, &e), 0);
	assert_int_equal(fdt_check_full(dtb, len), 0);
	assert_string_equal(property(dtb, "/soc/spi@4180000/flash@1", "compatible"),
			    "jedec,spi-nor");
	expect_cell(dtb, "/soc/spi@4180000/flash@1", "reg", 1);
	expect_cell(dtb, "/soc/spi@4180000", "interrupts", 54);
	expect_cs_gpios(dtb);
	assert_string_equal(fdt_get_alias(dtb, "spi3"), "/soc/spi@41b0000");
	assert_string_equal(property(dtb, "/soc/spi@4180000/adc@2", "compatible"),
			    "microchip,mcp3208");
	assert_string_equal(property(dtb, "/soc/spi@41b0000/shift@0", "compatible"),
			    "rohm,dh2228fv");
	assert_true(fdt_path_offset(dtb, "/soc/spi@41b0000/adc@0") < 0);
	assert_string_equal(property(dtb, "/soc/spi@41b0000/unix@3", "compatible"), "acme,thing");
	assert_string_equal(property(dtb, "/soc/i2c@4040000/eeprom@51", "compatible"),
			    "atmel,24c32");
	expect_cell(dtb, "/soc/i2c@4000000", "interrupts", 49);
	expect_cell(dtb, "/soc/gpio@5021000/gpio-controller@0", "interrupts", 70);
	expect_cell(dtb, "/soc/gpio@3023000/gpio-controller@0", "interrupts", 63);
	expect_cell(dtb, "/soc/watchdog@3010000", "interrupts", 58);
	free(dtb);
}

/* What only a run can know; a repeatable one knows it in advance. */
static void test_run(void **state)
{
	struct machine m = {.cfg = {.type = &duo_machine, .mem = 64u << 20, .append = "quiet"}};
	struct board_fdt first, second;
	struct err e;

	assert_int_equal(board_fdt_init(&first, &m, 1, 2, &e), 0);
	assert_int_equal(board_fdt_init(&second, &m, 1, 2, &e), 0);
	assert_memory_not_equal(first.rng_seed, second.rng_seed, sizeof(first.rng_seed));
	assert_int_equal(first.ram_base, DUO_RAM_BASE);
	assert_int_equal(first.ram_size, 64u << 20);
	assert_string_equal(first.bootargs, "quiet");
	assert_int_equal(first.initrd_end, 2);
	m.cfg.counted_time = true;
	assert_int_equal(board_fdt_init(&first, &m, 1, 2, &e), 0);
	assert_int_equal(board_fdt_init(&second, &m, 1, 2, &e), 0);
	assert_memory_equal(first.rng_seed, second.rng_seed, sizeof(first.rng_seed));
}

/* A tree of the user's gets the memory of this run where that is asked for. */
static void test_load(void **state)
{
	struct machine m = {.cfg = {.type = &duo_machine, .mem = 64u << 20}};
	static const struct wires none;
	struct duo_fdt_config cfg = {.model = "duo", .wires = &none};
	char path[] = "/tmp/linnet-dtb-XXXXXX";
	int fd = mkstemp(path);
	const fdt64_t *reg;
	struct err e;
	void *dtb;
	size_t len;

	assert_true(fd >= 0);
	assert_int_equal(board_fdt_init(&cfg.run, &m, 0, 0, &e), 0);
	cfg.run.ram_size = 1u << 20;
	assert_int_equal(duo_fdt_build(&cfg, &dtb, &len, &e), 0);
	assert_int_equal(write(fd, dtb, len), len);
	free(dtb);
	close(fd);
	m.cfg.dtb = path;
	cfg.run.ram_size = 64u << 20;
	assert_int_equal(board_fdt_load(&cfg.run, &m, 0x10000, true, &e), 0);
	reg = property(m.dtb, "/memory@80000000", "reg");
	assert_int_equal(fdt64_ld(&reg[1]), 64u << 20);
	free(m.dtb);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_board),
					   cmocka_unit_test(test_wires), cmocka_unit_test(test_run),
					   cmocka_unit_test(test_load)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
