/* SPDX-License-Identifier: MIT */
/* A serial flash, command by command, and the file behind it. */
#include "hw_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/spi_bus.h"
#include "hw/spi_flash.h"

#define LABEL "--spi 0:0=flash"

struct fixture {
	struct spi_bus bus;
	char path[32];
	uint8_t out[600], in[600];
};

static int file(const struct fixture *f, off_t at)
{
	int fd = open(f->path, O_RDONLY);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	close(fd);
	return byte;
}

static void open_flash(struct fixture *f, off_t size, bool read_only)
{
	struct spi_part *p;
	struct err e;

	spi_bus_init(&f->bus, "spi 0");
	assert_int_equal(truncate(f->path, size), 0);
	assert_int_equal(spi_flash_new(LABEL, f->path, read_only, &p, &e), 0);
	assert_int_equal(spi_bus_attach(&f->bus, p, 0), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->path, "/tmp/test_flash_XXXXXX");
	fd = mkstemp(f->path);
	if (fd < 0)
		return -1;
	close(fd);
	*state = f;
	open_flash(f, 1 << 20, false);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	spi_bus_fini(&f->bus);
	unlink(f->path);
	free(f);
	return 0;
}

/* Sends n_out bytes of f->out, then takes n_in into f->in. */
static void command(struct fixture *f, unsigned n_out, unsigned n_in)
{
	spi_bus_select(&f->bus, 1);
	for (unsigned i = 0; i < n_out; i++)
		assert_int_equal(spi_bus_frame(&f->bus, 0, 8, f->out[i]), 0xff);
	for (unsigned i = 0; i < n_in; i++)
		f->in[i] = (uint8_t)spi_bus_frame(&f->bus, 0, 8, 0);
	spi_bus_select(&f->bus, 0);
}

static void simple(struct fixture *f, uint8_t code)
{
	f->out[0] = code;
	command(f, 1, 0);
}

static uint8_t status(struct fixture *f, uint8_t code)
{
	f->out[0] = code;
	command(f, 1, 3);
	assert_int_equal(f->in[0], f->in[2]); /* as long as it is clocked */
	return f->in[0];
}

/* A command with an address of n bytes. */
static unsigned at(struct fixture *f, uint8_t code, unsigned n, uint32_t address)
{
	f->out[0] = code;
	for (unsigned i = 0; i < n; i++)
		f->out[1 + i] = (uint8_t)(address >> 8 * (n - 1 - i));
	return 1 + n;
}

static uint8_t byte_at(struct fixture *f, uint32_t address)
{
	command(f, at(f, 0x03, 3, address), 1);
	return f->in[0];
}

static void program(struct fixture *f, uint32_t address, const uint8_t *data, unsigned n)
{
	unsigned len = at(f, 0x02, 3, address);

	memcpy(f->out + len, data, n);
	command(f, len + n, 0);
}

static void test_identity(void **state)
{
	struct fixture *f = *state;

	f->out[0] = 0x9f;
	command(f, 1, 4);
	assert_memory_equal(f->in, "\xef\x40\x14\xef", 4);
	command(f, at(f, 0x90, 3, 0), 3);
	assert_memory_equal(f->in, "\xef\x13\xef", 3);
	command(f, at(f, 0x90, 3, 1), 2);
	assert_memory_equal(f->in, "\x13\xef", 2);
	f->out[4] = 0;
	command(f, at(f, 0x5a, 3, 0) + 1, 90);
	assert_memory_equal(f->in, "SFDP\5\1\0\xff\0\5\1\x10\x10\0\0\xff\xe5\x20\x80\xff", 20);
	assert_memory_equal(f->in + 20, "\xff\xff\x7f\0", 4); /* 8 Mbit, less 1 */
	assert_memory_equal(f->in + 80, "\xff\xff\xff", 3);   /* behind the table */
	simple(f, 0xee);                                      /* no such command */
	f->out[0] = 0xee;
	command(f, 1, 1);
	assert_int_equal(f->in[0], 0xff);
}

