/* SPDX-License-Identifier: MIT */
/* DesignWare's I2C controller with EEPROMs, as Linux's drivers go about both. */
#include "hw_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/dw_i2c.h"
#include "hw/i2c_bus.h"
#include "hw/i2c_eeprom.h"

#define BASE  0x4000000u
#define SMALL 0x50u
#define WIDE  0x51u
#define LABEL "--i2c 0:0x50=eeprom"

enum {
	TAR = 0x04,
	DATA = 0x10,
	INTR = 0x2c,
	MASK = 0x30,
	RAW = 0x34,
	RX_TL = 0x38,
	CLR_INTR = 0x40,
	CLR_RX_UNDER = 0x44,
	CLR_RX_OVER = 0x48,
	CLR_TX_ABRT = 0x54,
	CLR_STOP_DET = 0x60,
	ENABLE = 0x6c,
	STATUS = 0x70,
	TXFLR = 0x74,
	RXFLR = 0x78,
	SOURCE = 0x80,
	ENABLE_STATUS = 0x9c,
	PARAMS = 0xf4,
	TYPE = 0xfc,
};

enum {
	READ = 0x100,
	STOP = 0x200,
	RESTART = 0x400,
	RX_UNDER = 0x1,
	RX_OVER = 0x2,
	RX_FULL = 0x4,
	TX_EMPTY = 0x10,
	TX_ABRT = 0x40,
	STOP_DET = 0x200,
};

struct fixture {
	struct bus *bus;
	struct dw_i2c *d;
	struct wires wires;
	char path[2][32];
};

static void add(struct fixture *f, unsigned i, unsigned address, off_t size, const char *compatible)
{
	struct i2c_part *p;
	int fd;

	strcpy(f->path[i], "/tmp/test_i2c_XXXXXX");
	fd = mkstemp(f->path[i]);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	assert_int_equal(i2c_eeprom_new(LABEL, address, f->path[i], false, &p, NULL), 0);
	assert_string_equal(i2c_eeprom_compatible(p), compatible);
	assert_int_equal(dw_i2c_attach(f->d, p), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct dw_i2c_config cfg = {.base = BASE};

	*state = f;
	if (bus_new(&f->bus))
		return -1;
	cfg.bus = f->bus;
	cfg.irq = wires_irq(&f->wires, 0);
	if (dw_i2c_new(&cfg, &f->d))
		return -1;
	add(f, 0, SMALL, 256, "atmel,24c02");
	add(f, 1, WIDE, 16384, "atmel,24c128");
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dw_i2c_free(f->d);
	bus_free(f->bus);
	for (unsigned i = 0; i < 2; i++)
		unlink(f->path[i]);
	free(f);
	return 0;
}

static void set(struct fixture *f, unsigned reg, uint32_t value)
{
	wr(f->bus, BASE + reg, 4, value);
}

static uint32_t get(struct fixture *f, unsigned reg)
{
	return (uint32_t)rd(f->bus, BASE + reg, 4);
}

static void call(struct fixture *f, unsigned address)
{
	set(f, ENABLE, 0);
	set(f, TAR, address);
	set(f, ENABLE, 1);
	get(f, CLR_INTR);
}

static int file(const struct fixture *f, unsigned i, off_t at)
{
	int fd = open(f->path[i], O_RDONLY);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	close(fd);
	return byte;
}

static void test_probe(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, TYPE), 0x44570140);
	assert_int_equal((get(f, PARAMS) >> 16) + 1, DW_I2C_DEPTH);
	assert_int_equal((get(f, PARAMS) >> 8 & 0xff) + 1, DW_I2C_DEPTH);
	assert_int_equal(get(f, ENABLE_STATUS), 0);
	set(f, 0x14, 0x123); /* timing */
	assert_int_equal(get(f, 0x14), 0x123);
	set(f, RX_TL, 200);
	assert_int_equal(get(f, RX_TL), DW_I2C_DEPTH - 1);
	assert_int_equal(get(f, STATUS), 6);
	assert_int_equal(rd(f->bus, BASE + 0x1000, 4), 0);
	wr(f->bus, BASE + 0x1000, 4, 1);
	assert_faults(f->bus, BASE, 8);
}

/* Write, stop; then write an address, restart, read: by interrupts. */
static void test_small(void **state)
{
	struct fixture *f = *state;

	call(f, SMALL);
	assert_int_equal(f->wires.level, 0);
	set(f, MASK, TX_EMPTY | RX_FULL | STOP_DET | TX_ABRT);
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(get(f, INTR), TX_EMPTY);
	set(f, DATA, 0x0e); /* an address: the page is 8 to 15 */
	set(f, DATA, 0x11);
	set(f, DATA, 0x22);
	assert_int_equal(get(f, STATUS), 0x27);
	assert_int_equal(file(f, 0, 0x0e), 0);
	set(f, DATA, 0x33 | STOP);
	assert_int_equal(get(f, INTR), TX_EMPTY | STOP_DET);
	assert_int_equal(get(f, STATUS), 6);
	assert_int_equal(file(f, 0, 0x0e), 0x11);
	assert_int_equal(file(f, 0, 0x08), 0x33); /* it wraps */
	assert_int_equal(get(f, CLR_STOP_DET), 1);
	set(f, MASK, RX_FULL);
	assert_int_equal(f->wires.level, 0);

	set(f, DATA, 0x0e);
	set(f, DATA, READ | RESTART);
	assert_int_equal(f->wires.level, 1);
	set(f, DATA, READ);
	set(f, DATA, READ | STOP);
	assert_int_equal(get(f, RXFLR), 3);
	assert_int_equal(get(f, TXFLR), 0);
	assert_int_equal(get(f, DATA), 0x11);
	assert_int_equal(get(f, DATA), 0x22);
	assert_int_equal(get(f, DATA), 0);
	assert_int_equal(f->wires.level, 0);
	assert_int_equal(get(f, DATA), 0);
	assert_int_equal(get(f, RAW) & RX_UNDER, RX_UNDER);
	assert_int_equal(get(f, CLR_RX_UNDER), 1);
	/* Reading wraps at the end of the chip. */
	set(f, DATA, 0xff);
	set(f, DATA, READ);
	set(f, DATA, READ);
	set(f, DATA, READ | STOP);
	assert_int_equal(get(f, RXFLR), 3);
}