static void test_program_and_erase(void **state)
{
	struct fixture *f = *state;
	uint8_t data[300];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	assert_int_equal(byte_at(f, 0x1000), 0); /* as truncate made it */
	command(f, at(f, 0x20, 3, 0x1234), 0);
	assert_int_equal(byte_at(f, 0x1000), 0); /* not enabled */
	simple(f, 0x06);
	assert_int_equal(status(f, 0x05), 2);
	command(f, at(f, 0x20, 3, 0x1234), 0);
	assert_int_equal(status(f, 0x05), 0);
	assert_int_equal(byte_at(f, 0x0fff), 0);
	assert_int_equal(byte_at(f, 0x1000), 0xff);
	assert_int_equal(byte_at(f, 0x1fff), 0xff);
	assert_int_equal(byte_at(f, 0x2000), 0);
	assert_int_equal(file(f, 0x1fff), 0xff);

	/* From 0xf0 on in a page; what is too long goes on at its begin. */
	simple(f, 0x06);
	program(f, 0x10f0, data, 32);
	assert_int_equal(byte_at(f, 0x10ff), 15 * 7);
	assert_int_equal(byte_at(f, 0x1100), 0xff);
	assert_int_equal(byte_at(f, 0x1000), 16 * 7);
	assert_int_equal(file(f, 0x1000), 16 * 7);
	/* The last 256 count; bits only go down. */
	simple(f, 0x06);
	program(f, 0x1200, data, 300);
	assert_int_equal(byte_at(f, 0x1200), (uint8_t)(256 * 7));
	assert_int_equal(byte_at(f, 0x12ff), (uint8_t)(255 * 7));
	simple(f, 0x06);
	program(f, 0x12ff, (const uint8_t *)"\x0f", 1);
	assert_int_equal(byte_at(f, 0x12ff), (255 * 7) & 0x0f);
	simple(f, 0x06);
	simple(f, 0x04);
	program(f, 0x1300, data, 1);
	assert_int_equal(byte_at(f, 0x1301), 0xff);

	simple(f, 0x06);
	command(f, at(f, 0x52, 3, 0x8000), 0);
	assert_int_equal(byte_at(f, 0xffff), 0xff);
	assert_int_equal(byte_at(f, 0x10000), 0);
	simple(f, 0x06);
	command(f, at(f, 0xd8, 3, 0x1ffff), 0);
	assert_int_equal(byte_at(f, 0x10000), 0xff);
	simple(f, 0x06);
	simple(f, 0xc7);
	assert_int_equal(byte_at(f, 0xfffff), 0xff);
	assert_int_equal(file(f, 0xfffff), 0xff);
}

/* What ends in the middle of a byte, an address, or without data, does nothing. */
static void test_cut_short(void **state)
{
	struct fixture *f = *state;
	unsigned n = at(f, 0x20, 3, 0);

	simple(f, 0x06);
	command(f, n - 1, 0);
	spi_bus_select(&f->bus, 1);
	for (unsigned i = 0; i < n; i++)
		spi_bus_frame(&f->bus, 0, 8, f->out[i]);
	spi_bus_frame(&f->bus, 0, 3, 0);
	spi_bus_select(&f->bus, 0);
	assert_int_equal(byte_at(f, 0), 0);
	program(f, 0, f->in, 0);
	assert_int_equal(status(f, 0x05), 2);
	spi_bus_select(&f->bus, 1);
	spi_bus_select(&f->bus, 0);
	assert_int_equal(status(f, 0x05), 2);
}

static void test_modes(void **state)
{
	struct fixture *f = *state;

	simple(f, 0x06);
	f->out[0] = 0x01;
	f->out[1] = 0xff;
	f->out[2] = 0x41;
	command(f, 3, 0);
	assert_int_equal(status(f, 0x05), 0xfc);
	assert_int_equal(status(f, 0x35), 0x41);
	assert_int_equal(status(f, 0x15), 0);
	simple(f, 0x06);
	f->out[0] = 0x11;
	f->out[1] = 0x60;
	command(f, 2, 0);
	assert_int_equal(status(f, 0x15), 0x60);

	simple(f, 0xb9); /* asleep: it hears one command only */
	f->out[0] = 0x9f;
	command(f, 1, 1);
	assert_int_equal(f->in[0], 0xff);
	command(f, at(f, 0xab, 3, 0), 1);
	assert_int_equal(f->in[0], 0x13);
	f->out[0] = 0x9f;
	command(f, 1, 1);
	assert_int_equal(f->in[0], 0xef);

	simple(f, 0xb7);
	command(f, at(f, 0x03, 4, 0x10), 1);
	assert_int_equal(f->in[0], 0);
	simple(f, 0x99); /* only behind 0x66 */
	command(f, at(f, 0x03, 4, 0x10), 1);
	assert_int_equal(f->in[0], 0);
	simple(f, 0x66);
	simple(f, 0x99);
	f->out[4] = 0;
	command(f, at(f, 0x0b, 3, 0x10) + 1, 1);
	assert_int_equal(f->in[0], 0);
}