static void test_wide(void **state)
{
	struct fixture *f = *state;

	call(f, WIDE);
	set(f, DATA, 0x3f);
	set(f, DATA, 0xfe);
	set(f, DATA, 0x77);
	set(f, DATA, 0x88);
	set(f, DATA, 0x99 | STOP);
	assert_int_equal(file(f, 1, 0x3fff), 0x88);
	assert_int_equal(file(f, 1, 0x3fe0), 0x99);
	/* A write that a restart cuts off is none. */
	set(f, DATA, 0x00);
	set(f, DATA, 0x00);
	set(f, DATA, 0x55);
	set(f, DATA, READ | RESTART | STOP);
	assert_int_equal(file(f, 1, 0), 0);
	/* 40 reads into a FIFO of 32. */
	for (unsigned i = 0; i < 40; i++)
		set(f, DATA, READ | (i == 39 ? STOP : 0));
	assert_int_equal(get(f, RXFLR), DW_I2C_DEPTH);
	assert_int_equal(get(f, STATUS), 0x1e);
	assert_int_equal(get(f, CLR_RX_OVER), 1);
}

static void test_nobody(void **state)
{
	struct fixture *f = *state;

	call(f, 0x20);
	set(f, MASK, TX_ABRT);
	set(f, DATA, 1);
	assert_int_equal(f->wires.level, 1);
	assert_int_equal(get(f, SOURCE), 1);
	assert_int_equal(get(f, RAW) & STOP_DET, STOP_DET);
	set(f, DATA, READ); /* dropped */
	assert_int_equal(get(f, RXFLR), 0);
	assert_int_equal(get(f, CLR_TX_ABRT), 1);
	assert_int_equal(get(f, SOURCE), 0);
	assert_int_equal(f->wires.level, 0);
	call(f, 0x1000 | SMALL); /* 10 bits */
	set(f, DATA, 1);
	assert_int_equal(get(f, SOURCE), 1);
	set(f, ENABLE, 0);
	set(f, DATA, 1);
	assert_int_equal(get(f, RAW), 0);
	/* ABORT in the middle of something. */
	call(f, SMALL);
	set(f, DATA, 1);
	set(f, ENABLE, 3);
	assert_int_equal(get(f, STATUS), 6);
	assert_int_equal(get(f, ENABLE), 1);
}

static void test_read_only(void **state)
{
	struct fixture *f = *state;
	struct i2c_bus b = {0};
	struct i2c_part *p, *q;
	char path[] = "/tmp/test_i2c_XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 256), 0);
	close(fd);
	assert_int_equal(i2c_eeprom_new(LABEL, SMALL, path, true, &p, NULL), 0);
	assert_int_equal(i2c_eeprom_new(LABEL, SMALL, path, true, &q, NULL), 0);
	assert_int_equal(i2c_bus_attach(&b, p), 0);
	assert_int_equal(i2c_bus_attach(&b, q), -EEXIST);
	q->ops->free(q);
	assert_int_equal(i2c_bus_read(&b), 0xff);
	assert_true(i2c_bus_start(&b, SMALL, false));
	assert_true(i2c_bus_write(&b, 0));
	assert_false(i2c_bus_write(&b, 1));
	i2c_bus_stop(&b);
	assert_false(i2c_bus_write(&b, 0));
	i2c_bus_fini(&b);
	/* And through the controller. */
	assert_int_equal(i2c_eeprom_new(LABEL, 0x53, path, true, &p, NULL), 0);
	assert_int_equal(dw_i2c_attach(f->d, p), 0);
	call(f, 0x53);
	set(f, DATA, 0);
	set(f, DATA, 1);
	assert_int_equal(get(f, SOURCE), 8);
	unlink(path);
}

static void test_mistakes(void **state)
{
	struct fixture *f = *state;
	struct i2c_part *p;
	struct err e;

	assert_int_equal(i2c_eeprom_new(LABEL, SMALL, f->path[0], false, &p, &e), -EBUSY);
	dw_i2c_free(f->d);
	f->d = NULL;
	assert_int_equal(truncate(f->path[0], 1024), 0);
	assert_int_equal(i2c_eeprom_new(LABEL, SMALL, f->path[0], false, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, "has 1024 bytes; such a chip has 256, or 4K to 64K"));
	assert_int_equal(truncate(f->path[0], 131072), 0);
	assert_int_equal(i2c_eeprom_new(LABEL, SMALL, f->path[0], false, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, LABEL ",path="));
}

static void test_hostile(void **state)
{
	struct fixture *f = *state;
	uint32_t seed = 11;

	for (unsigned n = 0; n < 50000; n++) {
		unsigned reg;

		seed = seed * 1664525 + 1013904223;
		reg = seed & 0x40 ? DATA : seed >> 20 & 0xfc;
		if (seed & 0x100)
			set(f, reg, reg == TAR ? SMALL + (seed >> 16 & 3) : seed >> 9 & 0xffff);
		else
			get(f, reg);
		assert_true(get(f, RXFLR) <= DW_I2C_DEPTH);
		assert_int_equal(f->wires.level, get(f, INTR) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_probe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wide, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