/* 32 MiB: 4-byte addresses, by commands and by mode. */
static void test_wide(void **state)
{
	struct fixture *f = *state;
	unsigned n;

	spi_bus_fini(&f->bus);
	open_flash(f, 32 << 20, false);
	f->out[0] = 0x9f;
	command(f, 1, 3);
	assert_int_equal(f->in[2], 0x19);
	f->out[4] = 0;
	command(f, at(f, 0x5a, 3, 0) + 1, 80);
	assert_int_equal(f->in[18], 0x82); /* 3 or 4 bytes of address */
	simple(f, 0x06);
	command(f, at(f, 0x21, 4, 0x1fff000), 0);
	simple(f, 0x06);
	n = at(f, 0x12, 4, 0x1fff010);
	f->out[n] = 0x77;
	command(f, n + 1, 0);
	command(f, at(f, 0x13, 4, 0x1fff010), 1);
	assert_int_equal(f->in[0], 0x77);
	n = at(f, 0x0c, 4, 0x1fff00f);
	f->out[n] = 0;
	command(f, n + 1, 2);
	assert_memory_equal(f->in, "\xff\x77", 2);
	simple(f, 0xb7);
	command(f, at(f, 0x03, 4, 0x1fff010), 1);
	assert_int_equal(f->in[0], 0x77);
	simple(f, 0xe9);
	command(f, at(f, 0x03, 3, 0xfff010), 1);
	assert_int_equal(f->in[0], 0);
	spi_bus_fini(&f->bus);
	open_flash(f, 64 << 20, false);
	f->out[0] = 0x9f;
	command(f, 1, 3);
	assert_int_equal(f->in[2], 0x20);
}

static void test_read_only(void **state)
{
	struct fixture *f = *state;

	spi_bus_fini(&f->bus);
	open_flash(f, 65536, true);
	simple(f, 0x06);
	simple(f, 0x60);
	assert_int_equal(byte_at(f, 0), 0);
	simple(f, 0x06);
	program(f, 0, (const uint8_t *)"x", 1);
	assert_int_equal(file(f, 0), 0);
	assert_int_equal(status(f, 0x05), 0);
}

static void refused(const char *path, bool read_only, int error, const char *words)
{
	struct spi_part *p = NULL;
	struct err e;

	assert_int_equal(spi_flash_new(LABEL, path, read_only, &p, &e), error);
	assert_non_null(strstr(e.text, LABEL ",path="));
	assert_non_null(strstr(e.text, words));
}

static void test_mistakes(void **state)
{
	struct fixture *f = *state;

	refused("/nonexistent/flash", false, -ENOENT, "there is no such file; make an erased chip");
	refused("/tmp", true, -EINVAL, "is no file");
	refused(f->path, false, -EBUSY, "in use by another chip");
	spi_bus_fini(&f->bus);
	assert_int_equal(truncate(f->path, 100000), 0);
	refused(f->path, false, -EINVAL,
		"has 100000 bytes; such a chip has a power of two, 64K to 64M");
	assert_int_equal(truncate(f->path, 32768), 0);
	refused(f->path, false, -EINVAL, "has 32768 bytes");
	assert_int_equal(truncate(f->path, 65536), 0);
	if (geteuid()) {
		chmod(f->path, 0400);
		refused(f->path, false, -EACCES, "cannot be written; add ro=on");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_program_and_erase, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_short, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wide, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
